/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Correct arguments of the ioctls under test for a server, to be spoiled one at a time; and
 * eventfds.
 */
#ifndef TEST_EVENTFD_H
#define TEST_EVENTFD_H

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <xen/privcmd-eventfd.h>
#include "tap.h"
#include "xen.h"

static inline int new_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	must(fd >= 0);
	return fd;
}

/* How often it was signalled since the last time. */
static inline uint64_t taken(int fd)
{
	uint64_t n = 0;

	if (read(fd, &n, sizeof(n)) < 0)
		must(errno == EAGAIN);
	return n;
}

static inline struct privcmd_ioeventfd good_ioeventfd(const struct server *s, int fd, uint32_t vq)
{
	return (struct privcmd_ioeventfd){
		.ioreq = (uintptr_t)s->slots,
		.ports = (uintptr_t)s->ports,
		.addr = DEVICE_BASE,
		.addr_len = 4,
		.event_fd = fd,
		.vcpus = s->nr_vcpus,
		.vq = vq,
		.dom = s->dom,
	};
}

static inline struct privcmd_irqfd good_irqfd(const struct server *s, int fd, void *op, size_t size)
{
	return (struct privcmd_irqfd){
		.dm_op = (uintptr_t)op,
		.size = irq_op(op, size, GUEST_IRQ, 1),
		.fd = fd,
		.dom = s->dom,
	};
}

static inline struct privcmd_virtio_irq good_virtio_irq(const struct server *s, int vring_fd,
							int config_fd, void *op, size_t size)
{
	return (struct privcmd_virtio_irq){
		.ioreq = (uintptr_t)s->slots,
		.addr = DEVICE_BASE,
		.dm_op = (uintptr_t)op,
		.size = irq_op(op, size, GUEST_IRQ, 1),
		.vring_fd = vring_fd,
		.config_fd = config_fd,
		.dom = s->dom,
	};
}

static inline int ioeventfd(int privcmd, struct privcmd_ioeventfd arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_IOEVENTFD, &arg);
}

static inline int irqfd(int privcmd, struct privcmd_irqfd arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_IRQFD, &arg);
}

static inline int virtio_irq(int privcmd, struct privcmd_virtio_irq *arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_VIRTIO_IRQ, arg);
}

static inline struct privcmd_ioeventfd_wait good_wait(const struct server *s)
{
	return (struct privcmd_ioeventfd_wait){
		.ioreq = (uintptr_t)s->slots,
		.addr = DEVICE_BASE,
		.idle_us = 1000,
		.signal_fd = -1,
		.dom = s->dom,
	};
}

static inline int ioeventfd_wait(int privcmd, struct privcmd_ioeventfd_wait arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_IOEVENTFD_WAIT, &arg);
}

/* A field of the configuration space that the scripted guest leaves alone */
#define FIELD_OFFSET 0x110u

static inline struct privcmd_virtio_field good_field(const struct server *s, uint32_t *word,
						     uint32_t flags)
{
	return (struct privcmd_virtio_field){
		.ioreq = (uintptr_t)s->slots,
		.addr = DEVICE_BASE + FIELD_OFFSET,
		.word = (uintptr_t)word,
		.event_fd = -1,
		.flags = flags,
		.dom = s->dom,
	};
}

static inline int virtio_field(int privcmd, struct privcmd_virtio_field arg)
{
	return ioctl(privcmd, IOCTL_PRIVCMD_VIRTIO_FIELD, &arg);
}

/* A correct argument but for one field. */
#define BUT(good, field, value)                     \
	({                                          \
		__typeof__(good) spoiled_ = (good); \
		spoiled_.field = (value);           \
		spoiled_;                           \
	})

#endif /* TEST_EVENTFD_H */
