// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --auto at work: figures become what the policy decides by, and its orders go where they should:
 * to other processes over their sockets, refusals included. To oneself: test-auto-alone.c.
 */
#include "backend/devices/balloon/sizing/auto.h"
#include "backend/base/clock.h"
#include "backend/base/access.h"
#include "backend/metrics/metrics-collect.h"
#include "backend/devices/balloon/sizing/orders.h"
#include "unit/rigs/control-bench.h"
#include "fake/machine-fake.h"

#include <errno.h>
#include <inttypes.h>
#include <event2/event.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB 1024u

/* --- figures --- */

static void a_guest_is_seen_as_it_is(void **state)
{
	const struct balloon_figures f = {
		.static_max_kib = 1000,
		.dynamic_min_kib = 300,
		.target_kib = 800,
		.ballooned_kib = 100,
		.stats_ballooned_kib = 100,
		.stats_age_ms = 7,
		.stats_sequence = 1,
		.stats_valid = 1u << BALLOON_STAT_AVAILABLE_MEMORY | 1u << BALLOON_STAT_FREE_MEMORY,
		.stats[BALLOON_STAT_AVAILABLE_MEMORY] = 500 * 1024,
		.stats[BALLOON_STAT_FREE_MEMORY] = 40 * 1024,
		.stall = BALLOON_STALL_HOST,
		.stall_kib = 12,
		.common.driver_ok = true,
		.pinned = true,
	};
	struct policy_guest g = auto_guest(&f);
	struct balloon_figures other = f;

	assert_int_equal(g.static_max_kib, 1000);
	assert_int_equal(g.floor_kib, 300);
	assert_int_equal(g.target_kib, 800);
	assert_int_equal(g.balloon_kib, 100);
	assert_int_equal(g.available_kib, 500);
	assert_int_equal(g.stats_age_ms, 7);
	assert_int_equal(g.stall_kib, 12);
	assert_true(g.has_stats && g.driver_ok && g.pinned);
	/* a limit set by hand is not the host's lack */
	other.stall = BALLOON_STALL_MAX_MEM;
	assert_int_equal(auto_guest(&other).stall_kib, 0);
	/* figures of a time before the driver's reset */
	other.stats_sequence = 0;
	assert_false(auto_guest(&other).has_stats);
}

/* The balloon has moved since: what the guest uses has not. */
static void what_it_uses_stays(void **state)
{
	struct balloon_figures f = {
		.static_max_kib = 1000,
		.ballooned_kib = 100,
		.stats_ballooned_kib = 100,
		.stats_sequence = 1,
		.stats_valid = 1u << BALLOON_STAT_AVAILABLE_MEMORY,
		.stats[BALLOON_STAT_AVAILABLE_MEMORY] = 500 * 1024,
	};

	f.ballooned_kib = 300;
	assert_int_equal(auto_guest(&f).available_kib, 300);
	f.ballooned_kib = 700;
	assert_int_equal(auto_guest(&f).available_kib, 0);
	f.ballooned_kib = 0;
	assert_int_equal(auto_guest(&f).available_kib, 600);
	f.stats[BALLOON_STAT_AVAILABLE_MEMORY] = UINT64_MAX;
	f.stats_ballooned_kib = UINT64_MAX;
	assert_int_equal(auto_guest(&f).available_kib, UINT64_MAX);
}

static void a_driver_that_tells_less_will_do(void **state)
{
	struct balloon_figures f = {
		.stats_sequence = 1,
		.stats_valid = 1u << BALLOON_STAT_FREE_MEMORY,
		.stats[BALLOON_STAT_FREE_MEMORY] = 40 * 1024,
		.stats[BALLOON_STAT_DISK_CACHES] = 10 * 1024,
	};

	assert_int_equal(auto_guest(&f).available_kib, 40);
	f.stats_valid |= 1u << BALLOON_STAT_DISK_CACHES;
	assert_int_equal(auto_guest(&f).available_kib, 50);
	f.stats[BALLOON_STAT_FREE_MEMORY] = UINT64_MAX;
	f.stats[BALLOON_STAT_DISK_CACHES] = UINT64_MAX;
	assert_true(auto_guest(&f).has_stats);
	f.stats_valid = 1u << BALLOON_STAT_DISK_CACHES;
	assert_false(auto_guest(&f).has_stats);
}

/* --- steps --- */

struct pilot {
	struct log_capture capture;
	struct event_base *base;
	struct autopilot *autopilot;
	struct balloon_figures f[3];
	size_t nr;
	int host_rc;
	uint64_t free_kib;
	struct room_owed owed;
	unsigned int collects, orders;
	uint64_t ordered_kib[8];
};

