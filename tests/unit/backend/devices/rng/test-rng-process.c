// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core with another device type: the same process, socket, node and state file, and an entropy
 * device in it. What is the balloon's is not there; what every device has is.
 */
#include "backend/devices/rng/daemon/rng-daemon.h"
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/** a tenth of 64 KiB, less what is no whole byte */
#define PERIOD_BYTES 6553
#define PERIOD_MS 100

static struct rng_options opts;

static int setup(void **state)
{
	struct process_bench *b = process_bench_new();

	opts = (struct rng_options){.common = b->opts.common, .rate_kib = 64};
	opts.common.program = &rng_program;
	b->type = &rng_type;
	b->type_opts = &opts.common;
	process_bench_put(b, "type", "virtio,device4");
	*state = b;
	return 0;
}

static void load_driver(struct process_bench *b)
{
	assert_int_equal(driver_init(&b->driver, 4, F_VERSION_1, 1), 0);
}

static unsigned char *post(struct process_bench *b, uint32_t bytes)
{
	struct driver_buf buf = {.len = bytes, .writable = true};
	unsigned char *page = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);
	uint16_t head;

	assert_non_null(page);
	assert_int_equal(driver_add(&b->driver.queue[0], &buf, 1, false, &head), 0);
	return page;
}

/* All that came back, in bytes. */
static uint64_t collect(struct process_bench *b)
{
	uint64_t bytes = 0;
	uint16_t head;
	uint32_t len;

	while (!driver_collect(&b->driver.queue[0], &head, &len))
		bytes += len;
	return bytes;
}

static void a_guest_gets_random_bytes(void **state)
{
	struct process_bench *b = *state;
	unsigned char *page, *other;

	assert_true(process_bench_start(b));
	process_bench_key_is(b, "state", "4");
	load_driver(b);
	page = post(b, 256);
	other = post(b, 256);
	assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
	process_bench_run(b);
	assert_int_equal(collect(b), 512);
	assert_memory_not_equal(page, other, 256);
	assert_true(process_bench_wait_key(b, "given", "512"));
	/* what is the balloon's is not there */
	assert_null(process_bench_key(b, "ballooned"));
	assert_null(process_bench_key(b, "target"));
}

static void its_socket_knows_what_every_device_has(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd;

	assert_true(process_bench_start(b));
	load_driver(b);
	fd = client_connect(b->socket_path);
	assert_true(fd >= 0);
	client_send(fd, "{\"cmd\":\"version\"}\n");
	json = client_json(b->base, fd);
	assert_string_equal(json_object_get_string(json_at(json, "result.program")), "xen-vrngd");
	json_object_put(json);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":4096}\n");
	expect_error(b->base, fd, "unknown-command");
	client_send(fd, "{\"cmd\":\"watch\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.given_bytes")), 0);
	assert_null(json_at(json, "result.ballooned_kib"));
	json_object_put(json);
	post(b, 100);
	assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
	json_object_put(client_json_until(b->base, fd, "status.given_bytes", 100));
	close(fd);
}

static void a_guest_gets_its_rate_and_no_more(void **state)
{
	struct process_bench *b = *state;
	uint64_t given = 0;

	assert_true(process_bench_start(b));
	load_driver(b);
	for (int i = 0; i < 32; i++)
		post(b, BUS_PAGE_BYTES);
	assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
	for (int period = 1; period <= 10; period++) {
		process_bench_run(b);
		given += collect(b);
		assert_int_equal(given, period * PERIOD_BYTES);
		machine_fake_pass(PERIOD_MS);
	}
}

static void without_a_rate_nothing_waits(void **state)
{
	struct process_bench *b = *state;
	uint64_t timers;

	opts.rate_kib = 0;
	assert_true(process_bench_start(b));
	load_driver(b);
	for (int i = 0; i < 32; i++)
		post(b, BUS_PAGE_BYTES);
	timers = machine_fake_fired();
	assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
	process_bench_run(b);
	assert_int_equal(collect(b), 32 * BUS_PAGE_BYTES);
	assert_int_equal(machine_fake_fired(), timers);
}

