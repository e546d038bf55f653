// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures to JSON and back. A failed allocation leaves a key out of an object; that is seen at the
 * end, once, so that the way there stays readable.
 */
#include "backend/devices/balloon/figures/balloon-figures-json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* An object under construction. */
struct maker {
	struct json_object *object;
	bool failed;
};

static void add(struct maker *m, const char *key, struct json_object *value)
{
	if (value && m->object && json_object_object_add(m->object, key, value) == 0)
		return;
	json_object_put(value);
	m->failed = true;
}

static void add_u64(struct maker *m, const char *key, uint64_t value)
{
	add(m, key, json_object_new_uint64(value));
}

static struct json_object *finish(struct maker *m)
{
	if (!m->failed)
		return m->object;
	json_object_put(m->object);
	return NULL;
}

static struct json_object *guest_errors_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
		if (f->guest_errors[kind])
			add_u64(&m, xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind),
				f->guest_errors[kind]);
	}
	return finish(&m);
}

static struct json_object *stall_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	add(&m, "why", json_object_new_string(figures_stall_name(f->stall)));
	add_u64(&m, "need_kib", f->stall_kib);
	return finish(&m);
}

static struct json_object *refused_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	add_u64(&m, "target_kib", f->refused_kib);
	add_u64(&m, "free_kib", f->refused_free_kib);
	add_u64(&m, "owed_kib", f->refused_owed_kib);
	return finish(&m);
}

struct json_object *figures_status_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	add_u64(&m, "domid", f->domid);
	add_u64(&m, "devid", f->devid);
	if (f->name[0])
		add(&m, "name", json_object_new_string(f->name));
	add(&m, "path", json_object_new_string(f->path));
	add(&m, "driver", json_object_new_boolean(f->driver_ok));
	add_u64(&m, "static_max_kib", f->static_max_kib);
	if (f->dynamic_min_kib)
		add_u64(&m, "dynamic_min_kib", f->dynamic_min_kib);
	add_u64(&m, "target_kib", f->target_kib);
	add(&m, "pinned", json_object_new_boolean(f->pinned));
	if (f->refused)
		add(&m, "refused", refused_json(f));
	add_u64(&m, "refusals", f->refusals);
	add_u64(&m, "actual_kib", f->actual_kib);
	add_u64(&m, "ballooned_kib", f->ballooned_kib);
	if (figures_stall_name(f->stall))
		add(&m, "stalled", stall_json(f));
	add_u64(&m, "stalls", f->stalls);
	add_u64(&m, "inflated_bytes", f->inflated_bytes);
	add_u64(&m, "deflated_bytes", f->deflated_bytes);
	add_u64(&m, "inflate_ns", f->inflate_ns);
	add_u64(&m, "deflate_ns", f->deflate_ns);
	add_u64(&m, "inflate_messages", f->inflate_messages);
	add_u64(&m, "deflate_messages", f->deflate_messages);
	add_u64(&m, "inflate_decode_ns", f->inflate_decode_ns);
	add_u64(&m, "deflate_decode_ns", f->deflate_decode_ns);
	add_u64(&m, "inflate_hypercall_ns", f->inflate_hypercall_ns);
	add_u64(&m, "deflate_hypercall_ns", f->deflate_hypercall_ns);
	add(&m, "guest_errors", guest_errors_json(f));
	return finish(&m);
}

static struct json_object *stats_values_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		if (f->stats_valid & UINT32_C(1) << tag)
			add_u64(&m, balloon_stat_name(tag), f->stats[tag]);
	}
	return finish(&m);
}

struct json_object *figures_stats_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	add_u64(&m, "domid", f->domid);
	add_u64(&m, "devid", f->devid);
	add_u64(&m, "sequence", f->stats_sequence);
	if (f->stats_sequence) {
		add_u64(&m, "age_ms", f->stats_age_ms);
		add_u64(&m, "ballooned_kib", f->stats_ballooned_kib);
	}
	add(&m, "stats", stats_values_json(f));
	return finish(&m);
}

struct json_object *figures_unused_json(const struct figures *f)
{
	struct maker m = {.object = json_object_new_object()};

	add_u64(&m, "domid", f->domid);
	add_u64(&m, "devid", f->devid);
	add(&m, "via", json_object_new_string(figures_via_name(f->unused_via)));
	add_u64(&m, "ram_kib", f->ram_kib);
	add_u64(&m, "ballooned_kib", f->ballooned_kib);
	add_u64(&m, "unused_kib", f->unused_kib);
	add_u64(&m, "took_ns", f->unused_ns);
	return finish(&m);
}

/* --- and back --- */

/* Not negative, and not the saturated reading of something else. */
static bool get_u64(struct json_object *json, const char *key, uint64_t *value)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_int) ||
	    json_object_get_int64(v) < 0)
		return false;
	*value = json_object_get_uint64(v);
	return true;
}

static bool get_u32(struct json_object *json, const char *key, uint32_t *value)
{
	uint64_t v;

	if (!get_u64(json, key, &v) || v > UINT32_MAX)
		return false;
	*value = (uint32_t)v;
	return true;
}

/* Printable ASCII only: it goes to somebody's terminal. */
static bool get_text(struct json_object *json, const char *key, char *text, size_t size)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_string))
		return false;
	snprintf(text, size, "%s", json_object_get_string(v));
	for (char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	return true;
}

