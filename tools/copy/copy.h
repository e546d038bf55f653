/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenvirtio-copy, without its main(): a command line that was read, in; an exit code out.
 *
 *   copy-options.c  the command line      copy-skip.c    what needs no copy
 *   copy.c          open and end, words   copy-image.c   the format
 *   copy-round.c    the first round       copy-verify.c  the last one
 *
 * Guest and daemon are found as xen-vballoonctl finds them. Frames of the guest are mapped a few at
 * a time, read only, and let go of at once: a guest that is destroyed does not wait for us.
 */
#ifndef TOOLS_COPY_H
#define TOOLS_COPY_H

#include "tools/copy/copy-exit.h"
#include "tools/copy/copy-options.h"
#include "tools/copy/copy-skip.h"
#include "tools/ctl/ctl-find.h"
#include "tools/ctl/ctl-progress.h"

#include <xenvirtio/hv.h>

#define COPY_RANGES_MAX 8

struct copy {
	const struct copy_options *opts;
	FILE *out; /* the result */
	FILE *err; /* what is wrong, and progress */
	bool tty;  /* err is a terminal */
	/** open_hv - xenvirtio_hv_open_xen(), or a fake's */
	int (*open_hv)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid);
	int (*open_store)(void *opaque, struct xenvirtio_store **store);
	void *opaque;

	/* The rest is private. */
	struct ctl_options ctl_opts;
	struct ctl ctl;
	char who[CTL_WHO_MAX];
	uint32_t domid;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gfn_range range[COPY_RANGES_MAX];
	size_t nr_ranges;
	struct copy_writer writer;
	uint64_t begin_ns;
	struct progress progress;
	uint64_t done_pages; /* of what progress counts */
	uint64_t shown_ms;
	uint64_t seen_ms; /* that the guest lives */
	struct ctl_client client;
	bool client_open;
	uint64_t pinged_ms;
};

/** copy_run() - do what the command line says */
enum copy_exit copy_run(struct copy *c);

/** copy_round() - the first round, into c->writer. Return: as copy_verify() */
int copy_round(struct copy *c);
/**
 * copy_verify() - compare the file with the guest, and append what differs
 *
 * Return: 0; -errno or XENVIRTIO_E_GONE, and nothing was said; COPY_SAID
 */
int copy_verify(struct copy *c);
/** no -errno and no condition: what is wrong was said */
#define COPY_SAID 1000

/** copy_begin_progress() - so many pages are to be looked at */
void copy_begin_progress(struct copy *c, uint64_t pages);
/** copy_step() - so many more were. Return: 0; XENVIRTIO_E_GONE; -errno */
int copy_step(struct copy *c, uint64_t pages);
/** copy_end_progress() - all of it */
void copy_end_progress(struct copy *c);
/** copy_took_ns() - since the beginning */
uint64_t copy_took_ns(const struct copy *c);
/**
 * copy_map() - map frames [start, start + nr), at most COPY_BATCH_PAGES, read only
 *
 * Return: as hv.map
 */
int copy_map(struct copy *c, uint64_t start_gfn, uint64_t nr, void **va);

#endif /* TOOLS_COPY_H */
