// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an honest driver's message costs beside the frames it moves: bounds (test-balloon-budget.c) must not make it dear. Each
 * further turn maps the rings again, as does each queue that is looked at for nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/machine-fake.h"
#include "unit/rigs/metered-bench.h"

#define BLOCK 512u
/* as long as a message of kernel/balloon's: 17 whole blocks of it */
#define MESSAGE (17 * BLOCK)

static unsigned int ring_maps(const struct bench *b, unsigned int index)
{
	return fake_frame_maps(b->fake, xenvirtio_gfn(b->driver.queue[index].ring_gpa >> 12));
}

static void only_the_queue_that_was_kicked_is_looked_at(void **state)
{
	struct bench *b = *state;

	for (unsigned int index = INFLATE; index <= DEFLATE; index++) {
		assert_int_equal(xenvirtio_gmem_flush(b->gmem), 0);
		meter_post_chunk(b, index, FREE, 16);
		meter_expect_used(b, index);
		assert_int_equal(ring_maps(b, index), 1);
		assert_int_equal(ring_maps(b, !index), 0);
	}
	/* one that goes on for turns is not forgotten for one that was kicked later, nor the other way round */
	meter_post_chunk(b, INFLATE, FREE, 20000);
	meter_post_chunk(b, DEFLATE, FREE + 30000, 16);
	meter_go_on(b, 20);
	meter_expect_used(b, INFLATE);
	meter_expect_used(b, DEFLATE);
}

/* The look for another message is done where the ring is mapped, not in a turn of its own. */
static void with_the_message_the_turns_end(void **state)
{
	uint64_t nr = BUDGET_TURN / BUDGET_FRAME / BLOCK * BLOCK;
	struct bench *b = *state;

	for (unsigned int index = INFLATE; index <= DEFLATE; index++) {
		meter_post_chunk(b, index, FREE, nr);
		assert_true(budget_spent(&b->balloon->reservation.budget));
		meter_expect_used(b, index);
		assert_false(bench_status(b).work_pending);
	}
	/* and one that is there is not missed */
	meter_post_chunk(b, INFLATE, FREE, 2 * nr);
	meter_post_chunk(b, INFLATE, FREE + 2 * nr, 16);
	meter_go_on(b, 4);
	meter_expect_used(b, INFLATE);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 2 * nr + 16);
}

/* A hypervisor that moves whole blocks at 0.35 us a frame: after a few messages that is known. */
static void what_is_fast_is_one_turn(void **state)
{
	struct bench *b = *state;

	meter.frame_ns = 320;
	for (unsigned int i = 0; i < 3; i++) {
		meter_post_chunk(b, INFLATE, FREE + i * MESSAGE, MESSAGE);
		meter_go_on(b, 8);
		meter_expect_used(b, INFLATE);
	}
	meter_post_chunk(b, INFLATE, FREE + 3 * MESSAGE, MESSAGE);
	meter_expect_used(b, INFLATE);
	assert_false(bench_status(b).work_pending);
	/* of frames that are known to be that cheap a turn has more than the meter allows it */
	assert_in_range(meter.most_frames, MESSAGE, MESSAGE);
	meter.most_frames = 0;
}

static unsigned int told;

static void count_told(void *opaque)
{
	(void)opaque;
	told++;
}

/* Each report is written to xenstore and sent to whoever watches: a message is told once, a long one now and then. */
static void a_message_is_told_at_its_end(void **state)
{
	struct bench *b = *state;
	unsigned int turns = 0;

	b->balloon->cfg.changed = count_told;
	told = 0;
	meter_post_chunk(b, INFLATE, FREE, 3 * BUDGET_TURN / BUDGET_FRAME);
	assert_int_equal(told, 0);
	meter_go_on(b, 6);
	assert_int_equal(told, 1);
	meter_expect_used(b, INFLATE);
	told = 0;
	meter_post_chunk(b, DEFLATE, FREE, NR);
	for (; bench_status(b).work_pending; turns++) {
		METER(b, balloon_retry(b->balloon));
		assert_true(told >= turns / 8);
	}
	assert_in_range(told, 1, turns / 8 + 1);
	meter_expect_used(b, DEFLATE);
}

#define METERED(test) cmocka_unit_test_setup_teardown(test, meter_setup, meter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		METERED(only_the_queue_that_was_kicked_is_looked_at),
		METERED(with_the_message_the_turns_end),
		METERED(what_is_fast_is_one_turn),
		METERED(a_message_is_told_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
