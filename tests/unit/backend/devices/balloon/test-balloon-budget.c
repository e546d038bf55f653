// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever a guest sends, no call takes more than a turn: frames moved or asked for, hypercalls and mappings are counted in each
 * call of the server and in each turn after it. Work goes on until it is done, and comes out exact.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define START 0x40000u
#define PAGES 65536u
/* of the guest's own, for rings and messages; the rest is the test's */
#define OWN 8192u
#define FREE (START + OWN)
#define NR (PAGES - OWN - 1)

/* A turn and the block that it ends in; what was paid for in one turn may be moved in the next, beside that one's own. */
#define FRAMES_MAX (2 * (BUDGET_TURN / BUDGET_FRAME + 512))
/* With what it may overrun, and the driver's access. */
#define CALLS_MAX ((BUDGET_TURN + BUDGET_OVERRUN) / BUDGET_CALL + 64)

enum { INFLATE, DEFLATE };

/* --- the meter --- */

static struct xenvirtio_hv_ops metered;
static const struct xenvirtio_hv_ops *real;
static uint64_t frames, calls, most_frames, most_calls, turns;
static bool refusing; /* no frame is released, though all are there */

static int meter_release(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order,
			 size_t *done)
{
	int ret = 0;

	calls++;
	*done = 0;
	if (!refusing)
		ret = real->release_pages(hv, gfn, nr, order, done);
	frames += *done << order;
	return ret;
}

static int meter_populate(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order,
			  size_t *done)
{
	int ret = real->populate_pages(hv, gfn, nr, order, done);

	calls++;
	frames += *done << order;
	return ret;
}

static int meter_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	calls++;
	frames += nr;
	return real->frames_present(hv, gfn, nr, present);
}

static int meter_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool writable, void **va)
{
	calls++;
	return real->map(hv, gfn, nr, writable, va);
}

static int meter_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	calls++;
	return real->unmap(hv, va, nr);
}

static int meter_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	calls++;
	return real->domain_info(hv, info);
}

static int meter_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	calls++;
	return real->set_irq(hv, irq, level);
}

static void end_call(const struct bench *b)
{
	/* looks at the bitmap are no calls; the longest step that may be begun when it is spent takes less than this */
	assert_true(b->balloon->reservation.budget.left > -2 * BUDGET_OVERRUN);
	assert_true(b->balloon->unused.budget.left > -2 * BUDGET_OVERRUN);
	most_frames = frames > most_frames ? frames : most_frames;
	most_calls = calls > most_calls ? calls : most_calls;
	frames = 0;
	calls = 0;
	turns++;
}

static int serve(void *opaque)
{
	struct bench *b = opaque;
	int ret = xenvirtio_server_process(b->server);

	end_call(b);
	return ret;
}

static void start_process(struct bench *b)
{
	assert_int_equal(bench_start(b), 0);
	real = b->hv->ops;
	metered = *real;
	metered.release_pages = meter_release;
	metered.populate_pages = meter_populate;
	metered.frames_present = meter_present;
	metered.map = meter_map;
	metered.unmap = meter_unmap;
	metered.domain_info = meter_info;
	metered.set_irq = meter_irq;
	b->hv->ops = &metered;
}

static int setup(void **state)
{
	const struct xenvirtio_gfn_range ram = { { START }, { START + PAGES - 1 } };
	const struct fake_config config = { .ram = { ram }, .nr_ram = 1 };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	b->persist_bytes = balloon_persist_bytes(&ram, 1);
	b->persist = calloc(1, b->persist_bytes);
	b->server_id = XENVIRTIO_IOREQ_NEW;
	b->encoding = BULK_CHUNKS;
	refusing = false;
	start_process(b);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, ram, xenvirtio_gfn(START + PAGES - 1), serve, NULL, b);
	b->driver.bus = &b->bus.bus;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST | F_STATS_VQ | F_FREE_PAGE_HINT | F_HOST_REQ_VQ | F_INDIRECT), 0);
	most_frames = most_calls = turns = 0;
	*state = b;
	return 0;
}

