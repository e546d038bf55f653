// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Blocks of segments, twice as large each time.
 */
#include <stdlib.h>
#include <string.h>

#include "virtqueue/segs.h"

#define ROOM_MIN 8u

struct segs_block {
	struct segs_block *smaller;
	unsigned int room;
	struct xenvirtio_seg seg[];
};

static struct xenvirtio_seg *grow(struct segs_block **head, unsigned int nr)
{
	struct segs_block *old = *head, *block;
	unsigned int room = old ? 2 * old->room : ROOM_MIN;

	block = malloc(sizeof(*block) + room * sizeof(block->seg[0]));
	if (!block)
		return NULL;
	block->smaller = old;
	block->room = room;
	if (old)
		memcpy(block->seg, old->seg, nr * sizeof(block->seg[0]));
	*head = block;
	return block->seg;
}

struct xenvirtio_seg *segs_room(struct segs *segs, uint16_t head, unsigned int nr)
{
	struct segs_block *block;

	if (!segs->head)
		segs->head = calloc(XENVIRTIO_QUEUE_SIZE_MAX, sizeof(struct segs_block *));
	if (!segs->head)
		return NULL;
	block = segs->head[head];
	return block && nr < block->room ? block->seg : grow(&segs->head[head], nr);
}

void segs_free(struct segs *segs)
{
	for (unsigned int i = 0; segs->head && i < XENVIRTIO_QUEUE_SIZE_MAX; i++) {
		while (segs->head[i]) {
			struct segs_block *block = segs->head[i];

			segs->head[i] = block->smaller;
			free(block);
		}
	}
	free(segs->head);
	segs->head = NULL;
}
