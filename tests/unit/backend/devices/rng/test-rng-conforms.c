// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The entropy device is a virtio device: all clauses of tests/conformance.
 */
#include "backend/devices/rng/rng.h"
#include "conformance/conformance.h"
#include "unit/rigs/stride.h"

#include <errno.h>
#include <string.h>

#define BYTES 32u

static struct {
	struct rng *rng;
	struct rng_memory memory;
	struct xenvirtio_device_state *state;
	uint64_t errors;
	unsigned char next;
} x;

/* Bytes that can be told from each other, and are none of those that a buffer has before. */
static int random_bytes(void *opaque, void *buf, size_t len)
{
	unsigned char *at = buf;

	for (size_t i = 0; i < len; i++) {
		x.next = x.next % 80 + 1;
		at[i] = x.next;
	}
	return 0;
}

static void nothing(void *opaque)
{
}

static void count_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	x.errors++;
}

static int make(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev)
{
	const struct rng_config cfg = {
		.gmem = host->gmem,
		.fill = random_bytes,
		.changed = nothing,
		.guest_error = count_error,
		.allowance = RNG_ALL,
	};
	int ret = rng_new(&x.rng, &cfg, &x.memory, host->state);

	if (!ret)
		*dev = rng_device(x.rng);
	return ret;
}

static void end(void *opaque)
{
	rng_free(x.rng);
	x.rng = NULL;
}

static void forget(void *opaque)
{
	memset(&x, 0, sizeof(x));
}

static int fill(void *opaque, struct driver *d, unsigned int step, struct conformance_message *m)
{
	m->writable_bytes = BYTES;
	return 0;
}

/* All of them, and one after the other. */
static int check(void *opaque, unsigned int step, const struct conformance_message *m, uint32_t used_bytes)
{
	if (used_bytes != BYTES)
		return -EMSGSIZE;
	for (size_t i = 0; i < BYTES; i++)
		if (m->writable[i] < 1 || m->writable[i] > 80 || (i && m->writable[i] != m->writable[i - 1] % 80 + 1))
			return -EBADMSG;
	return 0;
}

static int serve(void *opaque)
{
	return rng_work_pending(x.rng) ? rng_work(x.rng) : 0;
}

static uint64_t count_errors(void *opaque)
{
	return x.errors;
}

int main(void)
{
	static const struct conformance_device rng = {
		.version = CONFORMANCE_VERSION,
		.name = "xen-vrngd's entropy device",
		.device_id = RNG_DEVICE_ID,
		.nr_queues = 1,
		.nr_messages = 1,
		.make = make,
		.free = end,
		.forget = forget,
		.fill = fill,
		.check = check,
		.serve = serve,
		.errors = count_errors,
	};
	const struct conformance_report report = {.stride = stride()};

	return conformance_run(&rng, &report) != 0;
}
