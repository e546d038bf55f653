// SPDX-License-Identifier: GPL-2.0-only
/*
 * The encoders against an independent decoder.
 *
 * Invariant: whatever the runs, the buffer and the form are, the messages name each frame exactly
 * once and no other. The buffer ends at its last byte: the address sanitizer sees a write past it.
 * Each flaw of the driver patches of 2016 and 2017 has a case of its own.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_balloon_bulk.h>

#include "../src/drivers/virtio/virtio_balloon_encode.h"
#include "decoder.h"

#define FIRST_PFN UINT64_C(0x40000)
#define RANGES_MAX WINDOW_PFNS

enum form { RECORDS, CHUNKS, RAW, MESSAGE_BITMAP, MESSAGE_CHUNKS, MESSAGE_BOTH, NR_FORMS };

static struct frame_set want, got;
static uint64_t range[RANGES_MAX];
static size_t nr_ranges;
static unsigned int nr_parts;

static int set_up(void **state)
{
	(void)state;
	memset(&want, 0, sizeof(want));
	want.first = FIRST_PFN;
	nr_ranges = 0;
	return 0;
}

/* In ascending order, as after sorting. */
static void add_run(uint64_t pfn, uint64_t nr)
{
	assert_true(add_frames(&want, pfn, nr));
	while (nr) {
		uint64_t here = nr < VBALLOON_RANGE_PAGES_MAX ? nr : VBALLOON_RANGE_PAGES_MAX;

		assert_true(nr_ranges < RANGES_MAX);
		nr_ranges = vballoon_range_add((__u64 *)range, nr_ranges, pfn, here);
		pfn += here;
		nr -= here;
	}
}

static bool encode_and_decode(struct vballoon_cursor *c, enum form form, void *buf, size_t bytes)
{
	struct vballoon_format format = { .bitmap = form != MESSAGE_CHUNKS,
					  .chunks = form != MESSAGE_BITMAP };
	__u64 start;
	size_t len;

	switch (form) {
	case RECORDS:
		len = vballoon_encode_records(c, buf, bytes);
		return len && len <= bytes && decode_records(buf, len, &got);
	case CHUNKS:
		len = vballoon_encode_chunks(c, buf, bytes);
		return len && len <= bytes && decode_chunks(buf, len, &got);
	case RAW:
		len = vballoon_encode_bitmap(c, buf, bytes, &start);
		return len && len <= bytes && decode_bitmap(buf, len, start, &got);
	default:
		len = vballoon_encode_message(c, format, buf, bytes);
		return len && len <= bytes && decode_message(buf, len, format.bitmap, &got);
	}
}

/* All runs through one form, with a buffer of @bytes. */
static void check_form(enum form form, size_t bytes)
{
	unsigned char *buf = malloc(bytes);
	struct vballoon_cursor c;

	assert_non_null(buf);
	memset(&got, 0, sizeof(got));
	got.first = FIRST_PFN;
	vballoon_cursor_init(&c, (__u64 *)range, nr_ranges);
	for (nr_parts = 0; c.left; nr_parts++) {
		memset(buf, 0xa5, bytes);
		assert_true(encode_and_decode(&c, form, buf, bytes));
	}
	assert_int_equal(got.nr, want.nr);
	/* not assert_memory_equal(), which goes byte by byte: thousands of these are compared */
	assert_int_equal(memcmp(got.set, want.set, sizeof(want.set)), 0);
	free(buf);
}

static void check_all_forms(void)
{
	static const size_t sizes[] = { 24, 32, 40, 72, 520, 528, 4096, 32768 };

	for (int form = 0; form < NR_FORMS; form++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			check_form(form, sizes[i]);
	}
}

static size_t records_of(void *buf, size_t bytes)
{
	struct vballoon_cursor c;
	size_t len;

	vballoon_cursor_init(&c, (__u64 *)range, nr_ranges);
	len = vballoon_encode_records(&c, buf, bytes);
	assert_int_equal(c.left, 0);
	return len;
}

