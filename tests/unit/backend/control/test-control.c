// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: every request gets its answer, in order; whatever a client does, the others
 * are served and nothing grows without bound.
 */
#include "unit/rigs/control-bench.h"

#include "backend/base/access.h"
#include "fake/machine-fake.h"

#include <errno.h>
#include <fcntl.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct control_bench *opened(void **state)
{
	struct control_bench *b = *state;

	control_bench_open(b);
	return b;
}

static int connected(struct control_bench *b)
{
	int fd = client_connect(b->path);

	assert_true(fd >= 0);
	control_bench_run(b);
	return fd;
}

static void each_command_is_answered(void **state)
{
	struct control_bench *b = opened(state);
	int fd = connected(b);
	struct json_object *json;

	client_send(fd, "{\"id\":1,\"cmd\":\"ping\"}\n");
	assert_string_equal(client_line(b->base, fd), "{\"id\":1,\"result\":{}}");
	/* without an id there is none in the answer, and blanks and a CR do no harm */
	client_send(fd, " { \"cmd\" : \"ping\" } \r\n");
	assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
	client_send(fd, "{\"id\":\"x\",\"cmd\":\"version\"}\n");
	json = client_json(b->base, fd);
	assert_string_equal(json_object_get_string(json_at(json, "id")), "x");
	assert_int_equal(json_object_get_int(json_at(json, "result.protocol")), CONTROL_PROTOCOL);
	json_object_put(json);

	b->figures.ballooned_kib = 4096;
	b->figures.stall = BALLOON_STALL_MAX_MEM;
	b->figures.stall_kib = 160;
	b->figures.guest_errors[XENVIRTIO_GUEST_BAD_PAGE] = 3;
	client_send(fd, "{\"id\":2,\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.ballooned_kib")), 4096);
	assert_string_equal(json_object_get_string(json_at(json, "result.stalled.why")), "max-mem");
	assert_int_equal(json_object_get_int(json_at(json, "result.stalled.need_kib")), 160);
	assert_int_equal(json_object_get_int(json_at(json, "result.guest_errors.bad-page")), 3);
	assert_string_equal(json_object_get_string(json_at(json, "result.name")), "guest");
	json_object_put(json);

	client_send(fd, "{\"id\":3,\"cmd\":\"set\",\"kib\":524288}\n");
	expect_u64(b->base, fd, "result.target_kib", 524288);
	assert_int_equal(b->figures.target_kib, 524288);
	client_send(fd, "{\"id\":4,\"cmd\":\"set\",\"kib\":1048577}\n");
	assert_string_equal(expect_error(b->base, fd, CONTROL_OUT_OF_RANGE), "too much");

	b->figures.pinned = true;
	b->figures.refused = true;
	b->figures.refused_kib = 4;
	b->figures.refused_free_kib = 16;
	b->figures.refused_owed_kib = 20;
	client_send(fd, "{\"id\":6,\"cmd\":\"auto\",\"kib\":4096}\n");
	assert_string_equal(expect_error(b->base, fd, CONTROL_PINNED), "not now");
	client_send(fd, "{\"id\":7,\"cmd\":\"auto\"}\n");
	json = client_json(b->base, fd);
	assert_false(json_object_get_boolean(json_at(json, "result.pinned")));
	assert_int_equal(json_object_get_int(json_at(json, "result.refused.target_kib")), 4);
	assert_int_equal(json_object_get_int(json_at(json, "result.refused.free_kib")), 16);
	assert_int_equal(json_object_get_int(json_at(json, "result.refused.owed_kib")), 20);
	json_object_put(json);
	client_send(fd, "{\"id\":8,\"cmd\":\"auto\",\"kib\":4096}\n");
	expect_u64(b->base, fd, "result.target_kib", 4096);

	b->figures.stats_sequence = 5;
	b->figures.stats_age_ms = 1200;
	b->figures.stats_ballooned_kib = 2048;
	b->figures.stats_valid = 1u << BALLOON_STAT_FREE_MEMORY;
	b->figures.stats[BALLOON_STAT_FREE_MEMORY] = UINT64_MAX;
	client_send(fd, "{\"id\":5,\"cmd\":\"stats\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.age_ms")), 1200);
	assert_int_equal(json_object_get_int(json_at(json, "result.ballooned_kib")), 2048);
	assert_int_equal(json_object_get_uint64(json_at(json, "result.stats.free-memory")),
			 UINT64_MAX);
	assert_null(json_at(json, "result.stats.total-memory"));
	json_object_put(json);
	close(fd);
}

