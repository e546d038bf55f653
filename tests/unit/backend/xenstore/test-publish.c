// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Publication: the node shows the newest values with no write too many, nothing that fails is
 * forgotten, and after the stop nothing is written, or a removed node would come back.
 */
#include "backend/xenstore/publish.h"
#include "unit/rigs/link-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NODE "/local/domain/0/backend/virtio/7/0"

static struct publish p;

static int setup(void **state)
{
	int rc = link_bench_setup(state);
	struct link_bench *b = *state;

	publish_init(&p, b->link, &b->capture.log, NODE);
	return rc;
}

static void shows(struct link_bench *b, const char *path, const char *value)
{
	const char *there = fake_store_get(b->store, path);

	if (!value) {
		assert_null(there);
		return;
	}
	assert_non_null(there);
	assert_string_equal(there, value);
}

/* Nothing is written while it is noted, then as much as is asked for, and what fails is not forgotten. */
static void what_was_noted_is_written_by_turns(void **state)
{
	struct link_bench *b = *state;

	publish_note(&p, true);
	publish_u64(&p, "actual", 5);
	publish_u64(&p, "ballooned", 6);
	publish_text(&p, "path", "eventfd");
	publish_note(&p, false);
	shows(b, NODE "/actual", NULL);
	publish_u64(&p, "owed", 7);
	shows(b, NODE "/owed", "7");
	assert_true(publish_some(&p, 2));
	shows(b, NODE "/ballooned", "6");
	shows(b, NODE "/path", NULL);
	publish_hold(&p);
	assert_false(publish_some(&p, 1));
	p.held = false;
	fake_store_fail(b->store, 1, -ENOSPC);
	assert_false(publish_some(&p, 1));
	shows(b, NODE "/path", NULL);
	assert_false(publish_some(&p, 2));
	shows(b, NODE "/path", "eventfd");
}

static void only_changes_are_written(void **state)
{
	struct link_bench *b = *state;

	publish_u64(&p, "actual", 5);
	publish_text(&p, "path", "event-channel");
	shows(b, NODE "/actual", "5");
	shows(b, NODE "/path", "event-channel");
	fake_store_fail(b->store, 0, 0);
	for (int i = 0; i < 100; i++) {
		publish_u64(&p, "actual", 5);
		publish_text(&p, "path", "event-channel");
		publish_flush(&p);
	}
	assert_int_equal(fake_store_calls(b->store), 0);
	publish_u64(&p, "actual", UINT64_MAX);
	assert_int_equal(fake_store_calls(b->store), 1);
	shows(b, NODE "/actual", "18446744073709551615");
}

static void what_is_removed_goes_once(void **state)
{
	struct link_bench *b = *state;

	/* one that a predecessor left goes, too */
	fake_store_put(b->store, NODE "/stalled", "host");
	publish_remove(&p, "stalled");
	shows(b, NODE "/stalled", NULL);
	fake_store_fail(b->store, 0, 0);
	publish_remove(&p, "stalled");
	assert_int_equal(fake_store_calls(b->store), 0);
	publish_text(&p, "stalled", "x");
	shows(b, NODE "/stalled", "x");
	publish_remove(&p, "stalled");
	shows(b, NODE "/stalled", NULL);
}

static void what_failed_is_written_later(void **state)
{
	struct link_bench *b = *state;

	fake_store_fail(b->store, 1, -ENOSPC);
	publish_u64(&p, "actual", 5);
	shows(b, NODE "/actual", NULL);
	assert_true(log_capture_has(&b->capture, "cannot write " NODE "/actual"));
	publish_flush(&p);
	shows(b, NODE "/actual", "5");
	fake_store_fail(b->store, 1, -EACCES);
	publish_remove(&p, "actual");
	shows(b, NODE "/actual", "5");
	publish_u64(&p, "actual", 5);
	publish_flush(&p);
	shows(b, NODE "/actual", "5");
}

static void all_is_there_again_after_a_restart(void **state)
{
	struct link_bench *b = *state;

	publish_u64(&p, "actual", 5);
	publish_text(&p, "stalled", "x");
	fake_store_stop(b->store);
	publish_u64(&p, "actual", 6);
	publish_remove(&p, "stalled");
	publish_u64(&p, "stats/free-memory", 7);
	assert_int_equal(b->capture.at_level[LOG_LEVEL_WARNING], 1);
	fake_store_del(b->store, NODE "/actual");
	fake_store_start(b->store);
	assert_true(link_bench_wait_up(b));
	publish_again(&p);
	shows(b, NODE "/actual", "6");
	shows(b, NODE "/stalled", NULL);
	shows(b, NODE "/stats/free-memory", "7");
}

static void held_is_not_written_and_not_forgotten(void **state)
{
	struct link_bench *b = *state;

	publish_u64(&p, "actual", 5);
	publish_hold(&p);
	fake_store_fail(b->store, 0, 0);
	publish_u64(&p, "actual", 6);
	publish_rewrite(&p, "actual");
	publish_u64(&p, "ballooned", 8);
	publish_flush(&p);
	assert_int_equal(fake_store_calls(b->store), 0);
	publish_again(&p);
	shows(b, NODE "/actual", "6");
	shows(b, NODE "/ballooned", "8");
}

static void after_the_stop_nothing_is_written(void **state)
{
	struct link_bench *b = *state;

	publish_u64(&p, "actual", 5);
	publish_stop(&p);
	fake_store_del(b->store, NODE);
	fake_store_fail(b->store, 0, 0);
	publish_u64(&p, "actual", 6);
	publish_remove(&p, "actual");
	publish_flush(&p);
	publish_again(&p);
	assert_int_equal(fake_store_calls(b->store), 0);
	shows(b, NODE "/actual", NULL);
}

static void too_much_is_cut_or_refused(void **state)
{
	struct link_bench *b = *state;
	char text[200], key[16];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	publish_text(&p, "long", text);
	assert_int_equal(strlen(fake_store_get(b->store, NODE "/long")), PUBLISH_VALUE_MAX - 1);
	publish_text(&p, text, "x");
	assert_true(log_capture_has(&b->capture, "cannot publish xxx"));
	for (int i = 0; i < PUBLISH_ENTRIES_MAX + 3; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		publish_u64(&p, key, 1);
	}
	assert_int_equal(p.nr, PUBLISH_ENTRIES_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, link_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(only_changes_are_written),
		TEST(what_was_noted_is_written_by_turns),
		TEST(what_is_removed_goes_once),
		TEST(what_failed_is_written_later),
		TEST(all_is_there_again_after_a_restart),
		TEST(held_is_not_written_and_not_forgotten),
		TEST(after_the_stop_nothing_is_written),
		TEST(too_much_is_cut_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
