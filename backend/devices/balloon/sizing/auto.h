/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --auto at work: every so often it gets the figures of all guests, has policy.h decide, and hands
 * out what changes. The same for the service, which asks device processes over their sockets, and
 * for the device process of one guest, which asks itself: where figures come from and orders go is
 * a hook's business. When a step has somebody give for others, the next one comes after a fifth
 * of the interval; so do those in which it is watched how somebody does without what was taken from him (policy.h).
 *
 * A guest that is there with its driver at the first look counts as one that has been there: it is the service that came.
 *
 * It keeps nothing but what the policy remembers of each guest. Belongs to the thread of its event
 * base.
 */
#ifndef BACKEND_AUTO_H
#define BACKEND_AUTO_H

#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/base/log.h"
#include "backend/devices/balloon/sizing/policy.h"
#include "backend/devices/balloon/sizing/room.h"

struct event_base;
struct autopilot;

struct auto_config {
	struct event_base *base; /* borrowed */
	struct log *log;	 /* borrowed */
	struct policy_config policy;
	unsigned int interval_ms;
	/** collect - as metrics_config.collect; not after auto_free() */
	figures_collect *collect;
	void *collect_opaque;
	/** host_free - KiB. Return: 0; -errno nothing is done in this step */
	int (*host_free)(void *opaque, uint64_t *kib);
	/** hold - how much of that is to be kept free for a guest to come, in KiB; NULL: nothing */
	uint64_t (*hold)(void *opaque, uint64_t free_kib, const struct room_owed *owed);
	/** order - a guest shall have @kib; may end whoever owns this, but not call auto_free() */
	void (*order)(void *opaque, const struct balloon_figures *f, uint64_t kib);
	void *opaque;
};

/** auto_new() - the first step is one interval away. Return: 0; -ENOMEM */
int auto_new(struct autopilot **a, const struct auto_config *cfg);
/** auto_soon() - the next step is now, and the one after it an interval later: something has changed. NULL is fine */
void auto_soon(struct autopilot *a);
/** auto_free() - NULL is fine */
void auto_free(struct autopilot *a);

/** auto_policy() - what the command line leaves to say: the times, for statistics asked so often */
struct policy_config auto_policy(unsigned int low_percent, unsigned int high_percent,
				 uint64_t floor_kib, bool overcommit, unsigned int interval_ms);

/** auto_guest() - a guest as the policy sees it */
struct policy_guest auto_guest(const struct balloon_figures *f);

#endif /* BACKEND_AUTO_H */
