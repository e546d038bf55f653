// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of the balloon's commands, and those for sizes and statistics.
 */
#include "backend/devices/balloon/daemon/commands.h"

#define STATS_MS 2000u
/** no guest has a frame there */
#define GFN_END (UINT64_C(1) << 52)

static enum control_going tell_taken(struct balloon_commands *c, struct control_client *cl,
				     const struct control_request *r, bool taken,
				     const struct control_error *error)
{
	if (control_client_operated(cl) == CONTROL_GONE)
		return CONTROL_GONE;
	if (taken)
		control_client_status(cl, r->id);
	else
		control_client_error(cl, r->id, error);
	return CONTROL_GOING_ON;
}

static enum control_going set(struct balloon_commands *c, struct control_client *cl,
			      const struct control_request *r, bool force)
{
	struct control_error error;

	control_client_operation(cl);
	return tell_taken(c, cl, r, c->ops->set_target(c->opaque, r->number, force, &error),
			  &error);
}

static enum control_going run_set(void *opaque, struct control_client *cl,
				  const struct control_request *r)
{
	return set(opaque, cl, r, false);
}

static enum control_going run_force(void *opaque, struct control_client *cl,
				    const struct control_request *r)
{
	return set(opaque, cl, r, true);
}

static enum control_going run_auto(void *opaque, struct control_client *cl,
				   const struct control_request *r)
{
	struct balloon_commands *c = opaque;
	struct control_error error;

	control_client_operation(cl);
	return tell_taken(c, cl, r,
			  c->ops->set_auto(c->opaque, r->given ? &r->number : NULL, &error),
			  &error);
}

/* --- statistics --- */

static struct json_object *stats_json(void *opaque)
{
	struct balloon_commands *c = opaque;
	struct balloon_figures f;

	c->ops->figures(c->opaque, &f);
	return balloon_stats_json(&f);
}

static bool stats_are_fresh(void *opaque, uint64_t sequence)
{
	struct balloon_commands *c = opaque;
	struct balloon_figures f;

	c->ops->figures(c->opaque, &f);
	return f.stats_sequence != sequence;
}

static enum control_going run_stats(void *opaque, struct control_client *cl,
				    const struct control_request *r)
{
	static const struct control_wait wait = {.ready = stats_are_fresh, .answer = stats_json};
	struct balloon_commands *c = opaque;
	struct balloon_figures f;
	bool asked;

	if (!r->flag) {
		control_client_result(cl, r->id, stats_json(c));
		return CONTROL_GOING_ON;
	}
	c->ops->figures(c->opaque, &f);
	control_client_operation(cl);
	asked = c->ops->refresh_stats(c->opaque);
	if (control_client_operated(cl) == CONTROL_GONE)
		return CONTROL_GONE;
	if (asked)
		control_client_wait(cl, r->id, &wait, f.stats_sequence,
				    c->stats_ms ? c->stats_ms : STATS_MS);
	else
		control_client_result(cl, r->id, stats_json(c));
	return CONTROL_GOING_ON;
}

static const struct control_key refresh = {
	.name = "refresh",
	.is_bool = true,
	.wrong = "refresh: give true or false",
};
static const struct control_key kib = {
	.name = "kib",
	.wrong = "kib: give a whole number of KiB, 4 or more",
};
static const struct control_key needed_kib = {
	.name = "kib",
	.needed = true,
	.wrong = "kib: give a whole number of KiB, 4 or more",
};
static const struct control_key from = {
	.name = "from",
	.end = GFN_END,
	.wrong = "from: give a frame's number",
};

const struct control_command balloon_command_table[] = {
	{"stats", &refresh, run_stats},
	{"set", &needed_kib, run_set},
	{"force", &needed_kib, run_force},
	{"auto", &kib, run_auto},
	{"unused", NULL, balloon_run_unused},
	{"frames", &from, balloon_run_frames},
	{"release", NULL, balloon_run_release},
	{0},
};
