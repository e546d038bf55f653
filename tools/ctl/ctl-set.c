// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * set: ask for a size, and with --wait stay until it is reached, or until it is clear that it will
 * not be: nothing moves, the time is over, somebody asked for another size, the guest is gone. And
 * auto, which takes the asking back.
 */
#include "backend/base/clock.h"
#include "backend/devices/balloon/figures/balloon-figures-json.h"
#include "backend/base/size.h"
#include "tools/ctl/ctl-find.h"
#include "tools/ctl/ctl-print.h"
#include "tools/ctl/ctl-progress.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define TERMINAL_TICK_MS 200u
#define LINE_TICK_MS 1000u
#define BAR_WIDTH 24u

enum state {
	STATE_MOVING,
	STATE_REACHED,
	STATE_STALLED,
	STATE_TIMEOUT,
	STATE_SUPERSEDED,
};

static const struct {
	const char *name;
	enum ctl_exit code;
} states[] = {
	[STATE_MOVING] = {"moving", CTL_EXIT_DONE},
	[STATE_REACHED] = {"reached", CTL_EXIT_DONE},
	[STATE_STALLED] = {"stalled", CTL_EXIT_STALLED},
	[STATE_TIMEOUT] = {"timeout", CTL_EXIT_TIMEOUT},
	[STATE_SUPERSEDED] = {"superseded", CTL_EXIT_SUPERSEDED},
};

struct waiting {
	struct ctl *ctl;
	struct ctl_client client;
	const char *who;
	struct balloon_figures figures;
	struct progress progress;
	uint64_t target_kib; /* ours, as the daemon took it */
	uint64_t begin_ms;
	uint64_t shown_ms;
	char shown[PROGRESS_TEXT_MAX];
};

/* --- what is shown --- */

static void show_json(struct waiting *w, enum state state, const char *why)
{
	uint64_t now = clock_now_ms(), left_s;
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "state", json_object_new_string(states[state].name));
	json_object_object_add(json, "percent",
			       json_object_new_int((int)progress_percent(&w->progress)));
	json_object_object_add(json, "rate_kib_s",
			       json_object_new_uint64(progress_rate_kib_s(&w->progress, now)));
	if (state == STATE_MOVING && progress_left_s(&w->progress, now, &left_s))
		json_object_object_add(json, "left_s", json_object_new_uint64(left_s));
	if (why)
		json_object_object_add(json, "why", json_object_new_string(why));
	json_object_object_add(json, "status", balloon_status_json(&w->figures));
	fprintf(w->ctl->out, "%s\n",
		json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
	fflush(w->ctl->out);
}

static void show_text(struct waiting *w)
{
	char text[PROGRESS_TEXT_MAX];

	progress_text(&w->progress, clock_now_ms(), w->ctl->tty ? BAR_WIDTH : 0, text);
	/* a file does not want the same line twice */
	if (!w->ctl->tty && strcmp(text, w->shown) == 0)
		return;
	strcpy(w->shown, text);
	if (w->ctl->tty)
		fprintf(w->ctl->out, "\r%s: %s\033[K", w->who, text);
	else
		fprintf(w->ctl->out, "%s: %s\n", w->who, text);
	fflush(w->ctl->out);
}

static unsigned int tick_ms(const struct waiting *w)
{
	return w->ctl->tty && !w->ctl->opts->json ? TERMINAL_TICK_MS : LINE_TICK_MS;
}

static void show(struct waiting *w)
{
	uint64_t now = clock_now_ms();

	if (w->shown_ms && now - w->shown_ms < tick_ms(w))
		return;
	w->shown_ms = now;
	if (w->ctl->opts->json)
		show_json(w, STATE_MOVING, NULL);
	else
		show_text(w);
}

static enum ctl_exit show_end(struct waiting *w, enum state state)
{
	char why[320], words[256], size[SIZE_TEXT_MAX];

	why[0] = '\0';
	if (state == STATE_SUPERSEDED)
		snprintf(why, sizeof(why), "somebody set another target meanwhile: %s",
			 size_format(w->figures.target_kib, size));
	else if (state == STATE_STALLED)
		snprintf(why, sizeof(why), "stalled at %u %%: %s", progress_percent(&w->progress),
			 ctl_print_why(&w->figures, words, sizeof(words)));
	else if (state == STATE_TIMEOUT)
		snprintf(why, sizeof(why), "not reached after %" PRIu32 " s: %u %% done",
			 w->ctl->opts->timeout_s, progress_percent(&w->progress));
	if (w->ctl->opts->json) {
		show_json(w, state, why[0] ? why : NULL);
		return states[state].code;
	}
	w->shown[0] = '\0';
	show_text(w);
	if (w->ctl->tty)
		fputc('\n', w->ctl->out);
	if (why[0])
		ctl_say(w->ctl, "%s: %s", w->who, why);
	return states[state].code;
}

/* --- waiting --- */

static enum state judge(const struct waiting *w)
{
	uint64_t now = clock_now_ms();

