// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices go over to the installed version under the service: until another is ready nothing has happened, and whatever dies when, each
 * device has one process in the end and who asked has one answer.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/supervisor-bench.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char said[2048];
static unsigned int overs;

static void note_told(void *opaque, uint32_t domid, uint32_t devid, enum upgrade_result result, const char *why)
{
	static const char *const words[] = {"done", "same", "refused"};
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%" PRIu32 "-%" PRIu32 " %s%s%s;", domid, devid, words[result], why[0] ? ": " : "", why);
}

static void note_over(void *opaque)
{
	overs++;
}

static int ask(struct supervisor_bench *b, uint32_t domid, bool force)
{
	const struct upgrade_listener listener = {.told = note_told, .over = note_over};
	const struct upgrade_wish wish = {.domid = domid, .force = force};
	int rc;

	said[0] = '\0';
	overs = 0;
	rc = supervisor_upgrade(b->sup, &wish, &listener);
	supervisor_bench_run(b);
	return rc;
}

static void expect_over(const char *text)
{
	assert_string_equal(said, text);
	assert_int_equal(overs, 1);
}

/* As a process that hands on: what it serves has no `path` any more. */
static void hands_on(struct supervisor_bench *b, struct bench_process *p)
{
	char path[96];

	snprintf(path, sizeof(path), "/local/domain/0/backend/virtio/%" PRIu32 "/%" PRIu32 "/path", p->domid, p->devid);
	fake_store_del(b->store, path);
	supervisor_bench_exit(p, EXIT_CODE_HANDED_ON);
	supervisor_bench_run(b);
}

static void serves(struct supervisor_bench *b, const struct bench_process *p)
{
	supervisor_bench_put(b, p->domid, p->devid, "path", "event-channel");
	supervisor_bench_run(b);
}

/* One device that is served, of domain 3, and its upgrade has begun: processes 0 and 1. */
static void begin(struct supervisor_bench *b)
{
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(supervisor_bench_counts(b).serving, 1);
	assert_int_equal(ask(b, 0, false), 0);
	assert_int_equal(b->nr_processes, 2);
	assert_int_equal(b->process[1].flags, LAUNCHER_TAKE_OVER);
	assert_string_equal(said, "");
}

static void one_goes_over(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	/* it ends because the other tells it to, and not before */
	assert_int_equal(b->process[0].terms + b->process[0].kills, 0);
	hands_on(b, &b->process[0]);
	assert_string_equal(said, "");
	serves(b, &b->process[1]);
	expect_over("3-0 done;");
	assert_int_equal(supervisor_bench_counts(b).serving, 1);
	/* it is followed like any other */
	supervisor_bench_die(&b->process[1], SIGKILL);
	assert_true(supervisor_bench_wait(b, started, 3));
	assert_int_equal(b->process[2].flags, 0);
}

/* The successor may be quick: xenstore's event comes before the end of the other is seen. */
static void one_that_serves_at_once_is_seen_to(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	serves(b, &b->process[1]);
	supervisor_bench_exit(&b->process[0], EXIT_CODE_DONE);
	supervisor_bench_run(b);
	expect_over("3-0 done;");
	assert_int_equal(supervisor_bench_counts(b).serving, 1);
}

/* Missing, of a version that does not know the state, not confined: what serves goes on as if nobody had asked. */
static void who_is_not_ready_changes_nothing(void **state)
{
	static const struct {
		int code;
		const char *words;
	} ends[] = {
		{EXIT_CODE_USAGE, "does not take the options"},
		{EXIT_CODE_NO_XEN, "cannot be confined"},
		{EXIT_CODE_UNSUITABLE, "cannot go on with the state"},
		{EXIT_CODE_BUSY, "does not let go"},
		{EXIT_CODE_HOST, "ended with exit code 1"},
		{UPGRADE_EXIT_NOT_RUN, "not installed any more"},
	};
	struct supervisor_bench *b = *state;

	begin(b);
	for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		supervisor_bench_exit(&b->process[1 + i], ends[i].code);
		supervisor_bench_run(b);
		assert_non_null(strstr(said, "3-0 refused: "));
		assert_non_null(strstr(said, ends[i].words));
		assert_int_equal(overs, 1);
		assert_true(b->process[0].alive);
		assert_int_equal(ask(b, 3, false), 0);
	}
	supervisor_bench_die(&b->process[b->nr_processes - 1], SIGSEGV);
	supervisor_bench_run(b);
	assert_non_null(strstr(said, "died of signal 11"));
	b->start_result = -ENOENT;
	assert_int_equal(ask(b, 3, false), 0);
	expect_over("3-0 refused: the program is not installed any more;");
	assert_int_equal(supervisor_bench_counts(b).serving, 1);
	assert_int_equal(b->process[0].terms + b->process[0].kills + b->process[0].aborts, 0);
}

