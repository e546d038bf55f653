// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of qmemman, the memory manager of Qubes OS, written anew from its published description:
 * QubesOS/qubes-doc, developer/services/qmemman.md, "Interface" and "Algorithms basics".
 *
 *  - a guest tells what it uses, without buffers and cache, with swap, when that has changed by 30 MB,
 *    and not more often than every 0.1 s; what it prefers is 130 % of that;
 *  - on each such word memory is balanced: if all guests and Xen have more than all prefer, everything is
 *    shared in proportion to that; else who has more than it prefers gives that, and the others share
 *    it, in proportion;
 *  - only if 150 MB would move in all, or a guest below what it prefers would get more than 15 MB;
 *  - 50 MB of Xen's stay free;
 *  - for a guest to be created those who have more than they prefer give, in proportion to what they
 *    prefer, if that is enough; there is no balancing until it is created.
 *
 * What the description leaves open: what a guest cannot have, for it is more than its static-max, the
 * others share. All guests co-operate, so that none has to be left out as one that makes no progress.
 */
#include "bench/policy/sim.h"

#include <stdlib.h>

#define TOLD_MS 100u
#define TOLD_KIB (30 * SIM_MIB)
#define PREFERS_PERCENT 130u
#define MOVE_MIN_KIB (150 * SIM_MIB)
#define HELP_MIN_KIB (15 * SIM_MIB)
#define XEN_LEFT_KIB (50 * SIM_MIB)

struct rule {
	struct sim_host *h;
	bool known[SIM_GUESTS_MAX];
	uint64_t told_ms[SIM_GUESTS_MAX];
	uint64_t used_kib[SIM_GUESTS_MAX];
	uint64_t wanted_kib[SIM_GUESTS_MAX];
};

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t used_by(const struct sim_guest *g)
{
	return g->load->kernel_kib + g->resident_kib + g->swapped_kib;
}

/* Return: whether somebody told something */
static bool hear(struct rule *r)
{
	bool any = false;

	for (size_t i = 0; i < r->h->nr; i++) {
		const struct sim_guest *g = &r->h->guest[i];
		uint64_t used = used_by(g);

		if (!g->created || (r->known[i] && r->h->now_ms - r->told_ms[i] < TOLD_MS))
			continue;
		if (r->known[i] && less(used, r->used_kib[i]) < TOLD_KIB &&
		    less(r->used_kib[i], used) < TOLD_KIB)
			continue;
		r->known[i] = any = true;
		r->used_kib[i] = used;
		r->told_ms[i] = r->h->now_ms;
	}
	return any;
}

static uint64_t prefers(const struct rule *r, size_t i)
{
	uint64_t kib = r->used_kib[i] * PREFERS_PERCENT / 100, max = r->h->guest[i].load->max_kib;

	return kib < max ? kib : max;
}

/* What it has, or was let have already. */
static uint64_t actual(const struct sim_guest *g)
{
	return g->target_kib > sim_has(g) ? g->target_kib : sim_has(g);
}

/* @kib among those in @who, on top of their wanted_kib, in proportion to what they prefer. */
static void distribute(struct rule *r, const bool *who, uint64_t kib)
{
	bool open[SIM_GUESTS_MAX];
	bool again = true;

	for (size_t i = 0; i < r->h->nr; i++)
		open[i] = who[i];
	while (again && kib) {
		uint64_t all = 0, given = 0;

		again = false;
		for (size_t i = 0; i < r->h->nr; i++)
			all += open[i] ? prefers(r, i) : 0;
		for (size_t i = 0; i < r->h->nr && all; i++) {
			uint64_t part = open[i] ? kib * prefers(r, i) / all : 0;
			uint64_t room = less(r->h->guest[i].load->max_kib, r->wanted_kib[i]);

			if (!open[i])
				continue;
			if (part >= room) {
				part = room;
				open[i] = false;
				again = true;
			}
			r->wanted_kib[i] += part;
			given += part;
		}
		kib -= given;
	}
}

/* What each shall have; @xen_kib: what Xen can give. */
static void balance(struct rule *r, uint64_t xen_kib)
{
	bool known[SIM_GUESTS_MAX] = {false}, poor[SIM_GUESTS_MAX] = {false};
	uint64_t all_prefer = 0, all_have = xen_kib, reclaimed = xen_kib;

	for (size_t i = 0; i < r->h->nr; i++) {
		if (!r->known[i])
			continue;
		known[i] = true;
		all_prefer += prefers(r, i);
		all_have += actual(&r->h->guest[i]);
	}
	for (size_t i = 0; i < r->h->nr; i++) {
		uint64_t has = actual(&r->h->guest[i]);

		if (!known[i])
			continue;
		poor[i] = has <= prefers(r, i);
		reclaimed += less(has, prefers(r, i));
		r->wanted_kib[i] = all_have > all_prefer ? 0 : poor[i] ? has : prefers(r, i);
	}
	if (all_have > all_prefer)
		distribute(r, known, all_have);
	else
		distribute(r, poor, reclaimed);
}

static bool is_worth_it(const struct rule *r)
{
	uint64_t moves = 0;
	bool helps = false;

	for (size_t i = 0; i < r->h->nr; i++) {
		uint64_t has = actual(&r->h->guest[i]);

		if (!r->known[i])
			continue;
		moves += less(r->wanted_kib[i], has) + less(has, r->wanted_kib[i]);
		helps |= has < prefers(r, i) && less(r->wanted_kib[i], has) > HELP_MIN_KIB;
	}
	return helps || moves > MOVE_MIN_KIB;
}

/* What guests may have and do not yet is not Xen's to give. */
static uint64_t xen_has(const struct rule *r)
{
	uint64_t promised = 0;

	for (size_t i = 0; i < r->h->nr; i++)
		promised += less(actual(&r->h->guest[i]), sim_has(&r->h->guest[i]));
	return less(r->h->free_kib, promised + XEN_LEFT_KIB);
}

/* Room for a guest to be created. */
static void make_room(struct rule *r, uint64_t room_kib)
{
	uint64_t missing = less(room_kib, r->h->free_kib), can = 0, all = 0;

	for (size_t i = 0; i < r->h->nr; i++) {
		if (!r->known[i])
			continue;
		can += less(sim_has(&r->h->guest[i]), prefers(r, i));
		if (sim_has(&r->h->guest[i]) > prefers(r, i))
			all += prefers(r, i);
	}
	if (can < missing || !missing || !all)
		return;
	for (size_t i = 0; i < r->h->nr; i++) {
		struct sim_guest *g = &r->h->guest[i];
		uint64_t spare = less(sim_has(g), prefers(r, i)), part = missing * prefers(r, i) / all + 1;

		if (r->known[i] && spare)
			sim_set_target(r->h, g, sim_has(g) - (part < spare ? part : spare));
	}
}

static void tick_qmemman(void *rule)
{
	struct rule *r = rule;
	uint64_t waiting = sim_waiting(r->h);
	bool told = hear(r);

	if (waiting) {
		make_room(r, waiting);
		return;
	}
	if (!told)
		return;
	balance(r, xen_has(r));
	if (!is_worth_it(r))
		return;
	for (size_t i = 0; i < r->h->nr; i++) {
		if (r->known[i])
			sim_set_target(r->h, &r->h->guest[i], r->wanted_kib[i]);
	}
}

static void *open_qmemman(struct sim_host *h)
{
	struct rule *r = calloc(1, sizeof(*r));

	if (r)
		r->h = h;
	return r;
}

const struct sim_rule sim_qmemman = {
	.name = "qmemman",
	.open = open_qmemman,
	.tick = tick_qmemman,
	.close = free,
};
