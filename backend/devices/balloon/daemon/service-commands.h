/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of the service, where --auto is at work: room for a guest to come. Like that of a
 * device, with "free" in place of the device's commands; see xen-vballoon-protocol(7).
 */
#ifndef BACKEND_SERVICE_COMMANDS_H
#define BACKEND_SERVICE_COMMANDS_H

#include "backend/control/control.h"
#include "backend/devices/balloon/sizing/room.h"

/** so long room is held after it was asked for */
#define SERVICE_HOLD_MS 60000u

struct service_commands {
	struct room room;
	struct control *control; /* NULL: not open */
	const struct doors *doors; /* borrowed; NULL: it listens by itself */
	/** asked - for more room than before; NULL: nobody wants to know */
	void (*asked)(void *opaque);
	void *asked_opaque;
};

/** service_commands_open() - Return: 0; as control_open() */
int service_commands_open(struct service_commands *s, struct event_base *base, struct log *log,
			  const char *dir);
void service_commands_close(struct service_commands *s);
/** service_commands_hold() - as auto_config.hold; @opaque: the service_commands */
uint64_t service_commands_hold(void *opaque, uint64_t free_kib, const struct room_owed *owed);

#endif /* BACKEND_SERVICE_COMMANDS_H */
