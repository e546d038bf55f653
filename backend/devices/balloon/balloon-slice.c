// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A slice of runs to the reservation, as far as a turn goes; the next turn goes on where it stopped.
 *
 * A page that cannot be (outside RAM, of a ring, named twice) is counted and skipped: the rest of
 * its message is good, and skipping harms the guest at most. Where the driver says something else of a frame than
 * the bitmap, Xen is asked: the state may have been lost, the guest restored, or it may have moved the frame itself.
 */
#include "backend/devices/balloon/balloon-internal.h"

void balloon_bad_pages(struct balloon *b, uint64_t nr, const char *detail)
{
	if (!nr)
		return;
	budget_charge(&b->reservation.budget, 1, BUDGET_ERROR);
	xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_PAGE, detail);
}

void balloon_slice_rewind(struct balloon_slice *s)
{
	s->at = 0;
	s->offset = 0;
}

void balloon_slice_begin(struct balloon_slice *s)
{
	balloon_slice_rewind(s);
	s->walked = false;
	s->again = false;
}

/* Runs are not empty. */
static bool at_end(struct balloon_slice *s)
{
	if (s->offset && s->offset == s->runs.run[s->at].nr) {
		s->at++;
		s->offset = 0;
	}
	return s->at == s->runs.nr;
}

bool balloon_slice_front(struct balloon_slice *s, struct xenvirtio_run *rest)
{
	if (at_end(s))
		return false;
	*rest = s->runs.run[s->at];
	rest->start.v += s->offset;
	rest->nr -= s->offset;
	return true;
}

static inline bool peek(const struct balloon *b, struct balloon_slice *s, struct budget *budget,
			struct xenvirtio_run *piece, enum frame_state *state)
{
	const struct xenvirtio_run *run;
	uint64_t left;

	if (at_end(s))
		return false;
	run = &s->runs.run[s->at];
	left = run->nr - s->offset;
	piece->start.v = run->start.v + s->offset;
	*state = frames_look(&b->frames, piece->start, left < BALLOON_WINDOW ? left : BALLOON_WINDOW, &piece->nr);
	/* Outside RAM there is no bitmap to look at: one step, however long it is. */
	if (*state == FRAME_OUTSIDE)
		frames_look(&b->frames, piece->start, left, &piece->nr);
	budget_charge_look(budget, *state == FRAME_OUTSIDE ? 0 : piece->nr);
	return true;
}

bool balloon_slice_peek(const struct balloon *b, struct balloon_slice *s, struct budget *budget,
			struct xenvirtio_run *piece, enum frame_state *state)
{
	return peek(b, s, budget, piece, state);
}

/*
 * How many frames of the front of @run hold no ring.
 * @clear: frames that were found to hold none: rings stay where they are for as long as nobody serves the driver
 */
static uint64_t next_ring(const struct balloon *b, struct xenvirtio_run run, struct xenvirtio_run *clear)
{
	uint64_t offset = run.start.v - clear->start.v;

	if (run.start.v < clear->start.v || offset >= clear->nr) {
		clear->start = run.start;
		clear->nr = xenvirtio_device_next_ring(b->dev, run.start, UINT64_MAX - run.start.v);
		offset = 0;
	}
	return clear->nr - offset < run.nr ? clear->nr - offset : run.nr;
}

/* One that holds a ring somewhere, or begins with one. */
static int release_around_rings(struct balloon *b, struct xenvirtio_run run, struct xenvirtio_run *clear, uint64_t *done)
{
	uint64_t nr = run.nr;
	int ret = 0;

	while (run.nr && !ret && !budget_spent(&b->reservation.budget)) {
		uint64_t good_nr = next_ring(b, run, clear);
		struct xenvirtio_run good = { run.start, good_nr };

		if (good_nr)
			ret = reservation_release(&b->reservation, &good);
		run.start.v += good_nr - good.nr;
		run.nr -= good_nr - good.nr;
		if (good.nr || !run.nr)
			break;
		balloon_bad_pages(b, 1, "page to inflate holds a virtqueue");
		run.start.v++;
		run.nr--;
	}
	*done = nr - run.nr;
	return ret;
}

