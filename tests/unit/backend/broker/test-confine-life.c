// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole life of a device process, sealed by what it is sealed with: it begins, serves a driver, answers clients of its control
 * socket and of its metrics, writes its log, and ends. The device is a child; this process is its clients. Under sanitizers and
 * valgrind it lives the same life without the seal, and says so.
 */
#include "backend/base/access.h"
#include "backend/base/state-lock.h"
#include "confine/confine-calls.h"
#include "backend/metrics/metrics.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <xenvirtio/confine.h>

/* from the device: it serves; to it: the clients are done */
static int serves[2], done[2];
static unsigned int seals;

static int seal(void *opaque, uint64_t state_bytes, struct log *log)
{
	struct process_bench *b = opaque;
	struct stat st;

	/* no longer is it to be from now on */
	if (stat(b->state_file, &st) || (uint64_t)st.st_size != state_bytes || !state_bytes)
		return -1;

	/* nothing was looked at, nobody was told */
	if (b->readies || !process_bench_has_state(b) || access(b->socket_path, F_OK))
		return -1;
	seals++;
	if (!confine_calls_can() || getenv("UNDER_VALGRIND")) {
		print_message("# what watches this process makes system calls of its own: nothing is sealed\n");
		return 0;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return xenvirtio_confine_calls(false, NULL);
}

/*
 * What has a name is opened before the seal, by name, and removed by whoever is not sealed: here nobody is, so the test does. A size
 * that is kept is asked for by number.
 */
static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	struct process_bench *b = opaque;

	return state_file_make_dir(b->state_dir, NULL) ? -errno : state_lock(b->state_file, owner);
}

static int leave_state(void *opaque, uint32_t devid, int fd)
{
	return 0;
}

static int listen_control(void *opaque, uint32_t devid)
{
	return access_listen(((struct process_bench *)opaque)->socket_path, ACCESS_NO_GROUP, 64);
}

static int leave_control(void *opaque, uint32_t devid)
{
	return 0;
}

static int no_size(void *opaque, uint32_t devid, uint64_t *kib)
{
	return -ENOENT;
}

static int keep_no_size(void *opaque, uint32_t devid, uint64_t kib)
{
	return 0;
}

static struct doors doors = {
	.open_state = open_state,
	.remove_state = leave_state,
	.listen_control = listen_control,
	.unlisten_control = leave_control,
	.read_size = no_size,
	.keep_size = keep_no_size,
	.drop_size = leave_control,
};

/* The bench's own looks at files, by name. */
static void note_ready(void *opaque)
{
	((struct process_bench *)opaque)->readies++;
}

static void on_done(evutil_socket_t fd, short what, void *opaque)
{
	char byte;

	*(bool *)opaque = read(fd, &byte, 1) == 1;
}

static int begin(struct process_bench *b, struct log *log)
{
	doors.opaque = b;
	doors.uid = geteuid();
	doors.group = ACCESS_NO_GROUP;
	doors.metrics = metrics_listen(&b->opts.common.metrics, NULL);
	b->env.doors = &doors;
	b->env.seal = seal;
	b->env.ready = note_ready;
	if (log_open(log, &balloon_program, LOG_LEVEL_DEBUG, false) ||
	    device_process_new(&b->process, b->base, b->type, b->type_opts, log, &b->env))
		return 10;
	process_bench_run(b);
	return device_process_serving(b->process) && seals == 1 && b->readies == 1 ? 0 : 11;
}

static int serve_guest(struct process_bench *b)
{
	if (process_bench_driver(b) || process_bench_send(b, INFLATE, BENCH_FREE_GFN, 700) ||
	    process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 300) || fake_holes(b->fake) != 400)
		return 12;
	/* a guest that breaks the rules: it is in the log, and its device wants a reset */
	if (process_bench_send(b, INFLATE, 0xffffff, 1) == 0 && driver_status(&b->driver) == 0)
		return 13;
	return driver_reset(&b->driver) || process_bench_driver(b) ? 14 : 0;
}

static int serve_clients(struct process_bench *b)
{
	bool over = false;
	struct event *ev = event_new(b->base, done[0], EV_READ | EV_PERSIST, on_done, &over);

	event_add(ev, NULL);
	if (write(serves[1], "", 1) != 1)
		return 15;
	while (!over && event_base_loop(b->base, EVLOOP_ONCE) == 0)
		process_bench_run(b);
	event_free(ev);
	return 0;
}

