// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a driver has in its balloon and Xen has not: acknowledged before it is released, and populated before it is asked for.
 * However that goes on, no frame that the driver has taken back is released, no frame is acknowledged that is not there, and what
 * stays behind is bounded and in time released; also by a successor, wherever the process died.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/lethal.h"
#include "unit/rigs/balloon-bench.h"

#define ALL (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
#define MESSAGE 256u
#define BLOCK 512u
#define FREE BENCH_FREE_GFN
enum { INFLATE, DEFLATE };

static void tell_actual(struct bench *b, uint32_t pages)
{
	assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_CONFIG + 4, 4, pages), 0);
}

/* Downwards, as Linux does it, and what the driver has then. */
static int send(struct bench *b, unsigned int index, uint64_t gfn, uint32_t nr, uint32_t actual)
{
	uint64_t next_gfn = b->bus.next_gfn;
	uint32_t pfn[1024], len;
	uint16_t head;
	int ret;

	for (uint32_t i = 0; i < nr; i++)
		pfn[i] = (uint32_t)(gfn + nr - 1 - i);
	/* nothing is allocated here: the process may die in it */
	ret = bench_post_bytes(b, index, pfn, nr * sizeof(*pfn));
	if (!ret)
		ret = driver_wait(&b->driver.queue[index], &head, &len);
	b->bus.next_gfn = next_gfn;
	if (!ret)
		tell_actual(b, actual);
	return ret;
}

static void begin(struct bench *b, uint32_t target)
{
	assert_int_equal(balloon_set_target(b->balloon, target), 0);
	assert_int_equal(bench_driver(b, ALL), 0);
}

static void expect(struct bench *b, uint64_t ballooned, uint64_t due)
{
	assert_int_equal(bench_status(b).ballooned_pages, ballooned);
	assert_int_equal(bench_status(b).due_pages, due);
	bench_assert_exact(b);
}

static void settle(struct bench *b)
{
	balloon_settle(b->balloon);
	balloon_settle(b->balloon);
}

