// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoonctl free against a whole service with --auto: its socket, its policy, and a guest that does
 * what it is told. The tool runs in a child, the service here.
 */
#include "backend/base/clock.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "fake/hv-fake.h"
#include "fake/store-fake.h"
#include "tools/ctl/ctl.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/line-bench.h"
#include "unit/rigs/tool-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB 1024u
#define PAGES(mib) ((mib)*256u)

static struct tool_said tool;

struct bench {
	struct control_bench *b; /* of the one guest */
	struct fake *machine;
	void *service;
	uint64_t free_mib; /* with what the guest has given */
	const char *line;
};

/* What was ordered is done at once. */
static void follow(struct bench *t)
{
	struct balloon_figures *f = &t->b->figures;

	f->ballooned_kib = f->static_max_kib - f->target_kib;
	f->stats_sequence++;
	f->stats_ballooned_kib = f->ballooned_kib;
	/* it uses 300 MiB */
	f->stats[BALLOON_STAT_AVAILABLE_MEMORY] = (f->target_kib - 300 * MIB) * 1024;
	fake_set_heap(t->machine, PAGES(t->free_mib) + f->ballooned_kib / 4);
}

static void collect(void *opaque, figures_done *done, void *arg)
{
	struct bench *t = opaque;

	follow(t);
	done(arg, &t->b->figures.common, 1);
}

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct bench *t = opaque;

	return fake_open(t->machine, hv);
}

static int setup(void **state)
{
	static struct bench t;
	static struct balloon_options opts;
	/* valgrind looks through all memory at the end of each process */
	const struct fake_config cfg = {.others_pages = PAGES(2048)};
	struct device_service service;

	t = (struct bench){.free_mib = 100};
	assert_int_equal(control_bench_setup((void **)&t.b), 0);
	t.machine = fake_new(&cfg);
	assert_non_null(t.machine);
	t.b->figures.stats_valid = 1u << BALLOON_STAT_AVAILABLE_MEMORY;
	/* in the band */
	t.b->figures.target_kib = 430 * MIB;
	t.free_mib = 100;
	control_bench_open(t.b);
	balloon_options_default(&opts.common);
	opts.automatic = opts.overcommit = true;
	opts.common.state_dir = t.b->dir;
	service = (struct device_service){
		.base = t.b->base,
		.log = &t.b->capture.log,
		.opts = &opts.common,
		.collect = collect,
		.collect_opaque = &t,
		.open_hv = open_hv,
		.opaque = &t,
	};
	/* the young guest's time is over */
	follow(&t);
	assert_int_equal(balloon_service_new(&t.service, &service), 0);
	control_bench_wait(t.b, 31000);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct bench *t = *state;

	balloon_service_free(t->service);
	fake_free(t->machine);
	return control_bench_teardown((void **)&t->b);
}

/* of the host the tool runs on; NULL: not on Xen */
static struct fake_store *store;

/* In the tool's process. */
static int open_store(void *opaque, struct xenvirtio_store **out)
{
	return store ? fake_store_open(store, out) : -ENOENT;
}

static int run_tool(void *opaque, FILE *out, FILE *err)
{
	struct bench *t = opaque;
	struct line_words words;
	struct ctl_options opts;
	struct ctl ctl = {.opts = &opts, .out = out, .err = err, .open_store = open_store};
	char why[256];

	line_words_split(&words, "xen-vballoonctl", t->line);
	if (ctl_options_parse(&opts, words.argc, words.argv, why, sizeof(why)) != COMMAND_LINE_RUN)
		return CTL_EXIT_USAGE;
	opts.state_dir = t->b->dir;
	return ctl_run(&ctl);
}

static void serve(void *opaque, unsigned int ms)
{
	struct bench *t = opaque;

	control_bench_run(t->b);
}

static int run(struct bench *t, const char *line)
{
	const struct tool_run tool_run = {.child = run_tool, .meanwhile = serve, .opaque = t};

	t->line = line;
	return tool_bench_run(&tool_run, &tool);
}

static uint64_t free_mib(const struct bench *t)
{
	return t->free_mib + t->b->figures.ballooned_kib / MIB;
}

static void room_is_made_and_waited_for(void **state)
{
	struct bench *t = *state;
	uint64_t begin_ms, before = free_mib(t);

	/* 694 MiB are free already, and the guest can give 30 of its 430 */
	assert_int_equal(before, 694);
	begin_ms = clock_now_ms();
	assert_int_equal(run(t, "free 700M --wait"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "");
	assert_true(clock_now_ms() - begin_ms < 2000);
	assert_true(free_mib(t) >= 700);
	/* held: what it gave it does not get back, though it needs it */
	t->b->figures.stats_valid = 0;
	assert_int_equal(run(t, "free 700M --wait --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\"ready\":true"));
	/* one line a question, also when it is there already */
	assert_int_equal(strcspn(tool.out, "\n"), strlen(tool.out) - 1);
}

static void what_nobody_has_is_not_made(void **state)
{
	struct bench *t = *state;

	assert_int_equal(run(t, "free 5G --wait --timeout 3"), CTL_EXIT_TIMEOUT);
	tool_bench_expect(&tool, "no guest has more to give");
	/* no further than for one in need */
	assert_true(t->b->figures.target_kib >= 400 * MIB);
	assert_int_equal(run(t, "free 5G --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\"ready\":false"));
	assert_int_equal(run(t, "free 0 --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\"held_kib\":0"));
}

static void room_is_held_until_it_is_taken(void **state)
{
	struct bench *t = *state;
	struct balloon_figures *f = &t->b->figures;
	int fd;
	char path[128];

	assert_int_equal(run(t, "free 650M --wait"), CTL_EXIT_DONE);
	snprintf(path, sizeof(path), "%s/" BALLOON_SERVICE_SOCKET, t->b->dir);
	fd = client_connect(path);
	assert_true(fd >= 0);
	/* xl create */
	t->free_mib -= 80;
	control_bench_wait(t->b, 500);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(t->b->base, fd, "result.held_kib", 570 * MIB);
	/* a minute after it was asked for */
	control_bench_wait(t->b, 60000);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(t->b->base, fd, "result.held_kib", 0);
	client_send(fd, "{\"cmd\":\"free\"}\n");
	expect_error(t->b->base, fd, CONTROL_BAD_REQUEST);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":4}\n");
	expect_error(t->b->base, fd, CONTROL_UNKNOWN_COMMAND);
	assert_int_equal(f->common.domid, 7);
	close(fd);
}

static void without_a_service_nobody_makes_room(void **state)
{
	struct bench *t = *state;

	balloon_service_free(t->service);
	t->service = NULL;
	store = fake_store_new();
	assert_int_equal(run(t, "free 1G"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "--auto");
	/* where there is no Xen that is why */
	fake_store_free(store);
	store = NULL;
	assert_int_equal(run(t, "free 1G"), NO_XEN_EXIT_CODE);
	tool_bench_expect(&tool, "xenstore cannot be reached");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(room_is_made_and_waited_for),
		TEST(what_nobody_has_is_not_made),
		TEST(room_is_held_until_it_is_taken),
		TEST(without_a_service_nobody_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
