/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOCTL_PRIVCMD_VIRTIO_FIELD: a field of a device's configuration space is a word
 * of user space's memory, which the kernel reads and writes for the guest.
 *
 * They belong to the open file of /dev/xen/privcmd they were assigned on, use
 * the groups of its ioeventfds, and end with it.
 */
#ifndef _PRIVCMD_VIRTIO_FIELD_H
#define _PRIVCMD_VIRTIO_FIELD_H

#include <linux/errno.h>
#include <linux/list.h>

struct privcmd_ioreqs;
struct privcmd_virtio_field;

/* Of one open file; under the lock of its ioreqs. */
struct privcmd_virtio_fields {
	struct list_head list;
	unsigned int nr;
};

#ifdef CONFIG_XEN_PRIVCMD_EVENTFD
void privcmd_virtio_fields_init(struct privcmd_virtio_fields *fields);
/* The caller has checked that its file may act on args->dom. */
long privcmd_virtio_field_ioctl(struct privcmd_virtio_fields *fields,
				struct privcmd_ioreqs *ioreqs,
				const struct privcmd_virtio_field *args);
/* Before the ioeventfds of the file are released. */
void privcmd_virtio_fields_release(struct privcmd_virtio_fields *fields,
				   struct privcmd_ioreqs *ioreqs);
#else
static inline void privcmd_virtio_fields_init(struct privcmd_virtio_fields *fields)
{
}

static inline long privcmd_virtio_field_ioctl(struct privcmd_virtio_fields *fields,
					      struct privcmd_ioreqs *ioreqs,
					      const struct privcmd_virtio_field *args)
{
	return -ENOTTY;
}

static inline void privcmd_virtio_fields_release(struct privcmd_virtio_fields *fields,
						 struct privcmd_ioreqs *ioreqs)
{
}
#endif

#endif /* _PRIVCMD_VIRTIO_FIELD_H */
