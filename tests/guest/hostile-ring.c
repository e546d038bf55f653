// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings with lies in them. All on queue 0; no chain here ever reaches the device type, so they hold
 * for any.
 */
#include <errno.h>
#include <string.h>

#include "hostile.h"

#define RAM_BUF_BYTES 64u

static struct driver_queue *first_queue(struct hostile *h)
{
	return &h->driver.queue[0];
}

/* all descriptors valid on their own, and in RAM: each test then spoils one thing */
static void fill_table(struct driver_queue *q, struct ring_desc *table, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		table[i] = (struct ring_desc){ .addr = q->ring_gpa, .len = RAM_BUF_BYTES };
}

static int begin(struct hostile *h, uint64_t features)
{
	int ret = hostile_init(h, features);

	if (!ret)
		fill_table(first_queue(h), first_queue(h)->desc, first_queue(h)->size);
	return ret;
}

/* make @head available and notify, whatever the ring says */
static int publish(struct hostile *h, uint16_t head)
{
	struct driver_queue *q = first_queue(h);

	q->avail_ring[*q->avail_idx % q->size] = head;
	__sync_synchronize();
	*q->avail_idx = (uint16_t)(*q->avail_idx + 1);
	__sync_synchronize();
	return driver_write(&h->driver, REG_QUEUE_NOTIFY, 0);
}

/* nothing of the kind may come back used */
static int publish_unused(struct hostile *h, uint16_t head)
{
	int ret = publish(h, head);

	if (!ret)
		ret = h->driver.bus->ops->wait(h->driver.bus);
	if (!ret && *first_queue(h)->used_idx)
		return hostile_fail(h, "a chain that cannot be came back used");
	return ret;
}

static int jump_by(struct hostile *h, uint16_t jump)
{
	struct driver_queue *q;
	int ret = begin(h, 0);

	if (ret)
		return ret;
	q = first_queue(h);
	*q->avail_idx = (uint16_t)(*q->avail_idx + jump);
	__sync_synchronize();
	return driver_write(&h->driver, REG_QUEUE_NOTIFY, 0);
}

static int jump_avail_far(struct hostile *h)
{
	return jump_by(h, 40000);
}

static int jump_avail_by_one_too_many(struct hostile *h)
{
	int ret = begin(h, 0);

	return ret ? ret : jump_by(h, (uint16_t)(first_queue(h)->size + 1));
}

static int jump_avail_backwards(struct hostile *h)
{
	return jump_by(h, 0xffff);
}

static int use_no_descriptor(struct hostile *h)
{
	int ret = begin(h, 0);

	return ret ? ret : publish_unused(h, first_queue(h)->size);
}

static int use_descriptor_65535(struct hostile *h)
{
	int ret = begin(h, 0);

	return ret ? ret : publish_unused(h, 0xffff);
}

static int loop_on_itself(struct hostile *h)
{
	int ret = begin(h, 0);

	if (ret)
		return ret;
	first_queue(h)->desc[0].flags = DESC_NEXT;
	first_queue(h)->desc[0].next = 0;
	return publish_unused(h, 0);
}

static int loop_over_two(struct hostile *h)
{
	int ret = begin(h, 0);

	for (int i = 0; !ret && i < 2; i++) {
		first_queue(h)->desc[i].flags = DESC_NEXT;
		first_queue(h)->desc[i].next = (uint16_t)!i;
	}
	return ret ? ret : publish_unused(h, 0);
}

/* Empty buffers add no segment: the walk must still end. */
static int loop_of_nothing(struct hostile *h)
{
	int ret = begin(h, 0);

	if (ret)
		return ret;
	first_queue(h)->desc[0] = (struct ring_desc){ .flags = DESC_NEXT };
	return publish_unused(h, 0);
}

static int next_outside(struct hostile *h)
{
	int ret = begin(h, 0);

	if (ret)
		return ret;
	first_queue(h)->desc[0].flags = DESC_NEXT;
	first_queue(h)->desc[0].next = first_queue(h)->size;
	return publish_unused(h, 0);
}

static int readable_after_writable(struct hostile *h)
{
	int ret = begin(h, 0);

	if (ret)
		return ret;
	first_queue(h)->desc[0].flags = DESC_NEXT | DESC_WRITE;
	first_queue(h)->desc[0].next = 1;
	return publish_unused(h, 0);
}

static int buffer_at(struct hostile *h, uint64_t gpa, uint32_t len, uint16_t flags)
{
	int ret = begin(h, 0);

	if (ret)
		return ret;
	first_queue(h)->desc[0].addr = gpa;
	first_queue(h)->desc[0].len = len;
	first_queue(h)->desc[0].flags = flags;
	return publish_unused(h, 0);
}

