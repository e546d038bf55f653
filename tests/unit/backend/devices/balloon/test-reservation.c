// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reservation: after any call, and after any failure and restart, the bitmap names exactly the
 * frames that Xen holds back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/reservation-bench.h"

static void release_and_populate_are_exact(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(rb_release(b, 3, 1500), 0);
	assert_int_equal(b->frames.nr_set, 1500);
	rb_assert_exact(b);
	assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
	assert_int_equal(b->frames.nr_set, 0);
	assert_false(b->r.short_of_memory);
	rb_assert_exact(b);
}

/* More extents of one order than a call takes: all of them go, in several calls. */
static void many_scattered_frames(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	for (uint64_t i = 0; i < RAM_PAGES; i += 2) {
		struct xenvirtio_run run = rb_run_at(i, 1);

		assert_int_equal(reservation_release(&b->r, &run), 0);
		assert_int_equal(run.nr, 0);
	}
	assert_int_equal(reservation_release_flush(&b->r), 0);
	assert_int_equal(b->frames.nr_set, RAM_PAGES / 2);
	rb_assert_exact(b);
	assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
	rb_assert_exact(b);
}

/* A hole anywhere in a large extent stops nothing, and is in the balloon from then on: the bitmap is what the guest has. */
static void a_hole_in_a_large_extent(void **state)
{
	static const uint64_t holes[] = { 0, 1, 255, 511 };
	struct reservation_bench *b = *state;

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		uint64_t at = 512 * i;

		fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + at + holes[i]), 1);
		assert_int_equal(rb_release(b, at, 512), 0);
		assert_int_equal(b->r.bad_pages, i + 1);
		assert_int_equal(b->frames.nr_set, 512 * (i + 1));
		rb_assert_exact(b);
		assert_int_equal(b->r.released_pages, 511 * (i + 1));
	}
	assert_int_equal(fake_tot_pages(b->fake), RAM_PAGES - 4 * 512);
}

static void several_holes_next_to_each_other(void **state)
{
	struct reservation_bench *b = *state;

	fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + 100), 3);
	fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + 700), 1);
	assert_int_equal(rb_release(b, 0, 1024), 0);
	/* one for each extent that was not released whole */
	assert_int_equal(b->r.bad_pages, 2);
	assert_int_equal(b->frames.nr_set, 1024);
	rb_assert_exact(b);
	assert_int_equal(fake_tot_pages(b->fake), RAM_PAGES - 1024);
}

/* A frame we have mapped is let go of first: else Xen would keep it allocated. */
static void mappings_are_dropped_before_release(void **state)
{
	struct reservation_bench *b = *state;
	char byte;

	assert_int_equal(xenvirtio_gmem_read(b->gmem, xenvirtio_gpa((RAM_START + 5) << 12), &byte, 1),
			 0);
	assert_int_equal(fake_frame_maps(b->fake, xenvirtio_gfn(RAM_START + 5)), 1);
	assert_int_equal(rb_release(b, 0, 10), 0);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
	rb_assert_exact(b);
}

/* With max_mem in the way, exactly as many frames come back as it allows. */
static void populate_up_to_the_limit(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(rb_release(b, 0, 2048), 0);
	fake_set_max_pages(b->fake, RAM_PAGES - 2048 + 777);
	assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
	assert_true(b->r.short_of_memory);
	assert_int_equal(b->frames.nr_set, 2048 - 777);
	rb_assert_exact(b);
	fake_set_max_pages(b->fake, RAM_PAGES);
	assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
	assert_false(b->r.short_of_memory);
	assert_int_equal(b->frames.nr_set, 0);
	rb_assert_exact(b);
}

static void populate_from_a_fragmented_heap(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(rb_release(b, 0, 2048), 0);
	fake_set_heap_order(b->fake, 3);
	assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
	assert_int_equal(b->frames.nr_set, 0);
	rb_assert_exact(b);
}

/* Let the n-th call fail for every n: the process dies there, its successor finds an exact bitmap. */
static void any_call_may_fail(void **state)
{
	struct reservation_bench *b = *state;
	bool failed = true;

	for (uint64_t nth = 1; failed; nth++) {
		int ret;

		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		ret = rb_release(b, 7, 1300);
		if (!ret)
			ret = rb_populate(b, 0, 700);
		if (!ret)
			ret = rb_populate(b, 0, RAM_PAGES);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		if (failed)
			assert_int_equal(ret, -EIO);
		else
			assert_int_equal(ret, 0);
		rb_close(b);
		assert_int_equal(rb_open(b), 0);
		rb_assert_exact(b);
		assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
		assert_int_equal(b->frames.nr_set, 0);
		assert_true(nth < 1000);
		if (!failed)
			assert_true(nth > 8);
	}
}

/* The same with a hole in the extent, where each frame has to be asked for. */
static void any_call_may_fail_around_a_hole(void **state)
{
	struct reservation_bench *b = *state;
	bool failed = true, hole_set;

	fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + 200), 1);
	for (uint64_t nth = 1; failed; nth++) {
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		rb_release(b, 0, 512);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		rb_close(b);
		assert_int_equal(rb_open(b), 0);
		/* the hole itself is in the balloon once it was in doubt */
		hole_set = rb_is_ballooned(b, 200);
		assert_int_equal(b->frames.nr_set - hole_set + 1,
				 RAM_PAGES - fake_tot_pages(b->fake));
		assert_int_equal(rb_populate(b, 0, 200), 0);
		assert_int_equal(rb_populate(b, 201, 400), 0);
		assert_int_equal(b->frames.nr_set, hole_set);
		assert_true(nth < 100);
	}
}

