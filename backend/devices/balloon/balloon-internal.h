/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon device, as its own files see it.
 *
 *   balloon.c        the object, its configuration space, its target, what survives the process
 *   balloon-batch.c  chains of the inflate and deflate queues to slices of runs
 *   balloon-pages.c  slices of runs to the reservation, and chains back to the driver
 *   balloon-stats.c  the statistics queue
 *   balloon-unused.c which pages are unused: question, answer, and who is asked
 *   balloon-hint.c   the free page queue
 *   balloon-hostreq.c the host request queue
 *
 * Who calls whom, beside what balloon.c has for all of them (counting an error):
 *
 *   balloon --> pages --> batch, reservation --> frames     one object: the balloon of balloon.h
 *      +------> stats
 *      +------> unused <-> hint, hostreq                  one question, asked by one of two ways
 *                  ^-- pages: one that goes into the balloon is unused no more
 *
 * reservation.h and frames.h know nothing of queues.
 *
 * A batch holds the chains of one queue whose pages are on their way. An inflate batch lives only
 * during one call. A deflate batch stays while Xen has no frames for it, and is pushed only when
 * every frame it names is there.
 */
#ifndef BACKEND_BALLOON_INTERNAL_H
#define BACKEND_BALLOON_INTERNAL_H

#include <xenvirtio/balloon-bulk.h>
#include <xenvirtio/balloon.h>

#include "backend/base/clock.h"
#include "backend/devices/balloon/balloon.h"
#include "backend/devices/balloon/reservation.h"

#define BALLOON_BATCH_CHAINS 16
/* Slices worked on in one call, so that a busy guest leaves its own process time for the rest. */
#define BALLOON_SLICES_PER_CALL 8

struct balloon_batch {
	size_t nr_chains;
	struct xenvirtio_chain chain[BALLOON_BATCH_CHAINS];
	bool partial;				/* the newest chain has not been decoded to its end */
	struct xenvirtio_balloon_decoder decoder; /* of the newest chain */
	struct xenvirtio_runs runs;		/* the slice */
};

/** what survives the process, in memory the caller gave */
struct balloon_persist {
	uint32_t target_pages;
	uint32_t actual_pages;
	/* As they were at first: a guest may grow its address space later, with frames of others. */
	uint32_t nr_ranges;	/* 0: fresh */
	uint32_t poison_val;
	uint32_t hint_cmd_id;	/* as the driver reads it */
	/* by which the driver negotiated, 8 bits each; 0 in a file of an older daemon */
	uint32_t bits;
	struct xenvirtio_gfn_range range[FRAMES_RANGES_MAX];
	struct reservation_journal journal;
	uint64_t word[];	/* frames_words() of what is in the ranges */
};

/** queues, in the order Linux numbers those of them that were negotiated */
enum balloon_vq {
	BALLOON_VQ_INFLATE,
	BALLOON_VQ_DEFLATE,
	BALLOON_VQ_STATS,
	BALLOON_VQ_FREE_PAGE,
	BALLOON_VQ_HOST_REQ,
	BALLOON_VQS,
};

/** the newest question, and what has been answered so far */
struct balloon_unused {
	enum balloon_unused_state state;
	enum balloon_unused_via via;
	struct frames frames;		/* unused ones are set; word is NULL when nothing was asked */
	struct xenvirtio_runs runs;	/* of the part at hand */
	bool pending;			/* a call ended with chains left in a queue */
};

/** host request queue: the driver's buffer for a request, and the part that ends an answer */
struct balloon_hostreq {
	bool request_held;
	bool last_held;
	bool replay;		/* parts may answer what a dead process asked */
	struct xenvirtio_chain request;
	struct xenvirtio_chain last;
	uint64_t req_id;	/* of the newest question; 0: none was asked */
};

struct balloon {
	struct balloon_config cfg;
	struct balloon_persist *persist;
	struct balloon_bits bits;	/* in force: what the driver negotiated by, or would */
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
	struct balloon_unused unused;
	bool hinting;		/* the driver said that hints for the question follow */
	uint32_t hint_last_id;	/* of the newest question by hints */
	struct balloon_hostreq hostreq;
	struct balloon_status status;	/* counters and statistics; the rest is filled in when asked */
};

/** tell the owner that something it may publish changed */
static inline void balloon_changed(struct balloon *b)
{
	if (b->cfg.changed)
		b->cfg.changed(b->cfg.opaque);
}

/** balloon_queue() - a queue by what it is for; NULL: not negotiated */
struct xenvirtio_queue *balloon_queue(const struct balloon *b, enum balloon_vq vq);

/** how pages are named, by what was negotiated */
enum xenvirtio_balloon_encoding balloon_encoding(const struct balloon *b);

/**
 * balloon_batch_fill() - the next slice of a batch; a new batch if there is none
 *
 * Return: 0; XENVIRTIO_E_EMPTY nothing waits; XENVIRTIO_E_GUEST the device is broken, the batch
 *         void; XENVIRTIO_E_GONE; -errno
 */
int balloon_batch_fill(struct balloon *b, unsigned int index, struct balloon_batch *batch);
/** balloon_batch_push() - the slice is done: give the chains back if it was their last */
int balloon_batch_push(struct balloon *b, unsigned int index, struct balloon_batch *batch);
/** balloon_batch_reset() - forget the chains, which are void after a reset */
void balloon_batch_reset(struct balloon_batch *batch);

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

/** balloon_unused_add() - unused.runs were named; frames that cannot be are counted and left out */
void balloon_unused_add(struct balloon *b);
/** balloon_unused_forget() - frames are being given to the guest: they are unused no longer */
void balloon_unused_forget(struct balloon *b, struct xenvirtio_run run);
/** balloon_unused_end() - the answer is complete, or there will be none; only while ASKED */
void balloon_unused_end(struct balloon *b, enum balloon_unused_state state);
/** balloon_unused_run() - go on with queues left half served */
int balloon_unused_run(struct balloon *b);
/** balloon_unused_reset() - the driver is gone */
void balloon_unused_reset(struct balloon *b);

/** balloon_hint_ask() - Return: 0; XENVIRTIO_E_EMPTY not negotiated; -errno */
int balloon_hint_ask(struct balloon *b);
/** balloon_hint_run() - take what the driver put into the free page queue */
int balloon_hint_run(struct balloon *b);
/** balloon_hint_release() - the driver may have its pages back; also ends what goes on */
int balloon_hint_release(struct balloon *b);

/** balloon_hostreq_ask() - Return: 0; XENVIRTIO_E_EMPTY there is no buffer for a request; as push */
int balloon_hostreq_ask(struct balloon *b);
/** balloon_hostreq_run() - take what the driver put into the host request queue */
int balloon_hostreq_run(struct balloon *b);
/** balloon_hostreq_release() - give the last part back */
int balloon_hostreq_release(struct balloon *b);
void balloon_hostreq_reset(struct balloon *b);

#endif /* BACKEND_BALLOON_INTERNAL_H */
