/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs of guest frames, coalesced, and cut into the aligned power-of-two extents Xen takes.
 *
 * Every encoding of a balloon message ends here: page frame numbers in any order, with repetitions,
 * become ascending runs that do not touch; each run is then cut into the fewest extents of order
 * XENVIRTIO_ORDER_MAX and below. Pure functions on plain memory: no guest, no hypervisor.
 */
#ifndef XENVIRTIO_EXTENT_H
#define XENVIRTIO_EXTENT_H

#include <xenvirtio/hv.h>

#ifdef __cplusplus
extern "C" {
#endif

/** frames [start, start + nr) */
struct xenvirtio_run {
	struct xenvirtio_gfn start;
	uint64_t nr;
};

/** a growing list of runs; zeroed memory is an empty one */
struct xenvirtio_runs {
	struct xenvirtio_run *run;
	size_t nr;
	size_t room;
};

/** xenvirtio_runs_fini() - free the memory; the list is empty again */
void xenvirtio_runs_fini(struct xenvirtio_runs *runs);
/** xenvirtio_runs_clear() - empty the list, keep the memory */
void xenvirtio_runs_clear(struct xenvirtio_runs *runs);
/**
 * xenvirtio_runs_add() - append frames; those that continue the last run lengthen it
 * @start, @nr: start + nr must not overflow 2^64; @nr of 0 adds nothing
 *
 * Return: 0; -EOVERFLOW; -ENOMEM
 */
int xenvirtio_runs_add(struct xenvirtio_runs *runs, struct xenvirtio_gfn start, uint64_t nr);
/**
 * xenvirtio_runs_coalesce() - sort, and merge what overlaps or touches
 *
 * Return: frames that were named more than once
 */
uint64_t xenvirtio_runs_coalesce(struct xenvirtio_runs *runs);
/** xenvirtio_runs_total() - sum of frames; exact once coalesced */
uint64_t xenvirtio_runs_total(const struct xenvirtio_runs *runs);
/**
 * xenvirtio_run_cut() - take the next extent off the front of a run
 * @run:       shortened; nr must not be 0
 * @max_order: at most this large
 * @start:     out; aligned to 2^order
 *
 * Return: its order: the largest that the alignment of the run's start and its length allow
 */
unsigned int xenvirtio_run_cut(struct xenvirtio_run *run, unsigned int max_order,
			       struct xenvirtio_gfn *start);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_EXTENT_H */
