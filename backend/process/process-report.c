// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the balloon did, told to xenstore, to the log and to whoever asks; and a deflate that
 * stalls, tried again.
 */
#include "backend/base/size.h"
#include "backend/process/process-internal.h"
#include "backend/process/report.h"

#include <errno.h>
#include <stdio.h>
#include <xenvirtio/server.h>

/** figures that keep changing are published so often */
#define REPORT_MS 200u
#define RETRY_MIN_MS 100u
#define RETRY_MAX_MS 5000u

bool process_refresh_stats(void *opaque)
{
	struct device_process *dp = opaque;
	int rc = balloon_request_stats(dp->guest.balloon);
	struct balloon_status status;

	if (process_end_on(dp, rc, "cannot ask for statistics"))
		return false;
	balloon_get_status(dp->guest.balloon, &status);
	/* one that owes an answer may give it; one that never gave any has no such queue */
	return !rc || (status.driver_ok && status.stats_sequence);
}

static void follow_stall(struct device_process *dp, const struct balloon_status *status)
{
	char text[PUBLISH_VALUE_MAX];

	if (!report_stall_text(status, text, sizeof(text))) {
		if (dp->stalled)
			log_limited(dp->log, LOG_KIND_STALL, LOG_LEVEL_NOTICE, 0,
				    "the deflate went on");
		dp->stalled = false;
		return;
	}
	if (dp->stalled)
		return;
	dp->stalled = true;
	log_limited(dp->log, LOG_KIND_STALL, LOG_LEVEL_WARNING, 0,
		    "deflate stalled, %s: the guest waits until %s", text,
		    status->stall == BALLOON_STALL_MAX_MEM ? "xl mem-max allows it more"
							   : "the host has free memory");
	dp->retry_ms = RETRY_MIN_MS;
	timer_set(dp->retry, dp->retry_ms);
}

static void follow_pause(struct device_process *dp, const struct balloon_status *status)
{
	char size[SIZE_TEXT_MAX];

	if (status->guest_paused && !dp->guest_paused)
		log_limited(dp->log, LOG_KIND_STALL, LOG_LEVEL_WARNING, 0,
			    "the guest was reset while %s of it were in the balloon: paused until they are back",
			    size_format(status->ballooned_pages * KIB_PER_PAGE, size));
	else if (!status->guest_paused && dp->guest_paused)
		log_limited(dp->log, LOG_KIND_STALL, LOG_LEVEL_NOTICE, 0,
			    "all of the guest's memory is back: it runs on");
	dp->guest_paused = status->guest_paused;
}

void process_on_report(void *opaque)
{
	struct device_process *dp = opaque;
	struct balloon_status status;

	balloon_get_status(dp->guest.balloon, &status);
	report_status(&dp->publish, &status);
	follow_stall(dp, &status);
	follow_pause(dp, &status);
	control_changed(dp->control);
}

/* From inside any call of the balloon: only a note for later. */
void process_note_change(void *opaque)
{
	struct device_process *dp = opaque;

	unused_changed(&dp->unused);
	if (dp->report && !timer_is_set(dp->report))
		timer_set(dp->report, REPORT_MS);
}

void process_on_stats(void *opaque)
{
	struct device_process *dp = opaque;

	timer_set(dp->stats, dp->opts->stats_interval_s * 1000);
	process_end_on(dp, balloon_request_stats(dp->guest.balloon), "cannot ask for statistics");
}

void process_on_retry(void *opaque)
{
	struct device_process *dp = opaque;

	mem_set_hold_max_mem(&dp->mem_set);
	if (process_end_on(dp, balloon_retry(dp->guest.balloon),
			   "cannot go on with a stalled deflate"))
		return;
	process_look_for_work(dp);
	process_on_report(dp);
	if (!dp->stalled)
		return;
	dp->retry_ms = dp->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : dp->retry_ms * 2;
	if (!timer_is_set(dp->retry))
		timer_set(dp->retry, dp->retry_ms);
}

int process_read_host_free(void *opaque, uint64_t *kib)
{
	struct device_process *dp = opaque;
	struct xenvirtio_host_info host;
	int rc = XENVIRTIO_HV_HAS(dp->hv, host_info) ? dp->hv->ops->host_info(dp->hv, &host)
						     : -ENOSYS;

	if (!rc)
		*kib = host.free_pages * KIB_PER_PAGE;
	return rc;
}

void process_get_figures(void *opaque, struct figures *f)
{
	const struct device_process *dp = opaque;
	struct balloon_status status;

	*f = (struct figures){
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.static_max_kib = dp->target.static_max_kib,
		.dynamic_min_kib = dp->dynamic_min_kib,
		.target_kib = dp->target.kib,
		.pinned = dp->target.pinned,
		.refused = dp->target.refused,
		.refused_kib = dp->target.refused_kib,
		.refused_free_kib = dp->target.reserve.free_kib,
		.refused_owed_kib = dp->target.reserve.owed_kib,
		.refusals = dp->target.refusals,
	};
	snprintf(f->name, sizeof(f->name), "%s", dp->name);
	snprintf(f->path, sizeof(f->path), "%s", xenvirtio_server_path(dp->guest.server));
	balloon_get_status(dp->guest.balloon, &status);
	figures_take(f, &status);
	f->unused_ns = dp->unused.took_ns;
}

void process_collect_figures(void *opaque,
			     void (*done)(void *arg, const struct figures *f, size_t nr), void *arg)
{
	const struct device_process *dp = opaque;
	struct figures f;

	if (!dp->ended)
		process_get_figures(opaque, &f);
	done(arg, &f, !dp->ended);
}
