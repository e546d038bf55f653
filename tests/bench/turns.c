// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * turns: how long the longest turn takes of each hostile case of the unit tests (unit/rigs/budget-cases.h), on the fake hypervisor.
 *
 * A line a case and a guest's size: the turns it took, and of the longest ones frames, hypercalls and processor time. The fake costs
 * next to nothing, so what Xen would take for a turn's frames and calls is added to that, at the prices that the budget has of a slow
 * host (backend/devices/balloon/budget.h): that sum is what other guests wait for, and BAR_MS is the most it may be.
 *
 * Time is the process's own. A machine with other work disturbs a turn now and then: one that was too long is measured again, and counts if
 * it always is. A case that goes on for longer than some seconds is left there, and has a + at its turns.
 * The cases take their figures from the rig: it must not know what they do. Status: 0; 1 a turn is longer; else the cases failed.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "unit/rigs/budget-cases.h"
#include "unit/rigs/metered-bench.h"

#define BAR_MS 10.0
/* of a case that was too long */
#define RUNS 3
/* of a case, in its turns: a guest of 1 TiB could go on for an hour */
#define CASE_NS_MAX UINT64_C(4000000000)

static const struct {
	const char *name;
	uint64_t pages;
} guests[] = {
	{ "1 GiB", UINT64_C(1) << 18 },
	{ "1 TiB", UINT64_C(1) << 28 },
};

static double longest_ms;
static char longest[128];

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Return: whether it came to its end */
static bool run_case(const struct CMUnitTest *test)
{
	void *state = test->initial_state;

	if (setjmp(meter_order.ended)) {
		meter_free();
		return false;
	}
	test->setup_func(&state);
	test->test_func(&state);
	meter_order.cpu_ns_max = 0;
	test->teardown_func(&state);
	return true;
}

static void measure(const struct CMUnitTest *test, const char *guest)
{
	bool ended = true;
	char name[64];
	double ms = 0;

	for (int run = 0; run < RUNS && (!run || ms > BAR_MS); run++) {
		meter_order.cpu_ns_max = CASE_NS_MAX;
		ended = run_case(test);
		ms = (double)meter.most_sum_ns / 1e6;
	}
	snprintf(name, sizeof(name), "%s", test->name);
	for (char *at = name; (at = strchr(at, '_'));)
		*at = ' ';
	printf("    %-48s %-6s %7" PRIu64 "%s %7" PRIu64 " %6" PRIu64 " %8.2f %8.2f %s\n", name, guest, meter.turns,
	       ended ? " " : "+", meter.most_frames, meter.most_calls, (double)meter.most_ns / 1e6, ms, ms > BAR_MS ? "too long" : "");
	fflush(stdout);
	if (ms <= longest_ms)
		return;
	longest_ms = ms;
	snprintf(longest, sizeof(longest), "%s, %s", name, guest);
}

int main(void)
{
	const struct budget_cases *const all[] = { &budget_cases, &budget_cases_due, &budget_cases_unused };

	meter_order.cpu_ns = cpu_ns;
	printf("    %-48s %-6s %7s  %7s %6s %8s %8s\n", "the longest turns, when a guest sends:", "guest", "turns", "frames", "calls",
	       "CPU ms", "with Xen");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t k = 0; k < all[i]->nr; k++) {
			for (size_t g = 0; g < sizeof(guests) / sizeof(guests[0]); g++) {
				meter_order.pages = guests[g].pages;
				measure(&all[i]->test[k], guests[g].name);
			}
		}
	}
	printf("turns: longest=%.2f ms of %.0f ms (%s)\n", longest_ms, BAR_MS, longest);
	return longest_ms > BAR_MS;
}
