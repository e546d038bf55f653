// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues that somebody else serves, by path: who takes a kick and a signal, that this process sleeps where the kernel does,
 * and that it takes over where the kernel refuses.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/foreign-rig.h"

#define UPSTREAM (XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD)
#define QUIET (UPSTREAM | XENVIRTIO_EVENTFD_QUIET)
#define ALL (QUIET | XENVIRTIO_EVENTFD_REGISTERS)
#define WAITING (ALL | XENVIRTIO_EVENTFD_WAIT)

static struct foreign f;

static int teardown(void **state)
{
	foreign_rig_fini(&f);
	return 0;
}

static void start(uint32_t features, bool held, enum xenvirtio_notify_path path)
{
	const struct fake_config config = { .eventfd_features = features, .held_irqs = held };

	assert_int_equal(foreign_rig_init(&f, &config), 0);
	f.rig.path = path;
	assert_int_equal(rig_start(&f.rig), 0);
}

static const char *path(void)
{
	return xenvirtio_server_path(f.rig.server);
}

static uint64_t interrupts(void)
{
	return fake_irqs(f.rig.fake, RIG_IRQ, true);
}

static void request(void)
{
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
}

/* The guest kicks queue 0 while nobody serves. */
static void expect_kick(bool by_kernel)
{
	uint64_t calls = fake_calls(f.rig.fake);

	foreign_kicks(&f, 0);
	assert_int_equal(fake_mmio_start(f.rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	if (!by_kernel) {
		assert_int_equal(foreign_kicks(&f, 0), 0);
		assert_true(foreign_has_work(&f));
		assert_int_equal(xenvirtio_server_process(f.rig.server), 0);
	}
	assert_int_equal(fake_mmio_finish(f.rig.fake, 0, NULL), 0);
	assert_int_equal(foreign_kicks(&f, 0), 1);
	assert_int_equal(foreign_kicks(&f, 1), 0);
	if (by_kernel)
		assert_int_equal(fake_calls(f.rig.fake), calls);
}

static void expect_call(bool by_kernel)
{
	uint64_t before = interrupts(), calls = fake_calls(f.rig.fake);

	foreign_call(&f);
	assert_int_equal(foreign_has_work(&f), !by_kernel);
	if (by_kernel) {
		assert_int_equal(fake_calls(f.rig.fake), calls);
	} else {
		assert_int_equal(interrupts(), before);
		assert_int_equal(xenvirtio_server_process(f.rig.server), 0);
	}
	assert_int_equal(interrupts(), before + 1);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS) & 1, 1);
	foreign_write(&f, REG_INTERRUPT_ACK, 1);
	assert_false(foreign_has_work(&f));
}

static void the_kernel_takes_what_it_can(void **state)
{
	static const struct {
		uint32_t features;
		enum xenvirtio_notify_path path;
		bool held, kicks, calls;
	} rows[] = {
		{ 0, XENVIRTIO_NOTIFY_AUTO, false, false, false },
		{ 0, XENVIRTIO_NOTIFY_AUTO, true, false, false },
		{ UPSTREAM, XENVIRTIO_NOTIFY_AUTO, false, false, false },
		{ UPSTREAM, XENVIRTIO_NOTIFY_UPSTREAM, false, true, true },
		{ UPSTREAM, XENVIRTIO_NOTIFY_UPSTREAM, true, true, false },
		{ QUIET, XENVIRTIO_NOTIFY_AUTO, false, true, true },
		{ QUIET, XENVIRTIO_NOTIFY_AUTO, true, true, false },
		{ ALL, XENVIRTIO_NOTIFY_AUTO, false, true, true },
		{ ALL, XENVIRTIO_NOTIFY_AUTO, true, true, true },
		{ WAITING, XENVIRTIO_NOTIFY_AUTO, false, true, true },
		{ ALL, XENVIRTIO_NOTIFY_EVENT_CHANNEL, false, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(rows[i].features, rows[i].held, rows[i].path);
		rig_driver(&f.rig, 0);
		f.asleep = true;
		for (unsigned int round = 0; round < 3; round++) {
			expect_kick(rows[i].kicks);
			/* upstream's kernel announces it all the same, and there is nothing */
			assert_int_equal(foreign_has_work(&f), rows[i].path == XENVIRTIO_NOTIFY_UPSTREAM);
			assert_int_equal(xenvirtio_server_process(f.rig.server), 0);
			expect_call(rows[i].calls);
		}
		foreign_write(&f, REG_INTERRUPT_ACK, 3);
		if (rows[i].held)
			assert_false(fake_irq_level(f.rig.fake, RIG_IRQ));
		f.asleep = false;
		request();
		assert_int_equal(fake_waits(f.rig.fake), 0);
		foreign_rig_fini(&f);
	}
}

/* An irqfd tells us nothing: InterruptStatus says used buffers as long as another process may write to it. */
static void an_irqfd_has_the_bit_always(void **state)
{
	start(QUIET, false, XENVIRTIO_NOTIFY_AUTO);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 0);
	rig_driver(&f.rig, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 1);
		foreign_write(&f, REG_INTERRUPT_ACK, 1);
	}
	assert_int_equal(xenvirtio_device_config_changed(f.rig.dev), 0);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 3);
	foreign_write(&f, REG_INTERRUPT_ACK, 3);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 1);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 0);
	rig_driver(&f.rig, 0);
	request();
}

