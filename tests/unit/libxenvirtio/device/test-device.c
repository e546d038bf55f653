// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device between its author and the transport: what hooks are called when, what a driver is
 * told, which states of a former process are gone on from, and when a notification path is open.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "device/device-internal.h"
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

static uint32_t read_register(uint32_t reg)
{
	uint32_t val;

	assert_int_equal(driver_read(&rig.driver, reg, &val), 0);
	return val;
}

static uint64_t interrupts(void)
{
	return fake_irqs(rig.fake, RIG_IRQ, true);
}

static int try_config(struct xenvirtio_device_config config)
{
	struct xenvirtio_device *dev = NULL;
	int ret = xenvirtio_device_new(&dev, &config, rig.gmem, NULL);

	xenvirtio_device_free(dev);
	return ret;
}

static void what_cannot_be_offered_is_refused(void **state)
{
	const struct xenvirtio_device_config good = {
		.device_id = 1,
		.features = UINT64_C(1) << 56 | 1,
		.nr_queues = XENVIRTIO_QUEUES_MAX,
		.queue_size_max = 256,
		.config_bytes = XENVIRTIO_CONFIG_MAX,
		.ops = &rig.ops,
	};
	struct xenvirtio_device_config bad;

	assert_int_equal(try_config(good), 0);
	for (unsigned int bit = 24; bit <= 40; bit++) {
		bad = good;
		bad.features |= UINT64_C(1) << bit;
		assert_int_equal(try_config(bad),
				 bit == 28 || bit == 29 || bit == 32 ? 0 : -EINVAL);
	}
	bad = good;
	bad.nr_queues = 0;
	assert_int_equal(try_config(bad), -EINVAL);
	bad.nr_queues = XENVIRTIO_QUEUES_MAX + 1;
	assert_int_equal(try_config(bad), -EINVAL);
	for (uint32_t size = 0; size <= 2048; size++) {
		bad = good;
		bad.queue_size_max = (uint16_t)size;
		assert_int_equal(try_config(bad),
				 size && size <= 1024 && !(size & (size - 1)) ? 0 : -EINVAL);
	}
	bad = good;
	bad.config_bytes++;
	assert_int_equal(try_config(bad), -EINVAL);
	bad = good;
	bad.ops = NULL;
	assert_int_equal(try_config(bad), -EINVAL);
}

static void the_author_decides_on_features(void **state)
{
	rig.check_result = XENVIRTIO_E_GUEST;
	assert_int_equal(driver_begin(&rig.driver, RIG_DEVICE_ID, 0), -EPROTO);
	assert_int_equal(driver_status(&rig.driver), 3);
	assert_int_equal(xenvirtio_device_features(rig.dev), 0);
	rig.check_result = 0;
	assert_int_equal(driver_begin(&rig.driver, RIG_DEVICE_ID, 1), 0);
	assert_int_equal(xenvirtio_device_features(rig.dev), F_VERSION_1 | 1);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(xenvirtio_device_features(rig.dev), 0);
}

static void hooks_run_at_the_edges(void **state)
{
	unsigned int resets = rig.resets;

	rig_driver(&rig, 0);
	assert_int_equal(rig.driver_oks, 1);
	assert_int_equal(rig.resets, resets + 1);
	/* written again, DRIVER_OK is no edge */
	assert_int_equal(driver_write(&rig.driver, REG_STATUS, 15), 0);
	assert_int_equal(rig.driver_oks, 1);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(rig.resets, resets + 2);
	assert_int_equal(rig.state.interrupt_status, 0);
	/* a driver may reset what is reset */
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(rig.resets, resets + 3);
}

/* Linux's balloon fills its statistics queue and kicks before DRIVER_OK, and never again. */
static void a_kick_before_driver_ok_is_not_lost(void **state)
{
	struct driver_buf buf = { 0, 4, false };
	uint16_t head;

	assert_int_equal(driver_begin(&rig.driver, RIG_DEVICE_ID, 0), 0);
	for (unsigned int i = 0; i < RIG_QUEUES; i++) {
		assert_int_equal(driver_make_ring(&rig.driver, i, 16), 0);
		assert_int_equal(driver_enable_queue(&rig.driver, i), 0);
	}
	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(&rig.driver.queue[1], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&rig.driver.queue[1]), 0);
	assert_int_equal(rig.kicks[1], 0);
	assert_int_equal(rig_count_errors(&rig), 0);
	assert_int_equal(driver_write(&rig.driver, REG_STATUS, 15), 0);
	assert_int_equal(rig.nr_kept, 1);
}

