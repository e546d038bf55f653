// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a driver has in its balloon and Xen has not: acknowledged before it is released (before it is asked for: test-balloon-ahead).
 * However that goes on, no frame that the driver has taken back is released, no frame is acknowledged that is not there, and what
 * stays behind is bounded and in time released; also by a successor, wherever the process died.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/due-bench.h"

static struct balloon_persist *saved(struct bench *b)
{
	return b->persist;
}

static void the_last_message_takes_the_others_along(void **state)
{
	struct bench *b = *state;

	due_begin(b, 3 * MESSAGE);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	due_expect(b, 0, MESSAGE);
	assert_int_equal(due_send(b, INFLATE, FREE + MESSAGE, MESSAGE, 2 * MESSAGE), 0);
	due_expect(b, 0, 2 * MESSAGE);
	assert_int_equal(due_send(b, INFLATE, FREE + 2 * MESSAGE, MESSAGE, 3 * MESSAGE), 0);
	due_expect(b, 3 * MESSAGE, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

static void no_more_is_put_off_than_may_be(void **state)
{
	struct bench *b = *state;

	due_begin(b, 4096);
	/* a driver that never says how much it has, and names each frame in turn */
	for (uint64_t at = 0; at < 3000; at += 100) {
		assert_int_equal(bench_send_run(b, INFLATE, FREE + at, 100), 0);
		/* an eighth of the guest, and what a message names */
		assert_true(bench_status(b).due_pages < BENCH_RAM_PAGES / 8 + 100);
		assert_int_equal(bench_status(b).ballooned_pages + bench_status(b).due_pages, at + 100);
	}
	assert_int_equal(bench_send_run(b, INFLATE, 0x200000, 1024), 0);
	assert_int_equal(bench_status(b).ballooned_pages + bench_status(b).due_pages, 4024);
	bench_assert_exact(b);
	assert_int_equal(bench_send_run(b, INFLATE, FREE + 3000, 60), 0);
	assert_int_equal(bench_send_run(b, INFLATE, FREE - 20, 20), 0);
	due_expect(b, 4104, 0);
}

static void who_hesitates_has_it_released(void **state)
{
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	due_expect(b, 0, MESSAGE);
	/* named since the last time */
	balloon_settle(b->balloon);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, 0, MESSAGE);
	balloon_settle(b->balloon);
	assert_true(balloon_work_pending(b->balloon));
	assert_int_equal(bench_run(b), 0);
	due_expect(b, MESSAGE, 0);
}

static void what_is_taken_back_stays(void **state)
{
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	assert_int_equal(due_send(b, DEFLATE, FREE + 100, 10, MESSAGE - 10), 0);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	for (uint64_t i = 0; i < 10; i++)
		assert_true(fake_present(b->fake, xenvirtio_gfn(FREE + 100 + i)));
	due_expect(b, MESSAGE - 10, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* A run that is longer than what Xen is asked for at a time. */
static void who_takes_all_of_it_back_is_not_blamed(void **state)
{
	struct bench *b = *state;

	due_begin(b, 3000);
	assert_int_equal(due_send(b, INFLATE, FREE, 600, 600), 0);
	due_expect(b, 0, 600);
	assert_int_equal(due_send(b, DEFLATE, FREE, 600, 0), 0);
	due_expect(b, 0, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* --- in the middle: what is scattered is released a turn at a time --- */

#define SCATTERED 7000u

/* Every other frame: no block is whole. */
static uint32_t scattered(uint32_t i)
{
	return (uint32_t)LARGE_FREE + 2 * i;
}

static void begin_releasing(struct bench *b)
{
	uint32_t pfn[1000];

	due_begin(b, 2 * LARGE_DUE);
	for (uint32_t at = 0; at < SCATTERED; at += 1000) {
		for (uint32_t i = 0; i < 1000; i++)
			pfn[i] = scattered(at + i);
		assert_int_equal(bench_send(b, INFLATE, pfn, 1000), 0);
	}
	due_expect(b, 0, SCATTERED);
	due_settle(b);
	b->turns_max = 0;
	assert_int_equal(balloon_retry(b->balloon), 0);
	b->turns_max = BENCH_TURNS_MAX;
	assert_true(bench_status(b).work_pending);
	assert_in_range(bench_status(b).ballooned_pages, 100, SCATTERED - 100);
}

static void what_is_taken_back_in_the_middle_stays(void **state)
{
	const uint32_t pfn[] = { scattered(0), scattered(1), scattered(SCATTERED - 2), scattered(SCATTERED - 1) };
	struct bench *b = *state;

	begin_releasing(b);
	assert_false(fake_present(b->fake, xenvirtio_gfn(pfn[0])));
	assert_true(fake_present(b->fake, xenvirtio_gfn(pfn[3])));
	assert_int_equal(bench_send(b, DEFLATE, pfn, 4), 0);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(fake_present(b->fake, xenvirtio_gfn(pfn[i])));
	due_expect(b, SCATTERED - 4, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* A frame that is counted twice leaves the balloon when its slice is done: a guest that takes memory back, for whoever looks then. */
static void in_the_middle_no_frame_is_counted_twice(void **state)
{
	struct bench *b = *state;
	unsigned int turns = 0;

	due_begin(b, 2 * LARGE_DUE);
	for (uint32_t at = 0; at < SCATTERED; at += 1000)
		assert_int_equal(bench_send_run(b, INFLATE, LARGE_FREE + at, 1000), 0);
	due_expect(b, 0, SCATTERED);
	due_settle(b);
	/* so slow that a turn has time for some blocks only */
	b->balloon->reservation.price[0] = RESERVATION_PRICE_MAX;
	b->turns_max = 0;
	for (; bench_status(b).work_pending; turns++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		b->balloon->reservation.price[0] = RESERVATION_PRICE_MAX;
		assert_int_equal(bench_status(b).ballooned_pages + bench_status(b).due_pages, SCATTERED);
	}
	b->turns_max = BENCH_TURNS_MAX;
	assert_true(turns > 1);
	due_expect(b, SCATTERED, 0);
}

static void a_reset_in_the_middle_forgets(void **state)
{
	struct bench *b = *state;

	begin_releasing(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(bench_status(b).due_pages, 0);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, 0, 0);
	assert_int_equal(saved(b)->nr_ranges & BALLOON_DUE, 0);
}

static void a_reset_forgets(void **state)
{
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	due_expect(b, 0, 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES - 1);
}

static void a_successor_releases(void **state)
{
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, MESSAGE, 0);
}

/* Of a daemon before this there is no room to note anything in. */
static void without_room_nothing_is_put_off(void **state)
{
	struct bench *b = *state;

	bench_kill(b);
	b->persist_bytes -= sizeof(uint64_t) * frames_words(BENCH_RAM_PAGES);
	assert_int_equal(bench_start(b), 0);
	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	due_expect(b, MESSAGE, 0);
	assert_int_equal(due_send(b, DEFLATE, FREE, MESSAGE, 0), 0);
	due_expect(b, 0, 0);
}

/* What the guest has to use, and says of it, has no part in what is in its balloon. */
static void figures_of_the_guest_go_by_its_balloon(void **state)
{
	const unsigned char none[10] = { 0 };
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	assert_int_equal(bench_post_bytes(b, bench_queue(b, BALLOON_VQ_STATS), none, sizeof(none)), 0);
	assert_int_equal(bench_status(b).stats_sequence, 1);
	assert_int_equal(bench_status(b).stats_ballooned_pages, MESSAGE);
	due_expect(b, 0, MESSAGE);
}

/* --- other daemons --- */

/* As a daemon of before there were any reads it. */
static bool older_takes(struct bench *b)
{
	return frames_count(saved(b)->range, saved(b)->nr_ranges & ~BALLOON_REFILL_FLAGS);
}

/* It would acknowledge that they are the driver's again, and we would release them in use. */
static void an_older_daemon_refuses_the_file_meanwhile(void **state)
{
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_true(older_takes(b));
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	assert_false(older_takes(b));
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, MESSAGE, 0);
	assert_true(older_takes(b));
	assert_int_equal(due_send(b, INFLATE, FREE + MESSAGE, MESSAGE, 2 * MESSAGE), 0);
	assert_false(older_takes(b));
	assert_int_equal(due_send(b, DEFLATE, FREE + MESSAGE, MESSAGE, MESSAGE), 0);
	due_expect(b, MESSAGE, 0);
	assert_true(older_takes(b));
	assert_int_equal(due_send(b, INFLATE, FREE + MESSAGE, MESSAGE, 2 * MESSAGE), 0);
	assert_false(older_takes(b));
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_true(older_takes(b));
}

static void expect_refused(struct bench *b)
{
	assert_int_equal(bench_start(b), -EBADMSG);
	bench_kill(b);
}

static void a_file_that_cannot_be_is_refused(void **state)
{
	size_t room = sizeof(uint64_t) * frames_words(BENCH_RAM_PAGES);
	struct bench *b = *state;

	due_begin(b, 2000);
	assert_int_equal(due_send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	bench_kill(b);
	/* frames are due, and there is no room to say which */
	b->persist_bytes -= room;
	expect_refused(b);
	b->persist_bytes += room;
	/* and some of which nothing is said */
	saved(b)->nr_ranges &= ~BALLOON_DUE;
	expect_refused(b);
	saved(b)->nr_ranges |= BALLOON_DUE;
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, MESSAGE, 0);
	/* died before the first, or after the last */
	bench_kill(b);
	saved(b)->nr_ranges |= BALLOON_DUE;
	assert_int_equal(bench_start(b), 0);
	assert_true(older_takes(b));
}

static void a_ring_is_not_put_off(void **state)
{
	struct bench *b = *state;
	uint32_t pfn[2] = { (uint32_t)FREE };

	due_begin(b, 2000);
	pfn[1] = (uint32_t)(b->driver.queue[INFLATE].ring_gpa >> 12);
	assert_int_equal(bench_send(b, INFLATE, pfn, 2), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 1);
	due_expect(b, 1, 0);
}

static void what_is_named_again_is_counted(void **state)
{
	struct bench *b = *state;
	const uint32_t pfn[] = { (uint32_t)FREE + 5, (uint32_t)FREE, (uint32_t)FREE + 5 };

	due_begin(b, 2000);
	assert_int_equal(bench_send(b, INFLATE, pfn, 3), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 1);
	due_expect(b, 0, 2);
	assert_int_equal(bench_send(b, INFLATE, pfn, 1), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 2);
	due_expect(b, 0, 2);
}

/* A message that lay in a frame which is put off later: whatever is mapped of it is let go of before it is released. */
static void a_frame_we_have_mapped_is_freed(void **state)
{
	struct bench *b = *state;
	uint32_t pfn, other;

	due_begin(b, 2000);
	pfn = (uint32_t)(b->bus.next_gfn);
	other = (uint32_t)FREE;
	/* the message is in the frame after the last one that is in use */
	assert_int_equal(bench_send(b, INFLATE, &other, 1), 0);
	assert_true(fake_frame_maps(b->fake, xenvirtio_gfn(pfn)) > 0);
	b->bus.next_gfn = pfn + 1;
	assert_int_equal(bench_send(b, INFLATE, &pfn, 1), 0);
	due_expect(b, 0, 2);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	due_expect(b, 2, 0);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
	assert_int_equal(bench_send(b, DEFLATE, &pfn, 1), 0);
}

/* --- death --- */

static void live(struct bench *b)
{
	due_begin(b, 5 * MESSAGE);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(due_send(b, INFLATE, FREE + i * MESSAGE, MESSAGE, (i + 1) * MESSAGE), 0);
	assert_int_equal(balloon_set_target(b->balloon, MESSAGE), 0);
	assert_int_equal(due_send(b, DEFLATE, FREE + MESSAGE, 50, 5 * MESSAGE - 50), 0);
	assert_int_equal(due_send(b, DEFLATE, FREE, 256, 4 * MESSAGE - 50), 0);
}

/* Two page lists in many segments: more than one access reads. The queue is stopped, and the buffers are the driver's again. */
static void what_was_not_read_to_its_end_is_not_due(void **state)
{
	struct driver_buf buf[40];
	struct bench *b = *state;
	uint32_t named = 0;
	uint16_t head;

	due_begin(b, 8192);
	b->turns_max = 0;
	for (unsigned int chain = 0; chain < 2; chain++) {
		unsigned int nr = chain ? 40 : 20;

		for (unsigned int i = 0; i < nr; i++) {
			uint64_t gpa, next;
			uint32_t *pfn = b->bus.bus.ops->alloc_page(&b->bus.bus, &gpa);

			assert_non_null(pfn);
			/* over the end of its page */
			assert_non_null(b->bus.bus.ops->alloc_page(&b->bus.bus, &next));
			assert_int_equal(next, gpa + 4096);
			for (unsigned int k = 0; k < 8; k++)
				pfn[1020 + k] = LARGE_FREE + named++;
			buf[i] = (struct driver_buf){ .gpa = gpa + 4080, .len = 32 };
		}
		assert_int_equal(driver_add(&b->driver.queue[INFLATE], buf, nr, false, &head), 0);
	}
	assert_int_equal(driver_kick(&b->driver.queue[INFLATE]), 0);
	assert_true(b->balloon->inflate.partial);
	assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_QUEUE_SEL, 4, INFLATE), 0);
	assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_QUEUE_READY, 4, 0), 0);
	b->turns_max = 1000;
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	/* what was released at once was so before the queue was stopped; nothing is noted that goes later */
	assert_int_equal(bench_status(b).due_pages, 0);
	assert_true(fake_present(b->fake, xenvirtio_gfn(LARGE_FREE)));
	bench_assert_exact(b);
}

#define WIDE_FIRST 0x40000u
#define WIDE_NR 0x40000u

static int setup_wide(void **state)
{
	const struct fake_config config = { .ram = { { { WIDE_FIRST }, { WIDE_FIRST + WIDE_NR - 1 } } }, .nr_ram = 1 };

	return bench_setup_ram(state, &config);
}

/* More scattered frames are due than a turn releases, and a deflate waits for the memory that they are. */
static void a_deflate_that_waits_does_not_stop_it(void **state)
{
	struct bench *b = *state;
	uint32_t pfn[1024], far = WIDE_FIRST + WIDE_NR - 2048;
	unsigned int turns = 0;

	due_begin(b, 200000);
	b->turns_max = 1000;
	assert_int_equal(bench_send_run(b, INFLATE, far, 1024), 0);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 1024);
	b->turns_max = 0;
	for (uint32_t sent = 0; sent < 30000; sent += MESSAGE) {
		for (uint32_t i = 0; i < MESSAGE; i++)
			pfn[i] = LARGE_FREE + 2 * (sent + i);
		assert_int_equal(bench_send(b, INFLATE, pfn, MESSAGE), 0);
	}
	assert_in_range(bench_status(b).due_pages, 25000, 40000);
	fake_set_max_pages(b->fake, fake_tot_pages(b->fake));
	for (uint32_t i = 0; i < 1024; i++)
		pfn[i] = far + i;
	assert_int_equal(bench_post(b, DEFLATE, pfn, 1024), 0);
	while (bench_status(b).work_pending) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		assert_true(++turns < 1000);
	}
	assert_true(fake_present(b->fake, xenvirtio_gfn(far)));
	assert_true(fake_present(b->fake, xenvirtio_gfn(far + 1023)));
	bench_assert_exact(b);
}

