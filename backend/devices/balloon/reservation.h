/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory reservation: moving runs of frames to Xen and back, exact to the frame.
 *
 * Runs are cut into the largest extents they allow, collected by order, and handed to the hypervisor
 * a full call at a time. Before each call its extents stand in a journal that survives the process: if
 * the process dies in between, the next start asks Xen for each frame in it and brings the bitmap up to date.
 */
#ifndef BACKEND_RESERVATION_H
#define BACKEND_RESERVATION_H

#include "backend/devices/balloon/frames.h"
#include <xenvirtio/gmem.h>

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
	uint32_t pad;
	uint64_t tot_pages;	/* of the domain, before the call: for daemons that go by it */
	uint64_t start_gfn[XENVIRTIO_EXTENTS_MAX];
};

/** extents of one order on their way into a call */
struct reservation_bucket {
	size_t nr;
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
};

struct reservation {
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct frames *frames;
	struct reservation_journal *journal;
	uint64_t bad_pages;	/* frames the hypervisor would not release, since init */
	uint64_t hypercall_ns;	/* spent in releasing and populating calls, since init */
	bool short_of_memory;	/* the last populate could not get all it wanted */
	unsigned int max_order;	/* of what is cut at the moment */
	struct reservation_bucket bucket[XENVIRTIO_ORDER_MAX + 1];
};

/**
 * reservation_init() - and finish what a dead process had begun
 *
 * Return: 0; -EBADMSG the journal cannot be; XENVIRTIO_E_GONE; -errno
 */
int reservation_init(struct reservation *r, struct xenvirtio_hv *hv, struct xenvirtio_gmem *gmem,
		     struct frames *frames, struct reservation_journal *journal);

/**
 * reservation_release() - give frames to Xen
 * @run: all FRAME_PRESENT
 *
 * Frames are collected; nothing is certain before reservation_release_flush().
 */
int reservation_release(struct reservation *r, struct xenvirtio_run run);
int reservation_release_flush(struct reservation *r);

/**
 * reservation_settle() - frames in doubt: ask Xen for each, and mark it as it is
 * @run: all in RAM
 *
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
int reservation_settle(struct reservation *r, struct xenvirtio_run run);

/** reservation_populate_begin() - look for large extents again, forget an earlier shortage */
void reservation_populate_begin(struct reservation *r);
/**
 * reservation_populate() - take frames back from Xen
 * @run: all FRAME_BALLOONED
 *
 * Collected likewise. Once Xen has no more to give, short_of_memory is set, the call returns 0
 * and does nothing: frames that were not populated are still FRAME_BALLOONED after the flush.
 */
int reservation_populate(struct reservation *r, struct xenvirtio_run run);
int reservation_populate_flush(struct reservation *r);

#endif /* BACKEND_RESERVATION_H */
