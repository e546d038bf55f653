// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A life of a device, with the n-th call of the seam failing, for every n: once, and from there on.
 *
 * Whatever fails, the process does not; the vcpu has its answer, or gets it from the successor; the
 * successor goes on from the state; and at the end nothing is mapped, open or registered.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

#define CALLS_MAX 5000

static int flush_by_request(struct rig *rig)
{
	const struct xenvirtio_ioreq req = { .type = XENVIRTIO_IOREQ_INVALIDATE, .size = 4,
					     .count = 1 };
	int ret = fake_access_start(rig->fake, &req);

	if (!ret)
		ret = rig_serve(rig);
	return ret ? ret : fake_access_finish(rig->fake, 0, NULL);
}

static int use_queues(struct rig *rig, uint64_t features)
{
	const unsigned int order[] = { 1, 0 };
	struct driver_buf buf = { .len = 16 };
	uint16_t head;
	int ret = driver_init(&rig->driver, RIG_DEVICE_ID, rig_target.features | features,
			      RIG_QUEUES);

	if (!ret)
		ret = rig_target.request(&rig->driver);
	if (ret)
		return ret;
	rig->bus.bus.ops->alloc_page(&rig->bus.bus, &buf.gpa);
	for (int i = 0; !ret && i < 2; i++)
		ret = driver_add(&rig->driver.queue[1], &buf, 1, false, &head);
	if (!ret)
		ret = driver_kick(&rig->driver.queue[1]);
	if (!ret)
		ret = rig_return_kept(rig, order, 2);
	return ret;
}

/* Start, two drivers, a kick of every kind, a changed configuration, a fault, a reset, the end. */
static int live(struct rig *rig)
{
	int ret = rig_start(rig);

	if (!ret)
		ret = use_queues(rig, 0);
	if (!ret)
		ret = xenvirtio_device_config_changed(rig->dev);
	if (!ret)
		ret = flush_by_request(rig);
	if (!ret)
		ret = use_queues(rig, F_INDIRECT | F_EVENT_IDX);
	if (!ret)
		ret = xenvirtio_device_guest_fault(rig->dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test");
	if (!ret)
		ret = driver_reset(&rig->driver);
	return ret ? ret : rig_stop(rig);
}

/* The process is over; the next one finds what it left, and the guest is served. */
static void go_on(struct rig *rig)
{
	int ret;

	fake_fail(rig->fake, 0, 0, FAKE_FAIL_ONCE, false);
	rig_crash(rig);
	assert_int_equal(rig_start(rig), 0);
	do {
		assert_int_equal(rig_serve(rig), 0);
		ret = fake_access_finish(rig->fake, 0, NULL);
	} while (ret == XENVIRTIO_E_AGAIN);
	/* -EINVAL: no access was under way */
	assert_true(!ret || ret == -EINVAL);
	assert_int_equal(use_queues(rig, F_EVENT_IDX), 0);
}

static void fail_every_call(int result, enum fake_fault_mode mode)
{
	for (uint64_t nth = 1; nth < CALLS_MAX; nth++) {
		struct rig rig;
		uint64_t failed;
		int ret;

		assert_int_equal(rig_init(&rig, NULL), 0);
		fake_fail(rig.fake, nth, result, mode, true);
		ret = live(&rig);
		failed = fake_failed(rig.fake);
		if (!failed) {
			assert_int_equal(ret, 0);
			rig_fini(&rig);
			print_message("# %u calls failed, one by one\n", (unsigned int)nth - 1);
			assert_true(nth > 100);
			return;
		}
		go_on(&rig);
		/* a failure of the host is never the guest's fault */
		assert_int_equal(rig_count_errors(&rig),
				 rig.errors[XENVIRTIO_GUEST_BAD_MESSAGE]);
		rig_fini(&rig);
	}
	fail_msg("the scenario has no end");
}

static void calls_that_fail_once(void **state)
{
	fail_every_call(-EIO, FAKE_FAIL_ONCE);
}

static void calls_that_fail_from_then_on(void **state)
{
	fail_every_call(-ENOMEM, FAKE_FAIL_FROM);
}

static void a_domain_that_goes_at_any_call(void **state)
{
	fail_every_call(XENVIRTIO_E_GONE, FAKE_FAIL_FROM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_that_fail_once),
		cmocka_unit_test(calls_that_fail_from_then_on),
		cmocka_unit_test(a_domain_that_goes_at_any_call),
	};

	return cmocka_run_group_tests_name("every-failure", tests, NULL, NULL);
}
