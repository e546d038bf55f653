// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room: a size that becomes less as others take it.
 */
#include "backend/devices/balloon/sizing/room.h"

#include <stddef.h>

/** more than any host has; sums and differences of some such still fit */
#define KIB_MAX (INT64_MAX / 8)

static int64_t capped(uint64_t kib)
{
	return kib > (uint64_t)KIB_MAX ? KIB_MAX : (int64_t)kib;
}

void room_ask(struct room *r, uint64_t kib, uint64_t until_ms)
{
	/* again, while it is held: longer */
	if (kib && kib == r->held_kib) {
		r->until_ms = until_ms;
		return;
	}
	*r = (struct room){.held_kib = (uint64_t)capped(kib), .until_ms = until_ms};
}

uint64_t room_look(struct room *r, uint64_t now_ms, uint64_t free_kib, const struct room_owed *owed)
{
	int64_t others_kib = capped(free_kib) - capped(owed->kib);
	/* both as if nobody had come or left */
	int64_t before_kib = r->others_kib + capped(owed->left_kib);
	int64_t after_kib = others_kib + capped(owed->came_kib);
	uint64_t taken = 0;

	if (now_ms >= r->until_ms)
		r->held_kib = 0;
	if (r->looked && after_kib < before_kib)
		taken = (uint64_t)(before_kib - after_kib);
	r->held_kib = r->held_kib > taken ? r->held_kib - taken : 0;
	r->others_kib = others_kib;
	r->free_kib = free_kib;
	r->looked = true;
	return r->held_kib;
}

bool room_is_there(const struct room *r)
{
	return r->looked && r->held_kib && r->free_kib >= r->held_kib;
}
