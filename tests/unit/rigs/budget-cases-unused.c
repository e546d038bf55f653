// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers to the question for unused pages, however much they name: read a turn at a time, beside all else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/budget-cases.h"
#include "unit/rigs/metered-bench.h"

/* A part of an answer: 1 MiB of chunks, each of which is all of RAM. */
static struct driver_buf write_answer(struct bench *b, uint64_t req_id)
{
	struct driver_buf part = { .gpa = (uint64_t)(START + 4096) << 12, .len = 1u << 20 };
	unsigned int nr = (part.len - 32) / 16;
	unsigned char *at = fake_guest_ptr(b->fake, xenvirtio_gpa(part.gpa), part.len);

	assert_non_null(at);
	part.len = 32 + nr * 16;
	at = bulk_put(bulk_put(bulk_put(bulk_put(at, 1, 2), 12, 2), 1, 2), 0, 2);
	at = bulk_put(bulk_put(bulk_put(at, req_id, 8), 0, 8), (uint64_t)nr * 16, 8);
	for (unsigned int i = 0; i < nr; i++)
		at = bulk_put(bulk_put(at, (uint64_t)START << 12, 8), (uint64_t)meter_order.pages << 12, 8);
	return part;
}

static void an_answer_that_names_all_of_ram_again_and_again(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[bench_queue(b, BALLOON_VQ_HOST_REQ)];
	struct driver_buf request = { .len = 16, .writable = true }, part;
	unsigned char *va = b->bus.bus.ops->alloc_page(&b->bus.bus, &request.gpa);
	uint64_t req_id;
	uint16_t head;

	assert_non_null(va);
	meter_inflate_every_second(b);
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	METER(b, balloon_request_unused(b->balloon));
	memcpy(&req_id, va + 8, 8);
	part = write_answer(b, req_id);
	for (int i = 0; i < 8; i++)
		assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	/* the message pages' frames are another queue's to take meanwhile */
	meter_post_chunk(b, DEFLATE, FREE, 2);
	assert_true(bench_status(b).work_pending);
	for (int i = 0; i < 2; i++)
		METER(b, balloon_retry(b->balloon));
	meter_expect_used(b, DEFLATE);
	meter_go_on(b, 4000);
	/* one more part with the end in it would do; this driver sends none */
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	assert_int_equal(bench_status(b).unused_pages, meter_order.pages - bench_status(b).ballooned_pages - 5);
	METER(b, balloon_release_unused(b->balloon));
	meter_go_on(b, 10);
}

/* Let go of in the middle: what is left of it is given back unread. */
static void an_answer_let_go_of(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[bench_queue(b, BALLOON_VQ_HOST_REQ)];
	struct driver_buf request = { .len = 16, .writable = true }, part;
	unsigned char *va = b->bus.bus.ops->alloc_page(&b->bus.bus, &request.gpa);
	uint64_t req_id;
	uint16_t head;
	uint32_t len;

	assert_non_null(va);
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	METER(b, balloon_request_unused(b->balloon));
	memcpy(&req_id, va + 8, 8);
	assert_int_equal(driver_collect(q, &head, &len), 0);
	part = write_answer(b, req_id);
	assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_true(b->balloon->hostreq.part_held);
	METER(b, balloon_release_unused(b->balloon));
	meter_go_on(b, 2);
	assert_int_equal(driver_collect(q, &head, &len), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_NONE);
}

/* An answer is read on however much the page queues have to do. */
static void kinds_of_work_take_turns(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[bench_queue(b, BALLOON_VQ_HOST_REQ)];
	struct driver_buf request = { .len = 16, .writable = true }, part;
	unsigned char *va = b->bus.bus.ops->alloc_page(&b->bus.bus, &request.gpa);
	uint64_t req_id, left, pages = 50000 * meter_scale();
	uint16_t head;

	assert_non_null(va);
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	METER(b, balloon_request_unused(b->balloon));
	memcpy(&req_id, va + 8, 8);
	part = write_answer(b, req_id);
	assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	meter_post_chunk(b, INFLATE, FREE, pages);
	left = xenvirtio_balloon_decoder_left(&b->balloon->hostreq.decoder);
	for (uint64_t i = 0; i < 2 * meter_scale() && xenvirtio_balloon_decoder_left(&b->balloon->hostreq.decoder) >= left; i++)
		METER(b, balloon_retry(b->balloon));
	assert_true(xenvirtio_balloon_decoder_left(&b->balloon->hostreq.decoder) < left);
	assert_true(bench_status(b).ballooned_pages > 0);
	assert_true(b->balloon->work & BALLOON_WORK_PAGES);
	meter_go_on(b, 100);
	assert_int_equal(bench_status(b).ballooned_pages, pages);
}

/* The RAM of a large guest is noted a window at a time: one run is as much work as its frames. */
static void noting_ends_with_the_turn(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[bench_queue(b, BALLOON_VQ_HOST_REQ)];
	struct driver_buf request = { .len = 16, .writable = true };
	struct balloon_unused *u = &b->balloon->unused;
	uint16_t head;

	assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &request.gpa));
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	METER(b, balloon_request_unused(b->balloon));
	for (uint64_t i = 0; i < 200; i++)
		assert_int_equal(xenvirtio_runs_add(&u->slice.runs, xenvirtio_gfn(FREE + 4 * i), 2), 0);
	budget_begin(&u->budget, 300);
	balloon_unused_begin(b->balloon);
	assert_false(balloon_unused_add(b->balloon));
	assert_in_range(bench_status(b).unused_pages, 2, 398);
	budget_begin(&u->budget, 300);
	assert_true(balloon_unused_add(b->balloon));
	assert_int_equal(bench_status(b).unused_pages, 400);
	METER(b, balloon_release_unused(b->balloon));
	meter_go_on(b, 2);
	METER(b, xenvirtio_server_process(b->server));
}

#define METERED(test) cmocka_unit_test_setup_teardown(test, meter_setup, meter_teardown)

static const struct CMUnitTest tests[] = {
	METERED(an_answer_that_names_all_of_ram_again_and_again),
	METERED(an_answer_let_go_of),
	METERED(kinds_of_work_take_turns),
	METERED(noting_ends_with_the_turn),
};

const struct budget_cases budget_cases_unused = { tests, sizeof(tests) / sizeof(tests[0]) };
