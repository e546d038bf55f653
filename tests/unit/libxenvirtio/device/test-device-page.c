// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program in man 7 xenvirtio-device does what the page says: it is compiled here as it stands
 * there, and a driver is put in front of it on the fake hypervisor.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake/hv-fake.h"
#include "fake/store-fake.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"

/* What it prints comes here. */
static FILE *page_out;
#undef stdout
#define stdout page_out
#define main page_main
int page_main(int argc, char **argv);
#include "man/xenvirtio-device.c"
#undef main

#define DOMID 5
#define NODE "/local/domain/0/backend/virtio/5/0/"

static const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40fff } };

struct fixture {
	struct fake *fake;
	struct fake_store *xenstore;
	struct xenvirtio_hv *hv;
	struct xenvirtio_store *store;
	struct console console;
	struct bus_fake bus;
	struct driver driver;
	char *printed;
	size_t printed_bytes;
};

static struct fixture x;

static int process(void *opaque)
{
	return xenvirtio_server_process(x.console.server);
}

static int open_host(void **state)
{
	memset(&x, 0, sizeof(x));
	page_out = open_memstream(&x.printed, &x.printed_bytes);
	x.fake = fake_new(NULL);
	x.xenstore = fake_store_new();
	if (!page_out || !x.fake || !x.xenstore)
		return -1;
	return fake_open(x.fake, &x.hv) || fake_store_open(x.xenstore, &x.store);
}

static int close_host(void **state)
{
	bool clean;

	xenvirtio_store_close(x.store);
	xenvirtio_hv_close(x.hv);
	clean = !fake_faults_total(x.fake) && !fake_servers(x.fake) && !fake_open_fds(x.fake) &&
		!fake_live_mappings(x.fake);
	fake_free(x.fake);
	fake_store_free(x.xenstore);
	fclose(page_out);
	free(x.printed);
	return clean ? 0 : -1;
}

static void open_console(void)
{
	fake_store_put(x.xenstore, NODE "frontend", "/local/domain/5/device/virtio/0");
	fake_store_put(x.xenstore, NODE "frontend-id", "5");
	fake_store_put(x.xenstore, NODE "online", "1");
	fake_store_put(x.xenstore, NODE "state", "1");
	fake_store_put(x.xenstore, NODE "type", "virtio,device3");
	fake_store_put(x.xenstore, NODE "transport", "mmio");
	fake_store_put(x.xenstore, NODE "grant_usage", "0");
	fake_store_put(x.xenstore, NODE "base", "0x2000000");
	fake_store_put(x.xenstore, NODE "irq", "33");
	assert_int_equal(console_open(&x.console, x.hv, x.store, DOMID), 0);
	bus_fake_init(&x.bus, x.fake, x.console.bus.base.v, ram, xenvirtio_gfn(0x40100), process,
		      NULL, NULL);
	x.driver.bus = &x.bus.bus;
}

/* One chain of @nr times the same page, whose first byte is @first. */
static void say(char first, unsigned int nr, uint32_t len)
{
	struct driver_buf buf[DRIVER_QUEUE_SIZE_MAX];
	struct driver_queue *q = &x.driver.queue[QUEUE_TRANSMIT];
	uint16_t head, used;
	uint64_t gpa;
	uint32_t bytes;
	char *page = x.bus.bus.ops->alloc_page(&x.bus.bus, &gpa);

	assert_non_null(page);
	memset(page, '.', BUS_PAGE_BYTES);
	page[0] = first;
	for (unsigned int i = 0; i < nr; i++)
		buf[i] = (struct driver_buf){ .gpa = gpa, .len = len };
	assert_int_equal(driver_add(q, buf, nr, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(driver_collect(q, &used, &bytes), 0);
	assert_int_equal(used, head);
	assert_int_equal(bytes, 0);
}

static void what_the_guest_says_is_printed(void **state)
{
	uint64_t size;

	open_console();
	assert_string_equal(fake_store_get(x.xenstore, NODE "state"), "4");
	assert_int_equal(driver_init(&x.driver, CONSOLE_ID, 1 << CONSOLE_F_SIZE, 2), 0);
	assert_int_equal(x.bus.bus.ops->read(&x.bus.bus, REG_CONFIG, 4, &size), 0);
	assert_int_equal(size, 25 << 16 | 80);
	assert_int_equal(driver_kick(&x.driver.queue[QUEUE_RECEIVE]), 0);
	say('a', 1, 5);
	say('b', 2, 2);
	assert_int_equal(x.printed_bytes, 9);
	assert_memory_equal(x.printed, "a....b.b.", 9);
	assert_true(fake_irqs(x.fake, 33, true) >= 2);
	console_close(&x.console);
}

static void a_chain_without_end_is_cut(void **state)
{
	open_console();
	assert_int_equal(driver_init(&x.driver, CONSOLE_ID, 0, 2), 0);
	say('a', 17, BUS_PAGE_BYTES);
	assert_int_equal(x.printed_bytes, CHAIN_BYTES_MAX);
	console_close(&x.console);
}

static void without_a_device_nothing_is_left_open(void **state)
{
	assert_int_equal(console_open(&x.console, x.hv, x.store, DOMID), XENVIRTIO_E_EMPTY);
}

/* Failures that the library has another way for are none. Return: whether there was a call to fail */
static bool fails(uint64_t hv_call, uint64_t store_call, unsigned int *failures)
{
	bool reached;
	int ret;

	fake_store_put(x.xenstore, NODE "state", "1");
	fake_fail(x.fake, hv_call, -EIO, FAKE_FAIL_ONCE, false);
	fake_store_fail(x.xenstore, store_call, -EIO);
	ret = console_open(&x.console, x.hv, x.store, DOMID);
	reached = fake_failed(x.fake) || (store_call && fake_store_calls(x.xenstore) >= store_call);
	fake_fail(x.fake, 0, 0, FAKE_FAIL_ONCE, false);
	fake_store_fail(x.xenstore, 0, 0);
	if (ret)
		(*failures)++;
	else
		console_close(&x.console);
	assert_int_equal(fake_servers(x.fake), 0);
	assert_int_equal(fake_live_mappings(x.fake), 0);
	assert_string_equal(fake_store_get(x.xenstore, NODE "state"), ret ? "1" : "4");
	return reached;
}

static void each_failure_of_the_host_leaves_nothing(void **state)
{
	unsigned int of_hv = 0, of_store = 0;

	open_console();
	console_close(&x.console);
	for (uint64_t nth = 1; fails(nth, 0, &of_hv); nth++)
		;
	for (uint64_t nth = 1; fails(0, nth, &of_store); nth++)
		;
	/* RAM ranges and server; the list, a value each, and the state */
	assert_int_equal(of_hv, 2);
	assert_true(of_store > 5);
}

static void it_ends_with_the_domain_and_with_a_signal(void **state)
{
	int signals = eventfd(1, EFD_CLOEXEC);

	assert_true(signals >= 0);
	open_console();
	assert_int_equal(x.store->ops->watch(x.store, "@releaseDomain", "gone"), 0);
	assert_int_equal(serve(&x.console, x.hv, x.store, signals), 0);
	fake_set_dying(x.fake);
	fake_store_event(x.xenstore, "@releaseDomain");
	assert_int_equal(serve(&x.console, x.hv, x.store, -1), XENVIRTIO_E_GONE);
	console_close(&x.console);
	close(signals);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_host, close_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_guest_says_is_printed),
		TEST(a_chain_without_end_is_cut),
		TEST(without_a_device_nothing_is_left_open),
		TEST(each_failure_of_the_host_leaves_nothing),
		TEST(it_ends_with_the_domain_and_with_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
