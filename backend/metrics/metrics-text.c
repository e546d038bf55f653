// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics as text: a table of families, base units, labels escaped. What a guest does not tell has
 * no sample rather than one of zero.
 */
#include "backend/metrics/metrics-text.h"
#include "config.h"

#include <inttypes.h>

#define PREFIX "xen_vballoon_"

enum unit {
	UNIT_KIB,    /* told in bytes */
	UNIT_NUMBER, /* bytes and counts */
	UNIT_NS,     /* told in seconds */
};

struct family {
	const char *name;
	const char *type;
	const char *help;
	enum unit unit;
	uint64_t (*value)(const struct figures *f);
};

static uint64_t driver_ready(const struct figures *f)
{
	return f->driver_ok;
}

static uint64_t static_max(const struct figures *f)
{
	return f->static_max_kib;
}

static uint64_t target(const struct figures *f)
{
	return f->target_kib;
}

static uint64_t actual(const struct figures *f)
{
	return f->actual_kib;
}

static uint64_t ballooned(const struct figures *f)
{
	return f->ballooned_kib;
}

static uint64_t inflated(const struct figures *f)
{
	return f->inflated_bytes;
}

static uint64_t deflated(const struct figures *f)
{
	return f->deflated_bytes;
}

static uint64_t inflate_time(const struct figures *f)
{
	return f->inflate_ns;
}

static uint64_t deflate_time(const struct figures *f)
{
	return f->deflate_ns;
}

static uint64_t stalls(const struct figures *f)
{
	return f->stalls;
}

static uint64_t pinned(const struct figures *f)
{
	return f->pinned;
}

static uint64_t refusals(const struct figures *f)
{
	return f->refusals;
}

static const struct family families[] = {
	{"driver_ready", "gauge", "1 while the guest's driver is at work.", UNIT_NUMBER,
	 driver_ready},
	{"static_max_bytes", "gauge", "Memory the guest can have at most.", UNIT_KIB, static_max},
	{"target_bytes", "gauge", "Memory the guest shall have.", UNIT_KIB, target},
	{"actual_bytes", "gauge", "Size of the balloon as the guest says.", UNIT_KIB, actual},
	{"ballooned_bytes", "gauge", "Memory of the guest that Xen holds back.", UNIT_KIB,
	 ballooned},
	{"inflated_bytes_total", "counter", "Memory released to Xen.", UNIT_NUMBER, inflated},
	{"deflated_bytes_total", "counter", "Memory populated again.", UNIT_NUMBER, deflated},
	{"inflate_seconds_total", "counter", "Time spent releasing memory.", UNIT_NS, inflate_time},
	{"deflate_seconds_total", "counter", "Time spent populating memory.", UNIT_NS,
	 deflate_time},
	{"stalls_total", "counter", "How often a deflate had to wait for memory.", UNIT_NUMBER,
	 stalls},
	{"pinned", "gauge", "1 while --auto leaves the guest alone.", UNIT_NUMBER, pinned},
	{"refusals_total", "counter", "How often a target was refused for the reserve's sake.",
	 UNIT_NUMBER, refusals},
};

/* By enum balloon_stat. */
static const struct {
	const char *name;
	const char *type;
} guest_families[BALLOON_STATS] = {
	[BALLOON_STAT_SWAP_IN] = {"guest_swap_in_bytes_total", "counter"},
	[BALLOON_STAT_SWAP_OUT] = {"guest_swap_out_bytes_total", "counter"},
	[BALLOON_STAT_MAJOR_FAULTS] = {"guest_major_faults_total", "counter"},
	[BALLOON_STAT_MINOR_FAULTS] = {"guest_minor_faults_total", "counter"},
	[BALLOON_STAT_FREE_MEMORY] = {"guest_free_memory_bytes", "gauge"},
	[BALLOON_STAT_TOTAL_MEMORY] = {"guest_total_memory_bytes", "gauge"},
	[BALLOON_STAT_AVAILABLE_MEMORY] = {"guest_available_memory_bytes", "gauge"},
	[BALLOON_STAT_DISK_CACHES] = {"guest_disk_caches_bytes", "gauge"},
	[BALLOON_STAT_HUGETLB_ALLOCATIONS] = {"guest_hugetlb_allocations_total", "counter"},
	[BALLOON_STAT_HUGETLB_FAILURES] = {"guest_hugetlb_failures_total", "counter"},
	[BALLOON_STAT_OOM_KILL] = {"guest_oom_kill_total", "counter"},
	[BALLOON_STAT_ALLOC_STALL] = {"guest_alloc_stall_total", "counter"},
	[BALLOON_STAT_ASYNC_SCAN] = {"guest_async_scan_total", "counter"},
	[BALLOON_STAT_DIRECT_SCAN] = {"guest_direct_scan_total", "counter"},
	[BALLOON_STAT_ASYNC_RECLAIM] = {"guest_async_reclaim_total", "counter"},
	[BALLOON_STAT_DIRECT_RECLAIM] = {"guest_direct_reclaim_total", "counter"},
};

