// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control tool against a daemon's control socket: the tool runs in a child, the daemon's event
 * loop here. Each outcome has its exit code and one line that says why.
 */
#include "config.h"

#include "control-bench.h"
#include "fake/store-fake.h"
#include "tools/ctl.h"

#include "backend/access.h"

#include <errno.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB 1024u

/* What one run of the tool said. */
static char out[65536], err[4096];

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	return opaque ? fake_store_open(opaque, store) : -ENOENT;
}

struct run {
	struct control_bench *bench;
	struct fake_store *store; /* NULL: xenstore cannot be reached */
	bool tty;
	unsigned int stall_ms;
	/** step - called about each millisecond while the tool runs; may be NULL */
	void (*step)(struct control_bench *b, unsigned int ms);
};

static enum ctl_exit run_child(const struct run *r, const char *line, int out_fd, int err_fd)
{
	char words[512], *argv[16] = {(char[]){"xen-vballoonctl"}}, *save = NULL, why[256];
	struct ctl_options opts;
	struct ctl ctl = {
		.opts = &opts,
		.out = fdopen(out_fd, "w"),
		.err = fdopen(err_fd, "w"),
		.tty = r->tty,
		.stall_ms = r->stall_ms,
		.open_store = open_store,
		.opaque = r->store,
	};
	enum ctl_exit code;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	if (ctl_options_parse(&opts, argc, argv, why, sizeof(why)) != COMMAND_LINE_RUN)
		return CTL_EXIT_USAGE;
	opts.state_dir = r->bench->dir;
	code = ctl_run(&ctl);
	fflush(ctl.out);
	fflush(ctl.err);
	return code;
}

static void read_back(int fd, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	assert_true(got >= 0 && got < (ssize_t)size - 1);
	text[got] = '\0';
	close(fd);
}

