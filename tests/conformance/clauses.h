/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clauses, in tables that end with one without a number. Each is run on a machine of its own, with a process and no driver.
 */
#ifndef CONFORMANCE_CLAUSES_H
#define CONFORMANCE_CLAUSES_H

#include "conformance/world.h"

/** what a clause needs; else it is skipped, or the machine is another */
enum {
	NEEDS_OWN_RINGS = 1,	/* the device serves them itself */
	NEEDS_HELD_LINE = 2,	/* an interrupt line that is a level, as on x86 */
	NEEDS_NO_PROCESS = 4,	/* the clause begins it */
	NEEDS_HOLE = 8,		/* a frame of RAM is missing */
	JUDGES_LEFT = 16,	/* what is left behind in the end is a part of it */
	/* virtio 1.2 says SHOULD: it can be excused. A bit each, by which other clauses know in world.excused what not to ask for */
	SHOULD_SET_NEEDS_RESET = 32,
	SHOULD_TAKE_SUBSETS = 64,
	SHOULD_TAKE_A_SET_AGAIN = 128,
	SHOULD_HEED_FLAGS = 256,
	SHOULD_HEED_USED_EVENT = 512,
	RECOMMENDED = SHOULD_SET_NEEDS_RESET | SHOULD_TAKE_SUBSETS | SHOULD_TAKE_A_SET_AGAIN | SHOULD_HEED_FLAGS |
		      SHOULD_HEED_USED_EVENT,
};

/**
 * struct clause
 * @run: 0; 1 skipped, with why; negative: not ok. NULL where @scenario is run
 */
struct clause {
	const char *number;
	const char *says;
	int (*run)(struct world *w);
	unsigned int needs;
	const struct hostile_scenario *scenario;
};

extern const struct clause clauses_status[];
extern const struct clause clauses_config[];
extern const struct clause clauses_framing[];
extern const struct clause clauses_used[];
extern const struct clause clauses_notify[];
extern const struct clause clauses_mmio[];
extern const struct clause clauses_queue[];
extern const struct clause clauses_failures[];
extern const struct clause clauses_restart[];

/** clauses_hostile() - the scenario @i of all as a clause. Return: false: there are no more */
bool clauses_hostile(unsigned int i, struct clause *clause);
/** clauses_each() - all of them, in their order */
void clauses_each(void (*visit)(void *opaque, const struct clause *clause), void *opaque);
/** clauses_run_scenario() - as clause.run does */
int clauses_run_scenario(struct world *w, const struct hostile_scenario *scenario);

#endif /* CONFORMANCE_CLAUSES_H */