/* Each frame is where the bitmap says, and no call was more than a turn. */
static int teardown(void **state)
{
	struct bench *b = *state;
	struct xenvirtio_run run = { xenvirtio_gfn(START), PAGES - 1 }, piece;

	while (run.nr) {
		bool present = frames_next(&b->balloon->frames, &run, &piece) == FRAME_PRESENT;

		for (uint64_t i = 0; i < piece.nr; i++)
			assert_int_equal(fake_present(b->fake, xenvirtio_gfn(piece.start.v + i)), present);
	}
	print_message("# at most %llu frames and %llu calls at a time, in %llu turns\n", (unsigned long long)most_frames,
		      (unsigned long long)most_calls, (unsigned long long)turns);
	assert_in_range(most_frames, 0, FRAMES_MAX);
	assert_in_range(most_calls, 1, CALLS_MAX);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	assert_int_equal(fake_live_pages(b->fake), 0);
	bench_free(b);
	return 0;
}

/* Until nothing is left to do. @most: turns that it may take. */
static void go_on(struct bench *b, unsigned int most)
{
	unsigned int nr = 0;

	for (; bench_status(b).work_pending; nr++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		end_call(b);
		assert_in_range(nr, 0, most);
	}
}

static void post_chunk(struct bench *b, unsigned int index, uint64_t gfn, uint64_t nr)
{
	unsigned char msg[16];

	bulk_put(bulk_put(msg, gfn << 12, 8), nr << 12, 8);
	assert_int_equal(bench_post_bytes(b, index, msg, sizeof(msg)), 0);
}

static void expect_used(struct bench *b, unsigned int index)
{
	uint16_t head;
	uint32_t len;

	assert_int_equal(driver_collect(&b->driver.queue[index], &head, &len), 0);
}

/* Every second frame, in messages of a page. */
static void inflate_every_second(struct bench *b)
{
	struct bulk_run *run = calloc(NR / 2, sizeof(*run));
	uint64_t next = b->bus.next_gfn;
	size_t nr = 0;

	assert_non_null(run);
	for (uint64_t gfn = FREE; gfn + 1 < FREE + NR; gfn += 2)
		run[nr++] = (struct bulk_run){ gfn, 1 };
	for (size_t at = 0; at < nr; at += 8192) {
		unsigned char *msg = malloc(8192 * 16);
		size_t here = nr - at < 8192 ? nr - at : 8192;

		assert_non_null(msg);
		assert_int_equal(bench_post_bytes(b, INFLATE, msg, bulk_encode(BULK_CHUNKS, run + at, here, msg, 8192 * 16)),
				 0);
		free(msg);
		go_on(b, 200);
		expect_used(b, INFLATE);
		b->bus.next_gfn = next;
	}
	free(run);
}

/* --- sixteen bytes --- */

