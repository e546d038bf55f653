// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When --auto looks again: after an interval, and sooner when somebody gives for others.
 */
#include "backend/devices/balloon/sizing/auto.h"
#include "backend/base/clock.h"
#include "unit/rigs/control-bench.h"
#include "fake/machine-fake.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MIB UINT64_C(1024)
#define INTERVAL_MS 100u

struct pilot {
	struct balloon_figures f[2];
	unsigned int collects;
};

static void collect(void *opaque, figures_done *done, void *arg)
{
	struct pilot *p = opaque;

	p->collects++;
	done(arg, &p->f[0].common, 2);
}

static int host_free(void *opaque, uint64_t *kib)
{
	*kib = 0;
	return 0;
}

static void order(void *opaque, const struct balloon_figures *f, uint64_t kib)
{
	struct pilot *p = opaque;

	p->f[f->common.domid].target_kib = kib;
}

static struct balloon_figures guest_of(uint32_t domid, uint64_t has_mib, uint64_t available_mib)
{
	return (struct balloon_figures){
		.common.domid = domid,
		.static_max_kib = 1024 * MIB,
		.target_kib = has_mib * MIB,
		.ballooned_kib = (1024 - has_mib) * MIB,
		.stats_ballooned_kib = (1024 - has_mib) * MIB,
		.common.driver_ok = true,
		.stats_sequence = 1,
		.stats_valid = 1u << BALLOON_STAT_AVAILABLE_MEMORY,
		.stats[BALLOON_STAT_AVAILABLE_MEMORY] = available_mib * MIB * 1024,
	};
}

/* Return: ms to the next look */
static uint64_t to_next(struct pilot *p)
{
	unsigned int collects = p->collects;
	uint64_t now_ms = clock_now_ms();

	while (p->collects == collects)
		assert_true(machine_fake_pass_to_timer(now_ms + 60000));
	return clock_now_ms() - now_ms;
}

/* What others give is there sooner than the next interval, and who waits for it is looked after then; with nobody asked for any, the
 * interval counts. */
static void what_was_asked_of_others_is_looked_for_soon(void **state)
{
	struct pilot p = {.f = {guest_of(0, 512, 50), guest_of(1, 1024, 700)}};
	struct log_capture capture;
	struct autopilot *a;
	struct auto_config cfg = {
		.base = event_base_new(),
		.log = &capture.log,
		.policy = auto_policy(20, 40, 0, true, INTERVAL_MS),
		.interval_ms = INTERVAL_MS,
		.collect = collect,
		.collect_opaque = &p,
		.host_free = host_free,
		.order = order,
		.opaque = &p,
	};

	log_capture_open(&capture, LOG_LEVEL_INFO);
	assert_int_equal(auto_new(&a, &cfg), 0);
	assert_int_equal(to_next(&p), INTERVAL_MS);
	assert_true(p.f[1].target_kib < 1024 * MIB);
	assert_int_equal(to_next(&p), INTERVAL_MS / 5);
	/* it is under way, and nobody was asked for more */
	assert_int_equal(to_next(&p), INTERVAL_MS);
	auto_free(a);
	event_base_free(cfg.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_of_others_is_looked_for_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
