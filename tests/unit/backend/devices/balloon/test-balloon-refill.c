// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reset leaves no driver that knows of the holes. They are filled a turn at a time, and until the last one is, no vcpu runs:
 * whatever the host has, whoever dies, whoever else pauses the guest.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define NR 3000u
enum { INFLATE, DEFLATE };

static bool is_paused(struct bench *b)
{
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv;

	assert_int_equal(fake_open(b->fake, &hv), 0);
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	hv->ops->close(hv);
	return info.paused;
}

/* @nr frames in the balloon, and turns are the test's. */
static void inflate(struct bench *b, uint64_t nr)
{
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, nr), 0);
	b->turns_max = 0;
}

static void turns(struct bench *b)
{
	for (unsigned int i = 0; bench_status(b).work_pending; i++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		assert_true(i < 100);
	}
}

static void a_few_frames_need_no_pause(void **state)
{
	struct bench *b = *state;

	inflate(b, 500);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(bench_status(b).work_pending);
	assert_false(is_paused(b));
	bench_assert_exact(b);
}

/* Tens of GiB are no reason to keep a register access waiting. */
static void many_take_turns_and_a_pause(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(is_paused(b));
	assert_true(bench_status(b).guest_paused);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_true(bench_status(b).work_pending);
	assert_in_range(bench_status(b).ballooned_pages, NR - 2048, NR - 1);
	assert_int_equal(bench_status(b).stall_pages, bench_status(b).ballooned_pages);
	bench_assert_exact(b);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(bench_status(b).guest_paused);
	assert_false(is_paused(b));
	bench_assert_exact(b);
}

/* The driver's access has its answer, and the vcpu stands still all the same. */
static void without_memory_the_guest_stays_paused(void **state)
{
	struct bench *b = *state;

	inflate(b, 500);
	fake_set_heap(b->fake, 100);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(is_paused(b));
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_HOST);
	assert_int_equal(bench_status(b).stall_pages, 400);
	assert_false(bench_status(b).work_pending);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		assert_true(is_paused(b));
	}
	fake_set_heap(b->fake, 399);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).stall_pages, 1);
	assert_true(is_paused(b));
	fake_set_heap(b->fake, 1);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_false(is_paused(b));
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	bench_assert_exact(b);
}

/* A host whose memory is in pieces: no more is lost than time. */
static void a_fragmented_heap_is_enough(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	fake_set_heap_order(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(is_paused(b));
	bench_assert_exact(b);
}

/* Pauses are counted: a toolstack's stays. */
static void somebody_elses_pause_stays(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	assert_int_equal(driver_reset(&b->driver), 0);
	fake_set_paused(b->fake, true);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_true(is_paused(b));
	fake_set_paused(b->fake, false);
	assert_false(is_paused(b));
}

/* xl unpause: the host's owner takes the risk, and the frames come back as before. */
static void somebody_elses_unpause_is_no_failure(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(is_paused(b));
	assert_false(bench_status(b).guest_paused);
}

/* A vcpu that resets again and again gets its answers, and no more work done for it. */
static void resets_in_between_cost_nothing(void **state)
{
	struct bench *b = *state;
	uint64_t left;

	inflate(b, NR);
	assert_int_equal(driver_reset(&b->driver), 0);
	left = bench_status(b).ballooned_pages;
	for (int i = 0; i < 10; i++)
		assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).ballooned_pages, left);
	/* and no driver comes up before it is over */
	assert_int_not_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_status(b).ballooned_pages, left);
	turns(b);
	assert_false(is_paused(b));
	b->turns_max = BENCH_TURNS_MAX;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	bench_assert_exact(b);
}

/* Not every seam can. The frames come back, and no driver comes up before. */
static void a_seam_that_cannot_pause(void **state)
{
	struct bench *b = *state;
	struct xenvirtio_hv_ops ops = *b->hv->ops;
	const struct xenvirtio_hv_ops *real = b->hv->ops;

	inflate(b, NR);
	ops.pause = NULL;
	ops.unpause = NULL;
	b->hv->ops = &ops;
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_false(bench_status(b).guest_paused);
	turns(b);
	b->hv->ops = real;
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
}

