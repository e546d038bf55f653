// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets: the latest good word is in force and shown, a bad one changes nothing and is
 * overwritten, and no size leaves what the guest can have.
 */
#include "backend/devices/balloon/sizing/target.h"
#include "unit/rigs/link-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NODE "/local/domain/0/backend/virtio/7/0"
#define STATIC_MAX_KIB 524288u

static struct publish p;
static struct target t;
static unsigned int changes;
static uint64_t told_kib;

static void note_change(void *opaque, uint64_t kib)
{
	changes++;
	told_kib = kib;
}

static int setup(void **state)
{
	int rc = link_bench_setup(state);
	struct link_bench *b = *state;

	changes = 0;
	publish_init(&p, b->link, &b->capture.log, NODE);
	target_init(&t, &b->capture.log, &p, NODE, STATIC_MAX_KIB, note_change, NULL);
	return rc;
}

static void shown(struct link_bench *b, const char *value)
{
	const char *there = fake_store_get(b->store, NODE "/target");

	assert_non_null(there);
	assert_string_equal(there, value);
}

static void a_target_is_told_once_and_shown(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(target_balloon_pages(&t), 0);
	target_set(&t, 262144, "test");
	assert_int_equal(changes, 1);
	assert_int_equal(told_kib, 262144);
	assert_int_equal(target_balloon_pages(&t), 65536);
	shown(b, "262144");
	target_set(&t, 262144, "test");
	assert_int_equal(changes, 1);
}

static void a_size_is_cut_to_what_can_be(void **state)
{
	struct link_bench *b = *state;

	target_set(&t, 262147, "test");
	assert_int_equal(told_kib, 262144);
	target_set(&t, UINT64_MAX, "test");
	assert_int_equal(told_kib, STATIC_MAX_KIB);
	assert_int_equal(target_balloon_pages(&t), 0);
	assert_true(log_capture_has(&b->capture, "more than the guest's 512 MiB"));
	shown(b, "524288");
	target_set(&t, 0, "test");
	assert_int_equal(target_balloon_pages(&t), STATIC_MAX_KIB / 4);
	target_set(&t, 3, "test");
	assert_int_equal(told_kib, 0);
}

static void the_node_is_obeyed(void **state)
{
	struct link_bench *b = *state;

	fake_store_put(b->store, NODE "/target", "131072");
	assert_true(target_read_node(&t));
	assert_int_equal(told_kib, 131072);
	/* the echo of what we wrote ourselves */
	target_set(&t, 65536, "test");
	assert_true(target_read_node(&t));
	assert_int_equal(changes, 2);
	assert_int_equal(t.kib, 65536);
}

static void what_the_node_cannot_mean_is_overwritten(void **state)
{
	static const char *const bad[] = {
		"", "x", "-1", "256M", "1 ", "99999999999999999999", "0x1000", "1.5", "\033[2J"};
	struct link_bench *b = *state;

	target_set(&t, 262144, "test");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_store_put(b->store, NODE "/target", bad[i]);
		assert_false(target_read_node(&t));
		shown(b, "262144");
	}
	assert_int_equal(changes, 1);
	assert_true(log_capture_has(&b->capture, "'256M' is not a number of KiB"));
	assert_null(strchr(b->capture.all, '\033'));
}

static void what_was_cut_is_shown_cut(void **state)
{
	struct link_bench *b = *state;

	fake_store_put(b->store, NODE "/target", "262145");
	assert_true(target_read_node(&t));
	shown(b, "262144");
	/* also where the size in force stays the same */
	fake_store_put(b->store, NODE "/target", "262146");
	assert_true(target_read_node(&t));
	shown(b, "262144");
	fake_store_put(b->store, NODE "/target", "999999999");
	assert_true(target_read_node(&t));
	shown(b, "524288");
}

static void a_key_that_is_removed_comes_back(void **state)
{
	struct link_bench *b = *state;

	target_set(&t, 262144, "test");
	fake_store_del(b->store, NODE "/target");
	assert_false(target_read_node(&t));
	shown(b, "262144");
}

static void without_a_node_the_target_holds(void **state)
{
	struct link_bench *b = *state;

	publish_init(&p, NULL, &b->capture.log, "");
	target_init(&t, &b->capture.log, &p, "", STATIC_MAX_KIB, note_change, NULL);
	assert_false(target_read_node(&t));
	target_set(&t, 262144, "test");
	assert_int_equal(changes, 1);
	fake_store_stop(b->store);
	publish_init(&p, b->link, &b->capture.log, NODE);
	target_init(&t, &b->capture.log, &p, NODE, STATIC_MAX_KIB, note_change, NULL);
	assert_false(target_read_node(&t));
	target_set(&t, 131072, "test");
	assert_int_equal(told_kib, 131072);
	fake_store_start(b->store);
}

static void a_huge_guest_does_not_wrap(void **state)
{
	struct link_bench *b = *state;

	target_init(&t, &b->capture.log, &p, NODE, UINT64_MAX, note_change, NULL);
	target_set(&t, 0, "test");
	assert_int_equal(target_balloon_pages(&t), UINT32_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, link_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_target_is_told_once_and_shown),
		TEST(a_size_is_cut_to_what_can_be),
		TEST(the_node_is_obeyed),
		TEST(what_the_node_cannot_mean_is_overwritten),
		TEST(what_was_cut_is_shown_cut),
		TEST(a_key_that_is_removed_comes_back),
		TEST(without_a_node_the_target_holds),
		TEST(a_huge_guest_does_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
