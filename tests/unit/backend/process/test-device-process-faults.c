// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The n-th call to the hypervisor or to xenstored fails, for every n of a daemon's life: nothing is
 * leaked, a guest that counts on its device finds it with the next daemon, and what Xen holds back
 * is exactly what that one says.
 */
#include "unit/rigs/process-bench.h"
#include "unit/rigs/stride.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGES 300u

/* A life: start, driver, inflate, a target, deflate in part, close. Stops where it fails. */
static void live(struct process_bench *b)
{
	if (!process_bench_start(b) || process_bench_driver(b) ||
	    process_bench_send(b, 0, BENCH_FREE_GFN, PAGES))
		return;
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	if (process_bench_send(b, 1, BENCH_FREE_GFN, PAGES / 3))
		return;
	process_bench_put(b, "state", "5");
	process_bench_run(b);
}

static void assert_never_wrong(struct process_bench *b)
{
	const struct fake_faults *faults = fake_faults(b->fake);

	assert_int_equal(faults->leaked, 0);
	assert_int_equal(faults->populated_outside, 0);
	assert_int_equal(faults->bad_state, 0);
	assert_int_equal(faults->bad_unmap, 0);
}

/* Whatever happened, a daemon without failures takes over, tells the truth, and cleans up. */
static void assert_next_is_right(struct process_bench *b)
{
	char ballooned[24];

	process_bench_stop(b);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_store_handles(b->store), 0);
	process_bench_put(b, "state", "1");
	process_bench_put(b, "online", "1");
	assert_true(process_bench_start(b));
	snprintf(ballooned, sizeof(ballooned), "%u", (unsigned int)fake_holes(b->fake) * 4);
	assert_true(process_bench_wait_key(b, "ballooned", ballooned));
	process_bench_put(b, "state", "5");
	assert_true(process_bench_wait_end(b, NULL));
	assert_int_equal(fake_servers(b->fake), 0);
	assert_int_not_equal(access(b->state_file, F_OK), 0);
	assert_never_wrong(b);
}

/* One life with a failure in it. False: the life has fewer calls than that. */
static bool live_with_failed_hv_call(uint64_t nth, int result)
{
	struct process_bench *b = process_bench_new();
	bool failed;

	fake_fail(b->fake, nth, result, FAKE_FAIL_ONCE, false);
	live(b);
	failed = fake_failed(b->fake);
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	/* a clean end has forgotten the balloon, rightly: the domain or its device was gone */
	if (access(b->state_file, F_OK) == 0 || !fake_holes(b->fake))
		assert_next_is_right(b);
	process_bench_free(b);
	return failed;
}

static void every_hypervisor_call_may_fail(void **state)
{
	static const int results[] = {-ENOMEM, -EPERM};
	uint64_t nth;

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		for (nth = 1; live_with_failed_hv_call(nth, results[i]); nth += stride())
			;
		/* it was a life, not a stillbirth */
		assert_true(nth > 20);
	}
}

static void the_domain_may_go_at_every_call(void **state)
{
	for (uint64_t nth = 1;; nth += stride()) {
		struct process_bench *b = process_bench_new();
		bool failed;
		enum exit_code code;

		fake_fail(b->fake, nth, XENVIRTIO_E_GONE, FAKE_FAIL_FROM, false);
		live(b);
		failed = fake_failed(b->fake);
		if (failed) {
			assert_true(process_bench_wait_end(b, &code));
			assert_true(code == EXIT_CODE_DONE || code == EXIT_CODE_NO_DEVICE);
			assert_int_equal(fake_live_pages(b->fake), 0);
			assert_int_equal(fake_open_handles(b->fake), 0);
			assert_int_not_equal(access(b->state_file, F_OK), 0);
		}
		assert_never_wrong(b);
		process_bench_free(b);
		if (!failed)
			break;
	}
}

static bool live_with_failed_store_call(uint64_t nth, int result)
{
	struct process_bench *b = process_bench_new();
	uint64_t calls;

	fake_store_fail(b->store, nth, result);
	live(b);
	calls = fake_store_calls(b->store);
	fake_store_fail(b->store, 0, 0);
	if (!process_bench_ended(b, NULL)) {
		/* it serves on, and closes as soon as it hears */
		process_bench_put(b, "online", "0");
		assert_true(process_bench_wait_end(b, NULL));
	}
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_never_wrong(b);
	process_bench_free(b);
	return calls >= nth;
}

static void every_xenstore_call_may_fail(void **state)
{
	static const int results[] = {-EPIPE, -EACCES, -ENOSPC};
	uint64_t nth;

	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		for (nth = 1; live_with_failed_store_call(nth, results[i]); nth += stride())
			;
		assert_true(nth > 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hypervisor_call_may_fail),
		cmocka_unit_test(the_domain_may_go_at_every_call),
		cmocka_unit_test(every_xenstore_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
