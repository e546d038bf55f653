// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of squeezed, the memory daemon of XAPI (XenServer, XCP-ng), written anew from its published
 * description: xapi-project/xen-api, doc/content/squeezed, "Design" and "Architecture".
 *
 *  - each domain has a range, dynamic-min to dynamic-max; memory is shared so that all domains have the
 *    same (target - min) / (max - min);
 *  - 9 MiB stay free, and so does what is reserved for a domain to be created;
 *  - it decides every 10 s, and when a reservation is asked for;
 *  - memory is freed first, then given out;
 *  - a balloon that makes no progress for 5 s is inactive: it keeps what it has.
 *
 * The ranges here are those of --auto: a quarter of static-max, to static-max. Its cap of a domain
 * (maxmem) is not modelled: it would keep a guest from taking memory back before it kills.
 */
#include "bench/policy/sim.h"

#include <stdlib.h>

#define SLUSH_KIB (9 * SIM_MIB)
#define POLL_MS 10000u
#define INACTIVE_MS 5000u
#define MIN_PART 4u
/** near enough to be there */
#define NEAR_KIB SIM_MIB

struct rule {
	struct sim_host *h;
	uint64_t reserved_kib;
	uint64_t next_ms;
	uint64_t ideal_kib[SIM_GUESTS_MAX];
	uint64_t had_kib[SIM_GUESTS_MAX];
	uint64_t moved_ms[SIM_GUESTS_MAX];
	bool under_way;
};

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t min_of(const struct sim_guest *g)
{
	return g->load->max_kib / MIN_PART;
}

static bool is_there(const struct sim_guest *g)
{
	return less(sim_has(g), g->target_kib) <= NEAR_KIB && less(g->target_kib, sim_has(g)) <= NEAR_KIB;
}

static bool is_inactive(struct rule *r, size_t i)
{
	const struct sim_guest *g = &r->h->guest[i];

	if (is_there(g) || sim_has(g) != r->had_kib[i])
		r->moved_ms[i] = r->h->now_ms;
	r->had_kib[i] = sim_has(g);
	return r->h->now_ms - r->moved_ms[i] >= INACTIVE_MS;
}

/* The same part of its range for each that is active. */
static void share(struct rule *r)
{
	uint64_t all = r->h->free_kib, kept = SLUSH_KIB + r->reserved_kib, ranges = 0, to_share;
	bool active[SIM_GUESTS_MAX] = {false};

	for (size_t i = 0; i < r->h->nr; i++) {
		const struct sim_guest *g = &r->h->guest[i];

		active[i] = g->created && !is_inactive(r, i);
		if (!active[i])
			continue;
		all += sim_has(g);
		kept += min_of(g);
		ranges += g->load->max_kib - min_of(g);
	}
	to_share = less(all, kept);
	for (size_t i = 0; i < r->h->nr; i++) {
		const struct sim_guest *g = &r->h->guest[i];
		uint64_t range = g->load->max_kib - min_of(g);

		r->ideal_kib[i] = !active[i]	       ? sim_has(g)
				  : to_share >= ranges ? g->load->max_kib
						       : min_of(g) + range * to_share / ranges;
	}
}

/* First those who give; the others as far as there is some. */
static void order(struct rule *r)
{
	uint64_t budget = less(r->h->free_kib, SLUSH_KIB + r->reserved_kib);

	r->under_way = false;
	for (size_t i = 0; i < r->h->nr; i++) {
		struct sim_guest *g = &r->h->guest[i];
		uint64_t more = less(r->ideal_kib[i], sim_has(g));

		if (!g->created)
			continue;
		if (!more) {
			sim_set_target(r->h, g, r->ideal_kib[i]);
		} else {
			more = more < budget ? more : budget;
			budget -= more;
			sim_set_target(r->h, g, sim_has(g) + more);
		}
		r->under_way |= less(r->ideal_kib[i], sim_has(g)) > NEAR_KIB ||
				less(sim_has(g), r->ideal_kib[i]) > NEAR_KIB;
	}
}

static void tick_squeezed(void *rule)
{
	struct rule *r = rule;
	uint64_t waiting = sim_waiting(r->h);

	if (waiting != r->reserved_kib || r->h->now_ms >= r->next_ms) {
		r->reserved_kib = waiting;
		r->next_ms = r->h->now_ms + POLL_MS;
		r->under_way = true;
		share(r);
	}
	if (!r->under_way)
		return;
	/* the loop goes on until all who are active are there */
	for (size_t i = 0; i < r->h->nr; i++) {
		if (is_inactive(r, i))
			r->ideal_kib[i] = sim_has(&r->h->guest[i]);
	}
	order(r);
}

static void *open_squeezed(struct sim_host *h)
{
	struct rule *r = calloc(1, sizeof(*r));

	if (r)
		r->h = h;
	return r;
}

const struct sim_rule sim_squeezed = {
	.name = "squeezed",
	.open = open_squeezed,
	.tick = tick_squeezed,
	.close = free,
};
