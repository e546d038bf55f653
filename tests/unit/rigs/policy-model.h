/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with guests, for the policy: each step it is asked, what it must never do is asserted, and
 * the guests do what it says.
 *
 * The model of a guest: it uses so much, the rest of what it has is available, and it goes to its
 * target at some rate; one that uses more than it has takes the difference from its balloon.
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include "backend/devices/balloon/sizing/policy.h"

#define MIB UINT64_C(1024)
#define GUESTS_MAX 8
#define STEP_MS 5000u

extern const struct policy_config model_usual;

struct model {
	struct policy_guest g;
	uint64_t used_kib;
	uint64_t rate_kib;  /* a step; 0: it does nothing it is told */
	bool paused;	    /* it says nothing and does nothing */
	unsigned int turns; /* of direction */
	int direction;
	uint64_t moved_kib;
};

struct host {
	struct policy_config cfg;
	uint64_t free_kib;
	uint64_t now_ms;
	unsigned int step_ms;
	bool by_shares; /* those under pressure may be asked for some as well */
	struct model model[GUESTS_MAX];
	struct policy_memory memory[GUESTS_MAX];
	struct policy_order order[GUESTS_MAX];
	size_t nr;
};

/** model_host() - a host without guests, and so much free */
struct host model_host(uint64_t free_mib);
/** model_add() - a guest that has all of its memory, and uses so much of it */
struct model *model_add(struct host *h, uint64_t max_mib, uint64_t used_mib);
/** model_has() - what a guest has now, in KiB */
uint64_t model_has(const struct policy_guest *g);
/** model_percent() - how much of that is available */
unsigned int model_percent(const struct model *m);
/** model_use() - a guest out of memory takes what it needs, if the host has it; first part of a step */
void model_use(struct host *h, struct model *m);
/** model_step() - one step of guests and policy. Return: whether an order was given */
bool model_step(struct host *h);
/** model_settle() - Return: steps until nothing is ordered any more, three times in a row */
unsigned int model_settle(struct host *h, unsigned int limit);

#endif /* POLICY_MODEL_H */
