// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The entropy device with a driver in front: buffers are filled to their end and no further, with
 * what the source gave and nothing else; no turn and no period takes more than it may, whatever the
 * guest posts; who waits is not forgotten.
 */
#include "backend/devices/rng/rng.h"
#include "fake/hv-fake.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

#define BASE 0x2000000u
#define IRQ 33u
#define PAGE BUS_PAGE_BYTES
/** of an indirect table of the driver's */
#define SEGMENTS 4

static struct {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct rng *rng;
	struct rng_memory memory;
	struct xenvirtio_device_state state;
	struct xenvirtio_server *server;
	uint16_t server_id;
	struct bus_fake bus;
	struct driver driver;
	uint64_t allowance;
	uint64_t asked; /* of the source, bytes */
	int source;	/* what it answers */
	unsigned char next;
	bool again; /* it has more to do */
	uint64_t errors[XENVIRTIO_GUEST_ERRORS];
} x;

/* Bytes that can be told from each other and are never what a fresh page has. */
static int fill(void *opaque, void *buf, size_t len)
{
	unsigned char *at = buf;

	x.asked += len;
	for (size_t i = 0; i < len; i++) {
		x.next = x.next % 250 + 1;
		at[i] = x.next;
	}
	return x.source;
}

static void nothing(void *opaque)
{
}

static void count_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	x.errors[kind]++;
}

static struct rng_status status(void)
{
	struct rng_status s;

	rng_get_status(x.rng, &s);
	return s;
}

static int serve(void *opaque)
{
	int rc = xenvirtio_server_process(x.server);

	x.again = rc == XENVIRTIO_E_AGAIN;
	return x.again ? 0 : rc;
}

/* As a process that dies: what is in Xen stays there. */
static void end(void)
{
	xenvirtio_server_free(x.server);
	rng_free(x.rng);
	xenvirtio_gmem_free(x.gmem);
	xenvirtio_hv_close(x.hv);
	x.server = NULL;
	x.rng = NULL;
	x.gmem = NULL;
	x.hv = NULL;
}

static int begin(void)
{
	struct rng_config cfg = {
		.fill = fill,
		.changed = nothing,
		.guest_error = count_error,
		.allowance = x.allowance,
	};
	int rc;

	assert_int_equal(fake_open(x.fake, &x.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&x.gmem, x.hv, 16), 0);
	cfg.gmem = x.gmem;
	rc = rng_new(&x.rng, &cfg, &x.memory, &x.state);
	if (rc) {
		x.rng = NULL;
		end();
		return rc;
	}
	assert_int_equal(xenvirtio_server_new(&x.server, x.hv, x.gmem), 0);
	assert_int_equal(
		xenvirtio_server_add(x.server, rng_device(x.rng), xenvirtio_gpa(BASE), IRQ), 0);
	assert_int_equal(xenvirtio_server_open(x.server, &x.server_id), 0);
	return xenvirtio_server_resume(x.server);
}

static int setup(void **state)
{
	const struct xenvirtio_gfn_range ram = {{0x40000}, {0x40fff}};

	memset(&x, 0, sizeof(x));
	x.fake = fake_new(NULL);
	assert_non_null(x.fake);
	x.allowance = RNG_ALL;
	x.server_id = XENVIRTIO_IOREQ_NEW;
	assert_int_equal(begin(), 0);
	bus_fake_init(&x.bus, x.fake, BASE, ram, xenvirtio_gfn(0), serve, NULL, NULL);
	x.driver.bus = &x.bus.bus;
	return 0;
}

static int setup_scarce(void **state)
{
	setup(state);
	assert_int_equal(xenvirtio_server_close(x.server), 0);
	end();
	x.allowance = 1000;
	x.server_id = XENVIRTIO_IOREQ_NEW;
	memset(&x.state, 0, sizeof(x.state));
	return begin();
}

static int teardown(void **state)
{
	end();
	assert_int_equal(fake_faults_total(x.fake), 0);
	assert_int_equal(fake_live_pages(x.fake), 0);
	fake_free(x.fake);
	return 0;
}

static void load_driver_with(uint64_t features)
{
	assert_int_equal(driver_init(&x.driver, RNG_DEVICE_ID, F_VERSION_1 | features, 1), 0);
}

static void load_driver(void)
{
	load_driver_with(0);
}

/* A buffer of @bytes of a page of its own. Return: the page */
static unsigned char *post(uint32_t bytes, bool writable)
{
	struct driver_buf buf = {.len = bytes, .writable = writable};
	unsigned char *page = x.bus.bus.ops->alloc_page(&x.bus.bus, &buf.gpa);
	uint16_t head;

	assert_non_null(page);
	assert_int_equal(driver_add(&x.driver.queue[0], &buf, 1, false, &head), 0);
	return page;
}

