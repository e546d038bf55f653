// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device status machine: virtio 1.2, 2.1 and 3.1.
 *
 * A write of 0 resets. Any other write adds bits and never takes one away; bits are taken in the
 * specification's order, whatever was written, and the first that has no right to be there stops
 * it: that one and later ones do not stick, and it is counted. So each of the 2^32 values has one
 * meaning in each state:
 *
 *   ACKNOWLEDGE <- DRIVER <- FEATURES_OK (if the features will do) <- DRIVER_OK;  FAILED: always
 *
 * NEEDS_RESET is ours alone. With it, or with FAILED, nothing but FAILED and a reset is taken.
 */
#include "device/device-internal.h"

#define STATUS_DRIVERS \
	(XENVIRTIO_STATUS_ACKNOWLEDGE | XENVIRTIO_STATUS_DRIVER | XENVIRTIO_STATUS_FEATURES_OK | \
	 XENVIRTIO_STATUS_DRIVER_OK | XENVIRTIO_STATUS_FAILED)
#define STATUS_ENDED (XENVIRTIO_STATUS_NEEDS_RESET | XENVIRTIO_STATUS_FAILED)

static void set_status(struct xenvirtio_device *dev, uint32_t status)
{
	__atomic_store_n(&dev->state->status, status, __ATOMIC_RELEASE);
}

static int reset_device(struct xenvirtio_device *dev)
{
	struct xenvirtio_device_state *state = dev->state;
	int off, ack, stopped = 0, ret = 0;

	/* Status first: a process that dies here is given the same write again by its successor's
	 * ioreq server, and a reset can be done twice. */
	set_status(dev, 0);
	dev->kicked = 0;
	off = device_notify_off(dev, UINT64_MAX);
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++) {
		ret = queue_stop(&dev->queue[i]);
		if (ret && !stopped)
			stopped = ret;
		state->queue[i] = (struct xenvirtio_queue_state){ 0 };
	}
	state->driver_features = 0;
	state->device_features_sel = 0;
	state->driver_features_sel = 0;
	state->queue_sel = 0;
	/* Goes on counting, so that a reader which spans a reset notices. */
	state->config_generation++;
	ack = device_ack_interrupt(dev, UINT32_MAX);
	ret = dev->cfg.ops->reset ? dev->cfg.ops->reset(dev->cfg.opaque) : 0;
	if (ret || stopped)
		return ret ? ret : stopped;
	return ack ? ack : off;
}

/* Return: 0; XENVIRTIO_E_GUEST refused; -errno */
static int accept_features(struct xenvirtio_device *dev)
{
	uint64_t features = dev->state->driver_features;

	if (features & ~dev->offered || !(features >> XENVIRTIO_F_VERSION_1 & 1)) {
		xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_FEATURES,
					     "features that were not offered, or no VERSION_1");
		return XENVIRTIO_E_GUEST;
	}
	if (!dev->cfg.ops->check_features)
		return 0;
	return dev->cfg.ops->check_features(dev->cfg.opaque, features);
}

static int start_device(struct xenvirtio_device *dev)
{
	int ret = 0;

	if (dev->cfg.ops->driver_ok)
		ret = dev->cfg.ops->driver_ok(dev->cfg.opaque);
	for (unsigned int i = 0; !ret && i < dev->cfg.nr_queues; i++)
		ret = device_notify_on(dev, i);
	/* Linux's balloon adds a buffer and kicks before DRIVER_OK, and never again. Foreign queues were kicked just now. */
	if (!dev->cfg.foreign_queues)
		device_mark_all(dev);
	return ret;
}

static int take_bit(struct xenvirtio_device *dev, uint32_t bit, uint32_t needed)
{
	uint32_t status = dev->state->status;
	int ret;

	if (status & STATUS_ENDED || (status & needed) != needed) {
		xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_STATUS,
					     "status bits in a forbidden order");
		return XENVIRTIO_E_GUEST;
	}
	if (bit == XENVIRTIO_STATUS_FEATURES_OK) {
		ret = accept_features(dev);
		if (ret)
			return ret;
	}
	set_status(dev, status | bit);
	return bit == XENVIRTIO_STATUS_DRIVER_OK ? start_device(dev) : 0;
}

