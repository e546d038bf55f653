// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages are unused: the driver is asked, by the host request queue or by free page hints.
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

#include "unit/rigs/balloon-bench.h"

#define ALL (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
#define RAM ((uint64_t)BENCH_FREE_GFN)
#define REG_CMD_ID (REG_CONFIG + 8)
#define REG_POISON_VAL (REG_CONFIG + 12)

enum { CONT = 1, DONE = 2 };

static uint64_t errors(struct bench *b, enum xenvirtio_guest_error kind)
{
	return bench_status(b).guest_errors[kind];
}

static struct driver_queue *queue(struct bench *b, enum balloon_vq vq)
{
	return &b->driver.queue[bench_queue(b, vq)];
}

static void *page(struct bench *b, uint64_t *gpa)
{
	void *va = b->bus.bus.ops->alloc_page(&b->bus.bus, gpa);

	assert_non_null(va);
	return va;
}

/* The device may fail. */
static int post_unsure(struct bench *b, enum balloon_vq vq, struct driver_buf buf)
{
	uint16_t head;
	int ret = driver_add(queue(b, vq), &buf, 1, false, &head);

	return ret ? ret : driver_kick(queue(b, vq));
}

static void post(struct bench *b, enum balloon_vq vq, struct driver_buf buf)
{
	assert_int_equal(post_unsure(b, vq, buf), 0);
}

static bool is_used(struct bench *b, enum balloon_vq vq, uint32_t *len)
{
	uint16_t head;

	return !driver_collect(queue(b, vq), &head, len);
}

/* Frames of all RAM that are unused, by the answer. */
static uint64_t count_unused(struct bench *b)
{
	struct xenvirtio_run run = { { 0 }, UINT64_C(1) << 52 }, piece;
	uint64_t count = 0;

	while (run.nr) {
		if (balloon_next_unused(b->balloon, &run, &piece))
			count += piece.nr;
	}
	return count;
}

static bool is_unused(struct bench *b, uint64_t gfn)
{
	struct xenvirtio_run run = { { gfn }, 1 }, piece;

	return balloon_next_unused(b->balloon, &run, &piece);
}

static void assert_unused(struct bench *b, enum balloon_unused_state state, uint64_t pages)
{
	assert_int_equal(bench_status(b).unused, state);
	assert_int_equal(count_unused(b), state == BALLOON_UNUSED_DONE ? pages : 0);
	assert_int_equal(bench_status(b).unused_pages, pages);
}

/* --- host request queue --- */

struct request {
	unsigned char *va;
	struct driver_buf buf;
};

static struct request request;

/* A driver that can be asked: its buffer is in the queue. */
static void start_host_req(struct bench *b, enum bulk_encoding encoding)
{
	b->encoding = encoding;
	assert_int_equal(bench_driver(b, ALL | F_HOST_REQ_VQ), 0);
	request.va = page(b, &request.buf.gpa);
	request.buf.len = 16;
	request.buf.writable = true;
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
}

static uint64_t ask(struct bench *b)
{
	uint64_t req_id;
	uint32_t len;

	assert_int_equal(balloon_request_unused(b->balloon), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 16);
	assert_int_equal(request.va[0] | request.va[1] << 8, 1);
	memcpy(&req_id, request.va + 8, sizeof(req_id));
	assert_true(req_id != 0);
	return req_id;
}

/* A part: @payload words behind the header. */
static struct driver_buf make_part(struct bench *b, uint64_t req_id, unsigned int flags,
				   uint64_t start, const uint64_t *payload, size_t words)
{
	struct driver_buf buf = { .len = 32 + 8 * (uint32_t)words };
	unsigned char *at = page(b, &buf.gpa);

	at = bulk_put(at, 1, 2);
	at = bulk_put(at, 12, 2);
	at = bulk_put(at, flags, 2);
	at = bulk_put(at, 0, 2);
	at = bulk_put(at, req_id, 8);
	at = bulk_put(at, start, 8);
	at = bulk_put(at, 8 * words, 8);
	for (size_t i = 0; i < words; i++)
		at = bulk_put(at, payload[i], 8);
	return buf;
}

