// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of the guest's pages are unused.
 *
 * One question at a time. Its answer is a bitmap as that of the balloon, kept until the caller lets
 * go of it. Unused is only what is RAM, present, and no ring: the guest cannot have anything else
 * skipped. Frames that come back from the balloon are in use from then on.
 */
#include <errno.h>
#include <stdlib.h>

#include "backend/devices/balloon/balloon-internal.h"

/* Frames looked at for one piece: 4 KiB of a bitmap. */
#define WINDOW 32768u

static void free_answer(struct balloon_unused *u)
{
	free(u->frames.word);
	u->frames.word = NULL;
	u->frames.nr_set = 0;
	xenvirtio_runs_fini(&u->slice.runs);
	balloon_slice_begin(&u->slice);
}

static void count_bad(struct balloon *b, const char *detail)
{
	budget_charge(&b->unused.budget, 1, BUDGET_ERROR);
	xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_PAGE, detail);
}

/* All of @run is in one range of RAM. */
static void mark_run(struct balloon *b, struct xenvirtio_run run)
{
	if (frames_mark_present(&b->unused.frames, &b->frames, run))
		count_bad(b, "page said to be unused is in the balloon");
	while (run.nr) {
		uint64_t nr = xenvirtio_device_next_ring(b->dev, run.start, run.nr);

		if (nr == run.nr)
			return;
		count_bad(b, "page said to be unused holds a virtqueue");
		frames_mark(&b->unused.frames, xenvirtio_gfn(run.start.v + nr), 1, false);
		run.start.v += nr + 1;
		run.nr -= nr + 1;
	}
}

void balloon_unused_begin(struct balloon *b)
{
	struct balloon_unused *u = &b->unused;

	budget_charge(&u->budget, u->slice.runs.nr, BUDGET_LOOK);
	/* Named twice is no error here, but would be twice the work. */
	xenvirtio_runs_coalesce(&u->slice.runs);
	balloon_slice_begin(&u->slice);
}

void balloon_unused_drop(struct balloon *b)
{
	xenvirtio_runs_clear(&b->unused.slice.runs);
	balloon_slice_begin(&b->unused.slice);
}

bool balloon_unused_add(struct balloon *b)
{
	struct balloon_unused *u = &b->unused;
	struct xenvirtio_run run;

	while (balloon_slice_front(&u->slice, &run)) {
		if (budget_spent(&u->budget))
			return false;
		if (frames_in_ram(&b->frames, run, &run.nr)) {
			if (run.nr > BALLOON_WINDOW)
				run.nr = BALLOON_WINDOW;
			mark_run(b, run);
			/* two bitmaps, one of them written */
			budget_charge_look(&u->budget, 2 * run.nr);
		} else {
			count_bad(b, "page said to be unused is not RAM");
		}
		u->slice.offset += run.nr;
	}
	balloon_unused_drop(b);
	return true;
}

void balloon_unused_forget(struct balloon *b, struct xenvirtio_run run)
{
	if (b->unused.frames.word)
		frames_mark(&b->unused.frames, run.start, run.nr, false);
}

void balloon_unused_end(struct balloon *b, enum balloon_unused_state state)
{
	if (b->unused.state != BALLOON_UNUSED_ASKED)
		return;
	b->unused.state = state;
	balloon_changed(b);
}

static int run_queues(struct balloon *b)
{
	int ret = balloon_hint_run(b);

	return ret ? ret : balloon_hostreq_run(b);
}

int balloon_unused_run(struct balloon *b)
{
	int ret;

	b->work &= ~(unsigned int)BALLOON_WORK_UNUSED;
	budget_begin(&b->unused.budget, BUDGET_TURN);
	ret = run_queues(b);
	/* The device is broken: its reset will say so. */
	return ret == XENVIRTIO_E_GUEST ? 0 : ret;
}

void balloon_unused_reset(struct balloon *b)
{
	b->work &= ~(unsigned int)BALLOON_WORK_UNUSED;
	balloon_hint_stop(b);
	balloon_hostreq_reset(b);
	/* Nobody holds the pages any more: what was complete is worth nothing either. */
	if (b->unused.state == BALLOON_UNUSED_DONE)
		b->unused.state = BALLOON_UNUSED_ASKED;
	balloon_unused_end(b, BALLOON_UNUSED_FAILED);
}

static int ask(struct balloon *b)
{
	int ret = balloon_hostreq_ask(b);

	b->unused.via = BALLOON_UNUSED_VIA_HOST_REQ;
	if (ret != XENVIRTIO_E_EMPTY)
		return ret;
	b->unused.via = BALLOON_UNUSED_VIA_HINT;
	return balloon_hint_ask(b);
}

int balloon_request_unused(struct balloon *b)
{
	struct balloon_unused *u = &b->unused;
	int ret;

	if (u->state != BALLOON_UNUSED_NONE)
		return XENVIRTIO_E_AGAIN;
	if (!xenvirtio_device_driver_ok(b->dev))
		return XENVIRTIO_E_EMPTY;
	u->frames = b->frames;
	u->frames.nr_set = 0;
	u->frames.word = calloc(frames_words(b->frames.nr_frames), sizeof(*u->frames.word));
	if (!u->frames.word)
		return -ENOMEM;
	/* First: the driver may answer before the asking has returned. */
	u->state = BALLOON_UNUSED_ASKED;
	ret = ask(b);
	if (ret) {
		u->state = BALLOON_UNUSED_NONE;
		free_answer(u);
	}
	balloon_changed(b);
	return ret;
}

bool balloon_next_unused(const struct balloon *b, struct xenvirtio_run *run,
			 struct xenvirtio_run *piece)
{
	if (b->unused.state == BALLOON_UNUSED_DONE)
		return frames_next(&b->unused.frames, run, piece) == FRAME_BALLOONED;
	*piece = *run;
	run->start.v += run->nr;
	run->nr = 0;
	return false;
}

enum balloon_frame balloon_next_frame(const struct balloon *b, struct xenvirtio_run *run,
				      struct xenvirtio_run *piece)
{
	struct xenvirtio_run window = {run->start, run->nr < WINDOW ? run->nr : WINDOW};
	bool unused;

	switch (frames_next(&b->frames, &window, piece)) {
	case FRAME_OUTSIDE:
		frames_next(&b->frames, run, piece);
		return BALLOON_FRAME_OUTSIDE;
	case FRAME_BALLOONED:
		run->start.v += piece->nr;
		run->nr -= piece->nr;
		return BALLOON_FRAME_BALLOONED;
	default:
		window = *piece;
		unused = balloon_next_unused(b, &window, piece);
		run->start.v += piece->nr;
		run->nr -= piece->nr;
		return unused ? BALLOON_FRAME_UNUSED : BALLOON_FRAME_USED;
	}
}

int balloon_release_unused(struct balloon *b)
{
	struct balloon_unused *u = &b->unused;
	int ret;

	if (u->state == BALLOON_UNUSED_NONE)
		return 0;
	u->state = BALLOON_UNUSED_NONE;
	free_answer(u);
	ret = u->via == BALLOON_UNUSED_VIA_HINT ? balloon_hint_release(b) :
						 balloon_hostreq_release(b);
	balloon_changed(b);
	return ret == XENVIRTIO_E_GUEST ? 0 : ret;
}
