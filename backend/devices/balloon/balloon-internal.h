/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon device, as its own files see it.
 *
 *   balloon.c        the object, its configuration space, its target, what survives the process
 *   balloon-batch.c  chains of the inflate and deflate queues to slices of runs
 *   balloon-slice.c  a slice of runs to the reservation, as far as a turn goes
 *   balloon-due.c    frames the driver has put into its balloon and Xen has not taken yet: balloon-due.h
 *   balloon-ahead.c  those that Xen has given back before the driver asked for them
 *   balloon-pages.c  turns of the page queues, and chains back to the driver
 *   balloon-refill.c putting all frames back after a reset, the guest paused meanwhile
 *   balloon-verify.c whether what is in the balloon is still there
 *   balloon-stats.c  the statistics queue
 *   balloon-unused.c which pages are unused: question, answer, and who is asked
 *   balloon-hint.c   the free page queue
 *   balloon-hostreq.c the host request queue
 *
 * Who calls whom, beside what balloon.c has for all of them (counting an error):
 *
 *   balloon --> pages --> batch                 one object: the balloon of balloon.h
 *      |          +-----> due --+
 *      |          +-----> slice --> reservation, frames
 *      +------> refill -> slice
 *      +------> verify -> reservation
 *      +------> stats
 *      +------> unused <-> hint, hostreq       one question, asked by one of two ways
 *                  ^-- slice: a page that goes into the balloon is unused no more
 *
 * reservation.h and frames.h know nothing of queues; reservation.c, reservation-move.c and reservation-call.c are one object.
 *
 * A batch holds the chains of one queue whose pages are on their way. It stays for as many turns as they take
 * (budget.h), a deflate batch also while Xen has no frames for it, and is pushed only when all that it names is done.
 */
#ifndef BACKEND_BALLOON_INTERNAL_H
#define BACKEND_BALLOON_INTERNAL_H

#include <xenvirtio/balloon-bulk.h>
#include <xenvirtio/balloon.h>

#include "backend/base/clock.h"
#include "backend/devices/balloon/balloon.h"
#include "backend/devices/balloon/reservation.h"

#define BALLOON_BATCH_CHAINS 16
/* num_pages, actual */
#define HOST_FIELDS 2
/* Frames looked at for one piece of a run. */
#define BALLOON_WINDOW 65536u

/** runs to be worked on, and how far that has come: @offset frames of run number @at */
struct balloon_slice {
	struct xenvirtio_runs runs;
	size_t at;
	uint64_t offset;
	bool walked; /* to the end once: what was in doubt has been asked for, and errors counted */
	bool again;  /* from the beginning, though some of it is done */
};

struct balloon_batch {
	size_t nr_chains;
	struct xenvirtio_chain chain[BALLOON_BATCH_CHAINS];
	bool partial;				/* the newest chain has not been decoded to its end */
	bool open;				/* the slice is being worked on */
	bool begun;				/* some of it was given to the reservation: of inflating */
	bool noted;				/* and is done: what it names is due */
	bool drained;				/* no further chain waited when its last one was taken, nor was there a kick since */
	struct xenvirtio_balloon_decoder decoder; /* of the newest chain */
	struct balloon_slice slice;
};

#include "backend/devices/balloon/balloon-due.h"

/** what a queue or a task of the balloon's own still has to do when a turn ends: a bit each */
enum balloon_work {
	BALLOON_WORK_PAGES = 1,
	BALLOON_WORK_REFILL = 2,
	BALLOON_WORK_UNUSED = 4,
	BALLOON_WORK_STATS = 8,
	BALLOON_WORK_VERIFY = 16,
};

/*
 * In balloon_persist.nr_ranges. A daemon of before there were any takes a file with one of them for damaged and leaves it as it
 * is, and the guest paused: better than to serve a guest that nobody would unpause. Without them the file is as it was then.
 */
#define BALLOON_REFILL (UINT32_C(1) << 31)   /* no driver knows which frames are out */
#define BALLOON_NO_PAUSE (UINT32_C(1) << 30) /* the guest runs on what there is: somebody wants it so */
#define BALLOON_REFILL_FLAGS (BALLOON_REFILL | BALLOON_NO_PAUSE)
#define BALLOON_DUE (UINT32_C(1) << 29)      /* frames are due: who does not know of them would have them released in use */
#define BALLOON_FLAGS (BALLOON_REFILL_FLAGS | BALLOON_DUE)

