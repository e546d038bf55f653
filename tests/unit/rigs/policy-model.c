// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See policy-model.h.
 */
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

const struct policy_config model_usual = {
	.low_percent = 20,
	.high_percent = 40,
	.stale_ms = 20000,
	.stuck_ms = 60000,
	.retry_ms = 300000,
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t model_has(const struct policy_guest *g)
{
	return g->static_max_kib - g->balloon_kib;
}

static uint64_t floor_of(const struct host *h, const struct policy_guest *g)
{
	return least(g->floor_kib	? g->floor_kib
		     : h->cfg.floor_kib ? h->cfg.floor_kib
					: g->static_max_kib / 4,
		     g->static_max_kib);
}

struct host model_host(uint64_t free_mib)
{
	return (struct host){
		.cfg = model_usual, .free_kib = free_mib * MIB, .now_ms = 1, .step_ms = STEP_MS};
}

struct model *model_add(struct host *h, uint64_t max_mib, uint64_t used_mib)
{
	struct model *m = &h->model[h->nr++];

	*m = (struct model){
		.g = {.static_max_kib = max_mib * MIB,
		      .target_kib = max_mib * MIB,
		      .has_stats = true,
		      .driver_ok = true},
		.used_kib = used_mib * MIB,
		.rate_kib = UINT64_MAX,
	};
	return m;
}

/* --- what must hold in every step --- */

static uint64_t free_in(const struct policy_guest *g)
{
	return g->counters.free_valid ? g->counters.free_kib : 0;
}

static void check_step(const struct host *h, const struct policy_guest *g)
{
	uint64_t promised = 0, already = 0;

	for (size_t i = 0; i < h->nr; i++) {
		const struct policy_order *o = &h->order[i];
		uint64_t stall = g[i].stall_kib, now = model_has(&g[i]);

		/* the ends of what can be */
		assert_true(o->target_kib <= g[i].static_max_kib);
		if (o->target_kib < g[i].target_kib && o->target_kib < now)
			assert_true(o->target_kib >= floor_of(h, &g[i]));
		/* pinned is pinned; the blind are asked for nothing */
		if (g[i].pinned)
			assert_int_equal(o->target_kib, g[i].target_kib);
		if (!g[i].has_stats || g[i].stats_age_ms > h->cfg.stale_ms || !g[i].driver_ok)
			assert_true(o->target_kib >= least(g[i].target_kib, now));
		/* nor are those under pressure, but by shares, and for what is free in them */
		if (!h->by_shares && !g[i].pinned && g[i].has_stats && g[i].driver_ok &&
		    g[i].stats_age_ms <= h->cfg.stale_ms &&
		    g[i].available_kib * 100 < now * (h->cfg.low_percent - 1))
			assert_true(o->target_kib + free_in(&g[i]) >= least(now, g[i].target_kib));
		/* who does not take what he was promised is promised nothing */
		if (h->memory[i].stuck_until_ms && h->memory[i].declines)
			continue;
		already += g[i].target_kib > now + stall ? g[i].target_kib - now : stall;
		promised += o->target_kib > now + stall ? o->target_kib - now : stall;
	}
	/* never more than the host has; what was promised before cannot be taken back at once */
	assert_true(promised <= h->free_kib || promised <= already);
	/* pressure first: nobody grows who is not under pressure */
	for (size_t i = 0; i < h->nr; i++) {
		if (h->order[i].target_kib > g[i].target_kib && h->order[i].target_kib > model_has(&g[i]))
			assert_int_equal(h->order[i].verdict, POLICY_GROW);
	}
}

static void move(struct host *h, struct model *m)
{
	uint64_t wanted = m->g.static_max_kib - m->g.target_kib, kib;

	if (wanted > m->g.balloon_kib) {
		/* it gives no page that it uses */
		kib = least(wanted - m->g.balloon_kib, m->rate_kib);
		kib = least(kib, model_has(&m->g) > m->used_kib ? model_has(&m->g) - m->used_kib : 0);
		m->g.balloon_kib += kib;
		h->free_kib += kib;
	} else {
		kib = least(least(m->g.balloon_kib - wanted, m->rate_kib), h->free_kib);
		m->g.balloon_kib -= kib;
		h->free_kib -= kib;
	}
}

void model_use(struct host *h, struct model *m)
{
	uint64_t missing, kib;

	if (m->paused) {
		m->g.stats_age_ms += h->step_ms;
		return;
	}
	m->g.stall_kib = 0;
	if (m->used_kib > m->g.static_max_kib)
		m->used_kib = m->g.static_max_kib;
	if (m->used_kib > model_has(&m->g)) {
		missing = m->used_kib - model_has(&m->g);
		kib = least(missing, h->free_kib);
		m->g.balloon_kib -= kib;
		h->free_kib -= kib;
		m->g.stall_kib = missing - kib;
	}
	m->g.available_kib = model_has(&m->g) > m->used_kib ? model_has(&m->g) - m->used_kib : 0;
}

static void note_direction(struct model *m, uint64_t target_kib)
{
	int direction = target_kib > m->g.target_kib ? 1 : target_kib < m->g.target_kib ? -1 : 0;

	if (direction && m->direction && direction != m->direction)
		m->turns++;
	if (direction)
		m->direction = direction;
	m->moved_kib += direction > 0 ? target_kib - m->g.target_kib : m->g.target_kib - target_kib;
}

bool model_step(struct host *h)
{
	struct policy_guest g[GUESTS_MAX];
	bool any = false;

	for (size_t i = 0; i < h->nr; i++) {
		model_use(h, &h->model[i]);
		g[i] = h->model[i].g;
	}
	policy_step(&h->cfg, h->free_kib, h->now_ms, g, h->memory, h->order, h->nr);
	check_step(h, g);
	for (size_t i = 0; i < h->nr; i++) {
		any |= h->order[i].target_kib != g[i].target_kib;
		note_direction(&h->model[i], h->order[i].target_kib);
		h->model[i].g.target_kib = h->order[i].target_kib;
	}
	for (size_t i = 0; i < h->nr; i++) {
		if (h->model[i].g.driver_ok && !h->model[i].paused)
			move(h, &h->model[i]);
	}
	h->now_ms += h->step_ms;
	return any;
}

unsigned int model_settle(struct host *h, unsigned int limit)
{
	unsigned int quiet = 0;

	for (unsigned int i = 0; i < limit; i++) {
		quiet = model_step(h) ? 0 : quiet + 1;
		if (quiet == 3)
			return i - 2;
	}
	fail_msg("does not settle in %u steps", limit);
	return limit;
}

unsigned int model_percent(const struct model *m)
{
	return (unsigned int)(m->g.available_kib * 100 / model_has(&m->g));
}
