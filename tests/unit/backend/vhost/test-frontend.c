// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A front-end's normal life: what it asks of backends that can do all, some, or nothing of the protocol, and in which order.
 */
#include "unit/rigs/vhost-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/error.h>

#include <cmocka.h>

#define BIT(n) (UINT64_C(1) << (n))
#define TAKEN 0x1b229u

static const uint32_t connect_requests[] = {
	VHOST_SET_OWNER, VHOST_GET_FEATURES, VHOST_GET_PROTOCOL_FEATURES, VHOST_SET_PROTOCOL_FEATURES,
	VHOST_GET_QUEUE_NUM, VHOST_SET_BACKEND_REQ_FD, VHOST_GET_MAX_MEM_SLOTS, VHOST_GET_CONFIG, 0};

#define ONE_QUEUE \
	VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_CALL, VHOST_SET_VRING_KICK

#define START \
	VHOST_SET_FEATURES, VHOST_SET_MEM_TABLE, VHOST_GET_INFLIGHT_FD, VHOST_SET_INFLIGHT_FD, ONE_QUEUE, \
		VHOST_SET_VRING_ENABLE, ONE_QUEUE, VHOST_SET_VRING_ENABLE, VHOST_SET_STATUS

#define STOP \
	VHOST_SET_VRING_ENABLE, VHOST_SET_VRING_ENABLE, VHOST_GET_VRING_BASE, VHOST_GET_VRING_BASE, \
		VHOST_RESET_DEVICE, VHOST_SET_STATUS

static const uint32_t nothing[] = {0};
static const uint32_t start_requests[] = {START, 0};
static const uint32_t stop_requests[] = {STOP, 0};
static const uint32_t restart_requests[] = {STOP, START, 0};

static void is_well(enum vhost_fault fault)
{
	assert_string_equal(vhost_fault_text(fault), vhost_fault_text(VHOST_OK));
}

/* What is agreed on, and what the guest is offered. */
static void test_connect(void **state)
{
	uint64_t never = BIT(26) | BIT(30) | BIT(33) | BIT(34) | BIT(38) | BIT(40);

	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_NOT_CONNECTED);
	assert_true(vhost_frontend_features(bench.f) == 0);
	is_well(bench_connect());
	assert_true(peer_saw(bench.p, connect_requests));
	assert_int_equal(bench.done[VHOST_CONNECTED], 1);
	assert_true(vhost_frontend_is_connected(bench.f));
	assert_true(vhost_frontend_features(bench.f) == ~never);
	assert_true(vhost_frontend_protocol_features(bench.f) == TAKEN);
	assert_true(peer_last(bench.p, VHOST_SET_PROTOCOL_FEATURES)->m.payload.u64 == TAKEN);
	assert_int_equal(vhost_frontend_queues(bench.f), 4);
	assert_int_equal(peer_last(bench.p, VHOST_SET_BACKEND_REQ_FD)->nr_fds, 1);
	/* only what has no answer of its own asks for a word, and not before that is agreed on */
	for (size_t i = 0; i < bench.p->nr_asked; i++) {
		const struct vhost_header *h = &bench.p->asked[i].m.header;

		assert_int_equal(h->flags, h->request == VHOST_SET_BACKEND_REQ_FD ?
						   VHOST_FLAG_VERSION | VHOST_FLAG_NEED_REPLY :
						   VHOST_FLAG_VERSION);
	}
}

/* The policy is the device type's. */
static void test_policy(void **state)
{
	bench.device.features = BIT(32) | BIT(29) | BIT(30);
	bench_device();
	bench.p->features = BIT(32) | BIT(28) | BIT(30);
	is_well(bench_connect());
	assert_true(vhost_frontend_features(bench.f) == BIT(32));
}

