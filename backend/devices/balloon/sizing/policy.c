// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy. A step judges each guest alone first, then lets those under pressure grow, the worst
 * first, as far as the host's free memory goes, and then has others give what is still missing.
 *
 * What a guest uses is what it has less what is available to it, and hardly changes with its size:
 * so the size at which a wanted share is available is known, and is gone to in few steps.
 */
#include "backend/devices/balloon/sizing/policy.h"
#include "backend/devices/balloon/sizing/policy-ahead.h"
#include "backend/devices/balloon/sizing/policy-give.h"
#include "backend/devices/balloon/sizing/policy-last.h"
#include "backend/devices/balloon/sizing/policy-shares.h"
#include "backend/devices/balloon/sizing/policy-sizes.h"

/** a guest whose counters show pressure grows by at least this part of static-max, and at most */
#define FELT_MIN_STEP 64u
#define FELT_MAX_STEP 8u
/** what one was told to give counts as coming for this part of stuck_ms after it moved by so much last: longer, others are asked as well */
#define COMING_PART 10u
#define COMING_KIB (16u * POLICY_GRAIN_KIB)
/** it is in as much need as one that has this part of what it has available */
#define FELT_PART 4u

static uint64_t size_for(const struct policy_config *cfg, const struct policy_guest *g,
			 uint64_t has_kib, unsigned int percent)
{
	return policy_size_for_use(cfg, g, less(has_kib, g->available_kib), percent);
}

/* --- one guest --- */

static bool has_too_much(const struct policy_guest *g, const struct policy_order *o)
{
	return o->has_kib > add_capped(g->target_kib, policy_tolerance(g));
}

static bool has_too_little(const struct policy_guest *g, const struct policy_order *o)
{
	return g->target_kib > add_capped(o->has_kib, policy_tolerance(g));
}

/* How far it came on its way to what it was told last. A page now and then is no way. */
static void note_pace(uint64_t now_ms, const struct policy_guest *g, struct policy_memory *m)
{
	uint64_t some = min_u64(policy_tolerance(g), COMING_KIB);

	if (g->target_kib == m->target_kib && g->balloon_kib < add_capped(m->paced_kib, some))
		return;
	m->paced_kib = g->balloon_kib;
	m->paced_ms = now_ms;
}

/* Whether it has not come nearer to its target for too long. That the host has nothing is no fault.
 */
static bool is_stuck(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g,
		     struct policy_memory *m, const struct policy_order *o)
{
	bool moved = has_too_much(g, o)	    ? g->balloon_kib > m->balloon_kib
		     : has_too_little(g, o) ? g->balloon_kib < m->balloon_kib || g->stall_kib
					    : true;

	if (moved || !m->moved_ms || g->target_kib != m->target_kib)
		m->moved_ms = now_ms;
	m->target_kib = g->target_kib;
	m->balloon_kib = g->balloon_kib;
	if (now_ms - m->moved_ms >= cfg->stuck_ms) {
		m->stuck_until_ms = add_capped(now_ms, cfg->retry_ms);
		m->declines = has_too_little(g, o);
	}
	if (now_ms >= m->stuck_until_ms)
		m->stuck_until_ms = 0;
	return m->stuck_until_ms != 0;
}

/* It can take nothing, or says nothing. */
static bool is_blind(const struct policy_config *cfg, const struct policy_guest *g)
{
	return !g->driver_ok || !g->has_stats || g->stats_age_ms > cfg->stale_ms;
}

/*
 * The counters show pressure. What it has and gets now it keeps for a while; when it was made to
 * feel it again soon after that, it was taken too far, and keeps it for twice as long.
 */
static void feel(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g,
		 struct policy_memory *m, struct policy_order *o, const struct pressure *p)
{
	uint64_t least = policy_step_kib(g, FELT_MIN_STEP);
	uint64_t most = policy_step_kib(g, FELT_MAX_STEP);
	/* as much again will be missing by the time it is there; and what was not enough is doubled */
	uint64_t twice = add_capped(p->moved_kib, p->moved_kib);
	uint64_t last = now_ms - m->felt_ms < cfg->quiet_ms ? m->more_kib : 0;
	uint64_t more = p->killed ? most : min_u64(max_u64(max_u64(twice, least), 2 * last), most);