static int buffer_outside(struct hostile *h)
{
	int ret = buffer_at(h, h->driver.bus->outside_gpa, 1, 0);

	return ret ? ret : buffer_at(h, h->driver.bus->outside_gpa, 1, DESC_WRITE);
}

static int buffer_in_mmio(struct hostile *h)
{
	return buffer_at(h, h->driver.bus->base_gpa, 16, DESC_WRITE);
}

static int buffer_wrapping(struct hostile *h)
{
	int ret = buffer_at(h, 0xffffffffffffff00u, 0x1000, DESC_WRITE);

	return ret ? ret : buffer_at(h, UINT64_MAX, 1, 0);
}

static int buffer_too_long(struct hostile *h)
{
	int ret = begin(h, 0);

	return ret ? ret : buffer_at(h, first_queue(h)->ring_gpa, 0xffffffff, 0);
}

static int chain_over_4_gib(struct hostile *h)
{
	int ret = begin(h, 0);

	for (int i = 0; !ret && i < 4; i++) {
		first_queue(h)->desc[i].len = 0xfffff000;
		first_queue(h)->desc[i].flags = DESC_NEXT;
		first_queue(h)->desc[i].next = (uint16_t)(i + 1);
	}
	return ret ? ret : publish_unused(h, 0);
}

/* descriptor 0 refers to a table of @nr sound entries, chained */
static int begin_indirect(struct hostile *h, unsigned int nr)
{
	struct driver_queue *q = first_queue(h);
	int ret = begin(h, F_INDIRECT);

	if (ret)
		return ret;
	fill_table(q, q->table, BUS_PAGE_BYTES / sizeof(*q->table));
	for (unsigned int i = 0; i + 1 < nr; i++) {
		q->table[i].flags = DESC_NEXT;
		q->table[i].next = (uint16_t)(i + 1);
	}
	q->desc[0] = (struct ring_desc){
		.addr = q->table_gpa,
		.len = nr * (uint32_t)sizeof(*q->table),
		.flags = DESC_INDIRECT,
	};
	return 0;
}

static int indirect_not_negotiated(struct hostile *h)
{
	int ret = begin(h, 0);

	if (ret)
		return ret;
	first_queue(h)->desc[0].addr = first_queue(h)->table_gpa;
	first_queue(h)->desc[0].flags = DESC_INDIRECT;
	return publish_unused(h, 0);
}

static int indirect_with_next(struct hostile *h)
{
	int ret = begin_indirect(h, 2);

	if (ret)
		return ret;
	first_queue(h)->desc[0].flags = DESC_INDIRECT | DESC_NEXT;
	first_queue(h)->desc[0].next = 1;
	return publish_unused(h, 0);
}

static int indirect_in_indirect(struct hostile *h)
{
	int ret = begin_indirect(h, 2);

	if (ret)
		return ret;
	first_queue(h)->table[1] = first_queue(h)->desc[0];
	return publish_unused(h, 0);
}

static int indirect_of_len(struct hostile *h, uint32_t len)
{
	int ret = begin_indirect(h, 2);

	if (ret)
		return ret;
	first_queue(h)->desc[0].len = len;
	return publish_unused(h, 0);
}

static int indirect_of_odd_length(struct hostile *h)
{
	static const uint32_t len[] = { 0, 1, 8, 15, 17, 0xffffffff };
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(len) / sizeof(len[0]); i++)
		ret = indirect_of_len(h, len[i]);
	return ret;
}

static int indirect_too_long(struct hostile *h)
{
	int ret = indirect_of_len(h, 257 * 16);

	return ret ? ret : indirect_of_len(h, 0xfffffff0);
}

/* Neither table is too long, but what they hold together is. */
static int indirect_after_direct(struct hostile *h)
{
	int ret = begin_indirect(h, 256);
	struct driver_queue *q = first_queue(h);

	if (ret)
		return ret;
	q->desc[1] = q->desc[0];
	q->desc[0] = (struct ring_desc){ .addr = q->ring_gpa, .len = 1, .flags = DESC_NEXT,
					 .next = 1 };
	return publish_unused(h, 0);
}

static int indirect_loop(struct hostile *h)
{
	int ret = begin_indirect(h, 4);

	if (ret)
		return ret;
	first_queue(h)->table[3].flags = DESC_NEXT;
	first_queue(h)->table[3].next = 0;
	return publish_unused(h, 0);
}

static int indirect_next_outside(struct hostile *h)
{
	int ret = begin_indirect(h, 4);

	if (ret)
		return ret;
	first_queue(h)->table[0].next = 4;
	return publish_unused(h, 0);
}

static int indirect_table_at(struct hostile *h, uint64_t gpa)
{
	int ret = begin_indirect(h, 2);

	if (ret)
		return ret;
	first_queue(h)->desc[0].addr = gpa;
	return publish_unused(h, 0);
}

