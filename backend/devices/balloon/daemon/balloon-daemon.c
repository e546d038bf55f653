// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon's table of functions: the device, its timers, and its end.
 */
#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "backend/base/size.h"
#include "backend/base/state-file.h"

#include <errno.h>
#include <stdlib.h>

bool balloon_daemon_end_on(struct balloon_daemon *d, int rc, const char *what)
{
	return d->host.end_on(d->host.opaque, rc, what);
}

static int new_daemon(void **self, const struct device_host *host)
{
	struct balloon_daemon *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->host = *host;
	d->opts = (const struct balloon_options *)host->opts;
	*self = d;
	return 0;
}

/* --- the device --- */

static void tell_guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct balloon_daemon *d = opaque;

	d->host.guest_error(d->host.opaque, kind, detail);
}

static int open_balloon(void *self, struct xenvirtio_gmem *gmem, const struct device_memory *memory)
{
	struct balloon_daemon *d = self;
	struct balloon_config cfg = {
		.hv = d->host.hv,
		.gmem = gmem,
		.deflate_on_oom = d->opts->deflate_on_oom,
		.bits = d->opts->bulk,
		.changed = balloon_daemon_changed,
		.moved = balloon_daemon_moved,
		.guest_error = tell_guest_error,
		.opaque = d,
	};
	int rc;

	_Static_assert(sizeof(struct words) <= STATE_FILE_KEEP_BYTES, "it is kept there");
	d->saved_perms = memory->note;
	d->words = memory->keep;
	d->adopted = memory->adopted;
	rc = balloon_new(&d->balloon, &cfg, memory->at, memory->bytes, memory->state);
	if (rc)
		d->balloon = NULL;
	return rc;
}

static struct xenvirtio_device *get_device(void *self)
{
	struct balloon_daemon *d = self;

	return d->balloon ? balloon_device(d->balloon) : NULL;
}

static void close_balloon(void *self)
{
	struct balloon_daemon *d = self;

	balloon_free(d->balloon);
	d->balloon = NULL;
}

/* Xen holds back frames of the guest that somebody must be able to return. */
static bool holds_frames(void *self)
{
	struct balloon_daemon *d = self;
	struct balloon_status status;

	balloon_get_status(d->balloon, &status);
	return status.ballooned_pages || status.refilling;
}

/* Who is paused for the device's sake runs on without it; by a soft reset, with the memory that it has then. */
static int let_go(void *self)
{
	struct balloon_daemon *d = self;
	struct xenvirtio_domain_info info;
	struct balloon_status status;
	char size[SIZE_TEXT_MAX];
	int rc;

	balloon_daemon_keep_size(d);
	if (!d->balloon)
		return 0;
	rc = balloon_remove(d->balloon);
	balloon_get_status(d->balloon, &status);
	if (!rc && status.ballooned_pages && !d->host.hv->ops->domain_info(d->host.hv, &info) && info.shutdown &&
	    info.shutdown_code == XENVIRTIO_SHUTDOWN_SOFT_RESET)
		log_msg(d->host.log, LOG_LEVEL_WARNING, 0,
			"the host has no memory for %s of what was in the balloon: the kernel that starts now does not have it",
			size_format(status.ballooned_pages * KIB_PER_PAGE, size));
	return rc;
}

static bool work_pending(void *self)
{
	struct balloon_daemon *d = self;

	return balloon_work_pending(d->balloon);
}

static int work(void *self)
{
	struct balloon_daemon *d = self;

	return balloon_retry(d->balloon);
}

static int verify(void *self)
{
	struct balloon_daemon *d = self;

	return balloon_verify(d->balloon);
}

/* --- while it serves --- */