/* Killed at each call in turn: the last of the processes has the guest run, with all of its frames. */
static void whoever_dies_the_guest_runs_in_the_end(void **state)
{
	const struct bench *given = *state;
	bool failed = true;
	uint64_t nth;

	for (nth = 1; failed; nth++) {
		struct bench *b;
		void *fresh;

		assert_int_equal(bench_setup(&fresh), 0);
		b = fresh;
		inflate(b, NR);
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		if (!driver_reset(&b->driver)) {
			int ret = 0;

			while (!ret && bench_status(b).work_pending)
				ret = balloon_retry(b->balloon);
		}
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		bench_kill(b);
		assert_int_equal(bench_start(b), 0);
		b->turns_max = BENCH_TURNS_MAX;
		assert_int_equal(bench_run(b), 0);
		while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
			assert_int_equal(bench_run(b), 0);
		assert_int_equal(bench_status(b).ballooned_pages, 0);
		assert_false(is_paused(b));
		bench_assert_exact(b);
		assert_int_equal(fake_faults(b->fake)->leaked, 0);
		assert_int_equal(xenvirtio_server_close(b->server), 0);
		bench_kill(b);
		bench_free(b);
		assert_true(nth < 1000);
	}
	assert_true(nth > 8);
	assert_non_null(given);
}

static const struct xenvirtio_hv_ops *inner;
static const struct balloon_persist *journal_of;
static uint32_t before_pause, before_unpause;

static int note_and_pause(struct xenvirtio_hv *hv)
{
	before_pause = journal_of->journal.pause;
	return inner->pause(hv);
}

static int note_and_unpause(struct xenvirtio_hv *hv)
{
	before_unpause = journal_of->journal.pause;
	return inner->unpause(hv);
}

/* Whoever dies in the call has said before that it is under way. */
static void the_journal_is_written_before_the_call(void **state)
{
	struct bench *b = *state;
	struct xenvirtio_hv_ops ops = *b->hv->ops;

	inflate(b, NR);
	inner = b->hv->ops;
	journal_of = b->persist;
	ops.pause = note_and_pause;
	ops.unpause = note_and_unpause;
	b->hv->ops = &ops;
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(before_pause, 1);
	assert_int_equal(journal_of->journal.pause, 2);
	turns(b);
	b->hv->ops = inner;
	assert_int_equal(before_unpause, 3);
	assert_int_equal(journal_of->journal.pause, 0);
}

/* Died before the call was made: the successor makes it, as soon as it sees that it takes longer. */
static void a_pause_that_was_not_made_is_made(void **state)
{
	struct bench *b = *state;

	inflate(b, 500);
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
	bench_kill(b);
	((struct balloon_persist *)b->persist)->journal.pause = 1;
	assert_int_equal(bench_start(b), 0);
	turns(b);
	assert_true(is_paused(b));
	fake_set_heap(b->fake, 500);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_false(is_paused(b));
	bench_assert_exact(b);
}

/* kill -9 around the hypercall itself: what the journal says, and how far the call came. */
static void a_pause_under_way_is_settled(void **state)
{
	static const struct {
		uint32_t journal;
		bool paused;
	} cases[] = {
		{ 1, false }, { 1, true }, { 2, true }, { 3, true }, { 3, false },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct balloon_persist *p = b->persist;

		/* in the middle of a refill, and at its end */
		for (int empty = 0; empty < 2; empty++) {
			b->turns_max = BENCH_TURNS_MAX;
			inflate(b, empty ? 0 : NR);
			assert_int_equal(driver_reset(&b->driver), 0);
			bench_kill(b);
			while (is_paused(b)) {
				struct xenvirtio_hv *hv;

				assert_int_equal(fake_open(b->fake, &hv), 0);
				assert_int_equal(hv->ops->unpause(hv), 0);
				hv->ops->close(hv);
			}
			if (cases[i].paused) {
				struct xenvirtio_hv *hv;

				assert_int_equal(fake_open(b->fake, &hv), 0);
				assert_int_equal(hv->ops->pause(hv), 0);
				hv->ops->close(hv);
			}
			p->journal.pause = cases[i].journal;
			assert_int_equal(bench_start(b), 0);
			/* more is missing than a turn brings */
			assert_int_equal(is_paused(b), !empty);
			turns(b);
			assert_int_equal(bench_status(b).ballooned_pages, 0);
			assert_int_equal(p->journal.pause, 0);
			assert_false(is_paused(b));
		}
	}
}

