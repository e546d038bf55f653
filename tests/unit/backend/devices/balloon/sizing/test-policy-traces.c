// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy with the load of real guests, as recorded in tests/traces: the rules hold in every step,
 * and nobody waits for long.
 */
#include "unit/rigs/policy-model.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TRACE_STEPS_MAX 512

struct trace {
	size_t steps, nr;
	struct {
		uint64_t static_max_kib;
		uint64_t used_kib[TRACE_STEPS_MAX];
	} guest[GUESTS_MAX];
};

static struct trace trace;

/* Lines of: step, guest, static-max, balloon, available; sizes in KiB. See tests/traces/README. */
static void read_trace(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[512], line[128];
	FILE *f;

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/tests/traces/%s", top, name);
	f = fopen(path, "r");
	assert_non_null(f);
	trace = (struct trace){0};
	while (fgets(line, sizeof(line), f)) {
		uint64_t max, balloon, available;
		size_t s, guest;

		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%zu %zu %" SCNu64 " %" SCNu64 " %" SCNu64, &s,
					&guest, &max, &balloon, &available),
				 5);
		assert_true(s < TRACE_STEPS_MAX && guest < GUESTS_MAX && balloon <= max);
		trace.steps = s + 1;
		trace.nr = guest + 1 > trace.nr ? guest + 1 : trace.nr;
		trace.guest[guest].static_max_kib = max;
		trace.guest[guest].used_kib[s] =
			max - balloon > available ? max - balloon - available : 0;
	}
	fclose(f);
	assert_true(trace.steps >= 20 && trace.nr >= 2);
}

/* Plays the load; each recorded second is @stretch steps. Return: turns of all guests */
static unsigned int play(struct host *h, unsigned int stretch)
{
	unsigned int turns = 0;

	for (size_t s = 0; s < trace.steps * stretch; s++) {
		for (size_t i = 0; i < h->nr; i++)
			h->model[i].used_kib = trace.guest[i].used_kib[s / stretch];
		model_step(h);
	}
	for (size_t i = 0; i < h->nr; i++)
		turns += h->model[i].turns;
	return turns;
}

/*
 * The load of two real guests, one busy and then the other, on a host with room for one and a half:
 * the rules hold in every step, nobody waits for long, and the policy turns no more often than the
 * load does.
 */
static void real_guests_are_served(void **state)
{
	/* at last sixteen steps a second, by who looks a second ahead */
	for (unsigned int stretch = 1; stretch <= 16; stretch *= 2) {
		struct host h = model_host(24);
		unsigned int turns;

		read_trace("two-guests-trade.trace");
		if (stretch == 16) {
			h.step_ms = 1000 / stretch;
			h.cfg.ahead_ms = 1000;
		}
		h.cfg.overcommit = true;
		for (size_t i = 0; i < trace.nr; i++) {
			struct model *m = model_add(&h, 0, 0);

			m->g.static_max_kib = trace.guest[i].static_max_kib;
			m->used_kib = trace.guest[i].used_kib[0];
			m->g.target_kib = m->used_kib * 100 / 70 / 4 * 4;
			m->g.balloon_kib = m->g.static_max_kib - m->g.target_kib;
		}
		turns = play(&h, stretch);
		/* one goes up and down again, the other down and up: each turns once */
		assert_true(turns <= trace.nr);
		/* afterwards the load is what it was last: so are the guests */
		model_settle(&h, 60);
		for (size_t i = 0; i < h.nr; i++)
			assert_int_equal(h.model[i].g.stall_kib, 0);
	}
}

/*
 * The counters of a real guest that reads back what it had swapped out, with a third of its memory and
 * more available all the time: pressure in the seconds in which it swaps, and in no other.
 */
static void a_real_guest_that_swaps_in_is_under_pressure(void **state)
{
	const char *top = getenv("top_srcdir");
	struct pressure_set last = {0}, now = {0};
	uint64_t step, max, balloon, available, felt = 0;
	char path[512], line[160];
	FILE *f;

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/tests/traces/swap-in.counters", top);
	f = fopen(path, "r");
	assert_non_null(f);
	now.valid = (UINT32_C(1) << PRESSURE_COUNTERS) - 1;
	now.free_valid = true;
	while (fgets(line, sizeof(line), f)) {
		uint64_t *v = now.value;
		uint64_t before = v[PRESSURE_SWAP_IN];
		bool swaps;

		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line,
					"%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
					" %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
					" %" SCNu64,
					&step, &max, &balloon, &available, &now.free_kib,
					&v[PRESSURE_SWAP_IN], &v[PRESSURE_MAJOR_FAULTS],
					&v[PRESSURE_OOM_KILL], &v[PRESSURE_ALLOC_STALL],
					&v[PRESSURE_ASYNC], &v[PRESSURE_DIRECT]),
				 11);
		now.sequence++;
		now.at_ms = 1000 * (step + 1);
		now.has_kib = max - balloon;
		assert_true(available * 100 > now.has_kib * 25);
		swaps = step && v[PRESSURE_SWAP_IN] > before;
		assert_int_equal(pressure_look(&last, &now).felt, swaps);
		felt += swaps;
	}
	fclose(f);
	assert_int_equal(felt, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_guests_are_served),
		cmocka_unit_test(a_real_guest_that_swaps_in_is_under_pressure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
