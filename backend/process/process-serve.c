// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a device that was found to a guest that is served, and the work of serving it.
 */
#include "backend/base/clock.h"
#include "backend/process/process-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/server.h>

/**
 * A driver that kicked and does not look by itself hears of what is done so much later: longer than a turn of ours, in which its vcpu
 * may not have had a processor. It is asked for so much once in a while only.
 */
#define HELD_MS 10u

/*
 * A device stops after as much as one turn may take. A timer, not event_active(): that would run
 * before other descriptors are looked at.
 */
void process_look_for_work(struct device_process *dp)
{
	if (!dp->ended && dp->type->work_pending && dp->type->work_pending(dp->device))
		timer_set(dp->work, 0);
}

/* @rc: of what the turn did */
static void end_turn(struct device_process *dp, int rc)
{
	if (process_end_on(dp, rc, "cannot serve the guest any more"))
		return;
	if (!dp->type->keeps_mappings &&
	    process_end_on(dp, xenvirtio_gmem_flush(dp->guest.gmem),
			   "cannot let go of the guest's memory"))
		return;
	dp->again = rc == XENVIRTIO_E_AGAIN;
	if (dp->again)
		timer_set(dp->work, 0);
	process_look_for_work(dp);
}

static void on_server(evutil_socket_t fd, short what, void *opaque)
{
	struct device_process *dp = opaque;

	end_turn(dp, xenvirtio_server_process(dp->guest.server));
	/* what is held now was not before: only here, as turns of work in between are no reason to wait longer */
	if (dp->ended)
		return;
	if (xenvirtio_server_holds(dp->guest.server))
		timer_set(dp->held, HELD_MS);
	else if (timer_is_set(dp->held))
		timer_stop(dp->held);
}

static void on_held(void *opaque)
{
	on_server(-1, 0, opaque);
}

static void on_work(void *opaque)
{
	struct device_process *dp = opaque;

	if (dp->again)
		on_server(-1, 0, dp);
	else if (dp->type->work)
		end_turn(dp, dp->type->work(dp->device));
}

/* One value costs xenstored as much as moving some hundred frames costs Xen, and the guest waits meanwhile. */
static void on_rest(void *opaque)
{
	struct device_process *dp = opaque;

	if (publish_some(&dp->publish, 1))
		timer_set(dp->rest, 0);
}

/* A guest that has waited for a successor is served first; its figures are told one by one. */
static void report_by_turns(struct device_process *dp)
{
	publish_note(&dp->publish, true);
	process_on_report(dp);
	publish_note(&dp->publish, false);
	if (!dp->ended)
		timer_set(dp->rest, 0);
}

static int make_serving_events(struct device_process *dp)
{
	dp->server = event_new(dp->base, xenvirtio_server_fd(dp->guest.server),
			       EV_READ | EV_PERSIST, on_server, dp);
	dp->work = timer_new(dp->base, on_work, dp);
	dp->held = timer_new(dp->base, on_held, dp);
	dp->report = timer_new(dp->base, process_on_report, dp);
	dp->rest = timer_new(dp->base, on_rest, dp);
	if (!dp->server || !dp->work || !dp->held || !dp->report || !dp->rest)
		return -ENOMEM;
	event_add(dp->server, NULL);
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
	log_msg(dp->log, LOG_LEVEL_WARNING, why, "notifications go on by %s%s", path,
		/* the best there is: then it is less than all of that */
		strcmp(path, "eventfd-regs") ? "" :
		why == -ENOMEM ? ", fields of the configuration space by this process: is RLIMIT_MEMLOCK 64 KiB or more?" :
				 ", fields of the configuration space by this process");
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
		.type = dp->type,
		.program = dp->opts->program,
		.device = dp->device,
		.hv = dp->hv,
		.log = dp->log,
		.state_dir = dp->opts->state_dir,
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.identity = identity,
		.base = dp->bus.base,
		.irq = dp->bus.irq,
		.notify = dp->opts->notify,
		.owner = dp->env.owner,
		.doors = dp->env.doors,
		.path_changed = path_changed,
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
	if (process_end_on(dp, rc, "cannot serve the guest"))
		return false;
	dp->of_another = false;
	return true;
}

/* What xenstore is for while serving. False: the process has ended. */
static bool join_store(struct device_process *dp)
{
	int rc;

	publish_init(&dp->publish, dp->bus.backend[0] ? dp->link : NULL, dp->log, dp->bus.backend);
	/* one that was killed left it */
	publish_remove(&dp->publish, KEY_PATH);
	rc = dp->type->start(dp->device);
	if (dp->ended || process_end_on(dp, rc, "cannot begin to serve"))
		return false;
	return !process_end_on(dp, process_watch_node(dp), "cannot watch xenstore");
}