int device_write_status(struct xenvirtio_device *dev, uint32_t value)
{
	static const uint32_t order[] = {
		XENVIRTIO_STATUS_ACKNOWLEDGE,
		XENVIRTIO_STATUS_DRIVER,
		XENVIRTIO_STATUS_FEATURES_OK,
		XENVIRTIO_STATUS_DRIVER_OK,
	};
	uint32_t old = dev->state->status, needed = 0;
	int ret = 0;

	if (!value)
		return reset_device(dev);
	/* Reading NEEDS_RESET and writing it back is what a driver does that adds a bit. */
	if ((old & STATUS_DRIVERS & ~value) ||
	    (value & ~(STATUS_DRIVERS | (old & XENVIRTIO_STATUS_NEEDS_RESET))))
		xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_STATUS,
					     "status bits cleared, or not the driver's");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !ret; i++) {
		if (value & order[i] & ~old)
			ret = take_bit(dev, order[i], needed);
		needed |= order[i];
	}
	if (value & XENVIRTIO_STATUS_FAILED & ~old) {
		int off;

		set_status(dev, dev->state->status | XENVIRTIO_STATUS_FAILED);
		dev->kicked = 0;
		off = device_notify_off(dev, UINT64_MAX);
		if (!ret || ret == XENVIRTIO_E_GUEST)
			ret = off;
	}
	return ret == XENVIRTIO_E_GUEST ? 0 : ret;
}

void device_write_features(struct xenvirtio_device *dev, uint32_t value)
{
	struct xenvirtio_device_state *state = dev->state;
	uint64_t features;

	/* There are no features above 63: accepting none of them is no error. */
	if (state->driver_features_sel > 1 && !value)
		return;
	if (state->driver_features_sel > 1 || state->status & XENVIRTIO_STATUS_FEATURES_OK) {
		xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_FEATURES,
					     "features written too late, or that do not exist");
		return;
	}
	features = state->driver_features;
	if (state->driver_features_sel)
		features = (uint32_t)features | (uint64_t)value << 32;
	else
		features = (features >> 32) << 32 | value;
	state->driver_features = features;
}

unsigned int device_state_queues(const struct xenvirtio_device *dev)
{
	const struct xenvirtio_device_state *state = dev->state;
	size_t bytes = state->bytes, each = sizeof(state->queue[0]), head = offsetof(struct xenvirtio_device_state, queue);
	size_t room = XENVIRTIO_DEVICE_STATE_BYTES(dev->cfg.nr_queues);

	if (bytes < XENVIRTIO_DEVICE_STATE_BYTES(0) || bytes > sizeof(*state) || (bytes - head) % each)
		return 0;
	return (unsigned int)(((bytes < room ? bytes : room) - head) / each);
}

void device_finish_reset(struct xenvirtio_device *dev)
{
	struct xenvirtio_device_state *state = dev->state;
	unsigned int nr = device_state_queues(dev);

	if (state->status)
		return;
	for (unsigned int i = 0; i < nr; i++)
		if (state->queue[i].ready)
			state->queue[i] = (struct xenvirtio_queue_state){ 0 };
}

static bool status_valid(const struct xenvirtio_device *dev)
{
	const struct xenvirtio_device_state *state = dev->state;
	uint32_t status = state->status & ~STATUS_ENDED;

	if (state->status & ~(STATUS_DRIVERS | XENVIRTIO_STATUS_NEEDS_RESET))
		return false;
	if (status & XENVIRTIO_STATUS_FEATURES_OK &&
	    (state->driver_features & ~(dev->offered | dev->cfg.features_kept) ||
	     !(state->driver_features >> XENVIRTIO_F_VERSION_1 & 1)))
		return false;
	/* each of 0, 1, 3, 11, 15 has all that go before it */
	return status == 0 || status == XENVIRTIO_STATUS_ACKNOWLEDGE || status == 3 ||
	       status == 11 || status == 15;
}

bool device_state_valid(const struct xenvirtio_device *dev)
{
	const struct xenvirtio_device_state *state = dev->state;
	bool packed = xenvirtio_device_features(dev) >> XENVIRTIO_F_RING_PACKED & 1;
	unsigned int nr = device_state_queues(dev);

	if (!status_valid(dev) || state->interrupt_status & ~(INTERRUPT_USED | INTERRUPT_CONFIG))
		return false;
	for (unsigned int i = 0; i < nr; i++) {
		const struct xenvirtio_queue_state *queue = &state->queue[i];

		if (queue->ready && (i >= dev->cfg.nr_queues ||
				     !(state->status & XENVIRTIO_STATUS_FEATURES_OK)))
			return false;
		if (!queue_state_valid(queue, dev->gmem, dev->cfg.queue_size_max, packed))
			return false;
		if (queue->ready && dev->queue[i].log && !in_flight_valid(dev->queue[i].log, queue))
			return false;
	}
	return true;
}
