// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How queues are set up, stopped and reset: virtio 1.2, 2.6, 2.7 and 4.2.3.2.
 */
#include <errno.h>

#include "conformance/clauses.h"

#define F_RING_RESET (UINT64_C(1) << 40)
#define REG_QUEUE_RESET 0x0c0

static uint32_t largest_size(struct world *w)
{
	uint32_t least = DRIVER_QUEUE_SIZE_MAX;

	for (unsigned int i = 0; i < w->cd->nr_queues; i++) {
		uint32_t max;

		if (driver_write(&w->driver, REG_QUEUE_SEL, i))
			return 0;
		max = world_reg(w, REG_QUEUE_NUM_MAX);
		least = max < least ? max : least;
	}
	return least;
}

static int begin(struct world *w, uint64_t more)
{
	int ret = driver_begin(&w->driver, w->cd->device_id, w->cd->features | more);

	w->driver.nr_queues = w->cd->nr_queues;
	return world_check(w, ret, "an initialisation up to FEATURES_OK");
}

static int enable(struct world *w, unsigned int index)
{
	return world_check(w, driver_enable_queue(&w->driver, index), "setting up a queue");
}

static int make_and_enable(struct world *w, unsigned int index, uint16_t size)
{
	int ret = world_check(w, driver_make_ring(&w->driver, index, size), "memory for a ring");

	return ret ? ret : enable(w, index);
}

static int go(struct world *w)
{
	int ret = world_check(w, driver_write(&w->driver, REG_STATUS, 15), "DRIVER_OK");

	for (int i = 0; !ret && i < 3; i++)
		ret = world_request(w, NULL);
	return ret;
}

static int every_size(struct world *w)
{
	uint32_t max = largest_size(w);
	int ret = 0;

	for (uint16_t size = 2; !ret && size <= max; size = (uint16_t)(size * 2)) {
		ret = begin(w, 0);
		for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++)
			ret = make_and_enable(w, i, size);
		if (!ret)
			ret = go(w);
	}
	return ret;
}

static int last_queue_first(struct world *w)
{
	uint32_t max = largest_size(w);
	int ret = begin(w, 0);

	for (unsigned int i = w->cd->nr_queues; !ret && i > 0; i--)
		ret = make_and_enable(w, i - 1, (uint16_t)(max < 16 ? max : 16));
	return ret ? ret : go(w);
}

/* All that a queue is told, the ready bit last and the rest the other way round. */
static int enable_backwards(struct world *w, unsigned int index)
{
	struct driver *d = &w->driver;
	struct driver_queue *q = &d->queue[index];
	int ret = driver_write(d, REG_QUEUE_SEL, index);

	for (int high = 4; !ret && high >= 0; high -= 4) {
		ret = driver_write(d, REG_QUEUE_USED + (uint32_t)high, (uint32_t)((q->ring_gpa + 2048) >> 8 * high));
		if (!ret)
			ret = driver_write(d, REG_QUEUE_AVAIL + (uint32_t)high, (uint32_t)((q->ring_gpa + 1024) >> 8 * high));
		if (!ret)
			ret = driver_write(d, REG_QUEUE_DESC + (uint32_t)high, (uint32_t)(q->ring_gpa >> 8 * high));
	}
	if (!ret)
		ret = driver_write(d, REG_QUEUE_NUM, q->size);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 1);
	return world_check(w, ret, "setting up a queue");
}

static int any_order_of_registers(struct world *w)
{
	uint32_t max = largest_size(w);
	int ret = begin(w, 0);

	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = world_check(w, driver_make_ring(&w->driver, i, (uint16_t)(max < 16 ? max : 16)), "memory for a ring");
		if (!ret)
			ret = enable_backwards(w, i);
	}
	return ret ? ret : go(w);
}

/* The same page, each part moved by as little as it may be. */
static int move_ring(struct world *w, unsigned int index)
{
	struct driver *d = &w->driver;
	struct driver_queue *q = &d->queue[index];
	uint8_t *page = (uint8_t *)q->desc;
	int ret;

	q->desc = (struct ring_desc *)(page + 16);
	for (uint16_t i = 0; i < q->size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	q->avail_flags = (uint16_t *)(page + 1024 + 256 + 2);
	q->avail_idx = q->avail_flags + 1;
	q->avail_ring = q->avail_flags + 2;
	q->used_event = q->avail_ring + q->size;
	q->used_flags = (uint16_t *)(page + 2048 + 4);
	q->used_idx = q->used_flags + 1;
	q->used_ring = (struct ring_used_elem *)(page + 2048 + 8);
	q->avail_event = (uint16_t *)(page + 2048 + 8 + 8 * q->size);
	ret = driver_write(d, REG_QUEUE_SEL, index);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_NUM, q->size);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_DESC, q->ring_gpa + 16);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_AVAIL, q->ring_gpa + 1024 + 256 + 2);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_USED, q->ring_gpa + 2048 + 4);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 1);
	ret = world_check(w, ret, "setting up a queue");
	if (!ret && world_reg(w, REG_QUEUE_READY) != 1)
		return world_fail(w, "rings that are aligned to 16, 2 and 4 bytes are refused");
	return ret;
}

