// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A split virtqueue at work: pop, push, interrupt.
 *
 * The guest's indices are read once for each decision; ours (last_avail_idx, used_idx) live in the
 * state and are never read back from the guest, but once after a restart: the used index in the
 * guest's memory may then be one ahead, when the old process died between writing it there and
 * writing it down.
 *
 * Barriers, and what each pairs with on the driver's side:
 *   pop:       acquire on avail->idx                      driver's release after filling the ring
 *   pop:       avail_event, full fence, avail->idx        driver's avail->idx, fence, avail_event
 *   push:      used element, release on used->idx         driver's acquire on used->idx
 *   interrupt: used->idx, full fence, used_event/flags    driver's used_event, fence, used->idx
 */
#include <errno.h>
#include <string.h>

#include "base/probes.h"
#include "virtqueue/queue-ring.h"

static bool has_feature(const struct xenvirtio_queue *q, unsigned int bit)
{
	return q->owner->features(q->opaque) >> bit & 1;
}

static bool is_live(const struct xenvirtio_queue *q)
{
	return q->state->ready && q->owner->live(q->opaque);
}

/* Whether the rings' memory was lost under an enabled queue: the guest's own doing. */
static int check_ring(struct xenvirtio_queue *q, int ret)
{
	if (ret == XENVIRTIO_E_GUEST)
		return queue_fault(q, XENVIRTIO_GUEST_BAD_ADDRESS, "ring is no longer in RAM");
	return ret;
}

static uint64_t *find_flight_word(struct xenvirtio_queue *q, uint16_t head)
{
	return &q->in_flight[head / 64];
}

static uint64_t head_bit(uint16_t head)
{
	return UINT64_C(1) << head % 64;
}

/* Pushed in the order in which they were popped: the oldest are done. */
static void settle_in_order(struct xenvirtio_queue_state *state, uint16_t guest_used_idx)
{
	/* Whatever the guest may have put there, it moves us by one chain that was popped. */
	if (guest_used_idx == (uint16_t)(state->used_idx + 1) && state->last_avail_idx != state->used_idx)
		state->used_idx = guest_used_idx;
	state->last_avail_idx = state->used_idx;
}

static int settle_indices(struct xenvirtio_queue *q)
{
	uint16_t guest_used_idx;
	int ret;

	if (!q->unsettled)
		return 0;
	ret = check_ring(q, xenvirtio_gmem_load16(q->gmem, used_idx_gpa(q), &guest_used_idx));
	if (ret)
		return ret;
	if (q->log && q->log->version) {
		in_flight_settle(q->log, q->state, guest_used_idx);
		memcpy(q->redo, q->log->heads, sizeof(q->redo));
	} else {
		settle_in_order(q->state, guest_used_idx);
		/* a process before this one kept no record */
		if (q->log)
			in_flight_begin(q->log);
	}
	q->unsettled = false;
	return 0;
}

/* How many chains wait; 0 only after kicks were asked for and none came before that. */
static int count_available(struct xenvirtio_queue *q, uint16_t *nr)
{
	struct xenvirtio_queue_state *state = q->state;
	uint16_t guest_avail_idx;
	int ret;

	ret = xenvirtio_gmem_load16(q->gmem, avail_idx_gpa(q), &guest_avail_idx);
	if (!ret && guest_avail_idx == state->last_avail_idx &&
	    has_feature(q, XENVIRTIO_F_EVENT_IDX)) {
		ret = xenvirtio_gmem_store16(q->gmem, avail_event_gpa(q), state->last_avail_idx);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!ret)
			ret = xenvirtio_gmem_load16(q->gmem, avail_idx_gpa(q), &guest_avail_idx);
	}
	if (ret)
		return check_ring(q, ret);
	*nr = guest_avail_idx - state->last_avail_idx;
	if (*nr > state->size)
		return queue_fault(q, XENVIRTIO_GUEST_BAD_RING, "available index jumped");
	return 0;
}

/* The next head of the available ring. Return: 0; XENVIRTIO_E_EMPTY; XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -errno */
static int read_head(struct xenvirtio_queue *q, uint16_t *head)
{
	struct xenvirtio_queue_state *state = q->state;
	uint16_t nr = 0;
	int ret = count_available(q, &nr);

	if (ret)
		return ret;
	if (!nr)
		return XENVIRTIO_E_EMPTY;
	ret = xenvirtio_gmem_load16(q->gmem, avail_ring_gpa(q, state->last_avail_idx), head);
	if (ret)
		return check_ring(q, ret);
	if (*head >= state->size)
		return queue_fault(q, XENVIRTIO_GUEST_BAD_RING, "head outside the table");
	if (*find_flight_word(q, *head) & head_bit(*head))
		return queue_fault(q, XENVIRTIO_GUEST_BAD_RING, "chain made available twice");
	return 0;
}

/* It is the device's now, and its successors'. */
static void note_pop(struct xenvirtio_queue *q, uint16_t head, bool redo)
{
	struct xenvirtio_queue_state *state = q->state;

	*find_flight_word(q, head) |= head_bit(head);
	if (redo) {
		q->redo[head / 64] &= ~head_bit(head);
		return;
	}
	if (q->log)
		in_flight_pop(q->log, head, state->last_avail_idx);
	__atomic_store_n(&state->last_avail_idx, (uint16_t)(state->last_avail_idx + 1), __ATOMIC_RELEASE);
}

