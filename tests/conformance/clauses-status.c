// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Device status, features, reset and initialisation: virtio 1.2, 2.1, 2.2, 2.4, 3.1 and 6.
 */
#include <errno.h>

#include "conformance/clauses.h"

static int write_status(struct world *w, uint32_t status)
{
	return world_check(w, driver_write(&w->driver, REG_STATUS, status), "writing the status");
}

static int expect_status(struct world *w, uint32_t status, const char *when)
{
	uint32_t seen = world_reg(w, REG_STATUS);

	return seen == status ? 0 : world_fail(w, "status is %#x %s, not %#x", seen, when, status);
}

/* A message with the device, which may not look at it: not before, and not because of, @ret of what went before. */
static int expect_untouched(struct world *w, const struct posted *p, uint64_t interrupts, const char *when)
{
	int ret = driver_write(&w->driver, REG_QUEUE_NOTIFY, p->m.queue);

	if (!ret)
		ret = world_turn(w);
	if (ret)
		return world_check(w, ret, "a notification");
	if (world_taken(w, p->m.queue))
		return world_fail(w, "a buffer was used %s", when);
	for (unsigned int i = 0; i < p->nr_pieces; i++)
		for (uint32_t k = 0; p->piece[i].writable && k < p->piece[i].len; k++)
			if (p->piece[i].bytes[k] != 0xa5)
				return world_fail(w, "a buffer was written to %s", when);
	if (world_interrupts(w) != interrupts)
		return world_fail(w, "the driver was interrupted %s", when);
	return 0;
}

static int status_at_first(struct world *w)
{
	return expect_status(w, 0, "before a driver came");
}

static int status_reads_back(struct world *w)
{
	static const uint32_t steps[] = {1, 3};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(steps) / sizeof(steps[0]); i++) {
		ret = write_status(w, steps[i]);
		if (!ret)
			ret = expect_status(w, steps[i], "after that was written");
	}
	return ret ? ret : world_init(w, 0);
}

static int nothing_before_driver_ok(struct world *w)
{
	struct driver *d = &w->driver;
	struct posted p;
	int ret = world_check(w, driver_begin(d, w->cd->device_id, w->cd->features), "an initialisation");

	d->nr_queues = w->cd->nr_queues;
	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = driver_make_ring(d, i, 16);
		ret = world_check(w, ret ? ret : driver_enable_queue(d, i), "a queue");
	}
	if (!ret)
		ret = world_post(w, 0, 0, NULL, 0xa5, &p);
	return ret ? ret : expect_untouched(w, &p, world_interrupts(w), "before DRIVER_OK");
}

static int failed_is_quiet(struct world *w)
{
	struct posted p;
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_post(w, 0, 0, NULL, 0xa5, &p);
	if (!ret)
		ret = write_status(w, 15 | STATUS_FAILED);
	if (!ret)
		ret = expect_untouched(w, &p, world_interrupts(w), "after FAILED");
	if (!ret)
		ret = world_init(w, 0);
	return ret ? ret : world_request(w, NULL);
}

static int break_ring(struct world *w)
{
	struct driver_queue *q = &w->driver.queue[0];

	*q->avail_idx = (uint16_t)(*q->avail_idx + 40000);
	return world_check(w, driver_write(&w->driver, REG_QUEUE_NOTIFY, 0), "a notification");
}

static int needs_reset_is_set(struct world *w)
{
	int ret = world_init(w, 0);

	if (!ret)
		ret = break_ring(w);
	if (!ret && !(world_reg(w, REG_STATUS) & STATUS_NEEDS_RESET))
		return world_fail(w, "DEVICE_NEEDS_RESET is not set after an available index that cannot be");
	return ret;
}

