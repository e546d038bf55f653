/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reservation, as its own files see it: reservation.c what is so, reservation-move.c moving. */
#ifndef BACKEND_RESERVATION_INTERNAL_H
#define BACKEND_RESERVATION_INTERNAL_H

#include "backend/devices/balloon/reservation.h"

static inline uint64_t extent_frames(unsigned int order)
{
	return UINT64_C(1) << order;
}

void journal_begin(struct reservation *r, enum reservation_op op, unsigned int order,
		   const struct xenvirtio_gfn *start, size_t nr);
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

/** drop_on_error() - what was collected and never sent must not go out with a later, unrelated call. Return: @ret */
int drop_on_error(struct reservation *r, int ret);

#endif /* BACKEND_RESERVATION_INTERNAL_H */
