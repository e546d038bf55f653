// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last that is left.
 */
#include "backend/devices/balloon/sizing/policy-last.h"
#include "backend/devices/balloon/sizing/policy-ahead.h"
#include "backend/devices/balloon/sizing/policy-give.h"
#include "backend/devices/balloon/sizing/policy-sizes.h"

/** a guest with less of its size than that free looks for memory (pressure.h) */
#define NONE_PART 32u
/** what it must have, and leaves itself */
#define LEFT_PART 16u

void policy_last_need(const struct policy_guest *g, const struct policy_memory *m, struct policy_order *o)
{
	uint64_t then = add_capped(policy_used_kib(g, o), m->ahead_kib);

	/* who only will lack something takes nothing from others */
	if (o->ahead)
		return;
	if (o->has_kib >= 1000)
		o->permille = min_u64(o->permille, less(o->has_kib, then) / (o->has_kib / 1000));
	if (!o->felt_kib && !g->stall_kib && less(o->has_kib, then) >= o->has_kib / NONE_PART)
		return;
	o->must_kib = max_u64(add_capped(o->has_kib, g->stall_kib), add_capped(then, then / LEFT_PART));
	o->must_kib = min_u64(max_u64(o->must_kib, o->felt_kib), policy_most(g));
}

void policy_last_spare(const struct policy_config *cfg, const struct policy_guest *g, const struct policy_memory *m,
		       struct policy_order *o)
{
	uint64_t left = max_u64(o->has_kib / LEFT_PART, add_capped(policy_ahead_soon(m), policy_ahead_soon(m))), size;

	if (o->must_kib > o->has_kib || o->spare_kib == UINT64_MAX)
		return;
	size = o->has_kib - less(min_u64(min_u64(o->spare_kib, g->available_kib), o->has_kib), left);
	if (size < o->kept_kib)
		size = max_u64(size, less(o->has_kib, o->quiet ? policy_step_kib(g, POLICY_CAREFUL_STEP) : 0));
	size = max_u64(size, max_u64(policy_floor(cfg, g), o->least_kib));
	o->last_kib = min_u64(less(o->has_kib, size), policy_step_kib(g, POLICY_STEP));
}

/* Who is under way, in either direction, has not that size yet. */
static bool is_there(const struct policy_guest *g, const struct policy_order *o)
{
	return less(o->target_kib, o->has_kib) <= policy_tolerance(g) && less(o->has_kib, o->target_kib) <= policy_tolerance(g);
}

uint64_t policy_last_give(uint64_t missing_kib, uint64_t given_kib, const struct policy_guest *g, struct policy_order *o, size_t nr)
{
	uint64_t must = 0, left;

	for (size_t i = 0; i < nr; i++) {
		must = add_capped(must, less(o[i].must_kib, max_u64(o[i].has_kib, o[i].target_kib)));
		o[i].can_kib = is_there(&g[i], &o[i]) && o[i].last_kib > policy_tolerance(&g[i]) ? o[i].last_kib : 0;
	}
	must = min_u64(less(must, given_kib), missing_kib);
	left = policy_give(must, g, o, nr);
	return missing_kib - (must - left);
}
