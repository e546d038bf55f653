// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kicks that are served before their access is answered: what is used then takes no interrupt of a driver that looks, and one of a
 * driver that does not, soon.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

static struct rig rig;
static void *page;
static uint64_t page_gpa;
static bool answered;	/* at the time of the kick */
static bool at_once;
static int (*echo)(void *opaque, unsigned int index);

static int kick(void *opaque, unsigned int index)
{
	uint64_t val;

	answered = fake_mmio_finish(rig.fake, 0, &val) != XENVIRTIO_E_EMPTY;
	at_once = xenvirtio_device_at_once(rig.dev);
	return echo(opaque, index);
}

static int setup(void **state)
{
	int ret;

	rig_init(&rig, NULL);
	rig.path = XENVIRTIO_NOTIFY_EVENT_CHANNEL;
	ret = rig_start(&rig);
	xenvirtio_device_set_prompt(rig.dev, 1);
	rig_driver(&rig, F_EVENT_IDX);
	page = rig.bus.bus.ops->alloc_page(&rig.bus.bus, &page_gpa);
	assert_non_null(page);
	echo = rig.ops.kick;
	rig.ops.kick = kick;
	/* what the driver's coming up left */
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	return ret;
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static void add(void)
{
	const struct driver_buf buf[] = { { page_gpa, 8, false }, { page_gpa + 64, 8, true } };
	uint16_t head;

	assert_int_equal(driver_add(&rig.driver.queue[0], buf, 2, false, &head), 0);
}

/* The access, and that alone: nobody looks at the ring. */
static void notify(void)
{
	*rig.driver.queue[0].avail_idx = rig.driver.queue[0].added_idx;
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	fake_mmio_finish(rig.fake, 0, NULL);
}

/* As Linux does: the next one is asked for with the one that is taken. */
static void look(void)
{
	uint16_t head;
	uint32_t len;

	assert_int_equal(driver_collect(&rig.driver.queue[0], &head, &len), 0);
	*rig.driver.queue[0].used_event = rig.driver.queue[0].last_used_idx;
}

static uint64_t irqs(void)
{
	return fake_irqs(rig.fake, RIG_IRQ, true);
}

static void who_looks_is_not_interrupted(void **state)
{
	uint64_t before = irqs();

	*rig.driver.queue[0].used_event = rig.driver.queue[0].last_used_idx;
	for (int i = 0; i < 200; i++) {
		add();
		notify();
		assert_true(at_once);
		assert_false(answered);
		assert_true(xenvirtio_server_holds(rig.server));
		look();
		assert_int_equal(xenvirtio_server_process(rig.server), 0);
		assert_false(xenvirtio_server_holds(rig.server));
	}
	assert_int_equal(irqs(), before);
}

static void who_does_not_is_soon(void **state)
{
	uint64_t before = irqs();

	*rig.driver.queue[0].used_event = rig.driver.queue[0].last_used_idx;
	add();
	notify();
	assert_int_equal(irqs(), before);
	assert_true(xenvirtio_server_holds(rig.server));
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(irqs(), before + 1);
	assert_false(xenvirtio_server_holds(rig.server));
	look();
	/* and from then on at once, for a while */
	for (unsigned int i = 0; i < 16; i++) {
		add();
		notify();
		assert_false(xenvirtio_server_holds(rig.server));
		assert_int_equal(irqs(), before + 2 + i);
		look();
	}
	add();
	notify();
	assert_true(xenvirtio_server_holds(rig.server));
	look();
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
}

/* Each time that it is tried whether it looks is a wait of milliseconds for it. */
static void who_never_looks_waits_seldom(void **state)
{
	unsigned int held = 0;

	for (int i = 0; i < 5000; i++) {
		*rig.driver.queue[0].used_event = rig.driver.queue[0].last_used_idx;
		add();
		notify();
		held += xenvirtio_server_holds(rig.server);
		assert_int_equal(xenvirtio_server_process(rig.server), 0);
		look();
	}
	assert_in_range(held, 2, 12);
	/* one that begins to look is trusted again, once that was seen */
	for (int i = 0; i < 2000 && !xenvirtio_server_holds(rig.server); i++) {
		add();
		notify();
		look();
	}
	assert_true(xenvirtio_server_holds(rig.server));
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	add();
	notify();
	assert_true(xenvirtio_server_holds(rig.server));
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	look();
}

static void a_server_that_is_closed_has_told(void **state)
{
	uint64_t before = irqs();

	*rig.driver.queue[0].used_event = rig.driver.queue[0].last_used_idx;
	add();
	notify();
	assert_true(xenvirtio_server_holds(rig.server));
	assert_int_equal(irqs(), before);
	assert_int_equal(xenvirtio_server_close(rig.server), 0);
	assert_int_equal(irqs(), before + 1);
}

static void what_is_held_is_not_lost_with_the_process(void **state)
{
	uint64_t before = irqs();

	add();
	notify();
	assert_true(xenvirtio_server_holds(rig.server));
	rig_crash(&rig);
	assert_int_equal(rig_start(&rig), 0);
	assert_true(irqs() > before);
	look();
}

static void a_stopped_queue_holds_nothing(void **state)
{
	uint64_t before = irqs();

	add();
	notify();
	assert_true(xenvirtio_server_holds(rig.server));
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_false(xenvirtio_server_holds(rig.server));
	/* the first look of the reset's accesses told of it, or nobody ever */
	assert_true(irqs() <= before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(who_looks_is_not_interrupted),
		T(who_does_not_is_soon),
		T(who_never_looks_waits_seldom),
		T(a_server_that_is_closed_has_told),
		T(what_is_held_is_not_lost_with_the_process),
		T(a_stopped_queue_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
