// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shares: guests that want more than there is end with their parts, and stay there; before anybody under pressure gives, all others
 * have; and without a share nothing of this is so.
 */
#include "backend/devices/balloon/sizing/policy-shares.h"
#include "unit/rigs/policy-model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NEAR (16 * MIB)

/* It uses nine tenths of whatever it has, up to what it needs: the rest is in its swap. */
static void press(struct model *m, uint64_t needs_mib)
{
	uint64_t used = model_has(&m->g) * 9 / 10;

	m->used_kib = used < needs_mib * MIB ? used : needs_mib * MIB;
}

static struct host begin(uint64_t free_mib)
{
	struct host h = model_host(free_mib);

	h.cfg.overcommit = true;
	h.by_shares = true;
	return h;
}

/* A guest of @max_mib that has @has_mib. */
static struct model *add(struct host *h, uint64_t max_mib, uint64_t has_mib, unsigned int share)
{
	struct model *m = model_add(h, max_mib, has_mib * 9 / 10);

	m->g.target_kib = has_mib * MIB;
	m->g.balloon_kib = (max_mib - has_mib) * MIB;
	m->g.share = share;
	return m;
}

static void live(struct host *h, unsigned int steps)
{
	for (unsigned int i = 0; i < steps; i++) {
		for (size_t k = 0; k < h->nr; k++)
			press(&h->model[k], 4096);
		model_step(h);
	}
}

static void each_has_its_part_and_stays(void **state)
{
	/* whoever comes first in the list */
	static const unsigned int shares[][2] = {{300, 0}, {0, 300}, {75, 25}, {1, 3}};

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct host h = begin(0);
		struct model *a = add(&h, 1024, 512, shares[i][0]), *b = add(&h, 1024, 512, shares[i][1]);
		struct model *more = i % 2 ? b : a, *less = i % 2 ? a : b;
		uint64_t moved;

		/* 256 each, and of 512 three quarters and one */
		live(&h, 60);
		assert_in_range(model_has(&more->g), 640 * MIB - NEAR, 640 * MIB + NEAR);
		assert_in_range(model_has(&less->g), 384 * MIB - NEAR, 384 * MIB + NEAR);
		moved = a->moved_kib + b->moved_kib;
		live(&h, 60);
		assert_int_equal(a->moved_kib + b->moved_kib, moved);
	}
}

static void without_a_share_nobody_under_pressure_gives(void **state)
{
	struct host h = begin(0);
	struct model *a = add(&h, 1024, 700, 0), *b = add(&h, 1024, 324, 0);

	h.by_shares = false;
	live(&h, 60);
	assert_int_equal(model_has(&a->g), 700 * MIB);
	assert_int_equal(model_has(&b->g), 324 * MIB);
}

/* An idle guest has what both miss: nobody loses by a share. */
static void others_give_first(void **state)
{
	struct host h = begin(0);
	struct model *a = add(&h, 1024, 600, 400), *b = add(&h, 1024, 600, 100), *idle = add(&h, 2048, 2048, 0);

	for (unsigned int i = 0; i < 60; i++) {
		a->used_kib = b->used_kib = 550 * MIB;
		idle->used_kib = 300 * MIB;
		model_step(&h);
		assert_true(model_has(&b->g) >= 600 * MIB);
	}
	assert_true(model_percent(a) >= 20);
	assert_true(model_percent(b) >= 20);
}

/* The pinned, the silent and those in the band are no part of it. */
static void it_is_between_those_who_claim(void **state)
{
	struct host h = begin(0);
	struct model *a = add(&h, 1024, 400, 900), *pinned = add(&h, 1024, 900, 100), *blind = add(&h, 1024, 900, 100);

	pinned->g.pinned = true;
	blind->g.has_stats = false;
	live(&h, 60);
	assert_int_equal(model_has(&a->g), 400 * MIB);
	assert_int_equal(model_has(&pinned->g), 900 * MIB);
	assert_int_equal(model_has(&blind->g), 900 * MIB);
}

/* Whatever the figures: all is divided, each has its least and no more than it wants, and the open ones have it by their shares. */
static void all_is_divided(void **state)
{
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t nr = 1 + (size_t)random() % GUESTS_MAX;
		struct policy_guest g[GUESTS_MAX] = {0};
		struct policy_order o[GUESTS_MAX] = {0};
		uint64_t least = 0, wanted = 0, parts = 0, all;
		bool named = false;

		for (size_t i = 0; i < nr; i++) {
			o[i].claims = random() % 4;
			o[i].least_of_claim_kib = (uint64_t)random() % 1000000;
			o[i].wanted_kib = o[i].least_of_claim_kib + (uint64_t)random() % 4000000;
			g[i].share = random() % 2 ? 0 : 1 + (unsigned int)random() % POLICY_SHARE_MAX;
			named |= o[i].claims && g[i].share;
			least += o[i].claims ? o[i].least_of_claim_kib : 0;
			wanted += o[i].claims ? o[i].wanted_kib : 0;
		}
		all = (uint64_t)random() % (wanted + 2);
		if (!policy_shares_divide(g, o, nr, all)) {
			assert_true(!named || all < least || all >= wanted);
			continue;
		}
		for (size_t i = 0; i < nr; i++) {
			parts += o[i].part_kib;
			assert_true(o[i].claims || !o[i].part_kib);
			if (!o[i].claims)
				continue;
			assert_in_range(o[i].part_kib, o[i].least_of_claim_kib, o[i].wanted_kib);
		}
		assert_in_range(parts, all - GUESTS_MAX, all);
		for (size_t i = 1; i < nr; i++) {
			uint64_t a = o[i].part_kib - o[i].least_of_claim_kib, b = o[0].part_kib - o[0].least_of_claim_kib;
			uint64_t sa = g[i].share ? g[i].share : 100, sb = g[0].share ? g[0].share : 100;

			if (!o[i].claims || !o[0].claims || o[i].part_kib >= o[i].wanted_kib || o[0].part_kib >= o[0].wanted_kib)
				continue;
			/* each round rounds down */
			assert_true(llabs((long long)(a * sb) - (long long)(b * sa)) <= (long long)(GUESTS_MAX * (sa + sb)));
		}
	}
}

static void nothing_overflows(void **state)
{
	struct policy_guest g[2] = {{.share = POLICY_SHARE_MAX}, {.share = POLICY_SHARE_MAX}};
	struct policy_order o[2] = {{.claims = true, .wanted_kib = UINT64_MAX}, {.claims = true, .wanted_kib = UINT64_MAX}};

	assert_true(policy_shares_divide(g, o, 2, UINT64_MAX));
	assert_int_equal(o[0].part_kib, o[1].part_kib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_part_and_stays),
		cmocka_unit_test(without_a_share_nobody_under_pressure_gives),
		cmocka_unit_test(others_give_first),
		cmocka_unit_test(it_is_between_those_who_claim),
		cmocka_unit_test(all_is_divided),
		cmocka_unit_test(nothing_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