	if (w->figures.target_kib != w->target_kib)
		return STATE_SUPERSEDED;
	if (progress_reached(&w->progress))
		return STATE_REACHED;
	if (w->ctl->opts->timeout_s &&
	    now - w->begin_ms >= (uint64_t)w->ctl->opts->timeout_s * 1000)
		return STATE_TIMEOUT;
	if (progress_still_ms(&w->progress, now) >= w->ctl->stall_ms)
		return STATE_STALLED;
	return STATE_MOVING;
}

/* An event, or the answer to watch: both hold a status. */
static int take_status(struct waiting *w, struct json_object *json)
{
	struct json_object *status;

	if (!json_object_object_get_ex(json, "status", &status) &&
	    !json_object_object_get_ex(json, "result", &status))
		return -EPROTO;
	if (balloon_from_status(&w->figures, status))
		return -EPROTO;
	progress_update(&w->progress, clock_now_ms(), w->figures.ballooned_kib);
	return 0;
}

static int receive_status(struct waiting *w)
{
	struct json_object *json;
	int rc = ctl_client_receive(&w->client, tick_ms(w), &json);

	if (rc)
		return rc == -ETIMEDOUT ? 0 : rc;
	rc = take_status(w, json);
	json_object_put(json);
	return rc;
}

static enum ctl_exit wait_for_it(struct waiting *w, struct ctl_refusal *refusal)
{
	struct json_object *json;
	enum state state;
	int rc;

	rc = ctl_client_call(&w->client, "watch", NULL, NULL, &json, refusal);
	if (!rc) {
		rc = balloon_from_status(&w->figures, json);
		progress_update(&w->progress, clock_now_ms(), w->figures.ballooned_kib);
		json_object_put(json);
	}
	while (!rc) {
		state = judge(w);
		if (state != STATE_MOVING)
			return show_end(w, state);
		show(w);
		rc = receive_status(w);
	}
	if (w->ctl->tty && !w->ctl->opts->json && w->shown_ms)
		fputc('\n', w->ctl->out);
	return ctl_fail(w->ctl, w->who, rc, refusal);
}

static int set_target(struct waiting *w, struct ctl_refusal *refusal)
{
	struct json_object *json;
	char kib[24];
	int rc;

	snprintf(kib, sizeof(kib), "%" PRIu64, w->ctl->opts->kib);
	rc = ctl_client_call(&w->client, w->ctl->opts->force ? "force" : "set", "kib", kib, &json,
			     refusal);
	if (rc)
		return rc;
	rc = balloon_from_status(&w->figures, json);
	json_object_put(json);
	if (rc)
		return rc;
	w->target_kib = w->figures.target_kib;
	w->begin_ms = clock_now_ms();
	progress_begin(&w->progress, w->begin_ms, w->figures.ballooned_kib,
		       balloon_wanted_kib(&w->figures));
	return 0;
}

static enum ctl_exit show_set(struct waiting *w)
{
	char target[SIZE_TEXT_MAX], balloon[SIZE_TEXT_MAX], why[256];

	if (w->ctl->opts->json) {
		show_json(w, progress_reached(&w->progress) ? STATE_REACHED : STATE_MOVING, NULL);
		return CTL_EXIT_DONE;
	}
	fprintf(w->ctl->out, "%s: target is %s now, the balloon has %s\n", w->who,
		size_format(w->target_kib, target), size_format(w->figures.ballooned_kib, balloon));
	if (!w->figures.common.driver_ok)
		fprintf(w->ctl->out, "%s: %s\n", w->who,
			ctl_print_why(&w->figures, why, sizeof(why)));
	return CTL_EXIT_DONE;
}

enum ctl_exit ctl_set(struct ctl *ctl)
{
	struct waiting *w = calloc(1, sizeof(*w));
	struct ctl_refusal refusal = {0};
	char who[CTL_WHO_MAX];
	enum ctl_exit code;
	int rc;

	if (!w)
		return ctl_fail(ctl, "no memory", -ENOMEM, NULL);
	w->ctl = ctl;
	w->who = who;
	code = ctl_find_open(ctl, &w->client, who);
	if (!code) {
		rc = set_target(w, &refusal);
		if (rc)
			code = ctl_fail(ctl, who, rc, &refusal);
		else
			code = ctl->opts->wait ? wait_for_it(w, &refusal) : show_set(w);
		ctl_client_close(&w->client);
	}
	free(w);
	return code;
}

enum ctl_exit ctl_auto(struct ctl *ctl)
{
	struct ctl_refusal refusal = {0};
	struct ctl_client client;
	struct json_object *json;
	char who[CTL_WHO_MAX], size[SIZE_TEXT_MAX];
	enum ctl_exit code;
	struct balloon_figures f;
	int rc;

	code = ctl_find_open(ctl, &client, who);
	if (code)
		return code;
	rc = ctl_client_call(&client, "auto", NULL, NULL, &json, &refusal);
	ctl_client_close(&client);
	if (rc)
		return ctl_fail(ctl, who, rc, &refusal);
	rc = balloon_from_status(&f, json);
	if (!rc && ctl->opts->json)
		fprintf(ctl->out, "%s\n",
			json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
								     JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (!rc)
		fprintf(ctl->out, "%s: --auto may choose; until it does the target is %s\n", who,
			size_format(f.target_kib, size));
	json_object_put(json);
	return rc ? ctl_fail(ctl, who, rc, NULL) : CTL_EXIT_DONE;
}
