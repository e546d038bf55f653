/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A balloon on the fake hypervisor whose calls are metered: what each call of the server and each turn after it costs the host, in frames
 * moved or asked for, and in hypercalls and mappings. A guest of 256 MiB; turns are the test's.
 */
#ifndef METERED_BENCH_H
#define METERED_BENCH_H

#include "unit/rigs/balloon-bench.h"

#define START 0x40000u
#define PAGES 65536u
/* of the guest's own, for rings and messages; the rest is the test's */
#define OWN 8192u
#define FREE (START + OWN)
#define NR (PAGES - OWN - 1)

/* A turn and the block that it ends in; what was paid for in one turn may be moved in the next, beside that one's own. */
#define FRAMES_MAX (2 * (BUDGET_TURN / BUDGET_FRAME + 512))
/* With what it may overrun, and the driver's access. */
#define CALLS_MAX ((BUDGET_TURN + BUDGET_OVERRUN) / BUDGET_CALL + 64)

enum { INFLATE, DEFLATE };

/** of the call that goes on, and of the largest so far */
struct meter {
	uint64_t frames;
	uint64_t calls;
	uint64_t most_frames;
	uint64_t most_calls;
	uint64_t turns;
	uint64_t frame_ns; /* that releasing a frame takes */
	bool refusing; /* no frame is released, though all are there */
};

extern struct meter meter;

/** meter_setup/teardown - for cmocka; teardown asserts that each frame is where the bitmap says, and no call was more than a turn */
int meter_setup(void **state);
int meter_teardown(void **state);
/** meter_start - the process comes up, new or adopting */
void meter_start(struct bench *b);
/** meter_end_call - what the bench did itself is over */
void meter_end_call(const struct bench *b);
/** meter_go_on - until nothing is left to do. @most: turns that it may take */
void meter_go_on(struct bench *b, unsigned int most);

void meter_post_chunk(struct bench *b, unsigned int index, uint64_t gfn, uint64_t nr);
void meter_expect_used(struct bench *b, unsigned int index);
/** meter_inflate_every_second - frame of FREE, in messages of 128 KiB */
void meter_inflate_every_second(struct bench *b);

#endif /* METERED_BENCH_H */
