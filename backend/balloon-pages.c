// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inflate and deflate: chains to runs to the reservation, and back to the driver.
 *
 * All chains that wait in a queue are taken as one batch, so that a driver that sends page by page
 * (compaction) costs one hypercall a batch. A message that cannot be decoded breaks the device: a
 * deflate must never be acknowledged with pages missing, and what was meant is unknown. A page that
 * cannot be (outside RAM, of a ring, named twice) is counted and skipped: the rest of its message
 * is good, and skipping harms the guest at most.
 */
#include <errno.h>

#include "balloon-internal.h"

/* PFNs copied at a time; a message of any length is decoded in such pieces. */
#define PIECE_BYTES 4096

static int fault(struct balloon *b, enum xenvirtio_guest_error kind, const char *detail)
{
	int ret = xenvirtio_device_guest_fault(b->dev, kind, detail);

	return ret ? ret : XENVIRTIO_E_GUEST;
}

static void bad_pages(struct balloon *b, uint64_t nr, const char *detail)
{
	if (nr)
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_PAGE, detail);
}

/* XENVIRTIO_E_GUEST: NEEDS_RESET is set. */
static int decode_chain(struct balloon *b, struct xenvirtio_queue *q,
			const struct xenvirtio_chain *chain, struct xenvirtio_runs *runs)
{
	unsigned char piece[PIECE_BYTES];
	uint64_t bytes = chain->readable_bytes;

	if (bytes % XENVIRTIO_BALLOON_PFN_BYTES)
		return fault(b, XENVIRTIO_GUEST_BAD_MESSAGE,
			     "page list is no array of 4-byte numbers");
	if (bytes / XENVIRTIO_BALLOON_PFN_BYTES > BALLOON_MESSAGE_PFNS_MAX)
		return fault(b, XENVIRTIO_GUEST_BAD_MESSAGE, "page list is too long");
	for (uint64_t at = 0; at < bytes; at += sizeof(piece)) {
		size_t here = bytes - at < sizeof(piece) ? bytes - at : sizeof(piece);
		int ret = xenvirtio_chain_read(q, chain, at, piece, here);

		if (ret == XENVIRTIO_E_GUEST)
			return fault(b, XENVIRTIO_GUEST_BAD_ADDRESS, "page list is not in RAM");
		if (!ret)
			ret = xenvirtio_balloon_decode_pfns(piece, here, runs);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Fill a batch from its queue. XENVIRTIO_E_EMPTY: nothing was there; XENVIRTIO_E_GUEST: the device is
 * broken and the batch void.
 */
static int fill_batch(struct balloon *b, unsigned int index, struct balloon_batch *batch)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(b->dev, index);
	int ret;

	batch->nr_chains = 0;
	xenvirtio_runs_clear(&batch->runs);
	while (batch->nr_chains < BALLOON_BATCH_CHAINS) {
		struct xenvirtio_chain *chain = &batch->chain[batch->nr_chains];

		ret = xenvirtio_queue_pop(q, chain);
		if (ret == XENVIRTIO_E_EMPTY)
			break;
		if (!ret)
			ret = decode_chain(b, q, chain, &batch->runs);
		if (ret) {
			batch->nr_chains = 0;
			return ret;
		}
		batch->nr_chains++;
		/* Bound a batch's memory by its pages too. */
		if (batch->runs.nr >= BALLOON_MESSAGE_PFNS_MAX)
			break;
	}
	return batch->nr_chains ? 0 : XENVIRTIO_E_EMPTY;
}

static int push_batch(struct balloon *b, unsigned int index, struct balloon_batch *batch)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(b->dev, index);
	int ret = 0;

	b->replay[index] = false;
	for (size_t i = 0; i < batch->nr_chains && !ret; i++)
		ret = xenvirtio_queue_push(q, &batch->chain[i], 0);
	batch->nr_chains = 0;
	if (!ret)
		ret = xenvirtio_queue_interrupt(q);
	return ret;
}