static void an_idle_guest_costs_no_wakeups_of_its_own(void **state)
{
	struct process_bench *b = *state;
	uint64_t timers;

	assert_true(process_bench_start(b));
	load_driver(b);
	post(b, 64);
	assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
	machine_fake_pass(1000);
	process_bench_run(b);
	timers = machine_fake_fired();
	machine_fake_pass(10000);
	/* every other second the domain and xenstore are looked at */
	assert_int_equal(machine_fake_fired() - timers, 5);
}

static void a_successor_goes_on(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	load_driver(b);
	post(b, 64);
	assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
	assert_int_equal(collect(b), 64);
	process_bench_stop(b);
	assert_true(process_bench_has_state(b));
	post(b, 100);
	assert_true(process_bench_start(b));
	process_bench_run(b);
	assert_int_equal(collect(b), 100);
	assert_true(process_bench_wait_key(b, "given", "164"));
}

/* Another process of the same guest has its balloon: a frame that went and came is another frame. */
static void a_frame_that_went_and_came_is_mapped_anew(void **state)
{
	struct process_bench *b = *state;
	struct driver_buf buf = {.len = 64, .writable = true};
	struct xenvirtio_hv *balloon;
	unsigned char *page;
	uint16_t head;

	assert_true(process_bench_start(b));
	load_driver(b);
	assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa));
	for (int i = 0; i < 3; i++) {
		struct xenvirtio_gfn gfn = xenvirtio_gfn(buf.gpa / BUS_PAGE_BYTES);
		size_t done;

		assert_int_equal(driver_add(&b->driver.queue[0], &buf, 1, false, &head), 0);
		assert_int_equal(driver_kick(&b->driver.queue[0]), 0);
		process_bench_run(b);
		assert_int_equal(collect(b), 64);
		page = fake_guest_page(b->fake, gfn);
		for (size_t at = 0, zeroes = 0; at < 64; at++) {
			zeroes += page[at] == 0;
			assert_true(zeroes < 16);
		}
		assert_int_equal(fake_open(b->fake, &balloon), 0);
		assert_int_equal(balloon->ops->release_pages(balloon, &gfn, 1, 0, &done), 0);
		assert_int_equal(balloon->ops->populate_pages(balloon, &gfn, 1, 0, &done), 0);
		assert_int_equal(done, 1);
		xenvirtio_hv_close(balloon);
	}
}

/* Two daemons, one --state-dir: neither takes the other's file for its own. */
static void the_state_of_a_balloon_is_none_of_its_business(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	b->type = &balloon_type;
	b->type_opts = &b->opts.common;
	process_bench_put(b, "type", "virtio,device5");
	process_bench_inflated(b, 16);
	process_bench_stop(b);
	b->type = &rng_type;
	b->type_opts = &opts.common;
	process_bench_put(b, "type", "virtio,device4");
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_UNSUITABLE);
	assert_non_null(strstr(b->capture.all, "of another type: give each daemon a --state-dir"));
	assert_null(strstr(b->capture.all, "remove the file"));
	assert_true(process_bench_has_state(b));
	process_bench_stop(b);
	/* it was left as it is */
	b->type = &balloon_type;
	b->type_opts = &b->opts.common;
	process_bench_put(b, "type", "virtio,device5");
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "ballooned", "64");
}

static void it_ends_with_its_guest(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	load_driver(b);
	process_bench_put(b, "online", "0");
	process_bench_ends_clean(b);
	process_bench_key_is(b, "state", "6");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, process_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_gets_random_bytes),
		TEST(its_socket_knows_what_every_device_has),
		TEST(a_guest_gets_its_rate_and_no_more),
		TEST(without_a_rate_nothing_waits),
		TEST(an_idle_guest_costs_no_wakeups_of_its_own),
		TEST(a_successor_goes_on),
		TEST(a_frame_that_went_and_came_is_mapped_anew),
		TEST(the_state_of_a_balloon_is_none_of_its_business),
		TEST(it_ends_with_its_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