static void collect(void *opaque, figures_done *done, void *arg)
{
	struct pilot *p = opaque;

	p->collects++;
	done(arg, &p->f[0].common, p->nr);
}

static int host_free(void *opaque, uint64_t *kib)
{
	struct pilot *p = opaque;

	*kib = p->free_kib;
	return p->host_rc;
}

static uint64_t hold(void *opaque, uint64_t free_kib, const struct room_owed *owed)
{
	struct pilot *p = opaque;

	p->owed = *owed;
	return 0;
}

static void order(void *opaque, const struct balloon_figures *f, uint64_t kib)
{
	struct pilot *p = opaque;

	p->orders++;
	p->ordered_kib[f->common.domid] = kib;
}

/* Frames that are put into the balloon are gone when the guest says what it has; that they are released later moves nothing. */
static void what_is_due_is_in_the_balloon(void **state)
{
	struct balloon_figures f = {
		.static_max_kib = 1000,
		.stats_sequence = 1,
		.stats_valid = 1u << BALLOON_STAT_AVAILABLE_MEMORY,
		.stats[BALLOON_STAT_AVAILABLE_MEMORY] = 300 * 1024,
		.stats_ballooned_kib = 250,
		.ballooned_kib = 200,
		.due_kib = 50,
	};

	assert_int_equal(auto_guest(&f).available_kib, 300);
	assert_int_equal(auto_guest(&f).balloon_kib, 250);
	f.ballooned_kib = 250;
	f.due_kib = 0;
	assert_int_equal(auto_guest(&f).available_kib, 300);
	assert_int_equal(auto_guest(&f).balloon_kib, 250);
	/* and 100 that have been put in since */
	f.due_kib = 100;
	assert_int_equal(auto_guest(&f).available_kib, 200);
	/* of whatever a process tells */
	f.due_kib = UINT64_MAX;
	assert_int_equal(auto_guest(&f).available_kib, 0);
}

static struct balloon_figures guest_of(uint32_t domid, uint64_t available_mib)
{
	return (struct balloon_figures){
		.common.domid = domid,
		.static_max_kib = 1024 * MIB,
		.target_kib = 1024 * MIB,
		.common.driver_ok = true,
		.stats_sequence = 1,
		.stats_valid = 1u << BALLOON_STAT_AVAILABLE_MEMORY,
		.stats[BALLOON_STAT_AVAILABLE_MEMORY] = available_mib * MIB * 1024,
	};
}

static int pilot_setup(void **state)
{
	static struct pilot p;
	struct auto_config cfg;

	p = (struct pilot){.base = event_base_new()};
	assert_non_null(p.base);
	log_capture_open(&p.capture, LOG_LEVEL_INFO);
	cfg = (struct auto_config){
		.base = p.base,
		.log = &p.capture.log,
		.policy = auto_policy(20, 40, 0, true, 10),
		.interval_ms = 10,
		.collect = collect,
		.collect_opaque = &p,
		.host_free = host_free,
		.hold = hold,
		.order = order,
		.opaque = &p,
	};
	cfg.policy.stuck_ms = 100;
	cfg.policy.shrink_ms = 0;
	assert_int_equal(auto_new(&p.autopilot, &cfg), 0);
	*state = &p;
	return 0;
}

static int pilot_teardown(void **state)
{
	struct pilot *p = *state;

	auto_free(p->autopilot);
	event_base_free(p->base);
	return 0;
}

static void steps_until(struct pilot *p, unsigned int collects)
{
	while (p->collects < collects)
		assert_true(machine_fake_pass_to_timer(clock_now_ms() + 60000));
}

static void only_changes_are_ordered(void **state)
{
	struct pilot *p = *state;

	p->f[0] = guest_of(3, 300);
	p->f[1] = guest_of(5, 900);
	p->nr = 2;
	steps_until(p, 1);
	assert_int_equal(p->orders, 1);
	assert_int_equal(p->ordered_kib[5], 960 * MIB);
	assert_true(log_capture_has(&p->capture, "domain 5: shrink: shall have 960 MiB"));
	/* it is under way: nothing more is asked for */
	p->f[1].target_kib = 960 * MIB;
	steps_until(p, 3);
	assert_int_equal(p->orders, 1);
}

