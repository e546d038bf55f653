/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parent, and its xenstore.
 */
#ifndef RUN_PARENT_H
#define RUN_PARENT_H

#include <sys/types.h>

#include "run/run-internal.h"

#define NEVER INT64_MAX
/** how long a child has to end by itself */
#define END_MS 5000
/** who served so long has begun well: earlier deaths are forgotten */
#define WELL_MS 60000
/** children that die in a row and are replaced: after 0, 1, 2, 4 and 8 seconds */
#define DEATHS_MAX 5u
/** how long a node may stay half written */
#define FIND_MS 10000
/** how often xenstore is looked for that went away */
#define STORE_MS 1000

/**
 * struct parent - its state; times are of run_env.now_ms(), NEVER: none
 * @serves:  the child that there is; @served: some child
 * @left:    the last child did not take its ioreq server along
 * @why:     what is missing of a node that is half written
 * @anew:    xenstore came back, and may lack what is still being brought back
 */
struct parent {
	struct run *run;
	struct xenvirtio_store *store;
	int signals, sock, pidfd;
	pid_t pid;
	bool found, started, serves, served, ending, over, left, anew;
	int code;
	unsigned int deaths;
	int64_t restart_at, kill_at, store_at, find_until, serving_since;
	char why[256];
};

/** parent_end() - the end has a reason */
void parent_end(struct parent *p, int code);

/** parent_store_open() - the first time: without xenstore there is no device. Then the device is looked for */
void parent_store_open(struct parent *p);
/** parent_store_again() - it went away, and may be back */
void parent_store_again(struct parent *p);
/** parent_store_events() - Return: whether the domain should be looked at */
bool parent_store_events(struct parent *p);
/** parent_find_over() - the device's node stayed half written */
void parent_find_over(struct parent *p);
/** parent_tell_state() - the backend's, in its node, where there still is one */
void parent_tell_state(struct parent *p, enum xenvirtio_xenbus_state state);
/** parent_tell_ready() - to --ready-fd and the service manager */
void parent_tell_ready(struct parent *p);

#endif /* RUN_PARENT_H */
