// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy: what it must never do, over every step of simulated hosts; what it must arrive at;
 * and both once more with the load of real guests, as recorded in tests/traces.
 *
 * The model of a guest: it uses so much, the rest of what it has is available, and it goes to its
 * target at some rate; one that uses more than it has takes the difference from its balloon.
 */
#include "backend/devices/balloon/sizing/policy.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB UINT64_C(1024)
#define GUESTS_MAX 8
#define STEP_MS 5000u

static const struct policy_config usual = {
	.low_percent = 20,
	.high_percent = 40,
	.stale_ms = 20000,
	.stuck_ms = 60000,
	.retry_ms = 300000,
};

struct model {
	struct policy_guest g;
	uint64_t used_kib;
	uint64_t rate_kib;  /* a step; 0: it does nothing it is told */
	unsigned int turns; /* of direction */
	int direction;
	uint64_t moved_kib;
};

struct host {
	struct policy_config cfg;
	uint64_t free_kib;
	uint64_t now_ms;
	struct model model[GUESTS_MAX];
	struct policy_memory memory[GUESTS_MAX];
	struct policy_order order[GUESTS_MAX];
	size_t nr;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t has(const struct policy_guest *g)
{
	return g->static_max_kib - g->balloon_kib;
}

static uint64_t floor_of(const struct host *h, const struct policy_guest *g)
{
	return least(g->floor_kib	? g->floor_kib
		     : h->cfg.floor_kib ? h->cfg.floor_kib
					: g->static_max_kib / 4,
		     g->static_max_kib);
}

static struct host host_of(uint64_t free_mib)
{
	return (struct host){.cfg = usual, .free_kib = free_mib * MIB, .now_ms = 1};
}

static struct model *add(struct host *h, uint64_t max_mib, uint64_t used_mib)
{
	struct model *m = &h->model[h->nr++];

