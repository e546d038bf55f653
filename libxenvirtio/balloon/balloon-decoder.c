// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The decoder of balloon messages.
 *
 * A message is a row of items: a header, page numbers, heads of records, words of bitmaps, chunks.
 * One item is taken at a time, and what it says is checked against what is left of the message, so
 * that a message which ends well has no item cut short and none left over. An item that two pieces
 * share is put together in the decoder.
 *
 * Frames of all encodings have numbers below 2^52: no sum below can overflow.
 */
#include <errno.h>
#include <linux/virtio_balloon_bulk.h>
#include <string.h>
#include <xenvirtio/balloon-bulk.h>

#define PFN_END (UINT64_C(1) << VIRTIO_BALLOON_BULK_PFN_BITS)
#define WORD_BYTES 8u
#define WORD_BITS 64u
#define PAGE_MASK ((UINT64_C(1) << VIRTIO_BALLOON_BULK_SHIFT) - 1)

_Static_assert(XENVIRTIO_BALLOON_F_PAGE_BITMAP == VIRTIO_BALLOON_F_PAGE_BITMAP &&
	       XENVIRTIO_BALLOON_F_PAGE_CHUNKS == VIRTIO_BALLOON_F_PAGE_CHUNKS &&
	       XENVIRTIO_BALLOON_F_HOST_REQ_VQ == VIRTIO_BALLOON_F_HOST_REQ_VQ,
	       "one convention for driver and device");

enum item { ITEM_HEADER, ITEM_PFN, ITEM_HEAD, ITEM_WORD, ITEM_CHUNK };

static size_t item_bytes(enum item item)
{
	switch (item) {
	case ITEM_PFN:
		return 4;
	case ITEM_CHUNK:
		return sizeof(struct virtio_balloon_chunk);
	default:
		return WORD_BYTES;
	}
}

static int refuse(struct xenvirtio_balloon_decoder *d, const char *why)
{
	d->why = why;
	return XENVIRTIO_E_GUEST;
}

static uint64_t get_le16(const unsigned char *at)
{
	struct xenvirtio_le16 v;

	memcpy(&v, at, sizeof(v));
	return xenvirtio_le16_get(v);
}

static uint64_t get_le32(const unsigned char *at)
{
	struct xenvirtio_le32 v;

	memcpy(&v, at, sizeof(v));
	return xenvirtio_le32_get(v);
}

static uint64_t get_le64(const unsigned char *at)
{
	struct xenvirtio_le64 v;

	memcpy(&v, at, sizeof(v));
	return xenvirtio_le64_get(v);
}

/* Whether [pfn, pfn + nr) has numbers below 2^52. */
static bool range_valid(uint64_t pfn, uint64_t nr)
{
	return pfn < PFN_END && nr <= PFN_END - pfn;
}

static int add_run(struct xenvirtio_balloon_decoder *d, uint64_t pfn, uint64_t nr,
		   struct xenvirtio_runs *runs)
{
	d->empty = false;
	return xenvirtio_runs_add(runs, xenvirtio_gfn(pfn), nr);
}

static int take_header(struct xenvirtio_balloon_decoder *d, const unsigned char *at)
{
	if (get_le16(at + 2) != VIRTIO_BALLOON_BULK_SHIFT)
		return refuse(d, "bulk message with pages other than 4 KiB");
	if (get_le32(at + 4) != d->left_bytes)
		return refuse(d, "bulk message is not as long as it says");
	switch (get_le16(at)) {
	case VIRTIO_BALLOON_BULK_RECORDS:
		d->item = ITEM_HEAD;
		return 0;
	case VIRTIO_BALLOON_BULK_CHUNKS:
		if (d->encoding != XENVIRTIO_BALLOON_EITHER)
			return refuse(d, "bulk message of chunks, which were not negotiated");
		if (d->left_bytes % sizeof(struct virtio_balloon_chunk))
			return refuse(d, "message is no array of chunks");
		d->item = ITEM_CHUNK;
		return 0;
	default:
		return refuse(d, "bulk message of a kind that is not known");
	}
}

static int take_head(struct xenvirtio_balloon_decoder *d, const unsigned char *at,
		     struct xenvirtio_runs *runs)
{
	uint64_t head = get_le64(at), pfn = VIRTIO_BALLOON_RECORD_PFN(head);
	unsigned int shift = VIRTIO_BALLOON_RECORD_SHIFT(head);
	uint64_t words = VIRTIO_BALLOON_RECORD_LEN(head), nr;

