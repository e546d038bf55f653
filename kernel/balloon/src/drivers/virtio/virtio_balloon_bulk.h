/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inflation and deflation with bulk messages: the part of the balloon driver that is used when the
 * device offers PAGE_BITMAP or PAGE_CHUNKS and the module's parameters ask for them.
 *
 * Everything here runs under the driver's balloon lock, which the out-of-memory notifier takes too;
 * so nothing allocates under it: the message buffer and the array of ranges are made at probe. Only
 * inflation allocates, before it takes the lock, and at most a batch of pages that the notifier
 * cannot see until they are in the balloon.
 */
#ifndef VIRTIO_BALLOON_BULK_H
#define VIRTIO_BALLOON_BULK_H

#include <linux/mutex.h>
#include <linux/virtio.h>
#include <linux/wait.h>

#include "virtio_balloon_compat.h"
#include "virtio_balloon_encode.h"

struct vballoon_bulk {
	struct virtio_device *vdev;
	struct vballoon_format format;	/* nothing: all is as without this file */

	/* The driver's. */
	struct balloon_dev_info *info;
	struct mutex *lock;		/* the balloon lock */
	wait_queue_head_t *acked;
	unsigned int *num_pages;	/* in frames, protected by the lock */

	/* Protected by the lock. */
	void *msg;
	size_t msg_bytes;
	u64 *range;			/* as many as frames in a batch */
	u64 *spare;			/* as many, to sort them */
};

/*
 * Complete the driver's feature table with the bits of the module's parameters; @table has room for
 * VBALLOON_FEATURES more than @nr. Returns their number now, or -EINVAL.
 */
#define VBALLOON_FEATURES	3
int vballoon_features_add(unsigned int *table, unsigned int nr);

bool vballoon_has_host_req(struct virtio_device *vdev);
struct vballoon_format vballoon_format_of(struct virtio_device *vdev);

/*
 * The five members the caller has set stay its own. Returns 0, also if no bulk feature is
 * negotiated, or -ENOMEM.
 */
int vballoon_bulk_init(struct vballoon_bulk *bulk);
void vballoon_bulk_exit(struct vballoon_bulk *bulk);

static inline bool vballoon_bulk_on(const struct vballoon_bulk *bulk)
{
	return bulk->format.bitmap || bulk->format.chunks;
}

/* Frames that a deflation for the out-of-memory notifier takes. */
unsigned int vballoon_bulk_oom_pfns(void);

/* As fill_balloon() and leak_balloon(): up to @num frames, at most a batch. Return those done. */
unsigned int vballoon_bulk_fill(struct vballoon_bulk *bulk, struct virtqueue *vq, size_t num);
unsigned int vballoon_bulk_leak(struct vballoon_bulk *bulk, struct virtqueue *vq, size_t num);

/* For compaction, under the lock: tell the host about one page. */
void vballoon_bulk_tell_page(struct vballoon_bulk *bulk, struct virtqueue *vq, struct page *page);

#endif /* VIRTIO_BALLOON_BULK_H */
