/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks that stay whole in the balloon.
 *
 * Nobody can move such a block, and nobody misses that: it is as large as what compaction makes,
 * and it is not taken from memory that is kept for what can be moved. Where a block is less than
 * what the kernel groups pages by, none stays whole.
 */
#ifndef VIRTIO_BALLOON_WHOLE_H
#define VIRTIO_BALLOON_WHOLE_H

#include <linux/list.h>
#include <linux/pageblock-flags.h>

#include "virtio_balloon_blocks.h"

static inline bool vballoon_order_stays_whole(unsigned int order)
{
	return order == VBALLOON_BLOCK_ORDER && order >= pageblock_order;
}

/* @block, as alloc_pages() returned it, becomes the balloon's: at the head of @whole. */
void vballoon_whole_enqueue(struct list_head *whole, struct page *block);

/* The block at the head, as it was before, but for its order in page->private. There is one. */
struct page *vballoon_whole_dequeue(struct list_head *whole);

#endif /* VIRTIO_BALLOON_WHOLE_H */
