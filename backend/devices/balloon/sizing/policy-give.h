/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving: who gives how much of what others wait for, when it is known what each can give.
 *
 * Who has something to give gives the same part, as far as he can: balloons move at the same time, and the largest part decides how
 * long it takes. Where little is missing the one with the most available gives it.
 *
 * Pure, and no allocation.
 */
#ifndef BACKEND_POLICY_GIVE_H
#define BACKEND_POLICY_GIVE_H

#include "backend/devices/balloon/sizing/policy.h"

/**
 * policy_give() - have those give that can
 * @missing_kib: what others wait for
 * @g, @o: @nr guests; of orders, can_kib and permille count, and who gives has its verdict and target set
 *
 * Return: KiB that are missing then
 */
uint64_t policy_give(uint64_t missing_kib, const struct policy_guest *g, struct policy_order *o, size_t nr);

#endif /* BACKEND_POLICY_GIVE_H */
