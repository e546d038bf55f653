/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs of frames and their encodings.
 *
 * Pure functions on memory of the caller: no page, no queue, no allocation. They compile in user
 * space too, which is where their tests run.
 *
 * A range is a run of 1 to 4096 frames in one word, so that an array of them sorts as numbers. A
 * cursor walks a sorted array as runs of any length: adjacent ranges are one run.
 */
#ifndef VIRTIO_BALLOON_ENCODE_H
#define VIRTIO_BALLOON_ENCODE_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#include <stddef.h>
#endif

#define VBALLOON_RANGE_PAGES_BITS	12
#define VBALLOON_RANGE_PAGES_MAX	(1ULL << VBALLOON_RANGE_PAGES_BITS)

/* What the device accepts: feature bits PAGE_BITMAP and PAGE_CHUNKS. */
struct vballoon_format {
	bool bitmap;
	bool chunks;
};

struct vballoon_cursor {
	const __u64 *range;	/* what follows the current run */
	size_t nr;		/* ranges there */
	__u64 pfn;		/* the rest of the current run */
	__u64 left;		/* frames of it; 0: nothing is left at all */
};

/* A range of @pages frames, at most VBALLOON_RANGE_PAGES_MAX. */
static inline __u64 vballoon_range(__u64 pfn, __u64 pages)
{
	return pfn << VBALLOON_RANGE_PAGES_BITS | (pages - 1);
}

static inline __u64 vballoon_range_pfn(__u64 range)
{
	return range >> VBALLOON_RANGE_PAGES_BITS;
}

static inline __u64 vballoon_range_pages(__u64 range)
{
	return (range & (VBALLOON_RANGE_PAGES_MAX - 1)) + 1;
}

/*
 * Append a run to @range, which has room for one more: to the last range if it is its neighbour
 * on either side. Returns how many ranges there are now.
 */
size_t vballoon_range_add(__u64 *range, size_t nr, __u64 pfn, __u64 pages);

/*
 * Sort @range, which does not overlap, by its frames. @spare is as long, and what is in it after is
 * nothing. A pass over the ranges for each eight bits by which the frames differ; no comparisons.
 */
void vballoon_ranges_sort(__u64 *range, __u64 *spare, size_t nr);

/* @range is sorted and does not overlap; it stays the caller's. */
void vballoon_cursor_init(struct vballoon_cursor *c, const __u64 *range, size_t nr);

/* Pass @pages frames, at most those of the current run. */
void vballoon_cursor_pass(struct vballoon_cursor *c, __u64 pages);

/*
 * Encode from the cursor on until the end or until @buf, which is aligned to 8, is full. Return the
 * bytes written; whatever they name is passed, nothing else. Each makes progress if there is room
 * for 16 bytes (_message: 24).
 */
size_t vballoon_encode_records(struct vballoon_cursor *c, void *buf, size_t bytes);
size_t vballoon_encode_chunks(struct vballoon_cursor *c, void *buf, size_t bytes);
size_t vballoon_encode_bitmap(struct vballoon_cursor *c, void *buf, size_t bytes,
			      __u64 *start_pfn);

/* A whole message for the inflate or deflate queue, in the shorter form where there is a choice. */
size_t vballoon_encode_message(struct vballoon_cursor *c, struct vballoon_format format,
			       void *buf, size_t bytes);

#endif /* VIRTIO_BALLOON_ENCODE_H */
