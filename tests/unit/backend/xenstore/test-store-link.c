// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The link to xenstore: whatever call notices that xenstored is gone, nobody waits, and once it is
 * back every watch is set again before the owner is told.
 */
#include "unit/rigs/link-bench.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NODE "/local/domain/0/x"

static void a_watch_fires_and_ends(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(store_link_watch(b->link, NODE, "t"), 0);
	link_bench_run(b);
	b->events = 0;
	fake_store_put(b->store, NODE, "1");
	link_bench_run(b);
	assert_int_equal(b->events, 1);
	assert_string_equal(b->last_path, NODE);
	assert_string_equal(b->last_token, "t");
	/* the same watch again is the same watch */
	assert_int_equal(store_link_watch(b->link, NODE, "t"), 0);
	assert_int_equal(fake_store_watches(b->store), 1);
	assert_int_equal(store_link_unwatch(b->link, NODE, "t"), 0);
	assert_int_equal(store_link_unwatch(b->link, NODE, "t"), 0);
	assert_int_equal(fake_store_watches(b->store), 0);
}

static int call(struct link_bench *b, int which)
{
	char text[64];

	switch (which) {
	case 0:
		return store_link_read(b->link, NODE, text, sizeof(text));
	case 1:
		return store_link_write(b->link, NODE, "2");
	case 2:
		return store_link_remove(b->link, NODE "/y");
	case 3:
		return store_link_get_perms(b->link, NODE, text, sizeof(text));
	case 4:
		return store_link_set_perms(b->link, NODE, "n0");
	default:
		store_link_poll(b->link);
		return -EPIPE;
	}
}

static void every_call_notices_the_loss(void **state)
{
	struct link_bench *b = *state;

	fake_store_put(b->store, NODE, "1");
	assert_int_equal(store_link_watch(b->link, NODE, "t"), 0);
	for (int which = 0; which < 6; which++) {
		fake_store_stop(b->store);
		assert_int_equal(call(b, which), -EPIPE);
		assert_false(store_link_up(b->link));
		assert_null(store_link_store(b->link));
		assert_int_equal(fake_store_handles(b->store), 0);
		/* and from now on at once */
		for (int other = 0; other < 6; other++)
			assert_int_equal(call(b, other), -EPIPE);
		fake_store_start(b->store);
		b->events = 0;
		assert_true(link_bench_wait_up(b));
		assert_int_equal(b->connected, which + 1);
		assert_int_equal(fake_store_watches(b->store), 1);
		assert_int_equal(b->events, 1);
	}
	/* one line for the loss and one for the return, each time */
	assert_int_equal(b->capture.at_level[LOG_LEVEL_WARNING], 6);
	assert_int_equal(b->capture.at_level[LOG_LEVEL_NOTICE], 6);
}

static void watches_made_while_away_are_set_later(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(store_link_watch(b->link, NODE "/old", "old"), 0);
	fake_store_stop(b->store);
	store_link_poll(b->link);
	assert_int_equal(store_link_watch(b->link, NODE, "t"), 0);
	assert_int_equal(store_link_unwatch(b->link, NODE "/old", "old"), 0);
	fake_store_start(b->store);
	b->events = 0;
	assert_true(link_bench_wait_up(b));
	assert_int_equal(fake_store_watches(b->store), 1);
	assert_int_equal(b->events, 1);
	assert_string_equal(b->last_token, "t");
}

/* A loss while the watches are being set again is a loss like any other. */
static void a_loss_while_reconnecting_is_survived(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(store_link_watch(b->link, NODE, "1"), 0);
	assert_int_equal(store_link_watch(b->link, NODE, "2"), 0);
	fake_store_stop(b->store);
	store_link_poll(b->link);
	fake_store_start(b->store);
	fake_store_fail(b->store, 2, -EPIPE);
	assert_true(link_bench_wait_up(b));
	assert_int_equal(b->connected, 1);
	assert_int_equal(fake_store_watches(b->store), 2);
}

static void a_watch_that_is_refused_is_not_kept(void **state)
{
	struct link_bench *b = *state;
	char path[300];

	fake_store_fail(b->store, 1, -EACCES);
	assert_int_equal(store_link_watch(b->link, NODE, "t"), -EACCES);
	assert_true(store_link_up(b->link));
	assert_int_equal(fake_store_watches(b->store), 0);
	fake_store_stop(b->store);
	store_link_poll(b->link);
	fake_store_start(b->store);
	assert_true(link_bench_wait_up(b));
	assert_int_equal(fake_store_watches(b->store), 0);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(store_link_watch(b->link, path, "t"), -ENAMETOOLONG);
}

static void only_the_first_connection_may_be_demanded(void **state)
{
	struct link_bench *b = *state;
	struct store_link_config cfg;
	struct store_link *link = NULL;

	memset(&cfg, 0, sizeof(cfg));
	cfg.base = b->base;
	cfg.log = &b->capture.log;
	cfg.open = (int (*)(void *, struct xenvirtio_store **))fake_store_open;
	cfg.open_opaque = b->store;
	fake_store_stop(b->store);
	assert_int_equal(store_link_new(&link, &cfg, true), -ENOENT);
	assert_null(link);
	assert_int_equal(store_link_new(&link, &cfg, false), 0);
	assert_false(store_link_up(link));
	store_link_free(link);
	store_link_free(NULL);
	fake_store_start(b->store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, link_bench_setup, link_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_watch_fires_and_ends),
		TEST(every_call_notices_the_loss),
		TEST(watches_made_while_away_are_set_later),
		TEST(a_loss_while_reconnecting_is_survived),
		TEST(a_watch_that_is_refused_is_not_kept),
		TEST(only_the_first_connection_may_be_demanded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
