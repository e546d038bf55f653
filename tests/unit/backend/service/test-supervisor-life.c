// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor's own life: restarts of xenstored, its beginning beside what runs, signals, and what
 * it costs while nothing happens.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/supervisor-bench.h"
#include "unit/rigs/descriptors.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void xenstored_may_be_restarted(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	fake_store_stop(b->store);
	supervisor_bench_run(b);
	/* what dies meanwhile is started when there is a node to look at again */
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	/* and what comes and goes meanwhile is seen then */
	supervisor_bench_node(b, 5, 0, BENCH_BALLOON);
	fake_store_start(b->store);
	assert_true(supervisor_bench_wait(b, serving, 3));
	assert_int_equal(b->nr_processes, 4);
	assert_true(supervisor_bench_process(b, 4, 0)->alive);
	/* the watch was set again; who waits is told once */
	assert_int_equal(b->readies, 1);
}

/* Its contents may come back later: nobody is left for that, and nobody started twice. */
static void an_empty_xenstored_ends_nothing(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	fake_store_stop(b->store);
	supervisor_bench_run(b);
	fake_store_del(b->store, "/local/domain/0/backend");
	fake_store_start(b->store);
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_wait(b, started, 2));
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_int_equal(supervisor_bench_process(b, 3, 0)->terms, 0);
}

static void no_xenstored_is_said_at_once(void **state)
{
	struct supervisor_bench *b = *state;
	enum exit_code code;

	fake_store_stop(b->store);
	assert_false(supervisor_bench_start(b));
	assert_true(supervisor_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_NO_XEN);
	assert_string_equal(b->notified, "");
	assert_int_equal(b->readies, 0);
}

static void the_second_service_names_the_first(void **state)
{
	struct supervisor_bench *b = *state;
	struct supervisor *second;
	enum exit_code code;
	char pid[32];

	assert_true(supervisor_bench_start(b));
	assert_int_equal(supervisor_new(&second, b->base, &b->opts, &b->capture.log, &b->env), 0);
	assert_true(supervisor_ended(second, &code));
	assert_int_equal(code, EXIT_CODE_BUSY);
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_int_equal(b->capture.lines, 1);
	assert_non_null(strstr(b->capture.last, pid));
	supervisor_free(second);
	assert_true(!supervisor_bench_ended(b, NULL));
	/* the first's end makes room, however it ends */
	supervisor_bench_kill(b);
	assert_true(supervisor_bench_start(b));
}

/* kill -9 of the supervisor: what runs, runs on; the next one neither starts it twice nor spins. */
static void a_new_supervisor_takes_notice_of_what_runs(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_guests(b, 3);
	assert_true(supervisor_bench_start(b));
	assert_true(serving(b, 3));
	supervisor_bench_kill(b);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(b->process[i].terms, 0);
	/* one ends while nobody looks */
	supervisor_bench_die(&b->process[1], SIGSEGV);
	assert_true(supervisor_bench_start(b));
	assert_true(serving(b, 3));
	assert_int_equal(b->nr_processes, 4);
	assert_int_equal(b->attaches, 2);
	machine_fake_pass(3600000);
	assert_int_equal(b->attaches, 2);
	/* the end of one that is not its child is noticed as any other */
	supervisor_bench_die(&b->process[0], SIGKILL);
	assert_true(supervisor_bench_wait(b, started, 5));
	assert_int_equal(b->process[4].domid, b->process[0].domid);
	assert_true(log_capture_has(&b->capture, "process 1000 ended: started again"));
}

/* The lock is held and by whom cannot be told yet: later. */
static void one_just_beginning_is_waited_for(void **state)
{
	struct supervisor_bench *b = *state;

	b->attach_result = XENVIRTIO_E_AGAIN;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(b->nr_processes, 0);
	assert_int_equal(supervisor_bench_counts(b).waiting, 1);
	b->attach_result = 0;
	assert_true(supervisor_bench_wait(b, serving, 1));
	assert_int_equal(b->capture.at_level[LOG_LEVEL_ERROR], 0);
}

static void the_end_signal_ends_all(void **state)
{
	struct supervisor_bench *b = *state;
	enum exit_code code;

	supervisor_bench_guests(b, 20);
	assert_true(supervisor_bench_start(b));
	assert_true(supervisor_bench_wait(b, serving, 20));
	raise(SIGTERM);
	assert_true(supervisor_bench_wait(b, has_ended, 0));
	supervisor_bench_ended(b, &code);
	assert_int_equal(code, EXIT_CODE_DONE);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(b->process[i].terms, 1);
	assert_int_equal(b->nr_processes, 20);
	assert_string_equal(b->notified, "READY=1;STOPPING=1;");
}

static void one_that_does_not_end_is_left_behind(void **state)
{
	struct supervisor_bench *b = *state;
	enum exit_code code;

	b->obey = false;
	b->env.stop_ms = 20;
	supervisor_bench_guests(b, 2);
	assert_true(supervisor_bench_start(b));
	raise(SIGTERM);
	supervisor_bench_run(b);
	supervisor_bench_exit(&b->process[0], EXIT_CODE_DONE);
	/* nothing is started any more */
	supervisor_bench_node(b, 9, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_wait(b, has_ended, 0));
	supervisor_bench_ended(b, &code);
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_int_equal(b->nr_processes, 2);
	assert_non_null(strstr(b->capture.last, "1001"));
	assert_true(b->process[1].alive);
}

