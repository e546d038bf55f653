/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What device and broker send each other, byte by byte; broker.h says what it means. Both ends are one program in two
 * processes of one machine, so numbers are in its order and there is no version.
 */
#ifndef BACKEND_BROKER_PROTOCOL_H
#define BACKEND_BROKER_PROTOCOL_H

#include <stdint.h>
#include <xenvirtio/hv.h>

enum broker_op {
	BROKER_RELEASE = 1, /* @order, frames: first ones of extents */
	BROKER_POPULATE,    /* likewise */
	BROKER_PRESENT,	    /* frames */
	BROKER_RAM_RANGES,
	BROKER_DOMAIN_INFO,
	BROKER_HOST_INFO,
	BROKER_SET_MAX_MEM, /* @value: KiB */
	BROKER_PAUSE,
	BROKER_UNPAUSE,
	BROKER_OPEN_STATE, /* @value: the device's number, here and below; the answer comes with a descriptor */
	BROKER_REMOVE_STATE,
	BROKER_LISTEN_CONTROL, /* with a descriptor */
	BROKER_UNLISTEN_CONTROL,
	BROKER_READ_SIZE,
	BROKER_DROP_SIZE,
	BROKER_KEEP_SIZE, /* @value: KiB; of the device whose state file it has */
	BROKER_CONNECT_BACKEND, /* with a descriptor */
	BROKER_MEMORY_FILE, /* @value: the first frame of a range of RAM; with a descriptor */
	BROKER_RELEASE_EXTENTS, /* frames: first ones of extents, each with its order, none larger than the one before it */
	BROKER_POPULATE_EXTENTS, /* likewise; @value: tot_pages */
	BROKER_OPS,
};

/** of the last two: where the order of an extent is, above the number of its first frame */
#define BROKER_ORDER_SHIFT 56u
#define BROKER_EXTENT_FRAME ((UINT64_C(1) << BROKER_ORDER_SHIFT) - 1)

/** ranges of RAM in one answer */
#define BROKER_RANGES_MAX 16u

/**
 * struct broker_request - @nr frames are all there is of @frame in the message
 * @op:    enum broker_op
 * @nr:    1 to XENVIRTIO_EXTENTS_MAX for those that have frames, else 0
 * @order: 0 to XENVIRTIO_ORDER_MAX for release and populate, else 0
 * @zero:  0
 * @value: of set_max_mem, memory_file, populate_extents and of what has a name; else 0
 */
struct broker_request {
	uint32_t op;
	uint32_t nr;
	uint32_t order;
	uint32_t zero;
	uint64_t value;
	uint64_t zero2;
	uint64_t frame[XENVIRTIO_EXTENTS_MAX];
};

#define BROKER_HEADER_BYTES offsetof(struct broker_request, frame)

/* flags of a domain */
#define BROKER_DYING 1u
#define BROKER_SHUTDOWN 2u
#define BROKER_PAUSED 4u

struct broker_domain {
	uint64_t tot_pages, max_pages;
	uint32_t nr_vcpus, flags, shutdown_code, zero;
};

/**
 * struct broker_answer - always all of it
 * @op:  of the question
 * @ret: what the operation of the seam returns; or -EPERM: not for a device
 *
 * What is not of this answer is 0, and so is everything when @ret is not 0, but for @done, @owner, and @moved with XENVIRTIO_E_AGAIN. A descriptor comes with
 * an answer to a question that is for one, if @ret is 0.
 */
struct broker_answer {
	uint32_t op;
	int32_t ret;
	union {
		uint64_t done; /* extents */
		uint64_t kib; /* of the size that was kept */
		uint64_t owner; /* of the state file, where that is another process's: -EBUSY */
		uint64_t present[XENVIRTIO_EXTENTS_MAX / 64]; /* a bit a frame */
		struct {
			uint64_t nr;
			uint64_t start[BROKER_RANGES_MAX];
			uint64_t end_incl[BROKER_RANGES_MAX];
		} ranges;
		struct {
			struct broker_domain info;
			int64_t pod_ret; /* as pod_info of the seam returns; the next two are 0 if it is not */
			uint64_t pod_entries, pod_cache_pages;
		} domain;
		struct {
			uint64_t done; /* as above */
			struct broker_domain info; /* before */
		} moved;
		uint64_t offset; /* of the range in the file */
		struct {
			uint64_t total_pages, free_pages;
		} host;
	};
};

_Static_assert(BROKER_HEADER_BYTES == 32, "the header has no holes");
_Static_assert(sizeof(struct broker_request) == 32 + 8 * XENVIRTIO_EXTENTS_MAX, "nor have the frames");
_Static_assert(sizeof(struct broker_answer) == 8 + 8 + 16 * BROKER_RANGES_MAX, "the largest answer is that of ranges");

#endif /* BACKEND_BROKER_PROTOCOL_H */
