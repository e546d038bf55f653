// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a backend goes away, or the process, or both: no request is served twice, and none is lost unsaid; and what was not lost is
 * not said to be.
 */
#include "unit/rigs/bridge-bench.h"

#include "backend/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

/* --- when it goes away --- */

/* With a request that was answered, and the next one under way or not. */
static void lose(uint64_t protocol, bool idle)
{
	bridge_new_peer(protocol);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	bridge_load_driver(0);
	bridge_answer(1, bridge_request(1));
	if (!idle)
		bridge_request(1);
	peer_hang_up(x.peer);
	assert_int_equal(bridge_turn(NULL), 0);
}

static void another_process(void)
{
	bridge_end_process();
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	assert_int_equal(xenvirtio_server_resume(x.rig.server), 0);
	assert_int_equal(bridge_turn(NULL), 0);
}

/* In the middle of a stop that is not of all: the other queue's requests were under way. */
static void what_is_lost_while_a_queue_stops_is_said(void **state)
{
	struct driver *d = &x.rig.driver;

	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	bridge_load_driver(0);
	bridge_request(1);
	x.peer->ill = PEER_CLOSES;
	x.peer->ill_at = x.peer->nr_asked + QUEUES;
	assert_int_equal(driver_write(d, REG_QUEUE_SEL, 0), 0);
	assert_int_equal(driver_write(d, REG_QUEUE_READY, 0), 0);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_int_equal(driver_status(d), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(x.memory.lost, 1);
}

static void another_backend_goes_on_with_idle_queues(void **state)
{
	bridge_load_driver(0);
	bridge_answer(1, bridge_request(1));
	bridge_answer(1, bridge_request(1));
	peer_hang_up(x.peer);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_int_equal(x.lost, 1);
	assert_false(bridge_is_served());
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(0), 0);
	assert_int_equal(bridge_base_of(1), 2);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	assert_int_equal(x.memory.lost, 0);
}

static void without_a_record_a_lost_request_is_said(void **state)
{
	struct bridge_status status;

	lose(WITHOUT_RECORD, false);
	assert_int_equal(driver_status(&x.rig.driver), 15 | STATUS_NEEDS_RESET);
	bridge_get_status(x.bridge, &status);
	assert_int_equal(status.lost, 1);
	/* no fault of the guest's */
	assert_int_equal(rig_count_errors(&x.rig), 0);
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_false(bridge_is_served());
	assert_int_equal(driver_reset(&x.rig.driver), 0);
	bridge_load_driver(0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(1), 0);
}

static void with_a_record_the_next_backend_has_it(void **state)
{
	lose(WITH_RECORD, false);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	bridge_new_peer(WITH_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(peer_count(x.peer, VHOST_SET_INFLIGHT_FD), 1);
	assert_int_equal(peer_count(x.peer, VHOST_GET_INFLIGHT_FD), 0);
	assert_int_equal(x.memory.lost, 0);
}

static void a_driver_may_load_before_there_is_another(void **state)
{
	peer_hang_up(x.peer);
	assert_int_equal(bridge_turn(NULL), 0);
	bridge_load_driver(0);
	assert_false(bridge_is_served());
	bridge_new_peer(WITH_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(1), 0);
}

/* --- when the process does --- */

static void another_process_goes_on_where_the_queues_are(void **state)
{
	bridge_load_driver(0);
	bridge_answer(1, bridge_request(1));
	bridge_request(1);
	another_process();
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(0), 0);
	assert_int_equal(bridge_base_of(1), 1);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	/* and a driver that begins anew does so at the beginning */
	assert_int_equal(driver_reset(&x.rig.driver), 0);
	bridge_load_driver(0);
	assert_int_equal(bridge_base_of(1), 0);
}

static void what_is_no_state_of_a_bridge_is_refused(void **state)
{
	assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	bridge_end_process();
	x.memory.version++;
	assert_int_equal(bridge_open_process(), -EBADMSG);
	assert_null(bridge_device(x.bridge));
}

static void a_host_without_memory_files_is_said(void **state)
{
	assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	bridge_end_process();
	fake_set_no_memory_files(x.rig.fake);
	assert_int_equal(bridge_open_process(), -ENOSYS);
	assert_null(bridge_device(x.bridge));
}

/* --- what others found --- */

static void needs_reset(void)
{
	assert_int_equal(driver_status(&x.rig.driver), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(x.memory.lost, 1);
	assert_int_equal(driver_reset(&x.rig.driver), 0);
	bridge_new_peer(WITHOUT_RECORD);
	bridge_load_driver(0);
	assert_true(bridge_is_served());
	assert_int_equal(x.memory.doubt, 0);
}

/* Idle when it went; the guest asked since; and the next one ended before it had a queue. */
static void who_never_had_a_queue_lost_nothing(void **state)
{
	lose(WITHOUT_RECORD, true);
	bridge_request(1);
	bridge_new_peer(WITHOUT_RECORD);
	peer_hang_up(x.peer);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(1), 1);
	assert_int_equal(x.memory.lost, 0);
}

/* One that lacks what the guest uses is not even given them. */
static void nor_did_one_that_is_refused(void **state)
{
	lose(WITHOUT_RECORD, true);
	bridge_request(1);
	bridge_new_peer(WITHOUT_RECORD);
	x.peer->slots = 1;
	assert_int_equal(bridge_turn(NULL), 0);
	assert_false(bridge_is_served());
	assert_string_equal(x.why, vhost_fault_text(VHOST_REGIONS));
	assert_int_equal(driver_status(&x.rig.driver), 15);
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(1), 1);
	assert_int_equal(x.memory.lost, 0);
}

