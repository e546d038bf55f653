// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers to the host's requests.
 *
 * Unused memory is what can be allocated without reclaim, in the largest blocks: they are held
 * while the answer is on its way, so that what the device reads is true until it returns the last
 * part. A share of the memory stays free for the guest meanwhile, and who is short of memory has
 * back what is held; so has everybody after a time, whatever the device does.
 *
 * The work waits for the device without a limit, as the device may keep the last part while it
 * copies; so it runs on no freezable queue, and stopping wakes it. A buffer that is then still the
 * device's comes back with the reset.
 */
#include "virtio_balloon_hostreq.h"

#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/virtio_config.h>

#include "virtio_balloon_blocks.h"

/* For which a part of an answer may be the device's before the guest has its pages back. */
#define HELD_TIMEOUT	(120 * HZ)

/* Blocks are longer than a range where pages are large. */
#define RANGES_PER_BLOCK \
	DIV_ROUND_UP(VBALLOON_HELD_PAGES * VBALLOON_PAGE_PFNS, VBALLOON_RANGE_PAGES_MAX)
#define RANGES_MAX	1024u
#define MSG_BYTES	(16 * 1024u)

static size_t add_block(struct vballoon_hostreq *hr, size_t nr, struct page *block)
{
	u64 pfn = vballoon_page_pfn(block), left = VBALLOON_HELD_PAGES * VBALLOON_PAGE_PFNS;

	while (left) {
		u64 here = min_t(u64, left, VBALLOON_RANGE_PAGES_MAX);

		nr = vballoon_range_add(hr->range, nr, pfn, here);
		pfn += here;
		left -= here;
	}
	return nr;
}

static bool is_acked(struct vballoon_hostreq *hr)
{
	unsigned int len;

	return virtqueue_get_buf(hr->vq, &len) == hr->msg;
}

/* The device has returned the part, which it does once, or the driver stops. */
static bool is_over(struct vballoon_hostreq *hr, bool *acked)
{
	*acked = *acked || is_acked(hr);
	return *acked || !READ_ONCE(hr->running);
}

/* Send header and payload; false: the driver stops. */
static bool send_part(struct vballoon_hostreq *hr, u16 flags, u64 start_pfn, size_t payload)
{
	struct virtio_balloon_host_resp *resp = hr->msg;
	struct scatterlist sg;
	bool acked = false;

	memset(resp, 0, sizeof(*resp));
	resp->cmd = hr->req->cmd;
	resp->page_shift = cpu_to_le16(VIRTIO_BALLOON_BULK_SHIFT);
	resp->flags = cpu_to_le16(flags);
	resp->req_id = hr->req->req_id;
	resp->start_pfn = cpu_to_le64(start_pfn);
	resp->bmap_len = cpu_to_le64(payload);

	sg_init_one(&sg, resp, sizeof(*resp) + payload);
	if (WARN_ON_ONCE(virtqueue_add_outbuf(hr->vq, &sg, 1, hr->msg, GFP_KERNEL)))
		return false;
	virtqueue_kick(hr->vq);
	if (!wait_event_timeout(hr->acked, is_over(hr, &acked), HELD_TIMEOUT))
		vballoon_held_release(&hr->held);
	wait_event(hr->acked, is_over(hr, &acked));
	return acked;
}

