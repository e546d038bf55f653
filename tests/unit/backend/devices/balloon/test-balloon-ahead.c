// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a driver is about to take out of its balloon: populated by the block before it is asked for. No frame is acknowledged that is not
 * there, however much of it Xen has, and what comes unasked is bounded and goes back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backend/base/clock.h"
#include "fake/machine-fake.h"
#include "unit/rigs/due-bench.h"

/* of a block, enough to bring the rest of it */
#define PART 64u

static void inflate_all(struct bench *b, uint32_t nr)
{
	due_begin(b, nr);
	for (uint32_t at = 0; at < nr; at += MESSAGE)
		assert_int_equal(due_send(b, INFLATE, LARGE_FREE + at, MESSAGE, at + MESSAGE), 0);
	due_expect(b, nr, 0);
}

static void a_part_brings_its_block(void **state)
{
	struct bench *b = *state;
	uint64_t calls;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + MESSAGE, MESSAGE, 4 * BLOCK - MESSAGE), 0);
	due_expect(b, 3 * BLOCK, MESSAGE);
	calls = b->balloon->reservation.populated_pages;
	assert_int_equal(calls, BLOCK);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE, MESSAGE, 3 * BLOCK), 0);
	assert_int_equal(b->balloon->reservation.populated_pages, calls);
	due_expect(b, 3 * BLOCK, 0);
	/* two parts of one block in a message, and what is between them */
	{
		uint32_t pfn[128];

		for (uint32_t i = 0; i < 64; i++) {
			pfn[i] = (uint32_t)LARGE_FREE + BLOCK + i;
			pfn[64 + i] = (uint32_t)LARGE_FREE + BLOCK + 300 + i;
		}
		assert_int_equal(bench_send(b, DEFLATE, pfn, 128), 0);
	}
	due_expect(b, 2 * BLOCK, BLOCK - 128);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* The few are collected singly, and their bits say that they are in the balloon until all is populated. */
static void a_few_before_a_part_are_not_populated_twice(void **state)
{
	struct bench *b = *state;
	uint32_t pfn[108];
	uint64_t tot;

	inflate_all(b, 4 * BLOCK);
	tot = fake_tot_pages(b->fake);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	for (uint32_t i = 0; i < 108; i++)
		pfn[i] = (uint32_t)LARGE_FREE + (i < 8 ? i : 92 + i);
	assert_int_equal(bench_send(b, DEFLATE, pfn, 108), 0);
	assert_int_equal(fake_tot_pages(b->fake) - tot, 4 * BLOCK - bench_status(b).ballooned_pages);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	for (size_t i = 0; i < 108; i++)
		assert_true(fake_present(b->fake, xenvirtio_gfn(pfn[i])));
	due_expect(b, 4 * BLOCK - 108, 0);
}

static void who_stops_gives_the_rest_back(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 10, 100, 4 * BLOCK - 100), 0);
	due_expect(b, 3 * BLOCK, BLOCK - 100);
	assert_int_equal(balloon_set_target(b->balloon, 4 * BLOCK - 120), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 110, 20, 4 * BLOCK - 120), 0);
	due_expect(b, 4 * BLOCK - 120, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

static void near_the_target_nothing_is_ahead(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 3 * BLOCK), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 10, 100, 4 * BLOCK - 100), 0);
	due_expect(b, 4 * BLOCK - 100, 0);
}

static void what_was_given_away_meanwhile_is_asked_for(void **state)
{
	struct xenvirtio_gfn gfn = xenvirtio_gfn(LARGE_FREE + 7);
	struct bench *b = *state;
	struct xenvirtio_hv *guest;
	size_t done;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + MESSAGE, MESSAGE, 4 * BLOCK - MESSAGE), 0);
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(guest->ops->release_pages(guest, &gfn, 1, 0, &done), 0);
	guest->ops->close(guest);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE, MESSAGE, 3 * BLOCK), 0);
	assert_true(fake_present(b->fake, gfn));
	due_expect(b, 3 * BLOCK, 0);
}

static struct xenvirtio_hv_ops counting;
static const struct xenvirtio_hv_ops *counted;
static unsigned int looks;

