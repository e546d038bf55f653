// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures for xenstore. A statistic the newest set lacks is removed, not left standing.
 */
#include "backend/devices/balloon/daemon/report.h"

#include <inttypes.h>
#include <stdio.h>

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

const char *report_stall_text(const struct balloon_status *status, char *text, size_t size)
{
	const char *why;

	switch (status->stall) {
	case BALLOON_STALL_MAX_MEM:
		why = "max-mem";
		break;
	case BALLOON_STALL_HOST:
		why = "host";
		break;
	default:
		return NULL;
	}
	snprintf(text, size, "%s: need %" PRIu64 " KiB", why, status->stall_pages * KIB_PER_PAGE);
	return text;
}

static void report_stats(struct publish *p, const struct balloon_status *status)
{
	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		char key[PUBLISH_KEY_MAX];

		snprintf(key, sizeof(key), "stats/%s", balloon_stat_name(tag));
		if (status->stats_valid & UINT32_C(1) << tag)
			publish_u64(p, key, status->stats[tag]);
		else
			publish_remove(p, key);
	}
}

void report_status(struct publish *p, const struct balloon_status *status)
{
	char text[PUBLISH_VALUE_MAX];

	publish_u64(p, "actual", status->actual_pages * KIB_PER_PAGE);
	publish_u64(p, "ballooned", status->ballooned_pages * KIB_PER_PAGE);
	/* Nearly always the same: a key more would be written each time, at more than all else costs that a report does. */
	if (status->owed_pages < status->ballooned_pages)
		publish_u64(p, "owed", status->owed_pages * KIB_PER_PAGE);
	else
		publish_remove(p, "owed");
	if (status->guest_paused)
		publish_text(p, "paused", "1");
	else
		publish_remove(p, "paused");
	if (status->on_holes)
		publish_u64(p, "holes", status->stall_pages * KIB_PER_PAGE);
	else
		publish_remove(p, "holes");
	if (report_stall_text(status, text, sizeof(text)))
		publish_text(p, "stalled", text);
	else
		publish_remove(p, "stalled");
	report_stats(p, status);
}
