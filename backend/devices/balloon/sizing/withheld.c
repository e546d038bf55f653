// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What others keep from a guest. To release a frame moves it from the domain to our balloon, whether it was populated or not:
 * the sum that is formed here stays as it is.
 */
#include "backend/devices/balloon/sizing/withheld.h"

uint64_t withheld_pages(const struct withheld_count *c)
{
	uint64_t here = c->tot > c->pod_cache ? c->tot - c->pod_cache : 0;
	uint64_t held, by_key;

	if (__builtin_add_overflow(here, c->pod, &here) ||
	    __builtin_add_overflow(here, c->ballooned, &here) || here >= c->static_max)
		return 0;
	held = c->static_max - here;
	if (held <= WITHHELD_SLACK_PAGES)
		return 0;
	/* who goes by the key goes exactly by it; what is between it and our count is others' pages */
	by_key = c->by_key && c->by_key < c->static_max ? c->static_max - c->by_key : 0;
	if (by_key && held + WITHHELD_SLACK_PAGES >= by_key && held <= by_key + WITHHELD_SLACK_PAGES)
		return by_key;
	return held;
}

uint64_t withheld_balloon(uint64_t static_max, uint64_t held, uint64_t wanted)
{
	uint64_t room = static_max > held ? static_max - held : 0;

	return room > wanted ? room - wanted : 0;
}
