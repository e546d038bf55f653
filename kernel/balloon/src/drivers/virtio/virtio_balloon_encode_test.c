// SPDX-License-Identifier: GPL-2.0-only
/*
 * The encoders against an independent decoder.
 *
 * Invariant: whatever the runs, the buffer and the form are, the messages name each frame exactly
 * once and no other. The buffer ends at its last byte: the address sanitizer sees a write past it.
 * Each flaw of the driver patches of 2016 and 2017 has a case of its own.
 */
#include <kunit/test.h>

#include <linux/virtio_balloon_bulk.h>

#include "virtio_balloon_decode_test.h"
#include "virtio_balloon_encode.h"

#define FIRST_PFN 0x40000ULL
#define RANGES_MAX 16384u
#define SORT_MAX 700u

enum form { RECORDS, CHUNKS, RAW, MESSAGE_BITMAP, MESSAGE_CHUNKS, MESSAGE_BOTH, NR_FORMS };

static struct frame_set want, got;
static u64 range[RANGES_MAX];
static size_t nr_ranges;
static unsigned int nr_parts;
static unsigned char buffer[32768]; /* too large for a kernel's stack */

static int set_up(struct kunit *test)
{
	memset(&want, 0, sizeof(want));
	want.first = FIRST_PFN;
	nr_ranges = 0;
	return 0;
}

/* In ascending order, as after sorting. */
static void add_run(struct kunit *test, u64 pfn, u64 nr)
{
	KUNIT_ASSERT_TRUE(test, add_frames(&want, pfn, nr));
	while (nr) {
		u64 here = nr < VBALLOON_RANGE_PAGES_MAX ? nr : VBALLOON_RANGE_PAGES_MAX;

		KUNIT_ASSERT_TRUE(test, nr_ranges < RANGES_MAX);
		nr_ranges = vballoon_range_add(range, nr_ranges, pfn, here);
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
static void check_form(struct kunit *test, enum form form, size_t bytes)
{
	unsigned char *buf = kunit_kmalloc(test, bytes, GFP_KERNEL);
	struct vballoon_cursor c;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset(&got, 0, sizeof(got));
	got.first = FIRST_PFN;
	vballoon_cursor_init(&c, range, nr_ranges);
	for (nr_parts = 0; c.left; nr_parts++) {
		memset(buf, 0xa5, bytes);
		KUNIT_ASSERT_TRUE(test, encode_and_decode(&c, form, buf, bytes));
	}
	KUNIT_ASSERT_EQ(test, got.nr, want.nr);
	/* not assert_memory_equal(), which goes byte by byte: thousands of these are compared */
	KUNIT_ASSERT_EQ(test, memcmp(got.set, want.set, sizeof(want.set)), 0);
	kunit_kfree(test, buf);
}

static void check_all_forms(struct kunit *test)
{
	static const size_t sizes[] = { 24, 32, 40, 72, 520, 528, 4096, 32768 };

	for (int form = 0; form < NR_FORMS; form++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			check_form(test, form, sizes[i]);
	}
}

static size_t records_of(struct kunit *test, void *buf, size_t bytes)
{
	struct vballoon_cursor c;
	size_t len;

	vballoon_cursor_init(&c, range, nr_ranges);
	len = vballoon_encode_records(&c, buf, bytes);
	KUNIT_ASSERT_EQ(test, c.left, 0);
	return len;
}

static void one_page(struct kunit *test)
{
	add_run(test, FIRST_PFN + 5, 1);
	check_all_forms(test);
}

/* 2016: the number of bitmaps was rounded down, so that less than 1 GiB sent nothing. */
static void short_run_is_sent(struct kunit *test)
{
	for (u64 nr = 1; nr <= 4 * 64 + 1; nr++) {
		set_up(test);
		add_run(test, FIRST_PFN + 64, nr);
		check_all_forms(test);
	}
}

/* 2016: off by one at the end of the last bitmap. */
static void last_bit_of_last_word(struct kunit *test)
{
	for (u64 end = 2; end <= 64 * 64 + 2; end++) {
		set_up(test);
		add_run(test, FIRST_PFN, 1);
		if (end > 130)
			add_run(test, FIRST_PFN + end - 66, 1);
		add_run(test, FIRST_PFN + end, 1);
		check_form(test, RECORDS, 32768);
		check_form(test, RAW, 32768);
	}
}

/* 2016: bitmaps were extended with zeroes past the end of RAM: the last word always has a bit. */
static void nothing_past_the_end(struct kunit *test)
{
	u64 end = FIRST_PFN + WINDOW_PFNS;
	unsigned char words[512];

	add_run(test, end - 70, 3);
	add_run(test, end - 2, 2);
	check_all_forms(test);
	/* Frames end - 70 to end - 1 are 70 bits: a head and two words. */
	KUNIT_ASSERT_EQ(test, records_of(test, words, sizeof(words)), 3 * sizeof(u64));
	KUNIT_ASSERT_EQ(test, get_le(words + 16, 8), 0x30ULL);
}

/* 2016: the whole list was walked again and old pages were sent again. */
static void cursor_sends_each_once(struct kunit *test)
{
	unsigned char buf[40];
	struct vballoon_cursor c;
	u64 total = 0, before;

	for (unsigned int i = 0; i < 1000; i++)
		add_run(test, FIRST_PFN + 100 * i, 1 + i % 90);
	vballoon_cursor_init(&c, range, nr_ranges);
	memset(&got, 0, sizeof(got));
	got.first = FIRST_PFN;
	while (c.left) {
		before = got.nr;
		KUNIT_ASSERT_TRUE(test, encode_and_decode(&c, MESSAGE_BOTH, buf, sizeof(buf)));
		KUNIT_ASSERT_TRUE(test, got.nr > before);
		total += got.nr - before;
	}
	KUNIT_ASSERT_EQ(test, total, want.nr);
}

/* 2017: C bit-fields; here the fields are where the format has them, at their largest values. */
static void fields_of_the_head(struct kunit *test)
{
	u64 head = VIRTIO_BALLOON_RECORD((1ULL << 52) - 1, 30, 63);

	KUNIT_ASSERT_EQ(test, head, 0x000fffffffffffffULL | 30ULL << 52 |
			       63ULL << 58);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD(0, 0, 63), 0xfc00000000000000ULL);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD(0, 63, 0), 0x03f0000000000000ULL);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_PFN(head), (1ULL << 52) - 1);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_SHIFT(head), 30);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_LEN(head), 63);
	KUNIT_ASSERT_EQ(test, sizeof(struct virtio_balloon_bulk_hdr), 8);
	KUNIT_ASSERT_EQ(test, sizeof(struct virtio_balloon_chunk), 16);
	KUNIT_ASSERT_EQ(test, sizeof(struct virtio_balloon_host_req), 16);
	KUNIT_ASSERT_EQ(test, sizeof(struct virtio_balloon_host_resp), 32);
}

