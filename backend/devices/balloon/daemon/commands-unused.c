// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unused pages over the control socket. The guest is asked for one client at a time; the answer is
 * held until that client lets go of it, asks again, is silent for long, or ends.
 *
 * Frames go out as runs, a bounded number an answer: no answer grows with the guest.
 */
#include "backend/devices/balloon/daemon/commands.h"

#include <json-c/json.h>

#define GFN_END (UINT64_C(1) << 52)

/* Who holds an answer keeps its place among the clients. */
static void set_asker(struct balloon_commands *c, struct control_client *cl)
{
	if (c->asker)
		control_client_keep(c->asker, false);
	if (cl)
		control_client_keep(cl, true);
	c->asker = cl;
}

enum control_going balloon_run_unused(void *opaque, struct control_client *cl,
				      const struct control_request *r)
{
	struct balloon_commands *c = opaque;
	struct control_error error;
	bool asked;

	if (c->asker && c->asker != cl) {
		control_error_set(&error, CONTROL_IN_USE,
				  "another client has asked already: try again when it has ended");
		control_client_error(cl, r->id, &error);
		return CONTROL_GOING_ON;
	}
	control_client_operation(cl);
	asked = c->ops->ask_unused(c->opaque, &error);
	if (control_client_operated(cl) == CONTROL_GONE)
		return CONTROL_GONE;
	set_asker(c, asked ? cl : NULL);
	if (asked)
		control_client_wait(cl, r->id, NULL, 0, 0);
	else
		control_client_error(cl, r->id, &error);
	return CONTROL_GOING_ON;
}

void balloon_commands_unused(struct balloon_commands *c, const struct control_error *error)
{
	struct control_client *cl = c->asker;
	struct balloon_figures f;

	if (!cl || !control_client_waits(cl))
		return;
	if (error) {
		set_asker(c, NULL);
		control_client_end_wait(cl, NULL, error);
		return;
	}
	c->ops->figures(c->opaque, &f);
	control_client_end_wait(cl, balloon_unused_json(&f), NULL);
}

void balloon_commands_heard(void *opaque, struct control_client *cl)
{
	struct balloon_commands *c = opaque;

	if (c->asker == cl)
		c->ops->hold_unused(c->opaque);
}

void balloon_commands_gone(void *opaque, struct control_client *cl)
{
	struct balloon_commands *c = opaque;

	if (c->asker != cl)
		return;
	set_asker(c, NULL);
	c->ops->release_unused(c->opaque);
}

enum control_going balloon_run_release(void *opaque, struct control_client *cl,
				       const struct control_request *r)
{
	balloon_commands_gone(opaque, cl);
	control_client_result(cl, r->id, json_object_new_object());
	return CONTROL_GOING_ON;
}

/* --- frames --- */

/* The runs of one kind so far; the newest may still grow. */
struct runs {
	struct json_object *array;
	struct xenvirtio_run newest;
	bool failed; /* no memory */
};

static void flush_run(struct runs *runs)
{
	struct json_object *pair;

	if (!runs->newest.nr)
		return;
	pair = json_object_new_array_ext(2);
	if (pair) {
		json_object_array_add(pair, json_object_new_uint64(runs->newest.start.v));
		json_object_array_add(pair, json_object_new_uint64(runs->newest.nr));
	}
	if (!pair || json_object_array_add(runs->array, pair))
		runs->failed = true;
	runs->newest.nr = 0;
}

/* Return: whether it began a new run */
static bool add_run(struct runs *runs, struct xenvirtio_run piece)
{
	if (runs->newest.nr && runs->newest.start.v + runs->newest.nr == piece.start.v) {
		runs->newest.nr += piece.nr;
		return false;
	}
	flush_run(runs);
	runs->newest = piece;
	return true;
}

/* Return: to be put; NULL: no memory */
static struct json_object *frames_json(struct balloon_commands *c, bool asker, uint64_t from_gfn,
				       struct runs *unused, struct runs *ballooned)
{
	struct xenvirtio_run left = {{from_gfn}, GFN_END - from_gfn}, piece;
	struct json_object *json = json_object_new_object();
	unsigned int nr = 0;
	struct balloon_figures f;

	if (!json)
		return NULL;
	while (left.nr && nr < CONTROL_RUNS_MAX) {
		switch (c->ops->next_frame(c->opaque, &left, &piece)) {
		case BALLOON_FRAME_UNUSED:
			nr += asker && add_run(unused, piece);
			break;
		case BALLOON_FRAME_BALLOONED:
			nr += add_run(ballooned, piece);
			break;
		default:
			break;
		}
	}
	flush_run(unused);
	flush_run(ballooned);
	c->ops->figures(c->opaque, &f);
	json_object_object_add(json, "held",
			       json_object_new_boolean(asker && f.unused == BALLOON_UNUSED_DONE));
	json_object_object_add(json, "unused", json_object_get(unused->array));
	json_object_object_add(json, "ballooned", json_object_get(ballooned->array));
	if (left.nr)
		json_object_object_add(json, "next", json_object_new_uint64(left.start.v));
	if (!unused->failed && !ballooned->failed)
		return json;
	json_object_put(json);
	return NULL;
}

enum control_going balloon_run_frames(void *opaque, struct control_client *cl,
				      const struct control_request *r)
{
	struct runs unused = {.array = json_object_new_array()};
	struct runs ballooned = {.array = json_object_new_array()};
	struct balloon_commands *c = opaque;
	struct json_object *json = NULL;

	if (unused.array && ballooned.array)
		json = frames_json(c, c->asker == cl, r->number, &unused, &ballooned);
	control_client_result(cl, r->id, json);
	json_object_put(unused.array);
	json_object_put(ballooned.array);
	return CONTROL_GOING_ON;
}
