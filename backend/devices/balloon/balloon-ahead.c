// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames that are populated before the driver asks for them.
 *
 * Xen populates a whole block far more cheaply than its frames. While the driver has more to take out, a block of which it asks for a
 * part is populated whole, and the rest is due (balloon-due.h) until the driver asks for it, or stops. The note is set before the
 * call, as in the other direction; where no block could be had it is taken away again (balloon_ahead_over()), and who asks for such a
 * frame before that is not told that it is there: its slice is walked once more.
 *
 * A driver decides with each message what is brought along: a part that is too small brings nothing, and no more is due by that
 * than half of what is worth releasing. It goes back when the driver does not come for it.
 */
#include "backend/devices/balloon/balloon-internal.h"

#define BLOCK (UINT64_C(1) << XENVIRTIO_ORDER_MAX)

uint64_t balloon_ahead_count(const struct balloon *b, struct xenvirtio_run piece)
{
	const struct balloon_due *due = &b->due;

	if (due->ahead_moves != b->reservation.moves)
		return 0;
	for (size_t i = 0; i < due->nr_ahead && i < DUE_AHEAD; i++) {
		const struct xenvirtio_run *run = &due->ahead[i];
		uint64_t offset = piece.start.v - run->start.v;

		if (piece.start.v >= run->start.v && offset < run->nr)
			return run->nr - offset < piece.nr ? run->nr - offset : piece.nr;
	}
	return 0;
}

/* The block of @gfn is in the balloon, whole. */
static bool whole_block(const struct balloon *b, uint64_t gfn, struct xenvirtio_run *block)
{
	uint64_t nr;

	*block = (struct xenvirtio_run){ xenvirtio_gfn(gfn & ~(BLOCK - 1)), BLOCK };
	return frames_look(&b->frames, block->start, BLOCK, &nr) == FRAME_BALLOONED && nr == BLOCK &&
	       frames_look(&b->due.frames, block->start, BLOCK, &nr) == FRAME_PRESENT && nr == BLOCK;
}

/* The driver said that it has so many more to take out than @pages, and Xen will not refuse them. */
static bool may_go_ahead(const struct balloon *b, uint64_t pages)
{
	const struct balloon_due *due = &b->due;
	const struct reservation *r = &b->reservation;

	if (!due->frames.word || !due->taking || b->refill_waiting || b->deflate.slice.walked || r->doubt)
		return false;
	/* Two notes a piece, none of which may be forgotten before all is there. */
	if (due->nr_awaited > DUE_AHEAD - 2 || (due->nr_awaited && due->ahead_moves != r->moves) || balloon_due_scattered(b))
		return false;
	return r->max_order == XENVIRTIO_ORDER_MAX && r->max_pages >= r->tot_pages + pages &&
	       balloon_actual(b) >= due->taken_pages + b->persist->target_pages + pages;
}

static void note_ahead(struct balloon *b, uint64_t start, uint64_t end)
{
	struct balloon_due *due = &b->due;
	struct xenvirtio_run run = { xenvirtio_gfn(start), end - start };

	if (start == end)
		return;
	if (due->ahead_moves != b->reservation.moves)
		due->nr_ahead = 0;
	if (!due->nr_ahead)
		due->ahead_flushes = xenvirtio_gmem_flushes(b->cfg.gmem);
	due->ahead_moves = b->reservation.moves;
	due->ahead[due->nr_ahead++ % DUE_AHEAD] = run;
	due->nr_awaited++;
	balloon_due_mark(b, run);
}

/*
 * Where the walk over the deflate's frames has come to, in ascending order: what is before that may be collected to be populated, though
 * the bitmap still has it in the balloon.
 */
static uint64_t passed_end(const struct balloon *b, struct xenvirtio_run piece)
{
	const struct balloon_slice *s = &b->deflate.slice;

	if (s->offset)
		return piece.start.v;
	return s->at ? s->runs.run[s->at - 1].start.v + s->runs.run[s->at - 1].nr : 0;
}

struct xenvirtio_run balloon_ahead(struct balloon *b, struct xenvirtio_run piece)
{
	uint64_t end = piece.start.v + piece.nr;
	struct xenvirtio_run first, last, whole = piece;

	if (piece.nr < BALLOON_AHEAD_MIN || !may_go_ahead(b, 2 * BLOCK))
		return piece;
	if (whole_block(b, piece.start.v, &first) && first.start.v >= passed_end(b, piece)) {
		whole.nr += whole.start.v - first.start.v;
		whole.start = first.start;
	}
	if (whole_block(b, end - 1, &last) && last.start.v >= passed_end(b, piece))
		whole.nr = last.start.v + BLOCK - whole.start.v;
	budget_charge(&b->reservation.budget, 4, BUDGET_LOOK);
	if (b->due.frames.nr_set + whole.nr - piece.nr > balloon_due_max(b) / 2)
		return piece;
	note_ahead(b, whole.start.v, piece.start.v);
	note_ahead(b, end, whole.start.v + whole.nr);
	return whole;
}

void balloon_ahead_over(struct balloon *b)
{
	struct balloon_due *due = &b->due;

	for (; due->nr_awaited; due->nr_awaited--)
		balloon_due_forget_released(b, due->ahead[(due->nr_ahead - due->nr_awaited) % DUE_AHEAD]);
}
