// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers: odd sizes and offsets, status in every order, features nobody offered.
 */
#include <errno.h>

#include "hostile.h"

static int touch_register(struct hostile *h, uint32_t offset, uint32_t size, bool write)
{
	struct bus *bus = h->driver.bus;
	uint64_t val = 0;

	if (!bus->unaligned && offset & (size - 1))
		return 0;
	if (offset + size > WINDOW_BYTES)
		return 0;
	if (write)
		return bus->ops->write(bus, offset, size, 0xa5a5a5a5a5a5a5a5u);
	return bus->ops->read(bus, offset, size, &val);
}

static int touch_every_register(struct hostile *h, bool write)
{
	for (uint32_t offset = 0; offset < WINDOW_BYTES; offset++) {
		for (uint32_t size = 1; size <= 8; size *= 2) {
			int ret = touch_register(h, offset, size, write);

			if (ret)
				return hostile_fail(h, "%u bytes at %#x: %d", size, offset, ret);
		}
	}
	return 0;
}

static int read_everywhere(struct hostile *h)
{
	int ret = hostile_init(h, 0);

	if (!ret)
		ret = touch_every_register(h, false);
	return ret ? ret : hostile_expect_status(h, 0xff, 15);
}

static int write_everywhere(struct hostile *h)
{
	int ret = hostile_init(h, 0);

	return ret ? ret : touch_every_register(h, true);
}

static int write_everywhere_unborn(struct hostile *h)
{
	int ret = driver_reset(&h->driver);

	return ret ? ret : touch_every_register(h, true);
}

/* A hole, a write-only register and an odd size each read as all-ones of their size. */
static int read_all_ones(struct hostile *h)
{
	static const struct {
		uint32_t offset;
		uint32_t size;
		uint64_t expected;
	} access[] = {
		{ 0x0c0, 4, 0xffffffff }, /* QueueReset is not offered */
		{ 0x0b0, 4, 0xffffffff }, /* no shared memory */
		{ REG_QUEUE_SEL, 4, 0xffffffff },
		{ REG_MAGIC, 1, 0xff },
		{ REG_MAGIC, 2, 0xffff },
		{ REG_MAGIC, 8, UINT64_MAX },
		{ 0x1fc, 4, 0xffffffff },
		{ 0x1f8, 8, UINT64_MAX },
	};
	struct bus *bus = h->driver.bus;

	for (size_t i = 0; i < sizeof(access) / sizeof(access[0]); i++) {
		uint64_t val = 0;
		int ret = bus->ops->read(bus, access[i].offset, access[i].size, &val);

		if (ret || val != access[i].expected)
			return hostile_fail(h, "%u bytes at %#x read %#llx: %d", access[i].size,
					    access[i].offset, (unsigned long long)val, ret);
	}
	return 0;
}

/* Offset of each half of each ring address, and of the queue's other registers that are written. */
static int write_queue_registers(struct hostile *h)
{
	static const uint32_t reg[] = {
		REG_QUEUE_NUM,	      REG_QUEUE_DESC,  REG_QUEUE_DESC + 4, REG_QUEUE_AVAIL,
		REG_QUEUE_AVAIL + 4,  REG_QUEUE_USED,  REG_QUEUE_USED + 4, REG_QUEUE_READY,
		REG_QUEUE_NOTIFY,
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(reg) / sizeof(reg[0]); i++)
		ret = driver_write(&h->driver, reg[i], 1);
	return ret;
}

static int select_no_queue(struct hostile *h)
{
	static const uint32_t sel[] = { 0xffffffff, 0x80000000, 0x10000, 255, 16, 15 };
	int ret = hostile_init(h, 0);

	for (size_t i = 0; !ret && i < sizeof(sel) / sizeof(sel[0]); i++) {
		uint32_t max = 1, ready = 1;

		ret = driver_write(&h->driver, REG_QUEUE_SEL, sel[i]);
		if (!ret)
			ret = driver_read(&h->driver, REG_QUEUE_NUM_MAX, &max);
		if (!ret)
			ret = write_queue_registers(h);
		if (!ret)
			ret = driver_read(&h->driver, REG_QUEUE_READY, &ready);
		if (!ret && (max || ready))
			return hostile_fail(h, "queue %#x: max %u, ready %u", sel[i], max, ready);
	}
	return ret ? ret : h->target->request(&h->driver);
}

