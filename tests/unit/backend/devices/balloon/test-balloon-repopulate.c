// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that takes frames back by its own hypercall, past its driver and us: what is published, what is owed and what the next
 * message does follow Xen; nothing is lost to the guest, and a host without such guests pays one look at the domain.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define NR 256u
enum { INFLATE, DEFLATE };

static int inflated(void **state)
{
	struct bench *b;

	assert_int_equal(bench_setup(state), 0);
	b = *state;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, NR), 0);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	assert_int_equal(fake_heap_free(b->fake), NR + 1);
	return 0;
}

/* As the guest does: every @step-th frame of the balloon. */
static void take_back(struct bench *b, unsigned int step, size_t nr)
{
	struct xenvirtio_gfn gfn[NR];
	struct xenvirtio_hv *guest;
	size_t done;

	for (unsigned int i = 0; i < nr; i++)
		gfn[i] = xenvirtio_gfn(BENCH_FREE_GFN + i * step);
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(guest->ops->populate_pages(guest, gfn, nr, 0, &done), 0);
	assert_int_equal(done, nr);
	guest->ops->close(guest);
}

static void verify(struct bench *b)
{
	assert_int_equal(balloon_verify(b->balloon), 0);
	assert_int_equal(bench_run(b), 0);
	assert_false(bench_status(b).work_pending);
}

static void figures_follow(void **state)
{
	struct bench *b = *state;

	/* there is room for the hole as well */
	assert_int_equal(balloon_verify(b->balloon), 0);
	assert_int_equal(bench_status(b).owed_pages, NR);
	take_back(b, 1, NR);
	assert_int_equal(balloon_verify(b->balloon), 0);
	/* at once: it has all but the hole */
	assert_int_equal(bench_status(b).owed_pages, 1);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).owed_pages, 0);
	assert_int_equal(bench_status(b).deflated_pages, 0);
	bench_assert_exact(b);
}

static void what_it_left_stays(void **state)
{
	struct bench *b = *state;

	take_back(b, 3, 50);
	verify(b);
	assert_int_equal(bench_status(b).ballooned_pages, NR - 50);
	bench_assert_exact(b);
}

/* The driver says what the bitmap says already: Xen is asked, and there is something to take. */
static void inflating_again_takes_them_again(void **state)
{
	struct bench *b = *state;

	take_back(b, 1, NR / 2);
	assert_int_equal(fake_heap_free(b->fake), NR / 2 + 1);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, NR), 0);
	assert_int_equal(fake_heap_free(b->fake), NR + 1);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	assert_int_equal(bench_status(b).inflated_pages, NR + NR / 2);
	bench_assert_exact(b);
	/* half of it was no news */
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 1);
}

/* Whoever took them: they are there, so it is acknowledged; populating them again would lose the guest as many. */
static void deflating_them_loses_nothing(void **state)
{
	struct bench *b = *state;

	take_back(b, 2, NR / 2);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, NR), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).deflated_pages, NR / 2);
	bench_assert_exact(b);
}

static void a_reset_loses_nothing(void **state)
{
	struct bench *b = *state;

	take_back(b, 2, NR / 2);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
}

/* While nobody served. What was so before, a successor cannot know. */
static void a_successor_finds_out(void **state)
{
	struct bench *b = *state;

	bench_kill(b);
	take_back(b, 1, 10);
	assert_int_equal(bench_start(b), 0);
	verify(b);
	assert_int_equal(bench_status(b).ballooned_pages, NR - 10);
	bench_assert_exact(b);
}

/* Without the server's own look for requests, nor interrupts that were held. */
static uint64_t calls_of_verify(struct bench *b)
{
	assert_int_equal(bench_run(b), 0);
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	verify(b);
	return fake_calls(b->fake) - 1;
}

static void without_cause_nothing_is_asked(void **state)
{
	struct bench *b = *state;

	assert_int_equal(calls_of_verify(b), 1);
	take_back(b, 1, 10);
	assert_in_range(calls_of_verify(b), 3, 4);
	assert_int_equal(calls_of_verify(b), 1);
}

/* A frame that was released while another process had it mapped looks the same in the counters: asked for once. */
static void a_mapping_of_others_is_cause_once(void **state)
{
	struct xenvirtio_gfn gfn = { BENCH_FREE_GFN + 1000 };
	struct bench *b = *state;
	struct xenvirtio_hv *other;
	void *va;

	assert_int_equal(fake_open(b->fake, &other), 0);
	assert_int_equal(other->ops->map(other, &gfn, 1, false, &va), 0);
	assert_int_equal(bench_send_run(b, INFLATE, gfn.v, 1), 0);
	assert_in_range(calls_of_verify(b), 4, 5);
	assert_int_equal(calls_of_verify(b), 1);
	assert_int_equal(bench_status(b).ballooned_pages, NR + 1);
	assert_int_equal(other->ops->unmap(other, va, 1), 0);
	other->ops->close(other);
	assert_int_equal(calls_of_verify(b), 1);
	/* it is free now, and does not hide what the guest takes */
	take_back(b, 1, 1);
	verify(b);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	bench_assert_exact(b);
}

/* Frames that are nobody's: counted as what they are, and nothing that the host would have to keep for the guest. */
static void holes_it_names_are_not_owed(void **state)
{
	struct bench *b = *state;

	fake_make_hole(b->fake, xenvirtio_gfn(BENCH_FREE_GFN + NR), NR);
	fake_set_max_pages(b->fake, fake_tot_pages(b->fake) + NR);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN + NR, NR), 0);
	verify(b);
	assert_int_equal(bench_status(b).ballooned_pages, 2 * NR);
	assert_int_equal(bench_status(b).inflated_pages, NR);
	assert_int_equal(bench_status(b).owed_pages, NR);
	bench_assert_exact(b);
}

/* A guest that does it all the time has so many turns of the host's, until somebody calls again. */
static void verifying_is_bounded(void **state)
{
	struct bench *b = *state;
	unsigned int turns = 0;

	assert_int_equal(bench_send_run(b, INFLATE, 0x200000, 1024), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN + NR, 2560 - NR), 0);
	take_back(b, 1, 1);
	/* one that is found last of all */
	fake_make_hole(b->fake, xenvirtio_gfn(BENCH_FREE_GFN), 1);
	assert_int_equal(balloon_verify(b->balloon), 0);
	b->balloon->reservation.base_known = false;
	b->balloon->verify.active = true;
	b->balloon->verify.next_gfn = 0;
	b->balloon->verify.turns = 0;
	b->balloon->work = BALLOON_WORK_VERIFY;
	assert_int_equal(balloon_retry(b->balloon), 0);
	/* its turns are over, and there is more */
	assert_false(bench_status(b).work_pending);
	assert_true(b->balloon->verify.active);
	for (; b->balloon->verify.active; turns++) {
		assert_int_equal(balloon_verify(b->balloon), 0);
		assert_int_equal(bench_run(b), 0);
		assert_true(turns < 10);
	}
	bench_assert_exact(b);
}

#define INFLATED(test) cmocka_unit_test_setup_teardown(test, inflated, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INFLATED(figures_follow),
		INFLATED(what_it_left_stays),
		INFLATED(inflating_again_takes_them_again),
		INFLATED(deflating_them_loses_nothing),
		INFLATED(a_reset_loses_nothing),
		INFLATED(a_successor_finds_out),
		INFLATED(without_cause_nothing_is_asked),
		INFLATED(a_mapping_of_others_is_cause_once),
		INFLATED(holes_it_names_are_not_owed),
		INFLATED(verifying_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
