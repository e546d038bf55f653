// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies compared: each load given on the command line is lived through under each rule, and a line a
 * rule is printed. What the columns mean is in sim.h, at struct sim_figures.
 */
#include "bench/policy/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct sim_rule *const rules[] = {&sim_auto, &sim_auto_older, &sim_squeezed, &sim_qmemman};

static int run_trace(const char *path)
{
	static struct sim_trace trace;
	int rc = sim_trace_read(&trace, path);

	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-rc));
		return 1;
	}
	if (rc) {
		fprintf(stderr, "%s:%d: not a line of a load, see tests/traces/README\n", path, rc);
		return 1;
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct sim_figures f;

		if (sim_run(&trace, rules[i], &f)) {
			fprintf(stderr, "out of memory\n");
			return 1;
		}
		printf("%-12s %-9s %9" PRIu64 " %15.2f %15" PRIu64 " %15.2f %7" PRIu64 "\n",
		       i ? "" : trace.name, rules[i]->name, f.oom_kills, (double)f.below_ms / 1000,
		       f.idle_kib / SIM_MIB, (double)f.first_ms / 1000, f.orders);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: policy-bench TRACE.load...\n");
		return 2;
	}
	printf("%-12s %-9s %9s %15s %15s %15s %7s\n", "load", "rules", "OOM kills", "s below need",
	       "MiB idle, mean", "s to first help", "orders");
	for (int i = 1; i < argc; i++) {
		if (run_trace(argv[i]))
			return 1;
	}
	return 0;
}
