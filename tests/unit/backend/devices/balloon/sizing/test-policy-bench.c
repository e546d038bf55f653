// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What "lab bench policy" compares: its figures are the same each time, what is said of --auto beside
 * the rules of others in tests/traces/README is true, and its parts do what they say.
 */
#include "bench/policy/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct sim_rule *const rules[] = {&sim_auto, &sim_squeezed, &sim_qmemman};
enum { OURS, SQUEEZED, QMEMMAN, RULES };

static struct sim_trace trace;

static void read_trace(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[512];

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/tests/traces/%s.load", top, name);
	assert_int_equal(sim_trace_read(&trace, path), 0);
	assert_string_equal(trace.name, name);
}

static void run_all(const char *name, struct sim_figures f[RULES])
{
	read_trace(name);
	for (size_t i = 0; i < RULES; i++)
		assert_int_equal(sim_run(&trace, rules[i], &f[i]), 0);
	print_message("# %s: s below need %.2f, %.2f, %.2f; MiB idle %u, %u, %u\n", name,
		      (double)f[0].below_ms / 1000, (double)f[1].below_ms / 1000,
		      (double)f[2].below_ms / 1000, (unsigned int)(f[0].idle_kib / SIM_MIB),
		      (unsigned int)(f[1].idle_kib / SIM_MIB), (unsigned int)(f[2].idle_kib / SIM_MIB));
}

/* --- what is said of them --- */

/* Of each load: how much longer, at most, guests are below what they need than under the best other rule. */
static const struct {
	const char *name;
	uint64_t behind_ms;
	bool recorded; /* of small guests, for which all rules leave about the same idle */
} loads[] = {
	{"compile", 0, false},
	{"page-cache", 0, false},
	{"memory-leak", 0, false},
	{"swap-storm", 0, false},
	{"boot-of-eight", 0, false},
	{"recorded-trade", 0, true},
	{"recorded-compile", 0, true},
	{"recorded-page-cache", 0, true},
	{"recorded-memory-leak", 50, true},
	{"recorded-swap-storm", 0, true},
	{"recorded-boot-of-eight", 0, true},
};

#define LOADS (sizeof(loads) / sizeof(loads[0]))

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void nothing_is_killed_that_lives_under_others(void **state)
{
	for (size_t i = 0; i < LOADS; i++) {
		struct sim_figures f[RULES];

		run_all(loads[i].name, f);
		assert_true(f[OURS].oom_kills <= least(f[SQUEEZED].oom_kills, f[QMEMMAN].oom_kills));
	}
}

static void less_is_idle_than_under_any_other(void **state)
{
	for (size_t i = 0; i < LOADS; i++) {
		struct sim_figures f[RULES];

		run_all(loads[i].name, f);
		if (loads[i].recorded) {
			assert_true(f[OURS].idle_kib <= least(f[SQUEEZED].idle_kib, f[QMEMMAN].idle_kib) * 11 / 10);
			continue;
		}
		assert_true(f[OURS].idle_kib <= least(f[SQUEEZED].idle_kib, f[QMEMMAN].idle_kib) * 6 / 7);
	}
}

/* Of the rules under which no more is killed: what is killed needs nothing for a while, and begins anew. */
static uint64_t least_below_ms(const struct sim_figures f[RULES])
{
	uint64_t least_ms = UINT64_MAX;

	for (size_t i = SQUEEZED; i < RULES; i++) {
		if (f[i].oom_kills <= f[OURS].oom_kills)
			least_ms = least(least_ms, f[i].below_ms);
	}
	return least_ms;
}

static void needs_are_met_but_for_moments(void **state)
{
	for (size_t i = 0; i < LOADS; i++) {
		struct sim_figures f[RULES];

		run_all(loads[i].name, f);
		assert_true(f[OURS].below_ms <= loads[i].behind_ms || f[OURS].below_ms - loads[i].behind_ms <= least_below_ms(f));
	}
}

/* Guests of Linux before 6.12 tell less, and fare about as well. */
static void older_guests_are_served_by_what_they_tell(void **state)
{
	for (size_t i = 0; i < LOADS; i++) {
		struct sim_figures newer, older;

		read_trace(loads[i].name);
		assert_int_equal(sim_run(&trace, &sim_auto, &newer), 0);
		assert_int_equal(sim_run(&trace, &sim_auto_older, &older), 0);
		assert_int_equal(older.oom_kills, newer.oom_kills);
		assert_true(older.below_ms <= newer.below_ms + 500);
		assert_true(older.idle_kib <= newer.idle_kib * 11 / 10);
	}
}

static void a_run_is_the_same_each_time(void **state)
{
	for (size_t i = 0; i < LOADS; i++) {
		struct sim_figures first[RULES], second[RULES];

		run_all(loads[i].name, first);
		run_all(loads[i].name, second);
		assert_memory_equal(first, second, sizeof(first));
	}
}

/* --- the first memory --- */

/* A guest of 1 GiB that has 300 or 400 MiB, on a host with as much free or more; what it wants jumps after 60 s, when it is not young any more. */
static void read_text(const char *text)
{
	char path[] = "/tmp/test-policy-bench.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(sim_trace_read(&trace, path), 0);
	unlink(path);
}

