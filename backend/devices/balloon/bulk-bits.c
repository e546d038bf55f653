// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list after --bulk.
 */
#include "backend/devices/balloon/bulk-bits.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <xenvirtio/balloon-bulk.h>

struct balloon_bits bulk_bits_default(void)
{
	return (struct balloon_bits){
		.page_bitmap = XENVIRTIO_BALLOON_F_PAGE_BITMAP,
		.page_chunks = XENVIRTIO_BALLOON_F_PAGE_CHUNKS,
		.host_req_vq = XENVIRTIO_BALLOON_F_HOST_REQ_VQ,
	};
}

/* The two digits of a bit in the range the specification leaves to a device; 0: something else. */
static unsigned int parse_bit(const char *text, size_t len)
{
	unsigned int nr;

	if (len != 2 || text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return 0;
	nr = (unsigned int)(text[0] - '0') * 10 + (unsigned int)(text[1] - '0');
	return nr >= XENVIRTIO_BALLOON_BULK_BIT_MIN && nr <= XENVIRTIO_BALLOON_BULK_BIT_MAX ? nr : 0;
}

static int parse_item(const char *item, size_t len, struct balloon_bits *bits, uint64_t *seen)
{
	const struct balloon_bits convention = bulk_bits_default();
	const struct {
		const char *name;
		unsigned int *bit;
		unsigned int convention;
	} names[] = {
		{ "bitmap", &bits->page_bitmap, convention.page_bitmap },
		{ "chunks", &bits->page_chunks, convention.page_chunks },
		{ "host-request", &bits->host_req_vq, convention.host_req_vq },
	};
	const char *equals = memchr(item, '=', len);
	size_t name_len = equals ? (size_t)(equals - item) : len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned int nr = names[i].convention;

		if (strlen(names[i].name) != name_len || memcmp(names[i].name, item, name_len))
			continue;
		if (equals)
			nr = parse_bit(equals + 1, len - name_len - 1);
		if (!nr || *names[i].bit || *seen >> nr & 1)
			return -EINVAL;
		*names[i].bit = nr;
		*seen |= UINT64_C(1) << nr;
		return 0;
	}
	return -EINVAL;
}

int bulk_bits_parse(const char *text, struct balloon_bits *bits)
{
	uint64_t seen = 0;

	*bits = (struct balloon_bits){ 0 };
	if (!strcmp(text, "none"))
		return 0;
	for (;;) {
		size_t len = strcspn(text, ",");
		int ret = parse_item(text, len, bits, &seen);

		if (ret || !text[len])
			return ret;
		text += len + 1;
	}
}
