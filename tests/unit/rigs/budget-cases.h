/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest may send to keep the host busy, a case each: test-balloon-budget.c sees that no call is more than a turn, and the bench
 * (tests/bench/turns.c) how long the longest one takes. On a metered bench, for a guest of any size that it has.
 */
#ifndef BUDGET_CASES_H
#define BUDGET_CASES_H

#include <stddef.h>

struct CMUnitTest;

struct budget_cases {
	const struct CMUnitTest *test; /* its functions in order: set up, run, tear down */
	size_t nr;
};

/** pages of the page queues; budget_cases_due: those that are put off; budget_cases_unused: answers to the question for unused pages */
extern const struct budget_cases budget_cases, budget_cases_due, budget_cases_unused;

#endif /* BUDGET_CASES_H */