/* All that a backend is told at the start. */
static void test_start(void **state)
{
	const struct vhost_message *m;

	is_well(bench_connect());
	peer_saw(bench.p, connect_requests);
	assert_false(vhost_frontend_is_served(bench.f));
	is_well(bench_start());
	assert_true(peer_saw(bench.p, start_requests));
	assert_int_equal(bench.done[VHOST_STARTED], 1);
	assert_true(vhost_frontend_is_served(bench.f));
	assert_true(peer_last(bench.p, VHOST_SET_FEATURES)->m.payload.u64 == (BENCH_FEATURES | BIT(30)));

	m = &peer_last(bench.p, VHOST_SET_MEM_TABLE)->m;
	assert_int_equal(m->header.bytes, 8 + 2 * 32);
	assert_int_equal(m->payload.table.nr, 2);
	assert_true(m->payload.table.region[1].gpa == 0x200000000 && m->payload.table.region[1].user == 0x200000000);
	assert_true(m->payload.table.region[1].bytes == 0x1000 && m->payload.table.region[1].mmap_offset == 0x1000);
	assert_int_equal(peer_last(bench.p, VHOST_SET_MEM_TABLE)->nr_fds, 2);

	m = &peer_last(bench.p, VHOST_GET_INFLIGHT_FD)->m;
	assert_int_equal(m->payload.inflight.queues, 2);
	assert_int_equal(m->payload.inflight.queue_size, 128);
	m = &peer_last(bench.p, VHOST_SET_INFLIGHT_FD)->m;
	assert_int_equal(m->payload.inflight.mmap_bytes, 4096);
	assert_true(peer_last(bench.p, VHOST_SET_INFLIGHT_FD)->first_bytes == bench.p->inflight_bytes);

	m = &peer_last(bench.p, VHOST_SET_VRING_NUM)->m;
	assert_true(m->payload.state.index == 1 && m->payload.state.num == 64);
	m = &peer_last(bench.p, VHOST_SET_VRING_BASE)->m;
	assert_true(m->payload.state.index == 1 && m->payload.state.num == 0);
	m = &peer_last(bench.p, VHOST_SET_VRING_ADDR)->m;
	assert_true(m->payload.addr.index == 1 && m->payload.addr.flags == 0 && m->payload.addr.log == 0);
	assert_true(m->payload.addr.desc == 0x40001000 && m->payload.addr.avail == 0x40001800 &&
		    m->payload.addr.used == 0x40001a00);
	assert_true(peer_last(bench.p, VHOST_SET_VRING_KICK)->m.payload.u64 == 1);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_KICK)->nr_fds, 1);
	assert_true(peer_last(bench.p, VHOST_SET_VRING_CALL)->m.payload.u64 == 1);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_CALL)->nr_fds, 1);
	m = &peer_last(bench.p, VHOST_SET_VRING_ENABLE)->m;
	assert_true(m->payload.state.index == 1 && m->payload.state.num == 1);
	assert_true(peer_last(bench.p, VHOST_SET_STATUS)->m.payload.u64 == 0xf);
	assert_int_equal(bench_kicks(0), 1);
	assert_int_equal(bench_kicks(1), 1);
}

/* All is taken back, and given again with a new record of what is in flight. */
static void test_stop_and_start(void **state)
{
	off_t first;

	is_well(bench_connect());
	is_well(bench_start());
	first = bench.p->inflight_bytes;
	bench.p->nr_seen = bench.p->nr_asked;
	is_well(bench_stop());
	assert_true(peer_saw(bench.p, stop_requests));
	assert_int_equal(bench.done[VHOST_STOPPED], 1);
	assert_false(vhost_frontend_is_served(bench.f));
	assert_true(peer_last(bench.p, VHOST_SET_VRING_ENABLE)->m.payload.state.num == 0);
	assert_true(peer_last(bench.p, VHOST_SET_STATUS)->m.payload.u64 == 0);
	is_well(bench_stop());
	assert_true(peer_saw(bench.p, nothing));

	is_well(bench_start());
	assert_true(peer_saw(bench.p, start_requests));
	assert_true(bench.p->inflight_bytes != first);
	assert_true(peer_last(bench.p, VHOST_SET_INFLIGHT_FD)->first_bytes == bench.p->inflight_bytes);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, 0);
	/* in place of what was handed over: that is taken back first */
	is_well(bench_start());
	assert_true(peer_saw(bench.p, restart_requests));
	assert_int_equal(bench.done[VHOST_STOPPED], 2);
	assert_int_equal(bench.done[VHOST_STARTED], 3);
	assert_int_equal(bench.lost, 0);
}

