/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that are in the driver's balloon and the guest's all the same: due to be released. balloon-due.c notes and releases them,
 * balloon-ahead.c has some populated before the driver asks for them.
 *
 * A part of balloon-internal.h, which alone includes it.
 */
#ifndef BACKEND_BALLOON_DUE_H
#define BACKEND_BALLOON_DUE_H

struct balloon;

#define DUE_AHEAD 16

struct balloon_due {
	struct frames frames;	/* word is NULL: a file of an older daemon has no room for them, and nothing is put off */
	uint64_t *window;	/* a bit for DUE_WINDOW frames, of which some may be due */
	size_t nr_windows;	/* of them that are set */
	struct balloon_slice slice; /* that is being released */
	bool releasing;
	bool overdue;		/* whatever the driver has in mind */
	bool taking;		/* it took frames out of its balloon last, and put none in */
	struct xenvirtio_run ahead[DUE_AHEAD]; /* populated, or being populated, with what was asked for: due */
	size_t nr_ahead;	/* ever; the newest are in the ring */
	size_t nr_awaited;	/* of them that may not be there yet: all are in the ring */
	uint64_t ahead_moves;	/* reservation.moves at that time */
	uint64_t ahead_flushes;	/* xenvirtio_gmem_flushes() at that time, or when the domain was looked at since and nothing had moved */
	uint64_t changes;	/* times the driver put frames in or took some out */
	uint64_t settled;	/* of them at the last balloon_settle() */
	uint64_t put_pages;	/* acknowledged since the driver wrote actual: put into the balloon, and taken out */
	uint64_t taken_pages;
};

/**
 * balloon_due_init() - @word: frames_words() of them, where they survive; what a dead process left is due again
 *
 * Return: 0; -EBADMSG they cannot be; -ENOMEM
 */
int balloon_due_init(struct balloon *b, uint64_t *word);
void balloon_due_fini(struct balloon *b);
/** balloon_due_reset() - no driver is left that has a balloon */
void balloon_due_reset(struct balloon *b);
/** balloon_due_told() - the driver wrote how much it has in its balloon */
void balloon_due_told(struct balloon *b);
/** balloon_due_mark() - frames, all in RAM and of one range, are due from now on */
void balloon_due_mark(struct balloon *b, struct xenvirtio_run run);
/** balloon_due_forget_released() - those of a run that are in the balloon's bitmap are not due any more */
void balloon_due_forget_released(struct balloon *b, struct xenvirtio_run run);
/** balloon_due_beside() - how many are due and not in the balloon's bitmap: no frame is counted twice, also in the midst of a release */
uint64_t balloon_due_beside(const struct balloon *b);
/** balloon_due_max() - so many are worth releasing */
uint64_t balloon_due_max(const struct balloon *b);
/** balloon_due_scattered() - they are in so many windows that no more should be */
bool balloon_due_scattered(const struct balloon *b);
/**
 * balloon_due_put() - frames that the driver puts into its balloon
 * @s:      as it was read: in any order
 * @replay: a dead process may have noted them
 *
 * Return: noted, the message can be acknowledged; false: they are to be released first, and due no longer (balloon_due_forget())
 */
bool balloon_due_put(struct balloon *b, struct balloon_slice *s, bool replay);
/** balloon_due_forget() - frames are not due any more, whatever they are, but for those that are being released; @runs: in order */
void balloon_due_forget(struct balloon *b, const struct xenvirtio_runs *runs);
/**
 * balloon_due_take() - the driver takes frames back
 * @piece: all in RAM; cut down to the front of it that is due, or is not; no more than Xen is asked for at a time, if it is
 * @there: out; it is due because it was populated ahead, and nobody else has moved the guest's frames since
 *
 * Return: it was due, and is not any more
 */
bool balloon_due_take(struct balloon *b, struct xenvirtio_run *piece, bool *there);
/** balloon_due_wait() - the driver takes @pages back: what is not released yet stays as it is */
void balloon_due_wait(struct balloon *b, uint64_t pages);
/** balloon_due_ripe() - it is time to release what is due */
bool balloon_due_ripe(const struct balloon *b);
/** balloon_due_release() - if it is time, as far as this turn goes; no inflate batch is begun. @done: out; nothing is left to do */
int balloon_due_release(struct balloon *b, bool *done);
/** balloon_due_full() - more must not be put off */
bool balloon_due_full(const struct balloon *b);
/** balloon_due_over() - the driver hesitates, or there is another process: it is time */
void balloon_due_over(struct balloon *b);

/* --- balloon-ahead.c --- */

/* Frames of a block that are worth the rest of it: an eighth. Around less balloon_ahead() finds nothing. */
#define BALLOON_AHEAD_MIN ((UINT64_C(1) << XENVIRTIO_ORDER_MAX) / 8)

/**
 * balloon_ahead() - frames that may be populated with @piece, as the driver is about to ask for them
 * @piece: all in the balloon, and not due
 *
 * Return: @piece, and around it whole blocks that are in the balloon; the others of them are due from now on
 */
struct xenvirtio_run balloon_ahead(struct balloon *b, struct xenvirtio_run piece);
/** balloon_ahead_count() - frames of @piece from its front on that were populated ahead, and are there if nobody has moved any since */
uint64_t balloon_ahead_count(const struct balloon *b, struct xenvirtio_run piece);
/** balloon_ahead_over() - of what was to be populated ahead all is, that can be: the rest is not due */
void balloon_ahead_over(struct balloon *b);

#endif /* BACKEND_BALLOON_DUE_H */
