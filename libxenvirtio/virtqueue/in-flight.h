/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which chains of a queue are popped and not pushed, in memory that outlives the process: for devices that push in another
 * order than they pop. Without it a successor can only tell how many were pushed.
 *
 * Each change is one store, in an order that leaves a whole record wherever the process dies:
 *
 *   pop    place[head], the head's bit, last_avail_idx
 *   push   next_used, pushing, (the used element and the guest's used index), used_idx, the head's bit, pushing
 *
 * So at most one bit is ahead of the two indices: a pop's, whose place is last_avail_idx, or a push's, whose next_used is
 * used_idx. Where a push is under way and used_idx does not say that it is done, the guest's copy of that index does.
 */
#ifndef IN_FLIGHT_H
#define IN_FLIGHT_H

#include <xenvirtio/queue.h>

/* 1 had room for 256 heads */
#define IN_FLIGHT_VERSION 2u

/**
 * struct in_flight
 * @version:   IN_FLIGHT_VERSION; 0: of a queue that was never enabled, or by a process that kept no record
 * @pushing:   the head whose push is under way, and one; 0: none is
 * @next_used: used_idx once it is pushed
 * @heads:     popped and not pushed, a bit each
 * @place:     of these, last_avail_idx when each was popped
 */
struct in_flight {
	uint32_t version;
	uint16_t pushing;
	uint16_t next_used;
	uint64_t heads[XENVIRTIO_QUEUE_SIZE_MAX / 64];
	uint16_t place[XENVIRTIO_QUEUE_SIZE_MAX];
};

/** in_flight_begin() - nothing is; before the queue is ready */
void in_flight_begin(struct in_flight *log);

/** in_flight_pop() - before last_avail_idx moves on from @place */
void in_flight_pop(struct in_flight *log, uint16_t head, uint16_t place);
/** in_flight_push() - before anything is written for the driver; @next_used: used_idx afterwards */
void in_flight_push(struct in_flight *log, uint16_t head, uint16_t next_used);
/** in_flight_pushed() - the end of it; @done: used_idx has moved on */
void in_flight_pushed(struct in_flight *log, bool done);

/** in_flight_valid() - whether a record found somewhere can be that of a queue in this state, which is valid and ready */
bool in_flight_valid(const struct in_flight *log, const struct xenvirtio_queue_state *state);

/**
 * in_flight_settle() - finish what was under way when the process died; @log is valid
 * @guest_used_idx: the guest's copy of the used index, hostile: it decides of one push that was under way, and of nothing else
 *
 * Afterwards the bits are as many as the indices say.
 */
void in_flight_settle(struct in_flight *log, struct xenvirtio_queue_state *state, uint16_t guest_used_idx);

/**
 * in_flight_oldest() - of @heads, the one that was popped first
 *
 * One that has been kept while 65536 others were popped may be taken for a newer one.
 * Return: true, @head; false there is none
 */
bool in_flight_oldest(const struct in_flight *log, const uint64_t *heads, uint16_t last_avail_idx, uint16_t *head);

#endif /* IN_FLIGHT_H */
