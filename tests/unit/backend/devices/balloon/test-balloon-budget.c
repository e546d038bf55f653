// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever a guest sends, no call takes more than a turn: frames moved or asked for, hypercalls and mappings are counted in each
 * call of the server and in each turn after it. The cases are the bench's as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/budget-cases.h"

int main(void)
{
	const struct budget_cases *const each[] = { &budget_cases, &budget_cases_due, &budget_cases_unused };
	struct CMUnitTest *all;
	size_t nr = 0;
	int failed;

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		nr += each[i]->nr;
	all = calloc(nr, sizeof(*all));
	if (!all)
		return 1;
	for (size_t i = sizeof(each) / sizeof(each[0]), at = nr; i--;) {
		at -= each[i]->nr;
		memcpy(all + at, each[i]->test, each[i]->nr * sizeof(*all));
	}
	failed = _cmocka_run_group_tests("turns", all, nr, NULL, NULL);
	free(all);
	return failed;
}
