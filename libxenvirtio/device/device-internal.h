/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a device, for the transport in front of it: effects of registers, notifications,
 * kicks.
 *
 * Everything written here comes from the guest. Functions return 0 whatever the guest wrote;
 * -errno or XENVIRTIO_E_GONE come from the host or from the author's hooks, and leave the device in
 * a state it can be restored from.
 */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include <xenvirtio/device.h>

#include "notify/notify.h"
#include "virtqueue/queue-ring.h"

/** InterruptStatus, virtio 1.2, 4.2.2 */
#define INTERRUPT_USED 1u
#define INTERRUPT_CONFIG 2u

/**
 * struct xenvirtio_device
 * @offered:    all feature bits offered
 * @notify:     of the server it was added to; NULL before and after
 * @notify_on:  queues for which notify's queue_enable is to be undone, a bit each
 * @kicked:     queues to kick once the access is completed, a bit each
 * @again:      queues to kick in the next call, likewise: those that can be kicked by then
 * @prompt:     queues whose kicks are served within their access, a bit each
 * @at_once:    a kick is being served within its access: the driver is about to look by itself
 * @held:       queues that have told nobody of what is used, a bit each
 * @asleep:     so many kicks of a driver that was not looking are told of at once
 * @asleep_next: so many the next time, if it is not looking then
 * @raised:     interrupts for used buffers, ever
 * @lent:       eventfds of foreign queues, the first of them @kick_fd; -1 in devices without
 * @epoll_fd:   of the server while it polls, with @tag; -1
 * @watched:    the call eventfd is in it
 * @called:     that was signalled
 */
struct xenvirtio_device {
	struct xenvirtio_device_config cfg;
	uint64_t offered;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_device_state *state;
	struct xenvirtio_device_state own_state;
	struct notify *notify;
	uint64_t notify_on;
	uint64_t kicked;
	uint64_t again;
	uint64_t prompt;
	bool at_once;
	uint64_t held;
	unsigned int asleep;
	unsigned int asleep_next;
	uint64_t raised;
	struct notify_lent lent;
	int kick_fd[XENVIRTIO_QUEUES_MAX];
	int epoll_fd;
	uint32_t tag;
	bool watched;
	bool called;
	struct xenvirtio_queue queue[XENVIRTIO_QUEUES_MAX];
};

_Static_assert(XENVIRTIO_QUEUES_MAX <= 64, "a bit each in notify_on and kicked");

/** queue_bit() - of queue @index in a mask of queues */
static inline uint64_t queue_bit(unsigned int index)
{
	return UINT64_C(1) << index;
}

/** device_attach() - put @notify in its place, enable what is running; device_detach() undoes it */
int device_attach(struct xenvirtio_device *dev, struct notify *notify);
int device_detach(struct xenvirtio_device *dev);

/** device_write_status() - the driver wrote the status register */
int device_write_status(struct xenvirtio_device *dev, uint32_t value);
/** device_write_features() - it accepted the 32 bits selected before */
void device_write_features(struct xenvirtio_device *dev, uint32_t value);
/** device_ack_interrupt() - it cleared bits of InterruptStatus */
int device_ack_interrupt(struct xenvirtio_device *dev, uint32_t bits);

/** device_selected_queue() - NULL when there is no queue of that number */
struct xenvirtio_queue *device_selected_queue(struct xenvirtio_device *dev);
/** device_write_queue_size() - an impossible size leaves the queue without one */
void device_write_queue_size(struct xenvirtio_device *dev, uint32_t value);
/** device_write_queue_ready() - 1 enables if the set-up is sound; 0 disables */
int device_write_queue_ready(struct xenvirtio_device *dev, uint32_t value);
/** device_write_queue_reset() - 1 stops the queue, and nothing of its set-up is left */
int device_write_queue_reset(struct xenvirtio_device *dev, uint32_t value);
/** device_write_ring() - 32 bits of one of a queue's addresses, @shift 0 or 32 */
void device_write_ring(struct xenvirtio_device *dev, uint64_t *gpa, unsigned int shift,
		       uint32_t value);
