/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOCTL_PRIVCMD_IOEVENTFD: a guest's write to QueueNotify signals an eventfd.
 *
 * ioeventfds belong to the open file of /dev/xen/privcmd they were assigned on,
 * and end with it.
 */
#ifndef _PRIVCMD_IOEVENTFD_H
#define _PRIVCMD_IOEVENTFD_H

#include <linux/errno.h>
#include <linux/list.h>

#include "privcmd-ioreq.h"

struct privcmd_ioeventfd;
struct privcmd_ioeventfd_wait;
struct privcmd_irqfds;

/* Of one open file: each queue of each of its devices may have one. */
#define PRIVCMD_IOEVENTFDS_MAX	4096

/* Of one open file; under ioreqs.lock. */
struct privcmd_ioeventfds {
	struct privcmd_ioreqs ioreqs;
	struct list_head list;
	unsigned int nr;
};

#ifdef CONFIG_XEN_PRIVCMD_EVENTFD
/* @irqfds: of the same file, for the end of a guest. */
void privcmd_ioeventfds_init(struct privcmd_ioeventfds *ioeventfds,
			     struct privcmd_irqfds *irqfds);
/* The caller has checked that its file may act on args->dom. */
long privcmd_ioeventfd_ioctl(struct privcmd_ioeventfds *ioeventfds,
			     const struct privcmd_ioeventfd *args);
long privcmd_ioeventfd_wait_ioctl(struct privcmd_ioeventfds *ioeventfds,
				  const struct privcmd_ioeventfd_wait *args);
/* Before the irqfds of the file are released. */
void privcmd_ioeventfds_release(struct privcmd_ioeventfds *ioeventfds);
#else
static inline void privcmd_ioeventfds_init(struct privcmd_ioeventfds *ioeventfds,
					   struct privcmd_irqfds *irqfds)
{
}

static inline long privcmd_ioeventfd_ioctl(struct privcmd_ioeventfds *ioeventfds,
					   const struct privcmd_ioeventfd *args)
{
	return -EOPNOTSUPP;
}

static inline long privcmd_ioeventfd_wait_ioctl(struct privcmd_ioeventfds *ioeventfds,
						const struct privcmd_ioeventfd_wait *args)
{
	return -ENOTTY;
}

static inline void privcmd_ioeventfds_release(struct privcmd_ioeventfds *ioeventfds)
{
}
#endif

#endif /* _PRIVCMD_IOEVENTFD_H */
