// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Descriptor chains: from the table in guest memory to a checked copy, and bytes in and out of it.
 *
 * Each descriptor is read once, into our memory, and judged there. The walk is bounded by the table
 * it is in, whatever the next fields say, so a loop ends as a chain that is too long. What leaves
 * this file has readable before writable segments, all in RAM ranges, none empty.
 *
 * Empty buffers are allowed and add nothing: a chain may come out with no segment at all.
 */
#include <errno.h>

#include "virtqueue/queue-ring.h"

/* virtio 1.2, 2.7.4: no chain is longer than this in total */
#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)

struct guest_desc {
	struct xenvirtio_le64 addr;
	struct xenvirtio_le32 len;
	struct xenvirtio_le16 flags;
	struct xenvirtio_le16 next;
};

_Static_assert(sizeof(struct guest_desc) == DESC_BYTES, "layout of virtio 1.2, 2.7.5");

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/** the table being walked; @left descriptors may still be read from it */
struct table {
	uint64_t gpa;
	uint32_t nr;
	uint32_t left;
	bool indirect;
};

static int read_desc(struct xenvirtio_queue *q, const struct table *table, uint32_t i,
		     struct desc *desc)
{
	struct guest_desc guest_desc;
	uint64_t gpa;
	int ret;

	/* An indirect table's address is not checked yet; what wraps later is not RAM. */
	if (__builtin_add_overflow(table->gpa, (uint64_t)i * DESC_BYTES, &gpa))
		return XENVIRTIO_E_GUEST;
	ret = xenvirtio_gmem_read(q->gmem, xenvirtio_gpa(gpa), &guest_desc, sizeof(guest_desc));
	if (ret)
		return ret;
	*desc = (struct desc){
		.addr = xenvirtio_le64_get(guest_desc.addr),
		.len = xenvirtio_le32_get(guest_desc.len),
		.flags = xenvirtio_le16_get(guest_desc.flags),
		.next = xenvirtio_le16_get(guest_desc.next),
	};
	return 0;
}

static const char *enter_table(const struct desc *desc, bool allowed, unsigned int longest, struct table *table)
{
	if (!allowed)
		return "indirect descriptor was not negotiated";
	if (table->indirect)
		return "indirect descriptor in an indirect table";
	if (desc->flags & DESC_F_NEXT)
		return "indirect descriptor with a next one";
	if (!desc->len || desc->len % DESC_BYTES)
		return "indirect table of an odd length";
	if (desc->len / DESC_BYTES > longest)
		return "indirect table too long";
	*table = (struct table){
		.gpa = desc->addr,
		.nr = desc->len / DESC_BYTES,
		.left = desc->len / DESC_BYTES,
		.indirect = true,
	};
	return NULL;
}

/* @why: out; what is wrong. Return: 0; XENVIRTIO_E_GUEST; -ENOMEM */
static int add_segment(struct xenvirtio_queue *q, const struct desc *desc, struct xenvirtio_chain *chain, const char **why)
{
	bool writable = desc->flags & DESC_F_WRITE;
	unsigned int nr = chain->nr_readable + chain->nr_writable;
	struct xenvirtio_seg *seg;

	*why = "device-readable buffer after a device-writable one";
	if (!writable && chain->nr_writable)
		return XENVIRTIO_E_GUEST;
	if (!desc->len)
		return 0;
	*why = "chain too long";
	if (nr == q->segs.longest)
		return XENVIRTIO_E_GUEST;
	*why = "chain of more than 4 GiB";
	if (chain->readable_bytes + chain->writable_bytes + desc->len > CHAIN_BYTES_MAX)
		return XENVIRTIO_E_GUEST;
	seg = segs_room(&q->segs, chain->head, nr);
	if (!seg)
		return -ENOMEM;
	chain->seg = seg;
	seg[nr].gpa = xenvirtio_gpa(desc->addr);
	seg[nr].len_bytes = desc->len;
	if (writable) {
		chain->nr_writable++;
		chain->writable_bytes += desc->len;
	} else {
		chain->nr_readable++;
		chain->readable_bytes += desc->len;
	}
	return 0;
}

