// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The virtio-mmio register table.
 *
 * Below 0x100 each register is one entry: it is read or written as 4 aligned bytes or not at all,
 * and only in the direction that has a function. From 0x100 on it is the device type's
 * configuration space, in naturally aligned accesses of 1, 2, 4 or 8 bytes. QueueReset is there only
 * with VIRTIO_F_RING_RESET, which foreign queues may have; else a read of it gives all-ones like any hole.
 *
 * Knows offsets, widths and byte order; what a register means is the device's.
 */
#include <endian.h>

#include "transport/mmio.h"

#define MAGIC 0x74726976u /* "virt" */
#define MMIO_VERSION 2u
#define CONFIG_OFFSET 0x100u
#define REGISTER_BYTES 4u

struct mmio_register {
	uint16_t offset;
	uint32_t (*read)(struct xenvirtio_device *dev);
	int (*write)(struct xenvirtio_device *dev, uint32_t value);
	uint8_t feature; /* without which it is not there; 0: none */
};

static uint32_t read_magic(struct xenvirtio_device *dev)
{
	return MAGIC;
}

static uint32_t read_version(struct xenvirtio_device *dev)
{
	return MMIO_VERSION;
}

static uint32_t read_device_id(struct xenvirtio_device *dev)
{
	return dev->cfg.device_id;
}

static uint32_t read_vendor_id(struct xenvirtio_device *dev)
{
	return dev->cfg.vendor_id;
}

static uint32_t read_device_features(struct xenvirtio_device *dev)
{
	uint32_t sel = dev->state->device_features_sel;

	return sel > 1 ? 0 : (uint32_t)(dev->offered >> 32 * sel);
}

static int write_device_features_sel(struct xenvirtio_device *dev, uint32_t value)
{
	dev->state->device_features_sel = value;
	return 0;
}

static int write_driver_features(struct xenvirtio_device *dev, uint32_t value)
{
	device_write_features(dev, value);
	return 0;
}

static int write_driver_features_sel(struct xenvirtio_device *dev, uint32_t value)
{
	dev->state->driver_features_sel = value;
	return 0;
}

static int write_queue_sel(struct xenvirtio_device *dev, uint32_t value)
{
	dev->state->queue_sel = value;
	return 0;
}

static uint32_t read_queue_num_max(struct xenvirtio_device *dev)
{
	return device_selected_queue(dev) ? dev->cfg.queue_size_max : 0;
}

static int write_queue_num(struct xenvirtio_device *dev, uint32_t value)
{
	device_write_queue_size(dev, value);
	return 0;
}

static uint32_t read_queue_ready(struct xenvirtio_device *dev)
{
	const struct xenvirtio_queue *q = device_selected_queue(dev);

	return q ? q->state->ready : 0;
}

static int write_queue_notify(struct xenvirtio_device *dev, uint32_t value)
{
	/* The upper half carries ring positions under VIRTIO_F_NOTIFICATION_DATA: not offered. */
	device_mark_kick(dev, value & 0xffff);
	return 0;
}

static uint32_t read_interrupt_status(struct xenvirtio_device *dev)
{
	return dev->state->interrupt_status;
}

static uint32_t read_status(struct xenvirtio_device *dev)
{
	return dev->state->status;
}

/* One function a half register: the queue may not exist, device_write_ring() finds out. */
#define DEFINE_RING_WRITE(name, member, shift) \
	static int write_##name(struct xenvirtio_device *dev, uint32_t value) \
	{ \
		struct xenvirtio_queue *q = device_selected_queue(dev); \
\
		device_write_ring(dev, q ? &q->state->member : NULL, shift, value); \
		return 0; \
	}

DEFINE_RING_WRITE(desc_low, desc_gpa, 0)
DEFINE_RING_WRITE(desc_high, desc_gpa, 32)
DEFINE_RING_WRITE(avail_low, avail_gpa, 0)
DEFINE_RING_WRITE(avail_high, avail_gpa, 32)
DEFINE_RING_WRITE(used_low, used_gpa, 0)
DEFINE_RING_WRITE(used_high, used_gpa, 32)

/* A reset is over when its write is. */
static uint32_t read_queue_reset(struct xenvirtio_device *dev)
{
	return 0;
}

