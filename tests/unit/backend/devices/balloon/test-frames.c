// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bitmap of ballooned frames agrees with a byte a frame, whatever is marked and asked, across
 * words and ranges; its count is always the number of set bits.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/devices/balloon/frames.h"

/* 1000 frames, a hole, and 77 more: no multiple of a word anywhere. */
static const struct xenvirtio_gfn_range two[] = {
	{ { 0x40000 }, { 0x40000 + 999 } },
	{ { 0x200000 }, { 0x200000 + 76 } },
};

static struct xenvirtio_run run_of(uint64_t start, uint64_t nr)
{
	return (struct xenvirtio_run){ xenvirtio_gfn(start), nr };
}

static void absurd_ranges_are_refused(void **state)
{
	const struct xenvirtio_gfn_range backwards[] = { { { 10 }, { 9 } } };
	const struct xenvirtio_gfn_range overlapping[] = { { { 0 }, { 9 } }, { { 9 }, { 20 } } };
	const struct xenvirtio_gfn_range huge[] = { { { 0 }, { UINT64_C(1) << 28 } } };
	const struct xenvirtio_gfn_range whole[] = { { { 0 }, { UINT64_MAX } } };

	assert_int_equal(frames_count(NULL, 0), 0);
	assert_int_equal(frames_count(backwards, 1), 0);
	assert_int_equal(frames_count(overlapping, 2), 0);
	assert_int_equal(frames_count(huge, 1), 0);
	assert_int_equal(frames_count(whole, 1), 0);
	assert_int_equal(frames_count(two, 2), 1077);
}

/* Bits beyond the last frame would be counted as ballooned for ever. */
static void stray_bits_are_refused(void **state)
{
	uint64_t word[17] = { 0 };
	struct frames f;

	word[16] = UINT64_C(1) << (1077 % 64);
	assert_int_equal(frames_init(&f, two, 2, word), -EBADMSG);
	word[16] = UINT64_C(1) << (1077 % 64 - 1);
	assert_int_equal(frames_init(&f, two, 2, word), 0);
	assert_int_equal(f.nr_set, 1);
}

static void a_run_is_taken_apart_by_state(void **state)
{
	uint64_t word[17] = { 0 };
	struct xenvirtio_run run = run_of(0x40000 - 5, 0x200000 - 0x40000 + 100), piece;
	const struct {
		enum frame_state state;
		uint64_t start, nr;
	} expected[] = {
		{ FRAME_OUTSIDE, 0x40000 - 5, 5 },
		{ FRAME_PRESENT, 0x40000, 60 },
		{ FRAME_BALLOONED, 0x40000 + 60, 70 },
		{ FRAME_PRESENT, 0x40000 + 130, 870 },
		{ FRAME_OUTSIDE, 0x40000 + 1000, 0x200000 - 0x40000 - 1000 },
		{ FRAME_PRESENT, 0x200000, 76 },
		{ FRAME_BALLOONED, 0x200000 + 76, 1 },
		{ FRAME_OUTSIDE, 0x200000 + 77, 18 },
	};
	struct frames f;

	assert_int_equal(frames_init(&f, two, 2, word), 0);
	frames_mark(&f, xenvirtio_gfn(0x40000 + 60), 70, true);
	frames_mark(&f, xenvirtio_gfn(0x200000 + 76), 1, true);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(frames_next(&f, &run, &piece), expected[i].state);
		assert_int_equal(piece.start.v, expected[i].start);
		assert_int_equal(piece.nr, expected[i].nr);
	}
	assert_int_equal(run.nr, 0);
}

static void the_end_of_the_address_space_is_outside(void **state)
{
	struct xenvirtio_run run = run_of(UINT64_MAX - 3, 3), piece;
	uint64_t word[17] = { 0 };
	struct frames f;

	assert_int_equal(frames_init(&f, two, 2, word), 0);
	assert_int_equal(frames_next(&f, &run, &piece), FRAME_OUTSIDE);
	assert_int_equal(piece.nr, 3);
}

