/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket, as its own files see it.
 *
 *   control.c          the socket, who gets in, events for watchers, the end
 *   control-client.c   one connection: lines in, answers out
 *   control-request.c  what a line means
 *   control-unused.c   unused pages: one client at a time asks, and holds the answer
 *
 *   [reading] --all answered after eof, or a fault--> [closing: answers go out] --> freed
 *       |  ^
 *       |  +-- answers read, statistics came
 *       +--> [held: answers wait to be read, or statistics are awaited]
 */
#ifndef BACKEND_CONTROL_INTERNAL_H
#define BACKEND_CONTROL_INTERNAL_H

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
	struct timer *stats; /* fresh statistics must have come by then */
	struct timer *write; /* some of the answers must have been read by then */
	uint64_t active_ms;
	unsigned int bad;
	bool eof; /* it sends nothing any more */
	bool deaf; /* a full buffer waits: nothing is read */
	bool closing;
	struct json_object *watch_id;
	bool watching;
	struct json_object *stats_id;
	bool stats_awaited;
	uint64_t stats_sequence; /* not fresh */
	struct json_object *unused_id;
	bool unused_awaited;
};

TAILQ_HEAD(control_clients, control_client);

struct control {
	struct control_config cfg;
	gid_t group;
	char path[128];
	struct evconnlistener *listener;
	struct timer *accept_again;
	struct control_clients clients; /* idle longest first */
	unsigned int nr_clients;
	struct control_client *asker; /* has asked for unused pages, or holds the answer */
	struct control_client *current; /* in an operation: to be freed by itself */
	bool stopped;
	char *told; /* what watchers saw last */
};

/** control_client_new() - takes @fd over. Return: 0; -ENOMEM, and @fd is closed */
int control_client_new(struct control *c, int fd);
/** control_client_free() - at once, whatever was to be sent; not the current one */
void control_client_free(struct control_client *cl);
/** control_client_event() - tell a watcher; drops one that does not read */
void control_client_event(struct control_client *cl, const struct figures *f);

enum going {
	GOING_ON,
	GOING_GONE, /* the client was freed */
};

/** control_client_send() - a line, to be freed; NULL: there was no memory for it */
void control_client_send(struct control_client *cl, char *line);
/** control_client_operation() - begin one; then control_client_operated(), which may free @cl */
void control_client_operation(struct control_client *cl);
enum going control_client_operated(struct control_client *cl);
/** control_client_go_on() - take lines again, soon */
void control_client_go_on(struct control_client *cl);

/* control-unused.c: requests, and what else may happen to a client meanwhile. */
enum going control_unused_request(struct control_client *cl, struct json_object *id);
void control_frames_request(struct control_client *cl, const struct control_request *r);
void control_release_request(struct control_client *cl, struct json_object *id);
/** control_unused_forget() - the client goes */
void control_unused_forget(struct control_client *cl);

/** control_client_stats() - statistics may have come for one that waits for them */
void control_client_stats(struct control_client *cl, const struct figures *f);

#endif /* BACKEND_CONTROL_INTERNAL_H */
