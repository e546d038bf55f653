// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes of queues and their interrupts, recorded: each fires where its page says, once, with the arguments of xenvirtio-probes(7)
 * in their order, and none for what the library refused. Those of the hypervisor are test-probes-xen's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/probe-record.h"
#include "unit/rigs/rig.h"

#define EVENTFDS (XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET)

static struct rig rig;
static uint64_t page_gpa;

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static void start(enum xenvirtio_notify_path path)
{
	const struct fake_config config = { .eventfd_features = EVENTFDS };

	assert_int_equal(rig_init(&rig, &config), 0);
	rig.path = path;
	assert_int_equal(rig_start(&rig), 0);
	rig_driver(&rig, 0);
	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &page_gpa));
	/* what the driver's coming up left */
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	probes_fired();
}

static struct driver_queue *queue(unsigned int index)
{
	return &rig.driver.queue[index];
}

/* 8 bytes to the device, which writes as many of 24. Return: its head */
static uint16_t add(unsigned int index)
{
	const struct driver_buf buf[] = { { page_gpa, 8, false }, { page_gpa + 64, 24, true } };
	uint16_t head;

	assert_int_equal(driver_add(queue(index), buf, 2, false, &head), 0);
	return head;
}

static void collect(unsigned int index)
{
	uint16_t head;
	uint32_t len;

	assert_int_equal(driver_collect(queue(index), &head, &len), 0);
}

static void a_request_is_kick_pop_push_interrupt(void **state)
{
	uint16_t first, second;

	start(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	first = add(0);
	second = add(0);
	assert_int_equal(first, 0);
	assert_int_equal(second, 2);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_string_equal(probes_fired(), "kick 42 0 0; pop 42 0 0 8 24; push 42 0 0 8; pop 42 0 2 8 24; push 42 0 2 8; "
					    "interrupt 42 0 1");
}

/* Popped at once, pushed when the device says so, in another order; a queue other than the first. */
static void chains_are_known_by_their_heads(void **state)
{
	static const unsigned int order[] = { 1, 0 };

	start(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	add(1);
	add(1);
	assert_int_equal(driver_kick(queue(1)), 0);
	assert_string_equal(probes_fired(), "kick 42 1 0; pop 42 1 0 8 24; pop 42 1 2 8 24");
	assert_int_equal(rig_return_kept(&rig, order, 2), 0);
	assert_string_equal(probes_fired(), "push 42 1 2 0; push 42 1 0 0; interrupt 42 1 1");
}

static void a_kick_past_the_registers_says_so(void **state)
{
	start(XENVIRTIO_NOTIFY_EVENTFD);
	assert_string_equal(xenvirtio_server_path(rig.server), "eventfd");
	add(0);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_string_equal(probes_fired(), "kick 42 0 1; pop 42 0 0 8 24; push 42 0 0 8; interrupt 42 0 1");
}

static void an_interrupt_the_driver_does_not_want_is_suppressed(void **state)
{
	start(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	*queue(0)->avail_flags = 1;
	add(0);
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_string_equal(probes_fired(), "kick 42 0 0; pop 42 0 0 8 24; push 42 0 0 8; interrupt 42 0 0");
}

/* First that it is kept back, then what became of it. */
static void one_that_is_held_is_told_of_twice(void **state)
{
	start(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	xenvirtio_device_set_prompt(rig.dev, 1);
	add(0);
	*queue(0)->avail_idx = queue(0)->added_idx;
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_string_equal(probes_fired(), "kick 42 0 0; pop 42 0 0 8 24; push 42 0 0 8; interrupt 42 0 2");
	fake_mmio_finish(rig.fake, 0, NULL);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_string_equal(probes_fired(), "interrupt 42 0 1");
	collect(0);
}

static void a_configuration_change_is_of_no_queue(void **state)
{
	start(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	assert_string_equal(probes_fired(), "interrupt 42 4294967295 1");
}

/* A kick of a queue that is not there; and a chain that cannot be: only that the device needs a reset is told. */
static void what_is_refused_is_no_request(void **state)
{
	start(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, RIG_QUEUES), 0);
	assert_string_equal(probes_fired(), "");
	queue(0)->desc[add(0)].addr = UINT64_MAX - 4096;
	assert_int_equal(driver_kick(queue(0)), 0);
	assert_string_equal(probes_fired(), "kick 42 0 0; interrupt 42 4294967295 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_request_is_kick_pop_push_interrupt, teardown),
		cmocka_unit_test_teardown(chains_are_known_by_their_heads, teardown),
		cmocka_unit_test_teardown(a_kick_past_the_registers_says_so, teardown),
		cmocka_unit_test_teardown(an_interrupt_the_driver_does_not_want_is_suppressed, teardown),
		cmocka_unit_test_teardown(one_that_is_held_is_told_of_twice, teardown),
		cmocka_unit_test_teardown(a_configuration_change_is_of_no_queue, teardown),
		cmocka_unit_test_teardown(what_is_refused_is_no_request, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