static void bitmap_agrees_with_a_byte_a_frame(void **state)
{
	uint64_t word[17] = { 0 };
	unsigned char model[1000] = { 0 };
	struct frames f;

	assert_int_equal(frames_init(&f, two, 1, word), 0);
	srand(2);
	for (int round = 0; round < 3000; round++) {
		uint64_t start = (uint64_t)rand() % 1000;
		uint64_t nr = 1 + (uint64_t)rand() % (1000 - start);
		bool ballooned = rand() % 2;
		struct xenvirtio_run run, piece;
		uint64_t set = 0;

		if (rand() % 2 && nr > 70)
			nr = 1 + nr % 70;
		frames_mark(&f, xenvirtio_gfn(0x40000 + start), nr, ballooned);
		memset(model + start, ballooned, nr);
		for (size_t i = 0; i < sizeof(model); i++)
			set += model[i];
		assert_int_equal(f.nr_set, set);
		for (run = run_of(0x40000, 1000); run.nr;) {
			enum frame_state s = frames_next(&f, &run, &piece);
			uint64_t at = piece.start.v - 0x40000;

			assert_true(s == FRAME_PRESENT || s == FRAME_BALLOONED);
			for (uint64_t i = 0; i < piece.nr; i++)
				assert_int_equal(model[at + i], s == FRAME_BALLOONED);
			/* the longest piece: what follows differs */
			if (run.nr)
				assert_int_not_equal(model[at + piece.nr], model[at]);
		}
	}
}

static void a_mark_outside_ram_changes_nothing(void **state)
{
	uint64_t word[17] = { 0 };
	struct frames f;

	assert_int_equal(frames_init(&f, two, 2, word), 0);
	frames_mark(&f, xenvirtio_gfn(5), 1, true);
	frames_mark(&f, xenvirtio_gfn(0x40000 + 990), 11, true);
	assert_int_equal(f.nr_set, 0);
	for (size_t i = 0; i < 17; i++)
		assert_int_equal(word[i], 0);
}

/* Extents of a call, as if each had been marked by itself: those that cross words, are whole words, end a range, or are no RAM. */
static void extents_are_marked_as_runs_are(void **state)
{
	static const struct xenvirtio_extent extent[] = {
		{ { 0x40000 }, 9 }, { { 0x40200 }, 6 }, { { 0x40240 }, 6 }, { { 0x200040 }, 3 }, { { 0x40280 }, 2 },
		{ { 0x40284 }, 1 }, { { 0x400ff }, 0 }, { { 0x400ff }, 0 }, { { 0x403e7 }, 0 }, { { 0x403e8 }, 0 }, { { 5 }, 0 },
		{ { 0x20004c }, 0 }, { { 0x20004d }, 0 },
	};
	const size_t nr = sizeof(extent) / sizeof(extent[0]);
	uint64_t word[17] = { 0 }, other[17] = { 0 };
	struct frames f, g;

	assert_int_equal(frames_init(&f, two, 2, word), 0);
	assert_int_equal(frames_init(&g, two, 2, other), 0);
	for (unsigned int set = 2; set--;) {
		frames_mark_extents(&f, extent, nr, set);
		for (size_t i = 0; i < nr; i++)
			frames_mark(&g, extent[i].start, UINT64_C(1) << extent[i].order, set);
		assert_memory_equal(word, other, sizeof(word));
		assert_int_equal(f.nr_set, g.nr_set);
		assert_int_equal(f.nr_set, set ? 512 + 64 + 64 + 8 + 4 + 2 + 2 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absurd_ranges_are_refused),
		cmocka_unit_test(stray_bits_are_refused),
		cmocka_unit_test(a_run_is_taken_apart_by_state),
		cmocka_unit_test(the_end_of_the_address_space_is_outside),
		cmocka_unit_test(bitmap_agrees_with_a_byte_a_frame),
		cmocka_unit_test(a_mark_outside_ram_changes_nothing),
		cmocka_unit_test(extents_are_marked_as_runs_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
