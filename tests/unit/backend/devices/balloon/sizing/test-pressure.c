// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pressure that counters show: each of them alone, at a rate that means something, whatever the guest
 * calls available; from which the guest grows, and is not taken back there at once.
 */
#include "backend/devices/balloon/sizing/auto.h"
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define STEP 250u
#define BIT(c) (UINT32_C(1) << (c))

/* --- two sets --- */

/* A guest of 1 GiB with everything told and much free. */
static struct pressure_set quiet_set(void)
{
	struct pressure_set set = {
		.sequence = 5,
		.at_ms = 10000,
		.valid = BIT(PRESSURE_COUNTERS) - 1,
		.has_kib = 1024 * MIB,
		.free_kib = 500 * MIB,
		.free_valid = true,
	};

	for (unsigned int c = 0; c < PRESSURE_COUNTERS; c++)
		set.value[c] = 1000;
	return set;
}

/* The counter has grown by @by within a step. */
static struct pressure look(const struct pressure_set *before, enum pressure_counter c, uint64_t by)
{
	struct pressure_set last = *before, now = *before;

	now.sequence++;
	now.at_ms += STEP;
	now.value[c] += by;
	return pressure_look(&last, &now);
}

static void each_counter_shows_it(void **state)
{
	static const struct {
		enum pressure_counter c;
		uint64_t less, enough; /* in 250 ms */
	} cases[] = {
		{PRESSURE_SWAP_IN, 255, 256},
		{PRESSURE_DIRECT, 255, 256},
		{PRESSURE_OOM_KILL, 0, 1},
	};
	struct pressure_set set = quiet_set();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(look(&set, cases[i].c, cases[i].less).felt);
		assert_true(look(&set, cases[i].c, cases[i].enough).felt);
		assert_int_equal(look(&set, cases[i].c, cases[i].enough).killed,
				 cases[i].c == PRESSURE_OOM_KILL);
		/* alone, for a driver that tells nothing else */
		set.valid = BIT(cases[i].c);
		assert_true(look(&set, cases[i].c, cases[i].enough).felt);
		/* and not told: nothing */
		set.valid = ~BIT(cases[i].c);
		assert_false(look(&set, cases[i].c, cases[i].enough).felt);
		set = quiet_set();
	}
	assert_int_equal(look(&set, PRESSURE_SWAP_IN, 5000).moved_kib, 5000);
	assert_false(look(&set, PRESSURE_SWAP_IN, 5000).only_read);
	/* what faults read is told without any */
	assert_int_equal(look(&set, PRESSURE_MAJOR_FAULTS, 10).faulted_kib, 40);
	assert_int_equal(look(&set, PRESSURE_MAJOR_FAULTS, UINT64_MAX / 2).faulted_kib, UINT64_MAX);
	assert_int_equal(look(&set, PRESSURE_MAJOR_FAULTS, 10).ms, STEP);
	assert_false(look(&set, PRESSURE_MAJOR_FAULTS, 10).felt);
	/* kswapd at work is what page cache does to every guest */
	assert_false(look(&set, PRESSURE_ASYNC, 1000000).felt);
}

/* Those that wait at a limit of their own group look for no memory of the guest's. */
static void stalls_count_with_a_search(void **state)
{
	struct pressure_set set = quiet_set(), last = set, now = set;

	assert_false(look(&set, PRESSURE_ALLOC_STALL, 100).felt);
	now.sequence++;
	now.at_ms += STEP;
	now.value[PRESSURE_ALLOC_STALL]++;
	now.value[PRESSURE_DIRECT]++;
	assert_true(pressure_look(&last, &now).felt);
	/* where nobody says what was looked for, they count alone */
	set.valid = BIT(PRESSURE_ALLOC_STALL);
	assert_true(look(&set, PRESSURE_ALLOC_STALL, 1).felt);
}

