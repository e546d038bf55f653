// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bulk messages at the device: large ones are worked on in slices, whole blocks go and come whole,
 * and of what cannot be decoded nothing is acknowledged.
 *
 * Whatever the message, bitmap, machine and published figure agree afterwards on every frame.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define ALL (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
enum { INFLATE, DEFLATE };

/* memory of a message that one chain names over and over */
#define PART_PAGES 256u
#define PART_BYTES (PART_PAGES * BUS_PAGE_BYTES)
#define PART_CHUNKS (PART_BYTES / 16)

static void start(struct bench *b, enum bulk_encoding encoding)
{
	b->encoding = encoding;
	assert_int_equal(bench_driver(b, ALL), 0);
}

/* --- what the hypervisor is asked for --- */

static struct xenvirtio_hv_ops counting;
static const struct xenvirtio_hv_ops *counted;
static uint64_t extents[2][XENVIRTIO_ORDER_MAX + 1];

static int count_release(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
			 unsigned int order, size_t *done)
{
	extents[INFLATE][order] += nr;
	return counted->release_pages(hv, gfn, nr, order, done);
}

static int count_populate(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
			  unsigned int order, size_t *done)
{
	extents[DEFLATE][order] += nr;
	return counted->populate_pages(hv, gfn, nr, order, done);
}

static void count_extents(struct bench *b)
{
	counted = b->hv->ops;
	counting = *counted;
	counting.release_pages = count_release;
	counting.populate_pages = count_populate;
	b->hv->ops = &counting;
	memset(extents, 0, sizeof(extents));
}

/* Blocks of 2 MiB in one message: one extent each, in both directions, whatever the encoding. */
static void whole_blocks_go_and_come_whole(void **state)
{
	const struct bulk_run blocks[] = { { 0x40800, 1024 }, { 0x40400, 512 }, { 0x200000, 512 } };
	struct bench *b = *state;

	for (int e = BULK_BITMAP; e < BULK_ENCODINGS; e++) {
		start(b, e);
		count_extents(b);
		assert_int_equal(bench_send_runs(b, INFLATE, blocks, 3), 0);
		assert_int_equal(bench_status(b).ballooned_pages, 4 * 512);
		assert_int_equal(extents[INFLATE][9], 4);
		bench_assert_exact(b);
		assert_int_equal(bench_send_runs(b, DEFLATE, blocks, 3), 0);
		assert_int_equal(bench_status(b).ballooned_pages, 0);
		assert_int_equal(extents[DEFLATE][9], 4);
		for (int order = 0; order < 9; order++) {
			assert_int_equal(extents[INFLATE][order], 0);
			assert_int_equal(extents[DEFLATE][order], 0);
		}
		bench_assert_exact(b);
		b->hv->ops = counted;
	}
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* The rest of a block that holds a ring goes; the ring stays. */
static void a_block_with_a_ring_in_it(void **state)
{
	struct bench *b = *state;
	struct bulk_run block = { 0x40000, 512 };
	uint64_t pages = 0;

	start(b, BULK_CHUNKS);
	count_extents(b);
	block.pfn += 1;
	block.nr -= 1;
	/* the rings of queues 1 and 2 are in it, and so is this message, on a page of its own */
	assert_int_equal(bench_send_runs(b, INFLATE, &block, 1), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 511 - 2);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 2);
	for (int order = 0; order <= 9; order++)
		pages += extents[INFLATE][order] << order;
	assert_int_equal(pages, 511 - 2);
	assert_true(fake_present(b->fake, xenvirtio_gfn(b->driver.queue[1].ring_gpa >> 12)));
	b->hv->ops = counted;
	bench_assert_exact(b);
}

/* --- large messages --- */

/* @part chunks of 1 MiB, @times over, as one chain; @last is the very last chunk. Not kicked. */
static void add_chunks(struct bench *b, unsigned int index, uint64_t (*frame)(size_t at),
		       unsigned int times, uint64_t last)
{
	struct driver_buf buf[DRIVER_QUEUE_SIZE_MAX] = { 0 };
	uint64_t gpa = 0;
	uint16_t head;

	for (size_t page = 0; page < PART_PAGES; page++) {
		unsigned char *at = b->bus.bus.ops->alloc_page(&b->bus.bus, &gpa);

		assert_non_null(at);
		if (!page)
			buf[0].gpa = gpa;
		for (size_t i = 0; i < BUS_PAGE_BYTES / 16; i++) {
			at = bulk_put(at, frame(page * BUS_PAGE_BYTES / 16 + i) << 12, 8);
			at = bulk_put(at, 4096, 8);
		}
	}
	for (unsigned int i = 0; i < times; i++)
		buf[i] = (struct driver_buf){ .gpa = buf[0].gpa, .len = PART_BYTES };
	if (last) {
		unsigned char *at = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf[times].gpa);

		assert_non_null(at);
		bulk_put(bulk_put(at, last << 12, 8), 4096, 8);
		buf[times++].len = 16;
	}
	assert_int_equal(driver_add(&b->driver.queue[index], buf, times, false, &head), 0);
}

