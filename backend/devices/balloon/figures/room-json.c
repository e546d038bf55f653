// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room as JSON.
 */
#include "backend/devices/balloon/figures/room-json.h"
#include "backend/figures/figures-json.h"

#include <errno.h>

struct json_object *room_json(const struct room_figures *f)
{
	struct json_maker m = json_maker_begin();

	json_maker_add_u64(&m, "held_kib", f->held_kib);
	if (f->looked)
		json_maker_add_u64(&m, "free_kib", f->free_kib);
	json_maker_add_bool(&m, "ready", f->ready);
	return json_maker_end(&m);
}

int room_take(struct room_figures *f, struct json_object *result)
{
	*f = (struct room_figures){0};
	f->looked = json_get_u64(result, "free_kib", &f->free_kib);
	return json_get_u64(result, "held_kib", &f->held_kib) &&
			       json_get_bool(result, "ready", &f->ready)
		       ? 0
		       : -EPROTO;
}