static int least_alignment(struct world *w)
{
	uint32_t max = largest_size(w);
	int ret = begin(w, 0);

	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = world_check(w, driver_make_ring(&w->driver, i, (uint16_t)(max < 32 ? max : 32)), "memory for a ring");
		if (!ret)
			ret = move_ring(w, i);
	}
	return ret ? ret : go(w);
}

/* With a message there, whatever @reg is written to stop the queue. */
static int expect_stopped(struct world *w, const struct posted *p)
{
	uint64_t before = world_interrupts(w);
	int ret = driver_write(&w->driver, REG_QUEUE_NOTIFY, p->m.queue);

	if (!ret)
		ret = world_turn(w);
	ret = world_check(w, ret, "a notification");
	if (!ret && world_taken(w, p->m.queue))
		return world_fail(w, "a buffer of a queue that was stopped was used");
	if (!ret && world_interrupts(w) != before)
		return world_fail(w, "the driver was notified for a queue that was stopped");
	return ret;
}

static int stop_with(struct world *w, uint32_t reg, uint32_t value)
{
	struct driver *d = &w->driver;
	struct posted p;
	int ret = world_request(w, NULL);

	if (!ret)
		ret = world_quiet(w);
	if (!ret)
		ret = world_post(w, 0, 0, NULL, 0xa5, &p);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_SEL, p.m.queue);
	if (!ret)
		ret = driver_write(d, reg, value);
	if (!ret)
		ret = world_turn(w);
	ret = world_check(w, ret, "stopping a queue");
	if (!ret && world_reg(w, REG_QUEUE_READY))
		return world_fail(w, "QueueReady is not 0 after a queue was stopped");
	return ret ? ret : expect_stopped(w, &p);
}

static int not_ready_not_touched(struct world *w)
{
	int ret = world_init(w, 0);

	return ret ? ret : stop_with(w, REG_QUEUE_READY, 0);
}

static int not_ready_and_again(struct world *w)
{
	int ret = not_ready_not_touched(w);

	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = driver_write(&w->driver, REG_QUEUE_SEL, i);
		if (!ret)
			ret = driver_write(&w->driver, REG_QUEUE_READY, 0);
		ret = world_check(w, ret, "stopping a queue");
		if (!ret)
			ret = make_and_enable(w, i, 8);
	}
	for (int i = 0; !ret && i < 3; i++)
		ret = world_request(w, NULL);
	return ret;
}

static int init_with_reset(struct world *w)
{
	if (!world_has(w, F_RING_RESET))
		return world_skip(w, "VIRTIO_F_RING_RESET is not offered");
	return world_init(w, F_RING_RESET);
}

static int queue_reset(struct world *w)
{
	int ret = init_with_reset(w);

	if (!ret)
		ret = stop_with(w, REG_QUEUE_RESET, 1);
	if (!ret && world_reg(w, REG_QUEUE_RESET))
		return world_fail(w, "QueueReset is not 0 after the reset has completed");
	return ret;
}

static int queue_reset_and_again(struct world *w)
{
	int ret = init_with_reset(w);

	/* so that there is something to be forgotten */
	if (!ret)
		ret = world_request(w, NULL);
	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = driver_write(&w->driver, REG_QUEUE_SEL, i);
		if (!ret)
			ret = driver_write(&w->driver, REG_QUEUE_RESET, 1);
		ret = world_check(w, ret, "QueueReset");
		/* of another size than before */
		if (!ret)
			ret = make_and_enable(w, i, 8);
		if (!ret && world_reg(w, REG_QUEUE_RESET))
			return world_fail(w, "QueueReset is not 0 of a queue that was enabled again");
	}
	for (int i = 0; !ret && i < 3; i++)
		ret = world_request(w, NULL);
	return ret;
}

const struct clause clauses_queue[] = {
	{"4.2.3.2", "queues of every size up to QueueNumMax, or 64, serve", every_size, 0, NULL},
	{"4.2.3.2", "queues may be set up in any order", last_queue_first, 0, NULL},
	{"4.2.3.2", "registers of a queue may be written in any order", any_order_of_registers, 0, NULL},
	{"2.7", "rings may be aligned to 16, 2 and 4 bytes and no more", least_alignment, 0, NULL},
	{"4.2.2.1", "a queue whose QueueReady is 0 is not touched, and nobody notified for it", not_ready_not_touched, 0, NULL},
	{"4.2.2", "a queue that was stopped can be set up anew, from index 0", not_ready_and_again, 0, NULL},
	{"2.6.1.1.1", "a queue that was reset is not touched, and QueueReady and QueueReset are 0", queue_reset, 0, NULL},
	{"2.6.1.2.1", "a queue that was reset can be set up in another way", queue_reset_and_again, 0, NULL},
	{0},
};
