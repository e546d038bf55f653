// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kick that the host made fail is the last one: what it left half done must not be finished by the next queue's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "device/device-internal.h"
#include "fake/hv-fake.h"

#define QUEUES 3u

static struct xenvirtio_device_state state;
static unsigned int kicks;
static int result;

static int kick(void *opaque, unsigned int index)
{
	kicks++;
	return index == 1 ? result : 0;
}

static int run(int of_queue_1)
{
	static const struct xenvirtio_device_ops ops = {.kick = kick};
	const struct xenvirtio_device_config config = {
		.device_id = 42,
		.nr_queues = QUEUES,
		.queue_size_max = 256,
		.ops = &ops,
	};
	const struct fake_config machine = {.ram = {{{0}, {0xff}}}, .nr_ram = 1};
	struct fake *fake = fake_new(&machine);
	struct xenvirtio_device *dev;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_hv *hv;
	int ret;

	assert_non_null(fake);
	assert_int_equal(fake_open(fake, &hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&gmem, hv, 4), 0);
	memset(&state, 0, sizeof(state));
	assert_int_equal(xenvirtio_device_new(&dev, &config, gmem, &state), 0);
	state.status = 15;
	state.driver_features = UINT64_C(1) << XENVIRTIO_F_VERSION_1;
	for (unsigned int i = 0; i < QUEUES; i++)
		state.queue[i].ready = 1;
	kicks = 0;
	result = of_queue_1;
	device_mark_all(dev);
	ret = device_run_kicks(dev);
	xenvirtio_device_free(dev);
	xenvirtio_gmem_free(gmem);
	xenvirtio_hv_close(hv);
	fake_free(fake);
	return ret;
}

static void all_queues_are_kicked(void **unused)
{
	assert_int_equal(run(0), 0);
	assert_int_equal(kicks, QUEUES);
}

static void also_when_one_has_nothing(void **unused)
{
	assert_int_equal(run(XENVIRTIO_E_EMPTY), 0);
	assert_int_equal(kicks, QUEUES);
}

static void none_after_a_failure_of_the_host(void **unused)
{
	assert_int_equal(run(-EIO), -EIO);
	assert_int_equal(kicks, 2);
	assert_int_equal(run(XENVIRTIO_E_GONE), XENVIRTIO_E_GONE);
	assert_int_equal(kicks, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_queues_are_kicked),
		cmocka_unit_test(also_when_one_has_nothing),
		cmocka_unit_test(none_after_a_failure_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
