// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that runs out gets what is free in others, when nobody else has anything: no file's memory, not their last, and nobody
 * circles for it.
 */
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Looked at often, with nothing free. */
static struct host begin(void)
{
	struct host h = model_host(0);

	h.step_ms = 250;
	h.cfg.overcommit = true;
	h.cfg.shrink_ms = 60000;
	h.cfg.hold_ms = 30000;
	h.cfg.hold_max_ms = 60000;
	h.cfg.quiet_ms = 2000;
	h.cfg.ahead_ms = 1000;
	h.now_ms = 10000;
	return h;
}

static struct model *add(struct host *h, uint64_t has_mib, uint64_t used_mib)
{
	struct model *m = model_add(h, 1024, used_mib);

	m->g.balloon_kib = (1024 - has_mib) * MIB;
	m->g.target_kib = has_mib * MIB;
	return m;
}

/* All tell what is free: what is available, less @files. */
static void step(struct host *h, uint64_t files_mib)
{
	for (size_t i = 0; i < h->nr; i++) {
		struct model *m = &h->model[i];
		uint64_t has = model_has(&m->g);

		m->g.counters.sequence++;
		m->g.counters.at_ms = h->now_ms;
		m->g.counters.has_kib = has;
		m->g.counters.free_valid = true;
		m->g.counters.free_kib = has > m->used_kib + files_mib * MIB ? has - m->used_kib - files_mib * MIB : 0;
	}
	model_step(h);
}

/* 24 % is less than the band lets anybody give; a 16th is left, and no circles come of it. */
static void who_runs_out_has_the_last_of_others(void **state)
{
	struct host h = begin();
	struct model *idle = add(&h, 400, 304), *needs = add(&h, 600, 450);

	step(&h, 0);
	assert_int_equal(model_has(&idle->g), 400 * MIB);
	needs->used_kib = 590 * MIB;
	for (int i = 0; i < 8; i++)
		step(&h, 0);
	assert_in_range(model_has(&needs->g), 620 * MIB, 676 * MIB);
	/* an eighth of what it had is given, a 16th is left */
	assert_in_range(model_has(&idle->g), (304 + 400 / 16) * MIB - 8 * MIB, 380 * MIB);
	for (int i = 0; i < 400; i++)
		step(&h, 0);
	assert_true(idle->turns + needs->turns <= 2);
	assert_true(model_percent(needs) >= 3);
}

/* One has a fifth available, the other a 23rd, and uses no more: it is under pressure, but does not run out. */
static void who_only_wants_more_gets_none_of_it(void **state)
{
	struct host h = begin();
	struct model *other = add(&h, 400, 320), *wants = add(&h, 600, 574);

	for (int i = 0; i < 20; i++)
		step(&h, 0);
	assert_int_equal(other->moved_kib, 0);
	assert_int_equal(h.order[1].verdict, POLICY_GROW);
	assert_int_equal(model_has(&wants->g), 600 * MIB);
}

/* One under pressure that has all it may have wants more in vain: what is free in it helps who runs out. */
static void who_has_all_it_may_have_gives_as_well(void **state)
{
	struct host h = begin();
	struct model *full = add(&h, 1024, 860), *needs = add(&h, 600, 500);

	step(&h, 0);
	needs->used_kib = 595 * MIB;
	for (int i = 0; i < 4; i++)
		step(&h, 0);
	assert_true(model_has(&needs->g) > 620 * MIB);
	assert_true(model_has(&full->g) >= (860 + 1024 / 16 - 8) * MIB);
}

/* What files have stays; and of one that does not tell what is free, nothing is taken. */
static void files_are_left(void **state)
{
	struct host h = begin();
	struct model *reads = add(&h, 400, 304), *needs = add(&h, 600, 450);

	step(&h, 90);
	needs->used_kib = 590 * MIB;
	for (int i = 0; i < 8; i++)
		step(&h, 90);
	assert_int_equal(model_has(&reads->g), 400 * MIB);
	for (int i = 0; i < 8; i++)
		model_step(&h);
	reads->g.counters.free_kib = 90 * MIB;
	reads->g.counters.free_valid = false;
	for (int i = 0; i < 8; i++)
		model_step(&h);
	assert_int_equal(model_has(&reads->g), 400 * MIB);
}

/* Nor below a floor, or half of static-max of one whose driver has just come. */
static void a_floor_is_a_floor(void **state)
{
	for (int young = 0; young < 2; young++) {
		struct host h = begin();
		struct model *idle = add(&h, 540, 420), *needs = add(&h, 600, 450);

		idle->g.floor_kib = young ? 0 : 520 * MIB;
		h.cfg.young_ms = young ? 60000 : 0;
		step(&h, 0);
		needs->used_kib = 595 * MIB;
		for (int i = 0; i < 8; i++)
			step(&h, 0);
		assert_int_equal(model_has(&idle->g), (young ? 512 : 520) * MIB);
	}
}

