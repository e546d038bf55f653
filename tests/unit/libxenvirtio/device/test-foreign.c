// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues that somebody else serves, whichever way notifications travel (test-paths.sh): every request is answered and every
 * interrupt arrives, the library reads no ring, and whoever serves is told when a queue starts and stops, in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/rigs/foreign-rig.h"

static struct foreign f;

static int setup(void **state)
{
	return foreign_rig_open(&f);
}

static int teardown(void **state)
{
	foreign_rig_fini(&f);
	return 0;
}

static uint64_t interrupts(void)
{
	return fake_irqs(f.rig.fake, RIG_IRQ, true);
}

static void request(void)
{
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
}

static void expect_turns(unsigned int starts, unsigned int stops)
{
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		assert_int_equal(f.starts[i], starts);
		assert_int_equal(f.stops[i], stops);
	}
}

static uint16_t add(unsigned int index)
{
	struct driver_buf buf = { .len = 4 };
	uint16_t head;

	assert_non_null(f.rig.bus.bus.ops->alloc_page(&f.rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(&f.rig.driver.queue[index], &buf, 1, false, &head), 0);
	return head;
}

static void expect_used(unsigned int index, uint16_t head)
{
	uint16_t used;
	uint32_t len;

	assert_int_equal(driver_wait(&f.rig.driver.queue[index], &used, &len), 0);
	assert_int_equal(used, head);
}

static void ask_other_queue(void)
{
	uint16_t head = add(1);

	assert_int_equal(driver_kick(&f.rig.driver.queue[1]), 0);
	expect_used(1, head);
}

static void requests_are_answered(void **state)
{
	static const uint64_t features[] = { 0, F_INDIRECT, F_EVENT_IDX, F_INDIRECT | F_EVENT_IDX };

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		rig_driver(&f.rig, features[i]);
		request();
		ask_other_queue();
	}
	assert_int_equal(f.served, 4 * 4);
	/* What the library knows of a ring: nothing. */
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		assert_int_equal(f.rig.state.queue[i].last_avail_idx, 0);
		assert_int_equal(f.rig.state.queue[i].used_idx, 0);
	}
	assert_int_equal(rig_count_errors(&f.rig), 0);
}

/* used_event and flags are the back-end's to obey: each of its signals is one interrupt, with bit 0. */
static void a_signal_interrupts_the_driver(void **state)
{
	uint64_t before;

	rig_driver(&f.rig, 0);
	foreign_write(&f, REG_INTERRUPT_ACK, 3);
	for (int i = 0; i < 3; i++) {
		before = interrupts();
		foreign_call(&f);
		if (foreign_has_work(&f))
			assert_int_equal(foreign_serve(&f), 0);
		assert_int_equal(interrupts(), before + 1);
		assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS) & 1, 1);
		foreign_write(&f, REG_INTERRUPT_ACK, 1);
		/* once is once */
		assert_int_equal(foreign_serve(&f), 0);
		assert_int_equal(interrupts(), before + 1);
	}
	/* beside the device's own */
	assert_int_equal(xenvirtio_device_config_changed(f.rig.dev), 0);
	assert_int_equal(interrupts(), before + 2);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS) & 2, 2);
}

static void what_was_signalled_before_a_driver_came_is_dropped(void **state)
{
	uint64_t before = interrupts();

	/* a server begins with a look at its requests */
	assert_int_equal(foreign_serve(&f), 0);
	foreign_call(&f);
	assert_false(foreign_has_work(&f));
	assert_int_equal(driver_begin(&f.rig.driver, RIG_DEVICE_ID, 0), 0);
	foreign_call(&f);
	assert_false(foreign_has_work(&f));
	rig_driver(&f.rig, 0);
	assert_int_equal(foreign_serve(&f), 0);
	assert_int_equal(interrupts(), before);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	before = interrupts();
	foreign_call(&f);
	assert_false(foreign_has_work(&f));
	assert_int_equal(interrupts(), before);
	assert_int_equal(foreign_read(&f, REG_INTERRUPT_STATUS), 0);
}

