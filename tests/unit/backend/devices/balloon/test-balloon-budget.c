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
	size_t nr = budget_cases.nr + budget_cases_unused.nr;
	struct CMUnitTest *all = calloc(nr, sizeof(*all));
	int failed;

	if (!all)
		return 1;
	memcpy(all, budget_cases.test, budget_cases.nr * sizeof(*all));
	memcpy(all + budget_cases.nr, budget_cases_unused.test, budget_cases_unused.nr * sizeof(*all));
	failed = _cmocka_run_group_tests("turns", all, nr, NULL, NULL);
	free(all);
	return failed;
}
