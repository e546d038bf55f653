// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pressure: rates, compared with what an idle guest has.
 *
 * Units were read in Linux 6.12, drivers/virtio/virtio_balloon.c: swap-in, scans and reclaims are
 * bytes; faults, stalls and kills are events.
 */
#include "backend/devices/balloon/sizing/pressure.h"

/** a second; below, it is the trickle of a guest that has what it needs: a daemon's page that was
 * swapped out long ago, a program that starts */
#define SWAP_IN_KIB_S 1024u
#define DIRECT_KIB_S 1024u
#define STALLS_S 4u
#define MAJOR_FAULTS_S 128u
/** part of a guest's memory that is next to none */
#define LITTLE_FREE 32u
#define KIB_PER_FAULT 4u

/* What the counter grew by; 0: not told, or of another boot. */
static uint64_t grown(const struct pressure_set *last, const struct pressure_set *now,
		      enum pressure_counter c)
{
	uint32_t bit = UINT32_C(1) << c;

	if (!(last->valid & now->valid & bit) || now->value[c] < last->value[c])
		return 0;
	return now->value[c] - last->value[c];
}

static bool is_told(const struct pressure_set *now, enum pressure_counter c)
{
	return now->valid & UINT32_C(1) << c;
}

/* At least so much a second. */
static bool is_fast(uint64_t n, uint64_t ms, uint64_t per_s)
{
	/* n * 1000 >= per_s * ms, for n of any size: ms is a time between two sets */
	return n && n >= (per_s * ms + 999) / 1000;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Somebody looks for memory beside those who fault, or would have to. */
static bool is_short(const struct pressure_set *last, const struct pressure_set *now)
{
	if (is_told(now, PRESSURE_ASYNC) || is_told(now, PRESSURE_DIRECT))
		return grown(last, now, PRESSURE_ASYNC) || grown(last, now, PRESSURE_DIRECT);
	return now->free_valid && now->free_kib < now->has_kib / LITTLE_FREE;
}

static struct pressure compare(const struct pressure_set *last, const struct pressure_set *now)
{
	uint64_t ms = now->at_ms > last->at_ms ? now->at_ms - last->at_ms : 1;
	/* it may have begun and ended between the two */
	bool filling = now->filling || last->filling || now->has_kib < last->has_kib;
	uint64_t swap_in = grown(last, now, PRESSURE_SWAP_IN);
	uint64_t faults = grown(last, now, PRESSURE_MAJOR_FAULTS);
	uint64_t direct = grown(last, now, PRESSURE_DIRECT);
	uint64_t faulted_kib = faults <= UINT64_MAX / KIB_PER_FAULT ? faults * KIB_PER_FAULT : UINT64_MAX;
	struct pressure p = {.killed = grown(last, now, PRESSURE_OOM_KILL) > 0, .faulted_kib = faulted_kib, .ms = ms};

	/* a day's product still fits */
	if (ms > 86400000)
		ms = 86400000;
	if (is_fast(swap_in, ms, SWAP_IN_KIB_S)) {
		p.felt = true;
		p.moved_kib = swap_in;
	}
	if (!filling && is_fast(direct, ms, DIRECT_KIB_S)) {
		p.felt = true;
		p.moved_kib = max_u64(p.moved_kib, direct);
	}
	/* where both are told, tasks that wait at a limit of their own look for none of this */
	if (!filling && is_fast(grown(last, now, PRESSURE_ALLOC_STALL), ms, STALLS_S) &&
	    (direct || !is_told(now, PRESSURE_DIRECT)))
		p.felt = true;
	if (is_fast(faults, ms, MAJOR_FAULTS_S) && is_short(last, now)) {
		p.only_read = !p.felt && !p.killed;
		p.felt = true;
		p.moved_kib = max_u64(p.moved_kib, faulted_kib);
	}
	p.felt |= p.killed;
	return p;
}

struct pressure pressure_look(struct pressure_set *last, const struct pressure_set *now)
{
	struct pressure p = {0};

	if (!now->sequence || now->sequence == last->sequence)
		return p;
	/* a smaller number is of a driver that began anew */
	if (last->sequence && last->sequence < now->sequence)
		p = compare(last, now);
	*last = *now;
	return p;
}
