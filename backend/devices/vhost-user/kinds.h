/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of devices that a vhost-user backend may serve: what of each is ours to know, since the guest sees it before any queue.
 */
#ifndef BACKEND_VHOST_USER_KINDS_H
#define BACKEND_VHOST_USER_KINDS_H

#include "backend/base/program.h"

#include <stddef.h>
#include <stdint.h>

/** features of a network device that are of its configuration: virtio 1.2, 5.1.3 */
#define VHOST_USER_NET_MTU 3
#define VHOST_USER_NET_MAC 5

/**
 * struct vhost_user_kind - constant
 * @name:         as users say it, --type
 * @program:      of its daemon: what xl calls the device, where its state is
 * @features:     that guests may be offered, if the backend has them; VERSION_1 and the ring's among them
 * @features_ours: of these, those that no backend has to have: they are of the configuration alone
 * @config_bytes: of the configuration space
 * @config_ours:  nobody but we tell it: of a tag and a number of queues, or
 * @config_mac:   of a MAC address, and an MTU
 * @lossy:        what is lost is sent again, or was never promised: when a backend goes away the next one goes on behind what was used,
 *                and no record of the rest is kept. It must use buffers in the order in which they are made available
 * @queues:       at least
 * @queues_at:    where in the configuration the backend says how many queues it has, a 16-bit number; 0: nowhere
 * @writable_at:  of the one byte of the configuration that the driver may write, 0: none
 * @writable_bit: the feature it takes for that
 * @queue_size:   at most
 */
struct vhost_user_kind {
	const char *name;
	struct program program;
	uint64_t features;
	uint64_t features_ours;
	uint32_t config_bytes;
	bool config_ours;
	bool config_mac;
	bool lossy;
	unsigned int queues;
	uint32_t queues_at;
	uint32_t writable_at;
	unsigned int writable_bit;
	uint16_t queue_size;
};

/** vhost_user_kinds - up to one without a name */
extern const struct vhost_user_kind vhost_user_kinds[];
/** vhost_user_kind_find() - by its name; NULL: there is none */
const struct vhost_user_kind *vhost_user_kind_find(const char *name);

#endif /* BACKEND_VHOST_USER_KINDS_H */