static bool get_bool(struct json_object *json, const char *key, bool *value)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_boolean))
		return false;
	*value = json_object_get_boolean(v);
	return true;
}

static bool get_stall(struct json_object *json, struct figures *f)
{
	struct json_object *v;
	char why[16];

	if (!json_object_object_get_ex(json, "stalled", &v))
		return true;
	if (!json_object_is_type(v, json_type_object) || !get_text(v, "why", why, sizeof(why)) ||
	    !get_u64(v, "need_kib", &f->stall_kib))
		return false;
	/* a reason of a later version is still a stall */
	f->stall = strcmp(why, "max-mem") == 0 ? BALLOON_STALL_MAX_MEM : BALLOON_STALL_HOST;
	return true;
}

/* Half a refusal is none. */
static void get_refused(struct json_object *json, struct figures *f)
{
	struct json_object *v;

	f->refused = json_object_object_get_ex(json, "refused", &v) &&
		     json_object_is_type(v, json_type_object) &&
		     get_u64(v, "target_kib", &f->refused_kib) &&
		     get_u64(v, "free_kib", &f->refused_free_kib) &&
		     get_u64(v, "owed_kib", &f->refused_owed_kib);
}

static void get_guest_errors(struct json_object *json, struct figures *f)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, "guest_errors", &v) ||
	    !json_object_is_type(v, json_type_object))
		return;
	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++)
		get_u64(v, xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind),
			&f->guest_errors[kind]);
}

int figures_from_status(struct figures *f, struct json_object *json)
{
	*f = (struct figures){0};
	if (!json_object_is_type(json, json_type_object) || !get_u32(json, "domid", &f->domid) ||
	    !get_u32(json, "devid", &f->devid) ||
	    !get_text(json, "path", f->path, sizeof(f->path)) ||
	    !get_bool(json, "driver", &f->driver_ok) ||
	    !get_u64(json, "static_max_kib", &f->static_max_kib) ||
	    !get_u64(json, "target_kib", &f->target_kib) ||
	    !get_u64(json, "actual_kib", &f->actual_kib) ||
	    !get_u64(json, "ballooned_kib", &f->ballooned_kib) || !get_stall(json, f))
		return -EPROTO;
	get_text(json, "name", f->name, sizeof(f->name));
	get_u64(json, "dynamic_min_kib", &f->dynamic_min_kib);
	get_bool(json, "pinned", &f->pinned);
	get_refused(json, f);
	get_u64(json, "refusals", &f->refusals);
	get_u64(json, "stalls", &f->stalls);
	get_u64(json, "inflated_bytes", &f->inflated_bytes);
	get_u64(json, "deflated_bytes", &f->deflated_bytes);
	get_u64(json, "inflate_ns", &f->inflate_ns);
	get_u64(json, "deflate_ns", &f->deflate_ns);
	get_u64(json, "inflate_messages", &f->inflate_messages);
	get_u64(json, "deflate_messages", &f->deflate_messages);
	get_u64(json, "inflate_decode_ns", &f->inflate_decode_ns);
	get_u64(json, "deflate_decode_ns", &f->deflate_decode_ns);
	get_u64(json, "inflate_hypercall_ns", &f->inflate_hypercall_ns);
	get_u64(json, "deflate_hypercall_ns", &f->deflate_hypercall_ns);
	get_guest_errors(json, f);
	return 0;
}

int figures_from_stats(struct figures *f, struct json_object *json)
{
	struct json_object *v;

	if (!json_object_is_type(json, json_type_object) ||
	    !get_u32(json, "domid", &f->domid) || !get_u32(json, "devid", &f->devid) ||
	    !get_u64(json, "sequence", &f->stats_sequence) ||
	    !json_object_object_get_ex(json, "stats", &v) ||
	    !json_object_is_type(v, json_type_object))
		return -EPROTO;
	f->stats_age_ms = 0;
	get_u64(json, "age_ms", &f->stats_age_ms);
	/* a daemon that does not say is taken to have been idle */
	f->stats_ballooned_kib = f->ballooned_kib;
	get_u64(json, "ballooned_kib", &f->stats_ballooned_kib);
	f->stats_valid = 0;
	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		if (get_u64(v, balloon_stat_name(tag), &f->stats[tag]))
			f->stats_valid |= UINT32_C(1) << tag;
	}
	return 0;
}

int figures_from_unused(struct figures *f, struct json_object *json)
{
	char via[32];

	*f = (struct figures){0};
	if (!json_object_is_type(json, json_type_object) || !get_u32(json, "domid", &f->domid) ||
	    !get_u32(json, "devid", &f->devid) || !get_text(json, "via", via, sizeof(via)) ||
	    !get_u64(json, "ram_kib", &f->ram_kib) ||
	    !get_u64(json, "ballooned_kib", &f->ballooned_kib) ||
	    !get_u64(json, "unused_kib", &f->unused_kib) ||
	    !get_u64(json, "took_ns", &f->unused_ns))
		return -EPROTO;
	f->unused_via = strcmp(via, figures_via_name(BALLOON_UNUSED_VIA_HINT)) == 0
				? BALLOON_UNUSED_VIA_HINT
				: BALLOON_UNUSED_VIA_HOST_REQ;
	return 0;
}