static void a_queue_is_live_when_all_is_there(void **state)
{
	struct xenvirtio_queue_rings rings;

	/* QueueReady, then DRIVER_OK */
	expect_turns(0, 0);
	rig_driver(&f.rig, 0);
	expect_turns(1, 0);
	/* QueueReady off and on with DRIVER_OK there, one queue */
	foreign_write(&f, REG_QUEUE_SEL, 1);
	foreign_write(&f, REG_QUEUE_READY, 0);
	assert_int_equal(f.stops[1], 1);
	assert_int_equal(f.stopped_at, 15);
	assert_int_equal(f.stops[0], 0);
	assert_int_equal(xenvirtio_queue_rings(xenvirtio_device_queue(f.rig.dev, 1), &rings), XENVIRTIO_E_EMPTY);
	foreign_write(&f, REG_QUEUE_READY, 0);
	assert_int_equal(f.stops[1], 1);
	assert_int_equal(driver_make_ring(&f.rig.driver, 1, 16), 0);
	assert_int_equal(driver_enable_queue(&f.rig.driver, 1), 0);
	assert_int_equal(f.starts[1], 2);
	assert_int_equal(f.rings[1].size, 16);
	assert_int_equal(f.rings[1].desc_gpa, f.rig.driver.queue[1].ring_gpa);
	assert_int_equal(f.rings[1].avail_gpa, f.rig.driver.queue[1].ring_gpa + 1024);
	assert_int_equal(f.rings[1].used_gpa, f.rig.driver.queue[1].ring_gpa + 2048);
	ask_other_queue();
	request();
}

