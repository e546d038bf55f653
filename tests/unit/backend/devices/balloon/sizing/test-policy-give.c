// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who gives, and how much: what is missing is there as soon as balloons can have it, and room that somebody asked for comes before
 * files that a guest reads.
 */
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Looked at often; guests of 1 GiB that use @used_mib of it, and room of @hold_mib to be made. */
static struct host begin(const unsigned int *used_mib, size_t nr, uint64_t hold_mib)
{
	struct host h = model_host(0);

	h.step_ms = 50;
	h.cfg.overcommit = true;
	h.cfg.shrink_ms = 60000;
	h.cfg.hold_ms = 30000;
	h.cfg.hold_max_ms = 60000;
	h.cfg.quiet_ms = 2000;
	h.now_ms = 10000;
	for (size_t i = 0; i < nr; i++)
		model_add(&h, 1024, used_mib[i]);
	model_step(&h);
	h.cfg.hold_kib = hold_mib * MIB;
	return h;
}

static uint64_t asked_mib(const struct host *h, size_t i)
{
	return (h->model[i].g.static_max_kib - h->model[i].g.target_kib) / MIB;
}

/* The largest part decides how long it takes. */
static void all_give_the_same_part(void **state)
{
	static const unsigned int used[] = {400, 420, 440};
	struct host h = begin(used, 3, 300);

	model_step(&h);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(asked_mib(&h, i), 99, 101);
	assert_in_range(asked_mib(&h, 0) + asked_mib(&h, 1) + asked_mib(&h, 2), 298, 303);
}

/* Who has less to give gives that, and the others what is left. */
static void each_gives_what_it_can(void **state)
{
	static const unsigned int used[] = {400, 720, 440};
	struct host h = begin(used, 3, 300);

	model_step(&h);
	assert_in_range(asked_mib(&h, 1), 10, 90);
	assert_int_equal(asked_mib(&h, 0), asked_mib(&h, 2));
	assert_in_range(asked_mib(&h, 0) + asked_mib(&h, 1) + asked_mib(&h, 2), 298, 303);
}

/* A few MiB are not asked of everybody. */
static void the_richest_gives_what_is_little(void **state)
{
	static const unsigned int used[] = {440, 400, 420};
	struct host h = begin(used, 3, 8);

	model_step(&h);
	assert_int_equal(asked_mib(&h, 0), 0);
	assert_in_range(asked_mib(&h, 1), 8, 16);
	assert_int_equal(asked_mib(&h, 2), 0);
}

/* More than all have: each is asked for what it can give in a step, none for more. */
static void nobody_gives_more_than_a_step(void **state)
{
	static const unsigned int used[] = {300, 420, 440};
	struct host h = begin(used, 3, UINT64_MAX / MIB);

	model_step(&h);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(asked_mib(&h, i), 200, 256);
}

/* Files are read, by a guest that has half of its memory available, and looks for some of it. */
static void reads(struct model *m, struct host *h)
{
	struct pressure_set *c = &m->g.counters;

	c->sequence++;
	c->at_ms = h->now_ms;
	c->valid = 1u << PRESSURE_MAJOR_FAULTS | 1u << PRESSURE_ASYNC | 1u << PRESSURE_SWAP_IN;
	c->value[PRESSURE_MAJOR_FAULTS] += 4000;
	c->value[PRESSURE_ASYNC] += 4000;
	c->has_kib = model_has(&m->g);
}

static void room_comes_before_files(void **state)
{
	static const unsigned int used[] = {500, 700};
	struct host h = begin(used, 2, 0);
	struct model *m = &h.model[0];

	for (int i = 0; i < 4; i++) {
		reads(m, &h);
		model_step(&h);
	}
	/* it feels that, and keeps what it has */
	assert_int_equal(h.order[0].verdict, POLICY_GROW);
	h.cfg.hold_kib = 150 * MIB;
	reads(m, &h);
	model_step(&h);
	assert_true(asked_mib(&h, 0) >= 70);
	/* room that is there asks for nothing: files count again */
	h.cfg.hold_kib = h.free_kib;
	for (int i = 0; i < 4; i++) {
		reads(m, &h);
		model_step(&h);
	}
	assert_int_equal(h.order[0].verdict, POLICY_GROW);
}

/* Memory it lacks is another thing. */
static void who_swaps_gives_no_room(void **state)
{
	static const unsigned int used[] = {500, 700};
	struct host h = begin(used, 2, 0);
	struct model *m = &h.model[0];

	for (int i = 0; i < 4; i++) {
		reads(m, &h);
		m->g.counters.value[PRESSURE_SWAP_IN] += 40 * MIB;
		model_step(&h);
		/* the first figures are compared with none */
		h.cfg.hold_kib = 150 * MIB;
	}
	assert_int_equal(asked_mib(&h, 0), 0);
	assert_true(asked_mib(&h, 1) > 0);
}

/* It swapped, and keeps the size at which it does not; when the load that did it has gone, the rest is for others at once. */
static void what_is_used_no_more_is_not_kept(void **state)
{
	static const unsigned int used[] = {700, 480};
	struct host h = begin(used, 2, 0);
	struct model *m = &h.model[0], *other = &h.model[1];

	for (int i = 0; i < 3; i++) {
		reads(m, &h);
		m->g.counters.value[PRESSURE_SWAP_IN] += 40 * MIB;
		model_step(&h);
	}
	other->g.target_kib = 500 * MIB;
	other->g.balloon_kib = 524 * MIB;
	reads(m, &h);
	model_step(&h);
	assert_int_equal(asked_mib(&h, 0), 0);
	m->used_kib = 200 * MIB;
	model_step(&h);
	assert_true(asked_mib(&h, 0) >= 180);
	/* and not below what it lacked then */
	assert_true(model_has(&m->g) >= 500 * MIB);
}

/* It is looked again sooner when somebody gives, and only then. */
static void who_waits_for_what_others_give_is_known(void **state)
{
	static const unsigned int used[] = {400, 420};
	struct host h = begin(used, 2, 100);
	struct policy_guest g[2] = {h.model[0].g, h.model[1].g};

	assert_true(policy_step(&h.cfg, h.free_kib, h.now_ms, g, h.memory, h.order, 2));
	for (size_t i = 0; i < 2; i++)
		g[i].target_kib = h.order[i].target_kib;
	/* it is under way */
	assert_false(policy_step(&h.cfg, h.free_kib, h.now_ms + 50, g, h.memory, h.order, 2));
	/* and there */
	assert_false(policy_step(&h.cfg, h.cfg.hold_kib, h.now_ms + 100, g, h.memory, h.order, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_give_the_same_part),	 cmocka_unit_test(each_gives_what_it_can),
		cmocka_unit_test(the_richest_gives_what_is_little), cmocka_unit_test(nobody_gives_more_than_a_step),
		cmocka_unit_test(room_comes_before_files),	 cmocka_unit_test(who_swaps_gives_no_room),
		cmocka_unit_test(what_is_used_no_more_is_not_kept),
		cmocka_unit_test(who_waits_for_what_others_give_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
