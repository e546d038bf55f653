// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers: libevent's, which go by the machine's monotonic clock as clock.c does.
 */
#include "backend/base/timer.h"

#include <event2/event.h>
#include <stdlib.h>

struct timer {
	struct event *event;
	void (*fire)(void *opaque);
	void *opaque;
};

static void on_event(evutil_socket_t fd, short what, void *opaque)
{
	struct timer *t = opaque;

	t->fire(t->opaque);
}

struct timer *timer_new(struct event_base *base, void (*fire)(void *opaque), void *opaque)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fire = fire;
	t->opaque = opaque;
	t->event = evtimer_new(base, on_event, t);
	if (t->event)
		return t;
	free(t);
	return NULL;
}

void timer_free(struct timer *t)
{
	if (!t)
		return;
	event_free(t->event);
	free(t);
}

void timer_set(struct timer *t, unsigned int ms)
{
	const struct timeval after = {ms / 1000, (ms % 1000) * 1000};

	event_add(t->event, &after);
}

void timer_stop(struct timer *t)
{
	event_del(t->event);
}

bool timer_is_set(const struct timer *t)
{
	return evtimer_pending(t->event, NULL);
}
