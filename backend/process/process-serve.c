// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a device that was found to a guest that is served, and the work of serving it.
 */
#include "backend/process/process-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/server.h>

/*
 * The balloon stops after a bounded number of messages. A timer, not event_active(): that would run
 * before other descriptors are looked at.
 */
void process_look_for_work(struct device_process *dp)
{
	struct balloon_status status;

	balloon_get_status(dp->guest.balloon, &status);
	if (status.work_pending)
		timer_set(dp->work, 0);
}

static void on_work(void *opaque)
{
	struct device_process *dp = opaque;

	if (!process_end_on(dp, balloon_retry(dp->guest.balloon),
			    "cannot serve the guest any more"))
		process_look_for_work(dp);
}

static void on_server(evutil_socket_t fd, short what, void *opaque)
{
	struct device_process *dp = opaque;

	if (!process_end_on(dp, xenvirtio_server_process(dp->guest.server),
			    "cannot serve the guest any more"))
		process_look_for_work(dp);
}

static int make_serving_events(struct device_process *dp)
{
	dp->server = event_new(dp->base, xenvirtio_server_fd(dp->guest.server),
			       EV_READ | EV_PERSIST, on_server, dp);
	dp->work = timer_new(dp->base, on_work, dp);
	dp->report = timer_new(dp->base, process_on_report, dp);
	dp->retry = timer_new(dp->base, process_on_retry, dp);
	dp->stats = timer_new(dp->base, process_on_stats, dp);
	if (!dp->server || !dp->work || !dp->report || !dp->retry || !dp->stats)
		return -ENOMEM;
	if (process_make_unused(dp))
		return -ENOMEM;
	event_add(dp->server, NULL);
	if (dp->opts->stats_interval_s)
		timer_set(dp->stats, dp->opts->stats_interval_s * 1000);
	return 0;
}

/* What tells this domain from an earlier one of the same number. */
static void read_identity(struct device_process *dp, char *identity, size_t size)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", dp->opts->domid);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		value[0] = '\0';
	snprintf(identity, size, "%.*s", (int)size - 1, value);
}

/* The host has taken something back; the guest is served as before, if not as fast. */
static void path_changed(void *opaque, int why)
{
	struct device_process *dp = opaque;
	const char *path;

	/* when the device is being opened it is told at the end of that */
	path = dp->guest.server ? xenvirtio_server_path(dp->guest.server) : "";
	log_msg(dp->log, LOG_LEVEL_WARNING, why, "notifications go on by %s", path);
	if (!dp->serving)
		return;
	publish_text(&dp->publish, KEY_PATH, path);
	process_note_change(dp);
}

/* False: the process has ended. */
static bool open_guest(struct device_process *dp)
{
	char identity[STATE_FILE_IDENTITY_MAX];
	struct guest_config cfg = {
		.hv = dp->hv,
		.log = dp->log,
		.state_dir = dp->opts->state_dir,
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.identity = identity,
		.base = dp->bus.base,
		.irq = dp->bus.irq,
		.deflate_on_oom = dp->opts->deflate_on_oom,
		.bulk = dp->opts->bulk,
		.notify = dp->opts->notify,
		.path_changed = path_changed,
		.changed = process_note_change,
		.opaque = dp,
	};
	enum exit_code code = EXIT_CODE_HOST;
	int rc;

	read_identity(dp, identity, sizeof(identity));
	rc = guest_open(&dp->guest, &cfg, &code);
	if (rc == -ECANCELED) {
		process_refuse(dp, code);
		return false;
	}
	return !process_end_on(dp, rc, "cannot serve the guest");
}

/* What xenstore is for while serving. False: the process has ended. */
static bool join_store(struct device_process *dp, uint64_t static_max_kib)
{
	int rc = 0;

	publish_init(&dp->publish, dp->bus.backend[0] ? dp->link : NULL, dp->log, dp->bus.backend);
	/* one that was killed left it */
	publish_remove(&dp->publish, KEY_PATH);
	publish_remove(&dp->publish, "refused");
	target_init(&dp->target, dp->log, &dp->publish, dp->bus.backend, static_max_kib,
		    process_target_changed, dp);
	mem_set_init(&dp->mem_set, dp->log, dp->link, dp->hv, &dp->target, dp->opts->domid,
		     state_file_perms(dp->guest.state));
	if (dp->opts->mem_set_follow)
		rc = mem_set_start(&dp->mem_set);
	else
		mem_set_stop(&dp->mem_set);
	if (!rc)
		rc = process_watch_node(dp);
	if (process_end_on(dp, rc, "cannot watch xenstore"))
		return false;
	process_go_on_with_target(dp);
	process_first_target(dp);
	/* the target may be what it was by default: the device must hear it all the same */
	if (!dp->ended)
		process_target_changed(dp, dp->target.kib);
	return !dp->ended;
}

void process_start_serving(struct device_process *dp)
{
	struct xenvirtio_domain_info info;
	uint64_t static_max_kib;

	if (process_end_on(dp, dp->hv->ops->domain_info(dp->hv, &info),
			   "cannot look at the domain"))
		return;
	static_max_kib = process_read_static_max(dp, &info);
	if (process_refuse_target(dp, static_max_kib) || !open_guest(dp))
		return;
	if (process_end_on(dp, make_serving_events(dp), "cannot make events"))
		return;
	if (!join_store(dp, static_max_kib))
		return;
	if (process_end_on(dp, xenvirtio_server_resume(dp->guest.server),
			   "cannot go on with the guest"))
		return;
	process_look_for_work(dp);
	process_on_report(dp);
	dp->serving = true;
	process_open_doors(dp);
	process_tell_connected(dp);
	/* last: whoever waits for it may let the guest run */
	publish_text(&dp->publish, KEY_PATH, xenvirtio_server_path(dp->guest.server));
	log_msg(dp->log, LOG_LEVEL_NOTICE, 0,
		"serving device %" PRIu32 " of domain %" PRIu32 " at %#" PRIx64
		", interrupt %" PRIu32 ", by %s",
		dp->bus.devid, dp->opts->domid, dp->bus.base.v, dp->bus.irq,
		xenvirtio_server_path(dp->guest.server));
	if (strcmp(xenvirtio_server_path(dp->guest.server),
		   xenvirtio_notify_path_name(XENVIRTIO_NOTIFY_UPSTREAM)) == 0)
		log_msg(dp->log, LOG_LEVEL_WARNING, 0,
			"with this kernel's ioeventfds a process that is killed cannot be "
			"replaced: "
			"the modules of kernel/, or --notify=event-channel, do not have that "
			"fault");
}
