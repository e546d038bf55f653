// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole scenarios of the balloon with the n-th hypervisor call failing, for every n, in each encoding
 * of the driver's messages.
 *
 * Whatever failed and wherever the process died, its successor finds a bitmap that agrees with the
 * machine on every frame, no vcpu is left waiting, and nothing was leaked. What was acknowledged to
 * the driver had been done.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"
#include "unit/rigs/forced-path.h"
#include "unit/rigs/stride.h"

#define ALL (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
enum { INFLATE, DEFLATE, STATS };

static int start_and_find(struct bench *b)
{
	return bench_driver(b, ALL);
}

static int inflate(struct bench *b)
{
	int ret = bench_driver(b, ALL);

	return ret ? ret : bench_send_run(b, INFLATE, BENCH_FREE_GFN, 600);
}

static int inflate_and_deflate(struct bench *b)
{
	int ret = inflate(b);

	return ret ? ret : bench_send_run(b, DEFLATE, BENCH_FREE_GFN + 3, 500);
}

static int inflate_around_a_hole(struct bench *b)
{
	int ret = bench_driver(b, ALL);

	return ret ? ret : bench_send_run(b, INFLATE, BENCH_HOLE_GFN - 511, 512);
}

static int inflate_and_reset(struct bench *b)
{
	int ret = inflate(b);

	return ret ? ret : driver_reset(&b->driver);
}

static int stall_and_retry(struct bench *b)
{
	uint64_t max = fake_max_pages(b->fake);
	uint32_t pfn[256];
	int ret = inflate(b);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < 256; i++)
		pfn[i] = BENCH_FREE_GFN + 2 * i;
	fake_set_max_pages(b->fake, max - 500);
	ret = bench_post(b, DEFLATE, pfn, 256);
	fake_set_max_pages(b->fake, max);
	return ret ? ret : balloon_retry(b->balloon);
}

static int statistics(struct bench *b)
{
	struct driver_buf buf = { .len = 20 };
	uint16_t head;
	uint32_t len;
	int ret = bench_driver(b, ALL);

	if (ret)
		return ret;
	if (!b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa))
		return -ENOSPC;
	ret = driver_add(&b->driver.queue[STATS], &buf, 1, false, &head);
	if (!ret)
		ret = driver_kick(&b->driver.queue[STATS]);
	if (!ret)
		ret = balloon_request_stats(b->balloon);
	return ret ? ret : driver_wait(&b->driver.queue[STATS], &head, &len);
}

static int retarget(struct bench *b)
{
	int ret = bench_driver(b, ALL);

	if (!ret)
		ret = balloon_set_target(b->balloon, 100);
	return ret ? ret : balloon_set_target(b->balloon, 0);
}

static const struct {
	const char *name;
	int (*run)(struct bench *b);
} scenarios[] = {
	{ "start", start_and_find },
	{ "inflate", inflate },
	{ "inflate and deflate", inflate_and_deflate },
	{ "inflate around a hole", inflate_around_a_hole },
	{ "inflate and reset", inflate_and_reset },
	{ "stall and retry", stall_and_retry },
	{ "statistics", statistics },
	{ "retarget", retarget },
};

/* Frames the driver may use by what it was told must be there. */
static void assert_no_false_acknowledgement(struct bench *b)
{
	assert_int_equal(fake_faults(b->fake)->holes_touched, 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
}

/* The process dies at the failure, its successor adopts, and the guest's driver starts over. */
static void run_with_failure(struct bench *b, int (*run)(struct bench *), uint64_t nth, int error,
			     bool *failed)
{
	int ret;

	fake_fail(b->fake, nth, error, FAKE_FAIL_ONCE, false);
	ret = run(b);
	*failed = fake_failed(b->fake) != 0;
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	if (!*failed)
		assert_int_equal(ret, 0);
	bench_kill(b);
	assert_no_false_acknowledgement(b);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_fds(b->fake), 0);
	assert_int_equal(bench_start(b), 0);
	assert_int_equal(bench_run(b), 0);
	/* an access that failed in the middle has its answer now, whatever it is */
	while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
		assert_int_equal(bench_run(b), 0);
	bench_assert_exact(b);
	assert_int_equal(bench_driver(b, ALL), 0);
	assert_int_equal(bench_status(b).ballooned_pages, 0);
	bench_assert_exact(b);
	assert_int_equal(driver_reset(&b->driver), 0);
}

