// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state of an ioreq slot, see ioreq-page.h.
 *
 * The slot is shared memory that the other side may change at any moment; each field is read once,
 * through an atomic load, so that the copy is one thing and stays it. Nothing here knows event
 * channels: who wakes whom is the sibling's part.
 */
#include "config.h"

#include <errno.h>

#include "hv/ioreq-page.h"

enum ioreq_state ioreq_slot_state(const struct ioreq_slot *slot)
{
	return __atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE) & IOREQ_FLAGS_STATE;
}

static void set_state(struct ioreq_slot *slot, uint8_t flags, enum ioreq_state state)
{
	flags = (uint8_t)((flags & ~IOREQ_FLAGS_STATE) | state);
	__atomic_store_n(&slot->flags, flags, __ATOMIC_RELEASE);
}

int ioreq_slot_claim(struct ioreq_slot *slot, uint32_t vcpu, struct xenvirtio_ioreq *req)
{
	/* acquire pairs with Xen's barrier before READY */
	uint8_t flags = __atomic_load_n(&slot->flags, __ATOMIC_ACQUIRE);
	enum ioreq_state state = flags & IOREQ_FLAGS_STATE;

	if (state != IOREQ_STATE_READY && state != IOREQ_STATE_INPROCESS)
		return XENVIRTIO_E_EMPTY;

	*req = (struct xenvirtio_ioreq){
		.addr = __atomic_load_n(&slot->addr, __ATOMIC_RELAXED),
		.data = __atomic_load_n(&slot->data, __ATOMIC_RELAXED),
		.count = __atomic_load_n(&slot->count, __ATOMIC_RELAXED),
		.size = __atomic_load_n(&slot->size, __ATOMIC_RELAXED),
		.vcpu = vcpu,
		.type = __atomic_load_n(&slot->type, __ATOMIC_RELAXED),
		.read = flags & IOREQ_FLAGS_READ,
		.data_is_ptr = flags & IOREQ_FLAGS_DATA_IS_PTR,
	};
	if (state == IOREQ_STATE_READY)
		set_state(slot, flags, IOREQ_STATE_INPROCESS);
	return 0;
}

int ioreq_slot_complete(struct ioreq_slot *slot, const struct xenvirtio_ioreq *req)
{
	uint8_t flags = __atomic_load_n(&slot->flags, __ATOMIC_RELAXED);

	if ((flags & IOREQ_FLAGS_STATE) != IOREQ_STATE_INPROCESS)
		return -EINVAL;
	if (req->read)
		__atomic_store_n(&slot->data, req->data, __ATOMIC_RELAXED);
	/* release pairs with Xen's barrier after it sees RESP_READY */
	set_state(slot, flags, IOREQ_STATE_RESP_READY);
	return 0;
}