int xenvirtio_queue_pop(struct xenvirtio_queue *q, struct xenvirtio_chain *chain)
{
	struct xenvirtio_queue_state *state = q->state;
	enum xenvirtio_guest_error kind;
	const char *detail;
	uint16_t head;
	bool redo;
	int ret;

	if (q->foreign)
		return -EINVAL;
	if (state->broken)
		return XENVIRTIO_E_GUEST;
	if (!is_live(q))
		return XENVIRTIO_E_EMPTY;
	ret = settle_indices(q);
	if (ret)
		return ret;
	redo = q->log && in_flight_oldest(q->log, q->redo, state->last_avail_idx, &head);
	if (!redo)
		ret = read_head(q, &head);
	if (ret)
		return ret;
	ret = queue_walk(q, head, has_feature(q, XENVIRTIO_F_INDIRECT_DESC), chain, &kind, &detail);
	if (ret == XENVIRTIO_E_GUEST)
		return queue_fault(q, kind, detail);
	if (ret)
		return ret;
	chain->epoch = q->epoch;
	note_pop(q, head, redo);
	PROBE_POP(q->device_id, q->index, head, chain->readable_bytes, chain->writable_bytes);
	return 0;
}

bool xenvirtio_chain_held(const struct xenvirtio_queue *q, const struct xenvirtio_chain *chain)
{
	/* in_flight is no larger than what we pop from */
	return !q->foreign && chain->epoch == q->epoch && q->state->ready && chain->head < q->state->size &&
	       q->in_flight[chain->head / 64] & head_bit(chain->head);
}

int xenvirtio_queue_push(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain,
			 uint32_t used_bytes)
{
	struct xenvirtio_queue_state *state = q->state;
	struct {
		struct xenvirtio_le32 id;
		struct xenvirtio_le32 len;
	} elem = { xenvirtio_le32(chain->head), xenvirtio_le32(used_bytes) };
	int ret;

	if (chain->epoch != q->epoch || !state->ready)
		return 0;
	if (!xenvirtio_chain_held(q, chain) || used_bytes > chain->writable_bytes)
		return -EINVAL;
	if (state->broken || !is_live(q))
		return XENVIRTIO_E_GUEST;
	if (q->log)
		in_flight_push(q->log, chain->head, state->used_idx + 1);
	ret = xenvirtio_gmem_write(q->gmem, used_ring_gpa(q, state->used_idx), &elem, sizeof(elem));
	if (!ret)
		ret = xenvirtio_gmem_store16(q->gmem, used_idx_gpa(q), state->used_idx + 1);
	/* After the guest's copy: see settle_indices() for a death in between. */
	if (!ret)
		__atomic_store_n(&state->used_idx, (uint16_t)(state->used_idx + 1), __ATOMIC_RELEASE);
	if (q->log)
		in_flight_pushed(q->log, !ret);
	if (ret)
		return check_ring(q, ret);
	*find_flight_word(q, chain->head) &= ~head_bit(chain->head);
	PROBE_PUSH(q->device_id, q->index, chain->head, used_bytes);
	return 0;
}

/* virtio 1.2, 2.7.10: whether the index the driver waits for is among those just used */
static int wants_interrupt(struct xenvirtio_queue *q, bool *wants)
{
	const struct xenvirtio_queue_state *state = q->state;
	uint16_t val;
	int ret;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (has_feature(q, XENVIRTIO_F_EVENT_IDX)) {
		ret = xenvirtio_gmem_load16(q->gmem, used_event_gpa(q), &val);
		if (!ret)
			*wants = (uint16_t)(state->used_idx - val - 1) <
				 (uint16_t)(state->used_idx - state->signalled_idx);
	} else {
		ret = xenvirtio_gmem_load16(q->gmem, avail_flags_gpa(q), &val);
		if (!ret)
			*wants = !(val & AVAIL_F_NO_INTERRUPT);
	}
	return check_ring(q, ret);
}

int xenvirtio_queue_interrupt(struct xenvirtio_queue *q)
{
	struct xenvirtio_queue_state *state = q->state;
	bool wants = false;
	int ret;

	if (state->broken || !is_live(q) || state->signalled_idx == state->used_idx)
		return 0;
	if (q->owner->hold && q->owner->hold(q->opaque, q->index)) {
		PROBE_INTERRUPT(q->device_id, q->index, PROBE_HELD);
		return 0;
	}
	ret = wants_interrupt(q, &wants);
	if (!ret && wants)
		ret = q->owner->interrupt(q->opaque);
	if (ret)
		return ret;
	PROBE_INTERRUPT(q->device_id, q->index, wants ? PROBE_SENT : PROBE_SUPPRESSED);
	state->signalled_idx = state->used_idx;
	return 0;
}

bool xenvirtio_queue_enabled(const struct xenvirtio_queue *q)
{
	return q->state->ready && !q->state->broken;
}

unsigned int xenvirtio_queue_index(const struct xenvirtio_queue *q)
{
	return q->index;
}
