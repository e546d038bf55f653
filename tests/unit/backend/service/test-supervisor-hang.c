// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device process that hangs is noticed, said and replaced; one that lives never is.
 */
#include "unit/rigs/supervisor-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

/* of one device, at each of the service's ticks */
#define TICKS_TILL_TOLD 15
#define TICKS_TILL_MORE 5

static void pass_ticks(struct supervisor_bench *b, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_true(supervisor_bench_wait(b, looked, b->looks + 1));
}

/* A guest waits half a minute at a device whose process hangs, and no longer. */
static void one_that_hangs_is_replaced(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;

	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	pass_ticks(b, 100);
	assert_int_equal(p->aborts, 0);
	p->silent = true;
	pass_ticks(b, TICKS_TILL_TOLD - 1);
	assert_int_equal(p->aborts, 0);
	pass_ticks(b, 1);
	assert_int_equal(p->aborts, 1);
	assert_int_equal(p->kills, 0);
	assert_true(log_capture_has(&b->capture, "device 0 of domain 4: process 1000 does not come "
						 "through its loop"));
	assert_true(supervisor_bench_wait(b, started, 2));
	assert_true(log_capture_has(&b->capture, "died of signal 6"));
	/* its successor begins with nothing held against it */
	pass_ticks(b, 100);
	assert_int_equal(supervisor_bench_process(b, 4, 0)->aborts, 0);
}

/* What was slow and goes on was never dead: the count begins anew. */
static void one_that_is_slow_is_left_alone(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;

	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	pass_ticks(b, 2);
	for (unsigned int i = 0; i < 5; i++) {
		p->silent = true;
		pass_ticks(b, TICKS_TILL_TOLD - 1);
		p->silent = false;
		pass_ticks(b, 1);
	}
	assert_int_equal(p->aborts, 0);
	assert_true(p->alive);
}

static struct supervisor_bench *waiting;
static struct xenvirtio_store_ops slow_ops;
static int (*real_open)(void *opaque, struct xenvirtio_store **store);
static int (*real_read)(struct xenvirtio_store *store, const char *path, char *value, size_t size);

/* It answers at last, and so everybody goes on who waited for it. */
static int slow_read(struct xenvirtio_store *store, const char *path, char *value, size_t size)
{
	for (unsigned int i = 0; i < waiting->nr_processes; i++)
		waiting->process[i].silent = false;
	return real_read(store, path, value, size);
}

static int open_slow(void *opaque, struct xenvirtio_store **store)
{
	int rc = real_open(opaque, store);

	if (rc)
		return rc;
	slow_ops = *(*store)->ops;
	real_read = slow_ops.read;
	slow_ops.read = slow_read;
	(*store)->ops = &slow_ops;
	return 0;
}

/* A xenstored that hangs keeps all device processes waiting: it is asked first, and keeps the service as well. */
static void one_that_waits_for_xenstored_is_left_alone(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;

	waiting = b;
	real_open = b->env.open_store;
	b->env.open_store = open_slow;
	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	pass_ticks(b, 2);
	for (unsigned int i = 0; i < 5; i++) {
		p->silent = true;
		pass_ticks(b, TICKS_TILL_TOLD + TICKS_TILL_MORE);
		assert_false(p->silent);
		assert_int_equal(p->aborts + p->kills, 0);
	}
	assert_true(p->alive);
}

/* One that is stopped gets SIGABRT when it goes on, which is never. */
static void one_that_does_not_end_is_killed(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;

	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	pass_ticks(b, 2);
	p->silent = p->deaf = true;
	pass_ticks(b, TICKS_TILL_TOLD + TICKS_TILL_MORE);
	assert_int_equal(p->kills, 1);
	assert_true(supervisor_bench_wait(b, started, 2));
}

/* Inside the kernel nothing ends it: that is said, once, and others are served. */
static void one_that_cannot_be_killed_is_said(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;

	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	pass_ticks(b, 2);
	p->silent = p->stuck = true;
	pass_ticks(b, 100);
	assert_int_equal(p->aborts, 1);
	assert_int_equal(p->kills, 1);
	assert_true(log_capture_has(&b->capture, "inside the kernel"));
	supervisor_bench_node(b, 5, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_wait(b, serving, 2));
}

/* After an upgrade the processes of the version before serve on, and show no life: no reason to end
 * them. */
static void one_that_never_showed_life_is_only_said(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;

	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	supervisor_bench_kill(b);
	p->silent = true;
	assert_true(supervisor_bench_start(b));
	pass_ticks(b, 100);
	assert_int_equal(p->aborts + p->kills, 0);
	assert_true(log_capture_has(&b->capture, "process 1000 does not show life"));
}

/* Whoever is told to end has the time that is given for it, not this one. */
static void nobody_is_taken_for_dead_at_the_end(void **state)
{
	struct supervisor_bench *b = *state;
	struct bench_process *p;
	unsigned int looks;

	supervisor_bench_node(b, 4, 0, BENCH_BALLOON);
	assert_true(supervisor_bench_start(b));
	p = supervisor_bench_process(b, 4, 0);
	pass_ticks(b, 2);
	b->obey = false;
	p->silent = true;
	raise(SIGTERM);
	supervisor_bench_run(b);
	assert_int_equal(p->terms, 1);
	looks = b->looks;
	assert_false(supervisor_bench_wait(b, looked, looks + 1));
	assert_int_equal(p->aborts, 0);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, supervisor_bench_setup, supervisor_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_hangs_is_replaced),
		TEST(one_that_is_slow_is_left_alone),
		TEST(one_that_waits_for_xenstored_is_left_alone),
		TEST(one_that_does_not_end_is_killed),
		TEST(one_that_cannot_be_killed_is_said),
		TEST(one_that_never_showed_life_is_only_said),
		TEST(nobody_is_taken_for_dead_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
