// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See vhost-ring.h.
 */
#include "unit/rigs/vhost-ring.h"

#include "guest/driver.h"

#include <string.h>
#include <unistd.h>

#define DESCS_MAX 256

/* --- what it is told --- */

static void take(struct vhost_rings *r, const struct vhost_message *m)
{
	const struct vhost_vring_state *state = &m->payload.state;
	uint32_t index = m->header.request == VHOST_SET_VRING_KICK ? m->payload.u64 & VHOST_VRING_INDEX_MASK : state->index;
	struct vhost_ring *ring = &r->ring[index % VHOST_RINGS];

	switch (m->header.request) {
	case VHOST_SET_FEATURES:
		r->features = m->payload.u64;
		break;
	case VHOST_SET_VRING_NUM:
		ring->size = state->num;
		break;
	case VHOST_SET_VRING_ADDR:
		ring->addr = m->payload.addr;
		break;
	case VHOST_SET_VRING_BASE:
		ring->last_avail = ring->used = ring->told = (uint16_t)state->num;
		break;
	case VHOST_SET_VRING_KICK:
		ring->live = true;
		ring->broken = false;
		break;
	case VHOST_SET_VRING_ENABLE:
		ring->enabled = state->num;
		break;
	case VHOST_GET_VRING_BASE:
		ring->live = false;
		break;
	default:
		break;
	}
}

bool rings_follow(struct vhost_rings *r, struct vhost_peer *p)
{
	bool any = p->nr_asked;

	for (size_t i = 0; i < p->nr_asked; i++)
		take(r, &p->asked[i].m);
	p->nr_asked = 0;
	p->nr_seen = 0;
	return any;
}

/* --- the guest's memory --- */

static bool is_there(struct vhost_rings *r, uint64_t gpa, uint64_t len)
{
	if (!len || len > VHOST_RING_BYTES || gpa + len < gpa)
		return false;
	for (uint64_t page = gpa & ~UINT64_C(4095); page < gpa + len; page += 4096)
		if (!fake_present(r->fake, xenvirtio_gpa_to_gfn(xenvirtio_gpa(page))))
			return false;
	return true;
}

static bool get(struct vhost_rings *r, uint64_t gpa, void *buf, size_t len)
{
	return is_there(r, gpa, len) && !fake_guest_read(r->fake, xenvirtio_gpa(gpa), buf, len);
}

static bool put(struct vhost_rings *r, uint64_t gpa, const void *buf, size_t len)
{
	return is_there(r, gpa, len) && !fake_guest_write(r->fake, xenvirtio_gpa(gpa), buf, len);
}

/* --- a chain --- */

struct echo {
	uint8_t bytes[VHOST_RING_BYTES];
	uint32_t in, out;
};

static bool copy_desc(struct vhost_rings *r, const struct ring_desc *desc, struct echo *e)
{
	if (desc->flags & DESC_WRITE) {
		uint32_t len = e->in - e->out < desc->len ? e->in - e->out : desc->len;

		if (len && !put(r, desc->addr, e->bytes + e->out, len))
			return false;
		e->out += len;
		return true;
	}
	if (e->out || desc->len > VHOST_RING_BYTES - e->in || !get(r, desc->addr, e->bytes + e->in, desc->len))
		return false;
	for (uint32_t i = e->in; i < e->in + desc->len; i++)
		e->bytes[i]++;
	e->in += desc->len;
	return true;
}

static bool echo_chain(struct vhost_rings *r, const struct vhost_ring *ring, uint16_t head, uint32_t *len)
{
	static struct echo e;
	uint64_t table = ring->addr.desc;
	uint32_t size = ring->size;
	struct ring_desc desc;
	uint32_t at = head;

	e.in = e.out = 0;
	for (int i = 0; i < DESCS_MAX; i++) {
		if (at >= size || !get(r, table + 16ull * at, &desc, sizeof(desc)))
			return false;
		if (desc.flags & DESC_INDIRECT) {
			if (table != ring->addr.desc || desc.flags & DESC_NEXT || !(r->features & F_INDIRECT))
				return false;
			table = desc.addr;
			size = desc.len / 16;
			at = 0;
			continue;
		}
		if (!copy_desc(r, &desc, &e))
			return false;
		*len = e.out;
		if (!(desc.flags & DESC_NEXT))
			return true;
		at = desc.next;
	}
	return false;
}

/* --- a ring --- */

/* Return: whether one was used; false with ring.broken if it cannot go on */
static bool serve_next(struct vhost_rings *r, struct vhost_ring *ring)
{
	uint64_t events_gpa = ring->addr.used + 4 + 8ull * ring->size;
	struct ring_used_elem elem;
	uint16_t avail_idx, head, at;

	if (!get(r, ring->addr.avail + 2, &avail_idx, 2))
		goto broken;
	if (avail_idx == ring->last_avail)
		return false;
	if ((uint16_t)(avail_idx - ring->last_avail) > ring->size)
		goto broken;
	at = ring->backwards ? (uint16_t)(avail_idx - 1 - (ring->last_avail - ring->from)) : ring->last_avail;
	if (!get(r, ring->addr.avail + 4 + 2ull * (at % ring->size), &head, 2) ||
	    !echo_chain(r, ring, head, &elem.len))
		goto broken;
	elem.id = head;
	ring->last_avail++;
	if (!put(r, ring->addr.used + 4 + 8ull * (ring->used % ring->size), &elem, sizeof(elem)))
		goto broken;
	ring->used++;
	if (!put(r, ring->addr.used + 2, &ring->used, 2))
		goto broken;
	return !(r->features & F_EVENT_IDX) || put(r, events_gpa, &ring->last_avail, 2);
broken:
	ring->broken = true;
	return false;
}

static bool wants_interrupt(struct vhost_rings *r, struct vhost_ring *ring)
{
	uint16_t old = ring->told, flags = 0, event = 0;

	ring->told = ring->used;
	if (!(r->features & F_EVENT_IDX))
		return get(r, ring->addr.avail, &flags, 2) && !(flags & 1);
	return get(r, ring->addr.avail + 4 + 2ull * ring->size, &event, 2) &&
	       (uint16_t)(ring->used - event - 1) < (uint16_t)(ring->used - old);
}

bool rings_serve(struct vhost_rings *r)
{
	bool any = false;

	for (unsigned int i = 0; i < VHOST_RINGS; i++) {
		struct vhost_ring *ring = &r->ring[i];
		int fd = ring->live ? xenvirtio_device_kick_fd(r->dev, i) : -1;
		const uint64_t one = 1;
		uint64_t kicks;

		if (fd >= 0 && read(fd, &kicks, sizeof(kicks)) == sizeof(kicks))
			ring->kicked = true;
		/* a kick of one that is not enabled yet is not lost */
		if (!ring->kicked || !ring->live || !ring->enabled)
			continue;
		ring->kicked = false;
		ring->from = ring->last_avail;
		while (!ring->broken && serve_next(r, ring))
			any = true;
		if (ring->told != ring->used && wants_interrupt(r, ring))
			any |= write(xenvirtio_device_call_fd(r->dev), &one, sizeof(one)) == sizeof(one);
	}
	return any;
}
