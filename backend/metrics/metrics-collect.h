/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of all guests, for the service's metrics: asked of each device process over its
 * control socket, all at the same time. A process that does not answer soon is left out. Who asks
 * while an answer is under way gets that one. Never blocks; one thread.
 */
#ifndef BACKEND_METRICS_COLLECT_H
#define BACKEND_METRICS_COLLECT_H

#include "backend/figures/figures.h"

/** processes asked at the same time: each costs a descriptor */
#define METRICS_COLLECT_MAX 64u

struct event_base;
struct metrics_collect;

/**
 * metrics_collect_new()
 * @type:      of the devices whose sockets are there
 * @dir:       where the sockets are; borrowed
 * @answer_ms: who has not answered by then is left out; 0: 2 s
 *
 * Return: 0; -ENOMEM
 */
int metrics_collect_new(struct metrics_collect **c, struct event_base *base,
			const struct figures_type *type, const char *dir, unsigned int answer_ms);
/** metrics_collect_free() - calls nobody any more; NULL is fine */
void metrics_collect_free(struct metrics_collect *c);

/** metrics_collect_run() - as metrics_config.collect; @opaque: the metrics_collect */
figures_collect metrics_collect_run;

#endif /* BACKEND_METRICS_COLLECT_H */
