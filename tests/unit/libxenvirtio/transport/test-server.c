// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioreq server: whatever a vcpu asks, and whatever fails, it gets an answer; then kicks run,
 * each queue once.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "hv/ioreq-page.h"
#include "unit/rigs/rig.h"

#define VCPUS 4u

static struct rig rig;

static int setup(void **state)
{
	const struct fake_config config = { .nr_vcpus = VCPUS };
	int ret = rig_init(&rig, &config);

	return ret ? ret : rig_start(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static uint64_t answer(const struct xenvirtio_ioreq *req)
{
	uint64_t data = req->data;

	assert_int_equal(fake_access_start(rig.fake, req), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_access_finish(rig.fake, req->vcpu, &data), 0);
	return data;
}

/* 256 types, read and write, plain and with a pointer, none, one and many repetitions. */
static void every_request_is_answered(void **state)
{
	static const uint32_t counts[] = { 0, 1, 2, UINT32_MAX };
	const uint32_t all_ones = UINT32_MAX;

	rig_driver(&rig, 0);
	for (unsigned int code = 0; code < 256 * 2 * 2 * 4; code++) {
		struct xenvirtio_ioreq req = {
			.addr = RIG_BASE + REG_MAGIC,
			.data = 0x5a5a5a5a,
			.count = counts[code / 4 % 4],
			.size = 4,
			.vcpu = code % VCPUS,
			.type = (uint8_t)(code / 16),
			.read = code & 1,
			.data_is_ptr = code & 2,
		};
		uint64_t data = answer(&req);
		bool plain = req.type == XENVIRTIO_IOREQ_COPY && req.count == 1 && !req.data_is_ptr;

		if (!req.read || req.type == XENVIRTIO_IOREQ_INVALIDATE)
			continue;
		if (req.data_is_ptr)
			assert_int_equal(data, 0x5a5a5a5a);
		else
			assert_int_equal(data, plain ? 0x74726976 : all_ones);
	}
	assert_int_equal(driver_status(&rig.driver), 15);
	assert_int_equal(fake_faults_total(rig.fake), 0);
}

/* Xen sends what was claimed; should it send something else, nothing happens. */
static void outside_the_windows_there_is_nothing(void **state)
{
	static const uint64_t addr[] = { 0, RIG_BASE - 4, RIG_BASE + 0x200, UINT64_MAX - 3 };
	uint64_t data;

	for (size_t i = 0; i < sizeof(addr) / sizeof(addr[0]); i++) {
		assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE, 4, true, 0), 0);
		fake_slot(rig.fake, rig.id, 0)->addr = addr[i];
		assert_int_equal(rig_serve(&rig), 0);
		assert_int_equal(fake_mmio_finish(rig.fake, 0, &data), 0);
		assert_int_equal(data, UINT32_MAX);
	}
	assert_int_equal(rig_count_errors(&rig), 0);
	/* what begins in the window and runs over its end is no register */
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE, 8, true, 0), 0);
	fake_slot(rig.fake, rig.id, 0)->addr = RIG_BASE + 0x1fc;
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, &data), 0);
	assert_int_equal(data, UINT64_MAX);
	assert_int_equal(rig.errors[XENVIRTIO_GUEST_BAD_ACCESS], 1);
}

static void invalidate_lets_go_of_all_memory(void **state)
{
	const struct xenvirtio_ioreq req = { .type = XENVIRTIO_IOREQ_INVALIDATE, .size = 4,
					     .count = 1 };

	rig_driver(&rig, 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
	assert_int_not_equal(xenvirtio_gmem_mapped(rig.gmem), 0);
	answer(&req);
	assert_int_equal(xenvirtio_gmem_mapped(rig.gmem), 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
	/* also when that fails, the vcpu goes on */
	fake_fail(rig.fake, 2, -EIO, FAKE_FAIL_ONCE, true);
	assert_int_equal(fake_access_start(rig.fake, &req), 0);
	assert_int_equal(rig_serve(&rig), -EIO);
	assert_int_equal(fake_access_finish(rig.fake, 0, NULL), 0);
	assert_int_equal(fake_failed(rig.fake), 1);
}

static void kicks_of_a_batch_are_one(void **state)
{
	unsigned int before;

	rig_driver(&rig, 0);
	before = rig.kicks[0];
	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++)
		assert_int_equal(fake_mmio_start(rig.fake, vcpu, RIG_BASE + REG_QUEUE_NOTIFY, 4,
						 false, 0),
				 0);
	assert_int_equal(rig_serve(&rig), 0);
	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++)
		assert_int_equal(fake_mmio_finish(rig.fake, vcpu, NULL), 0);
	assert_int_equal(rig.kicks[0], before + 1);
}

static int result_in_kick;

