// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages are unused, by free page hints, as Linux gives them and otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/rigs/unused-bench.h"

static void hints_as_linux_gives_them(void **state)
{
	struct bench *b = *state;
	uint32_t cmd_id, pending, other;

	hints_start(b);
	assert_int_equal(driver_write(&b->driver, REG_POISON_VAL, 0xaaaaaaaa), 0);
	assert_int_equal(bench_status(b).poison_val, 0xaaaaaaaa);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	assert_int_equal(driver_read(&b->driver, REG_INTERRUPT_STATUS, &pending), 0);
	assert_int_equal(pending & 2, 2);
	cmd_id = hints_cmd_id(b);
	assert_true(cmd_id > 1);
	hints_command(b, cmd_id);
	hints_send(b, RAM << 12, 512 << 12);
	hints_send(b, UINT64_C(0x200000) << 12, 1024 << 12);
	assert_unused(b, BALLOON_UNUSED_ASKED, 512 + 1024);
	hints_command(b, 0);
	assert_unused(b, BALLOON_UNUSED_DONE, 512 + 1024);
	assert_int_equal(hints_cmd_id(b), cmd_id);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(hints_cmd_id(b), 1);
	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		assert_int_equal(bench_errors(b, i), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	other = hints_cmd_id(b);
	assert_true(other > 1 && other != cmd_id);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* Hints that belong to no question, or to an older one, and parts of pages. */
static void hints_that_do_not_count(void **state)
{
	struct bench *b = *state;
	uint32_t cmd_id;

	hints_start(b);
	hints_send(b, RAM << 12, 4096);
	hints_command(b, 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	cmd_id = hints_cmd_id(b);
	hints_send(b, RAM << 12, 4096);
	hints_command(b, 0);
	assert_unused(b, BALLOON_UNUSED_ASKED, 0);
	hints_command(b, cmd_id + 1);
	hints_send(b, RAM << 12, 4096);
	hints_command(b, cmd_id);
	hints_send(b, (RAM << 12) + 1, 4096);
	hints_send(b, RAM << 12, 4095);
	hints_send(b, (RAM << 12) + 4095, 4097);
	assert_unused(b, BALLOON_UNUSED_ASKED, 1);
	hints_command(b, cmd_id + 1);
	hints_send(b, (RAM + 5) << 12, 4096);
	hints_command(b, cmd_id);
	hints_command(b, 0);
	assert_unused(b, BALLOON_UNUSED_DONE, 1);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* A hint outside of RAM breaks the queue as any buffer there does, and with it the question. */
static void a_hint_outside_of_ram(void **state)
{
	const struct driver_buf buf = { UINT64_C(0x100000) << 12, 4096, true };
	struct bench *b = *state;

	hints_start(b);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	hints_command(b, hints_cmd_id(b));
	unused_post(b, BALLOON_VQ_FREE_PAGE, buf);
	assert_true(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_ADDRESS), 1);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_AGAIN);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_unused(b, BALLOON_UNUSED_FAILED, 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	hints_start(b);
	assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
	bench_assert_exact(b);
}

static void hints_of_rings_and_of_the_balloon(void **state)
{
	struct bench *b = *state;

	hints_start(b);
	assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	hints_command(b, hints_cmd_id(b));
	hints_send(b, UINT64_C(0x40000) << 12, 4095u << 12);
	assert_true(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE) >= 5);
	assert_unused(b, BALLOON_UNUSED_ASKED, 4095 - 10 - 4);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(hints_cmd_id(b), 1);
}

static void odd_commands(void **state)
{
	struct bench *b = *state;
	uint32_t len;

	hints_start(b);
	for (uint32_t bytes = 1; bytes < 9; bytes++) {
		struct driver_buf buf = { .len = bytes };

		if (bytes == 4)
			continue;
		unused_page(b, &buf.gpa);
		unused_post(b, BALLOON_VQ_FREE_PAGE, buf);
		assert_true(unused_collect(b, BALLOON_VQ_FREE_PAGE, &len));
	}
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 7);
	assert_false(driver_status(&b->driver) & STATUS_NEEDS_RESET);
}

/* The process dies while the driver holds pages for it: the successor says DONE. */
static void a_successor_ends_the_hints(void **state)
{
	struct bench *b = *state;
	uint32_t pending;

	hints_start(b);
	assert_int_equal(driver_write(&b->driver, REG_POISON_VAL, 7), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	hints_command(b, hints_cmd_id(b));
	assert_int_equal(driver_write(&b->driver, REG_INTERRUPT_ACK, 3), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(hints_cmd_id(b), 1);
	assert_int_equal(bench_status(b).poison_val, 7);
	assert_int_equal(driver_read(&b->driver, REG_INTERRUPT_STATUS, &pending), 0);
	assert_int_equal(pending & 2, 2);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(hints_as_linux_gives_them),
		ON_BENCH(hints_that_do_not_count),
		ON_BENCH(a_hint_outside_of_ram),
		ON_BENCH(hints_of_rings_and_of_the_balloon),
		ON_BENCH(odd_commands),
		ON_BENCH(a_successor_ends_the_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