static void the_driver_hears_of_a_changed_configuration(void **state)
{
	uint32_t generation = read_register(REG_CONFIG_GENERATION);
	uint64_t before = interrupts();

	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	assert_int_equal(read_register(REG_CONFIG_GENERATION), generation + 1);
	assert_int_equal(read_register(REG_INTERRUPT_STATUS), 0);
	assert_int_equal(interrupts(), before);
	rig_driver(&rig, 0);
	generation = read_register(REG_CONFIG_GENERATION);
	assert_int_equal(xenvirtio_device_config_changed(rig.dev), 0);
	assert_int_equal(read_register(REG_CONFIG_GENERATION), generation + 1);
	assert_int_equal(read_register(REG_INTERRUPT_STATUS), 2);
	assert_int_equal(interrupts(), before + 1);
	assert_int_equal(driver_write(&rig.driver, REG_INTERRUPT_ACK, 1), 0);
	assert_int_equal(read_register(REG_INTERRUPT_STATUS), 2);
	assert_int_equal(driver_write(&rig.driver, REG_INTERRUPT_ACK, 2), 0);
	assert_int_equal(read_register(REG_INTERRUPT_STATUS), 0);
	/* a reset does not take the count back to what a reader may have seen */
	generation = read_register(REG_CONFIG_GENERATION);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_true(read_register(REG_CONFIG_GENERATION) > generation);
}

