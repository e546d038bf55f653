/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A front-end and its backend on the bench: a guest with two ranges of memory and two queues, what the front-end told, and that
 * no descriptor is lost in the end.
 */
#ifndef VHOST_BENCH_H
#define VHOST_BENCH_H

#include "backend/vhost/frontend.h"
#include "unit/rigs/vhost-peer.h"

#define BENCH_FEATURES (UINT64_C(1) << 32 | UINT64_C(1) << 28)
/** the used ring's index as the bench has it, of a queue */
#define BENCH_USED 100u

struct vhost_bench {
	struct vhost_frontend *f;
	struct vhost_peer *p;
	struct vhost_device device;
	struct vhost_memory memory[2];
	struct vhost_queue queue[2];
	struct vhost_start start;
	/* what was told */
	unsigned int lost, changed, done[4];
	bool needs_record; /* it may not be dropped */
	enum vhost_fault why;
	unsigned int open_before;
};

extern struct vhost_bench bench;

/** bench_setup(), bench_teardown() - for cmocka. The front-end is new, and a backend of all features is there */
int bench_setup(void **state);
int bench_teardown(void **state);
/** bench_device() - a new front-end, by bench.device as it is now */
void bench_device(void);
/** bench_peer() - another backend in place of the one that is there; it is not connected yet. Return: the front-end's end */
int bench_peer(void);
/** bench_connect() - with a backend made by bench_setup() or bench_peer(), to the handshake's end. Return: as vhost_frontend_wait() */
enum vhost_fault bench_connect(void);
/** bench_start(), bench_stop() - likewise, to their end */
enum vhost_fault bench_start(void);
enum vhost_fault bench_stop(void);
/** bench_kicks() - that came to a queue since it was last asked */
unsigned int bench_kicks(unsigned int i);
/** bench_change() - the backend says that its configuration is another. Return: what it is told; UINT64_MAX: nothing */
uint64_t bench_change(bool need_reply);

#endif /* VHOST_BENCH_H */
