/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOCTL_PRIVCMD_EVENTFD_INFO: what of irqfd, ioeventfd and what belongs to them
 * works in this domain with the modules that are loaded, and what a file's
 * ioeventfds have done so far.
 */
#ifndef _PRIVCMD_EVENTFD_INFO_H
#define _PRIVCMD_EVENTFD_INFO_H

#include <linux/errno.h>

struct privcmd_eventfd_info;
struct privcmd_ioreqs;

#ifdef CONFIG_XEN_PRIVCMD_EVENTFD
long privcmd_eventfd_info_get(struct privcmd_ioreqs *ioreqs, struct privcmd_eventfd_info *info);
#else
static inline long privcmd_eventfd_info_get(struct privcmd_ioreqs *ioreqs,
					    struct privcmd_eventfd_info *info)
{
	return -ENOTTY;
}
#endif

#endif /* _PRIVCMD_EVENTFD_INFO_H */
