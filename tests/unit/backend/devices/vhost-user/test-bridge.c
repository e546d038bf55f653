// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest on the fake hypervisor, its driver, the bridge, and a backend in this thread: what the backend is given and when it is
 * taken back, and that no request is served twice or lost unsaid when one of the three goes away.
 */
#include "backend/devices/vhost-user/bridge.h"
#include "unit/rigs/rig.h"
#include "unit/rigs/vhost-peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/error.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

#define INFLIGHT (UINT64_C(1) << 12)
#define QUEUES 2u

static struct bench {
	struct rig rig; /* the machine, the bus, the driver */
	const struct vhost_user_kind *kind;
	struct bridge *bridge;
	struct bridge_memory memory;
	struct vhost_peer *peer;
	unsigned int lost;
	const char *why;
	unsigned int open_before;
} x;

static void on_lost(void *opaque, const char *why, int err)
{
	x.lost++;
	x.why = why;
}

static void ignore(void *opaque)
{
}

static void on_guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	x.rig.errors[kind]++;
}

/* A turn of the loop: registers, then what the bridge has to do, then the backend, and its answers. */
static int turn(void *opaque)
{
	int rc = xenvirtio_server_process(x.rig.server);

	if (!rc && bridge_work_pending(x.bridge))
		rc = bridge_work(x.bridge);
	for (int i = 0; i < 64 && !rc; i++) {
		peer_run(x.peer);
		rc = bridge_run(x.bridge);
	}
	return rc;
}

static void new_peer(uint64_t protocol)
{
	int fd;

	peer_free(x.peer);
	x.peer = peer_new(&fd);
	x.peer->protocol = protocol;
	peer_clock_attend(x.peer);
	bridge_connect(x.bridge, fd);
}

/* What a process begins with, but for the backend. */
static int open_process(void)
{
	const struct bridge_config cfg = {
		.kind = x.kind,
		.tag = "files",
		.lost = on_lost,
		.work = ignore,
		.changed = ignore,
		.guest_error = on_guest_error,
	};

	assert_int_equal(bridge_new(&x.bridge, &cfg), 0);
	new_peer(UINT64_MAX);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	assert_int_equal(fake_open(x.rig.fake, &x.rig.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&x.rig.gmem, x.rig.hv, 64), 0);
	return bridge_open(x.bridge, x.rig.hv, x.rig.gmem, &x.memory, &x.rig.state);
}

static void serve(void)
{
	x.rig.dev = bridge_device(x.bridge);
	assert_int_equal(xenvirtio_server_new(&x.rig.server, x.rig.hv, x.rig.gmem), 0);
	xenvirtio_server_set_notify(x.rig.server, XENVIRTIO_NOTIFY_AUTO, NULL, NULL);
	assert_int_equal(xenvirtio_server_add(x.rig.server, x.rig.dev, xenvirtio_gpa(RIG_BASE), RIG_IRQ), 0);
	assert_int_equal(xenvirtio_server_open(x.rig.server, &x.rig.id), 0);
}

static void end_process(void)
{
	xenvirtio_server_free(x.rig.server);
	x.rig.server = NULL;
	bridge_free(x.bridge);
	x.bridge = NULL;
	x.rig.dev = NULL;
	xenvirtio_gmem_free(x.rig.gmem);
	x.rig.gmem = NULL;
	xenvirtio_hv_close(x.rig.hv);
	x.rig.hv = NULL;
}

static int setup_machine(const char *kind)
{
	static const struct xenvirtio_gfn_range ram = {{0x40000}, {0x40fff}};

	memset(&x, 0, sizeof(x));
	x.open_before = open_descriptors();
	assert_int_equal(rig_init(&x.rig, NULL), 0);
	bus_fake_init(&x.rig.bus, x.rig.fake, RIG_BASE, ram, xenvirtio_gfn(0), turn, rig_count_errors, &x.rig);
	x.kind = vhost_user_kind_find(kind);
	return 0;
}

static int setup_fs(void **state)
{
	setup_machine("fs");
	assert_int_equal(open_process(), 0);
	serve();
	return 0;
}

static int setup_blk(void **state)
{
	setup_machine("blk");
	assert_int_equal(open_process(), 0);
	serve();
	return 0;
}

