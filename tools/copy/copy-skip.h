/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that need no copy, as the guest's daemon tells: a list that was complete when it was asked
 * for. The daemon holds the unused ones until the list is let go of.
 */
#ifndef TOOLS_COPY_SKIP_H
#define TOOLS_COPY_SKIP_H

#include "tools/copy/copy-image.h"
#include "tools/ctl/ctl-client.h"

struct skip_run {
	struct xenvirtio_run run;
	enum copy_kind kind; /* COPY_KIND_UNUSED or COPY_KIND_ABSENT */
};

/** zeroed is empty: everything is to be copied */
struct skip_list {
	struct skip_run *run; /* ascending, not overlapping */
	size_t nr;
	size_t room;
	size_t next;	     /* of skip_next() */
	uint64_t unused_kib; /* as the daemon counts */
	uint64_t took_ns;    /* the guest, to answer */
};

/**
 * skip_ask() - ask for unused pages, and get the list
 * @refusal: out, for -EREMOTEIO
 *
 * Return: 0; -EREMOTEIO the daemon or the guest refused: the list is empty; -EPROTO; -ENOMEM; as
 *         ctl_client_call()
 */
int skip_ask(struct skip_list *list, struct ctl_client *client, struct ctl_refusal *refusal);
void skip_fini(struct skip_list *list);

/**
 * skip_next() - take the longest piece of one kind off the front of a run
 * @run: shortened; nr must not be 0. From one call to the next runs go up
 *
 * Return: COPY_KIND_DATA to be copied; COPY_KIND_UNUSED; COPY_KIND_ABSENT
 */
enum copy_kind skip_next(struct skip_list *list, struct xenvirtio_run *run,
			 struct xenvirtio_run *piece);

#endif /* TOOLS_COPY_SKIP_H */
