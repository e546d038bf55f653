/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-user on the wire: what this front-end says and understands of it. All numbers are in the machine's own byte order;
 * both sides are on one machine.
 *
 * Source: QEMU's docs/interop/vhost-user.rst; the section is named beside each part. It must not know sockets, nor what
 * follows on what.
 */
#ifndef BACKEND_VHOST_MESSAGE_H
#define BACKEND_VHOST_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

/* "Header" */
struct vhost_header {
	uint32_t request;
	uint32_t flags;
	uint32_t bytes; /* of the payload */
};

#define VHOST_FLAG_VERSION 0x1u
#define VHOST_FLAG_VERSION_MASK 0x3u
#define VHOST_FLAG_REPLY (1u << 2)
#define VHOST_FLAG_NEED_REPLY (1u << 3)

/* "Front-end message types" */
enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
	VHOST_SET_BACKEND_REQ_FD = 21,
	VHOST_GET_CONFIG = 24,
	VHOST_SET_CONFIG = 25,
	VHOST_GET_INFLIGHT_FD = 31,
	VHOST_SET_INFLIGHT_FD = 32,
	VHOST_RESET_DEVICE = 34,
	VHOST_GET_MAX_MEM_SLOTS = 36,
	VHOST_ADD_MEM_REG = 37,
	VHOST_SET_STATUS = 39,
};

/* "Back-end message types": all others are refused */
#define VHOST_BACKEND_CONFIG_CHANGE 2u

/* Feature bits beside virtio's own. "Communication": 30 is the protocol's; "Migration": 26 is the log's. */
#define VHOST_F_LOG_ALL 26
#define VHOST_F_PROTOCOL_FEATURES 30

/* "Protocol features": those that are taken; the others would have the front-end do what it does not */
#define VHOST_PROTOCOL_MQ 0
#define VHOST_PROTOCOL_REPLY_ACK 3
#define VHOST_PROTOCOL_BACKEND_REQ 5
#define VHOST_PROTOCOL_CONFIG 9
#define VHOST_PROTOCOL_INFLIGHT 12
#define VHOST_PROTOCOL_RESET_DEVICE 13
#define VHOST_PROTOCOL_MEM_SLOTS 15
#define VHOST_PROTOCOL_STATUS 16

/** regions in one SET_MEM_TABLE, "Memory regions description"; and so the descriptors of one message */
#define VHOST_REGIONS_MAX 8u
#define VHOST_FDS_MAX VHOST_REGIONS_MAX
/** bytes of configuration in one message; implementations have agreed on them */
#define VHOST_CONFIG_MAX 256u

/* "A vring state description" */
struct vhost_vring_state {
	uint32_t index;
	uint32_t num;
};

/* "A vring address description" */
struct vhost_vring_addr {
	uint32_t index;
	uint32_t flags; /* 0: no log */
	uint64_t desc, used, avail, log; /* user addresses, "Memory access" */
};

/* VHOST_USER_SET_VRING_KICK, _CALL: the index in the lowest 8 bits */
#define VHOST_VRING_INDEX_MASK 0xffu
#define VHOST_VRING_NO_FD (1u << 8)

/* A region, in "Memory regions description" and "Single memory region description" */
struct vhost_region {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t user;
	uint64_t mmap_offset;
};

struct vhost_mem_table {
	uint32_t nr;
	uint32_t zero;
	struct vhost_region region[VHOST_REGIONS_MAX];
};

struct vhost_mem_region {
	uint64_t zero;
	struct vhost_region region;
};

/* "Virtio device config space" */
struct vhost_config {
	uint32_t offset;
	uint32_t bytes;
	uint32_t flags; /* 0: of a field the driver may write */
	uint8_t data[VHOST_CONFIG_MAX];
};

/* "Inflight description", as C lays it out: with what comes after its last field */
struct vhost_inflight {
	uint64_t mmap_bytes;
	uint64_t mmap_offset;
	uint16_t queues;
	uint16_t queue_size;
	uint32_t zero;
};

union vhost_payload {
	uint64_t u64;
	struct vhost_vring_state state;
	struct vhost_vring_addr addr;
	struct vhost_mem_table table;
	struct vhost_mem_region region;
	struct vhost_config config;
	struct vhost_inflight inflight;
};

/** of a message: the header, the bytes that a payload of a kind has, and the largest payload */
#define VHOST_HEADER_BYTES 12u
#define VHOST_TABLE_BYTES(nr) (8u + 32u * (nr))
#define VHOST_CONFIG_BYTES(bytes) (12u + (bytes))
#define VHOST_PAYLOAD_MAX 268u

/* not as on the wire: there the payload follows at once, and is not aligned */
struct vhost_message {
	struct vhost_header header;
	union vhost_payload payload;
};

_Static_assert(sizeof(struct vhost_header) == VHOST_HEADER_BYTES, "a header has no holes");
_Static_assert(sizeof(struct vhost_vring_state) == 8 && sizeof(struct vhost_vring_addr) == 40, "nor have rings");
_Static_assert(sizeof(struct vhost_mem_table) == VHOST_TABLE_BYTES(VHOST_REGIONS_MAX), "nor has the table");
_Static_assert(sizeof(struct vhost_mem_region) == 40 && sizeof(struct vhost_inflight) == 24, "nor have these");
_Static_assert(sizeof(struct vhost_config) == VHOST_PAYLOAD_MAX, "no payload is larger than the configuration");

#endif /* BACKEND_VHOST_MESSAGE_H */
