// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bulk messages no driver would send, of the features 56 to 58. A message that cannot be decoded
 * breaks the device; one that names what is not the guest's, or names it again, costs that and no
 * more. What a message did before it went wrong comes back with the reset.
 *
 * Frames named here are the bus's own, or where no guest has any: the guest this runs in lives on.
 */
#include "hostile-balloon.h"

#include <errno.h>
#include <string.h>

#include "bulk.h"

enum { INFLATE, DEFLATE, STATS, HOST_REQ };

#define F_BITMAP (UINT64_C(1) << 56)
#define F_CHUNKS (UINT64_C(1) << 57)
#define F_HOST_REQ_VQ (UINT64_C(1) << 58)

#define WORDS_MAX 8u
#define PFN_END (UINT64_C(1) << 52)
/* no guest has a frame there */
#define FAR (UINT64_C(1) << 40)

#define HEADER(cmd, shift, len) ((uint64_t)(cmd) | (uint64_t)(shift) << 16 | (uint64_t)(len) << 32)
#define HEAD(pfn, shift, words) bulk_head(pfn, shift, words)
#define CHUNK(pfn, nr) ((uint64_t)(pfn) << 12), ((uint64_t)(nr) << 12)

static int post(struct hostile *h, unsigned int queue, const struct driver_buf *buf,
		unsigned int nr)
{
	struct driver_queue *q = &h->driver.queue[queue];
	uint16_t head;
	int ret = driver_add(q, buf, nr, false, &head);

	return ret ? ret : driver_kick(q);
}

/* @bytes of words as one message on a queue; not waited for: the device may be broken by it */
static int post_words(struct hostile *h, unsigned int queue, const uint64_t *word, uint32_t bytes)
{
	struct driver_buf buf = { .len = bytes };
	unsigned char *at = h->driver.bus->ops->alloc_page(h->driver.bus, &buf.gpa);

	if (!at)
		return -ENOMEM;
	for (uint32_t i = 0; i < (bytes + 7) / 8; i++)
		at = bulk_put(at, word[i], 8);
	return post(h, queue, &buf, 1);
}

/* A device with @features, and a page of ours; both queues get the message in turn. */
static int begin(struct hostile *h, uint64_t features, uint64_t *pfn)
{
	int ret = hostile_init(h, features);

	if (ret)
		return ret;
	if (!h->driver.bus->ops->alloc_page(h->driver.bus, pfn))
		return -ENOMEM;
	*pfn /= BUS_PAGE_BYTES;
	return 0;
}

/* The message on the inflate queue, and of a new device on the deflate queue. P is a page of ours. */
#define MESSAGE(name, features, bytes, ...)                                                        \
	static int name(struct hostile *h)                                                         \
	{                                                                                          \
		for (unsigned int queue = INFLATE; queue <= DEFLATE; queue++) {                    \
			uint64_t P;                                                                \
			int ret = begin(h, features, &P);                                          \
			const uint64_t word[WORDS_MAX] = { __VA_ARGS__ };                          \
                                                                                                   \
			if (!ret)                                                                  \
				ret = post_words(h, queue, word, bytes);                           \
			if (ret)                                                                   \
				return ret;                                                        \
		}                                                                                  \
		return 0;                                                                          \
	}