/* Who is created would want more, of those who have nothing left. */
static void room_is_not_had_of_it(void **state)
{
	struct host h = begin();
	struct model *a = add(&h, 400, 304), *b = add(&h, 400, 304);

	step(&h, 0);
	h.cfg.hold_kib = 60 * MIB;
	for (int i = 0; i < 8; i++)
		step(&h, 0);
	assert_int_equal(model_has(&a->g), 400 * MIB);
	assert_int_equal(model_has(&b->g), 400 * MIB);
}

/* Who will use soon what it has is worse off than who has less and stays: what others gave is not theirs again before that. */
static void the_worst_is_who_will_have_the_least(void **state)
{
	struct host h = begin();
	struct model *little = add(&h, 600, 552), *grows = add(&h, 600, 440);

	for (int i = 0; i < 2; i++) {
		grows->used_kib += 30 * MIB;
		step(&h, 0);
	}
	h.free_kib = 40 * MIB;
	grows->used_kib += 30 * MIB;
	step(&h, 0);
	assert_true(model_percent(grows) > model_percent(little));
	assert_true(model_has(&little->g) <= 600 * MIB);
	assert_int_equal(model_has(&grows->g), 640 * MIB);
}

/* What is kept for pressure that was felt is given in small steps, and not while it is felt. */
static void what_is_kept_is_given_slowly(void **state)
{
	struct host h = begin();
	struct model *felt = add(&h, 800, 600), *needs = add(&h, 600, 450);

	felt->g.counters.valid = UINT32_C(1) << PRESSURE_SWAP_IN;
	step(&h, 0);
	felt->g.counters.value[PRESSURE_SWAP_IN] += 64 * MIB;
	step(&h, 0);
	needs->used_kib = 595 * MIB;
	for (int i = 0; i < 7; i++) {
		step(&h, 0);
		assert_true(felt->g.target_kib >= 800 * MIB);
	}
	for (int i = 0; i < 8; i++) {
		uint64_t had = model_has(&felt->g);

		step(&h, 0);
		assert_true(felt->g.target_kib + 64 * MIB >= had);
	}
	assert_true(model_has(&felt->g) < 800 * MIB);
}

/* Figures of a guest that lies move no more than what others do not use, and nothing overflows. */
static void nonsense_is_bounded(void **state)
{
	struct host h = begin();
	struct model *idle = add(&h, 400, 304), *lies = add(&h, 600, 450);

	step(&h, 0);
	for (int i = 0; i < 20; i++) {
		lies->g.counters.free_kib = i & 1 ? UINT64_MAX : 0;
		lies->g.counters.has_kib = i & 2 ? UINT64_MAX : 0;
		lies->g.counters.valid = UINT32_MAX;
		lies->g.counters.value[PRESSURE_SWAP_IN] += UINT64_MAX / 64;
		lies->g.counters.sequence++;
		model_step(&h);
	}
	assert_true(model_has(&idle->g) >= (304 + 400 / 16 - 4) * MIB);
}

/* It has much to give, says so, and gives nothing, or a page now and then: whoever counts on that has another one killed. */
static void who_does_not_move_is_not_waited_for(void **state)
{
	for (uint64_t rate_kib = 0; rate_kib <= 4; rate_kib += 4) {
		struct host h = begin();
		struct model *liar = add(&h, 1024, 200), *idle = add(&h, 500, 300), *needs = add(&h, 600, 480);

		h.cfg.stuck_ms = 20000;
		liar->rate_kib = rate_kib;
		step(&h, 0);
		needs->used_kib = 590 * MIB;
		for (int i = 0; i < 8; i++)
			step(&h, 0);
		assert_true(h.order[0].target_kib < 1024 * MIB - 100 * MIB);
		/* all that the idle one gives by the band is given */
		needs->used_kib = model_has(&needs->g) - 5 * MIB;
		for (int i = 0; i < 12; i++)
			step(&h, 0);
		assert_true(model_has(&needs->g) >= needs->used_kib + 20 * MIB);
		assert_true(model_has(&idle->g) >= (300 + 16) * MIB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_runs_out_has_the_last_of_others),
		cmocka_unit_test(who_only_wants_more_gets_none_of_it),
		cmocka_unit_test(who_has_all_it_may_have_gives_as_well),
		cmocka_unit_test(files_are_left),
		cmocka_unit_test(a_floor_is_a_floor),
		cmocka_unit_test(room_is_not_had_of_it),
		cmocka_unit_test(the_worst_is_who_will_have_the_least),
		cmocka_unit_test(what_is_kept_is_given_slowly),
		cmocka_unit_test(nonsense_is_bounded),
		cmocka_unit_test(who_does_not_move_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
