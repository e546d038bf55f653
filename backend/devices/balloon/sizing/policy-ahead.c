// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking ahead.
 */
#include "backend/devices/balloon/sizing/policy-ahead.h"
#include "backend/devices/balloon/sizing/policy-sizes.h"

/* @kib in @ms: so many in ahead_ms. */
static uint64_t in_ahead(const struct policy_config *cfg, uint64_t kib, uint64_t ms)
{
	uint64_t product;

	return (__builtin_mul_overflow(kib, (uint64_t)cfg->ahead_ms, &product) ? UINT64_MAX : product) / ms;
}

/*
 * How much more it will use ahead_ms from now, if it goes on as it did. One jump is no pace: the lesser of the last two counts. It is
 * looked at more often than it tells.
 */
void policy_ahead_look(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g, struct policy_memory *m,
		       const struct policy_order *o, const struct pressure *p)
{
	uint64_t told_ms = less(now_ms, g->stats_age_ms), used = policy_used_kib(g, o), grew = 0;

	if (p->ms)
		m->reads_kib = in_ahead(cfg, p->faulted_kib, p->ms);
	/* when it told is known to some ms only */
	if (told_ms <= m->used_ms || (g->counters.sequence && g->counters.sequence == m->used_sequence))
		return;
	if (m->used_ms)
		grew = in_ahead(cfg, less(used, m->used_kib), told_ms - m->used_ms);
	m->ahead_kib = min_u64(grew, m->grew_kib);
	m->grew_kib = grew;
	m->used_ms = told_ms;
	m->used_sequence = g->counters.sequence;
	m->used_kib = used;
}

bool policy_ahead_lacks(const struct policy_config *cfg, const struct policy_guest *g, const struct policy_memory *m,
			const struct policy_order *o)
{
	uint64_t then = add_capped(policy_used_kib(g, o), m->ahead_kib);

	return m->ahead_kib && then > o->has_kib - o->has_kib / 100 * cfg->low_percent;
}

uint64_t policy_ahead_soon(const struct policy_memory *m)
{
	return add_capped(m->grew_kib, m->reads_kib);
}

/*
 * Twice what it will use soon at its last pace, so that it need not be lent more at each step; 0: so much is free in it. A jump counts
 * here: what nobody wants costs nobody anything.
 */
static uint64_t loan(const struct policy_guest *g, const struct policy_memory *m, const struct policy_order *o)
{
	uint64_t soon = policy_ahead_soon(m), more = less(add_capped(soon, soon), o->spare_kib);

	if (o->verdict != POLICY_KEEP || o->pending || soon <= o->spare_kib)
		return 0;
	return min_u64(min_u64(more, policy_step_kib(g, POLICY_STEP)), less(policy_most(g), o->has_kib));
}

void policy_ahead_lend(uint64_t left_kib, const struct policy_guest *g, const struct policy_memory *m, struct policy_order *o, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t more = min_u64(loan(&g[i], &m[i], &o[i]), left_kib);

		if (more <= policy_tolerance(&g[i]))
			continue;
		o[i].target_kib = o[i].has_kib + more;
		o[i].verdict = POLICY_GROW;
		left_kib -= more;
	}
}
