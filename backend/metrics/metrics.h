/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics over HTTP: GET /metrics and nothing else, by libevent's server. Whoever can connect may
 * read; nothing can be changed here. Connections are few and short, whatever is done with them:
 * METRICS_CLIENTS_MAX at once, each cut after METRICS_CLIENT_MS.
 */
#ifndef BACKEND_METRICS_H
#define BACKEND_METRICS_H

#include "backend/figures/figures.h"
#include "backend/base/doors.h"
#include "backend/base/log.h"
#include "backend/base/metrics-address.h"

#define METRICS_CLIENTS_MAX 16u
#define METRICS_CLIENT_MS 5000u

struct event_base;
struct metrics;

struct metrics_config {
	struct event_base *base; /* borrowed */
	struct log *log;	 /* borrowed */
	const struct metrics_address *address; /* borrowed */
	const char *group; /* whose members may read, where it is a Unix socket */
	const struct doors *doors; /* borrowed; its listener is taken; NULL: listens by itself */
	const struct figures_type *figures;
	/** collect - of all devices there are; calls nobody after metrics_free() */
	figures_collect *collect;
	void *opaque;
	/**
	 * host_free - where @figures wants it; NULL: it cannot be told
	 * Return: 0; -errno: not this time
	 */
	int (*host_free)(void *opaque, uint64_t *kib);
	void *host_opaque;
	unsigned int client_ms; /* 0: METRICS_CLIENT_MS */
};

/** metrics_listen() - for somebody else's doors. Return: the descriptor; as metrics_open() */
int metrics_listen(const struct metrics_address *address, const char *group);
/** metrics_listen_in_time() - the same, a moment after a process was killed that listened there, or that is just ending */
int metrics_listen_in_time(const struct metrics_address *address, const char *group);
/** metrics_unlisten() - remove the name, where it has one; before the descriptor is closed, or it may be a successor's */
void metrics_unlisten(const struct metrics_address *address);

/** metrics_open() - Return: 0; -EADDRINUSE; -EACCES; -ENOMEM; -errno */
int metrics_open(struct metrics **m, const struct metrics_config *cfg);
/** metrics_free() - NULL is fine */
void metrics_free(struct metrics *m);

#endif /* BACKEND_METRICS_H */
