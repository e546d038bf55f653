// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon device in front of a driver, each case in each encoding of its messages: what is acknowledged has been done, what is published is
 * what the machine holds back, to the frame.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define ALL (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
enum { INFLATE, DEFLATE, STATS };

static void inflate_and_deflate_are_exact(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 2000), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 2000);
	bench_assert_exact(b);
	assert_int_equal(bench_send_run(b, INFLATE, 0x200000, 1024), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 3024);
	bench_assert_exact(b);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN + 100, 500), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 2524);
	bench_assert_exact(b);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 2000), 0);
	assert_int_equal(bench_send_run(b, DEFLATE, 0x200000, 1024), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
	/* the 500 deflated twice are an error of the driver; three messages name some of them */
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 3);
}

/* Without MUST_TELL_HOST the driver would touch pages that are gone. */
static void a_driver_that_does_not_tell_is_refused(void **state)
{
	struct bench *b = *state;

	assert_int_not_equal(bench_driver(b, F_STATS_VQ), 0);
	assert_false(driver_status(&b->driver) & STATUS_FEATURES_OK);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_FEATURES), 1);
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
}

static void the_target_reaches_the_driver(void **state)
{
	struct bench *b = *state;
	uint64_t before, num_pages, pending;

	assert_int_equal(balloon_set_target(b->balloon, 77), 0);
	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(b->bus.bus.ops->read(&b->bus.bus, REG_CONFIG, 4, &num_pages), 0);
	assert_int_equal(num_pages, 77);

	before = fake_irqs(b->fake, BENCH_IRQ, true);
	assert_int_equal(balloon_set_target(b->balloon, 1000), 0);
	assert_int_equal(fake_irqs(b->fake, BENCH_IRQ, true), before + 1);
	assert_int_equal(b->bus.bus.ops->read(&b->bus.bus, REG_INTERRUPT_STATUS, 4, &pending), 0);
	assert_int_equal(pending & 2, 2);
	assert_int_equal(b->bus.bus.ops->read(&b->bus.bus, REG_CONFIG, 4, &num_pages), 0);
	assert_int_equal(num_pages, 1000);
	/* the same again is no change */
	assert_int_equal(balloon_set_target(b->balloon, 1000), 0);
	assert_int_equal(fake_irqs(b->fake, BENCH_IRQ, true), before + 1);
	assert_int_equal(balloon_set_target(b->balloon, BENCH_RAM_PAGES + 1), -EINVAL);
	assert_int_equal(bench_status(b).target_pages, 1000);
}

static void actual_is_the_drivers_and_num_pages_is_not(void **state)
{
	struct bench *b = *state;
	struct bus *bus = &b->bus.bus;
	uint64_t val;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bus->ops->write(bus, REG_CONFIG, 4, 999), 0);
	assert_int_equal(bus->ops->write(bus, REG_CONFIG + 4, 4, 0xdeadbeef), 0);
	assert_int_equal(bench_status(b).actual_pages, 0xdeadbeef);
	assert_int_equal(bench_status(b).target_pages, 0);
	assert_int_equal(bus->ops->write(bus, REG_CONFIG + 4, 2, 0x1234), 0);
	assert_int_equal(bench_status(b).actual_pages, 0xdead1234);
	assert_int_equal(bus->ops->read(bus, REG_CONFIG, 4, &val), 0);
	assert_int_equal(val, 0);
}

/* Each page that cannot be costs itself; the rest of its message is done. */
static void pages_that_cannot_be_are_skipped(void **state)
{
	struct bench *b = *state;
	uint32_t ring_pfn;
	uint32_t pfn[] = {
		BENCH_FREE_GFN, 0, UINT32_MAX, 0x3ffff, 0x41000, BENCH_FREE_GFN + 1,
		BENCH_FREE_GFN + 1, BENCH_HOLE_GFN, 0 /* the ring */, BENCH_FREE_GFN + 2,
	};

	assert_int_equal(bench_driver(b, ALL), 0);
	ring_pfn = (uint32_t)(b->driver.queue[DEFLATE].ring_gpa >> 12);
	pfn[8] = ring_pfn;
	assert_int_equal(bench_send(b, INFLATE, pfn, sizeof(pfn) / sizeof(pfn[0])), 0);
	/* three, and the hole: nobody has a frame there */
	assert_int_equal(bench_status(b).ballooned_pages, 3 + 1);
	assert_int_equal(bench_status(b).inflated_pages, 3);
	bench_assert_exact(b);
	assert_true(fake_present(b->fake, xenvirtio_gfn(ring_pfn)));
	assert_true(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE) >= 4);
	/* still a working device */
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 3), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 1);
	bench_assert_exact(b);
}

static void a_repeated_inflate_is_harmless(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_driver(b, ALL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 100), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 100);
	assert_int_equal(bench_status(b).inflated_pages, 100);
	bench_assert_exact(b);
}