	if (!m->hold_ms || now_ms > add_capped(m->felt_until_ms, m->hold_ms))
		m->hold_ms = cfg->hold_ms;
	else if (now_ms >= m->felt_until_ms)
		m->hold_ms = min_u64(2 * m->hold_ms, cfg->hold_max_ms);
	m->felt_ms = now_ms;
	m->more_kib = more;
	/* swapping then, and reading now, are one story */
	m->only_read = p->only_read && (m->only_read || now_ms >= m->felt_until_ms);
	m->felt_until_ms = add_capped(now_ms, m->hold_ms);
	o->felt_kib = min_u64(add_capped(o->has_kib, more + POLICY_GRAIN_KIB - 1), policy_most(g));
	if (o->felt_kib < policy_most(g))
		o->felt_kib -= o->felt_kib % POLICY_GRAIN_KIB;
	m->felt_kib = o->felt_kib;
	m->felt_used_kib = policy_used_kib(g, o);
	o->permille = p->killed ? 0 : o->permille / FELT_PART;
}

/* What it keeps of what it has: @size at least. */
static uint64_t keeps(const struct policy_order *o, uint64_t size, bool in_need)
{
	size = max_u64(size, o->least_kib);
	if (!in_need || !(o->quiet || o->gives))
		size = max_u64(size, o->kept_kib);
	return min_u64(size, o->has_kib);
}

static void grow_old(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g,
		     struct policy_memory *m, struct policy_order *o)
{
	if (!g->driver_ok)
		m->young_until_ms = 0;
	else if (!m->young_until_ms)
		m->young_until_ms = add_capped(now_ms, cfg->young_ms);
	o->least_kib = now_ms < m->young_until_ms ? g->static_max_kib / 2 : 0;
}

static bool is_under_pressure(const struct policy_config *cfg, const struct policy_guest *g,
			      const struct policy_order *o)
{
	return g->stall_kib || o->felt_kib || o->permille < cfg->low_percent * 10u ||
	       o->has_kib < policy_floor(cfg, g);
}

/* What it has is what it shall have: nobody waits for what will not come. */
static void settle(const struct policy_guest *g, struct policy_order *o)
{
	if (has_too_much(g, o) || has_too_little(g, o))
		o->target_kib = o->has_kib;
}

/* Told at another size, as what is available was. */
static uint64_t free_now(const struct policy_guest *g, const struct policy_order *o)
{
	const struct pressure_set *c = &g->counters;

	return c->free_valid ? less(add_capped(c->free_kib, o->has_kib), c->has_kib) : UINT64_MAX;
}

/* What it may miss was taken from it, and it has not told how it is without that. */
static void watch(uint64_t now_ms, const struct policy_guest *g, struct policy_memory *m, const struct policy_order *o)
{
	if (has_too_much(g, o))
		m->moving_ms = now_ms;
	if (now_ms >= m->watch_until_ms || less(now_ms, g->stats_age_ms) > m->moving_ms)
		m->watch_until_ms = 0;
}

static void judge(const struct policy_config *cfg, uint64_t now_ms, bool room_missing, const struct policy_guest *g,
		  struct policy_memory *m, struct policy_order *o)
{
	struct pressure p;
	bool stuck;