	*m = (struct model){
		.g = {.static_max_kib = max_mib * MIB,
		      .target_kib = max_mib * MIB,
		      .has_stats = true,
		      .driver_ok = true},
		.used_kib = used_mib * MIB,
		.rate_kib = UINT64_MAX,
	};
	return m;
}

/* --- what must hold in every step --- */

static void check_step(const struct host *h, const struct policy_guest *g)
{
	uint64_t promised = 0, already = 0;

	for (size_t i = 0; i < h->nr; i++) {
		const struct policy_order *o = &h->order[i];
		uint64_t stall = g[i].stall_kib, now = has(&g[i]);

		/* the ends of what can be */
		assert_true(o->target_kib <= g[i].static_max_kib);
		if (o->target_kib < g[i].target_kib && o->target_kib < now)
			assert_true(o->target_kib >= floor_of(h, &g[i]));
		/* pinned is pinned; the blind are asked for nothing */
		if (g[i].pinned)
			assert_int_equal(o->target_kib, g[i].target_kib);
		if (!g[i].has_stats || g[i].stats_age_ms > h->cfg.stale_ms || !g[i].driver_ok)
			assert_true(o->target_kib >= least(g[i].target_kib, now));
		/* nor are those under pressure */
		if (!g[i].pinned && g[i].has_stats && g[i].driver_ok &&
		    g[i].stats_age_ms <= h->cfg.stale_ms &&
		    g[i].available_kib * 100 < now * (h->cfg.low_percent - 1))
			assert_true(o->target_kib >= least(now, g[i].target_kib));
		already += g[i].target_kib > now + stall ? g[i].target_kib - now : stall;
		promised += o->target_kib > now + stall ? o->target_kib - now : stall;
	}
	/* never more than the host has; what was promised before cannot be taken back at once */
	assert_true(promised <= h->free_kib || promised <= already);
	/* pressure first: nobody grows who is not under pressure */
	for (size_t i = 0; i < h->nr; i++) {
		if (h->order[i].target_kib > g[i].target_kib && h->order[i].target_kib > has(&g[i]))
			assert_int_equal(h->order[i].verdict, POLICY_GROW);
	}
}

static void move(struct host *h, struct model *m)
{
	uint64_t wanted = m->g.static_max_kib - m->g.target_kib, kib;

	if (wanted > m->g.balloon_kib) {
		/* it gives no page that it uses */
		kib = least(wanted - m->g.balloon_kib, m->rate_kib);
		kib = least(kib, has(&m->g) > m->used_kib ? has(&m->g) - m->used_kib : 0);
		m->g.balloon_kib += kib;
		h->free_kib += kib;
	} else {
		kib = least(least(m->g.balloon_kib - wanted, m->rate_kib), h->free_kib);
		m->g.balloon_kib -= kib;
		h->free_kib -= kib;
	}
}

/* Out of memory it takes what it needs, if the host has it. */
static void use(struct host *h, struct model *m)
{
	uint64_t missing, kib;

	m->g.stall_kib = 0;
	if (m->used_kib > m->g.static_max_kib)
		m->used_kib = m->g.static_max_kib;
	if (m->used_kib > has(&m->g)) {
		missing = m->used_kib - has(&m->g);
		kib = least(missing, h->free_kib);
		m->g.balloon_kib -= kib;
		h->free_kib -= kib;
		m->g.stall_kib = missing - kib;
	}
	m->g.available_kib = has(&m->g) > m->used_kib ? has(&m->g) - m->used_kib : 0;
}

static void note_direction(struct model *m, uint64_t target_kib)
{
	int direction = target_kib > m->g.target_kib ? 1 : target_kib < m->g.target_kib ? -1 : 0;

	if (direction && m->direction && direction != m->direction)
		m->turns++;
	if (direction)
		m->direction = direction;
	m->moved_kib += direction > 0 ? target_kib - m->g.target_kib : m->g.target_kib - target_kib;
}

/* Return: whether an order was given. */
static bool step(struct host *h)
{
	struct policy_guest g[GUESTS_MAX];
	bool any = false;

	for (size_t i = 0; i < h->nr; i++) {
		use(h, &h->model[i]);
		g[i] = h->model[i].g;
	}
	policy_step(&h->cfg, h->free_kib, h->now_ms, g, h->memory, h->order, h->nr);
	check_step(h, g);
	for (size_t i = 0; i < h->nr; i++) {
		any |= h->order[i].target_kib != g[i].target_kib;
		note_direction(&h->model[i], h->order[i].target_kib);
		h->model[i].g.target_kib = h->order[i].target_kib;
	}
	for (size_t i = 0; i < h->nr; i++)
		move(h, &h->model[i]);
	h->now_ms += STEP_MS;
	return any;
}

/* Return: steps until nothing is ordered any more, three times in a row. */
static unsigned int settle(struct host *h, unsigned int limit)
{
	unsigned int quiet = 0;

	for (unsigned int i = 0; i < limit; i++) {
		quiet = step(h) ? 0 : quiet + 1;
		if (quiet == 3)
			return i - 2;
	}
	fail_msg("does not settle in %u steps", limit);
	return limit;
}

static unsigned int percent(const struct model *m)
{
	return (unsigned int)(m->g.available_kib * 100 / has(&m->g));
}

/* --- one guest --- */

static void an_idle_guest_shrinks_into_the_band(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 1024, 400);

	assert_true(settle(&h, 40) <= 16);
	assert_in_range(percent(m), 20, 40);
	assert_int_equal(m->turns, 0);
	/* and no further than its step in one */
	assert_int_equal(m->g.target_kib % MIB, 0);
}

static void steps_are_limited(void **state)
{
	struct host h = host_of(4096);
	struct model *m = add(&h, 1024, 100);
	uint64_t before = has(&m->g);

	for (int i = 0; i < 30; i++) {
		step(&h);
		assert_true(before - has(&m->g) <= 64 * MIB);
		before = has(&m->g);
	}
	m->used_kib = 1000 * MIB;
	m->g.balloon_kib = 700 * MIB;
	m->g.target_kib = 324 * MIB;
	step(&h);
	assert_true(m->g.target_kib > 324 * MIB);
	assert_true(h.order[0].target_kib <= h.order[0].has_kib + 256 * MIB);
}