static const struct xenvirtio_seg no_segment;

int queue_walk(struct xenvirtio_queue *q, uint16_t head, bool indirect,
	       struct xenvirtio_chain *chain, enum xenvirtio_guest_error *kind,
	       const char **detail)
{
	struct table table = {
		.gpa = q->state->desc_gpa,
		.nr = q->state->size,
		.left = q->state->size,
	};
	uint32_t i = head;
	struct desc desc;
	int ret;

	chain->head = head;
	chain->seg = &no_segment;
	chain->nr_readable = 0;
	chain->nr_writable = 0;
	chain->readable_bytes = 0;
	chain->writable_bytes = 0;
	*kind = XENVIRTIO_GUEST_BAD_RING;
	for (;;) {
		*detail = "descriptor index outside the table";
		if (i >= table.nr)
			return XENVIRTIO_E_GUEST;
		*detail = "chain longer than its table, or a loop";
		if (!table.left--)
			return XENVIRTIO_E_GUEST;
		ret = read_desc(q, &table, i, &desc);
		if (ret == XENVIRTIO_E_GUEST) {
			*kind = XENVIRTIO_GUEST_BAD_ADDRESS;
			*detail = "descriptor table is not in RAM";
		}
		if (ret)
			return ret;
		if (desc.flags & DESC_F_INDIRECT) {
			*detail = enter_table(&desc, indirect, q->segs.longest, &table);
			if (*detail)
				return XENVIRTIO_E_GUEST;
			i = 0;
			continue;
		}
		ret = add_segment(q, &desc, chain, detail);
		if (ret)
			return ret;
		if (desc.len &&
		    !xenvirtio_gmem_is_ram(q->gmem, xenvirtio_gpa(desc.addr), desc.len)) {
			*kind = XENVIRTIO_GUEST_BAD_ADDRESS;
			*detail = "buffer is not in RAM";
			return XENVIRTIO_E_GUEST;
		}
		if (!(desc.flags & DESC_F_NEXT))
			return 0;
		i = desc.next;
	}
}

static int copy_segments(struct xenvirtio_queue *q, const struct xenvirtio_seg *seg, size_t nr,
			 uint64_t offset, void *out, const void *in, size_t len)
{
	for (; nr && len; seg++, nr--) {
		struct xenvirtio_gpa gpa = { seg->gpa.v + offset };
		size_t part;
		int ret;

		if (offset >= seg->len_bytes) {
			offset -= seg->len_bytes;
			continue;
		}
		part = seg->len_bytes - offset;
		if (part > len)
			part = len;
		if (out) {
			ret = xenvirtio_gmem_read(q->gmem, gpa, out, part);
			out = (char *)out + part;
		} else {
			ret = xenvirtio_gmem_write(q->gmem, gpa, in, part);
			in = (const char *)in + part;
		}
		if (ret)
			return ret;
		offset = 0;
		len -= part;
	}
	return 0;
}

static bool range_fits(uint64_t total, uint64_t offset, size_t len)
{
	return offset <= total && len <= total - offset;
}

int xenvirtio_chain_read(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain,
			 uint64_t offset, void *buf, size_t len)
{
	if (!xenvirtio_chain_held(q, chain) || !range_fits(chain->readable_bytes, offset, len))
		return XENVIRTIO_E_GUEST;
	return copy_segments(q, chain->seg, chain->nr_readable, offset, buf, NULL, len);
}

int xenvirtio_chain_write(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain,
			  uint64_t offset, const void *buf, size_t len)
{
	if (!xenvirtio_chain_held(q, chain) || !range_fits(chain->writable_bytes, offset, len))
		return XENVIRTIO_E_GUEST;
	return copy_segments(q, chain->seg + chain->nr_readable, chain->nr_writable, offset, NULL,
			     buf, len);
}
