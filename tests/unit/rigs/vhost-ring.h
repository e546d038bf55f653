/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of a vhost-user backend for tests: what the peer was told of them, and serving them as a good backend does. Each
 * message's readable bytes come back in its writable ones, every byte one larger.
 *
 * A ring that is broken, or whose memory is not there, is left alone until it is started again. It knows the guest's memory by
 * the machine, and eventfds by the device.
 */
#ifndef VHOST_RING_H
#define VHOST_RING_H

#include "fake/hv-fake.h"
#include "unit/rigs/vhost-peer.h"

#include <xenvirtio/device.h>

#define VHOST_RINGS 8u
#define VHOST_RING_BYTES 4096u

struct vhost_ring {
	uint32_t size;
	struct vhost_vring_addr addr;
	uint16_t last_avail, used, told;
	uint16_t from; /* last_avail when this turn began */
	bool live, enabled, broken, kicked;
	bool backwards; /* what was made available last is used first */
};

struct vhost_rings {
	struct fake *fake;
	struct xenvirtio_device *dev;
	uint64_t features;
	struct vhost_ring ring[VHOST_RINGS];
};

/** rings_follow() - what the peer was asked since the last time; it forgets it. Return: whether there was something */
bool rings_follow(struct vhost_rings *r, struct vhost_peer *p);
/** rings_serve() - rings that were kicked. Return: whether anything was used */
bool rings_serve(struct vhost_rings *r);

#endif /* VHOST_RING_H */