/* The frames of a run that is all present, except those the device itself needs: its rings. @done: out; of its front */
static int release_present(struct balloon *b, struct xenvirtio_run run, struct xenvirtio_run *clear, uint64_t *done)
{
	uint64_t nr = run.nr;
	int ret;

	if (budget_spent(&b->reservation.budget) || next_ring(b, run, clear) < nr)
		return release_around_rings(b, run, clear, done);
	ret = reservation_release(&b->reservation, &run);
	*done = nr - run.nr;
	return ret;
}

static struct xenvirtio_run take_front(const struct balloon *b, struct xenvirtio_run run)
{
	if (run.nr > reservation_ask_max(&b->reservation))
		run.nr = reservation_ask_max(&b->reservation);
	return run;
}

/* In the balloon, says the bitmap; the guest's, says the driver, who may have taken them back past us. */
static int release_claimed(struct balloon *b, struct xenvirtio_run run, bool replay, struct xenvirtio_run *clear,
			   uint64_t *done)
{
	struct xenvirtio_run front = take_front(b, run), piece;
	uint64_t holes = 0, part;
	int ret = reservation_settle(&b->reservation, front);

	*done = 0;
	while (!ret && front.nr) {
		bool present = frames_next(&b->frames, &front, &piece) == FRAME_PRESENT;

		part = piece.nr;
		if (present)
			ret = release_present(b, piece, clear, &part);
		else
			holes += piece.nr;
		*done += part;
		if (part < piece.nr)
			break;
	}
	if (!replay)
		balloon_bad_pages(b, holes, "page to inflate is in the balloon");
	return ret;
}

int balloon_slice_release(struct balloon *b, struct balloon_slice *s, bool replay, bool *done)
{
	struct reservation *r = &b->reservation;
	uint64_t before = r->released_pages, bad = r->bad_pages, hypercall_ns = r->hypercall_ns;
	uint64_t begin_ns = clock_now_ns();
	struct xenvirtio_run piece, clear = { 0 };
	enum frame_state state;
	int ret = s->at || s->offset ? 0 : reservation_release_begin(r);

	while (!ret && !budget_spent(&r->budget) &&
	       peek(b, s, &r->budget, &piece, &state)) {
		uint64_t part = piece.nr;

		switch (state) {
		case FRAME_PRESENT:
			ret = release_present(b, piece, &clear, &part);
			break;
		case FRAME_BALLOONED:
			ret = release_claimed(b, piece, replay, &clear, &part);
			break;
		case FRAME_OUTSIDE:
			balloon_bad_pages(b, piece.nr, "page to inflate is not RAM");
			break;
		}
		s->offset += part;
	}
	if (!ret)
		ret = reservation_release_flush(r);
	balloon_bad_pages(b, r->bad_pages - bad, "Xen does not release the page to inflate");
	b->status.inflated_pages += r->released_pages - before;
	b->status.inflate_ns += clock_now_ns() - begin_ns;
	b->status.inflate_hypercall_ns += r->hypercall_ns - hypercall_ns;
	*done = at_end(s) && reservation_release_idle(r);
	return ret;
}

/* What this turn has room for is taken off the front of @run. */
static int populate_ballooned(struct balloon *b, struct xenvirtio_run *run)
{
	balloon_unused_forget(b, *run);
	return reservation_populate(&b->reservation, run);
}

/* The same, and what is worth populating with it. @part: out; so much of the front of @piece */
static int populate_asked_for(struct balloon *b, struct xenvirtio_run piece, uint64_t *part)
{
	struct xenvirtio_run run = piece.nr < BALLOON_AHEAD_MIN ? piece : balloon_ahead(b, piece);
	uint64_t end = piece.start.v + piece.nr;
	int ret = populate_ballooned(b, &run);

	*part = piece.nr;
	if (run.nr && run.start.v < end)
		*part = run.start.v > piece.start.v ? run.start.v - piece.start.v : 0;
	return ret;
}

/*
 * Frames of a deflate whose bits say that they are there: the driver says they were in the balloon. Those that are holes are
 * populated with the rest.
 */
