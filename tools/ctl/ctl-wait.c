// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Waiting for a guest's balloon to be served: for scripts that create a guest paused and must not
 * let it run before its device is there.
 */
#include "backend/base/clock.h"
#include "tools/ctl/ctl-find.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#define LOOK_MS 50u
#define TIMEOUT_S 60u

/* Its event loop answers: whoever is there, and only begins, does not. Return: as ctl_find_look() */
static int look(struct ctl *ctl, struct ctl_client *client, const char **missing)
{
	struct ctl_refusal refusal;
	struct json_object *json;
	int rc = ctl_find_look(ctl, client, missing);

	if (rc)
		return rc;
	rc = ctl_client_call(client, "ping", NULL, NULL, &json, &refusal);
	ctl_client_close(client);
	if (!rc)
		json_object_put(json);
	*missing = "its xen-vballoond ended, or is full";
	return rc == -EPIPE || rc == -EREMOTEIO ? -ENOENT : rc;
}

enum ctl_exit ctl_wait(struct ctl *ctl)
{
	unsigned int timeout_s = ctl->opts->timeout_s ? ctl->opts->timeout_s : TIMEOUT_S;
	uint64_t end_ms = clock_now_ms() + (uint64_t)timeout_s * 1000;
	struct ctl_client *client = malloc(sizeof(*client));
	enum ctl_exit code;
	const char *missing;
	uint32_t domid;
	int rc;

	if (!client)
		return ctl_fail(ctl, "no memory", -ENOMEM, NULL);
	rc = look(ctl, client, &missing);
	/* not later: xenstored may be restarted meanwhile */
	code = rc == -ENOENT ? ctl_find_xen(ctl, ctl->opts->domain) : CTL_EXIT_DONE;
	while (!code && rc == -ENOENT && clock_now_ms() < end_ms) {
		clock_wait(-1, LOOK_MS);
		rc = look(ctl, client, &missing);
	}
	free(client);
	if (code)
		return code;
	if (!rc)
		return CTL_EXIT_DONE;
	if (rc == -ENOTCONN) {
		/* which says why */
		code = ctl_find_domain(ctl, &domid);
		return code ? code : CTL_EXIT_FAILED;
	}
	if (rc != -ENOENT)
		return ctl_fail(ctl, ctl->opts->domain, rc, NULL);
	ctl_say(ctl, "%s: after %u s: %s", ctl->opts->domain, timeout_s, missing);
	return CTL_EXIT_TIMEOUT;
}
