// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the balloon's frames are asked for: when more is there than was ever explained, and now and then a few of them. Not when an
 * honest guest gives frames away and takes them again, and not because another process serves it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define NR 3000u
enum { INFLATE, DEFLATE };

static const struct xenvirtio_hv_ops *inner;
static struct xenvirtio_hv_ops counting;
static uint64_t asked;

static int count_asked(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	asked += nr;
	return inner->frames_present(hv, gfn, nr, present);
}

static void count(struct bench *b)
{
	inner = b->hv->ops;
	counting = *inner;
	counting.frames_present = count_asked;
	b->hv->ops = &counting;
	asked = 0;
}

static void inflate(struct bench *b)
{
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, NR), 0);
	count(b);
}

static void verify(struct bench *b)
{
	assert_int_equal(balloon_verify(b->balloon), 0);
	assert_int_equal(bench_run(b), 0);
}

/* The guest's own hypercalls. */
static void guest_moves(struct bench *b, uint64_t gfn, uint64_t nr, bool away)
{
	struct xenvirtio_hv *guest;
	size_t done;

	assert_int_equal(fake_open(b->fake, &guest), 0);
	for (uint64_t i = 0; i < nr; i++) {
		struct xenvirtio_gfn at = { gfn + i };

		if (away)
			assert_int_equal(guest->ops->release_pages(guest, &at, 1, 0, &done), 0);
		else
			assert_int_equal(guest->ops->populate_pages(guest, &at, 1, 0, &done), 0);
		assert_int_equal(done, 1);
	}
	guest->ops->close(guest);
}

#define OWN_GFN 0x200000u

/* Linux does so for each mapping of another domain's memory. */
static void frames_that_go_and_come_back_are_no_doubt(void **state)
{
	struct bench *b = *state;

	inflate(b);
	for (int i = 0; i < 5; i++) {
		guest_moves(b, OWN_GFN, 8, true);
		verify(b);
		guest_moves(b, OWN_GFN, 8, false);
		verify(b);
		assert_false(b->balloon->reservation.doubt);
	}
	assert_int_equal(asked, 0);
	bench_assert_exact(b);
}

static void more_than_was_explained_is_doubt(void **state)
{
	struct bench *b = *state;

	inflate(b);
	guest_moves(b, OWN_GFN, 8, true);
	verify(b);
	guest_moves(b, BENCH_FREE_GFN + 100, 9, false);
	verify(b);
	assert_true(asked > 0);
	/* as many as were explained are not looked for */
	assert_in_range(bench_status(b).ballooned_pages, NR - 9, NR - 1);
}

/* What the dead one knew of the frames is so still. */
static void a_successor_need_not_ask(void **state)
{
	struct bench *b = *state;

	inflate(b);
	verify(b);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	count(b);
	verify(b);
	verify(b);
	assert_false(b->balloon->reservation.doubt);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, NR), 0);
	assert_int_equal(asked, 0);
	bench_assert_exact(b);
}

static void a_successor_sees_what_was_taken_meanwhile(void **state)
{
	struct bench *b = *state;

	inflate(b);
	verify(b);
	bench_kill(b);
	guest_moves(b, BENCH_FREE_GFN + 100, 9, false);
	assert_int_equal(bench_start(b), 0);
	verify(b);
	assert_int_equal(bench_status(b).ballooned_pages, NR - 9);
	bench_assert_exact(b);
}

/* Of a file of before it was noted all frames are asked for, as they were then. */
static void without_a_note_all_is_asked_for(void **state)
{
	struct bench *b = *state;

	inflate(b);
	bench_kill(b);
	b->persist_bytes -= sizeof(uint64_t) * (1 + frames_words(BENCH_RAM_PAGES));
	assert_int_equal(bench_start(b), 0);
	count(b);
	verify(b);
	assert_int_equal(asked, NR);
	assert_false(b->balloon->reservation.doubt);
	verify(b);
	assert_int_equal(asked, NR);
	bench_assert_exact(b);
}

