// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor: a process for each balloon and for nothing else, one again for one that ends, none
 * where it would be of no use; whatever happens to xenstored, to device processes and to itself.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/supervisor-bench.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BALLOON "virtio,device5"

static void a_device_there_or_new_gets_one_process(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_string_equal(b->notified, "READY=1;");
	assert_int_equal(b->nr_processes, 1);
	supervisor_bench_node(b, 4, 1, BALLOON);
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
	static const char *const keys[][2] = {{"frontend-id", "5"}, {"type", BALLOON},
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

/* From the moment a new device is seen until it is served the guest does not run; then it does. */
static void a_new_guest_waits_for_its_device(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	supervisor_bench_node(b, 4, 0, BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 1);
	assert_int_equal(b->pauses[4], 1);
	assert_string_equal(supervisor_bench_get(b, 4, 0, "held"), "1");
	supervisor_bench_put(b, 4, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 0);
	assert_null(supervisor_bench_get(b, 4, 0, "held"));
	/* one that ends later is not the guest's business: it waits at its device */
	supervisor_bench_put(b, 4, 0, "state", "4");
	supervisor_bench_die(supervisor_bench_process(b, 4, 0), SIGKILL);
	assert_true(supervisor_bench_wait(b, started, 2));
	assert_int_equal(b->pauses[4], 0);
}

/* However it comes that nobody serves, the guest runs: a balloon less is no reason to keep it. */
static void a_guest_does_not_wait_in_vain(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	/* its process ends */
	supervisor_bench_node(b, 4, 0, BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 1);
	supervisor_bench_exit(supervisor_bench_process(b, 4, 0), EXIT_CODE_UNSUITABLE);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 0);
	/* the domain is destroyed meanwhile */
	supervisor_bench_node(b, 5, 0, BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[5], 1);
	supervisor_bench_del(b, 5, 0);
	supervisor_bench_exit(supervisor_bench_process(b, 5, 0), EXIT_CODE_DONE);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[5], 0);
	/* the service ends */
	supervisor_bench_node(b, 6, 0, BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[6], 1);
	supervisor_bench_kill(b);
	assert_int_equal(b->pauses[6], 0);
	assert_null(supervisor_bench_get(b, 6, 0, "held"));
}

/* Two devices of one guest: it runs when both are served. */
static void a_guest_waits_for_each_device(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	supervisor_bench_node(b, 4, 0, BALLOON);
	supervisor_bench_node(b, 4, 1, BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 2);
	supervisor_bench_put(b, 4, 1, "path", "event-channel");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 1);
	supervisor_bench_put(b, 4, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 0);
}

/* A supervisor that was killed while it held a guest: the next one lets go, once. */
static void a_held_guest_is_inherited(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 4, 0, BALLOON);
	supervisor_bench_put(b, 4, 0, "held", "1");
	b->pauses[4] = 1;
	assert_true(supervisor_bench_start(b));
	assert_int_equal(b->nr_processes, 1);
	assert_int_equal(b->pauses[4], 1);
	supervisor_bench_put(b, 4, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 0);
	assert_null(supervisor_bench_get(b, 4, 0, "held"));
}