/** what survives the process, in memory the caller gave */
struct balloon_persist {
	uint32_t target_pages;
	uint32_t actual_pages;
	/* As they were at first: a guest may grow its address space later, with frames of others. */
	uint32_t nr_ranges;	/* 0: fresh; and BALLOON_FLAGS */
	uint32_t poison_val;
	uint32_t hint_cmd_id;	/* as the driver reads it */
	/* by which the driver negotiated, 8 bits each; 0 in a file of an older daemon */
	uint32_t bits;
	struct xenvirtio_gfn_range range[FRAMES_RANGES_MAX];
	struct reservation_journal journal;
	/*
	 * frames_words() of what is in the ranges; one more is reservation_keep()'s; as many again for those that are due. A file
	 * of an older daemon ends before the last, or the last two.
	 */
	uint64_t word[];
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
	struct balloon_slice slice;	/* of the part at hand */
	struct budget budget;		/* of this turn */
};

/** host request queue: the driver's buffer for a request, and the part that ends an answer */
struct balloon_hostreq {
	bool request_held;
	bool last_held;
	bool replay;		/* parts may answer what a dead process asked */
	bool part_held;		/* the part that is being read */
	struct xenvirtio_chain request;
	struct xenvirtio_chain last;
	struct xenvirtio_chain part;
	struct xenvirtio_balloon_answer answer;	  /* of the part */
	struct xenvirtio_balloon_decoder decoder; /* likewise */
	uint64_t req_id;	/* of the newest question; 0: none was asked */
};

/** the frames of the balloon, asked for one after the other: those of @active because of doubt, those of @sweeping in any case */
struct balloon_verify {
	bool active;
	uint64_t sum;		/* reservation_sum() when it began */
	uint64_t found;		/* frames that were there */
	uint64_t next_gfn;
	unsigned int turns;	/* that may still be spent on it */
	bool sweeping;
	unsigned int calls;	/* since the last turn of a sweep */
	uint64_t sweep_gfn;
	uint64_t sweeps;	/* that came to the end */
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
	struct balloon_due due;
	bool deflate_waiting;	/* the deflate batch is held until Xen has the frames */
	bool deflate_due;	/* inflating took the last turn */
	uint32_t seen_actual;	/* what the driver wrote last, as far as we have looked: the host may keep it for us */
	struct xenvirtio_host_field field[HOST_FIELDS];
	unsigned int untold_turns; /* since balloon_moved() */
	enum balloon_stall told_stall;
	unsigned int kicked;	/* page queues that may have chains, or are not done with one: a bit each */
	struct balloon_slice refill;
	bool refill_waiting;	/* a reset found frames ballooned, and Xen has not given all back */
	uint64_t missing_pages;	/* a waiting deflate's */
	struct balloon_verify verify;
	unsigned int work;	/* BALLOON_WORK_*: a turn ended before this was done */
	unsigned int work_done;	/* kinds that had a turn since the others had */
	bool replay[2];		/* queue 0, 1: the next chain may be one a dead process worked on */
	bool stats_held;	/* stats_chain is ours until new figures are wanted */
	struct xenvirtio_chain stats_chain;
	struct balloon_unused unused;
	bool hinting;		/* the driver said that hints for the question follow */
	bool hint_held;		/* hint_chain's pages are being noted */
	struct xenvirtio_chain hint_chain;
	uint32_t hint_last_id;	/* of the newest question by hints */
	struct balloon_hostreq hostreq;
	struct balloon_status status;	/* counters and statistics; the rest is filled in when asked */
};

/** balloon_actual() - the guest's word for how much is in its balloon: hostile, and another one at any time */
static inline uint32_t balloon_actual(const struct balloon *b)
{
	return __atomic_load_n(&b->persist->actual_pages, __ATOMIC_RELAXED);
}

/** tell the owner that something it may publish changed */
static inline void balloon_changed(struct balloon *b)
{
	if (b->cfg.changed)
		b->cfg.changed(b->cfg.opaque);
}

/** balloon_moved() - the same of a balloon that moves: others may want to know it less often, until it is where it should be, or cannot */
void balloon_moved(struct balloon *b);

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
/**
 * balloon_count_new_pages() - pages that these bytes of a chain are in, and those before them are not
 *
 * Each may have to be mapped, in place of another.
 */
uint64_t balloon_count_new_pages(const struct xenvirtio_chain *chain, uint64_t offset, uint64_t len);
/** balloon_batch_push() - the slice is done: give the chains back if it was their last */
int balloon_batch_push(struct balloon *b, unsigned int index, struct balloon_batch *batch);
/** balloon_batch_reset() - forget the chains, which are void after a reset */
void balloon_batch_reset(struct balloon_batch *batch);

