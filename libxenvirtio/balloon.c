// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Decoding of balloon messages. Fields are unaligned in the statistics, so both arrays are read with
 * memcpy; the caller bounds the length.
 */
#include <string.h>
#include <xenvirtio/balloon.h>

int xenvirtio_balloon_decode_pfns(const void *msg, size_t bytes, struct xenvirtio_runs *runs)
{
	const unsigned char *at = msg;

	if (bytes % XENVIRTIO_BALLOON_PFN_BYTES)
		return XENVIRTIO_E_GUEST;
	for (; bytes; bytes -= XENVIRTIO_BALLOON_PFN_BYTES, at += XENVIRTIO_BALLOON_PFN_BYTES) {
		struct xenvirtio_le32 pfn;
		int ret;

		memcpy(&pfn, at, sizeof(pfn));
		ret = xenvirtio_runs_add(runs, xenvirtio_gfn(xenvirtio_le32_get(pfn)), 1);
		if (ret)
			return ret;
	}
	return 0;
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
