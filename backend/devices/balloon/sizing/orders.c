// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Orders: connect, write, read one line, close. A failure of any of it is told and forgotten.
 */
#include "backend/devices/balloon/sizing/orders.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/un.h>

#define ANSWER_MS 2000u
#define ANSWER_BYTES_MAX 16384

struct sending {
	TAILQ_ENTRY(sending) link;
	struct orders *orders;
	uint32_t domid, devid;
	struct bufferevent *bev;
	struct timer *late; /* it must have answered by then */
};

struct orders {
	struct event_base *base;
	struct log *log;
	const char *dir;
	TAILQ_HEAD(, sending) sendings;
};

static void free_sending(struct sending *s)
{
	TAILQ_REMOVE(&s->orders->sendings, s, link);
	if (s->bev)
		bufferevent_free(s->bev);
	timer_free(s->late);
	free(s);
}

static void tell(const struct sending *s, const char *what)
{
	log_limited(s->orders->log, LOG_KIND_CONTROL, LOG_LEVEL_NOTICE, 0,
		    "--auto: domain %" PRIu32 ": %s", s->domid, what);
}

static void on_answer(struct bufferevent *bev, void *opaque)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	struct sending *s = opaque;
	char *line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF);

	if (!line && evbuffer_get_length(input) < ANSWER_BYTES_MAX)
		return;
	/* an error is the only other answer there is */
	if (!line || !strstr(line, "\"result\""))
		tell(s, line ? line : "an answer without an end");
	free(line);
	free_sending(s);
}

static void on_gone(struct bufferevent *bev, short what, void *opaque)
{
	struct sending *s = opaque;

	if (what & BEV_EVENT_CONNECTED)
		return;
	tell(s, "its process has ended");
	free_sending(s);
}

static void on_late(void *opaque)
{
	tell(opaque, "no answer to an order");
	free_sending(opaque);
}

static int begin(struct sending *s, uint64_t kib)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/%" PRIu32 "-%" PRIu32 ".sock",
		     s->orders->dir, s->domid, s->devid) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	s->bev = bufferevent_socket_new(s->orders->base, -1, BEV_OPT_CLOSE_ON_FREE);
	s->late = timer_new(s->orders->base, on_late, s);
	if (!s->bev || !s->late)
		return -ENOMEM;
	bufferevent_setwatermark(s->bev, EV_READ, 0, ANSWER_BYTES_MAX);
	if (evbuffer_add_printf(bufferevent_get_output(s->bev),
				"{\"cmd\":\"auto\",\"kib\":%" PRIu64 "}\n", kib) < 0)
		return -ENOMEM;
	if (bufferevent_socket_connect(s->bev, (const struct sockaddr *)&address, sizeof(address)))
		return -ECONNREFUSED;
	/* only now: a connection that fails at once must not call back from inside */
	bufferevent_setcb(s->bev, on_answer, NULL, on_gone, s);
	timer_set(s->late, ANSWER_MS);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	return 0;
}

static void drop_older(struct orders *o, uint32_t domid, uint32_t devid)
{
	struct sending *s, *next;

	for (s = TAILQ_FIRST(&o->sendings); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->domid == domid && s->devid == devid)
			free_sending(s);
	}
}

void orders_send(struct orders *o, uint32_t domid, uint32_t devid, uint64_t kib)
{
	struct sending *s;
	int rc;

	drop_older(o, domid, devid);
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->orders = o;
	s->domid = domid;
	s->devid = devid;
	TAILQ_INSERT_TAIL(&o->sendings, s, link);
	rc = begin(s, kib);
	if (!rc)
		return;
	log_limited(o->log, LOG_KIND_CONTROL, LOG_LEVEL_NOTICE, rc, "--auto: domain %" PRIu32,
		    domid);
	free_sending(s);
}

int orders_new(struct orders **out, struct event_base *base, struct log *log, const char *dir)
{
	struct orders *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->base = base;
	o->log = log;
	o->dir = dir;
	TAILQ_INIT(&o->sendings);
	*out = o;
	return 0;
}

void orders_free(struct orders *o)
{
	if (!o)
		return;
	while (!TAILQ_EMPTY(&o->sendings))
		free_sending(TAILQ_FIRST(&o->sendings));
	free(o);
}
