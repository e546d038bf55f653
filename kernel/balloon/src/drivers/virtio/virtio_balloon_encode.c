// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encodings of runs of frames: records of runs and bitmaps, chunks, raw bitmaps.
 *
 * A long run is cut into powers of two, a word each; runs that are short and close together share
 * the bitmap of one record. Nothing is rounded: a bitmap has the words up to its last set bit, and
 * the last one is partly zero.
 */
#include "virtio_balloon_encode.h"

#include <asm/byteorder.h>
#include <linux/virtio_balloon_bulk.h>
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#define WORD_BITS	64

/* From here on a run of its own is no longer than a bitmap, and cheaper to read. */
#define LONG_RUN_PAGES	WORD_BITS

#define RUN_PAGES_MAX	(1ULL << (VIRTIO_BALLOON_RECORD_SHIFT_MAX - VIRTIO_BALLOON_BULK_SHIFT))

/* More zero words than this in a raw bitmap cost more than the header of a new part. */
#define BITMAP_GAP_WORDS	256

size_t vballoon_range_add(__u64 *range, size_t nr, __u64 pfn, __u64 pages)
{
	if (nr) {
		__u64 last_pfn = vballoon_range_pfn(range[nr - 1]);
		__u64 last_pages = vballoon_range_pages(range[nr - 1]);

		if (last_pages + pages <= VBALLOON_RANGE_PAGES_MAX) {
			if (last_pfn + last_pages == pfn) {
				range[nr - 1] = vballoon_range(last_pfn, last_pages + pages);
				return nr;
			}
			if (pfn + pages == last_pfn) {
				range[nr - 1] = vballoon_range(pfn, last_pages + pages);
				return nr;
			}
		}
	}
	range[nr] = vballoon_range(pfn, pages);
	return nr + 1;
}

#define DIGIT_BITS	8
#define DIGITS		(1u << DIGIT_BITS)

static unsigned int digit_of(__u64 range, unsigned int shift)
{
	return range >> shift & (DIGITS - 1);
}

/* Into @to, in the order of one digit; what has the same one stays as it was. */
static void sort_by_digit(const __u64 *from, __u64 *to, size_t nr, unsigned int shift)
{
	__u32 place[DIGITS] = { 0 }, sum = 0;
	unsigned int digit;
	size_t i;

	for (i = 0; i < nr; i++)
		place[digit_of(from[i], shift)]++;
	for (digit = 0; digit < DIGITS; digit++) {
		__u32 here = place[digit];

		place[digit] = sum;
		sum += here;
	}
	for (i = 0; i < nr; i++)
		to[place[digit_of(from[i], shift)]++] = from[i];
}

void vballoon_ranges_sort(__u64 *range, __u64 *spare, size_t nr)
{
	__u64 *from = range, *to = spare, *last, differ = 0, falls = 0;
	unsigned int shift;
	size_t i;

	for (i = 1; i < nr; i++) {
		differ |= range[i] ^ range[0];
		falls |= range[i] < range[i - 1];
	}
	if (!falls)
		return;
	/* What is below them is the number of pages, and ranges do not overlap. */
	for (shift = VBALLOON_RANGE_PAGES_BITS; shift < WORD_BITS; shift += DIGIT_BITS) {
		if (!digit_of(differ, shift))
			continue;
		sort_by_digit(from, to, nr, shift);
		last = from;
		from = to;
		to = last;
	}
	if (from != range)
		memcpy(range, from, nr * sizeof(*range));
}

static void load_run(struct vballoon_cursor *c)
{
	c->left = 0;
	while (c->nr && (!c->left || vballoon_range_pfn(*c->range) == c->pfn + c->left)) {
		if (!c->left)
			c->pfn = vballoon_range_pfn(*c->range);
		c->left += vballoon_range_pages(*c->range);
		c->range++;
		c->nr--;
	}
}

void vballoon_cursor_init(struct vballoon_cursor *c, const __u64 *range, size_t nr)
{
	c->range = range;
	c->nr = nr;
	c->pfn = 0;
	load_run(c);
}

void vballoon_cursor_pass(struct vballoon_cursor *c, __u64 pages)
{
	c->pfn += pages;
	c->left -= pages;
	if (!c->left)
		load_run(c);
}

static void set_bits(__le64 *bitmap, __u64 first, __u64 nr)
{
	while (nr) {
		__u64 bit = first % WORD_BITS;
		__u64 here = WORD_BITS - bit < nr ? WORD_BITS - bit : nr;

		bitmap[first / WORD_BITS] |= __cpu_to_le64((~0ULL >> (WORD_BITS - here)) << bit);
		first += here;
		nr -= here;
	}
}

/*
 * Fill @bitmap from the current run on, up to @max_words, until a gap of more than @gap_words or a
 * run that has @long_run frames or more. Returns the words used, at least one.
 */
