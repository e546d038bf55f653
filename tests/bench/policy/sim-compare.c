// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One rule beside others: where it is behind.
 */
#include "bench/policy/sim.h"

bool sim_is_comparable(const struct sim_figures *ours, const struct sim_figures *other)
{
	return other->oom_kills <= ours->oom_kills;
}

unsigned int sim_behind(const struct sim_figures *ours, const struct sim_figures *others, size_t nr)
{
	unsigned int behind = ours->first_ms > SIM_INTERVAL_MS ? SIM_FIRST : 0;

	for (size_t i = 0; i < nr; i++) {
		if (ours->oom_kills > others[i].oom_kills)
			behind |= SIM_KILLS;
		if (ours->idle_kib / SIM_MIB > others[i].idle_kib / SIM_MIB)
			behind |= SIM_IDLE;
		if (sim_is_comparable(ours, &others[i]) && ours->below_ms > others[i].below_ms)
			behind |= SIM_BELOW;
	}
	return behind;
}
