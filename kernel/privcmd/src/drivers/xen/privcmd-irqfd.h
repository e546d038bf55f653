/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOCTL_PRIVCMD_IRQFD: writing to an eventfd raises an interrupt of a guest.
 *
 * irqfds belong to the open file of /dev/xen/privcmd they were assigned on, and
 * end with it. @owner below is that file's private data, used as a name only.
 */
#ifndef _PRIVCMD_IRQFD_H
#define _PRIVCMD_IRQFD_H

#include <linux/compiler.h>
#include <linux/errno.h>

struct privcmd_irqfd;

#ifdef CONFIG_XEN_PRIVCMD_EVENTFD
int privcmd_irqfd_init(void);
void privcmd_irqfd_exit(void);
/* The caller has checked that its file may act on irqfd->dom. */
long privcmd_irqfd_ioctl(const void *owner, const struct privcmd_irqfd *irqfd);
void privcmd_irqfd_release(const void *owner);
#else
static inline int privcmd_irqfd_init(void)
{
	return 0;
}

static inline void privcmd_irqfd_exit(void)
{
}

static inline long privcmd_irqfd_ioctl(const void *owner, const struct privcmd_irqfd *irqfd)
{
	return -EOPNOTSUPP;
}

static inline void privcmd_irqfd_release(const void *owner)
{
}
#endif

#endif /* _PRIVCMD_IRQFD_H */
