// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What others reach a device process by: its control socket and its metrics. The guest is served
 * also where these cannot be.
 */
#include "backend/process/process-internal.h"

#include <inttypes.h>
#include <stdio.h>

static void read_name(struct device_process *dp)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", dp->opts->domid);
	if (store_link_read(dp->link, path, value, sizeof(value)))
		value[0] = '\0';
	snprintf(dp->name, sizeof(dp->name), "%.*s", (int)sizeof(dp->name) - 1, value);
}

static void open_control(struct device_process *dp)
{
	const struct program *program = dp->opts->program;
	struct control_config cfg = {
		.base = dp->base,
		.log = dp->log,
		.program = program,
		.dir = dp->opts->state_dir,
		.domid = dp->opts->domid,
		.devid = dp->bus.devid,
		.doors = dp->env.doors,
		.status = process_status_json,
		.opaque = dp,
	};
	int rc;

	if (dp->type->control)
		dp->type->control(dp->device, &cfg);
	rc = control_open(&dp->control, &cfg);
	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc,
			"no control socket in %s%s%s", dp->opts->state_dir,
			program->control_tool ? ": this guest is not seen by " : "",
			program->control_tool ? program->control_tool : "");
}

void process_open_doors(struct device_process *dp)
{
	struct metrics_config metrics = {
		.base = dp->base,
		.log = dp->log,
		.address = &dp->opts->metrics,
		.group = dp->opts->program->group,
		.doors = dp->env.doors,
		.figures = dp->type->figures_type,
		.collect = process_collect_figures,
		.opaque = dp,
		.host_free = process_host_free,
		.host_opaque = dp,
	};
	int rc;

	read_name(dp);
	open_control(dp);
	rc = dp->opts->metrics.len ? metrics_open(&dp->metrics, &metrics) : 0;
	if (rc)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
}
