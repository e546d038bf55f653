// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder of the tests: bytes to a set of frames.
 */
#include "virtio_balloon_decode_test.h"

u64 get_le(const unsigned char *at, unsigned int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

bool add_frames(struct frame_set *out, u64 pfn, u64 nr)
{
	if (pfn < out->first || nr > WINDOW_PFNS || pfn - out->first > WINDOW_PFNS - nr)
		return false;
	for (u64 i = pfn - out->first; nr; nr--, i++) {
		if (out->set[i])
			return false;
		out->set[i] = 1;
		out->nr++;
	}
	return true;
}

static bool add_bits(const unsigned char *at, size_t bytes, u64 pfn, struct frame_set *out)
{
	for (size_t i = 0; i < bytes * 8; i++) {
		if ((at[i / 8] >> (i % 8) & 1) && !add_frames(out, pfn + i, 1))
			return false;
	}
	return true;
}

bool decode_records(const void *buf, size_t bytes, struct frame_set *out)
{
	const unsigned char *at = buf, *end = at + bytes;

	while (at != end) {
		u64 head, pfn, len, shift;

		if (end - at < 8)
			return false;
		head = get_le(at, 8);
		at += 8;
		pfn = head % 4503599627370496ULL;
		shift = head / 4503599627370496ULL % 64;
		len = head / 288230376151711744ULL;
		if (shift < 12 || shift > 30)
			return false;
		if (!len) {
			if (!add_frames(out, pfn, 1ULL << (shift - 12)))
				return false;
			continue;
		}
		/* The last word has a bit, or it would be there for nothing. */
		if (shift != 12 || (size_t)(end - at) < len * 8 || !get_le(at + len * 8 - 8, 8))
			return false;
		if (!add_bits(at, len * 8, pfn, out))
			return false;
		at += len * 8;
	}
	return true;
}

bool decode_chunks(const void *buf, size_t bytes, struct frame_set *out)
{
	const unsigned char *at = buf, *end = at + bytes;

	if (bytes % 16)
		return false;
	for (; at != end; at += 16) {
		u64 base = get_le(at, 8), size = get_le(at + 8, 8);

		if (base % 4096 || size % 4096 || !size)
			return false;
		if (!add_frames(out, base / 4096, size / 4096))
			return false;
	}
	return true;
}

bool decode_bitmap(const void *buf, size_t bytes, u64 start_pfn, struct frame_set *out)
{
	if (bytes % 8 || (bytes && !get_le((const unsigned char *)buf + bytes - 8, 8)))
		return false;
	return add_bits(buf, bytes, start_pfn, out);
}

bool decode_message(const void *buf, size_t bytes, bool with_header, struct frame_set *out)
{
	const unsigned char *at = buf;

	if (!with_header)
		return decode_chunks(buf, bytes, out);
	if (bytes < 8 || get_le(at + 2, 2) != 12 || get_le(at + 4, 4) != bytes - 8)
		return false;
	switch (get_le(at, 2)) {
	case 0:
		return decode_records(at + 8, bytes - 8, out);
	case 1:
		return decode_chunks(at + 8, bytes - 8, out);
	default:
		return false;
	}
}
