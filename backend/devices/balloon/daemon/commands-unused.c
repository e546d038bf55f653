// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unused pages over the control socket. The guest is asked for one client at a time; the answer is
 * held until that client lets go of it, asks again, is silent for long, or ends.
 *
 * Frames go out as runs, a bounded number an answer: no answer grows with the guest.
 */
#include "backend/control/control-internal.h"
#include "backend/devices/balloon/figures/balloon-figures-json.h"

#include <json-c/json.h>

#define GFN_END (UINT64_C(1) << 52)

static void end_asking(struct control_client *cl)
{
	json_object_put(cl->unused_id);
	cl->unused_id = NULL;
	cl->unused_awaited = false;
}

static enum going refuse(struct control_client *cl, struct json_object *id,
			 const struct control_error *error)
{
	control_client_send(cl, control_answer_error(id, error));
	return GOING_ON;
}

enum going control_unused_request(struct control_client *cl, struct json_object *id)
{
	struct control *c = cl->control;
	struct control_error error;
	bool asked;

	if (c->asker && c->asker != cl) {
		control_error_set(&error, CONTROL_IN_USE,
				  "another client has asked already: try again when it has ended");
		return refuse(cl, id, &error);
	}
	control_client_operation(cl);
	asked = c->cfg.ops->ask_unused(c->cfg.opaque, &error);
	if (control_client_operated(cl) == GOING_GONE)
		return GOING_GONE;
	c->asker = asked ? cl : NULL;
	if (!asked)
		return refuse(cl, id, &error);
	cl->unused_awaited = true;
	cl->unused_id = json_object_get(id);
	return GOING_ON;
}

void control_unused(struct control *c, const struct control_error *error)
{
	struct control_client *cl = c ? c->asker : NULL;
	struct figures f;

	if (!cl || !cl->unused_awaited)
		return;
	if (error) {
		c->asker = NULL;
		control_client_send(cl, control_answer_error(cl->unused_id, error));
	} else {
		c->cfg.ops->figures(c->cfg.opaque, &f);
		control_client_send(cl,
				    control_answer_result(cl->unused_id, figures_unused_json(&f)));
	}
	end_asking(cl);
	control_client_go_on(cl);
}

void control_unused_forget(struct control_client *cl)
{
	if (cl->control->asker != cl)
		return;
	cl->control->asker = NULL;
	cl->control->cfg.ops->release_unused(cl->control->cfg.opaque);
}

void control_release_request(struct control_client *cl, struct json_object *id)
{
	control_unused_forget(cl);
	control_client_send(cl, control_answer_result(id, json_object_new_object()));
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
static struct json_object *frames_json(struct control_client *cl, uint64_t from_gfn,
				       struct runs *unused, struct runs *ballooned)
{
	struct xenvirtio_run left = {{from_gfn}, GFN_END - from_gfn}, piece;
	const struct control_config *cfg = &cl->control->cfg;
	struct json_object *json = json_object_new_object();
	bool asker = cl->control->asker == cl;
	unsigned int nr = 0;
	struct figures f;

	if (!json)
		return NULL;
	while (left.nr && nr < CONTROL_RUNS_MAX) {
		switch (cfg->ops->next_frame(cfg->opaque, &left, &piece)) {
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
	cfg->ops->figures(cfg->opaque, &f);
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

void control_frames_request(struct control_client *cl, const struct control_request *r)
{
	struct runs unused = {.array = json_object_new_array()};
	struct runs ballooned = {.array = json_object_new_array()};
	struct json_object *json = NULL;

	if (unused.array && ballooned.array)
		json = frames_json(cl, r->from_gfn, &unused, &ballooned);
	control_client_send(cl, control_answer_result(r->id, json));
	json_object_put(unused.array);
	json_object_put(ballooned.array);
}
