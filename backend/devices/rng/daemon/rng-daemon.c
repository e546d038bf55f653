// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The entropy device's table of functions: where its bytes come from, and how many there are in
 * what time. The allowance of a period is full again one period after it was first drawn upon.
 */
#include "backend/devices/rng/daemon/rng-daemon.h"
#include "backend/base/timer.h"
#include "backend/devices/rng/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PERIOD_MS 100u

struct rng_daemon {
	struct device_host host;
	const struct rng_options *opts;
	struct rng *rng; /* NULL: not open */
	uint64_t allowance;
	struct timer *period; /* it is drawn upon, and full again then */
};

static int new_daemon(void **self, const struct device_host *host)
{
	struct rng_daemon *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->host = *host;
	d->opts = (const struct rng_options *)host->opts;
	d->allowance = d->opts->rate_kib ? d->opts->rate_kib * 1024 * PERIOD_MS / 1000 : RNG_ALL;
	*self = d;
	return 0;
}

/* --- the device --- */

static size_t memory_bytes(const struct xenvirtio_gfn_range *ram, size_t nr)
{
	return sizeof(struct rng_memory);
}

/* The kernel's. It blocks only before it has any, and open_rng() has seen that it has. */
static int fill(void *opaque, void *buf, size_t len)
{
	return getrandom(buf, len, 0) < 0 ? -errno : 0;
}

/*
 * Now, while nobody is served and the guest is held: later it would be the event loop that is deaf.
 * To ask without GRND_NONBLOCK is what makes an idle kernel gather its first bytes, within a
 * second.
 */
static int wait_for_random(struct rng_daemon *d)
{
	unsigned char first;

	if (getrandom(&first, sizeof(first), GRND_NONBLOCK) >= 0)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	log_msg(d->host.log, LOG_LEVEL_NOTICE, 0, "waiting for the kernel's first random bytes");
	return getrandom(&first, sizeof(first), 0) < 0 ? -errno : 0;
}

static void changed(void *opaque)
{
	struct rng_daemon *d = opaque;
	struct rng_status status;

	rng_get_status(d->rng, &status);
	if (d->period && status.allowance < d->allowance && !timer_is_set(d->period))
		timer_set(d->period, PERIOD_MS);
	d->host.changed(d->host.opaque);
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct rng_daemon *d = opaque;

	d->host.guest_error(d->host.opaque, kind, detail);
}

static int open_rng(void *self, struct xenvirtio_gmem *gmem, const struct device_memory *memory)
{
	struct rng_daemon *d = self;
	const struct rng_config cfg = {
		.gmem = gmem,
		.fill = fill,
		.changed = changed,
		.guest_error = guest_error,
		.opaque = d,
		.allowance = d->allowance,
	};
	int rc;

	if (memory->bytes != sizeof(struct rng_memory))
		return -EBADMSG;
	rc = wait_for_random(d);
	if (rc)
		return rc;
	rc = rng_new(&d->rng, &cfg, memory->at, memory->state);
	if (rc)
		d->rng = NULL;
	return rc;
}

static struct xenvirtio_device *get_device(void *self)
{
	struct rng_daemon *d = self;

	return d->rng ? rng_device(d->rng) : NULL;
}

static void close_rng(void *self)
{
	struct rng_daemon *d = self;

	rng_free(d->rng);
	d->rng = NULL;
}

static bool work_pending(void *self)
{
	struct rng_daemon *d = self;

	return rng_work_pending(d->rng);
}

static int work(void *self)
{
	struct rng_daemon *d = self;

	return rng_work(d->rng);
}

/* --- while it serves --- */

static void on_period(void *opaque)
{
	struct rng_daemon *d = opaque;

	rng_allow(d->rng, d->allowance);
	d->host.look_for_work(d->host.opaque);
}

static int start(void *self)
{
	struct rng_daemon *d = self;

	d->period = timer_new(d->host.base, on_period, d);
	return d->period ? 0 : -ENOMEM;
}

static void stop(void *self)
{
	struct rng_daemon *d = self;

	timer_free(d->period);
	d->period = NULL;
}

static void free_daemon(void *self)
{
	free(self);
}

static void report(void *self)
{
	struct rng_daemon *d = self;
	struct rng_status status;

	rng_get_status(d->rng, &status);
	publish_u64(d->host.publish, "given", status.given);
}

static void figures(void *self, struct figures *common)
{
	struct rng_figures *f = (struct rng_figures *)common;
	struct rng_daemon *d = self;
	struct rng_status status;

	rng_get_status(d->rng, &status);
	common->driver_ok = status.driver_ok;
	memcpy(common->guest_errors, status.guest_errors, sizeof(common->guest_errors));
	f->requests = status.requests;
	f->given_bytes = status.given;
	f->waits = status.waits;
}

const struct device_type rng_type = {
	.program = &rng_program,
	.command_line = &rng_command_line,
	.options_bytes = sizeof(struct rng_options),
	.options_default = rng_options_default,
	.figures_type = &rng_figures_type,
	.new = new_daemon,
	.free = free_daemon,
	.memory_bytes = memory_bytes,
	.open = open_rng,
	.device = get_device,
	.close = close_rng,
	.start = start,
	.stop = stop,
	.work_pending = work_pending,
	.work = work,
	.report = report,
	.figures = figures,
};