static int teardown(void **state)
{
	if (x.rig.server)
		assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	end_process();
	peer_clock_attend(NULL);
	peer_free(x.peer);
	rig_fini(&x.rig);
	return open_descriptors() == x.open_before ? 0 : -1;
}

static void load_driver(void)
{
	assert_int_equal(driver_init(&x.rig.driver, x.kind->program.device_id, F_VERSION_1, QUEUES), 0);
	assert_int_equal(turn(NULL), 0);
}

static bool is_served(void)
{
	struct bridge_status status;

	bridge_get_status(x.bridge, &status);
	return status.served;
}

/* A request the driver makes, and the backend does not answer. Return: its head */
static uint16_t request(unsigned int queue)
{
	struct driver_buf buf = {.len = 64};
	uint16_t head;

	assert_non_null(x.rig.bus.bus.ops->alloc_page(&x.rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(&x.rig.driver.queue[queue], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&x.rig.driver.queue[queue]), 0);
	return head;
}

/* As a backend would that has the memory. */
static void answer(unsigned int queue, uint16_t head)
{
	struct driver_queue *q = &x.rig.driver.queue[queue];
	uint16_t used = *q->used_idx;

	q->used_ring[used % q->size].id = head;
	q->used_ring[used % q->size].len = 0;
	*q->used_idx = (uint16_t)(used + 1);
	assert_int_equal(driver_collect(q, &head, &(uint32_t){0}), 0);
}

static uint32_t base_of(unsigned int queue)
{
	uint32_t base = UINT32_MAX;

	for (size_t i = 0; i < x.peer->nr_asked; i++) {
		const struct vhost_message *m = &x.peer->asked[i].m;

		if (m->header.request == VHOST_SET_VRING_BASE && m->payload.state.index == queue)
			base = m->payload.state.num;
	}
	return base;
}

/* --- what it is given --- */

static void a_backend_gets_what_the_driver_set_up(void **state)
{
	const struct peer_request *table;

	assert_false(is_served());
	load_driver();
	assert_true(is_served());
	table = peer_last(x.peer, VHOST_SET_MEM_TABLE);
	assert_non_null(table);
	/* all of the guest's RAM, which is in two ranges */
	assert_int_equal(table->nr_fds, 2);
	assert_int_equal(table->m.payload.table.nr, 2);
	assert_true(table->m.payload.table.region[0].gpa == UINT64_C(0x40000000));
	assert_true(table->m.payload.table.region[0].bytes == UINT64_C(0x1000000));
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(base_of(i), 0);
	assert_true(peer_last(x.peer, VHOST_SET_VRING_ADDR)->m.payload.addr.desc == x.rig.driver.queue[1].ring_gpa);
	assert_int_equal(peer_count(x.peer, VHOST_SET_VRING_KICK), QUEUES);
	assert_int_equal(peer_count(x.peer, VHOST_SET_VRING_CALL), QUEUES);
}

static void a_reset_waits_for_the_queues(void **state)
{
	load_driver();
	assert_int_equal(peer_count(x.peer, VHOST_GET_VRING_BASE), 0);
	assert_int_equal(driver_write(&x.rig.driver, REG_STATUS, 0), 0);
	assert_int_equal(peer_count(x.peer, VHOST_GET_VRING_BASE), QUEUES);
	assert_false(is_served());
	/* and again */
	load_driver();
	assert_true(is_served());
	assert_int_equal(base_of(0), 0);
}

static void a_backend_that_keeps_the_queues_is_given_up(void **state)
{
	load_driver();
	x.peer->ill = PEER_SILENT;
	/* the first GET_VRING_BASE: after an ENABLE for each queue, which has no answer */
	x.peer->ill_at = x.peer->nr_asked + QUEUES;
	assert_int_equal(driver_write(&x.rig.driver, REG_STATUS, 0), 0);
	assert_int_equal(driver_status(&x.rig.driver), 0);
	assert_false(is_served());
	assert_int_equal(x.lost, 1);
}

static void a_queue_alone_stops_and_the_other_goes_on(void **state)
{
	struct driver *d = &x.rig.driver;

	load_driver();
	answer(1, request(1));
	assert_int_equal(driver_write(d, REG_QUEUE_SEL, 0), 0);
	assert_int_equal(driver_write(d, REG_QUEUE_READY, 0), 0);
	assert_int_equal(turn(NULL), 0);
	assert_true(is_served());
	/* the one that is left, from where it was */
	assert_int_equal(peer_count(x.peer, VHOST_SET_VRING_KICK), QUEUES + 1);
	assert_int_equal(base_of(1), 1);
}

/* --- when it goes away --- */

/* In the middle of a stop that is not of all: the other queue's requests were under way. */
static void what_is_lost_while_a_queue_stops_is_said(void **state)
{
	struct driver *d = &x.rig.driver;

	new_peer(UINT64_MAX & ~INFLIGHT);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	load_driver();
	request(1);
	x.peer->ill = PEER_CLOSES;
	x.peer->ill_at = x.peer->nr_asked + QUEUES;
	assert_int_equal(driver_write(d, REG_QUEUE_SEL, 0), 0);
	assert_int_equal(driver_write(d, REG_QUEUE_READY, 0), 0);
	assert_int_equal(turn(NULL), 0);
	assert_int_equal(driver_status(d), 15 | STATUS_NEEDS_RESET);
	assert_int_equal(x.memory.lost, 1);
}

static void another_backend_goes_on_with_idle_queues(void **state)
{
	load_driver();
	answer(1, request(1));
	answer(1, request(1));
	peer_hang_up(x.peer);
	assert_int_equal(turn(NULL), 0);
	assert_int_equal(x.lost, 1);
	assert_false(is_served());
	new_peer(UINT64_MAX & ~INFLIGHT);
	assert_int_equal(turn(NULL), 0);
	assert_true(is_served());
	assert_int_equal(base_of(0), 0);
	assert_int_equal(base_of(1), 2);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	assert_int_equal(x.memory.lost, 0);
}

static void lose_with_a_request(uint64_t protocol)
{
	new_peer(protocol);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	load_driver();
	answer(1, request(1));
	request(1);
	peer_hang_up(x.peer);
	assert_int_equal(turn(NULL), 0);
}

static void without_a_record_a_lost_request_is_said(void **state)
{
	struct bridge_status status;

	lose_with_a_request(UINT64_MAX & ~INFLIGHT);
	assert_int_equal(driver_status(&x.rig.driver), 15 | STATUS_NEEDS_RESET);
	bridge_get_status(x.bridge, &status);
	assert_int_equal(status.lost, 1);
	/* no fault of the guest's */
	assert_int_equal(rig_count_errors(&x.rig), 0);
	new_peer(UINT64_MAX & ~INFLIGHT);
	assert_int_equal(turn(NULL), 0);
	assert_false(is_served());
	assert_int_equal(driver_reset(&x.rig.driver), 0);
	load_driver();
	assert_true(is_served());
	assert_int_equal(base_of(1), 0);
}

static void with_a_record_the_next_backend_has_it(void **state)
{
	lose_with_a_request(UINT64_MAX);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	new_peer(UINT64_MAX);
	assert_int_equal(turn(NULL), 0);
	assert_true(is_served());
	assert_int_equal(peer_count(x.peer, VHOST_SET_INFLIGHT_FD), 1);
	assert_int_equal(peer_count(x.peer, VHOST_GET_INFLIGHT_FD), 0);
	assert_int_equal(x.memory.lost, 0);
}

static void a_driver_may_load_before_there_is_another(void **state)
{
	peer_hang_up(x.peer);
	assert_int_equal(turn(NULL), 0);
	load_driver();
	assert_false(is_served());
	new_peer(UINT64_MAX);
	assert_int_equal(turn(NULL), 0);
	assert_true(is_served());
	assert_int_equal(base_of(1), 0);
}

/* --- when the process does --- */

static void another_process_goes_on_where_the_queues_are(void **state)
{
	load_driver();
	answer(1, request(1));
	request(1);
	end_process();
	assert_int_equal(open_process(), 0);
	serve();
	assert_int_equal(xenvirtio_server_resume(x.rig.server), 0);
	assert_int_equal(turn(NULL), 0);
	assert_true(is_served());
	assert_int_equal(base_of(0), 0);
	assert_int_equal(base_of(1), 1);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	/* and a driver that begins anew does so at the beginning */
	assert_int_equal(driver_reset(&x.rig.driver), 0);
	load_driver();
	assert_int_equal(base_of(1), 0);
}

static void what_is_no_state_of_a_bridge_is_refused(void **state)
{
	assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	end_process();
	x.memory.version++;
	assert_int_equal(open_process(), -EBADMSG);
	assert_null(bridge_device(x.bridge));
}

static void a_host_without_memory_files_is_said(void **state)
{
	assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	end_process();
	fake_set_no_memory_files(x.rig.fake);
	assert_int_equal(open_process(), -ENOSYS);
	assert_null(bridge_device(x.bridge));
}

/* --- configuration --- */

static void a_file_system_has_its_tag(void **state)
{
	uint32_t word[10];

	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG + 4 * i, &word[i]), 0);
	assert_string_equal((const char *)word, "files");
	for (unsigned int i = 2; i < 9; i++)
		assert_int_equal(word[i], 0);
	assert_int_equal(word[9], 1);
}