static void a_fault_is_told_once(void **state)
{
	uint64_t before;

	rig_driver(&rig, 0);
	before = interrupts();
	for (int i = 0; i < 3; i++)
		assert_int_equal(xenvirtio_device_guest_fault(
					 rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test"),
				 0);
	assert_int_equal(rig.errors[XENVIRTIO_GUEST_BAD_MESSAGE], 3);
	assert_int_equal(interrupts(), before + 1);
	assert_int_equal(read_register(REG_STATUS), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(read_register(REG_INTERRUPT_STATUS), 2);
	assert_false(xenvirtio_device_driver_ok(rig.dev));
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(rig.kicks[0], 1); /* that of DRIVER_OK */
	rig_driver(&rig, 0);
	assert_true(xenvirtio_device_driver_ok(rig.dev));
}

/* A fault of the host's: as one of the guest's, but that nobody is to blame. */
static void a_device_that_cannot_go_on_says_so(void **state)
{
	uint64_t before;

	assert_int_equal(xenvirtio_device_needs_reset(rig.dev), 0);
	assert_int_equal(read_register(REG_STATUS), 0);
	rig_driver(&rig, 0);
	before = interrupts();
	for (int i = 0; i < 3; i++)
		assert_int_equal(xenvirtio_device_needs_reset(rig.dev), 0);
	assert_int_equal(rig_count_errors(&rig), 0);
	assert_int_equal(interrupts(), before + 1);
	assert_int_equal(read_register(REG_STATUS), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(read_register(REG_INTERRUPT_STATUS), 2);
	rig_driver(&rig, 0);
	assert_true(xenvirtio_device_driver_ok(rig.dev));
}

static void rings_are_found_by_frame(void **state)
{
	struct xenvirtio_gfn ring;

	assert_false(xenvirtio_device_ring_gfn(rig.dev, xenvirtio_gfn(0)));
	rig_driver(&rig, 0);
	ring = xenvirtio_gpa_to_gfn(xenvirtio_gpa(rig.driver.queue[1].ring_gpa));
	assert_true(xenvirtio_device_ring_gfn(rig.dev, ring));
	assert_false(xenvirtio_device_ring_gfn(rig.dev, xenvirtio_gfn(ring.v + 1)));
	assert_false(xenvirtio_device_ring_gfn(rig.dev, xenvirtio_gfn(UINT64_MAX)));
	/* queue 0 has its ring below, with a page of tables between */
	assert_int_equal(xenvirtio_device_next_ring(rig.dev, ring, 512), 0);
	assert_int_equal(xenvirtio_device_next_ring(rig.dev, xenvirtio_gfn(ring.v - 1), 512), 1);
	assert_int_equal(xenvirtio_device_next_ring(rig.dev, xenvirtio_gfn(ring.v - 1), 1), 1);
	assert_int_equal(xenvirtio_device_next_ring(rig.dev, xenvirtio_gfn(0), UINT64_MAX),
			 rig.driver.queue[0].ring_gpa / BUS_PAGE_BYTES);
	assert_true(xenvirtio_device_next_ring(rig.dev, xenvirtio_gfn(ring.v + 1), UINT64_MAX) ==
		    UINT64_MAX);
	/* and by the next process, before the driver has done anything */
	rig_kill(&rig);
	assert_int_equal(rig_start(&rig), 0);
	assert_true(xenvirtio_device_ring_gfn(rig.dev, ring));
	assert_int_equal(xenvirtio_device_next_ring(rig.dev, xenvirtio_gfn(ring.v - 1), 512), 1);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_false(xenvirtio_device_ring_gfn(rig.dev, ring));
}

/* Each of these fields spoiled alone makes a sound state one that cannot be. */
static void a_state_that_cannot_be_is_refused(void **state)
{
	struct xenvirtio_device_state good, bad;

	rig_driver(&rig, 0);
	good = rig.state;
	rig_crash(&rig);
#define REFUSED(field, value) \
	do { \
		bad = good; \
		bad.field = (value); \
		rig.state = bad; \
		assert_int_equal(rig_start(&rig), -EBADMSG); \
		assert_memory_equal(&rig.state, &bad, sizeof(bad)); \
	} while (0)
	REFUSED(status, 4);
	REFUSED(status, 7);
	REFUSED(status, 15 | 16);
	REFUSED(status, 3); /* queues ready before FEATURES_OK */
	REFUSED(status, 15 | 0x100);
	REFUSED(driver_features, 1);
	REFUSED(driver_features, F_VERSION_1 | UINT64_C(1) << 40);
	REFUSED(interrupt_status, 4);
	REFUSED(queue[0].ready, 2);
	REFUSED(queue[0].broken, 2);
	REFUSED(queue[0].size, 0);
	REFUSED(queue[0].size, 3);
	REFUSED(queue[0].size, 256);
	REFUSED(queue[0].desc_gpa, good.queue[0].desc_gpa + 1);
	REFUSED(queue[0].avail_gpa, 0);
	REFUSED(queue[1].used_gpa, UINT64_MAX - 3);
	REFUSED(queue[0].last_avail_idx, good.queue[0].used_idx + good.queue[0].size + 1);
	REFUSED(queue[RIG_QUEUES].ready, 1);
	rig.state = good;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

/* A state says whose it is, from the first moment on. */
static void a_state_of_another_layout_is_refused(void **state)
{
	struct xenvirtio_device_state good, bad;

	assert_int_equal(rig.state.version, XENVIRTIO_DEVICE_STATE_VERSION);
	assert_int_equal(rig.state.bytes, XENVIRTIO_DEVICE_STATE_BYTES(RIG_QUEUES));
	rig_crash(&rig);
	good = rig.state;
	for (unsigned int touched = 0; touched < 2; touched++) {
#define OTHER_LAYOUT(field, value) \
	do { \
		bad = good; \
		bad.field = (value); \
		rig.state = bad; \
		assert_int_equal(rig_start(&rig), -ENOTSUP); \
		assert_memory_equal(&rig.state, &bad, sizeof(bad)); \
	} while (0)
		OTHER_LAYOUT(version, XENVIRTIO_DEVICE_STATE_VERSION + 1);
		OTHER_LAYOUT(version, UINT32_MAX);
		OTHER_LAYOUT(bytes, 0);
		OTHER_LAYOUT(bytes, sizeof(good) - 8);
		OTHER_LAYOUT(bytes, sizeof(good) + 8);
		if (touched) /* as a library without versions left it */
			OTHER_LAYOUT(version, 0);
		rig.state = good;
		assert_int_equal(rig_start(&rig), 0);
		rig_driver(&rig, 0);
		good = rig.state;
		rig_crash(&rig);
		rig.state = good;
	}
	assert_int_equal(rig_start(&rig), 0);
}

/* A process that died between the two stores has left a device that was never touched. */
static void a_state_half_begun_is_begun_again(void **state)
{
	rig_crash(&rig);
	memset(&rig.state, 0, sizeof(rig.state));
	rig.state.bytes = sizeof(rig.state);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig.state.version, XENVIRTIO_DEVICE_STATE_VERSION);
	rig_driver(&rig, 0);
}

/* --- a notification path that only remembers what it was asked --- */

struct recorder {
	struct notify notify;
	unsigned int on[RIG_QUEUES];
	unsigned int enables;
	unsigned int interrupts;
	uint32_t acked;
	int result;
};

static int recorder_interrupt(struct notify *notify, uint32_t bits)
{
	((struct recorder *)notify)->interrupts++;
	return 0;
}

static int recorder_ack(struct notify *notify, uint32_t *status)
{
	((struct recorder *)notify)->acked = *status;
	return 0;
}

static int recorder_enable(struct notify *notify, unsigned int index, uint32_t *status)
{
	struct recorder *r = (struct recorder *)notify;

	if (r->result)
		return r->result;
	r->on[index]++;
	r->enables++;
	return 0;
}

static int recorder_disable(struct notify *notify, unsigned int index, uint32_t *status)
{
	struct recorder *r = (struct recorder *)notify;

	assert_int_equal(r->on[index], 1);
	r->on[index]--;
	return 0;
}

static const struct notify_ops recorder_ops = {
	.interrupt = recorder_interrupt,
	.ack = recorder_ack,
	.queue_enable = recorder_enable,
	.queue_disable = recorder_disable,
};

/* A queue's path is open exactly while the driver may use the queue: once on, once off. */
static void notification_is_on_while_a_queue_runs(void **state)
{
	struct recorder r = { .notify.ops = &recorder_ops };
	struct notify *old = rig.dev->notify;

	assert_int_equal(device_detach(rig.dev), 0);
	assert_int_equal(device_attach(rig.dev, &r.notify), 0);
	rig_driver(&rig, 0);
	assert_int_equal(r.on[0] + r.on[1], 2);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_SEL, 1), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_READY, 0), 0);
	assert_int_equal(r.on[1], 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_READY, 1), 0);
	assert_int_equal(r.on[1], 1);
	/* moved to another path with the guest running */
	assert_int_equal(device_detach(rig.dev), 0);
	assert_int_equal(r.on[0] + r.on[1], 0);
	assert_int_equal(device_attach(rig.dev, &r.notify), 0);
	assert_int_equal(r.on[0] + r.on[1], 2);
	assert_int_equal(device_raise(rig.dev, INTERRUPT_USED), 0);
	assert_int_equal(r.interrupts, 1);
	assert_int_equal(driver_write(&rig.driver, REG_STATUS, 15 | STATUS_FAILED), 0);
	assert_int_equal(r.on[0] + r.on[1], 0);
	rig_driver(&rig, 0);
	assert_int_equal(xenvirtio_device_guest_fault(rig.dev, XENVIRTIO_GUEST_BAD_MESSAGE, "test"),
			 0);
	assert_int_equal(r.on[0] + r.on[1], 0);
	rig_driver(&rig, 0);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(r.on[0] + r.on[1], 0);
	assert_int_equal(r.acked, 0);
	assert_int_equal(r.enables, 9);
	/* what cannot be opened is not closed */
	rig_driver(&rig, 0);
	assert_int_equal(device_detach(rig.dev), 0);
	r.result = -ENOSPC;
	assert_int_equal(device_attach(rig.dev, &r.notify), -ENOSPC);
	assert_null(rig.dev->notify);
	assert_int_equal(device_attach(rig.dev, old), 0);
}

