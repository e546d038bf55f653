/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking ahead: what a guest will use soon, at the pace it has; and lending, to those who will soon use more than is free in them,
 * what the host has left when nobody wants it. Files that it reads by faults count for that: they are its programs, and what it keeps
 * open. Their memory is called available, but who drops it reads it again.
 *
 *   told figures --policy_ahead_look()--> the pace --policy_ahead_lacks()--> who grows before it lacks something
 *                                                 \-policy_ahead_lend()---> who has what nobody else wants
 *
 * Pure, and no allocation. Figures come from guests: a step's limits bound what a wrong one takes.
 */
#ifndef BACKEND_POLICY_AHEAD_H
#define BACKEND_POLICY_AHEAD_H

#include "backend/devices/balloon/sizing/policy.h"

/** policy_ahead_look() - hear what a guest tells now. @p: what its counters show; of @o, has_kib counts */
void policy_ahead_look(const struct policy_config *cfg, uint64_t now_ms, const struct policy_guest *g, struct policy_memory *m,
		       const struct policy_order *o, const struct pressure *p);
/** policy_ahead_lacks() - whether it will be under pressure, if it goes on as it did */
bool policy_ahead_lacks(const struct policy_config *cfg, const struct policy_guest *g, const struct policy_memory *m,
			const struct policy_order *o);
/** policy_ahead_soon() - KiB that it will use or read soon at its last pace; a jump counts */
uint64_t policy_ahead_soon(const struct policy_memory *m);
/** policy_ahead_lend() - last in a step. @left_kib: what the host has when all who are under pressure, or will be, have been looked
 * after */
void policy_ahead_lend(uint64_t left_kib, const struct policy_guest *g, const struct policy_memory *m, struct policy_order *o, size_t nr);

#endif /* BACKEND_POLICY_AHEAD_H */
