/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory the guest shall have, and who said so last.
 *
 *   --target, the key `target` in the backend node, memory/target (mem-set.h) --> one target_kib
 *
 * The latest word counts; a value that cannot be is told, ignored, and the node gets the one in
 * force back. What is too large is cut to the guest's static-max. Written by toolstacks, so trusted
 * to mean well, not to be well-formed.
 */
#ifndef BACKEND_TARGET_H
#define BACKEND_TARGET_H

#include "backend/publish.h"

struct target {
	struct log *log;
	struct store_link *link; /* NULL: no backend node */
	struct publish *publish;
	char path[160]; /* of the key `target` */
	uint64_t static_max_kib;
	uint64_t kib; /* in force; a multiple of 4 */
	/** changed - a new target is in force */
	void (*changed)(void *opaque, uint64_t kib);
	void *opaque;
};

/**
 * target_init() - the target is static-max until somebody says otherwise
 * @node: the backend node; used only where @publish has a link
 */
void target_init(struct target *t, struct log *log, struct publish *publish, const char *node,
		 uint64_t static_max_kib, void (*changed)(void *opaque, uint64_t kib),
		 void *opaque);

/**
 * target_set() - somebody named a size
 * @source: who, for the log: "--target", "memory/target"
 *
 * Cut to static-max and to whole pages, published, and told through `changed` if it is another.
 */
void target_set(struct target *t, uint64_t kib, const char *source);

/** target_read_node() - look at the key `target`: on its watch. Returns whether there was a value
 */
bool target_read_node(struct target *t);

/** target_balloon_pages() - the size of the balloon that leaves the guest its target, in 4 KiB */
uint32_t target_balloon_pages(const struct target *t);

#endif /* BACKEND_TARGET_H */
