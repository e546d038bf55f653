// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest may send to the page queues, and what follows from it. Work goes on until it is done, and comes out exact.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/budget-cases.h"
#include "unit/rigs/metered-bench.h"

/* --- sixteen bytes --- */

static void all_of_ram_and_back(void **state)
{
	struct bench *b = *state;

	meter_post_chunk(b, INFLATE, FREE, NR);
	assert_true(bench_status(b).work_pending);
	meter_go_on(b, 60);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	meter_post_chunk(b, DEFLATE, FREE, NR);
	meter_go_on(b, 60);
	meter_expect_used(b, DEFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

static void ram_that_the_guest_has_given_away_itself(void **state)
{
	struct bench *b = *state;

	meter_make_hole(b, FREE, NR);
	meter_post_chunk(b, INFLATE, FREE, NR);
	meter_go_on(b, 100);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	assert_int_equal(bench_status(b).inflated_pages, 0);
}

/* The same frame by frame: what is left of each block is another one. */
static void ram_full_of_holes(void **state)
{
	struct bench *b = *state;

	for (uint64_t gfn = FREE + 1; gfn < FREE + NR; gfn += 2)
		meter_make_hole(b, gfn, 1);
	meter_post_chunk(b, INFLATE, FREE, NR);
	meter_go_on(b, 200);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
}

/* There, and not to be had: each is a call and a question of its own, and none holds up the rest for ever. */
static void ram_that_xen_does_not_release(void **state)
{
	struct bench *b = *state;

	meter.refusing = true;
	meter_post_chunk(b, INFLATE, FREE, 4096);
	meter_go_on(b, 1000);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	meter.refusing = false;
	meter_post_chunk(b, INFLATE, FREE, 4096);
	meter_go_on(b, 10);
	assert_int_equal(bench_status(b).ballooned_pages, 4096);
}

static void a_deflate_of_what_is_there(void **state)
{
	struct bench *b = *state;

	meter_post_chunk(b, DEFLATE, START, meter_order.pages - 1);
	meter_go_on(b, 60);
	meter_expect_used(b, DEFLATE);
}

static void an_inflate_of_what_is_in_the_balloon(void **state)
{
	struct bench *b = *state;

	meter_inflate_every_second(b);
	meter_post_chunk(b, INFLATE, FREE, NR);
	meter_go_on(b, 2000);
	meter_expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
}

static void frames_far_outside(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < 16; i++)
		meter_post_chunk(b, INFLATE, START + meter_order.pages, (UINT64_C(1) << 52) - 1 - START - meter_order.pages);
	meter_go_on(b, 10);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

/* --- a host in need --- */

static void a_heap_in_pieces(void **state)
{
	struct bench *b = *state;

	meter_post_chunk(b, INFLATE, FREE, NR);
	meter_go_on(b, 60);
	meter_expect_used(b, INFLATE);
	meter_set_heap_order(b, 0);
	meter_post_chunk(b, DEFLATE, FREE, NR);
	meter_go_on(b, 60);
	meter_expect_used(b, DEFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

static void a_reset_of_a_full_balloon(void **state)
{
	struct bench *b = *state;

	meter_inflate_every_second(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(bench_status(b).guest_paused);
	meter_go_on(b, 60);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(bench_status(b).guest_paused);
}

/* A frame that the guest took back past its driver, the last that is asked for: all of the balloon is. */
static void a_balloon_to_be_verified(void **state)
{
	struct bench *b = *state;
	uint64_t turns, ballooned;

	meter_inflate_every_second(b);
	ballooned = bench_status(b).ballooned_pages;
	bench_kill(b);
	meter_take_back(b, START + meter_order.pages - 4);
	meter_start(b);
	turns = meter.turns;
	do {
		METER(b, balloon_verify(b->balloon));
		meter_go_on(b, 20);
	} while (b->balloon->verify.active);
	assert_int_equal(bench_status(b).ballooned_pages, ballooned - 1);
	assert_in_range(meter.turns - turns, ballooned / (BUDGET_TURN / BUDGET_FRAME), 2000 * meter_scale());
}

/* --- memory of messages --- */

#define PARTS 256u

/* Chains of as many buffers as may be, each on a page of its own, 16 bytes long: a table of descriptors that all of them share. */
static void post_scattered(struct bench *b, unsigned int index, unsigned int chains)
{
	struct driver_queue *q = &b->driver.queue[index];
	struct driver_buf table = { .len = PARTS * 16 };
	unsigned char *desc = b->bus.bus.ops->alloc_page(&b->bus.bus, &table.gpa);
	uint16_t head;

	assert_non_null(desc);
	for (unsigned int i = 0; i < PARTS; i++) {
		uint64_t gpa;
		unsigned char *at = b->bus.bus.ops->alloc_page(&b->bus.bus, &gpa);

		assert_non_null(at);
		bulk_put(bulk_put(at, (uint64_t)(FREE + 2 * i) << 12, 8), 4096, 8);
		desc = bulk_put(desc, gpa, 8);
		desc = bulk_put(desc, 16, 4);
		desc = bulk_put(desc, i + 1 < PARTS, 2); /* VIRTQ_DESC_F_NEXT */
		desc = bulk_put(desc, i + 1, 2);
	}
	for (unsigned int c = 0; c < chains; c++) {
		assert_int_equal(driver_add(q, &table, 1, false, &head), 0);
		q->desc[head].flags = 4; /* VIRTQ_DESC_F_INDIRECT */
	}
	assert_int_equal(driver_kick(q), 0);
}

static void messages_on_many_pages(void **state)
{
	struct bench *b = *state;

	for (unsigned int index = INFLATE; index <= DEFLATE; index++) {
		post_scattered(b, index, 16);
		meter_go_on(b, 200);
		for (int i = 0; i < 16; i++)
			meter_expect_used(b, index);
	}
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).inflated_pages, PARTS);
	assert_true(meter.most_calls > 100);
}

/* --- other queues --- */

static void figures_without_end(void **state)
{
	struct bench *b = *state;
	unsigned int index = bench_queue(b, BALLOON_VQ_STATS);
	struct driver_buf buf = { .len = 10 };
	uint16_t head;

	assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa));
	for (int i = 0; i < 60; i++)
		assert_int_equal(driver_add(&b->driver.queue[index], &buf, 1, true, &head), 0);
	assert_int_equal(driver_kick(&b->driver.queue[index]), 0);
	assert_true(bench_status(b).work_pending);
	meter_go_on(b, 10);
	assert_int_equal(bench_status(b).stats_sequence, 60);
	/* a few for each buffer that a turn takes */
	assert_in_range(meter.most_calls, 1, 200);
}

static void kicks_of_all_queues_are_one_turn(void **state)
{
	struct bench *b = *state;
	uint16_t head;

	for (unsigned int index = INFLATE; index <= DEFLATE; index++) {
		struct driver_buf buf = { .len = 16 };
		unsigned char *at = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);

		assert_non_null(at);
		bulk_put(bulk_put(at, (uint64_t)(FREE + index * 20000) << 12, 8), 20000 << 12, 8);
		assert_int_equal(driver_add(&b->driver.queue[index], &buf, 1, false, &head), 0);
	}
	/* one call of the server finds all of them */
	meter_begin_call();
	assert_int_equal(xenvirtio_server_resume(b->server), 0);
	assert_in_range(meter.frames, 1, BUDGET_TURN / BUDGET_FRAME + 512);
	meter_end_call(b);
	meter_go_on(b, 100);
	meter_expect_used(b, INFLATE);
	meter_expect_used(b, DEFLATE);
}

