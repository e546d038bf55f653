/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bulk messages of a balloon: features outside the specification, the numbers of whose bits both
 * sides make configurable. kernel/balloon/include/uapi/linux/virtio_balloon_bulk.h is the wire
 * format, which the library's sources include.
 *
 * Messages are decoded piece by piece, so that one of any length costs the caller one piece of
 * memory and the runs it has not yet worked on. Pure functions on copied bytes, as in balloon.h.
 */
#ifndef XENVIRTIO_BALLOON_BULK_H
#define XENVIRTIO_BALLOON_BULK_H

#include <xenvirtio/extent.h>

#ifdef __cplusplus
extern "C" {
#endif

/** feature bits by convention; a device may offer others from 50 to 63 */
#define XENVIRTIO_BALLOON_F_PAGE_BITMAP 56
#define XENVIRTIO_BALLOON_F_PAGE_CHUNKS 57
#define XENVIRTIO_BALLOON_F_HOST_REQ_VQ 58
#define XENVIRTIO_BALLOON_BULK_BIT_MIN 50
#define XENVIRTIO_BALLOON_BULK_BIT_MAX 63

/** how a message names frames, and the feature that makes it so */
enum xenvirtio_balloon_encoding {
	XENVIRTIO_BALLOON_PFNS,		/* neither: an array of le32 page frame numbers */
	XENVIRTIO_BALLOON_RECORDS,	/* PAGE_BITMAP: a header and records */
	XENVIRTIO_BALLOON_CHUNKS,	/* PAGE_CHUNKS: an array of chunks */
	XENVIRTIO_BALLOON_EITHER,	/* both: a header and records, or a header and chunks */
	XENVIRTIO_BALLOON_RAW_BITMAP,	/* words of an answer on the host request queue */
};

/** runs that one byte of a message can become at most: a bitmap of every second frame */
#define XENVIRTIO_BALLOON_RUNS_PER_BYTE 4u

/**
 * struct xenvirtio_balloon_decoder - how far a message has been decoded
 * @why:   what is wrong with it, for a log, once a call has returned XENVIRTIO_E_GUEST
 * @empty: no frame was named so far
 *
 * All else is private.
 */
struct xenvirtio_balloon_decoder {
	const char *why;
	bool empty;
	enum xenvirtio_balloon_encoding encoding;
	unsigned int item;		/* what comes next */
	unsigned int nr_part;		/* bytes of it that came with an earlier piece */
	unsigned char part[16];
	uint64_t left_bytes;		/* of the message */
	uint64_t bitmap_pfn;
	uint64_t bitmap_words;		/* that still belong to the record */
};

/**
 * xenvirtio_balloon_decoder_init() - begin a message
 * @encoding: as negotiated; not XENVIRTIO_BALLOON_RAW_BITMAP
 * @bytes:    of the whole message
 *
 * Return: 0; XENVIRTIO_E_GUEST no message of this encoding has that length
 */
int xenvirtio_balloon_decoder_init(struct xenvirtio_balloon_decoder *d,
				   enum xenvirtio_balloon_encoding encoding, uint64_t bytes);
/**
 * xenvirtio_balloon_decoder_init_bitmap() - begin a bitmap whose bit 0 is frame @start
 *
 * Return: 0; XENVIRTIO_E_GUEST @bytes is no array of le64, or its frames have no 52-bit numbers
 */
int xenvirtio_balloon_decoder_init_bitmap(struct xenvirtio_balloon_decoder *d,
					  struct xenvirtio_gfn start, uint64_t bytes);

/**
 * xenvirtio_balloon_decoder_feed() - decode the next bytes
 * @piece: a private copy; hostile content; cut anywhere
 * @bytes: its length; no more than there are left of the message
 * @runs:  appended to, in the message's order, not coalesced: at most
 *         XENVIRTIO_BALLOON_RUNS_PER_BYTE for each byte, and for each of up to 7 bytes of an
 *         earlier piece that had to wait for the rest of their word. All frames are below 2^52
 *
 * The message is good once all its bytes were fed and each call returned 0. After any other return
 * the decoder must not be fed again; what is in @runs by then was well formed.
 * Return: 0; XENVIRTIO_E_GUEST malformed, see @d->why; -EINVAL too many bytes; -ENOMEM
 */
int xenvirtio_balloon_decoder_feed(struct xenvirtio_balloon_decoder *d, const void *piece,
				   size_t bytes, struct xenvirtio_runs *runs);
/** xenvirtio_balloon_decoder_left() - bytes of the message that were not fed yet */
uint64_t xenvirtio_balloon_decoder_left(const struct xenvirtio_balloon_decoder *d);

/** bytes of a request on the host request queue, and of the header of a part of its answer */
#define XENVIRTIO_BALLOON_REQUEST_BYTES 16u
#define XENVIRTIO_BALLOON_ANSWER_BYTES 32u

/** xenvirtio_balloon_encode_request() - ask which frames are unused; the answer repeats @req_id */
void xenvirtio_balloon_encode_request(uint64_t req_id,
				      unsigned char msg[XENVIRTIO_BALLOON_REQUEST_BYTES]);

/** a part of an answer, behind its header */
struct xenvirtio_balloon_answer {
	uint64_t req_id;
	uint64_t payload_bytes;
	bool done;	/* the last part */
};

/**
 * xenvirtio_balloon_decode_answer() - the header of a part, and a decoder for what follows it
 * @msg:    XENVIRTIO_BALLOON_ANSWER_BYTES, a private copy; hostile content
 * @bytes:  of the whole part
 * @chunks: PAGE_CHUNKS is negotiated: the payload is chunks, not a bitmap
 * @answer: out
 * @d:      out: to be fed the payload; on XENVIRTIO_E_GUEST its @why says what is wrong
 *
 * Return: 0; XENVIRTIO_E_GUEST
 */
int xenvirtio_balloon_decode_answer(const void *msg, uint64_t bytes, bool chunks,
				    struct xenvirtio_balloon_answer *answer,
				    struct xenvirtio_balloon_decoder *d);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_BALLOON_BULK_H */
