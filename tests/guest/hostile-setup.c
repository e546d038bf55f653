// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues set up as they cannot be: sizes, ring addresses, order of steps.
 */
#include <errno.h>

#include "hostile.h"

/* queue 0 with a sound ring in memory, the device not told of it yet */
static int begin_queue(struct hostile *h)
{
	int ret = driver_begin(&h->driver, h->target->device_id, h->target->features);

	if (!ret)
		ret = driver_make_ring(&h->driver, 0, 16);
	if (!ret)
		ret = driver_write(&h->driver, REG_QUEUE_SEL, 0);
	return ret;
}

/* write all of queue 0's registers, then QueueReady; it must not stick, and the device says so */
static int expect_refusal(struct hostile *h, uint32_t size, const uint64_t gpa[3])
{
	struct driver *d = &h->driver;
	uint32_t ready = 1;
	int ret = driver_write(d, REG_QUEUE_NUM, size);

	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_DESC, gpa[0]);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_AVAIL, gpa[1]);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_USED, gpa[2]);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 1);
	if (!ret)
		ret = driver_read(d, REG_QUEUE_READY, &ready);
	if (!ret && ready)
		return hostile_fail(h, "enabled: size %u, %#llx %#llx %#llx", size,
				    (unsigned long long)gpa[0], (unsigned long long)gpa[1],
				    (unsigned long long)gpa[2]);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_NOTIFY, 0);
	return ret ? ret : hostile_expect_status(h, 0xff, 11 | STATUS_NEEDS_RESET);
}

static int set_sizes(struct hostile *h)
{
	uint32_t size[] = { 0, 3, 65535, 65536, 0xffffffff, 0x80000000, 0x10010, 0 };
	const size_t nr = sizeof(size) / sizeof(size[0]);

	for (size_t i = 0; i < nr; i++) {
		int ret = begin_queue(h);
		uint64_t ring = h->driver.queue[0].ring_gpa;
		uint64_t gpa[3] = { ring, ring + 1024, ring + 2048 };

		/* the last is what the device has no room for, however much it has */
		if (!ret && i + 1 == nr) {
			ret = driver_read(&h->driver, REG_QUEUE_NUM_MAX, &size[i]);
			size[i] *= 2;
		}
		if (!ret)
			ret = expect_refusal(h, size[i], gpa);
		if (ret)
			return ret;
	}
	return 0;
}

int hostile_set_address(struct hostile *h, uint64_t bad)
{
	for (int i = 0; i < 3; i++) {
		int ret = begin_queue(h);
		uint64_t ring = h->driver.queue[0].ring_gpa;
		uint64_t gpa[3] = { ring, ring + 1024, ring + 2048 };

		gpa[i] = bad;
		if (!ret)
			ret = expect_refusal(h, 16, gpa);
		if (ret)
			return ret;
	}
	return 0;
}

static int set_address_zero(struct hostile *h)
{
	return hostile_set_address(h, 0);
}

static int set_address_outside(struct hostile *h)
{
	return hostile_set_address(h, h->driver.bus->outside_gpa);
}

static int set_address_in_mmio(struct hostile *h)
{
	return hostile_set_address(h, h->driver.bus->base_gpa);
}

static int set_address_wrapping(struct hostile *h)
{
	static const uint64_t bad[] = {
		0xfffffffffffffff0u, 0xfffffffffffff000u, 0x8000000000000000u, 0x10000000000000u,
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(bad) / sizeof(bad[0]); i++)
		ret = hostile_set_address(h, bad[i]);
	return ret;
}

static int set_address_unaligned(struct hostile *h)
{
	static const uint64_t odd[3] = { 8, 1, 2 };

	for (int i = 0; i < 3; i++) {
		int ret = begin_queue(h);
		uint64_t ring = h->driver.queue[0].ring_gpa;
		uint64_t gpa[3] = { ring, ring + 1024, ring + 2048 };

		gpa[i] += odd[i];
		if (!ret)
			ret = expect_refusal(h, 16, gpa);
		if (ret)
			return ret;
	}
	return 0;
}

static int enable_too_early(struct hostile *h)
{
	struct driver *d = &h->driver;
	uint32_t ready = 1;
	int ret = driver_reset(d);

	if (!ret)
		ret = driver_make_ring(d, 0, 16);
	if (!ret && driver_enable_queue(d, 0) != -EPROTO)
		return hostile_fail(h, "a queue was enabled before FEATURES_OK");
	if (!ret)
		ret = driver_write(d, REG_QUEUE_NOTIFY, 0);
	if (!ret)
		ret = driver_read(d, REG_QUEUE_READY, &ready);
	if (!ret && ready)
		return hostile_fail(h, "QueueReady stuck before FEATURES_OK");
	return ret;
}

static int change_enabled_queue(struct hostile *h)
{
	struct driver *d = &h->driver;
	int ret = hostile_init(h, 0);

	if (!ret)
		ret = driver_write(d, REG_QUEUE_SEL, 0);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_NUM, 3);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_DESC, 0);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_AVAIL, d->bus->outside_gpa);
	if (!ret)
		ret = driver_write_gpa(d, REG_QUEUE_USED, UINT64_MAX);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 2);
	return ret ? ret : h->target->request(d);
}

/* Off and on again: it begins at index 0, with the memory as it was before the driver used it. */
static int disable_and_enable(struct hostile *h)
{
	struct driver *d = &h->driver;
	int ret = hostile_init(h, 0);
	uint32_t ready = 1;

	if (!ret)
		ret = h->target->request(d);
	for (unsigned int i = 0; !ret && i < d->nr_queues; i++) {
		ret = driver_write(d, REG_QUEUE_SEL, i);
		if (!ret)
			ret = driver_write(d, REG_QUEUE_READY, 0);
		if (!ret)
			ret = driver_read(d, REG_QUEUE_READY, &ready);
		if (!ret && ready)
			return hostile_fail(h, "QueueReady cannot be cleared");
		if (!ret)
			ret = driver_write(d, REG_QUEUE_NOTIFY, i);
		if (!ret)
			ret = driver_make_ring(d, i, 16);
		if (!ret)
			ret = driver_enable_queue(d, i);
	}
	return ret ? ret : h->target->request(d);
}

const struct hostile_scenario hostile_setup[] = {
	{ "queue sizes 0, 3, 65535 and more", set_sizes, HOSTILE_NEEDS_RESET, true },
	{ "ring address 0", set_address_zero, HOSTILE_NEEDS_RESET, true },
	{ "ring address not aligned", set_address_unaligned, HOSTILE_NEEDS_RESET, true },
	{ "ring outside RAM", set_address_outside, HOSTILE_NEEDS_RESET, true },
	{ "ring in the MMIO window", set_address_in_mmio, HOSTILE_NEEDS_RESET, true },
	{ "ring that wraps or is beyond the bus", set_address_wrapping, HOSTILE_NEEDS_RESET, true },
	{ "queue enabled before FEATURES_OK", enable_too_early, HOSTILE_IGNORED, true },
	{ "enabled queue set up again", change_enabled_queue, HOSTILE_IGNORED, true },
	{ "queue disabled and enabled", disable_and_enable, HOSTILE_IGNORED, true },
	{ 0 },
};