static int populate_claimed(struct balloon *b, struct xenvirtio_run run, bool replay, uint64_t *done)
{
	struct xenvirtio_run front, piece;
	uint64_t there = 0;
	int ret = reservation_look(&b->reservation);

	front = take_front(b, run);
	*done = front.nr;
	if (!ret)
		ret = reservation_settle(&b->reservation, front);
	while (!ret && front.nr) {
		if (frames_next(&b->frames, &front, &piece) != FRAME_BALLOONED) {
			there += piece.nr;
			continue;
		}
		ret = populate_ballooned(b, &piece);
		/* They are in the balloon now, and found there when the slice is walked again. */
		if (piece.nr)
			b->reservation.dropped = true;
	}
	if (!replay)
		balloon_bad_pages(b, there, "page to deflate is not in the balloon");
	return ret;
}

/*
 * Frames that came ahead were taken for there, as the domain was expected to be as it was: so nobody has moved any, or the walk begins
 * anew, and asks for them. What the guest gave away itself Xen told of before it let it go on: without that nobody need be asked.
 */
static int confirm_ahead(struct balloon *b, struct balloon_slice *s, uint64_t moves)
{
	uint64_t flushes = xenvirtio_gmem_flushes(b->cfg.gmem);
	int ret = flushes == b->due.ahead_flushes ? 0 : reservation_look(&b->reservation);

	if (ret)
		return ret;
	if (b->reservation.moves == moves) {
		b->due.ahead_flushes = flushes;
	} else {
		balloon_slice_rewind(s);
		s->walked = false;
		s->again = true;
	}
	return 0;
}

/* Once over the slice. */
static int populate_walk(struct balloon *b, struct balloon_slice *s, bool replay)
{
	struct reservation *r = &b->reservation;
	uint64_t moves = r->moves;
	struct xenvirtio_run piece;
	enum frame_state state;
	bool ahead = false;
	int ret = 0;

	replay = replay || s->again;

	while (!ret && !budget_spent(&r->budget) &&
	       peek(b, s, &r->budget, &piece, &state)) {
		bool there, is_due = state != FRAME_OUTSIDE && balloon_due_take(b, &piece, &there);
		uint64_t part = piece.nr;

		ahead = ahead || (is_due && there);
		if (is_due)
			balloon_unused_forget(b, piece);
		/* In the balloon and due: on its way with another part of its block, or it could not be had. The next walk will show. */
		if (state == FRAME_BALLOONED && is_due) {
			r->dropped = true;
		} else if (state == FRAME_BALLOONED) {
			ret = populate_asked_for(b, piece, &part);
		} else if (state == FRAME_PRESENT && !s->walked && !(is_due && there)) {
			/* What the guest gave away before it named it is no frame that is there. */
			ret = populate_claimed(b, piece, replay || is_due, &part);
		} else if (state == FRAME_OUTSIDE && !s->walked && !replay) {
			balloon_bad_pages(b, piece.nr, "page to deflate is not RAM");
		}
		s->offset += part;
	}
	if (!ret)
		ret = reservation_populate_flush(r);
	return !ret && ahead ? confirm_ahead(b, s, moves) : ret;
}

int balloon_slice_populate(struct balloon *b, struct balloon_slice *s, bool replay, bool *done)
{
	struct reservation *r = &b->reservation;
	uint64_t before = r->populated_pages, hypercall_ns = r->hypercall_ns, begin_ns = clock_now_ns();
	int ret;

	*done = false;
	do {
		ret = populate_walk(b, s, replay);
		if (ret || !at_end(s) || !reservation_populate_idle(r))
			break;
		s->walked = true;
		*done = r->short_of_memory || !r->dropped;
		if (*done)
			break;
		/* Smaller extents may be had, of all that is still in the balloon. */
		r->dropped = false;
		balloon_slice_rewind(s);
	} while (!budget_spent(&r->budget));
	b->status.deflated_pages += r->populated_pages - before;
	b->status.deflate_ns += clock_now_ns() - begin_ns;
	b->status.deflate_hypercall_ns += r->hypercall_ns - hypercall_ns;
	return ret;
}
