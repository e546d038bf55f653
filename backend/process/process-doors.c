// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What others reach a device process by: its control socket and its metrics; and --auto, which sits
 * where they do. The guest is served also where these cannot be.
 */
#include "backend/process/process-internal.h"

#include <inttypes.h>
#include <stdio.h>

static void unused_answered(void *opaque, const struct control_error *error)
{
	struct device_process *dp = opaque;

	control_unused(dp->control, error);
}

static void unused_work(void *opaque)
{
	process_look_for_work(opaque);
}

static bool unused_failed(void *opaque, int rc)
{
	return process_end_on(opaque, rc, "cannot ask for unused pages");
}

static bool ask_unused(void *opaque, struct control_error *error)
{
	struct device_process *dp = opaque;

	return unused_ask(&dp->unused, error);
}

static void hold_unused(void *opaque)
{
	struct device_process *dp = opaque;

	unused_hold(&dp->unused);
}

static void release_unused(void *opaque)
{
	struct device_process *dp = opaque;

	unused_release(&dp->unused);
}

static enum balloon_frame next_frame(void *opaque, struct xenvirtio_run *run,
				     struct xenvirtio_run *piece)
{
	const struct device_process *dp = opaque;

	return balloon_next_frame(dp->guest.balloon, run, piece);
}

int process_make_unused(struct device_process *dp)
{
	const struct unused_config cfg = {
		.base = dp->base,
		.balloon = dp->guest.balloon,
		.answer_ms = dp->env.unused_ms,
		.answered = unused_answered,
		.work = unused_work,
		.failed = unused_failed,
		.opaque = dp,
	};

	return unused_init(&dp->unused, &cfg);
}

/* The process may be ended by the order itself, from inside a step: then it is freed with it. */
void process_stop_auto(struct device_process *dp)
{
	if (dp->ordering)
		return;
	auto_free(dp->autopilot);
	dp->autopilot = NULL;
}

static void start_auto(struct device_process *dp)
{
	const struct options *opts = dp->opts;
	struct auto_config cfg = {
		.base = dp->base,
		.log = dp->log,
		.policy = auto_policy(opts->auto_low_percent, opts->auto_high_percent,
				      opts->auto_floor_kib, opts->overcommit,
				      opts->stats_interval_s * 1000),
		.interval_ms = opts->stats_interval_s * 1000,
		.collect = process_collect_figures,
		.collect_opaque = dp,
		.host_free = process_read_host_free,
		.order = process_order_self,
		.opaque = dp,
	};
	int rc = auto_new(&dp->autopilot, &cfg);

	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "targets are not chosen: --auto");
}

static void read_name(struct device_process *dp)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", dp->opts->domid);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		value[0] = '\0';
	snprintf(dp->name, sizeof(dp->name), "%.*s", (int)sizeof(dp->name) - 1, value);
}

/* The guest is served also where these cannot be. */
void process_open_doors(struct device_process *dp)
{
	static const struct control_ops ops = {
		.figures = process_get_figures,
		.set_target = process_set_by_client,
		.set_auto = process_set_auto,
		.refresh_stats = process_refresh_stats,
		.ask_unused = ask_unused,
		.hold_unused = hold_unused,
		.release_unused = release_unused,
		.next_frame = next_frame,
	};
	struct control_config control = {
		.base = dp->base,
		.log = dp->log,
		.dir = dp->opts->state_dir,
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.ops = &ops,
		.opaque = dp,
	};
	struct metrics_config metrics = {
		.base = dp->base,
		.log = dp->log,
		.address = &dp->opts->metrics,
		.collect = process_collect_figures,
		.opaque = dp,
	};
	int rc;

	read_name(dp);
	rc = control_open(&dp->control, &control);
	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc,
			"no control socket in %s: xen-vballoonctl will not see this guest",
			dp->opts->state_dir);
	rc = dp->opts->metrics.len ? metrics_open(&dp->metrics, &metrics) : 0;
	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
	if (dp->opts->automatic)
		start_auto(dp);
}