/* Only a device that nobody has served yet; and what cannot be paused is served nevertheless. */
static void an_old_guest_is_not_held(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 4, 0, BALLOON);
	supervisor_bench_put(b, 4, 0, "state", "4");
	assert_true(supervisor_bench_start(b));
	assert_int_equal(b->nr_processes, 1);
	assert_int_equal(b->pauses[4], 0);
	b->pause_result = -EPERM;
	supervisor_bench_node(b, 5, 0, BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_null(supervisor_bench_get(b, 5, 0, "held"));
	supervisor_bench_put(b, 5, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[5], 0);
	assert_true(log_capture_has(&b->capture, "may look for its device before"));
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
	supervisor_bench_put(b, 5, 1, "type", BALLOON);
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

static void put_guests(struct supervisor_bench *b, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		supervisor_bench_node(b, i + 1, 0, BALLOON);
}

static void two_hundred_at_once_are_started_a_few_at_a_time(void **state)
{
	struct supervisor_bench *b = *state;
	unsigned int done = 0;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	put_guests(b, 200);
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
	put_guests(b, SUPERVISOR_STARTS_MAX + 1);
	assert_true(supervisor_bench_wait(b, started, SUPERVISOR_STARTS_MAX + 1));
	assert_true(log_capture_has(&b->capture, "does not serve yet"));
	/* the removal of `path`, which every process begins with, is not its coming */
	assert_int_equal(supervisor_bench_counts(b).devices, SUPERVISOR_STARTS_MAX + 1);
}

static void a_removed_path_is_no_service(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 3, 0, BALLOON);
	supervisor_bench_put(b, 3, 0, "path", "event-channel");
	assert_true(supervisor_bench_start(b));
	fake_store_del(b->store, "/local/domain/0/backend/virtio/3/0/path");
	supervisor_bench_run(b);
	assert_int_equal(supervisor_bench_counts(b).starting, 1);
	supervisor_bench_put(b, 3, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_true(serving(b, 1));
}

/* Each wait is twice the one before, up to the limit. */
static void a_process_that_dies_is_started_again_with_back_off(void **state)
{
	static const unsigned int waits_ms[] = {4, 8, 16, 32, 64, 64};
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BALLOON);
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

static void one_that_served_for_a_while_has_no_history(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.settled_ms = 20;
	supervisor_bench_node(b, 3, 0, BALLOON);
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

	supervisor_bench_node(b, 3, 0, BALLOON);
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
		supervisor_bench_node(b, 3, i, BALLOON);
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

	supervisor_bench_node(b, 3, 0, BALLOON);
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
	supervisor_bench_node(b, 3, 0, BALLOON);
	supervisor_bench_node(b, 3, 1, BALLOON);
	supervisor_bench_node(b, 3, 2, BALLOON);
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

static void a_device_that_goes_takes_its_entry_along(void **state)
{
	struct supervisor_bench *b = *state;

	b->env.backoff_min_ms = b->env.backoff_max_ms = 3600000;
	for (unsigned int i = 0; i < 4; i++)
		supervisor_bench_node(b, 3, i, BALLOON);
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
	supervisor_bench_node(b, 3, 0, BALLOON);
	supervisor_bench_node(b, 3, 1, BALLOON);
	supervisor_bench_node(b, 3, 2, BALLOON);
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

static void a_start_that_fails_is_tried_again(void **state)
{
	struct supervisor_bench *b = *state;

	b->start_result = -EAGAIN;
	supervisor_bench_node(b, 3, 0, BALLOON);
	assert_true(supervisor_bench_start(b));
	assert_int_equal(supervisor_bench_counts(b).waiting, 1);
	assert_true(log_capture_has(&b->capture, "cannot start its process"));
	b->start_result = 0;
	assert_true(supervisor_bench_wait(b, serving, 1));
}

static void xenstored_may_be_restarted(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BALLOON);
	supervisor_bench_node(b, 4, 0, BALLOON);
	assert_true(supervisor_bench_start(b));
	fake_store_stop(b->store);
	supervisor_bench_run(b);
	/* what dies meanwhile is started when there is a node to look at again */
	supervisor_bench_die(supervisor_bench_process(b, 3, 0), SIGKILL);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	/* and what comes and goes meanwhile is seen then */
	supervisor_bench_node(b, 5, 0, BALLOON);
	fake_store_start(b->store);
	assert_true(supervisor_bench_wait(b, serving, 3));
	assert_int_equal(b->nr_processes, 4);
	assert_true(supervisor_bench_process(b, 4, 0)->alive);
}

/* Its contents may come back later: nobody is left for that, and nobody started twice. */
static void an_empty_xenstored_ends_nothing(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BALLOON);
	assert_true(supervisor_bench_start(b));
	fake_store_stop(b->store);
	supervisor_bench_run(b);
	fake_store_del(b->store, "/local/domain/0/backend");
	fake_store_start(b->store);
	supervisor_bench_node(b, 4, 0, BALLOON);
	assert_true(supervisor_bench_wait(b, started, 2));
	supervisor_bench_node(b, 3, 0, BALLOON);
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

	put_guests(b, 3);
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
	supervisor_bench_node(b, 3, 0, BALLOON);
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

	put_guests(b, 20);
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
	put_guests(b, 2);
	assert_true(supervisor_bench_start(b));
	raise(SIGTERM);
	supervisor_bench_run(b);
	supervisor_bench_exit(&b->process[0], EXIT_CODE_DONE);
	/* nothing is started any more */
	supervisor_bench_node(b, 9, 0, BALLOON);
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

	put_guests(b, 2);
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

		put_guests(b, 2);
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

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t nr = 0;

	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/*
 * 200 idle guests: what their processes publish (six statistics each, every 5 s) for a minute, and how
 * often the supervisor asks xenstored for it; then a minute without anything.
 */
static void two_hundred_idle_guests_cost_little(void **state)
{
	enum { GUESTS = 200, MINUTE_S = 60, INTERVAL_S = 5, KEYS = 6 };
	struct supervisor_bench *b = *state;
	size_t heap, fds = count_fds();
	uint64_t calls, idle_calls, wakeups;
	char value[32], key[32];

	/* what the fakes need is not the supervisor's */
	put_guests(b, GUESTS);
	for (unsigned int i = 0; i < GUESTS; i++)
		supervisor_bench_put(b, i + 1, 0, "path", "event-channel");
	heap = mallinfo2().uordblks;
	assert_true(supervisor_bench_start(b));
	assert_true(supervisor_bench_wait(b, serving, GUESTS));
	heap = mallinfo2().uordblks - heap;
	/* one of each process is the test's own */
	fds = count_fds() - fds - GUESTS;
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
		TEST(a_device_there_or_new_gets_one_process),
		TEST(a_half_written_node_is_waited_for),
		TEST(a_new_guest_waits_for_its_device),
		TEST(a_guest_does_not_wait_in_vain),
		TEST(a_guest_waits_for_each_device),
		TEST(a_held_guest_is_inherited),
		TEST(an_old_guest_is_not_held),
		TEST(other_devices_are_left_alone),
		TEST(strange_names_are_nothing),
		TEST(two_hundred_at_once_are_started_a_few_at_a_time),
		TEST(a_slow_start_makes_room),
		TEST(a_removed_path_is_no_service),
		TEST(a_process_that_dies_is_started_again_with_back_off),
		TEST(one_that_served_for_a_while_has_no_history),
		TEST(an_end_without_a_reason_is_no_end),
		TEST(what_cannot_get_better_is_not_tried_again),
		TEST(busy_is_tried_again),
		TEST(a_hang_up_signal_has_everything_tried_again),
		TEST(a_device_that_goes_takes_its_entry_along),
		TEST(a_device_nobody_serves_is_closed_all_the_same),
		TEST(a_start_that_fails_is_tried_again),
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
