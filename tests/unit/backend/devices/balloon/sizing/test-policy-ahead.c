// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest whose use grows has its memory before it lacks it, where the host has some; and neither noise nor a jump is growth.
 */
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define INTERVAL_MS 250u

/* Looked at as --auto does; a guest of 4 GiB that has 1 GiB, 30 % of that available, and so much free on the host. */
static struct model *begin(struct host *h, uint64_t free_mib)
{
	struct model *m;

	*h = model_host(free_mib);
	h->step_ms = INTERVAL_MS;
	h->cfg.ahead_ms = 4 * INTERVAL_MS;
	h->cfg.overcommit = true;
	h->cfg.shrink_ms = 5000;
	m = model_add(h, 4096, 717);
	m->g.target_kib = 1024 * MIB;
	m->g.balloon_kib = 3072 * MIB;
	model_step(h);
	assert_int_equal(model_has(&m->g), 1024 * MIB);
	return m;
}

/* By 40 MiB a step, for 40 steps. Return: the least that was available when it was looked at, in percent */
static unsigned int least_percent(struct host *h, struct model *m)
{
	unsigned int least = 100;

	for (int i = 0; i < 40; i++) {
		uint64_t had = model_has(&m->g);

		m->used_kib += 40 * MIB;
		model_step(h);
		if (m->g.available_kib * 100 / had < least)
			least = (unsigned int)(m->g.available_kib * 100 / had);
	}
	return least;
}

static void who_grows_has_it_before_it_lacks_it(void **state)
{
	struct host h;
	struct model *m = begin(&h, 4096);

	assert_true(least_percent(&h, m) >= 20);
	/* it ends with its growth */
	model_settle(&h, 60);
	assert_in_range(model_percent(m), 20, 40);
	/* who does not look ahead comes too late */
	m = begin(&h, 4096);
	h.cfg.ahead_ms = 0;
	assert_true(least_percent(&h, m) < 20);
}

/* What others have is for those who lack it. */
static void nobody_gives_for_what_may_come(void **state)
{
	struct host h;
	struct model *m = begin(&h, 0), *other = model_add(&h, 1024, 650);
	uint64_t before = model_has(&other->g);

	/* three steps in which it grows, and has more than LOW still */
	for (int i = 0; i < 3; i++) {
		m->used_kib += 30 * MIB;
		model_step(&h);
		assert_true(model_percent(m) >= 20);
		assert_int_equal(model_has(&other->g), before);
	}
}

static void a_jump_is_no_pace(void **state)
{
	struct host h;
	struct model *m = begin(&h, 4096);

	m->used_kib += 80 * MIB;
	for (int i = 0; i < 10; i++)
		assert_false(model_step(&h));
	assert_int_equal(model_has(&m->g), 1024 * MIB);
}

static void noise_is_no_growth(void **state)
{
	struct host h;
	struct model *m = begin(&h, 4096);

	for (unsigned int i = 0; i < 400; i++) {
		m->used_kib = (717 + i * 37 % 61) * MIB;
		model_step(&h);
	}
	assert_int_equal(m->turns, 0);
}

/* The same statistics looked at again are no second step, and figures from a guest are bounded by what it may have. */
static void figures_are_what_they_are(void **state)
{
	struct host h;
	struct model *m = begin(&h, 4096);

	m->used_kib += 40 * MIB;
	model_step(&h);
	m->used_kib += 40 * MIB;
	m->g.stats_age_ms = INTERVAL_MS;
	model_step(&h);
	assert_int_equal(model_has(&m->g), 1024 * MIB);
	/* nor when they look some ms newer than they did */
	m->g.stats_age_ms = 0;
	m->g.counters.sequence = 7;
	m->used_kib += 4 * MIB;
	model_step(&h);
	h.now_ms -= INTERVAL_MS - 1;
	m->used_kib += 4 * MIB;
	model_step(&h);
	assert_int_equal(h.memory[0].used_kib, m->used_kib - 4 * MIB);
	m->g.counters.sequence = 0;
	h.cfg.ahead_ms = UINT32_MAX;
	for (int i = 0; i < 10; i++) {
		m->used_kib = (i & 1 ? 4096 : 0) * MIB;
		model_step(&h);
		m->used_kib += MIB * (uint64_t)i;
		model_step(&h);
	}
	assert_true(m->g.target_kib <= m->g.static_max_kib);
}

/* Its files have all but 4 MiB of what is available to it. */
static void files_have_the_rest(struct model *m)
{
	m->g.counters.sequence++;
	m->g.counters.free_valid = true;
	m->g.counters.has_kib = model_has(&m->g);
	m->g.counters.free_kib = 4 * MIB;
}

/* By 20 MiB a step, for three, in which it has more than LOW. Return: what it has then, in MiB */
static uint64_t after_growth(struct host *h, struct model *m)
{
	for (int i = 0; i < 3; i++) {
		m->used_kib += 20 * MIB;
		files_have_the_rest(m);
		model_step(h);
		assert_true(model_percent(m) >= 20);
	}
	return model_has(&m->g) / MIB;
}