/* A write to Status that a dead process left unanswered has its answer when no vcpu runs on holes any more. */
static void the_pending_write_waits_for_the_pause(void **state)
{
	bool failed = true;

	for (uint64_t nth = 1; failed; nth++) {
		struct bench *b;
		void *fresh;

		assert_int_equal(bench_setup(&fresh), 0);
		b = fresh;
		inflate(b, NR);
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		driver_reset(&b->driver);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		bench_kill(b);
		assert_int_equal(bench_start(b), 0);
		assert_int_equal(xenvirtio_server_process(b->server), 0);
		if (!bench_status(b).ballooned_pages)
			assert_int_equal(is_paused(b), 0);
		else
			assert_int_equal(is_paused(b), xenvirtio_device_status(balloon_device(b->balloon)) == 0);
		while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
			assert_int_equal(bench_run(b), 0);
		bench_kill(b);
		bench_free(b);
		assert_true(nth < 1000);
	}
	assert_non_null(*state);
}

/* Another vcpu may write to Status while all stand still: that there is a refill does not hang on it. */
static void whatever_the_status_the_refill_goes_on(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(is_paused(b));
	b->state.status = XENVIRTIO_STATUS_ACKNOWLEDGE;
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_true(is_paused(b));
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(is_paused(b));
	bench_assert_exact(b);
}

/*
 * A daemon of an earlier version noted no refill (its state file is of version 3), and ended while memory was missing: the guest's next driver has
 * begun with the device, and knows of no frame that is out.
 */
static void what_an_earlier_version_left_is_refilled(void **state)
{
	static const uint8_t status[] = {0, XENVIRTIO_STATUS_ACKNOWLEDGE,
					 XENVIRTIO_STATUS_ACKNOWLEDGE | XENVIRTIO_STATUS_DRIVER};
	struct balloon_persist *p;
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(status); i++) {
		b->turns_max = BENCH_TURNS_MAX;
		inflate(b, NR);
		bench_kill(b);
		b->state = (struct xenvirtio_device_state){
			.version = b->state.version,
			.bytes = b->state.bytes,
			.status = status[i],
		};
		p = b->persist;
		assert_int_equal(p->nr_ranges & BALLOON_REFILL_FLAGS, 0);
		assert_int_equal(bench_start(b), 0);
		assert_true(is_paused(b));
		turns(b);
		assert_int_equal(bench_status(b).ballooned_pages, 0);
		assert_false(is_paused(b));
		bench_assert_exact(b);
		b->bus.next_gfn = 0x40000;
	}
	/* one that is at work knows them */
	b->turns_max = BENCH_TURNS_MAX;
	inflate(b, NR);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
}

/* Each retry finds the same shortage: one stall, whatever a turn in the middle of it knows. */
static void a_stall_is_one_until_it_is_over(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	turns(b);
	assert_int_equal(bench_status(b).stalls, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		assert_int_equal(bench_status(b).stall, BALLOON_STALL_HOST);
		turns(b);
		assert_int_equal(bench_status(b).stall, BALLOON_STALL_HOST);
	}
	assert_int_equal(bench_status(b).stalls, 1);
	fake_set_heap(b->fake, 100000);
	assert_int_equal(balloon_retry(b->balloon), 0);
	turns(b);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_false(is_paused(b));
}

