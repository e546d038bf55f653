/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways notifications can travel between a driver and its device.
 *
 * All behave the same; they differ in who is woken for what. A kick is the driver's write to
 * QueueNotify; an interrupt costs two more accesses, of InterruptStatus and InterruptACK.
 */
#ifndef XENVIRTIO_NOTIFY_PATH_H
#define XENVIRTIO_NOTIFY_PATH_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum xenvirtio_notify_path
 * @XENVIRTIO_NOTIFY_AUTO:          the first that works of _EVENTFD_REGS, _EVENTFD, _EVENT_CHANNEL
 * @XENVIRTIO_NOTIFY_EVENTFD_REGS:  as _EVENTFD, and the kernel answers for the interrupt registers
 * @XENVIRTIO_NOTIFY_EVENTFD:       kicks by ioeventfd, which wake the queue's work alone, and
 *                                  interrupts by irqfd: the modules of kernel/
 * @XENVIRTIO_NOTIFY_UPSTREAM:      ioeventfd and irqfd as Linux 6.7 has them: each kick also wakes
 *                                  the register path, which costs more than it saves, and what was
 *                                  assigned outlives the process: after a kill no successor can
 *                                  adopt the server (-EBUSY). Only if asked for by name
 * @XENVIRTIO_NOTIFY_EVENT_CHANNEL: every access is a request, every interrupt a hypercall
 */
enum xenvirtio_notify_path {
	XENVIRTIO_NOTIFY_AUTO,
	XENVIRTIO_NOTIFY_EVENTFD_REGS,
	XENVIRTIO_NOTIFY_EVENTFD,
	XENVIRTIO_NOTIFY_UPSTREAM,
	XENVIRTIO_NOTIFY_EVENT_CHANNEL,
};

/** xenvirtio_notify_path_name() - "auto", "eventfd-regs", "eventfd", "upstream", "event-channel" */
const char *xenvirtio_notify_path_name(enum xenvirtio_notify_path path);
/** xenvirtio_notify_path_parse() - the reverse. Return: 0; -EINVAL no such name, @path untouched */
int xenvirtio_notify_path_parse(const char *name, enum xenvirtio_notify_path *path);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_NOTIFY_PATH_H */
