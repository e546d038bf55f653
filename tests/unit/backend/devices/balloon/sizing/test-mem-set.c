// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Following xl mem-set: the guest cannot read its target meanwhile and can again after, whoever
 * died in between; each new size is a target; max_mem is not below static-max.
 */
#include "backend/devices/balloon/sizing/mem-set.h"
#include "fake/hv-fake.h"
#include "unit/rigs/link-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DOMID 7
#define TARGET "/local/domain/7/memory/target"
#define RAM_PAGES 5120u
#define STATIC_MAX_KIB (RAM_PAGES * 4)

static struct publish p;
static struct target t;
static struct mem_set m;
static struct fake *machine;
static struct xenvirtio_hv *hv;
static char saved[MEM_SET_PERMS_MAX];

static void ignore_change(void *opaque, uint64_t kib)
{
}

static void begin(struct link_bench *b)
{
	publish_init(&p, NULL, &b->capture.log, "");
	target_init(&t, &b->capture.log, &p, "", STATIC_MAX_KIB, ignore_change, NULL);
	mem_set_init(&m, &b->capture.log, b->link, hv, &t, DOMID, saved);
}

static int setup(void **state)
{
	const struct fake_config cfg = {.max_pages = RAM_PAGES + 256};
	struct xenvirtio_store *store;
	int rc = link_bench_setup(state);
	struct link_bench *b = *state;

	machine = fake_new(&cfg);
	assert_non_null(machine);
	assert_int_equal(fake_open(machine, &hv), 0);
	fake_store_put(b->store, TARGET, "20480");
	assert_int_equal(fake_store_open(b->store, &store), 0);
	assert_int_equal(store->ops->set_perms(store, TARGET, "n0,r7"), 0);
	xenvirtio_store_close(store);
	memset(saved, 0, sizeof(saved));
	begin(b);
	return rc;
}

static int teardown(void **state)
{
	xenvirtio_hv_close(hv);
	fake_free(machine);
	return link_bench_teardown(state);
}

static void perms_without_one_domain(void **state)
{
	static const struct {
		const char *perms;
		uint32_t domid;
		int rc;
		const char *less;
	} cases[] = {
		{"n0,r7", 7, 0, "n0"},
		{"n0,r7,w3", 7, 0, "n0,w3"},
		{"n0,r70,b7,r17,n7", 7, 0, "n0,r70,r17"},
		{"n0", 7, XENVIRTIO_E_EMPTY, "n0"},
		{"n0,r3", 7, XENVIRTIO_E_EMPTY, "n0,r3"},
		{"r7", 7, -EINVAL, NULL},
		{"n7,r0", 7, -EINVAL, NULL},
		{"", 7, -EINVAL, NULL},
		{"n0,", 7, -EINVAL, NULL},
		{"n0,,r7", 7, -EINVAL, NULL},
		{"x0,r7", 7, -EINVAL, NULL},
		{"n0,r7x", 7, -EINVAL, NULL},
		{"n0,r-7", 7, -EINVAL, NULL},
	};
	char less[MEM_SET_PERMS_MAX], many[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(mem_set_strip_perms(cases[i].perms, cases[i].domid, less),
				 cases[i].rc);
		if (cases[i].less)
			assert_string_equal(less, cases[i].less);
	}
	memset(many, '1', sizeof(many));
	memcpy(many, "n0,r", 4);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(mem_set_strip_perms(many, 7, less), -EMSGSIZE);
}

static void permission_is_taken_and_given_back(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(mem_set_start(&m), 0);
	assert_string_equal(fake_store_perms(b->store, TARGET), "n0");
	assert_string_equal(saved, "n0,r7");
	mem_set_stop(&m);
	assert_string_equal(fake_store_perms(b->store, TARGET), "n0,r7");
	assert_string_equal(saved, "");
	assert_int_equal(fake_store_watches(b->store), 0);
}

static void a_dead_predecessors_permission_is_given_back(void **state)
{
	struct link_bench *b = *state;

	/* dies while following; the next one follows, too: what was kept is not lost */
	assert_int_equal(mem_set_start(&m), 0);
	begin(b);
	assert_int_equal(mem_set_start(&m), 0);
	assert_string_equal(saved, "n0,r7");
	/* dies again; the next one does not follow */
	begin(b);
	mem_set_stop(&m);
	assert_string_equal(fake_store_perms(b->store, TARGET), "n0,r7");
	assert_string_equal(saved, "");
	store_link_unwatch(b->link, TARGET, MEM_SET_TOKEN);
}

static void not_following_touches_nothing(void **state)
{
	struct link_bench *b = *state;

	fake_store_fail(b->store, 0, 0);
	mem_set_stop(&m);
	mem_set_again(&m);
	assert_false(mem_set_read(&m));
	fake_set_max_pages(machine, 10);
	mem_set_hold_max_mem(&m);
	assert_int_equal(fake_store_calls(b->store), 0);
	assert_int_equal(fake_max_pages(machine), 10);
}

