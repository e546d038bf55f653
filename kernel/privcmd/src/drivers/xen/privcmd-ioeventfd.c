// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a watch (privcmd-ioreq.c) on QueueNotify that signals an eventfd.
 *
 * An ioeventfd is named by its page, guest, address, size, queue and eventfd; one
 * eventfd may serve several queues, but a queue has one eventfd. The eventfd is
 * signalled before the guest goes on, unless a task that waits is given the kick.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <xen/privcmd.h>
#include <xen/privcmd-eventfd.h>

#include "privcmd-compat.h"
#include "privcmd-ioeventfd.h"
#include "privcmd-waiter.h"

/* virtio 1.2, 4.2.2 MMIO Device Register Layout */
#define VIRTIO_MMIO_QUEUE_NOTIFY	0x50

struct ioeventfd {
	struct list_head list;
	struct privcmd_ioreq_watch watch;
	struct privcmd_ioreq_group *group;
	struct eventfd_ctx *eventfd;
};

static u64 ioeventfd_signal(struct privcmd_ioreq_watch *watch, u64 data)
{
	struct ioeventfd *ioeventfd = container_of(watch, struct ioeventfd, watch);
	struct privcmd_waiter *waiter = privcmd_ioreq_waiter(ioeventfd->group);

	if (!privcmd_waiter_hand_over(waiter, watch->addr, watch->match))
		privcmd_eventfd_signal(ioeventfd->eventfd);

	return 0;
}

static int watch_init(struct privcmd_ioreq_watch *watch, const struct privcmd_ioeventfd *args)
{
	u64 end;

	if (args->addr_len != 1 && args->addr_len != 2 && args->addr_len != 4 &&
	    args->addr_len != 8)
		return -EINVAL;
	if (args->vq >= PRIVCMD_IOREQ_ANY)
		return -EINVAL;
	if (check_add_overflow(args->addr, (u64)VIRTIO_MMIO_QUEUE_NOTIFY, &watch->addr) ||
	    check_add_overflow(watch->addr, (u64)args->addr_len, &end))
		return -EINVAL;

	watch->size = args->addr_len;
	watch->match = args->vq;
	watch->read = false;
	watch->fn = ioeventfd_signal;

	return 0;
}

static int ioeventfd_assign(struct privcmd_ioeventfds *ioeventfds,
			    const struct privcmd_ioeventfd *args)
{
	struct ioeventfd *ioeventfd;
	int rc;

	ioeventfd = kzalloc(sizeof(*ioeventfd), GFP_KERNEL_ACCOUNT);
	if (!ioeventfd)
		return -ENOMEM;

	rc = watch_init(&ioeventfd->watch, args);
	if (rc)
		goto err_free;

	ioeventfd->eventfd = eventfd_ctx_fdget(args->event_fd);
	if (IS_ERR(ioeventfd->eventfd)) {
		rc = PTR_ERR(ioeventfd->eventfd);
		goto err_free;
	}

	mutex_lock(&ioeventfds->ioreqs.lock);

	rc = -ENOSPC;
	if (ioeventfds->nr >= PRIVCMD_IOEVENTFDS_MAX)
		goto err_unlock;

	ioeventfd->group = privcmd_ioreq_get(&ioeventfds->ioreqs, args->ioreq, args->dom,
					     args->ports, args->vcpus);
	if (IS_ERR(ioeventfd->group)) {
		rc = PTR_ERR(ioeventfd->group);
		goto err_unlock;
	}

	rc = privcmd_ioreq_watch_add(ioeventfd->group, &ioeventfd->watch);
	if (rc)
		goto err_put;

	list_add_tail(&ioeventfd->list, &ioeventfds->list);
	ioeventfds->nr++;

	mutex_unlock(&ioeventfds->ioreqs.lock);

	return 0;

err_put:
	privcmd_ioreq_put(ioeventfd->group);
err_unlock:
	mutex_unlock(&ioeventfds->ioreqs.lock);
	eventfd_ctx_put(ioeventfd->eventfd);
err_free:
	kfree(ioeventfd);

	return rc;
}

/* Its watch is gone. */
static void ioeventfd_end(struct privcmd_ioeventfds *ioeventfds, struct ioeventfd *ioeventfd)
{
	list_del(&ioeventfd->list);
	ioeventfds->nr--;
	privcmd_ioreq_put(ioeventfd->group);
	eventfd_ctx_put(ioeventfd->eventfd);
	kfree(ioeventfd);
}

