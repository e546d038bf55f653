/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decoder of bulk messages that shares no code with the encoders, not even the header's macros: it
 * reads bytes as the specification of the format has them, and is as strict as a device must be.
 *
 * The result is a set of frames of a small window [first, first + WINDOW_PFNS).
 */
#ifndef TEST_DECODER_H
#define TEST_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_PFNS 131072u

struct frame_set {
	uint64_t first;
	uint64_t nr;			/* frames that are set */
	unsigned char set[WINDOW_PFNS];
};

/* Each adds frames to @out. False: malformed, a frame twice, or a frame outside the window. */
bool decode_records(const void *buf, size_t bytes, struct frame_set *out);
bool decode_chunks(const void *buf, size_t bytes, struct frame_set *out);
bool decode_bitmap(const void *buf, size_t bytes, uint64_t start_pfn, struct frame_set *out);
bool decode_message(const void *buf, size_t bytes, bool with_header, struct frame_set *out);

bool add_frames(struct frame_set *out, uint64_t pfn, uint64_t nr);

#endif /* TEST_DECODER_H */