/* A message of bytes that are no page numbers: nothing is done, nothing acknowledged. */
static void a_message_of_odd_length_breaks_the_device(void **state)
{
	struct bench *b = *state;
	struct driver_buf buf = { .len = 1023 };
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa));
	assert_int_equal(driver_add(&b->driver.queue[DEFLATE], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&b->driver.queue[DEFLATE]), 0);
	assert_int_equal(driver_wait(&b->driver.queue[DEFLATE], &head, &len), -ETIMEDOUT);
	assert_true(driver_status(&b->driver) & STATUS_NEEDS_RESET);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), 1);
	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 10), 0);
	bench_assert_exact(b);
}

/* Never acknowledged falsely: the deflate waits until every page is there. */
static void a_deflate_over_max_mem_waits(void **state)
{
	struct bench *b = *state;
	uint64_t all = fake_tot_pages(b->fake);
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 512), 0);
	fake_set_max_pages(b->fake, all - 412);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 200), -ETIMEDOUT);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_MAX_MEM);
	assert_int_equal(bench_status(b).stall_pages, 100);
	assert_int_equal(bench_status(b).ballooned_pages, 412);
	assert_int_equal(bench_status(b).stalls, 1);
	bench_assert_exact(b);

	/* another try changes nothing and is not another stall */
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).stalls, 1);
	assert_int_equal(driver_collect(&b->driver.queue[DEFLATE], &head, &len), DRIVER_EMPTY);

	fake_set_max_pages(b->fake, all);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_int_equal(driver_collect(&b->driver.queue[DEFLATE], &head, &len), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 312);
	bench_assert_exact(b);
}

static void a_deflate_without_host_memory_waits(void **state)
{
	struct bench *b = *state;
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 512), 0);
	fake_set_heap(b->fake, 7);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 256), -ETIMEDOUT);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_HOST);
	assert_int_equal(bench_status(b).stall_pages, 249);
	bench_assert_exact(b);
	/* inflating goes on, and what it releases goes to the deflate that waits */
	assert_int_equal(bench_send_run(b, INFLATE, 0x200000, 256), 0);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_int_equal(driver_collect(&b->driver.queue[DEFLATE], &head, &len), 0);
	bench_assert_exact(b);
}

/* A driver that goes without deflating leaves holes nobody knows of: they are filled at the reset. */
static void a_reset_fills_the_holes(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 1500), 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
	assert_int_equal(bench_driver(b, ALL), 0);
}

static void no_driver_until_the_holes_are_filled(void **state)
{
	struct bench *b = *state;
	uint64_t all = fake_tot_pages(b->fake);

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 1500), 0);
	fake_set_max_pages(b->fake, all - 100);
	assert_int_not_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_MAX_MEM);
	assert_int_equal(bench_status(b).ballooned_pages, 100);
	assert_int_equal(bench_status(b).stall_pages, 100);
	bench_assert_exact(b);
	fake_set_max_pages(b->fake, all);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_int_equal(bench_driver(b, ALL), 0);
	bench_assert_exact(b);
}

static void put_stat(unsigned char *at, uint16_t tag, uint64_t value)
{
	memcpy(at, &tag, sizeof(tag));
	memcpy(at + sizeof(tag), &value, sizeof(value));
}

static void statistics_are_held_until_asked_for(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[STATS];
	struct driver_buf buf = { .len = 20 };
	unsigned char *page;
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(balloon_request_stats(b->balloon), XENVIRTIO_E_EMPTY);
	page = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);
	assert_non_null(page);
	put_stat(page, BALLOON_STAT_FREE_MEMORY, 123456789);
	put_stat(page + 10, BALLOON_STAT_DIRECT_RECLAIM, 5);
	assert_int_equal(driver_add(q, &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(driver_collect(q, &head, &len), DRIVER_EMPTY);
	assert_int_equal(bench_status(b).stats_sequence, 1);
	assert_int_equal(bench_status(b).stats_valid,
			 1u << BALLOON_STAT_FREE_MEMORY | 1u << BALLOON_STAT_DIRECT_RECLAIM);
	assert_int_equal(bench_status(b).stats[BALLOON_STAT_FREE_MEMORY], 123456789);

	assert_int_equal(balloon_request_stats(b->balloon), 0);
	assert_int_equal(driver_collect(q, &head, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(balloon_request_stats(b->balloon), XENVIRTIO_E_EMPTY);
	/* the figures and the balloon are of one moment */
	assert_int_equal(bench_status(b).stats_ballooned_pages, 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 10), 0);
	assert_int_equal(bench_status(b).stats_ballooned_pages, 0);
	put_stat(page, BALLOON_STAT_FREE_MEMORY, 1);
	assert_int_equal(driver_add(q, &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(bench_status(b).stats_sequence, 2);
	assert_int_equal(bench_status(b).stats[BALLOON_STAT_FREE_MEMORY], 1);
	assert_int_equal(bench_status(b).stats_ballooned_pages, 10);
}

/* Buffers of 0, 9 and 641 bytes: counted, kept, no figures taken, the device goes on. */
static void odd_statistics_buffers_are_kept(void **state)
{
	static const uint32_t lengths[] = { 0, 9, 641, 4090 };
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[STATS];
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct driver_buf buf = { .len = lengths[i] };

		assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa));
		assert_int_equal(driver_add(q, &buf, 1, false, &head), 0);
		assert_int_equal(driver_kick(q), 0);
		assert_int_equal(bench_status(b).stats_sequence, 0);
		assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_MESSAGE), i + 1);
		assert_int_equal(balloon_request_stats(b->balloon), 0);
		assert_int_equal(driver_collect(q, &head, &len), 0);
	}
	assert_false(driver_status(&b->driver) & STATUS_NEEDS_RESET);
}