static int start(void *self)
{
	struct balloon_daemon *d = self;

	d->retry = timer_new(d->host.base, balloon_daemon_on_retry, d);
	d->due = timer_new(d->host.base, balloon_daemon_on_due, d);
	d->stats = timer_new(d->host.base, balloon_daemon_on_stats, d);
	d->pause_over = timer_new(d->host.base, balloon_daemon_on_pause_over, d);
	d->comeback_over = timer_new(d->host.base, balloon_daemon_on_comeback, d);
	if (!d->retry || !d->due || !d->stats || !d->pause_over || !d->comeback_over ||
	    balloon_daemon_make_unused(d))
		return -ENOMEM;
	if (balloon_options_sample_ms(d->opts))
		timer_set(d->stats, balloon_options_sample_ms(d->opts));
	return balloon_daemon_start_target(d);
}

static void start_auto(void *self)
{
	struct balloon_daemon *d = self;
	const struct balloon_options *opts = d->opts;
	struct auto_config cfg = {
		.base = d->host.base,
		.log = d->host.log,
		.policy = auto_policy(opts->auto_low_percent, opts->auto_high_percent,
				      opts->auto_floor_kib, opts->overcommit,
				      opts->auto_interval_ms),
		.interval_ms = opts->auto_interval_ms,
		.collect = balloon_daemon_collect,
		.collect_opaque = d,
		.host_free = balloon_daemon_host_free,
		.order = balloon_daemon_order_self,
		.opaque = d,
	};
	int rc = opts->automatic ? auto_new(&d->autopilot, &cfg) : 0;

	if (rc)
		log_msg(d->host.log, LOG_LEVEL_WARNING, rc, "targets are not chosen: --auto");
}

static void store_event(void *self, const char *token)
{
	balloon_daemon_target_event(self, token);
}

static void store_back(void *self)
{
	struct balloon_daemon *d = self;

	target_expect_echo(&d->target);
	mem_set_again(&d->mem_set);
}

/* --- the end --- */

/* The process may be ended by the order itself, from inside a step: then it is freed with it. */
void balloon_daemon_stop_auto(struct balloon_daemon *d)
{
	if (d->ordering)
		return;
	auto_free(d->autopilot);
	d->autopilot = NULL;
}

static void stop(void *self)
{
	struct balloon_daemon *d = self;

	balloon_daemon_stop_auto(d);
	if (d->mem_set.link)
		mem_set_stop(&d->mem_set);
	unused_fini(&d->unused);
	timer_free(d->retry);
	timer_free(d->due);
	timer_free(d->stats);
	timer_free(d->pause_over);
	timer_free(d->comeback_over);
	d->retry = NULL;
	d->due = NULL;
	d->stats = NULL;
	d->pause_over = NULL;
	d->comeback_over = NULL;
	d->sizing = false;
	/* what survives is let go of with the device */
	d->target.words = &d->target.own_words;
}

static void free_daemon(void *self)
{
	struct balloon_daemon *d = self;

	if (!d)
		return;
	balloon_daemon_stop_auto(d);
	free(d);
}

const struct device_type balloon_type = {
	.program = &balloon_program,
	.command_line = &balloon_command_line,
	.options_bytes = sizeof(struct balloon_options),
	.options_default = balloon_options_default,
	.keeps_mappings = true,
	.figures_type = &balloon_figures_type,
	.new = new_daemon,
	.free = free_daemon,
	.prepare = balloon_daemon_prepare,
	.memory_bytes = balloon_persist_bytes,
	.open = open_balloon,
	.device = get_device,
	.close = close_balloon,
	.in_use = holds_frames,
	.remove = let_go,
	.start = start,
	.serving = start_auto,
	.stop = stop,
	.store_event = store_event,
	.store_back = store_back,
	.work_pending = work_pending,
	.work = work,
	.tick = verify,
	.report = balloon_daemon_report,
	.feature_name = balloon_daemon_feature_name,
	.figures = balloon_daemon_figures,
	.control = balloon_daemon_control,
	.service_words = balloon_service_words,
	.service_socket = BALLOON_SERVICE_SOCKET,
	.service_new = balloon_service_new,
	.service_free = balloon_service_free,
};
