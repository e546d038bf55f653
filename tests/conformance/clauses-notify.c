// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Notifications and how each side spares the other some: virtio 1.2, 2.7.7 and 2.7.10.
 *
 * Judged by the interrupt line, and where there must be one by InterruptStatus as well.
 */
#include "conformance/clauses.h"

/* What is to be seen of a message that is used while the ring says this. */
struct wish {
	uint16_t flags;
	int32_t event; /* behind the used index as it is; INT32_MIN: is left alone */
	bool told;
};

#define LEFT_ALONE INT32_MIN

static int wish_for(struct world *w, const struct wish *wish)
{
	struct driver_queue *q;
	struct posted p;
	uint64_t before;
	int ret = world_quiet(w);

	if (!ret)
		ret = world_post(w, 0, 0, NULL, 0xa5, &p);
	if (ret)
		return ret;
	q = &w->driver.queue[p.m.queue];
	*q->avail_flags = wish->flags;
	if (wish->event != LEFT_ALONE)
		*q->used_event = (uint16_t)(*q->used_idx + wish->event);
	before = world_interrupts(w);
	ret = world_kick(w, &p);
	for (int i = 0; !ret && !world_taken(w, p.m.queue) && i < 100; i++)
		ret = world_turn(w);
	/* what was held back comes now */
	if (!ret)
		ret = world_turn(w);
	if (!ret && !world_taken(w, p.m.queue))
		return world_fail(w, "a message is not used, and nothing says why");
	if (!ret && wish->told && world_interrupts(w) == before)
		return world_fail(w, "no interrupt for a used buffer");
	if (!ret && wish->told && !(world_reg(w, REG_INTERRUPT_STATUS) & 1))
		return world_fail(w, "an interrupt for a used buffer, and bit 0 of InterruptStatus is 0");
	if (!ret && !wish->told && world_interrupts(w) != before)
		return world_fail(w, "an interrupt that the driver does not want");
	*q->avail_flags = 0;
	return ret ? ret : world_finish(w, &p);
}

static int all_wishes(struct world *w, uint64_t more, const struct wish *wish, size_t nr)
{
	int ret = world_init(w, more);

	for (int round = 0; !ret && round < 3; round++)
		for (size_t i = 0; !ret && i < nr; i++)
			ret = wish_for(w, &wish[i]);
	return ret;
}

static int need_no_events(struct world *w)
{
	return w->cd->features & F_EVENT_IDX ? world_skip(w, "its driver takes VIRTIO_F_EVENT_IDX in any case") : 0;
}

static int flags_0_is_told(struct world *w)
{
	static const struct wish wish[] = {{0, LEFT_ALONE, true}};
	int ret = need_no_events(w);

	return ret ? ret : all_wishes(w, 0, wish, 1);
}

static int flags_1_is_not_told(struct world *w)
{
	static const struct wish wish[] = {{1, LEFT_ALONE, false}, {0, LEFT_ALONE, true}, {1, LEFT_ALONE, false}};
	int ret = need_no_events(w);

	return ret ? ret : all_wishes(w, 0, wish, 3);
}

static int event_is_ignored(struct world *w)
{
	static const struct wish wish[] = {{0, 1000, true}, {0, -5, true}, {0, 0, true}, {0, 30000, true}};
	int ret = need_no_events(w);

	return ret ? ret : all_wishes(w, 0, wish, 4);
}

static int need_events(struct world *w)
{
	return world_has(w, F_EVENT_IDX) ? 0 : world_skip(w, "VIRTIO_F_EVENT_IDX is not offered");
}

static int event_is_told(struct world *w)
{
	static const struct wish wish[] = {{0, 0, true}};
	int ret = need_events(w);

	return ret ? ret : all_wishes(w, F_EVENT_IDX, wish, 1);
}

static int other_event_is_not_told(struct world *w)
{
	static const struct wish wish[] = {{0, 1, false}, {0, 0, true}, {0, 20000, false}, {0, -1, false}, {0, 0, true}};
	int ret = need_events(w);

	return ret ? ret : all_wishes(w, F_EVENT_IDX, wish, 5);
}