static void one_page(void **state)
{
	(void)state;
	add_run(FIRST_PFN + 5, 1);
	check_all_forms();
}

/* 2016: the number of bitmaps was rounded down, so that less than 1 GiB sent nothing. */
static void short_run_is_sent(void **state)
{
	for (uint64_t nr = 1; nr <= 4 * 64 + 1; nr++) {
		set_up(state);
		add_run(FIRST_PFN + 64, nr);
		check_all_forms();
	}
}

/* 2016: off by one at the end of the last bitmap. */
static void last_bit_of_last_word(void **state)
{
	for (uint64_t end = 2; end <= 64 * 64 + 2; end++) {
		set_up(state);
		add_run(FIRST_PFN, 1);
		if (end > 130)
			add_run(FIRST_PFN + end - 66, 1);
		add_run(FIRST_PFN + end, 1);
		check_form(RECORDS, 32768);
		check_form(RAW, 32768);
	}
}

/* 2016: bitmaps were extended with zeroes past the end of RAM: the last word always has a bit. */
static void nothing_past_the_end(void **state)
{
	uint64_t end = FIRST_PFN + WINDOW_PFNS;
	uint64_t words[64];

	(void)state;
	add_run(end - 70, 3);
	add_run(end - 2, 2);
	check_all_forms();
	/* Frames end - 70 to end - 1 are 70 bits: a head and two words. */
	assert_int_equal(records_of(words, sizeof(words)), 3 * sizeof(uint64_t));
	assert_int_equal(words[2], UINT64_C(0x30));
}

/* 2016: the whole list was walked again and old pages were sent again. */
static void cursor_sends_each_once(void **state)
{
	unsigned char buf[40];
	struct vballoon_cursor c;
	uint64_t total = 0, before;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		add_run(FIRST_PFN + 100 * i, 1 + i % 90);
	vballoon_cursor_init(&c, (__u64 *)range, nr_ranges);
	memset(&got, 0, sizeof(got));
	got.first = FIRST_PFN;
	while (c.left) {
		before = got.nr;
		assert_true(encode_and_decode(&c, MESSAGE_BOTH, buf, sizeof(buf)));
		assert_true(got.nr > before);
		total += got.nr - before;
	}
	assert_int_equal(total, want.nr);
}

/* 2017: C bit-fields; here the fields are where the format has them, at their largest values. */
static void fields_of_the_head(void **state)
{
	uint64_t head = VIRTIO_BALLOON_RECORD((UINT64_C(1) << 52) - 1, 30, 63);

	(void)state;
	assert_int_equal(head, UINT64_C(0x000fffffffffffff) | UINT64_C(30) << 52 |
			       UINT64_C(63) << 58);
	assert_int_equal(VIRTIO_BALLOON_RECORD(0, 0, 63), UINT64_C(0xfc00000000000000));
	assert_int_equal(VIRTIO_BALLOON_RECORD(0, 63, 0), UINT64_C(0x03f0000000000000));
	assert_int_equal(VIRTIO_BALLOON_RECORD_PFN(head), (UINT64_C(1) << 52) - 1);
	assert_int_equal(VIRTIO_BALLOON_RECORD_SHIFT(head), 30);
	assert_int_equal(VIRTIO_BALLOON_RECORD_LEN(head), 63);
	assert_int_equal(sizeof(struct virtio_balloon_bulk_hdr), 8);
	assert_int_equal(sizeof(struct virtio_balloon_chunk), 16);
	assert_int_equal(sizeof(struct virtio_balloon_host_req), 16);
	assert_int_equal(sizeof(struct virtio_balloon_host_resp), 32);
}

