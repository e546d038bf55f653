// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reservation where each call is a way to another process: one call has extents of all orders, and looks at the domain. What is
 * populated is a hole, whatever the guest has done since it was looked at last.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/reservation-bench.h"

static const struct xenvirtio_hv_ops *one_way;
static struct xenvirtio_hv_ops watched;
static struct reservation_bench *bench;

/* what comes to the seam: calls that move, other questions; and what happens before the next call */
static unsigned int calls, looks;
static void (*meanwhile)(void);
static struct reservation_journal noted;

static int watch_move(struct xenvirtio_hv *hv, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent, size_t nr,
		      struct xenvirtio_domain_info *info, size_t *done)
{
	void (*event)(void) = meanwhile;
	int ret;

	calls++;
	noted = bench->journal;
	meanwhile = NULL;
	if (event)
		event();
	/* the parts are the other process's */
	hv->ops = one_way;
	ret = one_way->move_extents(hv, release, tot_pages, extent, nr, info, done);
	hv->ops = &watched;
	return ret;
}

static int watch_look(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	looks++;
	return one_way->domain_info(hv, info);
}

static int setup(void **state)
{
	int ret = rb_setup(state);

	bench = *state;
	one_way = bench->hv->ops;
	watched = *one_way;
	watched.move_extents = watch_move;
	watched.domain_info = watch_look;
	bench->hv->ops = &watched;
	meanwhile = NULL;
	/* an empty balloon is looked at; from now on the sum is known */
	assert_int_equal(rb_release(bench, 4000, 1), 0);
	calls = looks = 0;
	return ret;
}

static void all_orders_are_one_call(void **state)
{
	struct reservation_bench *b = *state;

	/* 1, 2, 4, ... 64, and a part of as much downwards */
	assert_int_equal(rb_release(b, 1, 250), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(rb_populate(b, 1, 250), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(looks, 0);
	assert_int_equal(b->frames.nr_set, 1);
	assert_int_equal(b->r.released_pages, 251);
	assert_int_equal(b->r.populated_pages, 250);
	rb_assert_exact(b);
}

/* Frame by frame, which has no more room than that; a daemon of before there were such calls reads it as well. */
static void a_journal_has_each_frame(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(rb_release(b, 1, 511), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(noted.op, RESERVATION_RELEASE);
	assert_int_equal(noted.order, 0);
	assert_int_equal(noted.nr, 511);
	for (uint64_t gfn = RAM_START + 1; gfn < RAM_START + 512; gfn++) {
		bool there = false;

		for (uint32_t i = 0; i < noted.nr; i++)
			there = there || noted.start_gfn[i] == gfn;
		assert_true(there);
	}
	/* a block has no room for others beside it */
	assert_int_equal(rb_populate(b, 1, 511), 0);
	assert_int_equal(rb_release(b, 511, 514), 0);
	assert_int_equal(calls, 4);
	assert_int_equal(rb_release(b, 2048, 1024), 0);
	assert_int_equal(noted.order, 9);
	assert_int_equal(noted.nr, 2);
	rb_assert_exact(b);
}

static void guest_moves(bool release, uint64_t offset)
{
	struct xenvirtio_gfn gfn = xenvirtio_gfn(RAM_START + offset);
	struct xenvirtio_hv *guest;
	size_t done;

	assert_int_equal(fake_open(bench->fake, &guest), 0);
	assert_int_equal((release ? guest->ops->release_pages : guest->ops->populate_pages)(guest, &gfn, 1, 0, &done), 0);
	assert_int_equal(done, 1);
	guest->ops->close(guest);
}

static void takes_frame_100(void)
{
	guest_moves(false, 100);
}

static void gives_frame_3000(void)
{
	guest_moves(true, 3000);
}

/* At the last moment: between the collection and the call. */
static void what_the_guest_takes_back_is_not_populated_over(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(rb_release(b, 1, 250), 0);
	meanwhile = takes_frame_100;
	assert_int_equal(rb_populate(b, 1, 250), 0);
	assert_null(meanwhile);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(b->r.populated_pages, 249);
	assert_int_equal(b->r.moves, 2);
	assert_int_equal(b->frames.nr_set, 1);
	rb_assert_exact(b);
}

/* Fewer frames are no doubt; what they were is looked at all the same, and the next call is the one. */
static void what_the_guest_gives_away_delays_a_call(void **state)
{
	struct reservation_bench *b = *state;

	assert_int_equal(rb_release(b, 1, 250), 0);
	calls = 0;
	meanwhile = gives_frame_3000;
	assert_int_equal(rb_populate(b, 1, 250), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(looks, 0);
	assert_int_equal(b->frames.nr_set, 1);
	assert_int_equal(fake_holes(b->fake), 2);
	/* and what it takes again is in doubt: it may be another one */
	guest_moves(false, 3000);
	assert_int_equal(rb_release(b, 1, 250), 0);
	rb_assert_exact(b);
}

/* Xen has no more in the middle of a call: what is populated is, and the rest is still in the balloon. */
static void a_call_that_ends_early_is_exact(void **state)
{
	struct reservation_bench *b = *state;

	for (uint64_t left = 0; left <= 250; left += 25) {
		struct xenvirtio_hv *other;

		assert_int_equal(rb_release(b, 1, 250), 0);
		/* 4 KiB a frame */
		assert_int_equal(fake_open(b->fake, &other), 0);
		assert_int_equal(other->ops->set_max_mem(other, (fake_tot_pages(b->fake) + left) * 4), 0);
		assert_int_equal(rb_populate(b, 1, 250), 0);
		assert_int_equal(b->frames.nr_set, 251 - left);
		assert_int_equal(b->r.short_of_memory, left < 250);
		rb_assert_exact(b);
		assert_int_equal(other->ops->set_max_mem(other, RAM_PAGES * 4), 0);
		assert_int_equal(rb_populate(b, 1, 250), 0);
		assert_int_equal(b->frames.nr_set, 1);
		other->ops->close(other);
	}
}

/* A hole among what is released, of each order in turn. */
static void a_hole_among_all_orders(void **state)
{
	static const uint64_t holes[] = {1, 2, 5, 15, 20, 40, 100, 200, 250};
	struct reservation_bench *b = *state;

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + holes[i]), 1);
		assert_int_equal(rb_release(b, 1, 250), 0);
		assert_int_equal(b->frames.nr_set, 251);
		rb_assert_exact(b);
		assert_int_equal(rb_populate(b, 1, 250), 0);
		assert_int_equal(b->frames.nr_set, 1);
		rb_assert_exact(b);
	}
}

/* Each part of each call fails once, and a successor finds out how far it came. */
static void whatever_fails_is_exact(void **state)
{
	struct reservation_bench *b = *state;
	bool failed = true;
	unsigned int nth;

	for (nth = 1; failed; nth++) {
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		if (!rb_release(b, 1, 700))
			rb_populate(b, 100, 500);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		rb_close(b);
		assert_int_equal(rb_open(b), 0);
		rb_assert_exact(b);
		assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
		rb_assert_exact(b);
		assert_true(nth < 100);
	}
	assert_in_range(nth, 10, 99);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_orders_are_one_call),
		TEST(a_journal_has_each_frame),
		TEST(what_the_guest_takes_back_is_not_populated_over),
		TEST(what_the_guest_gives_away_delays_a_call),
		TEST(a_call_that_ends_early_is_exact),
		TEST(a_hole_among_all_orders),
		TEST(whatever_fails_is_exact),
	};

	setenv("FAKE_ONE_WAY", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
