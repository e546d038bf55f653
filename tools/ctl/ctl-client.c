// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client: lines are cut out of what comes; the rest waits for the next call.
 */
#include "tools/ctl/ctl-client.h"
#include "backend/base/clock.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_AGAIN_MS 20u

/* A daemon that takes no more connections may take one in a moment. */
static int connect_in_time(int fd, const struct sockaddr_un *address)
{
	uint64_t end_ms = clock_now_ms() + CTL_ANSWER_MS;

	while (connect(fd, (const struct sockaddr *)address, sizeof(*address))) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (clock_now_ms() >= end_ms)
			return -ETIMEDOUT;
		clock_wait(-1, CONNECT_AGAIN_MS);
	}
	return 0;
}

int ctl_client_open(struct ctl_client *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int rc;

	c->used = 0;
	c->next_id = 1;
	c->fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	/* nothing here waits but for clock_wait(); a request always fits into the socket's buffer */
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	rc = connect_in_time(c->fd, &address);
	if (rc)
		ctl_client_close(c);
	return rc;
}

void ctl_client_close(struct ctl_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* Return: 0 something came; -ETIMEDOUT; -EPIPE; -errno */
static int receive_some(struct ctl_client *c, unsigned int timeout_ms)
{
	int ready = clock_wait(c->fd, timeout_ms);
	ssize_t got;

	if (ready < 0)
		return ready == -EINTR ? 0 : ready;
	if (!ready)
		return -ETIMEDOUT;
	got = recv(c->fd, c->line + c->used, sizeof(c->line) - c->used, 0);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0
		       : errno == ECONNRESET		? -EPIPE
							: -errno;
	if (!got)
		return -EPIPE;
	c->used += (size_t)got;
	return 0;
}

static int take_line(struct ctl_client *c, struct json_object **json)
{
	char *end = memchr(c->line, '\n', c->used);
	size_t len;

	if (!end)
		return c->used == sizeof(c->line) ? -EPROTO : -EAGAIN;
	*end = '\0';
	len = (size_t)(end - c->line) + 1;
	*json = json_tokener_parse(c->line);
	c->used -= len;
	memmove(c->line, c->line + len, c->used);
	if (json_object_is_type(*json, json_type_object))
		return 0;
	json_object_put(*json);
	return -EPROTO;
}

int ctl_client_receive(struct ctl_client *c, unsigned int timeout_ms, struct json_object **json)
{
	uint64_t end_ms = clock_now_ms() + timeout_ms;

	for (;;) {
		uint64_t now = clock_now_ms();
		int rc = take_line(c, json);

		if (rc != -EAGAIN)
			return rc;
		rc = receive_some(c, now < end_ms ? (unsigned int)(end_ms - now) : 0);
		if (rc)
			return rc;
	}
}

static void copy_text(struct json_object *json, const char *key, char *text, size_t size)
{
	struct json_object *v;

	if (json_object_object_get_ex(json, key, &v) && json_object_is_type(v, json_type_string))
		snprintf(text, size, "%s", json_object_get_string(v));
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

/* Return: 0; -EAGAIN of another request, or an event; -EREMOTEIO; -EPROTO */
static int take_answer(struct json_object *json, int id, struct json_object **result,
		       struct ctl_refusal *refusal)
{
	struct json_object *v;

	if (json_object_object_get_ex(json, "error", &v)) {
		/* without an id it is about the connection */
		*refusal = (struct ctl_refusal){.code = "unknown"};
		copy_text(v, "code", refusal->code, sizeof(refusal->code));
		copy_text(v, "message", refusal->message, sizeof(refusal->message));
		return -EREMOTEIO;
	}
	if (!json_object_object_get_ex(json, "id", &v) || json_object_get_int(v) != id ||
	    json_object_object_get_ex(json, "event", NULL))
		return -EAGAIN;
	if (!json_object_object_get_ex(json, "result", &v))
		return -EPROTO;
	*result = json_object_get(v);
	return 0;
}

int ctl_client_call(struct ctl_client *c, const char *command, const char *key, const char *value,
		    struct json_object **result, struct ctl_refusal *refusal)
{
	int id = c->next_id++, len, rc;
	char request[256];

	*refusal = (struct ctl_refusal){0};
	len = snprintf(request, sizeof(request), "{\"id\":%d,\"cmd\":\"%s\"%s%s%s%s}\n", id,
		       command, key ? ",\"" : "", key ? key : "", key ? "\":" : "",
		       key ? value : "");
	/* one that refuses the connection says why and closes: that is still to be read */
	if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len && errno != EPIPE)
		return -errno;
	do {
		struct json_object *json;

		rc = ctl_client_receive(c, CTL_ANSWER_MS, &json);
		if (rc)
			return rc;
		rc = take_answer(json, id, result, refusal);
		json_object_put(json);
	} while (rc == -EAGAIN);
	return rc;
}
