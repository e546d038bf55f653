// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames that are due: the driver has put them into its balloon, and the guest still has them.
 *
 * A stock driver names 256 frames, waits, and names the next 256. What it will not touch again until it has asked for it can be
 * released later: its message is acknowledged when its frames are noted here, a bit each, and Xen is called for whole blocks
 * of many messages. Only while the driver has more to put in; with its last message, or when it hesitates, all goes.
 *
 *   inflate --> due --> released, in the balloon's bitmap
 *                 '---> deflate: the driver takes it back, and it is there
 *
 * The bits survive the process. One is set before the driver is told, and cleared before it is told that the frame is its own
 * again: a successor releases no frame that is in use. What is both due and in the balloon was released by a process that died
 * before it could say so here.
 *
 * The other way it is the same: Xen populates a whole block far more cheaply than its frames. While the driver has more to take out,
 * a block of which it asks for a part is populated whole, and the rest is due until the driver asks for it, or stops.
 *
 * Nothing that goes back to the driver may be in a slice that is being released: a deflate takes that slice apart first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/devices/balloon/balloon-internal.h"

/*
 * So much is worth releasing: 64 MiB, or an eighth of the guest. Twice of it stays with the guest at most, and one message more. Each
 * time Xen has what is mapped of the guest forgotten, and so have we.
 */
#define DUE_MAX 16384u
#define DUE_PART 8
/* A message of more is worth its own calls. */
#define DUE_MESSAGE_MAX 1024u
#define DUE_WINDOW 4096u
#define BLOCK (UINT64_C(1) << XENVIRTIO_ORDER_MAX)

static size_t nr_windows(const struct frames *f)
{
	size_t nr = 0;

	for (size_t i = 0; i < f->nr_ranges; i++)
		nr += (f->range[i].end_incl.v - f->range[i].start.v) / DUE_WINDOW + 1;
	return nr;
}

/* The window of a frame in RAM. */
static size_t find_window(const struct frames *f, struct xenvirtio_gfn gfn)
{
	size_t nr = 0;

	for (size_t i = 0; i < f->nr_ranges && gfn.v > f->range[i].end_incl.v; i++)
		nr += (f->range[i].end_incl.v - f->range[i].start.v) / DUE_WINDOW + 1;
	for (size_t i = 0; i < f->nr_ranges; i++)
		if (gfn.v >= f->range[i].start.v && gfn.v <= f->range[i].end_incl.v)
			return nr + (gfn.v - f->range[i].start.v) / DUE_WINDOW;
	return nr;
}

static void note_window(struct balloon_due *due, struct xenvirtio_run run)
{
	size_t last = find_window(&due->frames, xenvirtio_gfn(run.start.v + run.nr - 1));

	for (size_t at = find_window(&due->frames, run.start); at <= last; at++)
		due->window[at / 64] |= UINT64_C(1) << at % 64;
}

/* Frames of a run that are in RAM, all in one range, are due or not from now on. */
static void mark_piece(struct balloon_due *due, struct xenvirtio_run piece, bool is_due)
{
	frames_mark(&due->frames, piece.start, piece.nr, is_due);
	if (is_due)
		note_window(due, piece);
}

/* Not due any more, whatever they are. */
static void forget_run(struct balloon *b, struct xenvirtio_run run)
{
	while (run.nr) {
		struct xenvirtio_run piece = run;

		if (frames_in_ram(&b->due.frames, run, &piece.nr))
			frames_mark(&b->due.frames, piece.start, piece.nr, false);
		run.start.v += piece.nr;
		run.nr -= piece.nr;
	}
}

/* Those of a run that Xen has: they are in the balloon's bitmap. */
static void forget_released(struct balloon *b, struct xenvirtio_run run)
{
	struct xenvirtio_run piece;

	while (run.nr)
		if (frames_next(&b->frames, &run, &piece) == FRAME_BALLOONED)
			frames_mark(&b->due.frames, piece.start, piece.nr, false);
}

int balloon_due_init(struct balloon *b, uint64_t *word)
{
	struct balloon_due *due = &b->due;
	int ret = frames_init(&due->frames, b->frames.range, b->frames.nr_ranges, word);

	if (ret)
		return ret;
	due->window = calloc(nr_windows(&due->frames) / 64 + 1, sizeof(*due->window));
	if (!due->window)
		return -ENOMEM;
	for (size_t i = 0; i < due->frames.nr_ranges && due->frames.nr_set; i++) {
		const struct xenvirtio_gfn_range *range = &due->frames.range[i];
		struct xenvirtio_run run = { range->start, range->end_incl.v - range->start.v + 1 };

		note_window(due, run);
		forget_released(b, run);
	}
	balloon_due_over(b);
	return 0;
}

void balloon_due_fini(struct balloon *b)
{
	xenvirtio_runs_fini(&b->due.slice.runs);
	free(b->due.window);
	b->due.window = NULL;
}