/** balloon_slice_begin() - with runs that are new; balloon_slice_rewind() - once more with the same */
void balloon_slice_begin(struct balloon_slice *s);
void balloon_slice_rewind(struct balloon_slice *s);
/** balloon_slice_front() - what is left of the run that is worked on; false: the slice is at its end */
bool balloon_slice_front(struct balloon_slice *s, struct xenvirtio_run *rest);
/** balloon_slice_peek() - the next piece of one state; false: the slice is at its end. Charged to @budget */
bool balloon_slice_peek(const struct balloon *b, struct balloon_slice *s, struct budget *budget,
			struct xenvirtio_run *piece, enum frame_state *state);
/**
 * balloon_slice_release() - give the frames of a slice to Xen, as far as this turn goes
 * @replay: a dead process may have done a part: frames that are in the balloon are no error
 * @done:   out; nothing of it is left to do
 */
int balloon_slice_release(struct balloon *b, struct balloon_slice *s, bool replay, bool *done);
/** balloon_slice_populate() - take them back; with short_of_memory of the reservation @done is not all that was wanted */
int balloon_slice_populate(struct balloon *b, struct balloon_slice *s, bool replay, bool *done);
/** balloon_bad_pages() - count an error, if @nr is not 0 */
void balloon_bad_pages(struct balloon *b, uint64_t nr, const char *detail);

/** the driver may have made chains available in a page queue */
void balloon_pages_kicked(struct balloon *b, unsigned int index);
/** a turn of both page queues, oldest deflate first */
int balloon_pages_run(struct balloon *b);
/** frames are missing: say why */
void balloon_note_stall(struct balloon *b);
/** frames a waiting deflate or refill still misses */
uint64_t balloon_pages_missing(const struct balloon *b);
/** forget batches; their chains are void after a reset */
void balloon_pages_reset(struct balloon *b);
/** the driver stopped a queue: its messages will not be answered, nor gone on with */
void balloon_pages_stop(struct balloon *b, enum balloon_vq vq);

/** balloon_refill_reset() - populate everything that is ballooned: no driver is left that knows of it. A turn of that */
int balloon_refill_reset(struct balloon *b);
/** balloon_refill_run() - a turn of that. @units: what it may cost */
int balloon_refill_run(struct balloon *b, int64_t units);
/** balloon_refill_resume() - of a process that died in it */
int balloon_refill_resume(struct balloon *b);
/** balloon_refill_valid() - what is saved of it can be */
bool balloon_refill_valid(const struct balloon_persist *p);
/** balloon_refill_paused() - the guest does not run, by our doing */
bool balloon_refill_paused(const struct balloon *b);
/** balloon_refill_busy() - it goes on, or a pause is not ended */
bool balloon_refill_busy(const struct balloon *b);
/** balloon_refill_on_holes() - it goes on, and the guest runs */
bool balloon_refill_on_holes(const struct balloon *b);
/** balloon_refill_give_up_pause() - the guest shall run, whatever is missing; the refill goes on */
int balloon_refill_give_up_pause(struct balloon *b);
/** balloon_refill_remove() - nobody will end the pause later */
int balloon_refill_remove(struct balloon *b);

/** balloon_verify_run() - a turn of asking for the balloon's frames */
int balloon_verify_run(struct balloon *b);

/** take what the driver put into the statistics queue */
int balloon_stats_run(struct balloon *b);
void balloon_stats_reset(struct balloon *b);

/**
 * balloon_unused_add() - unused.slice was named; frames that cannot be are counted and left out
 *
 * Return: it is done; false: the turn is over, call again
 */
bool balloon_unused_add(struct balloon *b);
/** balloon_unused_begin() - the slice is whole */
void balloon_unused_begin(struct balloon *b);
/** balloon_unused_drop() - what is left of the slice shall not be noted */
void balloon_unused_drop(struct balloon *b);
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
/** balloon_hint_stop() - the driver has its buffers back */
void balloon_hint_stop(struct balloon *b);

/** balloon_hostreq_ask() - Return: 0; XENVIRTIO_E_EMPTY there is no buffer for a request; as push */
int balloon_hostreq_ask(struct balloon *b);
/** balloon_hostreq_run() - take what the driver put into the host request queue */
int balloon_hostreq_run(struct balloon *b);
/** balloon_hostreq_release() - give the last part back */
int balloon_hostreq_release(struct balloon *b);
/** balloon_hostreq_stop() - the driver has its buffers back */
void balloon_hostreq_stop(struct balloon *b);
void balloon_hostreq_reset(struct balloon *b);

#endif /* BACKEND_BALLOON_INTERNAL_H */