static int indirect_table_outside(struct hostile *h)
{
	int ret = indirect_table_at(h, h->driver.bus->outside_gpa);

	if (!ret)
		ret = indirect_table_at(h, h->driver.bus->base_gpa);
	return ret ? ret : indirect_table_at(h, 0xfffffffffffffff8u);
}

static int kick_broken_queue(struct hostile *h)
{
	int ret = jump_avail_far(h);

	for (int i = 0; !ret && i < 100; i++)
		ret = driver_write(&h->driver, REG_QUEUE_NOTIFY, 0);
	/* NEEDS_RESET is told once, not once a kick */
	return ret ? ret : hostile_expect_status(h, 0xff, 15 | STATUS_NEEDS_RESET);
}

static int kick_empty_queue(struct hostile *h)
{
	int ret = begin(h, F_EVENT_IDX);

	for (int i = 0; !ret && i < 1000; i++)
		ret = driver_write(&h->driver, REG_QUEUE_NOTIFY, 0);
	return ret;
}

static int scribble_on_used_ring(struct hostile *h)
{
	struct driver_queue *q = first_queue(h);
	int ret = hostile_init(h, F_EVENT_IDX);

	if (ret)
		return ret;
	memset((void *)(uintptr_t)q->used_flags, 0xa5, 4 + 8 * q->size);
	*q->used_event = 0x5a5a;
	*q->avail_flags = 0xffff;
	return driver_write(&h->driver, REG_QUEUE_NOTIFY, 0);
}

/* made available, and the device reset before it could look */
static int reset_with_chains(struct hostile *h)
{
	struct driver_queue *q = first_queue(h);
	int ret = begin(h, 0);

	if (ret)
		return ret;
	for (uint16_t i = 0; i < q->size; i++)
		q->avail_ring[i] = i;
	*q->avail_idx = q->size;
	return driver_reset(&h->driver);
}

const struct hostile_scenario hostile_ring[] = {
	{ "available index jumps by 40000", jump_avail_far, HOSTILE_NEEDS_RESET, true },
	{ "available index one too far", jump_avail_by_one_too_many, HOSTILE_NEEDS_RESET, true },
	{ "available index goes back", jump_avail_backwards, HOSTILE_NEEDS_RESET, true },
	{ "head is the queue size", use_no_descriptor, HOSTILE_NEEDS_RESET, true },
	{ "head is 65535", use_descriptor_65535, HOSTILE_NEEDS_RESET, true },
	{ "descriptor that is its own next", loop_on_itself, HOSTILE_NEEDS_RESET, true },
	{ "loop of two descriptors", loop_over_two, HOSTILE_NEEDS_RESET, true },
	{ "loop of empty descriptors", loop_of_nothing, HOSTILE_NEEDS_RESET, true },
	{ "next outside the table", next_outside, HOSTILE_NEEDS_RESET, true },
	{ "readable after writable", readable_after_writable, HOSTILE_NEEDS_RESET, true },
	{ "buffer outside RAM", buffer_outside, HOSTILE_NEEDS_RESET, true },
	{ "buffer in the MMIO window", buffer_in_mmio, HOSTILE_NEEDS_RESET, true },
	{ "buffer that wraps", buffer_wrapping, HOSTILE_NEEDS_RESET, true },
	{ "buffer of 4 GiB less one", buffer_too_long, HOSTILE_NEEDS_RESET, true },
	{ "chain of more than 4 GiB", chain_over_4_gib, HOSTILE_NEEDS_RESET, true },
	{ "indirect, not negotiated", indirect_not_negotiated, HOSTILE_NEEDS_RESET, true },
	{ "indirect with next", indirect_with_next, HOSTILE_NEEDS_RESET, true },
	{ "indirect in indirect", indirect_in_indirect, HOSTILE_NEEDS_RESET, true },
	{ "indirect table of odd length", indirect_of_odd_length, HOSTILE_NEEDS_RESET, true },
	{ "indirect table too long", indirect_too_long, HOSTILE_NEEDS_RESET, true },
	{ "direct and indirect too long together", indirect_after_direct, HOSTILE_NEEDS_RESET,
	  true },
	{ "loop in an indirect table", indirect_loop, HOSTILE_NEEDS_RESET, true },
	{ "next outside an indirect table", indirect_next_outside, HOSTILE_NEEDS_RESET, true },
	{ "indirect table outside RAM", indirect_table_outside, HOSTILE_NEEDS_RESET, true },
	{ "kicks of a broken queue", kick_broken_queue, HOSTILE_NEEDS_RESET, true },
	{ "kicks of an empty queue", kick_empty_queue, HOSTILE_IGNORED, false },
	{ "scribbles on the used ring", scribble_on_used_ring, HOSTILE_IGNORED, false },
	{ "reset with chains waiting", reset_with_chains, HOSTILE_IGNORED, false },
	{ 0 },
};
