/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The balloon's list, to which blocks go and from which they come.
 *
 * Where a driver has the list's lock it is virtio_balloon_list.c; since Linux 7 the lock is mm's
 * own, and it is virtio_balloon_mm_list.c.
 */
#ifndef VIRTIO_BALLOON_LIST_H
#define VIRTIO_BALLOON_LIST_H

#include "virtio_balloon_compat.h"

/* Split a block into the balloon's list: at its head, or at its @tail where that can be had. */
void vballoon_block_enqueue(struct balloon_dev_info *info, struct page *block, unsigned int order,
			    bool tail);

/* All of @singles, single pages, into the balloon's list, likewise. @singles is empty then. */
void vballoon_singles_enqueue(struct balloon_dev_info *info, struct list_head *singles, bool tail);

/*
 * Move up to @pages pages from the balloon's list to @pages_out, where page->private is the order
 * of each entry: a whole block is one. A block that would be cut stays in the balloon, unless it is
 * all there is to take. Returns the pages moved.
 */
unsigned int vballoon_blocks_dequeue(struct balloon_dev_info *info, struct list_head *pages_out,
				     unsigned int pages);

#endif /* VIRTIO_BALLOON_LIST_H */