static void the_floor_is_the_floor(void **state)
{
	static const struct {
		uint64_t own_mib, cfg_mib, least_mib;
	} cases[] = {{0, 0, 256}, {0, 100, 100}, {500, 100, 500}, {2000, 0, 1024}, {1024, 0, 1024}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host h = host_of(0);
		struct model *m = add(&h, 1024, 1);

		m->g.floor_kib = cases[i].own_mib * MIB;
		h.cfg.floor_kib = cases[i].cfg_mib * MIB;
		settle(&h, 60);
		assert_int_equal(has(&m->g), cases[i].least_mib * MIB);
	}
}

/* A floor that was raised is a reason to grow. */
static void below_the_floor_a_guest_grows(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 1024, 1);

	settle(&h, 60);
	m->g.floor_kib = 700 * MIB;
	settle(&h, 60);
	assert_int_equal(has(&m->g), 700 * MIB);
}

static void in_the_band_nothing_happens(void **state)
{
	/* 21 % to 39 % available, of what it has */
	for (uint64_t used = 614; used <= 808; used++) {
		struct host h = host_of(4096);

		add(&h, 1024, used);
		assert_false(step(&h));
	}
}

/* A load that is constant but for noise inside the band: arrived once, it stays. */
static void noise_moves_nothing(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 4096, 1000);
	uint64_t moved;

	settle(&h, 60);
	moved = m->moved_kib;
	for (unsigned int i = 0; i < 500; i++) {
		m->used_kib = (1000 + i * 37 % 100 - 50) * MIB;
		step(&h);
	}
	assert_int_equal(m->moved_kib, moved);
	assert_int_equal(m->turns, 0);
}

static void a_load_that_comes_and_goes_is_followed(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 4096, 900);

	for (unsigned int round = 0; round < 4; round++) {
		m->used_kib = 900 * MIB;
		settle(&h, 60);
		assert_in_range(percent(m), 20, 40);
		m->used_kib = 2500 * MIB;
		settle(&h, 60);
		assert_in_range(percent(m), 20, 40);
	}
	assert_true(m->turns <= 8);
}

/* Every use of every size with every band: it settles, and where it can be, it is in the band. */
static void it_converges_from_anywhere(void **state)
{
	static const unsigned int bands[][2] = {{20, 40}, {5, 10}, {10, 90}, {50, 60}, {85, 90}};

	for (size_t band = 0; band < sizeof(bands) / sizeof(bands[0]); band++) {
		for (uint64_t start = 64; start <= 1024; start += 64) {
			for (uint64_t used = 0; used <= 1024; used += 32) {
				struct host h = host_of(2048);
				struct model *m = add(&h, 1024, used);

				h.cfg.low_percent = bands[band][0];
				h.cfg.high_percent = bands[band][1];
				m->g.balloon_kib = (1024 - start) * MIB;
				m->g.target_kib = start * MIB;
				settle(&h, 60);
				use(&h, m);
				assert_true(percent(m) >= bands[band][0] - 1 ||
					    has(&m->g) == m->g.static_max_kib);
				/* a last step smaller than a 128th is not made */
				assert_true(percent(m) <= bands[band][1] + 1 ||
					    has(&m->g) <= 256 * MIB + 8 * MIB);
				assert_true(m->turns <= 1);
			}
		}
	}
}

/* --- more than one --- */

static void the_worst_pressure_is_first(void **state)
{
	struct host h = host_of(100);
	struct model *m[3];

	for (size_t i = 0; i < 3; i++) {
		m[i] = add(&h, 1024, 450 + 10 * i);
		m[i]->g.balloon_kib = 524 * MIB;
		m[i]->g.target_kib = 500 * MIB;
	}
	step(&h);
	assert_int_equal(m[2]->g.target_kib, 600 * MIB);
	assert_int_equal(m[1]->g.target_kib, 500 * MIB);
	assert_int_equal(m[0]->g.target_kib, 500 * MIB);
	/* nobody is under less pressure than he can bear: what the host has not is not had */
	for (int i = 0; i < 20; i++)
		step(&h);
	assert_int_equal(h.free_kib, 0);
}

/* On a full host one guest's load moves memory to it from the other, and back when the roles swap.
 */
