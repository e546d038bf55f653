// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host request queue: a request goes out in a buffer the driver keeps in the queue, the answer
 * comes in parts. kernel/balloon/include/uapi/linux/virtio_balloon_bulk.h has the format.
 *
 * We hold at most two chains: the request's until there is something to ask, and a part of an answer: while it is
 * being read, for as many turns as that takes (budget.h), and the last one until the answer is let go of, which is what
 * has the driver hold its pages. While a part is held nothing is taken from the queue.
 *
 * An answer that cannot be decoded, or to something else, is an error of the guest and the end of
 * the question at most: it moves no page, so the device goes on.
 */
#include "backend/devices/balloon/balloon-internal.h"

/* A chain's pop and push, and an interrupt: its ring and its table may have to be mapped. */
#define CHAIN_COST (8 * BUDGET_CALL)
/* Copied at a time; each of its bytes may be in a buffer of its own, up to the longest chain. */
#define PIECE_BYTES 1024
#define PIECE_COST 20
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

/*
 * The payload of the part that is held, behind its header: note what it names.
 * Return: 0; XENVIRTIO_E_AGAIN the turn is over; XENVIRTIO_E_GUEST with decoder.why; -errno
 */
static int read_payload(struct balloon *b, struct xenvirtio_queue *q)
{
	struct xenvirtio_balloon_decoder *d = &b->hostreq.decoder;
	const struct xenvirtio_chain *chain = &b->hostreq.part;
	struct budget *budget = &b->unused.budget;
	unsigned char piece[PIECE_BYTES];
	uint64_t left;

	while (balloon_unused_add(b) && (left = xenvirtio_balloon_decoder_left(d))) {
		size_t here = left < sizeof(piece) ? left : sizeof(piece);
		uint64_t offset = chain->readable_bytes - left;
		int ret;

		if (budget_spent(budget))
			return XENVIRTIO_E_AGAIN;
		budget_charge(budget, balloon_count_new_pages(chain, offset, here), 2 * BUDGET_CALL);
		budget_charge(budget, 1, PIECE_COST);
		ret = xenvirtio_chain_read(q, chain, offset, piece, here);
		if (ret == XENVIRTIO_E_GUEST)
			d->why = "answer is not in RAM";
		if (!ret)
			ret = xenvirtio_balloon_decoder_feed(d, piece, here, &b->unused.slice.runs);
		if (ret) {
			balloon_unused_drop(b);
			return ret;
		}
		balloon_unused_begin(b);
	}
	return b->unused.slice.runs.nr ? XENVIRTIO_E_AGAIN : 0;
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

/* It cannot be read, or makes no sense. */
static int refuse_part(struct balloon *b, const char *why)
{
	count_bad(b, why);
	if (asked(b))
		balloon_unused_end(b, BALLOON_UNUSED_FAILED);
	return 0;
}

/* Return: 0 to be pushed; XENVIRTIO_E_AGAIN to be held, and read; -errno */
static int take_part(struct balloon *b, struct xenvirtio_queue *q,
		     const struct xenvirtio_chain *chain)
{
	struct balloon_hostreq *h = &b->hostreq;
	int ret = read_part(b, q, chain, &h->answer, &h->decoder);

	if (ret == XENVIRTIO_E_GUEST)
		return refuse_part(b, h->decoder.why);
	if (ret)
		return ret;
	if (h->answer.req_id != h->req_id) {
		/* Of a question that a dead process asked: not the guest's fault. */
		if (h->replay)
			return 0;
		return refuse_part(b, "answer to a request of another number");
	}
	/* given up meanwhile, or failed */
	if (!asked(b))
		return 0;
	h->part = *chain;
	h->part_held = true;
	return XENVIRTIO_E_AGAIN;
}

/* A turn of the part that is held. Return: 0 it is not any more; XENVIRTIO_E_AGAIN the turn is over; -errno */
static int end_part(struct balloon *b, struct xenvirtio_queue *q)
{
	struct balloon_hostreq *h = &b->hostreq;
	int ret = 0;

	/* else the question was let go of meanwhile, and with it what is left of the part */
	if (asked(b))
		ret = read_payload(b, q);
	if (ret == XENVIRTIO_E_GUEST)
		ret = refuse_part(b, h->decoder.why);
	if (ret)
		return ret;
	h->part_held = false;
	if (!asked(b) || !h->answer.done)
		return push_one(b, &h->part, 0);
	h->last = h->part;
	h->last_held = true;
	balloon_unused_end(b, BALLOON_UNUSED_DONE);
	return 0;
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
	if (ret)
		return ret == XENVIRTIO_E_AGAIN ? 0 : ret;
	return push_one(b, chain, 0);
}

static int run_chain(struct balloon *b, struct xenvirtio_queue *q)
{
	struct xenvirtio_chain chain;
	int ret = xenvirtio_queue_pop(q, &chain);

	budget_charge(&b->unused.budget, 1, CHAIN_COST);
	return ret ? ret : take_chain(b, q, &chain);
}

int balloon_hostreq_run(struct balloon *b)
{
	struct xenvirtio_queue *q = balloon_queue(b, BALLOON_VQ_HOST_REQ);
	int ret = 0;

	if (!q)
		return 0;
	while (!ret && !b->hostreq.last_held && !budget_spent(&b->unused.budget))
		ret = b->hostreq.part_held ? end_part(b, q) : run_chain(b, q);
	if ((!ret && !b->hostreq.last_held) || ret == XENVIRTIO_E_AGAIN)
		b->work |= BALLOON_WORK_UNUSED;
	return ret == XENVIRTIO_E_EMPTY || ret == XENVIRTIO_E_AGAIN ? 0 : ret;
}

int balloon_hostreq_release(struct balloon *b)
{
	int ret = 0;

	if (b->hostreq.last_held) {
		b->hostreq.last_held = false;
		ret = push_one(b, &b->hostreq.last, 0);
		/* The driver may have put something behind it, and will not kick again. */
		b->work |= BALLOON_WORK_UNUSED;
	}
	/* it goes back when its turn comes */
	if (b->hostreq.part_held)
		b->work |= BALLOON_WORK_UNUSED;
	return ret;
}

void balloon_hostreq_stop(struct balloon *b)
{
	if (b->hostreq.part_held)
		balloon_unused_drop(b);
	b->hostreq.request_held = false;
	b->hostreq.last_held = false;
	b->hostreq.part_held = false;
}

void balloon_hostreq_reset(struct balloon *b)
{
	balloon_hostreq_stop(b);
	b->hostreq.replay = false;
}
