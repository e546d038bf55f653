/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Split virtqueues, device side: virtio 1.2, section 2.7.
 *
 * A queue belongs to a device (device.h), which configures and enables it. Device code pops chains,
 * reads and writes their bytes by copy, pushes them, and asks for the interrupt once a batch.
 * Chains may be pushed in any order; but a restart (see device.h) knows only how many were pushed
 * and takes the oldest for these. A device that wants to survive its process pushes in the order it
 * pops, or has a record kept of the chains in flight (device.h, in_flight).
 *
 * Indirect descriptors and EVENT_IDX follow the negotiated features. Everything in the rings is
 * hostile and read once. A queue on which the guest broke the rules stays broken until reset:
 * every later pop answers XENVIRTIO_E_GUEST.
 */
#ifndef XENVIRTIO_QUEUE_H
#define XENVIRTIO_QUEUE_H

#include <xenvirtio/gmem.h>

#ifdef __cplusplus
extern "C" {
#endif

/** the largest ring there is, served here or by another process (device.h, foreign_queues) */
#define XENVIRTIO_QUEUE_SIZE_MAX 1024u
/** the longest chain, indirect or not, is as long as its device's largest ring may be, or that: some drivers' rings are shorter */
#define XENVIRTIO_CHAIN_SEGS_MIN 256u

/** feature bits of the ring's format; the library serves and offers them always, but for foreign queues */
#define XENVIRTIO_F_INDIRECT_DESC 28
#define XENVIRTIO_F_EVENT_IDX 29
/** more of them: only who serves foreign queues may have these */
#define XENVIRTIO_F_RING_PACKED 34
#define XENVIRTIO_F_IN_ORDER 35
#define XENVIRTIO_F_RING_RESET 40

struct xenvirtio_queue;

/** the transport's state of one queue; plain data, in struct xenvirtio_device_state and of its version */
struct xenvirtio_queue_state {
	uint64_t desc_gpa;
	uint64_t avail_gpa;
	uint64_t used_gpa;
	uint16_t size;
	uint16_t last_avail_idx;	/* next entry of the available ring to look at */
	uint16_t used_idx;		/* next entry of the used ring to write */
	uint16_t signalled_idx;		/* used_idx when the driver was last interrupted */
	uint8_t ready;
	uint8_t broken;
	uint8_t pad[6];
};

/** one buffer of a chain, checked to be inside guest RAM when it was popped */
struct xenvirtio_seg {
	struct xenvirtio_gpa gpa;
	uint32_t len_bytes;
};

/**
 * struct xenvirtio_chain - a descriptor chain, copied
 * @head:        descriptor index the driver knows it by
 * @nr_readable: seg[0..nr_readable) are device-readable
 * @nr_writable: the next nr_writable are device-writable
 * @readable_bytes, @writable_bytes: their sums
 * @epoch:       private: tells a chain popped before a reset of the device from one after
 * @seg:         the queue's memory, of this chain while it is held (xenvirtio_chain_held()), and never freed before the device
 *
 * May be copied: a copy is the same chain.
 */
struct xenvirtio_chain {
	uint16_t head;
	uint16_t nr_readable;
	uint16_t nr_writable;
	uint64_t readable_bytes;
	uint64_t writable_bytes;
	uint32_t epoch;
	const struct xenvirtio_seg *seg;
};

/**
 * xenvirtio_queue_pop() - take the next available descriptor chain
 * @q:     from xenvirtio_device_queue(), any state
 * @chain: out; caller's, valid until it is pushed
 *
 * Shapes: chain->seg[0..nr_readable+nr_writable), readable before writable
 * Trust:  ring contents are hostile; on failure the used ring is unchanged
 * Order:  acquire on avail->idx pairs with the driver's release
 * Errors: on XENVIRTIO_E_EMPTY kicks are on again (avail_event published and avail->idx seen after)
 * Return: 0; XENVIRTIO_E_EMPTY also when the queue is not enabled or the device not DRIVER_OK;
 *         XENVIRTIO_E_GUEST malformed: NEEDS_RESET has been set; XENVIRTIO_E_GONE; -EINVAL somebody else
 *         serves the queue; -ENOMEM; -errno
 * Costs:  16 bytes a segment, which the queue keeps for the next chain: a guest can make that, with twice as much for those
 *         that grew, its ring times the longest chain; 2 MiB for a ring of 256, 32 MiB for one of 1024
 * Source: virtio 1.2, 2.7.5 to 2.7.8 and 2.7.13
 */
int xenvirtio_queue_pop(struct xenvirtio_queue *q, struct xenvirtio_chain *chain);

/**
 * xenvirtio_queue_push() - give a chain back to the driver
 * @chain:      as it was popped, and not yet pushed; after a device reset it is silently dropped
 * @used_bytes: bytes written to the device-writable part, from its start
 *
 * Order:  the used element is written before used->idx (release)
 * Return: 0; XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -errno
 */
int xenvirtio_queue_push(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain,
			 uint32_t used_bytes);

/**
 * xenvirtio_queue_interrupt() - interrupt the driver if it wants to hear of what was pushed
 *
 * Once after a batch of pushes. Obeys used_event or VIRTQ_AVAIL_F_NO_INTERRUPT.
 */
int xenvirtio_queue_interrupt(struct xenvirtio_queue *q);

/**
 * xenvirtio_chain_read() - copy from the device-readable bytes of a chain
 * @offset: from the start of the readable part
 * @buf:    @len bytes
 *
 * Return: 0; XENVIRTIO_E_GUEST the chain is shorter, its memory went away, or it is not the device's
 *         any more: it was pushed, or its queue was stopped or reset since it was popped; GONE; -errno
 */
int xenvirtio_chain_read(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain,
			 uint64_t offset, void *buf, size_t len);
/** xenvirtio_chain_write() - copy into the device-writable bytes; otherwise as the read */
int xenvirtio_chain_write(struct xenvirtio_queue *q, const struct xenvirtio_chain *chain,
			  uint64_t offset, const void *buf, size_t len);

/**
 * xenvirtio_chain_held() - whether a chain is the device's: popped since its queue was enabled, and not pushed
 *
 * For authors that keep chains. A driver may stop a queue at any moment; what was popped from it then names memory
 * that may be somebody else's, is neither read nor written any more, and is no fault of the driver's.
 */
bool xenvirtio_chain_held(const struct xenvirtio_queue *q, const struct xenvirtio_chain *chain);

/**
 * struct xenvirtio_queue_rings - where an enabled queue lies in the guest's memory
 * @desc_gpa:  the descriptor table; of a packed ring the descriptor ring
 * @avail_gpa: the available ring; of a packed ring the driver's event suppression
 * @used_gpa:  the used ring; of a packed ring the device's event suppression
 * @size:      descriptors; of a split ring a power of two
 */
struct xenvirtio_queue_rings {
	uint64_t desc_gpa;
	uint64_t avail_gpa;
	uint64_t used_gpa;
	uint16_t size;
};

/**
 * xenvirtio_queue_rings() - for who serves a queue elsewhere (device.h, foreign_queues)
 * @rings: out; untouched on failure
 *
 * Trust:  when the driver enabled the queue each ring was aligned, whole inside RAM, and had memory behind each of its
 *         pages; a state from another process was checked so but for the last. Since then the guest may have taken the
 *         memory away. What is in the rings is hostile
 * Return: 0; XENVIRTIO_E_EMPTY the queue is not enabled
 * Source: virtio 1.2, 2.7 and 2.8
 */
int xenvirtio_queue_rings(const struct xenvirtio_queue *q, struct xenvirtio_queue_rings *rings);

/** xenvirtio_queue_enabled() - the driver has set QueueReady and the device is not broken */
bool xenvirtio_queue_enabled(const struct xenvirtio_queue *q);
/** xenvirtio_queue_index() - its number on the device */
unsigned int xenvirtio_queue_index(const struct xenvirtio_queue *q);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_QUEUE_H */
