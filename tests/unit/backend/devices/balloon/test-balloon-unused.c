// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages are unused: the driver is asked, by the host request queue.
 *
 * What comes out as unused was named by the driver in answer to this very question, and is RAM that
 * is there and no ring. Whatever the driver does, the balloon goes on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/unused-bench.h"

/* A question, its answer, and the end of it. */
static void assert_answers(struct bench *b)
{
	const uint64_t word = 1;

	host_req_answer(b, host_req_ask(b), DONE, RAM, &word, 1);
	assert_unused(b, BALLOON_UNUSED_DONE, 1);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

static void an_answer_in_bitmaps(void **state)
{
	const uint64_t first[] = { 0xff, 0, 1 }, second[] = { UINT64_MAX };
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	req_id = host_req_ask(b);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_AGAIN);
	host_req_answer(b, req_id, CONT, RAM, first, 3);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 0);
	assert_unused(b, BALLOON_UNUSED_ASKED, 9);
	host_req_answer(b, req_id, DONE, 0x200000, second, 1);
	/* the last part is ours until the pages may be used again */
	assert_false(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_unused(b, BALLOON_UNUSED_DONE, 9 + 64);
	assert_true(is_unused(b, RAM + 7) && is_unused(b, RAM + 128) && is_unused(b, 0x20003f));
	assert_false(is_unused(b, RAM + 8) || is_unused(b, RAM + 129) || is_unused(b, 0x200040));
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		assert_int_equal(bench_errors(b, i), 0);

	/* and again, with another number */
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	assert_true(host_req_ask(b) != req_id);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

static void an_answer_in_chunks(void **state)
{
	const uint64_t chunks[] = { RAM << 12, 512 << 12, UINT64_C(0x200000) << 12, 512 << 12 };
	struct bench *b = *state;

	for (int e = BULK_CHUNKS; e <= BULK_BOTH; e++) {
		host_req_start(b, e);
		host_req_answer(b, host_req_ask(b), DONE, 0, chunks, 4);
		assert_unused(b, BALLOON_UNUSED_DONE, 1024);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		assert_int_equal(driver_reset(&b->driver), 0);
	}
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
}

static void an_answer_of_nothing(void **state)
{
	struct bench *b = *state;

	host_req_start(b, BULK_PFNS);
	host_req_answer(b, host_req_ask(b), DONE, 0, NULL, 0);
	assert_unused(b, BALLOON_UNUSED_DONE, 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
}

/* Frames that cannot be are left out and counted; what comes back from the balloon is in use. */
static void only_ram_that_is_there_is_unused(void **state)
{
	const uint64_t all[] = { 0, UINT64_MAX << 24 };
	struct bench *b = *state;
	uint64_t rings = 4; /* each on a page of its own */

	host_req_start(b, BULK_CHUNKS);
	assert_int_equal(bench_send_run(b, 0, RAM, 100), 0);
	host_req_answer(b, host_req_ask(b), DONE, 0, all, 2);
	assert_unused(b, BALLOON_UNUSED_DONE, BENCH_RAM_PAGES - 100 - rings);
	assert_true(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE) >= 2 + rings);
	assert_false(is_unused(b, b->driver.queue[1].ring_gpa >> 12));
	assert_false(is_unused(b, 0x3ffff) || is_unused(b, 0x41000) || is_unused(b, RAM));
	assert_int_equal(bench_send_run(b, 1, RAM, 100), 0);
	assert_false(is_unused(b, RAM));
	/* inflated and deflated meanwhile */
	assert_true(is_unused(b, RAM + 200));
	assert_int_equal(bench_send_run(b, 0, RAM + 200, 1), 0);
	assert_int_equal(bench_send_run(b, 1, RAM + 200, 1), 0);
	assert_false(is_unused(b, RAM + 200));
	/* likewise, and it was due in between */
	assert_int_equal(balloon_set_target(b->balloon, 1000), 0);
	assert_true(is_unused(b, RAM + 300));
	assert_int_equal(bench_send_run(b, 0, RAM + 300, 1), 0);
	assert_int_equal(bench_status(b).due_pages, 1);
	assert_int_equal(bench_send_run(b, 1, RAM + 300, 1), 0);
	assert_int_equal(bench_status(b).due_pages, 0);
	assert_false(is_unused(b, RAM + 300));
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	bench_assert_exact(b);
}

static void a_wrong_req_id_is_no_answer(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	req_id = host_req_ask(b);
	host_req_answer(b, req_id + 1, DONE, RAM, &word, 1);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
	/* too late: it has failed */
	host_req_answer(b, req_id, DONE, RAM, &word, 1);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(count_unused(b), 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	/* nothing was asked at all */
	host_req_answer(b, req_id + 7, DONE, RAM, &word, 1);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 2);
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	assert_answers(b);
}

/* The driver asks for work again without having said DONE. */
static void an_answer_without_an_end(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;

	host_req_start(b, BULK_BITMAP);
	host_req_answer(b, host_req_ask(b), CONT, RAM, &word, 1);
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* Given up by the caller: later parts go back at once, and are no error of the driver. */
static void an_answer_that_nobody_waits_for(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	req_id = host_req_ask(b);
	host_req_answer(b, req_id, CONT, RAM, &word, 1);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	host_req_answer(b, req_id, CONT, RAM, &word, 1);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	host_req_answer(b, req_id, DONE, RAM, &word, 1);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
}

/* Parts without end: each comes back, memory does not grow, and a call does a bounded number. */
static void a_flood_of_parts(void **state)
{
	uint64_t words[500];
	struct bench *b = *state;
	uint64_t req_id, next_gfn;
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	req_id = host_req_ask(b);
	memset(words, 0x55, sizeof(words));
	next_gfn = b->bus.next_gfn;
	for (int i = 0; i < 200; i++) {
		host_req_answer(b, req_id, CONT, 0x40000, words, 500);
		assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
		b->bus.next_gfn = next_gfn;
	}
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	/* every second frame of 4096 but the hole, which is an odd one, and what is outside of RAM */
	assert_in_range(bench_status(b).unused_pages, 2040, 2048);
	assert_true(b->balloon->unused.slice.runs.room <= 8192);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

static void malformed_parts_end_the_question(void **state)
{
	static const struct {
		enum bulk_encoding encoding;
		uint32_t len;
		uint64_t word[6];	/* req_id is filled in */
	} parts[] = {
		{ BULK_BITMAP, 0, { 0 } },
		{ BULK_BITMAP, 31, { 0x0002000c0001, 0, RAM, 0 } },
		{ BULK_BITMAP, 32, { 0x0002000c0001, 0, RAM, 8 } },
		{ BULK_BITMAP, 40, { 0x0002000c0001, 0, RAM, 0, 1 } },
		{ BULK_BITMAP, 40, { 0x0002000c0001, 0, RAM, UINT64_MAX, 1 } },
		{ BULK_BITMAP, 40, { 0x0000000c0001, 0, RAM, 8, 1 } },
		{ BULK_BITMAP, 40, { 0x0003000c0001, 0, RAM, 8, 1 } },
		{ BULK_BITMAP, 40, { 0x0002000b0001, 0, RAM, 8, 1 } },
		{ BULK_BITMAP, 40, { 0x0002000c0002, 0, RAM, 8, 1 } },
		{ BULK_BITMAP, 36, { 0x0002000c0001, 0, RAM, 4, 1 } },
		{ BULK_BITMAP, 40, { 0x0002000c0001, 0, UINT64_C(1) << 52, 8, 1 } },
		{ BULK_BITMAP, 40, { 0x0002000c0001, 0, UINT64_MAX, 8, 1 } },
		{ BULK_CHUNKS, 48, { 0x0002000c0001, 0, RAM, 16, RAM << 12, 4096 } },
		{ BULK_CHUNKS, 40, { 0x0002000c0001, 0, 0, 8, RAM << 12 } },
		{ BULK_CHUNKS, 48, { 0x0002000c0001, 0, 0, 16, RAM << 12, 0 } },
		{ BULK_CHUNKS, 48, { 0x0002000c0001, 0, 0, 16, RAM << 12, 4095 } },
	};
	struct bench *b = *state;
	uint32_t len;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t before = bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), req_id;
		struct driver_buf buf = { .len = parts[i].len };
		unsigned char *at;

		host_req_start(b, parts[i].encoding);
		req_id = host_req_ask(b);
		at = unused_page(b, &buf.gpa);
		for (size_t k = 0; k < 6; k++)
			at = bulk_put(at, k == 1 ? req_id : parts[i].word[k], 8);
		/* nothing readable is a buffer for a request, and too short for one */
		unused_post(b, BALLOON_VQ_HOST_REQ, buf);
		assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
		assert_int_equal(len, 0);
		if (bench_status(b).unused != BALLOON_UNUSED_FAILED ||
		    bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE) == before)
			fail_msg("part %zu was taken for good", i);
		assert_false(driver_status(&b->driver) & STATUS_NEEDS_RESET);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
		assert_int_equal(driver_reset(&b->driver), 0);
	}
	bench_assert_exact(b);
}

