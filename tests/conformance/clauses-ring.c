// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is in split rings: how messages are framed, descriptors, indirect tables, the used ring. Virtio 1.2, 2.7.4 to 2.7.8.
 */
#include <errno.h>
#include <string.h>

#include "conformance/clauses.h"

/* The used and available indices are 16 bits. */
#define INDICES 65536u

static int every_layout(struct world *w, uint64_t more, const struct layout *layout, size_t nr)
{
	int ret = world_init(w, more);

	for (size_t i = 0; !ret && i < nr; i++)
		ret = world_request(w, &layout[i]);
	return ret;
}

static int any_pieces(struct world *w)
{
	static const struct layout layout[] = {
		{.piece_bytes = 1}, {.piece_bytes = 2}, {.piece_bytes = 3},  {.piece_bytes = 4}, {.piece_bytes = 5},
		{.piece_bytes = 7}, {.piece_bytes = 8}, {.piece_bytes = 16}, {.piece_bytes = 33},
	};

	return every_layout(w, 0, layout, sizeof(layout) / sizeof(layout[0]));
}

static int any_place(struct world *w)
{
	static const struct layout layout[] = {{.apart = true}, {.apart = true, .piece_bytes = 6}, {.apart = true, .piece_bytes = 13}};

	return every_layout(w, 0, layout, sizeof(layout) / sizeof(layout[0]));
}

static int any_descriptors(struct world *w)
{
	static const struct layout layout[] = {{.backwards = true, .piece_bytes = 5}, {.backwards = true}, {.piece_bytes = 5}};

	return every_layout(w, 0, layout, sizeof(layout) / sizeof(layout[0]));
}

/* Of a posted message: what is the driver's is as it was. */
struct before {
	struct ring_desc desc[DRIVER_QUEUE_SIZE_MAX];
	uint16_t avail[3 + DRIVER_QUEUE_SIZE_MAX];
};

static void look(const struct driver_queue *q, struct before *b)
{
	memcpy(b->desc, q->desc, q->size * sizeof(*q->desc));
	for (unsigned int i = 0; i < 3u + q->size; i++)
		b->avail[i] = q->avail_flags[i];
}

static int send_and_look(struct world *w, unsigned int step, const struct layout *layout, struct posted *p, struct before *before,
			 struct before *after)
{
	const struct driver_queue *q;
	int ret = world_post(w, 0, step, layout, 0xa5, p);

	if (ret)
		return ret;
	q = &w->driver.queue[p->m.queue];
	memset(before, 0, sizeof(*before));
	memset(after, 0, sizeof(*after));
	look(q, before);
	ret = world_kick(w, p);
	for (int i = 0; !ret && !world_taken(w, p->m.queue) && i < 100; i++)
		ret = world_turn(w);
	/* before the driver has its descriptors back */
	look(q, after);
	return ret ? ret : world_finish(w, p);
}

static int readable_is_not_written(struct world *w)
{
	static const struct layout layout = {.piece_bytes = 24};
	int ret = world_init(w, 0);

	for (unsigned int step = 0; !ret && step < w->cd->nr_messages; step++) {
		struct before before, after;
		const uint8_t *want;
		struct posted p;

		ret = send_and_look(w, step, &layout, &p, &before, &after);
		want = p.m.readable;
		for (unsigned int i = 0; !ret && i < p.nr_pieces; i++) {
			if (p.piece[i].writable)
				continue;
			if (memcmp(p.piece[i].bytes, want, p.piece[i].len))
				return world_fail(w, "a device-readable buffer of message %u was written to", step);
			want += p.piece[i].len;
		}
	}
	return ret;
}

/* Gaps between buffers are zero, as the page was. */
static int nothing_beyond(struct world *w)
{
	static const struct layout layout = {.piece_bytes = 24};
	int ret = world_init(w, 0);

	for (unsigned int step = 0; !ret && step < w->cd->nr_messages; step++) {
		struct before before, after;
		struct posted p;

		ret = send_and_look(w, step, &layout, &p, &before, &after);
		for (unsigned int i = 0; !ret && i < p.nr_pieces; i++)
			for (unsigned int k = 0; k < 8; k++)
				if (p.piece[i].bytes[p.piece[i].len + k])
					return world_fail(w, "byte %u behind a buffer of message %u was written to", k, step);
	}
	return ret;
}

static int tables_are_not_written(struct world *w)
{
	static const struct layout layout = {.piece_bytes = 24};
	int ret = world_init(w, 0);

	for (unsigned int step = 0; !ret && step < w->cd->nr_messages; step++) {
		struct before before, after;
		struct posted p;

		ret = send_and_look(w, step, &layout, &p, &before, &after);
		if (!ret && memcmp(before.desc, after.desc, sizeof(before.desc)))
			return world_fail(w, "the descriptor table was written to");
		if (!ret && memcmp(before.avail, after.avail, sizeof(before.avail)))
			return world_fail(w, "the available ring was written to");
	}
	return ret;
}

/* --- indirect --- */

static int need_indirect(struct world *w)
{
	return world_has(w, F_INDIRECT) ? 0 : world_skip(w, "VIRTIO_F_INDIRECT_DESC is not offered");
}

static int indirect_tables(struct world *w)
{
	static const struct layout layout[] = {
		{.indirect = true},
		{.indirect = true, .piece_bytes = 5},
		{.indirect = true, .piece_bytes = 5, .backwards = true},
		{.indirect = true, .piece_bytes = 13, .apart = true},
	};
	int ret = need_indirect(w);

	return ret ? ret : every_layout(w, F_INDIRECT, layout, sizeof(layout) / sizeof(layout[0]));
}

