/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rig with queues that somebody else serves: an echo back-end that has, as another process would, nothing but the
 * guest's memory, where the rings lie, and the eventfds. It serves both queues alike.
 *
 * It counts what queue_start and queue_stop tell it, and asserts that they come in turn, with the rings to look at.
 */
#ifndef FOREIGN_RIG_H
#define FOREIGN_RIG_H

#include "unit/rigs/rig.h"

/**
 * struct foreign - embeds the rig, whose opaque it is
 * @start_result: what queue_start answers
 * @fault_in_start: queue_start finds fault with the device
 * @asleep: the back-end does nothing
 * @live, @starts, @stops: by queue
 * @stopped_at: status register at the last queue_stop
 * @rings, @last_avail, @used: the back-end's own idea of each queue
 * @served: chains
 */
struct foreign {
	struct rig rig;
	int start_result;
	bool fault_in_start;
	bool asleep;
	bool live[RIG_QUEUES];
	unsigned int starts[RIG_QUEUES];
	unsigned int stops[RIG_QUEUES];
	uint32_t stopped_at;
	struct xenvirtio_queue_rings rings[RIG_QUEUES];
	uint16_t last_avail[RIG_QUEUES];
	uint16_t used[RIG_QUEUES];
	unsigned int served;
};

/** foreign_rig_init() - as rig_init(); features: the rig's own, indirect descriptors, event indices */
int foreign_rig_init(struct foreign *f, const struct fake_config *config);
/** foreign_rig_open() - and rig_start() */
int foreign_rig_open(struct foreign *f);
/** foreign_rig_fini() - as rig_fini(), and nothing is live */
void foreign_rig_fini(struct foreign *f);
/** foreign_serve() - the library, the back-end, and the library again if that made its descriptor readable */
int foreign_serve(void *foreign);
/** foreign_serve_queues() - the back-end's work alone */
void foreign_serve_queues(struct foreign *f);
/** foreign_kicks() - take what a queue's eventfd has counted */
uint64_t foreign_kicks(struct foreign *f, unsigned int index);
/** foreign_call() - signal the call eventfd */
void foreign_call(struct foreign *f);
/** foreign_has_work() - whether the library's descriptor is readable */
bool foreign_has_work(struct foreign *f);
/** foreign_read() - a register */
uint32_t foreign_read(struct foreign *f, uint32_t reg);
/** foreign_write() - likewise */
void foreign_write(struct foreign *f, uint32_t reg, uint32_t val);

#endif /* FOREIGN_RIG_H */
