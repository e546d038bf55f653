// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device did, told to xenstore and to whoever asks.
 */
#include "backend/base/clock.h"
#include "backend/figures/feature-names.h"
#include "backend/process/process-internal.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/server.h>

/** a change is published so soon */
#define REPORT_MS 200u
/** what goes on moving, in the end, so seldom: a report costs xenstored what moving a thousand frames costs Xen */
#define REPORT_MAX_MS 800u

static void publish_guest_errors(struct device_process *dp, const struct figures *f)
{
	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
		char key[PUBLISH_KEY_MAX];

		snprintf(key, sizeof(key), "guest-errors/%s",
			 xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind));
		if (f->guest_errors[kind])
			publish_u64(&dp->publish, key, f->guest_errors[kind]);
		else
			publish_remove(&dp->publish, key);
	}
}

void process_on_report(void *opaque)
{
	struct device_process *dp = opaque;
	struct figures *f = malloc(dp->type->figures_type->bytes);

	if (f) {
		process_get_figures(dp, f);
		publish_guest_errors(dp, f);
	}
	free(f);
	/* before the device is asked: it may look then, and find that it goes on moving */
	dp->reported_ms = clock_now_ms();
	if (dp->type->report)
		dp->type->report(dp->device);
	control_changed(dp->control);
	/* asked for, and the timer still stands */
	dp->report_late = dp->report_late && dp->report && timer_is_set(dp->report);
}

/* From inside any call of the device: only a note for later. */
void process_note_change(void *opaque)
{
	struct device_process *dp = opaque;

	if (!dp->report || (timer_is_set(dp->report) && !dp->report_late))
		return;
	timer_set(dp->report, REPORT_MS);
	dp->report_late = false;
}

void process_note_motion(void *opaque)
{
	struct device_process *dp = opaque;
	bool goes_on = dp->motion_ms && clock_now_ms() - dp->reported_ms < REPORT_MS;

	if (!dp->report || timer_is_set(dp->report))
		return;
	dp->motion_ms = !goes_on ? REPORT_MS : dp->motion_ms < REPORT_MAX_MS ? 2 * dp->motion_ms : REPORT_MAX_MS;
	timer_set(dp->report, dp->motion_ms);
	dp->report_late = dp->motion_ms > REPORT_MS;
}

void process_get_figures(void *opaque, struct figures *f)
{
	const struct device_process *dp = opaque;

	memset(f, 0, dp->type->figures_type->bytes);
	f->domid = dp->opts->domid;
	f->devid = dp->bus.devid;
	snprintf(f->name, sizeof(f->name), "%s", dp->name);
	snprintf(f->path, sizeof(f->path), "%s", xenvirtio_server_path(dp->guest.server));
	snprintf(f->unconfined, sizeof(f->unconfined), "%s", dp->env.unconfined ? dp->env.unconfined : "");
	f->uptime_ms = clock_now_ms() - dp->began_ms;
	feature_names(f->features, sizeof(f->features),
		      xenvirtio_device_features(dp->type->device(dp->device)), dp->type->feature_name,
		      dp->device);
	dp->type->figures(dp->device, f);
}

struct json_object *process_status_json(void *opaque)
{
	const struct device_process *dp = opaque;
	struct figures *f = malloc(dp->type->figures_type->bytes);
	struct json_object *json = NULL;

	if (f) {
		process_get_figures(opaque, f);
		json = dp->type->figures_type->status_json(f);
	}
	free(f);
	return json;
}

int process_host_free(void *opaque, uint64_t *kib)
{
	const struct device_process *dp = opaque;
	struct xenvirtio_host_info host;
	int rc;

	if (dp->ended || !XENVIRTIO_HV_HAS(dp->hv, host_info))
		return -ENOSYS;
	rc = dp->hv->ops->host_info(dp->hv, &host);
	if (!rc)
		*kib = host.free_pages * (XENVIRTIO_PAGE_SIZE / 1024);
	return rc;
}

void process_collect_figures(void *opaque, figures_done *done, void *arg)
{
	const struct device_process *dp = opaque;
	struct figures *f = dp->ended ? NULL : malloc(dp->type->figures_type->bytes);

	if (f)
		process_get_figures(opaque, f);
	done(arg, f, f ? 1 : 0);
	free(f);
}