static void write_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

/* Up to the closing brace; @label may be NULL. */
static void write_labels(FILE *out, const char *name, const struct figures *f, const char *label,
			 const char *value)
{
	fprintf(out, PREFIX "%s{domid=\"%" PRIu32 "\",devid=\"%" PRIu32 "\"", name, f->domid,
		f->devid);
	if (f->name[0]) {
		fputs(",name=\"", out);
		write_escaped(out, f->name);
		fputc('"', out);
	}
	if (label) {
		fprintf(out, ",%s=\"", label);
		write_escaped(out, value);
		fputc('"', out);
	}
}

/* Closes the labels. */
static void write_value(FILE *out, enum unit unit, uint64_t value)
{
	if (unit == UNIT_NS)
		fprintf(out, "} %" PRIu64 ".%09" PRIu64 "\n", value / 1000000000,
			value % 1000000000);
	else
		fprintf(out, "} %" PRIu64 "\n", unit == UNIT_KIB ? value * 1024 : value);
}

static void write_info(FILE *out, const struct figures *f, size_t nr)
{
	write_head(out, "info", "gauge",
		   "Always 1; how notifications travel, and the daemon's version.");
	for (size_t i = 0; i < nr; i++) {
		write_labels(out, "info", &f[i], "path", f[i].path);
		fputs(",version=\"" PACKAGE_VERSION "\"", out);
		write_value(out, UNIT_NUMBER, 1);
	}
}

static void write_stalled(FILE *out, const struct figures *f, size_t nr)
{
	static const enum balloon_stall why[] = {BALLOON_STALL_MAX_MEM, BALLOON_STALL_HOST};

	write_head(out, "stalled_bytes", "gauge", "Memory a waiting deflate misses, by reason.");
	for (size_t i = 0; i < nr; i++) {
		for (size_t k = 0; k < sizeof(why) / sizeof(why[0]); k++) {
			write_labels(out, "stalled_bytes", &f[i], "why",
				     figures_stall_name(why[k]));
			write_value(out, UNIT_KIB, f[i].stall == why[k] ? f[i].stall_kib : 0);
		}
	}
}

static void write_guest_errors(FILE *out, const struct figures *f, size_t nr)
{
	write_head(out, "guest_errors_total", "counter", "How often the guest broke the rules.");
	for (size_t i = 0; i < nr; i++) {
		for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
			write_labels(out, "guest_errors_total", &f[i], "kind",
				     xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind));
			write_value(out, UNIT_NUMBER, f[i].guest_errors[kind]);
		}
	}
}

static bool is_told(const struct figures *f, unsigned int tag)
{
	return f->stats_sequence && f->stats_valid & UINT32_C(1) << tag;
}

static void write_guest_family(FILE *out, const struct figures *f, size_t nr, unsigned int tag)
{
	bool begun = false;

	for (size_t i = 0; i < nr; i++) {
		if (!is_told(&f[i], tag))
			continue;
		if (!begun)
			write_head(out, guest_families[tag].name, guest_families[tag].type,
				   "As the guest tells it.");
		begun = true;
		write_labels(out, guest_families[tag].name, &f[i], NULL, NULL);
		write_value(out, UNIT_NUMBER, f[i].stats[tag]);
	}
}

static void write_guest_age(FILE *out, const struct figures *f, size_t nr)
{
	bool begun = false;

	for (size_t i = 0; i < nr; i++) {
		if (!f[i].stats_sequence)
			continue;
		if (!begun)
			write_head(out, "guest_age_seconds", "gauge",
				   "Age of what the guest told.");
		begun = true;
		write_labels(out, "guest_age_seconds", &f[i], NULL, NULL);
		write_value(out, UNIT_NS, f[i].stats_age_ms * 1000000);
	}
}

void metrics_text_write(FILE *out, const struct figures *f, size_t nr)
{
	write_info(out, f, nr);
	for (size_t family = 0; family < sizeof(families) / sizeof(families[0]); family++) {
		write_head(out, families[family].name, families[family].type,
			   families[family].help);
		for (size_t i = 0; i < nr; i++) {
			write_labels(out, families[family].name, &f[i], NULL, NULL);
			write_value(out, families[family].unit, families[family].value(&f[i]));
		}
	}
	write_stalled(out, f, nr);
	write_guest_errors(out, f, nr);
	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++)
		write_guest_family(out, f, nr, tag);
	write_guest_age(out, f, nr);
}
