/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon device: what a guest's inflate, deflate and statistics queues mean on Xen.
 *
 * Inflating releases the guest's frames to Xen, deflating populates them again before the guest is
 * told it may use them. A bitmap holds exactly the frames Xen holds back; where anything speaks against it, the guest's page
 * tables are asked.
 *
 * It knows the library and nothing of xenstore, the event loop or the command line: the caller
 * gives it memory that survives the process, a target, and calls it again when it is stalled.
 * Return values follow xenvirtio/error.h. One thread.
 */
#ifndef BACKEND_BALLOON_H
#define BACKEND_BALLOON_H

#include <xenvirtio.h>

#include "backend/devices/balloon/bulk-bits.h"

/** statistics tags: virtio 1.2, 5.5.6.3, and those Linux 6.12 added */
enum balloon_stat {
	BALLOON_STAT_SWAP_IN,
	BALLOON_STAT_SWAP_OUT,
	BALLOON_STAT_MAJOR_FAULTS,
	BALLOON_STAT_MINOR_FAULTS,
	BALLOON_STAT_FREE_MEMORY,
	BALLOON_STAT_TOTAL_MEMORY,
	BALLOON_STAT_AVAILABLE_MEMORY,
	BALLOON_STAT_DISK_CACHES,
	BALLOON_STAT_HUGETLB_ALLOCATIONS,
	BALLOON_STAT_HUGETLB_FAILURES,
	BALLOON_STAT_OOM_KILL,
	BALLOON_STAT_ALLOC_STALL,
	BALLOON_STAT_ASYNC_SCAN,
	BALLOON_STAT_DIRECT_SCAN,
	BALLOON_STAT_ASYNC_RECLAIM,
	BALLOON_STAT_DIRECT_RECLAIM,
	BALLOON_STATS,
};

/** balloon_stat_name() - the tag as published: "free-memory"; NULL for a tag out of range */
const char *balloon_stat_name(unsigned int tag);

/** why a deflate cannot be finished at the moment */
enum balloon_stall {
	BALLOON_STALL_NONE,
	BALLOON_STALL_MAX_MEM,	/* the domain's max_mem forbids more */
	BALLOON_STALL_HOST,	/* Xen's heap has no frames to give */
};

/** how far the newest question for unused pages has come */
enum balloon_unused_state {
	BALLOON_UNUSED_NONE,	/* nothing was asked, or the answer was let go of */
	BALLOON_UNUSED_ASKED,	/* the driver is answering */
	BALLOON_UNUSED_DONE,	/* the answer is complete, and the driver holds the pages */
	BALLOON_UNUSED_FAILED,	/* there will be no answer: it was malformed, or the driver went */
};

/** whom a question for unused pages went to */
enum balloon_unused_via {
	BALLOON_UNUSED_VIA_HINT,
	BALLOON_UNUSED_VIA_HOST_REQ,
};

/** what a frame is to somebody who copies the guest's memory */
enum balloon_frame {
	BALLOON_FRAME_OUTSIDE,	 /* no RAM */
	BALLOON_FRAME_USED,	 /* may hold anything */
	BALLOON_FRAME_UNUSED,	 /* of no use to the guest, it says */
	BALLOON_FRAME_BALLOONED, /* not there */
};

