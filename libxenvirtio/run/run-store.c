// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parent's xenstore: the device's node, from the wait for it to the toolstack's wish that it be closed; and who else is told that
 * it is served.
 */
#include "config.h"

#include "run/run-parent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TOKEN_DOMAIN "domain"
#define TOKEN_FIND "find"
#define TOKEN_NODE "node"

/* @rc: of the store. Return: it, or 0 when the connection is lost, which is for later */
static int store_failed(struct parent *p, int rc)
{
	if (rc != -EPIPE)
		return rc;
	if (p->store)
		run_say(p->run, 0, "xenstore is away: the guest is served on, and it is looked for");
	xenvirtio_store_close(p->store);
	p->store = NULL;
	p->anew = true;
	p->store_at = p->run->env->now_ms(p->run->env->opaque) + STORE_MS;
	return 0;
}

static int watch_all(struct parent *p)
{
	static const char *const keys[] = { "state", "online" };
	struct xenvirtio_store *store = p->store;
	char path[sizeof(p->run->bus.backend) + 16];
	int rc = store->ops->watch(store, "@releaseDomain", TOKEN_DOMAIN);

	if (!rc && !p->found && !p->run->opts.base_given) {
		/* relative: below our own domain, which is the backend's */
		snprintf(path, sizeof(path), "backend/virtio/%" PRIu32, p->run->opts.domid);
		return store->ops->watch(store, path, TOKEN_FIND);
	}
	for (size_t i = 0; !rc && p->run->bus.backend[0] && i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", p->run->bus.backend, keys[i]);
		rc = store->ops->watch(store, path, TOKEN_NODE);
	}
	return rc;
}

static void look_for_device(struct parent *p)
{
	int code = XENVIRTIO_EXIT_HOST;
	int rc = run_find(p->run, p->store, p->why, sizeof(p->why), &code);

	if (rc == XENVIRTIO_E_AGAIN) {
		if (p->find_until == NEVER)
			p->find_until = p->run->env->now_ms(p->run->env->opaque) + FIND_MS;
		return;
	}
	p->find_until = NEVER;
	if (rc) {
		parent_end(p, code);
		return;
	}
	p->found = true;
	rc = store_failed(p, watch_all(p));
	if (rc && rc != -EEXIST)
		run_say(p->run, rc, "cannot watch the device's node");
}

void parent_find_over(struct parent *p)
{
	p->find_until = NEVER;
	run_say(p->run, 0, "gave up after %d s: %s: was xl interrupted? destroy the domain and create it again", FIND_MS / 1000, p->why);
	parent_end(p, XENVIRTIO_EXIT_UNSUITABLE);
}

void parent_store_open(struct parent *p)
{
	int rc = p->run->env->open_store(p->run->env->opaque, &p->store);

	if (!rc)
		rc = watch_all(p);
	if (rc) {
		run_say(p->run, rc, "xenstore cannot be reached: run it as root, in dom0, with xenstored running");
		parent_end(p, XENVIRTIO_EXIT_NO_XEN);
		return;
	}
	look_for_device(p);
}

void parent_store_again(struct parent *p)
{
	p->store_at = NEVER;
	if (p->run->env->open_store(p->run->env->opaque, &p->store)) {
		p->store = NULL;
		p->store_at = p->run->env->now_ms(p->run->env->opaque) + STORE_MS;
		return;
	}
	/* the watches, set again, tell of whatever changed meanwhile */
	store_failed(p, watch_all(p));
}

/* The toolstack asks for the close before it removes the node. A node that a new xenstored has not brought back yet is no such wish. */
static void check_node(struct parent *p)
{
	struct xenvirtio_xenbus bus;
	char why[256];
	int rc = xenvirtio_xenbus_read(p->store, p->run->bus.domid, p->run->bus.devid, p->run->program->type, &bus, why, sizeof(why));
	bool missing = rc == XENVIRTIO_E_EMPTY || rc == XENVIRTIO_E_AGAIN;

	if (rc < 0) {
		if (store_failed(p, rc))
			run_say(p->run, 0, "ignored: %s", why);
		return;
	}
	if (missing ? !p->anew : !bus.online || bus.state == XENVIRTIO_XENBUS_CLOSING) {
		run_say(p->run, 0, "device %" PRIu32 " of domain %" PRIu32 " is closed", p->run->bus.devid, p->run->bus.domid);
		parent_end(p, XENVIRTIO_EXIT_DONE);
	} else if (!missing && p->anew) {
		p->anew = false;
		if (p->serves && bus.state != XENVIRTIO_XENBUS_CONNECTED)
			parent_tell_state(p, XENVIRTIO_XENBUS_CONNECTED);
	}
}

bool parent_store_events(struct parent *p)
{
	char path[XENVIRTIO_STORE_TEXT_MAX], token[16];
	bool domain = false, node = false;
	int rc;

	do {
		rc = p->store->ops->next_event(p->store, path, sizeof(path), token, sizeof(token));
		domain |= !rc && strcmp(token, TOKEN_DOMAIN) == 0;
		node |= !rc && strcmp(token, TOKEN_DOMAIN) != 0;
	} while (!rc);
	if (rc < 0) {
		store_failed(p, rc);
		return true;
	}
	if (node && !p->ending) {
		if (!p->found)
			look_for_device(p);
		else if (p->run->bus.backend[0])
			check_node(p);
	}
	return domain;
}

void parent_tell_state(struct parent *p, enum xenvirtio_xenbus_state state)
{
	char path[sizeof(p->run->bus.backend) + 8], value[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	if (!p->store || !p->run->bus.backend[0])
		return;
	/* only where the node still stands: a write would make it anew */
	snprintf(path, sizeof(path), "%s/state", p->run->bus.backend);
	rc = p->store->ops->read(p->store, path, value, sizeof(value));
	if (!rc)
		rc = xenvirtio_xenbus_set_state(p->store, &p->run->bus, state);
	rc = store_failed(p, rc);
	if (rc && rc != -ENOENT)
		run_say(p->run, rc, "cannot write %s", path);
}

/* A path, or a name in the abstract namespace with '@' before it. */
static void notify(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	static const char text[] = "READY=1";
	socklen_t bytes;
	int fd;

	if ((name[0] != '/' && name[0] != '@') || strlen(name) >= sizeof(to.sun_path))
		return;
	bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	strcpy(to.sun_path, name);
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL, (struct sockaddr *)&to, bytes);
	close(fd);
}

void parent_tell_ready(struct parent *p)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct pollfd ready = { .fd = p->run->opts.ready_fd, .events = POLLOUT };

	if (name)
		notify(name);
	if (ready.fd < 0)
		return;
	/* a pipe that is full is not waited for: the guest is served meanwhile */
	if (poll(&ready, 1, 0) != 1 || write(ready.fd, "\n", 1) != 1)
		run_say(p->run, 0, "--ready-fd: nobody was told");
	close(ready.fd);
}
