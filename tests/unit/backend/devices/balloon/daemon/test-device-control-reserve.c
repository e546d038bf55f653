// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reserve, in a whole daemon: a guest is not asked for what the host could not give back,
 * whichever way the wish comes, and who looks sees that.
 */
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void refused_is(struct process_bench *b, const char *value)
{
	const char *there = process_bench_key(b, "refused");

	if (!value) {
		assert_null(there);
		return;
	}
	assert_non_null(there);
	assert_string_equal(there, value);
}

/* 300 pages in the balloon, of which somebody else has got @used. */
static int start_with_debt(struct process_bench *b, uint64_t used)
{
	int fd = process_bench_client(b);

	client_send(fd, "{\"cmd\":\"set\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 300), 0);
	process_bench_settle(b);
	fake_set_heap(b->fake, 300 - used);
	return fd;
}

static void what_was_used_is_not_asked_for_again(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 1);
	struct json_object *json;

	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_RESERVE), "has 1196 KiB free"));
	assert_string_equal(process_bench_key(b, "target"), "18432");
	assert_int_equal(process_bench_num_pages(b), 512);
	refused_is(b, "16384 KiB: free 1196 KiB, owed 1200 KiB");
	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.refused.target_kib")), 16384);
	assert_int_equal(json_object_get_int(json_at(json, "result.refusals")), 1);
	json_object_put(json);
	/* what leaves it more than it has now is no question of the host's memory */
	client_send(fd, "{\"cmd\":\"set\",\"kib\":19280}\n");
	expect_u64(b->base, fd, "result.target_kib", 19280);
	refused_is(b, NULL);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":19276}\n");
	expect_error(b->base, fd, CONTROL_RESERVE);
	/* the host has it again */
	fake_set_heap(b->fake, 300);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	refused_is(b, NULL);
	close(fd);
}

/* Whichever way it comes, the guest is not asked, and who looks sees it. */
static void a_key_is_refused_as_well(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	close(start_with_debt(b, 1));
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	assert_string_equal(process_bench_key(b, "target"), "18432");
	refused_is(b, "16384 KiB: free 1196 KiB, owed 1200 KiB");
	assert_true(log_capture_has(&b->capture, "key target asks for 16 MiB: refused"));
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "12288");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	refused_is(b, "12288 KiB: free 1196 KiB, owed 1200 KiB");
	process_bench_put(b, "target", "20480");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 0);
	refused_is(b, NULL);
}

/* Frames in the balloon that the domain may not own any more, because it has others, are nobody's debt. */
static void what_the_domain_may_not_have_is_not_reserved(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 100);

	fake_set_max_pages(b->fake, fake_tot_pages(b->fake) + 200);
	assert_true(process_bench_wait_key(b, "owed", "800"));
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	/* and when it may have all again, ballooned says it */
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES);
	assert_true(process_bench_wait_key(b, "owed", NULL));
	close(fd);
}

static void others_balloons_are_reserved_too(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 0);

	fake_store_put(b->store, "/local/domain/9/memory/static-max", "8192");
	fake_store_put(b->store, "/local/domain/0/backend/virtio/9/0/type", "virtio,device5");
	fake_store_put(b->store, "/local/domain/0/backend/virtio/9/0/ballooned", "4");
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_error(b->base, fd, CONTROL_RESERVE);
	refused_is(b, "16384 KiB: free 1200 KiB, owed 1204 KiB");
	fake_store_del(b->store, "/local/domain/0/backend/virtio/9");
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	close(fd);
}

static void overcommit_asks_nevertheless(void **state)
{
	struct process_bench *b = *state;
	int fd;

	b->opts.overcommit = true;
	fd = start_with_debt(b, 300);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_int_equal(process_bench_num_pages(b), 1024);
	close(fd);
}

/* A host that does not tell is not a host that has none. */
static void what_cannot_be_counted_is_not_refused(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 300);

	fake_fail(b->fake, 1, -EACCES, FAKE_FAIL_ONCE, false);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_true(log_capture_has(&b->capture, "cannot be told"));
	close(fd);
}

/* What was taken is in force over a restart, whatever the host has by then; what is new is not. */
static void a_restart_asks_nobody_again(void **state)
{
	struct process_bench *b = *state;

	close(start_with_debt(b, 300));
	process_bench_stop(b);
	assert_true(process_bench_start(b));
	assert_string_equal(process_bench_key(b, "target"), "18432");
	refused_is(b, NULL);
	process_bench_stop(b);
	process_bench_put(b, "target", "16384");
	assert_true(process_bench_start(b));
	assert_string_equal(process_bench_key(b, "target"), "18432");
	refused_is(b, "16384 KiB: free 0 KiB, owed 1200 KiB");
	assert_int_equal(process_bench_num_pages(b), 512);
	process_bench_stop(b);
	b->opts.target_given = true;
	b->opts.target_kib = 16384;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_num_pages(b), 512);
	assert_true(log_capture_has(&b->capture, "--target asks for 16 MiB: refused"));
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_used_is_not_asked_for_again),
		TEST(a_key_is_refused_as_well),
		TEST(what_the_domain_may_not_have_is_not_reserved),
		TEST(others_balloons_are_reserved_too),
		TEST(overcommit_asks_nevertheless),
		TEST(what_cannot_be_counted_is_not_refused),
		TEST(a_restart_asks_nobody_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
