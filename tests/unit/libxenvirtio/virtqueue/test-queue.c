// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtqueues between an honest driver and the echo device: every chain comes back once, whole, and
 * the driver is interrupted exactly when it asked to be. What lies in a ring is test-hostile's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

static struct rig rig;

static int setup(void **state)
{
	return rig_open(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static struct driver_queue *queue(unsigned int index)
{
	return &rig.driver.queue[index];
}

static uint8_t *page(uint64_t *gpa)
{
	uint8_t *va = rig.bus.bus.ops->alloc_page(&rig.bus.bus, gpa);

	assert_non_null(va);
	return va;
}

static uint64_t interrupts(void)
{
	return fake_irqs(rig.fake, RIG_IRQ, true);
}

static const uint64_t all_features[] = { 0, F_INDIRECT, F_EVENT_IDX, F_INDIRECT | F_EVENT_IDX };

/* More chains than any index or descriptor number: both wrap, whatever was negotiated. */
static void indices_wrap(void **state)
{
	for (size_t f = 0; f < sizeof(all_features) / sizeof(all_features[0]); f++) {
		struct driver_buf buf[2] = { { 0, 8, false }, { 0, 8, true } };
		uint8_t *out, *in;

		rig_driver(&rig, all_features[f]);
		out = page(&buf[0].gpa);
		in = page(&buf[1].gpa);
		for (uint32_t i = 0; i < 66000; i++) {
			uint16_t head, used;
			uint32_t len;

			memcpy(out, &i, sizeof(i));
			assert_int_equal(driver_add(queue(0), buf, 2, all_features[f] & F_INDIRECT,
						    &head),
					 0);
			assert_int_equal(driver_kick(queue(0)), 0);
			assert_int_equal(driver_collect(queue(0), &used, &len), 0);
			assert_int_equal(used, head);
			assert_int_equal(len, 8);
			assert_memory_equal(in, out, 8);
		}
	}
	assert_int_equal(rig_count_errors(&rig), 0);
}

static void segments_are_one_message(void **state)
{
	/* readable: 3 + 0 + 4090 + 5 bytes at odd places; writable: 1 + 4097 over a boundary */
	uint64_t a, b, c, d;
	uint8_t *pa, *pb, *pc, *pd;
	uint16_t head, used;
	uint32_t len;

	rig_driver(&rig, F_INDIRECT);
	pa = page(&a);
	pb = page(&b);
	pc = page(&c);
	pd = page(&d);
	assert_int_equal(d, c + 4096);
	for (int i = 0; i < 4096; i++) {
		pa[i] = (uint8_t)(i * 3);
		pb[i] = (uint8_t)(i * 5 + 1);
	}
	for (int indirect = 0; indirect < 2; indirect++) {
		const struct driver_buf buf[] = {
			{ a + 1, 3, false },	{ 0, 0, false },       { b + 6, 4090, false },
			{ a + 4091, 5, false }, { c + 4095, 1, true }, { 0, 0, true },
			{ c + 1, 4094, true },	{ d, 3, true },
		};

		/* 8 entries do not fit the driver's slice of a table: 4 there */
		if (indirect)
			assert_int_equal(driver_add(queue(0), buf + 2, 4, true, &head), 0);
		else
			assert_int_equal(driver_add(queue(0), buf, 8, false, &head), 0);
		assert_int_equal(driver_kick(queue(0)), 0);
		assert_int_equal(driver_wait(queue(0), &used, &len), 0);
		assert_int_equal(len, indirect ? 1 : 4098);
		assert_int_equal(pc[4095], indirect ? pb[6] : pa[1]);
	}
	assert_memory_equal(pc + 1, pa + 2, 2);
	assert_memory_equal(pc + 3, pb + 6, 4090);
	assert_memory_equal(pc + 4093, pa + 4091, 2);
	assert_memory_equal(pd, pa + 4093, 3);
	assert_int_equal(rig_count_errors(&rig), 0);
}

/* An empty chain is a chain: it comes back used. */
static void chains_of_nothing_come_back(void **state)
{
	const struct driver_buf buf[] = { { 0, 0, false }, { UINT64_MAX, 0, true } };
	uint16_t head, used;
	uint32_t len = 1;

	rig_driver(&rig, 0);
	assert_int_equal(driver_add(queue(0), buf, 2, false, &head), 0);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_int_equal(driver_wait(queue(0), &used, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(rig_count_errors(&rig), 0);
}

/* A direct chain whose last descriptor refers to a table: virtio 1.2, 2.7.5.3.2 */
static void a_table_may_end_a_chain(void **state)
{
	struct driver_buf buf[2] = { { 0, 4, false }, { 0, 4, true } };
	struct driver_queue *q;
	uint16_t head, used;
	uint8_t *out, *in;
	uint32_t len;

	rig_driver(&rig, F_INDIRECT);
	q = queue(0);
	out = page(&buf[0].gpa);
	in = page(&buf[1].gpa);
	memcpy(out, "ping", 4);
	q->table[0] = (struct ring_desc){ buf[1].gpa, 4, DESC_WRITE, 0 };
	q->desc[1] = (struct ring_desc){ q->table_gpa, 16, DESC_INDIRECT | DESC_WRITE, 0 };
	q->desc[0] = (struct ring_desc){ buf[0].gpa, 4, DESC_NEXT, 1 };
	q->length[0] = 2;
	head = 0;
	q->avail_ring[0] = head;
	*q->avail_idx = 1;
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(driver_wait(q, &used, &len), 0);
	assert_memory_equal(in, "ping", 4);
}

/* With event index: no interrupt for used entries before the one the driver waits for. */
static void event_index_holds_interrupts_back(void **state)
{
	struct driver_buf buf = { 0, 4, false };
	uint64_t before;
	uint16_t head;

	rig_driver(&rig, F_EVENT_IDX);
	page(&buf.gpa);
	*queue(0)->used_event = 2; /* the third */
	before = interrupts();
	for (int i = 0; i < 5; i++) {
		assert_int_equal(driver_add(queue(0), &buf, 1, false, &head), 0);
		assert_int_equal(driver_kick(queue(0)), 0);
		assert_int_equal(*queue(0)->used_idx, i + 1);
		assert_int_equal(interrupts() - before, i >= 2);
	}
}

/* The device asks for a kick only after it saw nothing more: none is wanted, and none lost. */
static void event_index_holds_kicks_back(void **state)
{
	struct driver_buf buf = { 0, 4, false };
	unsigned int kicks;
	uint16_t head;

	rig_driver(&rig, F_EVENT_IDX);
	page(&buf.gpa);
	rig.max_chains = 1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(driver_add(queue(0), &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_int_equal(*queue(0)->used_idx, 1);
	kicks = rig.kicks[0];
	/* the device knows it has more to do */
	assert_int_equal(driver_add(queue(0), &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_int_equal(rig.kicks[0], kicks);
	rig.max_chains = 0;
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(*queue(0)->used_idx, 4);
	assert_int_equal(*queue(0)->avail_event, 4);
	/* now it waits again */
	assert_int_equal(driver_add(queue(0), &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_int_equal(*queue(0)->used_idx, 5);
}

static void no_interrupt_flag_is_obeyed(void **state)
{
	struct driver_buf buf = { 0, 4, false };
	uint64_t before;
	uint16_t head;

	rig_driver(&rig, 0);
	page(&buf.gpa);
	before = interrupts();
	for (uint16_t flags = 0; flags < 2; flags++) {
		*queue(0)->avail_flags = flags;
		assert_int_equal(driver_add(queue(0), &buf, 1, false, &head), 0);
		assert_int_equal(driver_kick(queue(0)), 0);
		assert_int_equal(interrupts() - before, 1);
	}
	/* a kick with nothing behind it interrupts nobody */
	*queue(0)->avail_flags = 0;
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(interrupts() - before, 1);
}

static void keep_chains(unsigned int nr, uint16_t *head)
{
	struct driver_buf buf = { 0, 4, false };

	page(&buf.gpa);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(driver_add(queue(1), &buf, 1, false, &head[i]), 0);
	assert_int_equal(driver_kick(queue(1)), 0);
	assert_int_equal(rig.nr_kept, nr);
}

static void chains_may_come_back_in_any_order(void **state)
{
	const unsigned int order[] = { 2, 0, 3, 1 };
	uint16_t head[4], used;
	uint32_t len;

	rig_driver(&rig, 0);
	keep_chains(4, head);
	assert_int_equal(driver_collect(queue(1), &used, &len), DRIVER_EMPTY);
	assert_int_equal(rig_return_kept(&rig, order, 4), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(driver_collect(queue(1), &used, &len), 0);
		assert_int_equal(used, head[order[i]]);
	}
	/* a second time is our own mistake, and not the guest's */
	assert_true(rig_return_kept(&rig, order, 1) < 0);
	assert_int_equal(rig_count_errors(&rig), 0);
}

static void a_chain_made_available_twice_is_a_fault(void **state)
{
	uint16_t head;

	rig_driver(&rig, 0);
	keep_chains(1, &head);
	queue(1)->avail_ring[1] = head;
	*queue(1)->avail_idx = 2;
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 1), 0);
	assert_int_equal(rig.errors[XENVIRTIO_GUEST_BAD_RING], 1);
	assert_true(driver_status(&rig.driver) & STATUS_NEEDS_RESET);
	/* the chain it held goes nowhere, and pops say why */
	assert_int_equal(rig_return_kept(&rig, (unsigned int[]){ 0 }, 1), XENVIRTIO_E_GUEST);
	assert_int_equal(*queue(1)->used_idx, 0);
}

/* The device may finish late what was asked before a reset: it must not reach the new driver. */
static void a_chain_from_before_a_reset_is_dropped(void **state)
{
	struct xenvirtio_chain old;
	uint16_t head;

	rig_driver(&rig, 0);
	keep_chains(1, &head);
	old = rig.kept[0];
	rig_driver(&rig, 0);
	keep_chains(1, &head);
	assert_int_equal(rig.kept[0].head, old.head);
	assert_int_equal(xenvirtio_queue_push(xenvirtio_device_queue(rig.dev, 1), &old, 0), 0);
	assert_int_equal(*queue(1)->used_idx, 0);
	assert_int_equal(rig_return_kept(&rig, (unsigned int[]){ 0 }, 1), 0);
	assert_int_equal(*queue(1)->used_idx, 1);
}

/* Every offset and length of a message in pieces of 1, 2, 3 and 4 bytes, read and written. */
static void any_part_of_a_chain_can_be_copied(void **state)
{
	struct driver_buf buf[8];
	struct xenvirtio_queue *q;
	uint8_t *out, *in, part[10];
	uint16_t head;

	rig_driver(&rig, 0);
	out = page(&buf[0].gpa);
	in = page(&buf[4].gpa);
	for (uint32_t i = 0; i < 8; i++)
		buf[i] = (struct driver_buf){ buf[i & 4].gpa + i % 4 * 100, i % 4 + 1, i >= 4 };
	assert_int_equal(driver_add(queue(1), buf, 8, false, &head), 0);
	assert_int_equal(driver_kick(queue(1)), 0);
	q = xenvirtio_device_queue(rig.dev, 1);
	for (uint8_t i = 0, at = 0; i < 4; i++)
		for (uint8_t k = 0; k <= i; k++)
			out[i * 100 + k] = at++;
	for (uint8_t offset = 0; offset < 10; offset++) {
		for (uint8_t len = 0; len <= 10 - offset; len++) {
			assert_int_equal(xenvirtio_chain_read(q, &rig.kept[0], offset, part, len),
					 0);
			for (uint8_t i = 0; i < len; i++)
				assert_int_equal(part[i], offset + i);
			memset(in, 0xee, 400);
			assert_int_equal(xenvirtio_chain_write(q, &rig.kept[0], offset, part, len),
					 0);
			for (uint8_t i = 0, at = 0; i < 4; i++)
				for (uint8_t k = 0; k <= i; k++, at++)
					assert_int_equal(in[i * 100 + k],
							 at >= offset && at < offset + len ? at
											   : 0xee);
		}
	}
}

static void reads_beyond_a_chain_are_refused(void **state)
{
	struct xenvirtio_queue *q;
	uint16_t head;
	char byte[8];

	rig_driver(&rig, 0);
	keep_chains(1, &head);
	q = xenvirtio_device_queue(rig.dev, 1);
	assert_int_equal(xenvirtio_chain_read(q, &rig.kept[0], 0, byte, 4), 0);
	assert_int_equal(xenvirtio_chain_read(q, &rig.kept[0], 4, byte, 0), 0);
	assert_int_equal(xenvirtio_chain_read(q, &rig.kept[0], 1, byte, 4), XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_chain_read(q, &rig.kept[0], UINT64_MAX, byte, 2),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_chain_write(q, &rig.kept[0], 0, byte, 1), XENVIRTIO_E_GUEST);
	/* nothing can have been written */
	assert_true(xenvirtio_queue_push(q, &rig.kept[0], 1) < 0);
}

static void a_buffer_on_a_hole_is_refused_when_it_is_read(void **state)
{
	struct driver_buf buf = { rig.bus.bus.hole_gpa, 64, false };
	uint16_t head;

	rig_driver(&rig, 0);
	assert_int_equal(driver_add(queue(1), &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(queue(1)), 0);
	assert_int_equal(rig.nr_kept, 1);
	assert_int_equal(xenvirtio_chain_read(xenvirtio_device_queue(rig.dev, 1), &rig.kept[0], 0,
					      (char[64]){ 0 }, 64),
			 XENVIRTIO_E_GUEST);
}

/* virtio 1.2, 2.7.4: 2^32 bytes in a chain, and not one more */
static void chains_end_at_4_gib(void **state)
{
	const struct fake_config config = { .ram = { { { 0x40000 }, { 0xcffff } } }, .nr_ram = 1 };
	const uint64_t gpa = 0x50000000;

	assert_int_equal(rig_init(&rig, &config), 0);
	assert_int_equal(rig_start(&rig), 0);
	for (uint32_t extra = 0; extra < 2; extra++) {
		const struct driver_buf buf[] = { { gpa, 0x80000000, true },
						  { gpa, 0x7fffffff, true },
						  { gpa, 1 + extra, true } };
		uint16_t head;

		rig_driver(&rig, 0);
		assert_int_equal(driver_add(queue(0), buf, 3, false, &head), 0);
		assert_int_equal(driver_kick(queue(0)), 0);
		assert_int_equal(*queue(0)->used_idx, !extra);
		assert_int_equal(rig.errors[XENVIRTIO_GUEST_BAD_RING], extra);
	}
	rig_fini(&rig);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(indices_wrap),
		TEST(segments_are_one_message),
		TEST(chains_of_nothing_come_back),
		TEST(a_table_may_end_a_chain),
		TEST(event_index_holds_interrupts_back),
		TEST(event_index_holds_kicks_back),
		TEST(no_interrupt_flag_is_obeyed),
		TEST(chains_may_come_back_in_any_order),
		TEST(a_chain_made_available_twice_is_a_fault),
		TEST(a_chain_from_before_a_reset_is_dropped),
		TEST(any_part_of_a_chain_can_be_copied),
		TEST(reads_beyond_a_chain_are_refused),
		TEST(a_buffer_on_a_hole_is_refused_when_it_is_read),
		cmocka_unit_test(chains_end_at_4_gib),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
