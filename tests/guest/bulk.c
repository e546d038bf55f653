// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See bulk.h. Simple rather than short: a run of an odd length has a bitmap of its own unless that
 * were too long; any other is cut into powers of two, a record each.
 */
#include "bulk.h"

#include <stdbool.h>
#include <string.h>

uint64_t bulk_features(enum bulk_encoding encoding)
{
	uint64_t bitmap = UINT64_C(1) << 56, chunks = UINT64_C(1) << 57;

	switch (encoding) {
	case BULK_BITMAP:
		return bitmap;
	case BULK_CHUNKS:
		return chunks;
	case BULK_BOTH:
		return bitmap | chunks;
	default:
		return 0;
	}
}

const char *bulk_name(enum bulk_encoding encoding)
{
	static const char *const name[BULK_ENCODINGS] = { "page numbers", "bitmap", "chunks",
							  "bitmap and chunks" };

	return name[encoding];
}

unsigned char *bulk_put(unsigned char *at, uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*at++ = (unsigned char)value;
	return at;
}

uint64_t bulk_head(uint64_t pfn, unsigned int page_shift, unsigned int words)
{
	return pfn % (UINT64_C(1) << 52) + page_shift % 64 * (UINT64_C(1) << 52) +
	       words % 64 * (UINT64_C(1) << 58);
}

unsigned char *bulk_put_header(unsigned char *at, unsigned int cmd, unsigned int page_shift,
			       uint32_t data_len)
{
	at = bulk_put(at, cmd, 2);
	at = bulk_put(at, page_shift, 2);
	return bulk_put(at, data_len, 4);
}

/* A run of fewer than 63 * 64 frames as one bitmap. */
static unsigned char *put_bitmap(unsigned char *at, const struct bulk_run *run)
{
	unsigned int words = (unsigned int)((run->nr + 63) / 64);

	at = bulk_put(at, bulk_head(run->pfn, 12, words), 8);
	memset(at, 0, words * 8);
	for (uint64_t i = 0; i < run->nr; i++)
		at[i / 8] |= (unsigned char)(1u << i % 8);
	return at + words * 8;
}

static unsigned char *put_powers(unsigned char *at, struct bulk_run run)
{
	while (run.nr) {
		unsigned int order = 18;

		while (UINT64_C(1) << order > run.nr)
			order--;
		at = bulk_put(at, bulk_head(run.pfn, 12 + order, 0), 8);
		run.pfn += UINT64_C(1) << order;
		run.nr -= UINT64_C(1) << order;
	}
	return at;
}

static bool put_records(const struct bulk_run *run, size_t nr, unsigned char **at,
			const unsigned char *end)
{
	for (size_t i = 0; i < nr; i++) {
		/* what either form of a run that any memory has can take at most */
		if ((size_t)(end - *at) < 64 * 8 + (run[i].nr >> 18) * 8)
			return false;
		if (run[i].nr % 2 && run[i].nr < 62 * 64)
			*at = put_bitmap(*at, &run[i]);
		else
			*at = put_powers(*at, run[i]);
	}
	return true;
}

static bool put_chunks(const struct bulk_run *run, size_t nr, unsigned char **at,
		       const unsigned char *end)
{
	for (size_t i = 0; i < nr; i++) {
		if (end - *at < 16)
			return false;
		*at = bulk_put(*at, run[i].pfn * 4096, 8);
		*at = bulk_put(*at, run[i].nr * 4096, 8);
	}
	return true;
}

static bool put_pfns(const struct bulk_run *run, size_t nr, unsigned char **at,
		     const unsigned char *end)
{
	for (size_t i = 0; i < nr; i++) {
		for (uint64_t k = 0; k < run[i].nr; k++) {
			if (end - *at < 4)
				return false;
			*at = bulk_put(*at, run[i].pfn + k, 4);
		}
	}
	return true;
}

size_t bulk_encode(enum bulk_encoding encoding, const struct bulk_run *run, size_t nr,
		   unsigned char *msg, size_t room)
{
	bool chunks = encoding == BULK_CHUNKS || (encoding == BULK_BOTH && nr % 2);
	bool header = encoding == BULK_BITMAP || encoding == BULK_BOTH;
	unsigned char *at = msg + (header ? 8 : 0);
	const unsigned char *end = msg + room;
	bool fits;

	if (room < 8)
		return 0;
	if (encoding == BULK_PFNS)
		fits = put_pfns(run, nr, &at, end);
	else if (chunks)
		fits = put_chunks(run, nr, &at, end);
	else
		fits = put_records(run, nr, &at, end);
	if (!fits)
		return 0;
	if (header)
		bulk_put_header(msg, chunks, 12, (uint32_t)(at - msg - 8));
	return (size_t)(at - msg);
}
