// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy: what it must never do, over every step of simulated hosts, and what it must arrive at.
 */
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void an_idle_guest_shrinks_into_the_band(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 400);

	assert_true(model_settle(&h, 40) <= 16);
	assert_in_range(model_percent(m), 20, 40);
	assert_int_equal(m->turns, 0);
	/* and no further than its step in one */
	assert_int_equal(m->g.target_kib % MIB, 0);
}

static void steps_are_limited(void **state)
{
	struct host h = model_host(4096);
	struct model *m = model_add(&h, 1024, 100);
	uint64_t before = model_has(&m->g);

	for (int i = 0; i < 30; i++) {
		model_step(&h);
		assert_true(before - model_has(&m->g) <= 64 * MIB);
		before = model_has(&m->g);
	}
	m->used_kib = 1000 * MIB;
	m->g.balloon_kib = 700 * MIB;
	m->g.target_kib = 324 * MIB;
	model_step(&h);
	assert_true(m->g.target_kib > 324 * MIB);
	assert_true(h.order[0].target_kib <= h.order[0].has_kib + 256 * MIB);
}

static void the_floor_is_the_floor(void **state)
{
	static const struct {
		uint64_t own_mib, cfg_mib, least_mib;
	} cases[] = {{0, 0, 256}, {0, 100, 100}, {500, 100, 500}, {2000, 0, 1024}, {1024, 0, 1024}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host h = model_host(0);
		struct model *m = model_add(&h, 1024, 1);

		m->g.floor_kib = cases[i].own_mib * MIB;
		h.cfg.floor_kib = cases[i].cfg_mib * MIB;
		model_settle(&h, 60);
		assert_int_equal(model_has(&m->g), cases[i].least_mib * MIB);
	}
}

/* However much it lacks, and others are not asked for what it may not have. */
static void the_most_is_the_most(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 1), *other = model_add(&h, 1024, 700);
	uint64_t others;

	m->g.most_kib = 500 * MIB;
	model_settle(&h, 60);
	others = model_has(&other->g);
	m->used_kib = 450 * MIB;
	model_settle(&h, 60);
	assert_int_equal(model_has(&m->g), 500 * MIB);
	assert_int_equal(model_has(&other->g), others);
	/* nor is a floor above it */
	m->g.floor_kib = 800 * MIB;
	model_settle(&h, 60);
	assert_int_equal(model_has(&m->g), 500 * MIB);
	/* more than it can have says nothing */
	m->g.most_kib = 4096 * MIB;
	model_settle(&h, 60);
	assert_in_range(model_has(&m->g), 800 * MIB, 1024 * MIB);
}

/* A floor that was raised is a reason to grow. */
static void below_the_floor_a_guest_grows(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 1);

	model_settle(&h, 60);
	m->g.floor_kib = 700 * MIB;
	model_settle(&h, 60);
	assert_int_equal(model_has(&m->g), 700 * MIB);
}

static void in_the_band_nothing_happens(void **state)
{
	/* 21 % to 39 % available, of what it has */
	for (uint64_t used = 614; used <= 808; used++) {
		struct host h = model_host(4096);

		model_add(&h, 1024, used);
		assert_false(model_step(&h));
	}
}

/* A load that is constant but for noise inside the band: arrived once, it stays. */
static void noise_moves_nothing(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 4096, 1000);
	uint64_t moved;

	model_settle(&h, 60);
	moved = m->moved_kib;
	for (unsigned int i = 0; i < 500; i++) {
		m->used_kib = (1000 + i * 37 % 100 - 50) * MIB;
		model_step(&h);
	}
	assert_int_equal(m->moved_kib, moved);
	assert_int_equal(m->turns, 0);
}

static void a_load_that_comes_and_goes_is_followed(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 4096, 900);

	for (unsigned int round = 0; round < 4; round++) {
		m->used_kib = 900 * MIB;
		model_settle(&h, 60);
		assert_in_range(model_percent(m), 20, 40);
		m->used_kib = 2500 * MIB;
		model_settle(&h, 60);
		assert_in_range(model_percent(m), 20, 40);
	}
	assert_true(m->turns <= 8);
}