MESSAGE(shift_0, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(P, 0, 0))
MESSAGE(shift_11, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(P, 11, 0))
MESSAGE(shift_31, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(P, 31, 0))
MESSAGE(shift_63, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(P, 63, 0))
MESSAGE(shift_13_bitmap, F_BITMAP, 24, HEADER(0, 12, 16), HEAD(P, 13, 1), 1)
MESSAGE(bmap_past_end, F_BITMAP, 24, HEADER(0, 12, 16), HEAD(P, 12, 2), 1)
MESSAGE(bmap_63_of_nothing, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(P, 12, 63))
MESSAGE(start_over_2_52, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(PFN_END - 1, 13, 0))
MESSAGE(bitmap_over_2_52, F_BITMAP, 24, HEADER(0, 12, 16), HEAD(PFN_END - 63, 12, 1), UINT64_MAX)
MESSAGE(last_start, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(PFN_END - 1, 12, 0))
MESSAGE(last_bitmap, F_BITMAP, 24, HEADER(0, 12, 16), HEAD(PFN_END - 64, 12, 1), UINT64_MAX)
MESSAGE(record_beyond_ram, F_BITMAP, 16, HEADER(0, 12, 8), HEAD(FAR, 30, 0))
MESSAGE(data_len_small, F_BITMAP, 24, HEADER(0, 12, 8), HEAD(P, 12, 0), HEAD(P, 12, 0))
MESSAGE(data_len_large, F_BITMAP, 16, HEADER(0, 12, 16), HEAD(P, 12, 0))
MESSAGE(data_len_all_ones, F_BITMAP, 16, HEADER(0, 12, UINT32_MAX), HEAD(P, 12, 0))
MESSAGE(trailing_bytes, F_BITMAP, 20, HEADER(0, 12, 8), HEAD(P, 12, 0), 0)
MESSAGE(command_2, F_BITMAP | F_CHUNKS, 16, HEADER(2, 12, 8), HEAD(P, 12, 0))
MESSAGE(chunks_not_negotiated, F_BITMAP, 24, HEADER(1, 12, 16), CHUNK(P, 1))
MESSAGE(good_then_bad, F_BITMAP, 24, HEADER(0, 12, 16), HEAD(P, 12, 0), HEAD(P, 63, 0))
MESSAGE(no_header, F_BITMAP, 0, 0)
MESSAGE(half_a_header, F_BITMAP, 4, HEADER(0, 12, 0))
MESSAGE(header_alone, F_BITMAP, 8, HEADER(0, 12, 0))
MESSAGE(bitmap_of_nothing, F_BITMAP, 24, HEADER(0, 12, 16), HEAD(P, 12, 1), 0)
MESSAGE(no_chunks, F_CHUNKS, 0, 0)
MESSAGE(chunk_of_0, F_CHUNKS, 16, CHUNK(P, 0))
MESSAGE(chunk_of_2_52_bytes, F_CHUNKS, 16, FAR << 12, PFN_END)
MESSAGE(chunk_over_2_52, F_CHUNKS, 16, CHUNK(FAR, PFN_END - 1))
MESSAGE(chunk_unaligned_base, F_CHUNKS, 16, (P << 12) + 1, 4096)
MESSAGE(chunk_unaligned_size, F_CHUNKS, 16, P << 12, 4097)
MESSAGE(half_a_chunk, F_CHUNKS, 24, CHUNK(P, 1), P << 12)
MESSAGE(chunks_overlap, F_CHUNKS, 48, CHUNK(P, 1), CHUNK(P, 1), CHUNK(P, 1))
MESSAGE(chunk_outside, F_CHUNKS, 16,
	h->driver.bus->outside_gpa, 4096)
MESSAGE(chunk_of_device, F_CHUNKS, 16,
	h->driver.bus->base_gpa / BUS_PAGE_BYTES * BUS_PAGE_BYTES, 4096)

static int chunk_of_rings(struct hostile *h)
{
	uint64_t pfn;
	int ret = begin(h, F_CHUNKS, &pfn);

	for (unsigned int i = 0; !ret && i < BALLOON_QUEUES; i++) {
		const uint64_t word[] = { h->driver.queue[i].ring_gpa, 4096 };

		ret = post_words(h, INFLATE, word, sizeof(word));
	}
	return ret;
}

#define MILLION_PAGES 32u
#define MILLION_MESSAGES 256u