/* A program that starts reads from the disk as well: it is the search that makes them refaults. */
static void major_faults_count_with_a_search(void **state)
{
	struct pressure_set set = quiet_set(), last = set, now = set;

	assert_false(look(&set, PRESSURE_MAJOR_FAULTS, 5000).felt);
	now.sequence++;
	now.at_ms += STEP;
	now.value[PRESSURE_MAJOR_FAULTS] += 32;
	now.value[PRESSURE_ASYNC]++;
	assert_true(pressure_look(&last, &now).felt);
	last = set;
	assert_true(pressure_look(&last, &now).only_read);
	assert_int_equal(pressure_look(&set, &now).moved_kib, 128);
	/* before Linux 6.12: next to nothing is free */
	set = quiet_set();
	set.valid = BIT(PRESSURE_MAJOR_FAULTS);
	assert_false(look(&set, PRESSURE_MAJOR_FAULTS, 32).felt);
	set.free_kib = 31 * MIB;
	assert_true(look(&set, PRESSURE_MAJOR_FAULTS, 32).felt);
	assert_false(look(&set, PRESSURE_MAJOR_FAULTS, 31).felt);
	set.free_valid = false;
	assert_false(look(&set, PRESSURE_MAJOR_FAULTS, 32).felt);
}

/* The balloon itself makes a guest look for memory, but swaps nothing in. */
static void a_balloon_that_fills_is_no_pressure(void **state)
{
	struct pressure_set set = quiet_set(), last, now;

	set.filling = true;
	assert_false(look(&set, PRESSURE_DIRECT, 100000).felt);
	assert_true(look(&set, PRESSURE_SWAP_IN, 100000).felt);
	assert_true(look(&set, PRESSURE_OOM_KILL, 1).felt);
	/* nor is what the set after that still counts of it */
	last = now = set;
	now.sequence++;
	now.at_ms += STEP;
	now.filling = false;
	now.value[PRESSURE_DIRECT] += 100000;
	now.value[PRESSURE_ALLOC_STALL] += 100;
	assert_false(pressure_look(&last, &now).felt);
	/* nor when it began and ended between two sets */
	last = now;
	now.sequence++;
	now.at_ms += STEP;
	now.has_kib--;
	now.value[PRESSURE_DIRECT] += 100000;
	assert_false(pressure_look(&last, &now).felt);
}

static void nothing_shows_without_two_sets(void **state)
{
	struct pressure_set last = {0}, set = quiet_set(), none = {0};

	for (unsigned int c = 0; c < PRESSURE_COUNTERS; c++)
		set.value[c] = UINT64_MAX;
	assert_false(pressure_look(&last, &none).felt);
	assert_false(pressure_look(&last, &set).felt);
	/* the same again, however late */
	set.at_ms += 1000;
	assert_false(pressure_look(&last, &set).felt);
	/* of another boot: less than before, or numbered anew */
	set = quiet_set();
	set.sequence = 6;
	assert_false(pressure_look(&last, &set).felt);
	for (unsigned int c = 0; c < PRESSURE_COUNTERS; c++)
		set.value[c] = UINT64_MAX;
	set.sequence = 1;
	assert_false(pressure_look(&last, &set).felt);
}

/* Whatever is said: no more than the numbers that were. */
static void nonsense_is_bounded(void **state)
{
	static const uint64_t odd[] = {0, 1, 3, UINT64_MAX / 4, UINT64_MAX / 4 + 1, UINT64_MAX};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		for (size_t k = 0; k < sizeof(odd) / sizeof(odd[0]); k++) {
			struct pressure_set last = {.sequence = 1}, now = {.sequence = 2};

			last.valid = now.valid = BIT(PRESSURE_COUNTERS) - 1;
			last.at_ms = odd[k];
			now.at_ms = odd[i];
			for (unsigned int c = 0; c < PRESSURE_COUNTERS; c++) {
				last.value[c] = odd[k];
				now.value[c] = odd[i];
			}
			if (odd[i] <= odd[k])
				assert_false(pressure_look(&last, &now).felt);
			else
				assert_true(pressure_look(&last, &now).felt);
		}
	}
}

/* --- the figures --- */

