// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests and answers. Strict: a key that is not known is an error, since a client that says
 * something we would pass over believes that it was done.
 */
#include "backend/control/control-request.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Requests are flat; nested ones are somebody's attack on the parser's stack. */
#define DEPTH_MAX 4
#define ID_TEXT_MAX 64

void control_error_set(struct control_error *e, const char *code, const char *format, ...)
{
	va_list args;

	e->code = code;
	va_start(args, format);
	vsnprintf(e->message, sizeof(e->message), format, args);
	va_end(args);
}

static bool fail(struct control_error *e, const char *code, const char *message)
{
	control_error_set(e, code, "%s", message);
	return false;
}

/* @digits, of which there are @nr, as a number that fits: the largest one, and blanks. */
static void cut_integer(char *digits, size_t nr, const char *largest)
{
	size_t most = strlen(largest);

	/* what begins with a zero is no number at all, and the parser's to refuse */
	if (nr < most || digits[0] == '0' || (nr == most && strncmp(digits, largest, nr) <= 0))
		return;
	memset(digits, ' ', nr);
	memcpy(digits, largest, most);
}

/*
 * An integer may have any number of digits. What json-c makes of one beyond 64 bits depends on its
 * version (0.16: the largest there is; 0.18: bad JSON): it gets to see none.
 */
static void cut_integers(char *line)
{
	bool text = false;

	while (*line) {
		size_t len = text ? 0 : strspn(line, "+-.0123456789Ee");
		size_t sign = *line == '-', nr = strspn(line + sign, "0123456789");

		if (len && sign + nr == len)
			cut_integer(line + sign, nr,
				    sign ? "9223372036854775808" : "18446744073709551615");
		else if (!len && *line == '"')
			text = !text;
		else if (!len && *line == '\\' && line[1])
			len = 2;
		line += len ? len : 1;
	}
}

static struct json_object *parse_strictly(const char *line, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *json;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, line, (int)len);
	/* a number at the very end is complete only with what follows it */
	if (!json && json_tokener_get_error(tokener) == json_tokener_continue)
		json = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(json);
		json = NULL;
	}
	json_tokener_free(tokener);
	return json;
}

static struct json_object *parse_json(const char *line, size_t len)
{
	struct json_object *json = NULL;
	char *copy;

	/* json-c takes it for the end */
	if (memchr(line, '\0', len))
		return NULL;
	copy = strndup(line, len);
	if (copy) {
		cut_integers(copy);
		json = parse_strictly(copy, len);
	}
	free(copy);
	return json;
}

static bool take_id(struct json_object *v, struct control_request *r, struct control_error *e)
{
	if (!json_object_is_type(v, json_type_int) &&
	    !(json_object_is_type(v, json_type_string) &&
	      json_object_get_string_len(v) <= ID_TEXT_MAX))
		return fail(e, CONTROL_BAD_REQUEST,
			    "id: give a number, or a text of at most 64 characters");
	r->id = json_object_get(v);
	return true;
}

static const struct control_command *find_command(const struct control_command *const *tables,
						  const char *name)
{
	for (; *tables; tables++) {
		for (const struct control_command *c = *tables; c->name; c++) {
			if (strcmp(c->name, name) == 0)
				return c;
		}
	}
	return NULL;
}

static bool take_command(const struct control_command *const *tables, struct json_object *v,
			 struct control_request *r, struct control_error *e)
{
	if (!json_object_is_type(v, json_type_string))
		return fail(e, CONTROL_BAD_REQUEST, "cmd: give the name of a command");
	r->command = find_command(tables, json_object_get_string(v));
	if (r->command)
		return true;
	control_error_set(e, CONTROL_UNKNOWN_COMMAND, "%.40s: there is no such command",
			  json_object_get_string(v));
	return false;
}

