// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A deflate is acknowledged when its frames are there, whatever the bitmap says of them: after a state file was lost or a guest
 * restored, holes look like frames of the guest's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define NR 64u

static bool all_there(const struct bench *b)
{
	for (unsigned int i = 0; i < NR; i++)
		if (!fake_present(b->fake, xenvirtio_gfn(BENCH_FREE_GFN + i)))
			return false;
	return true;
}

/* Holes that no bit tells of. */
static void lose(struct bench *b)
{
	fake_make_hole(b->fake, xenvirtio_gfn(BENCH_FREE_GFN), NR);
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

static void what_is_deflated_is_there(void **state)
{
	struct bench *b = *state;

	lose(b);
	fake_set_heap(b->fake, NR);
	assert_int_equal(bench_send_run(b, 1, BENCH_FREE_GFN, NR), 0);
	assert_true(all_there(b));
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).deflated_pages, NR);
	assert_int_equal(bench_status(b).guest_errors[XENVIRTIO_GUEST_BAD_PAGE], 0);
}

static void or_it_is_not_acknowledged(void **state)
{
	struct bench *b = *state;

	lose(b);
	fake_set_heap(b->fake, NR - 1);
	assert_int_not_equal(bench_send_run(b, 1, BENCH_FREE_GFN, NR), 0);
	assert_false(all_there(b));
	assert_int_equal(bench_status(b).ballooned_pages, 1);
	assert_int_equal(bench_status(b).deflated_pages, NR - 1);
	fake_set_heap(b->fake, 1);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_true(all_there(b));
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).deflated_pages, NR);
}

/* Some of what the guest never touched is left, in the same message and elsewhere: it is no hole, and stays as it is. */
static void nor_with_populate_on_demand(void **state)
{
	struct bench *b = *state;

	lose(b);
	fake_set_pod(b->fake, xenvirtio_gfn(BENCH_FREE_GFN + NR), 2 * NR, 0);
	assert_int_equal(bench_send_run(b, 1, BENCH_FREE_GFN, 2 * NR), 0);
	assert_true(all_there(b));
	assert_int_equal(bench_status(b).deflated_pages, NR);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).guest_errors[XENVIRTIO_GUEST_BAD_PAGE], 1);
	assert_int_equal(fake_pod_populated(b->fake), 0);
}

static void what_was_there_is_the_drivers_error(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_send_run(b, 1, BENCH_FREE_GFN, NR), 0);
	assert_true(all_there(b));
	assert_int_equal(bench_status(b).guest_errors[XENVIRTIO_GUEST_BAD_PAGE], 1);
	bench_assert_exact(b);
}

static const struct xenvirtio_hv_ops *real_ops;
static uint64_t asked;

static int count_asked(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	asked += nr;
	return real_ops->frames_present(hv, gfn, nr, present);
}

static int no_memory(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	return -ENOMEM;
}

static int run_with(struct bench *b, __typeof__(&no_memory) frames_present, uint64_t start, size_t nr)
{
	struct xenvirtio_hv_ops ops = *b->hv->ops;
	int ret;

	real_ops = b->hv->ops;
	ops.frames_present = frames_present;
	b->hv->ops = &ops;
	ret = bench_send_run(b, 1, start, nr);
	b->hv->ops = real_ops;
	return ret;
}

/* All of RAM but the hole. */
static const struct bulk_run all[] = {{0x40000, 4095}, {0x200000, 1024}};

/* Whoever names frames that are there costs the host a question for each, but not all of them in one turn. */
static void asking_in_vain_takes_turns(void **state)
{
	unsigned char msg[DRIVER_QUEUE_SIZE_MAX];
	struct bench *b = *state;
	struct xenvirtio_hv_ops ops = *b->hv->ops;
	uint64_t before = 0, most = 0;

	b->encoding = BULK_CHUNKS;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	asked = 0;
	real_ops = b->hv->ops;
	ops.frames_present = count_asked;
	b->hv->ops = &ops;
	b->turns_max = 0;
	assert_int_equal(bench_post_bytes(b, 1, msg, bulk_encode(BULK_CHUNKS, all, 2, msg, sizeof(msg))), 0);
	most = asked;
	before = asked;
	while (bench_status(b).work_pending) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		most = asked - before > most ? asked - before : most;
		before = asked;
	}
	b->hv->ops = real_ops;
	assert_int_equal(asked, 4095 + 1024);
	assert_in_range(most, 1, BUDGET_TURN / BUDGET_FRAME + XENVIRTIO_EXTENTS_MAX);
	bench_assert_exact(b);
}

/* However much a message names in vain before: the holes at its end are not acknowledged as frames. */
static void what_is_named_last_is_asked_for_too(void **state)
{
	struct bench *b = *state;

	b->encoding = BULK_CHUNKS;
	fake_make_hole(b->fake, xenvirtio_gfn(0x200000 + 1000), 24);
	fake_set_heap(b->fake, 24);
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(bench_send_runs(b, 1, all, 2), 0);
	assert_true(fake_present(b->fake, xenvirtio_gfn(0x200000 + 1023)));
	assert_int_equal(bench_status(b).deflated_pages, 24);
	bench_assert_exact(b);
}

/* A host that cannot map many frames at once may still map one. */
static void a_host_short_of_memory_is_asked_frame_by_frame(void **state)
{
	struct bench *b = *state;

	lose(b);
	fake_set_heap(b->fake, NR);
	assert_int_equal(run_with(b, no_memory, BENCH_FREE_GFN, NR), 0);
	assert_true(all_there(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)
		ON_BENCH(what_is_deflated_is_there),
		ON_BENCH(or_it_is_not_acknowledged),
		ON_BENCH(nor_with_populate_on_demand),
		ON_BENCH(what_was_there_is_the_drivers_error),
		ON_BENCH(asking_in_vain_takes_turns),
		ON_BENCH(what_is_named_last_is_asked_for_too),
		ON_BENCH(a_host_short_of_memory_is_asked_frame_by_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
