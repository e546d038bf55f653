// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the chains of a queue to slices of runs.
 *
 * All chains that wait in a queue are one batch, so that a driver that sends page by page
 * (compaction) costs one hypercall a batch. The batch is worked on in slices of bounded size: a
 * message that names a million frames one by one is decoded as far as a slice has room, and goes on
 * when that slice is done. A batch is pushed when the last slice of its last chain is.
 *
 * A message that cannot be decoded breaks the device: what was meant is unknown, so nothing may be
 * acknowledged. Earlier slices of it are done by then, exactly, and the reset undoes them.
 */
#include "backend/devices/balloon/balloon-internal.h"

/* Copied at a time. */
#define PIECE_BYTES 1024
/* What decoding that costs, beside the mapping of its memory; and what popping a chain does: its ring and its table. */
#define PIECE_COST 20
#define POP_COST (4 * BUDGET_CALL)
#define PIECE_RUNS_MAX ((PIECE_BYTES + 7) * XENVIRTIO_BALLOON_RUNS_PER_BYTE)
/* 128 KiB of memory for runs, and as much for sorting them, which has to be done within a turn. */
#define SLICE_RUNS_MAX 8192u

/* 1 GiB of page numbers: Linux sends 256, Windows 1024. A million chunks of anything. */
#define PFNS_BYTES_MAX (UINT64_C(1) << 20)
#define BULK_BYTES_MAX ((UINT64_C(1) << 24) + 8)

_Static_assert(PIECE_RUNS_MAX < SLICE_RUNS_MAX, "a slice takes a piece at least");

static int fault(struct balloon *b, enum xenvirtio_guest_error kind, const char *detail)
{
	int ret = xenvirtio_device_guest_fault(b->dev, kind, detail);

	return ret ? ret : XENVIRTIO_E_GUEST;
}

static int begin_chain(struct balloon *b, struct balloon_batch *batch, uint64_t bytes)
{
	enum xenvirtio_balloon_encoding encoding = balloon_encoding(b);
	uint64_t max = encoding == XENVIRTIO_BALLOON_PFNS ? PFNS_BYTES_MAX : BULK_BYTES_MAX;

	if (xenvirtio_balloon_decoder_init(&batch->decoder, encoding, bytes))
		return fault(b, XENVIRTIO_GUEST_BAD_MESSAGE, batch->decoder.why);
	if (bytes > max)
		return fault(b, XENVIRTIO_GUEST_BAD_MESSAGE, "page list is too long");
	batch->partial = true;
	return 0;
}

static bool slice_full(const struct balloon_batch *batch)
{
	return batch->slice.runs.nr > SLICE_RUNS_MAX - PIECE_RUNS_MAX;
}

uint64_t balloon_count_new_pages(const struct xenvirtio_chain *chain, uint64_t offset, uint64_t len)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < chain->nr_readable && len; i++) {
		const struct xenvirtio_seg *seg = &chain->seg[i];
		uint64_t gpa = seg->gpa.v + offset, here;

		if (offset >= seg->len_bytes) {
			offset -= seg->len_bytes;
			continue;
		}
		here = seg->len_bytes - offset < len ? seg->len_bytes - offset : len;
		pages += ((gpa + here - 1) >> XENVIRTIO_PAGE_SHIFT) - (gpa >> XENVIRTIO_PAGE_SHIFT);
		pages += !offset || !(gpa & (XENVIRTIO_PAGE_SIZE - 1));
		len -= here;
		offset = 0;
	}
	return pages;
}

/* The newest chain, to its end or until the slice is full or the turn over. */
static int decode_chain(struct balloon *b, struct xenvirtio_queue *q, struct balloon_batch *batch)
{
	const struct xenvirtio_chain *chain = &batch->chain[batch->nr_chains - 1];
	unsigned char piece[PIECE_BYTES];
	uint64_t left;

	while ((left = xenvirtio_balloon_decoder_left(&batch->decoder)) && !slice_full(batch) &&
	       !budget_spent(&b->reservation.budget)) {
		size_t here = left < sizeof(piece) ? left : sizeof(piece);
		uint64_t offset = chain->readable_bytes - left;
		int ret;

		budget_charge(&b->reservation.budget, balloon_count_new_pages(chain, offset, here), 2 * BUDGET_CALL);
		budget_charge(&b->reservation.budget, 1, PIECE_COST);
		ret = xenvirtio_chain_read(q, chain, offset, piece, here);
		if (ret == XENVIRTIO_E_GUEST)
			return fault(b, XENVIRTIO_GUEST_BAD_ADDRESS, "page list is not in RAM");
		if (!ret)
			ret = xenvirtio_balloon_decoder_feed(&batch->decoder, piece, here,
							     &batch->slice.runs);
		if (ret == XENVIRTIO_E_GUEST)
			return fault(b, XENVIRTIO_GUEST_BAD_MESSAGE, batch->decoder.why);
		if (ret)
			return ret;
	}
	batch->partial = left != 0;
	if (!left && batch->decoder.empty && balloon_encoding(b) != XENVIRTIO_BALLOON_PFNS)
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_MESSAGE,
					     "bulk message names no page");
	return 0;
}

static int add_chain(struct balloon *b, struct xenvirtio_queue *q, struct balloon_batch *batch)
{
	struct xenvirtio_chain *chain = &batch->chain[batch->nr_chains];
	int ret = xenvirtio_queue_pop(q, chain);

	budget_charge(&b->reservation.budget, 1, ret == XENVIRTIO_E_EMPTY ? BUDGET_CALL : POP_COST);
	if (!ret)
		ret = begin_chain(b, batch, chain->readable_bytes);
	if (ret)
		return ret;
	batch->nr_chains++;
	return decode_chain(b, q, batch);
}

int balloon_batch_fill(struct balloon *b, unsigned int index, struct balloon_batch *batch)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(b->dev, index);
	int ret = 0;

	xenvirtio_runs_clear(&batch->slice.runs);
	if (batch->partial)
		ret = decode_chain(b, q, batch);
	/* Empty is what was looked at, whatever is left of the turn. */
	while (!ret && !batch->partial && !slice_full(batch) && batch->nr_chains < BALLOON_BATCH_CHAINS &&
	       (!batch->nr_chains || !budget_spent(&b->reservation.budget)))
		ret = add_chain(b, q, batch);
	if (ret && ret != XENVIRTIO_E_EMPTY) {
		balloon_batch_reset(batch);
		return ret;
	}
	batch->drained = ret == XENVIRTIO_E_EMPTY;
	return batch->nr_chains ? 0 : XENVIRTIO_E_EMPTY;
}

int balloon_batch_push(struct balloon *b, unsigned int index, struct balloon_batch *batch)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(b->dev, index);
	int ret = 0;

	if (batch->partial)
		return 0;
	b->replay[index] = false;
	for (size_t i = 0; i < batch->nr_chains && !ret; i++)
		ret = xenvirtio_queue_push(q, &batch->chain[i], 0);
	*(index == XENVIRTIO_BALLOON_VQ_INFLATE ? &b->status.inflate_messages :
						  &b->status.deflate_messages) += batch->nr_chains;
	batch->nr_chains = 0;
	if (!ret)
		ret = xenvirtio_queue_interrupt(q);
	return ret;
}

void balloon_batch_reset(struct balloon_batch *batch)
{
	batch->nr_chains = 0;
	batch->partial = false;
	batch->open = false;
	batch->begun = false;
	xenvirtio_runs_clear(&batch->slice.runs);
}
