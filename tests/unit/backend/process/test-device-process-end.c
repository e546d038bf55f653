// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a whole daemon ends: it lets go when it must, and what it leaves behind is what the next one
 * needs.
 */
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static void the_toolstacks_close_is_answered(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 300);
	process_bench_put(b, "online", "0");
	process_bench_put(b, "state", "5");
	process_bench_ends_clean(b);
	process_bench_key_is(b, "state", "6");
	assert_null(process_bench_key(b, "path"));
}

static void offline_alone_is_a_close(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 10);
	process_bench_put(b, "online", "0");
	process_bench_ends_clean(b);
	process_bench_key_is(b, "state", "6");
}

static void a_close_that_was_asked_before_is_answered(void **state)
{
	struct process_bench *b = *state;

	process_bench_put(b, "state", "5");
	assert_false(process_bench_start(b));
	process_bench_ends_clean(b);
	process_bench_key_is(b, "state", "6");
}

/* A figure must not bring a removed node back. */
static void a_removed_node_stays_removed(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 10);
	fake_store_del(b->store, BENCH_NODE);
	process_bench_ends_clean(b);
	process_bench_stop(b);
	assert_null(fake_store_get(b->store, BENCH_NODE));
	assert_null(process_bench_key(b, "state"));
}

static void a_dying_domain_is_let_go(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 10);
	fake_set_dying(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	process_bench_ends_clean(b);
	assert_true(log_capture_has(&b->capture, "is gone"));
}

static void a_gone_domain_is_noticed_without_xenstore(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 10);
	fake_store_stop(b->store);
	fake_set_gone(b->fake);
	process_bench_ends_clean(b);
	fake_store_start(b->store);
}

/* Another domain's end, or this one's power-off, which xl destroys in its own time. */
static void others_ends_change_nothing(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	fake_store_event(b->store, "@releaseDomain");
	process_bench_run(b);
	fake_set_shutdown(b->fake, XENVIRTIO_SHUTDOWN_POWEROFF);
	fake_store_event(b->store, "@releaseDomain");
	process_bench_run(b);
	assert_true(device_process_serving(b->process));
}

static void a_signal_takes_an_unused_device_away(void **state)
{
	struct process_bench *b = *state;

	for (size_t i = 0; i < 3; i++) {
		assert_true(process_bench_start(b));
		raise((const int[]){SIGTERM, SIGINT, SIGHUP}[i]);
		process_bench_ends_clean(b);
		process_bench_key_is(b, "state", "6");
		assert_null(process_bench_key(b, "path"));
		process_bench_stop(b);
	}
}

static void a_signal_leaves_a_used_device_to_the_next(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	process_bench_inflated(b, 700);
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, &code));
	assert_int_equal(code, EXIT_CODE_DONE);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_servers(b->fake), 1);
	assert_true(process_bench_has_state(b));
	assert_true(log_capture_has(&b->capture, "left to the next"));
	process_bench_key_is(b, "state", "6");
	process_bench_stop(b);

	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "adopted ioreq server"));
	assert_int_equal(fake_servers(b->fake), 1);
	process_bench_key_is(b, "state", "4");
	process_bench_key_is(b, "ballooned", "2800");
	process_bench_key_is(b, "target", "16384");
	assert_int_equal(process_bench_num_pages(b), 1024);
	/* the driver was not told, and goes on */
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 700, 324), 0);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 1024), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES);
	process_bench_put(b, "state", "5");
	process_bench_ends_clean(b);
}

/* To another process that is ready: to guest and toolstack nothing happens, with a driver and without one, which may come any moment. */
static void one_that_hands_on_takes_nothing_away(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	for (unsigned int i = 0; i < 2; i++) {
		if (i)
			process_bench_inflated(b, 100);
		else
			assert_true(process_bench_start(b));
		raise(SIGUSR2);
		assert_true(process_bench_wait_end(b, &code));
		/* its starter is not to take that for the device's end */
		assert_int_equal(code, EXIT_CODE_HANDED_ON);
		assert_int_equal(fake_servers(b->fake), 1);
		assert_int_equal(fake_live_pages(b->fake), 0);
		assert_true(process_bench_has_state(b));
		process_bench_key_is(b, "state", "4");
		assert_null(process_bench_key(b, "path"));
		process_bench_stop(b);
		assert_true(process_bench_start(b));
		assert_true(log_capture_has(&b->capture, "adopted ioreq server"));
		assert_int_equal(fake_servers(b->fake), 1);
		process_bench_key_is(b, "ballooned", i ? "400" : "0");
		if (!i)
			process_bench_stop(b);
	}
}

/* Until it has the device the node is another's: that one answers the toolstack. */
static void one_that_takes_over_says_nothing_before(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	b->opts.common.take_over = true;
	process_bench_put(b, "state", "5");
	assert_false(process_bench_start(b));
	assert_true(device_process_ended(b->process, &code));
	process_bench_key_is(b, "state", "5");
	process_bench_stop(b);
	/* and then it does itself */
	process_bench_put(b, "state", "4");
	assert_true(process_bench_start(b));
	process_bench_put(b, "state", "5");
	process_bench_ends_clean(b);
	process_bench_key_is(b, "state", "6");
}