static int kick_looks_at_vcpu(void *opaque, unsigned int index)
{
	result_in_kick = fake_mmio_finish(rig.fake, 0, NULL);
	return 0;
}

static void the_vcpu_goes_on_before_its_kick_is_worked_on(void **state)
{
	rig_driver(&rig, 0);
	rig_crash(&rig);
	rig.ops.kick = kick_looks_at_vcpu;
	assert_int_equal(rig_start(&rig), 0);
	result_in_kick = -1;
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 0), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(result_in_kick, 0);
}

/* Other vcpus go on while one is served: their requests come without end, process() ends. */
static void config_write_while_others_go_on(void *opaque, uint32_t offset, const void *buf,
					    uint32_t len)
{
	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++) {
		fake_mmio_finish(rig.fake, vcpu, NULL);
		fake_mmio_start(rig.fake, vcpu, RIG_BASE + REG_CONFIG, 1, false, 0);
	}
}

static void work_per_call_is_bounded(void **state)
{
	struct pollfd pollfd = { .events = POLLIN };
	uint64_t before;

	rig_crash(&rig);
	rig.ops.config_write = config_write_while_others_go_on;
	assert_int_equal(rig_start(&rig), 0);
	before = fake_calls(rig.fake);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_CONFIG, 1, false, 0), 0);
	assert_int_equal(rig_serve(&rig), 0);
	assert_true(fake_calls(rig.fake) - before <= 2 * XENVIRTIO_VCPUS_MAX + 4);
	/* what is left makes the descriptor readable */
	pollfd.fd = xenvirtio_server_fd(rig.server);
	assert_int_equal(poll(&pollfd, 1, 0), 1);
	rig_crash(&rig);
	rig.ops.config_write = NULL;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig_serve(&rig), 0);
	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++)
		fake_mmio_finish(rig.fake, vcpu, NULL);
	assert_int_equal(poll(&pollfd, 1, 0), 0);
}

static int fail_with_eio(void *opaque)
{
	return -EIO;
}

static int kick_fails(void *opaque, unsigned int index)
{
	return index ? -EIO : -ENOMEM;
}

/* A hook that fails ends process() with its error, unchanged, and the request was completed. */
static void a_hook_that_fails_leaves_no_vcpu_waiting(void **state)
{
	rig_crash(&rig);
	rig.ops.reset = fail_with_eio;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_STATUS, 4, false, 0), 0);
	assert_int_equal(rig_serve(&rig), -EIO);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);

	rig_crash(&rig);
	rig.ops.reset = NULL;
	rig.check_result = -EPERM;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(driver_begin(&rig.driver, RIG_DEVICE_ID, 0), -EPERM);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
	assert_int_equal(driver_status(&rig.driver), 3);

	rig.check_result = 0;
	rig_crash(&rig);
	rig.ops.driver_ok = fail_with_eio;
	rig.ops.kick = kick_fails;
	assert_int_equal(rig_start(&rig), 0);
	/* of several failures the first: DRIVER_OK's kicks fail as well */
	assert_int_equal(driver_init(&rig.driver, RIG_DEVICE_ID, 0, RIG_QUEUES), -EIO);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 1), -EIO);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
}

static void devices_are_placed_with_care(void **state)
{
	static struct xenvirtio_device_state states[XENVIRTIO_RANGES_MAX + 1];
	struct xenvirtio_device *dev[XENVIRTIO_RANGES_MAX + 1] = { 0 };
	const struct xenvirtio_device_config config = {
		.device_id = 4, .nr_queues = 1, .queue_size_max = 16, .ops = &rig.ops,
	};
	struct xenvirtio_server *server;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	rig_stop(&rig);
	assert_int_equal(fake_open(rig.fake, &rig.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&rig.gmem, rig.hv, 4), 0);
	assert_int_equal(xenvirtio_server_new(&server, rig.hv, rig.gmem), 0);
	assert_int_equal(xenvirtio_server_fd(server), -1);
	assert_int_equal(xenvirtio_server_process(server), -EBADF);
	assert_int_equal(xenvirtio_server_open(server, &id), -EINVAL);
	for (size_t i = 0; i < sizeof(dev) / sizeof(dev[0]); i++)
		assert_int_equal(xenvirtio_device_new(&dev[i], &config, rig.gmem, &states[i]), 0);
#define ADD(i, base) xenvirtio_server_add(server, dev[i], xenvirtio_gpa(base), 33)
	assert_int_equal(ADD(0, RIG_BASE + 2), -EINVAL);
	assert_int_equal(ADD(0, UINT64_MAX - 0x1fb), -EINVAL);
	assert_int_equal(ADD(0, RIG_BASE), 0);
	assert_int_equal(ADD(0, RIG_BASE + 0x1000), -EINVAL); /* the same device again */
	assert_int_equal(ADD(1, RIG_BASE), -EEXIST);
	assert_int_equal(ADD(1, RIG_BASE + 0x1fc), -EEXIST);
	assert_int_equal(ADD(1, RIG_BASE - 0x1fc), -EEXIST);
	for (unsigned int i = 1; i < XENVIRTIO_RANGES_MAX; i++)
		assert_int_equal(ADD(i, RIG_BASE + 0x200 * i), 0);
	assert_int_equal(ADD(XENVIRTIO_RANGES_MAX, RIG_BASE + 0x10000), -ENOSPC);
	assert_int_equal(xenvirtio_server_open(server, &id), 0);
	assert_int_equal(xenvirtio_server_open(server, &id), -EBUSY);
	assert_int_equal(ADD(XENVIRTIO_RANGES_MAX, RIG_BASE + 0x10000), -EBUSY);
	assert_int_equal(xenvirtio_server_close(server), 0);
	assert_int_equal(xenvirtio_server_close(server), 0);
	xenvirtio_server_free(server);
	for (size_t i = 0; i < sizeof(dev) / sizeof(dev[0]); i++)
		xenvirtio_device_free(dev[i]);
}

