/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of command line tools: the tool runs in a process of its own, the daemon it talks to in
 * this one, until the tool has ended. They take turns: whenever the tool has to wait, a millisecond goes
 * by here, whatever the scheduler does.
 */
#ifndef TOOL_BENCH_H
#define TOOL_BENCH_H

#include <stdio.h>

/** what a run of the tool said */
struct tool_said {
	char out[65536];
	char err[8192];
};

struct tool_run {
	/** child() - the tool; Return: its exit code */
	int (*child)(void *opaque, FILE *out, FILE *err);
	/** meanwhile() - before each millisecond, to serve it: so many have passed */
	void (*meanwhile)(void *opaque, unsigned int ms);
	void *opaque;
};

/** tool_bench_run() - two minutes of the tests' clock at most. Return: the exit code */
int tool_bench_run(const struct tool_run *run, struct tool_said *said);
/** tool_bench_expect() - it complained in one line, that names @text */
void tool_bench_expect(const struct tool_said *said, const char *text);

#endif /* TOOL_BENCH_H */