/* The guest waits for no third. */
static void the_old_one_may_die_meanwhile(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	supervisor_bench_die(&b->process[0], SIGKILL);
	fake_store_del(b->store, "/local/domain/0/backend/virtio/3/0/path");
	supervisor_bench_run(b);
	serves(b, &b->process[1]);
	expect_over("3-0 done;");
	assert_int_equal(b->nr_processes, 2);
}

/* Both: the next is started as after any death. */
static void both_may_die(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	hands_on(b, &b->process[0]);
	supervisor_bench_die(&b->process[1], SIGSEGV);
	supervisor_bench_run(b);
	expect_over("3-0 refused: the process that took over ended before it served: another is started;");
	assert_true(supervisor_bench_wait(b, serving, 1));
	assert_int_equal(b->nr_processes, 3);
}

static void a_guest_may_go_meanwhile(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	supervisor_bench_del(b, 3, 0);
	supervisor_bench_exit(&b->process[0], EXIT_CODE_DONE);
	supervisor_bench_run(b);
	supervisor_bench_exit(&b->process[1], EXIT_CODE_NO_DEVICE);
	supervisor_bench_run(b);
	assert_int_equal(overs, 1);
	assert_non_null(strstr(said, "3-0 refused: "));
	assert_int_equal(supervisor_bench_counts(b).devices, 0);
	assert_int_equal(b->nr_processes, 2);
}

static void two_do_not_ask_at_once(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	assert_int_equal(ask(b, 0, true), -EBUSY);
	assert_int_equal(b->nr_processes, 2);
	hands_on(b, &b->process[0]);
	serves(b, &b->process[1]);
	expect_over("3-0 done;");
	b->process[1].runs = LAUNCHER_RUNS_INSTALLED;
	assert_int_equal(ask(b, 0, false), 0);
	expect_over("3-0 same;");
}

/* A process is not disturbed for nothing, nor one of a keeper's at all. */
static void what_is_the_same_stays(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	b->process[0].runs = LAUNCHER_RUNS_INSTALLED;
	assert_int_equal(ask(b, 0, false), 0);
	expect_over("3-0 same;");
	b->process[0].runs = LAUNCHER_RUNS_KEPT;
	assert_int_equal(ask(b, 3, true), 0);
	expect_over("");
	assert_int_equal(ask(b, 4, true), 0);
	expect_over("");
	assert_int_equal(b->nr_processes, 1);
	b->process[0].runs = LAUNCHER_RUNS_INSTALLED;
	assert_int_equal(ask(b, 3, true), 0);
	assert_int_equal(b->nr_processes, 2);
	b->opts.no_sandbox = true;
	supervisor_bench_exit(&b->process[1], EXIT_CODE_USAGE);
	supervisor_bench_run(b);
	assert_int_equal(ask(b, 3, true), 0);
	assert_non_null(strstr(said, "3-0 refused: the service has --no-sandbox"));
}

static void one_that_is_starting_or_waits_is_not_hurried(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(supervisor_bench_counts(b).starting, 1);
	assert_int_equal(ask(b, 0, true), 0);
	expect_over("3-0 refused: it is just being started: ask again;");
	b->process[0].runs = LAUNCHER_RUNS_INSTALLED;
	assert_int_equal(ask(b, 0, true), 0);
	expect_over("3-0 same;");
	/* waits for its back-off: the next one is what is installed */
	supervisor_bench_exit(&b->process[0], EXIT_CODE_HOST);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).waiting, 1);
	assert_int_equal(ask(b, 0, true), 0);
	expect_over("3-0 same;");
	assert_true(supervisor_bench_wait(b, started, 2));
	assert_int_equal(b->process[1].flags, 0);
	/* and one that is left alone is of interest to who names it */
	supervisor_bench_exit(&b->process[1], EXIT_CODE_UNSUITABLE);
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).alone, 1);
	assert_int_equal(ask(b, 0, true), 0);
	expect_over("");
	assert_int_equal(ask(b, 3, true), 0);
	expect_over("3-0 refused: nobody serves it, and it is left alone;");
}