static void without_figures_nothing_is_ordered(void **state)
{
	struct pilot *p = *state;

	steps_until(p, 2);
	p->f[0] = guest_of(5, 900);
	p->nr = 1;
	p->host_rc = -EACCES;
	steps_until(p, 4);
	assert_int_equal(p->orders, 0);
	assert_true(log_capture_has(&p->capture, "free memory cannot be told"));
	p->host_rc = 0;
	steps_until(p, 5);
	assert_int_equal(p->orders, 1);
}

/* Whoever waits for room is not kept waiting for the next interval. */
static void a_step_can_be_asked_for(void **state)
{
	struct pilot *p = *state;
	uint64_t now_ms = clock_now_ms();

	auto_soon(p->autopilot);
	event_base_loop(p->base, EVLOOP_NONBLOCK);
	assert_int_equal(p->collects, 1);
	steps_until(p, 2);
	assert_int_equal(clock_now_ms(), now_ms + 10);
}

/* What is remembered is of one guest, wherever it is in the list; of one that is gone it is
 * forgotten. */
static void memories_follow_their_guests(void **state)
{
	struct pilot *p = *state;

	p->f[0] = guest_of(3, 900);
	p->f[0].target_kib = 960 * MIB;
	p->f[1] = guest_of(4, 300);
	p->nr = 2;
	for (unsigned int i = 1; !p->orders && i < 1000; i++) {
		struct balloon_figures other = p->f[0];

		p->f[0] = p->f[1];
		p->f[1] = other;
		steps_until(p, i);
	}
	/* it does not follow: what it has becomes its target, and it is asked for nothing more */
	assert_int_equal(p->orders, 1);
	assert_int_equal(p->ordered_kib[3], 1024 * MIB);
	assert_true(log_capture_has(&p->capture, "domain 3 does not follow its target"));
	p->f[0] = guest_of(3, 900);
	p->f[1] = guest_of(4, 300);
	steps_until(p, p->collects + 3);
	assert_int_equal(p->orders, 1);
	/* nor when its own balloon driver moves: it is the same guest */
	p->f[0].static_max_kib -= 8 * MIB;
	p->f[0].target_kib -= 8 * MIB;
	steps_until(p, p->collects + 3);
	assert_int_equal(p->orders, 1);
	/* another guest of that number co-operates until it is found not to */
	p->nr = 0;
	steps_until(p, p->collects + 1);
	p->f[0] = guest_of(4, 300);
	p->nr = 1;
	steps_until(p, p->collects + 1);
	p->f[0] = guest_of(3, 900);
	steps_until(p, p->collects + 1);
	assert_int_equal(p->orders, 2);
	assert_int_equal(p->ordered_kib[3], 960 * MIB);
}

static void expect_owed(struct pilot *p, uint64_t kib, uint64_t came_kib, uint64_t left_kib)
{
	steps_until(p, p->collects + 1);
	assert_int_equal(p->owed.kib, kib);
	assert_int_equal(p->owed.came_kib, came_kib);
	assert_int_equal(p->owed.left_kib, left_kib);
}

/* For the room of a guest to come: one whose process is started again tells nothing for a step, and is owed as before. */
static void who_is_owed_is_known(void **state)
{
	struct pilot *p = *state;

	p->f[0] = guest_of(3, 300);
	p->f[0].ballooned_kib = p->f[0].stats_ballooned_kib = 100;
	p->f[1] = guest_of(4, 300);
	p->f[1].ballooned_kib = p->f[1].stats_ballooned_kib = 30;
	p->f[1].unowed_kib = 10;
	p->nr = 2;
	expect_owed(p, 120, 120, 0);
	expect_owed(p, 120, 0, 0);
	p->nr = 1;
	expect_owed(p, 100, 0, 20);
	expect_owed(p, 100, 0, 0);
	p->nr = 2;
	p->f[1].ballooned_kib = 20;
	expect_owed(p, 110, 10, 0);
	p->f[0] = p->f[1];
	p->nr = 1;
	expect_owed(p, 10, 0, 100);
	p->nr = 0;
	expect_owed(p, 0, 0, 10);
}

/* --- over the socket --- */

