// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kick that has more to do than one call should: it is called again, after everybody else, and the loop is told. And the author's
 * other news of a queue: that its driver stopped it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

static struct rig rig;
static unsigned int kicks, wanted, stopped[RIG_QUEUES];

static int kick(void *opaque, unsigned int index)
{
	/* a driver that comes up kicks the other one as well */
	if (index)
		return 0;
	kicks++;
	if (wanted) {
		wanted--;
		xenvirtio_device_kick_again(rig.dev, index);
	}
	return 0;
}

static void queue_stopped(void *opaque, unsigned int index)
{
	stopped[index]++;
}

static int setup_with(const struct fake_config *config)
{
	int ret = rig_init(&rig, config);

	if (!ret)
		ret = rig_start(&rig);
	rig_driver(&rig, 0);
	rig.ops.kick = kick;
	rig.ops.queue_stopped = queue_stopped;
	kicks = 0;
	wanted = 0;
	memset(stopped, 0, sizeof(stopped));
	return ret;
}

static int setup(void **state)
{
	return setup_with(NULL);
}

/* A host on which kicks are waited for. */
static int setup_waiting(void **state)
{
	const struct fake_config config = {
		.eventfd_features = XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET |
				    XENVIRTIO_EVENTFD_REGISTERS | XENVIRTIO_EVENTFD_WAIT,
	};

	return setup_with(&config);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

/* The access, and what the server says when it served it. */
static int write_register(uint32_t offset, uint32_t value)
{
	int ret, started = fake_mmio_start(rig.fake, 0, RIG_BASE + offset, 4, false, value);

	/* a kick that the host takes is none of the server's requests */
	ret = xenvirtio_server_process(rig.server);
	if (!started)
		fake_mmio_finish(rig.fake, 0, NULL);
	return ret;
}

static void it_is_called_once_a_turn(void **state)
{
	wanted = 3;
	assert_int_equal(write_register(REG_QUEUE_NOTIFY, 0), XENVIRTIO_E_AGAIN);
	assert_int_equal(kicks, 1);
	/* whatever else there is to do is done first: this access has its answer, and then it is the kick's turn */
	assert_int_equal(write_register(REG_QUEUE_SEL, 1), XENVIRTIO_E_AGAIN);
	assert_int_equal(rig.state.queue_sel, 1);
	assert_int_equal(kicks, 2);
	assert_int_equal(xenvirtio_server_process(rig.server), XENVIRTIO_E_AGAIN);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 4);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 4);
}

static void nobody_waits_for_other_kicks_then(void **state)
{
	uint64_t waits = fake_waits(rig.fake);

	wanted = 2;
	assert_int_equal(write_register(REG_QUEUE_NOTIFY, 0), XENVIRTIO_E_AGAIN);
	assert_int_equal(xenvirtio_server_process(rig.server), XENVIRTIO_E_AGAIN);
	assert_int_equal(fake_waits(rig.fake), waits);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 3);
	assert_int_equal(fake_waits(rig.fake), waits + 1);
}

static void a_reset_forgets_it(void **state)
{
	wanted = 1;
	assert_int_equal(write_register(REG_QUEUE_NOTIFY, 0), XENVIRTIO_E_AGAIN);
	assert_int_equal(write_register(REG_STATUS, 0), 0);
	rig.ops.queue_stopped = NULL;
	rig_driver(&rig, 0);
	kicks = 0;
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 0);
}

static void so_does_a_broken_device(void **state)
{
	wanted = 1;
	assert_int_equal(write_register(REG_QUEUE_NOTIFY, 0), XENVIRTIO_E_AGAIN);
	assert_int_equal(xenvirtio_device_guest_fault(rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "of a test"), 0);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 1);
}

static int ask_and_break(void *opaque, unsigned int index)
{
	xenvirtio_device_kick_again(rig.dev, index);
	return xenvirtio_device_guest_fault(rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "of a test");
}

/* Nothing is left to be called for. */
static void or_one_that_breaks_in_the_same_call(void **state)
{
	rig.ops.kick = ask_and_break;
	assert_int_equal(write_register(REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
}

static void a_queue_that_stops_forgets_it_and_is_told_of(void **state)
{
	wanted = 1;
	assert_int_equal(write_register(REG_QUEUE_NOTIFY, 0), XENVIRTIO_E_AGAIN);
	/* the turn that serves it is the kick's last */
	wanted = 1;
	assert_int_equal(write_register(REG_QUEUE_SEL, 0), XENVIRTIO_E_AGAIN);
	assert_int_equal(kicks, 2);
	wanted = 0;
	assert_int_equal(write_register(REG_QUEUE_READY, 0), 0);
	assert_int_equal(kicks, 2);
	assert_int_equal(stopped[0], 1);
	/* once: it is off already */
	assert_int_equal(write_register(REG_QUEUE_READY, 0), 0);
	assert_int_equal(stopped[0], 1);
	assert_int_equal(write_register(REG_QUEUE_READY, 1), 0);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 2);
	assert_int_equal(stopped[1], 0);
}

/* What stopped is the whole device: its own hook says so. */
static void a_reset_is_told_of_once(void **state)
{
	unsigned int resets = rig.resets;

	assert_int_equal(write_register(REG_STATUS, 0), 0);
	assert_int_equal(rig.resets, resets + 1);
	assert_int_equal(stopped[0] + stopped[1], 0);
}

static void a_resume_tells_it_too(void **state)
{
	rig.state.queue[1].ready = 0;
	wanted = 1;
	assert_int_equal(xenvirtio_server_resume(rig.server), XENVIRTIO_E_AGAIN);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 2);
	rig.state.queue[1].ready = 1;
}

static void a_queue_that_does_not_exist_is_no_reason(void **state)
{
	xenvirtio_device_kick_again(rig.dev, RIG_QUEUES);
	xenvirtio_device_kick_again(rig.dev, 31);
	xenvirtio_device_kick_again(rig.dev, UINT32_MAX);
	assert_int_equal(xenvirtio_server_process(rig.server), 0);
	assert_int_equal(kicks, 0);
}

#define ON_RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_RIG(it_is_called_once_a_turn),
		cmocka_unit_test_setup_teardown(nobody_waits_for_other_kicks_then, setup_waiting, teardown),
		ON_RIG(a_reset_forgets_it),
		ON_RIG(so_does_a_broken_device),
		ON_RIG(or_one_that_breaks_in_the_same_call),
		ON_RIG(a_queue_that_stops_forgets_it_and_is_told_of),
		ON_RIG(a_reset_is_told_of_once),
		ON_RIG(a_resume_tells_it_too),
		ON_RIG(a_queue_that_does_not_exist_is_no_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