static void nor_did_the_first_after_the_driver(void **state)
{
	peer_hang_up(x.peer);
	assert_int_equal(bridge_turn(NULL), 0);
	bridge_load_driver(0);
	bridge_request(1);
	bridge_new_peer(WITHOUT_RECORD);
	peer_hang_up(x.peer);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	assert_int_equal(x.memory.lost, 0);
}

static void a_record_that_nobody_reads_is_a_loss(void **state)
{
	lose(WITH_RECORD, false);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_false(bridge_is_served());
	needs_reset();
}

/* Nothing is on it. */
static void but_not_an_empty_one(void **state)
{
	lose(WITH_RECORD, true);
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(1), 1);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	assert_int_equal(x.memory.doubt, 0);
}

/* One queue stops while there is no backend: the record was of both. */
static void a_record_of_other_queues_is_a_loss(void **state)
{
	lose(WITH_RECORD, false);
	assert_int_equal(driver_write(&x.rig.driver, REG_QUEUE_SEL, 0), 0);
	assert_int_equal(driver_write(&x.rig.driver, REG_QUEUE_READY, 0), 0);
	assert_int_equal(bridge_turn(NULL), 0);
	needs_reset();
}

static void a_record_that_died_with_its_process_is_a_loss(void **state)
{
	lose(WITH_RECORD, false);
	another_process();
	needs_reset();
}

static void what_is_lost_in_the_last_stop_the_successor_says(void **state)
{
	bridge_new_peer(WITHOUT_RECORD);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	bridge_load_driver(0);
	bridge_request(1);
	x.peer->ill = PEER_CLOSES;
	x.peer->ill_at = x.peer->nr_asked + QUEUES;
	another_process();
	needs_reset();
}

/* No damage of the state, and no reason not to serve: another backend may have them. */
static void a_successor_with_fewer_queues_is_refused_alone(void **state)
{
	bridge_load_driver(0);
	x.protocol = ~UINT64_C(1);
	another_process();
	assert_false(bridge_is_served());
	assert_int_equal(driver_status(&x.rig.driver), 15);
	bridge_new_peer(UINT64_MAX);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
}

/* One that hangs takes connections all the same. */
static void a_reset_does_not_wait_for_a_handshake(void **state)
{
	uint64_t begin_ms;
	int ends[2];

	lose(WITH_RECORD, true);
	peer_clock_attend(NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	bridge_connect(x.bridge, ends[0]);
	begin_ms = clock_now_ms();
	assert_int_equal(driver_write(&x.rig.driver, REG_STATUS, 0), 0);
	assert_int_equal(clock_now_ms() - begin_ms, 0);
	close(ends[1]);
}

static int registers_alone(void *opaque)
{
	return xenvirtio_server_process(x.rig.server);
}

/* A queue that starts late has the others handed over once more: from where they are when that is done. */
static void nothing_is_served_twice_when_a_queue_starts_late(void **state)
{
	struct driver *d = &x.rig.driver;
	uint16_t head;

	bridge_load_driver(0);
	assert_int_equal(driver_write(d, REG_QUEUE_SEL, 0), 0);
	assert_int_equal(driver_write(d, REG_QUEUE_READY, 0), 0);
	assert_int_equal(bridge_turn(NULL), 0);
	bridge_answer(1, bridge_request(1));
	head = bridge_request(1);
	x.rig.bus.serve = registers_alone;
	fake_set_serve(x.rig.fake, registers_alone, NULL);
	assert_int_equal(driver_write(d, REG_QUEUE_READY, 1), 0);
	/* the stop is asked for, and the backend finishes what it has before it answers */
	assert_int_equal(bridge_work(x.bridge), 0);
	bridge_answer(1, head);
	x.rig.bus.serve = bridge_turn;
	fake_set_serve(x.rig.fake, bridge_turn, NULL);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(1), 2);
}

#define BLK(test) cmocka_unit_test_setup_teardown(test, bridge_setup_blk, bridge_teardown)
#define FS(test) cmocka_unit_test_setup_teardown(test, bridge_setup_fs, bridge_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS(what_is_lost_while_a_queue_stops_is_said),
		FS(another_backend_goes_on_with_idle_queues),
		FS(without_a_record_a_lost_request_is_said),
		FS(with_a_record_the_next_backend_has_it),
		FS(a_driver_may_load_before_there_is_another),
		FS(another_process_goes_on_where_the_queues_are),
		FS(what_is_no_state_of_a_bridge_is_refused),
		FS(a_host_without_memory_files_is_said),
		FS(who_never_had_a_queue_lost_nothing),
		FS(nor_did_one_that_is_refused),
		FS(nor_did_the_first_after_the_driver),
		FS(a_record_that_nobody_reads_is_a_loss),
		FS(but_not_an_empty_one),
		FS(a_record_of_other_queues_is_a_loss),
		FS(a_record_that_died_with_its_process_is_a_loss),
		FS(what_is_lost_in_the_last_stop_the_successor_says),
		BLK(a_successor_with_fewer_queues_is_refused_alone),
		FS(a_reset_does_not_wait_for_a_handshake),
		FS(nothing_is_served_twice_when_a_queue_starts_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