static void stop_releasing(struct balloon *b)
{
	if (!b->due.releasing)
		return;
	/* no inflate batch is begun: all that was collected is of the slice */
	reservation_forget_release(&b->reservation);
	b->due.releasing = false;
}

void balloon_due_reset(struct balloon *b)
{
	struct balloon_due *due = &b->due;

	stop_releasing(b);
	balloon_due_told(b);
	if (!due->frames.nr_set)
		return;
	memset(due->frames.word, 0, frames_words(due->frames.nr_frames) * sizeof(*due->frames.word));
	memset(due->window, 0, (nr_windows(&due->frames) / 64 + 1) * sizeof(*due->window));
	due->frames.nr_set = 0;
	due->overdue = false;
}

void balloon_due_over(struct balloon *b)
{
	b->due.overdue = b->due.frames.nr_set;
	if (b->due.overdue)
		b->work |= BALLOON_WORK_PAGES;
}

void balloon_due_told(struct balloon *b)
{
	b->due.put_pages = 0;
	b->due.taken_pages = 0;
}

/* What the driver has in its balloon, once it has seen what was acknowledged: hostile, and a hint. */
static uint64_t guess_actual(const struct balloon *b)
{
	uint64_t most = b->persist->actual_pages + b->due.put_pages;

	return most > b->due.taken_pages ? most - b->due.taken_pages : 0;
}

/* Plain RAM that the guest has, and no rings. */
static bool all_present(const struct balloon *b, const struct xenvirtio_runs *runs)
{
	struct xenvirtio_run clear = { 0 };

	for (size_t i = 0; i < runs->nr; i++) {
		struct xenvirtio_run run = runs->run[i];
		uint64_t nr, offset = run.start.v - clear.start.v;

		if (frames_look(&b->frames, run.start, run.nr, &nr) != FRAME_PRESENT || nr < run.nr)
			return false;
		if (offset < clear.nr && run.nr <= clear.nr - offset)
			continue;
		clear.start = run.start;
		clear.nr = xenvirtio_device_next_ring(b->dev, run.start, UINT64_MAX - run.start.v);
		if (clear.nr < run.nr)
			return false;
	}
	return true;
}

bool balloon_due_put(struct balloon *b, struct balloon_slice *s, bool replay)
{
	struct balloon_due *due = &b->due;
	uint64_t total = xenvirtio_runs_total(&s->runs), before = due->frames.nr_set;

	due->taking = false;
	due->changes++;
	due->put_pages += total;
	if (!due->frames.word)
		return false;
	budget_charge(&b->reservation.budget, 2 * s->runs.nr, BUDGET_LOOK);
	if (total > DUE_MESSAGE_MAX || guess_actual(b) >= b->persist->target_pages || !all_present(b, &s->runs)) {
		for (size_t i = 0; i < s->runs.nr && before; i++)
			forget_run(b, s->runs.run[i]);
		return false;
	}
	for (size_t i = 0; i < s->runs.nr; i++)
		mark_piece(due, s->runs.run[i], true);
	if (!replay)
		balloon_bad_pages(b, total - (due->frames.nr_set - before), "page to inflate is in the balloon, or named twice");
	return true;
}

/* The part of @piece from its front on that was populated ahead. */
static uint64_t count_ahead(const struct balloon_due *due, struct xenvirtio_run piece)
{
	for (size_t i = 0; i < due->nr_ahead && i < DUE_AHEAD; i++) {
		const struct xenvirtio_run *run = &due->ahead[i];
		uint64_t offset = piece.start.v - run->start.v;

		if (piece.start.v >= run->start.v && offset < run->nr)
			return run->nr - offset < piece.nr ? run->nr - offset : piece.nr;
	}
	return 0;
}

bool balloon_due_take(struct balloon *b, struct xenvirtio_run *piece, bool *there)
{
	bool is_due;
	uint64_t nr;

	*there = false;
	if (!b->due.frames.nr_set)
		return false;
	is_due = frames_look(&b->due.frames, piece->start, piece->nr, &piece->nr) == FRAME_BALLOONED;
	if (!is_due)
		return false;
	nr = b->due.ahead_moves == b->reservation.moves ? count_ahead(&b->due, *piece) : 0;
	*there = nr;
	piece->nr = nr ? nr : piece->nr;
	frames_mark(&b->due.frames, piece->start, piece->nr, false);
	return true;
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
	const struct reservation *r = &b->reservation;

	if (!b->due.frames.word || !b->due.taking || b->refill_waiting || b->deflate.slice.walked || !r->looked || r->doubt)
		return false;
	return r->max_order == XENVIRTIO_ORDER_MAX && r->max_pages >= r->tot_pages + pages &&
	       b->persist->actual_pages >= b->due.taken_pages + b->persist->target_pages + pages;
}

