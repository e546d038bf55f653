/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory the guest shall have, and who said so last.
 *
 *   --target, the key `target` in the backend node, memory/target (mem-set.h) --> one target_kib
 *
 * The latest word counts, also after a restart (words.h); a value that cannot be is told, ignored,
 * and the node gets the one in force back. What is too large is cut to the guest's static-max or its
 * limit (limits.h), and what is below the floor is refused. Written by toolstacks, so trusted to mean well, not to be
 * well-formed.
 *
 * A size that somebody names pins the guest: --auto leaves it alone until target_unpin(). One that
 * the host cannot afford (reserve.h) is refused: the one before stays, and the key `refused` says
 * why.
 */
#ifndef BACKEND_TARGET_H
#define BACKEND_TARGET_H

#include "backend/xenstore/publish.h"
#include "backend/devices/balloon/sizing/reserve.h"
#include "backend/devices/balloon/sizing/words.h"

struct target {
	struct log *log;
	struct store_link *link; /* NULL: no backend node */
	struct publish *publish;
	char path[160]; /* of the key `target` */
	uint64_t static_max_kib;
	uint64_t max_kib;   /* what is taken is not above; a multiple of 4, or static_max_kib */
	uint64_t floor_kib; /* what somebody names is not below; 0: there is none */
	uint64_t kib; /* in force; a multiple of 4 */
	bool pinned;  /* somebody named it */
	bool refused; /* the last one; then also what and why */
	uint64_t refused_kib;
	struct reserve reserve;
	uint64_t refusals;
	/** admit - whether a lower target may be taken; @r: why not. NULL: any may */
	bool (*admit)(void *opaque, uint64_t kib, struct reserve *r);
	/** changed - a new target is in force */
	void (*changed)(void *opaque, uint64_t kib);
	/** named - by somebody, after `changed`, and also when it was in force before; may be NULL */
	void (*named)(void *opaque);
	void *opaque;
	struct words *words; /* that survive the process, if its owner says so */
	struct words own_words;
	uint64_t wrote_ms; /* our last write of the key `target` */
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
 * Only another one pins: what is in force is read again and again. Return: whether it is in force
 * now
 */
bool target_set(struct target *t, uint64_t kib, const char *source);
/** target_set_forced() - likewise, also below the floor */
bool target_set_forced(struct target *t, uint64_t kib, const char *source);
/** target_set_auto() - likewise, by the policy: does not pin */
bool target_set_auto(struct target *t, uint64_t kib);
/** target_keep() - what is noted survives with @words: what they say is in force, if they say any */
void target_keep(struct target *t, struct words *words);
/** target_expect_echo() - the key is read again soon, whoever wrote it: a new xenstored tells of all keys */
void target_expect_echo(struct target *t);
/** target_show() - the size in force stands in the key `target` */
void target_show(struct target *t);

/**
 * target_begin() - a domain that is served for the first time: its size is still to be found, and none is noted
 * before it is. Then one of target_set(), target_pin() and target_unpin() does that
 */
void target_begin(struct target *t, struct words *words);
/** target_pin(), target_unpin() - whether the policy leaves the guest alone; published as `pinned`
 */
void target_pin(struct target *t);
void target_unpin(struct target *t);
/** target_read_pinned() - take over what a process before this one published */
void target_read_pinned(struct target *t);

/**
 * target_read_node() - look at the key `target`: on its watch
 *
 * Return: whether there was a value that can be
 */
bool target_read_node(struct target *t);

/** target_limit() - the guest shall have no more than @max_kib; 0: than static-max. What is in force is cut, and told by target_show() */
void target_limit(struct target *t, uint64_t max_kib);

/**
 * target_floor_kib() - what a size that somebody names is not below
 * @dynamic_min_kib: what somebody has written as the least; 0: nobody has, and it is 64 MiB or an
 *                   eighth of @static_max_kib, whichever is more, and half of that at most
 */
uint64_t target_floor_kib(uint64_t static_max_kib, uint64_t dynamic_min_kib);

/** target_balloon_pages() - the size of the balloon that leaves the guest its target, in 4 KiB */
uint32_t target_balloon_pages(const struct target *t);

#endif /* BACKEND_TARGET_H */