static void highest_frames(struct kunit *test)
{
	u64 top = (1ULL << 52) - 4096;
	unsigned char words[32];

	set_up(test);
	nr_ranges = vballoon_range_add(range, 0, top, 4096);
	KUNIT_ASSERT_EQ(test, records_of(test, words, sizeof(words)), sizeof(u64));
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_PFN(get_le(words, 8)), top);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_SHIFT(get_le(words, 8)), 24);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_LEN(get_le(words, 8)), 0);
}

/* A block of 2 MiB is one word, and so is a gigabyte: the point of all this. */
static void block_is_one_record(struct kunit *test)
{
	unsigned char words[32];

	add_run(test, FIRST_PFN + 512, 512);
	check_all_forms(test);
	KUNIT_ASSERT_EQ(test, records_of(test, words, sizeof(words)), sizeof(u64));
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_SHIFT(get_le(words, 8)), 21);
	set_up(test);
	nr_ranges = 0;
	for (u64 at = 0; at < 3ULL << 18; at += 4096)
		nr_ranges = vballoon_range_add(range, nr_ranges, at, 4096);
	/* Three times 1 GiB, of which one record takes one. */
	KUNIT_ASSERT_EQ(test, records_of(test, words, sizeof(words)), 3 * sizeof(u64));
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_SHIFT(get_le(words + 16, 8)), 30);
	KUNIT_ASSERT_EQ(test, VIRTIO_BALLOON_RECORD_PFN(get_le(words + 16, 8)), 2ULL << 18);
}

/* Scattered pages: 63 words of bitmap have one head, and every other page costs two bits. */
static void scattered_pages_share_bitmaps(struct kunit *test)
{
	size_t len;

	for (u64 i = 0; i < 8192; i++)
		add_run(test, FIRST_PFN + 2 * i, 1);
	check_all_forms(test);
	len = records_of(test, buffer, sizeof(buffer));
	KUNIT_ASSERT_TRUE(test, len <= 8192 * 2 / 8 + 8 * (8192 * 2 / (63 * 64) + 1));
	/* Chunks of them would be 128 KiB: with both forms allowed one message is enough. */
	check_form(test, MESSAGE_BOTH, sizeof(buffer));
	KUNIT_ASSERT_EQ(test, nr_parts, 1);
}