static void the_last_message_takes_the_others_along(void **state)
{
	struct bench *b = *state;

	begin(b, 3 * MESSAGE);
	assert_int_equal(send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	expect(b, 0, MESSAGE);
	assert_int_equal(send(b, INFLATE, FREE + MESSAGE, MESSAGE, 2 * MESSAGE), 0);
	expect(b, 0, 2 * MESSAGE);
	assert_int_equal(send(b, INFLATE, FREE + 2 * MESSAGE, MESSAGE, 3 * MESSAGE), 0);
	expect(b, 3 * MESSAGE, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

static void no_more_is_put_off_than_may_be(void **state)
{
	struct bench *b = *state;

	begin(b, 4096);
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
	expect(b, 4104, 0);
}

static void who_hesitates_has_it_released(void **state)
{
	struct bench *b = *state;

	begin(b, 2000);
	assert_int_equal(send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	expect(b, 0, MESSAGE);
	/* named since the last time */
	balloon_settle(b->balloon);
	assert_int_equal(bench_run(b), 0);
	expect(b, 0, MESSAGE);
	balloon_settle(b->balloon);
	assert_true(balloon_work_pending(b->balloon));
	assert_int_equal(bench_run(b), 0);
	expect(b, MESSAGE, 0);
}

static void what_is_taken_back_stays(void **state)
{
	struct bench *b = *state;

	begin(b, 2000);
	assert_int_equal(send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	assert_int_equal(send(b, DEFLATE, FREE + 100, 10, MESSAGE - 10), 0);
	settle(b);
	assert_int_equal(bench_run(b), 0);
	for (uint64_t i = 0; i < 10; i++)
		assert_true(fake_present(b->fake, xenvirtio_gfn(FREE + 100 + i)));
	expect(b, MESSAGE - 10, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

/* Released a turn at a time; between two of them the driver takes back what is in the slice. */
static void what_is_taken_back_in_the_middle_stays(void **state)
{
	struct bench *b = *state;
	uint64_t next_gfn;
	uint16_t head;
	uint32_t len;

	begin(b, 4096);
	for (uint32_t at = 0; at < 3000; at += 250)
		/* every other frame: no block is whole */
		for (uint32_t i = 0; i < 250; i += 125) {
			uint32_t pfn[125];

			for (uint32_t k = 0; k < 125; k++)
				pfn[k] = (uint32_t)FREE + 2 * (at / 2 + i / 2 + k) % 3000;
			assert_int_equal(bench_send(b, INFLATE, pfn, 125), 0);
		}
	settle(b);
	b->turns_max = 0;
	b->balloon->reservation.price[0] = RESERVATION_PRICE_MAX;
	budget_begin(&b->balloon->reservation.budget, 1);
	next_gfn = b->bus.next_gfn;
	assert_int_equal(balloon_retry(b->balloon), 0);
	assert_int_equal(bench_post(b, DEFLATE, (const uint32_t[]){ (uint32_t)FREE, (uint32_t)FREE + 2 }, 2), 0);
	b->turns_max = BENCH_TURNS_MAX;
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(driver_wait(&b->driver.queue[DEFLATE], &head, &len), 0);
	b->bus.next_gfn = next_gfn;
	assert_true(fake_present(b->fake, xenvirtio_gfn(FREE)));
	assert_true(fake_present(b->fake, xenvirtio_gfn(FREE + 2)));
	bench_assert_exact(b);
}

static void a_reset_forgets(void **state)
{
	struct bench *b = *state;

	begin(b, 2000);
	assert_int_equal(send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	expect(b, 0, 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES - 1);
}

static void a_successor_releases(void **state)
{
	struct bench *b = *state;

	begin(b, 2000);
	assert_int_equal(send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	bench_kill(b);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	expect(b, MESSAGE, 0);
}

/* Of a daemon before this there is no room to note anything in. */
static void without_room_nothing_is_put_off(void **state)
{
	struct bench *b = *state;

	bench_kill(b);
	b->persist_bytes -= sizeof(uint64_t) * frames_words(BENCH_RAM_PAGES);
	assert_int_equal(bench_start(b), 0);
	begin(b, 2000);
	assert_int_equal(send(b, INFLATE, FREE, MESSAGE, MESSAGE), 0);
	expect(b, MESSAGE, 0);
	assert_int_equal(send(b, DEFLATE, FREE, MESSAGE, 0), 0);
	expect(b, 0, 0);
}

static void a_ring_is_not_put_off(void **state)
{
	struct bench *b = *state;
	uint32_t pfn[2] = { (uint32_t)FREE };

	begin(b, 2000);
	pfn[1] = (uint32_t)(b->driver.queue[INFLATE].ring_gpa >> 12);
	assert_int_equal(bench_send(b, INFLATE, pfn, 2), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 1);
	expect(b, 1, 0);
}

static void what_is_named_again_is_counted(void **state)
{
	struct bench *b = *state;
	const uint32_t pfn[] = { (uint32_t)FREE + 5, (uint32_t)FREE, (uint32_t)FREE + 5 };

	begin(b, 2000);
	assert_int_equal(bench_send(b, INFLATE, pfn, 3), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 1);
	expect(b, 0, 2);
	assert_int_equal(bench_send(b, INFLATE, pfn, 1), 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 2);
	expect(b, 0, 2);
}

/* A message that lay in a frame which is put off later: whatever is mapped of it is let go of before it is released. */
static void a_frame_we_have_mapped_is_freed(void **state)
{
	struct bench *b = *state;
	uint32_t pfn, other;

	begin(b, 2000);
	pfn = (uint32_t)(b->bus.next_gfn);
	other = (uint32_t)FREE;
	/* the message is in the frame after the last one that is in use */
	assert_int_equal(bench_send(b, INFLATE, &other, 1), 0);
	assert_true(fake_frame_maps(b->fake, xenvirtio_gfn(pfn)) > 0);
	b->bus.next_gfn = pfn + 1;
	assert_int_equal(bench_send(b, INFLATE, &pfn, 1), 0);
	expect(b, 0, 2);
	settle(b);
	assert_int_equal(bench_run(b), 0);
	expect(b, 2, 0);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
	assert_int_equal(bench_send(b, DEFLATE, &pfn, 1), 0);
}

/* --- ahead --- */

static void inflate_all(struct bench *b, uint32_t nr)
{
	begin(b, nr);
	for (uint32_t at = 0; at < nr; at += MESSAGE)
		assert_int_equal(send(b, INFLATE, FREE + at, MESSAGE, at + MESSAGE), 0);
	expect(b, nr, 0);
}

static void a_part_brings_its_block(void **state)
{
	struct bench *b = *state;
	uint64_t calls;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(send(b, DEFLATE, FREE + MESSAGE, MESSAGE, 4 * BLOCK - MESSAGE), 0);
	expect(b, 3 * BLOCK, MESSAGE);
	calls = b->balloon->reservation.populated_pages;
	assert_int_equal(calls, BLOCK);
	assert_int_equal(send(b, DEFLATE, FREE, MESSAGE, 3 * BLOCK), 0);
	assert_int_equal(b->balloon->reservation.populated_pages, calls);
	expect(b, 3 * BLOCK, 0);
	/* two parts of one block in a message, and what is between them */
	{
		uint32_t pfn[40];

		for (uint32_t i = 0; i < 20; i++) {
			pfn[i] = (uint32_t)FREE + BLOCK + i;
			pfn[20 + i] = (uint32_t)FREE + BLOCK + 300 + i;
		}
		assert_int_equal(bench_send(b, DEFLATE, pfn, 40), 0);
	}
	expect(b, 2 * BLOCK, BLOCK - 40);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

static void who_stops_gives_the_rest_back(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(send(b, DEFLATE, FREE + 10, 100, 4 * BLOCK - 100), 0);
	expect(b, 3 * BLOCK, BLOCK - 100);
	assert_int_equal(balloon_set_target(b->balloon, 4 * BLOCK - 120), 0);
	assert_int_equal(send(b, DEFLATE, FREE + 110, 20, 4 * BLOCK - 120), 0);
	expect(b, 4 * BLOCK - 120, 0);
	assert_int_equal(bench_errors(b, XENVIRTIO_GUEST_BAD_PAGE), 0);
}

static void near_the_target_nothing_is_ahead(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 3 * BLOCK), 0);
	assert_int_equal(send(b, DEFLATE, FREE + 10, 100, 4 * BLOCK - 100), 0);
	expect(b, 4 * BLOCK - 100, 0);
}

static void what_was_given_away_meanwhile_is_asked_for(void **state)
{
	struct xenvirtio_gfn gfn = xenvirtio_gfn(FREE + 7);
	struct bench *b = *state;
	struct xenvirtio_hv *guest;
	size_t done;

	inflate_all(b, 4 * BLOCK);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(send(b, DEFLATE, FREE + MESSAGE, MESSAGE, 4 * BLOCK - MESSAGE), 0);
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(guest->ops->release_pages(guest, &gfn, 1, 0, &done), 0);
	guest->ops->close(guest);
	assert_int_equal(send(b, DEFLATE, FREE, MESSAGE, 3 * BLOCK), 0);
	assert_true(fake_present(b->fake, gfn));
	expect(b, 3 * BLOCK, 0);
}

/* Blocks cannot be had: what was asked for comes frame by frame, and nothing that was not. */
static void without_blocks_only_what_is_asked_for(void **state)
{
	struct bench *b = *state;

	inflate_all(b, 4 * BLOCK);
	fake_set_heap_order(b->fake, 0);
	assert_int_equal(balloon_set_target(b->balloon, 0), 0);
	assert_int_equal(send(b, DEFLATE, FREE + 10, 100, 4 * BLOCK - 100), 0);
	expect(b, 4 * BLOCK - 100, 0);
}

/* --- death --- */

static void live(struct bench *b)
{
	begin(b, 5 * MESSAGE);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(send(b, INFLATE, FREE + i * MESSAGE, MESSAGE, (i + 1) * MESSAGE), 0);
	assert_int_equal(balloon_set_target(b->balloon, MESSAGE), 0);
	assert_int_equal(send(b, DEFLATE, FREE + MESSAGE, 50, 5 * MESSAGE - 50), 0);
	assert_int_equal(send(b, DEFLATE, FREE, 256, 4 * MESSAGE - 50), 0);
}

/* At each call, before it and after it: the successor brings all of it to an exact end. */
static void wherever_it_dies(void **state)
{
	volatile bool dead = true;
	volatile unsigned int at = 0;

	for (volatile unsigned int call = 1; dead; call++)
		for (volatile int after = 0; after < 2; after++) {
			struct bench *b = NULL;
			void *setup = NULL;

			assert_int_equal(bench_setup(&setup), 0);
			b = setup;
			lethal_wrap(b->hv);
			lethal_arm(call, after);
			dead = setjmp(lethal_died);
			if (!dead)
				live(setup);
			b = setup;
			lethal_arm(0, false);
			bench_kill(b);
			assert_int_equal(bench_start(b), 0);
			for (int i = 0; i < 3; i++) {
				assert_int_equal(bench_run(b), 0);
				while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
					assert_int_equal(bench_run(b), 0);
			}
			settle(b);
			assert_int_equal(bench_run(b), 0);
			assert_int_equal(bench_status(b).due_pages, 0);
			bench_assert_exact(b);
			at += dead;
			assert_int_equal(bench_teardown(&setup), 0);
		}
	print_message("# %u deaths\n", at);
	assert_true(at > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
		T(the_last_message_takes_the_others_along),
		T(no_more_is_put_off_than_may_be),
		T(who_hesitates_has_it_released),
		T(what_is_taken_back_stays),
		T(what_is_taken_back_in_the_middle_stays),
		T(a_reset_forgets),
		T(a_successor_releases),
		T(without_room_nothing_is_put_off),
		T(a_ring_is_not_put_off),
		T(what_is_named_again_is_counted),
		T(a_frame_we_have_mapped_is_freed),
		T(a_part_brings_its_block),
		T(who_stops_gives_the_rest_back),
		T(near_the_target_nothing_is_ahead),
		T(what_was_given_away_meanwhile_is_asked_for),
		T(without_blocks_only_what_is_asked_for),
		cmocka_unit_test(wherever_it_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
