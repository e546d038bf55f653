/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory reservation: moving runs of frames to Xen and back, exact to the frame.
 *
 * Runs are cut into the largest extents they allow, collected by order, and handed to the hypervisor
 * a full call at a time. Before each call its extents stand in a journal that survives the process: if
 * the process dies in between, the next start asks Xen for each frame in it and brings the bitmap up to date.
 *
 * Work is done in turns of bounded cost (budget.h). What a turn had no room for stays: of a run with
 * the caller, of what was collected in here.
 *
 *   reservation_turn --> release | populate ... --> flush --> what is not done waits for the next turn
 *
 * Doubt: a guest has hypercalls of its own and may take frames back past its driver, and a populate may leave a frame owned and not
 * mapped. Both raise the sum of what the domain owns and what is in the balloon, which nothing else does but another process's
 * mapping of a released frame. While that sum is higher than it was when all frames were asked for last, no bit of the bitmap
 * is believed: a frame is asked for before it is populated.
 *
 * A guest that gives frames of its own away and takes as many again is not doubted: Linux does so for each mapping of another
 * domain's memory. One that takes others again than it gave hides that, and can lose a frame to nobody's use that counts as its own. What it
 * hid is found in time, as some frames are asked for now and then without cause (balloon-verify.c).
 *
 * Where a call is a way to another process, the domain is not looked at before frames are populated, but with that (move_extents of
 * the seam): it is expected to be as it was left, and where it is not, nothing is populated, and all is looked at anew.
 */
#ifndef BACKEND_RESERVATION_H
#define BACKEND_RESERVATION_H

#include "backend/devices/balloon/budget.h"
#include "backend/devices/balloon/frames.h"
#include <xenvirtio/gmem.h>

#define RESERVATION_PRICE_UNIT 16 /* parts of a unit of budget.h */
#define RESERVATION_CALL_FRAMES 4096u /* frames of large extents in a call, as long as nothing is known of what it costs */
#define RESERVATION_PRICE_MAX (BUDGET_FRAME * RESERVATION_PRICE_UNIT)

enum reservation_op {
	RESERVATION_IDLE,
	RESERVATION_RELEASE,
	RESERVATION_POPULATE,
};

/** one hypervisor call under way; plain data, in memory that outlives the process */
struct reservation_journal {
	uint32_t op;	/* written last when a call begins, first when it ends */
	uint32_t order;
	uint32_t nr;
	uint32_t pause;		/* of the guest, see balloon-refill.c */
	uint64_t tot_pages;	/* of the domain, before the call: for daemons that go by it */
	uint64_t start_gfn[XENVIRTIO_EXTENTS_MAX];
};

/** extents of several orders, large ones first, in one call; their frames, singly, have room in a journal */
struct reservation_call {
	size_t nr;
	uint64_t frames;
	struct xenvirtio_extent extent[XENVIRTIO_EXTENTS_MAX];
};

/** extents of one order on their way into a call: start[at..nr) */
struct reservation_bucket {
	size_t at;
	size_t nr;
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
};

struct reservation {
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct frames *frames;
	struct reservation_journal *journal;
	struct budget budget;	/* of this turn */
	bool looked;		/* at the domain, in this turn */
	bool carried;		/* extents to populate were collected in an earlier turn, and not looked at since */
	bool found;		/* frames of the balloon were found to be there since extents were collected, or may have been */
	int64_t price[2];	/* of a frame in a large extent, released and populated: as measured, in parts of a unit */
	uint32_t call_frames[2];	/* of large extents, likewise: at most so many a call, for now */
	uint64_t bad_pages;	/* times the hypervisor would not release a frame, since init */
	uint64_t released_pages;	/* since init */
	uint64_t populated_pages;	/* since init */
	uint64_t hypercall_ns;	/* spent in releasing and populating calls, since init */
	uint64_t moves;		/* looks that found more or fewer frames than we had left to the domain */
	uint64_t tot_pages;	/* of the domain: when it was looked at, and moved along with what was done since */
	uint64_t max_pages;	/* of the domain, likewise */
	bool paused;		/* by whomever: likewise */
	uint64_t pod_pages;	/* that it can touch beside what it owns; below 0 modulo 2^64 */
	bool pod_over;		/* and never will again */
	bool pod_left;		/* it was seen to have entries: each frame that is asked for costs a hypercall */
	uint64_t base;		/* the sum (see above) when all frames were asked for */
	uint64_t floor;		/* the sum that the domain had with all frames its own: base does not fall below */
	bool base_known;
	uint64_t *saved;	/* base plus 1, where it survives; 0: not known. NULL: it does not */
	bool doubt;
	bool short_of_memory;	/* the last populate could not get all it wanted */
	bool dropped;		/* extents were too large to be had: populate what is still ballooned again */
	unsigned int max_order;	/* of what is cut for populating at the moment */
	uint64_t suspect;	/* frame that may have been why its extent was not released */
	struct reservation_bucket release[XENVIRTIO_ORDER_MAX + 1];
	struct reservation_bucket populate[XENVIRTIO_ORDER_MAX + 1];
	struct reservation_call call;
};