/* The frames of a run that is all present, except those the device itself needs: its rings. */
static int release_present(struct balloon *b, struct xenvirtio_run run)
{
	struct xenvirtio_run good = { run.start, 0 };
	int ret;

	for (uint64_t i = 0; i < run.nr; i++) {
		struct xenvirtio_gfn gfn = xenvirtio_gfn(run.start.v + i);

		if (!xenvirtio_device_ring_gfn(b->dev, gfn)) {
			good.nr++;
			continue;
		}
		bad_pages(b, 1, "page to inflate holds a virtqueue");
		ret = good.nr ? reservation_release(&b->reservation, good) : 0;
		if (ret)
			return ret;
		good = (struct xenvirtio_run){ xenvirtio_gfn(gfn.v + 1), 0 };
	}
	return good.nr ? reservation_release(&b->reservation, good) : 0;
}

static int release_batch(struct balloon *b)
{
	struct xenvirtio_runs *runs = &b->inflate.runs;
	uint64_t before = b->frames.nr_set, bad = b->reservation.bad_pages;
	uint64_t begin_ns = balloon_now_ns();
	int ret = 0;

	bad_pages(b, xenvirtio_runs_coalesce(runs), "page to inflate named twice");
	for (size_t i = 0; i < runs->nr && !ret; i++) {
		struct xenvirtio_run run = runs->run[i], piece;

		while (run.nr && !ret) {
			switch (frames_next(&b->frames, &run, &piece)) {
			case FRAME_PRESENT:
				ret = release_present(b, piece);
				break;
			case FRAME_BALLOONED:
				if (!b->replay[XENVIRTIO_BALLOON_VQ_INFLATE])
					bad_pages(b, piece.nr, "page to inflate is in the balloon");
				break;
			case FRAME_OUTSIDE:
				bad_pages(b, piece.nr, "page to inflate is not RAM");
				break;
			}
		}
	}
	if (!ret)
		ret = reservation_release_flush(&b->reservation);
	bad_pages(b, b->reservation.bad_pages - bad, "Xen does not release the page to inflate");
	b->status.inflated_pages += b->frames.nr_set - before;
	b->status.inflate_ns += balloon_now_ns() - begin_ns;
	return ret;
}

static int populate_runs(struct balloon *b, const struct xenvirtio_runs *runs, bool first)
{
	uint64_t before = b->frames.nr_set, begin_ns = balloon_now_ns();
	int ret = 0;

	reservation_populate_begin(&b->reservation);
	for (size_t i = 0; i < runs->nr && !ret; i++) {
		struct xenvirtio_run run = runs->run[i], piece;

		while (run.nr && !ret) {
			switch (frames_next(&b->frames, &run, &piece)) {
			case FRAME_BALLOONED:
				ret = reservation_populate(&b->reservation, piece);
				break;
			case FRAME_PRESENT:
				/* Not an error when this is a retry, or a dead process was here. */
				if (first)
					bad_pages(b, piece.nr,
						  "page to deflate is not in the balloon");
				break;
			case FRAME_OUTSIDE:
				if (first)
					bad_pages(b, piece.nr, "page to deflate is not RAM");
				break;
			}
		}
	}
	if (!ret)
		ret = reservation_populate_flush(&b->reservation);
	b->status.deflated_pages += before - b->frames.nr_set;
	b->status.deflate_ns += balloon_now_ns() - begin_ns;
	return ret;
}

static uint64_t count_ballooned(const struct balloon *b, struct xenvirtio_run run)
{
	struct xenvirtio_run piece;
	uint64_t count = 0;

	while (run.nr) {
		if (frames_next(&b->frames, &run, &piece) == FRAME_BALLOONED)
			count += piece.nr;
	}
	return count;
}

uint64_t balloon_pages_missing(const struct balloon *b)
{
	uint64_t count = 0;

	if (b->refill_waiting)
		return b->frames.nr_set;
	if (!b->deflate_waiting)
		return 0;
	for (size_t i = 0; i < b->deflate.runs.nr; i++)
		count += count_ballooned(b, b->deflate.runs.run[i]);
	return count;
}

