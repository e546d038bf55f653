// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a device with foreign queues may be, what it offers, and how its driver sets a queue up: features of the ring that are
 * the back-end's, larger and packed rings, QueueReset. The library refuses rings that cannot be, whoever would read them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/foreign-rig.h"

#define REG_QUEUE_RESET 0x0c0
#define BIT(n) (UINT64_C(1) << (n))

static struct foreign f;

static int setup(void **state)
{
	return foreign_rig_init(&f, NULL);
}

static int teardown(void **state)
{
	foreign_rig_fini(&f);
	return 0;
}

static void start(uint64_t features, uint16_t queue_size_max)
{
	f.rig.features = features | rig_target.features;
	f.rig.queue_size_max = queue_size_max;
	assert_int_equal(rig_start(&f.rig), 0);
}

static uint64_t offered(void)
{
	uint64_t high;

	foreign_write(&f, REG_DEVICE_FEATURES_SEL, 1);
	high = foreign_read(&f, REG_DEVICE_FEATURES);
	foreign_write(&f, REG_DEVICE_FEATURES_SEL, 0);
	return high << 32 | foreign_read(&f, REG_DEVICE_FEATURES);
}

static void exactly_the_authors_features_are_offered(void **state)
{
	static const uint64_t features[] = { 0, 1, BIT(28), BIT(29), BIT(34) | BIT(35) | BIT(40), BIT(63) | BIT(23) };

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		start(features[i], 0);
		assert_int_equal(offered(), features[i] | 1 | F_VERSION_1);
		assert_int_equal(rig_stop(&f.rig), 0);
	}
}

static void bits_that_nobody_can_serve_are_refused(void **state)
{
	const uint64_t backends = BIT(28) | BIT(29) | BIT(32) | BIT(34) | BIT(35) | BIT(40);

	for (unsigned int bit = 0; bit < 64; bit++) {
		bool transport = bit >= 24 && bit <= 41;
		int expected = !transport || backends >> bit & 1 ? 0 : -EINVAL;

		f.rig.features = BIT(bit);
		assert_int_equal(rig_start(&f.rig), expected);
		if (!expected)
			assert_int_equal(rig_stop(&f.rig), 0);
	}
	/* and most of those with queues of one's own */
	f.rig.foreign_queues = false;
	for (unsigned int bit = 33; bit <= 41; bit++) {
		f.rig.features = BIT(bit);
		assert_int_equal(rig_start(&f.rig), -EINVAL);
	}
	f.rig.features = 0;
	assert_int_equal(rig_start(&f.rig), 0);
	assert_int_equal(xenvirtio_device_kick_fd(f.rig.dev, 0), -EINVAL);
	assert_int_equal(xenvirtio_device_call_fd(f.rig.dev), -EINVAL);
}