static void a_queue_stops_with_the_device(void **state)
{
	rig_driver(&f.rig, 0);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	expect_turns(1, 1);
	assert_int_equal(f.stopped_at, 0);
	rig_driver(&f.rig, 0);
	assert_int_equal(xenvirtio_device_guest_fault(f.rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test"), 0);
	expect_turns(2, 2);
	assert_int_equal(f.stopped_at, 15 | STATUS_NEEDS_RESET);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	expect_turns(2, 2);
	rig_driver(&f.rig, 0);
	foreign_write(&f, REG_STATUS, 15 | STATUS_FAILED);
	expect_turns(3, 3);
	rig_driver(&f.rig, 0);
	assert_int_equal(xenvirtio_server_close(f.rig.server), 0);
	expect_turns(4, 4);
	assert_int_equal(f.stopped_at, 15);
	rig_crash(&f.rig);
	f.rig.id = XENVIRTIO_IOREQ_NEW;
	expect_turns(4, 4);
}

/* With requests under way, kicked or not, at any moment: they are served by who comes next. */
static void a_restart_starts_the_queues_again(void **state)
{
	uint64_t before;
	uint16_t head;

	rig_driver(&f.rig, 0);
	request();
	for (unsigned int i = 0; i < 3; i++) {
		f.asleep = true;
		head = add(1);
		if (i)
			assert_int_equal(driver_kick(&f.rig.driver.queue[1]), 0);
		rig_crash(&f.rig);
		expect_turns(i + 1, i + 1);
		before = interrupts();
		assert_int_equal(rig_start(&f.rig), 0);
		expect_turns(i + 2, i + 1);
		assert_int_equal(interrupts(), before + 1);
		f.asleep = false;
		expect_used(1, head);
	}
	request();
}

/* Linux's drivers do it, and never again. */
static void a_kick_before_driver_ok_is_not_lost(void **state)
{
	uint16_t head;

	assert_int_equal(driver_begin(&f.rig.driver, RIG_DEVICE_ID, 0), 0);
	assert_int_equal(driver_make_ring(&f.rig.driver, 0, 16), 0);
	assert_int_equal(driver_enable_queue(&f.rig.driver, 0), 0);
	f.rig.driver.nr_queues = 1;
	head = add(0);
	assert_int_equal(driver_kick(&f.rig.driver.queue[0]), 0);
	assert_int_equal(foreign_kicks(&f, 0), 0);
	f.asleep = true;
	foreign_write(&f, REG_STATUS, 15);
	assert_int_equal(foreign_kicks(&f, 0), 1);
	assert_int_equal(foreign_kicks(&f, 1), 0);
	f.asleep = false;
	foreign_write(&f, REG_QUEUE_NOTIFY, 0);
	expect_used(0, head);
}

static void a_kick_of_no_live_queue_signals_nobody(void **state)
{
	uint64_t errors;

	rig_driver(&f.rig, 0);
	f.asleep = true;
	foreign_write(&f, REG_QUEUE_SEL, 1);
	foreign_write(&f, REG_QUEUE_READY, 0);
	for (unsigned int i = 0; i < RIG_QUEUES; i++)
		foreign_kicks(&f, i);
	errors = rig_count_errors(&f.rig);
	foreign_write(&f, REG_QUEUE_NOTIFY, 1);
	foreign_write(&f, REG_QUEUE_NOTIFY, RIG_QUEUES);
	foreign_write(&f, REG_QUEUE_NOTIFY, 0xffff);
	assert_int_equal(rig_count_errors(&f.rig), errors + 3);
	assert_int_equal(foreign_kicks(&f, 0), 0);
	assert_int_equal(foreign_kicks(&f, 1), 0);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	foreign_write(&f, REG_QUEUE_NOTIFY, 0);
	assert_int_equal(foreign_kicks(&f, 0), 0);
}

/* Each access of the storm waits for the hooks; whatever the order, they come in turn (foreign-rig.c). */
static void a_storm_of_starts_and_stops(void **state)
{
	rig_driver(&f.rig, 0);
	for (unsigned int i = 0; i < 300; i++) {
		uint32_t queue = i % RIG_QUEUES;

		foreign_write(&f, REG_QUEUE_SEL, queue);
		foreign_write(&f, REG_QUEUE_NOTIFY, queue);
		foreign_write(&f, REG_QUEUE_READY, i / 3 % 2);
		if (i % 7 == 0)
			foreign_call(&f);
		if (i % 50 != 49)
			continue;
		rig_driver(&f.rig, i % 100 == 49 ? F_EVENT_IDX : 0);
		request();
	}
	assert_true(f.starts[0] > 20);
	request();
}

/* With a request taken and not answered: nothing of it comes after the reset. */
static void a_reset_in_the_middle(void **state)
{
	rig_driver(&f.rig, 0);
	f.asleep = true;
	add(0);
	assert_int_equal(driver_kick(&f.rig.driver.queue[0]), 0);
	foreign_write(&f, REG_STATUS, 0);
	expect_turns(1, 1);
	f.asleep = false;
	assert_int_equal(foreign_serve(&f), 0);
	assert_int_equal(f.served, 0);
	rig_driver(&f.rig, 0);
	request();
	assert_int_equal(f.served, 3);
}

static void make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	assert_int_equal(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), 0);
}

/*
 * The flags of an eventfd are shared with who serves, and so is its counter: one that waits when it is full or empty must
 * not make the library wait. A test that hangs here has failed.
 */
static void a_full_eventfd_makes_nobody_wait(void **state)
{
	const uint64_t most = UINT64_MAX - 1;
	uint64_t before;
	int kick_fd, call_fd;

	rig_driver(&f.rig, 0);
	f.asleep = true;
	kick_fd = xenvirtio_device_kick_fd(f.rig.dev, 1);
	call_fd = xenvirtio_device_call_fd(f.rig.dev);
	foreign_kicks(&f, 1);
	assert_int_equal(write(kick_fd, &most, sizeof(most)), sizeof(most));
	make_blocking(kick_fd);
	make_blocking(call_fd);
	/* on the way of requests; where the kernel signals it, it does not wait */
	assert_int_equal(xenvirtio_server_resume(f.rig.server), 0);
	foreign_call(&f);
	for (int i = 0; i < 3; i++)
		assert_int_equal(foreign_serve(&f), 0);
	before = interrupts();
	foreign_call(&f);
	assert_int_equal(foreign_serve(&f), 0);
	assert_int_equal(interrupts(), before + 1);
	assert_int_equal(driver_reset(&f.rig.driver), 0);
	foreign_kicks(&f, 1);
	f.asleep = false;
	assert_int_equal(fcntl(kick_fd, F_SETFL, O_NONBLOCK), 0);
	rig_driver(&f.rig, 0);
	request();
}