static void note_stall(struct balloon *b)
{
	struct xenvirtio_domain_info info;

	if (b->status.stall == BALLOON_STALL_NONE)
		b->status.stalls++;
	b->status.stall = BALLOON_STALL_HOST;
	if (!b->cfg.hv->ops->domain_info(b->cfg.hv, &info) && info.tot_pages >= info.max_pages)
		b->status.stall = BALLOON_STALL_MAX_MEM;
}

/* Populate what the deflate batch names; push it if all is there. */
static int deflate_batch(struct balloon *b, bool first)
{
	int ret = populate_runs(b, &b->deflate.runs, first);

	if (ret)
		return ret;
	b->deflate_waiting = b->reservation.short_of_memory;
	if (b->deflate_waiting) {
		note_stall(b);
		return XENVIRTIO_E_AGAIN;
	}
	b->status.stall = BALLOON_STALL_NONE;
	return push_batch(b, XENVIRTIO_BALLOON_VQ_DEFLATE, &b->deflate);
}

static int run_deflate(struct balloon *b)
{
	bool first = !b->replay[XENVIRTIO_BALLOON_VQ_DEFLATE];
	int ret;

	if (b->deflate_waiting)
		return deflate_batch(b, false);
	ret = fill_batch(b, XENVIRTIO_BALLOON_VQ_DEFLATE, &b->deflate);
	if (ret)
		return ret;
	bad_pages(b, xenvirtio_runs_coalesce(&b->deflate.runs), "page to deflate named twice");
	return deflate_batch(b, first);
}

static int run_inflate(struct balloon *b)
{
	int ret = fill_batch(b, XENVIRTIO_BALLOON_VQ_INFLATE, &b->inflate);

	if (!ret)
		ret = release_batch(b);
	return ret ? ret : push_batch(b, XENVIRTIO_BALLOON_VQ_INFLATE, &b->inflate);
}

/* Nothing more to do in a queue for now, or the device is broken until the guest resets it. */
static bool is_quiet(int ret)
{
	return ret == XENVIRTIO_E_EMPTY || ret == XENVIRTIO_E_AGAIN || ret == XENVIRTIO_E_GUEST;
}

int balloon_pages_run(struct balloon *b)
{
	int inflate = 0, deflate = 0;

	b->pages_pending = false;
	for (int batches = 0; batches < BALLOON_BATCHES_PER_CALL; batches++) {
		/* Inflating first: what it releases may be what a deflate waits for. */
		inflate = run_inflate(b);
		if (inflate && !is_quiet(inflate))
			return inflate;
		deflate = run_deflate(b);
		if (deflate && !is_quiet(deflate))
			return deflate;
		if (inflate && deflate)
			break;
	}
	b->pages_pending = !inflate || !deflate;
	balloon_changed(b);
	return 0;
}

int balloon_pages_refill(struct balloon *b)
{
	struct xenvirtio_runs all = { 0 };
	int ret = 0;

	for (size_t i = 0; i < b->frames.nr_ranges && !ret; i++) {
		const struct xenvirtio_gfn_range *range = &b->frames.range[i];

		ret = xenvirtio_runs_add(&all, range->start,
					 range->end_incl.v - range->start.v + 1);
	}
	if (!ret)
		ret = populate_runs(b, &all, false);
	xenvirtio_runs_fini(&all);
	if (ret)
		return ret;
	b->refill_waiting = b->frames.nr_set != 0;
	if (b->refill_waiting)
		note_stall(b);
	else
		b->status.stall = BALLOON_STALL_NONE;
	return 0;
}

void balloon_pages_reset(struct balloon *b)
{
	b->inflate.nr_chains = 0;
	b->deflate.nr_chains = 0;
	xenvirtio_runs_clear(&b->inflate.runs);
	xenvirtio_runs_clear(&b->deflate.runs);
	b->deflate_waiting = false;
	b->pages_pending = false;
	b->replay[0] = false;
	b->replay[1] = false;
	b->status.stall = BALLOON_STALL_NONE;
}
