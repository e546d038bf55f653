// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room, asked for over a socket: the question is answered at once, with how it stands; who waits for it
 * asks again.
 */
#include "backend/devices/balloon/daemon/service-commands.h"
#include "backend/base/clock.h"
#include "backend/control/control-command.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/devices/balloon/figures/room-json.h"

static struct json_object *status_json(void *opaque)
{
	const struct service_commands *s = opaque;
	const struct room_figures f = {
		.held_kib = s->room.held_kib,
		.looked = s->room.looked,
		.free_kib = s->room.free_kib,
		.ready = room_is_there(&s->room),
	};

	return room_json(&f);
}

static enum control_going run_free(void *opaque, struct control_client *cl,
				   const struct control_request *r)
{
	struct service_commands *s = opaque;

	uint64_t held_kib = s->room.held_kib;

	room_ask(&s->room, r->number, clock_now_ms() + SERVICE_HOLD_MS);
	/* who only holds it for longer waits for nothing new */
	if (s->room.held_kib > held_kib && s->asked)
		s->asked(s->asked_opaque);
	control_client_status(cl, r->id);
	return CONTROL_GOING_ON;
}

static const struct control_key kib = {
	.name = "kib",
	.needed = true,
	.wrong = "kib: give a whole number of KiB; 0 gives up what was asked for",
};

static const struct control_command table[] = {
	{"free", &kib, run_free},
	{0},
};

int service_commands_open(struct service_commands *s, struct event_base *base, struct log *log,
			  const char *dir)
{
	const struct control_config cfg = {
		.base = base,
		.log = log,
		.program = &balloon_program,
		.dir = dir,
		.name = BALLOON_SERVICE_SOCKET,
		.doors = s->doors,
		.status = status_json,
		.opaque = s,
		.commands = table,
		.commands_opaque = s,
	};

	return control_open(&s->control, &cfg);
}

void service_commands_close(struct service_commands *s)
{
	control_free(s->control);
	s->control = NULL;
}

uint64_t service_commands_hold(void *opaque, uint64_t free_kib, const struct room_owed *owed)
{
	struct service_commands *s = opaque;
	uint64_t held = room_look(&s->room, clock_now_ms(), free_kib, owed);

	control_changed(s->control);
	return held;
}