/**
 * reservation_init() - and finish what a dead process had begun
 *
 * Return: 0; -EBADMSG the journal cannot be; XENVIRTIO_E_GONE; -errno
 */
int reservation_init(struct reservation *r, struct xenvirtio_hv *hv, struct xenvirtio_gmem *gmem,
		     struct frames *frames, struct reservation_journal *journal);

/**
 * reservation_keep() - what was known of the sum when a process died is known again
 * @saved: in memory that outlives the process, borrowed; 0 when new
 *
 * Whoever serves the guest meanwhile and does not keep it does no harm: moving frames leaves the sum as it is.
 * Return: 0; -EBADMSG it cannot be
 */
int reservation_keep(struct reservation *r, uint64_t *saved);

/**
 * reservation_turn() - a turn begins
 * @units: what it may cost
 *
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
int reservation_turn(struct reservation *r, int64_t units);
/** reservation_look() - at the domain, once a turn; what moves frames does it by itself */
int reservation_look(struct reservation *r);

/**
 * reservation_expect() - the same for what is going to populate frames: where the seam looks with that, here it is not asked
 *
 * What else is to be believed of the domain's count, it shows when reservation_look() is called after.
 */
int reservation_expect(struct reservation *r);

/** reservation_sum() - what the domain owns, or gets by touching it, and what is in the balloon */
static inline uint64_t reservation_sum(const struct reservation *r)
{
	return r->tot_pages + r->pod_pages + r->frames->nr_set;
}
/** reservation_believe() - all frames of the balloon were asked for since the sum was @sum */
void reservation_believe(struct reservation *r, uint64_t sum);

/** reservation_release_begin() - with frames that belong together, in however many turns: what the domain owns before is looked at once */
int reservation_release_begin(struct reservation *r);
/**
 * reservation_release() - give frames to Xen
 * @run: all FRAME_PRESENT; what this turn had room for is taken off its front
 *
 * Frames are collected; nothing is certain before reservation_release_flush().
 */
int reservation_release(struct reservation *r, struct xenvirtio_run *run);
int reservation_release_flush(struct reservation *r);
/** reservation_release_idle() - nothing that was collected waits for the next turn */
bool reservation_release_idle(const struct reservation *r);

/**
 * reservation_settle() - frames in doubt: ask Xen for each, and mark it as it is
 * @run: all in RAM; asked for at once, whatever the budget: of one turn are reservation_ask_max() frames
 *
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
int reservation_settle(struct reservation *r, struct xenvirtio_run run);
/** reservation_ask_max() - frames that one question is for */
size_t reservation_ask_max(const struct reservation *r);

/** reservation_populate_begin() - look for large extents again, forget an earlier shortage */
void reservation_populate_begin(struct reservation *r);
/**
 * reservation_populate() - take frames back from Xen
 * @run: all FRAME_BALLOONED; what this turn had room for is taken off its front
 *
 * Collected likewise. Once Xen has no more to give, short_of_memory is set, the call returns 0
 * and takes all of @run to do nothing: frames that were not populated are still FRAME_BALLOONED after the flush.
 */
int reservation_populate(struct reservation *r, struct xenvirtio_run *run);
int reservation_populate_flush(struct reservation *r);
bool reservation_populate_idle(const struct reservation *r);

/** reservation_forget() - what was collected and not done shall not be */
void reservation_forget_release(struct reservation *r);
void reservation_forget_populate(struct reservation *r);

#endif /* BACKEND_RESERVATION_H */
