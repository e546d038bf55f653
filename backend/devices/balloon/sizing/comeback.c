// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Coming back after the guest was out of memory.
 */
#include "backend/devices/balloon/sizing/comeback.h"

/** of what is missing, where the guest does not say what it can spare */
#define BLIND_PART 4
#define KEEP_PART 16
/** a plight so long after two pauses is a new one */
#define CALM_MS 60000u

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void ask(struct comeback *c, uint64_t pages, uint64_t ballooned)
{
	c->told = pages;
	c->heard = false;
	c->peak = 0;
	c->last = ballooned;
}

void comeback_resume(struct comeback *c, uint64_t told, uint64_t now_ms)
{
	*c = (struct comeback){
		.told = told,
		.alone = true,
		.pause_ms = COMEBACK_PAUSE_MS,
		.next_ms = now_ms + COMEBACK_PAUSE_MS,
	};
}

void comeback_order(struct comeback *c)
{
	c->alone = false;
	c->tried = false;
	c->pause_ms = 0;
}

static void leave_alone(struct comeback *c, const struct comeback_look *l)
{
	/* within one plight it only goes on; a try that failed is what makes the next one later */
	if (!c->pause_ms || l->now_ms - c->fell_ms > UINT64_C(2) * c->pause_ms + CALM_MS)
		c->pause_ms = COMEBACK_PAUSE_MS;
	else if (c->tried || !c->alone)
		c->pause_ms = (unsigned int)min_u64(c->pause_ms * UINT64_C(2), COMEBACK_PAUSE_MAX_MS);
	c->tried = false;
	c->alone = true;
	ask(c, l->ballooned, l->ballooned);
	c->heard = true;
	c->peak = l->ballooned;
	c->fell_ms = l->now_ms;
	c->next_ms = l->now_ms + c->pause_ms;
}

/* What may be asked for beside what it has given; 0: nothing yet. */
static uint64_t spare(const struct comeback *c, const struct comeback_look *l)
{
	uint64_t missing = l->want - l->ballooned, keep = l->has / KEEP_PART, part;

	if (!l->stats_ms) {
		part = missing / BLIND_PART;
		return part > COMEBACK_FALL_PAGES ? part : COMEBACK_FALL_PAGES;
	}
	/* of before its plight, or from the midst of it */
	if (l->stats_ms <= c->fell_ms)
		return 0;
	if (keep < COMEBACK_KEEP_PAGES)
		keep = COMEBACK_KEEP_PAGES;
	return l->available > keep ? l->available - keep : 0;
}

static void try_again(struct comeback *c, const struct comeback_look *l)
{
	uint64_t more;

	if (c->tried && l->ballooned < c->told) {
		/* what was asked for last: on its way, or it cannot */
		if (c->heard)
			c->next_ms = l->now_ms + COMEBACK_STEP_MS;
		else
			leave_alone(c, l);
		c->heard = false;
		return;
	}
	more = spare(c, l);
	if (!more) {
		c->next_ms = l->now_ms + COMEBACK_LOOK_MS;
		return;
	}
	ask(c, more < l->want - l->ballooned ? l->ballooned + more : l->want, l->ballooned);
	c->tried = true;
	c->alone = c->told < l->want;
	c->next_ms = l->now_ms + COMEBACK_STEP_MS;
}

bool comeback_look(struct comeback *c, const struct comeback_look *l)
{
	bool fell, known = c->alone && !c->tried;

	/* the next driver has all its memory, and is asked for all that shall be */
	if (!l->driver_ok) {
		comeback_order(c);
		ask(c, l->want, l->ballooned);
	}
	if (c->told != l->want && (!c->alone || c->told > l->want)) {
		c->alone = false;
		ask(c, l->want, l->ballooned);
	}
	/* nothing is missing of what a process before this one asked for */
	if (c->told == l->want)
		c->alone = false;
	if (!l->driver_ok)
		return false;
	/* above, a page that moves comes before the one it takes the place of goes */
	if (l->ballooned == c->told || (l->ballooned > c->last && l->ballooned < c->told))
		c->heard = true;
	if (c->heard && l->ballooned > c->peak)
		c->peak = min_u64(l->ballooned, c->told);
	c->last = l->ballooned;
	fell = c->heard && l->ballooned < c->told && c->peak >= l->ballooned + COMEBACK_FALL_PAGES;
	if (fell)
		leave_alone(c, l);
	else if (c->alone && l->ballooned >= l->want)
		comeback_order(c);
	else if (c->alone && l->now_ms >= c->next_ms)
		try_again(c, l);
	return fell && !known;
}

unsigned int comeback_wait_ms(const struct comeback *c, uint64_t now_ms)
{
	if (!c->alone)
		return 0;
	return c->next_ms > now_ms ? (unsigned int)(c->next_ms - now_ms) : 1;
}
