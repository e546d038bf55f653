// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interrupt that is held back for a driver that may look by itself: one that does not has it in time, whatever else goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "backend/process/process-internal.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#define HELD_MS 10u

static unsigned int turns; /* that are left of work without end */

static bool always_pending(void *self)
{
	return turns;
}

static int do_work(void *self)
{
	turns--;
	return 0;
}

/* The access of a kick, and nothing after it: the driver sleeps. */
static void kick(struct process_bench *b, uint64_t gfn)
{
	struct driver_buf buf = { .len = 4 };
	uint32_t *pfn = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);
	uint16_t head;

	assert_non_null(pfn);
	*pfn = (uint32_t)gfn;
	assert_int_equal(driver_add(&b->driver.queue[INFLATE], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&b->driver.queue[INFLATE]), 0);
}

static uint64_t irqs(struct process_bench *b)
{
	return fake_irqs(b->fake, BENCH_IRQ, true);
}

static void begin(struct process_bench *b, const struct device_type *type)
{
	b->type = type;
	b->opts.common.notify = XENVIRTIO_NOTIFY_EVENT_CHANNEL;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	/* so that what is put in may be due, and is done within the access */
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
	machine_fake_pass(HELD_MS);
	process_bench_run(b);
}

static void one_that_sleeps_is_told_in_time(void **state)
{
	struct process_bench *b = *state;
	uint64_t before;

	begin(b, &balloon_type);
	before = irqs(b);
	kick(b, BENCH_FREE_GFN);
	assert_int_equal(irqs(b), before);
	machine_fake_pass(HELD_MS - 1);
	process_bench_run(b);
	assert_int_equal(irqs(b), before);
	machine_fake_pass(1);
	process_bench_run(b);
	assert_int_equal(irqs(b), before + 1);
}

static void also_while_work_goes_on(void **state)
{
	struct process_bench *b = *state;
	struct device_type type = balloon_type;
	uint64_t before;

	type.work_pending = always_pending;
	type.work = do_work;
	begin(b, &type);
	before = irqs(b);
	kick(b, BENCH_FREE_GFN);
	assert_int_equal(irqs(b), before);
	for (unsigned int ms = 0; ms < 12; ms += 3) {
		turns = 1;
		process_look_for_work(b->process);
		machine_fake_pass(3);
		process_bench_run(b);
		assert_int_equal(turns, 0);
	}
	assert_int_equal(irqs(b), before + 1);
	/* the type is of this function */
	process_bench_stop(b);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_that_sleeps_is_told_in_time),
		TEST(also_while_work_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
