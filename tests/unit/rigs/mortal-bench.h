/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process bench whose daemon is killed -9 at a call to Xen or to xenstored. Not a line of it runs after that: what it had open is
 * closed, as the kernel does, its files and shared memory stay as they are, and what it had allocated is left. One at a time.
 */
#ifndef MORTAL_BENCH_H
#define MORTAL_BENCH_H

#include "unit/rigs/process-bench.h"

/** mortal_bench_new() - as process_bench_new(); its daemon lives until it is told otherwise */
struct process_bench *mortal_bench_new(void);

/**
 * mortal_bench_live() - @live, in which the daemon may die
 * @call:  the call that is its last, counted from now; 0: none
 * @after: once the other side has done it
 *
 * What @live opens besides is closed when the daemon dies. Return: whether it died; then there is no daemon
 */
bool mortal_bench_live(struct process_bench *b, void (*live)(struct process_bench *b), unsigned int call, bool after);

#endif /* MORTAL_BENCH_H */
