/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store_link on a fake xenstored, with its event base and a captured log: what publish, target
 * and mem-set stand on. Time is the test's.
 */
#ifndef LINK_BENCH_H
#define LINK_BENCH_H

#include "backend/xenstore/store-link.h"
#include "fake/store-fake.h"
#include "unit/rigs/log-capture.h"

struct link_bench {
	struct log_capture capture;
	struct event_base *base;
	struct fake_store *store;
	struct store_link *link;
	unsigned int events;
	unsigned int connected;
	char last_path[256];
	char last_token[64];
};

/** link_bench_setup/teardown - for cmocka; teardown asserts that nothing was leaked */
int link_bench_setup(void **state);
int link_bench_teardown(void **state);
/** link_bench_run() - all that is due at this moment */
void link_bench_run(struct link_bench *b);
/** link_bench_wait_up() - until the link is connected again; up to 5 s go by, false: it is not */
bool link_bench_wait_up(struct link_bench *b);

#endif /* LINK_BENCH_H */
