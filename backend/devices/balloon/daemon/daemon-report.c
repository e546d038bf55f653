// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the balloon did, told to xenstore, to the log and to whoever asks; and a deflate that
 * stalls, tried again.
 */
#include "backend/base/clock.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "backend/devices/balloon/daemon/report.h"

#include <errno.h>
#include <stdio.h>

/** a driver that names no more frames for so long will not name any soon */
#define DUE_MS 50u
#define RETRY_MIN_MS 100u
#define RETRY_MAX_MS 5000u
/** a guest that is paused waits so long, and again while a PAUSE_PARTth of what is missing came back */
#define PAUSE_MS 30000u
#define PAUSE_PART 16

bool balloon_daemon_refresh_stats(void *opaque)
{
	struct balloon_daemon *d = opaque;
	int rc = balloon_request_stats(d->balloon);
	struct balloon_status status;

	if (balloon_daemon_end_on(d, rc, "cannot ask for statistics"))
		return false;
	balloon_get_status(d->balloon, &status);
	/* one that owes an answer may give it; one that never gave any has no such queue */
	return !rc || (status.driver_ok && status.stats_sequence);
}

static enum balloon_daemon_reset find_reset(const struct balloon_status *status)
{
	if (status->guest_paused)
		return BALLOON_DAEMON_RESET_PAUSED;
	return status->on_holes ? BALLOON_DAEMON_RESET_HOLES : BALLOON_DAEMON_NO_RESET;
}

/* Who waits, and whether anybody does, follow_reset() tells. */
static void follow_stall(struct balloon_daemon *d, const struct balloon_status *status)
{
	bool reset = find_reset(status) != BALLOON_DAEMON_NO_RESET;
	char text[PUBLISH_VALUE_MAX];

	if (!report_stall_text(status, text, sizeof(text))) {
		if (d->stalled && !reset && d->reset == BALLOON_DAEMON_NO_RESET)
			log_limited(d->host.log, BALLOON_LOG_STALL, LOG_LEVEL_NOTICE, 0,
				    "the deflate went on");
		d->stalled = false;
		return;
	}
	if (d->stalled)
		return;
	d->stalled = true;
	log_limited(d->host.log, BALLOON_LOG_STALL, LOG_LEVEL_WARNING, 0,
		    reset ? "after its reset the guest's memory cannot be put back, %s: tried until %s" :
			    "deflate stalled, %s: the guest waits until %s",
		    text,
		    status->stall == BALLOON_STALL_MAX_MEM ? "xl mem-max allows it more"
							   : "the host has free memory");
	d->retry_ms = RETRY_MIN_MS;
	timer_set(d->retry, d->retry_ms);
}

/*
 * Most guests that reset their device only shut down, and need nothing of what is missing: they do not wait for ever. So
 * long as a good part of it comes back meanwhile, they do.
 */
static void follow_pause_over(struct balloon_daemon *d, const struct balloon_status *status)
{
	if (!status->guest_paused || status->stall == BALLOON_STALL_NONE) {
		timer_stop(d->pause_over);
	} else if (!timer_is_set(d->pause_over)) {
		d->pause_pages = status->stall_pages;
		timer_set(d->pause_over, PAUSE_MS);
	}
}

void balloon_daemon_on_pause_over(void *opaque)
{
	struct balloon_daemon *d = opaque;
	struct balloon_status status;

	balloon_get_status(d->balloon, &status);
	if (status.guest_paused && status.stall != BALLOON_STALL_NONE &&
	    status.stall_pages > d->pause_pages - d->pause_pages / PAUSE_PART &&
	    balloon_daemon_end_on(d, balloon_give_up_pause(d->balloon),
				  "cannot let the guest run on"))
		return;
	d->host.report(d->host.opaque);
}

static void follow_reset(struct balloon_daemon *d, const struct balloon_status *status)
{
	enum balloon_daemon_reset reset = find_reset(status);
	char size[SIZE_TEXT_MAX];

	size_format(status->ballooned_pages * KIB_PER_PAGE, size);
	if (reset == BALLOON_DAEMON_RESET_PAUSED && reset != d->reset)
		log_limited(d->host.log, BALLOON_LOG_STALL, LOG_LEVEL_WARNING, 0,
			    "the guest was reset while %s of it were in the balloon: paused until "
			    "they are back",
			    size);
	else if (reset == BALLOON_DAEMON_RESET_HOLES && reset != d->reset)
		log_limited(d->host.log, BALLOON_LOG_STALL, LOG_LEVEL_WARNING, 0,
			    "the guest was reset and runs without %s of its memory: a kernel that uses them "
			    "crashes or reads what is not there; they are put back as soon as they can be had",
			    size);
	else if (reset != d->reset)
		log_limited(d->host.log, BALLOON_LOG_STALL, LOG_LEVEL_NOTICE, 0,
			    "all of the guest's memory is back%s",
			    d->reset == BALLOON_DAEMON_RESET_PAUSED ? ": it runs on" : "");
	d->reset = reset;
	follow_pause_over(d, status);
}

