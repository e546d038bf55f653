// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: who gets in, and in whose place. A client that talks is never dropped for
 * another; one that has been silent for a second may be.
 */
#include "backend/base/access.h"
#include "backend/base/clock.h"
#include "backend/base/sockets.h"
#include "backend/control/control-internal.h"

#include <errno.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_AGAIN_MS 1000u
#define LINE_MS 10000u
#define WRITE_MS 10000u

/* A new connection's buffer is empty: one line fits, or nobody needs it. */
static void refuse(int fd, const char *code, const char *message)
{
	struct control_error error;
	char *line;

	control_error_set(&error, code, "%s", message);
	line = control_answer_error(NULL, &error);
	if (line)
		send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	free(line);
	close(fd);
}

static bool make_room(struct control *c)
{
	uint64_t now_ms = clock_now_ms();
	struct control_client *cl;

	if (c->nr_clients < CONTROL_CLIENTS_MAX)
		return true;
	TAILQ_FOREACH(cl, &c->clients, link)
	{
		if (now_ms - cl->active_ms < CONTROL_IDLE_MS)
			return false;
		if (!cl->watching && !cl->waiting && !cl->kept) {
			control_client_free(cl);
			return true;
		}
	}
	return false;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
		      int len, void *opaque)
{
	struct control *c = opaque;
	int rc = access_check_peer(fd, c->uid, c->group);
	char who[128];

	if (rc) {
		log_limited(c->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, 0,
			    "%s: a process that may not was refused", c->path);
		snprintf(who, sizeof(who), "only root and members of the group %s may",
			 c->cfg.program->group);
		refuse(fd, CONTROL_NOT_PERMITTED, who);
		return;
	}
	if (!make_room(c)) {
		refuse(fd, CONTROL_BUSY, "there are 64 clients already: try again later");
		return;
	}
	rc = control_client_new(c, fd);
	if (rc)
		log_limited(c->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, rc,
			    "%s: a client was refused", c->path);
}

/* Out of descriptors, say: the connection waits, and would be tried again at once for ever. */
static void on_accept_error(struct evconnlistener *listener, void *opaque)
{
	struct control *c = opaque;

	log_limited(c->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, -errno, "%s", c->path);
	evconnlistener_disable(listener);
	timer_set(c->accept_again, ACCEPT_AGAIN_MS);
}

static void on_accept_again(void *opaque)
{
	struct control *c = opaque;

	evconnlistener_enable(c->listener);
}

static void remove_name(struct control *c)
{
	const struct doors *doors = c->cfg.doors;

	if (doors)
		doors->unlisten_control(doors->opaque, c->cfg.devid);
	else
		unlink(c->path);
}

static int start_listening(struct control *c)
{
	const struct doors *doors = c->cfg.doors;
	int fd = doors ? doors->listen_control(doors->opaque, c->cfg.devid) :
			 access_listen(c->path, c->group, SOCKETS_BACKLOG);

	if (fd < 0)
		return fd;
	c->listener = evconnlistener_new(c->cfg.base, on_accept, c,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!c->listener) {
		close(fd);
		remove_name(c);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(c->listener, on_accept_error);
	return 0;
}

static unsigned int or_default(unsigned int ms, unsigned int otherwise)
{
	return ms ? ms : otherwise;
}

static bool make_path(struct control *c)
{
	const struct control_config *cfg = &c->cfg;

	if (cfg->name)
		return snprintf(c->path, sizeof(c->path), "%s/%s", cfg->dir, cfg->name) <
		       (int)sizeof(c->path);
	return !sockets_path(c->path, sizeof(c->path), cfg->dir, cfg->domid, cfg->devid);
}

int control_open(struct control **out, const struct control_config *cfg)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	TAILQ_INIT(&c->clients);
	c->cfg = *cfg;
	c->cfg.line_ms = or_default(cfg->line_ms, LINE_MS);
	c->cfg.write_ms = or_default(cfg->write_ms, WRITE_MS);
	c->uid = cfg->doors ? cfg->doors->uid : geteuid();
	c->group = cfg->doors ? cfg->doors->group : access_group(cfg->program->group);
	c->accept_again = timer_new(cfg->base, on_accept_again, c);
	rc = c->accept_again ? 0 : -ENOMEM;
	if (!rc && !make_path(c))
		rc = -ENAMETOOLONG;
	if (!rc)
		rc = start_listening(c);
	if (rc) {
		control_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

/* True: what a watcher sees is another than last time. */
static bool is_news(struct control *c, struct json_object *status)
{
	const char *text = status ? json_object_to_json_string(status) : NULL;
	bool news = text && (!c->told || strcmp(text, c->told) != 0);

	if (news) {
		free(c->told);
		c->told = strdup(text);
	}
	return news;
}

void control_changed(struct control *c)
{
	struct control_client *cl, *next;
	struct json_object *status;
	bool news;

	if (!c || c->stopped || !c->nr_clients)
		return;
	status = c->cfg.status(c->cfg.opaque);
	news = is_news(c, status);
	for (cl = TAILQ_FIRST(&c->clients); cl; cl = next) {
		next = TAILQ_NEXT(cl, link);
		control_client_look(cl);
		if (news)
			control_client_event(cl, status);
	}
	json_object_put(status);
}

void control_stop(struct control *c)
{
	struct control_client *cl, *next;

	if (!c || c->stopped)
		return;
	c->stopped = true;
	if (c->listener) {
		evconnlistener_free(c->listener);
		c->listener = NULL;
		remove_name(c);
	}
	timer_stop(c->accept_again);
	for (cl = TAILQ_FIRST(&c->clients); cl; cl = next) {
		next = TAILQ_NEXT(cl, link);
		if (cl != c->current)
			control_client_free(cl);
	}
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->accept_again) {
		control_stop(c);
		timer_free(c->accept_again);
	}
	free(c->told);
	free(c);
}

unsigned int control_clients(const struct control *c)
{
	return c->nr_clients;
}
