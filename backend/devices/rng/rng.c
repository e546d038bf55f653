// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The entropy device. A buffer that was filled and not yet given back when the process dies is
 * filled again by the next one, with other bytes: nothing was lost, and nothing is told twice.
 */
#include "backend/devices/rng/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1u
#define QUEUE_SIZE 64
/** what getrandom() gives whole, whatever else happens */
#define PIECE_BYTES 256u

struct rng {
	struct rng_config cfg;
	struct xenvirtio_device *dev;
	struct rng_memory *memory;
	struct rng_status status;
	bool pending; /* of the allowance that came, or of the turn that was over */
	bool waiting; /* for an allowance */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* @bytes: of the chain, all of which fit. */
static int fill_chain(struct rng *rng, struct xenvirtio_queue *q,
		      const struct xenvirtio_chain *chain, uint64_t bytes)
{
	unsigned char piece[PIECE_BYTES];
	int rc = 0;

	for (uint64_t at = 0; !rc && at < bytes; at += sizeof(piece)) {
		size_t here = least(sizeof(piece), bytes - at);

		rc = rng->cfg.fill(rng->cfg.opaque, piece, here);
		if (!rc)
			rc = xenvirtio_chain_write(q, chain, at, piece, here);
	}
	/* they are the guest's alone now */
	explicit_bzero(piece, sizeof(piece));
	return rc;
}

/*
 * One buffer, as far as @left goes: a driver is content with less than it asked for. What it cost
 * is taken from the allowance before, so that a failing guest pays as well.
 */
static int serve_chain(struct rng *rng, struct xenvirtio_queue *q,
		       const struct xenvirtio_chain *chain, uint64_t *left)
{
	uint64_t segs = (uint64_t)chain->nr_readable + chain->nr_writable;
	uint64_t bytes = least(chain->writable_bytes, *left), cost = segs * RNG_SEGMENT_BYTES;
	int rc;

	/* each segment may be a page to map, however little it holds */
	cost = least(cost > bytes ? cost : bytes, *left);

	*left -= cost;
	if (rng->status.allowance != RNG_ALL)
		rng->status.allowance -= cost;
	rc = fill_chain(rng, q, chain, bytes);
	/* one that is not given back would be filled again by a successor, behind the driver's back
	 */
	if (rc == XENVIRTIO_E_GUEST && xenvirtio_chain_held(q, chain))
		return xenvirtio_device_guest_fault(rng->dev, XENVIRTIO_GUEST_BAD_ADDRESS,
						    "a buffer's memory is not there");
	if (!rc)
		rc = xenvirtio_queue_push(q, chain, (uint32_t)bytes);
	if (rc)
		return rc;
	rng->status.requests++;
	rng->memory->given += bytes;
	return 0;
}

static int serve(struct rng *rng)
{
	struct xenvirtio_queue *q = xenvirtio_device_queue(rng->dev, 0);
	uint64_t left = least(RNG_TURN_BYTES, rng->status.allowance);
	struct xenvirtio_chain chain;
	int rc = 0;

	rng->pending = false;
	while (!rc && left) {
		rc = xenvirtio_queue_pop(q, &chain);
		if (!rc)
			rc = serve_chain(rng, q, &chain, &left);
	}
	/* there may be more; if there is none, the next look finds that */
	if (!rc && rng->status.allowance)
		rng->pending = true;
	if (!rc && !rng->status.allowance && !rng->waiting) {
		rng->waiting = true;
		rng->status.waits++;
	}
	rng->cfg.changed(rng->cfg.opaque);
	/* E_EMPTY: done. E_GUEST: NEEDS_RESET is set, or the buffer is gone and the guest waits */
	return rc < 0 || rc == XENVIRTIO_E_GONE ? rc : xenvirtio_queue_interrupt(q);
}

/* --- hooks --- */

static int kick(void *opaque, unsigned int index)
{
	struct rng *rng = opaque;
	int rc;

	/* who has to wait is served when the turn or the allowance comes, and this with it */
	if (rng->pending || rng->waiting)
		return 0;
	rc = serve(rng);
	if (rng->pending)
		xenvirtio_device_kick_again(rng->dev, index);
	rng->pending = false;
	return rc;
}

static int reset(void *opaque)
{
	struct rng *rng = opaque;

	/* but who waits for an allowance still does: it is the guest's, not the driver's */
	rng->pending = false;
	rng->cfg.changed(rng->cfg.opaque);
	return 0;
}

static int driver_ok(void *opaque)
{
	struct rng *rng = opaque;

	rng->cfg.changed(rng->cfg.opaque);
	return 0;
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct rng *rng = opaque;

	rng->status.guest_errors[kind]++;
	rng->cfg.guest_error(rng->cfg.opaque, kind, detail);
	rng->cfg.changed(rng->cfg.opaque);
}

static const struct xenvirtio_device_ops ops = {
	.driver_ok = driver_ok,
	.kick = kick,
	.reset = reset,
	.guest_error = guest_error,
};

/* --- and what the owner calls --- */

static bool memory_valid(const struct rng_memory *m)
{
	/* one whose making was cut off by a kill is new */
	return m->version ? m->version == VERSION && m->bytes == sizeof(*m) : !m->given;
}

int rng_new(struct rng **out, const struct rng_config *cfg, struct rng_memory *memory,
	    struct xenvirtio_device_state *state)
{
	struct xenvirtio_device_config device = {
		.device_id = RNG_DEVICE_ID,
		.nr_queues = 1,
		.queue_size_max = QUEUE_SIZE,
		.ops = &ops,
	};
	struct rng *rng;
	int rc;

	if (!memory_valid(memory))
		return -EBADMSG;
	rng = calloc(1, sizeof(*rng));
	if (!rng)
		return -ENOMEM;
	rng->cfg = *cfg;
	rng->memory = memory;
	rng->status.allowance = cfg->allowance;
	device.opaque = rng;
	rc = xenvirtio_device_new(&rng->dev, &device, cfg->gmem, state);
	if (rc) {
		free(rng);
		return rc == -ENOTSUP ? -EBADMSG : rc;
	}
	memory->bytes = sizeof(*memory);
	__atomic_store_n(&memory->version, VERSION, __ATOMIC_RELEASE);
	*out = rng;
	return 0;
}

void rng_free(struct rng *rng)
{
	if (!rng)
		return;
	xenvirtio_device_free(rng->dev);
	free(rng);
}

struct xenvirtio_device *rng_device(struct rng *rng)
{
	return rng->dev;
}

void rng_allow(struct rng *rng, uint64_t bytes)
{
	rng->status.allowance = bytes;
	if (rng->waiting && bytes) {
		rng->waiting = false;
		rng->pending = true;
	}
}

bool rng_work_pending(const struct rng *rng)
{
	return rng->pending;
}

int rng_work(struct rng *rng)
{
	if (!rng->pending)
		return 0;
	if (xenvirtio_device_driver_ok(rng->dev))
		return serve(rng);
	rng->pending = false;
	return 0;
}

void rng_get_status(const struct rng *rng, struct rng_status *status)
{
	*status = rng->status;
	status->driver_ok = xenvirtio_device_driver_ok(rng->dev);
	status->given = rng->memory->given;
}