static void a_tag_must_fit(void **state)
{
	char tag[38];
	struct bridge_config cfg = {.kind = x.kind, .tag = tag};
	struct bridge *b;

	memset(tag, 'x', sizeof(tag));
	tag[37] = '\0';
	assert_int_equal(bridge_new(&b, &cfg), -EINVAL);
	tag[36] = '\0';
	assert_int_equal(bridge_new(&b, &cfg), 0);
	bridge_free(b);
	tag[0] = '\0';
	assert_int_equal(bridge_new(&b, &cfg), -EINVAL);
}

static void a_disk_is_as_the_backend_says_but_for_its_queues(void **state)
{
	uint32_t word;

	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG, &word), 0);
	assert_int_equal(word, 0x03020100);
	/* it says 0x2322, and has four */
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG + 32, &word), 0);
	assert_int_equal(word, 0x00042120);
}

static int config_write(uint32_t offset, unsigned int bytes, uint32_t value)
{
	return x.rig.bus.bus.ops->write(&x.rig.bus.bus, REG_CONFIG + offset, bytes, value);
}

static void a_driver_writes_what_is_its_own(void **state)
{
	load_driver();
	assert_int_equal(config_write(0, 1, 0xff), 0);
	assert_int_equal(config_write(32, 4, 0), 0);
	assert_int_equal(peer_count(x.peer, VHOST_SET_CONFIG), 0);
	assert_int_equal(config_write(32, 1, 1), 0);
	assert_int_equal(peer_count(x.peer, VHOST_SET_CONFIG), 1);
	assert_int_equal(x.peer->config[0], 0);
	assert_int_equal(x.peer->config[32], 1);
	assert_int_equal(x.rig.errors[XENVIRTIO_GUEST_BAD_ACCESS], 2);
}

