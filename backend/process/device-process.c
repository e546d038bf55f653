// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The beginning of a device process, and its end. One rule for the order of ends: stop publishing,
 * let go of the guest, and only then write XenbusState 6, after which the toolstack removes the
 * node.
 */
#include "backend/process/process-internal.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/** how long a node may stay half written */
#define DISCOVERY_MS 10000u

static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2};
_Static_assert(sizeof(end_signals) / sizeof(end_signals[0]) == PROCESS_END_SIGNALS,
	       "each has its event");

/* Only where the node still stands: a write would make it anew. */
static void tell_closed(struct device_process *dp)
{
	char path[sizeof(dp->bus.backend) + 8], value[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	if (!dp->link || !dp->bus.backend[0] || dp->of_another)
		return;
	snprintf(path, sizeof(path), "%s/state", dp->bus.backend);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		return;
	rc = store_link_failed(dp->link,
			       xenvirtio_xenbus_set_state(store_link_store(dp->link), &dp->bus,
							  XENVIRTIO_XENBUS_CLOSED));
	if (rc < 0 && rc != -EPIPE)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "cannot write %s", path);
}

static void free_events(struct device_process *dp)
{
	struct timer **all[] = {&dp->discovery, &dp->work, &dp->held, &dp->report, &dp->rest, &dp->tick};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		timer_free(*all[i]);
		*all[i] = NULL;
	}
	if (dp->server)
		event_free(dp->server);
	dp->server = NULL;
	for (size_t i = 0; i < PROCESS_END_SIGNALS; i++) {
		if (dp->signal[i])
			event_free(dp->signal[i]);
		dp->signal[i] = NULL;
	}
}

void process_end(struct device_process *dp, enum exit_code code, enum guest_end end)
{
	if (dp->ended)
		return;
	dp->ended = true;
	dp->serving = false;
	dp->code = code;
	/* before the state file is let go: a successor makes a socket of the same name */
	control_stop(dp->control);
	metrics_free(dp->metrics);
	dp->metrics = NULL;
	if (dp->device)
		dp->type->stop(dp->device);
	/* the end may be that of a report which is told later */
	publish_note(&dp->publish, false);
	publish_remove(&dp->publish, KEY_PATH);
	publish_stop(&dp->publish);
	free_events(dp);
	guest_close(&dp->guest, end);
	xenvirtio_hv_close(dp->hv);
	dp->hv = NULL;
	tell_closed(dp);
	event_base_loopbreak(dp->base);
}

/* Before anything was served: the node is not ours to write to. */
void process_refuse(struct device_process *dp, enum exit_code code)
{
	dp->bus.backend[0] = '\0';
	process_end(dp, code, GUEST_LEAVE);
}

/* An answer of the library or of the device; true: the process has ended. */
bool process_end_on(struct device_process *dp, int rc, const char *what)
{
	if (rc == XENVIRTIO_E_GONE) {
		log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "domain %" PRIu32 " is gone",
			dp->opts->domid);
		process_end(dp, EXIT_CODE_DONE, GUEST_REMOVE);
		return true;
	}
	if (rc < 0) {
		log_msg(dp->log, LOG_LEVEL_ERROR, rc, "%s", what);
		process_end(dp, EXIT_CODE_HOST,
			    guest_in_use(&dp->guest) ? GUEST_LEAVE : GUEST_REMOVE);
		return true;
	}
	return false;
}

/* True: the domain is no more, and we have ended. */
bool process_check_domain(struct device_process *dp)
{
	struct xenvirtio_domain_info info;
	int rc = dp->hv->ops->domain_info(dp->hv, &info);

	if (!rc && info.dying)
		rc = XENVIRTIO_E_GONE;
	return process_end_on(dp, rc, "cannot look at the domain");
}

static void on_signal(evutil_socket_t signal, short what, void *opaque)
{
	struct device_process *dp = opaque;
	bool in_use = guest_in_use(&dp->guest);

	if (in_use)
		log_msg(dp->log, LOG_LEVEL_NOTICE, 0,
			"signal %d: domain %" PRIu32 " uses its device: left to the next %s, until "
			"then the guest waits",
			(int)signal, dp->opts->domid, dp->opts->program->name);
	else
		log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "signal %d: the device is taken away",
			(int)signal);
	process_end(dp, EXIT_CODE_DONE, in_use ? GUEST_LEAVE : GUEST_REMOVE);
}

/* Also of a guest that has no driver yet: it may look for its device at any moment, and must find it. */
static void on_hand_on(evutil_socket_t signal, short what, void *opaque)
{
	struct device_process *dp = opaque;

	log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "signal %d: domain %" PRIu32 " is left to the process that takes over", (int)signal,
		dp->opts->domid);
	dp->of_another = true;
	process_end(dp, EXIT_CODE_HANDED_ON, GUEST_LEAVE);
}

