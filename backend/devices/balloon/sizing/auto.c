// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --auto: a timer, figures, a decision, orders. A step that is not over when the next is due is
 * waited for.
 */
#include "backend/devices/balloon/sizing/auto.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/clock.h"
#include "backend/base/size.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/** statistics are late, not stale, for so many of their intervals, and for so long */
#define STALE_INTERVALS 4u
#define STALE_MIN_MS 5000u
/** what a guest has too much is taken from it at this pace, however often it is looked at */
#define SHRINK_MS 5000u
#define HOLD_MS 30000u
#define HOLD_MAX_MS 600000u
#define QUIET_MS 2000u
#define YOUNG_MS 30000u
/** until what a guest uses is told, looked at and answered, and as long again until that has moved */
#define AHEAD_INTERVALS 4u
/** what one gives for another is there sooner than the next interval, as may be a guest's word on what was taken from it: both are looked
 * for so many times in it */
#define ASKED_PARTS 5u
#define STUCK_INTERVALS 12u
#define STUCK_MIN_MS 20000u
#define RETRY_MS 300000u

/** of one guest, from step to step */
struct entry {
	uint32_t domid, devid;
	uint64_t domain_max_kib; /* tells domains apart that had one number in turn, most of the
				    time */
	enum policy_verdict verdict;
	uint64_t owed_kib;
	bool tells; /* in this step: it is one of the last that has not left */
	struct policy_memory memory;
};

struct autopilot {
	struct auto_config cfg;
	struct timer *timer;
	struct entry *entry;
	size_t nr;
};

struct policy_config auto_policy(unsigned int low_percent, unsigned int high_percent,
				 uint64_t floor_kib, bool overcommit, unsigned int interval_ms)
{
	unsigned int stuck_ms = STUCK_INTERVALS * interval_ms;
	unsigned int stale_ms = STALE_INTERVALS * interval_ms;

	return (struct policy_config){
		.low_percent = low_percent,
		.high_percent = high_percent,
		.floor_kib = floor_kib,
		.overcommit = overcommit,
		.stale_ms = stale_ms > STALE_MIN_MS ? stale_ms : STALE_MIN_MS,
		.stuck_ms = stuck_ms > STUCK_MIN_MS ? stuck_ms : STUCK_MIN_MS,
		.retry_ms = RETRY_MS,
		.shrink_ms = SHRINK_MS,
		.hold_ms = HOLD_MS,
		.hold_max_ms = HOLD_MAX_MS,
		.quiet_ms = QUIET_MS,
		.ahead_ms = AHEAD_INTERVALS * interval_ms,
		.young_ms = YOUNG_MS,
	};
}

/* @value: out, KiB. Return: whether the guest told. */
static bool get_stat(const struct balloon_figures *f, enum balloon_stat tag, uint64_t *kib)
{
	*kib = f->stats[tag] / 1024;
	return f->stats_sequence && f->stats_valid & UINT32_C(1) << tag;
}

/*
 * What is available now: statistics are older than the balloon's size, and what a guest uses stays
 * while its balloon moves.
 */
static uint64_t available_now(const struct balloon_figures *f, uint64_t then_kib)
{
	uint64_t now, gone = balloon_gone_kib(f);

	if (gone > f->stats_ballooned_kib) {
		now = gone - f->stats_ballooned_kib;
		return then_kib > now ? then_kib - now : 0;
	}
	if (__builtin_add_overflow(then_kib, f->stats_ballooned_kib - gone, &now))
		now = UINT64_MAX;
	return now;
}

/* Bytes to KiB, events as they are. */
static void take_counter(struct pressure_set *set, const struct balloon_figures *f,
			 enum pressure_counter c, enum balloon_stat tag, unsigned int divisor)
{
	uint64_t value = f->stats[tag] / divisor;

	if (!(f->stats_valid & UINT32_C(1) << tag))
		return;
	if (!(set->valid & UINT32_C(1) << c) || value > set->value[c])
		set->value[c] = value;
	set->valid |= UINT32_C(1) << c;
}

static struct pressure_set take_counters(const struct balloon_figures *f)
{
	uint64_t now_ms = clock_now_ms();
	struct pressure_set set = {
		.sequence = f->stats_sequence,
		.at_ms = now_ms > f->stats_age_ms ? now_ms - f->stats_age_ms : 0,
		.has_kib = f->static_max_kib > f->stats_ballooned_kib
				   ? f->static_max_kib - f->stats_ballooned_kib
				   : 0,
		.filling = balloon_wanted_kib(f) > f->stats_ballooned_kib,
	};