/* Statistics are 100 ms old when they are looked at, every 250 ms, and an order takes a tick to reach
 * the balloon: so the first memory is there 250 ms after the statistics that show the need, and those
 * are taken every 250 ms. */
static void the_first_memory_comes_in_time(void **state)
{
	static const char *const jumps[] = {
		/* what it allocates */
		"host 1000\nlength 80\nguest a max 1024 kernel 50 swap 512 has 300\n"
		"at 0 anon 150 hot 120 file 60 stream 0\nat 60 anon 150 hot 120 file 60 stream 0\n"
		"at 61 anon 900 hot 880 file 60 stream 0\n",
		/* files it reads over and over: all of that is available, it says */
		"host 1000\nlength 80\nguest a max 1024 kernel 50 swap 512 has 400\n"
		"at 0 anon 150 hot 120 file 60 stream 0\nat 60 anon 150 hot 120 file 60 stream 0\n"
		"at 61 anon 150 hot 120 file 600 stream 0\n",
	};

	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct sim_figures f;

		read_text(jumps[i]);
		assert_int_equal(sim_run(&trace, &sim_auto, &f), 0);
		assert_int_equal(f.oom_kills, 0);
		assert_true(f.first_ms <= 500);
	}
}

/* --- the model --- */

static void loads_go_in_straight_lines(void **state)
{
	struct sim_point p;

	read_text("host 1000\nlength 40\n# nothing\n\nguest a max 1024 kernel 50 swap 512 start 3\n"
		  "at 0 anon 100 hot 50 file 60 stream 4\nat 10 anon 200 hot 0 file 60 stream 5\n");
	assert_int_equal(trace.load[0].start_ms, 3000);
	p = sim_load_at(&trace.load[0], 0);
	assert_int_equal(p.anon_kib, 100 * SIM_MIB);
	p = sim_load_at(&trace.load[0], 5000);
	assert_int_equal(p.anon_kib, 150 * SIM_MIB);
	assert_int_equal(p.hot_kib, 25 * SIM_MIB);
	assert_int_equal(p.file_kib, 60 * SIM_MIB);
	assert_int_equal(p.stream_kib_s, 4 * SIM_MIB + SIM_MIB / 2);
	p = sim_load_at(&trace.load[0], 99999);
	assert_int_equal(p.anon_kib, 200 * SIM_MIB);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct {
		const char *text;
		int line;
	} bad[] = {
		{"host 1\nlength 1\nx\n", 3},
		{"host 1\nat 0 anon 1 hot 1 file 1 stream 1\n", 2},
		{"guest a max 1 kernel 1 swap 1 has 1\n", 1},
		{"guest a max 2 kernel 1 swap 1 has 1\nat 0 anon 1 hot 2 file 1 stream 1\n", 2},
		{"guest a max 2 kernel 1 swap 1 has 1\nat 1 anon 1 hot 1 file 1 stream 1\n", 2},
		{"host 1\nlength 1\nguest a max 2 kernel 1 swap 1 has 1\n", 3},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char path[] = "/tmp/test-policy-bench.XXXXXX";
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, bad[i].text, strlen(bad[i].text)), strlen(bad[i].text));
		close(fd);
		assert_int_equal(sim_trace_read(&trace, path), bad[i].line);
		unlink(path);
	}
	assert_true(sim_trace_read(&trace, "/nonexistent") < 0);
}

/* No page is made or lost: guests and host together have what the host had. */
static void *open_count(struct sim_host *h)
{
	return h;
}

static void tick_count(void *rule)
{
	struct sim_host *h = rule;
	uint64_t all = h->free_kib;

	for (size_t i = 0; i < h->nr; i++) {
		struct sim_guest *g = &h->guest[i];

		all += sim_has(g);
		if (!g->created)
			continue;
		assert_true(g->load->kernel_kib + g->resident_kib + g->kept_kib + g->old_kib <=
			    sim_has(g));
		assert_true(g->swapped_kib <= g->load->swap_kib);
		assert_true(sim_available(g) <= sim_has(g));
		/* up and down, in its own time */
		sim_set_target(h, g, (h->now_ms / 700 + i) % 5 * g->load->max_kib / 4);
	}
	assert_int_equal(all, h->trace->host_kib);
}

static void close_count(void *rule)
{
}

static void no_page_is_made_or_lost(void **state)
{
	static const struct sim_rule counting = {
		.name = "counting",
		.open = open_count,
		.tick = tick_count,
		.close = close_count,
	};

	for (size_t i = 0; i < LOADS; i++) {
		struct sim_figures f;

		read_trace(loads[i].name);
		assert_int_equal(sim_run(&trace, &counting, &f), 0);
		/* so treated, they suffer */
		assert_true(f.below_ms > (loads[i].recorded ? 0 : 10000));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_killed_that_lives_under_others),
		cmocka_unit_test(less_is_idle_than_under_any_other),
		cmocka_unit_test(needs_are_met_but_for_moments),
		cmocka_unit_test(older_guests_are_served_by_what_they_tell),
		cmocka_unit_test(a_run_is_the_same_each_time),
		cmocka_unit_test(the_first_memory_comes_in_time),
		cmocka_unit_test(loads_go_in_straight_lines),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(no_page_is_made_or_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
