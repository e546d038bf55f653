// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a companion of the supervisor is told: a device is wanted before it has a process, and gone when it is no more; a service that leaves
 * its devices to the next one says nothing of them.
 */
#include "unit/rigs/supervisor-bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct supervisor_bench *bench;
static char said[1024];

static void say(const char *what, uint32_t domid, uint32_t devid)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s %u-%u, %u processes;", what, domid, devid, bench->nr_processes);
}

static void wanted(void *opaque, uint32_t domid, uint32_t devid)
{
	say("wanted", domid, devid);
}

static void gone(void *opaque, uint32_t domid, uint32_t devid)
{
	say("gone", domid, devid);
}

static void ready(void *opaque)
{
	strcat(said, "ready;");
}

static const struct supervisor_companion companion = {.wanted = wanted, .gone = gone, .ready = ready};

static void begin(struct supervisor_bench *b)
{
	bench = b;
	said[0] = '\0';
	b->env.companion = &companion;
	assert_true(supervisor_bench_start(b));
}

static void hears(const char *text)
{
	assert_string_equal(said, text);
	said[0] = '\0';
}

static void a_device_is_wanted_before_its_process_and_then_gone(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	begin(b);
	hears("wanted 3-0, 0 processes;ready;");
	supervisor_bench_node(b, 4, 1, BENCH_BALLOON);
	supervisor_bench_run(b);
	hears("wanted 4-1, 1 processes;");
	/* a process that ends is no reason, as long as there is the device */
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_HOST);
	assert_true(supervisor_bench_wait(b, started, 3));
	hears("");
	supervisor_bench_del(b, 3, 0);
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_DONE);
	supervisor_bench_run(b);
	hears("gone 3-0, 3 processes;");
}

static void one_that_cannot_be_served_is_gone_until_it_changes(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 3, 0, BENCH_BALLOON);
	begin(b);
	hears("wanted 3-0, 0 processes;ready;");
	supervisor_bench_exit(supervisor_bench_process(b, 3, 0), EXIT_CODE_UNSUITABLE);
	supervisor_bench_run(b);
	hears("gone 3-0, 1 processes;");
	supervisor_bench_put(b, 3, 0, "irq", "40");
	supervisor_bench_run(b);
	hears("wanted 3-0, 1 processes;");
}

static void a_service_that_leaves_says_nothing(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_guests(b, 2);
	begin(b);
	said[0] = '\0';
	supervisor_bench_kill(b);
	hears("");
	/* what serves already is wanted, too */
	begin(b);
	assert_non_null(strstr(said, "wanted 1-0, 2 processes;"));
	assert_non_null(strstr(said, "wanted 2-0, 2 processes;"));
}

static void one_that_ends_with_its_devices_says_so(void **state)
{
	struct supervisor_bench *b = *state;

	supervisor_bench_guests(b, 1);
	begin(b);
	/* one with a process, and one that waits for its back-off */
	supervisor_bench_node(b, 2, 0, BENCH_BALLOON);
	supervisor_bench_run(b);
	supervisor_bench_exit(supervisor_bench_process(b, 2, 0), EXIT_CODE_HOST);
	supervisor_bench_run(b);
	said[0] = '\0';
	raise(SIGTERM);
	supervisor_bench_run(b);
	assert_true(supervisor_bench_ended(b, NULL));
	assert_non_null(strstr(said, "gone 1-0"));
	assert_non_null(strstr(said, "gone 2-0"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_wanted_before_its_process_and_then_gone),
		TEST(one_that_cannot_be_served_is_gone_until_it_changes),
		TEST(a_service_that_leaves_says_nothing),
		TEST(one_that_ends_with_its_devices_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
