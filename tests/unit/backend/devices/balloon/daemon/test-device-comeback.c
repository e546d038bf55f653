// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that is out of memory, in a whole daemon: it is asked for no more than it has given, and
 * comes back to its size by itself, later; whoever names a size is obeyed at once.
 */
#include "backend/devices/balloon/sizing/comeback.h"
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* 1024 pages shall be in the balloon, and the guest takes 200 of them back by itself. */
static int start_in_need(struct process_bench *b)
{
	int fd = process_bench_client(b);

	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 1024), 0);
	assert_true(process_bench_wait_key(b, "ballooned", "4096"));
	assert_int_equal(process_bench_num_pages(b), 1024);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 200), 0);
	assert_true(process_bench_wait_key(b, "ballooned", "3296"));
	return fd;
}

static void it_is_left_alone_and_comes_back(void **state)
{
	struct process_bench *b = *state;
	uint64_t back = BENCH_FREE_GFN;
	unsigned int steps = 0, pages = 824;

	close(start_in_need(b));
	assert_int_equal(process_bench_num_pages(b), 824);
	process_bench_key_is(b, "target", "16384");
	assert_true(log_capture_has(&b->capture, "is out of memory and takes some back"));
	machine_fake_pass(COMEBACK_PAUSE_MS - 1000);
	assert_int_equal(process_bench_num_pages(b), 824);
	/* it says nothing of its memory: a little at a time */
	while (pages < 1024) {
		unsigned int wanted;

		machine_fake_pass(COMEBACK_STEP_MS);
		wanted = process_bench_num_pages(b);
		assert_in_range(wanted, pages, pages + 64);
		assert_int_equal(process_bench_send(b, INFLATE, back, wanted - pages), 0);
		back += wanted - pages;
		pages = wanted;
		assert_in_range(++steps, 1, 8);
	}
	process_bench_run(b);
	machine_fake_pass(400);
	process_bench_key_is(b, "ballooned", "4096");
}

static void a_size_that_is_named_is_asked_for_at_once(void **state)
{
	struct process_bench *b = *state;
	int fd = start_in_need(b);
	uint64_t interrupts;

	assert_int_equal(process_bench_num_pages(b), 824);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_int_equal(process_bench_num_pages(b), 1024);
	/* also when the device has that already: a driver that gave up hears of it */
	interrupts = fake_irqs(b->fake, BENCH_IRQ, true);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_true(fake_irqs(b->fake, BENCH_IRQ, true) > interrupts);
	close(fd);
}

static void the_key_named_again_is_a_word(void **state)
{
	struct process_bench *b = *state;

	close(start_in_need(b));
	machine_fake_pass(2000);
	assert_int_equal(process_bench_num_pages(b), 824);
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
}

/* Xen's own toolstack has the same word. */
static void mem_set_named_again_is_a_word(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	close(start_in_need(b));
	assert_int_equal(process_bench_num_pages(b), 824);
	fake_set_max_pages(b->fake, 4096 + 256);
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
}

static void a_successor_leaves_it_alone(void **state)
{
	struct process_bench *b = *state;

	close(start_in_need(b));
	process_bench_stop(b);
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "target", "16384");
	assert_int_equal(process_bench_num_pages(b), 824);
	machine_fake_pass(COMEBACK_PAUSE_MS - 1);
	assert_int_equal(process_bench_num_pages(b), 824);
	machine_fake_pass(1);
	assert_int_equal(process_bench_num_pages(b), 888);
}

static void the_next_driver_is_asked_for_all(void **state)
{
	struct process_bench *b = *state;

	close(start_in_need(b));
	assert_int_equal(process_bench_num_pages(b), 824);
	assert_int_equal(driver_reset(&b->driver), 0);
	machine_fake_pass(400);
	assert_int_equal(process_bench_num_pages(b), 1024);
}

/* All watches fire once more, and a key that it has lost is written again: that is nobody's word. */
static void a_new_xenstored_says_nothing(void **state)
{
	struct process_bench *b = *state;
	unsigned int keys = 0;

	close(start_in_need(b));
	/* the echo of what was written last is long over */
	machine_fake_pass(COMEBACK_PAUSE_MS / 2);
	for (; keys < 2; keys++) {
		fake_store_stop(b->store);
		process_bench_run(b);
		if (keys)
			fake_store_del(b->store, BENCH_NODE "/target");
		fake_store_start(b->store);
		assert_true(process_bench_wait_key(b, "target", "16384"));
		machine_fake_pass(4000);
		assert_int_equal(fake_store_handles(b->store), 1);
		process_bench_key_is(b, "target", "16384");
		assert_int_equal(process_bench_num_pages(b), 824);
	}
	/* nor is it one that somebody removes the key */
	fake_store_del(b->store, BENCH_NODE "/target");
	assert_true(process_bench_wait_key(b, "target", "16384"));
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 824);
	/* while one that is written is */
	process_bench_put(b, "target", "16384");
	machine_fake_pass(2000);
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_is_left_alone_and_comes_back),
		TEST(a_size_that_is_named_is_asked_for_at_once),
		TEST(the_key_named_again_is_a_word),
		TEST(mem_set_named_again_is_a_word),
		TEST(a_successor_leaves_it_alone),
		TEST(the_next_driver_is_asked_for_all),
		TEST(a_new_xenstored_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
