/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page a vcpu and its device model pass one access through, as Xen lays it out.
 *
 *   NONE --Xen--> READY --claim--> INPROCESS --complete--> RESP_READY --Xen--> NONE
 *
 * Xen crashes the domain on a backward step or an unknown state, so the state is only ever written
 * by these two functions. One owner: whoever has the server claims, so an INPROCESS slot that the
 * caller does not hold was left by an owner that died, and is claimed again.
 *
 * Our own layout, no Xen header: the fake hypervisor uses it too. hv-xen-ioreq.c asserts at build
 * time that it is Xen's. Bit-fields are spelled as masks: the state shares its byte with the flags.
 */
#ifndef IOREQ_PAGE_H
#define IOREQ_PAGE_H

#include <xenvirtio/hv.h>

enum ioreq_state {
	IOREQ_STATE_NONE = 0,
	IOREQ_STATE_READY = 1,
	IOREQ_STATE_INPROCESS = 2,
	IOREQ_STATE_RESP_READY = 3,
};

/** ioreq_slot.flags */
#define IOREQ_FLAGS_STATE 0x0fu
#define IOREQ_FLAGS_DATA_IS_PTR 0x10u
#define IOREQ_FLAGS_READ 0x20u

/** struct ioreq_slot - one vcpu's request; 32 bytes, host byte order */
struct ioreq_slot {
	uint64_t addr;
	uint64_t data;
	uint32_t count;
	uint32_t size;
	uint32_t event_port; /* Xen's end of the vcpu's event channel; valid once enabled */
	uint16_t pad;
	uint8_t flags;
	uint8_t type;
};

struct ioreq_page {
	struct ioreq_slot slot[XENVIRTIO_VCPUS_MAX];
};

_Static_assert(sizeof(struct ioreq_slot) == 32, "32 bytes a slot");
_Static_assert(sizeof(struct ioreq_page) == XENVIRTIO_PAGE_SIZE, "128 slots a page");

/** ioreq_slot_state() - the state now; acquire: what else is in the slot is at least as new */
enum ioreq_state ioreq_slot_state(const struct ioreq_slot *slot);

/**
 * ioreq_slot_claim() - take the request of a slot, if there is one
 * @slot: shared with Xen; not held by the caller
 * @vcpu: whose slot; copied into @req
 * @req:  out; each field read once
 *
 * Return: 0, the slot is INPROCESS; XENVIRTIO_E_EMPTY, nothing changed
 */
int ioreq_slot_claim(struct ioreq_slot *slot, uint32_t vcpu, struct xenvirtio_ioreq *req);

/**
 * ioreq_slot_complete() - answer a claimed request
 * @req: as claimed, @data set for a read; a write's data is left alone
 *
 * Order:  release: the data is there before RESP_READY is seen. The caller notifies afterwards
 * Return: 0; -EINVAL the slot is not INPROCESS, nothing changed
 */
int ioreq_slot_complete(struct ioreq_slot *slot, const struct xenvirtio_ioreq *req);

#endif /* IOREQ_PAGE_H */
