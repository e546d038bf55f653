/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which frames of a guest are in the balloon: one bit for each frame of its RAM ranges.
 *
 * The bits live in memory the caller gives, which outlives the process. The count of set bits is kept
 * beside them and is exact after every call.
 */
#ifndef BACKEND_FRAMES_H
#define BACKEND_FRAMES_H

#include <xenvirtio/extent.h>

#define FRAMES_RANGES_MAX 8

struct frames {
	struct xenvirtio_gfn_range range[FRAMES_RANGES_MAX];
	size_t nr_ranges;
	uint64_t nr_frames;	/* of all ranges */
	uint64_t nr_set;	/* in the balloon */
	uint64_t *word;
};

enum frame_state {
	FRAME_OUTSIDE,		/* no RAM of this guest */
	FRAME_PRESENT,		/* the guest's to use */
	FRAME_BALLOONED,	/* given back to Xen */
};

/** frames_count() - frames of the ranges; 0 when they are absurd (none, unordered, 2^40 bytes) */
uint64_t frames_count(const struct xenvirtio_gfn_range *range, size_t nr);
/** frames_words() - 64-bit words the bits of @nr_frames take */
static inline uint64_t frames_words(uint64_t nr_frames)
{
	return (nr_frames + 63) / 64;
}

/**
 * frames_init() - use @word, frames_words() long, with what it holds
 *
 * Return: 0; -EINVAL the ranges are absurd; -EBADMSG bits are set beyond the last frame
 */
int frames_init(struct frames *f, const struct xenvirtio_gfn_range *range, size_t nr,
		uint64_t *word);

/**
 * frames_next() - take the longest piece of one state off the front of a run
 * @run:   shortened; nr must not be 0; any frames
 * @piece: out; its frames are all in the state returned
 */
enum frame_state frames_next(const struct frames *f, struct xenvirtio_run *run,
			     struct xenvirtio_run *piece);

/** frames_look() - the state of a frame; @nr: out; so many from it on have the same, at most @max, which is not 0 */
enum frame_state frames_look(const struct frames *f, struct xenvirtio_gfn gfn, uint64_t max, uint64_t *nr);

/** frames_mark() - frames [start, start + nr), all in RAM, are ballooned or not from now on */
void frames_mark(struct frames *f, struct xenvirtio_gfn start, uint64_t nr, bool ballooned);

/** frames_mark_extents() - the same of extents: where memory is fragmented there are many, and most are single frames */
void frames_mark_extents(struct frames *f, const struct xenvirtio_extent *extent, size_t nr, bool ballooned);

/** frames_in_ram() - whether @run begins in RAM; @nr: out; so many of its frames, in one range, are as the first */
bool frames_in_ram(const struct frames *f, struct xenvirtio_run run, uint64_t *nr);
/** frames_count_ballooned() - of any run, at 64 frames a step */
uint64_t frames_count_ballooned(const struct frames *f, struct xenvirtio_run run);

/**
 * frames_mark_present() - set in @f what @other has as FRAME_PRESENT, at 64 frames a step
 * @other: of the same ranges
 * @run:   all in RAM, of one range
 *
 * Return: frames of @run that are not
 */
uint64_t frames_mark_present(struct frames *f, const struct frames *other, struct xenvirtio_run run);

#endif /* BACKEND_FRAMES_H */
