// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines that are levels, as x86 has: up exactly while InterruptStatus says something, by each path, so
 * that no interrupt is lost between the driver's read and its acknowledgement, and none comes for
 * ever. What the driver reads is compared with the line the fake hypervisor has.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device/device-internal.h"
#include "unit/rigs/rig.h"

static const uint32_t host_features[] = {
	0,
	XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD,
	XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET,
	XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET |
		XENVIRTIO_EVENTFD_REGISTERS,
};

#define NR_HOSTS (sizeof(host_features) / sizeof(host_features[0]))

static struct rig rig;

static void open_on(uint32_t features)
{
	const struct fake_config config = { .held_irqs = true, .eventfd_features = features };

	assert_int_equal(rig_init(&rig, &config), 0);
	assert_int_equal(rig_start(&rig), 0);
	rig_driver(&rig, 0);
}

static uint32_t read_status(void)
{
	uint64_t status;

	assert_int_equal(rig.bus.bus.ops->read(&rig.bus.bus, REG_INTERRUPT_STATUS, 4, &status), 0);
	return (uint32_t)status;
}

static void ack(uint32_t bits)
{
	assert_int_equal(driver_write(&rig.driver, REG_INTERRUPT_ACK, bits), 0);
}

static bool line(void)
{
	return fake_irq_level(rig.fake, RIG_IRQ);
}

/* The driver reads @status, and the line is up if that is anything. */
static void expect(uint32_t status)
{
	assert_int_equal(read_status(), status);
	assert_int_equal(line(), status != 0);
}

static void echo(void)
{
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

static void the_line_is_up_until_all_is_acknowledged(void **state)
{
	for (size_t i = 0; i < NR_HOSTS; i++) {
		open_on(host_features[i]);
		expect(0);
		echo();
		expect(INTERRUPT_USED);
		assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
		expect(INTERRUPT_USED | INTERRUPT_CONFIG);
		ack(INTERRUPT_CONFIG);
		expect(INTERRUPT_USED);
		ack(INTERRUPT_USED);
		expect(0);
		/* acknowledging what is not there changes nothing */
		ack(INTERRUPT_USED | INTERRUPT_CONFIG);
		expect(0);
		echo();
		expect(INTERRUPT_USED);
		ack(INTERRUPT_USED);
		rig_fini(&rig);
	}
}

/* The driver has read, and acknowledges what it read; meanwhile something else has come. */
static void an_interrupt_between_read_and_ack_is_not_lost(void **state)
{
	for (size_t i = 0; i < NR_HOSTS; i++) {
		uint32_t seen;

		open_on(host_features[i]);
		echo();
		seen = read_status();
		assert_int_equal(seen, INTERRUPT_USED);
		assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
		ack(seen);
		expect(INTERRUPT_CONFIG);
		seen = read_status();
		echo();
		ack(seen);
		expect(INTERRUPT_USED);
		ack(INTERRUPT_USED);
		expect(0);
		rig_fini(&rig);
	}
}

static void a_reset_lowers_the_line(void **state)
{
	for (size_t i = 0; i < NR_HOSTS; i++) {
		open_on(host_features[i]);
		echo();
		assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
		assert_true(line());
		assert_int_equal(driver_reset(&rig.driver), 0);
		expect(0);
		rig_driver(&rig, 0);
		expect(0);
		echo();
		expect(INTERRUPT_USED);
		rig_fini(&rig);
	}
}

/* With nobody to take the acknowledgement the line would interrupt for ever. */
static void a_device_that_goes_leaves_the_line_down(void **state)
{
	for (size_t i = 0; i < NR_HOSTS; i++) {
		open_on(host_features[i]);
		echo();
		assert_true(line());
		assert_int_equal(rig_stop(&rig), 0);
		assert_false(line());
		rig_fini(&rig);
	}
}

/* Killed with the line up: the successor holds it until the driver has acknowledged. */
static void what_was_not_acknowledged_survives(void **state)
{
	for (size_t i = 0; i < NR_HOSTS; i++) {
		open_on(host_features[i]);
		echo();
		assert_true(line());
		rig_kill(&rig);
		assert_true(line());
		assert_int_equal(rig_start(&rig), 0);
		assert_true(line());
		assert_true(read_status() & INTERRUPT_USED);
		ack(read_status());
		expect(0);
		echo();
		expect(INTERRUPT_USED);
		rig_fini(&rig);
	}
}

/* Died between writing down an acknowledgement or reset and lowering the line. */
static void a_line_left_up_is_lowered(void **state)
{
	for (size_t i = 0; i < NR_HOSTS; i++) {
		open_on(host_features[i]);
		assert_int_equal(driver_reset(&rig.driver), 0);
		assert_int_equal(rig.hv->ops->set_irq(rig.hv, RIG_IRQ, true), 0);
		assert_true(line());
		rig_kill(&rig);
		assert_int_equal(rig.state.interrupt_status, 0);
		assert_int_equal(rig_start(&rig), 0);
		expect(0);
		rig_fini(&rig);
	}
}

/* The host takes back what it offered while something is not acknowledged. */
static void a_slower_path_holds_the_line_as_well(void **state)
{
	open_on(host_features[NR_HOSTS - 1]);
	fake_refuse_eventfds(rig.fake, XENVIRTIO_EVENTFD_REGISTERS | XENVIRTIO_EVENTFD_IRQFD);
	assert_int_equal(driver_reset(&rig.driver), 0);
	rig_driver(&rig, 0);
	assert_string_equal(xenvirtio_server_path(rig.server), "eventfd");
	echo();
	expect(INTERRUPT_USED);
	ack(INTERRUPT_USED);
	expect(0);
	rig_fini(&rig);
}

/*
 * A guest that has had its part of a CPU in the host's kernel: what it acknowledges comes to us, whose word for the register says both
 * bits. The line goes down, and nothing that came meanwhile is lost.
 */
static void a_line_goes_down_where_the_kernel_leaves_it_to_us(void **state)
{
	open_on(host_features[NR_HOSTS - 1]);
	echo();
	assert_true(line());
	fake_leave_accesses(rig.fake, true);
	ack(read_status());
	assert_false(line());
	echo();
	assert_true(line());
	ack(read_status());
	assert_false(line());
	/* read in the kernel, acknowledged here, and something else came in between */
	fake_leave_accesses(rig.fake, false);
	ack(INTERRUPT_USED | INTERRUPT_CONFIG);
	expect(0);
	echo();
	expect(INTERRUPT_USED);
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	fake_leave_accesses(rig.fake, true);
	ack(INTERRUPT_USED);
	assert_true(line());
	fake_leave_accesses(rig.fake, false);
	assert_true(read_status() & INTERRUPT_CONFIG);
	ack(read_status());
	expect(0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_up_until_all_is_acknowledged),
		cmocka_unit_test(an_interrupt_between_read_and_ack_is_not_lost),
		cmocka_unit_test(a_reset_lowers_the_line),
		cmocka_unit_test(a_device_that_goes_leaves_the_line_down),
		cmocka_unit_test(what_was_not_acknowledged_survives),
		cmocka_unit_test(a_line_left_up_is_lowered),
		cmocka_unit_test(a_slower_path_holds_the_line_as_well),
		cmocka_unit_test(a_line_goes_down_where_the_kernel_leaves_it_to_us),
	};

	return cmocka_run_group_tests_name("held-line", tests, NULL, NULL);
}
