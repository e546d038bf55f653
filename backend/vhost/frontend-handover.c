// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a backend is given of a guest: ranges of memory, and rings that must be in them. A backend maps each range by itself and
 * looks only where a ring starts; so it is here that a ring's end is found to be elsewhere.
 */
#include "backend/vhost/frontend-internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/error.h>

void handover_free(struct handover *h)
{
	if (!h)
		return;
	if (h->inflight_fd >= 0)
		close(h->inflight_fd);
	free(h->memory);
	free(h->queue);
	free(h);
}

static bool is_memory(const struct vhost_memory *m, size_t nr)
{
	uint64_t end, file_end;

	for (size_t i = 0; i < nr; i++) {
		if (!m[i].bytes || m[i].fd < 0 || __builtin_add_overflow(m[i].gpa, m[i].bytes, &end) ||
		    __builtin_add_overflow(m[i].offset, m[i].bytes, &file_end))
			return false;
		for (size_t j = 0; j < i; j++)
			if (m[j].gpa < end && m[i].gpa < m[j].gpa + m[j].bytes)
				return false;
	}
	return nr && nr <= MEMORY_MAX;
}

static bool are_queues(const struct vhost_queue *q, size_t nr)
{
	bool seen[QUEUES_MAX] = {false};

	for (size_t i = 0; i < nr; i++) {
		if (q[i].index >= QUEUES_MAX || seen[q[i].index] || q[i].kick_fd < 0)
			return false;
		seen[q[i].index] = true;
	}
	return nr && nr <= QUEUES_MAX;
}

static bool is_inside(const struct vhost_start *s, uint64_t gpa, uint64_t bytes, uint64_t align)
{
	if (gpa % align)
		return false;
	for (size_t i = 0; i < s->nr_memory; i++) {
		const struct vhost_memory *m = &s->memory[i];

		if (gpa >= m->gpa && gpa - m->gpa < m->bytes)
			return bytes <= m->bytes - (gpa - m->gpa);
	}
	return false;
}

/* Source: virtio 1.2, 2.7 Split Virtqueues and 2.8 Packed Virtqueues: sizes with the event fields, alignments */
static bool are_rings_inside(const struct vhost_start *s, const struct vhost_queue *q)
{
	bool packed = s->features & BIT64(VIRTIO_BIT_RING_PACKED);
	uint64_t size = q->size;

	if (!size || size > 32768 || (!packed && (size & (size - 1))))
		return false;
	if (!is_inside(s, q->desc_gpa, 16 * size, 16))
		return false;
	if (packed)
		return is_inside(s, q->avail_gpa, 4, 4) && is_inside(s, q->used_gpa, 4, 4);
	return is_inside(s, q->avail_gpa, 6 + 2 * size, 2) && is_inside(s, q->used_gpa, 6 + 8 * size, 4);
}

int handover_new(struct handover **out, const struct vhost_start *s)
{
	struct handover *h;

	if (!is_memory(s->memory, s->nr_memory) || !are_queues(s->queue, s->nr_queues))
		return -EINVAL;
	for (size_t i = 0; i < s->nr_queues; i++)
		if (!are_rings_inside(s, &s->queue[i]))
			return XENVIRTIO_E_GUEST;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->inflight_fd = -1;
	h->features = s->features;
	h->nr_memory = s->nr_memory;
	h->nr_queues = s->nr_queues;
	h->memory = calloc(s->nr_memory, sizeof(*h->memory));
	h->queue = calloc(s->nr_queues, sizeof(*h->queue));
	if (!h->memory || !h->queue) {
		handover_free(h);
		return -ENOMEM;
	}
	memcpy(h->memory, s->memory, s->nr_memory * sizeof(*h->memory));
	memcpy(h->queue, s->queue, s->nr_queues * sizeof(*h->queue));
	*out = h;
	return 0;
}

enum vhost_fault handover_check(const struct vhost_frontend *f, const struct handover *h)
{
	if (h->features & ~f->offered)
		return VHOST_CHANGED;
	for (size_t i = 0; i < h->nr_queues; i++)
		if (h->queue[i].index >= f->queues)
			return VHOST_QUEUES;
	return h->nr_memory > f->slots ? VHOST_REGIONS : VHOST_OK;
}

/*
 * The counter is the backend's as well, and a full one would have us wait. One that fills it between the look and the write has
 * its own front-end hang, which serves no other guest.
 */
void handover_kick(const struct handover *h)
{
	const uint64_t one = 1;

	for (size_t i = 0; i < h->nr_queues; i++) {
		struct pollfd p = {.fd = h->queue[i].kick_fd, .events = POLLOUT};

		/* a counter that cannot be added to wakes the backend already */
		if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) && write(p.fd, &one, sizeof(one)) < 0)
			continue;
	}
}