	*o = (struct policy_order){
		.target_kib = g->target_kib,
		.has_kib = less(g->static_max_kib, g->balloon_kib),
	};
	note_pace(now_ms, g, m);
	stuck = is_stuck(cfg, now_ms, g, m, o);
	watch(now_ms, g, m, o);
	p = pressure_look(&m->counters, &g->counters);
	grow_old(cfg, now_ms, g, m, o);
	o->takes = g->driver_ok && !(stuck && m->declines);
	if (g->pinned) {
		o->verdict = POLICY_PINNED;
		return;
	}
	if (is_blind(cfg, g)) {
		o->verdict = POLICY_BLIND;
		/* it was asked for memory, or promised some, by figures that are no longer true */
		o->takes = false;
		settle(g, o);
		return;
	}
	o->permille = o->has_kib >= 1000
			      ? min_u64(g->available_kib, o->has_kib) / (o->has_kib / 1000)
			      : 0;
	/* room that somebody asked for comes before files that may be new to who reads them */
	if (p.felt && !(p.only_read && room_missing))
		feel(cfg, now_ms, g, m, o, &p);
	/* what it uses no more it does not lack either */
	o->kept_kib = now_ms < m->felt_until_ms
			      ? less(m->felt_kib, less(m->felt_used_kib, policy_used_kib(g, o)))
			      : 0;
	/* whether what it gave was too much shows a while later */
	o->quiet = now_ms - max_u64(m->felt_ms, m->gave_ms) >= cfg->quiet_ms;
	o->gives = m->only_read && (now_ms - m->felt_ms >= cfg->quiet_ms || room_missing);
	policy_ahead_look(cfg, now_ms, g, m, o, &p);
	o->spare_kib = free_now(g, o);
	o->ahead = !is_under_pressure(cfg, g, o);
	if ((!o->ahead || policy_ahead_lacks(cfg, g, m, o)) && !(stuck && m->declines)) {
		o->verdict = POLICY_GROW;
		m->shrink_at_ms = 0;
		o->wanted_kib =
			max_u64(policy_size_for_use(cfg, g, add_capped(policy_used_kib(g, o), m->ahead_kib),
					     policy_mid(cfg)),
				min_u64(add_capped(o->has_kib, g->stall_kib), policy_most(g)));
		o->wanted_kib = max_u64(o->wanted_kib, o->felt_kib);
		policy_last_need(g, m, o);
		if (!stuck)
			policy_last_spare(cfg, g, m, o);
		return;
	}
	if (stuck) {
		o->verdict = POLICY_STUCK;
		settle(g, o);
		return;
	}
	o->verdict = POLICY_KEEP;
	policy_last_spare(cfg, g, m, o);
	o->pending = has_too_much(g, o) || has_too_little(g, o);
	if (o->permille <= cfg->high_percent * 10u || policy_ahead_soon(m) > o->spare_kib)
		m->shrink_at_ms = 0;
	else if (!m->shrink_at_ms)
		m->shrink_at_ms = add_capped(now_ms, cfg->shrink_ms);
	if (m->shrink_at_ms && now_ms >= m->shrink_at_ms && !o->pending)
		o->verdict = POLICY_SHRINK;
}

/* --- the host --- */

/* Promised, and not taken yet: it is free, and somebody's. */
static uint64_t promised(const struct policy_guest *g, const struct policy_order *o)
{
	/* what it waits for the device gives it as soon as there is some, whatever is decided here */
	return max_u64(o->takes ? less(g->target_kib, o->has_kib) : 0, g->stall_kib);
}

/* It was told to give, and does: whoever only says that it has so much shall not keep others from being asked. */
static uint64_t coming_from(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g, const struct policy_memory *m,
			    const struct policy_order *o)
{
	bool moves = now_ms - m->paced_ms <= cfg->stuck_ms / COMING_PART;

	return o->verdict == POLICY_KEEP && moves ? less(o->has_kib, g->target_kib) : 0;
}

/* The one under the worst pressure that was not looked after; @nr: none. */
static size_t worst(const struct policy_order *o, size_t nr)
{
	size_t found = nr;

	for (size_t i = 0; i < nr; i++) {
		if (o[i].verdict == POLICY_GROW && !o[i].pending &&
		    (found == nr || o[i].permille < o[found].permille))
			found = i;
	}
	return found;
}

