// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reservation where the domain's counters lie: others have frames mapped, the guest has hypercalls of its own. The bitmap is what the
 * guest's page tables have, frame by frame, and asking costs little.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/reservation-bench.h"

/* Frames that another process of the host has mapped: they leave the guest's page tables, and the domain's count only later. */
struct foreign {
	struct xenvirtio_hv *hv;
	void *va;
	size_t nr;
};

static void map_elsewhere(struct reservation_bench *b, struct foreign *other, uint64_t offset, size_t nr)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];

	for (size_t i = 0; i < nr; i++)
		gfn[i] = xenvirtio_gfn(RAM_START + offset + i);
	other->nr = nr;
	assert_int_equal(fake_open(b->fake, &other->hv), 0);
	assert_int_equal(other->hv->ops->map(other->hv, gfn, nr, false, &other->va), 0);
}

static void unmap_elsewhere(struct foreign *other)
{
	assert_int_equal(other->hv->ops->unmap(other->hv, other->va, other->nr), 0);
	xenvirtio_hv_close(other->hv);
}

/* A block that goes in part, and what of it is gone is not what the domain's count says. */
static void others_mappings_do_not_count_in_a_block_that_fails(void **state)
{
	static const uint64_t holes[] = { 0, 50, 300, 511 };
	struct reservation_bench *b = *state;
	struct foreign other;

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		uint64_t at = 512 * i;

		fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + at + holes[i]), 1);
		/* on both sides of the hole, and on one */
		map_elsewhere(b, &other, at + (holes[i] == 50 ? 51 : 1), holes[i] == 300 ? 100 : 49);
		assert_int_equal(rb_release(b, at, 512), 0);
		assert_int_equal(b->frames.nr_set, 512 * (i + 1));
		assert_int_equal(fake_holes(b->fake), 512 * (i + 1));
		unmap_elsewhere(&other);
		rb_assert_exact(b);
	}
}

/* Killed after the call, before anybody asked: the journal still names the block. */
static void killed_before_a_block_that_failed_was_asked_for(void **state)
{
	struct reservation_bench *b = *state;
	struct foreign other;
	bool failed = true;

	fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + 300), 1);
	map_elsewhere(b, &other, 0, 100);
	for (uint64_t nth = 1; failed; nth++) {
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		rb_release(b, 0, 512);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		rb_close(b);
		assert_int_equal(rb_open(b), 0);
		assert_int_equal(b->frames.nr_set + !rb_is_ballooned(b, 300), fake_holes(b->fake));
		assert_true(nth < 20);
	}
	assert_int_equal(b->frames.nr_set, 512);
	unmap_elsewhere(&other);
	rb_assert_exact(b);
}

static uint64_t calls_for(struct reservation_bench *b, uint64_t offset, uint64_t nr)
{
	uint64_t before;

	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	before = fake_calls(b->fake);
	assert_int_equal(rb_release(b, offset, nr), 0);
	return fake_calls(b->fake) - before;
}

/* A guest that has given its frames away and names them all the same: a question for hundreds of them, not a call for each. */
static void a_thousand_holes_cost_a_few_calls(void **state)
{
	struct reservation_bench *b = *state;

	/* there each order is a part of a call */
	if (getenv("FAKE_ONE_WAY"))
		skip();
	for (uint64_t i = 1; i < 2048; i += 2)
		fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + i), 1);
	/* a look at the domain, and at what it has on demand; for each of four blocks a call, a question, a look, a call for single frames */
	assert_in_range(calls_for(b, 0, 2048), 4, 2 + 4 * 4);
	assert_int_equal(b->frames.nr_set, 2048);
	rb_assert_exact(b);
	/* single frames: every second one of those asked for is a hole */
	for (uint64_t i = 2049; i < 3072; i += 4)
		fake_make_hole(b->fake, xenvirtio_gfn(RAM_START + i), 1);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	for (uint64_t i = 2049; i < 3072; i += 2) {
		struct xenvirtio_run run = rb_run_at(i, 1);

		assert_int_equal(reservation_release(&b->r, &run), 0);
	}
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	assert_int_equal(reservation_release_flush(&b->r), 0);
	assert_in_range(fake_calls(b->fake), 2, 3);
	assert_int_equal(b->frames.nr_set, 2048 + 512);
	rb_assert_exact(b);
}

static const struct xenvirtio_hv_ops *inner;

/* There, and not to be had: a frame that is the guest's by a grant. */
static int refuse_frame_300(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr, unsigned int order,
			    size_t *done)
{
	const uint64_t refused = RAM_START + 300;
	size_t part = 0, singles;
	int ret = 0;

	*done = 0;
	while (part < nr && refused - start[part].v >= UINT64_C(1) << order)
		part++;
	if (part)
		ret = inner->release_pages(hv, start, part, order, done);
	/* as Xen does: the front of the extent goes */
	for (uint64_t gfn = part < nr ? start[part].v : refused; gfn < refused && !ret; gfn++)
		ret = inner->release_pages(hv, &(struct xenvirtio_gfn){gfn}, 1, 0, &singles);
	return ret;
}

