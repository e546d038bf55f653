/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of a balloon, in blocks: allocated whole, kept as single pages, freed whole.
 *
 * In the balloon every page is of order 0, because compaction can move only those; a block that
 * stayed whole would be fragmentation nobody can undo. These functions know pages; the
 * balloon's list is virtio_balloon_list.h's, and neither knows what the host is told.
 */
#ifndef VIRTIO_BALLOON_BLOCKS_H
#define VIRTIO_BALLOON_BLOCKS_H

#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/virtio_balloon_bulk.h>

#include "virtio_balloon_compat.h"

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

/* A block of a lower order is single pages as soon as it is allocated: there are many of them. */
#define VBALLOON_PIECE_ORDER	4

/*
 * Blocks of @order or, as memory is fragmented, smaller ones: appended to @blocks, those of the
 * lowest orders and single pages to @singles. The sum is at most @pages. Memory is reclaimed only
 * for what is allocated page by page. Returns the pages got.
 */
unsigned int vballoon_blocks_alloc(struct list_head *blocks, struct list_head *singles,
				   unsigned int pages, unsigned int order);

/* Pages that are taken out of the managed ones, or put back, as one sum for each zone. */
struct vballoon_managed {
	struct page *page;	/* one of the zone */
	long nr;
};

void vballoon_managed_add(struct vballoon_managed *managed, struct page *page, long nr);
/* What has not been accounted yet. */
void vballoon_managed_flush(struct vballoon_managed *managed);

/* Take a block from the list that vballoon_blocks_alloc() filled, and its order. */
struct page *vballoon_blocks_pop(struct list_head *blocks, unsigned int *order);

static inline bool vballoon_is_block_start(struct page *page)
{
	return page_to_pfn(page) % VBALLOON_BLOCK_PAGES == 0;
}

/*
 * Nobody can look at a page of the block from now on. False if somebody has a reference at the
 * moment, as compaction while it looks, or if zones meet in it.
 */
bool vballoon_block_freeze(struct page *block);

/* As vballoon_block_freeze(), of one page. */
static inline bool vballoon_page_freeze(struct page *page)
{
	return page_ref_freeze(page, 1);
}

/* A frozen page is no longer the balloon's: it is what alloc_page() returned. */
void vballoon_page_disown(struct page *page);

/*
 * A frozen block is no longer the balloon's, nor split: it is what alloc_pages() returned, with its
 * order in page->private.
 */
void vballoon_block_disown(struct page *block);

/*
 * Free the pages of a run of frames, all dequeued and on no list that is still used: whole blocks
 * at once. @adjust_managed: they were taken out of the managed pages.
 */
void vballoon_blocks_free(u64 pfn, u64 pfns, bool adjust_managed);

#endif /* VIRTIO_BALLOON_BLOCKS_H */
