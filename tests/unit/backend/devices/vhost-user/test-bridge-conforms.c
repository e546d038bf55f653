// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bridge with a good backend behind it is a virtio device: all clauses of tests/conformance, as a file system and as a disk.
 * The backend begins anew with each process, and has its place from the bridge.
 */
#include "backend/devices/vhost-user/bridge.h"
#include "unit/rigs/echo-message.h"
#include "unit/rigs/stride.h"
#include "unit/rigs/vhost-ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define QUEUES 2u

static struct {
	const struct vhost_user_kind *kind;
	struct bridge *bridge;
	struct bridge_memory memory;
	struct vhost_peer *peer;
	struct vhost_rings rings;
	bool lost;
	uint64_t errors;
} x;

static void on_lost(void *opaque, const char *why, int err)
{
	x.lost = true;
}

static void ignore(void *opaque)
{
}

static void on_guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	x.errors++;
}

static void connect_peer(void)
{
	int fd;

	peer_free(x.peer);
	x.peer = peer_new(&fd);
	peer_clock_attend(x.peer);
	x.lost = false;
	memset(x.rings.ring, 0, sizeof(x.rings.ring));
	bridge_connect(x.bridge, fd);
}

static void end(void *opaque)
{
	bridge_free(x.bridge);
	x.bridge = NULL;
	peer_clock_attend(NULL);
	peer_free(x.peer);
	x.peer = NULL;
}

static int make(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev)
{
	const struct bridge_config cfg = {
		.kind = x.kind,
		.tag = "files",
		.mac = {2, 3, 4, 5, 6, 7},
		.lost = on_lost,
		.work = ignore,
		.changed = ignore,
		.guest_error = on_guest_error,
	};
	int ret = bridge_new(&x.bridge, &cfg);

	if (ret)
		return ret;
	connect_peer();
	ret = bridge_wait(x.bridge) == VHOST_OK ? bridge_lend(x.bridge, host->hv) : -ECONNREFUSED;
	if (!ret)
		ret = bridge_open(x.bridge, host->gmem, &x.memory, host->state, XENVIRTIO_QUEUES_MAX);
	if (ret) {
		end(NULL);
		return ret;
	}
	*dev = bridge_device(x.bridge);
	x.rings.fake = host->fake;
	x.rings.dev = *dev;
	return 0;
}

static void forget(void *opaque)
{
	memset(&x.memory, 0, sizeof(x.memory));
}

/* A turn of the loop: what the bridge has to do, then the backend, and its answers. */
static int serve(void *opaque)
{
	bool again = false;
	int ret = 0;

	if (x.lost)
		connect_peer();
	if (bridge_work_pending(x.bridge))
		ret = bridge_work(x.bridge);
	if (ret)
		return ret;
	peer_run(x.peer);
	ret = bridge_run(x.bridge);
	/* what it was asked by that is answered in the next turn */
	peer_run(x.peer);
	again = rings_follow(&x.rings, x.peer);
	again |= rings_serve(&x.rings);
	if (ret)
		return ret;
	return again || bridge_work_pending(x.bridge) || x.lost ? XENVIRTIO_E_AGAIN : 0;
}

/* The backend's own: another disk. */
static int change_config(void *opaque)
{
	const struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};

	x.peer->config[0]++;
	peer_say(x.peer->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	return 0;
}

static uint64_t count_errors(void *opaque)
{
	return x.errors;
}

static void print(void *opaque, const struct conformance_result *result)
{
	unsigned int *number = opaque;

	printf("%s %u - %s, %s: %s%s%s\n", result->verdict == CONFORMANCE_NOT_OK ? "not ok" : "ok", ++*number, x.kind->name,
	       result->clause, result->says, result->verdict == CONFORMANCE_SKIPPED ? " # SKIP " : "",
	       result->verdict == CONFORMANCE_SKIPPED ? result->why : "");
	if (result->verdict == CONFORMANCE_NOT_OK)
		printf("# %s\n", result->why);
}

int main(void)
{
	static const char *const kinds[] = {"fs", "blk", "net", "vsock", "rng"};
	unsigned int open_before = open_descriptors(), number = 0;
	struct conformance_device bridge = {
		.version = CONFORMANCE_VERSION,
		.name = "xen-vhost-user's bridge",
		.flags = CONFORMANCE_RINGS_ELSEWHERE,
		.make = make,
		.free = end,
		.forget = forget,
		.fill = echo_fill,
		.check = echo_check,
		.serve = serve,
		.errors = count_errors,
	};
	const struct conformance_report report = {.stride = stride(), .result = print, .opaque = &number};
	int not_ok = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		x.kind = vhost_user_kind_find(kinds[i]);
		bridge.device_id = x.kind->program.device_id;
		bridge.config_bytes = x.kind->config_bytes;
		bridge.nr_queues = bridge.nr_messages = x.kind->queues < QUEUES && !x.kind->queues_at ? x.kind->queues : QUEUES;
		bridge.change_config = x.kind->config_ours || !x.kind->config_bytes ? NULL : change_config;
		not_ok += conformance_run(&bridge, &report);
	}
	not_ok += open_descriptors() != open_before;
	printf("%s %u - no descriptor is left\n1..%u\n", open_descriptors() == open_before ? "ok" : "not ok", number + 1,
	       number + 1);
	return not_ok != 0;
}
