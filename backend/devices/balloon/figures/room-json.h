/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service says of room for a guest to come, as its socket speaks it; both directions, so that
 * daemon and tool cannot drift apart. Keys are a promise, written down in xen-vballoon-protocol(7).
 */
#ifndef BACKEND_ROOM_JSON_H
#define BACKEND_ROOM_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

struct room_figures {
	uint64_t held_kib;
	bool looked; /* then also */
	uint64_t free_kib;
	bool ready;
};

/** room_json() - Return: to be put; NULL: out of memory */
struct json_object *room_json(const struct room_figures *f);
/** room_take() - Return: 0; -EPROTO */
int room_take(struct room_figures *f, struct json_object *result);

#endif /* BACKEND_ROOM_JSON_H */
