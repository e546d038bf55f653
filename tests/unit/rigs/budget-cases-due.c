// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest may do with frames that are acknowledged before they are released. Where they are is the guest's choice: all over its RAM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/rigs/budget-cases.h"
#include "unit/rigs/metered-bench.h"

/* Frames from one to the next: more than any window or page of a bitmap is looked at for. */
#define STEP 4096u
/* Frames of one message, and of all that are put off: what they are in is more than a turn can look through. */
#define SINGLES 60u
#define DUE_NR 20000u

static void begin(struct bench *b)
{
	assert_int_equal(balloon_set_target(b->balloon, (uint32_t)NR), 0);
}

static void settle(struct bench *b)
{
	balloon_settle(b->balloon);
	balloon_settle(b->balloon);
}

/* @nr single frames, @step apart, in messages of as many as one page has room for. */
static void post_singles(struct bench *b, unsigned int index, uint64_t gfn, uint64_t step, uint64_t nr)
{
	uint64_t next_gfn = b->bus.next_gfn;

	while (nr) {
		unsigned char msg[SINGLES * 16], *at = msg;

		for (unsigned int i = 0; i < SINGLES && nr; i++, nr--, gfn += step)
			at = bulk_put(bulk_put(at, gfn << 12, 8), 4096, 8);
		assert_int_equal(bench_post_bytes(b, index, msg, (size_t)(at - msg)), 0);
		meter_go_on(b, 100);
		meter_expect_used(b, index);
		b->bus.next_gfn = next_gfn;
	}
}

/* Each window of the guest's RAM has had a frame that was put off, and has none. */
static void put_off_and_take_back_everywhere(struct bench *b)
{
	begin(b);
	for (uint64_t gfn = FREE; gfn + SINGLES * STEP < FREE + NR; gfn += SINGLES * STEP) {
		post_singles(b, INFLATE, gfn, STEP, SINGLES);
		post_singles(b, DEFLATE, gfn, STEP, SINGLES);
	}
}

static void frames_taken_back_everywhere(void **state)
{
	struct bench *b = *state;

	put_off_and_take_back_everywhere(b);
	post_singles(b, INFLATE, FREE, STEP, 1);
	settle(b);
	meter_go_on(b, 100);
	assert_int_equal(bench_status(b).due_pages, 0);
	assert_int_equal(bench_status(b).ballooned_pages, 1);
}

/* As many as can be are put off; then some of them are taken back, a turn after it was begun to release them. */
static void a_deflate_while_scattered_frames_are_released(void **state)
{
	struct bench *b = *state;
	uint64_t nr = NR / 2 < DUE_NR ? NR / 2 : DUE_NR, step = NR / nr;

	begin(b);
	for (unsigned int round = 0; round < 3; round++) {
		post_singles(b, INFLATE, FREE, step, nr);
		settle(b);
		METER(b, balloon_retry(b->balloon));
		post_singles(b, DEFLATE, FREE, step, nr);
		meter_go_on(b, 200);
		settle(b);
		meter_go_on(b, 200);
		assert_int_equal(bench_status(b).ballooned_pages, 0);
	}
}

static void a_reset_while_scattered_frames_are_due(void **state)
{
	struct bench *b = *state;

	put_off_and_take_back_everywhere(b);
	post_singles(b, INFLATE, FREE, NR / 1000, 1000);
	assert_int_equal(driver_reset(&b->driver), 0);
	meter_go_on(b, 100);
	assert_int_equal(bench_status(b).due_pages, 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

/* A message of all RAM, in which there is something to forget; and the same RAM in very many parts. */
static void a_message_of_all_ram_while_frames_are_due(void **state)
{
	struct bench *b = *state;

	begin(b);
	post_singles(b, INFLATE, FREE, NR / 1000, 1000);
	meter_post_chunk(b, INFLATE, FREE, NR);
	meter_go_on(b, 100);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).due_pages, 0);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
}

#define METERED(test) cmocka_unit_test_setup_teardown(test, meter_setup, meter_teardown)

static const struct CMUnitTest tests[] = {
	METERED(frames_taken_back_everywhere),
	METERED(a_deflate_while_scattered_frames_are_released),
	METERED(a_reset_while_scattered_frames_are_due),
	METERED(a_message_of_all_ram_while_frames_are_due),
};

const struct budget_cases budget_cases_due = { tests, sizeof(tests) / sizeof(tests[0]) };
