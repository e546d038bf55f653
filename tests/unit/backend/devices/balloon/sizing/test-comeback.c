// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Coming back from a plight: never asked for more than it can spare, later after each try that
 * failed, and what somebody asked for is no plight.
 */
#include "backend/devices/balloon/sizing/comeback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define WANT 32768u
/* what the guest has with an empty balloon */
#define ALL 65536u

static struct comeback c;
static struct comeback_look look;

static int setup(void **state)
{
	c = (struct comeback){0};
	look = (struct comeback_look){.want = WANT, .now_ms = 1000, .driver_ok = true};
	return 0;
}

/* A moment later the balloon has so many pages. Return: whether a plight has begun */
static bool has(uint64_t ballooned)
{
	look.now_ms += 200;
	look.ballooned = ballooned;
	look.has = ALL - ballooned;
	return comeback_look(&c, &look);
}

/* Until something may change. */
static void wait(void)
{
	unsigned int ms = comeback_wait_ms(&c, look.now_ms);

	assert_true(ms > 0);
	look.now_ms += ms - 200;
	has(look.ballooned);
}

static void says_it_can_spare(uint64_t pages)
{
	uint64_t keep = look.has / 16 > COMEBACK_KEEP_PAGES ? look.has / 16 : COMEBACK_KEEP_PAGES;

	look.stats_ms = look.now_ms;
	look.available = keep + pages;
}

static void get_there(void)
{
	has(0);
	assert_int_equal(c.told, WANT);
	has(WANT / 2);
	has(WANT);
}

static void it_is_asked_for_what_it_has_given(void **state)
{
	get_there();
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 0);
	assert_true(has(WANT - 256));
	assert_int_equal(c.told, WANT - 256);
	/* it goes on: one plight */
	assert_false(has(WANT - 8192));
	assert_int_equal(c.told, WANT - 8192);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), COMEBACK_PAUSE_MS);
}

static void on_the_way_as_well(void **state)
{
	has(0);
	has(4096);
	assert_true(has(4096 - 256));
	assert_int_equal(c.told, 4096 - 256);
}

static void what_it_can_spare_is_asked_for(void **state)
{
	get_there();
	says_it_can_spare(ALL);
	has(WANT - 8192);
	/* that was before */
	wait();
	assert_int_equal(c.told, WANT - 8192);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), COMEBACK_LOOK_MS);
	says_it_can_spare(0);
	wait();
	assert_int_equal(c.told, WANT - 8192);
	says_it_can_spare(1000);
	wait();
	assert_int_equal(c.told, WANT - 8192 + 1000);
	has(c.told);
	says_it_can_spare(ALL);
	wait();
	assert_int_equal(c.told, WANT);
	has(WANT);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 0);
}

static void each_try_that_fails_makes_the_next_one_later(void **state)
{
	unsigned int pause = COMEBACK_PAUSE_MS;

	get_there();
	has(WANT - 8192);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(comeback_wait_ms(&c, look.now_ms), pause);
		says_it_can_spare(ALL);
		look.now_ms += pause - 200;
		look.stats_ms = look.now_ms;
		has(look.ballooned);
		assert_int_equal(c.told, WANT);
		has(WANT - 4096);
		has(WANT - 8192);
		pause = pause * 2 < COMEBACK_PAUSE_MAX_MS ? pause * 2 : COMEBACK_PAUSE_MAX_MS;
	}
	/* a guest that gives nothing */
	comeback_order(&c);
	get_there();
	has(WANT - 8192);
	wait();
	says_it_can_spare(1000);
	wait();
	assert_int_equal(c.told, WANT - 8192 + 1000);
	wait();
	assert_int_equal(c.told, WANT - 8192);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 2 * COMEBACK_PAUSE_MS);
}

static void an_order_is_obeyed_at_once(void **state)
{
	get_there();
	has(WANT - 8192);
	comeback_order(&c);
	has(WANT - 8192);
	assert_int_equal(c.told, WANT);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 0);
}

/* The size changes while the guest is on its way to another: a driver does a batch too many. */
static void what_was_asked_for_is_no_plight(void **state)
{
	get_there();
	look.want = 4096;
	assert_false(has(WANT - 4096));
	assert_int_equal(c.told, 4096);
	look.want = WANT - 6000;
	assert_false(has(WANT - 5000));
	assert_false(has(WANT - 4999));
	assert_false(has(WANT - 7000));
	assert_int_equal(c.told, WANT - 6000);
	assert_false(has(WANT - 6000));
	/* one page moves, as in a compaction */
	assert_false(has(WANT - 6000 + 1));
	assert_false(has(WANT - 6000));
	assert_false(has(WANT - 6000 - 1));
	assert_int_equal(c.told, WANT - 6000);
	/* but the same fall, once it was there */
	assert_true(has(WANT - 7000));
}

static void less_is_asked_for_at_once(void **state)
{
	get_there();
	has(WANT - 8192);
	look.want = 1024;
	has(WANT - 8192);
	assert_int_equal(c.told, 1024);
	/* more, by somebody who does not name it, is not */
	look.want = WANT;
	has(1024);
	assert_int_equal(c.told, WANT);
}

static void the_next_driver_starts_anew(void **state)
{
	get_there();
	has(WANT - 8192);
	look.driver_ok = false;
	has(0);
	assert_int_equal(c.told, WANT);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 0);
}

/* kexec, of a guest that lacked nothing: its next driver is asked for all at once. */
static void a_reset_is_no_plight(void **state)
{
	get_there();
	look.driver_ok = false;
	has(0);
	look.driver_ok = true;
	assert_false(has(100));
	assert_int_equal(c.told, WANT);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 0);
}

static void what_a_predecessor_asked_for_stays_for_a_while(void **state)
{
	comeback_resume(&c, WANT - 8192, look.now_ms);
	has(WANT - 8192);
	assert_int_equal(c.told, WANT - 8192);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), COMEBACK_PAUSE_MS - 200);
	/* it was on its way up, and nothing had happened to it */
	comeback_resume(&c, WANT, look.now_ms);
	has(WANT / 2);
	assert_int_equal(c.told, WANT);
	assert_int_equal(comeback_wait_ms(&c, look.now_ms), 0);
	look.now_ms += COMEBACK_PAUSE_MS;
	has(WANT / 2 + 100);
	assert_int_equal(c.told, WANT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_asked_for_what_it_has_given, setup),
		cmocka_unit_test_setup(on_the_way_as_well, setup),
		cmocka_unit_test_setup(what_it_can_spare_is_asked_for, setup),
		cmocka_unit_test_setup(each_try_that_fails_makes_the_next_one_later, setup),
		cmocka_unit_test_setup(an_order_is_obeyed_at_once, setup),
		cmocka_unit_test_setup(what_was_asked_for_is_no_plight, setup),
		cmocka_unit_test_setup(less_is_asked_for_at_once, setup),
		cmocka_unit_test_setup(the_next_driver_starts_anew, setup),
		cmocka_unit_test_setup(a_reset_is_no_plight, setup),
		cmocka_unit_test_setup(what_a_predecessor_asked_for_stays_for_a_while, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