static bool ioeventfd_is(const struct ioeventfd *ioeventfd, const struct privcmd_ioeventfd *args,
			 const struct privcmd_ioreq_watch *watch,
			 const struct eventfd_ctx *eventfd)
{
	return ioeventfd->eventfd == eventfd && ioeventfd->watch.addr == watch->addr &&
	       ioeventfd->watch.size == watch->size && ioeventfd->watch.match == watch->match &&
	       privcmd_ioreq_vcpus(ioeventfd->group) == args->vcpus &&
	       privcmd_ioreq_is(ioeventfd->group, args->ioreq, args->dom);
}

static int ioeventfd_deassign(struct privcmd_ioeventfds *ioeventfds,
			      const struct privcmd_ioeventfd *args)
{
	struct privcmd_ioreq_watch watch;
	struct ioeventfd *ioeventfd;
	struct eventfd_ctx *eventfd;
	int rc;

	rc = watch_init(&watch, args);
	if (rc)
		return rc;

	eventfd = eventfd_ctx_fdget(args->event_fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);

	rc = -ENODEV;
	mutex_lock(&ioeventfds->ioreqs.lock);
	list_for_each_entry(ioeventfd, &ioeventfds->list, list) {
		if (ioeventfd_is(ioeventfd, args, &watch, eventfd)) {
			privcmd_ioreq_watch_del(&ioeventfd->watch);
			privcmd_ioreq_watches_sync();
			ioeventfd_end(ioeventfds, ioeventfd);
			rc = 0;
			break;
		}
	}
	mutex_unlock(&ioeventfds->ioreqs.lock);
	eventfd_ctx_put(eventfd);

	return rc;
}

long privcmd_ioeventfd_ioctl(struct privcmd_ioeventfds *ioeventfds,
			     const struct privcmd_ioeventfd *args)
{
	if (args->flags & ~PRIVCMD_IOEVENTFD_FLAG_DEASSIGN)
		return -EINVAL;

	if (args->flags & PRIVCMD_IOEVENTFD_FLAG_DEASSIGN)
		return ioeventfd_deassign(ioeventfds, args);

	return ioeventfd_assign(ioeventfds, args);
}

static int signal_fd(int fd)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(fd);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);

	privcmd_eventfd_signal(eventfd);
	eventfd_ctx_put(eventfd);

	return 0;
}

long privcmd_ioeventfd_wait_ioctl(struct privcmd_ioeventfds *ioeventfds,
				  const struct privcmd_ioeventfd_wait *args)
{
	struct privcmd_ioreqs *ioreqs = &ioeventfds->ioreqs;
	struct privcmd_ioreq_group *group;
	u64 notify;
	long rc;

	if (!args->idle_us || args->idle_us > PRIVCMD_WAITER_IDLE_US_MAX ||
	    args->signal_fd < -1 || memchr_inv(args->pad, 0, sizeof(args->pad)) ||
	    check_add_overflow(args->addr, (u64)VIRTIO_MMIO_QUEUE_NOTIFY, &notify))
		return -EINVAL;

	mutex_lock(&ioreqs->lock);
	group = privcmd_ioreq_find(ioreqs, args->ioreq, args->dom);
	mutex_unlock(&ioreqs->lock);
	if (!group)
		return -ENOENT;

	rc = args->signal_fd < 0 ? 0 : signal_fd(args->signal_fd);
	if (!rc)
		rc = privcmd_waiter_wait(privcmd_ioreq_waiter(group), notify, args->idle_us);

	mutex_lock(&ioreqs->lock);
	privcmd_ioreq_put(group);
	mutex_unlock(&ioreqs->lock);

	return rc;
}

void privcmd_ioeventfds_init(struct privcmd_ioeventfds *ioeventfds,
			     struct privcmd_irqfds *irqfds)
{
	privcmd_ioreqs_init(&ioeventfds->ioreqs, irqfds);
	INIT_LIST_HEAD(&ioeventfds->list);
	ioeventfds->nr = 0;
}

void privcmd_ioeventfds_release(struct privcmd_ioeventfds *ioeventfds)
{
	struct ioeventfd *ioeventfd, *next;

	mutex_lock(&ioeventfds->ioreqs.lock);
	list_for_each_entry(ioeventfd, &ioeventfds->list, list)
		privcmd_ioreq_watch_del(&ioeventfd->watch);
	privcmd_ioreq_watches_sync();
	list_for_each_entry_safe(ioeventfd, next, &ioeventfds->list, list)
		ioeventfd_end(ioeventfds, ioeventfd);
	mutex_unlock(&ioeventfds->ioreqs.lock);

	privcmd_ioreqs_fini(&ioeventfds->ioreqs);
}