static void counters_are_taken_as_told(void **state)
{
	struct balloon_figures f = {
		.static_max_kib = 1000,
		.target_kib = 900,
		.ballooned_kib = 100,
		.stats_ballooned_kib = 100,
		.stats_sequence = 3,
	};
	struct pressure_set set;

	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++)
		f.stats[tag] = (tag + 1) * 10240;
	assert_int_equal(auto_guest(&f).counters.valid, 0);
	f.stats_valid = BIT(BALLOON_STATS) - 1;
	set = auto_guest(&f).counters;
	assert_int_equal(set.sequence, 3);
	assert_int_equal(set.has_kib, 900);
	assert_int_equal(set.valid, BIT(PRESSURE_COUNTERS) - 1);
	assert_int_equal(set.value[PRESSURE_SWAP_IN], (BALLOON_STAT_SWAP_IN + 1) * 10);
	assert_int_equal(set.value[PRESSURE_MAJOR_FAULTS], (BALLOON_STAT_MAJOR_FAULTS + 1) * 10240);
	assert_int_equal(set.value[PRESSURE_OOM_KILL], (BALLOON_STAT_OOM_KILL + 1) * 10240);
	assert_int_equal(set.value[PRESSURE_ALLOC_STALL], (BALLOON_STAT_ALLOC_STALL + 1) * 10240);
	/* the larger of two */
	assert_int_equal(set.value[PRESSURE_DIRECT], (BALLOON_STAT_DIRECT_RECLAIM + 1) * 10);
	assert_int_equal(set.value[PRESSURE_ASYNC], (BALLOON_STAT_ASYNC_SCAN + 1) * 10);
	assert_int_equal(set.free_kib, (BALLOON_STAT_FREE_MEMORY + 1) * 10);
	assert_false(set.filling);
	f.target_kib = 800;
	assert_true(auto_guest(&f).counters.filling);
}

/* --- what comes of it --- */

static struct host fast_host(uint64_t free_mib)
{
	struct host h = model_host(free_mib);

	h.cfg = auto_policy(20, 40, 0, true, STEP);
	h.step_ms = STEP;
	return h;
}

static struct model *add_quiet(struct host *h, uint64_t has, uint64_t used)
{
	struct model *m = model_add(h, 1024, used);

	m->g.balloon_kib = (1024 - has) * MIB;
	m->g.target_kib = has * MIB;
	m->g.counters = quiet_set();
	return m;
}

/* A step in which the guest's counter grows so much. */
static void step_with(struct host *h, struct model *m, enum pressure_counter c, uint64_t by)
{
	m->g.counters.sequence++;
	m->g.counters.at_ms = h->now_ms;
	m->g.counters.value[c] += by;
	model_step(h);
}

/* Half of its memory is available, it says, and yet: each counter alone brings it more in the step in
 * which it shows. */
static void pressure_grows_a_guest_with_much_available(void **state)
{
	static const struct {
		enum pressure_counter c;
		uint64_t by;
	} cases[] = {{PRESSURE_SWAP_IN, 4096}, {PRESSURE_DIRECT, 4096}, {PRESSURE_OOM_KILL, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host h = fast_host(600);
		struct model *m = add_quiet(&h, 500, 250);

		step_with(&h, m, PRESSURE_SWAP_IN, 0);
		assert_int_equal(m->g.target_kib, 500 * MIB);
		step_with(&h, m, cases[i].c, cases[i].by);
		assert_in_range(m->g.target_kib, 516 * MIB, 628 * MIB);
		assert_int_equal(h.order[0].verdict, POLICY_GROW);
	}
}

/* It grows by twice what it lacked, between a 64th and an 8th of what it can have. */
static void it_grows_by_what_it_lacked(void **state)
{
	static const uint64_t moved[][2] = {{1, 16}, {8, 16}, {25, 50}, {64, 128}, {900, 128}};

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		struct host h = fast_host(600);
		struct model *m = add_quiet(&h, 500, 250);

		step_with(&h, m, PRESSURE_SWAP_IN, 0);
		step_with(&h, m, PRESSURE_SWAP_IN, moved[i][0] * MIB);
		assert_int_equal(m->g.target_kib, (500 + moved[i][1]) * MIB);
	}
}

/* On a full host others give. */
static void others_give_for_it(void **state)
{
	struct host h = fast_host(0);
	struct model *m = add_quiet(&h, 500, 300), *rich = add_quiet(&h, 500, 310);

	/* one whose driver has just come keeps half of its static-max */
	step_with(&h, m, PRESSURE_SWAP_IN, 0);
	step_with(&h, m, PRESSURE_SWAP_IN, 20 * MIB);
	assert_int_equal(rich->moved_kib, 0);
	for (unsigned int i = 0; i < h.cfg.young_ms / STEP; i++)
		step_with(&h, m, PRESSURE_SWAP_IN, 0);
	for (unsigned int i = 0; i < 4; i++)
		step_with(&h, m, PRESSURE_SWAP_IN, 20 * MIB);
	assert_true(model_has(&m->g) > 510 * MIB);
	assert_true(model_has(&rich->g) < 490 * MIB);
	assert_true(model_percent(rich) >= 24);
}

/* One that keeps what it has gives of it, in small steps, to one in need that nobody else helps: but not
 * while it feels pressure itself, unless it only read files, which anybody does once. */
