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

/* All that makes a page one of the balloon's but its place in the list. */
static void adopt_page(struct balloon_dev_info *info, struct page *page)
{
	__SetPageOffline(page);
#ifdef CONFIG_BALLOON_COMPACTION
	set_page_private(page, (unsigned long)info);
	__SetPageMovable(page, &balloon_mops);
#endif
}

/* The pages of a block, by their frames, as one piece of a list. */
static void link_block(struct page *block, unsigned int nr, struct list_head *pages)
{
	unsigned int i;

	for (i = 1; i < nr; i++) {
		block[i].lru.prev = &block[i - 1].lru;
		block[i - 1].lru.next = &block[i].lru;
	}
	block[0].lru.prev = pages;
	block[nr - 1].lru.next = pages;
	pages->next = &block[0].lru;
	pages->prev = &block[nr - 1].lru;
}

void vballoon_block_enqueue(struct balloon_dev_info *info, struct page *block, unsigned int order,
			    bool tail)
{
	unsigned int i, nr = 1u << order;
	unsigned long flags;
	LIST_HEAD(pages);

	/*
	 * Compaction takes a reference, looks whether the page is movable, locks it, and waits for
	 * pages_lock. Of all pages but the first nobody can have a reference before they are split,
	 * so that they are locked for the form; the first has one.
	 */
	for (i = 1; i < nr; i++) {
		__SetPageLocked(block + i);
		adopt_page(info, block + i);
		__ClearPageLocked(block + i);
	}
	link_block(block, nr, &pages);
	lock_page(block);
	adopt_page(info, block);

	spin_lock_irqsave(&info->pages_lock, flags);
	/* Who gets a reference sees what is above. */
	smp_wmb();
	if (order)
		split_page(block, order);
	if (tail)
		list_splice_tail(&pages, &info->pages);
	else
		list_splice(&pages, &info->pages);
	__count_vm_events(BALLOON_INFLATE, nr);
	spin_unlock_irqrestore(&info->pages_lock, flags);
	unlock_page(block);
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

static void unfreeze_pages(struct page *block, unsigned int nr)
{
	while (nr--)
		page_ref_unfreeze(block + nr, 1);
}

/*
 * Nobody can look at a page of the block from now on. False if somebody has a reference at the
 * moment, as compaction while it looks, or if zones meet in it.
 */
static bool freeze_block(struct page *block)
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

static bool is_block_start(struct page *page)
{
	return page_to_pfn(page) % VBALLOON_BLOCK_PAGES == 0;
}

/* Under pages_lock: are the pages of a block one after the other in the list? */
static bool is_block_listed(struct page *block)
{
	unsigned int i;

	for (i = 1; i < VBALLOON_BLOCK_PAGES; i++) {
		if (block[i - 1].lru.next != &block[i].lru)
			return false;
	}
	return true;
}

/*
 * Undo adopt_page() and split_page() for a frozen block: it is what alloc_pages() returned, with
 * its order in page->private.
 */
static void disown_block(struct page *block)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_BLOCK_PAGES; i++) {
		__ClearPageOffline(block + i);
		block[i].mapping = NULL;
		set_page_private(block + i, 0);
	}
	set_page_private(block, VBALLOON_BLOCK_ORDER);
	page_ref_unfreeze(block, 1);
}

/* The block at the head of the list, if it is whole; else NULL. */
static struct page *take_block(struct balloon_dev_info *info)
{
	struct page *block;
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&info->pages_lock, flags);
	block = list_first_entry_or_null(&info->pages, struct page, lru);
	if (block && is_block_start(block) && is_block_listed(block) && freeze_block(block)) {
		list_cut_position(&pages, &info->pages, &block[VBALLOON_BLOCK_PAGES - 1].lru);
		__count_vm_events(BALLOON_DEFLATE, VBALLOON_BLOCK_PAGES);
	} else {
		block = NULL;
	}
	spin_unlock_irqrestore(&info->pages_lock, flags);
	if (block)
		disown_block(block);
	return block;
}

/* Pages from the head on until the next block may begin, at most @max. */
static unsigned int count_singles(struct balloon_dev_info *info, unsigned int max)
{
	unsigned int nr = 0;
	unsigned long flags;
	struct page *page;

	spin_lock_irqsave(&info->pages_lock, flags);
	list_for_each_entry(page, &info->pages, lru) {
		if (nr == max || (nr && is_block_start(page)))
			break;
		nr++;
	}
	spin_unlock_irqrestore(&info->pages_lock, flags);
	return nr;
}

unsigned int vballoon_blocks_dequeue(struct balloon_dev_info *info, struct list_head *pages_out,
				     unsigned int pages)
{
	unsigned int nr = 0, step;

	/* Block by block: interrupts are off during each. */
	do {
		struct page *block = NULL;

		if (pages - nr >= VBALLOON_BLOCK_PAGES)
			block = take_block(info);
		if (block) {
			list_add(&block->lru, pages_out);
			step = VBALLOON_BLOCK_PAGES;
		} else {
			step = min(pages - nr, VBALLOON_BLOCK_PAGES);
			step = balloon_page_list_dequeue(info, pages_out,
							 count_singles(info, step));
		}
		nr += step;
	} while (step && nr < pages);

	return nr - put_cut_block_back(info, pages_out);
}

/* Pages that were dequeued one by one and are a whole block all the same become one. */
static bool join_block(struct page *block)
{
	if (!freeze_block(block))
		return false;
	disown_block(block);
	return true;
}

static unsigned int free_piece(struct page *page, u64 pages, bool adjust_managed)
{
	unsigned int order = 0;

	if (is_block_start(page) && pages >= VBALLOON_BLOCK_PAGES &&
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
