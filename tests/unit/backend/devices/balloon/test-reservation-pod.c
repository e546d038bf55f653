// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reservation of a guest started with populate-on-demand. A question by mapping would populate what the guest never touched, and
 * where no memory is kept for it Xen would crash the guest: nothing here may ask so. The fake counts both.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/reservation-bench.h"

#define BLOCK 512u

static void set_pod(struct reservation_bench *b, uint64_t offset, uint64_t nr, uint64_t cache)
{
	fake_set_pod(b->fake, xenvirtio_gfn(RAM_START + offset), nr, cache);
}

static void make_hole(struct reservation_bench *b, uint64_t offset)
{
	fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + offset), 1);
}

/* Each frame; what the domain owns tells nothing here. */
static void assert_exact(struct reservation_bench *b)
{
	for (uint64_t i = 0; i < RAM_PAGES; i++)
		assert_int_equal(fake_present(b->fake, xenvirtio_gfn(RAM_START + i)), !rb_is_ballooned(b, i));
	assert_int_equal(fake_pod_populated(b->fake), 0);
}

static uint64_t host_pages(struct reservation_bench *b)
{
	return fake_tot_pages(b->fake) + fake_heap_free(b->fake);
}

static void whole_blocks(void **state)
{
	struct reservation_bench *b = *state;
	uint64_t all = host_pages(b);

	set_pod(b, BLOCK, 3 * BLOCK, 2 * BLOCK);
	/* some that are there, some that never were; more are left than memory is kept for: that grows */
	assert_int_equal(rb_release(b, 0, 2 * BLOCK), 0);
	assert_int_equal(b->frames.nr_set, 2 * BLOCK);
	assert_exact(b);
	assert_int_equal(rb_release(b, 2 * BLOCK, 2 * BLOCK), 0);
	assert_int_equal(b->frames.nr_set, 4 * BLOCK);
	assert_exact(b);
	/* all entries are gone, and with them what was kept */
	assert_int_equal(fake_tot_pages(b->fake), RAM_PAGES - 4 * BLOCK);
	assert_int_equal(host_pages(b), all);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	assert_int_equal(reservation_look(&b->r), 0);
	assert_true(b->r.pod_over);
	assert_false(b->r.doubt);
	assert_int_equal(rb_populate(b, 0, 4 * BLOCK), 0);
	rb_assert_exact(b);
}

static void a_block_that_fails(void **state)
{
	struct reservation_bench *b = *state;

	set_pod(b, 0, 100, 0);
	set_pod(b, 400, 300, 0);
	make_hole(b, 300);
	assert_int_equal(rb_release(b, 0, BLOCK), 0);
	assert_int_equal(b->frames.nr_set, BLOCK);
	assert_exact(b);
}

/* None of those behind one that is not released is asked for. */
static void single_frames(void **state)
{
	struct reservation_bench *b = *state;

	for (uint64_t i = 1; i < 600; i += 2) {
		if (i % 3 == 0)
			make_hole(b, i);
		else if (i % 3 == 1)
			set_pod(b, i, 1, 0);
	}
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	for (uint64_t i = 1; i < 600; i += 2) {
		struct xenvirtio_run run = rb_run_at(i, 1);

		assert_int_equal(reservation_release(&b->r, &run), 0);
	}
	assert_int_equal(reservation_release_flush(&b->r), 0);
	assert_int_equal(b->frames.nr_set, 300);
	assert_exact(b);
}

/* What a call that was cut short left is released: nobody was told that it stays. */
static void killed_in_the_call(void **state)
{
	static const unsigned int orders[] = { 0, 4 };
	struct reservation_bench *b = *state;
	uint64_t at = 0;

	set_pod(b, 7, 16, 0);
	set_pod(b, 1024 + 8, 64, 0);
	make_hole(b, 6);
	make_hole(b, 1024 + 100);
	for (size_t k = 0; k < 2; k++, at += 1024) {
		uint64_t size = UINT64_C(1) << orders[k];
		struct xenvirtio_gfn gfn[6];
		size_t done;

		for (uint64_t i = 0; i < 6; i++)
			gfn[i] = xenvirtio_gfn(RAM_START + at + i * 2 * size);
		b->journal = (struct reservation_journal){ .order = orders[k], .nr = 6 };
		for (uint64_t i = 0; i < 6; i++)
			b->journal.start_gfn[i] = gfn[i].v;
		b->journal.op = RESERVATION_RELEASE;
		assert_int_equal(b->hv->ops->release_pages(b->hv, gfn, 2, orders[k], &done), 0);
		rb_close(b);
		assert_int_equal(rb_open(b), 0);
		assert_int_equal(b->journal.op, RESERVATION_IDLE);
		for (uint64_t i = 0; i < 6; i++)
			for (uint64_t n = 0; n < size; n++)
				assert_true(rb_is_ballooned(b, at + i * 2 * size + n));
		assert_int_equal(fake_pod_populated(b->fake), 0);
	}
	/* holes that nobody named are no part of it */
	assert_int_equal(b->frames.nr_set, 6 + 6 * 16);
}

/* At each call of it, and once more in what finishes it. */
static void killed_at_any_call(void **state)
{
	struct reservation_bench *b = *state;
	bool failed = true;

	set_pod(b, 0, 100, 0);
	make_hole(b, 300);
	for (uint64_t nth = 1; failed; nth++) {
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		rb_release(b, 0, BLOCK);
		failed = fake_failed(b->fake) != 0;
		rb_close(b);
		fake_fail(b->fake, 3, -EIO, FAKE_FAIL_ONCE, false);
		if (rb_open(b)) {
			fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
			rb_close(b);
			assert_int_equal(rb_open(b), 0);
		}
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		assert_int_equal(fake_pod_populated(b->fake), 0);
		assert_true(nth < 20);
	}
	assert_int_equal(b->frames.nr_set, BLOCK);
	assert_exact(b);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, rb_setup, rb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(whole_blocks),
		ON_BENCH(a_block_that_fails),
		ON_BENCH(single_frames),
		ON_BENCH(killed_in_the_call),
		ON_BENCH(killed_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