static void who_keeps_gives_last(void **state)
{
	for (int reads = 0; reads < 2; reads++) {
		struct host h = fast_host(300);
		struct model *m = add_quiet(&h, 700, 300), *needs = add_quiet(&h, 600, 300);
		enum pressure_counter c = reads ? PRESSURE_MAJOR_FAULTS : PRESSURE_SWAP_IN;

		/* the memory of both, and nothing is free */
		for (unsigned int i = 0; i < h.cfg.young_ms / STEP; i++)
			step_with(&h, m, PRESSURE_SWAP_IN, 0);
		m->g.counters.value[PRESSURE_ASYNC]++;
		m->g.balloon_kib = (1024 - 700) * MIB;
		m->g.target_kib = 700 * MIB;
		h.free_kib = 0;
		step_with(&h, m, c, 8 * MIB);
		needs->used_kib = 590 * MIB;
		for (unsigned int i = 0; i < h.cfg.quiet_ms / STEP - 1; i++) {
			step_with(&h, m, PRESSURE_SWAP_IN, 0);
			assert_true(m->g.target_kib >= 700 * MIB);
		}
		step_with(&h, m, PRESSURE_SWAP_IN, 0);
		step_with(&h, m, PRESSURE_SWAP_IN, 0);
		/* a 16th; or a quarter in a step, as from anybody */
		assert_in_range(m->g.target_kib, (reads ? 400 : 636) * MIB, (reads ? 635 : 699) * MIB);
	}
}

/* Who has next to nothing left comes before who only swaps. */
static void the_worse_off_comes_first(void **state)
{
	struct host h = fast_host(50);
	struct model *swaps = add_quiet(&h, 500, 250), *starves = add_quiet(&h, 500, 250);

	step_with(&h, swaps, PRESSURE_SWAP_IN, 0);
	starves->used_kib = 490 * MIB;
	step_with(&h, swaps, PRESSURE_SWAP_IN, 20 * MIB);
	assert_int_equal(starves->g.target_kib, 550 * MIB);
	assert_int_equal(swaps->g.target_kib, 500 * MIB);
}

/*
 * A guest that needs 600 MiB, of which it calls most available, as one does that reads the same files
 * over and over. Return: how often its size was changed
 */
static unsigned int live_with(struct host *h, struct model *m, uint64_t needs_mib, unsigned int s)
{
	unsigned int changes = 0;

	for (unsigned int i = 0; i < s * 1000 / STEP; i++) {
		uint64_t before = m->g.target_kib;

		if (i * STEP % 1000 == 0 && model_has(&m->g) < needs_mib * MIB)
			step_with(h, m, PRESSURE_SWAP_IN, 8 * MIB);
		else
			step_with(h, m, PRESSURE_SWAP_IN, 0);
		changes += m->g.target_kib != before;
	}
	return changes;
}

/* It is let down again, feels it, and then is left alone for twice as long each time. */
static void it_is_tried_less_and_less_often(void **state)
{
	struct host h = fast_host(600);
	struct model *m = add_quiet(&h, 500, 100);
	unsigned int first, later;

	first = live_with(&h, m, 600, 600);
	assert_true(model_has(&m->g) >= 500 * MIB);
	live_with(&h, m, 600, 3600);
	later = live_with(&h, m, 600, 600);
	assert_true(first >= 10);
	assert_true(later <= first / 3);
	assert_true(model_has(&m->g) >= 600 * MIB - 64 * MIB);
	/* when the load is over it is taken down after all */
	live_with(&h, m, 0, 1300);
	assert_true(model_has(&m->g) <= 264 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_counter_shows_it),
		cmocka_unit_test(stalls_count_with_a_search),
		cmocka_unit_test(major_faults_count_with_a_search),
		cmocka_unit_test(a_balloon_that_fills_is_no_pressure),
		cmocka_unit_test(nothing_shows_without_two_sets),
		cmocka_unit_test(nonsense_is_bounded),
		cmocka_unit_test(counters_are_taken_as_told),
		cmocka_unit_test(pressure_grows_a_guest_with_much_available),
		cmocka_unit_test(it_grows_by_what_it_lacked),
		cmocka_unit_test(others_give_for_it),
		cmocka_unit_test(who_keeps_gives_last),
		cmocka_unit_test(the_worse_off_comes_first),
		cmocka_unit_test(it_is_tried_less_and_less_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