/* xl unpause took our pause: another one is made for the next kernel, and a pause of xl's is not taken for ours. */
static void after_an_unpause_a_reset_pauses_again(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	turns(b);
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(is_paused(b));
	assert_true(bench_status(b).guest_paused);
	assert_int_equal(b->hv->ops->pause(b->hv), 0);
	fake_set_heap(b->fake, 100000);
	assert_int_equal(balloon_retry(b->balloon), 0);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_true(is_paused(b));
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
	assert_false(is_paused(b));
}

/* Seen at the next look: what is paused then is somebody else's doing. */
static void a_pause_that_was_taken_is_not_ended(void **state)
{
	struct bench *b = *state;

	inflate(b, NR);
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	turns(b);
	assert_int_equal(b->hv->ops->unpause(b->hv), 0);
	assert_int_equal(balloon_retry(b->balloon), 0);
	turns(b);
	assert_false(is_paused(b));
	assert_false(bench_status(b).guest_paused);
	assert_int_equal(b->hv->ops->pause(b->hv), 0);
	fake_set_heap(b->fake, 100000);
	assert_int_equal(balloon_retry(b->balloon), 0);
	turns(b);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_true(is_paused(b));
}

/* No such pause is ever written. */
static void a_pause_that_cannot_be_is_refused(void **state)
{
	struct bench *b = *state;

	bench_kill(b);
	((struct balloon_persist *)b->persist)->journal.pause = 4;
	assert_int_equal(bench_start(b), -EBADMSG);
	bench_kill(b);
	((struct balloon_persist *)b->persist)->journal.pause = 0;
	assert_int_equal(bench_start(b), 0);
}

/* The next kernel finds its memory, though it never sees this device; a domain that ends gets none. */
static void a_soft_reset_leaves_no_holes(void **state)
{
	static const struct {
		unsigned int code;
		uint64_t heap, left;
	} cases[] = {
		{XENVIRTIO_SHUTDOWN_SOFT_RESET, NR, 0},
		{XENVIRTIO_SHUTDOWN_SOFT_RESET, 100, NR - 100},
		{XENVIRTIO_SHUTDOWN_REBOOT, NR, NR},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *own = NULL;
		struct bench *b;

		assert_int_equal(bench_setup(&own), 0);
		b = own;
		inflate(b, NR);
		fake_set_heap(b->fake, cases[i].heap);
		fake_set_shutdown(b->fake, cases[i].code);
		assert_int_equal(balloon_remove(b->balloon), 0);
		assert_int_equal(bench_status(b).ballooned_pages, cases[i].left);
		bench_assert_exact(b);
		assert_int_equal(bench_teardown(&own), 0);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(a_few_frames_need_no_pause),
		ON_BENCH(many_take_turns_and_a_pause),
		ON_BENCH(without_memory_the_guest_stays_paused),
		ON_BENCH(a_fragmented_heap_is_enough),
		ON_BENCH(somebody_elses_pause_stays),
		ON_BENCH(somebody_elses_unpause_is_no_failure),
		ON_BENCH(resets_in_between_cost_nothing),
		ON_BENCH(a_seam_that_cannot_pause),
		ON_BENCH(whoever_dies_the_guest_runs_in_the_end),
		ON_BENCH(the_journal_is_written_before_the_call),
		ON_BENCH(a_pause_that_was_not_made_is_made),
		ON_BENCH(a_pause_under_way_is_settled),
		ON_BENCH(the_pending_write_waits_for_the_pause),
		ON_BENCH(whatever_the_status_the_refill_goes_on),
		ON_BENCH(what_an_earlier_version_left_is_refilled),
		ON_BENCH(a_stall_is_one_until_it_is_over),
		ON_BENCH(after_an_unpause_a_reset_pauses_again),
		ON_BENCH(a_pause_that_was_taken_is_not_ended),
		ON_BENCH(a_pause_that_cannot_be_is_refused),
		cmocka_unit_test(a_soft_reset_leaves_no_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
