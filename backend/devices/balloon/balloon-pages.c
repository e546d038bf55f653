// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inflate and deflate: turns of the two queues, and the chains back to the driver.
 *
 * A deflate is never acknowledged with pages missing. What a turn has no room for stays in its batch, and the queues
 * have work.
 */
#include <errno.h>

#include "backend/devices/balloon/balloon-internal.h"

/* Turns of page queues that may pass untold. */
#define UNTOLD_TURNS 8u
/* 64 GiB */
#define COUNT_FRAMES_MAX (UINT64_C(1) << 24)

uint64_t balloon_pages_missing(const struct balloon *b)
{
	if (b->refill_waiting)
		return b->frames.nr_set;
	return b->status.stall == BALLOON_STALL_NONE ? 0 : b->missing_pages;
}

void balloon_note_stall(struct balloon *b)
{
	struct xenvirtio_domain_info info;

	if (b->status.stall == BALLOON_STALL_NONE)
		b->status.stalls++;
	b->status.stall = BALLOON_STALL_HOST;
	if (!b->cfg.hv->ops->domain_info(b->cfg.hv, &info) && info.tot_pages >= info.max_pages)
		b->status.stall = BALLOON_STALL_MAX_MEM;
}

static void forget_batch(struct balloon *b, struct balloon_batch *batch)
{
	/* without a slice, what is in the reservation is somebody else's: a refill's */
	if (batch->begun)
		reservation_forget_release(&b->reservation);
	if (batch->open && batch == &b->deflate) {
		reservation_forget_populate(&b->reservation);
		balloon_ahead_over(b);
		b->deflate_waiting = false;
		b->status.stall = BALLOON_STALL_NONE;
	}
	balloon_batch_reset(batch);
}

/* Stopped or broken meanwhile: what its message says will not be answered, and may not be so any more. */
static bool is_void(struct balloon *b, unsigned int index, const struct balloon_batch *batch)
{
	return batch->nr_chains &&
	       (!xenvirtio_device_driver_ok(b->dev) ||
		!xenvirtio_chain_held(xenvirtio_device_queue(b->dev, index),
				      &batch->chain[batch->nr_chains - 1]));
}

/* The slice that is worked on, or the next one. Return: as balloon_batch_fill() */
static int open_slice(struct balloon *b, unsigned int index, struct balloon_batch *batch, const char *twice)
{
	uint64_t begin_ns = clock_now_ns();
	int ret;

	if (is_void(b, index, batch))
		forget_batch(b, batch);
	if (batch->open)
		return 0;
	ret = balloon_batch_fill(b, index, batch);
	if (ret)
		return ret;
	batch->noted = batch == &b->inflate &&
		       balloon_due_put(b, &batch->slice, b->replay[XENVIRTIO_BALLOON_VQ_INFLATE]);
	/* Bits need no order. */
	if (!batch->noted) {
		budget_charge(&b->reservation.budget, batch->slice.runs.nr, BUDGET_LOOK);
		balloon_bad_pages(b, xenvirtio_runs_coalesce(&batch->slice.runs), twice);
		if (batch == &b->inflate)
			balloon_due_forget(b, &batch->slice.runs);
	}
	balloon_slice_begin(&batch->slice);
	batch->open = true;
	if (batch == &b->deflate)
		reservation_populate_begin(&b->reservation);
	*(batch == &b->deflate ? &b->status.deflate_decode_ns : &b->status.inflate_decode_ns) += clock_now_ns() - begin_ns;
	return 0;
}

/*
 * What is due goes before what comes: no more of it than there may be, and the reservation works on one slice. Only within an access
 * frames are noted first, also those that come while others are being released: the vcpu waits, and they do not need Xen.
 */
static int run_inflate(struct balloon *b)
{
	struct balloon_batch *batch = &b->inflate;
	bool later = !batch->open && xenvirtio_device_at_once(b->dev) && !balloon_due_full(b);
	bool done = true;
	int ret = batch->begun || later ? 0 : balloon_due_release(b, &done);

	if (ret || !done)
		return ret;
	if (!(b->kicked & 1u << XENVIRTIO_BALLOON_VQ_INFLATE))
		return XENVIRTIO_E_EMPTY;
	ret = open_slice(b, XENVIRTIO_BALLOON_VQ_INFLATE, batch, "page to inflate named twice");
	if (ret || (!batch->noted && b->due.releasing))
		return ret;
	batch->begun = !batch->noted;
	if (batch->begun)
		ret = balloon_slice_release(b, &batch->slice, b->replay[XENVIRTIO_BALLOON_VQ_INFLATE], &done);
	if (ret || !done)
		return ret;
	batch->begun = false;
	batch->open = false;
	return balloon_batch_push(b, XENVIRTIO_BALLOON_VQ_INFLATE, batch);
}

/* A figure to show. Of more frames than can be counted within a turn, at most so many. */
static uint64_t count_missing(struct balloon *b)
{
	const struct xenvirtio_runs *runs = &b->deflate.slice.runs;
	uint64_t count = 0, total = xenvirtio_runs_total(runs);

	if (total > COUNT_FRAMES_MAX)
		return total < b->frames.nr_set ? total : b->frames.nr_set;
	budget_charge_look(&b->reservation.budget, total);
	for (size_t i = 0; i < runs->nr; i++)
		count += frames_count_ballooned(&b->frames, runs->run[i]);
	return count;
}

