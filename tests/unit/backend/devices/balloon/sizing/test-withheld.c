// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What others keep from a guest is found to the page where memory/target says it, is nothing
 * where it is no more than what Xen and QEMU have of the domain, and never makes a balloon larger.
 */
#include "backend/devices/balloon/sizing/withheld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* 384 MiB, of which the domain was given 192 */
#define MAX 98304u
#define HALF 49152u

static void what_is_held(void **state)
{
	static const struct {
		struct withheld_count count;
		uint64_t held;
	} cases[] = {
		{{.static_max = MAX, .tot = MAX}, 0},
		/* the balloon is ours */
		{{.static_max = MAX, .tot = HALF, .ballooned = HALF}, 0},
		/* pages of QEMU's, and a domain with less than it was promised */
		{{.static_max = MAX, .tot = MAX + 5000}, 0},
		{{.static_max = MAX, .tot = MAX - WITHHELD_SLACK_PAGES}, 0},
		{{.static_max = MAX, .tot = MAX - WITHHELD_SLACK_PAGES - 1}, WITHHELD_SLACK_PAGES + 1},
		/* nothing was touched yet, half of it is there */
		{{.static_max = MAX, .tot = HALF, .pod = MAX, .pod_cache = HALF}, 0},
		/* half was touched, and a quarter is in our balloon, touched or not */
		{{.static_max = MAX, .tot = HALF, .pod = HALF / 2, .ballooned = HALF / 2}, 0},
		{{.static_max = MAX, .tot = HALF, .pod = HALF, .pod_cache = HALF / 2,
		  .ballooned = HALF / 2}, 0},
		/* its Xen balloon driver has given half */
		{{.static_max = MAX, .tot = HALF - 260, .by_key = HALF}, HALF},
		{{.static_max = MAX, .tot = HALF + 260, .by_key = HALF}, HALF},
		{{.static_max = MAX, .tot = HALF - 260}, HALF + 260},
		/* and of the rest we have some */
		{{.static_max = MAX, .tot = HALF - 8192 - 260, .ballooned = 8192, .by_key = HALF},
		 HALF},
		/* it is on its way */
		{{.static_max = MAX, .tot = HALF + 8192, .by_key = HALF}, HALF - 8192},
		/* what cannot be */
		{{.static_max = MAX, .tot = UINT64_MAX, .pod = UINT64_MAX}, 0},
		{{.static_max = MAX, .tot = 0, .pod_cache = 5, .by_key = UINT64_MAX}, MAX},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(withheld_pages(&cases[i].count), cases[i].held);
}

static void what_the_balloon_shall_have(void **state)
{
	assert_int_equal(withheld_balloon(MAX, 0, HALF), HALF);
	assert_int_equal(withheld_balloon(MAX, HALF, HALF), 0);
	assert_int_equal(withheld_balloon(MAX, HALF, HALF - 1), 1);
	assert_int_equal(withheld_balloon(MAX, HALF, MAX), 0);
	assert_int_equal(withheld_balloon(MAX, MAX + 1, 0), 0);
	assert_int_equal(withheld_balloon(UINT64_MAX, 0, 0), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held),
		cmocka_unit_test(what_the_balloon_shall_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
