// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process ends at every register access of a life, and another goes on from its state. The driver notices nothing.
 */
#include <stdio.h>

#include "conformance/clauses.h"

static int live(struct world *w)
{
	uint64_t more;
	int ret = world_check(w, world_start(w), "a process");

	if (ret)
		return ret;
	more = world_offered(w) & (F_INDIRECT | F_EVENT_IDX);
	ret = world_init(w, more);
	for (int i = 0; !ret && i < 2; i++)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_check(w, driver_reset(&w->driver), "a reset");
	if (!ret)
		ret = world_init(w, 0);
	if (!ret)
		ret = world_request(w, NULL);
	/* the driver does not start it over */
	if (!ret && world_reg(w, REG_STATUS) != 15)
		return world_fail(w, "the status is %#x in the end", world_reg(w, REG_STATUS));
	if (!ret) {
		w->end = WORLD_GOES_ON;
		ret = world_check(w, world_close(w), "closing");
	}
	return ret ? ret : world_left(w);
}

static int live_until(struct world *w, uint64_t at, enum world_end end)
{
	const struct conformance_device *cd = w->cd;
	unsigned int stride = w->stride;
	char why[sizeof(w->why)];
	int ret;

	world_end(w);
	ret = world_begin(w, cd, NULL, false);
	if (ret)
		return ret;
	w->stride = stride;
	w->end = end;
	w->end_at = at;
	ret = live(w);
	if (!ret || at == UINT64_MAX)
		return ret;
	for (size_t i = 0; i < sizeof(why); i++)
		why[i] = w->why[i];
	w->why[0] = '\0';
	return world_fail(w, "at access %llu: %.150s", (unsigned long long)at, why);
}

static int at_each_access(struct world *w, enum world_end end)
{
	uint64_t accesses;
	int ret = live(w);

	/* one more, and it goes on to the end */
	accesses = w->accesses;
	for (uint64_t at = 1; !ret && at <= accesses; at += w->stride)
		ret = live_until(w, at, end);
	if (!ret)
		snprintf(w->note, sizeof(w->note), "a life has %llu accesses", (unsigned long long)accesses);
	return ret;
}

static int before_each_access(struct world *w)
{
	return at_each_access(w, WORLD_ENDS_BEFORE);
}

static int after_each_access(struct world *w)
{
	return at_each_access(w, WORLD_ENDS_AFTER);
}

static int at_every_access(struct world *w)
{
	int ret = live_until(w, UINT64_MAX, WORLD_ENDS_BEFORE);

	return ret ? ret : live_until(w, UINT64_MAX, WORLD_ENDS_AFTER);
}

/* The driver goes on while there is nobody, and its notification is lost. */
static int what_waits_is_found(struct world *w)
{
	int ret = world_init(w, 0);

	for (unsigned int step = 0; !ret && step < w->cd->nr_messages; step++) {
		struct posted p;

		world_stop(w, true);
		ret = world_post(w, 0, step, NULL, 0xa5, &p);
		if (!ret)
			ret = world_check(w, world_start(w), "the process after it");
		if (!ret)
			ret = world_finish(w, &p);
		if (!ret)
			ret = world_answer(w, &p);
	}
	return ret;
}

/* Some are used and not looked at, some wait. */
static int none_comes_twice(struct world *w)
{
	static struct posted p[CONFORMANCE_SLOTS];
	int ret = world_init(w, 0);

	for (unsigned int used = 0; !ret && used <= 6; used++) {
		for (unsigned int i = 0; !ret && i < 6; i++) {
			ret = world_post(w, i, 0, NULL, 0xa5, &p[i]);
			if (!ret && i + 1 == used)
				ret = world_kick(w, &p[i]);
		}
		world_stop(w, true);
		if (!ret)
			ret = world_check(w, world_start(w), "the process after it");
		if (!ret)
			ret = world_collect(w, p, 6);
	}
	return ret;
}

static int the_driver_is_told(struct world *w)
{
	uint64_t before;
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_quiet(w);
	before = world_interrupts(w);
	world_stop(w, true);
	if (!ret)
		ret = world_check(w, world_start(w), "the process after it");
	if (!ret && (world_interrupts(w) == before || !(world_reg(w, REG_INTERRUPT_STATUS) & 1)))
		return world_fail(w, "the process before may have died before it interrupted, and the next one does not");
	return ret;
}

static int registers_are_kept(struct world *w)
{
	uint32_t status, ready, sel;
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_check(w, driver_write(&w->driver, REG_QUEUE_SEL, w->cd->nr_queues - 1), "QueueSel");
	status = world_reg(w, REG_STATUS);
	world_stop(w, false);
	if (!ret)
		ret = world_check(w, world_start(w), "the process after it");
	if (ret)
		return ret;
	ready = world_reg(w, REG_QUEUE_READY);
	sel = world_reg(w, REG_QUEUE_NUM_MAX);
	if (world_reg(w, REG_STATUS) != status)
		return world_fail(w, "the status was %#x, and is %#x", status, world_reg(w, REG_STATUS));
	if (ready != 1 || !sel)
		return world_fail(w, "QueueReady of the selected queue is %u, QueueNumMax %u", ready, sel);
	return 0;
}

const struct clause clauses_restart[] = {
	{"restart", "status, queues and selectors are kept", registers_are_kept, 0, NULL},
	{"restart", "what was made available while there was no process is found by the next", what_waits_is_found, JUDGES_LEFT, NULL},
	{"restart", "what was used before comes back once, as does what waits", none_comes_twice, JUDGES_LEFT, NULL},
	{"restart", "the next process interrupts the driver", the_driver_is_told, JUDGES_LEFT, NULL},
	{"restart", "the process is killed before each register access of a life", before_each_access, NEEDS_NO_PROCESS, NULL},
	{"restart", "the process ends after each register access of a life", after_each_access, NEEDS_NO_PROCESS, NULL},
	{"restart", "a process for every register access", at_every_access, NEEDS_NO_PROCESS, NULL},
	{0},
};