/* Every use of every size with every band: it settles, and where it can be, it is in the band. */
static void it_converges_from_anywhere(void **state)
{
	static const unsigned int bands[][2] = {{20, 40}, {5, 10}, {10, 90}, {50, 60}, {85, 90}};

	for (size_t band = 0; band < sizeof(bands) / sizeof(bands[0]); band++) {
		for (uint64_t start = 64; start <= 1024; start += 64) {
			for (uint64_t used = 0; used <= 1024; used += 32) {
				struct host h = model_host(2048);
				struct model *m = model_add(&h, 1024, used);

				h.cfg.low_percent = bands[band][0];
				h.cfg.high_percent = bands[band][1];
				m->g.balloon_kib = (1024 - start) * MIB;
				m->g.target_kib = start * MIB;
				model_settle(&h, 60);
				model_use(&h, m);
				assert_true(model_percent(m) >= bands[band][0] - 1 ||
					    model_has(&m->g) == m->g.static_max_kib);
				/* a last step smaller than a 128th is not made */
				assert_true(model_percent(m) <= bands[band][1] + 1 ||
					    model_has(&m->g) <= 256 * MIB + 8 * MIB);
				assert_true(m->turns <= 1);
			}
		}
	}
}

static void the_worst_pressure_is_first(void **state)
{
	struct host h = model_host(100);
	struct model *m[3];

	for (size_t i = 0; i < 3; i++) {
		m[i] = model_add(&h, 1024, 450 + 10 * i);
		m[i]->g.balloon_kib = 524 * MIB;
		m[i]->g.target_kib = 500 * MIB;
	}
	model_step(&h);
	assert_int_equal(m[2]->g.target_kib, 600 * MIB);
	assert_int_equal(m[1]->g.target_kib, 500 * MIB);
	assert_int_equal(m[0]->g.target_kib, 500 * MIB);
	/* nobody is under less pressure than he can bear: what the host has not is not had */
	for (int i = 0; i < 20; i++)
		model_step(&h);
	assert_int_equal(h.free_kib, 0);
}

/* On a full host one guest's load moves memory to it from the other, and back when the roles swap.
 */
static void two_guests_trade(void **state)
{
	struct host h = model_host(0);
	struct model *a = model_add(&h, 1024, 700), *b = model_add(&h, 1024, 100);

	h.cfg.overcommit = true;
	model_settle(&h, 60);
	h.free_kib = 16 * MIB;
	for (unsigned int round = 0; round < 3; round++) {
		a->used_kib = 100 * MIB;
		b->used_kib = 700 * MIB;
		model_settle(&h, 60);
		assert_true(model_has(&b->g) >= 850 * MIB);
		assert_true(model_has(&a->g) <= 300 * MIB);
		assert_int_equal(b->g.stall_kib, 0);
		a->used_kib = 700 * MIB;
		b->used_kib = 100 * MIB;
		model_settle(&h, 60);
		assert_true(model_has(&a->g) >= 850 * MIB);
		assert_true(model_has(&b->g) <= 300 * MIB);
	}
}

/* One under pressure on a full host is given by one in the band, which then is not under pressure.
 */
static void who_gives_does_not_need_it_back(void **state)
{
	struct host h = model_host(0);
	struct model *a = model_add(&h, 1024, 700), *b = model_add(&h, 1024, 690);

	h.cfg.overcommit = true;
	a->g.balloon_kib = 224 * MIB;
	a->g.target_kib = 800 * MIB;
	model_settle(&h, 60);
	assert_true(model_has(&a->g) > 800 * MIB);
	assert_true(model_has(&b->g) < 1024 * MIB);
	assert_true(model_percent(b) >= 24);
	assert_int_equal(b->turns, 0);
	assert_int_equal(a->turns, 0);
}

static void a_guest_that_waits_is_helped(void **state)
{
	struct host h = model_host(0);
	struct model *a = model_add(&h, 1024, 500), *b = model_add(&h, 1024, 300);

	h.cfg.overcommit = true;
	a->g.balloon_kib = 624 * MIB;
	a->g.target_kib = 400 * MIB;
	model_step(&h);
	/* 100 MiB are missing, and nobody can have given them before it was asked */
	assert_int_equal(h.order[0].verdict, POLICY_GROW);
	assert_int_equal(h.order[1].verdict, POLICY_GIVE);
	model_settle(&h, 60);
	assert_int_equal(a->g.stall_kib, 0);
	assert_true(model_percent(a) >= 19);
	assert_true(model_has(&b->g) < 1024 * MIB);
}

/* Without overcommit nobody is asked once somebody else has what was given. */
static void the_reserve_is_kept(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 400);
	uint64_t before;

	model_add(&h, 1024, 500);
	model_settle(&h, 60);
	h.free_kib -= 4;
	before = model_has(&m->g);
	m->used_kib = 100 * MIB;
	for (int i = 0; i < 20; i++)
		model_step(&h);
	assert_int_equal(model_has(&m->g), before);
	h.free_kib += 4;
	model_settle(&h, 60);
	assert_true(model_has(&m->g) < before);
}