static size_t fill_bitmap(struct vballoon_cursor *c, __le64 *bitmap, size_t max_words,
			  __u64 gap_words, __u64 long_run)
{
	__u64 start = c->pfn, end = (__u64)max_words * WORD_BITS, at = 0;
	size_t words = 0;

	do {
		__u64 here = end - at < c->left ? end - at : c->left;
		size_t need = (at + here - 1) / WORD_BITS + 1;

		memset(bitmap + words, 0, (need - words) * sizeof(*bitmap));
		words = need;
		set_bits(bitmap, at, here);
		vballoon_cursor_pass(c, here);
		at = c->pfn - start;
	} while (c->left && c->left < long_run && at < end && at / WORD_BITS <= words + gap_words);

	return words;
}

static bool is_alone(const struct vballoon_cursor *c)
{
	return !c->nr || vballoon_range_pfn(*c->range) - c->pfn >= 2 * WORD_BITS;
}

static bool is_power_of_two(__u64 n)
{
	return !(n & (n - 1));
}

static unsigned int floor_log2(__u64 n)
{
	return WORD_BITS - 1 - __builtin_clzll(n);
}

size_t vballoon_encode_records(struct vballoon_cursor *c, void *buf, size_t bytes)
{
	size_t max = bytes / sizeof(__le64), at = 0, words;
	__le64 *out = buf;
	unsigned int log2;
	__u64 pfn;

	while (c->left && at < max) {
		pfn = c->pfn;
		if (c->left >= LONG_RUN_PAGES || (is_power_of_two(c->left) && is_alone(c))) {
			log2 = floor_log2(c->left < RUN_PAGES_MAX ? c->left : RUN_PAGES_MAX);
			words = 0;
			vballoon_cursor_pass(c, 1ULL << log2);
		} else {
			log2 = 0;
			words = max - at - 1;
			if (!words)
				break;
			if (words > VIRTIO_BALLOON_RECORD_LEN_MAX)
				words = VIRTIO_BALLOON_RECORD_LEN_MAX;
			words = fill_bitmap(c, out + at + 1, words, 0, LONG_RUN_PAGES);
		}
		out[at] = __cpu_to_le64(VIRTIO_BALLOON_RECORD(pfn, VIRTIO_BALLOON_BULK_SHIFT + log2,
							      words));
		at += 1 + words;
	}
	return at * sizeof(__le64);
}

size_t vballoon_encode_chunks(struct vballoon_cursor *c, void *buf, size_t bytes)
{
	size_t max = bytes / sizeof(struct virtio_balloon_chunk), nr;
	struct virtio_balloon_chunk *chunk = buf;

	for (nr = 0; c->left && nr < max; nr++) {
		chunk[nr].base = __cpu_to_le64(c->pfn << VIRTIO_BALLOON_BULK_SHIFT);
		chunk[nr].size = __cpu_to_le64(c->left << VIRTIO_BALLOON_BULK_SHIFT);
		vballoon_cursor_pass(c, c->left);
	}
	return nr * sizeof(*chunk);
}

size_t vballoon_encode_bitmap(struct vballoon_cursor *c, void *buf, size_t bytes,
			      __u64 *start_pfn)
{
	size_t max = bytes / sizeof(__le64);

	*start_pfn = c->pfn;
	if (!c->left || !max)
		return 0;
	return fill_bitmap(c, buf, max, BITMAP_GAP_WORDS, ~0ULL) * sizeof(__le64);
}

/* @c did not come as far as @other. */
static bool is_behind(const struct vballoon_cursor *c, const struct vballoon_cursor *other)
{
	return c->nr > other->nr || (c->nr == other->nr && c->left > other->left);
}

size_t vballoon_encode_message(struct vballoon_cursor *c, struct vballoon_format format,
			       void *buf, size_t bytes)
{
	struct vballoon_cursor records = *c, chunks = *c;
	struct virtio_balloon_bulk_hdr *hdr = buf;
	size_t len = 0, chunks_len;
	__u16 cmd = VIRTIO_BALLOON_BULK_RECORDS;

	if (!format.bitmap)
		return vballoon_encode_chunks(c, buf, bytes);

	buf = hdr + 1;
	bytes -= sizeof(*hdr);
	if (format.chunks)
		len = vballoon_encode_chunks(&chunks, buf, bytes);
	chunks_len = len;
	len = vballoon_encode_records(&records, buf, bytes);
	if (format.chunks && (is_behind(&records, &chunks) ||
			      (!is_behind(&chunks, &records) && chunks_len < len))) {
		chunks = *c;
		len = vballoon_encode_chunks(&chunks, buf, bytes);
		cmd = VIRTIO_BALLOON_BULK_CHUNKS;
		*c = chunks;
	} else {
		*c = records;
	}
	hdr->cmd = __cpu_to_le16(cmd);
	hdr->page_shift = __cpu_to_le16(VIRTIO_BALLOON_BULK_SHIFT);
	hdr->data_len = __cpu_to_le32(len);
	return sizeof(*hdr) + len;
}
