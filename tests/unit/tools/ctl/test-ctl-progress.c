// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Progress: a share that never lies about the end, a rate of the last moments, a remaining time
 * only where there is one, whatever the guest does.
 */
#include "tools/ctl/ctl-progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB 1024u

static void a_steady_way_is_told_right(void **state)
{
	char text[PROGRESS_TEXT_MAX];
	struct progress p;
	uint64_t left;

	/* 256 MiB, 64 MiB a second, looked at each 250 ms */
	progress_begin(&p, 1000, 0, 256 * MIB);
	assert_int_equal(progress_percent(&p), 0);
	assert_int_equal(progress_rate_kib_s(&p, 1000), 0);
	assert_false(progress_left_s(&p, 1000, &left));
	for (unsigned int i = 1; i <= 8; i++)
		progress_update(&p, 1000 + i * 250, i * 16 * MIB);
	assert_int_equal(progress_percent(&p), 50);
	assert_int_equal(progress_rate_kib_s(&p, 3000), 64 * MIB);
	assert_true(progress_left_s(&p, 3000, &left));
	assert_int_equal(left, 2);
	assert_string_equal(progress_text(&p, 3000, 10, text),
			    "[#####-----]  50%  128 of 256 MiB  64.0 MiB/s  0:02 left");
	assert_string_equal(progress_text(&p, 3000, 0, text),
			    " 50%  128 of 256 MiB  64.0 MiB/s  0:02 left");
	progress_update(&p, 5000, 256 * MIB);
	assert_true(progress_reached(&p));
	assert_string_equal(progress_text(&p, 5000, 4, text), "[####] 100%  256 of 256 MiB");
}

/* Deflating is the same way backwards. */
static void both_directions_count(void **state)
{
	struct progress p;

	progress_begin(&p, 0, 512 * MIB, 256 * MIB);
	progress_update(&p, 1000, 448 * MIB);
	assert_int_equal(progress_percent(&p), 25);
	assert_int_equal(progress_rate_kib_s(&p, 1000), 64 * MIB);
	assert_int_equal(progress_still_ms(&p, 1500), 500);
}

static void nearly_is_not_reached(void **state)
{
	struct progress p;

	progress_begin(&p, 0, 0, 1000000);
	progress_update(&p, 10, 999999);
	assert_int_equal(progress_percent(&p), 99);
	assert_false(progress_reached(&p));
}

/* A guest that takes back: nothing is done, nothing is left to tell, and it has not moved. */
static void the_wrong_way_is_no_progress(void **state)
{
	char text[PROGRESS_TEXT_MAX];
	struct progress p;
	uint64_t left;

	progress_begin(&p, 0, 64 * MIB, 128 * MIB);
	progress_update(&p, 1000, 32 * MIB);
	assert_int_equal(progress_percent(&p), 0);
	assert_int_equal(progress_rate_kib_s(&p, 1000), 0);
	assert_false(progress_left_s(&p, 1000, &left));
	assert_int_equal(progress_still_ms(&p, 1000), 1000);
	assert_string_equal(progress_text(&p, 1000, 0, text), "  0%  0 of 64 MiB  0.0 MiB/s");
	/* beyond the end is not there either */
	progress_update(&p, 2000, 160 * MIB);
	assert_false(progress_reached(&p));
	assert_int_equal(progress_percent(&p), 50);
}

/* What was fast a minute ago does not count. */
static void a_standstill_shows_in_the_rate(void **state)
{
	struct progress p;

	progress_begin(&p, 0, 0, 256 * MIB);
	for (unsigned int i = 1; i <= 4; i++)
		progress_update(&p, i * 250, i * 32 * MIB);
	assert_true(progress_rate_kib_s(&p, 1000) > 0);
	for (unsigned int i = 1; i <= 60; i++)
		progress_update(&p, 1000 + i * 250, 128 * MIB);
	assert_int_equal(progress_rate_kib_s(&p, 16000), 0);
	assert_int_equal(progress_still_ms(&p, 16000), 15000);
	assert_int_equal(progress_percent(&p), 50);
}

static void a_way_of_no_length(void **state)
{
	struct progress p;

	progress_begin(&p, 0, 100, 100);
	assert_true(progress_reached(&p));
	assert_int_equal(progress_percent(&p), 100);
	progress_update(&p, 0, 96);
	assert_int_equal(progress_percent(&p), 0);
	assert_int_equal(progress_rate_kib_s(&p, 0), 0);
}

static void sizes_that_cannot_be_do_no_harm(void **state)
{
	char text[PROGRESS_TEXT_MAX];
	struct progress p;
	uint64_t left;

	progress_begin(&p, 0, 0, UINT64_MAX);
	progress_update(&p, 1, UINT64_MAX - 1);
	assert_true(progress_percent(&p) <= 99 && progress_percent(&p) >= 98);
	assert_true(progress_rate_kib_s(&p, 1) > UINT64_MAX / 2);
	assert_true(progress_left_s(&p, 1, &left));
	assert_true(strlen(progress_text(&p, 1, 60, text)) < PROGRESS_TEXT_MAX);
	assert_true(strlen(progress_text(&p, 1, UINT32_MAX, text)) < PROGRESS_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_steady_way_is_told_right),
		cmocka_unit_test(both_directions_count),
		cmocka_unit_test(nearly_is_not_reached),
		cmocka_unit_test(the_wrong_way_is_no_progress),
		cmocka_unit_test(a_standstill_shows_in_the_rate),
		cmocka_unit_test(a_way_of_no_length),
		cmocka_unit_test(sizes_that_cannot_be_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
