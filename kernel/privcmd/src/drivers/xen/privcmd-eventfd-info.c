// SPDX-License-Identifier: GPL-2.0-only
/*
 * What works, for programs that choose between notification paths: see
 * privcmd-eventfd-info.h.
 *
 * irqfds need nothing but this module. The rest needs an xen-evtchn that has
 * hooks.
 */
#include <linux/string.h>

#include <xen/privcmd.h>
#include <xen/privcmd-eventfd.h>

#include "privcmd-eventfd-info.h"
#include "privcmd-ioreq.h"

long privcmd_eventfd_info_get(struct privcmd_ioreqs *ioreqs, struct privcmd_eventfd_info *info)
{
	u64 notified = 0, answered = 0;

	memset(info, 0, sizeof(*info));
	info->features = PRIVCMD_EVENTFD_IRQFD | PRIVCMD_EVENTFD_OWNED;
	if (privcmd_ioreqs_supported()) {
		info->features |= PRIVCMD_EVENTFD_IOEVENTFD | PRIVCMD_EVENTFD_QUIET |
				  PRIVCMD_EVENTFD_VIRTIO_IRQ | PRIVCMD_EVENTFD_WAIT |
				  PRIVCMD_EVENTFD_VIRTIO_FIELD;
		info->vcpus_max = PRIVCMD_IOREQ_VCPUS_MAX;
	}

	mutex_lock(&ioreqs->lock);
	privcmd_ioreqs_count(ioreqs, &notified, &answered);
	mutex_unlock(&ioreqs->lock);
	info->notified = notified;
	info->answered = answered;

	return 0;
}
