// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pause that is given up: the guest runs on what there is, whoever dies, until it is reset again, and the refill goes on beside
 * it. What the state file says meanwhile keeps a daemon away that knows nothing of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define NR 500u
enum { INFLATE, DEFLATE };

static bool is_paused(struct bench *b)
{
	struct xenvirtio_domain_info info;

	assert_int_equal(b->hv->ops->domain_info(b->hv, &info), 0);
	return info.paused;
}

static const struct balloon_persist *saved(const struct bench *b)
{
	return b->persist;
}

/* Reset with a balloon, and nothing to be had. */
static void get_paused(struct bench *b)
{
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, NR), 0);
	b->turns_max = 0;
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(is_paused(b));
	assert_true(bench_status(b).refilling);
	assert_false(bench_status(b).on_holes);
}

static void get_all_back(struct bench *b)
{
	fake_set_heap(b->fake, NR);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(bench_status(b).refilling);
	assert_false(bench_status(b).on_holes);
	assert_false(is_paused(b));
	bench_assert_exact(b);
}

/* An ordinary shutdown resets the device: it goes on without what it never misses. */
static void the_guest_runs_and_the_refill_goes_on(void **state)
{
	struct bench *b = *state;

	get_paused(b);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_false(is_paused(b));
	assert_false(bench_status(b).guest_paused);
	assert_true(bench_status(b).on_holes);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		assert_false(is_paused(b));
	}
	/* no driver comes up that would know of the holes */
	assert_int_not_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	get_all_back(b);
}

static void without_a_pause_nothing_is_given_up(void **state)
{
	struct bench *b = *state;

	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_int_equal(b->hv->ops->pause(b->hv), 0);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_true(is_paused(b));
	get_paused(b);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_true(is_paused(b));
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
	assert_false(is_paused(b));
}

static void a_successor_does_not_pause_again(void **state)
{
	struct bench *b = *state;

	get_paused(b);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_false(is_paused(b));
	assert_true(bench_status(b).on_holes);
	get_all_back(b);
}

/* Killed at the call, before it and after it. */
static void a_successor_ends_the_pause(void **state)
{
	struct bench *b = *state;

	get_paused(b);
	fake_fail(b->fake, 1, -EIO, FAKE_FAIL_ONCE, false);
	assert_int_equal(balloon_give_up_pause(b->balloon), -EIO);
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_false(is_paused(b));
	assert_true(bench_status(b).on_holes);
	get_all_back(b);
}

/* The next kernel is another one. */
static void the_next_reset_pauses_again(void **state)
{
	struct bench *b = *state;

	get_paused(b);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(is_paused(b));
	assert_false(bench_status(b).on_holes);
	get_all_back(b);
}

/* Nobody is left who would end it. */
static void a_device_that_is_removed_leaves_no_pause(void **state)
{
	struct bench *b = *state;

	get_paused(b);
	assert_int_equal(balloon_remove(b->balloon), 0);
	assert_false(is_paused(b));
	/* not ours to end */
	assert_int_equal(b->hv->ops->pause(b->hv), 0);
	assert_int_equal(balloon_remove(b->balloon), 0);
	assert_true(is_paused(b));
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
}

/* As it was before there were pauses, or nothing that a daemon of that time takes. */
static void a_daemon_of_before_refuses_the_file_meanwhile(void **state)
{
	struct bench *b = *state;

	assert_in_range(saved(b)->nr_ranges, 1, FRAMES_RANGES_MAX);
	get_paused(b);
	assert_int_equal(frames_count(saved(b)->range, saved(b)->nr_ranges), 0);
	assert_int_equal(balloon_give_up_pause(b->balloon), 0);
	assert_int_equal(frames_count(saved(b)->range, saved(b)->nr_ranges), 0);
	get_all_back(b);
	assert_in_range(saved(b)->nr_ranges, 1, FRAMES_RANGES_MAX);
	assert_int_equal(saved(b)->journal.pause, 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(the_guest_runs_and_the_refill_goes_on),
		ON_BENCH(without_a_pause_nothing_is_given_up),
		ON_BENCH(a_successor_does_not_pause_again),
		ON_BENCH(a_successor_ends_the_pause),
		ON_BENCH(the_next_reset_pauses_again),
		ON_BENCH(a_device_that_is_removed_leaves_no_pause),
		ON_BENCH(a_daemon_of_before_refuses_the_file_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
