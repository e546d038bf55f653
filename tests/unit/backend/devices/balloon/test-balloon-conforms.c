// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon is a virtio device: all clauses of tests/conformance, with a driver as Linux's is, and with one of bulk messages. A
 * request is a page that goes and comes back.
 */
#include "backend/devices/balloon/balloon.h"
#include "conformance/conformance.h"
#include "fake/hv-fake.h"
#include "guest/bulk.h"
#include "guest/driver.h"
#include "unit/rigs/stride.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_ID 5u
#define MUST_TELL_HOST (UINT64_C(1) << 0)
#define STATS_VQ (UINT64_C(1) << 1)
#define CONFIG_BYTES 8u /* num_pages, actual */
#define RANGES 2u

enum { INFLATE, DEFLATE, QUEUES = 3 };

static struct {
	struct balloon *balloon;
	struct fake *fake;
	void *persist;
	size_t persist_bytes;
	enum bulk_encoding encoding;
	uint64_t page_gpa[CONFORMANCE_SLOTS];
	uint32_t target;
} x;

static const struct xenvirtio_gfn_range ram[RANGES] = {{{0x40000}, {0x40fff}}, {{0x200000}, {0x2003ff}}};

static int make(void *opaque, const struct conformance_host *host, struct xenvirtio_device **dev)
{
	const struct balloon_config cfg = {
		.hv = host->hv,
		.gmem = host->gmem,
		.bits = {.page_bitmap = 56, .page_chunks = 57, .host_req_vq = 58},
	};
	int ret;

	x.fake = host->fake;
	ret = balloon_new(&x.balloon, &cfg, x.persist, x.persist_bytes, host->state);
	if (!ret)
		*dev = balloon_device(x.balloon);
	return ret;
}

static void end(void *opaque)
{
	balloon_free(x.balloon);
	x.balloon = NULL;
}

static void forget(void *opaque)
{
	memset(x.persist, 0, x.persist_bytes);
	x.target = 0;
}

/* The page is the driver's, and no longer wanted; then it is. */
static int fill(void *opaque, struct driver *d, unsigned int step, struct conformance_message *m)
{
	/* bulk_encode() wants room for more than it takes */
	unsigned char bytes[2 * CONFORMANCE_BYTES_MAX];
	struct bulk_run run = {.nr = 1};

	if (step == INFLATE && !d->bus->ops->alloc_page(d->bus, &x.page_gpa[m->slot]))
		return -ENOMEM;
	run.pfn = x.page_gpa[m->slot] / BUS_PAGE_BYTES;
	m->queue = step;
	m->readable_bytes = bulk_encode(x.encoding, &run, 1, bytes, sizeof(bytes));
	if (!m->readable_bytes || m->readable_bytes > sizeof(m->readable))
		return -EINVAL;
	memcpy(m->readable, bytes, m->readable_bytes);
	return 0;
}

/* What was deflated can be touched; what was inflated may be there still. */
static int check(void *opaque, unsigned int step, const struct conformance_message *m, uint32_t used_bytes)
{
	struct xenvirtio_gfn gfn = xenvirtio_gpa_to_gfn(xenvirtio_gpa(x.page_gpa[m->slot]));

	if (used_bytes)
		return -EMSGSIZE;
	return step == DEFLATE && !fake_present(x.fake, gfn) ? -EFAULT : 0;
}

static int serve(void *opaque)
{
	int ret = balloon_work_pending(x.balloon) ? balloon_retry(x.balloon) : 0;

	return !ret && balloon_work_pending(x.balloon) ? XENVIRTIO_E_AGAIN : ret;
}

static int change_config(void *opaque)
{
	return balloon_set_target(x.balloon, ++x.target);
}

static uint64_t count_errors(void *opaque)
{
	struct balloon_status status;
	uint64_t total = 0;

	balloon_get_status(x.balloon, &status);
	for (unsigned int i = 0; i < XENVIRTIO_GUEST_ERRORS; i++)
		total += status.guest_errors[i];
	return total;
}

/* One plan for all of them. */
static void print(void *opaque, const struct conformance_result *result)
{
	unsigned int *number = opaque;
	const char *verdict = result->verdict == CONFORMANCE_NOT_OK ? "not ok" : "ok";

	printf("%s %u - %s, %s: %s%s%s\n", verdict, ++*number, bulk_name(x.encoding), result->clause, result->says,
	       result->verdict == CONFORMANCE_SKIPPED ? " # SKIP " : "",
	       result->verdict == CONFORMANCE_SKIPPED ? result->why : "");
	if (result->verdict == CONFORMANCE_NOT_OK)
		printf("# %s\n", result->why);
}

int main(void)
{
	struct conformance_device balloon = {
		.version = CONFORMANCE_VERSION,
		.name = "xen-vballoond's balloon",
		.device_id = DEVICE_ID,
		.nr_queues = QUEUES,
		.nr_messages = 2,
		.config_bytes = CONFIG_BYTES,
		.make = make,
		.free = end,
		.forget = forget,
		.fill = fill,
		.check = check,
		.serve = serve,
		.change_config = change_config,
		.errors = count_errors,
	};
	unsigned int number = 0;
	const struct conformance_report report = {.stride = stride(), .result = print, .opaque = &number};
	int not_ok = 0;

	x.persist_bytes = balloon_persist_bytes(ram, RANGES);
	x.persist = malloc(x.persist_bytes);
	if (!x.persist)
		return 1;
	for (x.encoding = BULK_PFNS; x.encoding < BULK_ENCODINGS; x.encoding++) {
		balloon.features = MUST_TELL_HOST | STATS_VQ | bulk_features(x.encoding);
		not_ok += conformance_run(&balloon, &report);
	}
	printf("1..%u\n", number);
	free(x.persist);
	return not_ok != 0;
}
