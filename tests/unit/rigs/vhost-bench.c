// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bench for front-ends of vhost-user. See vhost-bench.h.
 */
#include "unit/rigs/vhost-bench.h"

#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct vhost_bench bench;
static int fresh = -1; /* the end of a backend that is not connected */

static void on_lost(void *opaque, enum vhost_fault why, int err)
{
	struct vhost_bench *b = opaque;

	b->lost++;
	b->why = why;
}

static void on_done(void *opaque, enum vhost_done what)
{
	((struct vhost_bench *)opaque)->done[what]++;
}

static void on_changed(void *opaque)
{
	((struct vhost_bench *)opaque)->changed++;
}

static uint32_t used_index(void *opaque, unsigned int index)
{
	return BENCH_USED + index;
}

static bool drop_record(void *opaque)
{
	return !((struct vhost_bench *)opaque)->needs_record;
}

static const struct vhost_frontend_ops ops = {
	.lost = on_lost,
	.done = on_done,
	.config_changed = on_changed,
	.base = used_index,
	.drop_record = drop_record,
};

void bench_device(void)
{
	vhost_frontend_free(bench.f);
	assert(!vhost_frontend_new(&bench.f, &bench.device));
}

int bench_peer(void)
{
	peer_free(bench.p);
	if (fresh >= 0)
		close(fresh);
	bench.p = peer_new(&fresh);
	peer_clock_attend(bench.p);
	return fresh;
}

int bench_setup(void **state)
{
	unsigned int open_before = open_descriptors();

	memset(&bench, 0, sizeof(bench));
	bench.open_before = open_before;
	bench.device = (struct vhost_device){
		.features = UINT64_MAX,
		.config_bytes = 60,
		.ops = &ops,
		.opaque = &bench,
	};
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t gpa = 0x40000000 + i * 0x1000;

		bench.memory[i] = (struct vhost_memory){
			.gpa = i ? 0x200000000 : 0x40000000,
			.bytes = i ? 0x1000 : 0x100000,
			.fd = eventfd(0, EFD_CLOEXEC),
			.offset = i * 0x1000,
		};
		bench.queue[i] = (struct vhost_queue){
			.index = i,
			.size = i ? 64 : 128,
			.desc_gpa = gpa,
			.avail_gpa = gpa + 0x800,
			.used_gpa = gpa + 0xa00,
			.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		};
	}
	bench.start = (struct vhost_start){
		.features = BENCH_FEATURES,
		.memory = bench.memory,
		.nr_memory = 2,
		.queue = bench.queue,
		.nr_queues = 2,
	};
	bench_device();
	bench_peer();
	return 0;
}

int bench_teardown(void **state)
{
	peer_clock_attend(NULL);
	vhost_frontend_free(bench.f);
	peer_free(bench.p);
	if (fresh >= 0)
		close(fresh);
	fresh = -1;
	for (unsigned int i = 0; i < 2; i++) {
		close(bench.memory[i].fd);
		close(bench.queue[i].kick_fd);
		close(bench.queue[i].call_fd);
	}
	return open_descriptors() == bench.open_before ? 0 : -1;
}

enum vhost_fault bench_connect(void)
{
	int fd = fresh;

	fresh = -1;
	vhost_frontend_connect(bench.f, fd);
	return vhost_frontend_wait(bench.f);
}

enum vhost_fault bench_start(void)
{
	assert(!vhost_frontend_start(bench.f, &bench.start));
	return vhost_frontend_wait(bench.f);
}

enum vhost_fault bench_stop(void)
{
	vhost_frontend_stop(bench.f);
	return vhost_frontend_wait(bench.f);
}

unsigned int bench_kicks(unsigned int i)
{
	uint64_t kicks = 0;

	return read(bench.queue[i].kick_fd, &kicks, sizeof(kicks)) == sizeof(kicks) ? (unsigned int)kicks : 0;
}

uint64_t bench_change(bool need_reply)
{
	struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};

	if (need_reply)
		m.header.flags |= VHOST_FLAG_NEED_REPLY;
	peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	vhost_frontend_run(bench.f);
	return peer_hear(bench.p, &m) ? m.payload.u64 : UINT64_MAX;
}