/* What was offered is refused when the first queue starts. */
static void a_refusal_costs_speed_only(void **state)
{
	static const struct {
		uint32_t features, refused;
		const char *path;
		bool kicks, calls;
	} rows[] = {
		{ ALL, XENVIRTIO_EVENTFD_REGISTERS, "eventfd", true, true },
		{ ALL, XENVIRTIO_EVENTFD_IOEVENTFD, "event-channel", false, false },
		{ QUIET, XENVIRTIO_EVENTFD_IRQFD, "event-channel", false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(rows[i].features, false, XENVIRTIO_NOTIFY_AUTO);
		fake_refuse_eventfds(f.rig.fake, rows[i].refused);
		for (int round = 0; round < 2; round++) {
			rig_driver(&f.rig, 0);
			assert_string_equal(path(), rows[i].path);
			request();
			f.asleep = true;
			foreign_write(&f, REG_INTERRUPT_ACK, 3);
			expect_kick(rows[i].kicks);
			assert_int_equal(xenvirtio_server_process(f.rig.server), 0);
			expect_call(rows[i].calls);
			f.asleep = false;
		}
		foreign_rig_fini(&f);
	}
}

/* The other queue runs: its kicks and signals of the moment are nobody's but who serves it. */
static void a_refusal_half_way_loses_nothing(void **state)
{
	static const uint32_t hosts[] = { QUIET, ALL };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		uint64_t before;

		start(hosts[i], false, XENVIRTIO_NOTIFY_AUTO);
		rig_driver(&f.rig, 0);
		foreign_write(&f, REG_QUEUE_SEL, 1);
		foreign_write(&f, REG_QUEUE_READY, 0);
		f.asleep = true;
		foreign_write(&f, REG_INTERRUPT_ACK, 3);
		expect_kick(true);
		foreign_write(&f, REG_QUEUE_NOTIFY, 0);
		before = interrupts();
		foreign_call(&f);
		fake_refuse_eventfds(f.rig.fake, XENVIRTIO_EVENTFD_IOEVENTFD);
		foreign_write(&f, REG_QUEUE_READY, 1);
		assert_string_equal(path(), "event-channel");
		assert_int_equal(fake_armed(f.rig.fake), 0);
		assert_true(interrupts() > before);
		assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS) & 1, 1);
		assert_int_equal(foreign_kicks(&f, 0), 1);
		assert_int_equal(foreign_kicks(&f, 1), 1);
		foreign_write(&f, REG_INTERRUPT_ACK, 3);
		expect_kick(false);
		expect_call(false);
		assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 0);
		f.asleep = false;
		rig_driver(&f.rig, 0);
		request();
		foreign_rig_fini(&f);
	}
}

/* A kick that was a request before the kernel took over: passed on, and no further one is waited for. */
static void nobody_stays_on_the_cpu_for_others(void **state)
{
	start(WAITING, false, XENVIRTIO_NOTIFY_AUTO);
	rig_driver(&f.rig, 0);
	rig_kill(&f.rig);
	assert_int_equal(fake_mmio_start(f.rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	f.asleep = true;
	assert_int_equal(rig_start(&f.rig), 0);
	foreign_kicks(&f, 0);
	assert_int_equal(foreign_serve(&f), 0);
	assert_int_equal(fake_mmio_finish(f.rig.fake, 0, NULL), 0);
	assert_int_equal(foreign_kicks(&f, 0), 1);
	assert_int_equal(fake_waits(f.rig.fake), 0);
	f.asleep = false;
	rig_driver(&f.rig, 0);
	request();
}

/* Assigned exactly while a queue is live, and the call eventfd of a stopped device wakes nobody. */
static void what_is_assigned_follows_the_queues(void **state)
{
	start(ALL, false, XENVIRTIO_NOTIFY_AUTO);
	assert_int_equal(fake_armed(f.rig.fake), 0);
	rig_driver(&f.rig, 0);
	assert_int_equal(fake_armed(f.rig.fake), RIG_QUEUES + 1);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	assert_int_equal(fake_armed(f.rig.fake), 0);
	foreign_call(&f);
	assert_false(foreign_has_work(&f));
	rig_driver(&f.rig, 0);
	assert_int_equal(xenvirtio_server_close(f.rig.server), 0);
	assert_int_equal(fake_armed(f.rig.fake), 0);
	rig_crash(&f.rig);
	f.rig.id = XENVIRTIO_IOREQ_NEW;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_takes_what_it_can),
		TEST(an_irqfd_has_the_bit_always),
		cmocka_unit_test(a_refusal_costs_speed_only),
		cmocka_unit_test(a_refusal_half_way_loses_nothing),
		TEST(nobody_stays_on_the_cpu_for_others),
		TEST(what_is_assigned_follows_the_queues),
	};

	return cmocka_run_group_tests_name("foreign-paths", tests, NULL, NULL);
}
