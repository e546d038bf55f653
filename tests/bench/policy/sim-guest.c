// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model of a guest. In the order in which Linux finds memory: what is free, page cache that was read
 * once, allocated memory that nobody touches (to swap), page cache that is read over and over, and, when
 * there is swap left, memory that is touched: thrashing. A guest that finds none takes some out of its
 * balloon (VIRTIO_BALLOON_F_DEFLATE_ON_OOM), and when the host has none either, kills its load, which
 * begins again ten seconds later.
 *
 * It knows nothing of who decides.
 */
#include "bench/policy/sim.h"

/** a tick's part of what a machine does in a second: 400 MiB allocated, 80 swapped in or out, 160 read,
 * 200 reclaimed beside those who allocate */
#define PER_TICK(mib_s) ((mib_s)*SIM_MIB * SIM_TICK_MS / 1000)
#define ALLOC_KIB PER_TICK(400)
#define SWAP_KIB PER_TICK(80)
#define READ_KIB PER_TICK(160)
#define ASYNC_KIB PER_TICK(200)
#define DOWN_MS 10000u
/** kept free: a part of the memory, as the watermarks are */
#define WATERMARK 128u
#define KIB_PER_PAGE 4u
/** so little missing is noise */
#define NOISE_KIB SIM_MIB

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t sim_has(const struct sim_guest *g)
{
	return g->created ? g->load->max_kib - g->balloon_kib : 0;
}

uint64_t sim_free(const struct sim_guest *g)
{
	return less(sim_has(g), g->load->kernel_kib + g->resident_kib + g->kept_kib + g->old_kib);
}

static uint64_t watermark(const struct sim_guest *g)
{
	return sim_has(g) / WATERMARK;
}

static uint64_t usable(const struct sim_guest *g)
{
	return less(sim_free(g), watermark(g));
}

uint64_t sim_available(const struct sim_guest *g)
{
	uint64_t cache = g->kept_kib + g->old_kib;

	return usable(g) + cache - min_u64(cache / 2, watermark(g));
}

uint64_t sim_need(const struct sim_guest *g)
{
	uint64_t cold = g->wants.anon_kib - g->wants.hot_kib;

	return g->load->kernel_kib + g->wants.hot_kib + less(cold, g->load->swap_kib) +
	       g->wants.file_kib + watermark(g);
}

/* --- finding memory --- */

/** what a tick has left of each */
struct budget {
	uint64_t async_kib, swap_out_kib;
};

/* Page cache goes; beside the tasks as long as that is fast enough. */
static void count_reclaim(struct sim_guest *g, struct budget *b, uint64_t kib)
{
	uint64_t async = min_u64(kib, b->async_kib);

	b->async_kib -= async;
	g->counters.async_scan_kib += async;
	g->counters.direct_scan_kib += kib - async;
	g->counters.alloc_stalls += kib > async;
}

static uint64_t drop_cache(struct sim_guest *g, struct budget *b, uint64_t *cache, uint64_t kib)
{
	uint64_t got = min_u64(*cache, kib);

	*cache -= got;
	count_reclaim(g, b, got);
	return got;
}

/* @keep: what stays resident. */
static uint64_t swap_out(struct sim_guest *g, struct budget *b, uint64_t keep, uint64_t kib)
{
	uint64_t room = less(g->load->swap_kib, g->swapped_kib);
	uint64_t got = min_u64(min_u64(less(g->resident_kib, keep), kib), min_u64(room, b->swap_out_kib));

	g->resident_kib -= got;
	g->swapped_kib += got;
	b->swap_out_kib -= got;
	g->counters.swap_out_kib += got;
	g->counters.direct_scan_kib += got;
	g->counters.alloc_stalls += got > 0;
	return got;
}

enum reach { NOTHING_HOT, KEPT_FILES, HOT_PAGES };

