/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run of minutes: it says how far it is, and ends when the guest does not go on, which means that
 * an event was lost.
 */
#ifndef TEST_LONG_RUN_H
#define TEST_LONG_RUN_H

#include "tap.h"
#include "xen.h"

#define PROGRESS_MS 10000
#define STALL_MS 60000

struct long_run {
	int64_t shown_ms;
	int64_t reported_ms; /* the last time that a vcpu did */
};

static inline struct long_run long_run_begin(void)
{
	return (struct long_run){.shown_ms = now_ms(), .reported_ms = now_ms()};
}

static inline void long_run_check(struct long_run *run, const struct server *s, uint64_t kicks,
				  uint64_t changes)
{
	if (now_ms() - run->shown_ms > PROGRESS_MS) {
		printf("# so far %llu kicks, %llu changes\n", (unsigned long long)kicks,
		       (unsigned long long)changes);
		fflush(stdout);
		run->shown_ms = now_ms();
	}
	if (now_ms() - run->reported_ms > (int64_t)STALL_MS * patience()) {
		for (uint32_t v = 0; v < s->nr_vcpus; v++)
			guest_explain(s, v);
		must(!"the guest goes on");
	}
}

#endif /* TEST_LONG_RUN_H */