/** what there is to publish; all figures in 4 KiB pages */
struct balloon_status {
	uint32_t target_pages;		/* size the balloon should have: num_pages */
	uint32_t actual_pages;		/* size the guest says it has: hostile, for show only */
	uint64_t ballooned_pages;	/* frames Xen holds back: exact */
	uint64_t due_pages;		/* beside them: in the driver's balloon, and the guest has them still, or already */
	uint64_t owed_pages;		/* of the first, as many as the domain may own beside what it has */
	uint64_t ram_pages;		/* frames the RAM ranges have: the most a target can be */
	enum balloon_stall stall;
	uint64_t stall_pages;		/* frames still missing when stalled */
	bool guest_paused;		/* by us: it was reset, and would run on holes */
	bool on_holes;			/* it was reset, and runs: stall_pages are missing */
	bool refilling;			/* it was reset, and what was begun then is not over */
	uint64_t inflated_pages;	/* released since the start of this process */
	uint64_t deflated_pages;	/* populated since the start of this process */
	uint64_t inflate_ns;		/* spent on releasing, likewise */
	uint64_t deflate_ns;		/* spent on populating, likewise; waiting is not counted */
	uint64_t inflate_messages;	/* chains given back to the driver, likewise */
	uint64_t deflate_messages;
	uint64_t inflate_decode_ns;	/* spent on reading messages and noting what they name, before inflate_ns begins */
	uint64_t deflate_decode_ns;
	uint64_t inflate_hypercall_ns;	/* the part of inflate_ns that passed in the hypervisor */
	uint64_t deflate_hypercall_ns;
	uint64_t stalls;		/* how often a deflate had to wait */
	uint64_t guest_errors[XENVIRTIO_GUEST_ERRORS];
	bool driver_ok;
	bool work_pending;		/* call balloon_retry() soon: a queue was left half served */
	uint64_t stats_sequence;	/* grows with each set of statistics; 0: none since reset */
	uint32_t stats_valid;		/* bit t: stats[t] was in the newest set */
	uint64_t stats[BALLOON_STATS];
	uint64_t stats_ns;		/* clock_now_ns() when they came */
	uint64_t stats_ballooned_pages;	/* ballooned_pages and due_pages at that time: what they do not count */
	enum balloon_unused_state unused;
	enum balloon_unused_via unused_via; /* while unused is not BALLOON_UNUSED_NONE */
	uint64_t unused_pages;		/* named so far as unused */
	uint32_t poison_val;		/* what the guest fills free pages with; 0: nothing. Hostile */
	enum xenvirtio_balloon_encoding encoding; /* how the driver names pages */
};

struct balloon_config {
	struct xenvirtio_hv *hv;	/* borrowed */
	struct xenvirtio_gmem *gmem;	/* borrowed */
	bool deflate_on_oom;		/* offer VIRTIO_BALLOON_F_DEFLATE_ON_OOM */
	struct balloon_bits bits;
	/** something in balloon_status changed; may come often, from inside any call; may be NULL */
	void (*changed)(void *opaque);
	/** of it only how much is in the balloon, or is to be, as it may be for a while; NULL: as changed */
	void (*moved)(void *opaque);
	/** for a rate-limited log; counted already; may be NULL */
	void (*guest_error)(void *opaque, enum xenvirtio_guest_error kind, const char *detail);
	void *opaque;
};

struct balloon;

/**
 * balloon_persist_bytes() - size of what must survive the process
 * @range, @nr: the guest's RAM, from hv.ram_ranges
 *
 * Return: bytes; 0 when the ranges are absurd (none, or more than 2^40 bytes of RAM)
 */
size_t balloon_persist_bytes(const struct xenvirtio_gfn_range *range, size_t nr);

/**
 * balloon_new() - make the device, or go on with that of a process that died
 * @b:             out; freed with balloon_free()
 * @cfg:           copied
 * @persist:       balloon_persist_bytes() of memory, 8-byte aligned, borrowed. All zero: a guest
 *                 nothing was ever taken from. Else it is checked, and a release or populate that
 *                 was under way when its process died is brought to an exact end. The RAM ranges
 *                 are those of the first time, whatever the guest has mapped elsewhere since
 * @persist_bytes: its size
 * @state:         as xenvirtio_device_new() takes it
 *
 * Return: 0; -EBADMSG @persist or @state cannot be; -EINVAL; -ENOMEM; XENVIRTIO_E_GONE; -errno
 */
int balloon_new(struct balloon **b, const struct balloon_config *cfg, void *persist,
		size_t persist_bytes, struct xenvirtio_device_state *state);
/** balloon_free() - @persist and state stay as they are; NULL is fine */
void balloon_free(struct balloon *b);

/** balloon_device() - to be added to a server; owned by @b */
struct xenvirtio_device *balloon_device(struct balloon *b);

/**
 * balloon_set_target() - the size the balloon should have
 * @pages: in 4 KiB pages; more than ram_pages is -EINVAL
 *
 * Kept in @persist. The driver is told when it is there, and finds it when it comes.
 */
int balloon_set_target(struct balloon *b, uint32_t pages);

/**
 * balloon_request_stats() - ask the driver for new statistics
 *
 * Return: 0 asked; XENVIRTIO_E_EMPTY the driver has no statistics queue, or still owes an answer;
 *         XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -errno
 */
