// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room for a guest to come: asked of the service, again and again while it is waited for, so that it is
 * held from when it is there.
 */
#include "backend/base/clock.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/devices/balloon/figures/room-json.h"
#include "tools/ctl/ctl-find.h"
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>

#define LOOK_MS 250u
#define TIMEOUT_S 60u

/* --auto, for messages. */
#define WHO "xen-vballoond --auto"

static int ask(struct ctl *ctl, struct ctl_client *client, struct room_figures *answer,
	       struct ctl_refusal *refusal)
{
	struct json_object *json;
	char kib[24];
	int rc;

	snprintf(kib, sizeof(kib), "%" PRIu64, ctl->opts->kib);
	rc = ctl_client_call(client, "free", "kib", kib, &json, refusal);
	if (rc)
		return rc;
	rc = room_take(answer, json);
	if (!rc && ctl->opts->json && (answer->ready || !ctl->opts->wait))
		fprintf(ctl->out, "%s\n", json_object_to_json_string_ext(json, 0));
	json_object_put(json);
	return rc;
}

static enum ctl_exit wait_for_it(struct ctl *ctl, struct ctl_client *client)
{
	unsigned int timeout_s = ctl->opts->timeout_s ? ctl->opts->timeout_s : TIMEOUT_S;
	uint64_t end_ms = clock_now_ms() + (uint64_t)timeout_s * 1000;
	char asked[SIZE_TEXT_MAX], there[SIZE_TEXT_MAX];
	struct ctl_refusal refusal;
	struct room_figures answer = {0};
	int rc = 0;

	while (!rc && !answer.ready && clock_now_ms() < end_ms) {
		clock_wait(-1, LOOK_MS);
		rc = ask(ctl, client, &answer, &refusal);
	}
	if (rc)
		return ctl_fail(ctl, WHO, rc, &refusal);
	if (answer.ready)
		return CTL_EXIT_DONE;
	ctl_say(ctl, "after %u s the host has %s free of %s: no guest has more to give", timeout_s,
		size_format(answer.free_kib, there), size_format(ctl->opts->kib, asked));
	return CTL_EXIT_TIMEOUT;
}

enum ctl_exit ctl_free(struct ctl *ctl)
{
	struct ctl_client *client = malloc(sizeof(*client));
	enum ctl_exit code = CTL_EXIT_DONE;
	struct ctl_refusal refusal;
	struct room_figures answer;
	char path[128];
	int rc = client ? 0 : -ENOMEM;

	if (!rc && snprintf(path, sizeof(path), "%s/" BALLOON_SERVICE_SOCKET,
			    ctl->opts->state_dir) >= (int)sizeof(path))
		rc = -ENAMETOOLONG;
	if (!rc)
		rc = ctl_client_open(client, path);
	if (rc == -ENOENT || rc == -ECONNREFUSED) {
		free(client);
		code = ctl_find_xen(ctl, NULL);
		if (code)
			return code;
		ctl_say(ctl, "no " WHO " runs here as the service: nobody makes room");
		return CTL_EXIT_NO_DAEMON;
	}
	if (rc) {
		free(client);
		return ctl_fail(ctl, WHO, rc, NULL);
	}
	rc = ask(ctl, client, &answer, &refusal);
	if (rc)
		code = ctl_fail(ctl, WHO, rc, &refusal);
	else if (ctl->opts->wait && ctl->opts->kib && !answer.ready)
		code = wait_for_it(ctl, client);
	ctl_client_close(client);
	free(client);
	return code;
}