	if (shift < VIRTIO_BALLOON_BULK_SHIFT || shift > VIRTIO_BALLOON_RECORD_SHIFT_MAX)
		return refuse(d, "record with a page shift that cannot be");
	/* A bit that stood for more than a frame is defined nowhere. */
	if (words && shift != VIRTIO_BALLOON_BULK_SHIFT)
		return refuse(d, "record with a bitmap of pages other than 4 KiB");
	if (words * WORD_BYTES > d->left_bytes)
		return refuse(d, "bitmap of a record goes past the end of its message");
	nr = words ? words * WORD_BITS : UINT64_C(1) << (shift - VIRTIO_BALLOON_BULK_SHIFT);
	if (!range_valid(pfn, nr))
		return refuse(d, "record goes past the last frame number");
	if (!words)
		return add_run(d, pfn, nr, runs);
	d->bitmap_pfn = pfn;
	d->bitmap_words = words;
	d->item = ITEM_WORD;
	return 0;
}

static int take_word(struct xenvirtio_balloon_decoder *d, const unsigned char *at,
		     struct xenvirtio_runs *runs)
{
	uint64_t word = get_le64(at);
	unsigned int bit = 0;

	while (word) {
		unsigned int gap = (unsigned int)__builtin_ctzll(word), nr;
		int ret;

		word >>= gap;
		bit += gap;
		nr = ~word ? (unsigned int)__builtin_ctzll(~word) : WORD_BITS;
		ret = add_run(d, d->bitmap_pfn + bit, nr, runs);
		if (ret)
			return ret;
		bit += nr;
		word = nr < WORD_BITS ? word >> nr : 0;
	}
	d->bitmap_pfn += WORD_BITS;
	if (!--d->bitmap_words)
		d->item = ITEM_HEAD;
	return 0;
}

static int take_chunk(struct xenvirtio_balloon_decoder *d, const unsigned char *at,
		      struct xenvirtio_runs *runs)
{
	uint64_t base = get_le64(at), size = get_le64(at + 8);

	if ((base | size) & PAGE_MASK)
		return refuse(d, "chunk that is not made of whole pages");
	if (!size)
		return refuse(d, "chunk without a page");
	base >>= VIRTIO_BALLOON_BULK_SHIFT;
	size >>= VIRTIO_BALLOON_BULK_SHIFT;
	if (!range_valid(base, size))
		return refuse(d, "chunk goes past the last frame number");
	return add_run(d, base, size, runs);
}

/* A step of two page numbers that stand beside each other. */
#define PAIR ((UINT64_C(2) << 32) | 2)
/* At a time, in vectors of two pairs. */
#define SPAN 16u

typedef uint64_t pairs __attribute__((vector_size(16)));

static inline pairs load_pairs(const unsigned char *at)
{
	pairs here;

	memcpy(&here, at, sizeof(here));
	return here;
}

/* Are these SPAN page numbers the ones that @expected begins with? */
static inline bool is_span(const unsigned char *at, pairs expected, uint64_t step)
{
	pairs differ = (load_pairs(at) ^ expected) | (load_pairs(at + 16) ^ (expected + 2 * step)) |
		       (load_pairs(at + 32) ^ (expected + 4 * step)) | (load_pairs(at + 48) ^ (expected + 6 * step));

	return !(differ[0] | differ[1]);
}

/* How many of @nr page numbers are the ones that come after @pfn, or before it: SPAN at a time, then two. */
static inline size_t count_neighbours(const unsigned char *at, size_t nr, uint64_t pfn, bool up)
{
	uint64_t room = up ? UINT32_MAX - pfn : pfn, step = up ? PAIR : -PAIR;
	uint64_t pair = up ? (pfn + 2) << 32 | (pfn + 1) : (pfn - 2) << 32 | (uint32_t)(pfn - 1);
	pairs expected = { pair, pair + step };
	size_t i = 0;

	/* neither of the two leaves its half of the word */
	nr = nr < room ? nr : room;
	for (; i + SPAN <= nr && is_span(at + 4 * i, expected, step); i += SPAN)
		expected += SPAN / 2 * step;
	for (pair = expected[0]; i + 2 <= nr && get_le64(at + 4 * i) == pair; i += 2)
		pair += step;
	return i < nr && get_le32(at + 4 * i) == (uint32_t)pair ? i + 1 : i;
}

/* As many page numbers as are whole, in runs: the stock driver's way to name them, and most of what there is to decode. */
static int take_pfns(struct xenvirtio_balloon_decoder *d, const unsigned char *at, size_t bytes,
		     struct xenvirtio_runs *runs)
{
	size_t nr = bytes / item_bytes(ITEM_PFN), i = 0;
	int ret = 0;

