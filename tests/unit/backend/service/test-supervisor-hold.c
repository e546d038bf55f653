// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest does not run before its devices are served, and never waits in vain.
 */
#include "unit/rigs/supervisor-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

/* From the moment a new device is seen until it is served the guest does not run; then it does. */
static void a_new_guest_waits_for_its_device(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
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
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 1);
	supervisor_bench_exit(supervisor_bench_process(b, 4, 0), EXIT_CODE_UNSUITABLE);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 0);
	/* the domain is destroyed meanwhile */
	supervisor_bench_node(b, 5, 0, BENCH_BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[5], 1);
	supervisor_bench_del(b, 5, 0);
	supervisor_bench_exit(supervisor_bench_process(b, 5, 0), EXIT_CODE_DONE);
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[5], 0);
	/* the service ends */
	supervisor_bench_node(b, 6, 0, BENCH_BALLOON);
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
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	supervisor_bench_node(b, 4, 1, BENCH_BALLOON);
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
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
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

/*
 * Beside another service, whose device it is: who lets go in its stead has the toolstack's own pause counted down, and a guest that is
 * created runs before it is built.
 */
static void another_services_hold_is_left_alone(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	assert_true(supervisor_bench_start(b));
	/* the toolstack's pause, and the other service's */
	b->pauses[4] = 2;
	supervisor_bench_node(b, 4, 1, "virtio,device4");
	supervisor_bench_put(b, 4, 1, "held", "1");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[4], 2);
	assert_string_equal(supervisor_bench_get(b, 4, 1, "held"), "1");
	/* nor is it when the service starts, or ends */
	supervisor_bench_kill(b);
	assert_true(supervisor_bench_start(b));
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 0);
	assert_int_equal(b->pauses[4], 2);
	assert_string_equal(supervisor_bench_get(b, 4, 1, "held"), "1");
}

/* Only a device that nobody has served yet; and what cannot be paused is served nevertheless. */
static void an_old_guest_is_not_held(void **state)
{
	struct supervisor_bench *b = *state;

	b->serve = false;
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	supervisor_bench_put(b, 4, 0, "state", "4");
	assert_true(supervisor_bench_start(b));
	assert_int_equal(b->nr_processes, 1);
	assert_int_equal(b->pauses[4], 0);
	b->pause_result = -EPERM;
	supervisor_bench_node(b, 5, 0, BENCH_BALLOON);
	supervisor_bench_run(b);
	assert_int_equal(b->nr_processes, 2);
	assert_null(supervisor_bench_get(b, 5, 0, "held"));
	supervisor_bench_put(b, 5, 0, "path", "event-channel");
	supervisor_bench_run(b);
	assert_int_equal(b->pauses[5], 0);
	assert_true(log_capture_has(&b->capture, "may look for its device before"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_guest_waits_for_its_device),
		TEST(a_guest_does_not_wait_in_vain),
		TEST(a_guest_waits_for_each_device),
		TEST(a_held_guest_is_inherited),
		TEST(another_services_hold_is_left_alone),
		TEST(an_old_guest_is_not_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
