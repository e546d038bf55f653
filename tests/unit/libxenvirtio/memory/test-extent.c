// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extents: whatever order and repetition frames come in, the runs hold each frame exactly once, and
 * the extents cut from a run cover it exactly, aligned.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xenvirtio/extent.h>

static void add_appends_and_lengthens(void **state)
{
	struct xenvirtio_runs runs = { 0 };

	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(10), 1), 0);
	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(11), 2), 0);
	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(5), 1), 0);
	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(0), 0), 0);
	assert_int_equal(runs.nr, 2);
	assert_int_equal(runs.run[0].nr, 3);
	assert_int_equal(xenvirtio_runs_total(&runs), 4);
	xenvirtio_runs_fini(&runs);
	assert_int_equal(runs.nr, 0);
}

static void downwards_is_one_run_too(void **state)
{
	struct xenvirtio_runs runs = { 0 };

	for (uint64_t gfn = 300; gfn > 44; gfn--)
		assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(gfn), 1), 0);
	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(301), 2), 0);
	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(0), 45), 0);
	assert_int_equal(runs.nr, 1);
	assert_int_equal(runs.run[0].start.v, 0);
	assert_int_equal(runs.run[0].nr, 303);
	xenvirtio_runs_fini(&runs);
}

static void add_refuses_what_wraps(void **state)
{
	struct xenvirtio_runs runs = { 0 };

	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(UINT64_MAX), 1), -EOVERFLOW);
	assert_int_equal(xenvirtio_runs_add(&runs, xenvirtio_gfn(1), UINT64_MAX), -EOVERFLOW);
	assert_int_equal(runs.nr, 0);
	xenvirtio_runs_fini(&runs);
}

/* Every frame named comes out once, and the count of repetitions is exact. */
static void coalesce_is_exact(void **state)
{
	enum { FRAMES = 2048, ROUNDS = 200 };
	unsigned char *named = calloc(FRAMES, 1);

	assert_non_null(named);
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		struct xenvirtio_runs runs = { 0 };
		uint64_t given = 0, distinct = 0;

		for (int i = 0; i < FRAMES; i++)
			named[i] = 0;
		for (int i = 0; i < 100; i++) {
			unsigned int start = (unsigned int)rand() % (FRAMES - 20);
			unsigned int nr = 1 + (unsigned int)rand() % 20;

			assert_int_equal(
				xenvirtio_runs_add(&runs, xenvirtio_gfn(start), nr), 0);
			given += nr;
			for (unsigned int k = 0; k < nr; k++)
				named[start + k] = 1;
		}
		for (int i = 0; i < FRAMES; i++)
			distinct += named[i];
		assert_int_equal(xenvirtio_runs_coalesce(&runs), given - distinct);
		assert_int_equal(xenvirtio_runs_total(&runs), distinct);
		for (size_t i = 0; i < runs.nr; i++) {
			for (uint64_t k = 0; k < runs.run[i].nr; k++)
				assert_int_equal(named[runs.run[i].start.v + k], 1);
			/* ascending, and a gap between any two */
			if (i)
				assert_true(runs.run[i].start.v >
					    runs.run[i - 1].start.v + runs.run[i - 1].nr);
		}
		xenvirtio_runs_fini(&runs);
	}
	free(named);
}

static void coalesce_merges_contained_runs(void **state)
{
	struct xenvirtio_runs runs = { 0 };

	xenvirtio_runs_add(&runs, xenvirtio_gfn(0), 100);
	xenvirtio_runs_add(&runs, xenvirtio_gfn(10), 5);
	xenvirtio_runs_add(&runs, xenvirtio_gfn(50), 10);
	assert_int_equal(xenvirtio_runs_coalesce(&runs), 15);
	assert_int_equal(runs.nr, 1);
	assert_int_equal(runs.run[0].nr, 100);
	xenvirtio_runs_clear(&runs);
	assert_int_equal(xenvirtio_runs_coalesce(&runs), 0);
	xenvirtio_runs_fini(&runs);
}

/* Extents cover the run in order, each aligned, none larger than asked, and none too small. */
static void cut_covers_the_run(void **state)
{
	for (uint64_t start = 0; start < 1100; start += 7) {
		for (uint64_t nr = 1; nr < 1600; nr += 13) {
			struct xenvirtio_run run = { xenvirtio_gfn(start), nr };
			uint64_t at = start;

			while (run.nr) {
				struct xenvirtio_gfn first;
				uint64_t left = run.nr;
				unsigned int order = xenvirtio_run_cut(&run, 9, &first);
				uint64_t size = UINT64_C(1) << order;

				assert_int_equal(first.v, at);
				assert_true(order <= 9);
				assert_int_equal(first.v % size, 0);
				assert_true(size <= left);
				if (order < 9)
					assert_true(first.v % (2 * size) || 2 * size > left);
				at += size;
			}
			assert_int_equal(at, start + nr);
		}
	}
}

static void cut_survives_the_largest_run(void **state)
{
	struct xenvirtio_run run = { xenvirtio_gfn(0), UINT64_MAX };
	struct xenvirtio_gfn first;

	assert_int_equal(xenvirtio_run_cut(&run, 9, &first), 9);
	assert_int_equal(run.start.v, 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_appends_and_lengthens),
		cmocka_unit_test(downwards_is_one_run_too),
		cmocka_unit_test(add_refuses_what_wraps),
		cmocka_unit_test(coalesce_is_exact),
		cmocka_unit_test(coalesce_merges_contained_runs),
		cmocka_unit_test(cut_covers_the_run),
		cmocka_unit_test(cut_survives_the_largest_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
