// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An honest driver. Little-endian machines only, as are those Xen runs on.
 *
 * Barriers are full ones: on a real guest the device is another CPU.
 */
#include "driver.h"

#include <errno.h>
#include <string.h>

#define WAITS_MAX 5000

int driver_read(struct driver *d, uint32_t reg, uint32_t *val)
{
	uint64_t wide = 0;
	int ret = d->bus->ops->read(d->bus, reg, 4, &wide);

	*val = (uint32_t)wide;
	return ret;
}

int driver_write(struct driver *d, uint32_t reg, uint32_t val)
{
	return d->bus->ops->write(d->bus, reg, 4, val);
}

int driver_write_gpa(struct driver *d, uint32_t reg, uint64_t gpa)
{
	int ret = driver_write(d, reg, (uint32_t)gpa);

	return ret ? ret : driver_write(d, reg + 4, (uint32_t)(gpa >> 32));
}

uint32_t driver_status(struct driver *d)
{
	uint32_t status;

	return driver_read(d, REG_STATUS, &status) ? UINT32_MAX : status;
}

int driver_reset(struct driver *d)
{
	int ret = driver_write(d, REG_STATUS, 0);

	for (int i = 0; !ret && driver_status(d); i++) {
		if (i == WAITS_MAX)
			return -EPROTO;
		ret = d->bus->ops->wait(d->bus);
	}
	if (!ret)
		d->bus->ops->free_pages(d->bus);
	return ret;
}

static int read_features(struct driver *d, uint64_t *features)
{
	uint32_t low = 0, high = 0;
	int ret = driver_write(d, REG_DEVICE_FEATURES_SEL, 1);

	if (!ret)
		ret = driver_read(d, REG_DEVICE_FEATURES, &high);
	if (!ret)
		ret = driver_write(d, REG_DEVICE_FEATURES_SEL, 0);
	if (!ret)
		ret = driver_read(d, REG_DEVICE_FEATURES, &low);
	*features = (uint64_t)high << 32 | low;
	return ret;
}

static int write_features(struct driver *d, uint64_t features)
{
	int ret = driver_write(d, REG_DRIVER_FEATURES_SEL, 1);

	if (!ret)
		ret = driver_write(d, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
	if (!ret)
		ret = driver_write(d, REG_DRIVER_FEATURES_SEL, 0);
	return ret ? ret : driver_write(d, REG_DRIVER_FEATURES, (uint32_t)features);
}

static int expect_register(struct driver *d, uint32_t reg, uint32_t expected)
{
	uint32_t val;
	int ret = driver_read(d, reg, &val);

	if (ret)
		return ret;
	return val == expected ? 0 : -EPROTO;
}

static int write_status(struct driver *d, uint32_t status)
{
	int ret = driver_write(d, REG_STATUS, status);

	return ret ? ret : expect_register(d, REG_STATUS, status);
}

int driver_begin(struct driver *d, uint32_t device_id, uint64_t wanted)
{
	uint64_t offered;
	int ret;

	wanted |= F_VERSION_1;
	ret = expect_register(d, REG_MAGIC, 0x74726976);
	if (!ret)
		ret = expect_register(d, REG_VERSION, 2);
	if (!ret)
		ret = expect_register(d, REG_DEVICE_ID, device_id);
	if (!ret)
		ret = driver_reset(d);
	if (!ret)
		ret = write_status(d, STATUS_ACKNOWLEDGE);
	if (!ret)
		ret = write_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	if (!ret)
		ret = read_features(d, &offered);
	if (!ret && wanted & ~offered)
		ret = -EPROTO;
	if (!ret)
		ret = write_features(d, wanted);
	if (!ret)
		ret = write_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
	d->features = wanted;
	d->nr_queues = 0;
	return ret;
}

int driver_make_ring(struct driver *d, unsigned int index, uint16_t size)
{
	struct driver_queue *q = &d->queue[index];
	uint8_t *page;

	memset(q, 0, sizeof(*q));
	q->driver = d;
	q->index = index;
	q->size = size;
	page = d->bus->ops->alloc_page(d->bus, &q->ring_gpa);
	q->table = d->bus->ops->alloc_page(d->bus, &q->table_gpa);
	if (!page || !q->table)
		return -ENOMEM;
	/* desc at 0, avail at 1024, used at 2048: right for any size up to 64 */
	q->desc = (struct ring_desc *)page;
	q->avail_flags = (uint16_t *)(page + 1024);
	q->avail_idx = q->avail_flags + 1;
	q->avail_ring = q->avail_flags + 2;
	q->used_event = q->avail_ring + size;
	q->used_flags = (uint16_t *)(page + 2048);
	q->used_idx = q->used_flags + 1;
	q->used_ring = (struct ring_used_elem *)(page + 2052);
	q->avail_event = (uint16_t *)(page + 2052 + 8 * size);
	for (uint16_t i = 0; i < size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	q->nr_free = size;
	return 0;
}

int driver_enable_queue(struct driver *d, unsigned int index)
{
	struct driver_queue *q = &d->queue[index];
	int ret = driver_write(d, REG_QUEUE_SEL, index);

	if (!ret)
		ret = expect_register(d, REG_QUEUE_READY, 0);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_NUM, q->size);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_DESC, q->ring_gpa);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_AVAIL, q->ring_gpa + 1024);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_USED, q->ring_gpa + 2048);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 1);
	return ret ? ret : expect_register(d, REG_QUEUE_READY, 1);
}

