/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the broken device does behind the library's back, each at its own moment.
 */
#ifndef UNIT_CONFORMANCE_BROKEN_BEHIND_H
#define UNIT_CONFORMANCE_BROKEN_BEHIND_H

#include "unit/conformance/broken.h"

struct broken {
	enum fault fault;
	struct conformance_host host;
	struct xenvirtio_device *dev;
	struct xenvirtio_device_state *state;
	/* where queue 0 was when it was last kicked */
	struct xenvirtio_queue_rings rings;
	bool has_rings;
	bool fresh; /* the process has done nothing yet */
	bool was_stopped;
	unsigned int negotiated, resets, kicks;
	uint64_t served, errors;
	uint8_t config[16];
};

extern struct broken broken;

/** behind_a_kick() - before the queue is served */
void behind_a_kick(struct xenvirtio_queue *q);
/** behind_a_chain() - one that was taken and is not answered. Return: bytes of @len that are to be echoed */
uint64_t behind_a_chain(struct xenvirtio_queue *q, struct xenvirtio_chain *chain, uint64_t len);
/** behind_a_turn() - @done chains were used */
void behind_a_turn(struct xenvirtio_queue *q, unsigned int done);
/** behind_wants_interrupt() - whether the library is asked for one */
bool behind_wants_interrupt(struct xenvirtio_queue *q);
/** behind_interrupt() - one that nobody asked for */
void behind_interrupt(void);
/** behind_a_reset() - while the driver waits for it */
void behind_a_reset(void);
/** behind_an_end() - of the process */
void behind_an_end(void);
/** behind_the_library() - after each access */
void behind_the_library(void);

#endif /* UNIT_CONFORMANCE_BROKEN_BEHIND_H */
