// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program's device: its hooks as they are, but for the kick, which takes chains and has them served one by one, a turn at a time.
 */
#include "run/run-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/** of a guest's errors, so many are told */
#define TOLD_MAX 10u

struct xenvirtio_program_device {
	const struct xenvirtio_program *program;
	struct xenvirtio_device *dev;
	struct xenvirtio_device_ops ops;
	unsigned int told;
	uint64_t own_in_flight[];
};

/* Pages that serving a chain may have to map: its buffers may be anywhere, and it has a table of them. */
static unsigned int count_pages(const struct xenvirtio_chain *chain)
{
	uint64_t bytes = chain->readable_bytes + chain->writable_bytes;
	uint64_t pages = 1u + chain->nr_readable + chain->nr_writable + bytes / XENVIRTIO_PAGE_SIZE;

	return pages < RUN_KICK_PAGES_MAX ? (unsigned int)pages : RUN_KICK_PAGES_MAX;
}

static int serve_chain(struct xenvirtio_program_device *pd, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain)
{
	uint32_t used_bytes = 0;
	int ret = pd->program->serve(pd->program->device.opaque, q, chain, &used_bytes);

	if (ret == XENVIRTIO_E_AGAIN)
		return 0;
	/* the driver waits for its buffer, good or bad; unless the queue is no more, which the push finds out */
	if (ret == XENVIRTIO_E_GUEST)
		return xenvirtio_queue_push(q, chain, 0);
	return ret ? ret : xenvirtio_queue_push(q, chain, used_bytes);
}

/* The guest may fill its ring as fast as it is emptied. */
static int kick(void *opaque, unsigned int index)
{
	struct xenvirtio_program_device *pd = opaque;
	struct xenvirtio_queue *q = xenvirtio_device_queue(pd->dev, index);
	struct xenvirtio_chain chain;
	unsigned int pages = 0;
	int ret;

	do {
		ret = xenvirtio_queue_pop(q, &chain);
		if (ret)
			break;
		pages += count_pages(&chain);
		ret = serve_chain(pd, q, &chain);
	} while (!ret && pages < RUN_KICK_PAGES_MAX);
	if (!ret)
		xenvirtio_device_kick_again(pd->dev, index);
	/* E_EMPTY: done. E_GUEST: NEEDS_RESET is set */
	return ret < 0 || ret == XENVIRTIO_E_GONE ? ret : xenvirtio_queue_interrupt(q);
}

static const struct xenvirtio_device_ops *theirs(const struct xenvirtio_program_device *pd)
{
	return pd->program->device.ops;
}

static void *argument(const struct xenvirtio_program_device *pd)
{
	return pd->program->device.opaque;
}

static int author_kick(void *opaque, unsigned int index)
{
	return theirs(opaque)->kick(argument(opaque), index);
}

static int check_features(void *opaque, uint64_t features)
{
	return theirs(opaque)->check_features(argument(opaque), features);
}

static void config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	theirs(opaque)->config_read(argument(opaque), offset, buf, len);
}

static void config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	theirs(opaque)->config_write(argument(opaque), offset, buf, len);
}

static int driver_ok(void *opaque)
{
	return theirs(opaque)->driver_ok(argument(opaque));
}

static int reset(void *opaque)
{
	return theirs(opaque)->reset(argument(opaque));
}

static void queue_stopped(void *opaque, unsigned int index)
{
	theirs(opaque)->queue_stopped(argument(opaque), index);
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct xenvirtio_program_device *pd = opaque;

	if (theirs(pd) && theirs(pd)->guest_error)
		theirs(pd)->guest_error(argument(pd), kind, detail);
	else if (pd->told++ < TOLD_MAX)
		fprintf(stderr, "%s: guest error %s: %s%s\n", pd->program->name, xenvirtio_guest_error_name(kind), detail,
			pd->told == TOLD_MAX ? "; further ones are not told" : "");
}

static void choose_hooks(struct xenvirtio_program_device *pd)
{
	const struct xenvirtio_device_ops *ops = theirs(pd);

	pd->ops.guest_error = guest_error;
	if (pd->program->serve)
		pd->ops.kick = kick;
	if (!ops)
		return;
	if (!pd->program->serve && ops->kick)
		pd->ops.kick = author_kick;
	if (ops->check_features)
		pd->ops.check_features = check_features;
	if (ops->config_read)
		pd->ops.config_read = config_read;
	if (ops->config_write)
		pd->ops.config_write = config_write;
	if (ops->driver_ok)
		pd->ops.driver_ok = driver_ok;
	if (ops->reset)
		pd->ops.reset = reset;
	if (ops->queue_stopped)
		pd->ops.queue_stopped = queue_stopped;
}

int run_device_new(struct xenvirtio_program_device **out, const struct xenvirtio_program *program,
		   struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state, void *in_flight)
{
	struct xenvirtio_device_config cfg = program->device;
	struct xenvirtio_program_device *pd;
	int ret;

	if (cfg.foreign_queues || cfg.in_flight)
		return -EINVAL;
	pd = calloc(1, sizeof(*pd) + xenvirtio_in_flight_bytes(cfg.nr_queues));
	if (!pd)
		return -ENOMEM;
	pd->program = program;
	choose_hooks(pd);
	cfg.ops = &pd->ops;
	cfg.opaque = pd;
	if (program->any_order)
		cfg.in_flight = in_flight ? in_flight : pd->own_in_flight;
	ret = xenvirtio_device_new(&pd->dev, &cfg, gmem, state);
	if (ret) {
		free(pd);
		return ret;
	}
	*out = pd;
	return 0;
}

int xenvirtio_program_device_new(struct xenvirtio_program_device **out, const struct xenvirtio_program *program,
				 struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state)
{
	return run_device_new(out, program, gmem, state, NULL);
}

struct xenvirtio_device *xenvirtio_program_device_get(struct xenvirtio_program_device *pd)
{
	return pd->dev;
}

void xenvirtio_program_device_free(struct xenvirtio_program_device *pd)
{
	if (!pd)
		return;
	xenvirtio_device_free(pd->dev);
	free(pd);
}