static void two_guests_trade(void **state)
{
	struct host h = host_of(0);
	struct model *a = add(&h, 1024, 700), *b = add(&h, 1024, 100);

	h.cfg.overcommit = true;
	settle(&h, 60);
	h.free_kib = 16 * MIB;
	for (unsigned int round = 0; round < 3; round++) {
		a->used_kib = 100 * MIB;
		b->used_kib = 700 * MIB;
		settle(&h, 60);
		assert_true(has(&b->g) >= 850 * MIB);
		assert_true(has(&a->g) <= 300 * MIB);
		assert_int_equal(b->g.stall_kib, 0);
		a->used_kib = 700 * MIB;
		b->used_kib = 100 * MIB;
		settle(&h, 60);
		assert_true(has(&a->g) >= 850 * MIB);
		assert_true(has(&b->g) <= 300 * MIB);
	}
}

/* One under pressure on a full host is given by one in the band, which then is not under pressure.
 */
static void who_gives_does_not_need_it_back(void **state)
{
	struct host h = host_of(0);
	struct model *a = add(&h, 1024, 700), *b = add(&h, 1024, 690);

	h.cfg.overcommit = true;
	a->g.balloon_kib = 224 * MIB;
	a->g.target_kib = 800 * MIB;
	settle(&h, 60);
	assert_true(has(&a->g) > 800 * MIB);
	assert_true(has(&b->g) < 1024 * MIB);
	assert_true(percent(b) >= 24);
	assert_int_equal(b->turns, 0);
	assert_int_equal(a->turns, 0);
}

static void a_guest_that_waits_is_helped(void **state)
{
	struct host h = host_of(0);
	struct model *a = add(&h, 1024, 500), *b = add(&h, 1024, 300);

	h.cfg.overcommit = true;
	a->g.balloon_kib = 624 * MIB;
	a->g.target_kib = 400 * MIB;
	step(&h);
	/* 100 MiB are missing, and nobody can have given them before it was asked */
	assert_int_equal(h.order[0].verdict, POLICY_GROW);
	assert_int_equal(h.order[1].verdict, POLICY_GIVE);
	settle(&h, 60);
	assert_int_equal(a->g.stall_kib, 0);
	assert_true(percent(a) >= 19);
	assert_true(has(&b->g) < 1024 * MIB);
}

/* Without overcommit nobody is asked once somebody else has what was given. */
static void the_reserve_is_kept(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 1024, 400);
	uint64_t before;

	add(&h, 1024, 500);
	settle(&h, 60);
	h.free_kib -= 4;
	before = has(&m->g);
	m->used_kib = 100 * MIB;
	for (int i = 0; i < 20; i++)
		step(&h);
	assert_int_equal(has(&m->g), before);
	h.free_kib += 4;
	settle(&h, 60);
	assert_true(has(&m->g) < before);
}

/* --- who does not take part --- */

static void a_pinned_guest_is_left_alone(void **state)
{
	struct host h = host_of(0);
	struct model *a = add(&h, 1024, 10), *b = add(&h, 1024, 1000);

	h.cfg.overcommit = true;
	a->g.pinned = true;
	b->g.balloon_kib = 100 * MIB;
	b->g.target_kib = 924 * MIB;
	for (int i = 0; i < 20; i++) {
		step(&h);
		assert_int_equal(h.order[0].verdict, POLICY_PINNED);
	}
	assert_int_equal(a->g.target_kib, 1024 * MIB);
	a->g.pinned = false;
	settle(&h, 60);
	assert_true(a->g.target_kib < 1024 * MIB);
	assert_int_equal(b->g.stall_kib, 0);
}

static void the_blind_are_asked_for_nothing(void **state)
{
	for (int why = 0; why < 3; why++) {
		struct host h = host_of(0);
		struct model *m = add(&h, 1024, 10);

		m->rate_kib = 10 * MIB;
		step(&h);
		step(&h);
		m->g.has_stats = why != 0;
		m->g.driver_ok = why != 1;
		m->g.stats_age_ms = why == 2 ? usual.stale_ms + 1 : 0;
		for (int i = 0; i < 20; i++) {
			step(&h);
			assert_int_equal(h.order[0].verdict, POLICY_BLIND);
		}
		/* the rest of what it had been asked for is let go */
		if (why != 1)
			assert_true(m->g.target_kib >= (1024 - 30) * MIB);
	}
}

