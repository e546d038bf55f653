// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text. Sizes are exact where somebody compares them, MiB where a table is read at a glance.
 */
#include "tools/ctl/ctl-print.h"
#include "backend/base/size.h"

#include <inttypes.h>
#include <string.h>

static void print_mib(FILE *out, uint64_t kib)
{
	fprintf(out, " %8" PRIu64, kib / 1024);
}

static void print_stat_mib(FILE *out, const struct balloon_figures *f, enum balloon_stat tag)
{
	if (f->stats_sequence && f->stats_valid & UINT32_C(1) << tag)
		print_mib(out, f->stats[tag] / 1024);
	else
		fprintf(out, " %8s", "-");
}

static const char *state_name(const struct balloon_figures *f)
{
	if (f->paused)
		return "paused";
	if (f->holes_kib)
		return "holes";
	if (f->stall != BALLOON_STALL_NONE)
		return f->stall == BALLOON_STALL_MAX_MEM ? "stalled:max-mem" : "stalled:host";
	if (!f->common.driver_ok)
		return "no-driver";
	if (f->ballooned_kib < balloon_wanted_kib(f))
		return "inflating";
	return f->ballooned_kib > balloon_wanted_kib(f) ? "deflating" : "settled";
}

void ctl_print_head(FILE *out, bool wide)
{
	fprintf(out, "%5s %-20s %3s %8s %8s %8s", "ID", "NAME", "DEV", "MAX", "TARGET", "BALLOON");
	if (wide)
		fprintf(out, " %8s %8s", "FREE", "AVAIL");
	fprintf(out, " %s\n", "STATE");
}

void ctl_print_row(FILE *out, const struct balloon_figures *f, bool wide)
{
	fprintf(out, "%5" PRIu32 " %-20.20s %3" PRIu32, f->common.domid, f->common.name[0] ? f->common.name : "-",
		f->common.devid);
	print_mib(out, f->static_max_kib);
	print_mib(out, f->target_kib);
	print_mib(out, f->ballooned_kib);
	if (wide) {
		print_stat_mib(out, f, BALLOON_STAT_FREE_MEMORY);
		print_stat_mib(out, f, BALLOON_STAT_AVAILABLE_MEMORY);
	}
	fprintf(out, " %s\n", state_name(f));
}

static void print_unconfined(FILE *out, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		fprintf(out, "%-14s %.*s\n", "not confined", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

static void print_moved(FILE *out, const char *what, uint64_t bytes, uint64_t ns)
{
	char size[SIZE_TEXT_MAX];

	fprintf(out, "%-14s %s in %" PRIu64 ".%03" PRIu64 " s\n", what,
		size_format(bytes / 1024, size), ns / 1000000000, ns / 1000000 % 1000);
}

/* What somebody wrote down for it, see LIMITS in xen-vballoond(8). */
static void print_limits(FILE *out, const struct balloon_figures *f)
{
	char size[SIZE_TEXT_MAX];

	if (f->dynamic_min_kib)
		fprintf(out, "%-14s %s\n", "least", size_format(f->dynamic_min_kib, size));
	if (f->limit_kib)
		fprintf(out, "%-14s %s\n", "most", size_format(f->limit_kib, size));
	if (f->share)
		fprintf(out, "%-14s %" PRIu64 "\n", "share", f->share);
}

void ctl_print_status(FILE *out, const struct balloon_figures *f)
{
	char one[SIZE_TEXT_MAX], two[SIZE_TEXT_MAX], why[256];

	fprintf(out, "%-14s %" PRIu32 "%s%s, device %" PRIu32 "\n", "domain", f->common.domid,
		f->common.name[0] ? " " : "", f->common.name, f->common.devid);
	fprintf(out, "%-14s %s of %s\n", "target", size_format(f->target_kib, one),
		size_format(f->static_max_kib, two));
	print_limits(out, f);
	fprintf(out, "%-14s %s\n", "chosen by", f->pinned ? "hand" : "nobody, or --auto");
	if (f->refused) {
		char free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];

		fprintf(out, "%-14s %s: the host has %s free, and %s is in balloons\n", "refused",
			size_format(f->refused_kib, one),
			size_format(f->refused_free_kib, free_text),
			size_format(f->refused_owed_kib, owed));
	}
	fprintf(out, "%-14s %s (the guest says %s)\n", "balloon",
		size_format(f->ballooned_kib, one), size_format(f->actual_kib, two));
	fprintf(out, "%-14s %s\n", "state", state_name(f));
	if (f->paused)
		fprintf(out, "%-14s it was reset, and is paused until its memory is back\n", "guest");
	else if (f->holes_kib)
		fprintf(out, "%-14s it was reset, and runs without %s of its memory\n", "guest",
			size_format(f->holes_kib, one));
	if (f->stall != BALLOON_STALL_NONE || !f->common.driver_ok)
		fprintf(out, "%-14s %s\n", "why", ctl_print_why(f, why, sizeof(why)));
	fprintf(out, "%-14s %s\n", "notification", f->common.path);
	/* a daemon of before says none */
	if (f->common.features[0])
		fprintf(out, "%-14s %s\n", "features", f->common.features);
	print_unconfined(out, f->common.unconfined);
	print_moved(out, "inflated", f->inflated_bytes, f->inflate_ns);
	print_moved(out, "deflated", f->deflated_bytes, f->deflate_ns);
	fprintf(out, "%-14s %" PRIu64 "\n", "stalls", f->stalls);
	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
		if (f->common.guest_errors[kind])
			fprintf(out, "%-14s %s %" PRIu64 "\n", "guest error",
				xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind),
				f->common.guest_errors[kind]);
	}
}