/* --- what a device has of its process, device-type.h --- */

static bool host_end_on(void *opaque, int rc, const char *what)
{
	return process_end_on(opaque, rc, what);
}

static bool host_ended(void *opaque)
{
	const struct device_process *dp = opaque;

	return dp->ended;
}

static bool host_check_node(void *opaque)
{
	struct device_process *dp = opaque;

	process_check_node(dp);
	return !dp->ended;
}

static void host_guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct device_process *dp = opaque;

	log_limited(dp->log, LOG_KIND_GUEST_ERROR + (unsigned int)kind, LOG_LEVEL_WARNING, 0,
		    "guest error %s: %s", xenvirtio_guest_error_name(kind), detail);
}

static void host_look_for_work(void *opaque)
{
	process_look_for_work(opaque);
}

/* False: the process has ended. */
static bool make_device(struct device_process *dp, const struct xenvirtio_domain_info *info)
{
	enum exit_code code = EXIT_CODE_UNSUITABLE;
	int rc;

	dp->host = (struct device_host){
		.base = dp->base,
		.log = dp->log,
		.opts = dp->opts,
		.hv = dp->hv,
		.link = dp->link,
		.bus = &dp->bus,
		.publish = &dp->publish,
		.doors = dp->env.doors,
		.end_on = host_end_on,
		.ended = host_ended,
		.check_node = host_check_node,
		.guest_error = host_guest_error,
		.changed = process_note_change,
		.moves = process_note_motion,
		.report = process_on_report,
		.look_for_work = host_look_for_work,
		.figures = process_get_figures,
		.opaque = dp,
	};
	rc = dp->type->new (&dp->device, &dp->host);
	if (rc)
		dp->device = NULL;
	if (process_end_on(dp, rc, "cannot make the device"))
		return false;
	rc = dp->type->prepare ? dp->type->prepare(dp->device, info, &code) : 0;
	if (rc)
		process_refuse(dp, code);
	return !rc;
}

/* The guest's first byte is read after this. False: the process has ended, and has said why. */
static bool seal(struct device_process *dp)
{
	if (!dp->env.seal || !dp->env.seal(dp->env.opaque, state_file_bytes(dp->guest.state), dp->log))
		return true;
	process_end(dp, EXIT_CODE_NO_XEN, guest_in_use(&dp->guest) ? GUEST_LEAVE : GUEST_REMOVE);
	return false;
}

void process_start_serving(struct device_process *dp)
{
	int rc;
	struct xenvirtio_domain_info info;

	if (process_end_on(dp, dp->hv->ops->domain_info(dp->hv, &info),
			   "cannot look at the domain"))
		return;
	if (!make_device(dp, &info) || !open_guest(dp))
		return;
	if (process_end_on(dp, make_serving_events(dp), "cannot make events"))
		return;
	if (!join_store(dp))
		return;
	/* before the seal, since doors are sockets: whoever knocks waits until the loop runs */
	process_open_doors(dp);
	if (!seal(dp))
		return;
	rc = xenvirtio_server_resume(dp->guest.server);
	if (process_end_on(dp, rc, "cannot go on with the guest"))
		return;
	end_turn(dp, rc);
	if (dp->ended)
		return;
	dp->began_ms = clock_now_ms();
	if (!dp->guest.adopted)
		process_on_report(dp);
	if (dp->ended)
		return;
	dp->serving = true;
	if (dp->type->serving)
		dp->type->serving(dp->device);
	process_tell_connected(dp);
	/* last: whoever waits for it may let the guest run */
	publish_text(&dp->publish, KEY_PATH, xenvirtio_server_path(dp->guest.server));
	log_msg(dp->log, LOG_LEVEL_NOTICE, 0,
		"serving device %" PRIu32 " of domain %" PRIu32 " at %#" PRIx64
		", interrupt %" PRIu32 ", by %s",
		dp->bus.devid, dp->opts->domid, dp->bus.base.v, dp->bus.irq,
		xenvirtio_server_path(dp->guest.server));
	if (dp->env.ready)
		dp->env.ready(dp->env.ready_opaque);
	if (strcmp(xenvirtio_server_path(dp->guest.server),
		   xenvirtio_notify_path_name(XENVIRTIO_NOTIFY_UPSTREAM)) == 0)
		log_msg(dp->log, LOG_LEVEL_WARNING, 0,
			"with this kernel's ioeventfds a process that is killed cannot be "
			"replaced: "
			"the modules of kernel/, or --notify=event-channel, do not have that "
			"fault");
	/* last, for it may end the process */
	if (dp->guest.adopted)
		report_by_turns(dp);
}
