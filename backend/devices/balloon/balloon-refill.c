// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a reset: no driver is left that knows which frames are out, so all of them are put back, a turn at a time.
 *
 * What fits into one turn is done before the driver's access is answered. While more is missing the guest is paused: its next
 * kernel would run on holes. That a pause is ours survives the process, so that whoever has put the last frame back
 * ends it, once. An owner of the host may unpause the guest all the same, and takes the risk.
 */
#include <errno.h>

#include "backend/devices/balloon/balloon-internal.h"

/* In the journal: what is under way, and what is so. */
enum { PAUSE_NONE, PAUSE_BEGINNING, PAUSE_HELD, PAUSE_ENDING };

static void note_pause(struct balloon *b, uint32_t pause)
{
	__atomic_store_n(&b->persist->journal.pause, pause, __ATOMIC_RELEASE);
}

bool balloon_refill_paused(const struct balloon *b)
{
	return b->persist->journal.pause == PAUSE_HELD;
}

/* A host that will not is no reason to end the device: the frames come back all the same. */
static int pause_guest(struct balloon *b)
{
	int ret;

	if (b->persist->journal.pause != PAUSE_NONE || !XENVIRTIO_HV_HAS(b->cfg.hv, pause))
		return 0;
	note_pause(b, PAUSE_BEGINNING);
	ret = b->cfg.hv->ops->pause(b->cfg.hv);
	note_pause(b, ret ? PAUSE_NONE : PAUSE_HELD);
	return ret == XENVIRTIO_E_GONE ? ret : 0;
}

static int unpause_guest(struct balloon *b)
{
	int ret;

	if (!balloon_refill_paused(b))
		return 0;
	note_pause(b, PAUSE_ENDING);
	ret = b->cfg.hv->ops->unpause(b->cfg.hv);
	/* somebody was faster */
	if (ret == -EINVAL)
		ret = 0;
	note_pause(b, ret ? PAUSE_HELD : PAUSE_NONE);
	return ret;
}

/* Died in the middle of one of the two: whether the guest runs tells how far that came. */
static int settle_pause(struct balloon *b)
{
	struct xenvirtio_domain_info info;
	uint32_t pause = b->persist->journal.pause;
	int ret;

	if (pause == PAUSE_NONE || pause == PAUSE_HELD)
		return 0;
	ret = b->cfg.hv->ops->domain_info(b->cfg.hv, &info);
	if (!ret)
		note_pause(b, info.paused ? PAUSE_HELD : PAUSE_NONE);
	return ret;
}

static int begin(struct balloon *b)
{
	int ret = 0;

	xenvirtio_runs_clear(&b->refill.runs);
	for (size_t i = 0; i < b->frames.nr_ranges && !ret; i++) {
		const struct xenvirtio_gfn_range *range = &b->frames.range[i];

		ret = xenvirtio_runs_add(&b->refill.runs, range->start,
					 range->end_incl.v - range->start.v + 1);
	}
	balloon_slice_begin(&b->refill);
	b->refill.walked = true;
	reservation_populate_begin(&b->reservation);
	b->refill_waiting = true;
	b->work |= BALLOON_WORK_REFILL;
	return ret;
}

int balloon_refill_begin(struct balloon *b)
{
	/* reset again while it goes on: it does */
	if (b->refill_waiting || !b->frames.nr_set)
		return 0;
	return begin(b);
}

int balloon_refill_run(struct balloon *b, int64_t units)
{
	bool done;
	int ret;

	if (!(b->work & BALLOON_WORK_REFILL)) {
		/* Xen had no more when it was tried last. */
		balloon_slice_rewind(&b->refill);
		reservation_populate_begin(&b->reservation);
		b->work |= BALLOON_WORK_REFILL;
	}
	ret = reservation_turn(&b->reservation, units);
	if (!ret)
		ret = balloon_slice_populate(b, &b->refill, true, &done);
	if (ret)
		return ret;
	b->refill_waiting = !done || b->frames.nr_set;
	if (done)
		b->work &= ~(unsigned int)BALLOON_WORK_REFILL;
	if (b->refill_waiting && done)
		balloon_note_stall(b);
	else
		b->status.stall = BALLOON_STALL_NONE;
	return b->refill_waiting ? pause_guest(b) : unpause_guest(b);
}

int balloon_refill_resume(struct balloon *b)
{
	int ret = settle_pause(b);

	/* Died between a reset and its refill: the frames are still out, and no driver knows. */
	if (!ret && b->frames.nr_set && !xenvirtio_device_status(b->dev)) {
		b->status.stall = BALLOON_STALL_HOST;
		return begin(b);
	}
	return ret ? ret : unpause_guest(b);
}
