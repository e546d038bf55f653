// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where the rings of a queue lie, and when a queue may be enabled.
 *
 * The sizes are those of virtio 1.2, 2.7: with the event index fields, negotiated or not; or of 2.8, packed rings, which
 * only foreign queues have. A queue
 * is enabled only when every page of its rings could be read, so a ring on a hole or in the MMIO
 * window is refused at once and not at the first kick.
 *
 * The state may be in a file that outlives us: `ready` is written last when the queue starts and
 * first when it stops, so that a queue found ready is whole.
 */
#include <string.h>

#include "virtqueue/queue-ring.h"

/* virtio 1.2, 2.8.10: driver's and device's event suppression */
#define SUPPRESSION_BYTES 4u

enum ring { RING_DESC, RING_AVAIL, RING_USED, NR_RINGS };

_Static_assert(NR_RINGS == QUEUE_RINGS, "a place for each");

struct ring_place {
	struct xenvirtio_gpa gpa;
	uint64_t bytes;
	uint64_t align;
};

static void place_rings(const struct xenvirtio_queue_state *state, bool packed, struct ring_place ring[NR_RINGS])
{
	uint64_t size = state->size;

	if (packed) {
		ring[RING_DESC] = (struct ring_place){ { state->desc_gpa }, DESC_BYTES * size, 16 };
		ring[RING_AVAIL] = (struct ring_place){ { state->avail_gpa }, SUPPRESSION_BYTES, 4 };
		ring[RING_USED] = (struct ring_place){ { state->used_gpa }, SUPPRESSION_BYTES, 4 };
		return;
	}
	ring[RING_DESC] = (struct ring_place){ { state->desc_gpa }, DESC_BYTES * size, 16 };
	ring[RING_AVAIL] = (struct ring_place){ { state->avail_gpa }, 6 + 2 * size, 2 };
	ring[RING_USED] = (struct ring_place){ { state->used_gpa }, 6 + USED_ELEM_BYTES * size, 4 };
}

static const char *find_setup_fault(const struct xenvirtio_queue_state *state,
				    const struct xenvirtio_gmem *gmem, uint16_t size_max, bool packed)
{
	struct ring_place ring[NR_RINGS];

	if (!state->size || state->size > size_max || (!packed && state->size & (state->size - 1)))
		return "queue enabled with a size that cannot be";
	place_rings(state, packed, ring);
	for (size_t i = 0; i < NR_RINGS; i++) {
		/* Where RAM begins at 0 the specification allows it, but no driver means it. */
		if (!ring[i].gpa.v)
			return "queue enabled without a ring address";
		if (ring[i].gpa.v & (ring[i].align - 1))
			return "ring address is not aligned";
		if (!xenvirtio_gmem_is_ram(gmem, ring[i].gpa, ring[i].bytes))
			return "ring is outside RAM";
	}
	return NULL;
}

static int touch_rings(struct xenvirtio_queue *q)
{
	struct ring_place ring[NR_RINGS];

	place_rings(q->state, q->packed, ring);
	for (size_t i = 0; i < NR_RINGS; i++) {
		uint64_t page = ring[i].gpa.v & ~(XENVIRTIO_PAGE_SIZE - 1);
		uint64_t end = ring[i].gpa.v + ring[i].bytes;

		for (; page < end; page += XENVIRTIO_PAGE_SIZE) {
			uint8_t byte;
			int ret = xenvirtio_gmem_read(q->gmem, xenvirtio_gpa(page), &byte, 1);

			if (ret)
				return ret;
		}
	}
	return 0;
}

static void note_ring_frames(struct xenvirtio_queue *q)
{
	struct ring_place ring[NR_RINGS];

	place_rings(q->state, q->packed, ring);
	for (size_t i = 0; i < NR_RINGS; i++) {
		struct xenvirtio_gpa last = { ring[i].gpa.v + ring[i].bytes - 1 };

		q->ring_gfn[i].first = xenvirtio_gpa_to_gfn(ring[i].gpa).v;
		q->ring_gfn[i].last = xenvirtio_gpa_to_gfn(last).v;
	}
}

static void forget_chains(struct xenvirtio_queue *q)
{
	q->epoch++;
	q->unsettled = false;
	memset(q->in_flight, 0, sizeof(q->in_flight));
	memset(q->redo, 0, sizeof(q->redo));
}

bool queue_is_packed(const struct xenvirtio_queue *q)
{
	return q->owner->features(q->opaque) >> XENVIRTIO_F_RING_PACKED & 1;
}