/* There are no shared memory regions, whichever is selected: length and base are all-ones. */
static int write_shm_sel(struct xenvirtio_device *dev, uint32_t value)
{
	return 0;
}

static uint32_t read_shm(struct xenvirtio_device *dev)
{
	return UINT32_MAX;
}

static uint32_t read_config_generation(struct xenvirtio_device *dev)
{
	return dev->state->config_generation;
}

/* virtio 1.2, table 4.1; ascending */
static const struct mmio_register registers[] = {
	{ 0x000, .read = read_magic },
	{ 0x004, .read = read_version },
	{ 0x008, .read = read_device_id },
	{ 0x00c, .read = read_vendor_id },
	{ 0x010, .read = read_device_features },
	{ 0x014, .write = write_device_features_sel },
	{ 0x020, .write = write_driver_features },
	{ 0x024, .write = write_driver_features_sel },
	{ 0x030, .write = write_queue_sel },
	{ 0x034, .read = read_queue_num_max },
	{ 0x038, .write = write_queue_num },
	{ 0x044, .read = read_queue_ready, .write = device_write_queue_ready },
	{ 0x050, .write = write_queue_notify },
	{ 0x060, .read = read_interrupt_status },
	{ 0x064, .write = device_ack_interrupt },
	{ 0x070, .read = read_status, .write = device_write_status },
	{ 0x080, .write = write_desc_low },
	{ 0x084, .write = write_desc_high },
	{ 0x090, .write = write_avail_low },
	{ 0x094, .write = write_avail_high },
	{ 0x0a0, .write = write_used_low },
	{ 0x0a4, .write = write_used_high },
	{ 0x0ac, .write = write_shm_sel },
	{ 0x0b0, .read = read_shm }, /* SHMLenLow */
	{ 0x0b4, .read = read_shm }, /* SHMLenHigh */
	{ 0x0b8, .read = read_shm }, /* SHMBaseLow */
	{ 0x0bc, .read = read_shm }, /* SHMBaseHigh */
	{ 0x0c0, .read = read_queue_reset, .write = device_write_queue_reset, .feature = XENVIRTIO_F_RING_RESET },
	{ 0x0fc, .read = read_config_generation },
};

static const struct mmio_register *find_register(const struct xenvirtio_device *dev, uint64_t offset)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		const struct mmio_register *reg = &registers[i];

		if (reg->offset == offset)
			return !reg->feature || xenvirtio_device_features(dev) >> reg->feature & 1 ? reg : NULL;
	}
	return NULL;
}

uint64_t mmio_all_ones(uint32_t size)
{
	return size < sizeof(uint64_t) ? (UINT64_C(1) << 8 * size) - 1 : UINT64_MAX;
}

static void access_config(struct xenvirtio_device *dev, uint32_t offset, uint32_t size, bool read,
			  uint64_t *data)
{
	const struct xenvirtio_device_ops *ops = dev->cfg.ops;
	uint64_t raw = read ? 0 : htole64(*data);

	if (!read) {
		if (ops->config_write)
			ops->config_write(dev->cfg.opaque, offset, &raw, size);
		return;
	}
	if (ops->config_read)
		ops->config_read(dev->cfg.opaque, offset, &raw, size);
	*data = le64toh(raw);
}

static bool config_takes(const struct xenvirtio_device *dev, uint64_t offset, uint32_t size)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	return offset >= CONFIG_OFFSET && !(offset & (size - 1)) &&
	       offset - CONFIG_OFFSET < dev->cfg.config_bytes &&
	       size <= dev->cfg.config_bytes - (offset - CONFIG_OFFSET);
}

int mmio_access(struct xenvirtio_device *dev, uint64_t offset, uint32_t size, bool read,
		uint64_t *data)
{
	const struct mmio_register *reg = NULL;

	if (config_takes(dev, offset, size)) {
		access_config(dev, (uint32_t)(offset - CONFIG_OFFSET), size, read, data);
		return 0;
	}
	if (size == REGISTER_BYTES)
		reg = find_register(dev, offset);
	if (reg && read && reg->read) {
		*data = reg->read(dev);
		return 0;
	}
	if (reg && !read && reg->write)
		return reg->write(dev, (uint32_t)*data);
	if (read)
		*data = mmio_all_ones(size);
	xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_ACCESS,
				     "no register of that offset, size and direction");
	return 0;
}
