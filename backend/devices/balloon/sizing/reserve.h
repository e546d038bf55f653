/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reserve: whether the host can still give back all that is in balloons.
 *
 *   free - what xl info calls free; owed - what is in the balloons of all guests, of each as much as its domain may own
 *          beside what it has: a guest that took its frames back itself, or names holes it never gave, is owed nothing for them
 *
 * A guest may take its whole balloon back at any moment, whatever its target is: when it runs out
 * of memory, suspends, or resets the device. Inflating and deflating move as much between free and
 * owed, so free >= owed stays as it is until somebody else, a new domain mostly, is given memory
 * that came out of a balloon. From then on a guest is asked for no more: that is the whole rule.
 * Taking a target that leaves the guest more than it has now is never refused.
 *
 * reserve_allows() is pure. Counting reads what other device processes publish, which is up to 0.2
 * s old, and knows the own balloon exactly.
 */
#ifndef BACKEND_RESERVE_H
#define BACKEND_RESERVE_H

#include "backend/base/log.h"
#include "backend/xenstore/store-link.h"

#include <stdbool.h>
#include <stdint.h>
#include <xenvirtio/hv.h>

struct reserve {
	uint64_t free_kib;
	uint64_t owed_kib;
};

/**
 * reserve_allows() - the rule
 * @balloon_kib: what is in the guest's balloon
 * @wanted_kib:  what shall be
 */
bool reserve_allows(const struct reserve *r, uint64_t balloon_kib, uint64_t wanted_kib);

/**
 * reserve_count() - how it stands
 * @link:        NULL, or away: only the own balloon counts
 * @domid:       the own device, which is counted as @owed_kib and not as published
 * @owed_kib:    what it is owed
 *
 * Return: 0; -ENOSYS, -EACCES the host's memory cannot be seen from here; -ENOMEM; -errno
 */
int reserve_count(struct reserve *r, struct xenvirtio_hv *hv, struct store_link *link,
		  uint32_t domid, uint32_t devid, uint64_t owed_kib);

#endif /* BACKEND_RESERVE_H */
