// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shares: a size is divided in rounds; in each, those that want no more than their part are done.
 */
#include "backend/devices/balloon/sizing/policy-shares.h"

/** more than any host has; times a share it still fits */
#define ALL_MAX_KIB (UINT64_C(1) << 49)

static unsigned int share_of(const struct policy_guest *g)
{
	return g->share ? g->share : POLICY_SHARE_USUAL;
}

static bool is_open(const struct policy_order *o)
{
	return o->claims && o->part_kib < o->wanted_kib;
}

static uint64_t open_shares(const struct policy_guest *g, const struct policy_order *o, size_t nr)
{
	uint64_t all = 0;

	for (size_t i = 0; i < nr; i++)
		all += is_open(&o[i]) ? share_of(&g[i]) : 0;
	return all;
}

/* Return: KiB that are left for the next round */
static uint64_t divide(const struct policy_guest *g, struct policy_order *o, size_t nr, uint64_t left_kib)
{
	uint64_t shares = open_shares(g, o, nr), given = 0;
	bool all_open = true;

	for (size_t i = 0; i < nr; i++) {
		if (is_open(&o[i]) && o[i].wanted_kib - o[i].part_kib <= left_kib * share_of(&g[i]) / shares)
			all_open = false;
	}
	for (size_t i = 0; i < nr; i++) {
		uint64_t part = is_open(&o[i]) ? left_kib * share_of(&g[i]) / shares : 0;

		if (!is_open(&o[i]))
			continue;
		/* those that are done first: what they leave counts for the others */
		if (!all_open && o[i].wanted_kib - o[i].part_kib > part)
			continue;
		if (part > o[i].wanted_kib - o[i].part_kib)
			part = o[i].wanted_kib - o[i].part_kib;
		o[i].part_kib += part;
		given += part;
	}
	return all_open ? 0 : left_kib - given;
}

bool policy_shares_divide(const struct policy_guest *g, struct policy_order *o, size_t nr, uint64_t all_kib)
{
	uint64_t least = 0, wanted = 0;
	bool named = false;

	if (all_kib > ALL_MAX_KIB)
		all_kib = ALL_MAX_KIB;
	for (size_t i = 0; i < nr; i++) {
		o[i].part_kib = 0;
		if (!o[i].claims)
			continue;
		named |= g[i].share != 0;
		least += o[i].least_of_claim_kib < ALL_MAX_KIB ? o[i].least_of_claim_kib : ALL_MAX_KIB;
		wanted += o[i].wanted_kib < ALL_MAX_KIB ? o[i].wanted_kib : ALL_MAX_KIB;
	}
	/* who has less than the least of all has nothing to divide */
	if (!named || all_kib >= wanted || all_kib < least)
		return false;
	for (size_t i = 0; i < nr; i++)
		o[i].part_kib = o[i].claims ? o[i].least_of_claim_kib : 0;
	all_kib -= least;
	while (all_kib && open_shares(g, o, nr))
		all_kib = divide(g, o, nr, all_kib);
	return true;
}