/* 32 pages of 256 chunks each, 256 times: each time the same page of ours. */
static int million_chunks(struct hostile *h)
{
	struct driver_buf buf[MILLION_PAGES];
	uint64_t pfn;
	int ret = begin(h, F_CHUNKS, &pfn);

	for (unsigned int i = 0; !ret && i < MILLION_PAGES; i++) {
		unsigned char *at = h->driver.bus->ops->alloc_page(h->driver.bus, &buf[i].gpa);

		if (!at)
			return -ENOMEM;
		buf[i].len = BUS_PAGE_BYTES;
		buf[i].writable = false;
		for (unsigned int k = 0; k < BUS_PAGE_BYTES / 16; k++) {
			at = bulk_put(at, pfn * BUS_PAGE_BYTES, 8);
			at = bulk_put(at, BUS_PAGE_BYTES, 8);
		}
	}
	for (unsigned int i = 0; !ret && i < MILLION_MESSAGES; i++) {
		uint16_t head;
		uint32_t len;

		ret = post(h, i % 2, buf, MILLION_PAGES);
		/* a message takes longer than the driver waits for others */
		for (int k = 0; !ret && k < 10; k++) {
			ret = driver_wait(&h->driver.queue[i % 2], &head, &len);
			if (ret != -ETIMEDOUT)
				break;
			ret = k < 9 ? 0 : ret;
		}
	}
	return ret;
}

/* --- the host request queue --- */

/* Without free page hints it is the fourth queue. */
static int begin_host_req(struct hostile *h)
{
	int ret = driver_init(&h->driver, h->target->device_id, h->target->features | F_HOST_REQ_VQ,
			      HOST_REQ + 1);

	return ret ? hostile_fail(h, "initialisation fails: %d", ret) : 0;
}

static int post_answer(struct hostile *h, unsigned int flags, uint64_t payload_bytes, uint32_t bytes)
{
	const uint64_t word[WORDS_MAX] = { 1 | 12 << 16 | (uint64_t)flags << 32, 7, FAR,
					   payload_bytes, UINT64_MAX };
	uint16_t head;
	uint32_t len;
	int ret = post_words(h, HOST_REQ, word, bytes);

	return ret ? ret : driver_wait(&h->driver.queue[HOST_REQ], &head, &len);
}

/* Nothing was asked: whatever its number, it is the wrong one. */
static int answer_unasked(struct hostile *h)
{
	int ret = begin_host_req(h);

	for (unsigned int flags = 0; !ret && flags < 4; flags++)
		ret = post_answer(h, flags, 8, 40);
	return ret;
}

static int answer_too_short(struct hostile *h)
{
	int ret = begin_host_req(h);

	return ret ? ret : post_answer(h, 2, 0, 31);
}

static int answer_of_wrong_length(struct hostile *h)
{
	int ret = begin_host_req(h);

	if (!ret)
		ret = post_answer(h, 2, UINT64_MAX - 7, 40);
	return ret ? ret : post_answer(h, 2, 16, 40);
}

static int request_too_short(struct hostile *h)
{
	struct driver_buf buf = { .len = 15, .writable = true };
	int ret = begin_host_req(h);

	if (ret)
		return ret;
	if (!h->driver.bus->ops->alloc_page(h->driver.bus, &buf.gpa))
		return -ENOMEM;
	return post(h, HOST_REQ, &buf, 1);
}

/* The host may ask, and nobody will answer. */
static int request_never_answered(struct hostile *h)
{
	struct driver_buf buf = { .len = 16, .writable = true };
	int ret = begin_host_req(h);

	if (ret)
		return ret;
	if (!h->driver.bus->ops->alloc_page(h->driver.bus, &buf.gpa))
		return -ENOMEM;
	return post(h, HOST_REQ, &buf, 1);
}

