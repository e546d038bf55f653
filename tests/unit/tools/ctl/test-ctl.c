// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control tool against a daemon's control socket: the tool runs in a child, the daemon's event
 * loop here. Each outcome has its exit code and one line that says why.
 */
#include "config.h"

#include "unit/rigs/control-bench.h"
#include "fake/store-fake.h"
#include "unit/rigs/line-bench.h"
#include "unit/rigs/tool-bench.h"
#include "tools/ctl/ctl.h"

#include "backend/base/access.h"
#include "backend/base/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB 1024u

static struct tool_said tool;

struct run {
	struct control_bench *bench;
	const char *line;
	struct fake_store *store; /* NULL: xenstore cannot be reached */
	int store_result;	  /* then: why; 0: there is none */
	unsigned int name_after; /* domain 7 is called guest when somebody has looked so often */
	bool tty;
	unsigned int stall_ms;
	/** step - called in each millisecond in which the tool waits; may be NULL */
	void (*step)(struct control_bench *b, unsigned int ms);
};

/* In the tool's process. */
static int open_store(void *opaque, struct xenvirtio_store **store)
{
	struct run *r = opaque;

	if (!r->store)
		return r->store_result ? r->store_result : -ENOENT;
	if (r->name_after && --r->name_after == 0)
		fake_store_put(r->store, "/local/domain/7/name", "guest");
	return fake_store_open(r->store, store);
}

static int run_tool(void *opaque, FILE *out, FILE *err)
{
	struct run *r = opaque;
	struct line_words words;
	struct ctl_options opts;
	struct ctl ctl = {
		.opts = &opts,
		.out = out,
		.err = err,
		.tty = r->tty,
		.stall_ms = r->stall_ms,
		.open_store = open_store,
		.opaque = r,
	};
	char why[256];

	line_words_split(&words, "xen-vballoonctl", r->line);
	if (ctl_options_parse(&opts, words.argc, words.argv, why, sizeof(why)) != COMMAND_LINE_RUN)
		return CTL_EXIT_USAGE;
	opts.state_dir = r->bench->dir;
	return ctl_run(&ctl);
}

static void serve(void *opaque, unsigned int ms)
{
	struct run *r = opaque;

	control_bench_run(r->bench);
	if (r->step)
		r->step(r->bench, ms);
	control_bench_run(r->bench);
}

/* Runs @line, with the daemon served meanwhile. Return: the exit code */
static int run(struct run *r, const char *line)
{
	const struct tool_run tool_run = {.child = run_tool, .meanwhile = serve, .opaque = r};

	r->line = line;
	return tool_bench_run(&tool_run, &tool);
}

static struct run served(void **state)
{
	struct control_bench *b = *state;

	control_bench_open(b);
	return (struct run){.bench = b};
}

static void no_daemon_is_told(void **state)
{
	struct fake_store *store = fake_store_new();
	struct run r = {.bench = *state, .store = store};

	/* no guest is an empty list, and no failure */
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_int_equal(strcspn(tool.out, "\n"), strlen(tool.out) - 1);
	assert_string_equal(tool.err, "");
	assert_int_equal(run(&r, "list --json"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "[]\n");
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "xen-vballoond --domid 7");
	assert_int_equal(run(&r, "set 7 256M --wait"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "stats 7 --watch"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "top --count 1"), CTL_EXIT_DONE);
	/* a socket that one left that was killed */
	close(access_listen(r.bench->path, ACCESS_NO_GROUP, 1));
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "xen-vballoond --domid 7");
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	unlink(r.bench->path);
	fake_store_put(store, "/local/domain/7/name", "guest");
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "domain 7");
	assert_int_equal(run(&r, "status nobody"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "nobody: no such domain");
	fake_store_free(store);
}

/* Not booted on Xen, or xenstored is not there: the same from every command, and at once. */
static void no_xen_is_told(void **state)
{
	static const char *const lines[] = {
		"list",	  "list --json", "top --count 3", "status 7", "status guest",
		"auto 7", "set 7 256M",  "stats 7",	  "unused 7", "wait 7",
		"wait guest",
	};
	struct run r = {.bench = *state};
	uint64_t begin_ms = clock_now_ms();

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		print_message("# %s\n", lines[i]);
		assert_int_equal(run(&r, lines[i]), CTL_EXIT_NO_XEN);
		tool_bench_expect(&tool, "run it as root, in dom0, with xenstored running");
		assert_string_equal(tool.out, "");
	}
	assert_in_range(clock_now_ms() - begin_ms, 0, 10);
	/* who is in the group and not root sees guests by their numbers */
	r.store_result = -EACCES;
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_NO_PERMISSION);
	tool_bench_expect(&tool, "give the guest's number");
}

