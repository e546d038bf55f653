// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages in descriptors: any layout that the specification allows, and what came back.
 *
 * Chains are placed by hand, from the driver's list of free descriptors, so that driver_collect() takes them back.
 */
#include "conformance/world.h"

#include <errno.h>
#include <string.h>

#define DESC_BYTES 16u

struct draft {
	struct world *w;
	const struct layout *layout;
	struct posted *p;
	struct driver_buf buf[WORLD_PIECES_MAX];
	/* where the next buffer may lie */
	uint8_t *at;
	uint64_t gpa;
	uint32_t room;
};

static int take_page(struct world *w, uint8_t **bytes, uint64_t *gpa)
{
	*bytes = w->bus.bus.ops->alloc_page(&w->bus.bus, gpa);
	return *bytes ? 0 : -ENOMEM;
}

/* Memory of @len bytes; pages of the bus follow on each other, so that a buffer may run over the end of one. */
static int find_room(struct draft *d, uint32_t len)
{
	uint64_t next_gpa;
	uint8_t *next;
	int ret;

	if (!d->layout->apart && d->room >= len)
		return 0;
	ret = take_page(d->w, &d->at, &d->gpa);
	d->room = BUS_PAGE_BYTES;
	if (ret || !d->layout->apart || len < 2)
		return ret;
	ret = take_page(d->w, &next, &next_gpa);
	if (!ret && next_gpa == d->gpa + BUS_PAGE_BYTES && fake_guest_ptr(d->w->fake, xenvirtio_gpa(d->gpa), BUS_PAGE_BYTES + len)) {
		uint32_t before = len / 2;

		d->at += BUS_PAGE_BYTES - before;
		d->gpa += BUS_PAGE_BYTES - before;
	}
	return ret;
}

static int add_part(struct draft *d, const uint8_t *bytes, size_t len, bool writable, uint8_t filling)
{
	size_t piece = d->layout->piece_bytes ? d->layout->piece_bytes : len;
	/* no more pieces than there is room for in the smaller of table and queue */
	size_t least = (len + 11) / 12;

	if (piece < least)
		piece = least;
	for (size_t done = 0; done < len; done += piece) {
		uint32_t here = (uint32_t)(len - done < piece ? len - done : piece);
		unsigned int i = d->p->nr_pieces++;
		int ret = find_room(d, here);

		if (ret)
			return ret;
		d->buf[i] = (struct driver_buf){d->gpa, here, writable};
		d->p->piece[i] = (struct piece){d->at, here, writable};
		if (writable)
			memset(d->at, filling, here);
		else
			memcpy(d->at, bytes + done, here);
		/* between buffers a gap, whose bytes are nobody's */
		d->at += here + 8;
		d->gpa += here + 8;
		d->room = d->room > here + 8 ? d->room - here - 8 : 0;
	}
	return 0;
}

static struct ring_desc to_desc(const struct driver_buf *buf, bool more, uint16_t next)
{
	return (struct ring_desc){buf->gpa, buf->len, (uint16_t)((buf->writable ? DESC_WRITE : 0) | (more ? DESC_NEXT : 0)),
				  next};
}

/* The rest of the buffers, in a page of their own. */
static int make_table(struct draft *d, unsigned int from, struct ring_desc *desc)
{
	unsigned int nr = d->p->nr_pieces - from;
	struct ring_desc *table;
	uint8_t *page;
	uint64_t gpa;
	int ret = take_page(d->w, &page, &gpa);

	if (ret)
		return ret;
	table = (struct ring_desc *)page;
	for (unsigned int i = 0; i < nr; i++) {
		/* from the last entry to the one behind the first, if that is asked for: the first must be the table's first */
		unsigned int at = i && d->layout->backwards ? nr - i : i;
		unsigned int next = d->layout->backwards ? nr - i - 1 : i + 1;

		table[at] = to_desc(&d->buf[from + i], i + 1 < nr, (uint16_t)next);
	}
	*desc = (struct ring_desc){gpa, nr * DESC_BYTES, (uint16_t)(DESC_INDIRECT | (d->layout->odd_flag ? DESC_WRITE : 0)), 0};
	return 0;
}

/* Let the free list run from the last descriptor to the first: of a queue that has nothing in flight. */
static void turn_free_list(struct driver_queue *q)
{
	for (uint16_t i = 0; i < q->size; i++)
		q->desc[i].next = (uint16_t)(i ? i - 1 : q->size);
	q->free_head = (uint16_t)(q->size - 1);
}

static int place(struct draft *d, struct driver_queue *q)
{
	const struct layout *layout = d->layout;
	unsigned int direct = layout->indirect ? layout->direct : d->p->nr_pieces;
	struct ring_desc table = {0};
	unsigned int nr;
	uint16_t i;
	int ret;

	/* a table has one buffer at least */
	if (layout->indirect && direct >= d->p->nr_pieces)
		direct = d->p->nr_pieces - 1;
	nr = direct + layout->indirect;
	if (nr > q->nr_free)
		return -ENOSPC;
	ret = layout->indirect ? make_table(d, direct, &table) : 0;
	if (ret)
		return ret;
	if (layout->backwards && q->nr_free == q->size)
		turn_free_list(q);
	i = q->free_head;
	d->p->head = i;
	for (unsigned int k = 0; k < nr; k++) {
		uint16_t next = q->desc[i].next;

		q->desc[i] = k < direct ? to_desc(&d->buf[k], k + 1 < nr, next) : table;
		q->desc[i].next = next;
		i = next;
	}
	q->free_head = i;
	q->nr_free = (uint16_t)(q->nr_free - nr);
	q->length[d->p->head] = (uint16_t)nr;
	q->avail_ring[q->added_idx % q->size] = d->p->head;
	q->added_idx++;
	__sync_synchronize();
	*q->avail_idx = q->added_idx;
	return 0;
}