static int flags_are_ignored(struct world *w)
{
	static const struct wish wish[] = {{1, 0, true}, {1, 0, true}, {1, 7, false}};
	/* what comes where nobody asked for it is another clause */
	size_t nr = w->excused & SHOULD_HEED_USED_EVENT ? 2 : 3;
	int ret = need_events(w);

	return ret ? ret : all_wishes(w, F_EVENT_IDX, wish, nr);
}

/* --- the other way --- */

static int used_flags(struct world *w, uint64_t more, uint16_t allowed)
{
	int ret = world_init(w, more);

	for (int i = 0; !ret && i < 4; i++) {
		ret = world_request(w, NULL);
		for (unsigned int k = 0; !ret && k < w->cd->nr_queues; k++)
			if (*w->driver.queue[k].used_flags & ~allowed)
				return world_fail(w, "flags in the used ring of queue %u are %#x", k, *w->driver.queue[k].used_flags);
	}
	return ret;
}

static int used_flags_0_or_1(struct world *w)
{
	int ret = need_no_events(w);

	return ret ? ret : used_flags(w, 0, 1);
}

static int used_flags_0(struct world *w)
{
	int ret = need_events(w);

	return ret ? ret : used_flags(w, F_EVENT_IDX, 0);
}

static int spurious(struct world *w)
{
	int ret = world_init(w, 0);

	for (int i = 0; !ret && i < 300; i++) {
		ret = world_check(w, driver_write(&w->driver, REG_QUEUE_NOTIFY, (uint32_t)i % w->cd->nr_queues), "a notification");
		if (!ret && i % 50 == 0)
			ret = world_request(w, NULL);
	}
	for (unsigned int k = 0; !ret && k < w->cd->nr_queues; k++)
		if (world_taken(w, k))
			return world_fail(w, "a notification of nothing had queue %u used", k);
	return ret ? ret : world_request(w, NULL);
}

/* Two are made available, the notification comes once. */
static int one_kick_for_several(struct world *w)
{
	static struct posted p[CONFORMANCE_SLOTS];
	int ret = world_init(w, 0);

	for (unsigned int i = 0; !ret && i < 6; i++)
		ret = world_post(w, i, 0, NULL, 0xa5, &p[i]);
	if (!ret)
		ret = world_kick(w, &p[0]);
	for (unsigned int i = 0; !ret && i < 6; i++) {
		uint16_t head;
		uint32_t len;

		ret = world_check(w, driver_wait(&w->driver.queue[p[0].m.queue], &head, &len), "one of several messages");
	}
	return ret;
}

const struct clause clauses_notify[] = {
	{"2.7.7.2", "without EVENT_IDX a used buffer is told where flags is 0", flags_0_is_told, 0, NULL},
	{"2.7.7.2", "without EVENT_IDX it is not where flags is 1", flags_1_is_not_told, SHOULD_HEED_FLAGS, NULL},
	{"2.7.7.2", "without EVENT_IDX used_event is ignored", event_is_ignored, 0, NULL},
	{"2.7.7.2", "with EVENT_IDX a used buffer is told where its index is used_event", event_is_told, 0, NULL},
	{"2.7.7.2", "with EVENT_IDX it is not elsewhere", other_event_is_not_told, SHOULD_HEED_USED_EVENT,
	 NULL},
	{"2.7.7.2", "with EVENT_IDX flags of the available ring are ignored", flags_are_ignored, 0, NULL},
	{"2.7.10.2", "without EVENT_IDX flags of the used ring are 0 or 1", used_flags_0_or_1, 0, NULL},
	{"2.7.10.2", "with EVENT_IDX flags of the used ring are 0", used_flags_0, 0, NULL},
	{"2.7.10.2", "notifications of nothing do no harm", spurious, 0, NULL},
	{"2.3", "one notification is enough for what was made available before it", one_kick_for_several, 0, NULL},
	{0},
};
