// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device whose queues somebody else serves, with all that such may offer: the clauses of VIRTIO_F_RING_RESET and
 * VIRTIO_F_IN_ORDER find nothing wrong with it, and each finds one who serves a queue that was reset, begins it where it was, or
 * uses buffers in another order.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit/rigs/echo-message.h"
#include "unit/rigs/vhost-ring.h"

#define DEVICE_ID 42u
#define QUEUES 2u
#define F_RING_RESET (UINT64_C(1) << 40)
#define F_IN_ORDER (UINT64_C(1) << 35)
#define F_RINGS (UINT64_C(1) << 28 | UINT64_C(1) << 29)

enum fault { NO_FAULT, SERVES_WHAT_WAS_RESET, GOES_ON_WHERE_IT_WAS, FROM_THE_LAST };

static struct {
	enum fault fault;
	struct vhost_rings rings;
	struct xenvirtio_gmem *gmem;
} x;

static int queue_start(void *opaque, unsigned int index)
{
	struct vhost_ring *ring = &x.rings.ring[index];
	struct xenvirtio_queue_rings r;
	uint16_t used = ring->used;

	if (xenvirtio_queue_rings(xenvirtio_device_queue(x.rings.dev, index), &r))
		return -EIO;
	*ring = (struct vhost_ring){
		.size = r.size,
		.addr = {.index = index, .desc = r.desc_gpa, .avail = r.avail_gpa, .used = r.used_gpa},
		.live = true,
		.enabled = true,
		.backwards = x.fault == FROM_THE_LAST,
	};
	/* what was served is in the ring, and a ring that is new says 0 */
	if (x.fault != GOES_ON_WHERE_IT_WAS && xenvirtio_gmem_load16(x.gmem, xenvirtio_gpa(r.used_gpa + 2), &used))
		return -EIO;
	ring->last_avail = ring->used = ring->told = used;
	x.rings.features = xenvirtio_device_features(x.rings.dev);
	return 0;
}

static void queue_stop(void *opaque, unsigned int index)
{
	if (x.fault == SERVES_WHAT_WAS_RESET)
		x.rings.ring[index].kicked = true;
	else
		x.rings.ring[index].live = false;
}

static const struct xenvirtio_device_ops ops = {.queue_start = queue_start, .queue_stop = queue_stop};

static int make(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev)
{
	const struct xenvirtio_device_config cfg = {
		.device_id = DEVICE_ID,
		.features = F_RING_RESET | F_IN_ORDER | F_RINGS,
		.nr_queues = QUEUES,
		.queue_size_max = 256,
		.ops = &ops,
		.foreign_queues = true,
	};
	int ret = xenvirtio_device_new(dev, &cfg, host->gmem, host->state);

	memset(x.rings.ring, 0, sizeof(x.rings.ring));
	x.rings.fake = host->fake;
	x.rings.dev = *dev;
	x.gmem = host->gmem;
	return ret;
}

static void end(void *opaque)
{
	xenvirtio_device_free(x.rings.dev);
	x.rings.dev = NULL;
}

static int serve(void *opaque)
{
	return rings_serve(&x.rings) ? XENVIRTIO_E_AGAIN : 0;
}

static const struct conformance_device foreign = {
	.version = CONFORMANCE_VERSION,
	.name = "a device served elsewhere",
	.device_id = DEVICE_ID,
	.nr_queues = QUEUES,
	.nr_messages = QUEUES,
	.flags = CONFORMANCE_RINGS_ELSEWHERE,
	.make = make,
	.free = end,
	.fill = echo_fill,
	.check = echo_check,
	.serve = serve,
};

struct tally {
	unsigned int nr, skipped;
	char why[200];
};

static void count(void *opaque, const struct conformance_result *r)
{
	struct tally *t = opaque;

	t->nr++;
	t->skipped += r->verdict == CONFORMANCE_SKIPPED;
	if (r->verdict == CONFORMANCE_NOT_OK)
		snprintf(t->why, sizeof(t->why), "%s: %s", r->clause, r->why);
}

int main(void)
{
	static const struct {
		enum fault fault;
		const char *clause;
		const char *name;
		bool found;
	} cases[] = {
		{NO_FAULT, NULL, "nothing is wrong with it", false},
		{NO_FAULT, "2.6.1.1.1", "a queue that is reset is quiet", false},
		{NO_FAULT, "2.6.1.2.1", "and can be set up anew", false},
		{SERVES_WHAT_WAS_RESET, "2.6.1.1.1", "one that is not is found", true},
		{GOES_ON_WHERE_IT_WAS, "2.6.1.2.1", "one that goes on where it was is found", true},
		{FROM_THE_LAST, "6.2", "another order is found", true},
	};
	const size_t nr = sizeof(cases) / sizeof(cases[0]);
	unsigned int failures = 0;

	printf("1..%zu\n", nr);
	for (size_t i = 0; i < nr; i++) {
		struct tally t = {0};
		struct conformance_report report = {.only = cases[i].clause, .result = count, .opaque = &t};
		bool found, ok;

		x.fault = cases[i].fault;
		found = conformance_run(&foreign, &report) > 0;
		/* what is asked for by its number is tried */
		ok = found == cases[i].found && t.nr && (!cases[i].clause || !t.skipped);
		printf("%s %zu - %s%s%s\n", ok ? "ok" : "not ok", i + 1, cases[i].name, found ? ": " : "", t.why);
		failures += !ok;
	}
	return failures != 0;
}
