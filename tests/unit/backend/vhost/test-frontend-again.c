// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Backends that crash and come back: the queues are handed over again from where they were, and with the record of what was in
 * flight where there is one.
 */
#include "unit/rigs/vhost-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INFLIGHT (UINT64_C(1) << VHOST_PROTOCOL_INFLIGHT)

static void serve(void)
{
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(bench_start(), VHOST_OK);
	bench_kicks(0);
	bench_kicks(1);
}

static void crash(void)
{
	unsigned int lost = bench.lost;

	peer_hang_up(bench.p);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, lost + 1);
	assert_false(vhost_frontend_is_served(bench.f));
}

/* The record goes to the next backend before any queue is kicked, and each is kicked for what the last one had not seen. */
static void test_record_is_kept(void **state)
{
	off_t record;

	assert_false(vhost_frontend_has_record(bench.f));
	serve();
	record = bench.p->inflight_bytes;
	for (unsigned int i = 1; i < 4; i++) {
		assert_true(vhost_frontend_has_record(bench.f));
		crash();
		assert_true(vhost_frontend_has_record(bench.f));
		bench_peer();
		assert_int_equal(bench_connect(), VHOST_OK);
		assert_true(vhost_frontend_is_served(bench.f));
		assert_int_equal(bench.done[VHOST_STARTED], i + 1);
		assert_int_equal(peer_count(bench.p, VHOST_GET_INFLIGHT_FD), 0);
		assert_true(peer_last(bench.p, VHOST_SET_INFLIGHT_FD)->first_bytes == record);
		assert_true(peer_last(bench.p, VHOST_SET_INFLIGHT_FD)->m.payload.inflight.mmap_bytes == 4096);
		assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, BENCH_USED + 1);
		assert_int_equal(bench_kicks(0), 1);
		assert_int_equal(bench_kicks(1), 1);
	}
}

/* Without a record, from what the ring says was used. */
static void test_no_record(void **state)
{
	bench.p->protocol &= ~INFLIGHT;
	bench.queue[1].base = 9;
	serve();
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, 9);
	assert_false(vhost_frontend_has_record(bench.f));
	crash();
	bench_peer();
	bench.p->protocol &= ~INFLIGHT;
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(peer_count(bench.p, VHOST_SET_INFLIGHT_FD), 0);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, BENCH_USED + 1);
	/* a start is a start, though */
	assert_int_equal(bench_stop(), VHOST_OK);
	assert_int_equal(bench_start(), VHOST_OK);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, 9);
}

/* A record that a backend has not kept up is no record for the one after it. */
static void test_record_in_between(void **state)
{
	off_t record;

	serve();
	record = bench.p->inflight_bytes;
	crash();
	bench_peer();
	bench.p->protocol &= ~INFLIGHT;
	assert_int_equal(bench_connect(), VHOST_OK);
	crash();
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(peer_count(bench.p, VHOST_GET_INFLIGHT_FD), 1);
	assert_true(bench.p->inflight_bytes != record);
}

/* Unless nobody may be served without it: then it waits for a backend that keeps one. */
static void test_record_that_is_needed(void **state)
{
	off_t record;

	serve();
	record = bench.p->inflight_bytes;
	bench.needs_record = true;
	crash();
	bench_peer();
	bench.p->protocol &= ~INFLIGHT;
	assert_int_equal(bench_connect(), VHOST_NO_RECORD);
	assert_false(vhost_frontend_lost_queues(bench.f));
	assert_int_equal(peer_count(bench.p, VHOST_SET_VRING_KICK), 0);
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(peer_count(bench.p, VHOST_GET_INFLIGHT_FD), 0);
	assert_int_equal(peer_last(bench.p, VHOST_SET_INFLIGHT_FD)->first_bytes, record);
}

/* The guest resets while there is no backend: the next one begins anew. */
static void test_reset_in_between(void **state)
{
	serve();
	crash();
	assert_int_equal(bench_stop(), VHOST_CLOSED);
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_null(peer_last(bench.p, VHOST_SET_FEATURES));
	assert_int_equal(bench_start(), VHOST_OK);
	assert_int_equal(peer_count(bench.p, VHOST_GET_INFLIGHT_FD), 1);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, 0);
}

/* It crashes in the middle of the reset: the reset is over. */
static void test_crash_in_the_reset(void **state)
{
	for (unsigned int at = 0; at < 6; at++) {
		serve();
		bench.p->ill = PEER_CLOSES;
		bench.p->ill_at = bench.p->nr_asked + at;
		assert_int_equal(bench_stop(), VHOST_CLOSED);
		assert_false(vhost_frontend_is_served(bench.f));
		bench_peer();
		assert_int_equal(bench_connect(), VHOST_OK);
		assert_null(peer_last(bench.p, VHOST_SET_FEATURES));
		bench_peer();
	}
}