/* A guest that names frames it never had stops nobody: the host does not have to give those. */
static void what_is_not_owed_stops_nobody(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 400), *liar = model_add(&h, 1024, 500);
	uint64_t before;

	model_settle(&h, 60);
	h.free_kib -= 4;
	liar->g.unowed_kib = 4;
	before = model_has(&m->g);
	m->used_kib = 100 * MIB;
	model_settle(&h, 60);
	assert_true(model_has(&m->g) < before);
}

/* Room for a guest to come: those in need get none of it, and others give what is missing of it. */
static void room_is_made_and_kept(void **state)
{
	struct host h = model_host(100);
	struct model *a = model_add(&h, 1024, 700), *b = model_add(&h, 1024, 300);

	h.cfg.overcommit = true;
	h.cfg.hold_kib = 450 * MIB;
	a->g.balloon_kib = 300 * MIB;
	a->g.target_kib = 724 * MIB;
	for (unsigned int i = 0; i < 20; i++)
		model_step(&h);
	assert_in_range(h.free_kib, 450 * MIB, 560 * MIB);
	assert_true(model_percent(b) >= 24);
	/* and when it was taken, and nobody else holds any */
	h.free_kib -= 450 * MIB;
	h.cfg.hold_kib = 0;
	model_settle(&h, 60);
	assert_true(model_percent(a) >= 19);
}

/* No guest can give so much: what can be had is had, and nobody is taken further than for one in need. */
static void more_room_than_there_is(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 500);

	h.cfg.overcommit = true;
	h.cfg.hold_kib = UINT64_MAX;
	for (unsigned int i = 0; i < 20; i++)
		model_step(&h);
	assert_in_range(model_percent(m), 24, 27);
}

static void a_pinned_guest_is_left_alone(void **state)
{
	struct host h = model_host(0);
	struct model *a = model_add(&h, 1024, 10), *b = model_add(&h, 1024, 1000);

	h.cfg.overcommit = true;
	a->g.pinned = true;
	b->g.balloon_kib = 100 * MIB;
	b->g.target_kib = 924 * MIB;
	for (int i = 0; i < 20; i++) {
		model_step(&h);
		assert_int_equal(h.order[0].verdict, POLICY_PINNED);
	}
	assert_int_equal(a->g.target_kib, 1024 * MIB);
	a->g.pinned = false;
	model_settle(&h, 60);
	assert_true(a->g.target_kib < 1024 * MIB);
	assert_int_equal(b->g.stall_kib, 0);
}

static void the_blind_are_asked_for_nothing(void **state)
{
	for (int why = 0; why < 3; why++) {
		struct host h = model_host(0);
		struct model *m = model_add(&h, 1024, 10);

		m->rate_kib = 10 * MIB;
		model_step(&h);
		model_step(&h);
		m->g.has_stats = why != 0;
		m->g.driver_ok = why != 1;
		m->g.stats_age_ms = why == 2 ? model_usual.stale_ms + 1 : 0;
		for (int i = 0; i < 20; i++) {
			model_step(&h);
			assert_int_equal(h.order[0].verdict, POLICY_BLIND);
		}
		/* the rest of what it had been asked for is let go */
		if (why != 1)
			assert_true(m->g.target_kib >= (1024 - 30) * MIB);
	}
}

/* Told so often and not obeyed: what it has becomes its target, and others are not made to wait. */
static void a_guest_that_gives_nothing_is_left_alone(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 10);
	unsigned int asked = 0, stuck = 0;

	m->rate_kib = 0;
	for (unsigned int i = 0; i < 144; i++) {
		uint64_t before = m->g.target_kib;

		model_step(&h);
		asked += m->g.target_kib < before;
		stuck += h.order[0].verdict == POLICY_STUCK;
	}
	/* twelve minutes: a minute of patience, five of rest, twice */
	assert_int_equal(asked, 2);
	assert_in_range(stuck, 100, 130);
	/* and it may come round */
	m->rate_kib = UINT64_MAX;
	for (unsigned int i = 0; i < 120; i++)
		model_step(&h);
	assert_int_equal(model_has(&m->g), 256 * MIB);
}

