// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host request queue: a request goes out in a buffer the driver keeps in the queue, the answer
 * comes in parts. kernel/balloon/include/uapi/linux/virtio_balloon_bulk.h has the format.
 *
 * We hold at most two chains: the request's until there is something to ask, and the last part of
 * an answer, which is what has the driver hold its pages. While that one is held nothing is taken
 * from the queue.
 *
 * An answer that cannot be decoded, or to something else, is an error of the guest and the end of
 * the question at most: it moves no page, so the device goes on.
 */
#include "backend/devices/balloon/balloon-internal.h"

#define CHAINS_PER_CALL 8
#define PIECE_BYTES 4096
/* Drivers send some KiB. All frames of any guest are described in 64 such parts. */
#define PART_BYTES_MAX (UINT64_C(1) << 20)

static bool asked(const struct balloon *b)
{
	return b->unused.state == BALLOON_UNUSED_ASKED &&
	       b->unused.via == BALLOON_UNUSED_VIA_HOST_REQ;
}

static void count_bad(struct balloon *b, const char *detail)
{
	xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_MESSAGE, detail);
}

static int push_one(struct balloon *b, const struct xenvirtio_chain *chain, uint32_t used_bytes)
{
	struct xenvirtio_queue *q = balloon_queue(b, BALLOON_VQ_HOST_REQ);
	int ret = xenvirtio_queue_push(q, chain, used_bytes);

	return ret ? ret : xenvirtio_queue_interrupt(q);
}

int balloon_hostreq_ask(struct balloon *b)
{
	struct xenvirtio_queue *q = balloon_queue(b, BALLOON_VQ_HOST_REQ);
	unsigned char msg[XENVIRTIO_BALLOON_REQUEST_BYTES];
	uint64_t req_id = clock_now_ns();
	int ret;

	/* A driver that stopped the queue has taken its buffer back. */
	if (q && b->hostreq.request_held && !xenvirtio_chain_held(q, &b->hostreq.request))
		b->hostreq.request_held = false;
	if (!q || !b->hostreq.request_held)
		return XENVIRTIO_E_EMPTY;
	/* Two questions within the clock's resolution, or a process before this one. */
	b->hostreq.req_id = req_id > b->hostreq.req_id ? req_id : b->hostreq.req_id + 1;
	xenvirtio_balloon_encode_request(b->hostreq.req_id, msg);
	b->hostreq.request_held = false;
	ret = xenvirtio_chain_write(q, &b->hostreq.request, 0, msg, sizeof(msg));
	if (ret == XENVIRTIO_E_GUEST) {
		ret = xenvirtio_device_guest_fault(b->dev, XENVIRTIO_GUEST_BAD_ADDRESS,
						   "buffer for a request is not in RAM");
		return ret ? ret : XENVIRTIO_E_GUEST;
	}
	return ret ? ret : push_one(b, &b->hostreq.request, sizeof(msg));
}

/* Feed the payload of a part, behind its header, and note what it names. */
static int read_payload(struct balloon *b, struct xenvirtio_queue *q,
			const struct xenvirtio_chain *chain, struct xenvirtio_balloon_decoder *d)
{
	unsigned char piece[PIECE_BYTES];
	uint64_t left;

	while ((left = xenvirtio_balloon_decoder_left(d))) {
		size_t here = left < sizeof(piece) ? left : sizeof(piece);
		int ret = xenvirtio_chain_read(q, chain, chain->readable_bytes - left, piece, here);

		if (ret == XENVIRTIO_E_GUEST)
			d->why = "answer is not in RAM";
		if (!ret)
			ret = xenvirtio_balloon_decoder_feed(d, piece, here, &b->unused.runs);
		if (ret) {
			xenvirtio_runs_clear(&b->unused.runs);
			return ret;
		}
		balloon_unused_add(b);
	}
	return 0;
}

/* Return: 0, @answer is filled in; XENVIRTIO_E_GUEST with @d->why; -errno */
static int read_part(struct balloon *b, struct xenvirtio_queue *q,
		     const struct xenvirtio_chain *chain, struct xenvirtio_balloon_answer *answer,
		     struct xenvirtio_balloon_decoder *d)
{
	unsigned char header[XENVIRTIO_BALLOON_ANSWER_BYTES];
	enum xenvirtio_balloon_encoding encoding = balloon_encoding(b);
	bool chunks = encoding == XENVIRTIO_BALLOON_CHUNKS || encoding == XENVIRTIO_BALLOON_EITHER;
	int ret;