	while (i < nr && !ret) {
		uint64_t first = get_le32(at + 4 * i);
		size_t above, below;

		i++;
		above = count_neighbours(at + 4 * i, nr - i, first, true);
		/* the buddy allocator takes a block apart from its end */
		below = above ? 0 : count_neighbours(at + 4 * i, nr - i, first, false);
		i += above + below;
		ret = add_run(d, first - below, above + below + 1, runs);
	}
	return ret;
}

/* As many chunks as are whole. */
static int take_chunks(struct xenvirtio_balloon_decoder *d, const unsigned char *at, size_t bytes, struct xenvirtio_runs *runs)
{
	int ret = 0;

	for (const unsigned char *end = at + bytes; at < end && !ret; at += item_bytes(ITEM_CHUNK))
		ret = take_chunk(d, at, runs);
	return ret;
}

static int take_item(struct xenvirtio_balloon_decoder *d, const unsigned char *at,
		     struct xenvirtio_runs *runs)
{
	switch ((enum item)d->item) {
	case ITEM_HEADER:
		return take_header(d, at);
	case ITEM_HEAD:
		return take_head(d, at, runs);
	case ITEM_WORD:
		return take_word(d, at, runs);
	case ITEM_CHUNK:
		return take_chunk(d, at, runs);
	case ITEM_PFN:
		break;
	}
	return add_run(d, get_le32(at), 1, runs);
}

int xenvirtio_balloon_decoder_init(struct xenvirtio_balloon_decoder *d,
				   enum xenvirtio_balloon_encoding encoding, uint64_t bytes)
{
	*d = (struct xenvirtio_balloon_decoder){
		.empty = true,
		.encoding = encoding,
		.left_bytes = bytes,
	};
	switch (encoding) {
	case XENVIRTIO_BALLOON_PFNS:
		d->item = ITEM_PFN;
		if (bytes % item_bytes(ITEM_PFN))
			return refuse(d, "page list is no array of 4-byte numbers");
		return 0;
	case XENVIRTIO_BALLOON_CHUNKS:
		d->item = ITEM_CHUNK;
		if (bytes % item_bytes(ITEM_CHUNK))
			return refuse(d, "message is no array of chunks");
		return 0;
	default:
		d->item = ITEM_HEADER;
		if (bytes < item_bytes(ITEM_HEADER) || bytes % WORD_BYTES)
			return refuse(d, "bulk message of a length that cannot be");
		return 0;
	}
}

int xenvirtio_balloon_decoder_init_bitmap(struct xenvirtio_balloon_decoder *d,
					  struct xenvirtio_gfn start, uint64_t bytes)
{
	*d = (struct xenvirtio_balloon_decoder){
		.empty = true,
		.encoding = XENVIRTIO_BALLOON_RAW_BITMAP,
		.item = ITEM_WORD,
		.left_bytes = bytes,
		.bitmap_pfn = start.v,
		.bitmap_words = bytes / WORD_BYTES,
	};
	if (bytes % WORD_BYTES)
		return refuse(d, "bitmap is no array of words");
	if (bytes > PFN_END / 8 || !range_valid(start.v, bytes * 8))
		return refuse(d, "bitmap goes past the last frame number");
	return 0;
}

int xenvirtio_balloon_decoder_feed(struct xenvirtio_balloon_decoder *d, const void *piece,
				   size_t bytes, struct xenvirtio_runs *runs)
{
	const unsigned char *at = piece;

	if (bytes > d->left_bytes - d->nr_part)
		return -EINVAL;
	while (bytes) {
		size_t whole = item_bytes(d->item), here;
		const unsigned char *item = at;
		int ret;

		if ((d->item == ITEM_PFN || d->item == ITEM_CHUNK) && !d->nr_part && bytes >= whole) {
			here = bytes - bytes % whole;
			d->left_bytes -= here;
			ret = (d->item == ITEM_PFN ? take_pfns : take_chunks)(d, at, here, runs);
			if (ret)
				return ret;
			at += here;
			bytes -= here;
			continue;
		}
		here = whole - d->nr_part < bytes ? whole - d->nr_part : bytes;
		if (here < whole) {
			memcpy(d->part + d->nr_part, at, here);
			d->nr_part += (unsigned int)here;
			item = d->part;
		}
		at += here;
		bytes -= here;
		if (here < whole && d->nr_part < whole)
			return 0;
		d->nr_part = 0;
		d->left_bytes -= whole;
		ret = take_item(d, item, runs);
		if (ret)
			return ret;
	}
	return 0;
}

uint64_t xenvirtio_balloon_decoder_left(const struct xenvirtio_balloon_decoder *d)
{
	return d->left_bytes - d->nr_part;
}