static int count_look(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	looks++;
	return counted->domain_info(hv, info);
}

/* Xen would have told if the guest had given away a frame that came ahead: so it is not asked, but for once where it told of something. */
static void while_xen_tells_of_nothing_it_is_not_asked(void **state)
{
	struct xenvirtio_gfn gfn = xenvirtio_gfn(LARGE_FREE + 4 * BLOCK);
	struct bench *b = *state;
	struct xenvirtio_hv *guest;
	/* a seam that does not look with each call is looked at in each turn */
	unsigned int before, turn = XENVIRTIO_HV_HAS(b->hv, move_extents) ? 0 : 1;
	size_t done;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	counted = b->hv->ops;
	counting = *counted;
	counting.domain_info = count_look;
	b->hv->ops = &counting;
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + MESSAGE, MESSAGE, 4 * BLOCK - MESSAGE), 0);
	before = looks;
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE, MESSAGE, 3 * BLOCK), 0);
	assert_int_equal(looks - before, turn);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 3 * MESSAGE, MESSAGE, 3 * BLOCK - MESSAGE), 0);
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(guest->ops->release_pages(guest, &gfn, 1, 0, &done), 0);
	guest->ops->close(guest);
	before = looks;
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 2 * MESSAGE, MESSAGE, 2 * BLOCK), 0);
	assert_int_equal(looks - before, 1);
	b->hv->ops = counted;
}

/* Blocks cannot be had: what was asked for comes frame by frame, and nothing that was not. */
static void without_blocks_only_what_is_asked_for(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	fake_set_heap_order(b->fake, 0);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 10, 100, 4 * BLOCK - 100), 0);
	due_expect(b, 4 * BLOCK - 100, 0);
}

/* --- blocks that cannot be had, more of them than one call is for --- */

/* A part of each block, in one message. Return: how many page numbers */
static size_t name_parts(uint32_t *pfn, unsigned int nr_blocks)
{
	size_t nr = 0;

	for (unsigned int block = 0; block < nr_blocks; block++)
		for (uint32_t i = 0; i < PART; i++)
			pfn[nr++] = (uint32_t)LARGE_FREE + block * BLOCK + 100 + i;
	return nr;
}

static void what_did_not_come_ahead_is_still_missing(void **state)
{
	struct bench *b = *state;
	uint32_t pfn[6 * PART];

	inflate_all(b, 6 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	fake_set_heap_order(b->fake, 8);
	/* as of a host that moves blocks fast: all in one turn */
	b->balloon->reservation.price[1] = 64;
	assert_int_equal(bench_send(b, DEFLATE, pfn, name_parts(pfn, 6)), 0);
	due_expect(b, 6 * (BLOCK - PART), 0);
	assert_int_equal(bench_send(b, DEFLATE, (const uint32_t[]){ (uint32_t)LARGE_FREE + 7, (uint32_t)LARGE_FREE + 300 }, 2), 0);
	assert_true(fake_present(b->fake, xenvirtio_gfn(LARGE_FREE + 7)));
	assert_true(fake_present(b->fake, xenvirtio_gfn(LARGE_FREE + 300)));
	due_expect(b, 6 * (BLOCK - PART) - 2, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* What is noted and still in the balloon, for whatever reason, is no frame that is there. */
static void a_note_is_no_frame(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 2 * BLOCK);
	frames_mark(&b->balloon->due.frames, xenvirtio_gfn(LARGE_FREE), BLOCK, true);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE, MESSAGE, 2 * BLOCK - MESSAGE), 0);
	for (uint64_t i = 0; i < MESSAGE; i++)
		assert_true(fake_present(b->fake, xenvirtio_gfn(LARGE_FREE + i)));
	/* the rest of the notes is not of this test */
	frames_mark(&b->balloon->due.frames, xenvirtio_gfn(LARGE_FREE), BLOCK, false);
}

static struct xenvirtio_hv_ops slow_ops;
static const struct xenvirtio_hv_ops *quick_ops;

/* Longer than a turn, and nothing more is begun in it. */
static int slow_populate(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr, unsigned int order, size_t *done)
{
	machine_fake_set_ns(clock_now_ns() + 10000000);
	return quick_ops->populate_pages(hv, start, nr, order, done);
}

