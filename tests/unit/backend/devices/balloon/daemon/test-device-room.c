// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes count from what the guest has, in a whole daemon: what its own Xen balloon driver holds, or
 * what was never populated, is not taken a second time.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* of 5120; the guest's Xen balloon driver has these by its target */
#define HELD 2048u
#define HELD_GFN (BENCH_FREE_GFN + 1024u)
#define HAS_KIB ((BENCH_RAM_PAGES - HELD) * 4)

static struct xenvirtio_hv_ops pod_ops;
static struct xenvirtio_pod_info pod;

static int get_pod(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info)
{
	*info = pod;
	return 0;
}

static int open_with_pod(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct process_bench *b = opaque;
	int rc = fake_open(b->fake, hv);

	if (rc)
		return rc;
	pod_ops = *(*hv)->ops;
	pod_ops.size = sizeof(pod_ops);
	pod_ops.pod_info = get_pod;
	(*hv)->ops = &pod_ops;
	return 0;
}

static void xen_driver_inflates(struct process_bench *b)
{
	fake_make_hole(b->fake, xenvirtio_gfn(HELD_GFN), HELD);
}

static void what_another_holds_is_not_taken_again(void **state)
{
	struct process_bench *b = *state;
	int fd;

	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "12288");
	xen_driver_inflates(b);
	fd = process_bench_client(b);
	/* nobody has named a size: all that it can have */
	assert_int_equal(process_bench_num_pages(b), 0);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, fd, "result.static_max_kib", HAS_KIB);
	/* to what it has */
	client_send(fd, "{\"cmd\":\"set\",\"kib\":12288}\n");
	expect_u64(b->base, fd, "result.target_kib", 12288);
	assert_int_equal(process_bench_num_pages(b), 0);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":11264}\n");
	expect_u64(b->base, fd, "result.target_kib", 11264);
	assert_int_equal(process_bench_num_pages(b), 256);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 256), 0);
	assert_true(process_bench_wait_key(b, "ballooned", "1024"));
	assert_int_equal(process_bench_num_pages(b), 256);
	assert_int_equal(fake_tot_pages(b->fake), 11264 / 4);
	/* xl makes a domain with a little less than it was told: that is no mistake of who says the same */
	client_send(fd, "{\"cmd\":\"set\",\"kib\":13312}\n");
	expect_u64(b->base, fd, "result.target_kib", 12288);
	assert_int_equal(process_bench_num_pages(b), 0);
	/* more than it could have, whatever our balloon does */
	client_send(fd, "{\"cmd\":\"set\",\"kib\":17408}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_OUT_OF_RANGE),
			       "at most 12 MiB: its own Xen balloon driver"));
	close(fd);
}

static void what_another_takes_later_is_given_back(void **state)
{
	struct process_bench *b = *state;
	int fd = process_bench_client(b);

	client_send(fd, "{\"cmd\":\"set\",\"kib\":12288}\n");
	expect_u64(b->base, fd, "result.target_kib", 12288);
	assert_int_equal(process_bench_num_pages(b), 2048);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 1000), 0);
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "12288");
	xen_driver_inflates(b);
	assert_true(process_bench_wait_key(b, "ballooned", "4000"));
	/* it would have had 8288 KiB */
	assert_int_equal(process_bench_num_pages(b), 0);
	close(fd);
}

/* memory= below maxmem= on x86: the guest believes that it has all, and Xen has less for it. */
static void memory_on_demand_has_its_size_from_the_start(void **state)
{
	struct process_bench *b = *state;

	b->env.open_hv = open_with_pod;
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "12288");
	/* nothing is touched: what the domain owns is the cache */
	xen_driver_inflates(b);
	pod = (struct xenvirtio_pod_info){.entries = BENCH_RAM_PAGES,
					  .cache_pages = BENCH_RAM_PAGES - HELD};
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "target", "12288");
	assert_null(process_bench_key(b, "pinned"));
	/* the device was taken away and made again, and the key is still there */
	process_bench_stop(b);
	assert_false(process_bench_has_state(b));
	process_bench_put(b, "state", "1");
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "target", "12288");
	assert_null(process_bench_key(b, "pinned"));
	assert_int_equal(process_bench_driver(b), 0);
	/* without a Xen balloon driver in it, it must give what Xen does not have */
	assert_int_equal(process_bench_num_pages(b), HELD);
	/* with one, it has given already */
	pod = (struct xenvirtio_pod_info){0};
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 1), 0);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 1), 0);
	machine_fake_pass(200);
	assert_int_equal(process_bench_num_pages(b), 0);
	process_bench_key_is(b, "target", "12288");
}

/* The toolstack makes the device anew for the same domain: the kernel that starts in it has what the host has, and the log says what not. */
static void after_a_soft_reset_nothing_is_held(void **state)
{
	static const struct {
		uint64_t heap;
		const char *says;
	} cases[] = {{300, NULL}, {100, "no memory for 800 KiB"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *own = NULL;
		struct process_bench *b;

		assert_int_equal(process_bench_setup(&own), 0);
		b = own;
		process_bench_inflated(b, 300);
		fake_set_heap(b->fake, cases[i].heap);
		fake_set_shutdown(b->fake, XENVIRTIO_SHUTDOWN_SOFT_RESET);
		process_bench_put(b, "state", "5");
		process_bench_ends_clean(b);
		process_bench_stop(b);
		assert_int_equal(log_capture_has(&b->capture, cases[i].says ? cases[i].says : "no memory for"), cases[i].says != NULL);
		assert_int_equal(process_bench_teardown(&own), 0);
	}
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_another_holds_is_not_taken_again),
		TEST(what_another_takes_later_is_given_back),
		TEST(memory_on_demand_has_its_size_from_the_start),
		cmocka_unit_test(after_a_soft_reset_nothing_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
