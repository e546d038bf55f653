// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Queues that another process serves: its eventfds, and who is told when.
 *
 *   [stopped] --queue_start, shortcuts, a kick--> [live] --shortcuts away, queue_stop--> [stopped]
 *
 * What is live stands in notify_on, as with queues of our own. A kick that comes to us, because no shortcut takes it, is
 * passed on to the queue's eventfd. Of the call eventfd the kernel takes the signals, or else the server's epoll instance
 * tells us of them; never both, for then each interrupt would wake us for nothing.
 *
 * The other process is trusted with the guest's memory but not with us: base/shared-eventfd.c minds eventfds that are full,
 * or that wait.
 *
 * Lock: none, the server's thread. Reads no ring.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/shared-eventfd.h"
#include "device/device-internal.h"

void foreign_init(struct xenvirtio_device *dev)
{
	dev->lent.kick_fd = dev->kick_fd;
	dev->lent.call_fd = -1;
	dev->epoll_fd = -1;
	for (unsigned int i = 0; i < XENVIRTIO_QUEUES_MAX; i++)
		dev->kick_fd[i] = -1;
}

int foreign_open(struct xenvirtio_device *dev)
{
	if (!dev->cfg.foreign_queues)
		return 0;
	dev->lent.call_fd = shared_eventfd_new();
	if (dev->lent.call_fd < 0)
		return dev->lent.call_fd;
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++) {
		dev->kick_fd[i] = shared_eventfd_new();
		if (dev->kick_fd[i] < 0)
			return dev->kick_fd[i];
	}
	return 0;
}

void foreign_close(struct xenvirtio_device *dev)
{
	for (unsigned int i = 0; i < XENVIRTIO_QUEUES_MAX; i++)
		if (dev->kick_fd[i] >= 0)
			close(dev->kick_fd[i]);
	if (dev->lent.call_fd >= 0)
		close(dev->lent.call_fd);
}

int xenvirtio_device_kick_fd(const struct xenvirtio_device *dev, unsigned int index)
{
	return dev->cfg.foreign_queues && index < dev->cfg.nr_queues ? dev->kick_fd[index] : -EINVAL;
}

int xenvirtio_device_call_fd(const struct xenvirtio_device *dev)
{
	return dev->cfg.foreign_queues ? dev->lent.call_fd : -EINVAL;
}

int foreign_kick(struct xenvirtio_device *dev, unsigned int index)
{
	int ret;

	if (!(dev->notify_on >> index & 1))
		return 0;
	ret = shared_eventfd_signal(dev->kick_fd[index]);
	return ret == -EAGAIN ? 0 : ret;
}

/* --- interrupts --- */

int foreign_watch(struct xenvirtio_device *dev)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = dev->tag | NOTIFY_TAG_CALL };
	bool taken = dev->notify && dev->notify->ops->takes_calls && dev->notify->ops->takes_calls(dev->notify);
	bool wanted = dev->notify_on && dev->epoll_fd >= 0 && !taken;

	if (!dev->cfg.foreign_queues || wanted == dev->watched)
		return 0;
	if (epoll_ctl(dev->epoll_fd, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, dev->lent.call_fd, &event))
		return -errno;
	dev->watched = wanted;
	return 0;
}

void device_poll(struct xenvirtio_device *dev, int epoll_fd, uint32_t tag)
{
	dev->epoll_fd = epoll_fd;
	dev->tag = tag;
	dev->watched = false;
}

void device_mark_call(struct xenvirtio_device *dev)
{
	dev->called = true;
}

int device_run_call(struct xenvirtio_device *dev)
{
	if (!dev->called)
		return 0;
	dev->called = false;
	/* First: what is signalled after this is told again. */
	shared_eventfd_drain(dev->lent.call_fd);
	return dev->notify_on ? device_raise(dev, INTERRUPT_USED) : 0;
}

/* --- queues --- */

int foreign_start(struct xenvirtio_device *dev, unsigned int index)
{
	int ret = 0;

	if (!dev->cfg.foreign_queues)
		return 0;
	/* Nobody can mean a driver that was not there yet. */
	if (!dev->notify_on)
		shared_eventfd_drain(dev->lent.call_fd);
	if (dev->cfg.ops->queue_start)
		ret = dev->cfg.ops->queue_start(dev->cfg.opaque, index);
	if (ret == XENVIRTIO_E_GUEST) {
		ret = xenvirtio_device_guest_fault(dev, XENVIRTIO_GUEST_BAD_QUEUE,
						   "a queue that cannot be served");
		return ret ? ret : XENVIRTIO_E_EMPTY;
	}
	if (ret || xenvirtio_device_driver_ok(dev))
		return ret;
	/* The hook found fault with the device. */
	foreign_stop(dev, index);
	return XENVIRTIO_E_EMPTY;
}

void foreign_stop(struct xenvirtio_device *dev, unsigned int index)
{
	if (dev->cfg.foreign_queues && dev->cfg.ops->queue_stop)
		dev->cfg.ops->queue_stop(dev->cfg.opaque, index);
}
