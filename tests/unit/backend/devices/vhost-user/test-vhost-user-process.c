// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole device process with a backend behind a socket of the file system: it finds that, and finds it again, says what is
 * wrong, and leaves the queues to a successor.
 */
#include "config.h"

#include "backend/base/clock.h"
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"
#include "backend/vhost/message.h"
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"
#include "unit/rigs/vhost-peer.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define QUEUES 2u

static struct vhost_user_options opts;
static char path[128];
static int listener;
static struct vhost_peer *peer; /* of the connection that came last; NULL: none did */

/* The backend's turn. */
static void serve_backend(void *opaque)
{
	int fd = listener < 0 ? -1 : accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		peer_free(peer);
		peer = peer_at(fd);
	}
	if (peer)
		peer_run(peer);
}

static void listen_at_path(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	unlink(path);
	strcpy(addr.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
}

static void hang_up(void)
{
	peer_free(peer);
	peer = NULL;
	close(listener);
	listener = -1;
}

static int setup(void **state)
{
	struct process_bench *b = process_bench_new();
	const struct vhost_user_kind *kind = vhost_user_kind_find("fs");

	snprintf(path, sizeof(path), "%s/7-0.vhost", b->dir);
	opts = (struct vhost_user_options){.common = b->opts.common, .kind = kind, .tag = "files"};
	opts.common.program = &kind->program;
	opts.common.backend_socket = path;
	b->type = &vhost_user_type;
	b->type_opts = &opts.common;
	process_bench_put(b, "type", "virtio,device1a");
	machine_fake_attend(serve_backend, b);
	listen_at_path();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct process_bench *b = *state;

	process_bench_stop(b);
	machine_fake_attend(NULL, NULL);
	hang_up();
	unlink(path);
	assert_int_equal(fake_faults_total(b->fake), 0);
	process_bench_free(b);
	return 0;
}

/* Turns of both, until neither has anything to say. */
static void run(struct process_bench *b)
{
	for (int i = 0; i < 64; i++) {
		serve_backend(b);
		process_bench_run(b);
	}
}

static void load_driver(struct process_bench *b)
{
	assert_int_equal(driver_init(&b->driver, 26, F_VERSION_1, QUEUES), 0);
	run(b);
}

static size_t kicks_given(void)
{
	return peer_count(peer, VHOST_SET_VRING_KICK);
}

static void a_guest_is_served_by_who_listens(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd;

	assert_true(process_bench_start(b));
	assert_int_equal(kicks_given(), 0);
	load_driver(b);
	assert_int_equal(kicks_given(), QUEUES);
	assert_int_equal(peer_last(peer, VHOST_SET_MEM_TABLE)->nr_fds, 2);
	assert_true(process_bench_wait_key(b, "backend-connected", "1"));
	fd = client_connect(b->socket_path);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.backend_connected")), 1);
	assert_int_equal(json_object_get_int(json_at(json, "result.backend_connections")), 1);
	assert_int_equal(json_object_get_int(json_at(json, "result.backend_lost")), 0);
	json_object_put(json);
	close(fd);
}

static unsigned int turns;

/* A guest that was rebooted is not paused: its driver looks before there is a backend. */
static void let_the_guest_look(void *opaque)
{
	struct process_bench *b = opaque;

	turns++;
	if (turns == 1)
		assert_int_equal(fake_mmio_start(b->fake, 0, b->driver.bus->base_gpa, 4, true, 0), 0);
	if (turns == 3)
		listen_at_path();
	serve_backend(opaque);
}

static void a_driver_that_looks_first_waits_for_the_backend(void **state)
{
	struct process_bench *b = *state;
	uint64_t data = 0;

	hang_up();
	turns = 0;
	machine_fake_attend(let_the_guest_look, b);
	assert_true(process_bench_start(b));
	assert_true(turns >= 3);
	run(b);
	assert_int_equal(fake_mmio_finish(b->fake, 0, &data), 0);
	/* the magic value */
	assert_int_equal(data, 0x74726976);
	load_driver(b);
	assert_int_equal(kicks_given(), QUEUES);
}

static void nothing_of_the_guest_stays_mapped(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	load_driver(b);
	hang_up();
	run(b);
	/* where the next one begins is read in the guest's rings */
	listen_at_path();
	machine_fake_pass(VHOST_USER_AGAIN_MS);
	run(b);
	assert_int_equal(kicks_given(), QUEUES);
	assert_int_equal(fake_live_mappings(b->fake), 0);
}

/* Nor when whether requests were lost is looked at: outside of any turn, once. */
static void nor_when_one_ends_at_once(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	peer->protocol = UINT64_MAX & ~(UINT64_C(1) << 12);
	load_driver(b);
	for (int i = 0; i < 3; i++) {
		peer_free(peer);
		peer = NULL;
		run(b);
		machine_fake_pass(VHOST_USER_AGAIN_MS);
		process_bench_run(b);
		assert_int_equal(fake_live_mappings(b->fake), 0);
		serve_backend(b);
	}
}

static void without_a_backend_it_waits_and_says_so(void **state)
{
	struct process_bench *b = *state;
	uint64_t begin_ms = clock_now_ms();
	enum exit_code code;

	hang_up();
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_int_equal(clock_now_ms() - begin_ms, VHOST_USER_WAIT_MS);
	assert_true(log_capture_has(&b->capture, "nobody listens there: start the backend"));
}

static void interrupt(void *opaque)
{
	machine_fake_interrupt();
}

/* Who wants it to end does not wait for a backend. */
static void a_signal_ends_the_wait(void **state)
{
	struct process_bench *b = *state;
	uint64_t begin_ms = clock_now_ms();
	enum exit_code code;

	hang_up();
	machine_fake_attend(interrupt, b);
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_int_equal(clock_now_ms(), begin_ms);
}

static uint64_t late_ms;

static void come_late(void *opaque)
{
	if (listener < 0 && clock_now_ms() >= late_ms)
		listen_at_path();
	serve_backend(opaque);
}

static void one_that_comes_late_is_found(void **state)
{
	struct process_bench *b = *state;

	hang_up();
	unlink(path);
	late_ms = clock_now_ms() + VHOST_USER_WAIT_MS / 2;
	machine_fake_attend(come_late, b);
	assert_true(process_bench_start(b));
	assert_true(clock_now_ms() >= late_ms);
}

static void one_that_says_nothing_is_named(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	machine_fake_attend(NULL, NULL);
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_true(log_capture_has(&b->capture, path));
}

static void a_backend_that_goes_is_looked_for_each_second(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	load_driver(b);
	hang_up();
	run(b);
	assert_true(process_bench_wait_key(b, "backend-connected", "0"));
	machine_fake_pass(VHOST_USER_AGAIN_MS);
	run(b);
	assert_null(peer);
	listen_at_path();
	machine_fake_pass(VHOST_USER_AGAIN_MS);
	run(b);
	assert_non_null(peer);
	assert_int_equal(kicks_given(), QUEUES);
	assert_int_equal(driver_status(&b->driver), 15);
	assert_true(process_bench_wait_key(b, "backend-connected", "1"));
}

static void a_signal_gives_the_queues_back(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	load_driver(b);
	raise(SIGTERM);
	run(b);
	assert_true(process_bench_ended(b, NULL));
	assert_int_equal(peer_count(peer, VHOST_GET_VRING_BASE), QUEUES);
	process_bench_stop(b);
	/* and a successor goes on */
	assert_true(process_bench_start(b));
	run(b);
	assert_int_equal(kicks_given(), QUEUES);
	assert_int_equal(driver_status(&b->driver), 15);
}

/* The process ends, and its backend too: the next one is there for the guest before any other backend is. */
static void a_successor_needs_no_backend_to_begin(void **state)
{
	struct process_bench *b = *state;
	uint64_t begin_ms;

	assert_true(process_bench_start(b));
	load_driver(b);
	raise(SIGTERM);
	run(b);
	process_bench_stop(b);
	hang_up();
	begin_ms = clock_now_ms();
	assert_true(process_bench_start(b));
	assert_int_equal(clock_now_ms(), begin_ms);
	assert_true(log_capture_has(&b->capture, "the guest's requests wait for it"));
	run(b);
	assert_int_equal(driver_status(&b->driver), 15);
	listen_at_path();
	machine_fake_pass(VHOST_USER_AGAIN_MS);
	run(b);
	assert_non_null(peer);
	assert_int_equal(kicks_given(), QUEUES);
	assert_int_equal(driver_status(&b->driver), 15);
}

static void a_dead_guest_ends_it(void **state)
{
	struct process_bench *b = *state;

	assert_true(process_bench_start(b));
	load_driver(b);
	fake_set_gone(b->fake);
	process_bench_ends_clean(b);
}

/* And nobody tries again and again: the host stays as it is. */
static void a_host_without_memory_files_is_told_what_it_lacks(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	fake_set_no_memory_files(b->fake);
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_UNSUITABLE);
	assert_true(log_capture_has(&b->capture, "needs the modules of kernel/privcmd"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_guest_is_served_by_who_listens),
		TEST(a_driver_that_looks_first_waits_for_the_backend),
		TEST(nothing_of_the_guest_stays_mapped),
		TEST(nor_when_one_ends_at_once),
		TEST(without_a_backend_it_waits_and_says_so),
		TEST(a_signal_ends_the_wait),
		TEST(one_that_comes_late_is_found),
		TEST(one_that_says_nothing_is_named),
		TEST(a_backend_that_goes_is_looked_for_each_second),
		TEST(a_signal_gives_the_queues_back),
		TEST(a_successor_needs_no_backend_to_begin),
		TEST(a_dead_guest_ends_it),
		TEST(a_host_without_memory_files_is_told_what_it_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
