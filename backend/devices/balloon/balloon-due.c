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
 * A daemon that knows of no such frames would have a deflate of one acknowledged, and the next one of ours would release it in use: while
 * there are any a flag in the file keeps such a daemon off (BALLOON_DUE). It is set before the first, and goes after the last.
 *
 * Where they are is kept by windows, a bit each. However large the guest is and wherever its frames are, no more than so many windows are
 * ever looked through at a time.
 *
 * Nothing that goes back to the driver may be in a slice that is being released: a deflate takes that slice apart first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/devices/balloon/balloon-internal.h"

/*
 * So much is worth releasing: 128 MiB, or an eighth of the guest. Twice of it stays with the guest at most, and one message more. Each
 * time Xen has what is mapped of the guest forgotten, and so have we.
 */
#define DUE_MAX 32768u
#define DUE_PART 8
/* A message of more is worth its own calls. */
#define DUE_MESSAGE_MAX 1024u
#define DUE_WINDOW 4096u
/* With frames in so many windows it is time to release them; to look through one takes half a microsecond. */
#define DUE_WINDOWS_MAX 2048u
#define WINDOW_COST (10 * BUDGET_LOOK)
/* Of scattered frames so many are released at a time. */
#define DUE_RUNS_MAX 2048u

static size_t nr_windows(const struct frames *f)
{
	size_t nr = 0;

	for (size_t i = 0; i < f->nr_ranges; i++)
		nr += (f->range[i].end_incl.v - f->range[i].start.v) / DUE_WINDOW + 1;
	return nr;
}

/* The window of a frame in RAM. @offset: out; of the frame in it */
static size_t find_window(const struct frames *f, struct xenvirtio_gfn gfn, uint64_t *offset)
{
	size_t nr = 0, i = 0;

	for (; i + 1 < f->nr_ranges && gfn.v > f->range[i].end_incl.v; i++)
		nr += (f->range[i].end_incl.v - f->range[i].start.v) / DUE_WINDOW + 1;
	*offset = (gfn.v - f->range[i].start.v) % DUE_WINDOW;
	return nr + (gfn.v - f->range[i].start.v) / DUE_WINDOW;
}

static void note_window(struct balloon_due *due, struct xenvirtio_run run)
{
	uint64_t offset;
	size_t at = find_window(&due->frames, run.start, &offset);
	size_t last = at + (offset + run.nr - 1) / DUE_WINDOW;

	for (; at <= last; at++) {
		uint64_t bit = UINT64_C(1) << at % 64;

		due->nr_windows += !(due->window[at / 64] & bit);
		due->window[at / 64] |= bit;
	}
}

static bool is_flagged(const struct balloon *b)
{
	return b->persist->nr_ranges & BALLOON_DUE;
}

