/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is remembered of the sizes that were named, so that the last word is in force over a death of
 * the process.
 *
 * Some words are spoken (the control socket) and some stand somewhere to be read: on the command
 * line, in the key `target`, in memory/target. One that stands is read again and again, and is a
 * word only when it is another than the last time. So for each place what was read there last is
 * kept, and beside it the size in force.
 *
 * Order: the size in force is noted before what was read, so whoever dies in between leaves a word
 * that is heard twice, never one that is lost.
 *
 * The memory may survive the process (state-file.h); what is in it was written by this file. It
 * knows nothing of xenstore, the hypervisor or the guest.
 */
#ifndef BACKEND_WORDS_H
#define BACKEND_WORDS_H

#include <stdbool.h>
#include <stdint.h>

enum words_place {
	WORDS_LINE,    /* --target */
	WORDS_NODE,    /* the key `target` of the backend node */
	WORDS_MEM_SET, /* memory/target of the domain */
	WORDS_PLACES,
};

/** all zero: nothing is known */
struct words {
	uint32_t version; /* 0: no size was noted */
	uint32_t pinned;
	uint64_t kib;		     /* in force */
	uint64_t seen[WORDS_PLACES]; /* KiB that stood there, plus 1; 0: not known */
};

/** words_check() - memory of another version, or damaged, is made to say nothing */
void words_check(struct words *w);
/** words_known() - a size was noted */
bool words_known(const struct words *w);
/** words_note() - the size in force, and whether somebody has named it */
void words_note(struct words *w, uint64_t kib, bool pinned);
/** words_see() - what stands there now is no news any more */
void words_see(struct words *w, enum words_place place, uint64_t kib);
/** words_forget() - nothing stands there */
void words_forget(struct words *w, enum words_place place);
/** words_seen() - something stood there the last time */
bool words_seen(const struct words *w, enum words_place place);
/** words_news() - what stands there is another than the last time */
bool words_news(const struct words *w, enum words_place place, uint64_t kib);

#endif /* BACKEND_WORDS_H */