/* A service that was started anew finds who serves a moment later: they are not taken for what is installed. */
static void who_is_not_found_yet_is_waited_for(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_kill(b);
	b->attach_result = XENVIRTIO_E_AGAIN;
	assert_true(supervisor_bench_start(b));
	assert_int_equal(ask(b, 0, false), 0);
	machine_fake_pass(100);
	assert_string_equal(said, "");
	b->attach_result = 0;
	machine_fake_pass(100);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	hands_on(b, &b->process[0]);
	serves(b, &b->process[1]);
	expect_over("3-0 done;");
}

/* While xenstore is away nobody is found: that has an end as well. */
static void but_not_for_ever(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	fake_store_stop(b->store);
	supervisor_bench_die(&b->process[0], SIGKILL);
	supervisor_bench_run(b);
	machine_fake_pass(100);
	assert_int_equal(supervisor_bench_counts(b).queued, 1);
	assert_int_equal(ask(b, 3, false), 0);
	machine_fake_pass(UPGRADE_MS - 100);
	assert_string_equal(said, "");
	machine_fake_pass(200);
	expect_over("3-0 refused: it is just being started: ask again;");
	fake_store_start(b->store);
	assert_true(supervisor_bench_wait(b, serving, 1));
}

static void nobody_waits_for_ever(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	machine_fake_pass(UPGRADE_MS - 1);
	assert_int_equal(b->process[1].kills, 0);
	machine_fake_pass(1);
	supervisor_bench_run(b);
	assert_int_equal(b->process[1].kills, 1);
	expect_over("3-0 refused: the process that was to take over was not ready within 9 s;");
	assert_true(b->process[0].alive);
	assert_int_equal(ask(b, 0, false), 0);
	hands_on(b, &b->process[0]);
	machine_fake_pass(UPGRADE_MS);
	expect_over("3-0 refused: the process that took over does not serve yet: see its log;");
	/* it may come to that all the same */
	serves(b, &b->process[2]);
	assert_int_equal(supervisor_bench_counts(b).serving, 1);
	assert_int_equal(b->nr_processes, 3);
}

/* One guest at a time waits, and one that cannot go over is no reason for the others not to. */
static void all_go_over_one_after_the_other(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_guests(b, 3);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(ask(b, 0, false), 0);
	for (unsigned int i = 0; i < 3; i++) {
		struct bench_process *next = &b->process[3 + i], *old = &b->process[i];

		assert_int_equal(b->nr_processes, 4 + i);
		assert_int_equal(next->domid, old->domid);
		assert_int_equal(overs, 0);
		if (i == 1) {
			supervisor_bench_exit(next, EXIT_CODE_UNSUITABLE);
			supervisor_bench_run(b);
			assert_true(old->alive);
			continue;
		}
		hands_on(b, old);
		serves(b, next);
	}
	assert_int_equal(overs, 1);
	assert_int_equal(supervisor_bench_counts(b).serving, 3);
	assert_non_null(strstr(said, "done;"));
	assert_non_null(strstr(said, "refused: "));
}

static void the_service_may_end_meanwhile(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	raise(SIGTERM);
	supervisor_bench_run(b);
	/* with all that serves, and what would */
	assert_int_equal(b->process[1].kills, 1);
	assert_int_equal(b->process[0].terms, 1);
	expect_over("3-0 refused: the service ends;");
	assert_true(has_ended(b, 0));
	assert_int_equal(ask(b, 0, false), -ECANCELED);
}

/* Alone: the one that is to take over does so by itself, and the next service finds it. */
static void or_leave_them_to_the_next(void **state)
{
	struct supervisor_bench *b = *state;

	begin(b);
	supervisor_bench_kill(b);
	assert_int_equal(overs, 1);
	assert_int_equal(b->process[0].terms + b->process[0].kills + b->process[1].terms + b->process[1].kills, 0);
	supervisor_bench_exit(&b->process[0], EXIT_CODE_DONE);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(supervisor_bench_counts(b).serving, 1);
	assert_int_equal(b->nr_processes, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_goes_over),
		TEST(one_that_serves_at_once_is_seen_to),
		TEST(who_is_not_ready_changes_nothing),
		TEST(the_old_one_may_die_meanwhile),
		TEST(both_may_die),
		TEST(a_guest_may_go_meanwhile),
		TEST(two_do_not_ask_at_once),
		TEST(what_is_the_same_stays),
		TEST(one_that_is_starting_or_waits_is_not_hurried),
		TEST(who_is_not_found_yet_is_waited_for),
		TEST(but_not_for_ever),
		TEST(nobody_waits_for_ever),
		TEST(all_go_over_one_after_the_other),
		TEST(the_service_may_end_meanwhile),
		TEST(or_leave_them_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
