// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that is paused because it was reset: how long it waits for memory, and that whoever ends leaves it to a successor or has
 * it run.
 */
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NR 160u

static bool is_paused(struct process_bench *b)
{
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv;

	assert_int_equal(fake_open(b->fake, &hv), 0);
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	hv->ops->close(hv);
	return info.paused;
}

/* Reset with a balloon, and nothing to be had: the moment the pause begins. */
static void get_paused(struct process_bench *b)
{
	process_bench_inflated(b, NR);
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(process_bench_wait_key(b, "paused", "1"));
	assert_true(is_paused(b));
}

/* @s seconds, a multiple of 5, go by, and the guest waits. */
static void waits(struct process_bench *b, unsigned int s)
{
	for (; s; s -= 5)
		assert_false(process_bench_wait_key(b, "paused", NULL));
	assert_true(is_paused(b));
}

/* A guest that only shuts down does so on a host without memory, too. */
static void after_half_a_minute_it_runs_on(void **state)
{
	struct process_bench *b = *state;

	get_paused(b);
	waits(b, 25);
	assert_true(process_bench_wait_key(b, "paused", NULL) || process_bench_wait_key(b, "paused", NULL));
	assert_false(is_paused(b));
	process_bench_key_is(b, "holes", "640");
	assert_true(log_capture_has(&b->capture, "the guest runs on without 640 KiB of its memory"));
	process_bench_key_is(b, "ballooned", "640");
	fake_set_heap(b->fake, NR);
	assert_true(process_bench_wait_key(b, "ballooned", "0") || process_bench_wait_key(b, "ballooned", "0"));
	assert_null(process_bench_key(b, "holes"));
	assert_null(process_bench_key(b, "stalled"));
	assert_false(is_paused(b));
}

/* A host that frees memory for it, if slowly, is waited for; one page now and then is not that. */
static void while_memory_comes_it_waits(void **state)
{
	struct process_bench *b = *state;

	get_paused(b);
	waits(b, 20);
	fake_set_heap(b->fake, NR / 2);
	waits(b, 35);
	fake_set_heap(b->fake, 1);
	for (int i = 0; i < 8 && is_paused(b); i++)
		process_bench_wait_key(b, "paused", NULL);
	assert_false(is_paused(b));
	process_bench_key_is(b, "holes", "316");
}

static void the_toolstacks_close_ends_the_pause(void **state)
{
	struct process_bench *b = *state;

	get_paused(b);
	process_bench_put(b, "online", "0");
	process_bench_ends_clean(b);
	assert_false(is_paused(b));
}

/* A host's failure at any call: who ends for it has the guest run, or leaves what a successor needs. */
static void whatever_fails_somebody_ends_the_pause(void **state)
{
	bool ended = true;
	uint64_t nth;

	for (nth = 1; ended; nth++) {
		struct process_bench *b = process_bench_new();

		get_paused(b);
		fake_set_heap(b->fake, NR);
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		process_bench_wait_key(b, "paused", NULL);
		ended = process_bench_ended(b, NULL);
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		if (is_paused(b)) {
			assert_true(process_bench_has_state(b));
			process_bench_stop(b);
			assert_true(process_bench_start(b));
			process_bench_wait_key(b, "ballooned", "0");
		}
		assert_false(is_paused(b));
		process_bench_free(b);
		assert_true(nth < 100);
	}
	assert_true(nth > 3);
	assert_non_null(*state);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, process_bench_setup, process_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(after_half_a_minute_it_runs_on),
		TEST(while_memory_comes_it_waits),
		TEST(the_toolstacks_close_ends_the_pause),
		TEST(whatever_fails_somebody_ends_the_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