/* One that is served is seen wherever its socket is. */
static void who_is_served_needs_no_xenstore(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_DONE);
	assert_int_equal(run(&r, "wait 7"), CTL_EXIT_DONE);
}

/* --- wait --- */

static void begin_to_serve(struct control_bench *b, unsigned int ms)
{
	if (ms == 1000)
		control_bench_open(b);
}

static void a_guest_is_waited_for(void **state)
{
	struct fake_store *store = fake_store_new();
	struct run r = {.bench = *state, .step = begin_to_serve, .store = store};
	uint64_t begin_ms = clock_now_ms();

	assert_int_equal(run(&r, "wait 7"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "");
	assert_string_equal(tool.err, "");
	assert_in_range(clock_now_ms() - begin_ms, 1000, 1100);
	/* one that is served already */
	r.step = NULL;
	begin_ms = clock_now_ms();
	assert_int_equal(run(&r, "wait 7"), CTL_EXIT_DONE);
	assert_in_range(clock_now_ms() - begin_ms, 0, 10);
	fake_store_free(store);
}

static void so_is_one_that_is_not_there_yet(void **state)
{
	struct run r = {.bench = *state, .step = begin_to_serve, .name_after = 5};
	struct fake_store *store = fake_store_new();

	r.store = store;
	assert_int_equal(run(&r, "wait guest"), CTL_EXIT_DONE);
	fake_store_free(store);
}

static void waiting_ends(void **state)
{
	struct fake_store *store = fake_store_new();
	struct run r = {.bench = *state, .store = store};
	uint64_t begin_ms = clock_now_ms();

	assert_int_equal(run(&r, "wait 7 --timeout 3"), CTL_EXIT_TIMEOUT);
	tool_bench_expect(&tool, "7: after 3 s: no xen-vballoond serves it");
	assert_in_range(clock_now_ms() - begin_ms, 3000, 3100);
	begin_ms = clock_now_ms();
	assert_int_equal(run(&r, "wait 7"), CTL_EXIT_TIMEOUT);
	assert_in_range(clock_now_ms() - begin_ms, 60000, 60100);
	/* a name without a domain may be one that is being created */
	assert_int_equal(run(&r, "wait guest --timeout 3"), CTL_EXIT_TIMEOUT);
	tool_bench_expect(&tool, "guest: after 3 s: no such domain");
	fake_store_free(store);
}

static void figures_are_shown(void **state)
{
	struct run r = served(state);
	struct json_object *json;

	r.store = fake_store_new();
	fake_store_put(r.store, "/local/domain/3/name", "other");
	fake_store_put(r.store, "/local/domain/7/name", "guest");
	r.bench->figures.target_kib = 524288;
	r.bench->figures.ballooned_kib = 524288;
	r.bench->figures.common.guest_errors[XENVIRTIO_GUEST_BAD_RING] = 4;
	r.bench->figures.stats_sequence = 1;
	r.bench->figures.stats_valid = 1u << BALLOON_STAT_FREE_MEMORY;
	r.bench->figures.stats[BALLOON_STAT_FREE_MEMORY] = 268435456;
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_DONE);
	assert_true(!strstr(tool.out, "features") && !strstr(tool.out, "not confined"));
	snprintf(r.bench->figures.common.features, FIGURES_FEATURES_MAX, "stats-vq \033[2J version-1");
	snprintf(r.bench->figures.common.unconfined, FIGURES_UNCONFINED_MAX, "files are not\033 confined\nsystem calls neither");
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "features       stats-vq ?[2J version-1\n"));
	assert_non_null(strstr(tool.out, "not confined   files are not? confined\nnot confined   system calls neither\n"));
	assert_non_null(strstr(tool.out, "512 MiB of 1024 MiB"));
	assert_non_null(strstr(tool.out, "settled"));
	assert_non_null(strstr(tool.out, "bad-ring 4"));
	assert_string_equal(tool.err, "");
	assert_int_equal(run(&r, "status 7 --devid 0 --json"), CTL_EXIT_DONE);
	json = json_tokener_parse(tool.out);
	assert_int_equal(json_object_get_int(json_at(json, "target_kib")), 524288);
	assert_int_equal(json_object_array_length(json_at(json, "features")), 3);
	assert_int_equal(json_object_array_length(json_at(json, "unconfined")), 2);
	json_object_put(json);
	assert_int_equal(run(&r, "status 7 --devid 1"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "    7 guest                  0     1024      512      512 settled"));
	assert_int_equal(run(&r, "stats 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "domain 7, "));
	assert_non_null(strstr(tool.out, "free-memory"));
	assert_non_null(strstr(tool.out, "268435456"));
	assert_int_equal(run(&r, "stats 7 --watch --interval 1 --count 2 --json"), CTL_EXIT_DONE);
	assert_int_equal(strchr(tool.out, '\n')[1], '{');
	assert_int_equal(run(&r, "top --count 1"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "      256        - settled"));
	assert_null(strchr(tool.out, '\033'));
	r.tty = true;
	assert_int_equal(run(&r, "top --count 1"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\033[H\033[2J"));
	/* a guest's name does not speak to the terminal */
	strcpy(r.bench->figures.common.name, "a\033[31mb");
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "a?[31mb"));
	fake_store_free(r.store);
}

static void set_asks_and_goes(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "set 7 512M"), CTL_EXIT_DONE);
	assert_int_equal(r.bench->figures.target_kib, 512 * MIB);
	assert_non_null(strstr(tool.out, "target is 512 MiB"));
	assert_int_equal(run(&r, "set 7 2G"), CTL_EXIT_REFUSED);
	tool_bench_expect(&tool, "too much");
	/* a slip, unless one insists */
	r.bench->figures.dynamic_min_kib = 64 * MIB;
	assert_int_equal(run(&r, "set 7 8M"), CTL_EXIT_REFUSED);
	tool_bench_expect(&tool, "too little");
	assert_int_equal(run(&r, "set 7 8M --force"), CTL_EXIT_DONE);
	assert_int_equal(r.bench->figures.target_kib, 8 * MIB);
	r.bench->figures.common.driver_ok = false;
	assert_int_equal(run(&r, "set 7 256M"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "virtio_balloon"));
}

/* A guest that gives 4 MiB a step of 20 ms. */
static void inflate(struct control_bench *b, unsigned int ms)
{
	if (ms % 20 == 0 && b->figures.ballooned_kib < balloon_wanted_kib(&b->figures)) {
		b->figures.ballooned_kib += 4 * MIB;
		control_changed(b->control);
	}
}

/* Who chooses, and what was refused, is seen; the guest can be given back to --auto. */
static void the_guest_is_given_back(void **state)
{
	struct run r = served(state);
	struct balloon_figures *f = &r.bench->figures;

	f->pinned = f->refused = true;
	f->limit_kib = 200 * MIB;
	f->refused_kib = 64 * MIB;
	f->refused_free_kib = 100 * MIB;
	f->refused_owed_kib = 300 * MIB;
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\nmost           200 MiB\nchosen by      hand"));
	assert_non_null(strstr(tool.out, "refused        64 MiB: the host has 100 MiB free, and 300 MiB is"));
	assert_int_equal(run(&r, "auto 7"), CTL_EXIT_DONE);
	assert_false(f->pinned);
	assert_non_null(strstr(tool.out, "--auto may choose"));
	assert_int_equal(run(&r, "auto 7 --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\"pinned\":false"));
	r.store_result = -EACCES;
	assert_int_equal(run(&r, "auto 8"), CTL_EXIT_NO_DAEMON);
}

static void waiting_ends_when_it_is_reached(void **state)
{
	struct run r = served(state);
	const char *last;

	r.step = inflate;
	assert_int_equal(run(&r, "set 7 960M --wait"), CTL_EXIT_DONE);
	assert_int_equal(r.bench->figures.ballooned_kib, 64 * MIB);
	assert_non_null(strstr(tool.out, "100%  64 of 64 MiB\n"));
	assert_null(strchr(tool.out, '\r'));
	assert_string_equal(tool.err, "");
	r.tty = true;
	assert_int_equal(run(&r, "set 7 832M --wait --timeout 20"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\r"));
	assert_non_null(strstr(tool.out, "[########################] 100%"));
	assert_non_null(strstr(tool.out, "left"));
	assert_int_equal(run(&r, "set 7 800M --wait --json"), CTL_EXIT_DONE);
	assert_null(strchr(tool.out, '\r'));
	last = strstr(tool.out, "{\"state\":\"reached\",\"percent\":100");
	assert_non_null(last);
}

static void stall(struct control_bench *b, unsigned int ms)
{
	if (ms != 50)
		return;
	b->figures.stall = BALLOON_STALL_MAX_MEM;
	b->figures.stall_kib = 8 * MIB;
	control_changed(b->control);
}

static void a_stall_ends_the_waiting(void **state)
{
	struct run r = served(state);

	r.stall_ms = 300;
	r.step = stall;
	r.bench->figures.ballooned_kib = 64 * MIB;
	assert_int_equal(run(&r, "set 7 1G --wait"), CTL_EXIT_STALLED);
	tool_bench_expect(&tool, "xl mem-max");
	r.bench->figures.stall = BALLOON_STALL_NONE;
	r.step = NULL;
	assert_int_equal(run(&r, "set 7 512M --wait"), CTL_EXIT_STALLED);
	tool_bench_expect(&tool, "the guest gives no more");
	r.bench->figures.common.driver_ok = false;
	assert_int_equal(run(&r, "set 7 512M --wait --json"), CTL_EXIT_STALLED);
	assert_non_null(strstr(tool.out, "\"state\":\"stalled\""));
	assert_non_null(strstr(tool.out, "virtio_balloon"));
	assert_string_equal(tool.err, "");
}

/* Of a guest that was reset it is told whether it waits. */
static void a_reset_is_told(void **state)
{
	struct run r = served(state);

	r.bench->figures.stall = BALLOON_STALL_HOST;
	r.bench->figures.stall_kib = 8 * MIB;
	r.bench->figures.paused = true;
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "paused"));
	assert_non_null(strstr(tool.out, "paused until its memory is back"));
	r.bench->figures.paused = false;
	r.bench->figures.holes_kib = 8 * MIB;
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "holes"));
	assert_non_null(strstr(tool.out, "runs without 8 MiB of its memory"));
}