/* Level lines, which x86 has: up until the driver has acknowledged everything. */
static void a_held_line_falls_with_the_last_bit(void **state)
{
	struct notify *old = rig.dev->notify, *held;

	rig_driver(&rig, 0);
	assert_int_equal(device_detach(rig.dev), 0);
	assert_int_equal(notify_open_evtchn(&held, rig.hv, 40, NOTIFY_HOLD), 0);
	assert_int_equal(device_attach(rig.dev, held), 0);
	assert_int_equal(device_raise(rig.dev, INTERRUPT_USED | INTERRUPT_CONFIG), 0);
	assert_true(fake_irq_level(rig.fake, 40));
	assert_int_equal(driver_write(&rig.driver, REG_INTERRUPT_ACK, INTERRUPT_USED), 0);
	assert_true(fake_irq_level(rig.fake, 40));
	assert_int_equal(driver_write(&rig.driver, REG_INTERRUPT_ACK, INTERRUPT_CONFIG), 0);
	assert_false(fake_irq_level(rig.fake, 40));
	assert_int_equal(device_raise(rig.dev, INTERRUPT_USED), 0);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_false(fake_irq_level(rig.fake, 40));
	assert_int_equal(device_detach(rig.dev), 0);
	notify_close(held);
	assert_int_equal(device_attach(rig.dev, old), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_offered_is_refused),
		TEST(the_author_decides_on_features),
		TEST(hooks_run_at_the_edges),
		TEST(a_kick_before_driver_ok_is_not_lost),
		TEST(the_driver_hears_of_a_changed_configuration),
		TEST(a_fault_is_told_once),
		TEST(a_device_that_cannot_go_on_says_so),
		TEST(rings_are_found_by_frame),
		TEST(a_state_that_cannot_be_is_refused),
		TEST(a_state_of_another_layout_is_refused),
		TEST(a_state_half_begun_is_begun_again),
		TEST(notification_is_on_while_a_queue_runs),
		TEST(a_held_line_falls_with_the_last_bit),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