static int needs_reset_is_told(struct world *w)
{
	uint64_t before;
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_quiet(w);
	before = world_interrupts(w);
	if (!ret)
		ret = break_ring(w);
	if (ret)
		return ret;
	if (!(world_reg(w, REG_STATUS) & STATUS_NEEDS_RESET))
		return world_skip(w, "DEVICE_NEEDS_RESET is not set, which is another clause");
	if (!(world_reg(w, REG_INTERRUPT_STATUS) & 2) || world_interrupts(w) == before)
		return world_fail(w, "DEVICE_NEEDS_RESET, and no configuration change notification");
	return 0;
}

/* --- features --- */

static int try_features(struct world *w, uint64_t features, bool *taken)
{
	struct driver *d = &w->driver;
	int ret = driver_reset(d);

	for (unsigned int sel = 0; !ret && sel < 2; sel++) {
		if (!sel)
			ret = driver_write(d, REG_STATUS, 1);
		if (!ret && !sel)
			ret = driver_write(d, REG_STATUS, 3);
		if (!ret)
			ret = driver_write(d, REG_DRIVER_FEATURES_SEL, sel);
		if (!ret)
			ret = driver_write(d, REG_DRIVER_FEATURES, (uint32_t)(features >> 32 * sel));
	}
	if (!ret)
		ret = driver_write(d, REG_STATUS, 11);
	*taken = world_reg(w, REG_STATUS) & STATUS_FEATURES_OK;
	return world_check(w, ret, "negotiating features");
}

static int author_features_are_offered(struct world *w)
{
	uint64_t missing = w->cd->features & ~world_offered(w);

	return missing ? world_fail(w, "the author's features %#llx are not offered", (unsigned long long)missing) : 0;
}

static int subsets_are_accepted(struct world *w)
{
	static const uint64_t rings[] = {0, F_INDIRECT, F_EVENT_IDX, F_INDIRECT | F_EVENT_IDX};
	uint64_t offered = world_offered(w);

	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		uint64_t features = F_VERSION_1 | (w->cd->features & ~(F_INDIRECT | F_EVENT_IDX)) | (rings[i] & offered);
		bool taken;
		int ret = try_features(w, features, &taken);

		if (ret)
			return ret;
		if (!taken)
			return world_fail(w, "FEATURES_OK was refused for %#llx, all of which is offered",
					  (unsigned long long)features);
	}
	return 0;
}

static int unoffered_is_refused(struct world *w)
{
	uint64_t offered = world_offered(w);

	for (unsigned int bit = 0; bit < 64; bit++) {
		bool taken;
		int ret;

		if (offered >> bit & 1)
			continue;
		ret = try_features(w, F_VERSION_1 | w->cd->features | UINT64_C(1) << bit, &taken);
		if (ret)
			return ret;
		if (taken)
			return world_fail(w, "FEATURES_OK with feature %u, which is not offered", bit);
	}
	return 0;
}

static int same_set_again(struct world *w)
{
	uint64_t more = world_offered(w) & (F_INDIRECT | F_EVENT_IDX);
	int ret = 0;

	for (int round = 0; !ret && round < 4; round++) {
		ret = world_init(w, more);
		if (!ret)
			ret = world_request(w, NULL);
	}
	return ret;
}

static int offer_stays(struct world *w)
{
	uint64_t before = world_offered(w), after;
	int ret = world_init(w, 0);

	after = world_offered(w);
	if (!ret && before != after)
		return world_fail(w, "%#llx was offered, and %#llx once it was negotiated", (unsigned long long)before,
				  (unsigned long long)after);
	return ret;
}

static int version_1_is_offered(struct world *w)
{
	return world_has(w, F_VERSION_1) ? 0 : world_fail(w, "VIRTIO_F_VERSION_1 is not offered");
}

