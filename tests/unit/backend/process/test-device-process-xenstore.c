// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole daemon and xenstored: the words of others in it, its restarts, and life without.
 */
#include "backend/base/clock.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

static void mem_set_is_followed(void **state)
{
	struct process_bench *b = *state;
	const char *target = BENCH_DOMAIN "/memory/target";
	struct xenvirtio_store *store;

	assert_int_equal(fake_store_open(b->store, &store), 0);
	assert_int_equal(store->ops->set_perms(store, target, "n0,r7"), 0);
	xenvirtio_store_close(store);
	b->opts.mem_set_follow = true;
	assert_true(process_bench_start(b));
	assert_string_equal(fake_store_perms(b->store, target), "n0");
	assert_int_equal(process_bench_driver(b), 0);
	/* as xl does: the limit first */
	fake_set_max_pages(b->fake, 4096 + 256);
	fake_store_put(b->store, target, "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
	process_bench_key_is(b, "target", "16384");
	assert_int_equal(fake_max_pages(b->fake), BENCH_RAM_PAGES + 257);
	/* and the node's key still counts when it is the later word */
	process_bench_put(b, "target", "18432");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
	assert_string_equal(fake_store_perms(b->store, target), "n0,r7");
}

static void mem_set_is_ignored_by_default(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 0);
}

static void a_bad_target_is_overwritten(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	process_bench_put(b, "target", "lots");
	process_bench_run(b);
	process_bench_key_is(b, "target", "16384");
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 1024);
}

static void a_restart_of_xenstored_is_survived(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	fake_store_stop(b->store);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 100, 100), 0);
	fake_store_start(b->store);
	assert_true(process_bench_wait_key(b, "ballooned", "800"));
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 1024);
	process_bench_put(b, "state", "5");
	process_bench_ends_clean(b);
	process_bench_key_is(b, "state", "6");
}

/* xenstored comes back empty, and its contents are written again key by key. */
static void a_xenstored_that_forgot_is_survived(void **state)
{
	static const char *const keys[][2] = {
		{"frontend-id", "7"},
		{"online", "1"},
		{"state", "4"},
		{"irq", "33"},
		{"base", "0x2000000"},
		{"transport", "mmio"},
		{"type", "virtio,device5"},
	};
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	assert_true(process_bench_wait_key(b, "ballooned", "400"));
	fake_store_stop(b->store);
	fake_store_del(b->store, BENCH_NODE);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 100, 100), 0);
	fake_store_start(b->store);
	while (!fake_store_handles(b->store))
		assert_true(machine_fake_pass_to_timer(clock_now_ms() + 60000));
	assert_true(device_process_serving(b->process));
	assert_null(process_bench_key(b, "ballooned"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		process_bench_put(b, keys[i][0], keys[i][1]);
		process_bench_run(b);
	}
	assert_true(process_bench_wait_key(b, "ballooned", "800"));
	process_bench_key_is(b, "path", "event-channel");
	assert_true(device_process_serving(b->process));
	/* from here on a missing node means closed again */
	fake_store_del(b->store, BENCH_NODE);
	process_bench_ends_clean(b);
}

static void base_and_irq_need_no_node(void **state)
{
	struct process_bench *b = *state;

	fake_store_del(b->store, BENCH_NODE);
	b->opts.common.base_given = true;
	b->opts.common.base = xenvirtio_gpa(BENCH_BASE);
	b->opts.common.irq = BENCH_IRQ;
	b->opts.target_given = true;
	b->opts.target_kib = 16384;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_num_pages(b), 1024);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 10), 0);
	assert_null(fake_store_get(b->store, BENCH_NODE));
	fake_set_dying(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	process_bench_ends_clean(b);
	process_bench_stop(b);
	assert_null(fake_store_get(b->store, BENCH_NODE));
}

static void base_and_irq_need_no_xenstore(void **state)
{
	struct process_bench *b = *state;

	fake_store_stop(b->store);
	b->opts.common.base_given = true;
	b->opts.common.base = xenvirtio_gpa(BENCH_BASE);
	b->opts.common.irq = BENCH_IRQ;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	fake_set_gone(b->fake);
	process_bench_ends_clean(b);
	process_bench_stop(b);
	fake_store_start(b->store);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(mem_set_is_followed),
		TEST(mem_set_is_ignored_by_default),
		TEST(a_bad_target_is_overwritten),
		TEST(a_restart_of_xenstored_is_survived),
		TEST(a_xenstored_that_forgot_is_survived),
		TEST(base_and_irq_need_no_node),
		TEST(base_and_irq_need_no_xenstore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