/* Return: KiB that those under pressure still miss. */
static uint64_t grow(uint64_t *budget_kib, const struct policy_guest *g, struct policy_order *o,
		     size_t nr)
{
	uint64_t missing = 0;

	for (size_t i = worst(o, nr); i < nr; i = worst(o, nr)) {
		/* what it was promised already is not in the budget any more */
		uint64_t base = add_capped(o[i].has_kib, promised(&g[i], &o[i]));
		uint64_t step = policy_step_kib(&g[i], POLICY_STEP);
		uint64_t more = min_u64(less(o[i].wanted_kib, base), step);
		uint64_t given = min_u64(more, *budget_kib);

		o[i].pending = true;
		/* who only will lack something takes nothing from others */
		if (!o[i].ahead)
			missing = add_capped(missing, more - given);
		*budget_kib -= given;
		/* at the least it is not asked for anything */
		o[i].target_kib = min_u64(add_capped(base, given), policy_most(&g[i]));
	}
	return missing;
}

/* The size it could give down to, in however many steps. @kept: also of what it keeps */
static uint64_t donor_least(const struct policy_config *cfg, const struct policy_guest *g,
			    const struct policy_order *o, bool kept)
{
	unsigned int percent = (cfg->low_percent + policy_mid(cfg)) / 2;

	return keeps(o, size_for(cfg, g, o->has_kib, percent), kept || o->gives);
}

/* In one step; what it has: nothing. */
static uint64_t donor_size(const struct policy_config *cfg, const struct policy_guest *g,
			   const struct policy_order *o, bool kept)
{
	uint64_t step = policy_step_kib(g, kept ? POLICY_CAREFUL_STEP : POLICY_STEP);

	return max_u64(donor_least(cfg, g, o, kept), less(o->has_kib, step));
}

static bool may_give(const struct policy_order *o)
{
	return (o->verdict == POLICY_KEEP || o->verdict == POLICY_SHRINK) && !o->pending;
}

/* In this step; 0: too little to be asked for. */
static uint64_t can_give(const struct policy_config *cfg, const struct policy_guest *g, const struct policy_order *o, bool kept)
{
	uint64_t can = may_give(o) ? o->has_kib - donor_size(cfg, g, o, kept) : 0;

	return can > policy_tolerance(g) ? can : 0;
}

static uint64_t give(const struct policy_config *cfg, uint64_t missing_kib, const struct policy_guest *g, struct policy_order *o, size_t nr,
		     bool kept)
{
	for (size_t i = 0; i < nr; i++)
		o[i].can_kib = can_give(cfg, &g[i], &o[i], kept);
	return policy_give(missing_kib, g, o, nr);
}

/* --- shares --- */

/* What guests under pressure have, what is free, and what others can give: nobody wants more than its part of that. */
static bool divide(const struct policy_config *cfg, uint64_t free_kib, const struct policy_guest *g,
		   struct policy_order *o, size_t nr)
{
	uint64_t all = free_kib;

	for (size_t i = 0; i < nr; i++) {
		o[i].claims = o[i].verdict == POLICY_GROW && !o[i].ahead;
		o[i].least_of_claim_kib = min_u64(max_u64(policy_floor(cfg, &g[i]), o[i].least_kib), o[i].wanted_kib);
		if (o[i].claims)
			all = add_capped(all, add_capped(o[i].has_kib, promised(&g[i], &o[i])));
		else if (may_give(&o[i]))
			all = add_capped(all, o[i].has_kib - donor_least(cfg, &g[i], &o[i], true));
	}
	if (!policy_shares_divide(g, o, nr, all))
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (o[i].claims) {
			o[i].wanted_kib = o[i].part_kib;
			o[i].must_kib = min_u64(o[i].must_kib, o[i].part_kib);
		}
		else if (o[i].verdict == POLICY_GROW)
			o[i].pending = true; /* who will want something waits */
	}
	return true;
}

