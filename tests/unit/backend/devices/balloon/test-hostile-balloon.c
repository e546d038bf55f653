// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every hostile scenario against the real balloon on the fake hypervisor. After each, what is
 * published, the bitmap and the machine agree on every frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"
#include "guest/hostile-balloon.h"

static struct bench *current;

static uint64_t count_errors(struct bus *bus)
{
	struct balloon_status status = bench_status(current);
	uint64_t total = 0;

	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		total += status.guest_errors[i];
	return total;
}

static void run_scenario(void **state)
{
	const struct hostile_scenario *scenario = *state;
	struct bus_ops ops;
	struct hostile h;
	void *bench;

	bench_setup(&bench);
	current = bench;
	ops = *current->bus.bus.ops;
	ops.errors = count_errors;
	current->bus.bus.ops = &ops;
	hostile_start(&h, &current->bus.bus, &hostile_balloon_target);
	if (hostile_run(&h, scenario))
		fail_msg("%s: %s", scenario->name, h.why);
	bench_assert_exact(current);
	assert_int_equal(bench_status(current).ballooned_pages, 0);
	bench_teardown(&bench);
}

int main(void)
{
	static const struct hostile_scenario *const tables[] = { hostile_mmio, hostile_setup,
								 hostile_ring, hostile_balloon,
								 hostile_bulk };
	const size_t nr_tables = sizeof(tables) / sizeof(tables[0]);
	struct CMUnitTest *tests;
	size_t nr = 0;
	int ret;

	for (size_t i = 0; i < nr_tables; i++)
		for (const struct hostile_scenario *s = tables[i]; s->name; s++)
			nr++;
	tests = calloc(nr, sizeof(*tests));
	if (!tests)
		return 1;
	nr = 0;
	for (size_t i = 0; i < nr_tables; i++) {
		for (const struct hostile_scenario *s = tables[i]; s->name; s++) {
			tests[nr].name = s->name;
			tests[nr].test_func = run_scenario;
			tests[nr++].initial_state = (void *)(uintptr_t)s;
		}
	}
	ret = _cmocka_run_group_tests("hostile-balloon", tests, nr, NULL, NULL);
	free(tests);
	return ret;
}
