/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon device, as its own files see it.
 *
 *   balloon.c        the object, its configuration space, its target, what survives the process
 *   balloon-pages.c  inflate and deflate queues: messages to runs to the reservation
 *   balloon-stats.c  the statistics queue
 *
 * A batch holds the chains of one queue whose pages are on their way. An inflate batch lives only
 * during one call. A deflate batch stays while Xen has no frames for it, and is pushed only when
 * every frame it names is there.
 */
#ifndef BACKEND_BALLOON_INTERNAL_H
#define BACKEND_BALLOON_INTERNAL_H

#include <xenvirtio/balloon.h>

#include <time.h>

#include "balloon.h"
#include "reservation.h"

#define BALLOON_BATCH_CHAINS 16
/* Frames one message may name: 1 GiB. Linux sends 256, Windows 1024. */
#define BALLOON_MESSAGE_PFNS_MAX (UINT64_C(1) << 18)
/* Batches worked on in one call, so that a busy guest leaves its own process time for the rest. */
#define BALLOON_BATCHES_PER_CALL 8

struct balloon_batch {
	size_t nr_chains;
	struct xenvirtio_chain chain[BALLOON_BATCH_CHAINS];
	struct xenvirtio_runs runs;
};

/** what survives the process, in memory the caller gave */
struct balloon_persist {
	uint32_t target_pages;
	uint32_t actual_pages;
	/* As they were at first: a guest may grow its address space later, with frames of others. */
	uint32_t nr_ranges;	/* 0: fresh */
	uint32_t pad;
	struct xenvirtio_gfn_range range[FRAMES_RANGES_MAX];
	struct reservation_journal journal;
	uint64_t word[];	/* frames_words() of what is in the ranges */
};

struct balloon {
	struct balloon_config cfg;
	struct balloon_persist *persist;
	struct xenvirtio_device *dev;
	struct frames frames;
	struct reservation reservation;
	struct balloon_batch inflate;
	struct balloon_batch deflate;
	bool deflate_waiting;	/* the deflate batch is held until Xen has the frames */
	bool refill_waiting;	/* a reset found frames ballooned, and Xen has not given all back */
	bool pages_pending;	/* a call ended with chains left in a queue */
	bool replay[2];		/* queue 0, 1: the next chain may be one a dead process worked on */
	bool stats_held;	/* stats_chain is ours until new figures are wanted */
	struct xenvirtio_chain stats_chain;
	struct balloon_status status;	/* counters and statistics; the rest is filled in when asked */
};

/** tell the owner that something it may publish changed */
static inline void balloon_changed(struct balloon *b)
{
	if (b->cfg.changed)
		b->cfg.changed(b->cfg.opaque);
}

/** CLOCK_MONOTONIC, for figures only */
static inline uint64_t balloon_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/** serve both page queues, oldest deflate first; sets pages_pending when it stopped early */
int balloon_pages_run(struct balloon *b);
/** populate everything that is ballooned: no driver is left that knows of it */
int balloon_pages_refill(struct balloon *b);
/** frames a waiting deflate or refill still misses */
uint64_t balloon_pages_missing(const struct balloon *b);
/** forget batches; their chains are void after a reset */
void balloon_pages_reset(struct balloon *b);

/** take what the driver put into the statistics queue */
int balloon_stats_run(struct balloon *b);
void balloon_stats_reset(struct balloon *b);

#endif /* BACKEND_BALLOON_INTERNAL_H */