static void sizes_of_a_device(void **state)
{
	static const struct {
		uint16_t size;
		int result;
	} rows[] = {
		{ 1, 0 }, { 256, 0 }, { 512, 0 }, { 1024, 0 }, { 2048, -EINVAL }, { 1000, -EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f.rig.queue_size_max = rows[i].size;
		for (int foreign = 0; foreign < 2; foreign++) {
			f.rig.foreign_queues = foreign;
			f.rig.features = 0;
			assert_int_equal(rig_start(&f.rig), rows[i].result);
			if (f.rig.dev)
				assert_int_equal(rig_stop(&f.rig), 0);
		}
	}
}

/* A queue's registers, and QueueReady. Return: whether it stuck */
static bool enable(unsigned int index, uint32_t size, uint64_t desc, uint64_t avail, uint64_t used)
{
	struct driver *d = &f.rig.driver;

	foreign_write(&f, REG_QUEUE_SEL, index);
	foreign_write(&f, REG_QUEUE_NUM, size);
	assert_int_equal(driver_write_gpa(d, REG_QUEUE_DESC, desc), 0);
	assert_int_equal(driver_write_gpa(d, REG_QUEUE_AVAIL, avail), 0);
	assert_int_equal(driver_write_gpa(d, REG_QUEUE_USED, used), 0);
	foreign_write(&f, REG_QUEUE_READY, 1);
	return foreign_read(&f, REG_QUEUE_READY);
}

static void begin(uint64_t features)
{
	assert_int_equal(driver_begin(&f.rig.driver, RIG_DEVICE_ID, features), 0);
}

/* The RAM of the rig: from 0x40000000 on, without the frame in its middle; its end. */
#define RAM UINT64_C(0x40000000)
#define HOLE UINT64_C(0x40800000)
#define END UINT64_C(0x41000000)

/* Nobody here may read them by mistake, or keep count of so many. */
static void a_foreign_queue_gives_no_chains(void **state)
{
	struct xenvirtio_chain chain = { .head = 0 };
	struct xenvirtio_queue *q;

	start(0, 1024);
	q = xenvirtio_device_queue(f.rig.dev, 0);
	assert_int_equal(xenvirtio_queue_pop(q, &chain), -EINVAL);
	begin(0);
	assert_true(enable(0, 1024, RAM, RAM + 4 * BUS_PAGE_BYTES, RAM + 5 * BUS_PAGE_BYTES));
	foreign_write(&f, REG_STATUS, 15);
	assert_true(f.live[0]);
	assert_int_equal(xenvirtio_queue_pop(q, &chain), -EINVAL);
	for (chain.epoch = 0; chain.epoch < 8; chain.epoch++)
		for (chain.head = 0; chain.head < 1024; chain.head++)
			assert_false(xenvirtio_chain_held(q, &chain));
	for (chain.epoch = 0; chain.epoch < 8; chain.epoch++) {
		int ret = xenvirtio_queue_push(q, &chain, 0);

		assert_true(!ret || ret == -EINVAL);
	}
	assert_int_equal(xenvirtio_queue_interrupt(q), 0);
}

static void a_large_ring_is_checked_whole(void **state)
{
	static const uint64_t desc_bytes = 16 * 1024, avail_bytes = 6 + 2 * 1024, used_bytes = 6 + 8 * 1024;
	struct xenvirtio_gfn ram = xenvirtio_gfn(RAM / BUS_PAGE_BYTES);

	start(0, 1024);
	begin(0);
	assert_true(enable(0, 1024, END - desc_bytes, RAM, RAM + BUS_PAGE_BYTES));
	assert_int_equal(xenvirtio_device_next_ring(f.rig.dev, xenvirtio_gfn(ram.v + 4), UINT64_MAX),
			 (END - desc_bytes - RAM) / BUS_PAGE_BYTES - 4);
	assert_true(xenvirtio_device_ring_gfn(f.rig.dev, xenvirtio_gfn(END / BUS_PAGE_BYTES - 1)));
	foreign_write(&f, REG_STATUS, 15);
	assert_int_equal(f.rings[0].size, 1024);
	assert_int_equal(f.rings[0].desc_gpa, END - desc_bytes);
	begin(0);
	assert_true(enable(0, 1024, RAM, END - avail_bytes, HOLE - used_bytes - 2));
	/* by a byte, on a hole, around the end of addresses, not aligned */
	begin(0);
	assert_false(enable(0, 1024, END - desc_bytes + 16, RAM, RAM));
	begin(0);
	assert_false(enable(0, 1024, RAM, END - avail_bytes + 2, RAM));
	begin(0);
	assert_false(enable(0, 1024, RAM, RAM, END - used_bytes + 6));
	begin(0);
	assert_false(enable(0, 1024, HOLE - desc_bytes + 16, RAM, RAM));
	begin(0);
	assert_false(enable(0, 1024, RAM, RAM, HOLE - used_bytes + 6));
	begin(0);
	assert_false(enable(0, 1024, UINT64_MAX - 15, RAM, RAM));
	begin(0);
	assert_false(enable(0, 1024, RAM + 8, RAM, RAM));
	begin(0);
	assert_false(enable(0, 2048, RAM, RAM, RAM));
	begin(0);
	assert_false(enable(0, 1000, RAM, RAM, RAM));
	foreign_write(&f, REG_STATUS, 15);
	assert_int_equal(f.starts[0], 1);
}

static void packed_rings(void **state)
{
	static const uint32_t good[] = { 1, 3, 1000, 1024 }, bad[] = { 0, 1025, 65537 };

	start(BIT(34), 1024);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		begin(BIT(34));
		assert_true(enable(0, good[i], END - 16ull * good[i], END - 4, HOLE - 4));
		foreign_write(&f, REG_STATUS, 15);
		assert_int_equal(f.rings[0].size, good[i]);
		assert_true(xenvirtio_device_ring_gfn(f.rig.dev, xenvirtio_gfn(HOLE / BUS_PAGE_BYTES - 1)));
		assert_false(xenvirtio_device_ring_gfn(f.rig.dev, xenvirtio_gfn(HOLE / BUS_PAGE_BYTES)));
		/* as it is known to a process that goes on */
		rig_crash(&f.rig);
		assert_int_equal(rig_start(&f.rig), 0);
		assert_true(f.live[0]);
		assert_int_equal(f.rings[0].size, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(BIT(34));
		assert_false(enable(0, bad[i], RAM, RAM, RAM));
	}
	begin(BIT(34));
	assert_false(enable(0, 1000, END - 16 * 1000 + 16, RAM, RAM));
	begin(BIT(34));
	assert_false(enable(0, 1000, RAM, RAM + 2, RAM));
	begin(BIT(34));
	assert_false(enable(0, 1000, RAM, RAM, END));
	begin(BIT(34));
	assert_false(enable(0, 1000, RAM, RAM, RAM + 2));
	/* a driver that did not take them has split rings */
	begin(0);
	assert_false(enable(0, 1000, RAM, RAM, RAM));
	begin(0);
	assert_false(enable(0, 1024, RAM, END - 4, RAM));
}

static void a_packed_state_is_none_of_a_split_device(void **state)
{
	struct xenvirtio_device_state packed;

	start(BIT(34), 1024);
	begin(BIT(34));
	assert_true(enable(0, 1000, RAM, RAM, RAM));
	packed = f.rig.state;
	rig_crash(&f.rig);
	f.rig.state = packed;
	f.rig.features = 1;
	assert_int_equal(rig_start(&f.rig), -EBADMSG);
	f.rig.state = packed;
	f.rig.state.driver_features = F_VERSION_1;
	assert_int_equal(rig_start(&f.rig), -EBADMSG);
	f.rig.state = packed;
	f.rig.features = BIT(34);
	assert_int_equal(rig_start(&f.rig), 0);
}

static void a_queue_is_reset(void **state)
{
	uint64_t errors;

	start(BIT(40), 0);
	/* not before it was negotiated, nor without it */
	begin(BIT(40));
	rig_driver(&f.rig, 0);
	errors = f.rig.errors[XENVIRTIO_GUEST_BAD_ACCESS];
	assert_int_equal(foreign_read(&f, REG_QUEUE_RESET), UINT32_MAX);
	foreign_write(&f, REG_QUEUE_RESET, 1);
	assert_int_equal(f.rig.errors[XENVIRTIO_GUEST_BAD_ACCESS], errors + 2);
	assert_true(f.live[1]);
	rig_driver(&f.rig, BIT(40));
	foreign_write(&f, REG_QUEUE_SEL, 1);
	assert_int_equal(foreign_read(&f, REG_QUEUE_RESET), 0);
	foreign_write(&f, REG_QUEUE_RESET, 1);
	assert_false(f.live[1]);
	assert_true(f.live[0]);
	assert_int_equal(foreign_read(&f, REG_QUEUE_RESET), 0);
	assert_int_equal(foreign_read(&f, REG_QUEUE_READY), 0);
	assert_int_equal(f.rig.state.queue[1].size, 0);
	assert_int_equal(f.rig.state.queue[1].desc_gpa, 0);
	/* again is nothing; values and queues that are not there are counted */
	foreign_write(&f, REG_QUEUE_RESET, 1);
	errors = f.rig.errors[XENVIRTIO_GUEST_BAD_QUEUE];
	foreign_write(&f, REG_QUEUE_RESET, 0);
	foreign_write(&f, REG_QUEUE_RESET, 2);
	foreign_write(&f, REG_QUEUE_SEL, RIG_QUEUES);
	foreign_write(&f, REG_QUEUE_RESET, 1);
	assert_int_equal(f.rig.errors[XENVIRTIO_GUEST_BAD_QUEUE], errors + 3);
	assert_int_equal(driver_make_ring(&f.rig.driver, 1, 8), 0);
	assert_int_equal(driver_enable_queue(&f.rig.driver, 1), 0);
	assert_true(f.live[1]);
	assert_int_equal(f.rings[1].size, 8);
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(exactly_the_authors_features_are_offered),
		TEST(bits_that_nobody_can_serve_are_refused),
		TEST(sizes_of_a_device),
		TEST(a_foreign_queue_gives_no_chains),
		TEST(a_large_ring_is_checked_whole),
		TEST(packed_rings),
		TEST(a_packed_state_is_none_of_a_split_device),
		TEST(a_queue_is_reset),
	};

	return cmocka_run_group_tests_name("foreign-setup", tests, NULL, NULL);
}
