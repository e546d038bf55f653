/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shares: who has how much of what guests under pressure want, where they want more than there is.
 *
 *   each has its least; the rest is divided by their shares; what one does not want the others have
 *
 *   guest  least  share  wants   of 4096 MiB
 *   a        256    300   4096      2944       256 + 3/4 of 3584
 *   b        256    100   2048      1152       256 + 1/4 of 3584
 *
 * Without a share named for one of them nothing is divided: the worst comes first, and nobody under pressure gives but
 * to one that runs out (policy-last.h).
 *
 * Pure, and no allocation. What guests want is their word: a share limits what a wrong one takes.
 */
#ifndef BACKEND_POLICY_SHARES_H
#define BACKEND_POLICY_SHARES_H

#include "backend/devices/balloon/sizing/policy.h"

/**
 * policy_shares_divide() - sets part_kib of each of those that claims, if shares count; of all others it is 0
 * @g, @o: @nr guests and what is known of them: claims, least_of_claim_kib, wanted_kib
 * @all_kib: what there is for those that claim
 *
 * Return: whether shares count: somebody who claims has one, and there is less than is wanted
 */
bool policy_shares_divide(const struct policy_guest *g, struct policy_order *o, size_t nr, uint64_t all_kib);

#endif /* BACKEND_POLICY_SHARES_H */