static int live(struct process_bench *b)
{
	enum exit_code code;
	struct log log;
	int ret = begin(b, &log);

	if (!ret)
		ret = serve_guest(b);
	if (!ret)
		ret = serve_clients(b);
	if (ret)
		return ret;
	/* time for what is published, and for the sweep of clients */
	process_bench_wait_key(b, "no-such-key", "never");
	raise(SIGTERM);
	if (!process_bench_wait_end(b, &code) || code != EXIT_CODE_DONE)
		return 16;
	process_bench_stop(b);
	log_close(&log);
	return 0;
}

/* A client who waits for all of the answer; @until: its end, NULL: the other closes. */
static void ask(const struct metrics_address *where, const char *question, const char *until, const char *expected)
{
	int fd = socket(where->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char answer[1 << 17];
	size_t have = 0;
	ssize_t n;

	assert_int_equal(connect(fd, (const struct sockaddr *)&where->address, where->len), 0);
	assert_int_equal(send(fd, question, strlen(question), MSG_NOSIGNAL), strlen(question));
	answer[0] = '\0';
	while (!until || !strstr(answer, until)) {
		n = read(fd, answer + have, sizeof(answer) - 1 - have);
		if (n <= 0)
			break;
		have += (size_t)n;
		answer[have] = '\0';
	}
	if (!strstr(answer, expected))
		print_message("# asked %s: %s\n", question, answer);
	assert_non_null(strstr(answer, expected));
	close(fd);
}

static struct metrics_address at_path(const char *path)
{
	struct metrics_address a = {.len = sizeof(struct sockaddr_un)};
	struct sockaddr_un *un = (struct sockaddr_un *)&a.address;

	un->sun_family = AF_UNIX;
	assert_in_range(strlen(path), 1, sizeof(un->sun_path) - 1);
	strcpy(un->sun_path, path);
	return a;
}

/* One that is free: nobody is given it again soon. */
static struct metrics_address at_port(void)
{
	struct metrics_address a = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&a.address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)in, a.len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)in, &a.len), 0);
	close(fd);
	return a;
}

static void be_clients(struct process_bench *b)
{
	const struct metrics_address control = at_path(b->socket_path), *metrics = &b->opts.common.metrics;

	ask(&control, "{\"id\":1,\"cmd\":\"status\"}\n", "\n", "\"ballooned_kib\"");
	ask(&control, "{\"cmd\":\"set\",\"kib\":16384}\n", "\n", "16384");
	ask(&control, "{\"cmd\":\"watch\"}\n", "\n", "result");
	ask(&control, "{\"cmd\":\"nonsense\"}\n", "\n", "error");
	ask(&control, "this is no JSON\n", "\n", "error");
	ask(metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", NULL, "xen_vballoon_");
	ask(metrics, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", NULL, "404");
	ask(metrics, "nonsense\r\n\r\n", NULL, "");
}

static void whole_life(struct process_bench *b)
{
	char byte;
	int status;
	pid_t pid;

	assert_int_equal(pipe(serves), 0);
	assert_int_equal(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		close(serves[0]);
		event_reinit(b->base);
		_exit(live(b));
	}
	close(serves[1]);
	if (read(serves[0], &byte, 1) == 1) {
		be_clients(b);
		assert_int_equal(write(done[1], "", 1), 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		print_message("# the device died of signal %d\n", WTERMSIG(status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	unlink(b->socket_path);
	unlink(b->state_file);
	close(serves[0]);
	close(done[0]);
	close(done[1]);
}

static void a_whole_life_is_within_the_list(void **state)
{
	struct process_bench *b = *state;
	char metrics[96];

	snprintf(metrics, sizeof(metrics), "%s/metrics.sock", b->dir);
	b->opts.common.metrics = at_path(metrics);
	whole_life(b);
	unlink(metrics);
}

/* libevent tells the peer's address there, as text. */
static void so_is_one_with_metrics_at_a_port(void **state)
{
	struct process_bench *b = *state;

	b->opts.common.metrics = at_port();
	whole_life(b);
}

static int fail_to_seal(void *opaque, uint64_t state_bytes, struct log *log)
{
	return -EACCES;
}

/* --sandbox=require, on a host that cannot. */
static void what_cannot_be_sealed_does_not_serve(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;

	b->env.seal = fail_to_seal;
	assert_false(process_bench_start(b));
	assert_true(process_bench_ended(b, &code));
	assert_int_equal(code, EXIT_CODE_NO_XEN);
	assert_int_equal(b->readies, 0);
	assert_null(process_bench_key(b, "path"));
	assert_int_equal(access(b->socket_path, F_OK), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_whole_life_is_within_the_list),
		TEST(so_is_one_with_metrics_at_a_port),
		TEST(what_cannot_be_sealed_does_not_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
