// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings where there is address space for RAM and no RAM, before or after they were set up.
 */
#include "hostile.h"

static int set_address_on_hole(struct hostile *h)
{
	return hostile_set_address(h, h->driver.bus->hole_gpa);
}

static int set_address_at_end(struct hostile *h)
{
	/* the last 16 bytes of RAM: any ring of 16 runs over its end */
	return hostile_set_address(h, h->driver.bus->last_gpa + BUS_PAGE_BYTES - 16);
}

static int ring_goes_away(struct hostile *h)
{
	struct bus *bus = h->driver.bus;
	int ret = hostile_init(h, 0);

	if (!ret)
		ret = bus->ops->make_hole(bus, h->driver.queue[0].ring_gpa);
	return ret ? ret : driver_write(&h->driver, REG_QUEUE_NOTIFY, 0);
}

const struct hostile_scenario hostile_hole[] = {
	{ "ring on a hole", set_address_on_hole, HOSTILE_NEEDS_RESET, true },
	{ "ring over the end of RAM", set_address_at_end, HOSTILE_NEEDS_RESET, true },
	{ "ring page goes away", ring_goes_away, HOSTILE_NEEDS_RESET, true },
	{ 0 },
};
