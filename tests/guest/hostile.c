// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running a scenario, and judging what is left of the device.
 */
#include "hostile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void hostile_start(struct hostile *h, struct bus *bus, const struct hostile_target *target)
{
	*h = (struct hostile){ .driver = { .bus = bus }, .target = target };
}

int hostile_fail(struct hostile *h, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(h->why, sizeof(h->why), format, args);
	va_end(args);
	return -EPROTO;
}

int hostile_init(struct hostile *h, uint64_t features)
{
	int ret = driver_init(&h->driver, h->target->device_id, h->target->features | features,
			      h->target->nr_queues);

	return ret ? hostile_fail(h, "initialisation fails: %d", ret) : 0;
}

int hostile_expect_status(struct hostile *h, uint32_t mask, uint32_t status)
{
	uint32_t seen = driver_status(&h->driver);

	if (h->target->hides_needs_reset) {
		mask &= ~STATUS_NEEDS_RESET;
		status &= ~STATUS_NEEDS_RESET;
	}
	if ((seen & mask) == status)
		return 0;
	return hostile_fail(h, "status is %#x, should be %#x of %#x", seen, status, mask);
}

/* The way back for every guest: reset, initialise, and it works; then with all features. */
static int check_recovery(struct hostile *h)
{
	static const uint64_t features[] = { 0, F_INDIRECT | F_EVENT_IDX };

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		int ret = hostile_init(h, features[i]);

		if (ret)
			return ret;
		ret = h->target->request(&h->driver);
		if (ret)
			return hostile_fail(h, "request after recovery fails: %d", ret);
		ret = hostile_expect_status(h, 0xff, 15);
		if (ret)
			return ret;
	}
	return 0;
}

static uint64_t count_errors(struct hostile *h)
{
	struct bus *bus = h->driver.bus;

	return bus->ops->errors ? bus->ops->errors(bus) : 0;
}

int hostile_run(struct hostile *h, const struct hostile_scenario *scenario)
{
	uint64_t before = count_errors(h);
	uint32_t status;
	int ret;

	h->why[0] = 0;
	ret = scenario->run(h);
	if (!ret)
		ret = h->driver.bus->ops->wait(h->driver.bus);
	if (ret)
		return h->why[0] ? ret : hostile_fail(h, "scenario fails: %d", ret);
	status = driver_status(&h->driver);
	if (status & ~0xffu)
		return hostile_fail(h, "status register reads %#x", status);
	if (scenario->expect == HOSTILE_NEEDS_RESET && !(status & STATUS_NEEDS_RESET) && !h->target->hides_needs_reset)
		return hostile_fail(h, "NEEDS_RESET is not set: %#x", status);
	if (scenario->expect == HOSTILE_IGNORED && status & STATUS_NEEDS_RESET)
		return hostile_fail(h, "NEEDS_RESET is set: %#x", status);
	if (scenario->counted && h->driver.bus->ops->errors && count_errors(h) == before)
		return hostile_fail(h, "nothing was counted");
	return check_recovery(h);
}