static void note_ahead(struct balloon *b, uint64_t start, uint64_t end)
{
	struct balloon_due *due = &b->due;
	struct xenvirtio_run run = { xenvirtio_gfn(start), end - start };

	if (start == end)
		return;
	if (due->ahead_moves != b->reservation.moves)
		due->nr_ahead = 0;
	due->ahead_moves = b->reservation.moves;
	due->ahead[due->nr_ahead++ % DUE_AHEAD] = run;
	mark_piece(due, run, true);
}

struct xenvirtio_run balloon_due_ahead(struct balloon *b, struct xenvirtio_run piece)
{
	uint64_t end = piece.start.v + piece.nr;
	struct xenvirtio_run first, last, whole = piece;

	if (!may_go_ahead(b, 2 * BLOCK))
		return piece;
	if (whole_block(b, piece.start.v, &first)) {
		whole.nr += whole.start.v - first.start.v;
		whole.start = first.start;
	}
	if (whole_block(b, end - 1, &last))
		whole.nr = last.start.v + BLOCK - whole.start.v;
	budget_charge(&b->reservation.budget, 4, BUDGET_LOOK);
	note_ahead(b, whole.start.v, piece.start.v);
	note_ahead(b, end, whole.start.v + whole.nr);
	return whole;
}

void balloon_due_ahead_over(struct balloon *b)
{
	if (!b->due.frames.nr_set)
		return;
	for (size_t i = 0; i < b->due.nr_ahead && i < DUE_AHEAD; i++)
		forget_released(b, b->due.ahead[i]);
}

void balloon_due_wait(struct balloon *b, uint64_t pages)
{
	struct balloon_due *due = &b->due;

	due->taking = true;
	due->changes++;
	due->taken_pages += pages;
	if (!due->releasing)
		return;
	stop_releasing(b);
	for (size_t i = 0; i < due->slice.runs.nr; i++) {
		forget_released(b, due->slice.runs.run[i]);
		note_window(due, due->slice.runs.run[i]);
	}
}

static uint64_t due_max(const struct balloon *b)
{
	uint64_t part = b->due.frames.nr_frames / DUE_PART;

	return part < DUE_MAX ? part : DUE_MAX;
}

bool balloon_due_ripe(const struct balloon *b)
{
	const struct balloon_due *due = &b->due;
	uint64_t target = b->persist->target_pages;

	if (due->releasing)
		return true;
	/* what is being populated ahead is not there yet */
	if (!due->frames.nr_set || !reservation_populate_idle(&b->reservation))
		return false;
	return due->overdue || b->deflate_waiting || due->frames.nr_set >= due_max(b) || (due->taking ? guess_actual(b) <= target : guess_actual(b) >= target);
}

uint64_t balloon_due(const struct balloon *b)
{
	return b->due.frames.nr_set;
}

void balloon_settle(struct balloon *b)
{
	if (b->due.changes == b->due.settled)
		balloon_due_over(b);
	b->due.settled = b->due.changes;
}

bool balloon_due_full(const struct balloon *b)
{
	return b->due.frames.nr_set >= 2 * due_max(b);
}

static int add_window(struct balloon_due *due, struct xenvirtio_run window)
{
	struct xenvirtio_run piece;
	int ret = 0;

	while (window.nr && !ret)
		if (frames_next(&due->frames, &window, &piece) == FRAME_BALLOONED)
			ret = xenvirtio_runs_add(&due->slice.runs, piece.start, piece.nr);
	return ret;
}

/* All that is due, in order. */
static int fill_slice(struct balloon_due *due)
{
	size_t at = 0;
	int ret = 0;

	xenvirtio_runs_clear(&due->slice.runs);
	for (size_t i = 0; i < due->frames.nr_ranges && !ret; i++) {
		struct xenvirtio_gfn_range range = due->frames.range[i];

		for (uint64_t gfn = range.start.v; gfn <= range.end_incl.v && !ret; gfn += DUE_WINDOW, at++) {
			uint64_t left = range.end_incl.v - gfn + 1;

			if (due->window[at / 64] >> at % 64 & 1)
				ret = add_window(due, (struct xenvirtio_run){ xenvirtio_gfn(gfn), left < DUE_WINDOW ? left : DUE_WINDOW });
		}
	}
	memset(due->window, 0, (at / 64 + 1) * sizeof(*due->window));
	balloon_slice_begin(&due->slice);
	return ret;
}

int balloon_due_release(struct balloon *b, bool *done)
{
	struct balloon_due *due = &b->due;
	int ret;

	*done = !balloon_due_ripe(b);
	if (*done)
		return 0;
	if (!due->releasing) {
		ret = fill_slice(due);
		if (ret)
			return ret;
		budget_charge(&b->reservation.budget, due->slice.runs.nr, BUDGET_LOOK);
		due->releasing = true;
	}
	ret = balloon_slice_release(b, &due->slice, true, done);
	if (ret || !*done)
		return ret;
	/* What Xen would not take stays with the guest, and is counted. */
	for (size_t i = 0; i < due->slice.runs.nr; i++)
		forget_run(b, due->slice.runs.run[i]);
	due->releasing = false;
	due->overdue = false;
	return 0;
}