static void all_of_ram_and_back(void **state)
{
	struct bench *b = *state;

	post_chunk(b, INFLATE, FREE, NR);
	assert_true(bench_status(b).work_pending);
	go_on(b, 60);
	expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	post_chunk(b, DEFLATE, FREE, NR);
	go_on(b, 60);
	expect_used(b, DEFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

static void ram_that_the_guest_has_given_away_itself(void **state)
{
	struct bench *b = *state;

	fake_make_hole(b->fake, xenvirtio_gfn(FREE), NR);
	post_chunk(b, INFLATE, FREE, NR);
	go_on(b, 100);
	expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
	assert_int_equal(bench_status(b).inflated_pages, 0);
}

/* The same frame by frame: what is left of each block is another one. */
static void ram_full_of_holes(void **state)
{
	struct bench *b = *state;

	for (uint64_t gfn = FREE + 1; gfn < FREE + NR; gfn += 2)
		fake_make_hole(b->fake, xenvirtio_gfn(gfn), 1);
	post_chunk(b, INFLATE, FREE, NR);
	go_on(b, 200);
	expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
}

/* There, and not to be had: each is a call and a question of its own, and none holds up the rest for ever. */
static void ram_that_xen_does_not_release(void **state)
{
	struct bench *b = *state;

	refusing = true;
	post_chunk(b, INFLATE, FREE, 4096);
	go_on(b, 1000);
	expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	refusing = false;
	post_chunk(b, INFLATE, FREE, 4096);
	go_on(b, 10);
	assert_int_equal(bench_status(b).ballooned_pages, 4096);
}

static void a_deflate_of_what_is_there(void **state)
{
	struct bench *b = *state;

	post_chunk(b, DEFLATE, START, PAGES - 1);
	go_on(b, 60);
	expect_used(b, DEFLATE);
}

static void an_inflate_of_what_is_in_the_balloon(void **state)
{
	struct bench *b = *state;

	inflate_every_second(b);
	post_chunk(b, INFLATE, FREE, NR);
	go_on(b, 2000);
	expect_used(b, INFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, NR);
}

static void frames_far_outside(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < 16; i++)
		post_chunk(b, INFLATE, START + PAGES, (UINT64_C(1) << 52) - 1 - START - PAGES);
	go_on(b, 10);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

/* --- a host in need --- */

static void a_heap_in_pieces(void **state)
{
	struct bench *b = *state;

	post_chunk(b, INFLATE, FREE, NR);
	go_on(b, 60);
	expect_used(b, INFLATE);
	fake_set_heap_order(b->fake, 0);
	post_chunk(b, DEFLATE, FREE, NR);
	go_on(b, 60);
	expect_used(b, DEFLATE);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

static void a_reset_of_a_full_balloon(void **state)
{
	struct bench *b = *state;

	inflate_every_second(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(bench_status(b).guest_paused);
	go_on(b, 60);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(bench_status(b).guest_paused);
}

static void a_balloon_to_be_verified(void **state)
{
	struct bench *b = *state;

	inflate_every_second(b);
	bench_kill(b);
	start_process(b);
	while (b->balloon->verify.active || !b->balloon->reservation.base_known) {
		assert_int_equal(balloon_verify(b->balloon), 0);
		end_call(b);
		go_on(b, 20);
		assert_in_range(turns, 0, 2000);
	}
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
		go_on(b, 200);
		for (int i = 0; i < 16; i++)
			expect_used(b, index);
	}
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_status(b).inflated_pages, PARTS);
	assert_true(most_calls > 100);
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
	go_on(b, 10);
	assert_int_equal(bench_status(b).stats_sequence, 60);
	/* a few for each buffer that a turn takes */
	assert_in_range(most_calls, 1, 200);
}

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
		at = bulk_put(bulk_put(at, (uint64_t)START << 12, 8), (uint64_t)PAGES << 12, 8);
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
	inflate_every_second(b);
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	memcpy(&req_id, va + 8, 8);
	part = write_answer(b, req_id);
	for (int i = 0; i < 8; i++)
		assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	/* the message pages' frames are another queue's to take meanwhile */
	post_chunk(b, DEFLATE, FREE, 2);
	assert_true(bench_status(b).work_pending);
	for (int i = 0; i < 2; i++)
		assert_int_equal(balloon_retry(b->balloon), 0);
	expect_used(b, DEFLATE);
	go_on(b, 4000);
	/* one more part with the end in it would do; this driver sends none */
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_ASKED);
	assert_int_equal(bench_status(b).unused_pages, PAGES - bench_status(b).ballooned_pages - 5);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	go_on(b, 10);
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
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	memcpy(&req_id, va + 8, 8);
	assert_int_equal(driver_collect(q, &head, &len), 0);
	part = write_answer(b, req_id);
	assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_true(b->balloon->hostreq.part_held);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	go_on(b, 2);
	assert_int_equal(driver_collect(q, &head, &len), 0);
	assert_int_equal(bench_status(b).unused, BALLOON_UNUSED_NONE);
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
	assert_int_equal(xenvirtio_server_resume(b->server), 0);
	assert_in_range(frames, 1, BUDGET_TURN / BUDGET_FRAME + 512);
	end_call(b);
	go_on(b, 100);
	expect_used(b, INFLATE);
	expect_used(b, DEFLATE);
}