static void answer(struct bench *b, uint64_t req_id, unsigned int flags, uint64_t start,
		   const uint64_t *payload, size_t words)
{
	post(b, BALLOON_VQ_HOST_REQ, make_part(b, req_id, flags, start, payload, words));
}

static void an_answer_in_bitmaps(void **state)
{
	const uint64_t first[] = { 0xff, 0, 1 }, second[] = { UINT64_MAX };
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	start_host_req(b, BULK_BITMAP);
	req_id = ask(b);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_AGAIN);
	answer(b, req_id, CONT, RAM, first, 3);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 0);
	assert_unused(b, BALLOON_UNUSED_ASKED, 9);
	answer(b, req_id, DONE, 0x200000, second, 1);
	/* the last part is ours until the pages may be used again */
	assert_false(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_unused(b, BALLOON_UNUSED_DONE, 9 + 64);
	assert_true(is_unused(b, RAM + 7) && is_unused(b, RAM + 128) && is_unused(b, 0x20003f));
	assert_false(is_unused(b, RAM + 8) || is_unused(b, RAM + 129) || is_unused(b, 0x200040));
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		assert_int_equal(errors(b, i), 0);

	/* and again, with another number */
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
	assert_true(ask(b) != req_id);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

static void an_answer_in_chunks(void **state)
{
	const uint64_t chunks[] = { RAM << 12, 512 << 12, UINT64_C(0x200000) << 12, 512 << 12 };
	struct bench *b = *state;

	for (int e = BULK_CHUNKS; e <= BULK_BOTH; e++) {
		start_host_req(b, e);
		answer(b, ask(b), DONE, 0, chunks, 4);
		assert_unused(b, BALLOON_UNUSED_DONE, 1024);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		assert_int_equal(driver_reset(&b->driver), 0);
	}
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
}

static void an_answer_of_nothing(void **state)
{
	struct bench *b = *state;

	start_host_req(b, BULK_PFNS);
	answer(b, ask(b), DONE, 0, NULL, 0);
	assert_unused(b, BALLOON_UNUSED_DONE, 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
}

/* Frames that cannot be are left out and counted; what comes back from the balloon is in use. */
static void only_ram_that_is_there_is_unused(void **state)
{
	const uint64_t all[] = { 0, UINT64_MAX << 24 };
	struct bench *b = *state;
	uint64_t rings = 4; /* each on a page of its own */

	start_host_req(b, BULK_CHUNKS);
	assert_int_equal(bench_send_run(b, 0, RAM, 100), 0);
	answer(b, ask(b), DONE, 0, all, 2);
	assert_unused(b, BALLOON_UNUSED_DONE, BENCH_RAM_PAGES - 100 - rings);
	assert_true(errors(b, XENVIRTIO_GUEST_BAD_PAGE) >= 2 + rings);
	assert_false(is_unused(b, b->driver.queue[1].ring_gpa >> 12));
	assert_false(is_unused(b, 0x3ffff) || is_unused(b, 0x41000) || is_unused(b, RAM));
	assert_int_equal(bench_send_run(b, 1, RAM, 100), 0);
	assert_false(is_unused(b, RAM));
	/* inflated and deflated meanwhile */
	assert_true(is_unused(b, RAM + 200));
	assert_int_equal(bench_send_run(b, 0, RAM + 200, 1), 0);
	assert_int_equal(bench_send_run(b, 1, RAM + 200, 1), 0);
	assert_false(is_unused(b, RAM + 200));
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	bench_assert_exact(b);
}

static void a_wrong_req_id_is_no_answer(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	start_host_req(b, BULK_BITMAP);
	req_id = ask(b);
	answer(b, req_id + 1, DONE, RAM, &word, 1);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
	/* too late: it has failed */
	answer(b, req_id, DONE, RAM, &word, 1);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(count_unused(b), 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	/* nothing was asked at all */
	answer(b, req_id + 7, DONE, RAM, &word, 1);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 2);
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
	answer(b, ask(b), DONE, RAM, &word, 1);
	assert_unused(b, BALLOON_UNUSED_DONE, 1);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* The driver asks for work again without having said DONE. */
static void an_answer_without_an_end(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;

	start_host_req(b, BULK_BITMAP);
	answer(b, ask(b), CONT, RAM, &word, 1);
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
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

	start_host_req(b, BULK_BITMAP);
	req_id = ask(b);
	answer(b, req_id, CONT, RAM, &word, 1);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	answer(b, req_id, CONT, RAM, &word, 1);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	answer(b, req_id, DONE, RAM, &word, 1);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
}

/* Parts without end: each comes back, memory does not grow, and a call does a bounded number. */
static void a_flood_of_parts(void **state)
{
	uint64_t words[500];
	struct bench *b = *state;
	uint64_t req_id, next_gfn;
	uint32_t len;

	start_host_req(b, BULK_BITMAP);
	req_id = ask(b);
	memset(words, 0x55, sizeof(words));
	next_gfn = b->bus.next_gfn;
	for (int i = 0; i < 2000; i++) {
		answer(b, req_id, CONT, 0x40000, words, 500);
		assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
		b->bus.next_gfn = next_gfn;
	}
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	/* every second frame of 4096 but the hole, which is an odd one, and what is outside of RAM */
	assert_in_range(bench_status(b).unused_pages, 2040, 2048);
	assert_true(b->balloon->unused.runs.room <= 32768);
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
		uint64_t before = errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), req_id;
		struct driver_buf buf = { .len = parts[i].len };
		unsigned char *at;

		start_host_req(b, parts[i].encoding);
		req_id = ask(b);
		at = page(b, &buf.gpa);
		for (size_t k = 0; k < 6; k++)
			at = bulk_put(at, k == 1 ? req_id : parts[i].word[k], 8);
		/* nothing readable is a buffer for a request, and too short for one */
		post(b, BALLOON_VQ_HOST_REQ, buf);
		assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
		assert_int_equal(len, 0);
		if (bench_status(b).unused != BALLOON_UNUSED_FAILED ||
		    errors(b, XENVIRTIO_GUEST_BAD_MESSAGE) == before)
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

	start_host_req(b, BULK_BITMAP);
	/* a second one: the first comes back unused */
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 0);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
	ask(b);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	page(b, &small.gpa);
	post(b, BALLOON_VQ_HOST_REQ, small);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 0);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 2);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
}

