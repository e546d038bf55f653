// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every hostile scenario against the echo device: the answer is the defined one, it is counted, and
 * after a reset the device serves as ever. Nothing stays mapped, no vcpu is left waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

static void run_scenario(void **state)
{
	const struct hostile_scenario *scenario = *state;
	struct hostile h;
	struct rig rig;

	assert_int_equal(rig_open(&rig), 0);
	hostile_start(&h, &rig.bus.bus, &rig_target);
	if (hostile_run(&h, scenario))
		fail_msg("%s: %s", scenario->name, h.why);
	rig_fini(&rig);
}

static size_t count_scenarios(const struct hostile_scenario *scenario)
{
	size_t nr = 0;

	while (scenario[nr].name)
		nr++;
	return nr;
}

int main(void)
{
	static const struct hostile_scenario *const tables[] = { hostile_mmio, hostile_setup,
								 hostile_ring, hostile_hole };
	const size_t nr_tables = sizeof(tables) / sizeof(tables[0]);
	struct CMUnitTest *tests;
	size_t nr = 0, max = 0;
	int ret;

	for (size_t i = 0; i < nr_tables; i++)
		max += count_scenarios(tables[i]);
	tests = calloc(max, sizeof(*tests));
	if (!tests)
		return 1;
	for (size_t i = 0; i < nr_tables; i++) {
		for (const struct hostile_scenario *s = tables[i]; s->name; s++) {
			tests[nr].name = s->name;
			tests[nr].test_func = run_scenario;
			tests[nr].initial_state = (void *)(uintptr_t)s;
			nr++;
		}
	}
	ret = _cmocka_run_group_tests("hostile", tests, nr, NULL, NULL);
	free(tests);
	return ret;
}
