/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket, as its own files see it.
 *
 *   control.c          the socket, who gets in, events for watchers, the end
 *   control-client.c   one connection: lines in, answers out
 *   control-request.c  what a line means
 *   control-command.h  what a device's own commands may do with a client
 *
 *   [reading] --all answered after eof, or a fault--> [closing: answers go out] --> freed
 *       |  ^
 *       |  +-- answers read, an awaited one came
 *       +--> [held: answers wait to be read, or one is awaited]
 */
#ifndef BACKEND_CONTROL_INTERNAL_H
#define BACKEND_CONTROL_INTERNAL_H

#include "backend/control/control-command.h"
#include "backend/control/control.h"
#include "backend/base/timer.h"

#include <sys/queue.h>
#include <sys/types.h>

struct bufferevent;
struct evconnlistener;

struct control_client {
	TAILQ_ENTRY(control_client) link;
	struct control *control;
	struct bufferevent *bev;
	struct timer *turn;  /* more requests are here than one turn does */
	struct timer *line;  /* a line begun must have ended by then */
	struct timer *late;  /* what is awaited is answered by then */
	struct timer *write; /* some of the answers must have been read by then */
	uint64_t active_ms;
	unsigned int bad;
	bool eof; /* it sends nothing any more */
	bool deaf; /* a full buffer waits: nothing is read */
	bool closing;
	struct json_object *watch_id;
	bool watching;
	bool kept;    /* see control_client_keep() */
	bool waiting; /* for what follows */
	struct json_object *wait_id;
	const struct control_wait *wait; /* NULL: its command ends it */
	uint64_t wait_mark;
};

TAILQ_HEAD(control_clients, control_client);

struct control {
	struct control_config cfg;
	uid_t uid;
	gid_t group;
	char path[128];
	struct evconnlistener *listener;
	struct timer *accept_again;
	struct control_clients clients; /* idle longest first */
	unsigned int nr_clients;
	struct control_client *current; /* in an operation: to be freed by itself */
	bool stopped;
	char *told; /* what watchers saw last */
};

/** control_client_new() - takes @fd over. Return: 0; -ENOMEM, and @fd is closed */
int control_client_new(struct control *c, int fd);
/** control_client_free() - at once, whatever was to be sent; not the current one */
void control_client_free(struct control_client *cl);
/** control_client_event() - tell a watcher; drops one that does not read. @status is borrowed */
void control_client_event(struct control_client *cl, struct json_object *status);
/** control_client_look() - what it waits for may have come */
void control_client_look(struct control_client *cl);

#endif /* BACKEND_CONTROL_INTERNAL_H */
