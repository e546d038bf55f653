// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation of blocks and their return.
 *
 * A block on its way to the list carries its order in page->private. Nothing here allocates except
 * vballoon_blocks_alloc(), which the caller runs without locks.
 */
#include "virtio_balloon_blocks.h"

#include <linux/pagemap.h>
#include <linux/sched.h>

/* Larger than one page only if it is free anyway. */
#define BLOCK_GFP	((VBALLOON_GFP & ~__GFP_RECLAIM) | __GFP_NORETRY | \
			 __GFP_NOWARN | __GFP_NOMEMALLOC)

/* For single pages as hard as the stock driver tries. */
#define SINGLE_GFP	(VBALLOON_GFP | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC)

/* Single pages that are allocated, or freed, at a time: the kernel holds a lock meanwhile. */
#define SINGLES		64

static void add_block(struct page *block, unsigned int order, struct list_head *blocks,
		      struct list_head *singles)
{
	unsigned int i;

	if (order >= VBALLOON_PIECE_ORDER) {
		set_page_private(block, order);
		list_add_tail(&block->lru, blocks);
		return;
	}
	split_page(block, order);
	for (i = 0; i < 1u << order; i++)
		list_add_tail(&block[i].lru, singles);
}

static unsigned int alloc_singles(struct list_head *singles, unsigned int pages)
{
	unsigned int got = 0, nr, i;

	do {
		struct page *page[SINGLES] = { NULL };

		nr = vballoon_alloc_pages(SINGLE_GFP, min_t(unsigned int, pages - got, SINGLES),
					  page);
		for (i = 0; i < nr; i++)
			list_add_tail(&page[i]->lru, singles);
		got += nr;
		cond_resched();
	} while (nr && got < pages);

	return got;
}

unsigned int vballoon_blocks_alloc(struct list_head *blocks, struct list_head *singles,
				   unsigned int pages, unsigned int order)
{
	unsigned int got = 0;

	while (got < pages) {
		struct page *block;

		order = min_t(unsigned int, order, ilog2(pages - got));
		if (!order) {
			got += alloc_singles(singles, pages - got);
			break;
		}
		block = alloc_pages(BLOCK_GFP, order);
		if (block) {
			add_block(block, order, blocks, singles);
			got += 1u << order;
		} else {
			order--;
		}
		cond_resched();
	}
	return got;
}

void vballoon_managed_flush(struct vballoon_managed *managed)
{
	if (managed->nr)
		adjust_managed_page_count(managed->page, managed->nr);
	managed->nr = 0;
}

void vballoon_managed_add(struct vballoon_managed *managed, struct page *page, long nr)
{
	if (managed->nr && page_zone_id(page) != page_zone_id(managed->page))
		vballoon_managed_flush(managed);
	managed->page = page;
	managed->nr += nr;
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

static void clear_owner(struct page *page)
{
	/* 6.1 clears it when the page leaves the list, others leave it to whom frees it. */
	if (PageOffline(page))
		__ClearPageOffline(page);
	page->mapping = NULL;
	set_page_private(page, 0);
}

void vballoon_page_disown(struct page *page)
{
	clear_owner(page);
	page_ref_unfreeze(page, 1);
}

void vballoon_block_disown(struct page *block)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_BLOCK_PAGES; i++)
		clear_owner(block + i);
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

/* What is freed together. */
struct freed {
	struct vballoon_managed managed;
	bool adjust_managed;
	unsigned int nr;
	struct page *page[SINGLES];
};

static void free_collected(struct freed *freed)
{
	vballoon_managed_flush(&freed->managed);
	release_pages(freed->page, freed->nr);
	freed->nr = 0;
}

/* Returns the pages. */
static unsigned int free_piece(struct freed *freed, struct page *page, u64 pages)
{
	bool whole = vballoon_is_block_start(page) && pages >= VBALLOON_BLOCK_PAGES &&
		     (page_private(page) == VBALLOON_BLOCK_ORDER || join_block(page));
	unsigned int nr = whole ? VBALLOON_BLOCK_PAGES : 1;

	if (freed->adjust_managed)
		vballoon_managed_add(&freed->managed, page, nr);
	if (!whole) {
		freed->page[freed->nr++] = page;
		if (freed->nr == SINGLES)
			free_collected(freed);
		return nr;
	}
	vballoon_managed_flush(&freed->managed);
	set_page_private(page, 0);
	__free_pages(page, VBALLOON_BLOCK_ORDER);
	return nr;
}

void vballoon_blocks_free(u64 pfn, u64 pfns, bool adjust_managed)
{
	struct freed freed = { .adjust_managed = adjust_managed };
	u64 pages = pfns / VBALLOON_PAGE_PFNS;

	while (pages) {
		unsigned int nr = free_piece(&freed, vballoon_pfn_page(pfn), pages);

		pfn += (u64)nr * VBALLOON_PAGE_PFNS;
		pages -= nr;
	}
	free_collected(&freed);
}
