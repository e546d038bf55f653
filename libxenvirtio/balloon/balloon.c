// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages of the specification. Fields of the statistics are unaligned, so they are read with
 * memcpy; the caller bounds the length.
 */
#include <string.h>
#include <xenvirtio/balloon-bulk.h>
#include <xenvirtio/balloon.h>

int xenvirtio_balloon_decode_pfns(const void *msg, size_t bytes, struct xenvirtio_runs *runs)
{
	struct xenvirtio_balloon_decoder d;
	int ret = xenvirtio_balloon_decoder_init(&d, XENVIRTIO_BALLOON_PFNS, bytes);

	return ret ? ret : xenvirtio_balloon_decoder_feed(&d, msg, bytes, runs);
}

int xenvirtio_balloon_decode_stats(const void *msg, size_t bytes, uint64_t *value, unsigned int nr,
				   uint32_t *mask)
{
	const unsigned char *at = msg;

	*mask = 0;
	if (!bytes || bytes % XENVIRTIO_BALLOON_STAT_BYTES)
		return XENVIRTIO_E_GUEST;
	for (; bytes; bytes -= XENVIRTIO_BALLOON_STAT_BYTES, at += XENVIRTIO_BALLOON_STAT_BYTES) {
		struct xenvirtio_le16 le_tag;
		struct xenvirtio_le64 le_value;
		uint16_t tag;

		memcpy(&le_tag, at, sizeof(le_tag));
		memcpy(&le_value, at + sizeof(le_tag), sizeof(le_value));
		tag = xenvirtio_le16_get(le_tag);
		if (tag >= nr)
			continue;
		value[tag] = xenvirtio_le64_get(le_value);
		*mask |= UINT32_C(1) << tag;
	}
	return 0;
}
