// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of blocks through the balloon's list, where a driver has the list's lock: before Linux 7.
 *
 * The list is kept in an order that serves deflation, which takes from its head: whole blocks are
 * there, the pages of one block next to each other, and what came in smaller pieces is at the tail.
 */
#include "virtio_balloon_list.h"

#include "virtio_balloon_blocks.h"

/* All that makes a page one of the balloon's but its place in the list. */
static void adopt_page(struct balloon_dev_info *info, struct page *page)
{
	__SetPageOffline(page);
#ifdef CONFIG_BALLOON_COMPACTION
	set_page_private(page, (unsigned long)info);
	__SetPageMovable(page, &balloon_mops);
#endif
}

/* The same of a page that nobody can look at: it becomes what @like is. */
static void adopt_as(struct page *page, struct page *like)
{
	__SetPageOffline(page);
#ifdef CONFIG_BALLOON_COMPACTION
	set_page_private(page, page_private(like));
	page->mapping = like->mapping;
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
	 * pages_lock. The first page has a reference, so it is locked meanwhile. Of the others
	 * nobody can have one before they are split: they become what the first is.
	 */
	lock_page(block);
	adopt_page(info, block);
	for (i = 1; i < nr; i++)
		adopt_as(block + i, block);
	link_block(block, nr, &pages);

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

/*
 * Up to a block's pages from the head of @singles become the balloon's and go to @step, where
 * nobody can look at them. One that somebody looks at, as compaction may at any page, is done by
 * itself. Returns their number.
 */
static unsigned int adopt_singles(struct balloon_dev_info *info, struct list_head *singles,
				  struct list_head *step, bool tail)
{
	struct page *page, *next, *like = NULL;
	unsigned int nr = 0;

	list_for_each_entry_safe(page, next, singles, lru) {
		if (nr == VBALLOON_BLOCK_PAGES)
			break;
		if (vballoon_page_freeze(page)) {
			if (like) {
				adopt_as(page, like);
			} else {
				__SetPageLocked(page);
				adopt_page(info, page);
				__ClearPageLocked(page);
			}
			like = page;
			nr++;
		} else {
			list_del(&page->lru);
			vballoon_block_enqueue(info, page, 0, tail);
		}
	}
	list_cut_before(step, singles, &page->lru);
	return nr;
}

void vballoon_singles_enqueue(struct balloon_dev_info *info, struct list_head *singles, bool tail)
{
	/* Interrupts are off during each step. */
	while (!list_empty(singles)) {
		unsigned int nr;
		unsigned long flags;
		struct page *page;
		LIST_HEAD(step);

		nr = adopt_singles(info, singles, &step, tail);
		spin_lock_irqsave(&info->pages_lock, flags);
		/* Who gets a reference waits for the lock before it takes the page off the list. */
		list_for_each_entry(page, &step, lru)
			page_ref_unfreeze(page, 1);
		if (tail)
			list_splice_tail(&step, &info->pages);
		else
			list_splice(&step, &info->pages);
		__count_vm_events(BALLOON_INFLATE, nr);
		spin_unlock_irqrestore(&info->pages_lock, flags);
	}
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

/* The block at the head of the list, if it is whole; else NULL. */
static struct page *take_block(struct balloon_dev_info *info)
{
	struct page *block;
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&info->pages_lock, flags);
	block = list_first_entry_or_null(&info->pages, struct page, lru);
	if (block && vballoon_is_block_start(block) && is_block_listed(block) &&
	    vballoon_block_freeze(block)) {
		list_cut_position(&pages, &info->pages, &block[VBALLOON_BLOCK_PAGES - 1].lru);
		__count_vm_events(BALLOON_DEFLATE, VBALLOON_BLOCK_PAGES);
	} else {
		block = NULL;
	}
	spin_unlock_irqrestore(&info->pages_lock, flags);
	if (block)
		vballoon_block_disown(block);
	return block;
}

/* Would taking single pages cut a whole block? */
static bool is_block_next(struct balloon_dev_info *info)
{
	struct page *page;
	unsigned long flags;
	bool whole;

	spin_lock_irqsave(&info->pages_lock, flags);
	page = list_first_entry_or_null(&info->pages, struct page, lru);
	whole = page && vballoon_is_block_start(page) && is_block_listed(page);
	spin_unlock_irqrestore(&info->pages_lock, flags);
	return whole;
}

/*
 * Pages from the head on until the next block may begin, at most @max. One that somebody looks at
 * stays, as it would with balloon_page_list_dequeue(). Returns those moved.
 */
static unsigned int take_singles(struct balloon_dev_info *info, struct list_head *pages_out,
				 unsigned int max)
{
	unsigned int nr = 0, passed = 0;
	struct page *page, *next;
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&info->pages_lock, flags);
	list_for_each_entry_safe(page, next, &info->pages, lru) {
		if (passed == max || (passed && vballoon_is_block_start(page)))
			break;
		passed++;
		if (vballoon_page_freeze(page)) {
			list_move(&page->lru, &pages);
			nr++;
		}
	}
	__count_vm_events(BALLOON_DEFLATE, nr);
	spin_unlock_irqrestore(&info->pages_lock, flags);

	list_for_each_entry(page, &pages, lru)
		vballoon_page_disown(page);
	list_splice(&pages, pages_out);
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
		else if (nr && is_block_next(info))
			break;
		if (block) {
			list_add(&block->lru, pages_out);
			step = VBALLOON_BLOCK_PAGES;
		} else {
			step = min(pages - nr, VBALLOON_BLOCK_PAGES);
			step = take_singles(info, pages_out, step);
		}
		nr += step;
	} while (step && nr < pages);

	return nr;
}