/* Runs @line, with the daemon served meanwhile. Return: the exit code */
static int run(const struct run *r, const char *line)
{
	int out_fd = memfd_create("out", MFD_CLOEXEC), err_fd = memfd_create("err", MFD_CLOEXEC);
	int status = 0;
	pid_t pid;

	assert_true(out_fd >= 0 && err_fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit((int)run_child(r, line, out_fd, err_fd));
	for (unsigned int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms++) {
		control_bench_wait(r->bench, 1);
		if (r->step)
			r->step(r->bench, ms);
		assert_true(ms < 30000);
	}
	assert_true(WIFEXITED(status));
	read_back(out_fd, out, sizeof(out));
	read_back(err_fd, err, sizeof(err));
	return WEXITSTATUS(status);
}

/* One line, that names @text. */
static void said(const char *text)
{
	const char *end = strchr(err, '\n');

	assert_non_null(end);
	assert_int_equal(end[1], '\0');
	assert_non_null(strstr(err, text));
}

static struct run served(void **state)
{
	struct control_bench *b = *state;

	control_bench_open(b);
	return (struct run){.bench = b};
}

static void no_daemon_is_told(void **state)
{
	struct run r = {.bench = *state};
	struct fake_store *store = fake_store_new();

	assert_int_equal(run(&r, "list"), CTL_EXIT_NO_DAEMON);
	said("no xen-vballoond is running");
	assert_string_equal(out, "");
	assert_int_equal(run(&r, "list --json"), CTL_EXIT_NO_DAEMON);
	assert_string_equal(out, "[]\n");
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_NO_DAEMON);
	said("xen-vballoond --domid 7");
	assert_int_equal(run(&r, "set 7 256M --wait"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "stats 7 --watch"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "top --count 1"), CTL_EXIT_NO_DAEMON);
	/* a socket that one left that was killed */
	close(access_listen(r.bench->path, ACCESS_NO_GROUP, 1));
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_NO_DAEMON);
	said("xen-vballoond --domid 7");
	assert_int_equal(run(&r, "list"), CTL_EXIT_NO_DAEMON);
	unlink(r.bench->path);
	/* names need xenstore */
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_FAILED);
	said("xenstore");
	r.store = store;
	fake_store_put(store, "/local/domain/7/name", "guest");
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_NO_DAEMON);
	said("domain 7");
	assert_int_equal(run(&r, "status nobody"), CTL_EXIT_NO_DAEMON);
	said("nobody: no such domain");
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
	r.bench->figures.guest_errors[XENVIRTIO_GUEST_BAD_RING] = 4;
	r.bench->figures.stats_sequence = 1;
	r.bench->figures.stats_valid = 1u << BALLOON_STAT_FREE_MEMORY;
	r.bench->figures.stats[BALLOON_STAT_FREE_MEMORY] = 268435456;
	assert_int_equal(run(&r, "status guest"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "512 MiB of 1024 MiB"));
	assert_non_null(strstr(out, "settled"));
	assert_non_null(strstr(out, "bad-ring 4"));
	assert_string_equal(err, "");
	assert_int_equal(run(&r, "status 7 --devid 0 --json"), CTL_EXIT_DONE);
	json = json_tokener_parse(out);
	assert_int_equal(json_object_get_int(json_at(json, "target_kib")), 524288);
	json_object_put(json);
	assert_int_equal(run(&r, "status 7 --devid 1"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_non_null(
		strstr(out, "    7 guest                  0     1024      512      512 settled"));
	assert_int_equal(run(&r, "stats 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "domain 7, "));
	assert_non_null(strstr(out, "free-memory"));
	assert_non_null(strstr(out, "268435456"));
	assert_int_equal(run(&r, "stats 7 --watch --interval 1 --count 2 --json"), CTL_EXIT_DONE);
	assert_int_equal(strchr(out, '\n')[1], '{');
	assert_int_equal(run(&r, "top --count 1"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "      256        - settled"));
	assert_null(strchr(out, '\033'));
	r.tty = true;
	assert_int_equal(run(&r, "top --count 1"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "\033[H\033[2J"));
	/* a guest's name does not speak to the terminal */
	strcpy(r.bench->figures.name, "a\033[31mb");
	assert_int_equal(run(&r, "list"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "a?[31mb"));
	fake_store_free(r.store);
}

static void set_asks_and_goes(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "set 7 512M"), CTL_EXIT_DONE);
	assert_int_equal(r.bench->figures.target_kib, 512 * MIB);
	assert_non_null(strstr(out, "target is 512 MiB"));
	assert_int_equal(run(&r, "set 7 2G"), CTL_EXIT_REFUSED);
	said("too much");
	r.bench->figures.driver_ok = false;
	assert_int_equal(run(&r, "set 7 256M"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "virtio_balloon"));
}

/* A guest that gives 4 MiB a step of 20 ms. */
static void inflate(struct control_bench *b, unsigned int ms)
{
	if (ms % 20 == 0 && b->figures.ballooned_kib < figures_wanted_kib(&b->figures)) {
		b->figures.ballooned_kib += 4 * MIB;
		control_changed(b->control);
	}
}

/* Who chooses, and what was refused, is seen; the guest can be given back to --auto. */
static void the_guest_is_given_back(void **state)
{
	struct run r = served(state);
	struct figures *f = &r.bench->figures;

	f->pinned = true;
	f->refused = true;
	f->refused_kib = 64 * MIB;
	f->refused_free_kib = 100 * MIB;
	f->refused_owed_kib = 300 * MIB;
	assert_int_equal(run(&r, "status 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "chosen by      hand"));
	assert_non_null(strstr(out, "refused        64 MiB: the host has 100 MiB free, and 300 MiB is"));
	assert_int_equal(run(&r, "auto 7"), CTL_EXIT_DONE);
	assert_false(f->pinned);
	assert_non_null(strstr(out, "--auto may choose"));
	assert_int_equal(run(&r, "auto 7 --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "\"pinned\":false"));
	assert_int_equal(run(&r, "auto 8"), CTL_EXIT_NO_DAEMON);
}

static void waiting_ends_when_it_is_reached(void **state)
{
	struct run r = served(state);
	const char *last;

	r.step = inflate;
	assert_int_equal(run(&r, "set 7 960M --wait"), CTL_EXIT_DONE);
	assert_int_equal(r.bench->figures.ballooned_kib, 64 * MIB);
	assert_non_null(strstr(out, "100%  64 of 64 MiB\n"));
	assert_null(strchr(out, '\r'));
	assert_string_equal(err, "");
	r.tty = true;
	assert_int_equal(run(&r, "set 7 832M --wait --timeout 20"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "\r"));
	assert_non_null(strstr(out, "[########################] 100%"));
	assert_non_null(strstr(out, "left"));
	assert_int_equal(run(&r, "set 7 800M --wait --json"), CTL_EXIT_DONE);
	assert_null(strchr(out, '\r'));
	last = strstr(out, "{\"state\":\"reached\",\"percent\":100");
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
	said("xl mem-max");
	r.bench->figures.stall = BALLOON_STALL_NONE;
	r.step = NULL;
	assert_int_equal(run(&r, "set 7 512M --wait"), CTL_EXIT_STALLED);
	said("the guest gives no more");
	r.bench->figures.driver_ok = false;
	assert_int_equal(run(&r, "set 7 512M --wait --json"), CTL_EXIT_STALLED);
	assert_non_null(strstr(out, "\"state\":\"stalled\""));
	assert_non_null(strstr(out, "virtio_balloon"));
	assert_string_equal(err, "");
}

static void the_time_may_be_over(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "set 7 512M --wait --timeout 1"), CTL_EXIT_TIMEOUT);
	said("after 1 s");
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
	said("768 MiB");
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
	said("has ended");
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
	control_unused(b->control, NULL);
}

static void refuse_unused(struct control_bench *b, unsigned int ms)
{
	struct control_error error;

	control_error_set(&error, b->figures.stalls ? CONTROL_NO_ANSWER : CONTROL_BAD_ANSWER,
			  "the reason");
	if (b->asks)
		control_unused(b->control, &error);
}

static void unused_memory_is_shown(void **state)
{
	struct run r = served(state);

	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_REFUSED);
	said("domain 7: cannot be asked");
	r.bench->may_ask = true;
	r.step = answer_unused;
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "768 MiB of 1024 MiB (75 %)"));
	assert_non_null(strstr(out, "in 0.012 s, by host-request"));
	/* nothing is held on */
	control_bench_wait(r.bench, 2);
	assert_int_equal(r.bench->releases, 1);
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7 --json"), CTL_EXIT_DONE);
	assert_non_null(strstr(out, "\"unused_kib\":786432"));
	r.step = refuse_unused;
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_REFUSED);
	said("the reason");
	r.bench->figures.stalls = 1;
	r.bench->asks = 0;
	assert_int_equal(run(&r, "unused 7"), CTL_EXIT_TIMEOUT);
	said("the reason");
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
	struct run r = {.bench = *state};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int fd = access_listen(r.bench->path, ACCESS_NO_GROUP, 4), client;
		pid_t pid;
		int code;

		assert_true(fd >= 0);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			for (int ms = 0; ms < 5000; ms++) {
				client = accept(fd, NULL, NULL);
				if (client >= 0) {
					send(client, answers[i], strlen(answers[i]), MSG_NOSIGNAL);
					usleep(200000);
					_exit(0);
				}
				usleep(1000);
			}
			_exit(1);
		}
		code = run(&r, "status 7");
		assert_true(code == CTL_EXIT_FAILED || code == CTL_EXIT_REFUSED);
		said("domain 7");
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(fd);
		unlink(r.bench->path);
	}
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_daemon_is_told),
		TEST(figures_are_shown),
		TEST(set_asks_and_goes),
		TEST(the_guest_is_given_back),
		TEST(waiting_ends_when_it_is_reached),
		TEST(a_stall_ends_the_waiting),
		TEST(the_time_may_be_over),
		TEST(another_target_ends_the_waiting),
		TEST(the_daemons_end_ends_the_waiting),
		TEST(unused_memory_is_shown),
		TEST(a_daemon_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
