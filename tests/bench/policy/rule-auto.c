// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --auto itself: the code of the daemon (sizing/auto.c, policy.c, pressure.c), with its defaults and
 * --overcommit, on a clock that the simulation lets pass. Guests are asked for statistics every 250 ms,
 * and looked at 100 ms later; room is held for one that waits to be created.
 */
#include "backend/devices/balloon/sizing/auto.h"
#include "bench/policy/sim.h"
#include "fake/machine-fake.h"

#include <event2/event.h>
#include <stdlib.h>

#define INTERVAL_MS 250u
/** statistics are asked for so long after each look */
#define SAMPLE_MS 150u

struct rule {
	struct sim_host *h;
	struct event_base *base;
	struct log log;
	struct autopilot *autopilot;
	bool older; /* guests */
	uint64_t since_ms;
	uint64_t waiting_kib; /* for a guest to be created */
	struct balloon_figures f[SIM_GUESTS_MAX];
	struct balloon_figures seen[SIM_GUESTS_MAX]; /* those of them that exist */
};

static void put(struct balloon_figures *f, enum balloon_stat tag, uint64_t value)
{
	f->stats[tag] = value;
	f->stats_valid |= UINT32_C(1) << tag;
}

/* As a guest of Linux 6.12 or newer answers; or one of before that. */
static void sample(struct balloon_figures *f, const struct sim_guest *g, bool older)
{
	const struct sim_counters *c = &g->counters;

	put(f, BALLOON_STAT_SWAP_IN, c->swap_in_kib * 1024);
	put(f, BALLOON_STAT_SWAP_OUT, c->swap_out_kib * 1024);
	put(f, BALLOON_STAT_MAJOR_FAULTS, c->major_faults);
	put(f, BALLOON_STAT_FREE_MEMORY, sim_free(g) * 1024);
	put(f, BALLOON_STAT_AVAILABLE_MEMORY, sim_available(g) * 1024);
	put(f, BALLOON_STAT_DISK_CACHES, (g->kept_kib + g->old_kib) * 1024);
	f->stats_sequence++;
	f->stats_age_ms = 0;
	f->stats_ballooned_kib = g->balloon_kib;
	if (older)
		return;
	put(f, BALLOON_STAT_OOM_KILL, c->oom_kills);
	put(f, BALLOON_STAT_ALLOC_STALL, c->alloc_stalls);
	put(f, BALLOON_STAT_ASYNC_SCAN, c->async_scan_kib * 1024);
	put(f, BALLOON_STAT_DIRECT_SCAN, c->direct_scan_kib * 1024);
}

static void collect(void *opaque, figures_done *done, void *arg)
{
	struct rule *r = opaque;
	size_t nr = 0;

	for (size_t i = 0; i < r->h->nr; i++) {
		const struct sim_guest *g = &r->h->guest[i];

		if (!g->created)
			continue;
		r->f[i].common.domid = (uint32_t)i + 1;
		r->f[i].common.driver_ok = true;
		r->f[i].static_max_kib = g->load->max_kib;
		r->f[i].target_kib = g->target_kib;
		r->f[i].ballooned_kib = g->balloon_kib;
		r->seen[nr++] = r->f[i];
	}
	done(arg, &r->seen[0].common, nr);
}

static int host_free(void *opaque, uint64_t *kib)
{
	struct rule *r = opaque;

	*kib = r->h->free_kib;
	return 0;
}

static uint64_t hold(void *opaque, uint64_t free_kib, const struct room_owed *owed)
{
	struct rule *r = opaque;

	return sim_waiting(r->h);
}

static void order(void *opaque, const struct balloon_figures *f, uint64_t kib)
{
	struct rule *r = opaque;

	sim_set_target(r->h, &r->h->guest[f->common.domid - 1], kib);
}

static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
}

static void close_auto(void *rule)
{
	struct rule *r = rule;

	auto_free(r->autopilot);
	if (r->base)
		event_base_free(r->base);
	free(r);
}

static void *open_auto(struct sim_host *h)
{
	struct rule *r = calloc(1, sizeof(*r));
	struct auto_config cfg = {
		.policy = auto_policy(20, 40, 0, true, INTERVAL_MS),
		.interval_ms = INTERVAL_MS,
		.collect = collect,
		.collect_opaque = r,
		.host_free = host_free,
		.hold = hold,
		.order = order,
		.opaque = r,
	};

	if (!r)
		return NULL;
	r->h = h;
	r->log.emit = say_nothing;
	r->base = event_base_new();
	cfg.base = r->base;
	cfg.log = &r->log;
	if (r->base && !auto_new(&r->autopilot, &cfg))
		return r;
	close_auto(r);
	return NULL;
}

static void *open_older(struct sim_host *h)
{
	struct rule *r = open_auto(h);

	if (r)
		r->older = true;
	return r;
}

static void tick_auto(void *rule)
{
	struct rule *r = rule;

	r->since_ms += SIM_TICK_MS;
	for (size_t i = 0; i < r->h->nr; i++) {
		r->f[i].stats_age_ms += SIM_TICK_MS;
		if (r->since_ms % INTERVAL_MS == SAMPLE_MS && r->h->guest[i].created)
			sample(&r->f[i], &r->h->guest[i], r->older);
	}
	/* whoever creates a guest asks for its room */
	if (sim_waiting(r->h) > r->waiting_kib) {
		auto_soon(r->autopilot);
		event_base_loop(r->base, EVLOOP_NONBLOCK);
	}
	r->waiting_kib = sim_waiting(r->h);
	machine_fake_pass(SIM_TICK_MS);
}

const struct sim_rule sim_auto = {
	.name = "--auto",
	.open = open_auto,
	.tick = tick_auto,
	.close = close_auto,
};

const struct sim_rule sim_auto_older = {
	.name = "(6.1)",
	.open = open_older,
	.tick = tick_auto,
	.close = close_auto,
};
