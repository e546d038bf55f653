/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of a balloon, in blocks: allocated whole, kept as single pages, freed whole.
 *
 * In the balloon every page is of order 0, because compaction can move only those; a block that
 * stayed whole would be fragmentation nobody can undo. These functions know pages and the balloon's
 * list, not what the host is told.
 *
 * The list is kept in an order that serves deflation: balloon_page_list_dequeue() takes from its
 * head, so whole blocks are at the head, the pages of one block next to each other, and what came
 * in smaller pieces is at the tail.
 */
#ifndef VIRTIO_BALLOON_BLOCKS_H
#define VIRTIO_BALLOON_BLOCKS_H

#include <linux/balloon_compaction.h>
#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/virtio_balloon_bulk.h>

/* A block is 2 MiB, what the host maps as one. */
#define VBALLOON_BLOCK_ORDER	(21 - PAGE_SHIFT)
#define VBALLOON_BLOCK_PAGES	((unsigned int)BIT(VBALLOON_BLOCK_ORDER))

/* Frames of the device in a page of the guest. */
#define VBALLOON_PAGE_PFNS	((unsigned int)BIT(PAGE_SHIFT - VIRTIO_BALLOON_BULK_SHIFT))

static inline u64 vballoon_page_pfn(struct page *page)
{
	return (u64)page_to_pfn(page) * VBALLOON_PAGE_PFNS;
}

static inline struct page *vballoon_pfn_page(u64 pfn)
{
	return pfn_to_page(pfn / VBALLOON_PAGE_PFNS);
}

/*
 * Blocks of @order or, as memory is fragmented, smaller ones, appended to @blocks; the sum is at
 * most @pages. Memory is reclaimed only for single pages. Returns the pages got.
 */
unsigned int vballoon_blocks_alloc(struct list_head *blocks, unsigned int pages,
				   unsigned int order);

/* Take a block from the list that vballoon_blocks_alloc() filled, and its order. */
struct page *vballoon_blocks_pop(struct list_head *blocks, unsigned int *order);

/* Split a block into the balloon's list: at its head, or at its @tail. */
void vballoon_block_enqueue(struct balloon_dev_info *info, struct page *block, unsigned int order,
			    bool tail);

/*
 * Move up to @pages pages from the balloon's list to @pages_out, where page->private is the order
 * of each entry: a whole block is one. A block that would be cut stays in the balloon, unless it is
 * all there is to take. Returns the pages moved.
 */
unsigned int vballoon_blocks_dequeue(struct balloon_dev_info *info, struct list_head *pages_out,
				     unsigned int pages);

/*
 * Free the pages of a run of frames, all dequeued and on no list that is still used: whole blocks
 * at once. @adjust_managed: they were taken out of the managed pages.
 */
void vballoon_blocks_free(u64 pfn, u64 pfns, bool adjust_managed);

#endif /* VIRTIO_BALLOON_BLOCKS_H */