void ctl_print_stats(FILE *out, const struct balloon_figures *f)
{
	if (!f->stats_sequence) {
		fprintf(out, "domain %" PRIu32 " has given no statistics\n", f->common.domid);
		return;
	}
	fprintf(out, "domain %" PRIu32 ", %" PRIu64 ".%" PRIu64 " s ago\n", f->common.domid,
		f->stats_age_ms / 1000, f->stats_age_ms % 1000 / 100);
	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		if (f->stats_valid & UINT32_C(1) << tag)
			fprintf(out, "  %-20s %20" PRIu64 "\n", balloon_stat_name(tag),
				f->stats[tag]);
	}
}

void ctl_print_unused(FILE *out, const struct balloon_figures *f)
{
	uint64_t percent = f->ram_kib ? (uint64_t)((double)f->unused_kib * 100 / (double)f->ram_kib)
				      : 0;
	char one[SIZE_TEXT_MAX], two[SIZE_TEXT_MAX];

	fprintf(out, "%-14s %" PRIu32 ", device %" PRIu32 "\n", "domain", f->common.domid, f->common.devid);
	fprintf(out, "%-14s %s of %s (%" PRIu64 " %%)\n", "unused", size_format(f->unused_kib, one),
		size_format(f->ram_kib, two), percent);
	fprintf(out, "%-14s %s\n", "in the balloon", size_format(f->ballooned_kib, one));
	fprintf(out, "%-14s in %" PRIu64 ".%03" PRIu64 " s, by %s\n", "answered",
		f->unused_ns / 1000000000, f->unused_ns / 1000000 % 1000,
		balloon_via_name(f->unused_via));
}

const char *ctl_print_why(const struct balloon_figures *f, char *text, size_t size)
{
	char need[SIZE_TEXT_MAX];

	size_format(f->stall_kib, need);
	if (f->stall == BALLOON_STALL_MAX_MEM)
		snprintf(text, size,
			 "Xen's limit for the domain forbids %s that are missing: raise it with xl "
			 "mem-max",
			 need);
	else if (f->stall == BALLOON_STALL_HOST)
		snprintf(text, size,
			 "the host has no free memory for %s that are missing: take it from other "
			 "guests",
			 need);
	else if (!f->common.driver_ok)
		snprintf(text, size,
			 "the guest's balloon driver is not there: has it booted, and loaded "
			 "virtio_balloon?");
	else if (f->ballooned_kib < balloon_wanted_kib(f))
		snprintf(text, size, "the guest gives no more: it may have none to spare");
	else
		snprintf(text, size, "the guest takes no more: its driver does not go on");
	return text;
}