	d->why = "answer is shorter than its header, or too long";
	if (chain->readable_bytes < sizeof(header) || chain->nr_writable ||
	    chain->readable_bytes > PART_BYTES_MAX)
		return XENVIRTIO_E_GUEST;
	ret = xenvirtio_chain_read(q, chain, 0, header, sizeof(header));
	if (ret == XENVIRTIO_E_GUEST)
		d->why = "answer is not in RAM";
	if (!ret)
		ret = xenvirtio_balloon_decode_answer(header, chain->readable_bytes, chunks, answer,
						      d);
	return ret;
}

/* Return: 0 to be pushed; XENVIRTIO_E_AGAIN to be held; -errno */
static int take_part(struct balloon *b, struct xenvirtio_queue *q,
		     const struct xenvirtio_chain *chain)
{
	struct xenvirtio_balloon_answer answer;
	struct xenvirtio_balloon_decoder d;
	int ret = read_part(b, q, chain, &answer, &d);

	if (!ret && answer.req_id != b->hostreq.req_id) {
		/* Of a question that a dead process asked: not the guest's fault. */
		if (b->hostreq.replay)
			return 0;
		d.why = "answer to a request of another number";
		ret = XENVIRTIO_E_GUEST;
	} else if (!ret) {
		if (!asked(b))
			return 0; /* given up meanwhile, or failed */
		ret = read_payload(b, q, chain, &d);
	}
	if (ret == XENVIRTIO_E_GUEST) {
		count_bad(b, d.why);
		if (asked(b))
			balloon_unused_end(b, BALLOON_UNUSED_FAILED);
		return 0;
	}
	if (ret || !answer.done)
		return ret;
	balloon_unused_end(b, BALLOON_UNUSED_DONE);
	return XENVIRTIO_E_AGAIN;
}

static int take_request(struct balloon *b, const struct xenvirtio_chain *chain)
{
	b->hostreq.replay = false;
	/* The driver waits for a request again: there will be no more of the answer. */
	if (asked(b)) {
		count_bad(b, "answer without an end");
		balloon_unused_end(b, BALLOON_UNUSED_FAILED);
	}
	if (chain->writable_bytes < XENVIRTIO_BALLOON_REQUEST_BYTES) {
		count_bad(b, "buffer for a request is too short");
		return push_one(b, chain, 0);
	}
	b->hostreq.request = *chain;
	b->hostreq.request_held = true;
	return 0;
}

static int take_chain(struct balloon *b, struct xenvirtio_queue *q,
		      const struct xenvirtio_chain *chain)
{
	int ret = 0;

	/* Chains are pushed in the order they were popped, see queue.h. */
	if (b->hostreq.request_held) {
		count_bad(b, "something follows the buffer for a request");
		b->hostreq.request_held = false;
		ret = push_one(b, &b->hostreq.request, 0);
	}
	if (ret)
		return ret;
	if (!chain->readable_bytes)
		return take_request(b, chain);
	ret = take_part(b, q, chain);
	if (ret == XENVIRTIO_E_AGAIN) {
		b->hostreq.last = *chain;
		b->hostreq.last_held = true;
		return 0;
	}
	return ret ? ret : push_one(b, chain, 0);
}

int balloon_hostreq_run(struct balloon *b)
{
	struct xenvirtio_queue *q = balloon_queue(b, BALLOON_VQ_HOST_REQ);
	int ret = 0;

	if (!q)
		return 0;
	for (int chains = 0; chains < CHAINS_PER_CALL && !ret && !b->hostreq.last_held; chains++) {
		struct xenvirtio_chain chain;

		ret = xenvirtio_queue_pop(q, &chain);
		if (!ret)
			ret = take_chain(b, q, &chain);
	}
	if (!ret && !b->hostreq.last_held)
		b->unused.pending = true;
	return ret == XENVIRTIO_E_EMPTY ? 0 : ret;
}

int balloon_hostreq_release(struct balloon *b)
{
	int ret = 0;

	if (b->hostreq.last_held) {
		b->hostreq.last_held = false;
		ret = push_one(b, &b->hostreq.last, 0);
		/* The driver may have put something behind it, and will not kick again. */
		b->unused.pending = true;
	}
	return ret;
}

void balloon_hostreq_reset(struct balloon *b)
{
	b->hostreq.request_held = false;
	b->hostreq.last_held = false;
	b->hostreq.replay = false;
}