static void highest_frames(void **state)
{
	uint64_t top = (UINT64_C(1) << 52) - 4096, words[4];

	set_up(state);
	nr_ranges = vballoon_range_add((__u64 *)range, 0, top, 4096);
	assert_int_equal(records_of(words, sizeof(words)), sizeof(uint64_t));
	assert_int_equal(VIRTIO_BALLOON_RECORD_PFN(words[0]), top);
	assert_int_equal(VIRTIO_BALLOON_RECORD_SHIFT(words[0]), 24);
	assert_int_equal(VIRTIO_BALLOON_RECORD_LEN(words[0]), 0);
}

/* A block of 2 MiB is one word, and so is a gigabyte: the point of all this. */
static void block_is_one_record(void **state)
{
	uint64_t words[4];

	(void)state;
	add_run(FIRST_PFN + 512, 512);
	check_all_forms();
	assert_int_equal(records_of(words, sizeof(words)), sizeof(uint64_t));
	assert_int_equal(VIRTIO_BALLOON_RECORD_SHIFT(words[0]), 21);
	set_up(state);
	nr_ranges = 0;
	for (uint64_t at = 0; at < UINT64_C(3) << 18; at += 4096)
		nr_ranges = vballoon_range_add((__u64 *)range, nr_ranges, at, 4096);
	/* Three times 1 GiB, of which one record takes one. */
	assert_int_equal(records_of(words, sizeof(words)), 3 * sizeof(uint64_t));
	assert_int_equal(VIRTIO_BALLOON_RECORD_SHIFT(words[2]), 30);
	assert_int_equal(VIRTIO_BALLOON_RECORD_PFN(words[2]), UINT64_C(2) << 18);
}

/* Scattered pages: 63 words of bitmap have one head, and every other page costs two bits. */
static void scattered_pages_share_bitmaps(void **state)
{
	unsigned char buf[32768];
	size_t len;

	(void)state;
	for (uint64_t i = 0; i < 8192; i++)
		add_run(FIRST_PFN + 2 * i, 1);
	check_all_forms();
	len = records_of(buf, sizeof(buf));
	assert_true(len <= 8192 * 2 / 8 + 8 * (8192 * 2 / (63 * 64) + 1));
	/* Chunks of them would be 128 KiB: with both forms allowed one message is enough. */
	check_form(MESSAGE_BOTH, sizeof(buf));
	assert_int_equal(nr_parts, 1);
}

/* Both negotiated: the shorter form is taken, and the header says which. */
static void shorter_form_is_taken(void **state)
{
	struct vballoon_format both = { true, true };
	unsigned char buf[4096];
	struct vballoon_cursor c;
	size_t len;

	set_up(state);
	add_run(FIRST_PFN, 1023);	/* 512 + 256 + 128 + 64 and two words of bitmap */
	vballoon_cursor_init(&c, (__u64 *)range, nr_ranges);
	len = vballoon_encode_message(&c, both, buf, sizeof(buf));
	assert_int_equal(len, 8 + 16);
	assert_int_equal(buf[0], VIRTIO_BALLOON_BULK_CHUNKS);
	set_up(state);
	add_run(FIRST_PFN, 512);
	vballoon_cursor_init(&c, (__u64 *)range, nr_ranges);
	len = vballoon_encode_message(&c, both, buf, sizeof(buf));
	assert_int_equal(len, 8 + 8);
	assert_int_equal(buf[0], VIRTIO_BALLOON_BULK_RECORDS);
}

static void gaps_of_every_size(void **state)
{
	for (uint64_t gap = 1; gap <= 70 * 64; gap += gap < 260 ? 1 : 61) {
		set_up(state);
		add_run(FIRST_PFN + 1, 3);
		add_run(FIRST_PFN + 4 + gap, 2);
		add_run(FIRST_PFN + 6 + 2 * gap, 64);
		add_run(FIRST_PFN + 70 + 3 * gap, 63);
		check_form(RECORDS, 4096);
		check_form(RAW, 4096);
		check_form(RAW, 24);
		check_form(RECORDS, 24);
	}
}