/* Makes @kib free, as far as @reach goes. Return: KiB that are */
static uint64_t find(struct sim_guest *g, struct budget *b, uint64_t kib, enum reach reach)
{
	uint64_t got = min_u64(usable(g), kib);

	got += drop_cache(g, b, &g->old_kib, kib - got);
	got += swap_out(g, b, g->wants.hot_kib, kib - got);
	if (reach >= KEPT_FILES)
		got += drop_cache(g, b, &g->kept_kib, kib - got);
	if (reach >= HOT_PAGES)
		got += swap_out(g, b, 0, kib - got);
	return got;
}

/* --- a tick --- */

static void kill_load(struct sim_guest *g, uint64_t now_ms)
{
	g->counters.oom_kills++;
	g->down_until_ms = now_ms + DOWN_MS;
	g->began_ms = g->down_until_ms;
}

/* What ended is given up; what is swapped in the same part. */
static void give_up(struct sim_guest *g)
{
	uint64_t all = g->resident_kib + g->swapped_kib, wants = g->wants.anon_kib;

	if (all <= wants)
		return;
	g->swapped_kib = g->swapped_kib * wants / all;
	g->resident_kib = wants - g->swapped_kib;
}

static void allocate(struct sim_guest *g, struct budget *b, uint64_t now_ms, uint64_t *host_free_kib)
{
	uint64_t wants = min_u64(less(g->wants.anon_kib, g->resident_kib + g->swapped_kib), ALLOC_KIB);
	uint64_t got = find(g, b, wants, HOT_PAGES), out;

	if (got < wants && g->swapped_kib >= g->load->swap_kib) {
		/* nothing is left to be found: the balloon, or a kill */
		out = min_u64(min_u64(wants - got, g->balloon_kib), *host_free_kib);
		g->balloon_kib -= out;
		*host_free_kib -= out;
		got += out;
		if (!got)
			kill_load(g, now_ms);
	}
	g->resident_kib += got;
	g->below |= wants - got > NOISE_KIB;
}

/* Touched memory that was swapped out comes back, or others' goes for it: then both are moved. */
static void touch(struct sim_guest *g, struct budget *b)
{
	uint64_t missing = min_u64(less(g->wants.hot_kib, g->resident_kib), g->swapped_kib);
	uint64_t wants = min_u64(missing, SWAP_KIB), got;

	if (!missing)
		return;
	got = find(g, b, wants, KEPT_FILES);
	g->resident_kib += got;
	g->swapped_kib -= got;
	g->counters.swap_in_kib += wants;
	g->counters.swap_out_kib += wants - got;
	g->counters.major_faults += wants / KIB_PER_PAGE;
	g->below |= missing > NOISE_KIB;
}

static void read_files(struct sim_guest *g, struct budget *b)
{
	uint64_t missing = less(g->wants.file_kib, g->kept_kib), wants = min_u64(missing, READ_KIB), got;
	uint64_t stream = g->wants.stream_kib_s * SIM_TICK_MS / 1000;

	if (g->kept_kib > g->wants.file_kib) {
		g->old_kib += g->kept_kib - g->wants.file_kib;
		g->kept_kib = g->wants.file_kib;
	}
	got = find(g, b, wants, NOTHING_HOT);
	g->kept_kib += got;
	/* what has no room pushes out what was read before it */
	count_reclaim(g, b, wants - got);
	g->counters.major_faults += wants / KIB_PER_PAGE;
	g->below |= wants - got > NOISE_KIB;
	got = min_u64(usable(g), stream);
	g->old_kib += got;
	count_reclaim(g, b, stream - got);
}

void sim_guest_tick(struct sim_guest *g, uint64_t now_ms, uint64_t *host_free_kib)
{
	struct budget b = {.async_kib = ASYNC_KIB, .swap_out_kib = SWAP_KIB};
	bool down = now_ms < g->down_until_ms;

	g->wants = sim_load_at(g->load, down ? 0 : now_ms - g->began_ms);
	g->below = down;
	give_up(g);
	allocate(g, &b, now_ms, host_free_kib);
	touch(g, &b);
	read_files(g, &b);
}

uint64_t sim_guest_fill(struct sim_guest *g, uint64_t kib)
{
	struct budget b = {.swap_out_kib = SWAP_KIB};
	uint64_t got = find(g, &b, kib, KEPT_FILES);

	g->balloon_kib += got;
	return got;
}