/* The socket is for its group only, and a dead daemon's is replaced, a live one's is not. */
static void the_socket_is_private(void **state)
{
	struct control_bench *b = opened(state);
	struct control *second;
	struct stat st;
	FILE *f;

	assert_int_equal(stat(b->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(control_open(&second, &b->cfg), -EADDRINUSE);
	control_stop(b->control);
	assert_int_equal(stat(b->path, &st), -1);
	control_free(b->control);

	/* left by one that was killed: bound, and nobody listens */
	close(access_listen(b->path, ACCESS_NO_GROUP, 1));
	assert_int_equal(stat(b->path, &st), 0);
	control_bench_open(b);
	close(connected(b));
	control_free(b->control);
	b->control = NULL;

	f = fopen(b->path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(control_open(&second, &b->cfg), -EEXIST);
	assert_int_equal(unlink(b->path), 0);
	b->cfg.dir =
		"/tmp/a-directory-whose-name-is-so-long-that-no-socket-of-this-system-could-be-"
		"bound-in-it-whatever-the-socket-is-called";
	assert_int_equal(control_open(&second, &b->cfg), -ENAMETOOLONG);
}

/* Of the group there is, and only of that. */
static void the_socket_is_the_groups(void **state)
{
	gid_t group = geteuid() ? getegid() : 4711;
	struct control_bench *b = *state;
	struct stat st;

	machine_fake_set_group(group);
	control_bench_open(b);
	assert_int_equal(stat(b->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(st.st_gid, group);
	close(connected(b));
	machine_fake_set_group(ACCESS_NO_GROUP);
}

static void only_those_allowed_get_in(void **state)
{
	const gid_t others[] = {4, 27}, with[] = {4, 997};

	assert_true(access_allowed(0, 5, NULL, 0, 0, ACCESS_NO_GROUP));
	assert_true(access_allowed(1000, 5, NULL, 0, 1000, ACCESS_NO_GROUP));
	assert_false(access_allowed(1000, 5, others, 2, 0, ACCESS_NO_GROUP));
	assert_false(access_allowed(1000, ACCESS_NO_GROUP, others, 2, 0, ACCESS_NO_GROUP));
	assert_false(access_allowed(1000, 0, others, 2, 0, 997));
	assert_true(access_allowed(1000, 997, others, 2, 0, 997));
	assert_true(access_allowed(1000, 5, with, 2, 0, 997));
}

/* Even if somebody opens the socket's permissions: asked from another process, as another user. */
static void others_are_refused(void **state)
{
	struct control_bench *b = opened(state);
	int ended[2], status = 0;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(b->dir, 0755), 0);
	assert_int_equal(chmod(b->path, 0666), 0);
	assert_int_equal(pipe(ended), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char line[256] = "";
		int fd;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		fd = client_connect(b->path);
		if (fd < 0 || fcntl(fd, F_SETFL, 0) || recv(fd, line, sizeof(line) - 1, 0) <= 0)
			_exit(3);
		_exit(strstr(line, "\"not-permitted\"") ? 0 : 4);
	}
	close(ended[1]);
	control_bench_serve(b, ended[0]);
	close(ended[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* setgid() alone keeps the groups of root, none of which is ours */
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	control_bench_run(b);
	assert_int_equal(control_clients(b->control), 0);
	assert_true(log_capture_has(&b->capture, "refused"));
}

static void what_is_no_request_is_answered(void **state)
{
	static const struct {
		const char *line, *code;
	} bad[] = {
		{"", CONTROL_BAD_JSON},
		{"hello", CONTROL_BAD_JSON},
		{"{\"cmd\":\"ping\"", CONTROL_BAD_JSON},
		{"{\"cmd\":\"ping\"}}", CONTROL_BAD_JSON},
		{"{\"cmd\":\"ping\"} x", CONTROL_BAD_JSON},
		{"{'cmd':'ping'}", CONTROL_BAD_JSON},
		{"{\"cmd\":\"\xff\xfe\"}", CONTROL_BAD_JSON},
		{"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", CONTROL_BAD_JSON},
		{"null", CONTROL_BAD_JSON},
		{"12", CONTROL_BAD_REQUEST},
		{"[]", CONTROL_BAD_REQUEST},
		{"{}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":7}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"fly\"}", CONTROL_UNKNOWN_COMMAND},
		{"{\"cmd\":\"ping\",\"kib\":4}", CONTROL_UNKNOWN_KEY},
		{"{\"cmd\":\"set\",\"kib\":4,\"colour\":1}", CONTROL_UNKNOWN_KEY},
		{"{\"cmd\":\"set\"}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":-4}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":\"12Q\"}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":1.5}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":null}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":99999999999999999999999}", CONTROL_OUT_OF_RANGE},
		/* a number of any length is one: json-c's versions differ in that */
		{"{\"cmd\":\"set\",\"kib\":18446744073709551615}", CONTROL_OUT_OF_RANGE},
		{"{\"cmd\":\"set\",\"kib\":18446744073709551616}", CONTROL_OUT_OF_RANGE},
		{"{\"kib\":99999999999999999999,\"cmd\":\"set\"}", CONTROL_OUT_OF_RANGE},
		{"{\"cmd\":\"set\",\"kib\":-99999999999999999999999}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":99999999999999999999999.5}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":1.99999999999999999999999}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"set\",\"kib\":99999999999999999999999x}", CONTROL_BAD_JSON},
		{"{\"cmd\":\"set\",\"kib\":099999999999999999999999}", CONTROL_BAD_JSON},
		{"{\"cmd\":\"set\",\"99999999999999999999999\":4}", CONTROL_UNKNOWN_KEY},
		{"{\"cmd\":\"frames\",\"from\":99999999999999999999999}", CONTROL_BAD_REQUEST},
		{"99999999999999999999999", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"auto\",\"kib\":-4}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"auto\",\"refresh\":true}", CONTROL_UNKNOWN_KEY},
		{"{\"cmd\":\"stats\",\"refresh\":1}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"ping\",\"id\":{}}", CONTROL_BAD_REQUEST},
		{"{\"cmd\":\"ping\",\"id\":"
		 "\"0123456789012345678901234567890123456789012345678901234"
		 "567890123456789\"}",
		 CONTROL_BAD_REQUEST},
	};
	struct control_bench *b = opened(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = connected(b);

		client_send(fd, bad[i].line);
		client_send(fd, "\n");
		expect_error(b->base, fd, bad[i].code);
		/* and the next line is a request again */
		client_send(fd, "{\"cmd\":\"ping\"}\n");
		assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
		close(fd);
	}
	assert_int_equal(b->figures.target_kib, 1048576);
}

static void an_error_has_its_id(void **state)
{
	struct control_bench *b = opened(state);
	int fd = connected(b);
	struct json_object *json;

	client_send(fd, "{\"id\":41,\"cmd\":\"fly\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "id")), 41);
	assert_non_null(json_at(json, "error"));
	json_object_put(json);
	/* digits in a text are a text, also after what only looks like its end */
	client_send(fd, "{\"id\":\"\\\"99999999999999999999999\",\"cmd\":\"fly\"}\n");
	json = client_json(b->base, fd);
	assert_string_equal(json_object_get_string(json_at(json, "id")),
			    "\"99999999999999999999999");
	json_object_put(json);
	/* a NUL is not the end of a line's checks */
	assert_int_equal(send(fd, "{\"cmd\":\"ping\"}\0{\n", 17, MSG_NOSIGNAL), 17);
	expect_error(b->base, fd, CONTROL_BAD_JSON);
	close(fd);
}

static void garbage_ends_the_connection(void **state)
{
	struct control_bench *b = opened(state);
	int fd = connected(b), other = connected(b);

	for (unsigned int i = 0; i < CONTROL_BAD_MAX; i++)
		client_send(fd, "GET / HTTP/1.0\r\n");
	for (unsigned int i = 0; i < CONTROL_BAD_MAX; i++)
		expect_error(b->base, fd, CONTROL_BAD_JSON);
	expect_error(b->base, fd, CONTROL_BAD_REQUEST);
	assert_true(client_closed(b->base, fd));
	assert_int_equal(control_clients(b->control), 1);
	client_send(other, "{\"cmd\":\"ping\"}\n");
	assert_non_null(client_line(b->base, other));
	close(fd);
	close(other);
}

static void a_line_is_bounded(void **state)
{
	static char line[CONTROL_LINE_MAX + 64];
	struct control_bench *b = opened(state);
	int fd = connected(b);

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
	fd = connected(b);
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
	fd = connected(b);
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
	fd = connected(b);
	control_bench_wait(b, 150);
	client_send(fd, "{\"cmd\":\"ping\"}\n");
	assert_string_equal(client_line(b->base, fd), "{\"result\":{}}");
	close(fd);
}

/* printf | socat: requests, then end of file. */
static void who_ends_its_side_gets_its_answers(void **state)
{
	struct control_bench *b = opened(state);
	int fd = client_connect(b->path);

	for (int i = 0; i < 50; i++)
		client_send(fd, "{\"cmd\":\"status\"}\n");
	client_send(fd, "{\"cmd\":\"pi");
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 50; i++)
		expect_u64(b->base, fd, "result.domid", 7);
	assert_true(client_closed(b->base, fd));
	assert_int_equal(control_clients(b->control), 0);
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
	fd = connected(b);
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
	other = connected(b);
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
	struct control_bench *b = opened(state);
	int fd = connected(b), reader = connected(b);
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

static void a_watcher_hears_of_changes(void **state)
{
	struct control_bench *b = opened(state);
	int fd = connected(b), silent = connected(b);
	struct json_object *json;

	client_send(fd, "{\"id\":\"w\",\"cmd\":\"watch\"}\n");
	expect_u64(b->base, fd, "result.target_kib", 1048576);
	b->figures.ballooned_kib = 8;
	control_changed(b->control);
	json = client_json(b->base, fd);
	assert_string_equal(json_object_get_string(json_at(json, "id")), "w");
	assert_string_equal(json_object_get_string(json_at(json, "event")), "status");
	assert_int_equal(json_object_get_int(json_at(json, "status.ballooned_kib")), 8);
	json_object_put(json);
	/* what is as it was is not told again; statistics are not part of it */
	b->figures.stats_sequence = 9;
	control_changed(b->control);
	assert_true(client_quiet(b->base, fd));
	/* and requests are answered in between */
	client_send(fd, "{\"id\":2,\"cmd\":\"ping\"}\n");
	assert_string_equal(client_line(b->base, fd), "{\"id\":2,\"result\":{}}");
	assert_true(client_quiet(b->base, silent));
	close(fd);
	close(silent);
}

/* Both are answered with what is in force then; the later one stays. */
static void of_two_sets_the_last_wins(void **state)
{
	struct control_bench *b = opened(state);
	int one = connected(b), two = connected(b);

	client_send(one, "{\"id\":1,\"cmd\":\"set\",\"kib\":262144}\n");
	control_bench_run(b);
	client_send(two, "{\"id\":2,\"cmd\":\"set\",\"kib\":524288}\n");
	control_bench_run(b);
	expect_u64(b->base, one, "result.target_kib", 262144);
	expect_u64(b->base, two, "result.target_kib", 524288);
	client_send(one, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, one, "result.target_kib", 524288);
	assert_int_equal(b->sets, 2);
	close(one);
	close(two);
}

static void fresh_statistics_are_waited_for(void **state)
{
	struct control_bench *b = *state;
	int fd;

	b->cfg.stats_ms = 150;
	b->may_refresh = true;
	b->figures.stats_sequence = 1;
	control_bench_open(b);
	fd = connected(b);
	client_send(fd,
		    "{\"id\":1,\"cmd\":\"stats\",\"refresh\":true}\n{\"id\":2,\"cmd\":\"ping\"}\n");
	control_bench_run(b);
	assert_int_equal(b->refreshes, 1);
	assert_true(client_quiet(b->base, fd));
	control_changed(b->control);
	assert_true(client_quiet(b->base, fd));
	b->figures.stats_sequence = 2;
	control_changed(b->control);
	expect_u64(b->base, fd, "result.sequence", 2);
	/* answers keep the order of their requests */
	expect_u64(b->base, fd, "id", 2);
	/* a guest that does not answer: the old ones, after a while */
	client_send(fd, "{\"id\":3,\"cmd\":\"stats\",\"refresh\":true}\n");
	control_bench_wait(b, 149);
	assert_true(client_quiet(b->base, fd));
	control_bench_wait(b, 1);
	assert_false(client_quiet(b->base, fd));
	expect_u64(b->base, fd, "result.sequence", 2);
	/* none to be had: at once */
	b->may_refresh = false;
	client_send(fd, "{\"id\":4,\"cmd\":\"stats\",\"refresh\":true}\n");
	control_bench_run(b);
	assert_false(client_quiet(b->base, fd));
	expect_u64(b->base, fd, "id", 4);
	close(fd);
}

/* A thousand at once: those beyond the limit hear why, and it is as before when they are gone. */
static void a_thousand_clients(void **state)
{
	static int fd[1000];
	const struct rlimit files = {1200, 1200};
	struct control_bench *b = opened(state);
	unsigned int refused = 0, served = 0;
	struct rlimit before;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_cur < 1200)
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (size_t i = 0; i < 1000; i++) {
		fd[i] = connected(b);
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
		fd[i] = connected(b);
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
	struct control_bench *b = opened(state);
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

/* The daemon ends inside a request: the client that made it and all others are closed. */
static void an_end_inside_a_request_is_survived(void **state)
{
	struct control_bench *b = opened(state);
	int fd = connected(b), other = connected(b);

	b->stop_in_set = true;
	client_send(fd, "{\"cmd\":\"set\",\"kib\":4}\n{\"cmd\":\"ping\"}\n");
	assert_true(client_closed(b->base, fd));
	assert_true(client_closed(b->base, other));
	assert_int_equal(control_clients(b->control), 0);
	assert_int_equal(client_connect(b->path), -ENOENT);
	control_stop(b->control);
	close(fd);
	close(other);
}

/* --- unused pages --- */

static void unused_is_answered_when_the_guest_has(void **state)
{
	struct control_bench *b = *state;
	struct json_object *json;
	int fd;

	control_bench_open(b);
	b->may_ask = true;
	fd = client_connect(b->path);
	client_send(fd, "{\"id\":1,\"cmd\":\"unused\"}\n{\"id\":2,\"cmd\":\"release\"}\n");
	control_bench_run(b);
	assert_int_equal(b->asks, 1);
	assert_true(client_quiet(b->base, fd));
	b->figures.unused = BALLOON_UNUSED_DONE;
	b->figures.unused_kib = 4096;
	control_unused(b->control, NULL);
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "id")), 1);
	assert_int_equal(json_object_get_int(json_at(json, "result.unused_kib")), 4096);
	assert_string_equal(json_object_get_string(json_at(json, "result.via")), "free-page-hint");
	json_object_put(json);
	/* what stood behind it goes on */
	expect_u64(b->base, fd, "id", 2);
	assert_int_equal(b->releases, 1);
	/* nobody waits: no line */
	control_unused(b->control, NULL);
	assert_true(client_quiet(b->base, fd));
	close(fd);
}

static void why_there_is_no_answer_is_told(void **state)
{
	struct control_bench *b = *state;
	struct control_error error;
	int fd;

	control_bench_open(b);
	fd = client_connect(b->path);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	expect_error(b->base, fd, CONTROL_NO_DRIVER);
	b->may_ask = true;
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	control_bench_run(b);
	control_error_set(&error, CONTROL_NO_ANSWER, "too late");
	control_unused(b->control, &error);
	assert_string_equal(expect_error(b->base, fd, CONTROL_NO_ANSWER), "too late");
	/* it is over: nothing is to be let go of */
	client_send(fd, "{\"cmd\":\"ping\"}\n");
	json_object_put(client_json(b->base, fd));
	close(fd);
	control_bench_wait(b, 2);
	assert_int_equal(b->releases, 0);
}

static void one_client_at_a_time_asks(void **state)
{
	struct control_bench *b = *state;
	int fd, other;

	control_bench_open(b);
	b->may_ask = true;
	fd = client_connect(b->path);
	other = client_connect(b->path);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	control_bench_run(b);
	client_send(other, "{\"cmd\":\"unused\"}\n");
	expect_error(b->base, other, CONTROL_IN_USE);
	/* another's release is none */
	client_send(other, "{\"cmd\":\"release\"}\n");
	json_object_put(client_json(b->base, other));
	assert_int_equal(b->releases, 0);
	b->figures.unused = BALLOON_UNUSED_DONE;
	control_unused(b->control, NULL);
	json_object_put(client_json(b->base, fd));
	client_send(other, "{\"cmd\":\"unused\"}\n");
	expect_error(b->base, other, CONTROL_IN_USE);
	/* whatever the holder asks for keeps the hold */
	client_send(fd, "{\"cmd\":\"ping\"}\n");
	json_object_put(client_json(b->base, fd));
	assert_int_equal(b->holds, 1);
	/* and its end ends it */
	close(fd);
	control_bench_wait(b, 2);
	assert_int_equal(b->releases, 1);
	client_send(other, "{\"cmd\":\"unused\"}\n");
	control_bench_run(b);
	assert_int_equal(b->asks, 2);
	/* gone before its answer: seen when that is written */
	close(other);
	control_bench_wait(b, 2);
	control_unused(b->control, NULL);
	control_bench_wait(b, 2);
	assert_int_equal(b->releases, 2);
}

/* All runs of one kind, over as many answers as it takes. */
static uint64_t count_frames(struct control_bench *b, int fd, const char *kind, unsigned int *answers)
{
	uint64_t count = 0, from = 0;
	bool more = true;

	for (*answers = 0; more; ++*answers) {
		struct json_object *json, *runs, *next;
		char line[80], path[40];
		size_t nr;

		snprintf(line, sizeof(line), "{\"cmd\":\"frames\",\"from\":%u}\n",
			 (unsigned int)from);
		client_send(fd, line);
		json = client_json(b->base, fd);
		snprintf(path, sizeof(path), "result.%s", kind);
		runs = json_at(json, path);
		assert_non_null(runs);
		nr = json_object_array_length(runs);
		assert_true(nr <= CONTROL_RUNS_MAX);
		for (size_t i = 0; i < nr; i++) {
			struct json_object *run = json_object_array_get_idx(runs, i);

			assert_true(json_object_get_uint64(json_object_array_get_idx(run, 0)) >=
				    from);
			count += json_object_get_uint64(json_object_array_get_idx(run, 1));
		}
		next = json_at(json, "result.next");
		more = next;
		from = json_object_get_uint64(next);
		json_object_put(json);
	}
	return count;
}

static void frames_come_in_bounded_answers(void **state)
{
	struct control_bench *b = *state;
	unsigned int answers;
	int fd;

	control_bench_open(b);
	b->may_ask = true;
	fd = client_connect(b->path);
	/* who holds no answer sees what is in the balloon */
	assert_int_equal(count_frames(b, fd, "unused", &answers), 0);
	assert_int_equal(count_frames(b, fd, "ballooned", &answers), BENCH_FRAMES / 3);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	control_bench_run(b);
	b->figures.unused = BALLOON_UNUSED_DONE;
	control_unused(b->control, NULL);
	json_object_put(client_json(b->base, fd));
	assert_int_equal(count_frames(b, fd, "unused", &answers), BENCH_FRAMES / 3 + 1);
	assert_true(answers > 2 * (BENCH_FRAMES / 3) / CONTROL_RUNS_MAX);
	for (size_t i = 0; i < 3; i++) {
		static const char *const bad[] = {"-1", "4503599627370496", "\"0\""};
		char line[80];

		snprintf(line, sizeof(line), "{\"cmd\":\"frames\",\"from\":%s}\n", bad[i]);
		client_send(fd, line);
		expect_error(b->base, fd, CONTROL_BAD_REQUEST);
		client_send(fd, "{\"cmd\":\"ping\"}\n");
		json_object_put(client_json(b->base, fd));
	}
	close(fd);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_command_is_answered),
		TEST(the_socket_is_private),
		TEST(the_socket_is_the_groups),
		cmocka_unit_test(only_those_allowed_get_in),
		TEST(others_are_refused),
		TEST(what_is_no_request_is_answered),
		TEST(an_error_has_its_id),
		TEST(garbage_ends_the_connection),
		TEST(a_line_is_bounded),
		TEST(a_half_sent_line_times_out),
		TEST(who_ends_its_side_gets_its_answers),
		TEST(who_never_reads_is_dropped),
		TEST(a_watcher_that_never_reads_is_dropped),
		TEST(a_watcher_hears_of_changes),
		TEST(of_two_sets_the_last_wins),
		TEST(fresh_statistics_are_waited_for),
		TEST(a_thousand_clients),
		TEST(without_descriptors_it_waits),
		TEST(an_end_inside_a_request_is_survived),
		TEST(unused_is_answered_when_the_guest_has),
		TEST(why_there_is_no_answer_is_told),
		TEST(one_client_at_a_time_asks),
		TEST(frames_come_in_bounded_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