static void an_address_that_is_taken_is_told(void **state)
{
	const struct xenvirtio_gpa_range range = { { RIG_BASE + 0x100 }, { RIG_BASE + 0x2ff } };

	assert_int_equal(rig_stop(&rig), 0);
	assert_true(fake_add_foreign(rig.fake, &range) >= 0);
	assert_int_equal(rig_start(&rig), -EEXIST);
	assert_int_equal(rig.id, XENVIRTIO_IOREQ_NEW);
}

/* While its device is being made the vcpu that looks waits, and finds it then. */
static void a_claimed_address_waits_for_its_device(void **state)
{
	struct xenvirtio_device_config config = {
		.device_id = RIG_DEVICE_ID, .nr_queues = 1, .queue_size_max = 16, .ops = &rig.ops,
	};
	struct xenvirtio_server *server;
	struct xenvirtio_device *dev;
	uint16_t id, again;
	uint64_t data = 0;

	rig_stop(&rig);
	assert_int_equal(fake_open(rig.fake, &rig.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&rig.gmem, rig.hv, 4), 0);
	assert_int_equal(xenvirtio_server_new(&server, rig.hv, rig.gmem), 0);
	assert_int_equal(xenvirtio_server_claim(server, xenvirtio_gpa(RIG_BASE), &id), 0);
	assert_int_equal(xenvirtio_server_claim(server, xenvirtio_gpa(RIG_BASE), &again), -EBUSY);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_MAGIC, 4, true, 0), 0);
	assert_int_equal(xenvirtio_server_process(server), -EBADF);
	assert_int_equal(xenvirtio_device_new(&dev, &config, rig.gmem, NULL), 0);
	assert_int_equal(xenvirtio_server_add(server, dev, xenvirtio_gpa(RIG_BASE), RIG_IRQ), 0);
	again = XENVIRTIO_IOREQ_NEW;
	assert_int_equal(xenvirtio_server_open(server, &again), 0);
	assert_int_equal(again, id);
	assert_int_equal(xenvirtio_server_process(server), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, &data), 0);
	assert_int_equal(data, 0x74726976);
	assert_int_equal(xenvirtio_server_close(server), 0);
	assert_int_equal(fake_servers(rig.fake), 0);
	xenvirtio_server_free(server);
	xenvirtio_device_free(dev);
}

/* Nobody comes: it goes on as if there were none. And a claim is for one device, at its place. */
static void a_claim_is_for_its_device_alone(void **state)
{
	struct xenvirtio_device_config config = {
		.device_id = RIG_DEVICE_ID, .nr_queues = 1, .queue_size_max = 16, .ops = &rig.ops,
	};
	struct xenvirtio_server *server;
	struct xenvirtio_device *dev;
	uint64_t data = 0;
	uint16_t id;

	rig_stop(&rig);
	assert_int_equal(fake_open(rig.fake, &rig.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&rig.gmem, rig.hv, 4), 0);
	assert_int_equal(xenvirtio_server_new(&server, rig.hv, rig.gmem), 0);
	assert_int_equal(xenvirtio_server_claim(server, xenvirtio_gpa(RIG_BASE), &id), 0);
	assert_int_equal(xenvirtio_device_new(&dev, &config, rig.gmem, NULL), 0);
	assert_int_equal(xenvirtio_server_add(server, dev, xenvirtio_gpa(RIG_BASE + 0x200), RIG_IRQ), 0);
	assert_int_equal(xenvirtio_server_open(server, &id), -EINVAL);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_MAGIC, 4, true, 0), 0);
	assert_int_equal(xenvirtio_server_close(server), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, &data), 0);
	assert_int_equal(fake_servers(rig.fake), 0);
	xenvirtio_server_free(server);
	xenvirtio_device_free(dev);
}