/*
 * xenstored has all guests' to write: it gets them every --stats-interval, however often --auto wants
 * them. That there are none is told at once, and so is the first set after that.
 */
static void report_stats_in_time(struct balloon_daemon *d, const struct balloon_status *status)
{
	uint64_t now_ms = clock_now_ms();

	if (d->opts->steered && status->stats_sequence > d->stats_told_sequence &&
	    d->stats_told_sequence &&
	    now_ms - d->stats_told_ms < d->opts->stats_interval_s * UINT64_C(1000))
		return;
	if (status->stats_sequence != d->stats_told_sequence)
		d->stats_told_ms = now_ms;
	d->stats_told_sequence = status->stats_sequence;
	report_stats(d->host.publish, status);
}

void balloon_daemon_report(void *self)
{
	struct balloon_daemon *d = self;
	struct balloon_status status;

	if (balloon_daemon_end_on(d, balloon_watch(d->balloon), "cannot hear of what the guest writes"))
		return;
	balloon_get_status(d->balloon, &status);
	report_status(d->host.publish, &status);
	report_stats_in_time(d, &status);
	follow_stall(d, &status);
	follow_reset(d, &status);
	balloon_daemon_resize(d);
}

static void follow_changes(struct balloon_daemon *d)
{
	unused_changed(&d->unused);
	if (d->due && !timer_is_set(d->due) && balloon_due(d->balloon))
		timer_set(d->due, DUE_MS);
}

void balloon_daemon_changed(void *opaque)
{
	struct balloon_daemon *d = opaque;

	follow_changes(d);
	d->host.changed(d->host.opaque);
}

void balloon_daemon_moved(void *opaque)
{
	struct balloon_daemon *d = opaque;

	follow_changes(d);
	d->host.moves(d->host.opaque);
}

/* Releasing it needs turns, as ever; a driver that went on meanwhile is given as long again. */
void balloon_daemon_on_due(void *opaque)
{
	struct balloon_daemon *d = opaque;

	balloon_settle(d->balloon);
	d->host.look_for_work(d->host.opaque);
	if (balloon_due(d->balloon))
		timer_set(d->due, DUE_MS);
}

void balloon_daemon_on_stats(void *opaque)
{
	struct balloon_daemon *d = opaque;

	timer_set(d->stats, balloon_options_sample_ms(d->opts));
	balloon_daemon_end_on(d, balloon_request_stats(d->balloon), "cannot ask for statistics");
}

void balloon_daemon_on_retry(void *opaque)
{
	struct balloon_daemon *d = opaque;

	mem_set_hold_max_mem(&d->mem_set);
	if (balloon_daemon_end_on(d, balloon_retry(d->balloon),
				  "cannot go on with a stalled deflate"))
		return;
	d->host.look_for_work(d->host.opaque);
	d->host.report(d->host.opaque);
	if (d->host.ended(d->host.opaque) || !d->stalled)
		return;
	d->retry_ms = d->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : d->retry_ms * 2;
	if (!timer_is_set(d->retry))
		timer_set(d->retry, d->retry_ms);
}

int balloon_daemon_host_free(void *opaque, uint64_t *kib)
{
	struct balloon_daemon *d = opaque;
	struct xenvirtio_host_info host;
	int rc = XENVIRTIO_HV_HAS(d->host.hv, host_info)
			 ? d->host.hv->ops->host_info(d->host.hv, &host)
			 : -ENOSYS;

	if (!rc)
		*kib = host.free_pages * KIB_PER_PAGE;
	return rc;
}

void balloon_daemon_figures(void *self, struct figures *figures)
{
	struct balloon_figures *f = (struct balloon_figures *)figures;
	const struct balloon_daemon *d = self;
	struct balloon_status status;

	/* what others keep from the guest cannot be given to it by anybody who reads this */
	f->static_max_kib = balloon_daemon_max_kib(d);
	f->domain_max_kib = d->target.static_max_kib;
	f->dynamic_min_kib = d->dynamic_min_kib;
	f->limit_kib = d->target.max_kib < d->target.static_max_kib ? d->target.max_kib : 0;
	f->share = d->limits.share;
	f->target_kib = d->target.kib < f->static_max_kib ? d->target.kib : f->static_max_kib;
	f->pinned = d->target.pinned;
	f->refused = d->target.refused;
	f->refused_kib = d->target.refused_kib;
	f->refused_free_kib = d->target.reserve.free_kib;
	f->refused_owed_kib = d->target.reserve.owed_kib;
	f->refusals = d->target.refusals;
	balloon_get_status(d->balloon, &status);
	balloon_figures_take(f, &status);
	f->unused_ns = d->unused.took_ns;
}

void balloon_daemon_collect(void *opaque, figures_done *done, void *arg)
{
	const struct balloon_daemon *d = opaque;
	struct balloon_figures f;

	if (d->host.ended(d->host.opaque)) {
		done(arg, NULL, 0);
		return;
	}
	d->host.figures(d->host.opaque, &f.common);
	done(arg, &f.common, 1);
}
