/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state file of a balloon in a directory of its own, for tests of how it is opened, believed and left.
 */
#ifndef STATE_BENCH_H
#define STATE_BENCH_H

#include "backend/base/state-file.h"
#include "unit/rigs/log-capture.h"

/** what its device keeps */
#define STATE_BENCH_BYTES 5000u

struct state_bench {
	char dir[64];
	char path[128];
	struct log_capture capture;
	pid_t owner; /* of the last one that was opened */
};

extern struct state_bench bench;

/** state_bench_setup/teardown() - for each test; the directory is empty at its end */
int state_bench_setup(void **state);
int state_bench_teardown(void **state);
/** state_bench_key() - device 1 of domain 7 */
struct state_file_key state_bench_key(void);
/** state_bench_many_queues() - the balloon's program, if its devices had up to 64 queues */
struct program state_bench_many_queues(void);
/** state_bench_open() - it succeeds */
struct state_file *state_bench_open(const struct state_file_key *key);
bool state_bench_is_zero(const void *at, size_t bytes);

#endif /* STATE_BENCH_H */