/* At each request of the handshake and the start, of one backend after the other: what is wanted stays wanted. */
static void test_crash_in_the_start(void **state)
{
	assert_int_equal(bench_start(), VHOST_NOT_CONNECTED);
	for (unsigned int at = 0; at < 24; at++) {
		bench.p->ill = PEER_CLOSES;
		bench.p->ill_at = at;
		assert_int_equal(bench_connect(), VHOST_CLOSED);
		bench_peer();
	}
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_true(vhost_frontend_is_served(bench.f));
	assert_int_equal(bench.done[VHOST_STARTED], 1);
	assert_int_equal(bench.lost, 24);
}

/* The next backend is another: with fewer features than the driver uses it is of no use, with other ones it is. */
static void test_other_backend(void **state)
{
	serve();
	crash();
	bench_peer();
	bench.p->features = BENCH_FEATURES | UINT64_C(1) << 30 | UINT64_C(1) << 5;
	bench.p->config[3] = 0xaa;
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(bench.changed, 1);
	crash();
	assert_true(vhost_frontend_features(bench.f) == (BENCH_FEATURES | UINT64_C(1) << 5));
	bench_peer();
	bench.p->features = UINT64_C(1) << 32 | UINT64_C(1) << 30;
	bench.p->config[3] = 0xaa;
	assert_int_equal(bench_connect(), VHOST_CHANGED);
	assert_int_equal(bench.changed, 1);
}

static void give_up(void *opaque, enum vhost_fault why, int err)
{
	bench.lost++;
	if (!vhost_frontend_has_record(bench.f))
		vhost_frontend_stop(bench.f);
}

/* Without a record, a device that may not serve a request twice leaves it to the guest's reset. */
static void test_given_up(void **state)
{
	static const struct vhost_frontend_ops ops = {.lost = give_up};

	bench.device.ops = &ops;
	bench_device();
	bench.p->protocol &= ~INFLIGHT;
	serve();
	crash();
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_false(vhost_frontend_is_served(bench.f));
	assert_null(peer_last(bench.p, VHOST_SET_FEATURES));
	assert_int_equal(bench_start(), VHOST_OK);
	crash();
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_true(vhost_frontend_is_served(bench.f));
}

static void connect_again(void *opaque, enum vhost_fault why, int err)
{
	int *fd = opaque;

	bench.lost++;
	if (*fd >= 0)
		vhost_frontend_connect(bench.f, *fd);
	*fd = -1;
}

/* From inside the word that the last one is gone; also if that one is gone as well. */
static void test_connect_when_told(void **state)
{
	static const struct vhost_frontend_ops ops = {.lost = connect_again};
	struct vhost_peer *first = bench.p;
	int fd = -1;

	bench.device.ops = &ops;
	bench.device.opaque = &fd;
	bench_device();
	serve();
	bench.p = peer_new(&fd);
	peer_clock_attend(bench.p);
	peer_free(first);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, 1);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_true(vhost_frontend_is_served(bench.f));

	first = bench.p;
	bench.p = peer_new(&fd);
	peer_hang_up(bench.p);
	peer_free(first);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, 2);
	/* the rest is for the next turn, which is due */
	assert_true(vhost_frontend_deadline_ms(bench.f) != 0);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, 3);
	assert_true(vhost_frontend_deadline_ms(bench.f) == 0);
}

/* Hung up on purpose: nobody is told. */
static void test_hang_up(void **state)
{
	serve();
	vhost_frontend_hang_up(bench.f);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, 0);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_NOT_CONNECTED);
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_true(vhost_frontend_is_served(bench.f));
}

static void hang_up_when_connected(void *opaque, enum vhost_done what)
{
	bench.done[what]++;
	if (what != VHOST_CONNECTED)
		return;
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_true(vhost_frontend_is_served(bench.f));
	vhost_frontend_hang_up(bench.f);
}

/* From inside a word, with another one due: that one is no longer true, and is not said. */
static void test_hang_up_when_told(void **state)
{
	static const struct vhost_frontend_ops ops = {.done = hang_up_when_connected};

	bench.device.ops = &ops;
	bench_device();
	assert_int_equal(bench_start(), VHOST_NOT_CONNECTED);
	assert_int_equal(bench_connect(), VHOST_NOT_CONNECTED);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.done[VHOST_CONNECTED], 1);
	assert_int_equal(bench.done[VHOST_STARTED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_record_is_kept, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_no_record, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_record_in_between, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_record_that_is_needed, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_reset_in_between, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_crash_in_the_reset, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_crash_in_the_start, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_other_backend, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_given_up, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_connect_when_told, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_hang_up, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_hang_up_when_told, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
