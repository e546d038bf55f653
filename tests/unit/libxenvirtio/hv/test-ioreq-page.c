// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioreq slot: its state only goes forward, and what is copied out of it is what Xen put in,
 * whoever had the slot before.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hv/ioreq-page.h"

static const struct ioreq_slot ready_slot = {
	.addr = UINT64_C(0x2000050),
	.data = UINT64_C(0x1122334455667788),
	.count = 3,
	.size = 4,
	.event_port = 17,
	.pad = 0xabcd,
	.flags = IOREQ_STATE_READY | IOREQ_FLAGS_READ | 0x40,
	.type = XENVIRTIO_IOREQ_COPY,
};

/* Every field arrives, and claiming touches nothing of the slot but the four bits of its state. */
static void claim_copies_all(void **state)
{
	struct ioreq_slot slot = ready_slot, expect = ready_slot;
	struct xenvirtio_ioreq req;

	assert_int_equal(ioreq_slot_claim(&slot, 5, &req), 0);
	assert_true(req.addr == ready_slot.addr && req.data == ready_slot.data);
	assert_int_equal(req.count, 3);
	assert_int_equal(req.size, 4);
	assert_int_equal(req.vcpu, 5);
	assert_int_equal(req.type, XENVIRTIO_IOREQ_COPY);
	assert_true(req.read);
	assert_false(req.data_is_ptr);
	expect.flags = IOREQ_STATE_INPROCESS | IOREQ_FLAGS_READ | 0x40;
	assert_memory_equal(&slot, &expect, sizeof(slot));
}

/* The direction and the pointer flag are independent bits beside the state. */
static void claim_decodes_flags(void **state)
{
	for (unsigned int bits = 0; bits < 16; bits++) {
		struct ioreq_slot slot = ready_slot;
		struct xenvirtio_ioreq req;

		slot.flags = (uint8_t)(IOREQ_STATE_READY | bits << 4);
		assert_int_equal(ioreq_slot_claim(&slot, 0, &req), 0);
		assert_int_equal(req.data_is_ptr, bits & 1);
		assert_int_equal(req.read, bits >> 1 & 1);
		assert_int_equal(slot.flags, IOREQ_STATE_INPROCESS | bits << 4);
	}
}

/* Of the sixteen states only READY and an orphaned INPROCESS are requests; others stay untouched. */
static void claim_takes_only_requests(void **state)
{
	for (unsigned int value = 0; value < 16; value++) {
		struct ioreq_slot slot = ready_slot, before;
		struct xenvirtio_ioreq req;
		bool is_request = value == IOREQ_STATE_READY || value == IOREQ_STATE_INPROCESS;

		slot.flags = (uint8_t)value;
		before = slot;
		assert_int_equal(ioreq_slot_claim(&slot, 0, &req),
				 is_request ? 0 : XENVIRTIO_E_EMPTY);
		if (!is_request)
			assert_memory_equal(&slot, &before, sizeof(slot));
		else
			assert_int_equal(ioreq_slot_state(&slot), IOREQ_STATE_INPROCESS);
	}
}

/* A successor finds the same request the dead owner had claimed, and can answer it. */
static void claim_again_after_death(void **state)
{
	struct ioreq_slot slot = ready_slot;
	struct xenvirtio_ioreq first, second;

	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	assert_int_equal(ioreq_slot_claim(&slot, 1, &first), 0);
	assert_int_equal(ioreq_slot_claim(&slot, 1, &second), 0);
	assert_true(first.addr == second.addr && first.data == second.data);
	assert_int_equal(first.size, second.size);
	second.data = 42;
	assert_int_equal(ioreq_slot_complete(&slot, &second), 0);
	assert_int_equal(ioreq_slot_state(&slot), IOREQ_STATE_RESP_READY);
	assert_true(slot.data == 42);
}

/* A write is answered without its data being touched. */
static void complete_keeps_write_data(void **state)
{
	struct ioreq_slot slot = ready_slot;
	struct xenvirtio_ioreq req;

	slot.flags = IOREQ_STATE_READY;
	assert_int_equal(ioreq_slot_claim(&slot, 0, &req), 0);
	req.data = 0;
	assert_int_equal(ioreq_slot_complete(&slot, &req), 0);
	assert_true(slot.data == ready_slot.data);
	assert_int_equal(slot.flags, IOREQ_STATE_RESP_READY);
}

/* RESP_READY is written from INPROCESS only: anything else would make Xen crash the domain. */
static void complete_refuses_other_states(void **state)
{
	for (unsigned int value = 0; value < 16; value++) {
		struct ioreq_slot slot = ready_slot, before;
		struct xenvirtio_ioreq req = { .read = true, .data = 7 };

		if (value == IOREQ_STATE_INPROCESS)
			continue;
		slot.flags = (uint8_t)value;
		before = slot;
		assert_int_equal(ioreq_slot_complete(&slot, &req), -EINVAL);
		assert_memory_equal(&slot, &before, sizeof(slot));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_copies_all),
		cmocka_unit_test(claim_decodes_flags),
		cmocka_unit_test(claim_takes_only_requests),
		cmocka_unit_test(claim_again_after_death),
		cmocka_unit_test(complete_keeps_write_data),
		cmocka_unit_test(complete_refuses_other_states),
	};

	return cmocka_run_group_tests_name("ioreq-page", tests, NULL, NULL);
}