/** device_notify_on() - tell notify that an enabled queue of a live device runs */
int device_notify_on(struct xenvirtio_device *dev, unsigned int index);
/** device_notify_off() - let notify stop queues of this mask, which may be off already */
int device_notify_off(struct xenvirtio_device *dev, uint64_t queues);

/** device_mark_kick() - the driver notified this queue number */
void device_mark_kick(struct xenvirtio_device *dev, uint32_t index);
/** device_mark_signal() - a kick came past the registers; a stale one is nobody's fault */
void device_mark_signal(struct xenvirtio_device *dev, uint32_t index);
/** device_mark_all() - look at every enabled queue */
void device_mark_all(struct xenvirtio_device *dev);
/** device_mark_again() - what was left for this call is marked */
void device_mark_again(struct xenvirtio_device *dev);
/** device_wants_again() - whether a queue that can be kicked is left for the next one */
bool device_wants_again(const struct xenvirtio_device *dev);
/** device_kicked() - the queues that device_run_kicks() would serve, a bit each */
static inline uint64_t device_kicked(const struct xenvirtio_device *dev)
{
	return dev->kicked;
}

/** device_is_served() - of these queues, is everything used that was taken? Of foreign ones nobody knows: no */
bool device_is_served(const struct xenvirtio_device *dev, uint64_t queues);

/** device_run_kicks() - call the author for each queue marked, once; no more after a failure. Return: it; 0 */
int device_run_kicks(struct xenvirtio_device *dev);
/** device_run_prompt() - those of prompt queues, within the access that kicks: interrupts may be held. Return: likewise */
int device_run_prompt(struct xenvirtio_device *dev);
/** device_tell_held() - interrupt for what was held, if the driver has not seen it meanwhile */
int device_tell_held(struct xenvirtio_device *dev);
/** device_lower() - nothing interrupts from here on: a held line goes down, whatever it was */
int device_lower(struct xenvirtio_device *dev);
/** device_resume() - kicks and interrupts may have been lost: repeat them; set the line right */
int device_resume(struct xenvirtio_device *dev);

/** device_raise() - set bits of InterruptStatus and make the driver look */
int device_raise(struct xenvirtio_device *dev, uint32_t bits);

/**
 * device_poll() - the server polls now, or not any more (-1): signals of the call eventfd that nobody else takes make
 * @epoll_fd readable, with @tag and NOTIFY_TAG_CALL
 */
void device_poll(struct xenvirtio_device *dev, int epoll_fd, uint32_t tag);
/** device_mark_call() - one did */
void device_mark_call(struct xenvirtio_device *dev);
/** device_field_written() - a field that the host answers for was written */
void device_field_written(struct xenvirtio_device *dev);
/** device_run_call() - interrupt the driver if so */
int device_run_call(struct xenvirtio_device *dev);

/* device-foreign.c; all of it does nothing for a device with queues of its own */

/** foreign_init() - before anything can fail; foreign_open() - make the eventfds. foreign_close() undoes both */
void foreign_init(struct xenvirtio_device *dev);
int foreign_open(struct xenvirtio_device *dev);
void foreign_close(struct xenvirtio_device *dev);
/** foreign_start() - Return: 0; XENVIRTIO_E_EMPTY it is not live any more; -errno. Without 0 it is not started */
int foreign_start(struct xenvirtio_device *dev, unsigned int index);
void foreign_stop(struct xenvirtio_device *dev, unsigned int index);
/** foreign_kick() - signal a live queue's eventfd */
int foreign_kick(struct xenvirtio_device *dev, unsigned int index);
/** foreign_watch() - poll the call eventfd or not, as things are now */
int foreign_watch(struct xenvirtio_device *dev);

/** device_state_queues() - how many the state that was begun has, of those there is room for; 0: its size is none that there is */
unsigned int device_state_queues(const struct xenvirtio_device *dev);
/** device_finish_reset() - of a process that died in one: nothing of a queue outlives Status 0 */
void device_finish_reset(struct xenvirtio_device *dev);
/** device_state_valid() - whether a state can be gone on from with this device */
bool device_state_valid(const struct xenvirtio_device *dev);

#endif /* DEVICE_INTERNAL_H */
