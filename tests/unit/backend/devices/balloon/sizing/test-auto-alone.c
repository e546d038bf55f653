// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --auto in the process of one guest, which asks itself and orders itself: a whole device process.
 */
#include "backend/devices/balloon/balloon.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB 1024u
/* as xen-vballoond's usual --auto-interval */
#define INTERVAL_MS 250u

static void start_auto(struct process_bench *b)
{
	b->opts.automatic = true;
	b->opts.steered = true;
	b->opts.auto_interval_ms = INTERVAL_MS;
	b->opts.stats_interval_s = 1;
	b->opts.auto_low_percent = 20;
	b->opts.auto_high_percent = 40;
	assert_true(process_bench_start(b));
}

/* The guest says how much is available to it. */
static void tell_available(struct process_bench *b, uint64_t kib)
{
	const uint16_t tag = BALLOON_STAT_AVAILABLE_MEMORY;
	const uint64_t bytes = kib * 1024;
	struct driver_buf buf = {.len = 10};
	unsigned char *page = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);
	uint16_t head;

	assert_non_null(page);
	memcpy(page, &tag, sizeof(tag));
	memcpy(page + sizeof(tag), &bytes, sizeof(bytes));
	assert_int_equal(driver_add(&b->driver.queue[2], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&b->driver.queue[2]), 0);
}

static void one_guest_decides_by_itself(void **state)
{
	struct process_bench *b = *state;
	const uint64_t features = F_VERSION_1 | 1u << 0 | 1u << 1;

	start_auto(b);
	/* of 20 MiB: more than the band's 8, so a 16th goes, and that is no size somebody named */
	assert_int_equal(driver_init(&b->driver, 5, features, 3), 0);
	tell_available(b, 10 * MIB);
	/* what it has too much is left to it for five seconds, and it says so all the time */
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(process_bench_num_pages(b), 0);
		machine_fake_pass(250);
		tell_available(b, 10 * MIB);
	}
	assert_true(process_bench_wait_key(b, "target", "19200"));
	assert_null(process_bench_key(b, "pinned"));
	assert_int_equal(process_bench_num_pages(b), 320);
	/* pressure shows: it has its memory within an interval */
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 320), 0);
	machine_fake_pass(1);
	tell_available(b, MIB);
	machine_fake_pass(INTERVAL_MS);
	assert_string_equal(process_bench_key(b, "target"), "20480");
	assert_int_equal(process_bench_num_pages(b), 0);
	/* somebody names one */
	process_bench_put(b, "target", "18432");
	process_bench_run(b);
	machine_fake_pass(2200);
	assert_string_equal(process_bench_key(b, "target"), "18432");
	assert_string_equal(process_bench_key(b, "pinned"), "1");
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
}

/* What --auto looks at four times a second xenstored has to write once a second. */
static void statistics_are_published_at_their_own_pace(void **state)
{
	struct process_bench *b = *state;
	const uint64_t features = F_VERSION_1 | 1u << 0 | 1u << 1;

	start_auto(b);
	assert_int_equal(driver_init(&b->driver, 5, features, 3), 0);
	tell_available(b, 4 * MIB);
	assert_true(process_bench_wait_key(b, "stats/available-memory", "4194304"));
	for (unsigned int i = 0; i < 3; i++) {
		tell_available(b, 5 * MIB);
		machine_fake_pass(INTERVAL_MS);
		assert_string_equal(process_bench_key(b, "stats/available-memory"), "4194304");
	}
	tell_available(b, 5 * MIB);
	machine_fake_pass(INTERVAL_MS);
	tell_available(b, 5 * MIB);
	machine_fake_pass(INTERVAL_MS);
	assert_string_equal(process_bench_key(b, "stats/available-memory"), "5242880");
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
}

/* It is asked for nothing, and served. */
static void a_guest_without_statistics_is_served(void **state)
{
	struct process_bench *b = *state;

	start_auto(b);
	assert_int_equal(process_bench_driver(b), 0);
	machine_fake_pass(1200);
	assert_int_equal(process_bench_num_pages(b), 0);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_guest_decides_by_itself),
		TEST(statistics_are_published_at_their_own_pace),
		TEST(a_guest_without_statistics_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