	take_counter(&set, f, PRESSURE_SWAP_IN, BALLOON_STAT_SWAP_IN, 1024);
	take_counter(&set, f, PRESSURE_MAJOR_FAULTS, BALLOON_STAT_MAJOR_FAULTS, 1);
	take_counter(&set, f, PRESSURE_OOM_KILL, BALLOON_STAT_OOM_KILL, 1);
	take_counter(&set, f, PRESSURE_ALLOC_STALL, BALLOON_STAT_ALLOC_STALL, 1);
	/* what was scanned is at least what was reclaimed; a driver may tell one of them */
	take_counter(&set, f, PRESSURE_DIRECT, BALLOON_STAT_DIRECT_SCAN, 1024);
	take_counter(&set, f, PRESSURE_DIRECT, BALLOON_STAT_DIRECT_RECLAIM, 1024);
	take_counter(&set, f, PRESSURE_ASYNC, BALLOON_STAT_ASYNC_SCAN, 1024);
	set.free_valid = get_stat(f, BALLOON_STAT_FREE_MEMORY, &set.free_kib);
	return set;
}

struct policy_guest auto_guest(const struct balloon_figures *f)
{
	struct policy_guest g = {
		.static_max_kib = f->static_max_kib,
		.floor_kib = f->dynamic_min_kib,
		.most_kib = f->limit_kib,
		.share = f->share < POLICY_SHARE_MAX ? (unsigned int)f->share : POLICY_SHARE_MAX,
		.target_kib = f->target_kib,
		.balloon_kib = balloon_gone_kib(f),
		.unowed_kib = f->unowed_kib,
		.stats_age_ms = f->stats_age_ms,
		.stall_kib = f->stall == BALLOON_STALL_HOST ? f->stall_kib : 0,
		.driver_ok = f->common.driver_ok,
		.pinned = f->pinned,
		.counters = take_counters(f),
	};
	uint64_t free_kib, caches_kib;

	g.has_stats = get_stat(f, BALLOON_STAT_AVAILABLE_MEMORY, &g.available_kib);
	/* drivers before Linux 4.6 tell less */
	if (!g.has_stats && get_stat(f, BALLOON_STAT_FREE_MEMORY, &free_kib)) {
		g.has_stats = true;
		if (!get_stat(f, BALLOON_STAT_DISK_CACHES, &caches_kib) ||
		    __builtin_add_overflow(free_kib, caches_kib, &g.available_kib))
			g.available_kib = free_kib;
	}
	g.available_kib = available_now(f, g.available_kib);
	return g;
}

/* --- a step --- */

static struct entry *find_entry(const struct autopilot *a, const struct balloon_figures *f)
{
	for (size_t i = 0; i < a->nr; i++) {
		if (a->entry[i].domid == f->common.domid && a->entry[i].devid == f->common.devid &&
		    a->entry[i].domain_max_kib == f->domain_max_kib)
			return &a->entry[i];
	}
	return NULL;
}

static void tell(const struct autopilot *a, const struct balloon_figures *f, struct entry *e,
		 const struct policy_order *o)
{
	char size[SIZE_TEXT_MAX];

	if (o->target_kib != f->target_kib)
		log_msg(a->cfg.log, LOG_LEVEL_INFO, 0,
			"--auto: domain %" PRIu32 ": %s: shall have %s", f->common.domid,
			policy_verdict_name(o->verdict), size_format(o->target_kib, size));
	if (o->verdict == POLICY_STUCK && e->verdict != POLICY_STUCK)
		log_limited(a->cfg.log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
			    "--auto: domain %" PRIu32
			    " does not follow its target: left alone for %u s",
			    f->common.domid, RETRY_MS / 1000);
	e->verdict = o->verdict;
}

static uint64_t owed_kib(const struct balloon_figures *f)
{
	return f->ballooned_kib > f->unowed_kib ? f->ballooned_kib - f->unowed_kib : 0;
}

/* Memories that are there are taken along; those of guests that are gone are not. */
static struct entry *make_entries(const struct autopilot *a, const struct balloon_figures *f, size_t nr)
{
	struct entry *entry = calloc(nr + 1, sizeof(*entry));