static void every_call_may_fail(void **state)
{
	static const int errors[] = { -EIO, -ENOMEM };
	struct bench *b = *state;

	for (size_t s = 0; s < sizeof(scenarios) / sizeof(scenarios[0]); s++) {
		for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
			bool failed = true;
			uint64_t nth;

			for (nth = 1; failed; nth += stride()) {
				run_with_failure(b, scenarios[s].run, nth, errors[e], &failed);
				assert_true(nth < 5000);
			}
			print_message("# %s: %s in %llu calls, at every %u\n", scenarios[s].name,
				      strerror(-errors[e]), (unsigned long long)nth - 2, stride());
			assert_true(nth > 20);
		}
	}
}

/* Opening fails at the n-th call: nothing is left behind in the hypervisor, and it can be tried again. */
static void every_call_of_the_start_may_fail(void **state)
{
	struct bench *b = *state;
	unsigned int forgiven = 0;
	bool failed = true;

	assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	for (uint64_t nth = 1; failed; nth++) {
		int ret;

		b->server_id = XENVIRTIO_IOREQ_NEW;
		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		ret = bench_start(b);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		assert_true(ret == 0 || (failed && ret == -EIO));
		assert_int_equal(fake_servers(b->fake), ret ? 0 : 1);
		if (failed && !ret) {
			forgiven++;
			assert_int_equal(xenvirtio_server_close(b->server), 0);
		}
		if (failed)
			bench_kill(b);
		assert_true(nth < 100);
	}
	/* a host that cannot be asked for eventfds has event channels, if it is left the choice */
	assert_int_equal(forgiven,
			 forced_path(XENVIRTIO_NOTIFY_AUTO) == XENVIRTIO_NOTIFY_AUTO ? 1 : 0);
	assert_int_equal(bench_driver(b, ALL), 0);
}

/* The domain goes away in mid-work: GONE comes out, and nothing stays mapped. */
static void the_domain_may_go_at_any_call(void **state)
{
	const struct bench *given = *state;
	bool failed = true;

	for (uint64_t nth = 1; failed; nth += stride()) {
		struct bench *b;
		void *fresh;

		assert_int_equal(bench_setup(&fresh), 0);
		b = fresh;
		b->encoding = given->encoding;
		fake_fail(b->fake, nth, XENVIRTIO_E_GONE, FAKE_FAIL_FROM, false);
		inflate_and_deflate(b);
		failed = fake_failed(b->fake) != 0;
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		fake_set_gone(b->fake);
		bench_kill(b);
		assert_int_equal(fake_live_pages(b->fake), 0);
		assert_int_equal(fake_open_fds(b->fake), 0);
		assert_no_false_acknowledgement(b);
		bench_free(b);
		assert_true(nth < 5000);
	}
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup_encoding, faulty_teardown)

/* As bench_teardown(), but vcpus were left waiting on purpose. */
static int faulty_teardown(void **state)
{
	struct bench *b = *state;

	assert_no_false_acknowledgement(b);
	assert_int_equal(fake_faults(b->fake)->bad_state, 0);
	if (b->server)
		assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_servers(b->fake), 0);
	bench_free(b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(every_call_may_fail),
		ON_BENCH(every_call_of_the_start_may_fail),
		ON_BENCH(the_domain_may_go_at_any_call),
	};

	return BENCH_RUN_ENCODINGS(tests);
}