/* Wanted before there is a backend, and given up again: only what is wanted when there is one is done. */
static void test_wanted_first(void **state)
{
	assert_int_equal(bench_start(), VHOST_NOT_CONNECTED);
	assert_int_equal(bench_stop(), VHOST_NOT_CONNECTED);
	assert_int_equal(bench_start(), VHOST_NOT_CONNECTED);
	is_well(bench_connect());
	assert_int_equal(bench.done[VHOST_STARTED], 1);
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_BASE)->m.payload.state.num, 0);
}

/* A guest that resets while its queues are on their way. */
static void test_stop_in_the_start(void **state)
{
	is_well(bench_connect());
	assert_int_equal(vhost_frontend_start(bench.f, &bench.start), 0);
	vhost_frontend_stop(bench.f);
	assert_true(vhost_frontend_is_served(bench.f));
	is_well(vhost_frontend_wait(bench.f));
	assert_false(vhost_frontend_is_served(bench.f));
	assert_int_equal(peer_count(bench.p, VHOST_GET_VRING_BASE), 2);
	assert_int_equal(bench.done[VHOST_STARTED], 0);
	assert_int_equal(bench.done[VHOST_STOPPED], 1);
}

/* By an event loop: a descriptor, a time, and no waiting. */
static void test_step_by_step(void **state)
{
	unsigned int waited = peer_clock_waits();
	uint64_t begun_ms;

	assert_true(vhost_frontend_deadline_ms(bench.f) == 0);
	vhost_frontend_connect(bench.f, dup(vhost_frontend_fd(bench.f)));
	assert_int_equal(bench.lost, 1);
	assert_int_equal(bench_connect(), VHOST_OK);
	waited = peer_clock_waits();
	assert_int_equal(vhost_frontend_start(bench.f, &bench.start), 0);
	begun_ms = vhost_frontend_deadline_ms(bench.f);
	assert_true(begun_ms > 0);
	for (unsigned int turn = 0; !bench.done[VHOST_STARTED]; turn++) {
		assert_true(turn < 100);
		peer_run(bench.p);
		vhost_frontend_run(bench.f);
	}
	assert_int_equal(peer_clock_waits(), waited);
	assert_true(vhost_frontend_deadline_ms(bench.f) == 0);
}

/* A backend without the protocol's features: nothing but the oldest messages, and a word where there is one anyway. */
static void test_oldest(void **state)
{
	static const uint32_t connects[] = {VHOST_SET_OWNER, VHOST_GET_FEATURES, VHOST_GET_FEATURES, 0};
	static const uint32_t starts[] = {VHOST_SET_FEATURES, VHOST_SET_MEM_TABLE, ONE_QUEUE, VHOST_GET_FEATURES,
					  ONE_QUEUE, VHOST_GET_FEATURES, VHOST_GET_FEATURES, 0};
	static const uint32_t stops[] = {VHOST_GET_FEATURES, VHOST_GET_FEATURES, VHOST_GET_VRING_BASE,
					 VHOST_GET_VRING_BASE, VHOST_GET_FEATURES, 0};

	bench.device.config_bytes = 0;
	bench_device();
	bench.p->features &= ~BIT(30);
	is_well(bench_connect());
	assert_true(peer_saw(bench.p, connects));
	assert_true(vhost_frontend_protocol_features(bench.f) == 0);
	assert_int_equal(vhost_frontend_queues(bench.f), 256);
	is_well(bench_start());
	assert_true(peer_saw(bench.p, starts));
	assert_true(peer_last(bench.p, VHOST_SET_FEATURES)->m.payload.u64 == BENCH_FEATURES);
	is_well(bench_stop());
	assert_true(peer_saw(bench.p, stops));
	for (size_t i = 0; i < bench.p->nr_asked; i++)
		assert_int_equal(bench.p->asked[i].m.header.flags, VHOST_FLAG_VERSION);
}

