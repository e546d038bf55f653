// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reserve: a guest is asked for more only while all that is in balloons could be given back;
 * what it already gave is no reason against its target; inflating and deflating change nothing in
 * that.
 */
#include "backend/devices/balloon/sizing/reserve.h"
#include "fake/hv-fake.h"
#include "unit/rigs/link-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TREE "/local/domain/0/backend/virtio"

static struct fake *machine;
static struct xenvirtio_hv *hv;

static int setup(void **state)
{
	const struct fake_config cfg = {.heap_pages = 1000};

	machine = fake_new(&cfg);
	assert_non_null(machine);
	assert_int_equal(fake_open(machine, &hv), 0);
	return link_bench_setup(state);
}

static int teardown(void **state)
{
	xenvirtio_hv_close(hv);
	fake_free(machine);
	return link_bench_teardown(state);
}

static void owed_is(struct link_bench *b, uint64_t kib)
{
	struct reserve r;

	assert_int_equal(reserve_count(&r, hv, b->link, 7, 0, 400), 0);
	assert_int_equal(r.owed_kib, kib);
	assert_int_equal(r.free_kib, 4000);
}

/* A device of a living domain. @device: "7/1" */
static void put_device(struct link_bench *b, const char *device, const char *type, const char *kib)
{
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%.*s/memory/static-max",
		 (int)strcspn(device, "/"), device);
	fake_store_put(b->store, path, "262144");
	snprintf(path, sizeof(path), TREE "/%s/type", device);
	fake_store_put(b->store, path, type);
	snprintf(path, sizeof(path), TREE "/%s/ballooned", device);
	fake_store_put(b->store, path, kib);
}

static void put_balloon(struct link_bench *b, const char *device, const char *kib)
{
	put_device(b, device, "virtio,device5", kib);
}

static void the_rule(void **state)
{
	static const struct {
		struct reserve r;
		uint64_t balloon_kib, wanted_kib;
		bool allowed;
	} cases[] = {
		/* nobody has used what was given */
		{{0, 0}, 0, 4, true},
		{{1000, 1000}, 400, 800, true},
		{{UINT64_MAX, UINT64_MAX}, 0, UINT64_MAX, true},
		/* somebody has: one page is missing */
		{{996, 1000}, 400, 404, false},
		{{0, 4}, 0, 4, false},
		{{0, UINT64_MAX}, 0, UINT64_MAX, false},
		/* it would get some back, or just what it gave */
		{{0, 1000}, 400, 400, true},
		{{0, 1000}, 400, 0, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			reserve_allows(&cases[i].r, cases[i].balloon_kib, cases[i].wanted_kib),
			cases[i].allowed);
}

/* What moves between guest and host is on both sides of the rule: it can be asked at any moment. */
static void inflating_changes_nothing(void **state)
{
	struct reserve r = {5000, 3000};

	for (int64_t kib = -3000; kib <= 100000; kib += 500) {
		struct reserve moved = {(uint64_t)(5000 + kib), (uint64_t)(3000 + kib)};

		assert_int_equal(reserve_allows(&moved, 0, 4), reserve_allows(&r, 0, 4));
	}
}

static void every_balloon_is_counted_once(void **state)
{
	struct link_bench *b = *state;

	owed_is(b, 400);
	/* ours as it was published last, and another device of the same guest */
	put_balloon(b, "7/0", "1");
	owed_is(b, 400);
	put_balloon(b, "7/1", "20");
	put_balloon(b, "8/0", "3000");
	put_balloon(b, "19/3", "50000");
	owed_is(b, 53420);
	fake_store_del(b->store, TREE "/19");
	owed_is(b, 3420);
}

/* What is in a balloon and can never be asked for, its guest is not owed. A daemon before that says only the former. */
static void what_is_owed_is_counted_where_it_is_said(void **state)
{
	struct link_bench *b = *state;

	put_balloon(b, "8/0", "3000");
	put_balloon(b, "9/0", "5000");
	owed_is(b, 400 + 3000 + 5000);
	fake_store_put(b->store, TREE "/9/0/owed", "16");
	owed_is(b, 400 + 3000 + 16);
	fake_store_put(b->store, TREE "/9/0/owed", "0");
	owed_is(b, 400 + 3000);
	fake_store_put(b->store, TREE "/9/0/owed", "none");
	owed_is(b, 400 + 3000 + 5000);
}

/* No number, no device: nothing is counted for it, and nothing fails. */
static void what_cannot_be_read_counts_nothing(void **state)
{
	static const char *const bad[] = {"", "x", "-4", "4K", "99999999999999999999999"};
	struct link_bench *b = *state;

	fake_store_put(b->store, TREE "/8/0/type", "virtio,device1");
	put_balloon(b, "x/0", "1000");
	put_balloon(b, "8/x", "1000");
	put_balloon(b, "1234567890123/0", "1000");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_balloon(b, "9/0", bad[i]);
		owed_is(b, 400);
	}
	/* no more than the domain may have: who says it may be a process that its guest has taken over */
	put_balloon(b, "9/0", "18446744073709551615");
	owed_is(b, 400 + 262144);
	fake_store_put(b->store, "/local/domain/9/memory/static-max", "x");
	owed_is(b, UINT64_MAX);
}

