// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process dies and the next goes on from the state: the guest notices nothing but time. No chain
 * is lost, none comes back twice, no kick or interrupt is missed, whatever moment it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

static struct rig rig;

static int setup(void **state)
{
	return rig_open(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static void restart(void)
{
	rig_crash(&rig);
	assert_int_equal(rig_start(&rig), 0);
}

static struct driver_queue *queue(unsigned int index)
{
	return &rig.driver.queue[index];
}

static uint16_t add(unsigned int index)
{
	struct driver_buf buf = { .len = 4 };
	uint16_t head;

	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(queue(index), &buf, 1, false, &head), 0);
	return head;
}

static void expect_used(unsigned int index, uint16_t head)
{
	uint16_t used;
	uint32_t len;

	assert_int_equal(driver_collect(queue(index), &used, &len), 0);
	assert_int_equal(used, head);
}

static void expect_none_used(unsigned int index)
{
	uint16_t used;
	uint32_t len;

	assert_int_equal(driver_collect(queue(index), &used, &len), DRIVER_EMPTY);
}

static void a_running_device_goes_on(void **state)
{
	for (int event_idx = 0; event_idx < 2; event_idx++) {
		rig_driver(&rig, event_idx ? F_EVENT_IDX | F_INDIRECT : 0);
		for (int i = 0; i < 5; i++) {
			assert_int_equal(rig_target.request(&rig.driver), 0);
			restart();
		}
		assert_int_equal(rig_target.request(&rig.driver), 0);
	}
	assert_int_equal(rig_count_errors(&rig), 0);
}

/* What it had taken and not answered is taken again; what it had answered is not. */
static void chains_in_flight_are_taken_again(void **state)
{
	const unsigned int first[] = { 0 }, both[] = { 0, 1 };
	uint16_t head[3];

	rig_driver(&rig, 0);
	for (int i = 0; i < 3; i++)
		head[i] = add(1);
	assert_int_equal(driver_kick(queue(1)), 0);
	assert_int_equal(rig_return_kept(&rig, first, 1), 0);
	restart();
	assert_int_equal(rig.nr_kept, 2);
	assert_int_equal(rig.kept[0].head, head[1]);
	assert_int_equal(rig.kept[1].head, head[2]);
	assert_int_equal(rig_return_kept(&rig, both, 2), 0);
	for (int i = 0; i < 3; i++)
		expect_used(1, head[i]);
	expect_none_used(1);
}

/* Between writing the used index for the driver and writing it down. */
static void a_chain_just_answered_is_not_answered_again(void **state)
{
	uint16_t head;

	rig_driver(&rig, 0);
	head = add(0);
	assert_int_equal(driver_kick(queue(0)), 0);
	rig_crash(&rig);
	rig.state.queue[0].used_idx--;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig.state.queue[0].used_idx, 1);
	expect_used(0, head);
	expect_none_used(0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

/* The used index in guest memory is the guest's to scribble on: it leads us nowhere. */
static void the_guests_copy_of_the_used_index_is_not_trusted(void **state)
{
	static const uint16_t lie[] = { 2, 100, 0x8000, 0xffff };

	for (size_t i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		rig_driver(&rig, 0);
		add(0);
		assert_int_equal(driver_kick(queue(0)), 0);
		rig_crash(&rig);
		*queue(0)->used_idx += lie[i];
		assert_int_equal(rig_start(&rig), 0);
		assert_int_equal(rig.state.queue[0].used_idx, 1);
		assert_int_equal(rig.state.queue[0].last_avail_idx, 1);
	}
	/* nor with a chain in flight, of which only its own answer is believed */
	for (size_t i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		rig_driver(&rig, 0);
		add(1);
		assert_int_equal(driver_kick(queue(1)), 0);
		rig_crash(&rig);
		*queue(1)->used_idx += lie[i];
		assert_int_equal(rig_start(&rig), 0);
		assert_int_equal(rig.state.queue[1].used_idx, 0);
		assert_int_equal(rig.nr_kept, 1);
	}
	/* one ahead is believed only where a chain was in flight to be answered */
	rig_driver(&rig, 0);
	rig_crash(&rig);
	*queue(0)->used_idx = 1;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig.state.queue[0].used_idx, 0);
}

static void what_came_meanwhile_is_seen(void **state)
{
	uint16_t head;

	rig_driver(&rig, F_EVENT_IDX);
	rig_crash(&rig);
	head = add(0);
	/* the driver's vcpu writes QueueNotify, and waits */
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	assert_int_equal(rig_start(&rig), 0);
	expect_used(0, head);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
}

/* The old process may have died before it interrupted: the new one always does. */
static void the_driver_is_interrupted(void **state)
{
	uint64_t before;

	rig_driver(&rig, 0);
	before = fake_irqs(rig.fake, RIG_IRQ, true);
	restart();
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), before + 1);
	assert_int_equal(rig.state.interrupt_status & 1, 1);
	/* a configuration change that was raised stays raised */
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	restart();
	assert_int_equal(rig.state.interrupt_status, 3);
	/* also when the device had failed; but not before there is a driver */
	xenvirtio_device_guest_fault(rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test");
	before = fake_irqs(rig.fake, RIG_IRQ, true);
	restart();
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), before + 1);
	assert_int_equal(driver_status(&rig.driver), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(driver_reset(&rig.driver), 0);
	restart();
	assert_int_equal(fake_irqs(rig.fake, RIG_IRQ, true), before + 1);
	assert_int_equal(rig.state.interrupt_status, 0);
}

/* At every step of an initialisation. */
static void an_initialisation_is_finished(void **state)
{
	uint32_t status[] = { 1, 3, 11 };

	for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		assert_int_equal(driver_reset(&rig.driver), 0);
		assert_int_equal(driver_write(&rig.driver, REG_DRIVER_FEATURES_SEL, 1), 0);
		restart();
		assert_int_equal(driver_write(&rig.driver, REG_DRIVER_FEATURES, 1), 0);
		restart();
		assert_int_equal(driver_write(&rig.driver, REG_STATUS, status[i]), 0);
		restart();
		assert_int_equal(driver_status(&rig.driver), status[i]);
	}
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		assert_int_equal(driver_make_ring(&rig.driver, i, 16), 0);
		assert_int_equal(driver_enable_queue(&rig.driver, i), 0);
		restart();
	}
	rig.driver.features = F_VERSION_1;
	assert_int_equal(driver_write(&rig.driver, REG_STATUS, 15), 0);
	restart();
	assert_int_equal(rig_target.request(&rig.driver), 0);
	assert_int_equal(rig_count_errors(&rig), 0);
}

static void a_broken_queue_stays_broken(void **state)
{
	rig_driver(&rig, 0);
	*queue(0)->avail_idx += 40000;
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	restart();
	assert_int_equal(driver_status(&rig.driver), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(rig.errors[XENVIRTIO_GUEST_BAD_RING], 1);
	rig_driver(&rig, 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_running_device_goes_on),
		TEST(chains_in_flight_are_taken_again),
		TEST(a_chain_just_answered_is_not_answered_again),
		TEST(the_guests_copy_of_the_used_index_is_not_trusted),
		TEST(what_came_meanwhile_is_seen),
		TEST(the_driver_is_interrupted),
		TEST(an_initialisation_is_finished),
		TEST(a_broken_queue_stays_broken),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
