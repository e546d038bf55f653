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

#define PROGRAM(kind, type, number, ...)                                                            \
	{                                                                                           \
		.name = "xen-vhost-user", .node_type = type, .device_id = (number),                 \
		.group = "xen-vhost-user", .state_dir = "/run/xen-vhost-" kind, .lends = true,      \
		.queues_max = XENVIRTIO_QUEUES_MAX,                                                 \
		.backend_file = "/etc/xen-vhost-user/" kind ".conf",                                 \
		.backend_socket = "/run/vhost-user/%d-%i/sock", .store_keys = store_keys,           \
		.state_says = "what the guest has set its device to",                               \
		.log_kind = {"lines on the backend's going and coming"}, __VA_ARGS__                \
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
	{
		/* 5.10: STREAM, SEQPACKET; le64 guest_cid. Queues to receive in, to send, and of events */
		.name = "vsock",
		.program = PROGRAM("vsock", "virtio,device13", 19),
		.features = RING | BIT(0) | BIT(1),
		.config_bytes = 8,
		.queues = 3,
		.queue_size = 1024,
	},
	{
		/* 5.4: nothing but a queue of buffers to fill */
		.name = "rng",
		.program = PROGRAM("rng", "virtio,device4", 4, .rival_dir = "/run/xen-vrng"),
		.features = RING,
		.queues = 1,
		.queue_size = 1024,
	},
	{
		/* 5.16: ZERO_LENGTH_REQUEST; a queue of requests */
		.name = "i2c",
		.program = PROGRAM("i2c", "virtio,device22", 34),
		.features = RING | BIT(0),
		.queues = 1,
		.queue_size = 1024,
	},
	{
		/* 5.18: IRQ; le16 ngpio, u8 padding[2], le32 gpio_names_size. Queues of requests and of events */
		.name = "gpio",
		.program = PROGRAM("gpio", "virtio,device29", 41),
		.features = RING | BIT(0),
		.config_bytes = 8,
		.queues = 2,
		.queue_size = 1024,
	},
	{
		/* 5.14: le32 jacks, streams, chmaps. Queues of control, of events, to play, to record */
		.name = "snd",
		.program = PROGRAM("snd", "virtio,device19", 25),
		.features = RING,
		.config_bytes = 12,
		.queues = 4,
		.queue_size = 1024,
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
