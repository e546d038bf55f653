/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Bulk messages of a virtio balloon: the wire format, for driver and device.
 *
 * Three features outside the specification, with numbers from the range it leaves to a device
 * (50-63). The numbers are only defaults: both sides make them configurable. All fields are
 * little-endian; all frame numbers count frames of 4 KiB, whatever the guest's page size.
 *
 * Fields that share a word are packed with the macros below, never with C bit-fields.
 */
#ifndef _UAPI_LINUX_VIRTIO_BALLOON_BULK_H
#define _UAPI_LINUX_VIRTIO_BALLOON_BULK_H

#include <linux/types.h>

#define VIRTIO_BALLOON_F_PAGE_BITMAP	56
#define VIRTIO_BALLOON_F_PAGE_CHUNKS	57
#define VIRTIO_BALLOON_F_HOST_REQ_VQ	58

#define VIRTIO_BALLOON_BULK_SHIFT	12	/* frames of 4 KiB */
#define VIRTIO_BALLOON_BULK_PFN_BITS	52
#define VIRTIO_BALLOON_BULK_PFN_MASK	((1ULL << VIRTIO_BALLOON_BULK_PFN_BITS) - 1)

/*
 * A message in the inflate or deflate queue, one buffer:
 *
 *   negotiated		message
 *   PAGE_BITMAP	header, cmd 0, records
 *   PAGE_CHUNKS	chunks, without a header
 *   both		header, cmd 0 and records or cmd 1 and chunks; the driver's choice
 */
struct virtio_balloon_bulk_hdr {
	__le16 cmd;		/* VIRTIO_BALLOON_BULK_* */
	__le16 page_shift;	/* VIRTIO_BALLOON_BULK_SHIFT */
	__le32 data_len;	/* bytes that follow */
};

#define VIRTIO_BALLOON_BULK_RECORDS	0
#define VIRTIO_BALLOON_BULK_CHUNKS	1

/*
 * A record: one head, then bmap_len words of bitmap.
 *
 *   bits 0-51	start_pfn
 *   bits 52-57	page_shift, 12 to 30
 *   bits 58-63	bmap_len
 *
 * bmap_len 0: 2^(page_shift - 12) frames from start_pfn on, which need not be aligned.
 * bmap_len n: bit i of the n words is frame start_pfn + i; page_shift is 12.
 */
#define VIRTIO_BALLOON_RECORD_SHIFT_AT	52
#define VIRTIO_BALLOON_RECORD_LEN_AT	58
#define VIRTIO_BALLOON_RECORD_LEN_MAX	63
#define VIRTIO_BALLOON_RECORD_SHIFT_MAX	30

#define VIRTIO_BALLOON_RECORD(pfn, page_shift, bmap_len)			\
	(((__u64)(pfn) & VIRTIO_BALLOON_BULK_PFN_MASK) |			\
	 (((__u64)(page_shift) & 0x3f) << VIRTIO_BALLOON_RECORD_SHIFT_AT) |	\
	 (((__u64)(bmap_len) & 0x3f) << VIRTIO_BALLOON_RECORD_LEN_AT))

#define VIRTIO_BALLOON_RECORD_PFN(head)		((__u64)(head) & VIRTIO_BALLOON_BULK_PFN_MASK)
#define VIRTIO_BALLOON_RECORD_SHIFT(head)	\
	((unsigned int)(((__u64)(head) >> VIRTIO_BALLOON_RECORD_SHIFT_AT) & 0x3f))
#define VIRTIO_BALLOON_RECORD_LEN(head)		\
	((unsigned int)(((__u64)(head) >> VIRTIO_BALLOON_RECORD_LEN_AT) & 0x3f))

/* A run of frames. Bits 0-11 of both words are 0. */
struct virtio_balloon_chunk {
	__le64 base;		/* first frame << 12 */
	__le64 size;		/* frames << 12, not 0 */
};

/*
 * The host request queue. The driver keeps one device-writable buffer of this form in it; the
 * device fills it in when it wants an answer.
 */
struct virtio_balloon_host_req {
	__le16 cmd;		/* VIRTIO_BALLOON_HOST_REQ_* */
	__le16 reserved[3];
	__le64 req_id;		/* comes back in every part of the answer */
};

/* Which frames are unused, at the moment the last part is sent? */
#define VIRTIO_BALLOON_HOST_REQ_UNUSED	1

/*
 * The answer, one or more device-readable buffers in the same queue, one at a time: this header and
 * bmap_len bytes. They are chunks if PAGE_CHUNKS is negotiated (start_pfn is 0 then), else a bitmap
 * of 64-bit words whose bit i is frame start_pfn + i.
 *
 * Until the device returns the part with DONE the driver keeps the named frames allocated, unless
 * the guest is short of memory or the device keeps a part for more than two minutes. Then it posts
 * the request buffer again.
 *
 * A command that the driver does not know is answered with DONE and no bytes.
 */
struct virtio_balloon_host_resp {
	__le16 cmd;		/* the request's */
	__le16 page_shift;	/* VIRTIO_BALLOON_BULK_SHIFT */
	__le16 flags;		/* exactly one of CONT and DONE */
	__le16 reserved;
	__le64 req_id;		/* the request's */
	__le64 start_pfn;
	__le64 bmap_len;	/* bytes that follow */
};

#define VIRTIO_BALLOON_HOST_RESP_CONT	1
#define VIRTIO_BALLOON_HOST_RESP_DONE	2

#endif /* _UAPI_LINUX_VIRTIO_BALLOON_BULK_H */