static int run_deflate(struct balloon *b)
{
	struct balloon_batch *batch = &b->deflate;
	bool done;
	bool begins = !batch->open;
	int ret = open_slice(b, XENVIRTIO_BALLOON_VQ_DEFLATE, batch, "page to deflate named twice");

	if (ret)
		return ret;
	balloon_due_wait(b, begins ? xenvirtio_runs_total(&batch->slice.runs) : 0);
	ret = reservation_expect(&b->reservation);
	if (ret)
		return ret;
	if (b->deflate_waiting) {
		/* not all of it could be had: once more from its beginning */
		reservation_populate_begin(&b->reservation);
		balloon_slice_rewind(&batch->slice);
		b->deflate_waiting = false;
	}
	ret = balloon_slice_populate(b, &batch->slice, b->replay[XENVIRTIO_BALLOON_VQ_DEFLATE], &done);
	if (!ret && reservation_populate_idle(&b->reservation))
		balloon_ahead_over(b);
	if (ret || !done)
		return ret;
	b->deflate_waiting = b->reservation.short_of_memory;
	if (b->deflate_waiting) {
		balloon_note_stall(b);
		b->missing_pages = count_missing(b);
		return XENVIRTIO_E_AGAIN;
	}
	b->status.stall = BALLOON_STALL_NONE;
	batch->open = false;
	return balloon_batch_push(b, XENVIRTIO_BALLOON_VQ_DEFLATE, batch);
}

void balloon_pages_kicked(struct balloon *b, unsigned int index)
{
	b->kicked |= 1u << index;
	(index == XENVIRTIO_BALLOON_VQ_INFLATE ? &b->inflate : &b->deflate)->drained = false;
}

/* Nothing more to do in a queue for now, or the device is broken until the guest resets it. */
static bool is_quiet(int ret)
{
	return ret == XENVIRTIO_E_EMPTY || ret == XENVIRTIO_E_AGAIN || ret == XENVIRTIO_E_GUEST;
}

/* One that was not kicked is not looked at: its ring would have to be mapped for that. */
static int run_queue(struct balloon *b, bool deflate)
{
	const struct balloon_batch *batch = deflate ? &b->deflate : &b->inflate;
	unsigned int bit = 1u << deflate;
	int ret;

	if (!(b->kicked & bit) && (deflate || !balloon_due_ripe(b)))
		return XENVIRTIO_E_EMPTY;
	ret = deflate ? run_deflate(b) : run_inflate(b);
	/* Nor is one looked at again in which nothing waited, whatever came of its last chain. */
	if (ret == XENVIRTIO_E_EMPTY || ret == XENVIRTIO_E_GUEST || (!ret && batch->drained && !batch->nr_chains))
		b->kicked &= ~bit;
	return ret;
}

static bool has_batch(const struct balloon *b, bool deflate)
{
	return (deflate ? &b->deflate : &b->inflate)->nr_chains;
}

/* A turn of one queue. @last: out; the turn is over */
static int run_turn(struct balloon *b, bool deflate, bool *last)
{
	int ret = run_queue(b, deflate);

	*last = !ret && budget_spent(&b->reservation.budget);
	/* A message ended with the turn. While the ring is mapped, one look is cheap, and most often that was all. */
	return *last && !has_batch(b, deflate) ? run_queue(b, deflate) : ret;
}

int balloon_pages_run(struct balloon *b)
{
	int64_t units = xenvirtio_device_at_once(b->dev) ? BUDGET_ACCESS : BUDGET_TURN;
	int ret[2] = { 0, 0 }, failed = reservation_turn(&b->reservation, units);
	/* Inflating first: what it releases may be what a deflate waits for. But where it took the whole of the turn
	 * before, and left nothing behind in the reservation that a mapping of ours would spoil, it is the other's turn. */
	bool deflate = b->deflate_due && reservation_release_idle(&b->reservation);
	bool last = false;

	b->work &= ~(unsigned int)BALLOON_WORK_PAGES;
	b->deflate_due = false;
	for (int i = 0; !failed && !last; i++, deflate = !deflate) {
		ret[deflate] = run_turn(b, deflate, &last);
		if (ret[deflate] && !is_quiet(ret[deflate]))
			failed = ret[deflate];
		last = last || (i && ret[0] && ret[1]);
		b->deflate_due = !deflate && budget_spent(&b->reservation.budget);
	}
	if (failed)
		return failed;
	if ((b->kicked & 1 && !ret[0]) || (b->kicked & 2 && !ret[1]) || balloon_due_ripe(b))
		b->work |= BALLOON_WORK_PAGES;
	/* Who reports is to do so between messages rather than in the middle of one; but one may be long. */
	if (!(b->work & BALLOON_WORK_PAGES) || ++b->untold_turns == UNTOLD_TURNS) {
		b->untold_turns = 0;
		balloon_moved(b);
	}
	return 0;
}

void balloon_pages_reset(struct balloon *b)
{
	balloon_due_reset(b);
	forget_batch(b, &b->inflate);
	forget_batch(b, &b->deflate);
	b->work &= ~(unsigned int)BALLOON_WORK_PAGES;
	b->kicked = 0;
	b->replay[0] = false;
	b->replay[1] = false;
}

void balloon_pages_stop(struct balloon *b, enum balloon_vq vq)
{
	forget_batch(b, vq == BALLOON_VQ_INFLATE ? &b->inflate : &b->deflate);
}
