// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket's bounds: a line's length and time, what waits to be read, connections and
 * descriptors. Whatever a client does, the others are served and nothing grows without bound.
 */
#include "unit/rigs/control-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void a_line_is_bounded(void **state)
{
	static char line[CONTROL_LINE_MAX + 64];
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b);

	/* the longest one is taken */
	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"cmd\":\"ping\"}", 14);
	line[CONTROL_LINE_MAX] = '\n';
	line[CONTROL_LINE_MAX + 1] = '\0';
	client_send(fd, line);
	assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
	/* one more byte is not, with its newline or without */
	line[CONTROL_LINE_MAX] = ' ';
	line[CONTROL_LINE_MAX + 1] = '\n';
	line[CONTROL_LINE_MAX + 2] = '\0';
	client_send(fd, line);
	expect_error(b->base, fd, CONTROL_TOO_LONG);
	assert_true(client_closed(b->base, fd));
	close(fd);
	fd = control_bench_client(b);
	line[CONTROL_LINE_MAX + 1] = '\0';
	client_send(fd, line);
	expect_error(b->base, fd, CONTROL_TOO_LONG);
	assert_true(client_closed(b->base, fd));
	close(fd);
	assert_int_equal(control_clients(b->control), 0);
}

/* However slowly it drips: the time runs from its first byte. */
static void a_half_sent_line_times_out(void **state)
{
	struct control_bench *b = *state;
	int fd;

	b->cfg.line_ms = 100;
	control_bench_open(b);
	fd = control_bench_client(b);
	client_send(fd, "{\"cmd\":\"ping\"}\n{\"cm");
	assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
	for (int i = 0; i < 3; i++) {
		control_bench_wait(b, 30);
		send(fd, "d", 1, MSG_NOSIGNAL);
	}
	control_bench_wait(b, 9);
	assert_true(client_quiet(b->base, fd));
	control_bench_wait(b, 1);
	expect_error(b->base, fd, CONTROL_TIMEOUT);
	assert_true(client_closed(b->base, fd));
	close(fd);
	/* one that has begun nothing may be silent as long as it likes */
	fd = control_bench_client(b);
	control_bench_wait(b, 150);
	client_send(fd, "{\"cmd\":\"ping\"}\n");
	assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
	close(fd);
}

/* Requests without end and none of the answers read: what waits is bounded, then it is dropped. */
static void who_never_reads_is_dropped(void **state)
{
	struct control_bench *b = *state;
	const char *request = "{\"cmd\":\"status\"}\n";
	unsigned int sent = 0;
	int fd, other;

	b->cfg.write_ms = 200;
	control_bench_open(b);
	fd = control_bench_client(b);
	for (int i = 0; i < 100000; i++) {
		if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
			control_bench_run(b);
			if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
				break;
		}
		sent++;
	}
	/* it was not read to the end: the kernel's buffers are full */
	assert_true(sent < 100000);
	other = control_bench_client(b);
	client_send(other, request);
	expect_u64(b->base, other, "result.domid", 7);
	control_bench_wait(b, 199);
	assert_int_equal(control_clients(b->control), 2);
	control_bench_wait(b, 1);
	assert_int_equal(control_clients(b->control), 1);
	close(fd);
	close(other);
}

static void a_watcher_that_never_reads_is_dropped(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b), reader = control_bench_client(b);
	unsigned int events = 0;

	client_send(fd, "{\"cmd\":\"watch\"}\n");
	client_send(reader, "{\"id\":9,\"cmd\":\"watch\"}\n");
	expect_u64(b->base, reader, "result.ballooned_kib", 0);
	while (control_clients(b->control) == 2 && events < 10000) {
		b->figures.ballooned_kib = ++events * 4;
		control_changed(b->control);
		expect_u64(b->base, reader, "status.ballooned_kib", events * 4);
	}
	assert_true(events < 10000);
	assert_true(log_capture_has(&b->capture, "does not read"));
	close(fd);
	close(reader);
}

/* A thousand at once: those beyond the limit hear why, and it is as before when they are gone. */
static void a_thousand_clients(void **state)
{
	static int fd[1000];
	const struct rlimit files = {1200, 1200};
	struct control_bench *b = control_bench_opened(state);
	unsigned int refused = 0, served = 0;
	struct rlimit before;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_cur < 1200)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (size_t i = 0; i < 1000; i++) {
		fd[i] = control_bench_client(b);
		assert_true(control_clients(b->control) <= CONTROL_CLIENTS_MAX);
	}
	for (size_t i = 0; i < 1000; i++) {
		const char *line;

		send(fd[i], "{\"id\":1,\"cmd\":\"ping\"}\n", 22, MSG_NOSIGNAL);
		line = client_line(b->base, fd[i]);
		if (line && strstr(line, "result"))
			served++;
		else if (line && strstr(line, CONTROL_BUSY))
			refused++;
	}
	/* all of them were told; who came while 64 talked was refused */
	assert_int_equal(served, CONTROL_CLIENTS_MAX);
	assert_int_equal(refused, 1000 - CONTROL_CLIENTS_MAX);
	/* 64 silent ones keep nobody out: the one that was silent longest goes */
	control_bench_wait(b, CONTROL_IDLE_MS);
	for (size_t i = CONTROL_CLIENTS_MAX; i < CONTROL_CLIENTS_MAX + 3; i++) {
		close(fd[i]);
		fd[i] = control_bench_client(b);
		client_send(fd[i], "{\"cmd\":\"ping\"}\n");
		assert_string_equal(client_line(b->base, fd[i]), "{\"result\":{}}");
		assert_int_equal(control_clients(b->control), CONTROL_CLIENTS_MAX);
	}
	for (size_t i = 0; i < 1000; i++)
		close(fd[i]);
	/* a few at each turn of the loop */
	for (int i = 0; i < 1000 && control_clients(b->control); i++)
		control_bench_run(b);
	assert_int_equal(control_clients(b->control), 0);
}

/* No descriptors left: a connection waits, the loop does not spin, and goes on when there are. */
static void without_descriptors_it_waits(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	struct rlimit before, none;
	int fd, spare;

	/* valgrind takes the connection and closes it, where the kernel leaves it in the queue */
	if (getenv("UNDER_VALGRIND"))
		skip();
	fd = client_connect(b->path);
	assert_true(fd >= 0);
	spare = dup(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)spare + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	control_bench_wait(b, 999);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	control_bench_run(b);
	assert_int_equal(control_clients(b->control), 0);
	assert_int_equal(b->capture.lines, 1);
	control_bench_wait(b, 1);
	assert_int_equal(control_clients(b->control), 1);
	client_send(fd, "{\"cmd\":\"ping\"}\n");
	assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
	close(spare);
	close(fd);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_line_is_bounded),
		TEST(a_half_sent_line_times_out),
		TEST(who_never_reads_is_dropped),
		TEST(a_watcher_that_never_reads_is_dropped),
		TEST(a_thousand_clients),
		TEST(without_descriptors_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
