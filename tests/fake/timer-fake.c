// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers by the clock that tests move, in the place of backend/base/timer.c. One that is due becomes an event of its loop
 * like any other, and the loop is run until it has settled before more time passes.
 */
#include "machine-fake.h"

#include "backend/base/clock.h"
#include "backend/base/timer.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#define NS_PER_MS 1000000u
/* An event may cause another, and that a third. */
#define TURNS 8

struct timer {
	TAILQ_ENTRY(timer) link; /* while it waits */
	bool waits;
	uint64_t due_ns;
	struct event_base *base;
	struct event *event; /* pending: due */
	void (*fire)(void *opaque);
	void *opaque;
};

static TAILQ_HEAD(, timer) waiting = TAILQ_HEAD_INITIALIZER(waiting);
static uint64_t fired;

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
	t->base = base;
	t->fire = fire;
	t->opaque = opaque;
	t->event = evtimer_new(base, on_event, t);
	if (t->event)
		return t;
	free(t);
	return NULL;
}

void timer_stop(struct timer *t)
{
	event_del(t->event);
	if (t->waits)
		TAILQ_REMOVE(&waiting, t, link);
	t->waits = false;
}

void timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	event_free(t->event);
	free(t);
}

static void make_due(struct timer *t)
{
	const struct timeval now = {0, 0};

	timer_stop(t);
	event_add(t->event, &now);
}

void timer_set(struct timer *t, unsigned int ms)
{
	struct timer *other;

	if (!ms) {
		make_due(t);
		return;
	}
	timer_stop(t);
	t->waits = true;
	t->due_ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS;
	/* in the order they are due, and those of one moment as they were set */
	TAILQ_FOREACH(other, &waiting, link)
	{
		if (other->due_ns > t->due_ns) {
			TAILQ_INSERT_BEFORE(other, t, link);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&waiting, t, link);
}

bool timer_is_set(const struct timer *t)
{
	return t->waits || event_pending(t->event, EV_TIMEOUT, NULL);
}

void machine_fake_run(struct event_base *base)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

void machine_fake_forget(const struct event_base *base)
{
	struct timer *t, *next;

	for (t = TAILQ_FIRST(&waiting); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->base == base)
			TAILQ_REMOVE(&waiting, t, link);
	}
}

/* Return: whether one was due by then */
static bool fire_next(uint64_t end_ns)
{
	struct timer *t = TAILQ_FIRST(&waiting);
	struct event_base *base;

	if (!t || t->due_ns > end_ns)
		return false;
	base = t->base;
	machine_fake_set_ns(t->due_ns);
	make_due(t);
	fired++;
	machine_fake_run(base);
	return true;
}

void machine_fake_pass(unsigned int ms)
{
	uint64_t end_ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS;

	while (fire_next(end_ns))
		;
	machine_fake_set_ns(end_ns);
}

bool machine_fake_pass_to_timer(uint64_t end_ms)
{
	return fire_next(end_ms * NS_PER_MS);
}

uint64_t machine_fake_fired(void)
{
	return fired;
}
