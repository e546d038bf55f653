/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reservation, as its own files see it: reservation.c what is so, reservation-move.c moving, reservation-call.c one call of that. */
#ifndef BACKEND_RESERVATION_INTERNAL_H
#define BACKEND_RESERVATION_INTERNAL_H

#include "backend/devices/balloon/reservation.h"

static inline uint64_t extent_frames(unsigned int order)
{
	return UINT64_C(1) << order;
}

/** journal_begin() - a call with @nr extents, large ones first; its frames have room in a journal, or all are of one order */
void journal_begin(struct reservation *r, enum reservation_op op, const struct xenvirtio_extent *extent, size_t nr);
void journal_end(struct reservation *r);

/**
 * ask_frames() - ask Xen, and mark the frames as they are
 * @nr:      at most XENVIRTIO_EXTENTS_MAX
 * @present: out
 */
int ask_frames(struct reservation *r, const struct xenvirtio_gfn *gfn, size_t nr, bool *present);

/**
 * release_again() - what a dead process was about to release: to ask how far it came would populate what the guest never touched
 * @run: all in RAM, and no ring; nobody was told that it stays, so it goes
 */
int release_again(struct reservation *r, struct xenvirtio_run run);

/** note_domain() - it is as @info says, from now on */
void note_domain(struct reservation *r, const struct xenvirtio_domain_info *info);
/** note_look() - the same; what was collected to be populated, and is in doubt by that, is not to be */
void note_look(struct reservation *r, const struct xenvirtio_domain_info *info);

/** looks_with_calls() - a call that moves frames looks at the domain as well */
bool looks_with_calls(const struct reservation *r);
/** can_expect() - so it has to be looked at no earlier than with the next one that populates */
bool can_expect(const struct reservation *r);

/** drop_populate() - what was collected is not populated: it is still in the balloon, and found there when all is walked again */
void drop_populate(struct reservation *r);

/** call_cost() - of so many frames in extents of an order */
static inline int64_t call_cost(const struct reservation *r, enum reservation_op op, unsigned int order, uint64_t frames)
{
	return order ? (int64_t)frames * r->price[op - RESERVATION_RELEASE] / RESERVATION_PRICE_UNIT : (int64_t)frames * BUDGET_FRAME;
}
/**
 * send_call() - one call with what was collected of an order, and perhaps of smaller ones: r->call
 * @done: out; so many extents of it are moved, marked, and not collected any more
 *
 * The journal has it, also after. Return: as the operation of the seam; XENVIRTIO_E_AGAIN nothing was populated, as somebody else has
 * moved frames: that is noted
 */
int send_call(struct reservation *r, enum reservation_op op, unsigned int order, size_t *done);

/** front_order() - of the extent that xenvirtio_run_cut() would take off the front of @run, which is not empty */
static inline unsigned int front_order(const struct xenvirtio_run *run, unsigned int max_order)
{
	unsigned int order = 63 - (unsigned int)__builtin_clzll(run->nr);
	unsigned int aligned = run->start.v ? (unsigned int)__builtin_ctzll(run->start.v) : order;

	order = aligned < order ? aligned : order;
	return order < max_order ? order : max_order;
}

/** take_extent() - off the front of @run */
static inline void take_extent(struct xenvirtio_run *run, unsigned int order)
{
	run->start.v += extent_frames(order);
	run->nr -= extent_frames(order);
}

static inline void bucket_put(struct reservation_bucket *b, struct xenvirtio_gfn start)
{
	b->start[b->nr++] = start;
}

/* An empty one has nr 0. */
static inline void bucket_take(struct reservation_bucket *b, size_t nr)
{
	b->at += nr;
	if (b->at == b->nr)
		b->at = b->nr = 0;
}

static inline size_t bucket_left(const struct reservation_bucket *b)
{
	return b->nr - b->at;
}

/** drop_on_error() - what was collected and never sent must not go out with a later, unrelated call. Return: @ret */
static inline int drop_on_error(struct reservation *r, int ret)
{
	if (ret) {
		reservation_forget_release(r);
		reservation_forget_populate(r);
	}
	return ret;
}

#endif /* BACKEND_RESERVATION_INTERNAL_H */
