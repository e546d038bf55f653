/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A balloon on the fake hypervisor whose calls are metered: what each call of the server and each turn after it costs the host, in frames
 * moved or asked for, and in hypercalls and mappings. A guest of 256 MiB, or with RAM behind that which has no bytes (far-frames.h);
 * turns are the test's.
 */
#ifndef METERED_BENCH_H
#define METERED_BENCH_H

#include "unit/rigs/balloon-bench.h"

#include <setjmp.h>

#define START 0x40000u
/* what the fake has */
#define NEAR_PAGES 65536u
/* of the guest's own, for rings and messages; the rest is the test's */
#define OWN 8192u
#define FREE (START + OWN)
#define NR (meter_order.pages - OWN - 1)

/* A turn and the block that it ends in; what was paid for in one turn may be moved in the next, beside that one's own. */
#define FRAMES_MAX (2 * (BUDGET_TURN / BUDGET_FRAME + 512))
/* With what it may overrun, and the driver's access. */
#define CALLS_MAX ((BUDGET_TURN + BUDGET_OVERRUN) / BUDGET_CALL + 64)

enum { INFLATE, DEFLATE };

/** what is wanted of the cases; tests leave it as it is */
struct meter_order {
	uint64_t pages;		/* of the guest: NEAR_PAGES, or a larger power of two */
	uint64_t (*cpu_ns)(void); /* NULL: nobody asks for the time */
	uint64_t cpu_ns_max;	/* in turns; then a case is left by a jump to ended; 0: none is */
	jmp_buf ended;
};

extern struct meter_order meter_order;

/** of the call that goes on, and of the largest so far */
struct meter {
	uint64_t frames;
	uint64_t calls;
	uint64_t begin_ns;
	uint64_t most_frames;
	uint64_t most_calls;
	uint64_t most_ns;	/* of the processor */
	uint64_t most_sum_ns;	/* with what Xen would take for frames and calls of that turn, at the prices of budget.h */
	uint64_t all_ns;
	uint64_t turns;
	uint64_t frame_ns; /* that releasing a frame takes */
	bool refusing; /* no frame is released, though all are there */
};

extern struct meter meter;

/** meter_setup/teardown - for cmocka; teardown asserts that each frame is where the bitmap says, and no call was more than a turn */
int meter_setup(void **state);
int meter_teardown(void **state);
/** meter_free - what is left of a case that was left by a jump; asserts nothing */
void meter_free(void);
/** meter_start - the process comes up, new or adopting */
void meter_start(struct bench *b);
/** meter_begin_call, meter_end_call - around a call that the event loop makes */
void meter_begin_call(void);
void meter_end_call(const struct bench *b);
#define METER(b, call) \
	do { \
		meter_begin_call(); \
		assert_int_equal(call, 0); \
		meter_end_call(b); \
	} while (0)
/** meter_go_on - until nothing is left to do. @most: turns that it may take, of a guest of NEAR_PAGES */
void meter_go_on(struct bench *b, unsigned int most);
/** meter_scale - so many times as large is the guest */
static inline uint64_t meter_scale(void)
{
	return meter_order.pages / NEAR_PAGES;
}

/** meter_take_back - the guest populates a frame itself */
void meter_take_back(struct bench *b, uint64_t gfn);
/** meter_present, meter_make_hole, meter_set_heap_order - as fake_present() and so on, of all RAM */
bool meter_present(const struct bench *b, uint64_t gfn);
void meter_make_hole(struct bench *b, uint64_t gfn, uint64_t nr);
void meter_set_heap_order(struct bench *b, unsigned int order);

void meter_post_chunk(struct bench *b, unsigned int index, uint64_t gfn, uint64_t nr);
void meter_expect_used(struct bench *b, unsigned int index);
/** meter_inflate_every_second - frame of FREE, in messages of 128 KiB; what is far is as if they had come for it too */
void meter_inflate_every_second(struct bench *b);

#endif /* METERED_BENCH_H */
