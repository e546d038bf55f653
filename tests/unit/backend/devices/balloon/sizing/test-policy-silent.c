// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests that say nothing or can do nothing: paused, without a driver, without statistics. They neither
 * gain nor lose, and keep no promise that others need; and nobody circles around them.
 */
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* As xen-vballoond --auto has it. */
#define FAST_MS 250u
#define MINUTES(n) ((n)*60u * 1000u / FAST_MS)

static struct host fast_host(uint64_t free_mib)
{
	struct host h = model_host(free_mib);

	h.cfg.stale_ms = 5000;
	h.cfg.stuck_ms = 20000;
	h.cfg.shrink_ms = 5000;
	h.cfg.hold_ms = 30000;
	h.cfg.hold_max_ms = 600000;
	h.cfg.overcommit = true;
	h.step_ms = FAST_MS;
	return h;
}

static void has_mib(struct model *m, uint64_t mib)
{
	m->g.balloon_kib = m->g.static_max_kib - mib * MIB;
	m->g.target_kib = mib * MIB;
}

/* The ways to say nothing. */
enum silence { PAUSED, NO_DRIVER, NO_STATISTICS, SILENCES };

static void fall_silent(struct model *m, enum silence how)
{
	m->paused = how == PAUSED;
	m->g.driver_ok = how != NO_DRIVER;
	m->g.has_stats = how != NO_STATISTICS;
}

/* What it was promised, and does not take, another that needs it gets: all of it, and soon. */
static void a_promise_to_the_silent_lapses(void **state)
{
	for (enum silence how = PAUSED; how < SILENCES; how++) {
		struct host h = fast_host(500);
		struct model *a = model_add(&h, 1024, 300), *b = model_add(&h, 1024, 600);

		has_mib(a, 524);
		has_mib(b, 620);
		a->g.target_kib = 1024 * MIB;
		a->rate_kib = 0;
		fall_silent(a, how);
		for (unsigned int i = 0; i < 2 * h.cfg.stale_ms / FAST_MS; i++)
			model_step(&h);
		assert_true(model_percent(b) >= 28);
		assert_int_equal(model_has(&a->g), 524 * MIB);
		/* nor does it take that when it wakes up */
		assert_int_equal(a->g.target_kib, 524 * MIB);
	}
}

/* Nobody is asked to give for one that takes nothing. */
static void nobody_gives_for_the_silent(void **state)
{
	for (enum silence how = PAUSED; how < SILENCES; how++) {
		struct host h = fast_host(0);
		struct model *a = model_add(&h, 1024, 400), *b = model_add(&h, 1024, 330);

		has_mib(a, 524);
		has_mib(b, 500);
		a->g.target_kib = 1024 * MIB;
		a->g.stats_age_ms = how == PAUSED ? h.cfg.stale_ms : 0;
		fall_silent(a, how);
		for (unsigned int i = 0; i < MINUTES(1); i++)
			model_step(&h);
		assert_int_equal(b->moved_kib, 0);
		assert_int_equal(model_has(&b->g), 500 * MIB);
	}
}

/* It was asked to give and fell silent before it did: it keeps what it has. */
static void the_silent_lose_nothing(void **state)
{
	for (enum silence how = PAUSED; how < SILENCES; how++) {
		struct host h = fast_host(0);
		struct model *a = model_add(&h, 1024, 10);

		a->g.target_kib = 700 * MIB;
		fall_silent(a, how);
		for (unsigned int i = 0; i < MINUTES(1); i++)
			model_step(&h);
		assert_int_equal(a->g.target_kib, 1024 * MIB);
		assert_int_equal(model_has(&a->g), 1024 * MIB);
	}
}

/* Somebody named its size, and it does not get there: that promise lapses as well. */
static void a_pinned_guest_that_takes_nothing_keeps_no_promise(void **state)
{
	struct host h = fast_host(500);
	struct model *a = model_add(&h, 1024, 300), *b = model_add(&h, 1024, 600);

	has_mib(a, 524);
	has_mib(b, 620);
	a->g.target_kib = 1024 * MIB;
	a->g.pinned = true;
	a->rate_kib = 0;
	for (unsigned int i = 0; i < (h.cfg.stuck_ms + h.cfg.stale_ms) / FAST_MS; i++)
		model_step(&h);
	assert_true(model_percent(b) >= 28);
	/* and is left alone all the same */
	assert_int_equal(a->g.target_kib, 1024 * MIB);
}

/*
 * Three guests on a full host, one of them without a driver, and nobody's load changes but for the
 * noise every idle guest has: in five minutes no size changes more than once.
 */
static void three_guests_do_not_circle(void **state)
{
	/* available, in percent: in the band, at its ends, and beyond */
	static const uint64_t used[] = {300, 340, 370, 400, 405, 450};
	static const uint64_t free_mib[] = {0, 8, 60, 400};

	for (size_t u = 0; u < sizeof(used) / sizeof(used[0]); u++) {
		for (size_t f = 0; f < sizeof(free_mib) / sizeof(free_mib[0]); f++) {
			struct host h = fast_host(free_mib[f]);
			uint64_t changes[3] = {0};

			for (size_t i = 0; i < 3; i++)
				has_mib(model_add(&h, 1024, used[u]), 500);
			h.model[2].g.driver_ok = false;
			h.model[2].g.has_stats = false;
			/* as a driver that was removed left it */
			h.model[2].g.target_kib = 1024 * MIB;
			for (unsigned int i = 0; i < MINUTES(6); i++) {
				uint64_t before[3];

				for (size_t k = 0; k < 3; k++) {
					before[k] = h.model[k].g.target_kib;
					h.model[k].used_kib =
						(used[u] + (i * 37 + k * 11) % 10) * MIB;
				}
				model_step(&h);
				/* what they need to arrive, in the first minute, is not counted */
				for (size_t k = 0; i >= MINUTES(1) && k < 3; k++)
					changes[k] += h.model[k].g.target_kib != before[k];
			}
			for (size_t k = 0; k < 3; k++)
				assert_true(changes[k] <= 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_promise_to_the_silent_lapses),
		cmocka_unit_test(nobody_gives_for_the_silent),
		cmocka_unit_test(the_silent_lose_nothing),
		cmocka_unit_test(a_pinned_guest_that_takes_nothing_keeps_no_promise),
		cmocka_unit_test(three_guests_do_not_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
