// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inflation and deflation in batches: pages to ranges to messages, one message at a time.
 *
 * A batch is what one call moves. Its pages become ranges, neighbours joined as they come, then
 * sorted; the messages follow that order, so that the host sees runs as long as they are. A
 * fragmented batch may take more than one message.
 */
#include "virtio_balloon_bulk.h"

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include "virtio_balloon_blocks.h"
#include "virtio_balloon_list.h"

/* 64 MiB: a message costs what a MiB does, mostly the host; more would hold the lock too long. */
#define BATCH_PFNS	(16 * 1024u)

/* The notifier that asks for memory must find nearly all of it in the balloon. */
#define BATCH_OF_AVAILABLE	16

#define MSG_BYTES_MAX	(32 * 1024u)
#define MSG_BYTES_MIN	(4 * 1024u)

static unsigned int block_order = VBALLOON_BLOCK_ORDER;
module_param(block_order, uint, 0444);
MODULE_PARM_DESC(block_order, "Largest order of pages to inflate by (default: 2 MiB)");

int vballoon_bulk_init(struct vballoon_bulk *bulk)
{
	bulk->format = vballoon_format_of(bulk->vdev);
	if (!vballoon_bulk_on(bulk))
		return 0;

	for (bulk->msg_bytes = MSG_BYTES_MAX; bulk->msg_bytes >= MSG_BYTES_MIN;
	     bulk->msg_bytes /= 2) {
		bulk->msg = kmalloc(bulk->msg_bytes, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
		if (bulk->msg)
			break;
	}
	bulk->range = kvmalloc_array(BATCH_PFNS, sizeof(*bulk->range), GFP_KERNEL);
	bulk->spare = kvmalloc_array(BATCH_PFNS, sizeof(*bulk->spare), GFP_KERNEL);
	if (bulk->msg && bulk->range && bulk->spare)
		return 0;
	vballoon_bulk_exit(bulk);
	return -ENOMEM;
}

void vballoon_bulk_exit(struct vballoon_bulk *bulk)
{
	kfree(bulk->msg);
	kvfree(bulk->range);
	kvfree(bulk->spare);
	bulk->msg = NULL;
	bulk->range = NULL;
	bulk->spare = NULL;
}

unsigned int vballoon_bulk_oom_pfns(void)
{
	return VBALLOON_BLOCK_PAGES * VBALLOON_PAGE_PFNS;
}

/* Do we? Without the feature the pages of the balloon are not the guest's for the time being. */
static bool adjusts_managed(const struct vballoon_bulk *bulk)
{
	return !VBALLOON_LIST_ADJUSTS_MANAGED &&
	       !virtio_has_feature(bulk->vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
}

static void send(struct vballoon_bulk *bulk, struct virtqueue *vq, size_t bytes)
{
	struct scatterlist sg;
	unsigned int len;

	sg_init_one(&sg, bulk->msg, bytes);
	/* One descriptor in an empty queue needs no memory and finds room. */
	if (WARN_ON_ONCE(virtqueue_add_outbuf(vq, &sg, 1, bulk, GFP_KERNEL)))
		return;
	virtqueue_kick(vq);
	wait_event(*bulk->acked, virtqueue_get_buf(vq, &len));
}

static void send_ranges(struct vballoon_bulk *bulk, struct virtqueue *vq, size_t nr)
{
	struct vballoon_cursor cursor;

	vballoon_cursor_init(&cursor, bulk->range, nr);
	while (cursor.left)
		send(bulk, vq, vballoon_encode_message(&cursor, bulk->format, bulk->msg,
						       bulk->msg_bytes));
}

/* Pages of the guest for a batch of at most @num frames. */
static unsigned int batch_pages(size_t num)
{
	return min_t(size_t, num, BATCH_PFNS) / VBALLOON_PAGE_PFNS;
}

static unsigned int largest_order(void)
{
	return min_t(unsigned int, block_order, VBALLOON_BLOCK_ORDER);
}

static unsigned int fill_batch_pages(size_t num)
{
	long share = si_mem_available() / BATCH_OF_AVAILABLE;

	return min_t(long, batch_pages(num), max_t(long, share, VBALLOON_BLOCK_PAGES));
}

/* Into the balloon with all of @blocks and @singles; returns the ranges they are. */
static size_t enqueue_pages(struct vballoon_bulk *bulk, struct list_head *blocks,
			    struct list_head *singles)
{
	unsigned int order, top = largest_order();
	struct vballoon_managed managed = { };
	bool adjust = adjusts_managed(bulk);
	struct page *page;
	size_t nr = 0;

	while ((page = vballoon_blocks_pop(blocks, &order))) {
		nr = vballoon_range_add(bulk->range, nr, vballoon_page_pfn(page),
					VBALLOON_PAGE_PFNS << order);
		vballoon_block_enqueue(bulk->info, page, order, order < top);
		if (adjust)
			vballoon_managed_add(&managed, page, -(1l << order));
		*bulk->num_pages += VBALLOON_PAGE_PFNS << order;
	}
	list_for_each_entry(page, singles, lru) {
		nr = vballoon_range_add(bulk->range, nr, vballoon_page_pfn(page),
					VBALLOON_PAGE_PFNS);
		if (adjust)
			vballoon_managed_add(&managed, page, -1);
		*bulk->num_pages += VBALLOON_PAGE_PFNS;
	}
	vballoon_singles_enqueue(bulk->info, singles, top > 0);
	vballoon_managed_flush(&managed);
	return nr;
}

unsigned int vballoon_bulk_fill(struct vballoon_bulk *bulk, struct virtqueue *vq, size_t num)
{
	unsigned int want = fill_batch_pages(num), got;
	LIST_HEAD(blocks);
	LIST_HEAD(singles);
	size_t nr;

	got = vballoon_blocks_alloc(&blocks, &singles, want, largest_order());

	mutex_lock(bulk->lock);
	nr = enqueue_pages(bulk, &blocks, &singles);
	vballoon_ranges_sort(bulk->range, bulk->spare, nr);
	send_ranges(bulk, vq, nr);
	mutex_unlock(bulk->lock);

	if (got < want) {
		dev_info_ratelimited(&bulk->vdev->dev, "Out of puff! Can't get %u pages\n",
				     (want - got) * VBALLOON_PAGE_PFNS);
		/* As the stock driver, but with what there was in the balloon. */
		msleep(200);
	}
	return got * VBALLOON_PAGE_PFNS;
}

static void free_ranges(struct vballoon_bulk *bulk, size_t nr)
{
	struct vballoon_cursor cursor;

	vballoon_cursor_init(&cursor, bulk->range, nr);
	while (cursor.left) {
		vballoon_blocks_free(cursor.pfn, cursor.left, adjusts_managed(bulk));
		vballoon_cursor_pass(&cursor, cursor.left);
	}
}

unsigned int vballoon_bulk_leak(struct vballoon_bulk *bulk, struct virtqueue *vq, size_t num)
{
	LIST_HEAD(pages);
	struct page *page;
	unsigned int got;
	size_t nr = 0;

	mutex_lock(bulk->lock);
	got = vballoon_blocks_dequeue(bulk->info, &pages,
				      batch_pages(min_t(size_t, num, *bulk->num_pages)));
	list_for_each_entry(page, &pages, lru)
		nr = vballoon_range_add(bulk->range, nr, vballoon_page_pfn(page),
					VBALLOON_PAGE_PFNS << page_private(page));
	vballoon_ranges_sort(bulk->range, bulk->spare, nr);
	*bulk->num_pages -= got * VBALLOON_PAGE_PFNS;
	/* The host has the pages back in their place before anybody can touch them. */
	send_ranges(bulk, vq, nr);
	free_ranges(bulk, nr);
	mutex_unlock(bulk->lock);

	cond_resched();
	return got * VBALLOON_PAGE_PFNS;
}

void vballoon_bulk_tell_page(struct vballoon_bulk *bulk, struct virtqueue *vq, struct page *page)
{
	bulk->range[0] = vballoon_range(vballoon_page_pfn(page), VBALLOON_PAGE_PFNS);
	send_ranges(bulk, vq, 1);
}
