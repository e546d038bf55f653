// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Variations of a load: whether what is said of a rule is true of that load only. The same number gives the same one.
 */
#include "bench/policy/sim.h"

static unsigned int pick(uint64_t *state, unsigned int nr)
{
	/* Knuth's MMIX */
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(*state >> 33) % nr;
}

static uint64_t scale(uint64_t n, unsigned int percent)
{
	return n * percent / 100;
}

static void vary_load(struct sim_load *l, uint64_t *state)
{
	unsigned int pace = 85 + pick(state, 31), size = 90 + pick(state, 21);
	uint64_t later_ms = pick(state, 41) * SIM_TICK_MS;

	if (l->start_ms)
		l->start_ms += later_ms;
	for (size_t i = 0; i < l->nr; i++) {
		struct sim_point *p = &l->point[i];

		p->ms = i ? scale(p->ms, pace) + later_ms : 0;
		p->anon_kib = scale(p->anon_kib, size);
		p->hot_kib = scale(p->hot_kib, size);
		p->file_kib = scale(p->file_kib, size);
	}
}

void sim_trace_vary(struct sim_trace *t, unsigned int number)
{
	uint64_t state = number, was_kib = t->host_kib;

	pick(&state, 1);
	t->host_kib = scale(t->host_kib, 90 + pick(&state, 31));
	for (size_t i = 0; i < t->nr; i++) {
		vary_load(&t->load[i], &state);
		/* on a smaller host those that are there from the beginning have less */
		if (t->host_kib < was_kib)
			t->load[i].has_kib = t->load[i].has_kib * t->host_kib / was_kib;
	}
}
