// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a reset: no driver is left that knows which frames are out, so all of them are put back, a turn at a time.
 *
 * What fits into one turn is done before the driver's access is answered. While more is missing the guest is paused: its next
 * kernel would run on holes. The refill and the pause survive the process, so that whoever has put the last frame back ends
 * them, once. The status does not tell: another vcpu may have written to it meanwhile.
 *
 *   reset --> refilling, paused --> all is back: unpaused
 *                |  ^
 *   given up, or |  | another reset
 *   xl unpause   v  |
 *             refilling, the guest runs on what there is --> all is back
 *
 * Xen counts pauses, and tells neither how many there are nor whose. A domain that runs while our pause is held was unpaused by
 * somebody else: that pause is ours no more, and nothing is unpaused for it. What cannot be told apart: an xl unpause and an xl
 * pause between two looks; with two pauses held, whose an unpause took; of a process killed in the hypercall itself, a pause
 * made by somebody else at that time.
 */
#include <errno.h>

#include "backend/devices/balloon/balloon-internal.h"

/* In the journal: what is under way, and what is so. */
enum { PAUSE_NONE, PAUSE_BEGINNING, PAUSE_HELD, PAUSE_ENDING, PAUSES };

static void note_flags(struct balloon *b, uint32_t flags)
{
	uint32_t word = (b->persist->nr_ranges & ~BALLOON_REFILL_FLAGS) | flags;

	__atomic_store_n(&b->persist->nr_ranges, word, __ATOMIC_RELEASE);
}

static bool has_flag(const struct balloon *b, uint32_t flag)
{
	return b->persist->nr_ranges & flag;
}

bool balloon_refill_valid(const struct balloon_persist *p)
{
	return p->journal.pause < PAUSES;
}

static void note_pause(struct balloon *b, uint32_t pause)
{
	__atomic_store_n(&b->persist->journal.pause, pause, __ATOMIC_RELEASE);
}

bool balloon_refill_paused(const struct balloon *b)
{
	return b->persist->journal.pause == PAUSE_HELD;
}

bool balloon_refill_busy(const struct balloon *b)
{
	return has_flag(b, BALLOON_REFILL) || b->persist->journal.pause != PAUSE_NONE;
}

/* A host that will not is no reason to end the device: the frames come back all the same. */
static int pause_guest(struct balloon *b)
{
	int ret;

	if (b->persist->journal.pause != PAUSE_NONE || has_flag(b, BALLOON_NO_PAUSE) ||
	    !XENVIRTIO_HV_HAS(b->cfg.hv, pause))
		return 0;
	note_pause(b, PAUSE_BEGINNING);
	ret = b->cfg.hv->ops->pause(b->cfg.hv);
	note_pause(b, ret ? PAUSE_NONE : PAUSE_HELD);
	return ret == XENVIRTIO_E_GONE ? ret : 0;
}

/* Somebody else has it run: there is no pause of ours to end any more. */
static int look_at_pause(struct balloon *b)
{
	int ret;

	if (!balloon_refill_paused(b))
		return 0;
	ret = reservation_look(&b->reservation);
	if (!ret && !b->reservation.paused) {
		note_flags(b, BALLOON_REFILL | BALLOON_NO_PAUSE);
		note_pause(b, PAUSE_NONE);
	}
	return ret;
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

	note_flags(b, BALLOON_REFILL | (has_flag(b, BALLOON_NO_PAUSE) ? BALLOON_NO_PAUSE : 0));
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

/* The next driver's reset, while it goes on: no more of it at once, but a kernel that begins now shall not run on holes. */
static int reset_again(struct balloon *b)
{
	int ret = reservation_turn(&b->reservation, BUDGET_ACCESS);

	if (!ret)
		ret = look_at_pause(b);
	if (ret)
		return ret;
	note_flags(b, BALLOON_REFILL);
	return pause_guest(b);
}

int balloon_refill_reset(struct balloon *b)
{
	int ret;

	if (b->refill_waiting)
		return reset_again(b);
	if (!b->frames.nr_set)
		return 0;
	ret = begin(b);
	return ret ? ret : balloon_refill_run(b, BUDGET_ACCESS);
}

/* The flag goes last: whoever finds it finds out the rest. */
static int finish(struct balloon *b)
{
	int ret = unpause_guest(b);

	if (!ret)
		note_flags(b, 0);
	return ret;
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
		ret = look_at_pause(b);
	if (!ret)
		ret = balloon_slice_populate(b, &b->refill, true, &done);
	if (ret)
		return ret;
	b->refill_waiting = !done || b->frames.nr_set;
	if (done)
		b->work &= ~(unsigned int)BALLOON_WORK_REFILL;
	/* In the middle of it nothing is known yet: a stall stays one until all is back. */
	if (b->refill_waiting && done)
		balloon_note_stall(b);
	else if (!b->refill_waiting)
		b->status.stall = BALLOON_STALL_NONE;
	return b->refill_waiting ? pause_guest(b) : finish(b);
}

int balloon_refill_give_up_pause(struct balloon *b)
{
	if (!balloon_refill_paused(b))
		return 0;
	/* First: a successor that finds the flag ends the pause as well. */
	note_flags(b, BALLOON_REFILL | BALLOON_NO_PAUSE);
	return unpause_guest(b);
}

bool balloon_refill_on_holes(const struct balloon *b)
{
	return b->refill_waiting && !balloon_refill_paused(b);
}

/*
 * A domain that asked for a soft reset goes on without this device, and the next kernel counts on all of its memory. Nobody waits at
 * the device, and the toolstack waits for us: so it is done at once. What Xen does not have stays a hole: nobody is left to fill it.
 */
static int refill_for_next_kernel(struct balloon *b)
{
	struct xenvirtio_domain_info info;
	bool done = false;
	int ret = b->frames.nr_set ? b->cfg.hv->ops->domain_info(b->cfg.hv, &info) : 0;

	if (ret || !b->frames.nr_set || info.dying || !info.shutdown || info.shutdown_code != XENVIRTIO_SHUTDOWN_SOFT_RESET)
		return ret;
	ret = begin(b);
	while (!ret && !done) {
		ret = reservation_turn(&b->reservation, BUDGET_UNBOUNDED);
		if (!ret)
			ret = balloon_slice_populate(b, &b->refill, true, &done);
	}
	return ret;
}

int balloon_refill_remove(struct balloon *b)
{
	int refilled = refill_for_next_kernel(b), ret = unpause_guest(b);

	return ret ? ret : refilled;
}

int balloon_refill_resume(struct balloon *b)
{
	int ret = settle_pause(b);

	if (!ret && has_flag(b, BALLOON_NO_PAUSE))
		ret = unpause_guest(b);
	if (ret)
		return ret;
	/*
	 * Without the flag: died between a reset and its refill, or of a version that had none. The frames are still out, and no
	 * driver knows: one that has not negotiated yet has put none there.
	 */
	if (b->frames.nr_set && (has_flag(b, BALLOON_REFILL) ||
				 !(xenvirtio_device_status(b->dev) & XENVIRTIO_STATUS_FEATURES_OK))) {
		ret = begin(b);
		/* The driver's write may still wait for its answer: it gets none on holes. */
		return ret ? ret : balloon_refill_run(b, BUDGET_ACCESS);
	}
	return finish(b);
}