static void a_changed_configuration_interrupts(void **state)
{
	struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};
	uint32_t before, after, status;

	load_driver();
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG_GENERATION, &before), 0);
	x.peer->config[0] = 9;
	peer_say(x.peer->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	assert_int_equal(turn(NULL), 0);
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG_GENERATION, &after), 0);
	assert_int_not_equal(before, after);
	assert_int_equal(driver_read(&x.rig.driver, REG_INTERRUPT_STATUS, &status), 0);
	assert_true(status & 2);
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG, &after), 0);
	assert_int_equal(after & 0xff, 9);
}

#define FS(test) cmocka_unit_test_setup_teardown(test, setup_fs, teardown)
#define BLK(test) cmocka_unit_test_setup_teardown(test, setup_blk, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS(a_backend_gets_what_the_driver_set_up),
		FS(a_reset_waits_for_the_queues),
		FS(a_backend_that_keeps_the_queues_is_given_up),
		FS(a_queue_alone_stops_and_the_other_goes_on),
		FS(what_is_lost_while_a_queue_stops_is_said),
		FS(another_backend_goes_on_with_idle_queues),
		FS(without_a_record_a_lost_request_is_said),
		FS(with_a_record_the_next_backend_has_it),
		FS(a_driver_may_load_before_there_is_another),
		FS(another_process_goes_on_where_the_queues_are),
		FS(what_is_no_state_of_a_bridge_is_refused),
		FS(a_host_without_memory_files_is_said),
		FS(a_file_system_has_its_tag),
		FS(a_tag_must_fit),
		BLK(a_disk_is_as_the_backend_says_but_for_its_queues),
		BLK(a_driver_writes_what_is_its_own),
		BLK(a_changed_configuration_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