const struct hostile_scenario hostile_bulk[] = {
	{ "bulk: page_shift 0", shift_0, HOSTILE_NEEDS_RESET, true },
	{ "bulk: page_shift 11", shift_11, HOSTILE_NEEDS_RESET, true },
	{ "bulk: page_shift 31", shift_31, HOSTILE_NEEDS_RESET, true },
	{ "bulk: page_shift 63", shift_63, HOSTILE_NEEDS_RESET, true },
	{ "bulk: page_shift 13 with a bitmap", shift_13_bitmap, HOSTILE_NEEDS_RESET, true },
	{ "bulk: bmap_len past the end", bmap_past_end, HOSTILE_NEEDS_RESET, true },
	{ "bulk: bmap_len 63 and nothing", bmap_63_of_nothing, HOSTILE_NEEDS_RESET, true },
	{ "bulk: a run past 2^52", start_over_2_52, HOSTILE_NEEDS_RESET, true },
	{ "bulk: a bitmap past 2^52", bitmap_over_2_52, HOSTILE_NEEDS_RESET, true },
	{ "bulk: the last start_pfn", last_start, HOSTILE_IGNORED, true },
	{ "bulk: the last bitmap", last_bitmap, HOSTILE_IGNORED, true },
	{ "bulk: a record beyond RAM", record_beyond_ram, HOSTILE_IGNORED, true },
	{ "bulk: data_len too small", data_len_small, HOSTILE_NEEDS_RESET, true },
	{ "bulk: data_len too large", data_len_large, HOSTILE_NEEDS_RESET, true },
	{ "bulk: data_len of all ones", data_len_all_ones, HOSTILE_NEEDS_RESET, true },
	{ "bulk: trailing bytes", trailing_bytes, HOSTILE_NEEDS_RESET, true },
	{ "bulk: command 2", command_2, HOSTILE_NEEDS_RESET, true },
	{ "bulk: chunks not negotiated", chunks_not_negotiated, HOSTILE_NEEDS_RESET, true },
	{ "bulk: a good record before a bad one", good_then_bad, HOSTILE_NEEDS_RESET, true },
	{ "bulk: no bytes, records", no_header, HOSTILE_NEEDS_RESET, true },
	{ "bulk: half a header", half_a_header, HOSTILE_NEEDS_RESET, true },
	{ "bulk: header alone", header_alone, HOSTILE_IGNORED, true },
	{ "bulk: a bitmap without a bit", bitmap_of_nothing, HOSTILE_IGNORED, true },
	{ "bulk: no bytes, chunks", no_chunks, HOSTILE_IGNORED, true },
	{ "bulk: chunk of size 0", chunk_of_0, HOSTILE_NEEDS_RESET, true },
	{ "bulk: chunk of 2^52 bytes", chunk_of_2_52_bytes, HOSTILE_IGNORED, true },
	{ "bulk: chunk past 2^52 pages", chunk_over_2_52, HOSTILE_NEEDS_RESET, true },
	{ "bulk: chunk with an unaligned base", chunk_unaligned_base, HOSTILE_NEEDS_RESET, true },
	{ "bulk: chunk with an unaligned size", chunk_unaligned_size, HOSTILE_NEEDS_RESET, true },
	{ "bulk: half a chunk", half_a_chunk, HOSTILE_NEEDS_RESET, true },
	{ "bulk: chunks that overlap", chunks_overlap, HOSTILE_IGNORED, true },
	{ "bulk: chunk outside RAM", chunk_outside, HOSTILE_IGNORED, true },
	{ "bulk: chunk of the device", chunk_of_device, HOSTILE_IGNORED, true },
	{ "bulk: chunk of the rings", chunk_of_rings, HOSTILE_IGNORED, true },
	{ "bulk: two million chunks of one page", million_chunks, HOSTILE_IGNORED, true },
	{ "answers nobody asked for", answer_unasked, HOSTILE_IGNORED, true },
	{ "answer shorter than its header", answer_too_short, HOSTILE_IGNORED, true },
	{ "answer of a wrong length", answer_of_wrong_length, HOSTILE_IGNORED, true },
	{ "buffer for a request is too short", request_too_short, HOSTILE_IGNORED, true },
	{ "request never answered", request_never_answered, HOSTILE_IGNORED, false },
	{ 0 },
};
