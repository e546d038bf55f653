/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last that is left: when the host has nothing and nobody has more than the band lets him give, somebody may still be about to run
 * out, beside guests in which memory lies free. That it is killed, or thrashes, is worse than that they have little left.
 *
 *   a guest runs out:  it feels pressure, waits for memory, or will have less than a 32nd of its size available soon, as it goes on
 *   it must have:      what it lacks, and a 16th of its size beside what it will use soon
 *   others' last:      what is free in them and no file's, but for a 16th of their size, or twice what they will use soon
 *
 * A guest with a 32nd free looks for memory (pressure.h); who gave has twice that, and does not run out by what it gave.
 *
 * It is given by a quarter of static-max at most in a step,
 *
 *   - also by those who want more themselves, but do not run out;
 *   - not by those who do not tell what is free, and not below a floor;
 *   - of what is kept for pressure that was felt (policy.h) in small steps, and not while it is felt;
 *   - not for a guest to come: that one would want more, of those who have nothing left. While its room is missing, what is given
 *     for somebody who runs out goes there as well, but he takes of that what he needs before he kills
 *     (VIRTIO_BALLOON_F_DEFLATE_ON_OOM).
 *
 * Who must have it gets it before those who gave it: the worst is who has the least when what each will use is counted.
 *
 * Pure, and no allocation. Figures come from guests: one that says that it runs out gets of the others no more than they do not use.
 */
#ifndef BACKEND_POLICY_LAST_H
#define BACKEND_POLICY_LAST_H

#include "backend/devices/balloon/sizing/policy.h"

/** policy_last_need() - of a guest under pressure, or soon: sets must_kib, and makes permille what it will have left */
void policy_last_need(const struct policy_guest *g, const struct policy_memory *m, struct policy_order *o);
/** policy_last_spare() - of one that does what it is told: sets last_kib */
void policy_last_spare(const struct policy_config *cfg, const struct policy_guest *g, const struct policy_memory *m,
		       struct policy_order *o);
/**
 * policy_last_give() - after what others give by the band
 * @missing_kib:  what is still missing
 * @given_kib:    what is given already, or comes
 *
 * Return: KiB that are missing then
 */
uint64_t policy_last_give(uint64_t missing_kib, uint64_t given_kib, const struct policy_guest *g, struct policy_order *o, size_t nr);

#endif /* BACKEND_POLICY_LAST_H */
