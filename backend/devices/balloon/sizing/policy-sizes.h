/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of one guest, for the parts of the policy: what bounds them, and which size a use asks for. What a guest uses is what it has
 * less what is available to it, and hardly changes with its size: so the size at which a wanted share is available is known.
 *
 * Pure, in KiB, and nothing overflows: what is too much is the most.
 */
#ifndef BACKEND_POLICY_SIZES_H
#define BACKEND_POLICY_SIZES_H

#include "backend/devices/balloon/sizing/policy.h"

/** sizes are whole MiB, but for static-max and a floor that are not */
#define POLICY_GRAIN_KIB UINT64_C(1024)

/** at most this part of static-max in one step: of growing, and of what is taken that the guest does not miss */
#define POLICY_STEP 4u
/** and of what it may miss */
#define POLICY_CAREFUL_STEP 16u

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/** policy_step_kib() - a @part of static-max, and no less than a grain */
static inline uint64_t policy_step_kib(const struct policy_guest *g, unsigned int part)
{
	return max_u64(g->static_max_kib / part, POLICY_GRAIN_KIB);
}

/** policy_used_kib() - what it has less what is available to it */
static inline uint64_t policy_used_kib(const struct policy_guest *g, const struct policy_order *o)
{
	return less(o->has_kib, g->available_kib);
}

/** policy_tolerance() - small enough to be as it should be */
uint64_t policy_tolerance(const struct policy_guest *g);
/** policy_most() - it is not let grow above */
uint64_t policy_most(const struct policy_guest *g);
/** policy_floor() - it is not taken below */
uint64_t policy_floor(const struct policy_config *cfg, const struct policy_guest *g);
/** policy_mid() - the middle of the band, in percent: a guest that grows or shrinks goes there */
unsigned int policy_mid(const struct policy_config *cfg);
/** policy_size_for_use() - at which @percent of it would be available to one that uses @used; between floor and most */
uint64_t policy_size_for_use(const struct policy_config *cfg, const struct policy_guest *g, uint64_t used, unsigned int percent);

#endif /* BACKEND_POLICY_SIZES_H */
