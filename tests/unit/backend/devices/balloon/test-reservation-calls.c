// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many frames a call moves: no more than what such calls have been seen to be worth, since one that turns out dear cannot be cut
 * short. Each look at the clock takes as long as the test says, so that is what a call costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/devices/balloon/reservation.h"
#include "fake/hv-fake.h"
#include "fake/machine-fake.h"

#define START 0x40000u
#define PAGES 65536u
#define CHEAP_NS 1000
#define DEAR_NS 100000000

struct bench {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct frames frames;
	struct reservation r;
	struct reservation_journal journal;
	uint64_t word[PAGES / 64];
};

static const struct xenvirtio_gfn_range ram = { { START }, { START + PAGES - 1 } };

static int setup(void **state)
{
	struct fake_config config = { .ram = { ram }, .nr_ram = 1 };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	assert_int_equal(fake_open(b->fake, &b->hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&b->gmem, b->hv, 16), 0);
	assert_int_equal(frames_init(&b->frames, &ram, 1, b->word), 0);
	assert_int_equal(reservation_init(&b->r, b->hv, b->gmem, &b->frames, &b->journal), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	machine_fake_set_look_ns(0);
	xenvirtio_gmem_free(b->gmem);
	xenvirtio_hv_close(b->hv);
	assert_int_equal(fake_faults_total(b->fake), 0);
	fake_free(b->fake);
	free(b);
	return 0;
}

/* Return: calls of the seam that releasing @pages more took, the look at the domain not among them */
static uint64_t release(struct bench *b, uint64_t pages, uint64_t call_ns)
{
	struct xenvirtio_run run = { xenvirtio_gfn(START + b->frames.nr_set), pages };
	uint64_t before;

	reservation_turn(&b->r, BUDGET_UNBOUNDED);
	assert_int_equal(reservation_release_begin(&b->r), 0);
	machine_fake_set_look_ns(call_ns);
	before = fake_calls(b->fake);
	assert_int_equal(reservation_release(&b->r, &run), 0);
	assert_int_equal(reservation_release_flush(&b->r), 0);
	machine_fake_set_look_ns(0);
	assert_int_equal(run.nr, 0);
	assert_int_equal(b->frames.nr_set, PAGES - fake_tot_pages(b->fake));
	return fake_calls(b->fake) - before;
}

static uint64_t populate(struct bench *b, uint64_t pages, uint64_t call_ns)
{
	struct xenvirtio_run run = { xenvirtio_gfn(START), pages };
	uint64_t before;

	reservation_turn(&b->r, BUDGET_UNBOUNDED);
	reservation_populate_begin(&b->r);
	machine_fake_set_look_ns(call_ns);
	before = fake_calls(b->fake);
	assert_int_equal(reservation_populate(&b->r, &run), 0);
	assert_int_equal(reservation_populate_flush(&b->r), 0);
	machine_fake_set_look_ns(0);
	assert_int_equal(run.nr, 0);
	assert_int_equal(b->frames.nr_set, PAGES - fake_tot_pages(b->fake));
	return fake_calls(b->fake) - before;
}

static void calls_grow_while_they_are_cheap(void **state)
{
	struct bench *b = *state;

	/* 4, 8 and 8 thousand frames, the last 4, and so on from there */
	assert_int_equal(release(b, 4096 + 2 * 8192 + 4096, CHEAP_NS), 4);
	assert_int_equal(release(b, PAGES - 4096 - 2 * 8192 - 4096, CHEAP_NS), 5);
	/* the other way has to be seen by itself; populating looks at the domain, too */
	assert_int_equal(populate(b, PAGES, CHEAP_NS), 9 + 1);
}

static void one_dear_call_makes_them_small_again(void **state)
{
	struct bench *b = *state;

	assert_int_equal(release(b, 4096 + 8192, CHEAP_NS), 2);
	assert_int_equal(release(b, 8192 + 2 * 4096, DEAR_NS), 3);
	assert_int_equal(release(b, 2 * 4096, DEAR_NS), 2);
}

static void a_clock_that_stands_still_says_nothing(void **state)
{
	assert_int_equal(release(*state, PAGES, 0), PAGES / 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(calls_grow_while_they_are_cheap),
		TEST(one_dear_call_makes_them_small_again),
		TEST(a_clock_that_stands_still_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