static void flag(struct balloon *b, bool any)
{
	uint32_t word = b->persist->nr_ranges & ~BALLOON_DUE;

	__atomic_store_n(&b->persist->nr_ranges, any ? word | BALLOON_DUE : word, __ATOMIC_RELEASE);
	/* nor is a bit to be stored before it */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void balloon_due_mark(struct balloon *b, struct xenvirtio_run run)
{
	if (!is_flagged(b))
		flag(b, true);
	frames_mark(&b->due.frames, run.start, run.nr, true);
	note_window(&b->due, run);
}

/* Frames of one range, not due any more. */
static void unmark(struct balloon *b, struct xenvirtio_run run)
{
	frames_mark(&b->due.frames, run.start, run.nr, false);
	if (!b->due.frames.nr_set && is_flagged(b))
		flag(b, false);
}

/* Take what is of one range, or of none, off the front of @run. Return: it is RAM */
static bool next_of_range(const struct balloon *b, struct xenvirtio_run *run, struct xenvirtio_run *piece)
{
	bool ram = frames_in_ram(&b->due.frames, *run, &piece->nr);

	piece->start = run->start;
	run->start.v += piece->nr;
	run->nr -= piece->nr;
	return ram;
}

/* Frames of one range, not due any more: those of them that are in windows which are noted. */
static void forget_piece(struct balloon *b, struct xenvirtio_run piece)
{
	uint64_t offset;
	size_t at = find_window(&b->due.frames, piece.start, &offset);

	for (uint64_t left = DUE_WINDOW - offset; piece.nr; left = DUE_WINDOW, at++) {
		struct xenvirtio_run part = { piece.start, left < piece.nr ? left : piece.nr };

		if (b->due.window[at / 64] >> at % 64 & 1)
			unmark(b, part);
		piece.start.v += part.nr;
		piece.nr -= part.nr;
	}
}

void balloon_due_forget(struct balloon *b, const struct xenvirtio_runs *runs)
{
	if (!b->due.frames.nr_set)
		return;
	budget_charge(&b->reservation.budget, b->due.nr_windows, WINDOW_COST);
	for (size_t i = 0; i < runs->nr; i++) {
		struct xenvirtio_run run = runs->run[i], piece;

		while (run.nr)
			if (next_of_range(b, &run, &piece))
				forget_piece(b, piece);
	}
}

void balloon_due_forget_released(struct balloon *b, struct xenvirtio_run run)
{
	struct xenvirtio_run piece;

	while (run.nr)
		if (frames_next(&b->frames, &run, &piece) == FRAME_BALLOONED)
			unmark(b, piece);
}

/* Each frame that is due, of one range. */
static void find_windows(struct balloon *b, struct xenvirtio_run run)
{
	struct xenvirtio_run piece;

	while (run.nr)
		if (frames_next(&b->due.frames, &run, &piece) == FRAME_BALLOONED) {
			note_window(&b->due, piece);
			balloon_due_forget_released(b, piece);
		}
}

/* Go through the windows, in order: what may be due is in them. One that is done is none any more. Return: 0; what @do_window returned first, if it is not 0 */
static int each_window(struct balloon *b, int (*do_window)(struct balloon *b, struct xenvirtio_run window))
{
	const struct frames *f = &b->due.frames;
	size_t at = 0;
	int ret = 0;

	for (size_t i = 0; i < f->nr_ranges && !ret; i++) {
		struct xenvirtio_gfn_range range = f->range[i];

		for (uint64_t gfn = range.start.v; gfn <= range.end_incl.v && !ret; gfn += DUE_WINDOW, at++) {
			uint64_t left = range.end_incl.v - gfn + 1;

			if (!(b->due.window[at / 64] >> at % 64 & 1))
				continue;
			ret = do_window(b, (struct xenvirtio_run){ xenvirtio_gfn(gfn), left < DUE_WINDOW ? left : DUE_WINDOW });
			if (!ret) {
				b->due.window[at / 64] &= ~(UINT64_C(1) << at % 64);
				b->due.nr_windows--;
			}
		}
	}
	return ret;
}

static int unmark_window(struct balloon *b, struct xenvirtio_run window)
{
	unmark(b, window);
	return 0;
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
	if (due->frames.nr_set && !is_flagged(b))
		return -EBADMSG;
	for (size_t i = 0; i < due->frames.nr_ranges && due->frames.nr_set; i++) {
		const struct xenvirtio_gfn_range *range = &due->frames.range[i];

		find_windows(b, (struct xenvirtio_run){ range->start, range->end_incl.v - range->start.v + 1 });
	}
	/* died before the first, or after the last */
	if (!due->frames.nr_set && is_flagged(b))
		flag(b, false);
	balloon_due_over(b);
	return 0;
}

void balloon_due_fini(struct balloon *b)
{
	xenvirtio_runs_fini(&b->due.slice.runs);
	free(b->due.window);
	b->due.window = NULL;
}

/* What is not released yet is due as before. */
static void stop_releasing(struct balloon *b)
{
	struct balloon_due *due = &b->due;

	if (!due->releasing)
		return;
	/* no inflate batch is begun: all that was collected is of the slice */
	reservation_forget_release(&b->reservation);
	due->releasing = false;
	budget_charge(&b->reservation.budget, 2 * due->slice.runs.nr, BUDGET_LOOK);
	for (size_t i = 0; i < due->slice.runs.nr; i++) {
		struct xenvirtio_run run = due->slice.runs.run[i], piece;

		balloon_due_forget_released(b, run);
		while (run.nr)
			if (next_of_range(b, &run, &piece))
				note_window(due, piece);
	}
}

void balloon_due_reset(struct balloon *b)
{
	struct balloon_due *due = &b->due;

	stop_releasing(b);
	balloon_due_told(b);
	due->taking = false;
	due->overdue = false;
	if (due->frames.nr_set)
		each_window(b, unmark_window);
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
	uint64_t most = (uint64_t)balloon_actual(b) + b->due.put_pages;

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

bool balloon_due_scattered(const struct balloon *b)
{
	return b->due.nr_windows >= DUE_WINDOWS_MAX;
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
	/* of a message that was not read to its end: it may never be answered */
	if (b->inflate.partial || total > DUE_MESSAGE_MAX || guess_actual(b) >= b->persist->target_pages || !all_present(b, &s->runs))
		return false;
	for (size_t i = 0; i < s->runs.nr; i++)
		balloon_due_mark(b, s->runs.run[i]);
	if (!replay)
		balloon_bad_pages(b, total - (due->frames.nr_set - before), "page to inflate is in the balloon, or named twice");
	return true;
}

bool balloon_due_take(struct balloon *b, struct xenvirtio_run *piece, bool *there)
{
	bool is_due;
	uint64_t nr;

	*there = false;
	if (!b->due.frames.nr_set)
		return false;
	is_due = frames_look(&b->due.frames, piece->start, piece->nr, &piece->nr) == FRAME_BALLOONED;
	budget_charge_look(&b->reservation.budget, piece->nr);
	if (!is_due)
		return false;
	if (piece->nr > reservation_ask_max(&b->reservation))
		piece->nr = reservation_ask_max(&b->reservation);
	nr = balloon_ahead_count(b, *piece);
	*there = nr;
	piece->nr = nr ? nr : piece->nr;
	unmark(b, *piece);
	return true;
}

void balloon_due_wait(struct balloon *b, uint64_t pages)
{
	struct balloon_due *due = &b->due;

	due->taking = true;
	due->changes++;
	due->taken_pages += pages;
	stop_releasing(b);
}

uint64_t balloon_due_max(const struct balloon *b)
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
	if (due->overdue || b->deflate_waiting || due->frames.nr_set >= balloon_due_max(b) || balloon_due_scattered(b))
		return true;
	return due->taking ? guess_actual(b) <= target : guess_actual(b) >= target;
}

uint64_t balloon_due(const struct balloon *b)
{
	return b->due.frames.nr_set;
}

/* Frames of a run that are due and in the balloon's bitmap as well. */
static uint64_t count_both(const struct balloon *b, struct xenvirtio_run run)
{
	struct xenvirtio_run due, piece;
	uint64_t nr = 0;

	while (run.nr) {
		if (frames_next(&b->due.frames, &run, &due) != FRAME_BALLOONED)
			continue;
		while (due.nr)
			if (frames_next(&b->frames, &due, &piece) == FRAME_BALLOONED)
				nr += piece.nr;
	}
	return nr;
}

uint64_t balloon_due_beside(const struct balloon *b)
{
	const struct balloon_due *due = &b->due;
	uint64_t both = 0;

	/* a slice that takes several turns: what is released of it */
	for (size_t i = 0; due->releasing && i <= due->slice.at && i < due->slice.runs.nr; i++)
		both += count_both(b, due->slice.runs.run[i]);
	/* and what is noted to come ahead, and did not yet */
	for (size_t i = 1; i <= due->nr_awaited; i++)
		both += count_both(b, due->ahead[(due->nr_ahead - i) % DUE_AHEAD]);
	return due->frames.nr_set - both;
}

void balloon_settle(struct balloon *b)
{
	if (b->due.changes == b->due.settled)
		balloon_due_over(b);
	b->due.settled = b->due.changes;
}

bool balloon_due_full(const struct balloon *b)
{
	return b->due.frames.nr_set >= 2 * balloon_due_max(b) || b->due.nr_windows >= 2 * DUE_WINDOWS_MAX;
}

static int add_window(struct balloon *b, struct xenvirtio_run window)
{
	struct balloon_due *due = &b->due;
	struct xenvirtio_run piece;
	int ret = due->slice.runs.nr >= DUE_RUNS_MAX ? XENVIRTIO_E_AGAIN : 0;

	while (window.nr && !ret)
		if (frames_next(&due->frames, &window, &piece) == FRAME_BALLOONED)
			ret = xenvirtio_runs_add(&due->slice.runs, piece.start, piece.nr);
	return ret;
}

/*
 * What is due, in order, and no more of it than a turn can release: a deflate takes the slice apart again, and one that was larger could
 * be made and taken apart turn after turn.
 */
static int fill_slice(struct balloon *b)
{
	struct budget *budget = &b->reservation.budget;
	struct balloon_due *due = &b->due;
	size_t before = due->nr_windows;
	int ret;

	xenvirtio_runs_clear(&due->slice.runs);
	budget_charge(budget, nr_windows(&due->frames) / 64, BUDGET_LOOK);
	ret = each_window(b, add_window);
	ret = ret == XENVIRTIO_E_AGAIN ? 0 : ret;
	budget_charge(budget, before - due->nr_windows, WINDOW_COST);
	/* once now, once when they are released */
	budget_charge(budget, 2 * due->slice.runs.nr, BUDGET_LOOK);
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
		ret = fill_slice(b);
		if (ret)
			return ret;
		due->releasing = true;
	}
	ret = balloon_slice_release(b, &due->slice, true, done);
	if (ret || !*done)
		return ret;
	/* What Xen would not take stays with the guest, and is counted. */
	for (size_t i = 0; i < due->slice.runs.nr; i++) {
		struct xenvirtio_run run = due->slice.runs.run[i], piece;

		while (run.nr)
			if (next_of_range(b, &run, &piece))
				unmark(b, piece);
	}
	due->releasing = false;
	/* windows may be left */
	due->overdue = due->overdue && due->frames.nr_set;
	return 0;
}
