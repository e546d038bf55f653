// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor: a process for each balloon and for nothing else, and none for a device that goes.
 */
#include "unit/rigs/supervisor-bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void a_device_there_or_new_gets_one_process(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_string_equal(b->notified, "READY=1;");
	assert_int_equal(b->readies, 1);
	assert_int_equal(b->nr_processes, 1);
	supervisor_bench_node(b, 4, 1, BENCH_BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_non_null(supervisor_bench_process(b, 4, 1));
	/* what the processes and the toolstack write later starts nothing */
	supervisor_bench_put(b, 4, 1, "state", "4");
	supervisor_bench_put(b, 4, 1, "actual", "5");
	supervisor_bench_put(b, 4, 1, "target", "5");
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_true(serving(b, 2));
}

/* A node is acted on when it is whole, whichever key comes last, and never before. */
static void a_half_written_node_is_waited_for(void **state)
{
	static const char *const keys[][2] = {{"frontend-id", "5"}, {"type", BENCH_BALLOON},
					      {"transport", "mmio"}, {"state", "1"},
					      {"online", "1"},	    {"irq", "33"},
					      {"base", "0x2000000"}};
	const unsigned int nr = sizeof(keys) / sizeof(keys[0]);
	struct supervisor_bench *b = *state;

	assert_true(supervisor_bench_start(b));
	for (unsigned int last = 0; last < nr; last++) {
		for (unsigned int i = 1; i <= nr; i++) {
			const char *const *key = keys[(last + i) % nr];

			assert_int_equal(b->nr_processes, last);
			supervisor_bench_put(b, 5, last, key[0], key[1]);
			supervisor_bench_run(b);
		}
		assert_int_equal(b->nr_processes, last + 1);
	}
	assert_int_equal(b->capture.at_level[LOG_LEVEL_WARNING], 0);
}

static void other_devices_are_left_alone(void **state)
{
	static const char *const types[] = {"virtio,device05", "virtio,devicezz", "virtio,device",
					    "virtio,device2",  "disk",		  ""};
	const unsigned int nr = sizeof(types) / sizeof(types[0]);
	struct supervisor_bench *b = *state;
	unsigned int lines;

	for (unsigned int i = 0; i < nr; i++)
		supervisor_bench_node(b, 5, i, types[i]);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(b->nr_processes, 0);
	assert_int_equal(supervisor_bench_counts(b).alone, nr);
	lines = b->capture.lines;
	assert_int_equal(lines, nr);
	/* whatever is written there, nothing more is said */
	for (unsigned int i = 0; i < nr; i++) {
		supervisor_bench_put(b, 5, i, "state", "4");
		supervisor_bench_put(b, 5, i, "type", types[i]);
	}
	supervisor_bench_run(b);
	assert_int_equal(b->capture.lines, lines);
	/* one that was corrected is served */
	supervisor_bench_put(b, 5, 1, "type", BENCH_BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 1);
	/* and what is gone is forgotten */
	for (unsigned int i = 0; i < nr; i++)
		supervisor_bench_del(b, 5, i);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).devices, 1);
}

/* Names that are no numbers, or no domain's, are nobody's devices. */
static void strange_names_are_nothing(void **state)
{
	static const char *const names[] = {"x", "-1", "01/0", "32752/0", "99999999999999999999/0",
					    "7/x", "7/65536", "7/00", "7/0x", "7x/0", " 7/0"};
	struct supervisor_bench *b = *state;
	char path[128];

	for (unsigned int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(path, sizeof(path), "/local/domain/0/backend/virtio/%s/state",
				 names[i]);
			fake_store_put(b->store, path, "1");
		}
		/* first as events' paths, then as names in a listing */
		if (!pass)
			assert_true(supervisor_bench_start(b));
		supervisor_bench_run(b);
	}
	assert_int_equal(supervisor_bench_counts(b).devices, 0);
	assert_int_equal(b->capture.lines, 0);
}

static void two_hundred_at_once_are_started_a_few_at_a_time(void **state)
{
	struct supervisor_bench *b = *state;
	unsigned int done = 0;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	supervisor_bench_guests(b, 200);
	while (done < 200) {
		assert_true(supervisor_bench_wait(b, started, done + 1));
		/* no more than that, however long nobody serves */
		supervisor_bench_run(b);
		assert_true(b->nr_processes - done <= SUPERVISOR_STARTS_MAX);
		supervisor_bench_put(b, b->process[done].domid, 0, "path", "event-channel");
		done++;
	}
	assert_true(supervisor_bench_wait(b, serving, 200));
	assert_int_equal(b->nr_processes, 200);
	assert_int_equal(b->most_starting, SUPERVISOR_STARTS_MAX);
	/* first come, first served */
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(b->process[i].domid, i + 1);
}