static void slow_is_not_stuck(void **state)
{
	struct host h = model_host(0);
	struct model *m = model_add(&h, 1024, 100);

	m->rate_kib = MIB;
	for (unsigned int i = 0; i < 1000; i++) {
		model_step(&h);
		assert_true(h.order[0].verdict != POLICY_STUCK);
	}
	assert_int_equal(model_has(&m->g), 256 * MIB);
}

/* What is promised to one that does not take it is not kept from others for ever. */
static void a_guest_that_takes_nothing_does_not_block(void **state)
{
	struct host h = model_host(300);
	struct model *a = model_add(&h, 1024, 490), *b = model_add(&h, 1024, 480);

	h.cfg.overcommit = true;
	for (size_t i = 0; i < 2; i++) {
		h.model[i].g.balloon_kib = 524 * MIB;
		h.model[i].g.target_kib = 500 * MIB;
	}
	a->rate_kib = 0;
	for (int i = 0; i < 30; i++)
		model_step(&h);
	assert_int_equal(model_has(&a->g), 500 * MIB);
	assert_true(model_percent(b) >= 20);
}

static uint64_t random_u64(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	/* all magnitudes alike, and the ends often */
	return *seed % 5 == 0 ? (*seed & 8 ? UINT64_MAX : 0) : *seed >> (*seed >> 8) % 64;
}

/* Whatever is said: the orders are within the guest's own bounds, and the sum within the host's. */
static void nonsense_harms_nobody_else(void **state)
{
	uint64_t seed = 88172645463325252u;

	for (unsigned int round = 0; round < 20000; round++) {
		struct policy_guest g[GUESTS_MAX] = {0};
		struct policy_memory m[GUESTS_MAX] = {0};
		struct policy_order o[GUESTS_MAX];
		uint64_t free_kib = random_u64(&seed) % (1u << 24), more = 0;

		for (size_t i = 0; i < GUESTS_MAX; i++) {
			g[i].static_max_kib = random_u64(&seed) % (UINT64_C(1) << 40);
			g[i].floor_kib = random_u64(&seed);
			g[i].target_kib = random_u64(&seed) % (g[i].static_max_kib + 1);
			g[i].balloon_kib = random_u64(&seed) % (g[i].static_max_kib + 1);
			g[i].available_kib = random_u64(&seed);
			g[i].stats_age_ms = random_u64(&seed);
			g[i].has_stats = random_u64(&seed) % 8;
			g[i].driver_ok = random_u64(&seed) % 8;
			g[i].pinned = random_u64(&seed) % 8 == 0;
		}
		policy_step(&model_usual, free_kib, 1 + random_u64(&seed) / 2, g, m, o, GUESTS_MAX);
		for (size_t i = 0; i < GUESTS_MAX; i++) {
			uint64_t now = model_has(&g[i]);
			uint64_t base = g[i].target_kib > now ? g[i].target_kib : now;

			assert_true(o[i].target_kib <= g[i].static_max_kib);
			assert_non_null(policy_verdict_name(o[i].verdict));
			if (o[i].target_kib > base)
				more += o[i].target_kib - base;
		}
		assert_true(more <= free_kib);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_guest_shrinks_into_the_band),
		cmocka_unit_test(steps_are_limited),
		cmocka_unit_test(the_floor_is_the_floor),
		cmocka_unit_test(the_most_is_the_most),
		cmocka_unit_test(below_the_floor_a_guest_grows),
		cmocka_unit_test(in_the_band_nothing_happens),
		cmocka_unit_test(noise_moves_nothing),
		cmocka_unit_test(a_load_that_comes_and_goes_is_followed),
		cmocka_unit_test(it_converges_from_anywhere),
		cmocka_unit_test(the_worst_pressure_is_first),
		cmocka_unit_test(two_guests_trade),
		cmocka_unit_test(who_gives_does_not_need_it_back),
		cmocka_unit_test(a_guest_that_waits_is_helped),
		cmocka_unit_test(the_reserve_is_kept),
		cmocka_unit_test(what_is_not_owed_stops_nobody),
		cmocka_unit_test(room_is_made_and_kept),
		cmocka_unit_test(more_room_than_there_is),
		cmocka_unit_test(a_pinned_guest_is_left_alone),
		cmocka_unit_test(the_blind_are_asked_for_nothing),
		cmocka_unit_test(a_guest_that_gives_nothing_is_left_alone),
		cmocka_unit_test(slow_is_not_stuck),
		cmocka_unit_test(a_guest_that_takes_nothing_does_not_block),
		cmocka_unit_test(nonsense_harms_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
