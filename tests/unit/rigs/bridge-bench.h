/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest on the fake hypervisor, its driver, the bridge, and a backend in this thread. The bridge's process may end and another
 * begin; the machine, the driver and the state outlive it.
 */
#ifndef BRIDGE_BENCH_H
#define BRIDGE_BENCH_H

#include "backend/devices/vhost-user/bridge.h"
#include "unit/rigs/rig.h"
#include "unit/rigs/vhost-peer.h"

/** protocol features of a peer: all, and all but the record of what is in flight */
#define WITH_RECORD UINT64_MAX
#define WITHOUT_RECORD (UINT64_MAX & ~(UINT64_C(1) << 12))
#define QUEUES 2u

struct bridge_bench {
	struct rig rig; /* the machine, the bus, the driver */
	const struct vhost_user_kind *kind;
	struct bridge *bridge;
	struct bridge_memory memory;
	struct vhost_peer *peer;
	uint64_t protocol; /* of the peers that processes begin with */
	uint16_t mtu;
	unsigned int lost;
	const char *why;
	unsigned int open_before;
};

extern struct bridge_bench x;

/** bridge_setup_fs(), bridge_setup_blk(), bridge_teardown() - for cmocka: a process with a backend, no driver yet; nothing leaked */
int bridge_setup_fs(void **state);
int bridge_setup_blk(void **state);
int bridge_setup_net(void **state);
int bridge_teardown(void **state);
/** bridge_turn() - of the loop: registers, what the bridge has to do, the backend, its answers; also the fake's callback */
int bridge_turn(void *opaque);
/** bridge_new_peer() - another backend, with which the bridge begins */
void bridge_new_peer(uint64_t protocol);
/** bridge_open_process() - what one begins with, but for the server. Return: of bridge_lend() or bridge_open() */
int bridge_open_process(void);
/** bridge_serve() - the server, and what it goes on with */
void bridge_serve(void);
/** bridge_end_process() - the ioreq server stays */
void bridge_end_process(void);
/** bridge_load_driver() - @more: features beside VERSION_1 */
void bridge_load_driver(uint64_t more);
bool bridge_is_served(void);
/** bridge_request() - one that the driver makes, and nobody answers. Return: its head */
uint16_t bridge_request(unsigned int queue);
/** bridge_answer() - as a backend would that has the memory */
void bridge_answer(unsigned int queue, uint16_t head);
/** bridge_base_of() - what the backend was told last; UINT32_MAX: nothing */
uint32_t bridge_base_of(unsigned int queue);

#endif /* BRIDGE_BENCH_H */