/* Both negotiated: the shorter form is taken, and the header says which. */
static void shorter_form_is_taken(struct kunit *test)
{
	struct vballoon_format both = { true, true };
	struct vballoon_cursor c;
	size_t len;

	set_up(test);
	add_run(test, FIRST_PFN, 1023);	/* 512 + 256 + 128 + 64 and two words of bitmap */
	vballoon_cursor_init(&c, range, nr_ranges);
	len = vballoon_encode_message(&c, both, buffer, sizeof(buffer));
	KUNIT_ASSERT_EQ(test, len, 8 + 16);
	KUNIT_ASSERT_EQ(test, buffer[0], VIRTIO_BALLOON_BULK_CHUNKS);
	set_up(test);
	add_run(test, FIRST_PFN, 512);
	vballoon_cursor_init(&c, range, nr_ranges);
	len = vballoon_encode_message(&c, both, buffer, sizeof(buffer));
	KUNIT_ASSERT_EQ(test, len, 8 + 8);
	KUNIT_ASSERT_EQ(test, buffer[0], VIRTIO_BALLOON_BULK_RECORDS);
}

static void gaps_of_every_size(struct kunit *test)
{
	for (u64 gap = 1; gap <= 70 * 64; gap += gap < 260 ? 1 : 61) {
		set_up(test);
		add_run(test, FIRST_PFN + 1, 3);
		add_run(test, FIRST_PFN + 4 + gap, 2);
		add_run(test, FIRST_PFN + 6 + 2 * gap, 64);
		add_run(test, FIRST_PFN + 70 + 3 * gap, 63);
		check_form(test, RECORDS, 4096);
		check_form(test, RAW, 4096);
		check_form(test, RAW, 24);
		check_form(test, RECORDS, 24);
	}
}

/* Pages come in the order of a list; neighbours on either side are one range. */
static void ranges_grow_both_ways(struct kunit *test)
{
	u64 r[4];
	size_t nr;

	nr = vballoon_range_add(r, 0, 100, 1);
	nr = vballoon_range_add(r, nr, 101, 1);
	nr = vballoon_range_add(r, nr, 99, 1);
	KUNIT_ASSERT_EQ(test, nr, 1);
	KUNIT_ASSERT_EQ(test, vballoon_range_pfn(r[0]), 99);
	KUNIT_ASSERT_EQ(test, vballoon_range_pages(r[0]), 3);
	nr = vballoon_range_add(r, nr, 97, 1);
	KUNIT_ASSERT_EQ(test, nr, 2);
	nr = vballoon_range_add(r, nr, 98, 4095);
	KUNIT_ASSERT_EQ(test, nr, 2);
	KUNIT_ASSERT_EQ(test, vballoon_range_pages(r[1]), 4096);
	/* A full range takes no more. */
	nr = vballoon_range_add(r, nr, 97 + 4096, 1);
	KUNIT_ASSERT_EQ(test, nr, 3);
}

/* Adjacent ranges are one run, so a chunk is as long as memory is contiguous. */
static void adjacent_ranges_are_one_chunk(struct kunit *test)
{
	struct vballoon_cursor c;

	add_run(test, FIRST_PFN, 3 * 4096 + 17);
	KUNIT_ASSERT_TRUE(test, nr_ranges > 1);
	vballoon_cursor_init(&c, range, nr_ranges);
	KUNIT_ASSERT_EQ(test, vballoon_encode_chunks(&c, buffer, sizeof(buffer)), 16);
}

static u64 random_below(u64 *seed, u64 limit)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407u;
	return (u32)(*seed >> 33) % (u32)limit;
}

static void random_runs(struct kunit *test)
{
	u64 seed = 2016;

	for (unsigned int round = 0; round < 300; round++) {
		u64 max_run = 1ULL << random_below(&seed, 14);
		u64 max_gap = 1ULL << random_below(&seed, 14);
		u64 pfn = FIRST_PFN + random_below(&seed, 200);

		set_up(test);
		while (pfn - FIRST_PFN < WINDOW_PFNS - max_run && nr_ranges < 2000) {
			u64 nr = 1 + random_below(&seed, max_run);

			add_run(test, pfn, nr);
			pfn += nr + 1 + random_below(&seed, max_gap);
		}
		check_form(test, random_below(&seed, NR_FORMS), 24 + 8 * random_below(&seed, 600));
	}
}