static void the_time_may_be_over(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "set 7 512M --wait --timeout 1"), CTL_EXIT_TIMEOUT);
	tool_bench_expect(&tool, "after 1 s");
}

/* Once, a while after the tool's request was served, however long that took to get here. */
static bool is_waiting(struct control_bench *b, unsigned int ms)
{
	static unsigned int served_ms;

	if (!b->sets)
		served_ms = ms;
	return ms == served_ms + 50;
}

static void set_another(struct control_bench *b, unsigned int ms)
{
	if (!is_waiting(b, ms))
		return;
	b->figures.target_kib = 768 * MIB;
	control_changed(b->control);
}

static void another_target_ends_the_waiting(void **state)
{
	struct run r = served(state);

	r.step = set_another;
	assert_int_equal(run(&r, "set 7 512M --wait"), CTL_EXIT_SUPERSEDED);
	tool_bench_expect(&tool, "768 MiB");
}

static void end_daemon(struct control_bench *b, unsigned int ms)
{
	if (is_waiting(b, ms))
		control_stop(b->control);
}

static void the_daemons_end_ends_the_waiting(void **state)
{
	struct run r = served(state);

	r.step = end_daemon;
	assert_int_equal(run(&r, "set 7 512M --wait"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "has ended");
}

static void answer_unused(struct control_bench *b, unsigned int ms)
{
	if (!b->asks)
		return;
	b->figures.unused = BALLOON_UNUSED_DONE;
	b->figures.unused_via = BALLOON_UNUSED_VIA_HOST_REQ;
	b->figures.unused_kib = 768 * MIB;
	b->figures.ram_kib = 1024 * MIB;
	b->figures.unused_ns = 12345678;
	balloon_commands_unused(&b->commands, NULL);
}

static void refuse_unused(struct control_bench *b, unsigned int ms)
{
	struct control_error error;

	control_error_set(&error, b->figures.stalls ? CONTROL_NO_ANSWER : CONTROL_BAD_ANSWER,
			  "the reason");
	if (b->asks)
		balloon_commands_unused(&b->commands, &error);
}

static void unused_memory_is_shown(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_REFUSED);
	tool_bench_expect(&tool, "domain 7: cannot be asked");
	r.bench->may_ask = true;
	r.step = answer_unused;
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "768 MiB of 1024 MiB (75 %)"));
	assert_non_null(strstr(tool.out, "in 0.012 s, by host-request"));
	/* nothing is held on */
	control_bench_wait(r.bench, 2);
	assert_int_equal(r.bench->releases, 1);
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7 --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\"unused_kib\":786432"));
	r.step = refuse_unused;
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_REFUSED);
	tool_bench_expect(&tool, "the reason");
	r.bench->figures.stalls = 1;
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_TIMEOUT);
	tool_bench_expect(&tool, "the reason");
}

