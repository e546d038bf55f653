/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that is asked which pages are unused, on the balloon's bench: by the host request queue,
 * or by free page hints. What it answers is the test's; nothing is right about it by itself.
 */
#ifndef UNUSED_BENCH_H
#define UNUSED_BENCH_H

#include "unit/rigs/balloon-bench.h"

#define ALL (F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM)
#define RAM ((uint64_t)BENCH_FREE_GFN)
#define REG_CMD_ID (REG_CONFIG + 8)
#define REG_POISON_VAL (REG_CONFIG + 12)

enum { CONT = 1, DONE = 2 };

struct host_request {
	unsigned char *va;
	struct driver_buf buf;
};

/** host_request - the driver's buffer for requests */
extern struct host_request host_request;

/** is_unused() - whether that frame is, by the answer */
bool is_unused(struct bench *b, uint64_t gfn);
/** count_unused() - frames of all RAM that are unused, by the answer */
uint64_t count_unused(struct bench *b);
/** assert_unused() - that state, and so many pages of all RAM are unused when it is done */
void assert_unused(struct bench *b, enum balloon_unused_state state, uint64_t pages);

/** unused_page() - a page of the guest's */
void *unused_page(struct bench *b, uint64_t *gpa);
/** unused_post() - one buffer on a queue, and a kick; with try, the device may fail: as driver_add() */
void unused_post(struct bench *b, enum balloon_vq vq, struct driver_buf buf);
int unused_try_post(struct bench *b, enum balloon_vq vq, struct driver_buf buf);
/** unused_collect() - whether a buffer came back, and how much was written to it */
bool unused_collect(struct bench *b, enum balloon_vq vq, uint32_t *len);

/** host_req_start() - a driver that can be asked: its buffer is in the queue */
void host_req_start(struct bench *b, enum bulk_encoding encoding);
/** host_req_ask() - it is asked. Return: the request's number */
uint64_t host_req_ask(struct bench *b);
/** host_req_part() - a part of an answer: @payload words behind the header */
struct driver_buf host_req_part(struct bench *b, uint64_t req_id, unsigned int flags,
				uint64_t start, const uint64_t *payload, size_t words);
/** host_req_answer() - such a part, posted */
void host_req_answer(struct bench *b, uint64_t req_id, unsigned int flags, uint64_t start,
		     const uint64_t *payload, size_t words);

/** hints_start() - a driver with free page hints */
void hints_start(struct bench *b);
/** hints_cmd_id() - what it is asked for, by the device's configuration */
uint32_t hints_cmd_id(struct bench *b);
/** hints_command() - it says what its hints are for; 0: that was all */
void hints_command(struct bench *b, uint32_t cmd_id);
/** hints_send() - one hint */
void hints_send(struct bench *b, uint64_t gpa, uint32_t bytes);

#endif /* UNUSED_BENCH_H */