static uint64_t one_frame(size_t at)
{
	return BENCH_FREE_GFN + at * 0;
}

static uint64_t every_second_frame(size_t at)
{
	return BENCH_FREE_GFN + 2 * (at % 1000);
}

static bool is_used(struct bench *b, unsigned int index)
{
	uint16_t head;
	uint32_t len;

	return !driver_collect(&b->driver.queue[index], &head, &len);
}

/* Served once, and not gone on with. */
/* The access alone: what the device puts off by it stays to be done. */
static void write_register(struct bench *b, uint32_t reg, uint32_t value)
{
	assert_int_equal(fake_mmio_start(b->fake, 0, BENCH_BASE + reg, 4, false, value), 0);
	assert_int_equal(xenvirtio_server_process(b->server), 0);
	assert_int_equal(fake_mmio_finish(b->fake, 0, NULL), 0);
}

static void notify(struct bench *b, unsigned int index)
{
	write_register(b, REG_QUEUE_NOTIFY, index);
}

/* A million: memory for runs stays within a slice, one call does a bounded part of it. */
static void a_million_chunks_of_one_page(void **state)
{
	struct bench *b = *state;
	unsigned int calls = 0;

	start(b, BULK_CHUNKS);
	add_chunks(b, INFLATE, every_second_frame, 16, 0);
	notify(b, INFLATE);
	for (; bench_status(b).work_pending; calls++) {
		assert_false(is_used(b, INFLATE));
		assert_int_equal(balloon_retry(b->balloon), 0);
	}
	assert_true(is_used(b, INFLATE));
	assert_in_range(calls, 10, 2000);
	assert_int_equal(bench_status(b).ballooned_pages, 1000);
	assert_true(b->balloon->inflate.slice.runs.room <= 16384);
	assert_true(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE) > 0);
	bench_assert_exact(b);
}

/* One more than 16 MiB of chunks is refused before any of it is done. */
static void more_than_a_million_chunks(void **state)
{
	struct bench *b = *state;

	start(b, BULK_CHUNKS);
	add_chunks(b, INFLATE, one_frame, 17, 0);
	assert_int_equal(driver_kick(&b->driver.queue[INFLATE]), 0);
	assert_true(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_false(is_used(b, INFLATE));
}

/* 100 frames in the balloon; a message for two of them stands still after one. */
static void start_stalled_deflate(struct bench *b)
{
	uint64_t all = fake_tot_pages(b->fake);

	start(b, BULK_CHUNKS);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 100), 0);
	fake_set_max_pages(b->fake, all - 99);
	add_chunks(b, DEFLATE, one_frame, 1, BENCH_FREE_GFN + 50);
	assert_int_equal(driver_kick(&b->driver.queue[DEFLATE]), 0);
	assert_int_equal(bench_run(b), 0);
}