static void an_order_reaches_its_process(void **state)
{
	struct control_bench *b = *state;
	struct orders *orders;

	control_bench_open(b);
	assert_int_equal(orders_new(&orders, b->base, &b->capture.log, b->dir), 0);
	orders_send(orders, 7, 0, 4096);
	control_bench_run(b);
	assert_int_equal(b->figures.target_kib, 4096);
	/* the later one counts */
	orders_send(orders, 7, 0, 8192);
	orders_send(orders, 7, 0, 12288);
	control_bench_run(b);
	assert_int_equal(b->figures.target_kib, 12288);
	b->figures.pinned = true;
	orders_send(orders, 7, 0, 4096);
	control_bench_run(b);
	assert_true(log_capture_has(&b->capture, "pinned"));
	assert_true(log_capture_has(&b->capture, "domain 7"));
	assert_int_equal(b->figures.target_kib, 12288);
	/* nobody there; and one that is dropped */
	orders_send(orders, 8, 0, 4096);
	orders_send(orders, 7, 0, 4096);
	orders_free(orders);
	control_bench_wait(b, 60000);
	assert_int_equal(b->figures.target_kib, 12288);
}

/* One that hangs is given up, and said so. */
static void an_order_without_an_answer_is_given_up(void **state)
{
	struct control_bench *b = *state;
	int fd = access_listen(b->path, ACCESS_NO_GROUP, 1);
	struct orders *orders;

	assert_true(fd >= 0);
	assert_int_equal(orders_new(&orders, b->base, &b->capture.log, b->dir), 0);
	orders_send(orders, 7, 0, 4096);
	control_bench_wait(b, 1999);
	assert_int_equal(b->capture.lines, 0);
	control_bench_wait(b, 1);
	assert_true(log_capture_has(&b->capture, "domain 7: no answer to an order"));
	orders_free(orders);
	close(fd);
	unlink(b->path);
}

/* --- what it costs --- */

#define GUESTS 200
#define STEPS 24
/* as xen-vballoond's usual --auto-interval */
#define INTERVAL_MS 250u

struct costly {
	struct pilot *pilot;
	struct metrics_collect *collect;
	struct orders *orders;
	size_t seen; /* guests, in all steps */
	figures_done *done;
	void *arg;
};

static void count_seen(void *arg, const struct figures *f, size_t nr)
{
	struct costly *c = arg;

	c->seen += nr;
	c->pilot->collects++;
	c->done(c->arg, f, nr);
}

static void collect_all(void *opaque, figures_done *done, void *arg)
{
	struct costly *c = opaque;

	c->done = done;
	c->arg = arg;
	metrics_collect_run(c->collect, count_seen, c);
}

static void order_over_socket(void *opaque, const struct balloon_figures *f, uint64_t kib)
{
	struct costly *c = opaque;

	c->pilot->orders++;
	orders_send(c->orders, f->common.domid, f->common.devid, kib);
}

static int plenty_free(void *opaque, uint64_t *kib)
{
	*kib = UINT64_C(1) << 24;
	return 0;
}

/*
 * 200 idle guests: the service asks each for its figures over its socket, decides and orders. What it
 * costs is counted, for a machine's time depends on what else it does: two requests to a guest in each
 * step, one timer, and memory.
 */
static void two_hundred_guests_cost_little(void **state)
{
	static struct control_bench guest[GUESTS];
	struct control_bench *b = *state;
	struct pilot pilot = {.base = b->base};
	struct costly c = {.pilot = &pilot};
	struct auto_config cfg = {
		.base = b->base,
		.log = &b->capture.log,
		.policy = auto_policy(20, 40, 0, true, INTERVAL_MS),
		.interval_ms = INTERVAL_MS,
		.collect = collect_all,
		.collect_opaque = &c,
		.host_free = plenty_free,
		.order = order_over_socket,
		.opaque = &c,
	};
	uint64_t wakeups = machine_fake_fired(), begin_ms;
	size_t heap;

	b->figures = guest_of(0, 300);
	strcpy(b->figures.common.name, "guest");
	strcpy(b->figures.common.path, "event-channel");
	b->figures.stats_valid = (UINT32_C(1) << BALLOON_STATS) - 1;
	for (uint32_t i = 0; i < GUESTS; i++) {
		guest[i] = *b;
		guest[i].cfg.domid = guest[i].figures.common.domid = i + 1;
		guest[i].cfg.opaque = &guest[i];
		guest[i].cfg.commands_opaque = &guest[i].commands;
		guest[i].commands.opaque = &guest[i];
		control_bench_open(&guest[i]);
	}

	heap = mallinfo2().uordblks;
	assert_int_equal(metrics_collect_new(&c.collect, b->base, &balloon_figures_type, b->dir, 0), 0);
	assert_int_equal(orders_new(&c.orders, b->base, &b->capture.log, b->dir), 0);
	assert_int_equal(auto_new(&pilot.autopilot, &cfg), 0);
	begin_ms = clock_now_ms();
	for (unsigned int i = 1; i <= STEPS; i++) {
		steps_until(&pilot, i);
		/* each step is over in its moment */
		assert_int_equal(clock_now_ms() - begin_ms, i * INTERVAL_MS);
	}
	wakeups = machine_fake_fired() - wakeups;
	heap = mallinfo2().uordblks - heap;
	auto_free(pilot.autopilot);
	orders_free(c.orders);
	metrics_collect_free(c.collect);

	print_message("# --auto, %d idle guests asked every %u ms: %" PRIu64
		      " wake-ups in %d steps; %zu bytes of heap a guest between steps\n",
		      GUESTS, INTERVAL_MS, wakeups, STEPS, heap / GUESTS);
	assert_int_equal(c.seen, GUESTS * STEPS);
	assert_int_equal(pilot.orders, 0);
	assert_int_equal(wakeups, STEPS);
	for (unsigned int i = 0; i < GUESTS; i++) {
		assert_int_equal(guest[i].looks, 2 * STEPS);
		control_free(guest[i].control);
	}
	assert_true(heap / GUESTS < 4096);
}

