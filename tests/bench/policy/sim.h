/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated host for policies: guests that live through a load, a heap they share, and the figures by
 * which one rule is compared with another. Whole numbers and no clock but the ticks: a run is the same
 * each time, on each machine.
 *
 *   load (a file) --sim-load.c--> what a guest wants at each moment
 *                    sim-guest.c  what it gets: pages, page cache, swap; counters as Linux has them
 *                    sim-host.c   the balloons, the heap, guests that wait to be created; the figures
 *                    rule-*.c     who decides: --auto's own code, and two others' rules
 *                    sim-compare.c  where one is behind the others
 *
 * A model, also of what was recorded: what a guest does is the arithmetic of sim-guest.c, with its constants there.
 */
#ifndef BENCH_POLICY_SIM_H
#define BENCH_POLICY_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MIB UINT64_C(1024)
#define SIM_TICK_MS 50u
#define SIM_GUESTS_MAX 16
#define SIM_POINTS_MAX 512

/** struct sim_point - what a load wants at one moment; between two of them it goes in a straight line */
struct sim_point {
	uint64_t ms;	       /* since the load began */
	uint64_t anon_kib;     /* allocated */
	uint64_t hot_kib;      /* of that, what is touched all the time */
	uint64_t file_kib;     /* files read over and over */
	uint64_t stream_kib_s; /* files read once */
};

struct sim_load {
	char name[32];
	uint64_t max_kib;    /* static-max */
	uint64_t kernel_kib; /* what is never given */
	uint64_t swap_kib;
	uint64_t has_kib;  /* it is there from the beginning, and has so much; 0: it is created */
	uint64_t start_ms; /* then, when there is room for all of static-max */
	struct sim_point point[SIM_POINTS_MAX];
	size_t nr;
};

struct sim_trace {
	char name[32];
	uint64_t host_kib;
	uint64_t length_ms;
	struct sim_load load[SIM_GUESTS_MAX];
	size_t nr;
};

/** sim_trace_read() - Return: 0; -errno; the line that is wrong */
int sim_trace_read(struct sim_trace *t, const char *path);
/** sim_trace_vary() - one of its variations: the host has 90 to 120 %, a load takes 85 to 115 % of the time and 90 to 110 % of the
 * memory, and begins up to two seconds later. The same @number is the same one */
void sim_trace_vary(struct sim_trace *t, unsigned int number);
/** sim_load_at() - what is wanted @ms after the load began; the last point's from then on */
struct sim_point sim_load_at(const struct sim_load *load, uint64_t ms);

/* --- a guest --- */

/** struct sim_counters - since boot, as virtio_balloon tells them: bytes in KiB, and events */
struct sim_counters {
	uint64_t swap_in_kib, swap_out_kib, major_faults, oom_kills, alloc_stalls;
	uint64_t async_scan_kib, direct_scan_kib;
};

struct sim_guest {
	const struct sim_load *load;
	bool created;
	uint64_t balloon_kib, target_kib;
	uint64_t resident_kib, swapped_kib; /* of what is allocated */
	uint64_t kept_kib, old_kib;	    /* page cache: of the files read over and over; the rest */
	uint64_t began_ms;		    /* its load; after a kill it begins again */
	uint64_t down_until_ms;		    /* killed, and not back yet */
	struct sim_counters counters;
	/* this tick */
	struct sim_point wants;
	bool below; /* it did not get what it needs */
};

uint64_t sim_has(const struct sim_guest *g);
uint64_t sim_free(const struct sim_guest *g);
/** sim_available() - as MemAvailable: what is free, and the page cache less a little */
uint64_t sim_available(const struct sim_guest *g);
/** sim_need() - the size at which its load runs without waiting for memory */
uint64_t sim_need(const struct sim_guest *g);
/** sim_guest_tick() - live for a tick. @host_free_kib: updated by what it takes out of its balloon
 * before it kills */
void sim_guest_tick(struct sim_guest *g, uint64_t now_ms, uint64_t *host_free_kib);
/** sim_guest_fill() - give the balloon as much. Return: KiB that it did */
uint64_t sim_guest_fill(struct sim_guest *g, uint64_t kib);

/* --- the host --- */

/** struct sim_figures - of a run */
struct sim_figures {
	uint64_t oom_kills;
	uint64_t below_ms;   /* of all guests: they wanted a page and there was none for it, or one they had
			      * touched is swapped out; also while they are killed, or not yet created */
	uint64_t beyond_ms;  /* of that, by guests that run with all they may have: no rule can help them */
	uint64_t idle_kib;   /* in guests that do not need it, on average over the time */
	uint64_t first_ms;   /* the longest from need to the first memory, while the host had some that nobody waited for to be created */
	uint64_t orders;     /* targets that were changed */
};

struct sim_host {
	const struct sim_trace *trace;
	struct sim_guest guest[SIM_GUESTS_MAX];
	size_t nr;
	uint64_t now_ms;
	uint64_t free_kib;
	uint64_t orders;
};

/** sim_waiting() - the room that guests to be created wait for, in KiB; the next one's only */
uint64_t sim_waiting(const struct sim_host *h);
/** sim_set_target() - an order; more than static-max is cut */
void sim_set_target(struct sim_host *h, struct sim_guest *g, uint64_t kib);

/** struct sim_rule - who decides */
struct sim_rule {
	const char *name;
	/** open - Return: its own; NULL: out of memory */
	void *(*open)(struct sim_host *h);
	/** tick - after each tick of the guests */
	void (*tick)(void *rule);
	void (*close)(void *rule);
};

/** sim_auto_older - for guests of Linux before 6.12, which tell less */
extern const struct sim_rule sim_auto, sim_auto_older, sim_squeezed, sim_qmemman;

/** sim_run() - Return: 0; -ENOMEM */
int sim_run(const struct sim_trace *t, const struct sim_rule *rule, struct sim_figures *figures);

/* --- one rule beside others --- */

/** of --auto: the first memory is there within that */
#define SIM_INTERVAL_MS 250u

/** what a rule is behind in, a bit each */
enum sim_bar { SIM_KILLS = 1, SIM_BELOW = 2, SIM_IDLE = 4, SIM_FIRST = 8 };

/** sim_is_comparable() - whether times below need can be compared: not with a rule under which more is killed, for what was killed needs
 * nothing for a while, and begins anew */
bool sim_is_comparable(const struct sim_figures *ours, const struct sim_figures *other);
/** sim_behind() - in what @ours is behind the best of @nr others; of the first memory, behind SIM_INTERVAL_MS */
unsigned int sim_behind(const struct sim_figures *ours, const struct sim_figures *others, size_t nr);

#endif /* BENCH_POLICY_SIM_H */
