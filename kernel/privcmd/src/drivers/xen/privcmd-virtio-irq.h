/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOCTL_PRIVCMD_VIRTIO_IRQ: the kernel keeps InterruptStatus of a virtio-mmio
 * device, so that an interrupt costs user space one write to an eventfd.
 *
 * They belong to the open file of /dev/xen/privcmd they were assigned on, use
 * the groups of its ioeventfds, and end with it.
 */
#ifndef _PRIVCMD_VIRTIO_IRQ_H
#define _PRIVCMD_VIRTIO_IRQ_H

#include <linux/errno.h>
#include <linux/list.h>

struct privcmd_ioreqs;
struct privcmd_virtio_irq;

/* Of one open file: each of its devices may have one. The handler looks through their registers. */
#define PRIVCMD_VIRTIO_IRQS_MAX	64

/* Of one open file; under the lock of its ioreqs. */
struct privcmd_virtio_irqs {
	struct list_head list;
	unsigned int nr;
};

#ifdef CONFIG_XEN_PRIVCMD_EVENTFD
void privcmd_virtio_irqs_init(struct privcmd_virtio_irqs *irqs);
/* The caller has checked that its file may act on args->dom. */
long privcmd_virtio_irq_ioctl(struct privcmd_virtio_irqs *irqs, struct privcmd_ioreqs *ioreqs,
			      struct privcmd_virtio_irq *args);
/* Before the ioeventfds of the file are released. */
void privcmd_virtio_irqs_release(struct privcmd_virtio_irqs *irqs,
				 struct privcmd_ioreqs *ioreqs);
#else
static inline void privcmd_virtio_irqs_init(struct privcmd_virtio_irqs *irqs)
{
}

static inline long privcmd_virtio_irq_ioctl(struct privcmd_virtio_irqs *irqs,
					    struct privcmd_ioreqs *ioreqs,
					    struct privcmd_virtio_irq *args)
{
	return -ENOTTY;
}

static inline void privcmd_virtio_irqs_release(struct privcmd_virtio_irqs *irqs,
					       struct privcmd_ioreqs *ioreqs)
{
}
#endif

#endif /* _PRIVCMD_VIRTIO_IRQ_H */
