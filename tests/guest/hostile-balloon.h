/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that means harm, to a balloon: queues 0 inflate, 1 deflate, 2 statistics.
 *
 * Every frame that is inflated here is the bus's own, and is deflated again or put back by a reset,
 * so that the guest it runs in lives on if the device does right.
 */
#ifndef GUEST_HOSTILE_BALLOON_H
#define GUEST_HOSTILE_BALLOON_H

#include "hostile.h"

#define BALLOON_DEVICE_ID 5u
#define BALLOON_QUEUES 3u

/** one page there and back, and it is memory again */
extern const struct hostile_target hostile_balloon_target;
/** ends with an entry without a name */
extern const struct hostile_scenario hostile_balloon[];
/** of the bulk features; likewise */
extern const struct hostile_scenario hostile_bulk[];

#endif /* GUEST_HOSTILE_BALLOON_H */
