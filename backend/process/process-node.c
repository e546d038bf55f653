// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's node in xenstore, from the wait for it to the toolstack's wish that it be closed,
 * and what else xenstore tells a device process.
 */
#include "backend/process/process-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_DISCOVER "discover"
#define TOKEN_NODE "node"

void process_tell_connected(struct device_process *dp)
{
	int rc;

	if (!dp->bus.backend[0] || !store_link_up(dp->link))
		return;
	rc = store_link_failed(dp->link,
			       xenvirtio_xenbus_set_state(store_link_store(dp->link), &dp->bus,
							  XENVIRTIO_XENBUS_CONNECTED));
	if (rc < 0 && rc != -EPIPE)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "cannot write %s/state", dp->bus.backend);
}

/* The toolstack wants the device closed. */
static bool closing_wanted(const struct xenvirtio_xenbus *bus)
{
	return !bus->online || bus->state == XENVIRTIO_XENBUS_CLOSING;
}

static void end_closed(struct device_process *dp)
{
	log_msg(dp->log, LOG_LEVEL_NOTICE, 0, "device %" PRIu32 " of domain %" PRIu32 " is closed",
		dp->bus.devid, dp->bus.domid);
	process_end(dp, EXIT_CODE_DONE, GUEST_REMOVE);
}

int process_watch_node(struct device_process *dp)
{
	static const char *const keys[] = {"state", "online"};

	for (size_t i = 0; dp->bus.backend[0] && i < sizeof(keys) / sizeof(keys[0]); i++) {
		char path[sizeof(dp->bus.backend) + 16];
		int rc;

		snprintf(path, sizeof(path), "%s/%s", dp->bus.backend, keys[i]);
		rc = store_link_watch(dp->link, path, TOKEN_NODE);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * A toolstack asks for the close before it removes the node. After a restart of xenstored a node
 * may be missing because its contents are still being brought back: that is no reason to leave a
 * guest.
 */
static void node_missing(struct device_process *dp)
{
	if (!dp->store_anew)
		end_closed(dp);
}

static void node_seen(struct device_process *dp, const struct xenvirtio_xenbus *now)
{
	if (closing_wanted(now)) {
		end_closed(dp);
		return;
	}
	if (!dp->store_anew)
		return;
	dp->store_anew = false;
	publish_again(&dp->publish);
	if (now->state != XENVIRTIO_XENBUS_CONNECTED)
		process_tell_connected(dp);
}

void process_check_node(struct device_process *dp)
{
	struct xenvirtio_store *store = store_link_store(dp->link);
	struct xenvirtio_xenbus now;
	char why[DISCOVERY_WHY_MAX];
	int rc;

	if (!store || !dp->bus.backend[0])
		return;
	rc = store_link_failed(dp->link, xenvirtio_xenbus_read(store, dp->bus.domid, dp->bus.devid,
							       dp->opts->program->node_type, &now,
							       why, sizeof(why)));
	if (rc == XENVIRTIO_E_EMPTY || rc == XENVIRTIO_E_AGAIN)
		node_missing(dp);
	else if (!rc)
		node_seen(dp, &now);
	else if (rc != -EPIPE)
		log_limited(dp->log, LOG_KIND_STORE, LOG_LEVEL_WARNING, 0, "ignored: %s", why);
}

void process_look_for_device(struct device_process *dp)
{
	enum exit_code code = EXIT_CODE_HOST;
	char path[64];
	int rc;

	discovery_watch_path(dp->opts, path);
	rc = discovery_look(dp->opts, dp->link, dp->log, &dp->bus, dp->missing, &code);
	if (rc == XENVIRTIO_E_AGAIN || rc == -EPIPE) {
		if (timer_is_set(dp->discovery))
			return;
		log_msg(dp->log, LOG_LEVEL_INFO, 0, "%s", dp->missing);
		timer_set(dp->discovery, dp->env.discovery_ms);
		rc = store_link_watch(dp->link, path, TOKEN_DISCOVER);
		process_end_on(dp, rc, "cannot watch xenstore");
		return;
	}
	timer_stop(dp->discovery);
	if (rc) {
		process_refuse(dp, code);
		return;
	}
	store_link_unwatch(dp->link, path, TOKEN_DISCOVER);
	if (closing_wanted(&dp->bus)) {
		end_closed(dp);
		return;
	}
	process_start_serving(dp);
}

void process_on_discovery_over(void *opaque)
{
	struct device_process *dp = opaque;

	log_msg(dp->log, LOG_LEVEL_ERROR, 0,
		"gave up after %u s: %s: was xl interrupted? destroy the domain and create it "
		"again",
		dp->env.discovery_ms / 1000, dp->missing);
	process_refuse(dp, EXIT_CODE_UNSUITABLE);
}

void process_on_store_event(void *opaque, const char *path, const char *token)
{
	struct device_process *dp = opaque;

	if (dp->ended)
		return;
	if (strcmp(token, TOKEN_DOMAIN) == 0)
		process_check_domain(dp);
	else if (strcmp(token, TOKEN_DISCOVER) == 0 && !dp->serving)
		process_look_for_device(dp);
	else if (!dp->serving)
		return;
	else if (strcmp(token, TOKEN_NODE) == 0)
		process_check_node(dp);
	else if (dp->type->store_event)
		dp->type->store_event(dp->device, token);
}

void process_on_store_back(void *opaque)
{
	struct device_process *dp = opaque;

	/* the watches, set again, tell of whatever changed meanwhile */
	if (!dp->serving || process_check_domain(dp))
		return;
	dp->store_anew = true;
	publish_hold(&dp->publish);
	process_check_node(dp);
	if (!dp->ended && dp->type->store_back)
		dp->type->store_back(dp->device);
}

void process_on_tick(void *opaque)
{
	struct device_process *dp = opaque;

	timer_set(dp->tick, TICK_MS);
	if (dp->guest.state)
		state_file_show_life(dp->guest.state);
	if (process_check_domain(dp))
		return;
	store_link_poll(dp->link);
	/* a node brought back key by key: not all of them are watched */
	if (!dp->ended && dp->store_anew)
		process_check_node(dp);
	if (dp->ended)
		return;
	if (dp->serving && dp->type->tick) {
		if (process_end_on(dp, dp->type->tick(dp->device), "cannot serve the guest any more"))
			return;
		process_look_for_work(dp);
	}
	publish_flush(&dp->publish);
	log_flush(dp->log);
}
