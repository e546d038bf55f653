// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation of blocks and their return.
 *
 * A block on its way to the list carries its order in page->private. Nothing here allocates except
 * vballoon_blocks_alloc(), which the caller runs without locks.
 */
#include "virtio_balloon_blocks.h"

#include <linux/page_ref.h>
#include <linux/sched.h>

/* Larger than one page only if it is free anyway. */
#define BLOCK_GFP	((VBALLOON_GFP & ~__GFP_RECLAIM) | __GFP_NORETRY | \
			 __GFP_NOWARN | __GFP_NOMEMALLOC)

static struct page *alloc_block(unsigned int order)
{
	/* For single pages as hard as the stock driver tries. */
	return order ? alloc_pages(BLOCK_GFP, order) : balloon_page_alloc();
}

unsigned int vballoon_blocks_alloc(struct list_head *blocks, unsigned int pages,
				   unsigned int order)
{
	unsigned int got = 0;

	while (got < pages) {
		struct page *block;

		order = min_t(unsigned int, order, ilog2(pages - got));
		block = alloc_block(order);
		if (block) {
			set_page_private(block, order);
			list_add_tail(&block->lru, blocks);
			got += 1u << order;
		} else if (!order--) {
			break;
		}
		cond_resched();
	}
	return got;
}

struct page *vballoon_blocks_pop(struct list_head *blocks, unsigned int *order)
{
	struct page *block = list_first_entry_or_null(blocks, struct page, lru);

	if (block) {
		list_del(&block->lru);
		*order = page_private(block);
		set_page_private(block, 0);
	}
	return block;
}

static void unfreeze_pages(struct page *block, unsigned int nr)
{
	while (nr--)
		page_ref_unfreeze(block + nr, 1);
}

bool vballoon_block_freeze(struct page *block)
{
	unsigned int i;

	/* There each page has a tag of its own, which only freeing it alone clears. */
	if (IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING) ||
	    page_zone_id(block) != page_zone_id(block + VBALLOON_BLOCK_PAGES - 1))
		return false;
	for (i = 0; i < VBALLOON_BLOCK_PAGES; i++) {
		if (!page_ref_freeze(block + i, 1)) {
			unfreeze_pages(block, i);
			return false;
		}
	}
	return true;
}

void vballoon_block_disown(struct page *block)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_BLOCK_PAGES; i++) {
		/* 6.1 clears it when the page leaves the list, others leave it to whom frees it. */
		if (PageOffline(block + i))
			__ClearPageOffline(block + i);
		block[i].mapping = NULL;
		set_page_private(block + i, 0);
	}
	set_page_private(block, VBALLOON_BLOCK_ORDER);
	page_ref_unfreeze(block, 1);
}

/* Pages that were dequeued one by one and are a whole block all the same become one. */
static bool join_block(struct page *block)
{
	if (!vballoon_block_freeze(block))
		return false;
	vballoon_block_disown(block);
	return true;
}

static unsigned int free_piece(struct page *page, u64 pages, bool adjust_managed)
{
	unsigned int order = 0;

	if (vballoon_is_block_start(page) && pages >= VBALLOON_BLOCK_PAGES &&
	    (page_private(page) == VBALLOON_BLOCK_ORDER || join_block(page))) {
		set_page_private(page, 0);
		order = VBALLOON_BLOCK_ORDER;
	}
	if (adjust_managed)
		adjust_managed_page_count(page, 1l << order);
	__free_pages(page, order);
	return 1u << order;
}

void vballoon_blocks_free(u64 pfn, u64 pfns, bool adjust_managed)
{
	u64 pages = pfns / VBALLOON_PAGE_PFNS;

	while (pages) {
		unsigned int freed = free_piece(vballoon_pfn_page(pfn), pages, adjust_managed);

		pfn += (u64)freed * VBALLOON_PAGE_PFNS;
		pages -= freed;
	}
}
