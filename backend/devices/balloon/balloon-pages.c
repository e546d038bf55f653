// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inflate and deflate: runs to the reservation, and the chains that named them back to the driver.
 *
 * A page that cannot be (outside RAM, of a ring, named twice) is counted and skipped: the rest of
 * its message is good, and skipping harms the guest at most. A deflate is never acknowledged with
 * pages missing.
 */
#include <errno.h>

#include "backend/devices/balloon/balloon-internal.h"

static void bad_pages(struct balloon *b, uint64_t nr, const char *detail)
{
	if (nr)
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_PAGE, detail);
}

/* The frames of a run that is all present, except those the device itself needs: its rings. */
static int release_present(struct balloon *b, struct xenvirtio_run run)
{
	while (run.nr) {
		struct xenvirtio_run good = {
			run.start, xenvirtio_device_next_ring(b->dev, run.start, run.nr)
		};
		int ret = good.nr ? reservation_release(&b->reservation, good) : 0;

		if (ret || good.nr == run.nr)
			return ret;
		bad_pages(b, 1, "page to inflate holds a virtqueue");
		run.start.v += good.nr + 1;
		run.nr -= good.nr + 1;
	}
	return 0;
}

static int release_batch(struct balloon *b)
{
	struct xenvirtio_runs *runs = &b->inflate.runs;
	uint64_t before = b->frames.nr_set, bad = b->reservation.bad_pages;
	uint64_t begin_ns = clock_now_ns(), hypercall_ns = b->reservation.hypercall_ns;
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
	b->status.inflate_ns += clock_now_ns() - begin_ns;
	b->status.inflate_hypercall_ns += b->reservation.hypercall_ns - hypercall_ns;
	return ret;
}

/* Which attempt at a deflate this is: what is there already may be an earlier one's work. */
enum turn {
	TURN_FIRST,
	TURN_REPLAY, /* a dead process may have been here */
	TURN_RETRY,  /* this one was, and has asked for what was in doubt */
};

/** frames asked for in vain, a slice: asking costs, and a driver that deflates what it has is at fault anyway */
#define IN_VAIN_MAX 4096u

/* What asking brought, a slice. */
struct doubt {
	uint64_t found;	  /* frames that were holes, and are in the balloon now */
	uint64_t in_vain; /* frames that were there */
};

/* Mark the holes of a piece whose bits are all clear; @asked: out; the front of it that was asked for. */
static int ask_piece(struct balloon *b, struct xenvirtio_run run, struct doubt *doubt, uint64_t *asked)
{
	int ret = 0;

	*asked = 0;
	while (!ret && *asked < run.nr && doubt->in_vain < IN_VAIN_MAX) {
		struct xenvirtio_run front = { xenvirtio_gfn(run.start.v + *asked), run.nr - *asked };
		uint64_t before = b->frames.nr_set;

		if (front.nr > XENVIRTIO_EXTENTS_MAX)
			front.nr = XENVIRTIO_EXTENTS_MAX;
		ret = reservation_settle(&b->reservation, front);
		doubt->found += b->frames.nr_set - before;
		doubt->in_vain += front.nr - (b->frames.nr_set - before);
		*asked += front.nr;
	}
	return ret;
}

/*
 * Frames of a deflate whose bits say that they are there. They were not in the balloon as far as we know, and the
 * driver says they were: who is wrong, only the guest's page tables tell (a state that was lost, a guest that was
 * restored). Those that are holes are populated with the rest.
 */
static int settle_present(struct balloon *b, struct xenvirtio_run run, enum turn turn, struct doubt *doubt)
{
	uint64_t asked, before = doubt->found;
	int ret = ask_piece(b, run, doubt, &asked);
	struct xenvirtio_run piece;

	if (ret)
		return ret;
	if (turn == TURN_FIRST)
		bad_pages(b, run.nr - (doubt->found - before), "page to deflate is not in the balloon");
	while (run.nr && !ret) {
		if (frames_next(&b->frames, &run, &piece) != FRAME_BALLOONED)
			continue;
		balloon_unused_forget(b, piece);
		ret = reservation_populate(&b->reservation, piece);
	}
	return ret;
}

static int populate_runs(struct balloon *b, const struct xenvirtio_runs *runs, enum turn turn)
{
	uint64_t before = b->frames.nr_set, begin_ns = clock_now_ns();
	struct doubt doubt = { 0 };
	uint64_t hypercall_ns = b->reservation.hypercall_ns;
	int ret = 0;

	reservation_populate_begin(&b->reservation);
	for (size_t i = 0; i < runs->nr && !ret; i++) {
		struct xenvirtio_run run = runs->run[i], piece;

		while (run.nr && !ret) {
			switch (frames_next(&b->frames, &run, &piece)) {
			case FRAME_BALLOONED:
				balloon_unused_forget(b, piece);
				ret = reservation_populate(&b->reservation, piece);
				break;
			case FRAME_PRESENT:
				if (turn != TURN_RETRY)
					ret = settle_present(b, piece, turn, &doubt);
				break;
			case FRAME_OUTSIDE:
				if (turn == TURN_FIRST)
					bad_pages(b, piece.nr, "page to deflate is not RAM");
				break;
			}
		}
	}
	if (!ret)
		ret = reservation_populate_flush(&b->reservation);
	b->status.deflated_pages += before + doubt.found - b->frames.nr_set;
	b->status.deflate_ns += clock_now_ns() - begin_ns;
	b->status.deflate_hypercall_ns += b->reservation.hypercall_ns - hypercall_ns;
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

/* Populate what the slice of the deflate batch names; push the batch if all of it is there. */
static int deflate_batch(struct balloon *b, enum turn turn)
{
	int ret = populate_runs(b, &b->deflate.runs, turn);

	if (ret)
		return ret;
	b->deflate_waiting = b->reservation.short_of_memory;
	if (b->deflate_waiting) {
		note_stall(b);
		return XENVIRTIO_E_AGAIN;
	}
	b->status.stall = BALLOON_STALL_NONE;
	return balloon_batch_push(b, XENVIRTIO_BALLOON_VQ_DEFLATE, &b->deflate);
}

static int run_deflate(struct balloon *b)
{
	enum turn turn = b->replay[XENVIRTIO_BALLOON_VQ_DEFLATE] ? TURN_REPLAY : TURN_FIRST;
	int ret;

	if (b->deflate_waiting)
		return deflate_batch(b, TURN_RETRY);
	ret = balloon_batch_fill(b, XENVIRTIO_BALLOON_VQ_DEFLATE, &b->deflate);
	if (ret)
		return ret;
	bad_pages(b, xenvirtio_runs_coalesce(&b->deflate.runs), "page to deflate named twice");
	return deflate_batch(b, turn);
}

static int run_inflate(struct balloon *b)
{
	int ret = balloon_batch_fill(b, XENVIRTIO_BALLOON_VQ_INFLATE, &b->inflate);

	if (!ret)
		ret = release_batch(b);
	return ret ? ret : balloon_batch_push(b, XENVIRTIO_BALLOON_VQ_INFLATE, &b->inflate);
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
	for (int slices = 0; slices < BALLOON_SLICES_PER_CALL; slices++) {
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
		ret = populate_runs(b, &all, TURN_RETRY);
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
	balloon_batch_reset(&b->inflate);
	balloon_batch_reset(&b->deflate);
	b->deflate_waiting = false;
	b->pages_pending = false;
	b->replay[0] = false;
	b->replay[1] = false;
	b->status.stall = BALLOON_STALL_NONE;
}