static void a_note_that_cannot_be_is_refused(void **state)
{
	struct bench *b = *state;
	uint64_t *note = (uint64_t *)((char *)b->persist + b->persist_bytes) - 1 - frames_words(BENCH_RAM_PAGES), was;

	inflate(b);
	verify(b);
	bench_kill(b);
	was = *note;
	assert_int_not_equal(was, 0);
	*note = UINT64_C(1) << 60;
	assert_int_equal(bench_start(b), -EBADMSG);
	bench_kill(b);
	*note = was;
	assert_int_equal(bench_start(b), 0);
}

/* A guest that gives as many away as it takes hides that from all counters: a few frames are asked for now and then. */
static void an_exchange_is_seen_in_time(void **state)
{
	struct bench *b = *state;
	uint64_t before;

	inflate(b);
	guest_moves(b, OWN_GFN, 9, true);
	guest_moves(b, BENCH_FREE_GFN + 100, 9, false);
	for (int i = 0; i < 200 && bench_status(b).ballooned_pages == NR; i++) {
		before = asked;
		verify(b);
		assert_in_range(asked - before, 0, BUDGET_TURN / BUDGET_FRAME + XENVIRTIO_EXTENTS_MAX);
	}
	assert_int_equal(bench_status(b).ballooned_pages, NR - 9);
	assert_in_range(asked, 1, 2 * NR);
}

/* The guest has touched none of what it inflates: its page tables lose an entry a frame, and the domain no memory. */
static void populate_on_demand_is_no_doubt(void **state)
{
	struct bench *b = *state;

	fake_set_pod(b->fake, xenvirtio_gfn(BENCH_FREE_GFN), NR, 100);
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	count(b);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN + i * 500, 500), 0);
		verify(b);
		assert_false(b->balloon->reservation.doubt);
	}
	assert_int_equal(asked, 0);
	/* a frame that a driver says to be in the balloon, and that nobody has touched, is asked for and stays so */
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN + 2100, 16), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 1);
	assert_int_equal(asked, 16);
	assert_int_equal(fake_pod_populated(b->fake), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 2000);
	/* what came back is the guest's own, and more than it would have touched first */
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 2000), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(fake_pod_populated(b->fake), 0);
	b->hv->ops = inner;
}

/*
 * A domain that is mapped directly (Arm) keeps what it gives: what it owns does not fall, and all is doubted after each inflation, until it was
 * asked for. That is dear, frees nothing, and is exact; nobody owes it anything.
 */
static void mapped_directly_all_is_exact(void **state)
{
	struct bench *b = *state;
	uint64_t owned = fake_tot_pages(b->fake), holes = fake_holes(b->fake);

	fake_set_direct(b->fake);
	inflate(b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fake_tot_pages(b->fake), owned);
		assert_int_equal(fake_holes(b->fake), NR + holes);
		assert_int_equal(bench_status(b).ballooned_pages, NR);
		verify(b);
		assert_in_range(bench_status(b).owed_pages, 0, holes);
		assert_false(b->balloon->reservation.doubt);
		/* once is enough */
		asked = 0;
		verify(b);
		assert_int_equal(asked, 0);
		/* nothing free is needed to give it back */
		assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, NR), 0);
		assert_int_equal(fake_holes(b->fake), holes);
		assert_int_equal(bench_status(b).ballooned_pages, 0);
		assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, NR), 0);
	}
	/* a successor that knows nothing finds the same */
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	verify(b);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(fake_holes(b->fake), holes);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(frames_that_go_and_come_back_are_no_doubt),
		ON_BENCH(more_than_was_explained_is_doubt),
		ON_BENCH(a_successor_need_not_ask),
		ON_BENCH(a_successor_sees_what_was_taken_meanwhile),
		ON_BENCH(without_a_note_all_is_asked_for),
		ON_BENCH(a_note_that_cannot_be_is_refused),
		ON_BENCH(populate_on_demand_is_no_doubt),
		ON_BENCH(mapped_directly_all_is_exact),
		ON_BENCH(an_exchange_is_seen_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