int balloon_request_stats(struct balloon *b);

/**
 * balloon_request_unused() - ask the driver which pages are unused
 *
 * By the host request queue if that was negotiated, else by free page hints. Follow
 * balloon_status.unused, and end with balloon_release_unused(), also after a failure or when it
 * takes too long: nothing here waits or counts time.
 *
 * Order:  from the answer's end until balloon_release_unused() the driver holds the pages, unless
 *         its guest runs out of memory. A guest that then writes to one is not seen here: a copy
 *         of RAM begins to track writes, then asks, then skips what was answered
 * Return: 0 asked; XENVIRTIO_E_EMPTY no driver that can answer, or not yet; XENVIRTIO_E_AGAIN one
 *         question at a time; XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -ENOMEM; -errno
 */
int balloon_request_unused(struct balloon *b);
/**
 * balloon_next_unused() - take the longest piece of one kind off the front of a run
 * @run:   shortened; nr must not be 0; any frames
 * @piece: out
 *
 * Trust:  the guest says so: a lie harms that guest alone
 * Return: whether all of @piece was unused; false for all when there is no complete answer
 */
bool balloon_next_unused(const struct balloon *b, struct xenvirtio_run *run,
			 struct xenvirtio_run *piece);
/**
 * balloon_next_frame() - the same for all that a frame can be
 *
 * Pieces may be shorter than they could be, so that each costs little. UNUSED only while the newest
 * answer is complete and was not let go of.
 */
enum balloon_frame balloon_next_frame(const struct balloon *b, struct xenvirtio_run *run,
				      struct xenvirtio_run *piece);
/**
 * balloon_release_unused() - the answer is no longer needed: the driver may use its pages again
 *
 * Return: 0, also when nothing was asked; XENVIRTIO_E_GONE; -errno
 */
int balloon_release_unused(struct balloon *b);

/**
 * balloon_verify() - see whether what is in the balloon is still there
 *
 * Call now and then: a guest can take frames back without its driver. Costs a look at the domain, and where that gives reason for
 * it a bounded number of turns (work_pending) until the next call.
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
int balloon_verify(struct balloon *b);

/**
 * balloon_retry() - a turn of what a stalled deflate, or work that was too much for one turn, still needs
 *
 * Call after a while when balloon_status.stall is not BALLOON_STALL_NONE, and from the next turn of
 * the event loop when work_pending is set: the guest will not kick again. No call of any function here takes longer
 * than a few milliseconds, whatever the guest sent (budget.h).
 * Return: 0 (look at the status again); XENVIRTIO_E_GONE; -errno
 */
int balloon_retry(struct balloon *b);

/**
 * balloon_due() - frames that the driver has in its balloon and the guest still has: they are released with others
 *
 * Beside ballooned_pages, and soon a part of them. They are waited for as long as the driver goes on.
 */
uint64_t balloon_due(const struct balloon *b);
/**
 * balloon_settle() - what is due, if the driver named no more since the last call, is released in turns from now on (work_pending)
 *
 * Call a few times a second while there is some.
 */
void balloon_settle(struct balloon *b);
/** balloon_work_pending() - as balloon_status has it */
bool balloon_work_pending(const struct balloon *b);

/**
 * balloon_give_up_pause() - a guest that was paused for want of memory runs on, and what it misses goes on being put back
 *
 * Nothing here counts time: call it when frames have not come back for so long that a guest which only shuts down should not wait
 * for them any more. Until the guest is reset again. Not paused is fine.
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
int balloon_give_up_pause(struct balloon *b);
/**
 * balloon_remove() - the device is no more, and nobody will go on with it: before balloon_free()
 *
 * A pause of ours ends. A domain that has asked for a soft reset, and so goes on, gets back all that Xen has of what is in the balloon.
 *
 * Return: as balloon_give_up_pause()
 */
int balloon_remove(struct balloon *b);

/**
 * balloon_watch() - look at what the host answers for without us, and have the next change of it told: @moved
 *
 * Call it after each report: a driver that moves pages changes it all the time.
 * Return: 0; -errno
 */
int balloon_watch(struct balloon *b);

/** balloon_get_status() - a snapshot */
void balloon_get_status(const struct balloon *b, struct balloon_status *status);

#endif /* BACKEND_BALLOON_H */
