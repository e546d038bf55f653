// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host: a heap, balloons that move at some speed, guests that wait until there is room for all of
 * their static-max, and what is counted.
 *
 * It knows nothing of who decides.
 */
#include "bench/policy/sim.h"

#include <errno.h>
#include <string.h>

/** what a balloon moves in a tick: 512 MiB a second */
#define MOVE_KIB (512 * SIM_MIB * SIM_TICK_MS / 1000)
/** less than this is no help, and none the host could give */
#define SOME_KIB (4 * SIM_MIB)

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_waiting(const struct sim_host *h, const struct sim_guest *g)
{
	return !g->created && h->now_ms >= g->load->start_ms;
}

uint64_t sim_waiting(const struct sim_host *h)
{
	for (size_t i = 0; i < h->nr; i++) {
		if (is_waiting(h, &h->guest[i]))
			return h->guest[i].load->max_kib;
	}
	return 0;
}

void sim_set_target(struct sim_host *h, struct sim_guest *g, uint64_t kib)
{
	kib = min_u64(kib, g->load->max_kib);
	h->orders += kib != g->target_kib;
	g->target_kib = kib;
}

static void begin(struct sim_host *h)
{
	for (size_t i = 0; i < h->nr; i++) {
		struct sim_guest *g = &h->guest[i];

		g->load = &h->trace->load[i];
		if (!g->load->has_kib || g->load->has_kib > h->free_kib)
			continue;
		g->created = true;
		g->target_kib = g->load->has_kib;
		g->balloon_kib = g->load->max_kib - g->load->has_kib;
		h->free_kib -= g->load->has_kib;
	}
}

/* One after the other, as a toolstack does. */
static void create_next(struct sim_host *h)
{
	for (size_t i = 0; i < h->nr; i++) {
		struct sim_guest *g = &h->guest[i];

		if (!is_waiting(h, g))
			continue;
		if (h->free_kib < g->load->max_kib)
			return;
		h->free_kib -= g->load->max_kib;
		g->created = true;
		g->target_kib = g->load->max_kib;
		g->began_ms = h->now_ms;
	}
}

static void move_balloon(struct sim_host *h, struct sim_guest *g)
{
	uint64_t wanted = g->load->max_kib - g->target_kib, kib;

	if (wanted > g->balloon_kib) {
		h->free_kib += sim_guest_fill(g, min_u64(wanted - g->balloon_kib, MOVE_KIB));
		return;
	}
	kib = min_u64(min_u64(g->balloon_kib - wanted, MOVE_KIB), h->free_kib);
	g->balloon_kib -= kib;
	h->free_kib -= kib;
}

/* --- what is counted --- */

/** since when a guest is in need and got nothing, while the host had some for it; 0: it is not */
struct need {
	uint64_t waits_ms;
	uint64_t had_kib;
};

static void count(const struct sim_host *h, struct need *need, struct sim_figures *f, uint64_t *idle)
{
	/* room that somebody waits for is his, as it is gathered */
	uint64_t waiting = sim_waiting(h), free_kib = h->free_kib > waiting ? h->free_kib - waiting : 0;

	for (size_t i = 0; i < h->nr; i++) {
		const struct sim_guest *g = &h->guest[i];
		struct need *n = &need[i];
		uint64_t has = sim_has(g);

		if (is_waiting(h, g))
			f->below_ms += SIM_TICK_MS;
		if (!g->created)
			continue;
		if (has > sim_need(g))
			*idle += has - sim_need(g);
		/* what was killed is not waiting for memory */
		if (!g->below || h->now_ms < g->down_until_ms || has > n->had_kib) {
			n->waits_ms = 0;
		} else if (free_kib >= SOME_KIB && has < g->load->max_kib) {
			n->waits_ms += SIM_TICK_MS;
			if (n->waits_ms > f->first_ms)
				f->first_ms = n->waits_ms;
		}
		n->had_kib = has;
		if (g->below)
			f->below_ms += SIM_TICK_MS;
		if (g->below && h->now_ms >= g->down_until_ms && has == g->load->max_kib)
			f->beyond_ms += SIM_TICK_MS;
	}
}

static void tick(struct sim_host *h)
{
	create_next(h);
	for (size_t i = 0; i < h->nr; i++) {
		struct sim_guest *g = &h->guest[i];

		if (!g->created)
			continue;
		move_balloon(h, g);
		sim_guest_tick(g, h->now_ms, &h->free_kib);
	}
}

int sim_run(const struct sim_trace *t, const struct sim_rule *rule, struct sim_figures *f)
{
	struct sim_host h = {.trace = t, .nr = t->nr, .free_kib = t->host_kib};
	struct need need[SIM_GUESTS_MAX] = {0};
	uint64_t idle = 0, ticks = 0;
	void *self;

	begin(&h);
	memset(f, 0, sizeof(*f));
	self = rule->open(&h);
	if (!self)
		return -ENOMEM;
	for (; h.now_ms < t->length_ms; h.now_ms += SIM_TICK_MS, ticks++) {
		tick(&h);
		count(&h, need, f, &idle);
		rule->tick(self);
	}
	rule->close(self);
	for (size_t i = 0; i < h.nr; i++)
		f->oom_kills += h.guest[i].counters.oom_kills;
	f->idle_kib = idle / ticks;
	f->orders = h.orders;
	return 0;
}