/* What is missing still those give who have more than their part. */
static void give_parts(uint64_t missing_kib, const struct policy_guest *g, struct policy_order *o, size_t nr)
{
	for (size_t i = 0; i < nr && missing_kib; i++) {
		uint64_t step = policy_step_kib(&g[i], POLICY_CAREFUL_STEP), can;

		if (!o[i].claims || o[i].has_kib <= add_capped(o[i].part_kib, policy_tolerance(&g[i])))
			continue;
		can = min_u64(min_u64(o[i].has_kib - o[i].part_kib, step), max_u64(missing_kib, 2 * policy_tolerance(&g[i])));
		o[i].verdict = POLICY_GIVE;
		o[i].target_kib = o[i].has_kib - can;
		missing_kib = less(missing_kib, can);
	}
}

static void shrink(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g,
		   struct policy_memory *m, struct policy_order *o)
{
	/* what lies free in it, it does not miss */
	uint64_t step = max_u64(policy_step_kib(g, POLICY_CAREFUL_STEP), o->last_kib);
	uint64_t size = keeps(o, max_u64(size_for(cfg, g, o->has_kib, policy_mid(cfg)),
					 less(o->has_kib, step)),
			      false);

	m->shrink_at_ms = add_capped(now_ms, cfg->shrink_ms);
	if (add_capped(size, policy_tolerance(g)) >= o->has_kib) {
		o->verdict = POLICY_KEEP;
		return;
	}
	o->target_kib = size;
	if (o->has_kib - size > o->last_kib) {
		m->moving_ms = now_ms;
		m->watch_until_ms = add_capped(now_ms, cfg->ahead_ms);
	}
}

bool policy_step(const struct policy_config *cfg, uint64_t free_kib, uint64_t now_ms,
		 const struct policy_guest *g, struct policy_memory *m, struct policy_order *o,
		 size_t nr)
{
	uint64_t owed = 0, taken = 0, coming = 0, missing, asked = 0;
	bool may_ask, divided, gives = false;

	for (size_t i = 0; i < nr; i++) {
		judge(cfg, now_ms, free_kib < cfg->hold_kib, &g[i], &m[i], &o[i]);
		owed = add_capped(owed, less(g[i].balloon_kib, g[i].unowed_kib));
		taken = add_capped(taken, promised(&g[i], &o[i]));
		coming = add_capped(coming, coming_from(cfg, now_ms, &g[i], &m[i], &o[i]));
	}
	/* the reserve (reserve.h): such orders would be refused */
	may_ask = cfg->overcommit || free_kib >= owed;
	taken = add_capped(taken, cfg->hold_kib);
	missing = less(taken, free_kib);
	free_kib = less(free_kib, taken);
	divided = divide(cfg, free_kib, g, o, nr);
	missing = add_capped(missing, grow(&free_kib, g, o, nr));
	if (may_ask) {
		asked = less(missing, coming);
		missing = give(cfg, asked, g, o, nr, false);
		missing = give(cfg, missing, g, o, nr, true);
		missing = policy_last_give(missing, asked - missing + coming, g, o, nr);
		gives = missing < asked;
		if (divided)
			give_parts(missing, g, o, nr);
	}
	for (size_t i = 0; i < nr; i++) {
		if (o[i].verdict == POLICY_GIVE && o[i].target_kib < o[i].kept_kib)
			m[i].gave_ms = now_ms;
	}
	for (size_t i = 0; i < nr; i++) {
		if (o[i].verdict == POLICY_SHRINK && may_ask)
			shrink(cfg, now_ms, &g[i], &m[i], &o[i]);
		else if (o[i].verdict == POLICY_SHRINK)
			o[i].verdict = POLICY_KEEP;
	}
	/* nothing, where somebody still misses some */
	policy_ahead_lend(free_kib, g, m, o, nr);
	for (size_t i = 0; i < nr; i++)
		gives |= m[i].watch_until_ms != 0;
	return gives;
}

const char *policy_verdict_name(enum policy_verdict verdict)
{
	static const char *const names[] = {
		[POLICY_KEEP] = "keep",	  [POLICY_GROW] = "grow",     [POLICY_SHRINK] = "shrink",
		[POLICY_GIVE] = "give",	  [POLICY_PINNED] = "pinned", [POLICY_BLIND] = "blind",
		[POLICY_STUCK] = "stuck",
	};

	return names[verdict];
}