static void wherever_it_dies(void **state)
{
	assert_in_range(due_die_everywhere(bench_setup, live), 20, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
#define L(name) cmocka_unit_test_setup_teardown(name, due_setup_large, bench_teardown)
		T(the_last_message_takes_the_others_along),
		T(no_more_is_put_off_than_may_be),
		T(who_hesitates_has_it_released),
		T(what_is_taken_back_stays),
		T(who_takes_all_of_it_back_is_not_blamed),
		L(what_is_taken_back_in_the_middle_stays),
		L(in_the_middle_no_frame_is_counted_twice),
		L(a_reset_in_the_middle_forgets),
		T(a_reset_forgets),
		T(a_successor_releases),
		T(without_room_nothing_is_put_off),
		T(figures_of_the_guest_go_by_its_balloon),
		T(an_older_daemon_refuses_the_file_meanwhile),
		T(a_file_that_cannot_be_is_refused),
		T(a_ring_is_not_put_off),
		T(what_is_named_again_is_counted),
		T(a_frame_we_have_mapped_is_freed),
		L(what_was_not_read_to_its_end_is_not_due),
		cmocka_unit_test_setup_teardown(a_deflate_that_waits_does_not_stop_it, setup_wide, bench_teardown),
		cmocka_unit_test(wherever_it_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