/* Destroyed while we hold mappings: calls say so, all is let go of, and nothing is left. */
static void a_domain_that_is_gone_ends_it(void **state)
{
	const char *path;
	bool by_eventfd;

	rig_driver(&rig, 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
	fake_set_gone(rig.fake);
	assert_int_equal(rig_serve(&rig), 0);
	/* a write to an eventfd is not told, a hypercall is */
	path = xenvirtio_server_path(rig.server);
	if (rig.hv->ops->irq_held(rig.hv))
		by_eventfd = !strcmp(path, "eventfd-regs");
	else
		by_eventfd = strcmp(path, "event-channel");
	assert_int_equal(xenvirtio_device_config_changed(rig.dev),
			 by_eventfd ? 0 : XENVIRTIO_E_GONE);
	assert_int_equal(xenvirtio_server_close(rig.server), XENVIRTIO_E_GONE);
	assert_int_equal(xenvirtio_server_fd(rig.server), -1);
	rig_crash(&rig);
	assert_int_equal(fake_live_mappings(rig.fake), 0);
	assert_int_equal(rig_start(&rig), XENVIRTIO_E_GONE);
}

/* --- kicks that come past the ioreq server --- */

struct shortcut {
	struct notify notify;
	int fd;
};

static const char *shortcut_path(const struct notify *notify)
{
	return "shortcut";
}

/* An eventfd for queue 1, as notify-eventfd.c has one for each. */
static int shortcut_poll(struct notify *notify, int epoll_fd, uint32_t tag)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = tag | 1 };

	if (epoll_fd < 0)
		return 0;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ((struct shortcut *)notify)->fd, &event);
}

static int shortcut_interrupt(struct notify *notify, uint32_t bits)
{
	return 0;
}

static int shortcut_ack(struct notify *notify, uint32_t *status)
{
	return 0;
}

static void shortcut_free(struct notify *notify)
{
	close(((struct shortcut *)notify)->fd);
	free(notify);
}

static const struct notify_ops shortcut_ops = {
	.path = shortcut_path,
	.free = shortcut_free,
	.interrupt = shortcut_interrupt,
	.ack = shortcut_ack,
	.poll = shortcut_poll,
};

static bool is_readable(void)
{
	struct pollfd pollfd = { .fd = xenvirtio_server_fd(rig.server), .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

static struct notify *make_shortcut(struct rig *r)
{
	struct shortcut *shortcut = calloc(1, sizeof(*shortcut));

	assert_non_null(shortcut);
	shortcut->notify.ops = &shortcut_ops;
	shortcut->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(shortcut->fd >= 0);
	return &shortcut->notify;
}

/* One descriptor tells of registers and of kicks that come past them. */
static void kicks_past_the_server_are_seen(void **state)
{
	const uint64_t one = 1;
	unsigned int before;

	rig_driver(&rig, 0);
	rig_crash(&rig);
	rig.make_notify = make_shortcut;
	assert_int_equal(rig_start(&rig), 0);
	assert_string_equal(xenvirtio_server_path(rig.server), "shortcut");
	assert_int_equal(rig_serve(&rig), 0);
	assert_false(is_readable());
	before = rig.kicks[1];
	assert_int_equal(write(((struct shortcut *)rig.notify)->fd, &one, sizeof(one)),
			 sizeof(one));
	assert_true(is_readable());
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(rig.kicks[1], before + 1);
	assert_false(is_readable());
	assert_int_equal(fake_mmio_start(rig.fake, 2, RIG_BASE + REG_QUEUE_NOTIFY, 4, false, 1), 0);
	assert_true(is_readable());
	assert_int_equal(rig_serve(&rig), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 2, NULL), 0);
	assert_int_equal(rig.kicks[1], before + 2);
	assert_false(is_readable());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_request_is_answered),
		TEST(outside_the_windows_there_is_nothing),
		TEST(invalidate_lets_go_of_all_memory),
		TEST(kicks_of_a_batch_are_one),
		TEST(the_vcpu_goes_on_before_its_kick_is_worked_on),
		TEST(work_per_call_is_bounded),
		TEST(a_hook_that_fails_leaves_no_vcpu_waiting),
		TEST(devices_are_placed_with_care),
		TEST(an_address_that_is_taken_is_told),
		TEST(a_claimed_address_waits_for_its_device),
		TEST(a_claim_is_for_its_device_alone),
		TEST(a_domain_that_is_gone_ends_it),
		TEST(kicks_past_the_server_are_seen),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
