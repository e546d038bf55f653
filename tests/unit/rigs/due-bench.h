/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stock driver in front of the balloon of balloon-bench.h: messages of page numbers, after each of which it writes how much it has.
 */
#ifndef DUE_BENCH_H
#define DUE_BENCH_H

#include "unit/rigs/balloon-bench.h"

#define DUE_FEATURES (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
/* of frames, as Linux sends them */
#define MESSAGE 256u
#define BLOCK 512u
#define FREE BENCH_FREE_GFN
/* A large guest: a test's frames, behind the rig's hole; and what is released at a time, an eighth of it */
#define LARGE_FREE 0x41000u
#define LARGE_DUE 8192u
enum { INFLATE, DEFLATE };

/** due_setup_large() - for cmocka, as bench_setup(): a guest of 256 MiB */
int due_setup_large(void **state);

/** due_begin() - a driver that is to have @target pages in its balloon */
void due_begin(struct bench *b, uint32_t target);
/** due_tell() - it writes actual */
void due_tell(struct bench *b, uint32_t pages);
/** due_send() - @nr frames downwards, as Linux does it, and what the driver has then. Return: as bench_send() */
int due_send(struct bench *b, unsigned int index, uint64_t gfn, uint32_t nr, uint32_t actual);
/** due_expect() - and machine, bitmap and figures agree */
void due_expect(struct bench *b, uint64_t ballooned, uint64_t due);
/** due_assert_in_use() - all that due_send() took back since due_begin() is there */
void due_assert_in_use(struct bench *b);
/** due_settle() - the driver hesitates */
void due_settle(struct bench *b);

/**
 * due_die_everywhere() - @live again and again, which dies at each call to the hypervisor, before it and after it
 *
 * Each time a successor brings all of it to an exact end, and none of what the driver uses is gone. Return: how many deaths
 */
unsigned int due_die_everywhere(int (*setup)(void **state), void (*live)(struct bench *b));

#endif /* DUE_BENCH_H */
