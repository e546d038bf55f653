// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Giving: the part is searched for, and the richest begin.
 */
#include "backend/devices/balloon/sizing/policy-give.h"
#include "backend/devices/balloon/sizing/policy-sizes.h"

/* The one with the most to spare; @nr: none. */
static size_t richest(const struct policy_order *o, size_t nr)
{
	size_t found = nr;

	for (size_t i = 0; i < nr; i++) {
		if (o[i].can_kib && (found == nr || o[i].permille > o[found].permille))
			found = i;
	}
	return found;
}

/* The least size that is enough when each gives as much, or all it can. */
static uint64_t same_part(uint64_t missing_kib, const struct policy_order *o, size_t nr)
{
	uint64_t low = 0, high = missing_kib;

	while (high - low > POLICY_GRAIN_KIB) {
		uint64_t part = low + (high - low) / 2, all = 0;

		for (size_t i = 0; i < nr; i++)
			all = add_capped(all, min_u64(o[i].can_kib, part));
		if (all < missing_kib)
			low = part;
		else
			high = part;
	}
	return high;
}

uint64_t policy_give(uint64_t missing_kib, const struct policy_guest *g, struct policy_order *o, size_t nr)
{
	uint64_t part = same_part(missing_kib, o, nr);

	while (missing_kib) {
		size_t i = richest(o, nr);
		uint64_t gives;

		if (i == nr)
			break;
		/* a step too small would be taken for having arrived */
		gives = min_u64(o[i].can_kib, max_u64(part, 2 * policy_tolerance(&g[i])));
		o[i].verdict = POLICY_GIVE;
		o[i].pending = true;
		o[i].target_kib = o[i].has_kib - gives;
		o[i].can_kib = 0;
		missing_kib = less(missing_kib, gives);
	}
	return missing_kib;
}
