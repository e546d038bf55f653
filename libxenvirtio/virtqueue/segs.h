/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for the segments of chains: of each head of a queue as much as its longest chain so far took.
 *
 * A block is only ever replaced by a larger one, and freed with the queue: who still looks at a chain that is not the device's any
 * more finds other segments there, and never memory that is somebody else's. All blocks of a head together are less than twice
 * its largest one.
 */
#ifndef SEGS_H
#define SEGS_H

#include <xenvirtio/queue.h>

struct segs_block;

/**
 * struct segs
 * @longest: segments that a chain may have
 * @head:    XENVIRTIO_QUEUE_SIZE_MAX of them, the newest block of each; NULL: none had a chain with a segment
 */
struct segs {
	unsigned int longest;
	struct segs_block **head;
};

/**
 * segs_room() - room for segment number @nr of the chain at @head, behind the @nr that it has
 * @nr: below longest
 *
 * Return: all segments of the chain; NULL: out of memory
 */
struct xenvirtio_seg *segs_room(struct segs *segs, uint16_t head, unsigned int nr);
void segs_free(struct segs *segs);

#endif /* SEGS_H */