/* A guest keeps its files while the host has memory that nobody wants. */
static void what_nobody_wants_is_lent_to_who_grows(void **state)
{
	struct host h;
	struct model *m = begin(&h, 4096);

	/* at its pace 80 MiB in the time it looks ahead, twice that, and 4 are free already: at each of three steps */
	assert_int_equal(after_growth(&h, m), 1024 + 3 * 156);
	/* no more than there is */
	m = begin(&h, 100);
	assert_int_equal(after_growth(&h, m), 1124);
	/* nothing of what is held for a guest to come */
	m = begin(&h, 100);
	h.cfg.hold_kib = 100 * MIB;
	assert_int_equal(after_growth(&h, m), 1024);
	/* nor by one that has as much free as it will use, or does not tell */
	m = begin(&h, 4096);
	for (int i = 0; i < 3; i++) {
		m->used_kib += 8 * MIB;
		files_have_the_rest(m);
		m->g.counters.free_kib = 36 * MIB;
		m->g.counters.free_valid = i < 2;
		model_step(&h);
	}
	assert_int_equal(model_has(&m->g), 1024 * MIB);
	/* a hostile one gets no more than a quarter of static-max in a step, and never more than that */
	m = begin(&h, 4096);
	h.cfg.ahead_ms = UINT32_MAX;
	for (int i = 0; i < 3; i++) {
		uint64_t had = model_has(&m->g);

		m->used_kib += 1 * MIB;
		files_have_the_rest(m);
		model_step(&h);
		assert_true(model_has(&m->g) <= had + 1024 * MIB);
	}
}

/* It uses no more, and reads so much of files by faults, for a step; 40 MiB are free in it, and nobody looks for memory. */
static void read_files(struct host *h, struct model *m, uint64_t mib)
{
	m->g.counters.valid = 1u << PRESSURE_MAJOR_FAULTS | 1u << PRESSURE_ASYNC;
	m->g.counters.value[PRESSURE_MAJOR_FAULTS] += mib * MIB / 4;
	m->g.counters.at_ms = h->now_ms;
	files_have_the_rest(m);
	m->g.counters.free_kib = 40 * MIB;
	model_step(h);
}

/* What it would drop it would read again; one that reads no more than is free in it drops nothing. */
static void what_is_read_by_faults_counts(void **state)
{
	struct host h;
	struct model *m = begin(&h, 4096);

	read_files(&h, m, 0);
	read_files(&h, m, 20);
	assert_int_equal(model_has(&m->g), (1024 + 2 * 80 - 40) * MIB);
	m = begin(&h, 4096);
	read_files(&h, m, 0);
	read_files(&h, m, 10);
	assert_int_equal(model_has(&m->g), 1024 * MIB);
	/* nor does what a driver tells at once of all the time before */
	m = begin(&h, 4096);
	read_files(&h, m, 4000);
	assert_int_equal(model_has(&m->g), 1024 * MIB);
	/* a hostile one gets what is lent in a step, and no more than static-max */
	m = begin(&h, 4096);
	h.cfg.ahead_ms = UINT32_MAX;
	for (int i = 0; i < 8; i++) {
		uint64_t had = model_has(&m->g);

		read_files(&h, m, UINT64_MAX / MIB / 16);
		assert_true(model_has(&m->g) <= had + 1024 * MIB);
	}
}

/* Half of it is available, and it keeps that while it reads; when it is done, it gives that back. */
static void who_is_lent_memory_has_not_too_much(void **state)
{
	struct host h;
	struct model *m = begin(&h, 0);
	int steps = (int)(3 * h.cfg.shrink_ms / INTERVAL_MS);

	m->g.floor_kib = 256 * MIB;
	m->used_kib = 512 * MIB;
	for (int i = 0; i < steps; i++)
		read_files(&h, m, 20);
	assert_int_equal(model_has(&m->g), 1024 * MIB);
	for (int i = 0; i < steps; i++)
		read_files(&h, m, 0);
	assert_true(model_has(&m->g) < 900 * MIB);
}

/* While others under pressure wait, nothing is lent. */
static void who_lacks_it_comes_before_who_may(void **state)
{
	struct host h;
	struct model *m = begin(&h, 0), *other = model_add(&h, 1024, 890);

	other->g.target_kib = 900 * MIB;
	other->g.balloon_kib = 124 * MIB;
	for (int i = 0; i < 4; i++) {
		uint64_t had = model_has(&m->g);

		h.free_kib = 8 * MIB;
		m->used_kib += 20 * MIB;
		files_have_the_rest(m);
		model_step(&h);
		assert_true(model_has(&m->g) <= had);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_grows_has_it_before_it_lacks_it), cmocka_unit_test(nobody_gives_for_what_may_come),
		cmocka_unit_test(a_jump_is_no_pace),		       cmocka_unit_test(noise_is_no_growth),
		cmocka_unit_test(figures_are_what_they_are),	       cmocka_unit_test(what_nobody_wants_is_lent_to_who_grows),
		cmocka_unit_test(who_lacks_it_comes_before_who_may),   cmocka_unit_test(what_is_read_by_faults_counts),
		cmocka_unit_test(who_is_lent_memory_has_not_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