static int compare_ranges(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Send @nr ranges; if there is no @more to come, the last part ends the answer. */
static bool send_ranges(struct vballoon_hostreq *hr, size_t nr, bool more)
{
	void *payload = hr->msg + sizeof(struct virtio_balloon_host_resp);
	const size_t room = MSG_BYTES - sizeof(struct virtio_balloon_host_resp);
	struct vballoon_cursor cursor;
	u64 start_pfn = 0;
	size_t bytes;
	bool ok;

	sort(hr->range, nr, sizeof(*hr->range), compare_ranges, NULL);
	vballoon_cursor_init(&cursor, hr->range, nr);
	do {
		if (hr->chunks)
			bytes = vballoon_encode_chunks(&cursor, payload, room);
		else
			bytes = vballoon_encode_bitmap(&cursor, payload, room, &start_pfn);
		ok = send_part(hr, cursor.left || more ? VIRTIO_BALLOON_HOST_RESP_CONT :
							 VIRTIO_BALLOON_HOST_RESP_DONE,
			       start_pfn, bytes);
	} while (ok && cursor.left);
	return ok;
}

static bool send_unused(struct vballoon_hostreq *hr)
{
	struct page *block;
	bool ok = true;
	size_t nr = 0;

	vballoon_held_begin(&hr->held);
	while (ok && (block = vballoon_held_take(&hr->held))) {
		if (nr + RANGES_PER_BLOCK > RANGES_MAX) {
			ok = send_ranges(hr, nr, true);
			nr = 0;
		}
		nr = add_block(hr, nr, block);
		cond_resched();
	}
	if (ok)
		ok = send_ranges(hr, nr, false);
	vballoon_held_release(&hr->held);
	return ok;
}

static void post_request(struct vballoon_hostreq *hr)
{
	struct scatterlist sg;

	memset(hr->req, 0, sizeof(*hr->req));
	sg_init_one(&sg, hr->req, sizeof(*hr->req));
	if (WARN_ON_ONCE(virtqueue_add_inbuf(hr->vq, &sg, 1, hr->req, GFP_KERNEL)))
		return;
	virtqueue_kick(hr->vq);
}

static void answer_request(struct work_struct *work)
{
	struct vballoon_hostreq *hr = container_of(work, struct vballoon_hostreq, work);
	unsigned int len;
	bool ok = true;

	/* Queued for an answer's acknowledgment, which the sender has had. */
	if (virtqueue_get_buf(hr->vq, &len) != hr->req)
		return;
	if (len == sizeof(*hr->req)) {
		if (le16_to_cpu(hr->req->cmd) == VIRTIO_BALLOON_HOST_REQ_UNUSED)
			ok = send_unused(hr);
		else
			ok = send_part(hr, VIRTIO_BALLOON_HOST_RESP_DONE, 0, 0);
	}
	if (ok)
		post_request(hr);
}

void vballoon_hostreq_notify(struct vballoon_hostreq *hr)
{
	unsigned long flags;

	wake_up(&hr->acked);
	spin_lock_irqsave(&hr->lock, flags);
	if (hr->running)
		queue_work(system_unbound_wq, &hr->work);
	spin_unlock_irqrestore(&hr->lock, flags);
}

void vballoon_hostreq_start(struct vballoon_hostreq *hr, struct virtqueue *vq, bool chunks)
{
	hr->vq = vq;
	hr->chunks = chunks;
	spin_lock_irq(&hr->lock);
	WRITE_ONCE(hr->running, true);
	spin_unlock_irq(&hr->lock);
	post_request(hr);
}

void vballoon_hostreq_stop(struct vballoon_hostreq *hr)
{
	if (!hr->vq)
		return;
	spin_lock_irq(&hr->lock);
	WRITE_ONCE(hr->running, false);
	spin_unlock_irq(&hr->lock);
	wake_up(&hr->acked);
	cancel_work_sync(&hr->work);
	hr->vq = NULL;
}

static void free_buffers(struct vballoon_hostreq *hr)
{
	kfree(hr->req);
	kfree(hr->msg);
	kfree(hr->range);
	hr->req = NULL;
	hr->msg = NULL;
	hr->range = NULL;
}

int vballoon_hostreq_init(struct vballoon_hostreq *hr)
{
	INIT_WORK(&hr->work, answer_request);
	init_waitqueue_head(&hr->acked);
	spin_lock_init(&hr->lock);
	hr->req = kzalloc(sizeof(*hr->req), GFP_KERNEL);
	hr->msg = kmalloc(MSG_BYTES, GFP_KERNEL);
	hr->range = kmalloc_array(RANGES_MAX, sizeof(*hr->range), GFP_KERNEL);
	if (hr->req && hr->msg && hr->range && !vballoon_held_init(&hr->held))
		return 0;
	free_buffers(hr);
	return -ENOMEM;
}

void vballoon_hostreq_exit(struct vballoon_hostreq *hr)
{
	if (!hr->req)
		return;
	vballoon_held_exit(&hr->held);
	free_buffers(hr);
}
