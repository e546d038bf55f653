/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a virtqueue: where its three rings lie, and what it asks of the device it is on.
 *
 * A queue does not know devices: it reports upwards through struct queue_owner. Its addresses and
 * size are checked once, when it is enabled or restored, and cannot change while it is ready; its
 * rings' contents, and whether there still is memory behind them, are checked at each access.
 */
#ifndef QUEUE_RING_H
#define QUEUE_RING_H

#include <sys/queue.h>
#include <xenvirtio/queue.h>

#include "virtqueue/in-flight.h"
#include "virtqueue/segs.h"

/* virtio 1.2, 2.7.5, 2.7.6, 2.7.8 */
#define DESC_F_NEXT 1u
#define DESC_F_WRITE 2u
#define DESC_F_INDIRECT 4u
#define AVAIL_F_NO_INTERRUPT 1u
#define DESC_BYTES 16u
#define USED_ELEM_BYTES 8u

/** struct queue_owner - what a queue asks of its device */
struct queue_owner {
	/** live - DRIVER_OK, and nothing has gone wrong since */
	bool (*live)(const void *opaque);
	/** features - as negotiated */
	uint64_t (*features)(const void *opaque);
	/** fault - the guest broke this queue. Return: 0 or what telling the driver gave */
	int (*fault)(void *opaque, enum xenvirtio_guest_error kind, const char *detail);
	/** interrupt - used buffers are there */
	int (*interrupt)(void *opaque);
	/** hold - optional: keep to yourself that queue @index has used buffers, and ask again later. Return: so it is */
	bool (*hold)(void *opaque, unsigned int index);
};

/** descriptors, available and used, or what packed rings have in their places */
#define QUEUE_RINGS 3

/**
 * struct xenvirtio_queue
 * @device_id: of the device it is on: for probes
 * @epoch:     counts enablings; chains of an earlier one are dropped
 * @unsettled: restored from state and not popped from since
 * @in_flight: heads popped and not pushed, one bit each
 * @log:       the record of them that outlives the process; NULL: none is kept
 * @redo:      heads of the record that a process before has popped, and this one has not yet
 * @segs:      of its chains
 * @views:     of its chains
 * @foreign:   another process serves it, of any size: nothing here but where it lies
 * @packed:    its rings are of that kind, as of when it was enabled or restored
 * @ring_gfn:  which frames they are in, likewise: asked for again and again while pages move
 */
struct xenvirtio_queue {
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_queue_state *state;
	const struct queue_owner *owner;
	void *opaque;
	uint32_t device_id;
	unsigned int index;
	uint32_t epoch;
	bool unsettled;
	bool foreign;
	bool packed;
	struct {
		uint64_t first;
		uint64_t last;
	} ring_gfn[QUEUE_RINGS];
	uint64_t in_flight[XENVIRTIO_QUEUE_SIZE_MAX / 64];
	struct in_flight *log;
	uint64_t redo[XENVIRTIO_QUEUE_SIZE_MAX / 64];
	struct segs segs;
	LIST_HEAD(, xenvirtio_view) views;
};

/**
 * queue_start() - check what the driver set up, and enable the queue
 * @detail: out; what is wrong
 *
 * Return: 0; XENVIRTIO_E_GUEST it cannot be, and stays disabled; XENVIRTIO_E_GONE; -errno
 */
int queue_start(struct xenvirtio_queue *q, uint16_t size_max, const char **detail);
/** queue_is_packed() - whether packed rings were negotiated; known from FEATURES_OK on */
bool queue_is_packed(const struct xenvirtio_queue *q);
/** queue_stop() - disable; what was popped is never pushed. Return: 0; -errno a view of a chain may be there still */
int queue_stop(struct xenvirtio_queue *q);
/** queue_revoke_views() - nobody reads or writes the guest's memory by a view of this queue any more. Return: as above */
int queue_revoke_views(struct xenvirtio_queue *q);
/** queue_restore() - go on from a state: what was popped and not pushed is popped again */
void queue_restore(struct xenvirtio_queue *q);
/** queue_state_valid() - whether a state found somewhere is one this library can have written */
bool queue_state_valid(const struct xenvirtio_queue_state *state,
		       const struct xenvirtio_gmem *gmem, uint16_t size_max, bool packed);
/**
 * queue_next_gfn() - offset of the first of @nr frames from @start on that holds a part of its rings
 *
 * Return: it; @nr if none does, or the queue is not enabled
 */
uint64_t queue_next_gfn(const struct xenvirtio_queue *q, struct xenvirtio_gfn start, uint64_t nr);
/** queue_fault() - break the queue. Return: XENVIRTIO_E_GUEST; -errno */
int queue_fault(struct xenvirtio_queue *q, enum xenvirtio_guest_error kind, const char *detail);

/** addresses inside the rings */
struct xenvirtio_gpa avail_flags_gpa(const struct xenvirtio_queue *q);
struct xenvirtio_gpa avail_idx_gpa(const struct xenvirtio_queue *q);
struct xenvirtio_gpa avail_ring_gpa(const struct xenvirtio_queue *q, uint16_t idx);
struct xenvirtio_gpa used_event_gpa(const struct xenvirtio_queue *q);
struct xenvirtio_gpa used_idx_gpa(const struct xenvirtio_queue *q);
struct xenvirtio_gpa used_ring_gpa(const struct xenvirtio_queue *q, uint16_t idx);
struct xenvirtio_gpa avail_event_gpa(const struct xenvirtio_queue *q);

/**
 * queue_walk() - copy and check the descriptor chain that begins at @head
 * @head:     below the queue's size
 * @chain:    out
 * @indirect: the driver may use indirect descriptors
 * @kind, @detail: out; what is wrong
 *
 * Return: 0; XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -errno
 */
int queue_walk(struct xenvirtio_queue *q, uint16_t head, bool indirect,
	       struct xenvirtio_chain *chain, enum xenvirtio_guest_error *kind,
	       const char **detail);

#endif /* QUEUE_RING_H */
