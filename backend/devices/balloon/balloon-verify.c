// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether what is in the balloon is still there: a guest has a hypercall by which it takes frames back past its driver.
 *
 * The domain's counters only say that it may be so (reservation.h); then the balloon's frames are asked for, one after
 * the other, until as many have been found as the counters tell of. That costs as much as mapping them, so each call of
 * balloon_verify() pays for so many turns only: a guest that gives cause for it all the time does not have the host's
 * processor. An exchange of frames no counter tells of: some are asked for all the time, few enough to cost nothing.
 * Frames that are not in the balloon are never asked for here: what the guest gave away is its loss until its driver
 * names it.
 */
#include "backend/devices/balloon/balloon-internal.h"

/* of BUDGET_TURN, a call: 180 MiB of balloon each 2 s, in 3 % of them */
#define TURNS 16u
/* calls, without doubt, for a turn of one sweep: 12 MiB of balloon each 30 s, in 0.01 % of them */
#define SWEEP_CALLS 15u

static void end(struct balloon *b)
{
	struct balloon_verify *v = &b->verify;

	uint64_t sum = v->sum - v->found;

	v->active = false;
	/* What else made the sum higher is somebody's mapping, or a frame that nobody can name. */
	if (sum > reservation_sum(&b->reservation))
		sum = reservation_sum(&b->reservation);
	reservation_believe(&b->reservation, sum);
}

/* What is explained: the sum is what it was. Of a balloon that a dead process left nothing is known. */
static bool is_explained(const struct balloon *b)
{
	return b->reservation.base_known && b->verify.sum - b->verify.found <= b->reservation.base;
}

static int ask(struct balloon *b, struct xenvirtio_run run)
{
	uint64_t before = b->frames.nr_set;
	int ret = reservation_settle(&b->reservation, run);

	b->verify.found += before - b->frames.nr_set;
	return ret;
}

/* From @gfn on, until the turn is over; @gfn: out; UINT64_MAX at the end */
static int ask_range(struct balloon *b, const struct xenvirtio_gfn_range *range, uint64_t *gfn)
{
	struct budget *budget = &b->reservation.budget;
	int ret = 0;

	if (*gfn < range->start.v)
		*gfn = range->start.v;
	while (!ret && *gfn <= range->end_incl.v && !budget_spent(budget) &&
	       (b->verify.sweeping || !is_explained(b))) {
		struct xenvirtio_run run = { xenvirtio_gfn(*gfn), range->end_incl.v - *gfn + 1 }, piece;
		enum frame_state state;

		if (run.nr > BALLOON_WINDOW)
			run.nr = BALLOON_WINDOW;
		state = frames_next(&b->frames, &run, &piece);
		budget_charge_look(budget, piece.nr);
		if (state == FRAME_BALLOONED) {
			if (piece.nr > reservation_ask_max(&b->reservation))
				piece.nr = reservation_ask_max(&b->reservation);
			ret = ask(b, piece);
		}
		*gfn += piece.nr;
	}
	return ret;
}

/* @gfn: in, out. @whole: out; it came to the end */
static int ask_ranges(struct balloon *b, uint64_t *gfn, bool *whole)
{
	int ret = 0;

	*whole = true;
	for (size_t i = 0; i < b->frames.nr_ranges && !ret && *whole; i++) {
		ret = ask_range(b, &b->frames.range[i], gfn);
		*whole = *gfn > b->frames.range[i].end_incl.v;
	}
	return ret;
}

/* A guest that was found out is allowed less by as much. */
static int run_sweep(struct balloon *b)
{
	struct balloon_verify *v = &b->verify;
	struct reservation *r = &b->reservation;
	bool whole;
	int ret;

	v->found = 0;
	ret = ask_ranges(b, &v->sweep_gfn, &whole);
	v->sweeping = false;
	if (ret)
		return ret;
	if (v->found && r->base_known)
		reservation_believe(r, r->base < v->found ? 0 : r->base - v->found);
	if (whole) {
		v->sweep_gfn = 0;
		v->sweeps++;
	}
	balloon_changed(b);
	return 0;
}

int balloon_verify_run(struct balloon *b)
{
	struct balloon_verify *v = &b->verify;
	int ret = reservation_turn(&b->reservation, BUDGET_TURN);
	bool whole;

	b->work &= ~(unsigned int)BALLOON_WORK_VERIFY;
	if (!ret)
		ret = reservation_look(&b->reservation);
	if (ret)
		return ret;
	if (v->sweeping)
		return run_sweep(b);
	if (!v->active)
		return 0;
	ret = ask_ranges(b, &v->next_gfn, &whole);
	if (ret)
		return ret;
	if (whole || is_explained(b))
		end(b);
	else if (v->turns && v->turns--)
		b->work |= BALLOON_WORK_VERIFY;
	balloon_changed(b);
	return 0;
}

int balloon_verify(struct balloon *b)
{
	struct balloon_verify *v = &b->verify;
	int ret = reservation_turn(&b->reservation, BUDGET_TURN);

	if (!ret)
		ret = reservation_look(&b->reservation);
	if (ret)
		return ret;
	balloon_changed(b);
	balloon_settle(b);
	if (!v->active && !b->reservation.doubt) {
		if (++v->calls < SWEEP_CALLS)
			return 0;
		v->calls = 0;
		v->sweeping = true;
		b->work |= BALLOON_WORK_VERIFY;
		return 0;
	}
	v->sweeping = false;
	if (!v->active) {
		v->active = true;
		v->sum = reservation_sum(&b->reservation);
		v->found = 0;
		v->next_gfn = 0;
	}
	v->turns = TURNS;
	b->work |= BALLOON_WORK_VERIFY;
	return 0;
}