/* What follows the last part waits until that one is given back; it is not lost. */
static void what_follows_the_last_part_waits(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint64_t req_id;
	uint32_t len;

	start_host_req(b, BULK_BITMAP);
	req_id = ask(b);
	answer(b, req_id, DONE, RAM, &word, 1);
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
	assert_false(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_false(bench_status(b).work_pending);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(bench_run(b), 0);
	ask(b);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* The device process dies with the last part held: its successor gives it back, and can ask again. */
static void a_successor_lets_the_driver_go_on(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;
	uint32_t len;

	start_host_req(b, BULK_BITMAP);
	answer(b, ask(b), DONE, RAM, &word, 1);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
	assert_true(is_used(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 0);
	post(b, BALLOON_VQ_HOST_REQ, request.buf);
	/* and with the request's buffer held */
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	answer(b, ask(b), DONE, RAM, &word, 1);
	assert_unused(b, BALLOON_UNUSED_DONE, 1);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

static void a_reset_ends_the_question(void **state)
{
	const uint64_t word = 1;
	struct bench *b = *state;

	start_host_req(b, BULK_BITMAP);
	answer(b, ask(b), DONE, RAM, &word, 1);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_FAILED);
	assert_int_equal(count_unused(b), 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_EMPTY);
	start_host_req(b, BULK_BITMAP);
	ask(b);
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

/* --- free page hints --- */

static uint32_t read_cmd_id(struct bench *b)
{
	uint32_t cmd_id = 0;

	assert_int_equal(driver_read(&b->driver, REG_CMD_ID, &cmd_id), 0);
	return cmd_id;
}

static void send_command(struct bench *b, uint32_t cmd_id)
{
	struct driver_buf buf = { .len = 4 };
	uint32_t len;

	bulk_put(page(b, &buf.gpa), cmd_id, 4);
	post(b, BALLOON_VQ_FREE_PAGE, buf);
	assert_true(is_used(b, BALLOON_VQ_FREE_PAGE, &len));
	assert_int_equal(len, 0);
}

static void hint(struct bench *b, uint64_t gpa, uint32_t bytes)
{
	const struct driver_buf buf = { .gpa = gpa, .len = bytes, .writable = true };
	uint32_t len;

	post(b, BALLOON_VQ_FREE_PAGE, buf);
	assert_true(is_used(b, BALLOON_VQ_FREE_PAGE, &len));
	assert_int_equal(len, 0);
}

static void start_hint(struct bench *b)
{
	assert_int_equal(bench_driver(b, ALL | F_FREE_PAGE_HINT | F_PAGE_POISON), 0);
	assert_int_equal(read_cmd_id(b), 0);
}

static void hints_as_linux_gives_them(void **state)
{
	struct bench *b = *state;
	uint32_t cmd_id, pending, other;

	start_hint(b);
	assert_int_equal(driver_write(&b->driver, REG_POISON_VAL, 0xaaaaaaaa), 0);
	assert_int_equal(bench_status(b).poison_val, 0xaaaaaaaa);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	assert_int_equal(driver_read(&b->driver, REG_INTERRUPT_STATUS, &pending), 0);
	assert_int_equal(pending & 2, 2);
	cmd_id = read_cmd_id(b);
	assert_true(cmd_id > 1);
	send_command(b, cmd_id);
	hint(b, RAM << 12, 512 << 12);
	hint(b, UINT64_C(0x200000) << 12, 1024 << 12);
	assert_unused(b, BALLOON_UNUSED_ASKED, 512 + 1024);
	send_command(b, 0);
	assert_unused(b, BALLOON_UNUSED_DONE, 512 + 1024);
	assert_int_equal(read_cmd_id(b), cmd_id);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(read_cmd_id(b), 1);
	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		assert_int_equal(errors(b, i), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	other = read_cmd_id(b);
	assert_true(other > 1 && other != cmd_id);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* Hints that belong to no question, or to an older one, and parts of pages. */
static void hints_that_do_not_count(void **state)
{
	struct bench *b = *state;
	uint32_t cmd_id;

	start_hint(b);
	hint(b, RAM << 12, 4096);
	send_command(b, 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	cmd_id = read_cmd_id(b);
	hint(b, RAM << 12, 4096);
	send_command(b, 0);
	assert_unused(b, BALLOON_UNUSED_ASKED, 0);
	send_command(b, cmd_id + 1);
	hint(b, RAM << 12, 4096);
	send_command(b, cmd_id);
	hint(b, (RAM << 12) + 1, 4096);
	hint(b, RAM << 12, 4095);
	hint(b, (RAM << 12) + 4095, 4097);
	assert_unused(b, BALLOON_UNUSED_ASKED, 1);
	send_command(b, cmd_id + 1);
	hint(b, (RAM + 5) << 12, 4096);
	send_command(b, cmd_id);
	send_command(b, 0);
	assert_unused(b, BALLOON_UNUSED_DONE, 1);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
}

/* A hint outside of RAM breaks the queue as any buffer there does, and with it the question. */
static void a_hint_outside_of_ram(void **state)
{
	const struct driver_buf buf = { UINT64_C(0x100000) << 12, 4096, true };
	struct bench *b = *state;

	start_hint(b);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	send_command(b, read_cmd_id(b));
	post(b, BALLOON_VQ_FREE_PAGE, buf);
	assert_true(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_ADDRESS), 1);
	assert_int_equal(balloon_request_unused(b->balloon), XENVIRTIO_E_AGAIN);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_unused(b, BALLOON_UNUSED_FAILED, 0);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	start_hint(b);
	assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
	bench_assert_exact(b);
}

static void hints_of_rings_and_of_the_balloon(void **state)
{
	struct bench *b = *state;

	start_hint(b);
	assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	send_command(b, read_cmd_id(b));
	hint(b, UINT64_C(0x40000) << 12, 4095u << 12);
	assert_true(errors(b, XENVIRTIO_GUEST_BAD_PAGE) >= 5);
	assert_unused(b, BALLOON_UNUSED_ASKED, 4095 - 10 - 4);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	assert_int_equal(read_cmd_id(b), 1);
}

static void odd_commands(void **state)
{
	struct bench *b = *state;
	uint32_t len;

	start_hint(b);
	for (uint32_t bytes = 1; bytes < 9; bytes++) {
		struct driver_buf buf = { .len = bytes };

		if (bytes == 4)
			continue;
		page(b, &buf.gpa);
		post(b, BALLOON_VQ_FREE_PAGE, buf);
		assert_true(is_used(b, BALLOON_VQ_FREE_PAGE, &len));
	}
	assert_int_equal(errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 7);
	assert_false(driver_status(&b->driver) & STATUS_NEEDS_RESET);
}

/* The process dies while the driver holds pages for it: the successor says DONE. */
static void a_successor_ends_the_hints(void **state)
{
	struct bench *b = *state;
	uint32_t pending;

	start_hint(b);
	assert_int_equal(driver_write(&b->driver, REG_POISON_VAL, 7), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	send_command(b, read_cmd_id(b));
	assert_int_equal(driver_write(&b->driver, REG_INTERRUPT_ACK, 3), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(read_cmd_id(b), 1);
	assert_int_equal(bench_status(b).poison_val, 7);
	assert_int_equal(driver_read(&b->driver, REG_INTERRUPT_STATUS, &pending), 0);
	assert_int_equal(pending & 2, 2);
	assert_unused(b, BALLOON_UNUSED_NONE, 0);
}

/* --- queues --- */

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
		request.va = page(b, &request.buf.gpa);
		request.buf = (struct driver_buf){ request.buf.gpa, 16, true };
		post(b, BALLOON_VQ_HOST_REQ, request.buf);
		answer(b, ask(b), DONE, RAM, &word, 1);
		assert_unused(b, BALLOON_UNUSED_DONE, 1);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		if (sets[i] & F_FREE_PAGE_HINT)
			hint(b, RAM << 12, 4096);
		assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
		assert_int_equal(bench_send_run(b, 1, RAM, 10), 0);
	}
	for (int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		assert_int_equal(errors(b, i), 0);
}

static void a_queue_that_was_not_negotiated(void **state)
{
	struct bench *b = *state;

	assert_int_equal(driver_init(&b->driver, 5, F_MUST_TELL_HOST, 5), 0);
	for (unsigned int index = 2; index < 5; index++)
		assert_int_equal(driver_write(&b->driver, REG_QUEUE_NOTIFY, index), 0);
	assert_true(errors(b, XENVIRTIO_GUEST_BAD_QUEUE) >= 3);
	assert_int_equal(bench_send_run(b, 0, RAM, 10), 0);
	bench_assert_exact(b);
}

/* --- failures of the host --- */

static int ask_and_release(struct bench *b)
{
	const uint64_t word = 1;
	uint64_t req_id;
	int ret;

	request.va = page(b, &request.buf.gpa);
	request.buf = (struct driver_buf){ request.buf.gpa, 16, true };
	ret = post_unsure(b, BALLOON_VQ_HOST_REQ, request.buf);
	if (!ret)
		ret = balloon_request_unused(b->balloon);
	if (ret)
		return ret;
	memcpy(&req_id, request.va + 8, sizeof(req_id));
	ret = post_unsure(b, BALLOON_VQ_HOST_REQ, make_part(b, req_id, DONE, RAM, &word, 1));
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
		start_host_req(b, BULK_PFNS);
		ask(b);
		assert_int_equal(balloon_release_unused(b->balloon), 0);
		assert_int_equal(driver_reset(&b->driver), 0);
		assert_int_equal(xenvirtio_server_close(b->server), 0);
		bench_kill(b);
		assert_int_equal(fake_live_pages(b->fake), 0);
		fake_free(b->fake);
		free(b->persist);
		free(b);
		assert_true(nth < 1000);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

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
		ON_BENCH(hints_as_linux_gives_them),
		ON_BENCH(hints_that_do_not_count),
		ON_BENCH(a_hint_outside_of_ram),
		ON_BENCH(hints_of_rings_and_of_the_balloon),
		ON_BENCH(odd_commands),
		ON_BENCH(a_successor_ends_the_hints),
		ON_BENCH(queues_are_numbered_densely),
		ON_BENCH(a_queue_that_was_not_negotiated),
		cmocka_unit_test(every_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
