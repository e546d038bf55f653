/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver side of virtio-mmio and split rings, as the specification asks of a driver.
 *
 * Honest by default: hostile.c takes its rings and registers and writes there what no driver would.
 * Returns are 0, -errno, or DRIVER_EMPTY. -EPROTO is a device that did not do what it must.
 */
#ifndef GUEST_DRIVER_H
#define GUEST_DRIVER_H

#include "bus.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DRIVER_EMPTY 1
#define DRIVER_QUEUES_MAX 5u
/** so that a ring, whole, fits in a page */
#define DRIVER_QUEUE_SIZE_MAX 64u

/** registers, virtio 1.2, 4.2.2 */
enum {
	REG_MAGIC = 0x000,
	REG_VERSION = 0x004,
	REG_DEVICE_ID = 0x008,
	REG_DEVICE_FEATURES = 0x010,
	REG_DEVICE_FEATURES_SEL = 0x014,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_NUM_MAX = 0x034,
	REG_QUEUE_NUM = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = 0x050,
	REG_INTERRUPT_STATUS = 0x060,
	REG_INTERRUPT_ACK = 0x064,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC = 0x080,
	REG_QUEUE_AVAIL = 0x090,
	REG_QUEUE_USED = 0x0a0,
	REG_CONFIG_GENERATION = 0x0fc,
	REG_CONFIG = 0x100,
	WINDOW_BYTES = 0x200,
};

enum {
	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64,
	STATUS_FAILED = 128,
};

#define F_INDIRECT (UINT64_C(1) << 28)
#define F_EVENT_IDX (UINT64_C(1) << 29)
#define F_VERSION_1 (UINT64_C(1) << 32)

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

struct ring_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

struct ring_used_elem {
	uint32_t id;
	uint32_t len;
};

/** one queue; all of its ring is in one page, its indirect tables in another */
struct driver_queue {
	struct driver *driver;
	unsigned int index;
	uint16_t size;
	uint64_t ring_gpa;
	struct ring_desc *desc;
	volatile uint16_t *avail_flags;
	volatile uint16_t *avail_idx;
	volatile uint16_t *avail_ring;
	volatile uint16_t *used_event;
	volatile uint16_t *used_flags;
	volatile uint16_t *used_idx;
	volatile struct ring_used_elem *used_ring;
	volatile uint16_t *avail_event;
	struct ring_desc *table;
	uint64_t table_gpa;
	uint16_t added_idx;	/* what avail->idx is, or will be */
	uint16_t kicked_idx;
	uint16_t last_used_idx;
	uint16_t nr_free;
	uint16_t free_head;
	uint16_t length[DRIVER_QUEUE_SIZE_MAX]; /* descriptors of the chain that begins there */
};

struct driver {
	struct bus *bus;
	uint64_t features;
	unsigned int nr_queues;
	struct driver_queue queue[DRIVER_QUEUES_MAX];
};

struct driver_buf {
	uint64_t gpa;
	uint32_t len;
	bool writable;
};

/** registers: 32 bits */
int driver_read(struct driver *d, uint32_t reg, uint32_t *val);
int driver_write(struct driver *d, uint32_t reg, uint32_t val);
/** driver_write_gpa() - both halves of a ring address register */
int driver_write_gpa(struct driver *d, uint32_t reg, uint64_t gpa);
/** driver_status() - the status register; all-ones when it cannot be read */
uint32_t driver_status(struct driver *d);

/** driver_reset() - and wait until the device says it was done; frees the bus's pages */
int driver_reset(struct driver *d);
/** driver_begin() - reset, then up to and with FEATURES_OK; @wanted: -EPROTO if not offered */
int driver_begin(struct driver *d, uint32_t device_id, uint64_t wanted);
/** driver_make_ring() - memory and size for queue @index; the device is not told */
int driver_make_ring(struct driver *d, unsigned int index, uint16_t size);
/** driver_enable_queue() - tell it, and check that QueueReady stuck */
int driver_enable_queue(struct driver *d, unsigned int index);
/** driver_init() - all of it, up to DRIVER_OK */
int driver_init(struct driver *d, uint32_t device_id, uint64_t wanted, unsigned int nr_queues);

/** driver_add() - make a chain available. @indirect: in a table. Return: 0; -ENOSPC */
int driver_add(struct driver_queue *q, const struct driver_buf *buf, unsigned int nr,
	       bool indirect, uint16_t *head);
/** driver_kick() - notify the device, if it wants to be */
int driver_kick(struct driver_queue *q);
/** driver_collect() - the next used chain. Return: 0; DRIVER_EMPTY; -EPROTO */
int driver_collect(struct driver_queue *q, uint16_t *head, uint32_t *len);
/** driver_wait() - as driver_collect(), but give the device some time. Return: -ETIMEDOUT */
int driver_wait(struct driver_queue *q, uint16_t *head, uint32_t *len);

#ifdef __cplusplus
}
#endif

#endif /* GUEST_DRIVER_H */
