// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The contract through the broker: what a device has whose memory operations another process does. The process is left out,
 * the bytes are not: each question goes through broker_answer().
 *
 * One thing is stricter by intent: frames outside RAM are refused, not passed to the hypervisor to be found there.
 */
#include "config.h"

#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "contract/contract.h"
#include "fake/hv-fake.h"

#include <errno.h>
#include <stdlib.h>

struct seat {
	struct fake *fake;
	struct broker broker;
};

static int open_plain(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	const struct seat *seat = opaque;

	return fake_open(seat->fake, hv);
}

static int no_limit(void *opaque, uint32_t domid, uint64_t *kib)
{
	*kib = UINT32_MAX;
	return 0;
}

static int exchange(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	return broker_answer(&((struct seat *)opaque)->broker, req, len, answer, fd);
}

static int open_client(void *ctx, struct xenvirtio_hv **hv)
{
	struct seat *seat = ctx;
	struct xenvirtio_hv *inner;
	int ret = fake_open(seat->fake, &inner);

	if (ret)
		return ret;
	ret = broker_client_open(hv, inner, exchange, seat, false);
	if (ret)
		xenvirtio_hv_close(inner);
	return ret;
}

static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
}

int main(void)
{
	const struct fake_config config = {.nr_vcpus = 2, .heap_pages = 64};
	struct seat seat = {.fake = fake_new(&config)};
	struct log log;
	const struct broker_config broker = {
		.log = &log,
		.domid = 1,
		.open_hv = open_plain,
		.static_max = no_limit,
		.opaque = &seat,
	};
	const struct contract c = {
		.open = open_client,
		.ctx = &seat,
		.scratch = {0x40200},
		.hole = {0x9000},
		.outside = -EPERM,
		.window = {{0x0a000000}, {0x0a0001ff}},
	};
	const struct fake_faults *x;
	unsigned int failed;

	if (!seat.fake)
		return EXIT_FAILURE;
	log_open_emit(&log, LOG_LEVEL_ERROR, say_nothing);
	broker_init(&seat.broker, &broker);
	failed = contract_run(&c, stdout);
	broker_fini(&seat.broker);
	x = fake_faults(seat.fake);
	/* as contract-fake.c has them; but what the broker releases is mapped by another handle than its own */
	if (x->leaked != 1 || x->released_mapped || x->bad_unmap != 4 || fake_faults_total(seat.fake) != 5 ||
	    fake_open_handles(seat.fake) || fake_open_fds(seat.fake) || fake_live_mappings(seat.fake) ||
	    fake_servers(seat.fake)) {
		printf("# the fake counted faults, or something is left open\n");
		failed++;
	}
	fake_free(seat.fake);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