int world_post(struct world *w, unsigned int slot, unsigned int step, const struct layout *layout, uint8_t filling,
	       struct posted *p)
{
	static const struct layout plain;
	struct draft d = {.w = w, .layout = layout ? layout : &plain, .p = p};
	int ret;

	memset(p, 0, sizeof(*p));
	p->step = step;
	p->m.slot = slot;
	ret = w->cd->fill(w->cd->opaque, &w->driver, step, &p->m);
	if (ret)
		return world_fail(w, "the author's fill() gave %d", ret);
	if (p->m.readable_bytes > CONFORMANCE_BYTES_MAX || p->m.writable_bytes > CONFORMANCE_BYTES_MAX ||
	    !(p->m.readable_bytes + p->m.writable_bytes) || p->m.queue >= w->cd->nr_queues)
		return world_fail(w, "the author's fill() gave a message that cannot be");
	ret = add_part(&d, p->m.readable, p->m.readable_bytes, false, filling);
	if (!ret)
		ret = add_part(&d, NULL, p->m.writable_bytes, true, filling);
	if (!ret)
		ret = place(&d, &w->driver.queue[p->m.queue]);
	return ret ? world_fail(w, "no room for a message: %d", ret) : 0;
}

int world_kick(struct world *w, const struct posted *p)
{
	return world_check(w, driver_kick(&w->driver.queue[p->m.queue]), "a notification");
}

bool world_taken(struct world *w, unsigned int queue)
{
	const struct driver_queue *q = &w->driver.queue[queue];

	return *q->used_idx != q->last_used_idx;
}

int world_finish(struct world *w, struct posted *p)
{
	uint8_t *to = p->m.writable;
	uint16_t head = 0;
	int ret = driver_wait(&w->driver.queue[p->m.queue], &head, &p->used_bytes);

	if (ret == -ETIMEDOUT && !w->failure)
		return world_fail(w, "a message on queue %u is not used, and nothing says why", p->m.queue);
	if (ret == -EPROTO)
		return world_fail(w, "the used ring of queue %u has a head that the device does not have", p->m.queue);
	if (ret)
		return world_check(w, ret, "waiting for a used buffer");
	if (head != p->head)
		return world_fail(w, "head %u was used where %u was expected", head, p->head);
	if (p->used_bytes > p->m.writable_bytes)
		return world_fail(w, "used with %u bytes, and there is room for %zu", p->used_bytes, p->m.writable_bytes);
	for (unsigned int i = 0; i < p->nr_pieces; i++) {
		if (!p->piece[i].writable)
			continue;
		memcpy(to, p->piece[i].bytes, p->piece[i].len);
		to += p->piece[i].len;
	}
	return 0;
}

int world_collect(struct world *w, const struct posted *p, unsigned int nr)
{
	bool seen[CONFORMANCE_SLOTS] = {0};
	int ret = 0;

	for (unsigned int back = 0; !ret && back < nr; back++) {
		unsigned int i;
		uint16_t head;
		uint32_t len;

		ret = driver_wait(&w->driver.queue[p[0].m.queue], &head, &len);
		if (ret)
			return world_fail(w, "%u of %u messages came back, then: %d", back, nr, ret);
		for (i = 0; i < nr && (p[i].head != head || seen[i]); i++)
			;
		if (i == nr)
			return world_fail(w, "head %u came back, which was not the device's", head);
		seen[i] = true;
	}
	if (!ret)
		ret = world_check(w, world_turn(w), "a turn");
	if (!ret && world_taken(w, p[0].m.queue))
		return world_fail(w, "the used index is beyond what was made available");
	return ret;
}

int world_answer(struct world *w, struct posted *p)
{
	int ret = w->cd->check(w->cd->opaque, p->step, &p->m, p->used_bytes);

	return ret ? world_fail(w, "message %u was answered wrongly: the author's check() gave %d", p->step, ret) : 0;
}

int world_send(struct world *w, unsigned int step, const struct layout *layout)
{
	struct posted *p = &w->pending;
	int ret = world_post(w, 0, step, layout, 0xa5, p);

	w->is_pending = !ret;
	if (!ret)
		ret = world_kick(w, p);
	if (!ret)
		ret = world_finish(w, p);
	if (!ret)
		ret = world_answer(w, p);
	/* of one that a process did not live to answer, the next one is asked */
	if (!ret)
		w->is_pending = false;
	return ret;
}

int world_request(struct world *w, const struct layout *layout)
{
	uint64_t next_gfn = w->bus.next_gfn;
	int ret = 0;

	for (unsigned int step = 0; !ret && step < w->cd->nr_messages; step++)
		ret = world_send(w, step, layout);
	w->bus.next_gfn = next_gfn;
	return ret;
}