/*
 * The first memory is there within one interval after pressure shows in the guest's statistics: whether
 * too little is available, or a counter says so.
 */
static void the_service_helps_within_an_interval(void **state)
{
	struct control_bench *b = *state;
	struct pilot pilot = {.base = b->base};
	struct costly c = {.pilot = &pilot};
	struct auto_config cfg = {
		.base = b->base,
		.log = &b->capture.log,
		.policy = auto_policy(20, 40, 0, true, INTERVAL_MS),
		.interval_ms = INTERVAL_MS,
		.collect = collect_all,
		.collect_opaque = &c,
		.host_free = plenty_free,
		.order = order_over_socket,
		.opaque = &c,
	};

	b->figures = guest_of(7, 150);
	b->figures.target_kib = 512 * MIB;
	b->figures.ballooned_kib = b->figures.stats_ballooned_kib = 512 * MIB;
	b->figures.stats_valid |= 1u << BALLOON_STAT_SWAP_IN;
	control_bench_open(b);
	assert_int_equal(metrics_collect_new(&c.collect, b->base, &balloon_figures_type, b->dir, 0), 0);
	assert_int_equal(orders_new(&c.orders, b->base, &b->capture.log, b->dir), 0);
	assert_int_equal(auto_new(&pilot.autopilot, &cfg), 0);
	control_bench_wait(b, 60 * INTERVAL_MS);
	assert_int_equal(b->figures.target_kib, 512 * MIB);
	/* it swaps, right after somebody looked */
	control_bench_wait(b, 1);
	b->figures.stats[BALLOON_STAT_SWAP_IN] = 40 * MIB * 1024;
	b->figures.stats_sequence++;
	control_bench_wait(b, INTERVAL_MS - 1);
	assert_int_equal(b->figures.target_kib, 592 * MIB);
	b->figures.ballooned_kib = b->figures.stats_ballooned_kib = 432 * MIB;
	/* and now next to nothing is available */
	control_bench_wait(b, 1);
	b->figures.stats[BALLOON_STAT_AVAILABLE_MEMORY] = 5 * MIB * 1024;
	b->figures.stats_sequence++;
	control_bench_wait(b, INTERVAL_MS - 1);
	assert_int_equal(b->figures.target_kib, 839 * MIB);
	auto_free(pilot.autopilot);
	orders_free(c.orders);
	metrics_collect_free(c.collect);
}

int main(void)
{
#define PILOT(name) cmocka_unit_test_setup_teardown(name, pilot_setup, pilot_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_is_seen_as_it_is),
		cmocka_unit_test(what_it_uses_stays),
		cmocka_unit_test(what_is_due_is_in_the_balloon),
		cmocka_unit_test(a_driver_that_tells_less_will_do),
		PILOT(only_changes_are_ordered),
		PILOT(without_figures_nothing_is_ordered),
		PILOT(a_step_can_be_asked_for),
		PILOT(memories_follow_their_guests),
		PILOT(who_is_owed_is_known),
		cmocka_unit_test_setup_teardown(an_order_reaches_its_process, control_bench_setup,
						control_bench_teardown),
		cmocka_unit_test_setup_teardown(the_service_helps_within_an_interval,
						control_bench_setup, control_bench_teardown),
		cmocka_unit_test_setup_teardown(an_order_without_an_answer_is_given_up,
						control_bench_setup, control_bench_teardown),
		cmocka_unit_test_setup_teardown(two_hundred_guests_cost_little, control_bench_setup,
						control_bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