static int notify_no_queue(struct hostile *h)
{
	static const uint32_t index[] = { 0xffffffff, 0xffff, 0x8000, 31, 32, 16 };
	int ret = hostile_init(h, 0);

	for (size_t i = 0; !ret && i < sizeof(index) / sizeof(index[0]); i++)
		ret = driver_write(&h->driver, REG_QUEUE_NOTIFY, index[i]);
	return ret ? ret : h->target->request(&h->driver);
}

/*
 * What the status register must read after @value was written over @old: the specification's rules,
 * said another way than the device does.
 */
static uint32_t expect_after(uint32_t old, uint32_t value, bool features_ok)
{
	uint32_t reached;

	if (!value)
		return 0;
	if (!(old & (STATUS_FAILED | STATUS_NEEDS_RESET))) {
		reached = old | (value & 15);
		if (!(reached & STATUS_ACKNOWLEDGE))
			old = 0;
		else if (!(reached & STATUS_DRIVER))
			old = 1;
		else if (!(reached & STATUS_FEATURES_OK) ||
			 (!features_ok && !(old & STATUS_FEATURES_OK)))
			old = 3;
		else
			old = reached & STATUS_DRIVER_OK ? 15 : 11;
	}
	return old | (value & STATUS_FAILED);
}

static int accept_features(struct hostile *h)
{
	uint64_t features = h->target->features | F_VERSION_1;
	int ret = driver_write(&h->driver, REG_DRIVER_FEATURES_SEL, 1);

	if (!ret)
		ret = driver_write(&h->driver, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
	if (!ret)
		ret = driver_write(&h->driver, REG_DRIVER_FEATURES_SEL, 0);
	return ret ? ret : driver_write(&h->driver, REG_DRIVER_FEATURES, (uint32_t)features);
}

static int write_and_check(struct hostile *h, uint32_t *status, uint32_t value, bool features_ok)
{
	uint32_t expected = expect_after(*status, value, features_ok);
	uint32_t old = *status;
	int ret = driver_write(&h->driver, REG_STATUS, value);

	if (ret)
		return ret;
	*status = driver_status(&h->driver);
	if (*status != expected)
		return hostile_fail(h, "status %#x, written %#x, reads %#x, should be %#x", old,
				    value, *status, expected);
	return 0;
}

/* Every value in every state a driver can lead to, with and without features that will do. */
static int write_every_status(struct hostile *h)
{
	static const uint32_t from[] = { 0, 1, 3, 11, 15, 128 };
	int ret = 0;

	for (uint32_t i = 0; !ret && i < 2 * sizeof(from) / sizeof(from[0]); i++) {
		bool features_ok = i & 1;

		if (from[i / 2] > 3 && from[i / 2] < 128 && !features_ok)
			continue;
		for (uint32_t value = 0; !ret && value < 256; value++) {
			uint32_t status = 0;

			ret = driver_reset(&h->driver);
			if (!ret && features_ok)
				ret = accept_features(h);
			if (!ret && from[i / 2])
				ret = write_and_check(h, &status, from[i / 2], features_ok);
			if (!ret)
				ret = write_and_check(h, &status, value, features_ok);
		}
	}
	return ret;
}

/* The five bits in each of their 120 orders, one at a time and adding up. */
static int write_status_orders(struct hostile *h)
{
	static const uint32_t bit[] = { 1, 2, 8, 4, 128 };

	for (unsigned int code = 0; code < 2 * 5 * 5 * 5 * 5 * 5; code++) {
		uint32_t status = 0, seen = 0, rest = code / 2;
		unsigned int order[5];
		int ret = 0;

		for (int i = 0; i < 5; i++, rest /= 5) {
			order[i] = rest % 5;
			seen |= bit[order[i]];
		}
		if (seen != (1 | 2 | 4 | 8 | 128))
			continue;
		seen = 0;
		ret = driver_reset(&h->driver);
		if (!ret)
			ret = accept_features(h);
		for (int i = 0; !ret && i < 5; i++) {
			seen = code & 1 ? seen | bit[order[i]] : bit[order[i]];
			ret = write_and_check(h, &status, seen, true);
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int write_wide_status(struct hostile *h)
{
	static const uint32_t value[] = { 0x100, 0xffffff00, 0x80000000, 0x10f };
	int ret = hostile_init(h, 0);

	for (size_t i = 0; !ret && i < sizeof(value) / sizeof(value[0]); i++) {
		ret = driver_write(&h->driver, REG_STATUS, value[i]);
		if (!ret)
			ret = hostile_expect_status(h, 0xffffffff, 15);
	}
	return ret;
}

static int try_features(struct hostile *h, uint32_t low, uint32_t high)
{
	struct driver *d = &h->driver;
	int ret = driver_reset(d);

	if (!ret)
		ret = driver_write(d, REG_STATUS, 3);
	if (!ret)
		ret = driver_write(d, REG_DRIVER_FEATURES_SEL, 0);
	if (!ret)
		ret = driver_write(d, REG_DRIVER_FEATURES, low);
	if (!ret)
		ret = driver_write(d, REG_DRIVER_FEATURES_SEL, 1);
	if (!ret)
		ret = driver_write(d, REG_DRIVER_FEATURES, high);
	return ret ? ret : driver_write(d, REG_STATUS, 11);
}

static int accept_what_is_not_offered(struct hostile *h)
{
	uint32_t own = (uint32_t)h->target->features;
	int ret = try_features(h, 0xffffffff, 0xffffffff);

	if (!ret)
		ret = hostile_expect_status(h, 0xff, 3);
	if (!ret)
		ret = try_features(h, own, 1u << 2); /* RING_PACKED */
	if (!ret)
		ret = hostile_expect_status(h, 0xff, 3);
	return ret;
}

static int refuse_version_1(struct hostile *h)
{
	int ret = try_features(h, (uint32_t)h->target->features, 0);

	return ret ? ret : hostile_expect_status(h, 0xff, 3);
}

static int change_features_late(struct hostile *h)
{
	static const uint32_t sel[] = { 0, 1, 2, 0xffffffff };
	int ret = hostile_init(h, 0);

	for (size_t i = 0; !ret && i < sizeof(sel) / sizeof(sel[0]); i++) {
		ret = driver_write(&h->driver, REG_DRIVER_FEATURES_SEL, sel[i]);
		if (!ret)
			ret = driver_write(&h->driver, REG_DRIVER_FEATURES, 0xffffffff);
	}
	/* if indirect or event index were on now, this would not work */
	return ret ? ret : h->target->request(&h->driver);
}

static int read_odd_features(struct hostile *h)
{
	int ret = driver_write(&h->driver, REG_DEVICE_FEATURES_SEL, 0xffffffff);
	uint32_t val = 1;

	if (!ret)
		ret = driver_read(&h->driver, REG_DEVICE_FEATURES, &val);
	if (!ret && val)
		return hostile_fail(h, "features beyond the 63rd: %#x", val);
	return ret;
}

static int acknowledge_anything(struct hostile *h)
{
	int ret = hostile_init(h, 0);
	uint32_t val = 1;

	for (int i = 0; !ret && i < 32; i++)
		ret = driver_write(&h->driver, REG_INTERRUPT_ACK, 1u << i);
	if (!ret)
		ret = driver_read(&h->driver, REG_INTERRUPT_STATUS, &val);
	if (!ret && val)
		return hostile_fail(h, "InterruptStatus is %#x after all was acknowledged", val);
	return ret ? ret : h->target->request(&h->driver);
}

const struct hostile_scenario hostile_mmio[] = {
	{ "reads of 1 to 8 bytes at every offset", read_everywhere, HOSTILE_IGNORED, true },
	{ "writes of 1 to 8 bytes at every offset", write_everywhere, HOSTILE_EITHER, true },
	{ "the same before ACKNOWLEDGE", write_everywhere_unborn, HOSTILE_EITHER, true },
	{ "holes read as all-ones", read_all_ones, HOSTILE_EITHER, true },
	{ "QueueSel without a queue", select_no_queue, HOSTILE_IGNORED, true },
	{ "QueueNotify without a queue", notify_no_queue, HOSTILE_IGNORED, true },
	{ "every status value in every state", write_every_status, HOSTILE_IGNORED, true },
	{ "status bits in every order", write_status_orders, HOSTILE_IGNORED, true },
	{ "status bits above the eighth", write_wide_status, HOSTILE_IGNORED, true },
	{ "features that are not offered", accept_what_is_not_offered, HOSTILE_IGNORED, true },
	{ "no VERSION_1", refuse_version_1, HOSTILE_IGNORED, true },
	{ "features after FEATURES_OK", change_features_late, HOSTILE_IGNORED, true },
	{ "features of selector 0xffffffff", read_odd_features, HOSTILE_IGNORED, false },
	{ "InterruptACK of any bit", acknowledge_anything, HOSTILE_IGNORED, false },
	{ 0 },
};