/* Told so often and not obeyed: what it has becomes its target, and others are not made to wait. */
static void a_guest_that_gives_nothing_is_left_alone(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 1024, 10);
	unsigned int asked = 0, stuck = 0;

	m->rate_kib = 0;
	for (unsigned int i = 0; i < 144; i++) {
		uint64_t before = m->g.target_kib;

		step(&h);
		asked += m->g.target_kib < before;
		stuck += h.order[0].verdict == POLICY_STUCK;
	}
	/* twelve minutes: a minute of patience, five of rest, twice */
	assert_int_equal(asked, 2);
	assert_in_range(stuck, 100, 130);
	/* and it may come round */
	m->rate_kib = UINT64_MAX;
	for (unsigned int i = 0; i < 120; i++)
		step(&h);
	assert_int_equal(has(&m->g), 256 * MIB);
}

static void slow_is_not_stuck(void **state)
{
	struct host h = host_of(0);
	struct model *m = add(&h, 1024, 100);

	m->rate_kib = MIB;
	for (unsigned int i = 0; i < 1000; i++) {
		step(&h);
		assert_true(h.order[0].verdict != POLICY_STUCK);
	}
	assert_int_equal(has(&m->g), 256 * MIB);
}

/* What is promised to one that does not take it is not kept from others for ever. */
static void a_guest_that_takes_nothing_does_not_block(void **state)
{
	struct host h = host_of(300);
	struct model *a = add(&h, 1024, 490), *b = add(&h, 1024, 480);

	h.cfg.overcommit = true;
	for (size_t i = 0; i < 2; i++) {
		h.model[i].g.balloon_kib = 524 * MIB;
		h.model[i].g.target_kib = 500 * MIB;
	}
	a->rate_kib = 0;
	for (int i = 0; i < 30; i++)
		step(&h);
	assert_int_equal(has(&a->g), 500 * MIB);
	assert_true(percent(b) >= 20);
}

/* --- hostile figures --- */

static uint64_t random_u64(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	/* all magnitudes alike, and the ends often */
	return *seed % 5 == 0 ? (*seed & 8 ? UINT64_MAX : 0) : *seed >> (*seed >> 8) % 64;
}

/* Whatever is said: the orders are within the guest's own bounds, and the sum within the host's. */
static void nonsense_harms_nobody_else(void **state)
{
	uint64_t seed = 88172645463325252u;

	for (unsigned int round = 0; round < 20000; round++) {
		struct policy_guest g[GUESTS_MAX] = {0};
		struct policy_memory m[GUESTS_MAX] = {0};
		struct policy_order o[GUESTS_MAX];
		uint64_t free_kib = random_u64(&seed) % (1u << 24), more = 0;

		for (size_t i = 0; i < GUESTS_MAX; i++) {
			g[i].static_max_kib = random_u64(&seed) % (UINT64_C(1) << 40);
			g[i].floor_kib = random_u64(&seed);
			g[i].target_kib = random_u64(&seed) % (g[i].static_max_kib + 1);
			g[i].balloon_kib = random_u64(&seed) % (g[i].static_max_kib + 1);
			g[i].available_kib = random_u64(&seed);
			g[i].stats_age_ms = random_u64(&seed);
			g[i].has_stats = random_u64(&seed) % 8;
			g[i].driver_ok = random_u64(&seed) % 8;
			g[i].pinned = random_u64(&seed) % 8 == 0;
		}
		policy_step(&usual, free_kib, 1 + random_u64(&seed) / 2, g, m, o, GUESTS_MAX);
		for (size_t i = 0; i < GUESTS_MAX; i++) {
			uint64_t base = g[i].target_kib > has(&g[i]) ? g[i].target_kib : has(&g[i]);

			assert_true(o[i].target_kib <= g[i].static_max_kib);
			assert_non_null(policy_verdict_name(o[i].verdict));
			if (o[i].target_kib > base)
				more += o[i].target_kib - base;
		}
		assert_true(more <= free_kib);
	}
}

/* --- recorded --- */

#define TRACE_STEPS_MAX 512