/* Pages come in the order of a list; neighbours on either side are one range. */
static void ranges_grow_both_ways(void **state)
{
	uint64_t r[4];
	size_t nr;

	(void)state;
	nr = vballoon_range_add((__u64 *)r, 0, 100, 1);
	nr = vballoon_range_add((__u64 *)r, nr, 101, 1);
	nr = vballoon_range_add((__u64 *)r, nr, 99, 1);
	assert_int_equal(nr, 1);
	assert_int_equal(vballoon_range_pfn(r[0]), 99);
	assert_int_equal(vballoon_range_pages(r[0]), 3);
	nr = vballoon_range_add((__u64 *)r, nr, 97, 1);
	assert_int_equal(nr, 2);
	nr = vballoon_range_add((__u64 *)r, nr, 98, 4095);
	assert_int_equal(nr, 2);
	assert_int_equal(vballoon_range_pages(r[1]), 4096);
	/* A full range takes no more. */
	nr = vballoon_range_add((__u64 *)r, nr, 97 + 4096, 1);
	assert_int_equal(nr, 3);
}

/* Adjacent ranges are one run, so a chunk is as long as memory is contiguous. */
static void adjacent_ranges_are_one_chunk(void **state)
{
	unsigned char buf[4096];
	struct vballoon_cursor c;

	(void)state;
	add_run(FIRST_PFN, 3 * 4096 + 17);
	assert_true(nr_ranges > 1);
	vballoon_cursor_init(&c, (__u64 *)range, nr_ranges);
	assert_int_equal(vballoon_encode_chunks(&c, buf, sizeof(buf)), 16);
}

static uint64_t random_below(uint64_t *seed, uint64_t limit)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (*seed >> 33) % limit;
}

static void random_runs(void **state)
{
	uint64_t seed = 2016;

	for (unsigned int round = 0; round < 300; round++) {
		uint64_t max_run = UINT64_C(1) << random_below(&seed, 14);
		uint64_t max_gap = UINT64_C(1) << random_below(&seed, 14);
		uint64_t pfn = FIRST_PFN + random_below(&seed, 200);

		set_up(state);
		while (pfn - FIRST_PFN < WINDOW_PFNS - max_run && nr_ranges < 2000) {
			uint64_t nr = 1 + random_below(&seed, max_run);

			add_run(pfn, nr);
			pfn += nr + 1 + random_below(&seed, max_gap);
		}
		check_form(random_below(&seed, NR_FORMS), 24 + 8 * random_below(&seed, 600));
	}
}

static void nothing_is_nothing(void **state)
{
	unsigned char buf[64];
	struct vballoon_cursor c;
	__u64 start;

	(void)state;
	vballoon_cursor_init(&c, (__u64 *)range, 0);
	assert_int_equal(vballoon_encode_records(&c, buf, sizeof(buf)), 0);
	assert_int_equal(vballoon_encode_chunks(&c, buf, sizeof(buf)), 0);
	assert_int_equal(vballoon_encode_bitmap(&c, buf, sizeof(buf), &start), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_page, set_up),
		cmocka_unit_test_setup(short_run_is_sent, set_up),
		cmocka_unit_test_setup(last_bit_of_last_word, set_up),
		cmocka_unit_test_setup(nothing_past_the_end, set_up),
		cmocka_unit_test_setup(cursor_sends_each_once, set_up),
		cmocka_unit_test_setup(fields_of_the_head, set_up),
		cmocka_unit_test_setup(highest_frames, set_up),
		cmocka_unit_test_setup(block_is_one_record, set_up),
		cmocka_unit_test_setup(scattered_pages_share_bitmaps, set_up),
		cmocka_unit_test_setup(shorter_form_is_taken, set_up),
		cmocka_unit_test_setup(gaps_of_every_size, set_up),
		cmocka_unit_test_setup(ranges_grow_both_ways, set_up),
		cmocka_unit_test_setup(adjacent_ranges_are_one_chunk, set_up),
		cmocka_unit_test_setup(random_runs, set_up),
		cmocka_unit_test_setup(nothing_is_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