int queue_start(struct xenvirtio_queue *q, uint16_t size_max, const char **detail)
{
	struct xenvirtio_queue_state *state = q->state;
	int ret;

	q->packed = queue_is_packed(q);
	*detail = find_setup_fault(state, q->gmem, size_max, q->packed);
	if (*detail)
		return XENVIRTIO_E_GUEST;
	ret = touch_rings(q);
	if (ret == XENVIRTIO_E_GUEST)
		*detail = "ring is on a hole";
	if (ret)
		return ret;
	forget_chains(q);
	note_ring_frames(q);
	state->last_avail_idx = 0;
	state->used_idx = 0;
	state->signalled_idx = 0;
	state->broken = 0;
	if (q->log)
		in_flight_begin(q->log);
	__atomic_store_n(&state->ready, 1, __ATOMIC_RELEASE);
	return 0;
}

int queue_stop(struct xenvirtio_queue *q)
{
	__atomic_store_n(&q->state->ready, 0, __ATOMIC_SEQ_CST);
	q->state->broken = 0;
	forget_chains(q);
	return queue_revoke_views(q);
}

void queue_restore(struct xenvirtio_queue *q)
{
	forget_chains(q);
	q->packed = queue_is_packed(q);
	note_ring_frames(q);
	q->unsettled = q->state->ready;
}

bool queue_state_valid(const struct xenvirtio_queue_state *state,
		       const struct xenvirtio_gmem *gmem, uint16_t size_max, bool packed)
{
	if (state->ready > 1 || state->broken > 1)
		return false;
	if (!state->ready)
		return true;
	return !find_setup_fault(state, gmem, size_max, packed) &&
	       (uint16_t)(state->last_avail_idx - state->used_idx) <= state->size;
}

uint64_t queue_next_gfn(const struct xenvirtio_queue *q, struct xenvirtio_gfn start, uint64_t nr)
{
	if (!q->state->ready)
		return nr;
	for (size_t i = 0; i < NR_RINGS; i++) {
		uint64_t first = q->ring_gfn[i].first, offset = first > start.v ? first - start.v : 0;

		if (q->ring_gfn[i].last >= start.v && offset < nr)
			nr = offset;
	}
	return nr;
}

int xenvirtio_queue_rings(const struct xenvirtio_queue *q, struct xenvirtio_queue_rings *rings)
{
	const struct xenvirtio_queue_state *state = q->state;

	if (!state->ready)
		return XENVIRTIO_E_EMPTY;
	*rings = (struct xenvirtio_queue_rings){
		.desc_gpa = state->desc_gpa,
		.avail_gpa = state->avail_gpa,
		.used_gpa = state->used_gpa,
		.size = state->size,
	};
	return 0;
}

int queue_fault(struct xenvirtio_queue *q, enum xenvirtio_guest_error kind, const char *detail)
{
	int ret;

	q->state->broken = 1;
	ret = q->owner->fault(q->opaque, kind, detail);
	return ret ? ret : XENVIRTIO_E_GUEST;
}

struct xenvirtio_gpa avail_flags_gpa(const struct xenvirtio_queue *q)
{
	return xenvirtio_gpa(q->state->avail_gpa);
}

struct xenvirtio_gpa avail_idx_gpa(const struct xenvirtio_queue *q)
{
	return xenvirtio_gpa(q->state->avail_gpa + 2);
}

struct xenvirtio_gpa avail_ring_gpa(const struct xenvirtio_queue *q, uint16_t idx)
{
	return xenvirtio_gpa(q->state->avail_gpa + 4 + 2 * (uint64_t)(idx % q->state->size));
}

struct xenvirtio_gpa used_event_gpa(const struct xenvirtio_queue *q)
{
	return xenvirtio_gpa(q->state->avail_gpa + 4 + 2 * (uint64_t)q->state->size);
}

struct xenvirtio_gpa used_idx_gpa(const struct xenvirtio_queue *q)
{
	return xenvirtio_gpa(q->state->used_gpa + 2);
}

struct xenvirtio_gpa used_ring_gpa(const struct xenvirtio_queue *q, uint16_t idx)
{
	return xenvirtio_gpa(q->state->used_gpa + 4 +
			     USED_ELEM_BYTES * (uint64_t)(idx % q->state->size));
}

struct xenvirtio_gpa avail_event_gpa(const struct xenvirtio_queue *q)
{
	return xenvirtio_gpa(q->state->used_gpa + 4 + USED_ELEM_BYTES * (uint64_t)q->state->size);
}