static int in_order_is_kept(struct world *w)
{
	const uint64_t in_order = UINT64_C(1) << 35;
	struct posted p[4];
	int ret;

	if (!world_has(w, in_order))
		return world_skip(w, "VIRTIO_F_IN_ORDER is not offered");
	ret = world_init(w, in_order);
	for (unsigned int i = 0; !ret && i < 4; i++)
		ret = world_post(w, i, 0, NULL, 0xa5, &p[i]);
	if (!ret)
		ret = world_kick(w, &p[3]);
	/* it fails where another head comes */
	for (unsigned int i = 0; !ret && i < 4; i++)
		ret = world_finish(w, &p[i]);
	return ret;
}

/* --- reset --- */

static int reset_clears_status(struct world *w)
{
	static const uint32_t from[] = {1, 3, 11, 15, 15 | STATUS_FAILED};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(from) / sizeof(from[0]); i++) {
		ret = world_init(w, 0);
		if (!ret && from[i] < 15)
			ret = write_status(w, 0);
		for (uint32_t bit = 1; !ret && bit <= from[i]; bit <<= 1)
			if (from[i] & bit)
				ret = write_status(w, from[i] & (2 * bit - 1));
		if (!ret)
			ret = write_status(w, 0);
		if (!ret)
			ret = expect_status(w, 0, "after a reset");
	}
	return ret;
}

static int reset_is_quiet(struct world *w)
{
	struct posted p;
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_post(w, 0, 0, NULL, 0xa5, &p);
	/* not driver_reset(): the rings' memory is looked at */
	if (!ret)
		ret = write_status(w, 0);
	return ret ? ret : expect_untouched(w, &p, world_interrupts(w), "after a reset");
}

static int reset_and_again(struct world *w)
{
	int ret = 0;

	for (int round = 0; !ret && round < 5; round++) {
		ret = world_init(w, 0);
		for (int i = 0; !ret && i <= round; i++)
			ret = world_request(w, NULL);
	}
	return ret;
}

const struct clause clauses_status[] = {
	{"2.1", "the status is 0 before a driver comes", status_at_first, 0, NULL},
	{"2.1", "ACKNOWLEDGE and DRIVER read back as they were written", status_reads_back, 0, NULL},
	{"2.1.2", "no buffer is consumed, and no notification sent, before DRIVER_OK", nothing_before_driver_ok, 0, NULL},
	{"2.1.2", "a device that cannot go on sets DEVICE_NEEDS_RESET", needs_reset_is_set,
	 NEEDS_OWN_RINGS | SHOULD_SET_NEEDS_RESET, NULL},
	{"2.1.2", "DEVICE_NEEDS_RESET after DRIVER_OK comes with a configuration change notification", needs_reset_is_told,
	 NEEDS_OWN_RINGS, NULL},
	{"2.1.1", "a device whose driver said FAILED is quiet until it is reset, and works again then", failed_is_quiet, 0, NULL},
	{"2.2", "what the author has a driver take is offered", author_features_are_offered, 0, NULL},
	{"2.2", "what is offered does not depend on what was negotiated", offer_stays, 0, NULL},
	{"2.2.2", "subsets of what is offered are accepted", subsets_are_accepted, SHOULD_TAKE_SUBSETS, NULL},
	{"2.2.2", "FEATURES_OK does not stick with a feature that is not offered, whichever", unoffered_is_refused, 0, NULL},
	{"2.2.2", "features that were negotiated once are accepted after a reset", same_set_again, SHOULD_TAKE_A_SET_AGAIN,
	 NULL},
	{"2.4.1", "the status is 0 after a reset, from every state", reset_clears_status, 0, NULL},
	{"2.4.1", "after a reset no queue is touched and no notification sent", reset_is_quiet, 0, NULL},
	{"3.1.1", "a device can be reset and initialised any number of times, and serves", reset_and_again, 0, NULL},
	{"6.2", "VIRTIO_F_VERSION_1 is offered", version_1_is_offered, 0, NULL},
	{"6.2", "with VIRTIO_F_IN_ORDER buffers are used in the order they were made available", in_order_is_kept, 0, NULL},
	{0},
};