/* What was collected and waits for its turn may be read by another queue meanwhile: it is not released under a mapping. */
static void a_frame_that_is_mapped_between_turns(void **state)
{
	struct bench *b = *state;
	const struct reservation_bucket *bucket = &b->balloon->reservation.release[0];
	unsigned char byte;
	uint64_t gfn;

	meter.refusing = true;
	meter_post_chunk(b, INFLATE, FREE, 4096);
	assert_true(bucket->nr > bucket->at);
	gfn = bucket->start[bucket->nr - 1].v;
	assert_int_equal(xenvirtio_gmem_read(b->gmem, xenvirtio_gpa(gfn << 12), &byte, 1), 0);
	assert_int_equal(fake_frame_maps(b->fake, xenvirtio_gfn(gfn)), 1);
	meter.refusing = false;
	meter_go_on(b, 20);
	assert_false(fake_present(b->fake, xenvirtio_gfn(gfn)));
}

/* Neither of two queues that never run dry keeps the other from its turns. */
static void both_page_queues_get_on(void **state)
{
	struct bench *b = *state;
	bool deflated = false;

	meter_post_chunk(b, INFLATE, FREE, 1000);
	meter_go_on(b, 10);
	meter_expect_used(b, INFLATE);
	meter_post_chunk(b, INFLATE, FREE + 10000, 40000);
	meter_post_chunk(b, DEFLATE, FREE, 1000);
	for (int i = 0; i < 6 && !deflated; i++) {
		METER(b, balloon_retry(b->balloon));
		deflated = fake_present(b->fake, xenvirtio_gfn(FREE + 999));
	}
	assert_true(deflated);
	assert_true(bench_status(b).work_pending);
	meter_go_on(b, 60);
	assert_int_equal(bench_status(b).ballooned_pages, 40000);
}

#define METERED(test) cmocka_unit_test_setup_teardown(test, meter_setup, meter_teardown)

static const struct CMUnitTest tests[] = {
	METERED(all_of_ram_and_back),
	METERED(ram_that_the_guest_has_given_away_itself),
	METERED(ram_full_of_holes),
	METERED(ram_that_xen_does_not_release),
	METERED(a_deflate_of_what_is_there),
	METERED(an_inflate_of_what_is_in_the_balloon),
	METERED(frames_far_outside),
	METERED(a_heap_in_pieces),
	METERED(a_reset_of_a_full_balloon),
	METERED(a_balloon_to_be_verified),
	METERED(messages_on_many_pages),
	METERED(figures_without_end),
	METERED(kicks_of_all_queues_are_one_turn),
	METERED(a_frame_that_is_mapped_between_turns),
	METERED(both_page_queues_get_on),
};

const struct budget_cases budget_cases = { tests, sizeof(tests) / sizeof(tests[0]) };
