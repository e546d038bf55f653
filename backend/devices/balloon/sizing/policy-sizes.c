// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes of one guest.
 */
#include "backend/devices/balloon/sizing/policy-sizes.h"

uint64_t policy_tolerance(const struct policy_guest *g)
{
	return max_u64(POLICY_GRAIN_KIB, g->static_max_kib / 128);
}

uint64_t policy_most(const struct policy_guest *g)
{
	return g->most_kib ? min_u64(g->most_kib, g->static_max_kib) : g->static_max_kib;
}

uint64_t policy_floor(const struct policy_config *cfg, const struct policy_guest *g)
{
	uint64_t floor = g->floor_kib	  ? g->floor_kib
			 : cfg->floor_kib ? cfg->floor_kib
					  : g->static_max_kib / 4;

	return min_u64(floor, policy_most(g));
}

unsigned int policy_mid(const struct policy_config *cfg)
{
	return (cfg->low_percent + cfg->high_percent) / 2;
}

uint64_t policy_size_for_use(const struct policy_config *cfg, const struct policy_guest *g, uint64_t used, unsigned int percent)
{
	uint64_t left = 100 - percent, size;

	/* used is at most static-max; what would overflow is more than that */
	if (__builtin_mul_overflow(used, UINT64_C(100), &size))
		size = UINT64_MAX - POLICY_GRAIN_KIB * left;
	size = size / left + POLICY_GRAIN_KIB - 1;
	size -= size % POLICY_GRAIN_KIB;
	return min_u64(max_u64(size, policy_floor(cfg, g)), policy_most(g));
}