/* The first slice came back, the last cannot: not acknowledged until all is there. */
static void a_deflate_stalls_in_its_last_slice(void **state)
{
	struct bench *b = *state;
	uint64_t all = fake_tot_pages(b->fake);

	start_stalled_deflate(b);
	assert_false(is_used(b, DEFLATE));
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_MAX_MEM);
	assert_int_equal(bench_status(b).stall_pages, 1);
	assert_int_equal(bench_status(b).ballooned_pages, 99);
	assert_true(fake_present(b->fake, xenvirtio_gfn(BENCH_FREE_GFN)));
	bench_assert_exact(b);
	fake_set_max_pages(b->fake, all);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_true(is_used(b, DEFLATE));
	assert_int_equal(bench_status(b).ballooned_pages, 98);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	bench_assert_exact(b);
}

/* Killed in the middle of a message: the successor begins it again, and counts no error for that. */
static void a_successor_does_the_message_again(void **state)
{
	struct bench *b = *state;
	uint64_t all = fake_tot_pages(b->fake);

	start_stalled_deflate(b);
	bench_kill(b);
	fake_set_max_pages(b->fake, all);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_true(is_used(b, DEFLATE));
	assert_int_equal(bench_status(b).ballooned_pages, 98);
	bench_assert_exact(b);
}

/* Wrong at its end: slices before that are done, exactly; nothing is acknowledged, a reset undoes it. */
static void a_large_message_that_ends_badly(void **state)
{
	struct bench *b = *state;

	start(b, BULK_CHUNKS);
	add_chunks(b, INFLATE, one_frame, 1, UINT64_C(1) << 51 | 1);
	assert_int_equal(driver_kick(&b->driver.queue[INFLATE]), 0);
	assert_int_equal(bench_run(b), 0);
	assert_true(is_used(b, INFLATE)); /* far outside, but a frame number */
	assert_int_equal(driver_reset(&b->driver), 0);

	start(b, BULK_BOTH);
	add_chunks(b, INFLATE, one_frame, 1, 0); /* no header: refused at once */
	assert_int_equal(driver_kick(&b->driver.queue[INFLATE]), 0);
	assert_true(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);

	start(b, BULK_CHUNKS);
	add_chunks(b, INFLATE, one_frame, 1, UINT64_C(1) << 52); /* << 12 is 0: a frame, not RAM */
	add_chunks(b, INFLATE, one_frame, 2, 0);
	b->bus.next_gfn -= PART_PAGES; /* the last chunk of the second message: */
	memset(fake_guest_page(b->fake, xenvirtio_gfn(b->bus.next_gfn + PART_PAGES - 1)), 0xff, 4096);
	assert_int_equal(driver_kick(&b->driver.queue[INFLATE]), 0);
	assert_int_equal(bench_run(b), 0);
	assert_true(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	bench_assert_exact(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
}

/* Broken by one queue, nothing more is taken from a message of another. */
static void a_broken_device_leaves_messages_alone(void **state)
{
	struct bench *b = *state;

	start(b, BULK_CHUNKS);
	add_chunks(b, INFLATE, every_second_frame, 16, 0);
	notify(b, INFLATE);
	assert_true(b->balloon->inflate.partial);
	assert_int_equal(xenvirtio_device_guest_fault(balloon_device(b->balloon),
						      XENVIRTIO_GUEST_BAD_MESSAGE, "of a test"), 0);
	assert_int_equal(bench_run(b), 0);
	assert_false(b->balloon->inflate.partial);
	assert_false(is_used(b, INFLATE));
	bench_assert_exact(b);
}

/* A driver may stop a queue in the middle of a message, and start it again: nothing is broken by that. */
static void a_queue_stopped_in_mid_message_breaks_nothing(void **state)
{
	struct bench *b = *state;

	for (unsigned int again = 0; again < 2; again++) {
		start(b, BULK_CHUNKS);
		add_chunks(b, INFLATE, every_second_frame, 16, 0);
		notify(b, INFLATE);
		assert_true(b->balloon->inflate.partial);
		write_register(b, REG_QUEUE_SEL, INFLATE);
		write_register(b, REG_QUEUE_READY, 0);
		assert_false(b->balloon->inflate.partial);
		if (again)
			write_register(b, REG_QUEUE_READY, 1);
		assert_int_equal(balloon_retry(b->balloon), 0);
		/* one that was started again finds the message in its ring, and begins anew */
		assert_int_equal(b->balloon->inflate.partial, again);
		assert_false(driver_status(&b->driver) & STATUS_NEEDS_RESET);
		assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_ADDRESS), 0);
		bench_assert_exact(b);
		assert_int_equal(driver_reset(&b->driver), 0);
	}
}

