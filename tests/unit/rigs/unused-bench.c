// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See unused-bench.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/unused-bench.h"

struct host_request host_request;

static struct driver_queue *queue(struct bench *b, enum balloon_vq vq)
{
	return &b->driver.queue[bench_queue(b, vq)];
}

void *unused_page(struct bench *b, uint64_t *gpa)
{
	void *va = b->bus.bus.ops->alloc_page(&b->bus.bus, gpa);

	assert_non_null(va);
	return va;
}

int unused_try_post(struct bench *b, enum balloon_vq vq, struct driver_buf buf)
{
	uint16_t head;
	int ret = driver_add(queue(b, vq), &buf, 1, false, &head);

	return ret ? ret : driver_kick(queue(b, vq));
}

void unused_post(struct bench *b, enum balloon_vq vq, struct driver_buf buf)
{
	assert_int_equal(unused_try_post(b, vq, buf), 0);
}

bool unused_collect(struct bench *b, enum balloon_vq vq, uint32_t *len)
{
	uint16_t head;

	return !driver_collect(queue(b, vq), &head, len);
}

uint64_t count_unused(struct bench *b)
{
	struct xenvirtio_run run = { { 0 }, UINT64_C(1) << 52 }, piece;
	uint64_t count = 0;

	while (run.nr) {
		if (balloon_next_unused(b->balloon, &run, &piece))
			count += piece.nr;
	}
	return count;
}

bool is_unused(struct bench *b, uint64_t gfn)
{
	struct xenvirtio_run run = { { gfn }, 1 }, piece;

	return balloon_next_unused(b->balloon, &run, &piece);
}

void assert_unused(struct bench *b, enum balloon_unused_state state, uint64_t pages)
{
	assert_int_equal(bench_status(b).unused, state);
	assert_int_equal(count_unused(b), state == BALLOON_UNUSED_DONE ? pages : 0);
	assert_int_equal(bench_status(b).unused_pages, pages);
}

/* --- host request queue --- */

void host_req_start(struct bench *b, enum bulk_encoding encoding)
{
	b->encoding = encoding;
	assert_int_equal(bench_driver(b, ALL | F_HOST_REQ_VQ), 0);
	host_request.va = unused_page(b, &host_request.buf.gpa);
	host_request.buf.len = 16;
	host_request.buf.writable = true;
	unused_post(b, BALLOON_VQ_HOST_REQ, host_request.buf);
}

uint64_t host_req_ask(struct bench *b)
{
	uint64_t req_id;
	uint32_t len;

	assert_int_equal(balloon_request_unused(b->balloon), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	assert_true(unused_collect(b, BALLOON_VQ_HOST_REQ, &len));
	assert_int_equal(len, 16);
	assert_int_equal(host_request.va[0] | host_request.va[1] << 8, 1);
	memcpy(&req_id, host_request.va + 8, sizeof(req_id));
	assert_true(req_id != 0);
	return req_id;
}

struct driver_buf host_req_part(struct bench *b, uint64_t req_id, unsigned int flags,
				uint64_t start, const uint64_t *payload, size_t words)
{
	struct driver_buf buf = { .len = 32 + 8 * (uint32_t)words };
	unsigned char *at = unused_page(b, &buf.gpa);

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

void host_req_answer(struct bench *b, uint64_t req_id, unsigned int flags, uint64_t start,
		     const uint64_t *payload, size_t words)
{
	unused_post(b, BALLOON_VQ_HOST_REQ, host_req_part(b, req_id, flags, start, payload, words));
}

/* --- free page hints --- */

uint32_t hints_cmd_id(struct bench *b)
{
	uint32_t cmd_id = 0;

	assert_int_equal(driver_read(&b->driver, REG_CMD_ID, &cmd_id), 0);
	return cmd_id;
}

void hints_command(struct bench *b, uint32_t cmd_id)
{
	struct driver_buf buf = { .len = 4 };
	uint32_t len;

	bulk_put(unused_page(b, &buf.gpa), cmd_id, 4);
	unused_post(b, BALLOON_VQ_FREE_PAGE, buf);
	assert_true(unused_collect(b, BALLOON_VQ_FREE_PAGE, &len));
	assert_int_equal(len, 0);
}

void hints_send(struct bench *b, uint64_t gpa, uint32_t bytes)
{
	const struct driver_buf buf = { .gpa = gpa, .len = bytes, .writable = true };
	uint32_t len;

	unused_post(b, BALLOON_VQ_FREE_PAGE, buf);
	assert_true(unused_collect(b, BALLOON_VQ_FREE_PAGE, &len));
	assert_int_equal(len, 0);
}

void hints_start(struct bench *b)
{
	assert_int_equal(bench_driver(b, ALL | F_FREE_PAGE_HINT | F_PAGE_POISON), 0);
	assert_int_equal(hints_cmd_id(b), 0);
}
