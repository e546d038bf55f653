// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of a balloon: what is well formed is decoded to the letter, all else is refused whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xenvirtio/balloon.h>

static void pfns_become_runs(void **state)
{
	/* little-endian 0x01020304, 0x01020305, 0 at an odd address */
	const unsigned char bytes[] = { 0xff, 4, 3, 2, 1, 5, 3, 2, 1, 0, 0, 0, 0 };
	struct xenvirtio_runs runs = { 0 };

	assert_int_equal(xenvirtio_balloon_decode_pfns(bytes + 1, 12, &runs), 0);
	assert_int_equal(runs.nr, 2);
	assert_int_equal(runs.run[0].start.v, 0x01020304);
	assert_int_equal(runs.run[0].nr, 2);
	assert_int_equal(runs.run[1].start.v, 0);
	xenvirtio_runs_fini(&runs);
}

/* Upwards, downwards, and both in turn: 300 to 309, 250 to 241, 20, 22, 21, 19, 0. */
static void neighbours_are_one_run(void **state)
{
	const struct xenvirtio_run want[] = { { { 300 }, 10 }, { { 241 }, 10 }, { { 19 }, 4 }, { { 0 }, 1 } };
	struct xenvirtio_le32 pfn[25];
	struct xenvirtio_runs runs = { 0 };

	for (uint32_t i = 0; i < 10; i++) {
		pfn[i] = xenvirtio_le32(300 + i);
		pfn[10 + i] = xenvirtio_le32(250 - i);
	}
	for (size_t i = 0; i < 5; i++)
		pfn[20 + i] = xenvirtio_le32((const uint32_t[]){ 20, 22, 21, 19, 0 }[i]);
	assert_int_equal(xenvirtio_balloon_decode_pfns(pfn, sizeof(pfn), &runs), 0);
	assert_int_equal(runs.nr, 4);
	for (size_t i = 0; i < runs.nr; i++) {
		assert_int_equal(runs.run[i].start.v, want[i].start.v);
		assert_int_equal(runs.run[i].nr, want[i].nr);
	}
	xenvirtio_runs_fini(&runs);
}

/* From the last page number to the first is no step, nor the other way round, however many go before. */
static void numbers_end_where_they_end(void **state)
{
	for (uint32_t nr = 1; nr < 40; nr++) {
		for (int up = 0; up < 2; up++) {
			uint32_t end = up ? UINT32_MAX : 0, other = up ? 0 : UINT32_MAX;
			struct xenvirtio_le32 pfn[42];
			struct xenvirtio_runs runs = { 0 };

			for (uint32_t i = 0; i < nr; i++)
				pfn[i] = xenvirtio_le32(up ? end - (nr - 1) + i : nr - 1 - i);
			pfn[nr] = xenvirtio_le32(other);
			pfn[nr + 1] = xenvirtio_le32(1000);
			assert_int_equal(xenvirtio_balloon_decode_pfns(pfn, (nr + 2) * sizeof(*pfn), &runs), 0);
			assert_int_equal(runs.nr, 3);
			assert_int_equal(runs.run[0].start.v, up ? end - (nr - 1) : 0);
			assert_int_equal(runs.run[0].nr, nr);
			assert_int_equal(runs.run[1].start.v, other);
			assert_int_equal(runs.run[1].nr, 1);
			assert_int_equal(runs.run[2].start.v, 1000);
			xenvirtio_runs_fini(&runs);
		}
	}
}

/* However many are compared at a time, none passes for its neighbour's: one that is not of the row, at each place of it, is by itself. */
static void a_stranger_in_a_row_is_seen(void **state)
{
	enum { NR = 50 };

	for (uint32_t at = 1; at < NR - 1; at++) {
		for (int up = 0; up < 2; up++) {
			uint32_t before = at, behind = NR - 1 - at;
			struct xenvirtio_runs runs = { 0 };
			struct xenvirtio_le32 pfn[NR];

			for (uint32_t i = 0; i < NR; i++)
				pfn[i] = xenvirtio_le32(i == at ? 7 : up ? 1000 + i : 2000 - i);
			assert_int_equal(xenvirtio_balloon_decode_pfns(pfn, sizeof(pfn), &runs), 0);
			assert_int_equal(runs.nr, 3);
			assert_int_equal(runs.run[0].start.v, up ? 1000 : 2000 - before + 1);
			assert_int_equal(runs.run[0].nr, before);
			assert_int_equal(runs.run[1].start.v, 7);
			assert_int_equal(runs.run[1].nr, 1);
			assert_int_equal(runs.run[2].start.v, up ? 1000 + at + 1 : 2000 - (NR - 1));
			assert_int_equal(runs.run[2].nr, behind);
			xenvirtio_runs_fini(&runs);
		}
	}
}

static void pfns_of_odd_length_are_refused(void **state)
{
	const unsigned char bytes[8] = { 0 };
	struct xenvirtio_runs runs = { 0 };

	for (size_t n = 0; n <= 8; n++)
		assert_int_equal(xenvirtio_balloon_decode_pfns(bytes, n, &runs),
				 n % 4 ? XENVIRTIO_E_GUEST : 0);
	xenvirtio_runs_fini(&runs);
}

static void stats_known_tags_are_taken(void **state)
{
	const unsigned char bytes[] = {
		4, 0, 8, 7, 6, 5, 4, 3, 2, 1,			/* tag 4 */
		0xff, 0xff, 9, 9, 9, 9, 9, 9, 9, 9,		/* unknown */
		16, 0, 1, 0, 0, 0, 0, 0, 0, 0,			/* the first unknown of 16 */
		15, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	uint64_t value[16] = { 0 };
	uint32_t mask = 0xdeadbeef;

	assert_int_equal(xenvirtio_balloon_decode_stats(bytes, sizeof(bytes), value, 16, &mask), 0);
	assert_int_equal(mask, 1u << 4 | 1u << 15);
	assert_true(value[4] == UINT64_C(0x0102030405060708));
	assert_true(value[15] == UINT64_MAX);
	assert_true(value[0] == 0);
}

static void stats_of_odd_length_are_refused(void **state)
{
	const unsigned char bytes[40] = { 0 };
	uint64_t value[16];
	uint32_t mask;

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		int want = n && n % 10 == 0 ? 0 : XENVIRTIO_E_GUEST;

		assert_int_equal(xenvirtio_balloon_decode_stats(bytes, n, value, 16, &mask), want);
		assert_int_equal(mask, want ? 0 : 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pfns_become_runs),
		cmocka_unit_test(neighbours_are_one_run),
		cmocka_unit_test(numbers_end_where_they_end),
		cmocka_unit_test(a_stranger_in_a_row_is_seen),
		cmocka_unit_test(pfns_of_odd_length_are_refused),
		cmocka_unit_test(stats_known_tags_are_taken),
		cmocka_unit_test(stats_of_odd_length_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
