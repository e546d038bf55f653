// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words that are remembered.
 */
#include "backend/devices/balloon/sizing/words.h"

#define VERSION 1u

void words_check(struct words *w)
{
	if (w->version != VERSION || w->pinned > 1)
		*w = (struct words){0};
}

bool words_known(const struct words *w)
{
	return w->version == VERSION;
}

void words_note(struct words *w, uint64_t kib, bool pinned)
{
	/* a size that somebody named is never one that nobody did, whatever ends the process in between */
	if (pinned)
		__atomic_store_n(&w->pinned, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&w->kib, kib, __ATOMIC_RELEASE);
	__atomic_store_n(&w->pinned, pinned, __ATOMIC_RELEASE);
	/* last: from here on the others count */
	__atomic_store_n(&w->version, VERSION, __ATOMIC_RELEASE);
}

void words_see(struct words *w, enum words_place place, uint64_t kib)
{
	w->seen[place] = kib == UINT64_MAX ? 0 : kib + 1;
}

void words_forget(struct words *w, enum words_place place)
{
	w->seen[place] = 0;
}

bool words_seen(const struct words *w, enum words_place place)
{
	return w->seen[place] != 0;
}

bool words_news(const struct words *w, enum words_place place, uint64_t kib)
{
	return !words_seen(w, place) || w->seen[place] - 1 != kib;
}
