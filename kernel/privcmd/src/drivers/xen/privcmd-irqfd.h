/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOCTL_PRIVCMD_IRQFD: writing to an eventfd raises an interrupt of a guest.
 *
 * irqfds belong to the open file of /dev/xen/privcmd they were assigned on, and
 * end with it.
 */
#ifndef _PRIVCMD_IRQFD_H
#define _PRIVCMD_IRQFD_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <xen/interface/xen.h>

#include "privcmd-signal.h"

/* Of one open file: as many eventfds as it can be expected to have open. */
#define PRIVCMD_IRQFDS_MAX	4096

struct privcmd_irqfd;

/* Of one open file. */
struct privcmd_irqfds {
	struct privcmd_signals signals;
};

#ifdef CONFIG_XEN_PRIVCMD_EVENTFD
int privcmd_irqfd_init(void);
void privcmd_irqfd_exit(void);
void privcmd_irqfds_init(struct privcmd_irqfds *irqfds);
/* The caller has checked that its file may act on irqfd->dom. */
long privcmd_irqfd_ioctl(struct privcmd_irqfds *irqfds, const struct privcmd_irqfd *irqfd);
/* After an RCU grace period none of them interrupts a domain of that number. */
void privcmd_irqfds_guest_gone(struct privcmd_irqfds *irqfds, domid_t dom);
void privcmd_irqfds_release(struct privcmd_irqfds *irqfds);
#else
static inline int privcmd_irqfd_init(void)
{
	return 0;
}

static inline void privcmd_irqfd_exit(void)
{
}

static inline void privcmd_irqfds_init(struct privcmd_irqfds *irqfds)
{
}

static inline long privcmd_irqfd_ioctl(struct privcmd_irqfds *irqfds,
				       const struct privcmd_irqfd *irqfd)
{
	return -EOPNOTSUPP;
}

static inline void privcmd_irqfds_release(struct privcmd_irqfds *irqfds)
{
}
#endif

#endif /* _PRIVCMD_IRQFD_H */