static int direct_before_indirect(struct world *w)
{
	static const struct layout layout[] = {
		{.indirect = true, .direct = 1, .piece_bytes = 4},
		{.indirect = true, .direct = 2, .piece_bytes = 7},
		{.indirect = true, .direct = 5, .piece_bytes = 3},
	};
	int ret = need_indirect(w);

	return ret ? ret : every_layout(w, F_INDIRECT, layout, sizeof(layout) / sizeof(layout[0]));
}

static int write_flag_of_table(struct world *w)
{
	static const struct layout layout[] = {
		{.indirect = true, .odd_flag = true},
		{.indirect = true, .odd_flag = true, .direct = 1, .piece_bytes = 6},
	};
	int ret = need_indirect(w);

	return ret ? ret : every_layout(w, F_INDIRECT, layout, sizeof(layout) / sizeof(layout[0]));
}

/* --- the used ring --- */

/* Several at once: each head comes back once, whatever the order, and no other. */
static int each_head_once(struct world *w)
{
	static struct posted p[CONFORMANCE_SLOTS];
	int ret = world_init(w, 0);

	for (unsigned int i = 0; !ret && i < 8; i++)
		ret = world_post(w, i, 0, NULL, 0xa5, &p[i]);
	if (!ret)
		ret = world_kick(w, &p[0]);
	return ret ? ret : world_collect(w, p, 8);
}

static int used_len_was_written(struct world *w)
{
	static const uint8_t filling[] = {0x00, 0xff, 0x5a, 0xa5};
	int ret = world_init(w, 0);

	for (unsigned int step = 0; !ret && step < w->cd->nr_messages; step++) {
		bool written[CONFORMANCE_BYTES_MAX] = {0};
		uint32_t least = CONFORMANCE_BYTES_MAX;

		for (size_t i = 0; !ret && i < sizeof(filling); i++) {
			struct posted p;

			ret = world_post(w, 0, step, NULL, filling[i], &p);
			if (!ret)
				ret = world_kick(w, &p);
			if (!ret)
				ret = world_finish(w, &p);
			least = !ret && p.used_bytes < least ? p.used_bytes : least;
			for (uint32_t k = 0; !ret && k < p.used_bytes; k++)
				written[k] |= p.m.writable[k] != filling[i];
		}
		for (uint32_t k = 0; !ret && k < least; k++)
			if (!written[k])
				return world_fail(w, "message %u was used with %u bytes, and byte %u was never written", step, least, k);
	}
	return ret;
}

static int answers_are_right(struct world *w)
{
	int ret = world_init(w, 0);

	for (int i = 0; !ret && i < 100; i++)
		ret = world_request(w, NULL);
	return ret;
}

/* All messages of a request on one queue as often as its ring has room, until indices have come round. */
static int go_round(struct world *w, uint64_t more)
{
	int ret = world_init(w, more);

	for (unsigned int done = 0; !ret && done < INDICES + 100; done++) {
		ret = world_request(w, NULL);
		if (!ret && w->driver.features & F_EVENT_IDX)
			continue;
		/* half of them are found by the kick of another */
		if (!ret && done % 64 == 0)
			ret = world_quiet(w);
	}
	return ret;
}

static int indices_wrap(struct world *w)
{
	return go_round(w, 0);
}

static int indices_wrap_with_events(struct world *w)
{
	if (!world_has(w, F_EVENT_IDX))
		return world_skip(w, "VIRTIO_F_EVENT_IDX is not offered");
	return go_round(w, F_EVENT_IDX);
}

const struct clause clauses_framing[] = {
	{"2.7.4.1", "a message may be in buffers of any length", any_pieces, 0, NULL},
	{"2.7.4.1", "its buffers may be anywhere, and run over the end of a page", any_place, 0, NULL},
	{"2.7.5", "a chain may go through the descriptor table in any order", any_descriptors, 0, NULL},
	{"2.7.5.1", "device-readable buffers are not written to", readable_is_not_written, 0, NULL},
	{"2.7.5.1", "nothing is written beyond the end of a buffer", nothing_beyond, 0, NULL},
	{"2.7.5.1", "the descriptor table and the available ring are not written to", tables_are_not_written, 0, NULL},
	{"2.7.5.3", "a message may be in an indirect table", indirect_tables, 0, NULL},
	{"2.7.5.3.2", "direct descriptors may come before one that refers to a table", direct_before_indirect, 0, NULL},
	{"2.7.5.3.2", "the write flag of a descriptor that refers to a table is ignored", write_flag_of_table, 0, NULL},
	{0},
};

const struct clause clauses_used[] = {
	{"2.7.8", "each chain comes back once, and nothing else does", each_head_once, 0, NULL},
	{"2.7.8.2", "what len says was written, from the first device-writable buffer on", used_len_was_written, 0, NULL},
	{"2.7.8.2", "a message is answered when it comes back", answers_are_right, 0, NULL},
	{"2.7.13.3", "indices wrap at 65536 and nothing is lost", indices_wrap, 0, NULL},
	{"2.7.13.3", "they do with VIRTIO_F_EVENT_IDX, a driver kicking only where it is asked to", indices_wrap_with_events, 0,
	 NULL},
	{0},
};
