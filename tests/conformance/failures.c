// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole life of a device, with the n-th hypervisor call failing, for every n.
 *
 *   begin - initialise - request - reset - initialise with more - request - close
 *
 * A failure may be forgiven, or end the process with a negative error, or cost the driver a reset. It may not be hidden: a message
 * that is answered wrongly, or never, while the device says that all is well. Then nothing is left mapped, and the process that
 * comes next answers what was under way, and serves.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conformance/clauses.h"

/* A life has fewer calls. */
#define CALLS_MAX 20000u

static int live(struct world *w)
{
	int ret = world_start(w);

	if (ret)
		return ret;
	ret = world_init(w, 0);
	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_check(w, driver_reset(&w->driver), "a reset");
	if (!ret)
		ret = world_init(w, world_offered(w) & (F_INDIRECT | F_EVENT_IDX));
	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_close(w);
	return ret;
}

/* An access that failed in the middle has its answer now, whatever that is. */
static int finish_access(struct world *w)
{
	int ret = 0;

	while (!ret && fake_mmio_finish(w->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
		ret = world_turn(w);
	return ret;
}

/* What the driver had sent is answered by the next process, unless it is to begin anew. */
static int answer_pending(struct world *w)
{
	if (!w->is_pending || world_reg(w, REG_STATUS) != 15)
		return 0;
	w->is_pending = false;
	/* the process may have ended between the two */
	if (driver_write(&w->driver, REG_QUEUE_NOTIFY, w->pending.m.queue) || world_finish(w, &w->pending))
		return world_fail(w, "what was under way is not answered");
	return world_answer(w, &w->pending);
}

/* The process has ended, and nothing fails any more. */
static int recover(struct world *w)
{
	int ret;

	if (w->left_mapped || fake_open_fds(w->fake))
		return world_fail(w, "%zu mappings and %zu descriptors are left of the process that ended", w->left_mapped,
				  fake_open_fds(w->fake));
	if (w->id == XENVIRTIO_IOREQ_NEW && fake_servers(w->fake))
		return world_fail(w, "an ioreq server is left of the process that could not begin, or was closed");
	w->why[0] = '\0';
	ret = world_check(w, world_start(w), "the process after it");
	if (!ret)
		ret = world_check(w, world_turn(w), "the process after it");
	if (!ret)
		ret = world_check(w, finish_access(w), "the access that was under way");
	if (!ret)
		ret = answer_pending(w);
	if (!ret)
		ret = world_init(w, 0);
	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_check(w, world_close(w), "closing");
	return ret ? ret : world_left(w);
}

/* Return: 0 it was forgiven or told; -EPROTO it was hidden, with why */
static int judge(struct world *w, int ret)
{
	if (!ret || w->failure < 0 || !w->server || w->failure == XENVIRTIO_E_GONE)
		return 0;
	if (world_reg(w, REG_STATUS) & STATUS_NEEDS_RESET)
		return 0;
	return ret < 0 ? world_fail(w, "it gave %d", ret) : world_fail(w, "it gave %d, which says nothing", ret);
}

static int with_number(struct world *w, uint64_t nth, const char *what)
{
	char why[sizeof(w->why)];

	memcpy(why, w->why, sizeof(why));
	w->why[0] = '\0';
	return world_fail(w, "call %llu %s: %.140s", (unsigned long long)nth, what, why);
}

static int fail(struct world *w, uint64_t nth, int error, enum fake_fault_mode mode, bool *failed)
{
	uint64_t refused;
	int ret;

	fake_fail(w->fake, nth, error, mode, false);
	ret = live(w);
	refused = fake_failed(w->fake);
	*failed = refused != 0;
	/* what it says now is not to be had from registers, if that fails, too */
	fake_fail(w->fake, 0, 0, FAKE_FAIL_ONCE, false);
	if (!*failed)
		return world_check(w, ret, "a life in which nothing fails");
	w->refused = refused;
	ret = judge(w, ret);
	if (!ret) {
		world_stop(w, false);
		ret = recover(w);
	}
	return ret ? with_number(w, nth, "failed") : 0;
}

static int fail_once(struct world *w, uint64_t nth, int error, bool *failed)
{
	return fail(w, nth, error, FAKE_FAIL_ONCE, failed);
}

static int fail_from(struct world *w, uint64_t nth, int error, bool *failed)
{
	return fail(w, nth, error, FAKE_FAIL_FROM, failed);
}

static int gone_from(struct world *w, uint64_t nth, int error, bool *failed)
{
	fake_fail(w->fake, nth, error, FAKE_FAIL_FROM, false);
	live(w);
	*failed = fake_failed(w->fake) != 0;
	fake_fail(w->fake, 0, 0, FAKE_FAIL_ONCE, false);
	fake_set_gone(w->fake);
	world_stop(w, false);
	w->why[0] = '\0';
	if (w->left_mapped || fake_open_fds(w->fake) || fake_open_handles(w->fake))
		world_fail(w, "%zu mappings, %zu descriptors and %zu handles are left", w->left_mapped,
			   fake_open_fds(w->fake), fake_open_handles(w->fake));
	return w->why[0] ? with_number(w, nth, "found the domain gone") : 0;
}

/* A world for each n; the one that was given is the last. */
static int for_each_call(struct world *w, int (*run)(struct world *w, uint64_t nth, int error, bool *failed), int error)
{
	const struct conformance_device *cd = w->cd;
	unsigned int stride = w->stride;
	bool failed = true;
	int ret = 0;

	for (uint64_t nth = 1; !ret && failed; nth += stride) {
		if (nth > CALLS_MAX)
			return world_fail(w, "a life of more than %u calls", CALLS_MAX);
		world_end(w);
		ret = world_begin(w, cd, NULL, false);
		w->stride = stride;
		if (!ret)
			ret = run(w, nth, error, &failed);
		if (!ret && !failed)
			snprintf(w->note, sizeof(w->note), "a life has %llu calls", (unsigned long long)nth - 1);
	}
	return ret;
}

static int nothing_fails(struct world *w)
{
	int ret = world_check(w, live(w), "a life");

	return ret ? ret : world_left(w);
}

static int every_call_fails(struct world *w)
{
	return for_each_call(w, fail_once, -EIO);
}

static int every_call_has_no_memory(struct world *w)
{
	return for_each_call(w, fail_once, -ENOMEM);
}

static int all_calls_fail(struct world *w)
{
	return for_each_call(w, fail_from, -EIO);
}

static int the_domain_goes(struct world *w)
{
	return for_each_call(w, gone_from, XENVIRTIO_E_GONE);
}

const struct clause clauses_failures[] = {
	{"failures", "a life in which nothing fails leaves nothing behind", nothing_fails, NEEDS_NO_PROCESS, NULL},
	{"failures", "each call fails once (EIO): it is told or mended, never hidden, and nothing is left", every_call_fails,
	 NEEDS_NO_PROCESS, NULL},
	{"failures", "each call fails once (ENOMEM): likewise", every_call_has_no_memory, NEEDS_NO_PROCESS, NULL},
	{"failures", "each call fails (EIO), and all after it: likewise", all_calls_fail, NEEDS_NO_PROCESS, NULL},
	{"failures", "the domain goes away at each call, and nothing stays mapped", the_domain_goes, NEEDS_NO_PROCESS, NULL},
	{0},
};
