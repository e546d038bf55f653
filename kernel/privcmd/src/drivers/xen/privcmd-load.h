/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a CPU one ioreq page, so one device model of a guest, may have in our
 * interrupt handler, and all of them together.
 *
 * A guest that accesses its registers without end is answered in hard interrupt
 * context each time, and nothing else would run on that CPU. What is beyond its
 * part of a window is left to user space, which the scheduler and control groups
 * have in hand: slower for that guest, and otherwise the same.
 */
#ifndef _PRIVCMD_LOAD_H
#define _PRIVCMD_LOAD_H

#include <linux/percpu.h>
#include <linux/types.h>

/* Of one group on one CPU. */
struct privcmd_load {
	u64 window;
	u64 spent_ns;
};

/* In interrupt context, all of them. Return: may an access be answered now? */
bool privcmd_load_may(struct privcmd_load __percpu *load, u64 now_ns);
/* What began at @start_ns was one, or has found that there was none to answer. */
void privcmd_load_add(struct privcmd_load __percpu *load, u64 start_ns, u64 now_ns);

#endif /* _PRIVCMD_LOAD_H */
