// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of kinds. A row says of one device type of virtio 1.2, section 5, what is not the backend's alone.
 */
#include "backend/devices/vhost-user/kinds.h"

#include <string.h>
#include <xenvirtio/device.h>

#define BIT(n) (UINT64_C(1) << (n))
#define RING (BIT(XENVIRTIO_F_INDIRECT_DESC) | BIT(XENVIRTIO_F_EVENT_IDX) | BIT(32))

static const char *const store_keys[] = {"backend-connected", NULL};

#define PROGRAM(kind, type, number)                                                                 \
	{                                                                                           \
		.name = "xen-vhost-user", .node_type = type, .device_id = (number),                 \
		.group = "xen-vhost-user", .state_dir = "/run/xen-vhost-" kind, .lends = true,      \
		.queues_max = XENVIRTIO_QUEUES_MAX,                                                 \
		.backend_file = "/etc/xen-vhost-user/" kind ".conf",                                 \
		.backend_socket = "/run/vhost-user/%d-%i/sock", .store_keys = store_keys,           \
		.state_says = "what the guest has set its device to",                               \
		.log_kind = {"lines on the backend's going and coming"},                            \
	}

const struct vhost_user_kind vhost_user_kinds[] = {
	{
		/* 5.11: char tag[36]; le32 num_request_queues. A queue of high priority, and one of requests */
		.name = "fs",
		.program = PROGRAM("fs", "virtio,device1a", 26),
		.features = RING,
		.config_bytes = 40,
		.config_ours = true,
		.queues = 2,
		.queue_size = 1024,
	},
	{
		/* 5.2: SIZE_MAX, SEG_MAX, GEOMETRY, RO, BLK_SIZE, FLUSH, TOPOLOGY, CONFIG_WCE, MQ, DISCARD, WRITE_ZEROES; as far
		 * as max_write_zeroes_seg and its padding; writeback is at 32, num_queues at 34 */
		.name = "blk",
		.program = PROGRAM("blk", "virtio,device2", 2),
		.features = RING | BIT(1) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14),
		.config_bytes = 60,
		.queues = 1,
		.queues_at = 34,
		.writable_at = 32,
		.writable_bit = 11,
		.queue_size = 256,
	},
	{
		/* 5.1: CSUM, GUEST_CSUM, GUEST_TSO4, TSO6, ECN, UFO, HOST_TSO4, TSO6, ECN, UFO, MRG_RXBUF. Not what takes the control queue,
		 * which no backend serves; mac[6], le16 status, max_virtqueue_pairs, mtu */
		.name = "net",
		.program = PROGRAM("net", "virtio,device1", 1),
		.features = RING | BIT(0) | BIT(1) | BIT(VHOST_USER_NET_MTU) | BIT(VHOST_USER_NET_MAC) | BIT(7) | BIT(8) | BIT(9) | BIT(10) | BIT(11) |
			    BIT(12) | BIT(13) | BIT(14) | BIT(15),
		.features_ours = BIT(VHOST_USER_NET_MTU) | BIT(VHOST_USER_NET_MAC),
		.config_bytes = 12,
		.config_ours = true,
		.config_mac = true,
		.lossy = true,
		.queues = 2,
		.queue_size = 256,
	},
	{.name = NULL},
};

const struct vhost_user_kind *vhost_user_kind_find(const char *name)
{
	const struct vhost_user_kind *kind = vhost_user_kinds;

	while (kind->name && strcmp(kind->name, name) != 0)
		kind++;
	return kind->name ? kind : NULL;
}
