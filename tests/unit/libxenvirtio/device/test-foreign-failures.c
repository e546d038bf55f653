// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues that somebody else serves, when something fails: the n-th call of the seam for every n, once and from there on; who
 * is to serve; descriptors. A queue that did not start is never stopped, one that did is, once (foreign-rig.c), and the
 * successor serves.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/rigs/foreign-rig.h"
#include "unit/rigs/stride.h"

#define CALLS_MAX 5000
#define ALL \
	(XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET | \
	 XENVIRTIO_EVENTFD_REGISTERS)

static int use_queues(struct foreign *f, uint64_t features)
{
	struct driver *d = &f->rig.driver;
	int ret = driver_init(d, RIG_DEVICE_ID, rig_target.features | features, RIG_QUEUES);

	if (!ret)
		ret = rig_target.request(d);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_SEL, 1);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 0);
	if (!ret)
		ret = driver_make_ring(d, 1, 16);
	if (!ret)
		ret = driver_enable_queue(d, 1);
	return ret ? ret : rig_target.request(d);
}

/* Start, two drivers, a queue off and on, a changed configuration, a fault, a reset, the end. */
static int live(struct foreign *f)
{
	int ret = rig_start(&f->rig);

	if (!ret)
		ret = use_queues(f, 0);
	if (!ret)
		ret = xenvirtio_device_config_changed(f->rig.dev);
	if (!ret)
		ret = use_queues(f, F_INDIRECT | F_EVENT_IDX);
	if (!ret)
		ret = xenvirtio_device_guest_fault(f->rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test");
	if (!ret)
		ret = driver_reset(&f->rig.driver);
	return ret ? ret : rig_stop(&f->rig);
}

static void go_on(struct foreign *f)
{
	int ret;

	fake_fail(f->rig.fake, 0, 0, FAKE_FAIL_ONCE, false);
	rig_crash(&f->rig);
	assert_int_equal(rig_start(&f->rig), 0);
	do {
		assert_int_equal(foreign_serve(f), 0);
		ret = fake_access_finish(f->rig.fake, 0, NULL);
	} while (ret == XENVIRTIO_E_AGAIN);
	/* -EINVAL: no access was under way */
	assert_true(!ret || ret == -EINVAL);
	assert_int_equal(use_queues(f, F_EVENT_IDX), 0);
}

static void fail_every_call(uint32_t features, int result, enum fake_fault_mode mode)
{
	const struct fake_config config = { .eventfd_features = features };

	for (uint64_t nth = 1; nth < CALLS_MAX; nth += stride()) {
		struct foreign f;
		uint64_t failed;
		int ret;

		assert_int_equal(foreign_rig_init(&f, &config), 0);
		fake_fail(f.rig.fake, nth, result, mode, true);
		ret = live(&f);
		failed = fake_failed(f.rig.fake);
		if (failed)
			go_on(&f);
		else
			assert_int_equal(ret, 0);
		/* a failure of the host is never the guest's fault */
		assert_int_equal(rig_count_errors(&f.rig), f.rig.errors[XENVIRTIO_GUEST_BAD_MESSAGE]);
		foreign_rig_fini(&f);
		if (!failed) {
			print_message("# %u calls failed, one by one\n", (unsigned int)nth - 1);
			assert_true(nth > 60);
			return;
		}
	}
	fail_msg("the scenario has no end");
}

static void calls_that_fail_once(void **state)
{
	fail_every_call(0, -EIO, FAKE_FAIL_ONCE);
	fail_every_call(ALL, -EIO, FAKE_FAIL_ONCE);
}

static void calls_that_fail_from_then_on(void **state)
{
	fail_every_call(0, -ENOMEM, FAKE_FAIL_FROM);
	fail_every_call(ALL, -ENOMEM, FAKE_FAIL_FROM);
}

static void a_domain_that_goes_at_any_call(void **state)
{
	fail_every_call(0, XENVIRTIO_E_GONE, FAKE_FAIL_FROM);
	fail_every_call(ALL, XENVIRTIO_E_GONE, FAKE_FAIL_FROM);
}

static void who_serves_fails(void **state)
{
	struct foreign f;

	assert_int_equal(foreign_rig_open(&f), 0);
	f.start_result = -EPIPE;
	assert_int_equal(driver_init(&f.rig.driver, RIG_DEVICE_ID, 0, RIG_QUEUES), -EPIPE);
	assert_int_equal(f.starts[0], 1);
	assert_int_equal(f.starts[1], 0);
	assert_int_equal(fake_armed(f.rig.fake), 0);
	/* the guest has its answer all the same */
	assert_int_equal(fake_access_finish(f.rig.fake, 0, NULL), 0);
	/* so does the server's opening over a device that was live */
	rig_crash(&f.rig);
	assert_int_equal(rig_start(&f.rig), -EPIPE);
	assert_int_equal(fake_armed(f.rig.fake), 0);
	f.start_result = 0;
	/* which took the ioreq server away */
	f.rig.id = XENVIRTIO_IOREQ_NEW;
	assert_int_equal(rig_start(&f.rig), 0);
	assert_true(f.live[0] && f.live[1]);
	rig_driver(&f.rig, 0);
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
	foreign_rig_fini(&f);
}

/* Its queues were stopped, and the guest can kick all the same: nobody is signalled who was told to stop. */
static void a_server_that_cannot_be_closed(void **state)
{
	const struct fake_config config = { .nr_vcpus = 1 };
	struct foreign f;

	assert_int_equal(foreign_rig_init(&f, &config), 0);
	fake_offer_eventfds(f.rig.fake, 0);
	assert_int_equal(rig_start(&f.rig), 0);
	rig_driver(&f.rig, 0);
	f.asleep = true;
	foreign_kicks(&f, 0);
	fake_fail(f.rig.fake, 1, -EIO, FAKE_FAIL_ONCE, false);
	assert_int_equal(xenvirtio_server_close(f.rig.server), -EIO);
	assert_int_equal(f.stops[0], 1);
	foreign_write(&f, REG_QUEUE_NOTIFY, 0);
	assert_int_equal(foreign_kicks(&f, 0), 0);
	foreign_rig_fini(&f);
}

static void a_queue_that_cannot_be_served(void **state)
{
	struct foreign f;

	assert_int_equal(foreign_rig_open(&f), 0);
	f.start_result = XENVIRTIO_E_GUEST;
	assert_int_equal(driver_init(&f.rig.driver, RIG_DEVICE_ID, 0, RIG_QUEUES), -EPROTO);
	assert_int_equal(driver_status(&f.rig.driver), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(f.rig.errors[XENVIRTIO_GUEST_BAD_QUEUE], 1);
	assert_int_equal(f.starts[1], 0);
	f.start_result = 0;
	rig_driver(&f.rig, 0);
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
	/* or a fault is found on the way, which ends all: started is stopped */
	f.fault_in_start = true;
	assert_int_equal(driver_init(&f.rig.driver, RIG_DEVICE_ID, 0, RIG_QUEUES), -EPROTO);
	assert_int_equal(driver_status(&f.rig.driver), 15 | STATUS_NEEDS_RESET);
	assert_false(f.live[0]);
	assert_int_equal(f.starts[1], 1);
	f.fault_in_start = false;
	rig_driver(&f.rig, 0);
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
	foreign_rig_fini(&f);
}

/* So many that the last one needed is not there, then one more, and so on. */
static void descriptors_run_out(void **state)
{
	struct rlimit old, few;
	struct foreign f;
	int lowest, ret;

	assert_int_equal(foreign_rig_init(&f, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	lowest = dup(0);
	assert_true(lowest >= 0);
	close(lowest);
	for (unsigned int room = 0; room < 30; room++) {
		few = old;
		few.rlim_cur = (rlim_t)lowest + room;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		ret = rig_start(&f.rig);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (!ret)
			break;
		assert_int_equal(ret, -EMFILE);
		assert_int_equal(dup(0), lowest);
		close(lowest);
	}
	assert_int_equal(ret, 0);
	rig_driver(&f.rig, 0);
	assert_int_equal(rig_target.request(&f.rig.driver), 0);
	foreign_rig_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_that_fail_once),
		cmocka_unit_test(calls_that_fail_from_then_on),
		cmocka_unit_test(a_domain_that_goes_at_any_call),
		cmocka_unit_test(who_serves_fails),
		cmocka_unit_test(a_server_that_cannot_be_closed),
		cmocka_unit_test(a_queue_that_cannot_be_served),
		cmocka_unit_test(descriptors_run_out),
	};

	return cmocka_run_group_tests_name("foreign-failures", tests, NULL, NULL);
}
