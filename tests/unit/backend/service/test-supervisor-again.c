// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the supervisor starts again when it ends, when, and what it does not.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/supervisor-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Each wait is twice the one before, up to the limit. */
static void a_process_that_dies_is_started_again_with_back_off(void **state)
{
	static const unsigned int waits_ms[] = {4, 8, 16, 32, 64, 64};
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	for (unsigned int i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		struct bench_process *p = supervisor_bench_process(b, 3, 0);
		char text[64];

		assert_int_equal(b->nr_processes, i + 1);
		if (i % 2)
			supervisor_bench_die(p, SIGSEGV);
		else
			supervisor_bench_exit(p, EXIT_CODE_HOST);
		supervisor_bench_run(b);
		snprintf(text, sizeof(text), "started again in %u ms", waits_ms[i]);
		assert_non_null(strstr(b->capture.all, text));
		machine_fake_pass(waits_ms[i] - 1);
		assert_int_equal(b->nr_processes, i + 1);
		machine_fake_pass(1);
	}
	assert_int_equal(b->nr_processes, sizeof(waits_ms) / sizeof(waits_ms[0]) + 1);
	assert_true(log_capture_has(&b->capture, "died of signal 11"));
	assert_true(log_capture_has(&b->capture, "ended with exit code 1"));
}

/* A guest waits meanwhile: only repeated deaths are worth a wait, and one that has served for a while begins anew. */
static void the_first_time_it_is_started_at_once(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.first_ms = 0;
	b->env.settled_ms = 20;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_true(log_capture_has(&b->capture, "started again at once"));
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_true(log_capture_has(&b->capture, "started again in 4 ms"));
	machine_fake_pass(4);
	assert_int_equal(b->nr_processes, 3);
	machine_fake_pass(20);
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 4);
}

static void one_that_served_for_a_while_has_no_history(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.settled_ms = 20;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	assert_true(supervisor_bench_wait(b, started, 2));
	supervisor_bench_run(b);
	machine_fake_pass(20);
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	assert_true(supervisor_bench_wait(b, started, 3));
	assert_true(log_capture_has(&b->capture, "in 4 ms"));
	assert_false(log_capture_has(&b->capture, "in 8 ms"));
	/* a moment less is not long enough */
	supervisor_bench_run(b);
	machine_fake_pass(19);
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	assert_true(supervisor_bench_wait(b, started, 4));
	assert_true(log_capture_has(&b->capture, "in 8 ms"));
}

/* A process can end well and its device still be there: somebody told it to end. */
static void an_end_without_a_reason_is_no_end(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_put(b, 3, 0, "state", "6");
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_DONE);
	assert_true(supervisor_bench_wait(b, started, 2));
}

static void what_cannot_get_better_is_not_tried_again(void **state)
{
	static const int codes[] = {EXIT_CODE_USAGE, EXIT_CODE_NO_DEVICE, EXIT_CODE_UNSUITABLE};
	static const char *const changes[][2] = {
		{"base", "0x2000400"}, {"irq", "35"}, {"grant_usage", "1"}};
	struct supervisor_bench *b = *state;

	for (unsigned int i = 0; i < 3; i++)
		supervisor_bench_node(b, 3, i, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	for (unsigned int i = 0; i < 3; i++)
		supervisor_bench_exit(supervisor_bench_process(b, 3, i), codes[i]);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).alone, 3);
	machine_fake_pass(3600000);
	/* the same again is no change, nor is what decides nothing */
	for (unsigned int i = 0; i < 3; i++) {
		supervisor_bench_put(b, 3, i, "online", "1");
		supervisor_bench_put(b, 3, i, "target", "1");
	}
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 3);
	assert_int_equal(b->capture.at_level[LOG_LEVEL_WARNING], 3);
	for (unsigned int i = 0; i < 3; i++)
		supervisor_bench_put(b, 3, i, changes[i][0], changes[i][1]);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 6);
}

/* Busy: whoever has it may let it go. */
static void busy_is_tried_again(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_BUSY);
	assert_true(supervisor_bench_wait(b, started, 2));
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_NO_XEN);
	assert_true(supervisor_bench_wait(b, started, 3));
}

static void a_hang_up_signal_has_everything_tried_again(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.backoff_min_ms = b->env.backoff_max_ms = 3600000;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	supervisor_bench_node(b, 3, 1, BENCH_BALLOON);
	supervisor_bench_node(b, 3, 2, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_UNSUITABLE);
	supervisor_bench_exit(supervisor_bench_process(b, 3, 1), EXIT_CODE_HOST);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).alone, 1);
	assert_int_equal(supervisor_bench_counts(b).waiting, 1);
	raise(SIGHUP);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 5);
	assert_true(serving(b, 3));
	/* the one that served was not touched */
	assert_true(supervisor_bench_process(b, 3, 2)->alive);
}

static void a_start_that_fails_is_tried_again(void **state)
{
	struct supervisor_bench *b = *state;

	b->start_result = -EAGAIN;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(supervisor_bench_counts(b).waiting, 1);
	assert_true(log_capture_has(&b->capture, "cannot start its process"));
	b->start_result = 0;
	assert_true(supervisor_bench_wait(b, serving, 1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_that_dies_is_started_again_with_back_off),
		TEST(the_first_time_it_is_started_at_once),
		TEST(one_that_served_for_a_while_has_no_history),
		TEST(an_end_without_a_reason_is_no_end),
		TEST(what_cannot_get_better_is_not_tried_again),
		TEST(busy_is_tried_again),
		TEST(a_hang_up_signal_has_everything_tried_again),
		TEST(a_start_that_fails_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
