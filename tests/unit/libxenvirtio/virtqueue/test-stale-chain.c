// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A chain is the device's from pop to push, and while its queue runs. Any other names memory that
 * is somebody else's by now: it can be neither read nor written, however long its author held it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

#define OWNER "kernel"

static struct rig rig;
static char *page;

/* A chain of queue 1 is in flight, as at a worker's; then its page is given to somebody else. */
static int setup(void **state)
{
	struct driver_buf buf = {.len = 64, .writable = true};
	uint16_t head;

	memset(&rig, 0, sizeof(rig));
	if (rig_open(&rig) ||
	    driver_init(&rig.driver, RIG_DEVICE_ID, rig_target.features, RIG_QUEUES))
		return -1;
	page = rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf.gpa);
	if (!page || driver_add(&rig.driver.queue[1], &buf, 1, false, &head) ||
	    driver_kick(&rig.driver.queue[1]) || rig.nr_kept != 1)
		return -1;
	strcpy(page, OWNER);
	return 0;
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static int write_chain(void)
{
	return xenvirtio_chain_write(xenvirtio_device_queue(rig.dev, 1), &rig.kept[0], 0, "old", 4);
}

static void ready(uint32_t value)
{
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_SEL, 1), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_READY, value), 0);
}

static void in_flight_it_is_written(void **state)
{
	assert_int_equal(write_chain(), 0);
	assert_string_equal(page, "old");
}

static void not_after_a_reset(void **state)
{
	assert_int_equal(driver_write(&rig.driver, REG_STATUS, 0), 0);
	assert_int_equal(write_chain(), XENVIRTIO_E_GUEST);
	assert_string_equal(page, OWNER);
}

static void not_after_its_queue_was_stopped(void **state)
{
	ready(0);
	assert_int_equal(write_chain(), XENVIRTIO_E_GUEST);
	assert_string_equal(page, OWNER);
}

static void not_when_its_queue_runs_anew(void **state)
{
	ready(0);
	ready(1);
	assert_int_equal(write_chain(), XENVIRTIO_E_GUEST);
	assert_string_equal(page, OWNER);
}

static void not_after_it_was_pushed(void **state)
{
	assert_int_equal(xenvirtio_queue_push(xenvirtio_device_queue(rig.dev, 1), &rig.kept[0], 0),
			 0);
	rig.nr_kept = 0;
	assert_int_equal(write_chain(), XENVIRTIO_E_GUEST);
	assert_string_equal(page, OWNER);
}

static void and_it_is_not_read(void **state)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(rig.dev, 1);
	struct driver_buf buf = {.len = 4};
	char byte;
	uint16_t head;

	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(&rig.driver.queue[1], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&rig.driver.queue[1]), 0);
	assert_int_equal(rig.nr_kept, 2);
	assert_int_equal(xenvirtio_chain_read(q, &rig.kept[1], 0, &byte, 1), 0);
	ready(0);
	assert_int_equal(xenvirtio_chain_read(q, &rig.kept[1], 0, &byte, 1), XENVIRTIO_E_GUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(in_flight_it_is_written),	       TEST(not_after_a_reset),
		TEST(not_after_its_queue_was_stopped), TEST(not_when_its_queue_runs_anew),
		TEST(not_after_it_was_pushed),	       TEST(and_it_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
