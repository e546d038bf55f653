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
#include <xenvirtio/notify-path.h>

struct notify;

/** struct notify_ops - optional ones may be NULL; returns follow error.h */
struct notify_ops {
	/** path - how notifications travel now: the name of one of XENVIRTIO_NOTIFY_* */
	const char *(*path)(const struct notify *notify);
	void (*free)(struct notify *notify);
	/** interrupt - InterruptStatus has got these bits (none: has some): make the driver look */
	int (*interrupt)(struct notify *notify, uint32_t bits);
	/**
	 * ack - the driver acknowledged, or was reset
	 * @status: in: what is left of InterruptStatus; out: what to say of it
	 */
	int (*ack)(struct notify *notify, uint32_t *status);
	/**
	 * queue_enable - optional: from now on kicks of @index may come past the ioreq server
	 *
	 * @status: in, out: InterruptStatus. The first one may take it away, and queue_disable of
	 *          the last one brings it back; in between it has bits that may be acknowledged
	 */
	int (*queue_enable)(struct notify *notify, unsigned int index, uint32_t *status);
	/** queue_disable - after it returned none comes any more; undoes one queue_enable */
	int (*queue_disable)(struct notify *notify, unsigned int index, uint32_t *status);
	/**
	 * poll - optional: have kicks that come past the ioreq server make @epoll_fd readable
	 * @tag: of the device; events carry it with the queue's number in NOTIFY_TAG_QUEUE
	 *
	 * They are edge-triggered: an event is told once and needs no reading.
	 */
	int (*poll)(struct notify *notify, int epoll_fd, uint32_t tag);
	/** hold - optional: the last interrupt from now on may be kept back, until release or wait */
	void (*hold)(struct notify *notify);
	/** release - optional: deliver what was kept back, and keep nothing any more */
	int (*release)(struct notify *notify);
	/**
	 * wait - optional: release, and stay on the CPU for the next kick
	 * @index: out; the queue, of which poll() tells nothing
	 *
	 * Return: 0; XENVIRTIO_E_EMPTY there was none, or it was not worth waiting; -errno
	 */
	int (*wait)(struct notify *notify, uint32_t *index);
	/**
	 * watch_fields - optional: have poll() tell, once, of the next write of a field that is kept from now on
	 *
	 * One that was kept before is not told of: look at the words after this.
	 */
	int (*watch_fields)(struct notify *notify);
	/** takes_calls - optional: whether the host takes signals of the lent call_fd now */
	bool (*takes_calls)(const struct notify *notify);
};

/** bits of an epoll event's data.u32 that are the queue; the others are the device's tag */
#define NOTIFY_TAG_QUEUE 0xffu
/** in place of a queue: whoever serves the queues wants the driver interrupted */
#define NOTIFY_TAG_CALL 0xffu
/** in place of a queue: a field was written */
#define NOTIFY_TAG_FIELD 0xfeu

/**
 * struct notify_lent - eventfds of a device whose queues another process serves
 * @kick_fd: of each queue; kicks are to signal it, and poll() is not to tell of them
 * @call_fd: used buffers are there when it is signalled
 *
 * Both are open while any queue is enabled, and the same.
 */
struct notify_lent {
	const int *kick_fd;
	int call_fd;
};

/**
 * struct notify - siblings embed this as their first member
 * @changed, @opaque: whoever opened it may fill them in
 * @lent: whose queues are foreign; NULL: eventfds are the sibling's own
 * @field, @nr_fields: of the configuration space, that the host may answer for from the first queue_enable to the last
 *         queue_disable
 */
struct notify {
	const struct notify_ops *ops;
	/** changed - optional: path() is another one now, because of @why (-errno), or the same, without fields */
	void (*changed)(void *opaque, int why);
	void *opaque;
	const struct notify_lent *lent;
	const struct xenvirtio_host_field *field;
	size_t nr_fields;
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
/**
 * struct notify_choice - what notify_choose() found
 * @path:     never XENVIRTIO_NOTIFY_AUTO
 * @features: of the host, XENVIRTIO_EVENTFD_*
 */
struct notify_choice {
	enum xenvirtio_notify_path path;
	uint32_t features;
};

/**
 * notify_open_eventfd() - kicks and interrupts by eventfds, as far as the host goes along
 * @choice: of XENVIRTIO_NOTIFY_EVENTFD, _EVENTFD_REGS or _UPSTREAM
 *
 * Where the host refuses something later, a slower path takes over and @changed tells.
 * Return: 0; -ENOMEM
 */
int notify_open_eventfd(struct notify **notify, struct xenvirtio_hv *hv, struct xenvirtio_gpa base,
			uint32_t irq, enum notify_line line, const struct notify_choice *choice);
/**
 * notify_choose() - the path to start with
 * @wanted: may be XENVIRTIO_NOTIFY_AUTO
 *
 * Return: 0; -ENOTSUP what is wanted does not work on this host; XENVIRTIO_E_GONE; -errno
 */
int notify_choose(struct xenvirtio_hv *hv, enum xenvirtio_notify_path wanted,
		  struct notify_choice *choice);
/** notify_close() - free any sibling; NULL is fine */
void notify_close(struct notify *notify);

#endif /* NOTIFY_H */