static void the_leave_signal_ends_the_supervisor_alone(void **state)
{
	struct supervisor_bench *b = *state;
	enum exit_code code;

	supervisor_bench_guests(b, 2);
	assert_true(supervisor_bench_start(b));
	raise(SIGUSR1);
	assert_true(supervisor_bench_wait(b, has_ended, 0));
	supervisor_bench_ended(b, &code);
	assert_int_equal(code, EXIT_CODE_DONE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(b->process[i].alive);
		assert_int_equal(b->process[i].terms, 0);
	}
	supervisor_bench_kill(b);
	assert_true(supervisor_bench_start(b));
	assert_true(serving(b, 2));
	assert_int_equal(b->nr_processes, 2);
}

/* Whichever call to xenstore fails, and how: no crash, and every device is served in the end. */
static void any_call_to_xenstore_may_fail(void **state)
{
	static const int results[] = {-EPIPE, -EIO, -ENOENT};
	struct supervisor_bench *b = *state;

	for (uint64_t nth = 1; nth <= 60; nth++) {
		int result = results[nth % (sizeof(results) / sizeof(results[0]))];

		supervisor_bench_guests(b, 2);
		fake_store_fail(b->store, nth, result);
		if (supervisor_bench_start(b)) {
			fake_store_fail(b->store, 0, 0);
			/* a connection that is lost is made again; for the rest somebody must ask */
			raise(SIGHUP);
			assert_true(supervisor_bench_wait(b, serving, 2));
		}
		fake_store_fail(b->store, 0, 0);
		for (unsigned int p = 0; p < b->nr_processes; p++)
			close(b->process[p].fd);
		supervisor_bench_kill(b);
		b->nr_processes = 0;
		fake_store_del(b->store, "/local/domain/0/backend");
	}
}

/*
 * 200 idle guests: what their processes publish (six statistics each, every 5 s) for a minute, and how
 * often the supervisor asks xenstored for it; then a minute without anything.
 */
static void two_hundred_idle_guests_cost_little(void **state)
{
	enum { GUESTS = 200, MINUTE_S = 60, INTERVAL_S = 5, KEYS = 6 };
	struct supervisor_bench *b = *state;
	size_t heap, fds = count_descriptors();
	uint64_t calls, idle_calls, wakeups;
	char value[32], key[32];

	/* what the fakes need is not the supervisor's */
	supervisor_bench_guests(b, GUESTS);
	for (unsigned int i = 0; i < GUESTS; i++)
		supervisor_bench_put(b, i + 1, 0, "path", "event-channel");
	heap = mallinfo2().uordblks;
	assert_true(supervisor_bench_start(b));
	assert_true(supervisor_bench_wait(b, serving, GUESTS));
	heap = mallinfo2().uordblks - heap;
	/* one of each process is the test's own */
	fds = count_descriptors() - fds - GUESTS;
	calls = fake_store_calls(b->store);
	for (unsigned int t = 0; t < MINUTE_S; t += INTERVAL_S) {
		for (unsigned int i = 0; i < GUESTS; i++) {
			for (unsigned int k = 0; k < KEYS; k++) {
				snprintf(key, sizeof(key), "stats/key-%u", k);
				snprintf(value, sizeof(value), "%u", t);
				supervisor_bench_put(b, i + 1, 0, key, value);
			}
			supervisor_bench_run(b);
		}
	}
	calls = fake_store_calls(b->store) - calls;
	idle_calls = fake_store_calls(b->store);
	wakeups = machine_fake_fired();
	machine_fake_pass(MINUTE_S * 1000);
	idle_calls = fake_store_calls(b->store) - idle_calls;
	wakeups = machine_fake_fired() - wakeups;
	print_message("# %d idle guests: %" PRIu64 " calls to xenstored a minute for %d events, %" PRIu64
		      " and %" PRIu64 " wake-ups without any; %zu bytes of heap and %.1f "
		      "descriptors a guest\n",
		      GUESTS, calls, GUESTS * KEYS * (MINUTE_S / INTERVAL_S), idle_calls, wakeups,
		      heap / GUESTS, (double)fds / GUESTS);
	/* nothing is read for figures that change: only events are taken */
	assert_true(calls < (uint64_t)GUESTS * (KEYS + 2) * (MINUTE_S / INTERVAL_S));
	/* and nothing but a look at the connection every 2 s, however many guests there are */
	assert_int_equal(wakeups, MINUTE_S / 2);
	assert_true(idle_calls <= wakeups);
	assert_true(heap / GUESTS < 4096);
	assert_true(fds <= GUESTS + 8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(xenstored_may_be_restarted),
		TEST(an_empty_xenstored_ends_nothing),
		TEST(no_xenstored_is_said_at_once),
		TEST(the_second_service_names_the_first),
		TEST(a_new_supervisor_takes_notice_of_what_runs),
		TEST(one_just_beginning_is_waited_for),
		TEST(the_end_signal_ends_all),
		TEST(one_that_does_not_end_is_left_behind),
		TEST(the_leave_signal_ends_the_supervisor_alone),
		TEST(any_call_to_xenstore_may_fail),
		TEST(two_hundred_idle_guests_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
