/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pressure that a guest's counters show, whatever it calls available: it swaps in, its tasks wait
 * for memory or look for it themselves, it faults back what it just dropped, it kills.
 *
 *   counters, as the driver tells them --difference of two sets, by the time between--> felt, how much
 *
 * A driver tells what it knows: before Linux 6.12 that is swap-in and major faults. A counter it does
 * not tell shows nothing; one that went back is of another boot, and begins anew. There is no
 * counter of refaults: major faults while memory is being looked for, or while next to none is free
 * where the driver does not tell that, are taken for them.
 *
 * A balloon that is being filled makes its guest look for memory: what only says that it was looked
 * for says nothing then.
 *
 * Pure: no clock, no call. Figures come from guests: they are hostile, and can harm the guest they
 * are of. It knows nothing of targets and of other guests.
 */
#ifndef BACKEND_PRESSURE_H
#define BACKEND_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

enum pressure_counter {
	PRESSURE_SWAP_IN,      /* KiB */
	PRESSURE_MAJOR_FAULTS, /* each reads a page at least */
	PRESSURE_OOM_KILL,
	PRESSURE_ALLOC_STALL,
	PRESSURE_DIRECT, /* KiB looked at by those who want memory: scanned, or reclaimed */
	PRESSURE_ASYNC,	 /* KiB scanned beside them */
	PRESSURE_COUNTERS,
};

/** struct pressure_set - what one set of statistics says */
struct pressure_set {
	uint64_t sequence; /* another one: another set; 0: none */
	uint64_t at_ms;	   /* when it came */
	uint32_t valid;	   /* bit c: value[c] was in it */
	uint64_t value[PRESSURE_COUNTERS];
	uint64_t has_kib; /* of memory, at that time */
	uint64_t free_kib;
	bool free_valid;
	bool filling; /* the balloon was to grow */
};

/** struct pressure - what two sets show */
struct pressure {
	bool felt;
	bool killed;	    /* something was: the worst there is */
	bool only_read; /* nothing but files, which may have been new to it */
	uint64_t moved_kib; /* how much was read back or looked for: so much is missing, about */
	uint64_t faulted_kib; /* read by faults, whether anything is felt or not */
	uint64_t ms;	      /* between the two; 0: there was no other set to compare with */
};

/**
 * pressure_look() - compare with the set before
 * @last: starts as zeroes; becomes @now when that is newer
 *
 * Return: what shows; nothing for the first set, and for the same one again
 */
struct pressure pressure_look(struct pressure_set *last, const struct pressure_set *now);

#endif /* BACKEND_PRESSURE_H */