static bool take_value(const struct control_key *key, struct json_object *v,
		       struct control_request *r)
{
	r->given = true;
	if (key->is_bool) {
		r->flag = json_object_get_boolean(v);
		return json_object_is_type(v, json_type_boolean);
	}
	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
		return false;
	r->number = json_object_get_uint64(v);
	return !key->end || r->number < key->end;
}

static bool take_keys(struct json_object *json, struct control_request *r, struct control_error *e)
{
	const struct control_key *key = r->command->key;
	json_object_object_foreach(json, name, value)
	{
		if (strcmp(name, "id") == 0 || strcmp(name, "cmd") == 0)
			continue;
		if (!key || strcmp(name, key->name) != 0) {
			control_error_set(e, CONTROL_UNKNOWN_KEY, "%.40s: %s knows no such key",
					  name, r->command->name);
			return false;
		}
		if (!take_value(key, value, r))
			return fail(e, CONTROL_BAD_REQUEST, key->wrong);
	}
	if (!key || !key->needed || r->given)
		return true;
	control_error_set(e, CONTROL_BAD_REQUEST, "%s needs %s", r->command->name, key->name);
	return false;
}

static bool take_object(const struct control_command *const *tables, struct json_object *json,
			struct control_request *r, struct control_error *e)
{
	struct json_object *v;

	if (!json_object_is_type(json, json_type_object))
		return fail(e, CONTROL_BAD_REQUEST, "a request is an object");
	if (json_object_object_get_ex(json, "id", &v) && !take_id(v, r, e))
		return false;
	if (!json_object_object_get_ex(json, "cmd", &v))
		return fail(e, CONTROL_BAD_REQUEST, "cmd is missing");
	return take_command(tables, v, r, e) && take_keys(json, r, e);
}

bool control_request_parse(const struct control_command *const *tables, const char *line,
			   size_t len, struct control_request *r, struct control_error *error)
{
	struct json_object *json = parse_json(line, len);
	bool good;

	if (!json)
		return fail(error, CONTROL_BAD_JSON, "this line is no JSON object");
	good = take_object(tables, json, r, error);
	json_object_put(json);
	return good;
}

void control_request_fini(struct control_request *r)
{
	json_object_put(r->id);
	*r = (struct control_request){0};
}

/* --- answers --- */

static char *to_line(struct json_object *json)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	char *line = text ? malloc(len + 2) : NULL;

	if (line) {
		memcpy(line, text, len);
		memcpy(line + len, "\n", 2);
	}
	json_object_put(json);
	return line;
}

/* {"id":@id,"@key":@value}, to be put; takes @value over. */
static struct json_object *make_answer(struct json_object *id, const char *key,
				       struct json_object *value)
{
	struct json_object *json = json_object_new_object();

	if (json && id && json_object_object_add(json, "id", json_object_get(id)) == 0)
		id = NULL;
	if (json && value && !id && json_object_object_add(json, key, value) == 0)
		return json;
	json_object_put(value);
	json_object_put(json);
	return NULL;
}

char *control_answer_result(struct json_object *id, struct json_object *result)
{
	struct json_object *json = make_answer(id, "result", result);

	return json ? to_line(json) : NULL;
}

static bool add_text(struct json_object *json, const char *key, const char *text)
{
	struct json_object *value = json_object_new_string(text);

	if (value && json_object_object_add(json, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

char *control_answer_error(struct json_object *id, const struct control_error *error)
{
	struct json_object *inner = json_object_new_object(), *json;

	if (inner && (!add_text(inner, "code", error->code) ||
		      !add_text(inner, "message", error->message))) {
		json_object_put(inner);
		inner = NULL;
	}
	json = make_answer(id, "error", inner);
	return json ? to_line(json) : NULL;
}

char *control_answer_event(struct json_object *id, const char *event, struct json_object *status)
{
	struct json_object *json = make_answer(id, "status", status);

	if (json && !add_text(json, "event", event)) {
		json_object_put(json);
		json = NULL;
	}
	return json ? to_line(json) : NULL;
}