static void each_new_size_is_a_target(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(mem_set_start(&m), 0);
	assert_true(mem_set_read(&m));
	assert_int_equal(t.kib, 20480);
	fake_store_put(b->store, TARGET, "10240");
	assert_true(mem_set_read(&m));
	assert_int_equal(t.kib, 10240);
	/* somebody else set a target since; the same size again is no news */
	target_set(&t, 8192, "test");
	assert_false(mem_set_read(&m));
	assert_int_equal(t.kib, 8192);
	fake_store_put(b->store, TARGET, "20480");
	assert_true(mem_set_read(&m));
	assert_int_equal(t.kib, 20480);
	mem_set_stop(&m);
}

static void a_bad_size_is_ignored(void **state)
{
	struct link_bench *b = *state;

	assert_int_equal(mem_set_start(&m), 0);
	assert_true(mem_set_read(&m));
	fake_store_put(b->store, TARGET, "10M");
	assert_false(mem_set_read(&m));
	assert_int_equal(t.kib, 20480);
	assert_true(log_capture_has(&b->capture, "'10M' is not a number of KiB"));
	fake_store_del(b->store, TARGET);
	assert_false(mem_set_read(&m));
	mem_set_stop(&m);
	/* there is nothing left to give back */
	assert_string_equal(saved, "");
}

static void max_mem_is_held_at_static_max(void **state)
{
	struct link_bench *b = *state;

	fake_set_max_pages(machine, 2560 + 256);
	assert_int_equal(mem_set_start(&m), 0);
	assert_int_equal(fake_max_pages(machine), RAM_PAGES + 257);
	/* xl lowers it, then writes */
	fake_set_max_pages(machine, 2560 + 256);
	fake_store_put(b->store, TARGET, "10240");
	assert_true(mem_set_read(&m));
	assert_int_equal(fake_max_pages(machine), RAM_PAGES + 257);
	/* more is left alone */
	fake_set_max_pages(machine, RAM_PAGES + 1000);
	mem_set_hold_max_mem(&m);
	assert_int_equal(fake_max_pages(machine), RAM_PAGES + 1000);
	mem_set_stop(&m);
}

static void failures_are_told_once_and_survived(void **state)
{
	struct link_bench *b = *state;

	fake_store_fail(b->store, 2, -EACCES);
	assert_int_equal(mem_set_start(&m), 0);
	assert_true(log_capture_has(&b->capture, "cannot take the guest's permission"));
	fake_set_max_pages(machine, 10);
	for (int i = 0; i < 3; i++) {
		fake_fail(machine, 2, -EPERM, FAKE_FAIL_ONCE, false);
		mem_set_hold_max_mem(&m);
	}
	assert_int_equal(b->capture.lines, 2);
	fake_fail(machine, 0, 0, FAKE_FAIL_ONCE, false);
	mem_set_hold_max_mem(&m);
	assert_int_equal(fake_max_pages(machine), RAM_PAGES + 257);
	mem_set_stop(&m);
}

/* xenstored comes back with the permissions of old. */
static void a_restart_of_xenstored_is_survived(void **state)
{
	struct link_bench *b = *state;
	struct xenvirtio_store *store;

	assert_int_equal(mem_set_start(&m), 0);
	fake_store_stop(b->store);
	store_link_poll(b->link);
	fake_store_start(b->store);
	assert_int_equal(fake_store_open(b->store, &store), 0);
	assert_int_equal(store->ops->set_perms(store, TARGET, "n0,r7"), 0);
	xenvirtio_store_close(store);
	assert_true(link_bench_wait_up(b));
	mem_set_again(&m);
	assert_string_equal(fake_store_perms(b->store, TARGET), "n0");
	/* gone at the very end: kept for the next process, and said */
	fake_store_stop(b->store);
	mem_set_stop(&m);
	assert_string_equal(saved, "n0,r7");
	assert_true(log_capture_has(&b->capture, "xenstore-chmod " TARGET " n0,r7"));
	fake_store_start(b->store);
	assert_true(link_bench_wait_up(b));
	mem_set_again(&m);
	assert_string_equal(fake_store_perms(b->store, TARGET), "n0,r7");
	assert_string_equal(saved, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(perms_without_one_domain),
		TEST(permission_is_taken_and_given_back),
		TEST(a_dead_predecessors_permission_is_given_back),
		TEST(not_following_touches_nothing),
		TEST(each_new_size_is_a_target),
		TEST(a_bad_size_is_ignored),
		TEST(max_mem_is_held_at_static_max),
		TEST(failures_are_told_once_and_survived),
		TEST(a_restart_of_xenstored_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
