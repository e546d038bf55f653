// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a guest is handed to a backend: rings that lie in memory from their first byte to their last, and nothing else.
 */
#include "unit/rigs/vhost-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <xenvirtio/error.h>

#include <cmocka.h>

#define PACKED (UINT64_C(1) << 34)

static int start(void)
{
	return vhost_frontend_start(bench.f, &bench.start);
}

/* With queue 1, of 64 entries, somewhere else. */
static int start_at(uint64_t desc_gpa, uint64_t avail_gpa, uint64_t used_gpa)
{
	bench.queue[1].desc_gpa = desc_gpa;
	bench.queue[1].avail_gpa = avail_gpa;
	bench.queue[1].used_gpa = used_gpa;
	return start();
}

/* Up to the last byte of a range, and not a byte more. */
static void test_rings_end(void **state)
{
	const uint64_t base = 0x40000000, end = base + 0x100000;

	assert_int_equal(start_at(end - 64 * 16, base, base), 0);
	assert_int_equal(start_at(end - 64 * 16 + 16, base, base), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, end - (6 + 2 * 64), base), 0);
	assert_int_equal(start_at(base, end - (6 + 2 * 64) + 2, base), XENVIRTIO_E_GUEST);
	/* 518 bytes, at a multiple of 4 */
	assert_int_equal(start_at(base, base, end - 520), 0);
	assert_int_equal(start_at(base, base, end - 516), XENVIRTIO_E_GUEST);
}

/* In a hole, before all, after all, at the top of what can be addressed. */
static void test_rings_outside(void **state)
{
	static const uint64_t places[] = {0, 0x3ffff000, 0x40100000, 0x1fffffc00, 0x200001000, UINT64_MAX - 15, UINT64_MAX - 0xfff};
	const uint64_t base = 0x40000000;

	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(start_at(places[i], base, base), XENVIRTIO_E_GUEST);
		assert_int_equal(start_at(base, places[i] & ~15ull, base), XENVIRTIO_E_GUEST);
		assert_int_equal(start_at(base, base, places[i] & ~15ull), XENVIRTIO_E_GUEST);
	}
	/* what was refused was not begun */
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_false(vhost_frontend_is_served(bench.f));
}

static void test_alignment(void **state)
{
	const uint64_t base = 0x40000000;

	assert_int_equal(start_at(base + 8, base, base), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, base + 1, base), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, base + 2, base), 0);
	assert_int_equal(start_at(base, base, base + 2), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, base, base + 4), 0);
}

static void test_sizes(void **state)
{
	bench.queue[1].size = 0;
	assert_int_equal(start(), XENVIRTIO_E_GUEST);
	bench.queue[1].size = 63;
	assert_int_equal(start(), XENVIRTIO_E_GUEST);
	bench.queue[1].size = 65536;
	assert_int_equal(start(), XENVIRTIO_E_GUEST);
	bench.queue[1].size = 32768;
	assert_int_equal(start_at(0x40000000, 0x40080000, 0x40091000), 0);
}

/* A packed ring has any size, and two structures of four bytes. */
static void test_packed(void **state)
{
	const uint64_t base = 0x40000000, end = base + 0x100000;

	bench.start.features |= PACKED;
	bench.queue[1].size = 63;
	assert_int_equal(start_at(end - 63 * 16, end - 4, end - 4), 0);
	assert_int_equal(start_at(end - 62 * 16, end - 4, end - 4), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, end - 2, base), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, base, end), XENVIRTIO_E_GUEST);
	assert_int_equal(start_at(base, base, base), 0);
}

/* Faults of the program, not of the guest. */
static void test_memory(void **state)
{
	struct vhost_memory *m = bench.memory, good = m[1];

	m[1].bytes = 0;
	assert_int_equal(start(), -EINVAL);
	m[1].bytes = UINT64_MAX;
	assert_int_equal(start(), -EINVAL);
	m[1] = good;
	m[1].offset = UINT64_MAX;
	assert_int_equal(start(), -EINVAL);
	m[1] = good;
	m[1].fd = -1;
	assert_int_equal(start(), -EINVAL);
	m[1] = good;
	/* the last page of the other one */
	m[1].gpa = 0x400ff000;
	assert_int_equal(start(), -EINVAL);
	m[1].gpa = 0x40100000;
	assert_int_equal(start(), 0);
	m[1].gpa = 0x3ffff001;
	assert_int_equal(start(), -EINVAL);
	m[1].gpa = 0x3ffff000;
	assert_int_equal(start(), 0);
	bench.start.nr_memory = 0;
	assert_int_equal(start(), -EINVAL);
}

static void test_queues(void **state)
{
	int kick_fd = bench.queue[1].kick_fd;

	bench.queue[1].index = 0;
	assert_int_equal(start(), -EINVAL);
	bench.queue[1].index = 256;
	assert_int_equal(start(), -EINVAL);
	bench.queue[1].index = 255;
	assert_int_equal(start(), 0);
	bench.queue[1].kick_fd = -1;
	assert_int_equal(start(), -EINVAL);
	bench.queue[1].kick_fd = kick_fd;
	bench.start.nr_queues = 0;
	assert_int_equal(start(), -EINVAL);
}

/* A backend may fill the counter that a kick adds to: nobody hangs for that. */
static void test_full_kick(void **state)
{
	const uint64_t most = UINT64_MAX - 1;

	assert_int_equal(write(bench.queue[0].kick_fd, &most, sizeof(most)), sizeof(most));
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(bench_start(), VHOST_OK);
	assert_int_equal(bench_kicks(1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rings_end, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_rings_outside, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_alignment, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_sizes, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_packed, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_memory, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_queues, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_full_kick, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