struct trace {
	size_t steps, nr;
	struct {
		uint64_t static_max_kib;
		uint64_t used_kib[TRACE_STEPS_MAX];
	} guest[GUESTS_MAX];
};

static struct trace trace;

/* Lines of: step, guest, static-max, balloon, available; sizes in KiB. See tests/traces/README. */
static void read_trace(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[512], line[128];
	FILE *f;

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/tests/traces/%s", top, name);
	f = fopen(path, "r");
	assert_non_null(f);
	trace = (struct trace){0};
	while (fgets(line, sizeof(line), f)) {
		uint64_t max, balloon, available;
		size_t s, guest;

		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%zu %zu %" SCNu64 " %" SCNu64 " %" SCNu64, &s,
					&guest, &max, &balloon, &available),
				 5);
		assert_true(s < TRACE_STEPS_MAX && guest < GUESTS_MAX && balloon <= max);
		trace.steps = s + 1;
		trace.nr = guest + 1 > trace.nr ? guest + 1 : trace.nr;
		trace.guest[guest].static_max_kib = max;
		trace.guest[guest].used_kib[s] =
			max - balloon > available ? max - balloon - available : 0;
	}
	fclose(f);
	assert_true(trace.steps >= 20 && trace.nr >= 2);
}

/* Plays the load; each recorded second is @stretch steps. Return: turns of all guests */
static unsigned int play(struct host *h, unsigned int stretch)
{
	unsigned int turns = 0;

	for (size_t s = 0; s < trace.steps * stretch; s++) {
		for (size_t i = 0; i < h->nr; i++)
			h->model[i].used_kib = trace.guest[i].used_kib[s / stretch];
		step(h);
	}
	for (size_t i = 0; i < h->nr; i++)
		turns += h->model[i].turns;
	return turns;
}

/*
 * The load of two real guests, one busy and then the other, on a host with room for one and a half:
 * the rules hold in every step, nobody waits for long, and the policy turns no more often than the
 * load does.
 */
static void real_guests_are_served(void **state)
{
	for (unsigned int stretch = 1; stretch <= 8; stretch *= 2) {
		struct host h = host_of(24);
		unsigned int turns;

		read_trace("two-guests-trade.trace");
		h.cfg.overcommit = true;
		for (size_t i = 0; i < trace.nr; i++) {
			struct model *m = add(&h, 0, 0);

			m->g.static_max_kib = trace.guest[i].static_max_kib;
			m->used_kib = trace.guest[i].used_kib[0];
			m->g.target_kib = m->used_kib * 100 / 70 / 4 * 4;
			m->g.balloon_kib = m->g.static_max_kib - m->g.target_kib;
		}
		turns = play(&h, stretch);
		/* one goes up and down again, the other down and up: each turns once */
		assert_true(turns <= trace.nr);
		/* afterwards the load is what it was last: so are the guests */
		settle(&h, 60);
		for (size_t i = 0; i < h.nr; i++)
			assert_int_equal(h.model[i].g.stall_kib, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_guest_shrinks_into_the_band),
		cmocka_unit_test(steps_are_limited),
		cmocka_unit_test(the_floor_is_the_floor),
		cmocka_unit_test(below_the_floor_a_guest_grows),
		cmocka_unit_test(in_the_band_nothing_happens),
		cmocka_unit_test(noise_moves_nothing),
		cmocka_unit_test(a_load_that_comes_and_goes_is_followed),
		cmocka_unit_test(it_converges_from_anywhere),
		cmocka_unit_test(the_worst_pressure_is_first),
		cmocka_unit_test(two_guests_trade),
		cmocka_unit_test(who_gives_does_not_need_it_back),
		cmocka_unit_test(a_guest_that_waits_is_helped),
		cmocka_unit_test(the_reserve_is_kept),
		cmocka_unit_test(a_pinned_guest_is_left_alone),
		cmocka_unit_test(the_blind_are_asked_for_nothing),
		cmocka_unit_test(a_guest_that_gives_nothing_is_left_alone),
		cmocka_unit_test(slow_is_not_stuck),
		cmocka_unit_test(a_guest_that_takes_nothing_does_not_block),
		cmocka_unit_test(nonsense_harms_nobody_else),
		cmocka_unit_test(real_guests_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