/* What was collected and waits for its turn may be read by another queue meanwhile: it is not released under a mapping. */
static void a_frame_that_is_mapped_between_turns(void **state)
{
	struct bench *b = *state;
	const struct reservation_bucket *bucket = &b->balloon->reservation.release[0];
	unsigned char byte;
	uint64_t gfn;

	refusing = true;
	post_chunk(b, INFLATE, FREE, 4096);
	assert_true(bucket->nr > bucket->at);
	gfn = bucket->start[bucket->nr - 1].v;
	assert_int_equal(xenvirtio_gmem_read(b->gmem, xenvirtio_gpa(gfn << 12), &byte, 1), 0);
	assert_int_equal(fake_frame_maps(b->fake, xenvirtio_gfn(gfn)), 1);
	refusing = false;
	go_on(b, 20);
	assert_false(fake_present(b->fake, xenvirtio_gfn(gfn)));
}

/* An answer is read on however much the page queues have to do. */
static void kinds_of_work_take_turns(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[bench_queue(b, BALLOON_VQ_HOST_REQ)];
	struct driver_buf request = { .len = 16, .writable = true }, part;
	unsigned char *va = b->bus.bus.ops->alloc_page(&b->bus.bus, &request.gpa);
	uint64_t req_id, left;
	uint16_t head;

	assert_non_null(va);
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	memcpy(&req_id, va + 8, 8);
	part = write_answer(b, req_id);
	assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	post_chunk(b, INFLATE, FREE, 50000);
	left = xenvirtio_balloon_decoder_left(&b->balloon->hostreq.decoder);
	for (int i = 0; i < 2; i++)
		assert_int_equal(balloon_retry(b->balloon), 0);
	end_call(b);
	assert_true(xenvirtio_balloon_decoder_left(&b->balloon->hostreq.decoder) < left);
	assert_true(bench_status(b).ballooned_pages > 0);
	assert_true(b->balloon->work & BALLOON_WORK_PAGES);
	go_on(b, 100);
	assert_int_equal(bench_status(b).ballooned_pages, 50000);
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
	assert_int_equal(balloon_request_unused(b->balloon), 0);
	for (uint64_t i = 0; i < 200; i++)
		assert_int_equal(xenvirtio_runs_add(&u->slice.runs, xenvirtio_gfn(FREE + 4 * i), 2), 0);
	budget_begin(&u->budget, 300);
	balloon_unused_begin(b->balloon);
	assert_false(balloon_unused_add(b->balloon));
	assert_in_range(bench_status(b).unused_pages, 2, 398);
	budget_begin(&u->budget, 300);
	assert_true(balloon_unused_add(b->balloon));
	assert_int_equal(bench_status(b).unused_pages, 400);
	assert_int_equal(balloon_release_unused(b->balloon), 0);
	go_on(b, 2);
	assert_int_equal(xenvirtio_server_process(b->server), 0);
	end_call(b);
}

/* Neither of two queues that never run dry keeps the other from its turns. */
static void both_page_queues_get_on(void **state)
{
	struct bench *b = *state;
	bool deflated = false;

	post_chunk(b, INFLATE, FREE, 1000);
	go_on(b, 10);
	expect_used(b, INFLATE);
	post_chunk(b, INFLATE, FREE + 10000, 40000);
	post_chunk(b, DEFLATE, FREE, 1000);
	for (int i = 0; i < 6 && !deflated; i++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		end_call(b);
		deflated = fake_present(b->fake, xenvirtio_gfn(FREE + 999));
	}
	assert_true(deflated);
	assert_true(bench_status(b).work_pending);
	go_on(b, 60);
	assert_int_equal(bench_status(b).ballooned_pages, 40000);
}

#define METERED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		METERED(an_answer_that_names_all_of_ram_again_and_again),
		METERED(an_answer_let_go_of),
		METERED(kicks_of_all_queues_are_one_turn),
		METERED(a_frame_that_is_mapped_between_turns),
		METERED(kinds_of_work_take_turns),
		METERED(noting_ends_with_the_turn),
		METERED(both_page_queues_get_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
