/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that a process can leave when it is killed: a child does something, one instruction at a time, and after each it is noted
 * what some memory has become.
 */
#ifndef STEP_RECORD_H
#define STEP_RECORD_H

#include <stddef.h>

#define STEP_REGIONS_MAX 4u
#define STEP_RECORDS_MAX 64u

/** memory that is watched: of the child's own, or shared with it */
struct step_region {
	void *at;
	size_t bytes;
};

struct step_record {
	const struct step_region *region;
	size_t nr_regions;
	char *kept[STEP_RECORDS_MAX]; /* what all regions were, one after the other; the first before anything was done */
	size_t nr;
	unsigned long steps;
};

/**
 * step_record() - have @work done in a child
 *
 * Skips the test where that cannot be, as under valgrind. @regions is borrowed. To be freed with step_record_free().
 */
void step_record(struct step_record *r, const struct step_region *regions, size_t nr, void (*work)(void *opaque), void *opaque);
/** step_record_put() - write the @i-th that was noted into this process's memory */
void step_record_put(const struct step_record *r, size_t i);
void step_record_free(struct step_record *r);

#endif /* STEP_RECORD_H */
