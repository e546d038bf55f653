// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The scenarios of guest/hostile.h against the author's device.
 */
#include "guest/hostile.h"

#include <errno.h>
#include <string.h>

#include "conformance/clauses.h"

/* Scenarios call without an opaque; there is one thread. */
static struct world *attacked;

static int request(struct driver *d)
{
	struct driver own = attacked->driver;
	int ret;

	/* The scenario's driver is the one that was initialised; its queues know it. */
	attacked->driver = *d;
	for (unsigned int i = 0; i < DRIVER_QUEUES_MAX; i++)
		attacked->driver.queue[i].driver = &attacked->driver;
	ret = world_request(attacked, NULL);
	*d = attacked->driver;
	for (unsigned int i = 0; i < DRIVER_QUEUES_MAX; i++)
		d->queue[i].driver = d;
	attacked->driver = own;
	return ret;
}

static int run_nothing(struct hostile *h)
{
	return 0;
}

static bool is_about_rings(const struct hostile_scenario *scenario)
{
	for (const struct hostile_scenario *s = hostile_ring; s->name; s++)
		if (s == scenario)
			return true;
	return strcmp(scenario->name, "ring page goes away") == 0;
}

int clauses_run_scenario(struct world *w, const struct hostile_scenario *given)
{
	struct hostile_scenario scenario = *given;
	const struct hostile_target target = {
		.device_id = w->cd->device_id,
		.features = w->cd->features,
		.nr_queues = w->cd->nr_queues,
		.request = request,
		.hides_needs_reset = w->excused & SHOULD_SET_NEEDS_RESET,
	};
	struct hostile h;
	int ret;

	if (!world_has(w, F_INDIRECT | F_EVENT_IDX))
		return world_skip(w, "its driver takes INDIRECT_DESC and EVENT_IDX, which are not offered");
	attacked = w;
	hostile_start(&h, &w->bus.bus, &target);
	if (w->cd->flags & CONFORMANCE_RINGS_ELSEWHERE && is_about_rings(given)) {
		/* What comes of it is for whoever serves them; the device lives, and works after a reset. */
		given->run(&h);
		scenario = (struct hostile_scenario){given->name, run_nothing, HOSTILE_EITHER, false};
	}
	ret = hostile_run(&h, &scenario);
	attacked = NULL;
	/* As no_event_no_bit() of clauses-mmio.c. */
	if (ret && w->cd->flags & CONFORMANCE_RINGS_ELSEWHERE &&
	    strcmp(h.why, "InterruptStatus is 0x1 after all was acknowledged") == 0)
		return world_skip(w, "this host's irqfd leaves InterruptStatus to nobody");
	if (ret && w->why[0]) {
		size_t len = strlen(w->why);

		strncat(w->why, ": ", sizeof(w->why) - len - 1);
		strncat(w->why, h.why, sizeof(w->why) - strlen(w->why) - 1);
		return ret;
	}
	return ret ? world_fail(w, "%s", h.why) : 0;
}

bool clauses_hostile(unsigned int i, struct clause *clause)
{
	static const struct hostile_scenario *const tables[] = {hostile_mmio, hostile_setup, hostile_ring, hostile_hole};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct hostile_scenario *s = tables[t]; s->name; s++) {
			if (i--)
				continue;
			*clause = (struct clause){"hostile", s->name, NULL, NEEDS_HOLE | JUDGES_LEFT, s};
			return true;
		}
	}
	return false;
}