/* Keys of that name which are not a balloon's, whoever wrote them. */
static void only_balloons_are_counted(void **state)
{
	struct link_bench *b = *state;

	put_balloon(b, "8/0", "3000");
	put_device(b, "8/1", "virtio,device4", "1000");
	put_device(b, "9/0", "virtio", "1000");
	put_device(b, "9/1", "virtio,device55", "1000");
	put_balloon(b, "9/2", "1000");
	fake_store_del(b->store, TREE "/9/2/type");
	owed_is(b, 3400);
}

/* Its node may outlive a domain; its memory does not. */
static void what_a_dead_domain_left_is_not_owed(void **state)
{
	struct link_bench *b = *state;

	put_balloon(b, "8/0", "3000");
	put_balloon(b, "9/0", "1000");
	fake_store_del(b->store, "/local/domain/8");
	owed_is(b, 1400);
	/* somebody wrote into its directory after it was gone: that brings no domain back */
	fake_store_put(b->store, "/local/domain/8/name", "g");
	owed_is(b, 1400);
	put_balloon(b, "8/0", "3000");
	owed_is(b, 4400);
}

static void without_xenstore_the_own_balloon_counts(void **state)
{
	struct link_bench *b = *state;
	struct reserve r;

	put_balloon(b, "8/0", "3000");
	assert_int_equal(reserve_count(&r, hv, NULL, 7, 0, 400), 0);
	assert_int_equal(r.owed_kib, 400);
	fake_store_stop(b->store);
	owed_is(b, 400);
	fake_store_start(b->store);
	assert_true(link_bench_wait_up(b));
	owed_is(b, 3400);
}

static void failures_are_told(void **state)
{
	struct link_bench *b = *state;
	struct reserve r;

	put_balloon(b, "8/0", "3000");
	fake_fail(machine, 1, -EACCES, FAKE_FAIL_ONCE, false);
	assert_int_equal(reserve_count(&r, hv, b->link, 7, 0, 400), -EACCES);
	fake_fail(machine, 0, 0, FAKE_FAIL_ONCE, false);
	/* the list of domains, and that of one's devices */
	for (uint64_t nth = 1; nth <= 3; nth += 2) {
		fake_store_fail(b->store, nth, -ENOMEM);
		assert_int_equal(reserve_count(&r, hv, b->link, 7, 0, 400), -ENOMEM);
	}
	fake_store_fail(b->store, 0, 0);
	owed_is(b, 3400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rule),
		cmocka_unit_test(inflating_changes_nothing),
		TEST(every_balloon_is_counted_once),
		TEST(what_is_owed_is_counted_where_it_is_said),
		TEST(what_cannot_be_read_counts_nothing),
		TEST(only_balloons_are_counted),
		TEST(what_a_dead_domain_left_is_not_owed),
		TEST(without_xenstore_the_own_balloon_counts),
		TEST(failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
