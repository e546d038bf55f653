/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket, as its own files see it.
 *
 *   control.c          the socket, who gets in, events for watchers, the end
 *   control-client.c   one connection: lines in, answers out
 *   control-request.c  what a line means
 *
 *   [reading] --all answered after eof, or a fault--> [closing: answers go out] --> freed
 *       |  ^
 *       |  +-- answers read, statistics came
 *       +--> [held: answers wait to be read, or statistics are awaited]
 */
#ifndef BACKEND_CONTROL_INTERNAL_H
#define BACKEND_CONTROL_INTERNAL_H

#include "backend/control.h"

#include <sys/queue.h>
#include <sys/types.h>

struct bufferevent;
struct event;
struct evconnlistener;

struct control_client {
	TAILQ_ENTRY(control_client) link;
	struct control *control;
	struct bufferevent *bev;
	struct event *turn;  /* more requests are here than one turn does */
	struct event *line;  /* a line begun must have ended by then */
	struct event *stats; /* fresh statistics must have come by then */
	uint64_t active_ms;
	unsigned int bad;
	bool eof; /* it sends nothing any more */
	bool closing;
	struct json_object *watch_id;
	bool watching;
	struct json_object *stats_id;
	bool stats_awaited;
	uint64_t stats_sequence; /* not fresh */
};

TAILQ_HEAD(control_clients, control_client);

struct control {
	struct control_config cfg;
	gid_t group;
	char path[128];
	struct evconnlistener *listener;
	struct event *accept_again;
	struct control_clients clients; /* idle longest first */
	unsigned int nr_clients;
	struct control_client *current; /* in an operation: to be freed by itself */
	bool stopped;
	char *told; /* what watchers saw last */
};

uint64_t control_now_ms(void);

/** control_client_new() - takes @fd over. Return: 0; -ENOMEM, and @fd is closed */
int control_client_new(struct control *c, int fd);
/** control_client_free() - at once, whatever was to be sent; not the current one */
void control_client_free(struct control_client *cl);
/** control_client_event() - tell a watcher; drops one that does not read */
void control_client_event(struct control_client *cl, const struct figures *f);
/** control_client_stats() - statistics may have come for one that waits for them */
void control_client_stats(struct control_client *cl, const struct figures *f);

#endif /* BACKEND_CONTROL_INTERNAL_H */
