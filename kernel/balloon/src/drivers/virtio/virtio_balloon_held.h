/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unused pages that are held while an answer names them, so that nobody uses them meanwhile.
 *
 * They are memory that nobody needs: what can be had without reclaim. Who is short of memory has
 * all of it back, by the shrinker or the out-of-memory notifier, and nothing is held from then on.
 */
#ifndef VIRTIO_BALLOON_HELD_H
#define VIRTIO_BALLOON_HELD_H

#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>

#include "virtio_balloon_compat.h"

#define VBALLOON_HELD_ORDER	MAX_PAGE_ORDER
#define VBALLOON_HELD_PAGES	BIT(VBALLOON_HELD_ORDER)

struct vballoon_held {
	spinlock_t lock;		/* protects the members of this paragraph */
	bool hold;			/* blocks may be added */
	struct list_head blocks;	/* of VBALLOON_HELD_ORDER */
	unsigned long pages;		/* of them all; read without as well */

	struct notifier_block oom_nb;
	struct vballoon_shrinker shrinker;
};

/* Returns 0 or -ENOMEM. */
int vballoon_held_init(struct vballoon_held *held);
/* Releases what is held. */
void vballoon_held_exit(struct vballoon_held *held);

/* From now on blocks may be taken. */
void vballoon_held_begin(struct vballoon_held *held);
/* Another block, held from here on; NULL: there is none, or nothing is held any more. */
struct page *vballoon_held_take(struct vballoon_held *held);
/* Free them all, and take no more until the next begin. Returns the pages freed. */
unsigned long vballoon_held_release(struct vballoon_held *held);

#endif /* VIRTIO_BALLOON_HELD_H */
