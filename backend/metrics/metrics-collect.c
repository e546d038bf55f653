// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Collecting: a run has one slot a device, in their order; slots are filled as answers come. What a
 * device process says is checked like anything that comes through a socket.
 */
#include "backend/metrics/metrics-collect.h"
#include "backend/base/sockets.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/un.h>

#define ANSWER_MS 2000u
#define ANSWER_BYTES_MAX 65536

struct waiter {
	STAILQ_ENTRY(waiter) link;
	figures_done *done;
	void *arg;
};

struct slot {
	struct metrics_collect *collect;
	struct bufferevent *bev; /* NULL: not asked yet, or over */
	unsigned int answers;	 /* as many as there are requests: complete */
	struct figures *figures; /* in the run's array */
};

struct metrics_collect {
	struct event_base *base;
	const struct figures_type *type;
	const char *dir;
	unsigned int answer_ms;
	struct timer *over;	       /* the run ends now */
	STAILQ_HEAD(, waiter) waiters; /* empty: no run */
	struct control_socket *sockets;
	struct slot *slot;
	void *figures; /* the type's, one a slot */
	size_t nr;
	size_t asked; /* slots begun so far */
	size_t open;  /* and not over */
};

static void ask_more(struct metrics_collect *c);

static void end_slot(struct slot *s)
{
	struct metrics_collect *c = s->collect;

	bufferevent_free(s->bev);
	s->bev = NULL;
	c->open--;
	ask_more(c);
}

static bool is_complete(const struct slot *s)
{
	return s->answers == s->collect->type->nr_requests;
}

static bool is_of_its_socket(const struct slot *s)
{
	const struct control_socket *socket = &s->collect->sockets[s - s->collect->slot];
	const struct figures *f = s->figures;

	return f->domid == socket->domid && f->devid == socket->devid;
}

/* One line of an answer. Return: whether it is what was asked for */
static bool take_answer(struct slot *s, const char *line)
{
	struct json_object *json = json_tokener_parse(line), *result = NULL;
	int rc = -EPROTO;

	if (json_object_is_type(json, json_type_object) &&
	    json_object_object_get_ex(json, "result", &result))
		rc = s->collect->type->take(s->figures, s->answers, result);
	json_object_put(json);
	/* a process that a guest has taken over may say that it is another's */
	return rc == 0 && (s->answers + 1 < s->collect->type->nr_requests || is_of_its_socket(s));
}

static void on_answer(struct bufferevent *bev, void *opaque)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct slot *s = opaque;
	bool good = true;
	char *line;

	while (good && !is_complete(s) && (line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF))) {
		good = take_answer(s, line);
		s->answers += good;
		free(line);
	}
	if (!good || is_complete(s) || evbuffer_get_length(input) >= ANSWER_BYTES_MAX)
		end_slot(s);
}

static void on_gone(struct bufferevent *bev, short what, void *opaque)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		end_slot(opaque);
}

static int write_requests(struct slot *s)
{
	const struct figures_type *type = s->collect->type;
	int rc = 0;

	for (unsigned int i = 0; rc >= 0 && i < type->nr_requests; i++)
		rc = evbuffer_add_printf(bufferevent_get_output(s->bev),
					 "{\"id\":%u,\"cmd\":\"%s\"}\n", i + 1, type->requests[i]);
	return rc < 0 ? -ENOMEM : 0;
}

/* A failure leaves the slot empty. */
static void begin_slot(struct slot *s, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return;
	strcpy(address.sun_path, path);
	s->bev = bufferevent_socket_new(s->collect->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!s->bev)
		return;
	bufferevent_setwatermark(s->bev, EV_READ, 0, ANSWER_BYTES_MAX);
	if (write_requests(s) ||
	    bufferevent_socket_connect(s->bev, (const struct sockaddr *)&address,
				       sizeof(address))) {
		bufferevent_free(s->bev);
		s->bev = NULL;
		return;
	}
	/* only now: a connection that fails at once must not call back from inside */
	bufferevent_setcb(s->bev, on_answer, NULL, on_gone, s);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	s->collect->open++;
}