static int init_queue(struct driver *d, unsigned int index)
{
	uint32_t max = 0;
	int ret = driver_write(d, REG_QUEUE_SEL, index);

	if (!ret)
		ret = driver_read(d, REG_QUEUE_NUM_MAX, &max);
	if (!ret && !max)
		ret = -EPROTO;
	if (max > DRIVER_QUEUE_SIZE_MAX)
		max = DRIVER_QUEUE_SIZE_MAX;
	if (!ret)
		ret = driver_make_ring(d, index, (uint16_t)max);
	return ret ? ret : driver_enable_queue(d, index);
}

int driver_init(struct driver *d, uint32_t device_id, uint64_t wanted, unsigned int nr_queues)
{
	int ret = driver_begin(d, device_id, wanted);

	for (unsigned int i = 0; !ret && i < nr_queues; i++)
		ret = init_queue(d, i);
	d->nr_queues = nr_queues;
	return ret ? ret : write_status(d, STATUS_ACKNOWLEDGE | STATUS_DRIVER |
					   STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

static void fill_desc(struct ring_desc *desc, const struct driver_buf *buf, bool more,
		      uint16_t next)
{
	desc->addr = buf->gpa;
	desc->len = buf->len;
	desc->flags = (uint16_t)((buf->writable ? DESC_WRITE : 0) | (more ? DESC_NEXT : 0));
	desc->next = next;
}

/* Each head has a slice of the table page: what is in flight is not overwritten. */
static struct ring_desc *find_table(struct driver_queue *q, uint16_t head, unsigned int nr,
				    uint64_t *gpa)
{
	unsigned int room = BUS_PAGE_BYTES / sizeof(struct ring_desc) / q->size;

	if (nr > room)
		return NULL;
	*gpa = q->table_gpa + head * room * sizeof(struct ring_desc);
	return q->table + head * room;
}

int driver_add(struct driver_queue *q, const struct driver_buf *buf, unsigned int nr,
	       bool indirect, uint16_t *head)
{
	uint16_t i = q->free_head;
	uint16_t used = (uint16_t)(indirect ? 1 : nr);

	if (!nr || q->nr_free < used)
		return -ENOSPC;
	*head = i;
	if (indirect) {
		uint64_t gpa;
		struct ring_desc *table = find_table(q, i, nr, &gpa);

		if (!table)
			return -ENOSPC;
		for (unsigned int k = 0; k < nr; k++)
			fill_desc(&table[k], &buf[k], k + 1 < nr, (uint16_t)(k + 1));
		q->desc[i].addr = gpa;
		q->desc[i].len = nr * (uint32_t)sizeof(struct ring_desc);
		q->desc[i].flags = DESC_INDIRECT;
		i = q->desc[i].next;
	} else {
		for (unsigned int k = 0; k < nr; k++) {
			struct ring_desc *desc = &q->desc[i];

			fill_desc(desc, &buf[k], k + 1 < nr, desc->next);
			i = desc->next;
		}
	}
	q->free_head = i;
	q->nr_free -= used;
	q->length[*head] = used;
	q->avail_ring[q->added_idx % q->size] = *head;
	q->added_idx++;
	__sync_synchronize();
	*q->avail_idx = q->added_idx;
	return 0;
}

int driver_kick(struct driver_queue *q)
{
	uint16_t old = q->kicked_idx;
	bool wanted;

	__sync_synchronize();
	q->kicked_idx = q->added_idx;
	if (q->driver->features & F_EVENT_IDX)
		wanted = (uint16_t)(q->added_idx - *q->avail_event - 1) <
			 (uint16_t)(q->added_idx - old);
	else
		wanted = !(*q->used_flags & 1);
	return wanted ? driver_write(q->driver, REG_QUEUE_NOTIFY, q->index) : 0;
}

int driver_collect(struct driver_queue *q, uint16_t *head, uint32_t *len)
{
	volatile struct ring_used_elem *elem;
	uint16_t last;

	if (*q->used_idx == q->last_used_idx)
		return DRIVER_EMPTY;
	__sync_synchronize();
	elem = &q->used_ring[q->last_used_idx % q->size];
	if (elem->id >= q->size || !q->length[elem->id])
		return -EPROTO;
	*head = (uint16_t)elem->id;
	*len = elem->len;
	last = *head;
	for (uint16_t i = 1; i < q->length[*head]; i++)
		last = q->desc[last].next;
	q->desc[last].next = q->free_head;
	q->free_head = *head;
	q->nr_free += q->length[*head];
	q->length[*head] = 0;
	q->last_used_idx++;
	*q->used_event = q->last_used_idx;
	__sync_synchronize();
	return 0;
}

int driver_wait(struct driver_queue *q, uint16_t *head, uint32_t *len)
{
	for (int i = 0; i < WAITS_MAX; i++) {
		int ret = driver_collect(q, head, len);

		if (ret != DRIVER_EMPTY)
			return ret;
		ret = q->driver->bus->ops->wait(q->driver->bus);
		if (ret)
			return ret;
	}
	return -ETIMEDOUT;
}
