// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free page hints: virtio 1.2, 5.5.6.5.
 *
 * The question is a number in the configuration space that no question before had. The driver puts
 * that number into the queue, then free pages as device-writable buffers, then STOP, and keeps the
 * pages until the number is DONE. Buffers go back at once: nothing is ever written to them.
 *
 * Anything outside of that order is looked at, given back and does nothing: the driver may still be
 * answering a question that was given up.
 */
#include "backend/devices/balloon/balloon-internal.h"

/* A chain's pop and push, and an interrupt: its ring and its table may have to be mapped. */
#define CHAIN_COST (8 * BUDGET_CALL)

static int set_cmd_id(struct balloon *b, uint32_t cmd_id)
{
	b->persist->hint_cmd_id = cmd_id;
	return xenvirtio_device_config_changed(b->dev);
}

static bool asked(const struct balloon *b)
{
	return b->unused.state == BALLOON_UNUSED_ASKED &&
	       b->unused.via == BALLOON_UNUSED_VIA_HINT;
}

int balloon_hint_ask(struct balloon *b)
{
	uint32_t cmd_id;

	if (!balloon_queue(b, BALLOON_VQ_FREE_PAGE))
		return XENVIRTIO_E_EMPTY;
	/* A process before this one, of which nothing is known, may have asked the same driver. */
	cmd_id = (uint32_t)(clock_now_ns() >> 10);
	while (cmd_id == XENVIRTIO_BALLOON_HINT_STOP || cmd_id == XENVIRTIO_BALLOON_HINT_DONE ||
	       cmd_id == b->hint_last_id)
		cmd_id++;
	b->hint_last_id = cmd_id;
	b->hinting = false;
	return set_cmd_id(b, cmd_id);
}

int balloon_hint_release(struct balloon *b)
{
	b->hinting = false;
	return set_cmd_id(b, XENVIRTIO_BALLOON_HINT_DONE);
}

static void take_command(struct balloon *b, uint32_t cmd_id)
{
	if (!asked(b))
		return;
	if (cmd_id == b->persist->hint_cmd_id)
		b->hinting = true;
	else if (cmd_id == XENVIRTIO_BALLOON_HINT_STOP && b->hinting)
		balloon_unused_end(b, BALLOON_UNUSED_DONE);
	else
		b->hinting = false;
}

/* Whole frames of the buffers only: the rest of a frame may be anything. */
static int take_hints(struct balloon *b, const struct xenvirtio_chain *chain)
{
	const struct xenvirtio_seg *seg = &chain->seg[chain->nr_readable];

	if (!asked(b) || !b->hinting)
		return 0;
	for (unsigned int i = 0; i < chain->nr_writable; i++) {
		uint64_t end = seg[i].gpa.v + seg[i].len_bytes;
		uint64_t first_gfn = (seg[i].gpa.v + XENVIRTIO_PAGE_SIZE - 1) >>
				     XENVIRTIO_PAGE_SHIFT;
		uint64_t end_gfn = end >> XENVIRTIO_PAGE_SHIFT;
		int ret;

		if (first_gfn >= end_gfn)
			continue;
		ret = xenvirtio_runs_add(&b->unused.slice.runs, xenvirtio_gfn(first_gfn),
					 end_gfn - first_gfn);
		if (ret)
			return ret;
	}
	balloon_unused_begin(b);
	/* Given back when all of its pages are noted, which may be in a later turn. */
	b->hint_chain = *chain;
	b->hint_held = true;
	return 0;
}

static int take_chain(struct balloon *b, struct xenvirtio_queue *q,
		      const struct xenvirtio_chain *chain)
{
	struct xenvirtio_le32 cmd_id;
	int ret;

	if (!chain->readable_bytes)
		return take_hints(b, chain);
	if (chain->readable_bytes != sizeof(cmd_id) || chain->nr_writable) {
		xenvirtio_device_guest_error(b->dev, XENVIRTIO_GUEST_BAD_MESSAGE,
					     "free page queue: neither a command nor pages");
		return 0;
	}
	ret = xenvirtio_chain_read(q, chain, 0, &cmd_id, sizeof(cmd_id));
	if (ret == XENVIRTIO_E_GUEST) {
		ret = xenvirtio_device_guest_fault(b->dev, XENVIRTIO_GUEST_BAD_ADDRESS,
						   "free page queue: command is not in RAM");
		return ret ? ret : XENVIRTIO_E_GUEST;
	}
	if (!ret)
		take_command(b, xenvirtio_le32_get(cmd_id));
	return ret;
}

void balloon_hint_stop(struct balloon *b)
{
	b->hinting = false;
	if (b->hint_held)
		balloon_unused_drop(b);
	b->hint_held = false;
}

/* The pages of a chain that is held. Return: 0; XENVIRTIO_E_AGAIN the turn is over */
static int end_held(struct balloon *b, struct xenvirtio_queue *q)
{
	if (!b->hint_held)
		return 0;
	/* If the question was let go of meanwhile, so was what is left of them. */
	if (!balloon_unused_add(b))
		return XENVIRTIO_E_AGAIN;
	b->hint_held = false;
	return xenvirtio_queue_push(q, &b->hint_chain, 0);
}

static int run_chain(struct balloon *b, struct xenvirtio_queue *q)
{
	struct xenvirtio_chain chain;
	int ret = xenvirtio_queue_pop(q, &chain);

	budget_charge(&b->unused.budget, 1, CHAIN_COST);
	if (!ret)
		ret = take_chain(b, q, &chain);
	if (ret || b->hint_held)
		return ret;
	return xenvirtio_queue_push(q, &chain, 0);
}

int balloon_hint_run(struct balloon *b)
{
	struct xenvirtio_queue *q = balloon_queue(b, BALLOON_VQ_FREE_PAGE);
	int ret;

	if (!q)
		return 0;
	ret = end_held(b, q);
	while (!ret && !budget_spent(&b->unused.budget)) {
		ret = run_chain(b, q);
		if (!ret)
			ret = end_held(b, q);
	}
	if (!ret || ret == XENVIRTIO_E_AGAIN)
		b->work |= BALLOON_WORK_UNUSED;
	else if (ret != XENVIRTIO_E_EMPTY)
		return ret;
	return xenvirtio_queue_interrupt(q);
}
