// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See bridge-bench.h.
 */
#include "unit/rigs/bridge-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

struct bridge_bench x;

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
int bridge_turn(void *opaque)
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

void bridge_new_peer(uint64_t protocol)
{
	int fd;

	peer_free(x.peer);
	x.peer = peer_new(&fd);
	x.peer->protocol = protocol;
	peer_clock_attend(x.peer);
	bridge_connect(x.bridge, fd);
}

/* What a process begins with, but for the backend. */
int bridge_open_process(void)
{
	const struct bridge_config cfg = {
		.kind = x.kind,
		.tag = "files",
		.mac = {2, 3, 4, 5, 6, 7},
		.mtu = x.mtu,
		.lost = on_lost,
		.work = ignore,
		.changed = ignore,
		.guest_error = on_guest_error,
	};

	int rc;

	assert_int_equal(bridge_new(&x.bridge, &cfg), 0);
	bridge_new_peer(x.protocol);
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	assert_int_equal(fake_open(x.rig.fake, &x.rig.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&x.rig.gmem, x.rig.hv, 64), 0);
	rc = bridge_lend(x.bridge, x.rig.hv);
	return rc ? rc : bridge_open(x.bridge, x.rig.gmem, &x.memory, &x.rig.state, XENVIRTIO_QUEUES_MAX);
}

void bridge_serve(void)
{
	x.rig.dev = bridge_device(x.bridge);
	assert_int_equal(xenvirtio_server_new(&x.rig.server, x.rig.hv, x.rig.gmem), 0);
	xenvirtio_server_set_notify(x.rig.server, XENVIRTIO_NOTIFY_AUTO, NULL, NULL);
	assert_int_equal(xenvirtio_server_add(x.rig.server, x.rig.dev, xenvirtio_gpa(RIG_BASE), RIG_IRQ), 0);
	assert_int_equal(xenvirtio_server_open(x.rig.server, &x.rig.id), 0);
}

void bridge_end_process(void)
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
	bus_fake_init(&x.rig.bus, x.rig.fake, RIG_BASE, ram, xenvirtio_gfn(0), bridge_turn, rig_count_errors, &x.rig);
	x.kind = vhost_user_kind_find(kind);
	x.protocol = UINT64_MAX;
	return 0;
}

int bridge_setup_fs(void **state)
{
	setup_machine("fs");
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	return 0;
}

int bridge_setup_blk(void **state)
{
	setup_machine("blk");
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	return 0;
}

int bridge_setup_net(void **state)
{
	setup_machine("net");
	x.mtu = 1400;
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	return 0;
}

int bridge_teardown(void **state)
{
	if (x.rig.server)
		assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	bridge_end_process();
	peer_clock_attend(NULL);
	peer_free(x.peer);
	rig_fini(&x.rig);
	return open_descriptors() == x.open_before ? 0 : -1;
}

void bridge_load_driver(uint64_t more)
{
	assert_int_equal(driver_init(&x.rig.driver, x.kind->program.device_id, F_VERSION_1 | more, QUEUES), 0);
	assert_int_equal(bridge_turn(NULL), 0);
}

bool bridge_is_served(void)
{
	struct bridge_status status;

	bridge_get_status(x.bridge, &status);
	return status.served;
}

/* A request the driver makes, and the backend does not answer. Return: its head */
uint16_t bridge_request(unsigned int queue)
{
	struct driver_buf buf = {.len = 64};
	uint16_t head;

	assert_non_null(x.rig.bus.bus.ops->alloc_page(&x.rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(&x.rig.driver.queue[queue], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&x.rig.driver.queue[queue]), 0);
	return head;
}

/* As a backend would that has the memory. */
void bridge_answer(unsigned int queue, uint16_t head)
{
	struct driver_queue *q = &x.rig.driver.queue[queue];
	uint16_t used = *q->used_idx;

	q->used_ring[used % q->size].id = head;
	q->used_ring[used % q->size].len = 0;
	*q->used_idx = (uint16_t)(used + 1);
	assert_int_equal(driver_collect(q, &head, &(uint32_t){0}), 0);
}

uint32_t bridge_base_of(unsigned int queue)
{
	uint32_t base = UINT32_MAX;

	for (size_t i = 0; i < x.peer->nr_asked; i++) {
		const struct vhost_message *m = &x.peer->asked[i].m;

		if (m->header.request == VHOST_SET_VRING_BASE && m->payload.state.index == queue)
			base = m->payload.state.num;
	}
	return base;
}
