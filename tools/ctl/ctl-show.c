// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that only look: list, status, stats, top. A daemon that ends while others are listed is
 * left out; that is no failure.
 */
#include "backend/base/clock.h"
#include "backend/devices/balloon/figures/balloon-figures-json.h"
#include "backend/base/sockets.h"
#include "tools/ctl/ctl-find.h"
#include "tools/ctl/ctl-print.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

/* To the beginning of the screen, and clear it: nothing of the terminal's database is needed. */
#define CLEAR_SCREEN "\033[H\033[2J"

static void print_json(struct ctl *ctl, struct json_object *json)
{
	fprintf(ctl->out, "%s\n",
		json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Return: as ctl_client_call(); @json: out; to be put */
static int ask_status(struct ctl_client *client, struct balloon_figures *f, struct json_object **json,
		      struct ctl_refusal *refusal)
{
	int rc = ctl_client_call(client, "status", NULL, NULL, json, refusal);

	if (rc)
		return rc;
	rc = balloon_from_status(f, *json);
	if (rc)
		json_object_put(*json);
	return rc;
}

/* Likewise; adds to the figures of a status. */
static int ask_stats(struct ctl_client *client, bool refresh, struct balloon_figures *f,
		     struct json_object **json, struct ctl_refusal *refusal)
{
	int rc = ctl_client_call(client, "stats", "refresh", refresh ? "true" : "false", json,
				 refusal);

	if (rc)
		return rc;
	rc = balloon_from_stats(f, *json);
	if (rc)
		json_object_put(*json);
	return rc;
}

/* --- all guests --- */

struct table {
	bool wide; /* with statistics */
	size_t nr; /* rows */
	struct json_object *array; /* NULL: text */
};

static int add_row(struct ctl *ctl, struct table *t, const struct control_socket *socket,
		   struct ctl_client *client, struct ctl_refusal *refusal)
{
	struct json_object *status, *stats;
	struct balloon_figures f;
	int rc = ctl_client_open(client, socket->path);

	if (rc)
		return rc;
	rc = ask_status(client, &f, &status, refusal);
	if (!rc && t->wide) {
		rc = ask_stats(client, false, &f, &stats, refusal);
		if (!rc)
			json_object_object_add(status, "statistics", stats);
		else
			json_object_put(status);
	}
	ctl_client_close(client);
	if (rc)
		return rc;
	if (!t->nr++ && !t->array)
		ctl_print_head(ctl->out, t->wide);
	if (t->array) {
		json_object_array_add(t->array, status);
		return 0;
	}
	ctl_print_row(ctl->out, &f, t->wide);
	json_object_put(status);
	return 0;
}

static enum ctl_exit add_rows(struct ctl *ctl, struct table *t)
{
	struct ctl_refusal refusal = {0};
	enum ctl_exit code = CTL_EXIT_DONE;
	struct control_socket *sockets;
	struct ctl_client *client;
	size_t nr;
	int rc;

	rc = sockets_find(ctl->opts->state_dir, &sockets, &nr);
	if (rc)
		return ctl_fail(ctl, ctl->opts->state_dir, rc, NULL);
	client = malloc(sizeof(*client));
	if (!client) {
		free(sockets);
		return ctl_fail(ctl, "no memory", -ENOMEM, NULL);
	}
	for (size_t i = 0; i < nr; i++) {
		rc = add_row(ctl, t, &sockets[i], client, &refusal);
		/* left by one that was killed, or gone at this moment */
		if (rc && rc != -ECONNREFUSED && rc != -ENOENT && rc != -EPIPE)
			code = ctl_fail(ctl, sockets[i].path, rc, &refusal);
	}
	free(client);
	free(sockets);
	return code;
}

static enum ctl_exit show_table(struct ctl *ctl, bool wide)
{
	struct table t = {.wide = wide};
	enum ctl_exit code;

	if (ctl->opts->json)
		t.array = json_object_new_array();
	code = add_rows(ctl, &t);
	/* where no guest can be, none is no answer */
	if (!code && !t.nr)
		code = ctl_find_xen(ctl, NULL);
	if (t.array && (t.nr || !code))
		print_json(ctl, t.array);
	else if (!t.nr && !code)
		ctl_print_head(ctl->out, wide);
	json_object_put(t.array);
	return code;
}

enum ctl_exit ctl_list(struct ctl *ctl)
{
	return show_table(ctl, false);
}

static void nap(const struct ctl *ctl)
{
	clock_wait(-1, ctl->opts->interval_s * 1000);
}

enum ctl_exit ctl_top(struct ctl *ctl)
{
	enum ctl_exit code;

	for (uint32_t i = 1;; i++) {
		if (ctl->tty && !ctl->opts->json)
			fputs(CLEAR_SCREEN, ctl->out);
		code = show_table(ctl, true);
		if (code || fflush(ctl->out) || i == ctl->opts->count)
			return code;
		nap(ctl);
	}
}

/* --- one guest --- */

enum ctl_exit ctl_status(struct ctl *ctl)
{
	struct ctl_refusal refusal;
	struct ctl_client client;
	struct json_object *json;
	char who[CTL_WHO_MAX];
	enum ctl_exit code;
	struct balloon_figures f;
	int rc;

	code = ctl_find_open(ctl, &client, who);
	if (code)
		return code;
	rc = ask_status(&client, &f, &json, &refusal);
	ctl_client_close(&client);
	if (rc)
		return ctl_fail(ctl, who, rc, &refusal);
	if (ctl->opts->json)
		print_json(ctl, json);
	else
		ctl_print_status(ctl->out, &f);
	json_object_put(json);
	return CTL_EXIT_DONE;
}

static int show_stats(struct ctl *ctl, struct ctl_client *client, struct ctl_refusal *refusal)
{
	struct balloon_figures f = {0};
	struct json_object *json;
	int rc = ask_stats(client, true, &f, &json, refusal);

	if (rc)
		return rc;
	if (ctl->opts->json)
		print_json(ctl, json);
	else
		ctl_print_stats(ctl->out, &f);
	json_object_put(json);
	return 0;
}

enum ctl_exit ctl_stats(struct ctl *ctl)
{
	uint32_t count = ctl->opts->watch ? ctl->opts->count : 1;
	struct ctl_refusal refusal;
	struct ctl_client client;
	char who[CTL_WHO_MAX];
	enum ctl_exit code;
	int rc;

	code = ctl_find_open(ctl, &client, who);
	if (code)
		return code;
	for (uint32_t i = 1;; i++) {
		if (ctl->tty && ctl->opts->watch && !ctl->opts->json)
			fputs(CLEAR_SCREEN, ctl->out);
		rc = show_stats(ctl, &client, &refusal);
		if (rc || fflush(ctl->out) || i == count)
			break;
		nap(ctl);
	}
	ctl_client_close(&client);
	return rc ? ctl_fail(ctl, who, rc, &refusal) : CTL_EXIT_DONE;
}

enum ctl_exit ctl_unused(struct ctl *ctl)
{
	struct ctl_refusal refusal;
	struct ctl_client client;
	struct json_object *json;
	char who[CTL_WHO_MAX];
	enum ctl_exit code;
	struct balloon_figures f;
	int rc;

	code = ctl_find_open(ctl, &client, who);
	if (code)
		return code;
	rc = ctl_client_call(&client, "unused", NULL, NULL, &json, &refusal);
	/* with it the guest has its pages back */
	ctl_client_close(&client);
	if (rc)
		return ctl_fail(ctl, who, rc, &refusal);
	rc = balloon_from_unused(&f, json);
	if (!rc && ctl->opts->json)
		print_json(ctl, json);
	else if (!rc)
		ctl_print_unused(ctl->out, &f);
	json_object_put(json);
	return rc ? ctl_fail(ctl, who, rc, NULL) : CTL_EXIT_DONE;
}