static void odd_buffers_for_a_request(void **state)
{
	struct bench *b = *state;
	struct driver_buf small = { .len = 15, .writable = true };
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	/* a second one: the first comes back unused */
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
	host_req_ask(b);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	unused_page(b, &small.gpa);
	unused_post(b, BALLOON_VQ_HOST_REQ, small);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 2);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
}

/* What follows the last part waits until that one is given back; it is not lost. */
static void what_follows_the_last_part_waits(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	req_id = host_req_ask(b);
	host_req_answer(b, req_id, DONE, RAM, &word, 1);
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	assert_false(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_false(bench_status(b).work_pending);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(bench_run(b), 0);
	host_req_ask(b);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* The device process dies with the last part held: its successor gives it back, and can ask again. */
static void a_successor_lets_the_driver_go_on(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint32_t len;

	host_req_start(b, BULK_BITMAP);
	host_req_answer(b, host_req_ask(b), DONE, RAM, &word, 1);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	/* and with the request's buffer held */
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_answers(b);
}

static void a_reset_ends_the_question(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;

	host_req_start(b, BULK_BITMAP);
	host_req_answer(b, host_req_ask(b), DONE, RAM, &word, 1);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(count_unused(b), 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	host_req_start(b, BULK_BITMAP);
	host_req_ask(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

static void a_driver_that_cannot_be_asked(void **state)
{
	struct bench *b = *state;

	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	/* its buffer is not there yet */
	assert_int_equal(bench_driver(b, ALL | F_HOST_REQ_VQ), 0);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
}

/* Numbers are dense over what was negotiated, whatever that is. */
static void queues_are_numbered_densely(void **state)
{
	static const uint64_t sets[] = { 0, F_STATS_VQ, F_FREE_PAGE_HINT, F_STATS_VQ | F_FREE_PAGE_HINT };
	const uint64_t word = 1;
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		b->encoding = BULK_BITMAP;
		assert_int_equal(bench_driver(b, F_MUST_TELL_HOST | F_HOST_REQ_VQ | sets[i]), 0);
		assert_int_equal(b->driver.nr_queues, 3 + !!(sets[i] & F_STATS_VQ) +
							  !!(sets[i] & F_FREE_PAGE_HINT));
		host_request.va = unused_page(b, &host_request.buf.gpa);
		host_request.buf = (struct driver_buf){ host_request.buf.gpa, 16, true };
		unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
		host_req_answer(b, host_req_ask(b), DONE, RAM, &word, 1);
		assert_unused(b, BALLOON_UNUSED_DONE, 1);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		if (sets[i] & F_FREE_PAGE_HINT)
			hints_send(b, RAM << 12, 4096);
		assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
		assert_int_equal(bench_send_run(b, 1, RAM, 10), 0);
	}
	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		assert_int_equal(bench_errors(b, i), 0);
}

static void a_queue_that_was_not_negotiated(void **state)
{
	struct bench *b = *state;

	assert_int_equal(driver_init(&b->driver, 5, F_MUST_TELL_HOST, 5), 0);
	for (unsigned int index = 2; index < 5; index++)
		assert_int_equal(driver_write(&b->driver, REG_QUEUE_NOTIFY, index), 0);
	assert_true(bench_errors(b, XENVIRTIO_GUEST_BAD_QUEUE) >= 3);
	assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
	bench_assert_exact(b);
}

static int ask_and_release(struct bench *b)
{
	const uint64_t word = 1;
	uint64_t req_id;
	int ret;

	host_request.va = unused_page(b, &host_request.buf.gpa);
	host_request.buf = (struct driver_buf){ host_request.buf.gpa, 16, true };
	ret = unused_try_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
	if (!ret)
		ret = balloon_request_unused(b->balloon);
	if (ret)
		return ret;
	memcpy(&req_id, host_request.va + 8, sizeof(req_id));
	ret = unused_try_post(b, BALLOON_VQ_HOST_REQ,
			      host_req_part(b, req_id, DONE, RAM, &word, 1));
	return ret ? ret : balloon_release_unused(b->balloon);
}

/* At any call: the error comes out or the vcpu waits, nothing is leaked, a successor goes on. */
static void every_call_may_fail(void **state)
{
	bool failed = true;

	for (uint64_t nth = 1; failed; nth++) {
		struct bench *b;
		void *fresh;

		assert_int_equal(bench_setup(&fresh), 0);
		b = fresh;
		assert_int_equal(bench_driver(b, ALL | F_HOST_REQ_VQ), 0);
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		ask_and_release(b);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		bench_kill(b);
		assert_int_equal(fake_live_pages(b->fake), 0);
		assert_int_equal(bench_start(b), 0);
		assert_int_equal(bench_run(b), 0);
		while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
			assert_int_equal(bench_run(b), 0);
		host_req_start(b, BULK_PFNS);
		host_req_ask(b);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		assert_int_equal(driver_reset(&b->driver), 0);
		assert_int_equal(xenvirtio_server_close(b->server), 0);
		bench_kill(b);
		assert_int_equal(fake_live_pages(b->fake), 0);
		bench_free(b);
		assert_true(nth < 1000);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

/* A driver that stopped the queue has its buffer back: it is not written to, and nobody is at fault. */
static void a_stopped_queue_is_not_asked(void **state)
{
	struct bench *b = *state;

	host_req_start(b, BULK_BITMAP);
	assert_int_equal(driver_write(&b->driver, REG_QUEUE_SEL, bench_queue(b, BALLOON_VQ_HOST_REQ)), 0);
	assert_int_equal(driver_write(&b->driver, REG_QUEUE_READY, 0), 0);
	memset(host_request.va, 0x5a, 16);
	balloon_request_unused(b->balloon);
	assert_int_equal(host_request.va[0], 0x5a);
	assert_false(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_ADDRESS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(an_answer_in_bitmaps),
		ON_BENCH(an_answer_in_chunks),
		ON_BENCH(an_answer_of_nothing),
		ON_BENCH(only_ram_that_is_there_is_unused),
		ON_BENCH(a_wrong_req_id_is_no_answer),
		ON_BENCH(an_answer_without_an_end),
		ON_BENCH(an_answer_that_nobody_waits_for),
		ON_BENCH(a_flood_of_parts),
		ON_BENCH(malformed_parts_end_the_question),
		ON_BENCH(odd_buffers_for_a_request),
		ON_BENCH(what_follows_the_last_part_waits),
		ON_BENCH(a_successor_lets_the_driver_go_on),
		ON_BENCH(a_reset_ends_the_question),
		ON_BENCH(a_driver_that_cannot_be_asked),
		ON_BENCH(queues_are_numbered_densely),
		ON_BENCH(a_queue_that_was_not_negotiated),
		cmocka_unit_test(every_call_may_fail),
		ON_BENCH(a_stopped_queue_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
