// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest has had of a CPU: see privcmd-load.h.
 *
 * What is measured is the handler alone. The interrupt around it, and the switch
 * from guest to guest, take several times as long: see the module's README for how
 * much of a CPU that makes.
 */
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/time64.h>

#include "privcmd-load.h"

/* Long enough for bursts, and short for who waits for the CPU. */
#define WINDOW_NS	(10 * NSEC_PER_MSEC)

static uint irq_percent = 16;
module_param(irq_percent, uint, 0644);
MODULE_PARM_DESC(irq_percent,
		 "Maximum of a CPU's time in the handler that answers for one ioreq page, percent (0: none)");

/* Above what one page may have, so that it leaves others some. */
static uint irq_percent_all = 18;
module_param(irq_percent_all, uint, 0644);
MODULE_PARM_DESC(irq_percent_all,
		 "Maximum of a CPU's time in the handler that answers for all ioreq pages, percent (0: none)");

static DEFINE_PER_CPU(struct privcmd_load, all_pages);

static bool has_left(struct privcmd_load *here, u64 window, uint percent)
{
	if (here->window != window) {
		here->window = window;
		here->spent_ns = 0;
	}

	return !percent || here->spent_ns * 100 < (u64)percent * WINDOW_NS;
}

bool privcmd_load_may(struct privcmd_load __percpu *load, u64 now_ns)
{
	u64 window = div_u64(now_ns, WINDOW_NS);
	bool all = has_left(this_cpu_ptr(&all_pages), window, READ_ONCE(irq_percent_all));

	return has_left(this_cpu_ptr(load), window, READ_ONCE(irq_percent)) && all;
}

void privcmd_load_add(struct privcmd_load __percpu *load, u64 start_ns, u64 now_ns)
{
	this_cpu_ptr(load)->spent_ns += now_ns - start_ns;
	this_cpu_ptr(&all_pages)->spent_ns += now_ns - start_ns;
}
