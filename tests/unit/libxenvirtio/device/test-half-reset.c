// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process may die at every hook of a reset: its successor finds a device that was reset, not one
 * that is damaged.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "device/device-internal.h"
#include "fake/hv-fake.h"

#define QUEUES 2u

/* What is found by a process that comes after a death at hook number die_at, from 1. */
static struct xenvirtio_device_state state, at_death;
static unsigned int hook, die_at;

static void may_die(void)
{
	if (++hook == die_at)
		at_death = state;
}

static int raise_line(struct notify *n, uint32_t bits)
{
	return 0;
}

static int ack(struct notify *n, uint32_t *status)
{
	may_die();
	return 0;
}

static int queue_enable(struct notify *n, unsigned int index, uint32_t *status)
{
	return 0;
}

static int queue_disable(struct notify *n, unsigned int index, uint32_t *status)
{
	may_die();
	return 0;
}

static int reset(void *opaque)
{
	may_die();
	return 0;
}

static const struct notify_ops notify_ops = {
	.interrupt = raise_line,
	.ack = ack,
	.queue_enable = queue_enable,
	.queue_disable = queue_disable,
};
static const struct xenvirtio_device_ops device_ops = {.reset = reset};
static const struct xenvirtio_device_config config = {
	.device_id = 42,
	.nr_queues = QUEUES,
	.queue_size_max = 256,
	.ops = &device_ops,
};

static void set_running(void)
{
	state = (struct xenvirtio_device_state){
		.version = XENVIRTIO_DEVICE_STATE_VERSION,
		.bytes = XENVIRTIO_DEVICE_STATE_BYTES(QUEUES),
		.status = 15,
		.driver_features = UINT64_C(1) << XENVIRTIO_F_VERSION_1,
	};
	for (unsigned int i = 0; i < QUEUES; i++)
		state.queue[i] = (struct xenvirtio_queue_state){
			.desc_gpa = 0x1000,
			.avail_gpa = 0x2000,
			.used_gpa = 0x3000,
			.size = 64,
			.ready = 1,
		};
}

static struct fake *fake;
static struct xenvirtio_hv *hv;
static struct xenvirtio_gmem *gmem;

/* Return: whether a reset has such a hook */
static bool die_at_hook(unsigned int nr)
{
	struct notify notify = {.ops = &notify_ops};
	struct xenvirtio_device *dev;

	set_running();
	assert_int_equal(xenvirtio_device_new(&dev, &config, gmem, &state), 0);
	assert_int_equal(device_attach(dev, &notify), 0);
	hook = 0;
	die_at = nr;
	assert_int_equal(device_write_status(dev, 0), 0);
	die_at = 0;
	xenvirtio_device_free(dev);
	return nr <= hook;
}

static int setup(void **unused)
{
	const struct fake_config machine = {.ram = {{{0}, {0xff}}}, .nr_ram = 1};

	fake = fake_new(&machine);
	return !fake || fake_open(fake, &hv) || xenvirtio_gmem_new(&gmem, hv, 4) ? -1 : 0;
}

static int teardown(void **unused)
{
	xenvirtio_gmem_free(gmem);
	xenvirtio_hv_close(hv);
	fake_free(fake);
	return 0;
}

static void a_successor_finds_a_device_that_was_reset(void **unused)
{
	struct xenvirtio_device *dev;
	unsigned int nr = 1;

	for (; die_at_hook(nr); nr++) {
		assert_int_equal(xenvirtio_device_new(&dev, &config, gmem, &at_death), 0);
		assert_int_equal(xenvirtio_device_status(dev), 0);
		for (unsigned int i = 0; i < QUEUES; i++)
			assert_false(xenvirtio_queue_enabled(xenvirtio_device_queue(dev, i)));
		xenvirtio_device_free(dev);
	}
	/* two queues, the line, the author */
	assert_int_equal(nr - 1, QUEUES + 2);
}

static void a_queue_of_a_device_that_was_not_reset_is_damage(void **unused)
{
	struct xenvirtio_device *dev;

	set_running();
	state.status = XENVIRTIO_STATUS_ACKNOWLEDGE;
	assert_int_equal(xenvirtio_device_new(&dev, &config, gmem, &state), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_successor_finds_a_device_that_was_reset, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_queue_of_a_device_that_was_not_reset_is_damage,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
