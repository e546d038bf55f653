/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the messages of a virtio balloon say: virtio 1.2, section 5.5.
 *
 * Pure functions on copied bytes: no guest, no hypervisor. Whatever the bytes are, they end in a
 * list of runs or a set of figures, or are refused.
 */
#ifndef XENVIRTIO_BALLOON_H
#define XENVIRTIO_BALLOON_H

#include <xenvirtio/extent.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XENVIRTIO_BALLOON_DEVICE_ID 5u

/** feature bits, virtio 1.2, 5.5.3 */
#define XENVIRTIO_BALLOON_F_MUST_TELL_HOST 0
#define XENVIRTIO_BALLOON_F_STATS_VQ 1
#define XENVIRTIO_BALLOON_F_DEFLATE_ON_OOM 2
#define XENVIRTIO_BALLOON_F_FREE_PAGE_HINT 3
#define XENVIRTIO_BALLOON_F_PAGE_POISON 4

/** queues, as Linux numbers them when the statistics queue is negotiated */
#define XENVIRTIO_BALLOON_VQ_INFLATE 0u
#define XENVIRTIO_BALLOON_VQ_DEFLATE 1u
#define XENVIRTIO_BALLOON_VQ_STATS 2u

/** configuration space, virtio 1.2, 5.5.4: little-endian on the wire */
struct xenvirtio_balloon_config {
	struct xenvirtio_le32 num_pages;
	struct xenvirtio_le32 actual;
	struct xenvirtio_le32 free_page_hint_cmd_id;
	struct xenvirtio_le32 poison_val;
};

/** values of free_page_hint_cmd_id that are no request, virtio 1.2, 5.5.6.5 */
#define XENVIRTIO_BALLOON_HINT_STOP 0u
#define XENVIRTIO_BALLOON_HINT_DONE 1u

/** bytes of one page frame number in a message, and of one packed {le16 tag, le64 value} */
#define XENVIRTIO_BALLOON_PFN_BYTES 4u
#define XENVIRTIO_BALLOON_STAT_BYTES 10u

/**
 * xenvirtio_balloon_decode_pfns() - an array of le32 page frame numbers
 * @msg:   a private copy; hostile content
 * @bytes: its length
 * @runs:  appended to, in the message's order, not coalesced
 *
 * Units:  frames of 4 KiB, whatever the guest's page size
 * Return: 0; XENVIRTIO_E_GUEST @bytes is not a multiple of 4; -ENOMEM
 * Source: virtio 1.2, 5.5.6
 */
int xenvirtio_balloon_decode_pfns(const void *msg, size_t bytes, struct xenvirtio_runs *runs);

/**
 * xenvirtio_balloon_decode_stats() - an array of packed {le16 tag, le64 value}
 * @msg:   a private copy; hostile content
 * @bytes: its length
 * @value: out; @nr figures, index is the tag; only those named in the answer's mask are set
 * @nr:    tags the caller knows, at most 32; others are ignored
 * @mask:  out; bit t: tag t was there
 *
 * Return: 0; XENVIRTIO_E_GUEST @bytes is 0 or not a multiple of 10
 * Source: virtio 1.2, 5.5.6.3
 */
int xenvirtio_balloon_decode_stats(const void *msg, size_t bytes, uint64_t *value, unsigned int nr,
				   uint32_t *mask);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_BALLOON_H */
