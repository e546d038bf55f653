// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation of blocks, their way through the balloon's list, and their return.
 *
 * A block on its way to the list carries its order in page->private. Nothing here allocates except
 * vballoon_blocks_alloc(), which the caller runs without locks.
 */
#include "virtio_balloon_blocks.h"

#include <linux/page_ref.h>
#include <linux/sched.h>

/* Larger than one page only if it is free anyway. */
#define BLOCK_GFP	((GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM) | __GFP_NORETRY | \
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
	struct page *block = balloon_page_pop(blocks);

	if (block) {
		*order = page_private(block);
		set_page_private(block, 0);
	}
	return block;
}

static void move_to_tail(struct balloon_dev_info *info, unsigned int pages)
{
	unsigned long flags;

	/* Compaction may have taken some meanwhile: others move then, only the order suffers. */
	spin_lock_irqsave(&info->pages_lock, flags);
	for (; pages && !list_empty(&info->pages); pages--)
		list_move_tail(info->pages.next, &info->pages);
	spin_unlock_irqrestore(&info->pages_lock, flags);
}

void vballoon_block_enqueue(struct balloon_dev_info *info, struct page *block, unsigned int order,
			    bool tail)
{
	LIST_HEAD(pages);
	unsigned int i;

	if (order)
		split_page(block, order);
	for (i = 0; i < 1u << order; i++)
		list_add_tail(&block[i].lru, &pages);
	balloon_page_list_enqueue(info, &pages);
	if (tail)
		move_to_tail(info, 1u << order);
}

static bool is_same_block(struct page *a, struct page *b)
{
	return page_to_pfn(a) / VBALLOON_BLOCK_PAGES == page_to_pfn(b) / VBALLOON_BLOCK_PAGES;
}

/* The page that the next dequeue takes; only its frame may be looked at. */
static struct page *peek_list(struct balloon_dev_info *info)
{
	struct page *page;
	unsigned long flags;

	spin_lock_irqsave(&info->pages_lock, flags);
	page = list_first_entry_or_null(&info->pages, struct page, lru);
	spin_unlock_irqrestore(&info->pages_lock, flags);
	return page;
}

/* The page dequeued last is the first of @pages. Returns how many went back. */
static unsigned int put_cut_block_back(struct balloon_dev_info *info, struct list_head *pages)
{
	struct page *next = peek_list(info), *page, *tmp;
	LIST_HEAD(back);
	unsigned int nr = 0;

	if (!next || list_empty(pages) ||
	    !is_same_block(next, list_first_entry(pages, struct page, lru)) ||
	    is_same_block(next, list_last_entry(pages, struct page, lru)))
		return 0;
	list_for_each_entry_safe(page, tmp, pages, lru) {
		if (!is_same_block(page, next))
			break;
		list_move_tail(&page->lru, &back);
		nr++;
	}
	balloon_page_list_enqueue(info, &back);
	return nr;
}

unsigned int vballoon_blocks_dequeue(struct balloon_dev_info *info, struct list_head *pages_out,
				     unsigned int pages)
{
	unsigned int nr = 0, step;

	/* Block by block: interrupts are off during each. */
	do {
		step = balloon_page_list_dequeue(info, pages_out,
						 min(pages - nr, VBALLOON_BLOCK_PAGES));
		nr += step;
	} while (step && nr < pages);

	return nr - put_cut_block_back(info, pages_out);
}

/*
 * Undo split_page(): the pages after the first lose their reference, and the block is again what
 * alloc_pages() returned. False if somebody holds one of them for a moment, as compaction does
 * while it looks, or if zones meet in it: then each page goes its own way.
 */
static bool join_block(struct page *block)
{
	unsigned int i;

	/* There each page has a tag of its own, which only freeing it alone clears. */
	if (IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING))
		return false;
	for (i = 1; i < VBALLOON_BLOCK_PAGES; i++) {
		if (page_zone_id(block + i) != page_zone_id(block) ||
		    !page_ref_freeze(block + i, 1))
			goto undo;
	}
	/* balloon_page_finalize() leaves a mark there until the page is freed. */
	for (i = 1; i < VBALLOON_BLOCK_PAGES; i++)
		block[i].mapping = NULL;
	return true;

undo:
	while (--i)
		page_ref_unfreeze(block + i, 1);
	return false;
}

static unsigned int free_piece(struct page *page, u64 pages, bool adjust_managed)
{
	unsigned int order = 0;

	if (page_to_pfn(page) % VBALLOON_BLOCK_PAGES == 0 && pages >= VBALLOON_BLOCK_PAGES &&
	    join_block(page))
		order = VBALLOON_BLOCK_ORDER;
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