/* All the same for the device's life: who serves keeps duplicates. */
static void eventfds_stay(void **state)
{
	int call_fd = xenvirtio_device_call_fd(f.rig.dev), kick_fd[RIG_QUEUES];

	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		kick_fd[i] = xenvirtio_device_kick_fd(f.rig.dev, i);
		assert_true(fcntl(kick_fd[i], F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(kick_fd[i], F_GETFL) & O_NONBLOCK);
	}
	assert_int_equal(xenvirtio_device_kick_fd(f.rig.dev, RIG_QUEUES), -EINVAL);
	for (int round = 0; round < 3; round++) {
		rig_driver(&f.rig, 0);
		request();
		assert_int_equal(xenvirtio_device_call_fd(f.rig.dev), call_fd);
		for (unsigned int i = 0; i < RIG_QUEUES; i++)
			assert_int_equal(xenvirtio_device_kick_fd(f.rig.dev, i), kick_fd[i]);
	}
}

/* Whoever serves keeps its duplicates when the device is gone: a signal then is nobody's. */
static void a_duplicate_outlives_the_device(void **state)
{
	const uint64_t one = 1;
	int call_fd;

	rig_driver(&f.rig, 0);
	call_fd = dup(xenvirtio_device_call_fd(f.rig.dev));
	assert_true(call_fd >= 0);
	xenvirtio_server_free(f.rig.server);
	f.rig.server = NULL;
	rig_crash(&f.rig);
	assert_int_equal(write(call_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(rig_start(&f.rig), 0);
	assert_int_equal(write(call_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(foreign_serve(&f), 0);
	assert_false(foreign_has_work(&f));
	close(call_fd);
	request();
}

static void (*stop_of_rig)(void *opaque, unsigned int index);

/* Whoever served it has gone instead of stopping. */
static void stop_and_fail(void *opaque, unsigned int index)
{
	stop_of_rig(opaque, index);
	assert_int_equal(xenvirtio_device_guest_fault(f.rig.dev, XENVIRTIO_GUEST_BAD_QUEUE, "lost"), 0);
}

/* NEEDS_RESET is for a device that runs: the driver would find it in the status of one that was just reset. */
static void a_failure_in_a_reset_is_over_with_it(void **state)
{
	stop_of_rig = f.rig.ops.queue_stop;
	f.rig.ops.queue_stop = stop_and_fail;
	rig_driver(&f.rig, 0);
	foreign_write(&f, REG_STATUS, 0);
	assert_int_equal(foreign_read(&f, REG_STATUS), 0);
	foreign_write(&f, REG_STATUS, 1);
	foreign_write(&f, REG_STATUS, 3);
	assert_int_equal(foreign_read(&f, REG_STATUS), 3);
	f.rig.ops.queue_stop = stop_of_rig;
}

/* There is nobody here to serve a kick within its access. */
static void prompt_is_for_ones_own_queues(void **state)
{
	xenvirtio_device_set_prompt(f.rig.dev, 1);
	rig_driver(&f.rig, 0);
	assert_int_equal(f.starts[0], 1);
	request();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered),
		TEST(a_signal_interrupts_the_driver),
		TEST(what_was_signalled_before_a_driver_came_is_dropped),
		TEST(a_queue_is_live_when_all_is_there),
		TEST(a_queue_stops_with_the_device),
		TEST(a_restart_starts_the_queues_again),
		TEST(a_kick_before_driver_ok_is_not_lost),
		TEST(a_kick_of_no_live_queue_signals_nobody),
		TEST(a_storm_of_starts_and_stops),
		TEST(a_reset_in_the_middle),
		TEST(a_full_eventfd_makes_nobody_wait),
		TEST(eventfds_stay),
		TEST(a_duplicate_outlives_the_device),
		TEST(a_failure_in_a_reset_is_over_with_it),
		TEST(prompt_is_for_ones_own_queues),
	};

	return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