/* Killed in the middle of a call: the frames in the journal say how far it came. */
static void a_journal_left_open_is_settled(void **state)
{
	struct reservation_bench *b = *state;
	struct xenvirtio_gfn start[3];
	size_t done;

	b->journal.order = 0;
	b->journal.nr = 3;
	for (int i = 0; i < 3; i++) {
		start[i] = xenvirtio_gfn(RAM_START + 10 * (unsigned int)i);
		b->journal.start_gfn[i] = start[i].v;
	}
	b->journal.op = RESERVATION_RELEASE;
	assert_int_equal(b->hv->ops->release_pages(b->hv, start, 2, 0, &done), 0);
	rb_close(b);
	assert_int_equal(rb_open(b), 0);
	assert_int_equal(b->frames.nr_set, 2);
	rb_assert_exact(b);

	b->journal.op = RESERVATION_POPULATE;
	assert_int_equal(b->hv->ops->populate_pages(b->hv, start, 1, 0, &done), 0);
	rb_close(b);
	assert_int_equal(rb_open(b), 0);
	assert_int_equal(b->frames.nr_set, 1);
	rb_assert_exact(b);
}

/* Others' mappings keep released frames counted: the counter would say that half of the call was not made. */
static void a_journal_is_settled_whatever_others_have_mapped(void **state)
{
	struct xenvirtio_gfn gfn[100], start = xenvirtio_gfn(RAM_START);
	struct reservation_bench *b = *state;
	struct xenvirtio_hv *other;
	size_t done;
	void *va;

	for (unsigned int i = 0; i < 100; i++)
		gfn[i] = xenvirtio_gfn(RAM_START + i);
	assert_int_equal(fake_open(b->fake, &other), 0);
	assert_int_equal(other->ops->map(other, gfn, 100, false, &va), 0);
	b->journal = (struct reservation_journal){
		.op = RESERVATION_RELEASE,
		.order = 9,
		.nr = 1,
		.tot_pages = fake_tot_pages(b->fake),
		.start_gfn = { RAM_START },
	};
	assert_int_equal(b->hv->ops->release_pages(b->hv, &start, 1, 9, &done), 0);
	rb_close(b);
	assert_int_equal(rb_open(b), 0);
	assert_int_equal(b->frames.nr_set, 512);
	assert_int_equal(fake_holes(b->fake), 512);
	assert_int_equal(other->ops->unmap(other, va, 100), 0);
	xenvirtio_hv_close(other);
	rb_assert_exact(b);
}

static void frames_in_doubt_are_asked_for(void **state)
{
	struct reservation_bench *b = *state;

	fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + 3), 2);
	assert_int_equal(reservation_settle(&b->r, rb_run_at(0, 1000)), 0);
	assert_int_equal(b->frames.nr_set, 2);
	rb_assert_exact(b);
}

/* The same by a seam that has no such operation. */
static void frames_in_doubt_are_mapped_one_by_one(void **state)
{
	struct reservation_bench *b = *state;
	struct xenvirtio_hv_ops ops = *b->hv->ops;
	const struct xenvirtio_hv_ops *real = b->hv->ops;

	ops.frames_present = NULL;
	b->hv->ops = &ops;
	frames_in_doubt_are_asked_for(state);
	b->hv->ops = real;
}

static void a_journal_that_cannot_be_is_refused(void **state)
{
	const struct reservation_journal bad[] = {
		{ .op = 3 },
		{ .op = RESERVATION_RELEASE, .order = XENVIRTIO_ORDER_MAX + 1 },
		{ .op = RESERVATION_RELEASE, .nr = XENVIRTIO_EXTENTS_MAX + 1 },
		{ .op = RESERVATION_POPULATE, .nr = 1, .start_gfn = { RAM_START - 1 } },
		{ .op = RESERVATION_POPULATE, .nr = 1, .order = 9, .start_gfn = { UINT64_MAX - 9 } },
	};
	struct reservation_bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rb_close(b);
		b->journal = bad[i];
		assert_int_equal(rb_open(b), -EBADMSG);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, rb_setup, rb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(release_and_populate_are_exact),
		ON_BENCH(many_scattered_frames),
		ON_BENCH(a_hole_in_a_large_extent),
		ON_BENCH(several_holes_next_to_each_other),
		ON_BENCH(mappings_are_dropped_before_release),
		ON_BENCH(populate_up_to_the_limit),
		ON_BENCH(populate_from_a_fragmented_heap),
		ON_BENCH(any_call_may_fail),
		ON_BENCH(any_call_may_fail_around_a_hole),
		ON_BENCH(a_journal_left_open_is_settled),
		ON_BENCH(a_journal_that_cannot_be_is_refused),
		ON_BENCH(a_journal_is_settled_whatever_others_have_mapped),
		ON_BENCH(frames_in_doubt_are_asked_for),
		ON_BENCH(frames_in_doubt_are_mapped_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
