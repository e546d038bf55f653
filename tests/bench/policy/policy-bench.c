// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies compared: each load given on the command line is lived through under each rule, and a line a
 * rule is printed. What the columns mean is in sim.h, at struct sim_figures and sim_behind().
 */
#include "bench/policy/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** ours, then others' */
static const struct sim_rule *const rules[] = {&sim_auto, &sim_auto_older, &sim_squeezed, &sim_qmemman};
#define RULES (sizeof(rules) / sizeof(rules[0]))
#define OURS 2u

/* How one of ours stands. */
static void print_bars(unsigned int behind)
{
	static const char *const names[] = {"OOM kills", "s below need", "MiB idle", "s to first help"};
	const char *between = "behind: ";

	if (!behind)
		printf("best");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(behind & 1u << i))
			continue;
		printf("%s%s", between, names[i]);
		between = ", ";
	}
}

static void print_rule(const char *trace, size_t i, const struct sim_figures f[RULES])
{
	printf("%-22s %-9s %9" PRIu64 " %12.2f %15.2f %8" PRIu64 " %15.2f %6" PRIu64 "  ", i ? "" : trace, rules[i]->name,
	       f[i].oom_kills, (double)f[i].below_ms / 1000, (double)f[i].beyond_ms / 1000, f[i].idle_kib / SIM_MIB,
	       (double)f[i].first_ms / 1000, f[i].orders);
	if (i < OURS)
		print_bars(sim_behind(&f[i], &f[OURS], RULES - OURS));
	else if (!sim_is_comparable(&f[0], &f[i]) && f[i].below_ms < f[0].below_ms)
		printf("not compared below need: kills more");
	printf("\n");
}

static struct sim_trace trace;

static int read_trace(const char *path)
{
	int rc = sim_trace_read(&trace, path);

	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-rc));
		return 1;
	}
	if (rc) {
		fprintf(stderr, "%s:%d: not a line of a load, see tests/traces/README\n", path, rc);
		return 1;
	}
	return 0;
}

static int run_trace(const char *path)
{
	struct sim_figures f[RULES];

	if (read_trace(path))
		return 1;
	for (size_t i = 0; i < RULES; i++) {
		if (sim_run(&trace, rules[i], &f[i])) {
			fprintf(stderr, "out of memory\n");
			return 1;
		}
	}
	for (size_t i = 0; i < RULES; i++)
		print_rule(trace.name, i, f);
	return 0;
}

static void add(struct sim_figures *sum, const struct sim_figures *f)
{
	sum->oom_kills += f->oom_kills;
	sum->below_ms += f->below_ms;
	sum->beyond_ms += f->beyond_ms;
	sum->idle_kib += f->idle_kib;
	sum->orders += f->orders;
	if (f->first_ms > sum->first_ms)
		sum->first_ms = f->first_ms;
}

/* Means of @nr variations of a load; of the first help the worst, and how often it was late. */
static int vary_trace(const char *path, unsigned int nr)
{
	static struct sim_trace one;

	if (read_trace(path))
		return 1;
	for (size_t i = 0; i < RULES; i++) {
		struct sim_figures sum = {0}, f;
		unsigned int late = 0;

		for (unsigned int k = 0; k < nr; k++) {
			one = trace;
			sim_trace_vary(&one, k);
			if (sim_run(&one, rules[i], &f)) {
				fprintf(stderr, "out of memory\n");
				return 1;
			}
			add(&sum, &f);
			late += f.first_ms > SIM_INTERVAL_MS;
		}
		printf("%-22s %-9s %9.2f %12.2f %15.2f %8" PRIu64 " %15.2f %6u\n", i ? "" : trace.name, rules[i]->name,
		       (double)sum.oom_kills / nr, (double)sum.below_ms / 1000 / nr, (double)sum.beyond_ms / 1000 / nr,
		       sum.idle_kib / SIM_MIB / nr, (double)sum.first_ms / 1000, late);
	}
	return 0;
}

static int vary(int argc, char **argv)
{
	int nr = argc > 3 ? atoi(argv[2]) : 0;

	if (nr < 1)
		return 2;
	printf("%-22s %-9s %9s %12s %15s %8s %15s %6s\n", "load", "rules", "OOM kills", "s below need", "at static-max",
	       "MiB idle", "worst s to help", "late");
	for (int i = 3; i < argc; i++) {
		if (vary_trace(argv[i], (unsigned int)nr))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int rc = argc > 1 && strcmp(argv[1], "--vary") == 0 ? vary(argc, argv) : argc < 2 ? 2 : -1;

	if (rc == 2)
		fprintf(stderr, "usage: policy-bench [--vary NUMBER] TRACE.load...\n");
	if (rc >= 0)
		return rc;
	printf("%-22s %-9s %9s %12s %15s %8s %15s %6s  %s\n", "load", "rules", "OOM kills", "s below need",
	       "at static-max", "MiB idle", "s to first help", "orders", "beside squeezed and qmemman");
	for (int i = 1; i < argc; i++) {
		if (run_trace(argv[i]))
			return 1;
	}
	return 0;
}