static int kick(void)
{
	return driver_kick(&x.driver.queue[0]);
}

/* How much of the next one that came back was filled; -1: none came. */
static int64_t collect(void)
{
	uint16_t head;
	uint32_t len;
	int rc = driver_collect(&x.driver.queue[0], &head, &len);

	assert_true(rc == 0 || rc == DRIVER_EMPTY);
	return rc ? -1 : (int64_t)len;
}

static void assert_filled(const unsigned char *page, size_t bytes)
{
	for (size_t i = 0; i < PAGE; i++)
		assert_int_equal(page[i] != 0, i < bytes);
}

static void a_buffer_is_filled_to_its_end(void **state)
{
	const uint32_t sizes[] = {1, 255, 256, 257, 4095};

	load_driver();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *page = post(sizes[i], true);

		assert_int_equal(kick(), 0);
		assert_int_equal(collect(), sizes[i]);
		assert_filled(page, sizes[i]);
	}
	assert_int_equal(status().requests, 5);
	assert_int_equal(status().given, 1 + 255 + 256 + 257 + 4095);
	assert_int_equal(x.asked, status().given);
}

static void a_turn_takes_so_much_and_no_more(void **state)
{
	unsigned int turns = 0;
	uint64_t before;

	load_driver();
	for (int i = 0; i < 32; i++)
		post(PAGE, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(status().given, RNG_TURN_BYTES);
	for (before = RNG_TURN_BYTES; x.again; before = status().given) {
		assert_int_equal(serve(NULL), 0);
		assert_true(status().given - before <= RNG_TURN_BYTES);
		assert_true(++turns < 100);
	}
	assert_int_equal(status().given, 32 * PAGE);
	for (int i = 0; i < 32; i++)
		assert_int_equal(collect(), PAGE);
}

/* What a driver may not do, and no error either: it has them back as they were. */
static void buffers_without_room_come_back_empty(void **state)
{
	load_driver();
	for (int round = 0; round < 64; round++) {
		for (int i = 0; i < 32; i++)
			post(16, false);
		assert_int_equal(kick(), 0);
		for (int i = 0; i < 32; i++)
			assert_int_equal(collect(), 0);
		/* their pages again */
		x.bus.next_gfn -= 32;
	}
	assert_int_equal(status().given, 0);
	assert_int_equal(status().requests, 64 * 32);
}

/* They are work all the same. */
static void an_empty_buffer_takes_of_the_allowance(void **state)
{
	load_driver();
	for (int i = 0; i < 32; i++)
		post(16, false);
	assert_int_equal(kick(), 0);
	/* 1000 bytes are 15 times 64, and what is left over once more */
	assert_int_equal(status().requests, 16);
	assert_int_equal(status().allowance, 0);
	assert_int_equal(status().waits, 1);
}

static void a_driver_gets_its_allowance_and_waits_for_more(void **state)
{
	unsigned char *first, *second;

	load_driver();
	first = post(600, true);
	second = post(600, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(collect(), 600);
	assert_int_equal(collect(), 400);
	assert_filled(first, 600);
	assert_filled(second, 400);
	second = post(600, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(collect(), -1);
	assert_false(rng_work_pending(x.rng));
	rng_allow(x.rng, 1000);
	assert_true(rng_work_pending(x.rng));
	assert_int_equal(rng_work(x.rng), 0);
	assert_int_equal(collect(), 600);
	assert_filled(second, 600);
	assert_int_equal(status().waits, 1);
	assert_int_equal(status().given, 1600);
}

/* The allowance is the guest's, not the driver's: a reset gives no other one, and nobody is lost.
 */
static void a_reset_is_no_way_to_more(void **state)
{
	unsigned char *page;

	for (int i = 0; i < 3; i++) {
		load_driver();
		post(PAGE, true);
		assert_int_equal(kick(), 0);
	}
	assert_int_equal(status().given, 1000);
	rng_allow(x.rng, 1000);
	assert_true(rng_work_pending(x.rng));
	assert_int_equal(rng_work(x.rng), 0);
	assert_int_equal(collect(), 1000);
	/* one that waits when the driver goes: the next driver is served by its own kick */
	load_driver();
	rng_allow(x.rng, 1000);
	page = post(100, true);
	assert_int_equal(kick(), 0);
	while (rng_work_pending(x.rng))
		assert_int_equal(rng_work(x.rng), 0);
	assert_int_equal(collect(), 100);
	assert_filled(page, 100);
}

static void what_is_not_random_is_not_given(void **state)
{
	unsigned char *page;

	load_driver();
	page = post(PAGE, true);
	x.source = -EIO;
	assert_int_equal(kick(), -EIO);
	assert_int_equal(collect(), -1);
	assert_filled(page, 0);
	assert_int_equal(status().given, 0);
}

static void a_buffer_outside_ram_costs_that_guest(void **state)
{
	struct driver_buf buf = {.gpa = x.bus.bus.outside_gpa, .len = PAGE, .writable = true};
	uint16_t head;

	load_driver();
	buf.gpa = x.bus.bus.outside_gpa;
	assert_int_equal(driver_add(&x.driver.queue[0], &buf, 1, false, &head), 0);
	assert_int_equal(kick(), 0);
	assert_true(x.errors[XENVIRTIO_GUEST_BAD_ADDRESS] + x.errors[XENVIRTIO_GUEST_BAD_RING] > 0);
	assert_int_equal(status().given, 0);
	/* and a driver that begins anew is served */
	load_driver();
	post(64, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(collect(), 64);
}

/* Segments of one byte, each on a page of its own: each is a page to map, and paid for. */
static void segments_are_work(void **state)
{
	struct driver_buf buf[SEGMENTS];
	uint64_t calls;
	uint16_t head;

	load_driver_with(F_INDIRECT);
	for (size_t i = 0; i < SEGMENTS; i++) {
		buf[i] = (struct driver_buf){.len = 1, .writable = true};
		assert_non_null(x.bus.bus.ops->alloc_page(&x.bus.bus, &buf[i].gpa));
	}
	for (int i = 0; i < 256 / SEGMENTS; i++)
		assert_int_equal(driver_add(&x.driver.queue[0], buf, SEGMENTS, true, &head), 0);
	calls = fake_calls(x.fake);
	assert_int_equal(kick(), 0);
	assert_int_equal(status().given, RNG_TURN_BYTES / RNG_SEGMENT_BYTES);
	assert_true(x.again);
	assert_true(fake_calls(x.fake) - calls <= 4 * RNG_TURN_BYTES / RNG_SEGMENT_BYTES);
}

/* A buffer that is not given back would be filled once more by a successor, behind the driver's back. */
static void a_buffer_whose_memory_went_stops_the_device(void **state)
{
	struct driver_buf buf = {.len = 64, .writable = true};
	uint16_t head;

	load_driver();
	assert_non_null(x.bus.bus.ops->alloc_page(&x.bus.bus, &buf.gpa));
	fake_make_hole(x.fake, xenvirtio_gfn(buf.gpa / PAGE), 1);
	assert_int_equal(driver_add(&x.driver.queue[0], &buf, 1, false, &head), 0);
	post(64, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(x.errors[XENVIRTIO_GUEST_BAD_ADDRESS], 1);
	assert_true(xenvirtio_device_status(rng_device(x.rng)) & XENVIRTIO_STATUS_NEEDS_RESET);
	assert_int_equal(collect(), -1);
	assert_false(rng_work_pending(x.rng));
	load_driver();
	post(64, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(collect(), 64);
}

static void a_successor_goes_on(void **state)
{
	unsigned char *page;

	load_driver();
	post(64, true);
	assert_int_equal(kick(), 0);
	assert_int_equal(collect(), 64);
	end();
	page = post(100, true);
	assert_int_equal(begin(), 0);
	/* the kick went to nobody: resuming looks */
	assert_int_equal(collect(), 100);
	assert_filled(page, 100);
	assert_int_equal(status().given, 164);
	assert_int_equal(status().requests, 1);
}

static void memory_that_cannot_be_is_refused(void **state)
{
	const struct rng_memory good = x.memory;
	struct rng_memory bad[] = {good, good, {.given = 1}};

	bad[0].version++;
	bad[1].bytes--;
	end();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		x.memory = bad[i];
		assert_int_equal(begin(), -EBADMSG);
		assert_memory_equal(&x.memory, &bad[i], sizeof(x.memory));
	}
	x.memory = good;
	assert_int_equal(begin(), 0);
	/* killed while it was made: its version comes last */
	end();
	x.memory = (struct rng_memory){.bytes = sizeof(good)};
	assert_int_equal(begin(), 0);
	assert_memory_equal(&x.memory, &good, sizeof(good));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define SCARCE(f) cmocka_unit_test_setup_teardown(f, setup_scarce, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_buffer_is_filled_to_its_end),
		TEST(a_turn_takes_so_much_and_no_more),
		TEST(buffers_without_room_come_back_empty),
		SCARCE(an_empty_buffer_takes_of_the_allowance),
		SCARCE(a_driver_gets_its_allowance_and_waits_for_more),
		SCARCE(a_reset_is_no_way_to_more),
		TEST(what_is_not_random_is_not_given),
		TEST(a_buffer_outside_ram_costs_that_guest),
		TEST(segments_are_work),
		TEST(a_buffer_whose_memory_went_stops_the_device),
		TEST(a_successor_goes_on),
		TEST(memory_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
