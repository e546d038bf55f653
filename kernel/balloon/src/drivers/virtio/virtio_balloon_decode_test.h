/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decoder of bulk messages that shares no code with the encoders, not even the header's macros:
 * it reads bytes as the specification of the format has them, and is as strict as a device must
 * be.
 *
 * The result is a set of frames of a small window [first, first + WINDOW_PFNS).
 */
#ifndef VIRTIO_BALLOON_DECODE_TEST_H
#define VIRTIO_BALLOON_DECODE_TEST_H

#include <kunit/test.h>

#define WINDOW_PFNS 131072u

struct frame_set {
	u64 first;
	u64 nr;			/* frames that are set */
	unsigned char set[WINDOW_PFNS];
};

/* Each adds frames to @out. False: malformed, a frame twice, or a frame outside the window. */
bool decode_records(const void *buf, size_t bytes, struct frame_set *out);
bool decode_chunks(const void *buf, size_t bytes, struct frame_set *out);
bool decode_bitmap(const void *buf, size_t bytes, u64 start_pfn, struct frame_set *out);
bool decode_message(const void *buf, size_t bytes, bool with_header, struct frame_set *out);

/* @bytes of them, the lowest first. */
u64 get_le(const unsigned char *at, unsigned int bytes);
bool add_frames(struct frame_set *out, u64 pfn, u64 nr);

#endif /* VIRTIO_BALLOON_DECODE_TEST_H */
