/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host request queue: the device asks which frames are unused, the driver answers.
 *
 * Buffers, lock and work of its own: an answer never waits for an inflation, nor the other way
 * round. One buffer is in the queue at any time: the request's, or a part of the answer.
 */
#ifndef VIRTIO_BALLOON_HOSTREQ_H
#define VIRTIO_BALLOON_HOSTREQ_H

#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon_bulk.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "virtio_balloon_encode.h"
#include "virtio_balloon_held.h"

struct vballoon_hostreq {
	struct virtqueue *vq;		/* NULL: not negotiated, or stopped */
	bool chunks;			/* the form of the answer */
	struct work_struct work;
	wait_queue_head_t acked;
	spinlock_t lock;		/* protects running */
	bool running;			/* the work may be queued; it reads this without */
	struct vballoon_held held;	/* blocks that the answer names */

	/* The work's own. */
	u64 *range;
	void *msg;
	struct virtio_balloon_host_req *req;
};

/* Memory for the answers. Returns 0 or -ENOMEM. */
int vballoon_hostreq_init(struct vballoon_hostreq *hr);
void vballoon_hostreq_exit(struct vballoon_hostreq *hr);

/* From DRIVER_OK until before the device is reset. */
void vballoon_hostreq_start(struct vballoon_hostreq *hr, struct virtqueue *vq, bool chunks);
void vballoon_hostreq_stop(struct vballoon_hostreq *hr);

/* The queue's callback. */
void vballoon_hostreq_notify(struct vballoon_hostreq *hr);

#endif /* VIRTIO_BALLOON_HOSTREQ_H */
