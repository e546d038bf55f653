// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures to JSON and back, as far as all devices have them.
 */
#include "backend/figures/figures-json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

struct json_maker json_maker_begin(void)
{
	return (struct json_maker){.object = json_object_new_object()};
}

void json_maker_add(struct json_maker *m, const char *key, struct json_object *value)
{
	if (value && m->object && json_object_object_add(m->object, key, value) == 0)
		return;
	json_object_put(value);
	m->failed = true;
}

void json_maker_add_u64(struct json_maker *m, const char *key, uint64_t value)
{
	json_maker_add(m, key, json_object_new_uint64(value));
}

void json_maker_add_text(struct json_maker *m, const char *key, const char *text)
{
	json_maker_add(m, key, json_object_new_string(text));
}

void json_maker_add_bool(struct json_maker *m, const char *key, bool value)
{
	json_maker_add(m, key, json_object_new_boolean(value));
}

struct json_object *json_maker_end(struct json_maker *m)
{
	if (!m->failed)
		return m->object;
	json_object_put(m->object);
	return NULL;
}

static struct json_object *guest_errors_json(const struct figures *f)
{
	struct json_maker m = json_maker_begin();

	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
		if (f->guest_errors[kind])
			json_maker_add_u64(
				&m, xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind),
				f->guest_errors[kind]);
	}
	return json_maker_end(&m);
}

void figures_add_guest_errors(struct json_maker *m, const struct figures *f)
{
	json_maker_add(m, "guest_errors", guest_errors_json(f));
}

/* Text with @between after each part but the last becomes an array. */
static struct json_object *parts_json(const char *text, char between)
{
	const char stop[] = {between, '\0'};
	struct json_object *array = json_object_new_array(), *word;

	for (const char *at = text; array && *at;) {
		size_t len = strcspn(at, stop);

		word = json_object_new_string_len(at, (int)len);
		if (!word || json_object_array_add(array, word)) {
			json_object_put(word);
			json_object_put(array);
			return NULL;
		}
		at += len + (at[len] == between);
	}
	return array;
}

void figures_add_device(struct json_maker *m, const struct figures *f)
{
	json_maker_add_u64(m, "domid", f->domid);
	json_maker_add_u64(m, "devid", f->devid);
}

void figures_add_status(struct json_maker *m, const struct figures *f)
{
	figures_add_device(m, f);
	if (f->name[0])
		json_maker_add_text(m, "name", f->name);
	json_maker_add_text(m, "path", f->path);
	json_maker_add_bool(m, "driver", f->driver_ok);
	json_maker_add(m, "features", parts_json(f->features, ' '));
	json_maker_add(m, "unconfined", parts_json(f->unconfined, '\n'));
	json_maker_add_u64(m, "uptime_ms", f->uptime_ms);
}

/* --- and back --- */

bool json_get_u64(struct json_object *json, const char *key, uint64_t *value)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_int) ||
	    json_object_get_int64(v) < 0)
		return false;
	*value = json_object_get_uint64(v);
	return true;
}

bool json_get_u32(struct json_object *json, const char *key, uint32_t *value)
{
	uint64_t v;

	if (!json_get_u64(json, key, &v) || v > UINT32_MAX)
		return false;
	*value = (uint32_t)v;
	return true;
}

/* It goes to somebody's terminal. */
static void make_printable(char *text)
{
	for (char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

bool json_get_text(struct json_object *json, const char *key, char *text, size_t size)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_string))
		return false;
	snprintf(text, size, "%s", json_object_get_string(v));
	make_printable(text);
	return true;
}

bool json_get_bool(struct json_object *json, const char *key, bool *value)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_boolean))
		return false;
	*value = json_object_get_boolean(v);
	return true;
}

static void get_guest_errors(struct json_object *json, struct figures *f)
{
	struct json_object *v;

	if (!json_object_object_get_ex(json, "guest_errors", &v) ||
	    !json_object_is_type(v, json_type_object))
		return;
	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++)
		json_get_u64(v, xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind),
			     &f->guest_errors[kind]);
}

/* One that does not fit, or is no text, is left out. */
static void get_parts(struct json_object *json, const char *key, char between, char *out, size_t size)
{
	struct json_object *v;
	size_t used = 0;

	out[0] = '\0';
	if (!json_object_object_get_ex(json, key, &v) || !json_object_is_type(v, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_object *word = json_object_array_get_idx(v, i);
		const char *text = json_object_get_string(word);

		if (!json_object_is_type(word, json_type_string) || !*text ||
		    used + strlen(text) + 2 > size)
			continue;
		if (used)
			out[used++] = between;
		used += (size_t)snprintf(out + used, size - used, "%s", text);
		make_printable(out + used - strlen(text));
	}
}

bool figures_get_device(struct figures *f, struct json_object *json)
{
	return json_object_is_type(json, json_type_object) &&
	       json_get_u32(json, "domid", &f->domid) && json_get_u32(json, "devid", &f->devid);
}

bool figures_get_status(struct figures *f, struct json_object *json)
{
	if (!figures_get_device(f, json) ||
	    !json_get_text(json, "path", f->path, sizeof(f->path)) ||
	    !json_get_bool(json, "driver", &f->driver_ok))
		return false;
	json_get_text(json, "name", f->name, sizeof(f->name));
	json_get_u64(json, "uptime_ms", &f->uptime_ms);
	get_parts(json, "features", ' ', f->features, sizeof(f->features));
	get_parts(json, "unconfined", '\n', f->unconfined, sizeof(f->unconfined));
	get_guest_errors(json, f);
	return true;
}
