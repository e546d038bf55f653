// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * num_pages and actual on a host that answers for them: no access of a stock driver's but its kicks reaches the device, what the driver
 * says it has is looked at all the same, and a death in between loses none of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake/hv-fake.h"
#include "unit/rigs/due-bench.h"

static unsigned int moves, changes;

static void moved(void *opaque)
{
	moves++;
}

static void changed(void *opaque)
{
	changes++;
}

static int setup(void **state)
{
	struct bench *b;

	/* all that kernel/privcmd has, but for waiting */
	setenv("FAKE_EVENTFD_FEATURES", "47", 1);
	due_setup_large(state);
	unsetenv("FAKE_EVENTFD_FEATURES");
	b = *state;
	b->balloon->cfg.moved = moved;
	b->balloon->cfg.changed = changed;
	moves = 0;
	changes = 0;
	return 0;
}

static uint32_t read_target(struct bench *b)
{
	uint64_t val;

	assert_int_equal(b->bus.bus.ops->read(&b->bus.bus, REG_CONFIG, 4, &val), 0);
	return (uint32_t)val;
}

static void the_host_answers_for_both(void **state)
{
	struct bench *b = *state;
	uint64_t before;

	due_begin(b, 8 * MESSAGE);
	before = fake_answered(b->fake);
	assert_int_equal(read_target(b), 8 * MESSAGE);
	due_tell(b, 3);
	assert_int_equal(fake_answered(b->fake), before + 2);
	assert_int_equal(bench_status(b).actual_pages, 3);
	assert_int_equal(balloon_set_target(b->balloon, 7), 0);
	assert_int_equal(read_target(b), 7);
}

/* The last message is known by what the driver has: released at once, and nothing before. */
static void what_it_has_is_known_at_its_next_message(void **state)
{
	struct bench *b = *state;

	due_begin(b, 8 * MESSAGE);
	for (uint32_t at = 0; at < 7 * MESSAGE; at += MESSAGE) {
		assert_int_equal(due_send(b, INFLATE, LARGE_FREE + at, MESSAGE, at + MESSAGE), 0);
		due_expect(b, 0, at + MESSAGE);
	}
	assert_int_equal(due_send(b, INFLATE, LARGE_FREE + 7 * MESSAGE, MESSAGE, 8 * MESSAGE), 0);
	due_expect(b, 8 * MESSAGE, 0);
	/* a driver that had taken some out by itself, and says so: its next message is not the last one */
	due_tell(b, 2 * MESSAGE);
	assert_int_equal(due_send(b, INFLATE, LARGE_FREE + 8 * MESSAGE, MESSAGE, 3 * MESSAGE), 0);
	due_expect(b, 8 * MESSAGE, MESSAGE);
}

/* A driver that writes all the time is reported as often as somebody reports; the last thing it writes is always heard of. */
static void the_last_write_is_heard_of(void **state)
{
	struct bench *b = *state;

	due_begin(b, 8 * MESSAGE);
	assert_int_equal(balloon_watch(b->balloon), 0);
	moves = changes = 0;
	due_tell(b, 1);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(moves + changes, 1);
	due_tell(b, 2);
	due_tell(b, 3);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(moves + changes, 1);
	/* the report that the first one led to */
	assert_int_equal(balloon_watch(b->balloon), 0);
	assert_int_equal(moves + changes, 2);
	assert_int_equal(bench_status(b).actual_pages, 3);
	assert_int_equal(balloon_watch(b->balloon), 0);
	assert_int_equal(moves + changes, 2);
	due_tell(b, 4);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(moves + changes, 3);
}

/* The host may keep another actual while an access of another field is served here: that one is not to bring the old one back. */
static void other_fields_leave_it_alone(void **state)
{
	static const uint32_t offsets[] = { 0, 8, 12 };
	struct bench *b = *state;

	due_begin(b, 8 * MESSAGE);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		/* so that the next one is not told of by itself */
		assert_int_equal(balloon_watch(b->balloon), 0);
		due_tell(b, 1);
		assert_int_equal(bench_run(b), 0);
		due_tell(b, (uint32_t)(10 + i));
		assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_CONFIG + offsets[i], 4, 99), 0);
		assert_int_equal(bench_status(b).actual_pages, 10 + i);
		/* that access has neither stored nor seen it: it is news still */
		moves = changes = 0;
		assert_int_equal(balloon_watch(b->balloon), 0);
		assert_int_equal(moves + changes, 1);
	}
}

static void a_death_loses_nothing(void **state)
{
	struct bench *b = *state;

	due_begin(b, 8 * MESSAGE);
	assert_int_equal(due_send(b, INFLATE, LARGE_FREE, MESSAGE, MESSAGE), 0);
	due_tell(b, 123);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_status(b).actual_pages, 123);
	assert_int_equal(bench_run(b), 0);
	bench_assert_exact(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).actual_pages, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_host_answers_for_both),
		TEST(what_it_has_is_known_at_its_next_message),
		TEST(the_last_write_is_heard_of),
		TEST(other_fields_leave_it_alone),
		TEST(a_death_loses_nothing),
	};

	return cmocka_run_group_tests_name("balloon-fields", tests, NULL, NULL);
}