/* The guest resets the device: its balloon is given back first, and then nothing keeps it. */
static void after_a_reset_a_signal_takes_it_away(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	assert_int_equal(driver_reset(&b->driver), 0);
	assert_int_equal(fake_holes(b->fake), 0);
	raise(SIGTERM);
	process_bench_ends_clean(b);
}

/* A word is in force until another: whoever takes the key away has said nothing. */
static void a_target_outlives_its_key(void **state)
{
	struct process_bench *b = *state;

	process_bench_put(b, "target", "16384");
	process_bench_inflated(b, 10);
	assert_int_equal(process_bench_num_pages(b), 1024);
	process_bench_stop(b);
	fake_store_del(b->store, BENCH_NODE "/target");
	assert_true(process_bench_start(b));
	process_bench_key_is(b, "target", "16384");
	assert_int_equal(process_bench_num_pages(b), 1024);
}

/* The server a state file names is gone: the guest gets a new one at the same address. */
static void a_lost_server_is_made_anew(void **state)
{
	struct process_bench *b = *state;
	const struct xenvirtio_gpa_range range = {{BENCH_BASE}, {BENCH_BASE + 0x1ff}};
	struct xenvirtio_hv *hv;
	uint16_t id = 0;

	process_bench_inflated(b, 100);
	process_bench_stop(b);
	assert_int_equal(fake_open(b->fake, &hv), 0);
	assert_int_equal(hv->ops->ioreq_open(hv, &range, 1, &id), 0);
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	xenvirtio_hv_close(hv);
	assert_int_equal(fake_servers(b->fake), 0);
	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "is gone: making a new one"));
	process_bench_key_is(b, "ballooned", "400");
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 100), 0);
	assert_int_equal(fake_tot_pages(b->fake), BENCH_RAM_PAGES);
}

/* No driver, but frames that could not be given back yet: only the state file knows which. */
static void a_signal_leaves_frames_that_are_owed(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES - 40);
	driver_write(&b->driver, REG_STATUS, 0);
	assert_int_equal(fake_holes(b->fake), 40);
	raise(SIGTERM);
	assert_true(process_bench_wait_end(b, NULL));
	assert_true(process_bench_has_state(b));
	process_bench_stop(b);
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES);
	assert_true(process_bench_start(b));
	assert_true(process_bench_wait_key(b, "ballooned", "0"));
	assert_int_equal(fake_holes(b->fake), 0);
}

static void another_domain_of_that_number_starts_empty(void **state)
{
	struct process_bench *b = *state;

	process_bench_inflated(b, 100);
	process_bench_stop(b);
	assert_true(process_bench_has_state(b));
	fake_free(b->fake);
	b->fake = fake_new(NULL);
	b->bus.fake = b->fake;
	fake_set_serve(b->fake, (int (*)(void *))b->bus.serve, b);
	fake_store_put(b->store, BENCH_DOMAIN "/vm", "/vm/8-8-8");
	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "discarded"));
	process_bench_key_is(b, "ballooned", "0");
	assert_int_equal(process_bench_driver(b), 0);
}

static bool report_ends;

/* As one does that cannot tell the guest its target. */
static void report(void *self)
{
	const struct balloon_daemon *d = self;

	balloon_type.report(self);
	if (report_ends)
		d->host.end_on(d->host.opaque, -EIO, "no report");
}

static void a_report_may_end_it(void **state)
{
	struct process_bench *b = *state;
	struct device_type type = balloon_type;
	enum exit_code code;

	type.report = report;
	b->type = &type;
	/* the first, before it serves */
	report_ends = true;
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_int_equal(b->readies, 0);
	assert_int_equal(access(b->socket_path, F_OK), -1);
	assert_null(process_bench_key(b, "path"));
	process_bench_stop(b);
	/* and one after a deflate was tried again */
	report_ends = false;
	process_bench_inflated(b, 300);
	fake_set_heap(b->fake, 0);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 200), -ETIMEDOUT);
	assert_true(process_bench_wait_key(b, "stalled", "host: need 800 KiB"));
	report_ends = true;
	assert_true(process_bench_wait_end(b, &code));
	assert_int_equal(code, EXIT_CODE_HOST);
	process_bench_stop(b);
	/* the first of a successor, whose figures are told one by one: what it served by does not stay */
	fake_store_put(b->store, BENCH_NODE "/path", "eventfd");
	assert_false(process_bench_start(b));
	assert_null(process_bench_key(b, "path"));
	process_bench_stop(b);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_toolstacks_close_is_answered),
		TEST(offline_alone_is_a_close),
		TEST(a_close_that_was_asked_before_is_answered),
		TEST(a_removed_node_stays_removed),
		TEST(a_dying_domain_is_let_go),
		TEST(a_gone_domain_is_noticed_without_xenstore),
		TEST(others_ends_change_nothing),
		TEST(a_signal_takes_an_unused_device_away),
		TEST(a_signal_leaves_a_used_device_to_the_next),
		TEST(one_that_hands_on_takes_nothing_away),
		TEST(one_that_takes_over_says_nothing_before),
		TEST(after_a_reset_a_signal_takes_it_away),
		TEST(a_target_outlives_its_key),
		TEST(a_lost_server_is_made_anew),
		TEST(a_signal_leaves_frames_that_are_owed),
		TEST(another_domain_of_that_number_starts_empty),
		TEST(a_report_may_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