/* Any set of the protocol's features makes a life without a fault. */
static void test_any_features(void **state)
{
	static const unsigned int bits[] = {0, 3, 5, 12, 13, 15, 16};

	bench.device.config_bytes = 0;
	for (unsigned int set = 0; set < 128; set++) {
		bench_device();
		bench_peer();
		bench.p->protocol = BIT(9); /* not taken, as nobody would look at it */
		for (unsigned int i = 0; i < 7; i++)
			bench.p->protocol |= set >> i & 1 ? BIT(bits[i]) : 0;
		is_well(bench_connect());
		assert_true(vhost_frontend_protocol_features(bench.f) == (bench.p->protocol & ~BIT(9)));
		is_well(bench_start());
		is_well(bench_stop());
		is_well(bench_start());
		assert_int_equal(bench.lost, 0);
	}
}

/* More ranges than a table has room for go one by one, if the backend has room. */
static void test_many_ranges(void **state)
{
	struct vhost_memory memory[11];

	for (unsigned int i = 0; i < 11; i++) {
		memory[i] = bench.memory[0];
		memory[i].gpa += i * memory[i].bytes;
	}
	bench.start.memory = memory;
	bench.start.nr_memory = 11;
	is_well(bench_connect());
	is_well(bench_start());
	assert_int_equal(peer_last(bench.p, VHOST_SET_MEM_TABLE)->nr_fds, 8);
	assert_int_equal(peer_count(bench.p, VHOST_ADD_MEM_REG), 3);
	assert_int_equal(peer_last(bench.p, VHOST_ADD_MEM_REG)->nr_fds, 1);
	assert_true(peer_last(bench.p, VHOST_ADD_MEM_REG)->m.payload.region.region.gpa == memory[10].gpa);
	for (unsigned int slots = 0; slots < 2; slots++) {
		bench_peer();
		bench.p->slots = 10;
		bench.p->protocol = slots ? UINT64_MAX : ~BIT(15);
		assert_int_equal(bench_connect(), VHOST_REGIONS);
		assert_int_equal(bench.lost, slots + 1);
	}
}

/* A queue nobody wants interrupts of. */
static void test_no_call(void **state)
{
	int call_fd = bench.queue[1].call_fd;

	bench.queue[1].call_fd = -1;
	is_well(bench_connect());
	is_well(bench_start());
	assert_true(peer_last(bench.p, VHOST_SET_VRING_CALL)->m.payload.u64 == (1 | BIT(8)));
	assert_int_equal(peer_last(bench.p, VHOST_SET_VRING_CALL)->nr_fds, 0);
	bench.queue[1].call_fd = call_fd;
}

/* What cannot be handed over is not. */
static void test_not_for_this_backend(void **state)
{
	bench.p->queues = 1;
	is_well(bench_connect());
	assert_int_equal(bench_start(), VHOST_QUEUES);
	bench_peer();
	bench.p->features &= ~BIT(28);
	assert_int_equal(bench_connect(), VHOST_CHANGED);
	assert_int_equal(bench.lost, 2);
	assert_null(peer_last(bench.p, VHOST_SET_FEATURES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_connect, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_policy, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_start, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_start, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_wanted_first, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_stop_in_the_start, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_step_by_step, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_oldest, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_any_features, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_many_ranges, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_no_call, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_not_for_this_backend, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
