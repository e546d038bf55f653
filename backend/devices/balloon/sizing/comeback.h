/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest that was out of memory, and took some back from its balloon, comes back to its size.
 *
 *   [asked] --it takes some back--> [left alone] --pause over, and it has memory--> [asked for some]
 *      ^            ^                                                                     |
 *      |            +--takes some back, or does not move: the next pause is longer--------+
 *      +--------------------------- all of it is asked for again -------------------------+
 *
 * A driver that is behind its target goes on trying, several times a second. Beside a guest that
 * has no memory this is the worst one can do to it: so it is asked for no more than it has given.
 * After a pause it is asked again, for what it says that it can spare, or for a little where it says
 * nothing. A size that somebody names is asked for at once.
 *
 * To tell this from a deflate that somebody asked for: the balloon becomes smaller than was asked
 * for, after it had been there or on its way up.
 *
 * Pure: no clock, no call. Sizes in 4 KiB pages, times in ms of any clock. Figures come from the
 * guest: they can harm the guest they are of.
 */
#ifndef BACKEND_COMEBACK_H
#define BACKEND_COMEBACK_H

#include <stdbool.h>
#include <stdint.h>

/** the first pause, and the longest */
#define COMEBACK_PAUSE_MS 10000u
#define COMEBACK_PAUSE_MAX_MS 300000u
/** between two requests, while it gives */
#define COMEBACK_STEP_MS 2000u
/** a guest that can spare nothing is looked at again after that */
#define COMEBACK_LOOK_MS 5000u
/** less than that in one go is no guest out of memory */
#define COMEBACK_FALL_PAGES 64u
/** what it shall have left after a step, at least: 16 MiB, or a 16th of what it has */
#define COMEBACK_KEEP_PAGES 4096u

/** struct comeback_look - how it is now */
struct comeback_look {
	uint64_t want;	    /* size the balloon shall have */
	uint64_t ballooned; /* exact */
	uint64_t has;	    /* what the guest has beside it */
	uint64_t available; /* of that; counts only with */
	uint64_t stats_ms;  /* when it said so; 0: it gives no statistics */
	uint64_t now_ms;
	bool driver_ok;
};

/** zeroed: nothing was asked for */
struct comeback {
	uint64_t told; /* size that is asked for: less than what shall be while it is left alone */
	uint64_t last; /* at the last look */
	uint64_t peak; /* the most since it was asked */
	bool heard;    /* it has been there, or came nearer, since then */
	bool alone;
	bool tried; /* it was asked again since it took some back */
	unsigned int pause_ms;
	uint64_t fell_ms;
	uint64_t next_ms; /* while it is alone: not before */
};

/** comeback_resume() - what a process before this one asked for: the rest comes after a pause */
void comeback_resume(struct comeback *c, uint64_t told, uint64_t now_ms);
/** comeback_order() - somebody has named a size: all of it is asked for at the next look */
void comeback_order(struct comeback *c);
/**
 * comeback_look() - look often while the balloon moves, and when comeback_wait_ms() is over
 *
 * Return: whether the guest has begun to take some back
 */
bool comeback_look(struct comeback *c, const struct comeback_look *look);
/** comeback_wait_ms() - until the next look that may change something; 0: none is due */
unsigned int comeback_wait_ms(const struct comeback *c, uint64_t now_ms);

#endif /* BACKEND_COMEBACK_H */