/* Whatever the order of frames, no two of which are alike: ascending, and each is there. */
static void check_sort(struct kunit *test, u64 *r, size_t nr)
{
	static u64 spare[SORT_MAX];
	u64 sum = 0, mix = 0;

	for (size_t i = 0; i < nr; i++) {
		sum += r[i];
		mix += r[i] * (r[i] ^ 0x9e3779b97f4a7c15ULL);
	}
	vballoon_ranges_sort(r, spare, nr);
	for (size_t i = 0; i < nr; i++) {
		sum -= r[i];
		mix -= r[i] * (r[i] ^ 0x9e3779b97f4a7c15ULL);
		KUNIT_ASSERT_TRUE(test, !i || r[i - 1] < r[i]);
	}
	KUNIT_ASSERT_EQ(test, sum, 0);
	KUNIT_ASSERT_EQ(test, mix, 0);
}

static void shuffle(u64 *seed, u64 *r, size_t nr)
{
	for (size_t i = nr; i--;) {
		size_t j = random_below(seed, i + 1);
		u64 other = r[j];

		r[j] = r[i];
		r[i] = other;
	}
}

/* Frames of a guest of any size, so that any number of digits differs; so do lengths. */
static void ranges_are_sorted(struct kunit *test)
{
	static u64 r[SORT_MAX];
	u64 seed = 14;

	check_sort(test, r, 0);
	for (unsigned int bits = 2; bits <= 40; bits++) {
		for (size_t nr = 1; nr < SORT_MAX; nr += 1 + nr / 3) {
			/* by shifts: a 32 bit kernel does not divide these */
			u64 step = (1ULL << bits) >> 9 | 1;

			for (size_t i = 0; i < nr; i++)
				r[i] = vballoon_range(i * step, 1 + random_below(&seed, 4096));
			check_sort(test, r, nr);
			shuffle(&seed, r, nr);
			check_sort(test, r, nr);
		}
	}
	/* The highest frames, from the end on, and a pair that differs in the lowest digit. */
	for (size_t i = 0; i < SORT_MAX; i++)
		r[i] = vballoon_range((1ULL << 52) - 1 - i, 1);
	check_sort(test, r, SORT_MAX);
	r[0] = vballoon_range(0x12345, 1);
	r[1] = vballoon_range(0x12344, 1);
	check_sort(test, r, 2);
}

static void nothing_is_nothing(struct kunit *test)
{
	unsigned char buf[64];
	struct vballoon_cursor c;
	__u64 start;

	vballoon_cursor_init(&c, range, 0);
	KUNIT_ASSERT_EQ(test, vballoon_encode_records(&c, buf, sizeof(buf)), 0);
	KUNIT_ASSERT_EQ(test, vballoon_encode_chunks(&c, buf, sizeof(buf)), 0);
	KUNIT_ASSERT_EQ(test, vballoon_encode_bitmap(&c, buf, sizeof(buf), &start), 0);
}

static struct kunit_case encode_cases[] = {
	KUNIT_CASE(one_page),
	KUNIT_CASE(short_run_is_sent),
	KUNIT_CASE(last_bit_of_last_word),
	KUNIT_CASE(nothing_past_the_end),
	KUNIT_CASE(cursor_sends_each_once),
	KUNIT_CASE(fields_of_the_head),
	KUNIT_CASE(highest_frames),
	KUNIT_CASE(block_is_one_record),
	KUNIT_CASE(scattered_pages_share_bitmaps),
	KUNIT_CASE(shorter_form_is_taken),
	KUNIT_CASE(gaps_of_every_size),
	KUNIT_CASE(ranges_grow_both_ways),
	KUNIT_CASE(adjacent_ranges_are_one_chunk),
	KUNIT_CASE(random_runs),
	KUNIT_CASE(ranges_are_sorted),
	KUNIT_CASE(nothing_is_nothing),
	{}
};

static struct kunit_suite encode_suite = {
	.name = "virtio_balloon_encode",
	.init = set_up,
	.test_cases = encode_cases,
};

kunit_test_suite(encode_suite);

MODULE_DESCRIPTION("Tests of the virtio balloon's bulk messages");
MODULE_LICENSE("GPL");
