/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers of an event loop, by the clock of clock.h. Each fires once; who wants it again sets it again. Belongs to the
 * thread of its event base.
 */
#ifndef BACKEND_TIMER_H
#define BACKEND_TIMER_H

#include <stdbool.h>

struct event_base;
struct timer;

/** timer_new() - not set; @fire is called from the event loop. Return: NULL out of memory */
struct timer *timer_new(struct event_base *base, void (*fire)(void *opaque), void *opaque);
/** timer_free() - also from inside @fire; NULL is fine */
void timer_free(struct timer *t);

/**
 * timer_set() - fire in @ms, and not when it was to before
 *
 * 0 is a later turn of the loop, after other descriptors have been looked at.
 */
void timer_set(struct timer *t, unsigned int ms);
/** timer_stop() - not set is fine */
void timer_stop(struct timer *t);
/** timer_is_set() - false from inside @fire */
bool timer_is_set(const struct timer *t);

#endif /* BACKEND_TIMER_H */
