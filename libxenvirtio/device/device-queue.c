// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A device's queues as its driver sets them up: selected by number, sized, placed, enabled.
 *
 * The selector is any 32-bit number and is looked up at each use. Writes for a queue that does not
 * exist, or that runs, change nothing and are counted. A set-up that cannot be is found when the
 * driver enables the queue: it stays off, and NEEDS_RESET says so, for no driver reads QueueReady
 * back and a queue that silently does nothing would hang it.
 */
#include "device/device-internal.h"

struct xenvirtio_queue *device_selected_queue(struct xenvirtio_device *dev)
{
	return xenvirtio_device_queue(dev, dev->state->queue_sel);
}

static void count_bad_queue(struct xenvirtio_device *dev, const char *detail)
{
	xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_QUEUE, detail);
}

/* the selected queue if it may be set up now, else NULL, counted */
static struct xenvirtio_queue *find_idle_queue(struct xenvirtio_device *dev)
{
	struct xenvirtio_queue *q = device_selected_queue(dev);

	if (q && !q->state->ready)
		return q;
	count_bad_queue(dev, q ? "set up a queue that is enabled" : "no queue of that number");
	return NULL;
}

void device_write_queue_size(struct xenvirtio_device *dev, uint32_t value)
{
	struct xenvirtio_queue *q = find_idle_queue(dev);

	if (!q)
		return;
	if (!value || value > dev->cfg.queue_size_max || (value & (value - 1) && !queue_is_packed(q))) {
		count_bad_queue(dev, "queue size that cannot be");
		value = 0;
	}
	q->state->size = (uint16_t)value;
}

void device_write_ring(struct xenvirtio_device *dev, uint64_t *gpa, unsigned int shift,
		       uint32_t value)
{
	if (find_idle_queue(dev))
		*gpa = (*gpa & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)value << shift;
}

static int enable_queue(struct xenvirtio_device *dev, struct xenvirtio_queue *q)
{
	const char *detail;
	int ret;

	if (q->state->ready)
		return 0;
	if ((dev->state->status & (XENVIRTIO_STATUS_FEATURES_OK | XENVIRTIO_STATUS_NEEDS_RESET |
				   XENVIRTIO_STATUS_FAILED)) != XENVIRTIO_STATUS_FEATURES_OK) {
		count_bad_queue(dev, "queue enabled before FEATURES_OK or after a failure");
		return 0;
	}
	ret = queue_start(q, dev->cfg.queue_size_max, &detail);
	if (ret == XENVIRTIO_E_GUEST)
		return xenvirtio_device_guest_fault(dev, XENVIRTIO_GUEST_BAD_QUEUE, detail);
	return ret ? ret : device_notify_on(dev, q->index);
}

static int stop_queue(struct xenvirtio_device *dev, struct xenvirtio_queue *q)
{
	bool ran = q->state->ready;
	int off = device_notify_off(dev, queue_bit(q->index));
	int ret = queue_stop(q);

	if (ran && dev->cfg.ops->queue_stopped)
		dev->cfg.ops->queue_stopped(dev->cfg.opaque, q->index);
	return ret ? ret : off;
}

int device_write_queue_ready(struct xenvirtio_device *dev, uint32_t value)
{
	struct xenvirtio_queue *q = device_selected_queue(dev);

	if (!q || value > 1) {
		count_bad_queue(dev, "no queue of that number, or QueueReady neither 0 nor 1");
		return 0;
	}
	return value ? enable_queue(dev, q) : stop_queue(dev, q);
}

/* virtio 1.2, 2.6.1: what the queue was told is forgotten, and the driver sets it up as if for the first time. */
int device_write_queue_reset(struct xenvirtio_device *dev, uint32_t value)
{
	struct xenvirtio_queue *q = device_selected_queue(dev);
	int ret;

	if (!q || value != 1) {
		count_bad_queue(dev, "no queue of that number, or QueueReset not 1");
		return 0;
	}
	ret = stop_queue(dev, q);
	*q->state = (struct xenvirtio_queue_state){ 0 };
	return ret;
}
