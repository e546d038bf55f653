/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a balloon's device process says of itself at one moment. Plain data; it owns nothing.
 */
#ifndef BACKEND_BALLOON_FIGURES_H
#define BACKEND_BALLOON_FIGURES_H

#include "backend/devices/balloon/balloon.h"
#include "backend/figures/figures.h"

struct balloon_figures {
	struct figures common; /* first */
	uint64_t static_max_kib;
	uint64_t dynamic_min_kib; /* what --auto leaves it at least; 0: nobody said */
	uint64_t limit_kib;	  /* what it shall have at most; 0: static-max */
	uint64_t share;		  /* for --auto; 0: nobody said */
	uint64_t target_kib;	/* what the guest shall have */
	bool pinned;		/* somebody named that, and --auto leaves it alone */
	bool refused;		/* the last target named; then also which, and why */
	uint64_t refused_kib;
	uint64_t refused_free_kib;
	uint64_t refused_owed_kib;
	uint64_t actual_kib;	/* size of the balloon as the guest says: for show only */
	uint64_t ballooned_kib; /* what Xen holds back: exact */
	uint64_t due_kib;	/* beside that: in the guest's balloon, and not released yet, or populated already */
	uint64_t unowed_kib;	/* of that: the guest could not have it back, see reserve.h */
	uint64_t domain_max_kib; /* memory/static-max: never another for this domain */
	enum balloon_stall stall;
	uint64_t stall_kib; /* still missing */
	bool paused;	    /* by the daemon: the guest was reset, and its memory is being put back */
	uint64_t holes_kib; /* likewise, and the guest runs without so much of it */
	/* since the process started */
	uint64_t refusals;
	uint64_t stalls;
	uint64_t inflated_bytes;
	uint64_t deflated_bytes;
	uint64_t inflate_ns;
	uint64_t deflate_ns;
	uint64_t inflate_messages;
	uint64_t deflate_messages;
	uint64_t inflate_decode_ns; /* before inflate_ns begins */
	uint64_t deflate_decode_ns;
	uint64_t inflate_hypercall_ns; /* a part of inflate_ns */
	uint64_t deflate_hypercall_ns;
	/* the guest's statistics */
	uint64_t stats_sequence; /* 0: none yet */
	uint64_t stats_age_ms;
	uint64_t stats_ballooned_kib; /* in the guest's balloon at the time they are of */
	uint32_t stats_valid; /* bit t: stats[t] was in the newest set */
	uint64_t stats[BALLOON_STATS];
	/* the newest answer of unused pages, while it is held */
	enum balloon_unused_state unused;
	enum balloon_unused_via unused_via;
	uint64_t unused_kib;
	uint64_t unused_ns; /* that the guest took for it */
	uint64_t ram_kib;   /* what there can be at most, with the balloon empty */
};

/** balloon_figures_take() - fill in what the balloon knows; the rest is left as it is */
void balloon_figures_take(struct balloon_figures *f, const struct balloon_status *status);

/** balloon_stall_name() - "max-mem", "host"; NULL for none, and out of range */
const char *balloon_stall_name(enum balloon_stall stall);

/** balloon_via_name() - "host-request", "free-page-hint" */
const char *balloon_via_name(enum balloon_unused_via via);

/** balloon_gone_kib() - what the guest has not to use: in its balloon, whether Xen has it or not */
uint64_t balloon_gone_kib(const struct balloon_figures *f);
/** balloon_wanted_kib() - what will be ballooned when the target is reached */
uint64_t balloon_wanted_kib(const struct balloon_figures *f);

/** balloon_figures_type - how they are told and read; of the daemon, balloon-metrics.c */
extern const struct figures_type balloon_figures_type;

#endif /* BACKEND_BALLOON_FIGURES_H */