/* What listens in a daemon's place. */
struct impostor {
	int listener, client;
	const char *answer;
};

static struct impostor impostor;

static void answer_as_impostor(struct control_bench *b, unsigned int ms)
{
	if (impostor.client >= 0)
		return;
	impostor.client = accept(impostor.listener, NULL, NULL);
	if (impostor.client >= 0)
		client_send(impostor.client, impostor.answer);
}

/* Something else listens there: one line, and no waiting for ever. */
static void a_daemon_that_is_none(void **state)
{
	static const char *const answers[] = {"\n",
					      "hello\n",
					      "[]\n",
					      "{\"id\":1}\n",
					      "{\"id\":1,\"result\":7}\n",
					      "{\"id\":1,\"result\":{\"domid\":-1}}\n",
					      "{\"id\":1,\"error\":\"x\"}\n"};
	struct run r = {.bench = *state, .step = answer_as_impostor};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int code;

		impostor = (struct impostor){
			.listener = access_listen(r.bench->path, ACCESS_NO_GROUP, 4),
			.client = -1,
			.answer = answers[i],
		};
		assert_true(impostor.listener >= 0);
		code = run(&r, "status 7");
		assert_true(code == CTL_EXIT_FAILED || code == CTL_EXIT_REFUSED);
		tool_bench_expect(&tool, "domain 7");
		close(impostor.client);
		close(impostor.listener);
		unlink(r.bench->path);
	}
}

