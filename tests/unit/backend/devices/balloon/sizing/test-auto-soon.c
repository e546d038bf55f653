// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When --auto looks again: after an interval, and sooner when somebody gives for others or may miss what was taken from him; and what
 * it makes of the first look.
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
/** soon, for as long as --auto looks ahead */
#define AHEAD_LOOKS (4u * 5u)

struct pilot {
	struct balloon_figures f[2];
	unsigned int collects;
	size_t nr;
	uint64_t free_kib;
	bool tells, moves;
	struct event_base *base;
};

static void collect(void *opaque, figures_done *done, void *arg)
{
	struct pilot *p = opaque;

	p->collects++;
	for (size_t i = 0; i < p->nr; i++)
		p->f[i].stats_sequence += p->tells;
	done(arg, &p->f[0].common, p->nr);
}

static int host_free(void *opaque, uint64_t *kib)
{
	struct pilot *p = opaque;

	*kib = p->free_kib;
	return 0;
}

static void order(void *opaque, const struct balloon_figures *f, uint64_t kib)
{
	struct pilot *p = opaque;

	p->f[f->common.domid].target_kib = kib;
	if (p->moves)
		p->f[f->common.domid].ballooned_kib = p->f[f->common.domid].static_max_kib - kib;
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

static struct autopilot *open_pilot(struct pilot *p, struct log_capture *capture)
{
	struct autopilot *a;
	struct auto_config cfg = {
		.base = event_base_new(),
		.log = &capture->log,
		.policy = auto_policy(20, 40, 0, true, INTERVAL_MS),
		.interval_ms = INTERVAL_MS,
		.collect = collect,
		.collect_opaque = p,
		.host_free = host_free,
		.order = order,
		.opaque = p,
	};

	log_capture_open(capture, LOG_LEVEL_INFO);
	assert_int_equal(auto_new(&a, &cfg), 0);
	p->base = cfg.base;
	return a;
}

static void close_pilot(struct pilot *p, struct autopilot *a)
{
	auto_free(a);
	event_base_free(p->base);
}

/* What others give is there sooner than the next interval, and who waits for it is looked after then; with nobody asked for any, the
 * interval counts. */
static void what_was_asked_of_others_is_looked_for_soon(void **state)
{
	struct pilot p = {.f = {guest_of(0, 512, 50), guest_of(1, 1024, 700)}, .nr = 2};
	struct log_capture capture;
	struct autopilot *a = open_pilot(&p, &capture);

	assert_int_equal(to_next(&p), INTERVAL_MS);
	assert_true(p.f[1].target_kib < 1024 * MIB);
	assert_int_equal(to_next(&p), INTERVAL_MS / 5);
	/* it is under way, and nobody was asked for more */
	assert_int_equal(to_next(&p), INTERVAL_MS);
	close_pilot(&p, a);
}

/* Until it has told how it is without it: but for a while only, if it does not tell. What lies free in it, it does not miss. */
static void who_may_miss_what_was_taken_is_looked_at_soon(void **state)
{
	for (int tells = 0; tells < 2; tells++) {
		struct pilot p = {.f = {guest_of(0, 1024, 700)}, .nr = 1, .tells = true, .moves = true};
		struct log_capture capture;
		struct autopilot *a = open_pilot(&p, &capture);

		while (p.f[0].target_kib == 1024 * MIB)
			assert_int_equal(to_next(&p), INTERVAL_MS);
		assert_int_equal(p.f[0].target_kib, (1024 - 64) * MIB);
		/* its word is from before that, and then it is not */
		p.tells = tells;
		p.f[0].stats_age_ms = INTERVAL_MS / 5 + 1;
		assert_int_equal(to_next(&p), INTERVAL_MS / 5);
		for (unsigned int i = 0; !tells && i < AHEAD_LOOKS - 2; i++) {
			p.f[0].stats_age_ms += INTERVAL_MS / 5;
			assert_int_equal(to_next(&p), INTERVAL_MS / 5);
		}
		p.f[0].stats_age_ms = tells ? 0 : p.f[0].stats_age_ms + INTERVAL_MS / 5;
		assert_int_equal(to_next(&p), INTERVAL_MS / 5);
		assert_int_equal(to_next(&p), INTERVAL_MS);
		close_pilot(&p, a);
	}
}

/* What it tells while it is on its way is not its last word. */
static void who_is_on_its_way_is_looked_at_soon(void **state)
{
	struct pilot p = {.f = {guest_of(0, 1024, 700)}, .nr = 1, .tells = true};
	struct log_capture capture;
	struct autopilot *a = open_pilot(&p, &capture);

	while (p.f[0].target_kib == 1024 * MIB)
		to_next(&p);
	for (int i = 0; i < 5; i++)
		assert_int_equal(to_next(&p), INTERVAL_MS / 5);
	p.f[0].ballooned_kib = 1024 * MIB - p.f[0].target_kib;
	assert_int_equal(to_next(&p), INTERVAL_MS / 5);
	assert_int_equal(to_next(&p), INTERVAL_MS);
	close_pilot(&p, a);
}

/* A quarter of what it can have, where that lies free; and then nobody need look. */
static void what_lies_free_is_not_missed(void **state)
{
	struct pilot p = {.f = {guest_of(0, 1024, 700)}, .nr = 1, .tells = true, .moves = true};
	struct log_capture capture;
	struct autopilot *a = open_pilot(&p, &capture);

	p.f[0].stats_valid |= 1u << BALLOON_STAT_FREE_MEMORY;
	p.f[0].stats[BALLOON_STAT_FREE_MEMORY] = 650 * MIB * 1024;
	while (p.f[0].target_kib == 1024 * MIB)
		assert_int_equal(to_next(&p), INTERVAL_MS);
	assert_int_equal(p.f[0].target_kib, 768 * MIB);
	assert_int_equal(to_next(&p), INTERVAL_MS);
	close_pilot(&p, a);
}

/* Who was there with its driver when --auto came goes below half of what it can have at once; who comes later keeps that for a while. */
static void at_the_first_look_nobody_has_just_come(void **state)
{
	struct pilot p = {.f = {guest_of(0, 512, 400), guest_of(1, 512, 400)}, .nr = 2, .tells = true, .moves = true};
	struct log_capture capture;
	struct autopilot *a;

	p.f[1].common.driver_ok = false;
	a = open_pilot(&p, &capture);
	to_next(&p);
	p.f[1].common.driver_ok = true;
	while (p.f[0].target_kib >= 400 * MIB)
		to_next(&p);
	assert_int_equal(p.f[1].target_kib, 512 * MIB);
	close_pilot(&p, a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_of_others_is_looked_for_soon),
		cmocka_unit_test(who_may_miss_what_was_taken_is_looked_at_soon),
		cmocka_unit_test(who_is_on_its_way_is_looked_at_soon),
		cmocka_unit_test(what_lies_free_is_not_missed),
		cmocka_unit_test(at_the_first_look_nobody_has_just_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
