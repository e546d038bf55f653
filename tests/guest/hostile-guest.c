// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile-guest BASE [TEXT [hold]]: all scenarios, or those whose name contains TEXT, against the
 * balloon at guest-physical address BASE, from inside a Linux guest. Static, runs as root, reports TAP.
 *
 * With "hold" the device is left as the first such scenario leaves it, to be looked at from outside,
 * until SIGTERM comes.
 *
 * The guest's own driver must not be bound to the device. The device is left reset.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus-devmem.h"
#include "hostile-balloon.h"

static const struct hostile_scenario *const tables[] = {
	hostile_mmio,
	hostile_setup,
	hostile_ring,
	hostile_balloon,
	hostile_bulk,
};

#define NR_TABLES (sizeof(tables) / sizeof(tables[0]))

struct score {
	const char *only;
	bool hold;
	unsigned int run;
	unsigned int failed;
};

/* The scenario alone: no judgement and no recovery. SIGTERM is blocked: it is only waited for. */
static int run_and_hold(struct hostile *h, const struct hostile_scenario *scenario)
{
	sigset_t term;
	int sig, ret;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	h->why[0] = 0;
	ret = scenario->run(h);
	printf("# holding: %s\n", scenario->name);
	fflush(stdout);
	sigwait(&term, &sig);
	return ret;
}

static void run_one(struct hostile *h, const struct hostile_scenario *scenario,
		    struct score *score)
{
	int ret;

	if ((score->only && !strstr(scenario->name, score->only)) || (score->hold && score->run))
		return;
	ret = score->hold ? run_and_hold(h, scenario) : hostile_run(h, scenario);
	score->run++;
	if (!ret) {
		printf("ok %u - %s\n", score->run, scenario->name);
	} else {
		printf("not ok %u - %s\n# %s\n", score->run, scenario->name, h->why);
		score->failed++;
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct score score = { .only = argc > 2 ? argv[2] : NULL, .hold = argc == 4 };
	struct bus_devmem *devmem;
	unsigned long long base;
	struct hostile h;
	const char *why;
	char *end;
	int ret;

	errno = 0;
	base = argc > 1 ? strtoull(argv[1], &end, 16) : 0;
	if (argc < 2 || argc > 4 || errno || *end || end == argv[1] ||
	    (score.hold && strcmp(argv[3], "hold"))) {
		fprintf(stderr, "usage: hostile-guest BASE-IN-HEX [PART-OF-A-NAME [hold]]\n");
		return 2;
	}
	ret = bus_devmem_open(&devmem, base, &why);
	if (ret) {
		fprintf(stderr, "hostile-guest: %s: %s\n", why, strerror(-ret));
		return 2;
	}
	hostile_start(&h, bus_devmem_bus(devmem), &hostile_balloon_target);
	for (size_t i = 0; i < NR_TABLES; i++)
		for (const struct hostile_scenario *s = tables[i]; s->name; s++)
			run_one(&h, s, &score);
	if (driver_reset(&h.driver))
		printf("# the device does not take a reset\n");
	printf("1..%u\n", score.run);
	bus_devmem_close(devmem);
	return score.failed || !score.run;
}