static void free_run(struct metrics_collect *c)
{
	for (size_t i = 0; i < c->nr; i++) {
		if (c->slot[i].bev)
			bufferevent_free(c->slot[i].bev);
	}
	free(c->slot);
	free(c->figures);
	free(c->sockets);
	c->slot = NULL;
	c->figures = NULL;
	c->sockets = NULL;
	c->nr = 0;
	c->asked = 0;
	c->open = 0;
}

static void on_over(void *opaque)
{
	STAILQ_HEAD(, waiter) waiters = STAILQ_HEAD_INITIALIZER(waiters);
	struct metrics_collect *c = opaque;
	size_t bytes = c->type->bytes, nr = 0;
	char *f = c->figures;

	/* those that are complete move together */
	for (size_t i = 0; i < c->nr; i++) {
		if (is_complete(&c->slot[i]))
			memmove(f + nr++ * bytes, f + i * bytes, bytes);
	}
	c->figures = NULL;
	free_run(c);
	/* one of them may ask again, which is another run */
	STAILQ_CONCAT(&waiters, &c->waiters);
	while (!STAILQ_EMPTY(&waiters)) {
		struct waiter *w = STAILQ_FIRST(&waiters);

		STAILQ_REMOVE_HEAD(&waiters, link);
		w->done(w->arg, (const struct figures *)f, nr);
		free(w);
	}
	free(f);
}

/* From a callback of a slot: the end comes from the event loop. */
static void ask_more(struct metrics_collect *c)
{
	while (c->asked < c->nr && c->open < METRICS_COLLECT_MAX) {
		begin_slot(&c->slot[c->asked], c->sockets[c->asked].path);
		c->asked++;
	}
	if (!c->open)
		timer_set(c->over, 0);
}

static void begin_run(struct metrics_collect *c)
{
	timer_set(c->over, c->answer_ms);
	if (sockets_find(c->dir, &c->sockets, &c->nr))
		c->nr = 0;
	c->slot = calloc(c->nr + 1, sizeof(*c->slot));
	c->figures = calloc(c->nr + 1, c->type->bytes);
	if (!c->slot || !c->figures)
		c->nr = 0;
	for (size_t i = 0; i < c->nr; i++) {
		c->slot[i].collect = c;
		c->slot[i].figures = (struct figures *)((char *)c->figures + i * c->type->bytes);
	}
	ask_more(c);
}

void metrics_collect_run(void *opaque, figures_done *done, void *arg)
{
	struct metrics_collect *c = opaque;
	struct waiter *w = calloc(1, sizeof(*w));
	bool first = STAILQ_EMPTY(&c->waiters);

	if (!w) {
		done(arg, NULL, 0);
		return;
	}
	w->done = done;
	w->arg = arg;
	STAILQ_INSERT_TAIL(&c->waiters, w, link);
	if (first)
		begin_run(c);
}

int metrics_collect_new(struct metrics_collect **out, struct event_base *base,
			const struct figures_type *type, const char *dir, unsigned int answer_ms)
{
	struct metrics_collect *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->base = base;
	c->type = type;
	c->dir = dir;
	c->answer_ms = answer_ms ? answer_ms : ANSWER_MS;
	STAILQ_INIT(&c->waiters);
	c->over = timer_new(base, on_over, c);
	if (!c->over) {
		free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void metrics_collect_free(struct metrics_collect *c)
{
	if (!c)
		return;
	free_run(c);
	while (!STAILQ_EMPTY(&c->waiters)) {
		struct waiter *w = STAILQ_FIRST(&c->waiters);

		STAILQ_REMOVE_HEAD(&c->waiters, link);
		free(w);
	}
	timer_free(c->over);
	free(c);
}
