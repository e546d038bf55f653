// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks that stay whole in the balloon.
 *
 * A block is as it was allocated: only its first page has a reference. What is written of each page
 * is that it is offline, for who dumps the guest's memory or reads /proc/kpageflags.
 */
#include "virtio_balloon_whole.h"

#include <linux/mm.h>
#include <linux/vmstat.h>

void vballoon_whole_enqueue(struct list_head *whole, struct page *block)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_BLOCK_PAGES; i++)
		__SetPageOffline(block + i);
	list_add(&block->lru, whole);
	count_vm_events(BALLOON_INFLATE, VBALLOON_BLOCK_PAGES);
}

struct page *vballoon_whole_dequeue(struct list_head *whole)
{
	struct page *block = list_first_entry(whole, struct page, lru);
	unsigned int i;

	list_del(&block->lru);
	for (i = 0; i < VBALLOON_BLOCK_PAGES; i++)
		__ClearPageOffline(block + i);
	set_page_private(block, VBALLOON_BLOCK_ORDER);
	count_vm_events(BALLOON_DEFLATE, VBALLOON_BLOCK_PAGES);
	return block;
}
