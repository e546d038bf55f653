// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room for a guest to come: held until it is taken, whatever balloons do meanwhile, or the time is over.
 */
#include "backend/devices/balloon/sizing/room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t look(struct room *r, uint64_t now_ms, uint64_t free_kib, uint64_t owed_kib)
{
	const struct room_owed owed = {.kib = owed_kib};

	return room_look(r, now_ms, free_kib, &owed);
}

static void what_is_asked_for_is_held_for_a_time(void **state)
{
	struct room r = {0};

	assert_int_equal(look(&r, 0, 1000, 0), 0);
	assert_false(room_is_there(&r));
	room_ask(&r, 2000, 500);
	/* nobody has looked yet */
	assert_false(room_is_there(&r));
	assert_int_equal(look(&r, 100, 1000, 0), 2000);
	assert_false(room_is_there(&r));
	/* a guest gave: that is on both sides */
	assert_int_equal(look(&r, 200, 2000, 1000), 2000);
	assert_true(room_is_there(&r));
	assert_int_equal(look(&r, 499, 2000, 1000), 2000);
	assert_int_equal(look(&r, 500, 2000, 1000), 0);
	assert_false(room_is_there(&r));
}

static void what_is_taken_is_held_no_longer(void **state)
{
	struct room r = {0};

	room_ask(&r, 2000, 500);
	assert_int_equal(look(&r, 0, 3000, 1000), 2000);
	/* a guest takes 500 back: that is no other's */
	assert_int_equal(look(&r, 1, 2500, 500), 2000);
	/* a domain is being created */
	assert_int_equal(look(&r, 2, 2000, 500), 1500);
	assert_true(room_is_there(&r));
	/* and at the same time somebody gives */
	assert_int_equal(look(&r, 3, 1700, 1000), 700);
	assert_int_equal(look(&r, 4, 500, 1000), 0);
	/* one that ended makes nothing to be held again */
	assert_int_equal(look(&r, 5, 5000, 1000), 0);
}

/* A device process that is started again tells nothing for a step: what its guest is owed has not been taken by anybody. */
static void one_that_tells_nothing_for_a_step(void **state)
{
	struct room r = {0};

	room_ask(&r, 2000, 500);
	assert_int_equal(look(&r, 0, 3000, 1500), 2000);
	assert_int_equal(room_look(&r, 1, 3000, &(struct room_owed){.kib = 500, .left_kib = 1000}), 2000);
	/* and while it is away some of it is taken by another */
	assert_int_equal(look(&r, 2, 2800, 500), 1800);
	assert_int_equal(room_look(&r, 3, 2800, &(struct room_owed){.kib = 1500, .came_kib = 1000}), 1800);
	assert_int_equal(look(&r, 4, 2700, 1500), 1700);
	/* a domain that is no more owes nothing, and has left what it had */
	assert_int_equal(room_look(&r, 5, 5000, &(struct room_owed){.kib = 500, .left_kib = 1000}), 1700);
	assert_int_equal(look(&r, 6, 4000, 500), 700);
}

static void asked_again(void **state)
{
	struct room r = {0};

	room_ask(&r, 2000, 500);
	look(&r, 0, 3000, 0);
	/* the same: longer, and it is there all the time */
	room_ask(&r, 2000, 900);
	assert_true(room_is_there(&r));
	assert_int_equal(look(&r, 800, 2500, 0), 1500);
	/* after some was taken, and another size: anew */
	room_ask(&r, 2000, 900);
	assert_false(room_is_there(&r));
	assert_int_equal(look(&r, 810, 2500, 0), 2000);
	room_ask(&r, 0, 900);
	assert_int_equal(look(&r, 820, 2500, 0), 0);
}

static void nonsense_is_bounded(void **state)
{
	static const uint64_t odd[] = {0, 1, INT64_MAX, UINT64_MAX};

	for (unsigned int i = 0; i < 256; i++) {
		struct room r = {0};

		room_ask(&r, odd[i % 4], UINT64_MAX);
		look(&r, 0, odd[i / 4 % 4], odd[i / 16 % 4]);
		assert_true(look(&r, 1, odd[i / 64], odd[i / 4 % 4]) <= odd[i % 4]);
		assert_true(room_look(&r, 2, odd[i / 64], &(struct room_owed){odd[i / 4 % 4], odd[i / 16 % 4], odd[i % 4]}) <=
			    odd[i % 4]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_held_for_a_time),
		cmocka_unit_test(what_is_taken_is_held_no_longer),
		cmocka_unit_test(one_that_tells_nothing_for_a_step),
		cmocka_unit_test(asked_again),
		cmocka_unit_test(nonsense_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
