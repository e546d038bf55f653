// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of blocks through the balloon's list, where its lock is mm's own: since Linux 7.
 *
 * Pages go in and out one by one, at the head. A block's are put so that they come out next to each
 * other; those of a batch that are a whole block are joined when they are freed.
 */
#include "virtio_balloon_list.h"

#include "virtio_balloon_blocks.h"

void vballoon_block_enqueue(struct balloon_dev_info *info, struct page *block, unsigned int order,
			    bool tail)
{
	unsigned int i, nr = 1u << order;
	LIST_HEAD(pages);

	if (order)
		split_page(block, order);
	for (i = 0; i < nr; i++)
		list_add(&block[i].lru, &pages);
	balloon_page_list_enqueue(info, &pages);
}

void vballoon_singles_enqueue(struct balloon_dev_info *info, struct list_head *singles, bool tail)
{
	/* Interrupts are off during each step. */
	while (!list_empty(singles)) {
		unsigned int nr = 0;
		struct page *page;
		LIST_HEAD(step);

		list_for_each_entry(page, singles, lru) {
			if (nr++ == VBALLOON_BLOCK_PAGES)
				break;
		}
		list_cut_before(&step, singles, &page->lru);
		balloon_page_list_enqueue(info, &step);
	}
}

unsigned int vballoon_blocks_dequeue(struct balloon_dev_info *info, struct list_head *pages_out,
				     unsigned int pages)
{
	unsigned int nr = 0, step;

	/* Interrupts are off during each step. */
	do {
		step = min(pages - nr, VBALLOON_BLOCK_PAGES);
		step = balloon_page_list_dequeue(info, pages_out, step);
		nr += step;
	} while (step && nr < pages);

	return nr;
}