static void make_slow(struct bench *b)
{
	quick_ops = b->hv->ops;
	slow_ops = *quick_ops;
	slow_ops.populate_pages = slow_populate;
	b->hv->ops = &slow_ops;
}

static void a_queue_that_is_stopped_leaves_no_note(void **state)
{
	uint32_t pfn[8 * BLOCK + PART];
	uint64_t next_gfn;
	struct bench *b = *state;

	inflate_all(b, 12 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	make_slow(b);
	b->balloon->reservation.price[1] = 64;
	/* eight whole blocks are a call; the ninth is noted, and waits for the next turn */
	for (uint32_t i = 0; i < 8 * BLOCK + PART; i++)
		pfn[i] = (uint32_t)LARGE_FREE + i;
	b->turns_max = 0;
	next_gfn = b->bus.next_gfn;
	assert_int_equal(bench_post_bytes(b, DEFLATE, pfn, sizeof(pfn)), 0);
	b->bus.next_gfn = next_gfn;
	assert_int_equal(bench_status(b).ballooned_pages, 4 * BLOCK);
	/* noted, and in the balloon still */
	assert_int_equal(balloon_due(b->balloon), BLOCK - PART);
	assert_int_equal(bench_status(b).due_pages, 0);
	balloon_pages_stop(b->balloon, BALLOON_VQ_DEFLATE);
	due_expect(b, 4 * BLOCK, 0);
}

/* --- what it may cost --- */

static void a_frame_brings_nothing(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + 10, 1, 4 * BLOCK - 1), 0);
	due_expect(b, 4 * BLOCK - 1, 0);
	assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + BLOCK + 10, 63, 4 * BLOCK - 64), 0);
	due_expect(b, 4 * BLOCK - 64, 0);
}

/* A driver that takes a part of each block and never comes for the rest. */
static void no_more_comes_ahead_than_may(void **state)
{
	struct bench *b = *state;
	uint64_t most = 0;

	inflate_all(b, 40 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	for (uint32_t block = 0; block < 40; block++) {
		assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + block * BLOCK + 100, PART, 40 * BLOCK - (block + 1) * PART), 0);
		most = bench_status(b).due_pages > most ? bench_status(b).due_pages : most;
	}
	assert_in_range(most, LARGE_DUE / 2 - BLOCK, LARGE_DUE / 2);
	bench_assert_exact(b);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, 40 * (BLOCK - PART), 0);
}

/* --- death --- */

/* What the driver asks for is in blocks that come ahead, and after a while in blocks that cannot be had. */
static void live(struct bench *b)
{
	inflate_all(b, 8 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	for (uint32_t block = 0; block < 4; block++)
		assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + block * BLOCK + 100, 200, 8 * BLOCK - (block + 1) * 200), 0);
	for (uint32_t block = 0; block < 2; block++)
		assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + block * BLOCK, 100, 8 * BLOCK - 800 - (block + 1) * 100), 0);
	fake_set_heap_order(b->fake, 3);
	for (uint32_t block = 3; block < 6; block++)
		assert_int_equal(due_send(b, DEFLATE, LARGE_FREE + block * BLOCK + 300, 150, 8 * BLOCK - 1000 - (block - 2) * 150), 0);
}

static void wherever_it_dies(void **state)
{
	assert_in_range(due_die_everywhere(due_setup_large, live), 20, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, due_setup_large, bench_teardown)
		T(a_part_brings_its_block),
		T(a_few_before_a_part_are_not_populated_twice),
		T(who_stops_gives_the_rest_back),
		T(near_the_target_nothing_is_ahead),
		T(what_was_given_away_meanwhile_is_asked_for),
		T(while_xen_tells_of_nothing_it_is_not_asked),
		T(without_blocks_only_what_is_asked_for),
		T(what_did_not_come_ahead_is_still_missing),
		T(a_note_is_no_frame),
		T(a_queue_that_is_stopped_leaves_no_note),
		T(a_frame_brings_nothing),
		T(no_more_comes_ahead_than_may),
		cmocka_unit_test(wherever_it_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