/* It is there and says nothing, or does not even take the connection. */
static void a_daemon_that_hangs(void **state)
{
	struct run r = {.bench = *state};
	int fd = access_listen(r.bench->path, ACCESS_NO_GROUP, 0), first;
	uint64_t begin_ms = clock_now_ms();

	assert_true(fd >= 0);
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_FAILED);
	tool_bench_expect(&tool, "domain 7: its xen-vballoond does not answer");
	assert_int_equal(clock_now_ms() - begin_ms, CTL_ANSWER_MS);
	close(fd);
	fd = access_listen(r.bench->path, ACCESS_NO_GROUP, 0);
	first = client_connect(r.bench->path);
	assert_true(first >= 0);
	assert_int_equal(client_connect(r.bench->path), -EAGAIN);
	begin_ms = clock_now_ms();
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_FAILED);
	tool_bench_expect(&tool, "domain 7: its xen-vballoond does not answer");
	assert_int_equal(clock_now_ms() - begin_ms, CTL_ANSWER_MS);
	close(first);
	close(fd);
	unlink(r.bench->path);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_daemon_is_told),
		TEST(no_xen_is_told),
		TEST(who_is_served_needs_no_xenstore),
		TEST(a_guest_is_waited_for),
		TEST(so_is_one_that_is_not_there_yet),
		TEST(waiting_ends),
		TEST(figures_are_shown),
		TEST(set_asks_and_goes),
		TEST(the_guest_is_given_back),
		TEST(waiting_ends_when_it_is_reached),
		TEST(a_stall_ends_the_waiting),
		TEST(a_reset_is_told),
		TEST(the_time_may_be_over),
		TEST(another_target_ends_the_waiting),
		TEST(the_daemons_end_ends_the_waiting),
		TEST(unused_memory_is_shown),
		TEST(a_daemon_that_is_none),
		TEST(a_daemon_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
