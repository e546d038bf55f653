// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list is put together from bounded answers. A daemon is trusted with the guest's memory, not
 * with ours: whatever comes is checked to be ascending, and progress is demanded.
 */
#include "tools/copy/copy-skip.h"
#include "backend/devices/balloon/figures/balloon-figures-json.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>

#define GFN_END (UINT64_C(1) << 52)
/* 32 MiB; what comes after is copied */
#define RUNS_MAX (UINT32_C(1) << 20)

static bool get_number(struct json_object *v, uint64_t *number)
{
	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
		return false;
	*number = json_object_get_uint64(v);
	return true;
}

/* Run @i of an array; @run->nr is 0 behind the last one. Return: whether it is one */
static bool get_run(struct json_object *runs, size_t i, struct xenvirtio_run *run)
{
	struct json_object *pair = json_object_array_get_idx(runs, i);

	*run = (struct xenvirtio_run){xenvirtio_gfn(GFN_END), 0};
	if (i == json_object_array_length(runs))
		return true;
	return json_object_is_type(pair, json_type_array) &&
	       get_number(json_object_array_get_idx(pair, 0), &run->start.v) &&
	       get_number(json_object_array_get_idx(pair, 1), &run->nr) && run->nr &&
	       run->start.v < GFN_END && run->nr <= GFN_END - run->start.v;
}

static int add_run(struct skip_list *list, struct xenvirtio_run run, enum copy_kind kind)
{
	const struct skip_run *last = list->nr ? &list->run[list->nr - 1] : NULL;

	if (last && run.start.v < last->run.start.v + last->run.nr)
		return -EPROTO;
	if (list->nr == RUNS_MAX)
		return 0;
	if (list->nr == list->room) {
		size_t room = list->room ? list->room * 2 : 256;
		struct skip_run *grown = realloc(list->run, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->run = grown;
		list->room = room;
	}
	list->run[list->nr++] = (struct skip_run){run, kind};
	return 0;
}

/* Both kinds, in the order of their frames. */
static int add_runs(struct skip_list *list, struct json_object *unused,
		    struct json_object *ballooned)
{
	size_t u = 0, b = 0;

	for (;;) {
		struct xenvirtio_run first, second;
		int rc;

		if (!get_run(unused, u, &first) || !get_run(ballooned, b, &second))
			return -EPROTO;
		if (!first.nr && !second.nr)
			return 0;
		if (first.start.v <= second.start.v) {
			rc = add_run(list, first, COPY_KIND_UNUSED);
			u++;
		} else {
			rc = add_run(list, second, COPY_KIND_ABSENT);
			b++;
		}
		if (rc)
			return rc;
	}
}

/* @from: in and out; GFN_END behind the last */
static int take_answer(struct skip_list *list, struct json_object *json, uint64_t *from)
{
	struct json_object *unused, *ballooned, *next;
	uint64_t before = *from;
	int rc;

	if (!json_object_object_get_ex(json, "unused", &unused) ||
	    !json_object_is_type(unused, json_type_array) ||
	    !json_object_object_get_ex(json, "ballooned", &ballooned) ||
	    !json_object_is_type(ballooned, json_type_array))
		return -EPROTO;
	rc = add_runs(list, unused, ballooned);
	*from = GFN_END;
	if (rc || !json_object_object_get_ex(json, "next", &next))
		return rc;
	return get_number(next, from) && *from > before && *from < GFN_END ? 0 : -EPROTO;
}

static int get_frames(struct skip_list *list, struct ctl_client *client,
		      struct ctl_refusal *refusal)
{
	uint64_t from = 0;
	int rc = 0;

	while (!rc && from < GFN_END) {
		struct json_object *json;
		char number[24];

		snprintf(number, sizeof(number), "%" PRIu64, from);
		rc = ctl_client_call(client, "frames", "from", number, &json, refusal);
		if (rc)
			break;
		rc = take_answer(list, json, &from);
		json_object_put(json);
	}
	return rc;
}

int skip_ask(struct skip_list *list, struct ctl_client *client, struct ctl_refusal *refusal)
{
	struct json_object *json;
	struct balloon_figures f;
	int rc = ctl_client_call(client, "unused", NULL, NULL, &json, refusal), got;

	if (!rc) {
		rc = balloon_from_unused(&f, json);
		json_object_put(json);
		if (rc)
			return rc;
		list->unused_kib = f.unused_kib;
		list->took_ns = f.unused_ns;
	} else if (rc != -EREMOTEIO) {
		return rc;
	}
	/* what is in the balloon is told in any case */
	got = get_frames(list, client, rc ? &(struct ctl_refusal){.code = ""} : refusal);
	return got ? got : rc;
}

void skip_fini(struct skip_list *list)
{
	free(list->run);
	*list = (struct skip_list){0};
}

enum copy_kind skip_next(struct skip_list *list, struct xenvirtio_run *run,
			 struct xenvirtio_run *piece)
{
	enum copy_kind kind = COPY_KIND_DATA;
	uint64_t nr = run->nr;

	while (list->next < list->nr &&
	       list->run[list->next].run.start.v + list->run[list->next].run.nr <= run->start.v)
		list->next++;
	if (list->next < list->nr) {
		const struct skip_run *skip = &list->run[list->next];
		uint64_t end;

		if (run->start.v < skip->run.start.v) {
			end = skip->run.start.v;
		} else {
			end = skip->run.start.v + skip->run.nr;
			kind = skip->kind;
		}
		nr = end - run->start.v < nr ? end - run->start.v : nr;
	}
	*piece = (struct xenvirtio_run){run->start, nr};
	run->start.v += nr;
	run->nr -= nr;
	return kind;
}