static int make_events(struct device_process *dp)
{
	for (size_t i = 0; i < PROCESS_END_SIGNALS; i++) {
		dp->signal[i] = evsignal_new(dp->base, end_signals[i], end_signals[i] == SIGUSR2 ? on_hand_on : on_signal, dp);
		if (!dp->signal[i] || event_add(dp->signal[i], NULL))
			return -ENOMEM;
	}
	dp->discovery = timer_new(dp->base, process_on_discovery_over, dp);
	dp->tick = timer_new(dp->base, process_on_tick, dp);
	if (!dp->discovery || !dp->tick)
		return -ENOMEM;
	timer_set(dp->tick, TICK_MS);
	return 0;
}

static void end_no_xen(struct device_process *dp, int rc)
{
	char text[NO_XEN_TEXT_MAX];

	log_msg(dp->log, LOG_LEVEL_ERROR, 0, "%s", no_xen_hypervisor(rc, text));
	process_end(dp, EXIT_CODE_NO_XEN, GUEST_LEAVE);
}

static bool open_hv(struct device_process *dp)
{
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *recorder;
	int rc;

	rc = dp->env.open_hv(dp->env.opaque, &dp->hv, dp->opts->domid, dp->log);
	if (rc) {
		dp->hv = NULL;
		end_no_xen(dp, rc);
		return false;
	}
	if (dp->opts->record) {
		rc = xenvirtio_hv_open_record(&recorder, dp->hv, dp->opts->record);
		if (rc) {
			log_msg(dp->log, LOG_LEVEL_ERROR, rc, "--record %s", dp->opts->record);
			process_end(dp, EXIT_CODE_HOST, GUEST_LEAVE);
			return false;
		}
		dp->hv = recorder;
	}
	rc = dp->hv->ops->domain_info(dp->hv, &info);
	if (rc == XENVIRTIO_E_GONE || (!rc && info.dying)) {
		log_msg(dp->log, LOG_LEVEL_ERROR, 0,
			"domain %" PRIu32 " does not exist%s: xl list shows those that do",
			dp->opts->domid, rc ? "" : " any more");
		process_end(dp, EXIT_CODE_NO_DEVICE, GUEST_LEAVE);
		return false;
	}
	if (rc == -EACCES || rc == -EPERM) {
		end_no_xen(dp, rc);
		return false;
	}
	return !process_end_on(dp, rc, "cannot look at the domain");
}

/* The last moment at which there are names. */
static bool confine(struct device_process *dp)
{
	if (!dp->env.confine || !dp->env.confine(dp->env.opaque))
		return true;
	process_end(dp, EXIT_CODE_NO_XEN, GUEST_LEAVE);
	return false;
}

static bool open_store(struct device_process *dp)
{
	struct store_link_config link = {
		.base = dp->base,
		.log = dp->log,
		.open = dp->env.open_store,
		.open_opaque = dp->env.opaque,
		.event = process_on_store_event,
		.connected = process_on_store_back,
		.opaque = dp,
	};
	/* with --base one can do without xenstore */
	int rc = store_link_new(&dp->link, &link, !dp->opts->base_given);
	char text[NO_XEN_TEXT_MAX];

	if (rc) {
		dp->link = NULL;
		log_msg(dp->log, LOG_LEVEL_ERROR, 0, "%s", no_xen_store(rc, text));
		process_end(dp, rc == -ENOMEM ? EXIT_CODE_HOST : EXIT_CODE_NO_XEN, GUEST_LEAVE);
		return false;
	}
	rc = store_link_watch(dp->link, "@releaseDomain", TOKEN_DOMAIN);
	return !process_end_on(dp, rc, "cannot watch for the domain's end");
}

int device_process_new(struct device_process **out, struct event_base *base,
		       const struct device_type *type, const struct options *opts, struct log *log,
		       const struct device_process_env *env)
{
	struct device_process *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return -ENOMEM;
	dp->base = base;
	dp->type = type;
	dp->opts = opts;
	dp->log = log;
	dp->env = *env;
	dp->of_another = opts->take_over;
	if (!dp->env.discovery_ms)
		dp->env.discovery_ms = DISCOVERY_MS;
	*out = dp;
	if (process_end_on(dp, make_events(dp), "cannot make events"))
		return 0;
	if (open_hv(dp) && confine(dp) && open_store(dp))
		process_look_for_device(dp);
	return 0;
}

void device_process_free(struct device_process *dp)
{
	if (!dp)
		return;
	process_end(dp, EXIT_CODE_DONE, guest_in_use(&dp->guest) ? GUEST_LEAVE : GUEST_REMOVE);
	control_free(dp->control);
	dp->type->free(dp->device);
	store_link_free(dp->link);
	free(dp);
}

bool device_process_ended(const struct device_process *dp, enum exit_code *code)
{
	*code = dp->code;
	return dp->ended;
}

bool device_process_serving(const struct device_process *dp)
{
	return dp->serving;
}
