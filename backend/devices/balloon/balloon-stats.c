// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The statistics queue: the driver fills a buffer, we keep it until we want new figures, and giving
 * it back is the request. virtio 1.2, 5.5.6.3. A buffer that makes no sense is kept all the same:
 * giving it back at once would have the driver and us toss it to and fro for ever.
 */
#include "backend/devices/balloon/balloon-internal.h"

/* Sixteen tags are known; four times that leaves room for a driver of the future. */
#define STATS_BYTES_MAX (64 * XENVIRTIO_BALLOON_STAT_BYTES)
/* One is the rule. Each may cost a mapping and an interrupt. */
#define CHAINS_PER_TURN 16

static int give_back(struct balloon *b)
{
	int ret;

	b->stats_held = false;
	ret = xenvirtio_queue_push(balloon_queue(b, BALLOON_VQ_STATS), &b->stats_chain, 0);
	return ret ? ret : xenvirtio_queue_interrupt(balloon_queue(b, BALLOON_VQ_STATS));
}

static int read_figures(struct balloon *b)
{
	unsigned char msg[STATS_BYTES_MAX];
	uint64_t bytes = b->stats_chain.readable_bytes;
	uint32_t mask;
	int ret;

	if (bytes > sizeof(msg)) {
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_MESSAGE,
					     "statistics buffer too long");
		return 0;
	}
	ret = xenvirtio_chain_read(balloon_queue(b, BALLOON_VQ_STATS), &b->stats_chain, 0, msg, bytes);
	if (ret)
		return ret;
	if (xenvirtio_balloon_decode_stats(msg, bytes, b->status.stats, BALLOON_STATS, &mask)) {
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_MESSAGE,
					     "statistics buffer is no array of tag and value");
		return 0;
	}
	b->status.stats_valid = mask;
	b->status.stats_sequence++;
	b->status.stats_ns = clock_now_ns();
	b->status.stats_ballooned_pages = b->frames.nr_set + b->due.frames.nr_set;
	balloon_changed(b);
	return 0;
}

int balloon_stats_run(struct balloon *b)
{
	struct xenvirtio_queue *q = balloon_queue(b, BALLOON_VQ_STATS);

	b->work &= ~(unsigned int)BALLOON_WORK_STATS;
	for (unsigned int chains = 0; q && chains < CHAINS_PER_TURN; chains++) {
		struct xenvirtio_chain chain;
		int ret = xenvirtio_queue_pop(q, &chain);

		if (ret == XENVIRTIO_E_EMPTY || ret == XENVIRTIO_E_GUEST)
			return 0;
		if (ret)
			return ret;
		/* One buffer is the rule; a driver that adds another gets the older one back. */
		if (b->stats_held) {
			ret = give_back(b);
			if (ret)
				return ret == XENVIRTIO_E_GUEST ? 0 : ret;
		}
		b->stats_chain = chain;
		b->stats_held = true;
		ret = read_figures(b);
		if (ret == XENVIRTIO_E_GUEST)
			return xenvirtio_device_guest_fault(b->dev, XENVIRTIO_GUEST_BAD_ADDRESS,
							    "statistics buffer is not RAM");
		if (ret)
			return ret;
	}
	if (q)
		b->work |= BALLOON_WORK_STATS;
	return 0;
}

void balloon_stats_reset(struct balloon *b)
{
	b->stats_held = false;
	b->work &= ~(unsigned int)BALLOON_WORK_STATS;
	b->status.stats_valid = 0;
	b->status.stats_sequence = 0;
}

int balloon_request_stats(struct balloon *b)
{
	if (!b->stats_held || !xenvirtio_device_driver_ok(b->dev))
		return XENVIRTIO_E_EMPTY;
	return give_back(b);
}
