// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon's metrics, and all that makes its figures a type.
 */
#include "backend/devices/balloon/figures/balloon-figures-json.h"
#include "backend/metrics/metrics-write.h"

#define PREFIX "xen_vballoon_"

static const struct balloon_figures *own(const struct figures *f)
{
	return (const struct balloon_figures *)f;
}

static uint64_t static_max(const struct figures *f)
{
	return own(f)->static_max_kib;
}

static uint64_t target(const struct figures *f)
{
	return own(f)->target_kib;
}

static uint64_t actual(const struct figures *f)
{
	return own(f)->actual_kib;
}

static uint64_t ballooned(const struct figures *f)
{
	return own(f)->ballooned_kib;
}

static uint64_t owed(const struct figures *f)
{
	const struct balloon_figures *b = own(f);

	return b->ballooned_kib > b->unowed_kib ? b->ballooned_kib - b->unowed_kib : 0;
}

static uint64_t inflated(const struct figures *f)
{
	return own(f)->inflated_bytes;
}

static uint64_t deflated(const struct figures *f)
{
	return own(f)->deflated_bytes;
}

static uint64_t inflate_time(const struct figures *f)
{
	return own(f)->inflate_ns;
}

static uint64_t deflate_time(const struct figures *f)
{
	return own(f)->deflate_ns;
}

static uint64_t stalls(const struct figures *f)
{
	return own(f)->stalls;
}

static uint64_t paused(const struct figures *f)
{
	return own(f)->paused;
}

static uint64_t holes(const struct figures *f)
{
	return own(f)->holes_kib;
}

static uint64_t pinned(const struct figures *f)
{
	return own(f)->pinned;
}

static uint64_t refusals(const struct figures *f)
{
	return own(f)->refusals;
}

static const struct figures_family families[] = {
	{"static_max_bytes", "gauge", "Memory the guest can have at most.", FIGURES_KIB,
	 static_max},
	{"target_bytes", "gauge", "Memory the guest shall have.", FIGURES_KIB, target},
	{"actual_bytes", "gauge", "Size of the balloon as the guest says.", FIGURES_KIB, actual},
	{"ballooned_bytes", "gauge", "Memory of the guest that Xen holds back.", FIGURES_KIB,
	 ballooned},
	{"owed_bytes", "gauge", "Of that, what the guest may take back.", FIGURES_KIB, owed},
	{"inflated_bytes_total", "counter", "Memory released to Xen.", FIGURES_NUMBER, inflated},
	{"deflated_bytes_total", "counter", "Memory populated again.", FIGURES_NUMBER, deflated},
	{"inflate_seconds_total", "counter", "Time spent releasing memory.", FIGURES_NS,
	 inflate_time},
	{"deflate_seconds_total", "counter", "Time spent populating memory.", FIGURES_NS,
	 deflate_time},
	{"stalls_total", "counter", "How often a deflate had to wait for memory.", FIGURES_NUMBER,
	 stalls},
	{"paused", "gauge", "1 while a guest that was reset waits for its memory.", FIGURES_NUMBER, paused},
	{"holes_bytes", "gauge", "Memory without which a guest that was reset runs.", FIGURES_KIB, holes},
	{"pinned", "gauge", "1 while --auto leaves the guest alone.", FIGURES_NUMBER, pinned},
	{"refusals_total", "counter", "How often a target was refused for the reserve's sake.",
	 FIGURES_NUMBER, refusals},
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

static void write_stalled(FILE *out, const struct balloon_figures *f, size_t nr)
{
	static const enum balloon_stall why[] = {BALLOON_STALL_MAX_MEM, BALLOON_STALL_HOST};

	metrics_write_head(out, PREFIX, "stalled_bytes", "gauge",
			   "Memory a waiting deflate misses, by reason.");
	for (size_t i = 0; i < nr; i++) {
		for (size_t k = 0; k < sizeof(why) / sizeof(why[0]); k++) {
			metrics_write_labels(out, PREFIX, "stalled_bytes", &f[i].common, "why",
					     balloon_stall_name(why[k]));
			metrics_write_value(out, FIGURES_KIB,
					    f[i].stall == why[k] ? f[i].stall_kib : 0);
		}
	}
}

static bool is_told(const struct balloon_figures *f, unsigned int tag)
{
	return f->stats_sequence && f->stats_valid & UINT32_C(1) << tag;
}

static void write_guest_family(FILE *out, const struct balloon_figures *f, size_t nr,
			       unsigned int tag)
{
	bool begun = false;

	for (size_t i = 0; i < nr; i++) {
		if (!is_told(&f[i], tag))
			continue;
		if (!begun)
			metrics_write_head(out, PREFIX, guest_families[tag].name,
					   guest_families[tag].type, "As the guest tells it.");
		begun = true;
		metrics_write_labels(out, PREFIX, guest_families[tag].name, &f[i].common, NULL,
				     NULL);
		metrics_write_value(out, FIGURES_NUMBER, f[i].stats[tag]);
	}
}

static void write_guest_age(FILE *out, const struct balloon_figures *f, size_t nr)
{
	bool begun = false;

	for (size_t i = 0; i < nr; i++) {
		if (!f[i].stats_sequence)
			continue;
		if (!begun)
			metrics_write_head(out, PREFIX, "guest_age_seconds", "gauge",
					   "Age of what the guest told.");
		begun = true;
		metrics_write_labels(out, PREFIX, "guest_age_seconds", &f[i].common, NULL, NULL);
		metrics_write_value(out, FIGURES_NS, f[i].stats_age_ms * 1000000);
	}
}

static void write_more(FILE *out, const struct figures *common, size_t nr)
{
	const struct balloon_figures *f = own(common);

	write_stalled(out, f, nr);
	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++)
		write_guest_family(out, f, nr, tag);
	write_guest_age(out, f, nr);
}

static int take_answer(struct figures *f, unsigned int i, struct json_object *result)
{
	struct balloon_figures *figures = (struct balloon_figures *)f;

	return i == 0 ? balloon_from_status(figures, result) : balloon_from_stats(figures, result);
}

static struct json_object *status_json(const struct figures *f)
{
	return balloon_status_json(own(f));
}

const struct figures_type balloon_figures_type = {
	.bytes = sizeof(struct balloon_figures),
	.requests = {"status", "stats"},
	.nr_requests = 2,
	.take = take_answer,
	.status_json = status_json,
	.metrics_prefix = PREFIX,
	.host_free = true,
	.families = families,
	.nr_families = sizeof(families) / sizeof(families[0]),
	.write_metrics = write_more,
};