static void a_frame_that_is_there_and_not_to_be_had(void **state)
{
	struct reservation_bench *b = *state;
	struct xenvirtio_hv_ops ops = *b->hv->ops;
	struct foreign other;

	inner = b->hv->ops;
	ops.release_pages = refuse_frame_300;
	b->hv->ops = &ops;
	map_elsewhere(b, &other, 250, 100);
	assert_int_equal(rb_release(b, 0, 1024), 0);
	b->hv->ops = inner;
	assert_int_equal(b->frames.nr_set, 1023);
	assert_false(rb_is_ballooned(b, 300));
	assert_int_equal(b->r.bad_pages, 1);
	/* what others have mapped is not the host's yet */
	assert_int_equal(b->r.released_pages, 1023 - 50);
	unmap_elsewhere(&other);
	rb_assert_exact(b);
}

/* A guest's own hypercall brings frames back: they are not populated over, which would lose them to everybody. */
static void what_the_guest_took_back_is_not_populated_over(void **state)
{
	struct xenvirtio_gfn taken[64];
	struct reservation_bench *b = *state;
	size_t done;

	assert_int_equal(rb_release(b, 0, 1024), 0);
	for (unsigned int i = 0; i < 64; i++)
		taken[i] = xenvirtio_gfn(RAM_START + 100 + 3 * i);
	assert_int_equal(b->hv->ops->populate_pages(b->hv, taken, 64, 0, &done), 0);
	assert_int_equal(done, 64);
	assert_int_equal(rb_populate(b, 0, RAM_PAGES), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(b->frames.nr_set, 0);
	assert_int_equal(b->r.populated_pages, 1024 - 64);
	rb_assert_exact(b);
}

/* Collected while there was no doubt, and sent in a later turn: the guest may have been faster. */
static void what_waited_for_its_turn_is_asked_for(void **state)
{
	struct reservation_bench *b = *state;
	struct xenvirtio_gfn taken[8];
	struct xenvirtio_run run = rb_run_at(0, 64);
	size_t done;

	/* with so many free that a frame could be lost */
	assert_int_equal(rb_release(b, 0, 128), 0);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	reservation_populate_begin(&b->r);
	assert_int_equal(reservation_populate(&b->r, &run), 0);
	assert_int_equal(run.nr, 0);
	assert_false(reservation_populate_idle(&b->r));
	for (unsigned int i = 0; i < 8; i++)
		taken[i] = xenvirtio_gfn(RAM_START + 3 * i);
	assert_int_equal(b->hv->ops->populate_pages(b->hv, taken, 8, 0, &done), 0);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	assert_int_equal(reservation_populate_flush(&b->r), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	/* to be asked for once more, all of it */
	assert_true(b->r.dropped);
	assert_int_equal(rb_populate(b, 0, 128), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(b->frames.nr_set, 0);
	rb_assert_exact(b);
}

/* An exchange, which leaves no doubt; a look at the frames found it meanwhile. */
static void what_was_found_there_is_not_populated_over(void **state)
{
	struct reservation_bench *b = *state;
	struct xenvirtio_gfn taken = { RAM_START + 3 }, own = { RAM_START + 200 };
	struct xenvirtio_run run = rb_run_at(0, 64);
	size_t done;

	assert_int_equal(rb_release(b, 0, 128), 0);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	reservation_populate_begin(&b->r);
	assert_int_equal(reservation_populate(&b->r, &run), 0);
	assert_int_equal(b->hv->ops->release_pages(b->hv, &own, 1, 0, &done), 0);
	assert_int_equal(b->hv->ops->populate_pages(b->hv, &taken, 1, 0, &done), 0);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	assert_int_equal(reservation_settle(&b->r, rb_run_at(0, 128)), 0);
	assert_int_equal(b->frames.nr_set, 127);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	assert_int_equal(reservation_populate_flush(&b->r), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_true(b->r.dropped);
	assert_int_equal(rb_populate(b, 0, 128), 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(b->frames.nr_set, 0);
}

/* Where nothing speaks against it, it is sent as it is. */
static void what_waited_without_doubt_is_sent(void **state)
{
	struct reservation_bench *b = *state;
	struct xenvirtio_run run = rb_run_at(0, 64);

	assert_int_equal(rb_release(b, 0, 64), 0);
	reservation_populate_begin(&b->r);
	assert_int_equal(reservation_populate(&b->r, &run), 0);
	assert_int_equal(reservation_turn(&b->r, BUDGET_UNBOUNDED), 0);
	assert_int_equal(reservation_populate_flush(&b->r), 0);
	assert_false(b->r.dropped);
	assert_int_equal(b->frames.nr_set, 0);
	rb_assert_exact(b);
}

/* Without cause nobody is asked: two calls and no question, whatever is moved; the first time also what there is on demand. */
static void without_doubt_nothing_is_asked(void **state)
{
	struct reservation_bench *b = *state;

	/* test-reservation-expected has that */
	if (getenv("FAKE_ONE_WAY"))
		skip();
	assert_int_equal(calls_for(b, 0, 2048), 3);
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	assert_int_equal(rb_populate(b, 0, 2048), 0);
	assert_int_equal(fake_calls(b->fake), 2);
	rb_assert_exact(b);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, rb_setup, rb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(others_mappings_do_not_count_in_a_block_that_fails),
		ON_BENCH(killed_before_a_block_that_failed_was_asked_for),
		ON_BENCH(a_thousand_holes_cost_a_few_calls),
		ON_BENCH(a_frame_that_is_there_and_not_to_be_had),
		ON_BENCH(what_the_guest_took_back_is_not_populated_over),
		ON_BENCH(what_waited_for_its_turn_is_asked_for),
		ON_BENCH(what_was_found_there_is_not_populated_over),
		ON_BENCH(what_waited_without_doubt_is_sent),
		ON_BENCH(without_doubt_nothing_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
