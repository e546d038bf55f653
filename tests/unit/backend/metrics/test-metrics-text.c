// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text of the metrics: every line is of the format, every figure is in it with its value and unit,
 * families are whole.
 */
#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/metrics/metrics-text.h"
#include "unit/rigs/metrics-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *write_text(const struct balloon_figures *f, size_t nr)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	metrics_text_write(out, &balloon_figures_type, &f->common, nr);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void each_figure_is_told(void **state)
{
	struct balloon_figures f = {
		.common.domid = 7,
		.common.devid = 1,
		.common.name = "a\"b\\c\nd",
		.common.path = "event-channel",
		.common.driver_ok = true,
		.common.uptime_ms = 61500,
		.static_max_kib = 1048576,
		.target_kib = 524288,
		.actual_kib = 12,
		.ballooned_kib = 16,
		.unowed_kib = 4,
		.stall = BALLOON_STALL_HOST,
		.stall_kib = 160,
		.paused = true,
		.holes_kib = 5,
		.pinned = true,
		.refusals = 2,
		.stalls = 3,
		.inflated_bytes = 40960,
		.deflated_bytes = 8192,
		.inflate_ns = 1500000000,
		.deflate_ns = 20000000,
		.common.guest_errors[XENVIRTIO_GUEST_BAD_PAGE] = 9,
		.stats_sequence = 2,
		.stats_age_ms = 2500,
		.stats_valid = (1u << BALLOON_STATS) - 1,
	};
	char *text;

	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++)
		f.stats[tag] = 1000 + tag;
	text = write_text(&f, 1);
	scrape(text);
	free(text);
	scraped_is("info", "path=\"event-channel\"", 1);
	scraped_is("info", "name=\"a\\\"b\\\\c\\nd\"", 1);
	scraped_is("uptime_seconds", "domid=\"7\",devid=\"1\"", 61.5);
	scraped_is("driver_ready", "domid=\"7\",devid=\"1\"", 1);
	scraped_is("static_max_bytes", "", 1073741824);
	scraped_is("target_bytes", "", 536870912);
	scraped_is("actual_bytes", "", 12288);
	scraped_is("ballooned_bytes", "", 16384);
	scraped_is("owed_bytes", "", 12288);
	scraped_is("inflated_bytes_total", "", 40960);
	scraped_is("deflated_bytes_total", "", 8192);
	scraped_is("inflate_seconds_total", "", 1.5);
	scraped_is("deflate_seconds_total", "", 0.02);
	scraped_is("stalls_total", "", 3);
	scraped_is("paused", "", 1);
	scraped_is("holes_bytes", "", 5120);
	scraped_is("pinned", "", 1);
	scraped_is("refusals_total", "", 2);
	scraped_is("stalled_bytes", "why=\"host\"", 163840);
	scraped_is("stalled_bytes", "why=\"max-mem\"", 0);
	scraped_is("guest_errors_total", "kind=\"bad-page\"", 9);
	scraped_is("guest_errors_total", "kind=\"bad-ring\"", 0);
	scraped_is("guest_age_seconds", "", 2.5);
	scraped_is("guest_swap_in_bytes_total", "", 1000);
	scraped_is("guest_free_memory_bytes", "", 1004);
	scraped_is("guest_direct_reclaim_total", "", 1015);
	/* info, the plain ones, stalls, errors, statistics and their age: none forgotten */
	assert_int_equal(scraped_samples(),
			 1 + 16 + 2 + XENVIRTIO_GUEST_ERRORS + BALLOON_STATS + 1);
}

static void what_is_not_told_has_no_sample(void **state)
{
	struct balloon_figures f[2] = {
		{.common.domid = 1, .common.path = "event-channel", .stats_valid = 1},
		{.common.domid = 2,
		 .common.path = "event-channel",
		 .stats_sequence = 1,
		 .stats_valid = 1u << BALLOON_STAT_FREE_MEMORY,
		 .stats[BALLOON_STAT_FREE_MEMORY] = UINT64_MAX},
	};
	char *text = write_text(f, 2);

	scrape(text);
	free(text);
	assert_null(scraped_find("guest_swap_in_bytes_total", ""));
	assert_null(scraped_find("guest_free_memory_bytes", "domid=\"1\""));
	assert_non_null(scraped_find("guest_free_memory_bytes", "domid=\"2\""));
	assert_null(scraped_find("guest_age_seconds", "domid=\"1\""));
	/* two guests share each family */
	assert_non_null(scraped_find("target_bytes", "domid=\"1\""));
	assert_non_null(scraped_find("target_bytes", "domid=\"2\""));
	assert_null(strstr(scraped_find("info", "domid=\"1\"")->labels, "name="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_figure_is_told),
		cmocka_unit_test(what_is_not_told_has_no_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