/* One that hangs at its start does not keep others from theirs. */
static void a_slow_start_makes_room(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	b->env.start_ms = 20;
	assert_true(supervisor_bench_start(b));
	supervisor_bench_guests(b, SUPERVISOR_STARTS_MAX + 1);
	assert_true(supervisor_bench_wait(b, started, SUPERVISOR_STARTS_MAX + 1));
	assert_true(log_capture_has(&b->capture, "does not serve yet"));
	/* the removal of `path`, which every process begins with, is not its coming */
	assert_int_equal(supervisor_bench_counts(b).devices, SUPERVISOR_STARTS_MAX + 1);
}

static void a_removed_path_is_no_service(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	supervisor_bench_put(b, 3, 0, "path", "event-channel");
	assert_true(supervisor_bench_start(b));
	fake_store_del(b->store, "/local/domain/0/backend/virtio/3/0/path");
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).starting, 1);
	supervisor_bench_put(b, 3, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_true(serving(b, 1));
}

static void a_device_that_goes_takes_its_entry_along(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.backoff_min_ms = b->env.backoff_max_ms = 3600000;
	for (unsigned int i = 0; i < 4; i++)
		supervisor_bench_node(b, 3, i, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	/* served: as the toolstack does it, with the process as the one who answers */
	supervisor_bench_put(b, 3, 0, "online", "0");
	supervisor_bench_put(b, 3, 0, "state", "5");
	supervisor_bench_run(b);
	assert_string_equal(supervisor_bench_get(b, 3, 0, "state"), "5");
	supervisor_bench_put(b, 3, 0, "state", "6");
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_DONE);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).devices, 3);
	/* removed before the process ends */
	supervisor_bench_del(b, 3, 1);
	supervisor_bench_run(b);
	supervisor_bench_exit(supervisor_bench_process(b, 3, 1), EXIT_CODE_DONE);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).devices, 2);
	/* while it waits */
	supervisor_bench_die(supervisor_bench_process(b, 3, 2), SIGKILL);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).waiting, 1);
	supervisor_bench_del(b, 3, 2);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).devices, 1);
	/* the whole guest */
	supervisor_bench_die(supervisor_bench_process(b, 3, 3), SIGKILL);
	supervisor_bench_run(b);
	fake_store_del(b->store, "/local/domain/0/backend/virtio/3");
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).devices, 0);
	assert_int_equal(b->nr_processes, 4);
}

/* xl destroy waits for XenbusState 6: with no process there, somebody must write it. */
static void a_device_nobody_serves_is_closed_all_the_same(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.backoff_min_ms = b->env.backoff_max_ms = 3600000;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	supervisor_bench_node(b, 3, 1, BENCH_BALLOON);
	supervisor_bench_node(b, 3, 2, BENCH_BALLOON);
	supervisor_bench_put(b, 3, 2, "online", "0");
	assert_true(supervisor_bench_start(b));
	assert_string_equal(supervisor_bench_get(b, 3, 2, "state"), "6");
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_UNSUITABLE);
	supervisor_bench_exit(supervisor_bench_process(b, 3, 1), EXIT_CODE_HOST);
	supervisor_bench_run(b);
	for (unsigned int i = 0; i < 2; i++) {
		supervisor_bench_put(b, 3, i, "online", "0");
		supervisor_bench_put(b, 3, i, "state", "5");
		supervisor_bench_run(b);
		assert_string_equal(supervisor_bench_get(b, 3, i, "state"), "6");
	}
	assert_int_equal(supervisor_bench_counts(b).devices, 0);
	assert_int_equal(b->nr_processes, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_there_or_new_gets_one_process),
		TEST(a_half_written_node_is_waited_for),
		TEST(other_devices_are_left_alone),
		TEST(strange_names_are_nothing),
		TEST(two_hundred_at_once_are_started_a_few_at_a_time),
		TEST(a_slow_start_makes_room),
		TEST(a_removed_path_is_no_service),
		TEST(a_device_that_goes_takes_its_entry_along),
		TEST(a_device_nobody_serves_is_closed_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