/* Two buffers: the older goes back at once, so the driver never runs dry. */
static void a_second_statistics_buffer_replaces_the_first(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[STATS];
	struct driver_buf buf = { .len = 10 };
	uint16_t first, second, used;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa));
	assert_int_equal(driver_add(q, &buf, 1, false, &first), 0);
	assert_int_equal(driver_add(q, &buf, 1, false, &second), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(driver_collect(q, &used, &len), 0);
	assert_int_equal(used, first);
	assert_int_equal(driver_collect(q, &used, &len), DRIVER_EMPTY);
	assert_int_equal(balloon_request_stats(b->balloon), 0);
	assert_int_equal(driver_collect(q, &used, &len), 0);
	assert_int_equal(used, second);
}

/* Compaction's way: many one-page messages. All that wait are one batch. */
static void waiting_messages_are_one_batch(void **state)
{
	struct bench *b = *state;
	struct driver_queue *q = &b->driver.queue[INFLATE];
	uint64_t calls;
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	for (uint32_t i = 0; i < 16; i++) {
		const struct bulk_run run = { BENCH_FREE_GFN + 2 * i, 1 };
		struct driver_buf buf = { 0 };
		void *page = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);

		assert_non_null(page);
		buf.len = (uint32_t)bulk_encode(b->encoding, &run, 1, page, BUS_PAGE_BYTES);
		assert_int_equal(driver_add(q, &buf, 1, false, &head), 0);
	}
	calls = bench_status(b).inflated_pages;
	assert_int_equal(calls, 0);
	assert_int_equal(driver_kick(q), 0);
	for (int i = 0; i < 16; i++)
		assert_int_equal(driver_wait(q, &head, &len), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 16);
	bench_assert_exact(b);
}

/* A new process goes on where the old one died: frames, rings, and the driver notice nothing. */
static void a_successor_goes_on(void **state)
{
	struct bench *b = *state;

	assert_int_equal(balloon_set_target(b->balloon, 2000), 0);
	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 700), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 700);
	assert_int_equal(bench_status(b).target_pages, 2000);
	assert_true(bench_status(b).driver_ok);
	bench_assert_exact(b);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN + 700, 700), 0);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 1400), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* Killed while a deflate waits: the successor finishes it. */
static void a_successor_finishes_a_waiting_deflate(void **state)
{
	struct bench *b = *state;
	uint64_t all = fake_tot_pages(b->fake);
	uint16_t head;
	uint32_t len;

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 512), 0);
	fake_set_max_pages(b->fake, all - 412);
	assert_int_equal(bench_send_run(b, DEFLATE, BENCH_FREE_GFN, 200), -ETIMEDOUT);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_status(b).stall_pages, 100);
	bench_assert_exact(b);
	fake_set_max_pages(b->fake, all);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(driver_collect(&b->driver.queue[DEFLATE], &head, &len), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 312);
	bench_assert_exact(b);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* Killed after a reset whose holes were not filled: the successor fills them, before any driver. */
static void a_successor_fills_the_holes(void **state)
{
	struct bench *b = *state;
	uint64_t all = fake_tot_pages(b->fake);

	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_send_run(b, INFLATE, BENCH_FREE_GFN, 300), 0);
	fake_set_max_pages(b->fake, all - 300);
	assert_int_equal(driver_reset(&b->driver), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	assert_int_not_equal(bench_status(b).stall, BALLOON_STALL_NONE);
	assert_int_equal(bench_status(b).stall_pages, 300);
	fake_set_max_pages(b->fake, all);
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup_encoding, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(inflate_and_deflate_are_exact),
		ON_BENCH(a_driver_that_does_not_tell_is_refused),
		ON_BENCH(the_target_reaches_the_driver),
		ON_BENCH(actual_is_the_drivers_and_num_pages_is_not),
		ON_BENCH(pages_that_cannot_be_are_skipped),
		ON_BENCH(a_repeated_inflate_is_harmless),
		ON_BENCH(a_message_of_odd_length_breaks_the_device),
		ON_BENCH(a_deflate_over_max_mem_waits),
		ON_BENCH(a_deflate_without_host_memory_waits),
		ON_BENCH(a_reset_fills_the_holes),
		ON_BENCH(no_driver_until_the_holes_are_filled),
		ON_BENCH(statistics_are_held_until_asked_for),
		ON_BENCH(odd_statistics_buffers_are_kept),
		ON_BENCH(a_second_statistics_buffer_replaces_the_first),
		ON_BENCH(waiting_messages_are_one_batch),
		ON_BENCH(a_successor_goes_on),
		ON_BENCH(a_successor_finishes_a_waiting_deflate),
		ON_BENCH(a_successor_fills_the_holes),
	};

	return BENCH_RUN_ENCODINGS(tests);
}
