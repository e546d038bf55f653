/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How notifications travel between a device and its driver.
 *
 * The seam for what is faster than an event channel and a hypercall: an ioeventfd takes QueueNotify
 * away from the ioreq server, an irqfd injects without user space. One object a device. Siblings
 * decide how; what is pending is in the device's state and never here, so one sibling can be put in
 * another's place.
 *
 * Lock: none, the server's thread.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <xenvirtio/hv.h>

struct notify;

/** struct notify_ops - optional ones may be NULL; returns follow error.h */
struct notify_ops {
	/** what xenvirtio_server_path() answers */
	const char *path;
	void (*free)(struct notify *notify);
	/** interrupt - InterruptStatus has got a bit: make the driver look */
	int (*interrupt)(struct notify *notify);
	/** ack - the driver acknowledged, or was reset; InterruptStatus is now @status */
	int (*ack)(struct notify *notify, uint32_t status);
	/** queue_enable - optional: from now on kicks of @index may come past the ioreq server */
	int (*queue_enable)(struct notify *notify, unsigned int index);
	/** queue_disable - after it returned none comes any more; undoes one queue_enable */
	int (*queue_disable)(struct notify *notify, unsigned int index);
	/** fd - optional: readable when kicks came past the ioreq server; the notify's own */
	int (*fd)(struct notify *notify);
	/** collect - goes with fd: queues kicked since it was last called; never blocks */
	int (*collect)(struct notify *notify, uint32_t *queues);
};

/** struct notify - siblings embed this as their first member */
struct notify {
	const struct notify_ops *ops;
};

/** how long a line stays up */
enum notify_line {
	NOTIFY_EDGE, /* Arm: one rising edge per interrupt, the hypervisor lowers it */
	NOTIFY_HOLD, /* level-triggered, x86's INTx and GSIs: up until InterruptStatus is 0 */
};

/**
 * notify_open_evtchn() - kicks as ioreqs, interrupts by hv.set_irq; works everywhere
 * @hv: borrowed
 *
 * Return: 0; -ENOMEM
 */
int notify_open_evtchn(struct notify **notify, struct xenvirtio_hv *hv, uint32_t irq,
		       enum notify_line line);
/** notify_close() - free any sibling; NULL is fine */
void notify_close(struct notify *notify);

#endif /* NOTIFY_H */