/* --- bad input --- */

#define HEADER(cmd, shift, len) ((uint64_t)(cmd) | (uint64_t)(shift) << 16 | (uint64_t)(len) << 32)
#define HEAD(pfn, shift, words) \
	((uint64_t)(pfn) | (uint64_t)(shift) << 52 | (uint64_t)(words) << 58)
#define RAM ((uint64_t)BENCH_FREE_GFN)
#define PFN_END (UINT64_C(1) << 52)

/* @pages: ballooned by it; BREAKS: it breaks the device */
#define BREAKS (-1)
static const struct {
	const char *name;
	enum bulk_encoding encoding;
	size_t bytes;
	uint64_t word[4];
	int pages;
	enum xenvirtio_guest_error counted;
} bad[] = {
	{ "page_shift 0", BULK_BITMAP, 16, { HEADER(0, 12, 8), HEAD(RAM, 0, 0) }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "page_shift 11", BULK_BITMAP, 16, { HEADER(0, 12, 8), HEAD(RAM, 11, 0) }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "page_shift 31", BULK_BITMAP, 16, { HEADER(0, 12, 8), HEAD(RAM, 31, 0) }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "page_shift 63", BULK_BITMAP, 16, { HEADER(0, 12, 8), HEAD(RAM, 63, 0) }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "good records before a bad one", BULK_BITMAP, 24,
	  { HEADER(0, 12, 16), HEAD(RAM, 12, 0), HEAD(RAM, 63, 0) }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "bmap_len past the end", BULK_BITMAP, 24, { HEADER(0, 12, 16), HEAD(RAM, 12, 2), 1 },
	  BREAKS, XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "start_pfn near 2^52", BULK_BITMAP, 16, { HEADER(0, 12, 8), HEAD(PFN_END - 1, 13, 0) },
	  BREAKS, XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "the last start_pfn", BULK_BITMAP, 16, { HEADER(0, 12, 8), HEAD(PFN_END - 1, 12, 0) }, 0,
	  XENVIRTIO_GUEST_BAD_PAGE },
	{ "the longest record, beyond RAM", BULK_BITMAP, 16,
	  { HEADER(0, 12, 8), HEAD(0x200000, 30, 0) }, 1024, XENVIRTIO_GUEST_BAD_PAGE },
	{ "chunk of size 0", BULK_CHUNKS, 16, { RAM << 12, 0 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "chunk of 2^52 bytes", BULK_CHUNKS, 16, { UINT64_C(0x200000) << 12, PFN_END }, 1024,
	  XENVIRTIO_GUEST_BAD_PAGE },
	{ "chunk of 2^52 pages less one", BULK_CHUNKS, 16,
	  { UINT64_C(0x200000) << 12, (PFN_END - 0x200000) << 12 }, 1024,
	  XENVIRTIO_GUEST_BAD_PAGE },
	{ "chunk past 2^52 pages", BULK_CHUNKS, 16, { RAM << 12, (PFN_END - 1) << 12 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "chunks that overlap", BULK_CHUNKS, 32, { RAM << 12, 4 << 12, (RAM + 2) << 12, 4 << 12 },
	  6, XENVIRTIO_GUEST_BAD_PAGE },
	{ "chunk in the hole between the ranges", BULK_CHUNKS, 16,
	  { UINT64_C(0x100000) << 12, 16 << 12 }, 0, XENVIRTIO_GUEST_BAD_PAGE },
	{ "chunk over a hole in RAM", BULK_CHUNKS, 16,
	  { (uint64_t)(BENCH_HOLE_GFN - 3) << 12, 4 << 12 }, 4, XENVIRTIO_GUEST_BAD_PAGE },
	{ "unaligned base", BULK_CHUNKS, 16, { (RAM << 12) + 1, 4096 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "unaligned size", BULK_CHUNKS, 16, { RAM << 12, 4097 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "half a chunk", BULK_CHUNKS, 24, { RAM << 12, 4096, RAM << 12 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "data_len too small", BULK_BOTH, 24, { HEADER(1, 12, 8), RAM << 12, 4096 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "data_len too large", BULK_BOTH, 24, { HEADER(1, 12, 32), RAM << 12, 4096 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "trailing bytes", BULK_BITMAP, 20, { HEADER(0, 12, 8), HEAD(RAM, 12, 0), 0 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "cmd 2", BULK_BOTH, 16, { HEADER(2, 12, 8), HEAD(RAM, 12, 0) }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "chunks that were not negotiated", BULK_BITMAP, 24, { HEADER(1, 12, 16), RAM << 12, 4096 },
	  BREAKS, XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "no bytes where a header is due", BULK_BITMAP, 0, { 0 }, BREAKS,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "header alone", BULK_BITMAP, 8, { HEADER(0, 12, 0) }, 0, XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "bitmap without a bit", BULK_BITMAP, 24, { HEADER(0, 12, 16), HEAD(RAM, 12, 1), 0 }, 0,
	  XENVIRTIO_GUEST_BAD_MESSAGE },
	{ "no bytes where chunks are due", BULK_CHUNKS, 0, { 0 }, 0, XENVIRTIO_GUEST_BAD_MESSAGE },
};

static void bad_messages_by_name(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned char msg[32], *at = msg;
		uint64_t before;

		for (size_t k = 0; k < 4; k++)
			at = bulk_put(at, bad[i].word[k], 8);
		for (unsigned int index = INFLATE; index <= DEFLATE; index++) {
			bool breaks = bad[i].pages == BREAKS;
			uint64_t pages = index == INFLATE && !breaks ? (uint64_t)bad[i].pages : 0;

			start(b, bad[i].encoding);
			before = bench_errors(b, bad[i].counted);
			assert_int_equal(bench_post_bytes(b, index, msg, bad[i].bytes), 0);
			assert_int_equal(bench_run(b), 0);
			if (is_used(b, index) == breaks ||
			    !(driver_status(&b->driver) & STATUS_NEEDS_RESET) == breaks ||
			    bench_status(b).ballooned_pages != pages ||
			    bench_errors(b, bad[i].counted) == before)
				fail_msg("%s: used, ballooned or counted wrongly, queue %u",
					 bad[i].name, index);
			bench_assert_exact(b);
			assert_int_equal(driver_reset(&b->driver), 0);
			assert_int_equal(bench_status(b).ballooned_pages, 0);
		}
	}
}

/* --- negotiation --- */

static void bits_are_the_callers(void **state)
{
	static const struct {
		struct balloon_bits bits;
		int ret;
	} cases[] = {
		{ { 0, 0, 0 }, 0 },
		{ { 50, 63, 0 }, 0 },
		{ { 0, 0, 60 }, 0 },
		{ { 49, 0, 0 }, -EINVAL },
		{ { 64, 0, 0 }, -EINVAL },
		{ { 56, 56, 0 }, -EINVAL },
		{ { 0, 57, 57 }, -EINVAL },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct balloon_config config = {
			.hv = b->hv, .gmem = b->gmem, .bits = cases[i].bits,
		};
		struct balloon *balloon;

		assert_int_equal(balloon_new(&balloon, &config, b->persist, b->persist_bytes, NULL),
				 cases[i].ret);
		if (!cases[i].ret)
			balloon_free(balloon);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(whole_blocks_go_and_come_whole),
		ON_BENCH(a_block_with_a_ring_in_it),
		ON_BENCH(a_million_chunks_of_one_page),
		ON_BENCH(more_than_a_million_chunks),
		ON_BENCH(a_deflate_stalls_in_its_last_slice),
		ON_BENCH(a_successor_does_the_message_again),
		ON_BENCH(a_large_message_that_ends_badly),
		ON_BENCH(a_broken_device_leaves_messages_alone),
		ON_BENCH(a_queue_stopped_in_mid_message_breaks_nothing),
		ON_BENCH(bad_messages_by_name),
		ON_BENCH(bits_are_the_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