	for (size_t i = 0; entry && i < nr; i++) {
		const struct entry *old = find_entry(a, &f[i]);

		if (old)
			entry[i] = *old;
		entry[i].domid = f[i].common.domid;
		entry[i].devid = f[i].common.devid;
		entry[i].domain_max_kib = f[i].domain_max_kib;
		entry[i].owed_kib = owed_kib(&f[i]);
	}
	return entry;
}

static void add_owed(uint64_t *sum, uint64_t kib)
{
	if (__builtin_add_overflow(*sum, kib, sum))
		*sum = UINT64_MAX;
}

/* @a still has the entries of the last step. */
static struct room_owed count_owed(struct autopilot *a, const struct balloon_figures *f, size_t nr)
{
	struct room_owed owed = {0};

	for (size_t i = 0; i < a->nr; i++)
		a->entry[i].tells = false;
	for (size_t i = 0; i < nr; i++) {
		struct entry *old = find_entry(a, &f[i]);

		add_owed(&owed.kib, owed_kib(&f[i]));
		if (old)
			old->tells = true;
		else
			add_owed(&owed.came_kib, owed_kib(&f[i]));
	}
	for (size_t i = 0; i < a->nr; i++) {
		if (!a->entry[i].tells)
			add_owed(&owed.left_kib, a->entry[i].owed_kib);
	}
	return owed;
}

static bool decide(struct autopilot *a, uint64_t free_kib, const struct balloon_figures *f, size_t nr)
{
	struct policy_guest *g = calloc(nr + 1, sizeof(*g));
	struct policy_memory *m = calloc(nr + 1, sizeof(*m));
	struct policy_order *o = calloc(nr + 1, sizeof(*o));
	struct entry *entry = make_entries(a, f, nr);
	struct policy_config policy = a->cfg.policy;
	bool asked = false;

	if (!g || !m || !o || !entry) {
		free(entry);
		goto out;
	}
	for (size_t i = 0; i < nr; i++) {
		g[i] = auto_guest(&f[i]);
		m[i] = entry[i].memory;
		/* at the first look nobody has just come */
		if (!a->entry)
			m[i].young_until_ms = 1;
	}
	if (a->cfg.hold) {
		struct room_owed owed = count_owed(a, f, nr);

		policy.hold_kib = a->cfg.hold(a->cfg.opaque, free_kib, &owed);
	}
	asked = policy_step(&policy, free_kib, clock_now_ms(), g, m, o, nr);
	for (size_t i = 0; i < nr; i++) {
		entry[i].memory = m[i];
		tell(a, &f[i], &entry[i], &o[i]);
	}
	free(a->entry);
	a->entry = entry;
	a->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		if (o[i].target_kib != f[i].target_kib)
			a->cfg.order(a->cfg.opaque, &f[i], o[i].target_kib);
	}
out:
	free(g);
	free(m);
	free(o);
	return asked;
}

static void arm(struct autopilot *a)
{
	timer_set(a->timer, a->cfg.interval_ms);
}

static void on_figures(void *opaque, const struct figures *common, size_t nr)
{
	const struct balloon_figures *f = (const struct balloon_figures *)common;
	struct autopilot *a = opaque;
	uint64_t free_kib;
	int rc;

	arm(a);
	if (!nr && !a->cfg.hold)
		return;
	rc = a->cfg.host_free(a->cfg.opaque, &free_kib);
	if (!rc && decide(a, free_kib, f, nr))
		timer_set(a->timer, a->cfg.interval_ms / ASKED_PARTS);
	else if (rc)
		log_limited(a->cfg.log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, rc < 0 ? rc : -EIO,
			    "--auto: the host's free memory cannot be told");
}

static void on_timer(void *opaque)
{
	struct autopilot *a = opaque;

	a->cfg.collect(a->cfg.collect_opaque, on_figures, a);
}

int auto_new(struct autopilot **out, const struct auto_config *cfg)
{
	struct autopilot *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	a->timer = timer_new(cfg->base, on_timer, a);
	if (!a->timer) {
		free(a);
		return -ENOMEM;
	}
	arm(a);
	*out = a;
	return 0;
}

/* What has changed is looked at when the figures are there: those that are under way will do. */
void auto_soon(struct autopilot *a)
{
	if (a && timer_is_set(a->timer))
		timer_set(a->timer, 0);
}

void auto_free(struct autopilot *a)
{
	if (!a)
		return;
	timer_free(a->timer);
	free(a->entry);
	free(a);
}
