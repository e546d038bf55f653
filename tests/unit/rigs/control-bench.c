// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See control-bench.h. Clients read byte by byte: what comes after a line stays in the socket.
 */
#include "unit/rigs/control-bench.h"

#include "backend/base/clock.h"
#include "fake/machine-fake.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* of the tests' clock */
#define WAIT_MS 60000

static void get_figures(void *opaque, struct balloon_figures *f)
{
	struct control_bench *b = opaque;

	b->looks++;
	*f = b->figures;
}

static struct json_object *status_json(void *opaque)
{
	struct balloon_figures f;

	get_figures(opaque, &f);
	return balloon_status_json(&f);
}

static bool set_target(void *opaque, uint64_t kib, bool force, struct control_error *error)
{
	struct control_bench *b = opaque;

	b->sets++;
	if (b->stop_in_set)
		control_stop(b->control);
	if (kib > b->figures.static_max_kib) {
		control_error_set(error, CONTROL_OUT_OF_RANGE, "too much");
		return false;
	}
	if (kib < b->figures.dynamic_min_kib && !force) {
		control_error_set(error, CONTROL_BELOW_FLOOR, "too little");
		return false;
	}
	b->figures.target_kib = kib;
	return true;
}

static bool set_auto(void *opaque, const uint64_t *kib, struct control_error *error)
{
	struct control_bench *b = opaque;

	if (kib && b->figures.pinned) {
		control_error_set(error, CONTROL_PINNED, "not now");
		return false;
	}
	if (kib)
		b->figures.target_kib = *kib;
	else
		b->figures.pinned = false;
	return true;
}

static bool refresh_stats(void *opaque)
{
	struct control_bench *b = opaque;

	b->refreshes++;
	return b->may_refresh;
}

static bool ask_unused(void *opaque, struct control_error *error)
{
	struct control_bench *b = opaque;

	b->asks++;
	if (b->may_ask)
		return true;
	control_error_set(error, CONTROL_NO_DRIVER, "cannot be asked");
	return false;
}

static void hold_unused(void *opaque)
{
	struct control_bench *b = opaque;

	b->holds++;
}

static void release_unused(void *opaque)
{
	struct control_bench *b = opaque;

	b->releases++;
}

/* Of frames below 4096: one of 3 is unused, one ballooned; all in pieces of one frame. */
static enum balloon_frame next_frame(void *opaque, struct xenvirtio_run *run,
				     struct xenvirtio_run *piece)
{
	static const enum balloon_frame frames[] = {BALLOON_FRAME_UNUSED, BALLOON_FRAME_BALLOONED,
						    BALLOON_FRAME_USED};
	uint64_t nr = run->start.v < BENCH_FRAMES ? 1 : run->nr;

	*piece = (struct xenvirtio_run){run->start, nr};
	run->start.v += nr;
	run->nr -= nr;
	return nr > 1 ? BALLOON_FRAME_OUTSIDE : frames[piece->start.v % 3];
}

static const struct balloon_command_ops ops = {
	.figures = get_figures,
	.set_target = set_target,
	.set_auto = set_auto,
	.refresh_stats = refresh_stats,
	.ask_unused = ask_unused,
	.hold_unused = hold_unused,
	.release_unused = release_unused,
	.next_frame = next_frame,
};

int control_bench_setup(void **state)
{
	struct control_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	signal(SIGPIPE, SIG_IGN);
	log_capture_open(&b->capture, LOG_LEVEL_NOTICE);
	b->base = event_base_new();
	assert_non_null(b->base);
	snprintf(b->dir, sizeof(b->dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/7-0.sock", b->dir);
	b->figures = (struct balloon_figures){
		.common.domid = 7,
		.common.name = "guest",
		.common.path = "event-channel",
		.common.driver_ok = true,
		.static_max_kib = 1048576,
		.target_kib = 1048576,
	};
	b->cfg = (struct control_config){
		.base = b->base,
		.log = &b->capture.log,
		.dir = b->dir,
		.domid = 7,
		.program = &balloon_program,
		.status = status_json,
		.opaque = b,
		.commands = balloon_command_table,
		.commands_opaque = &b->commands,
		.heard = balloon_commands_heard,
		.gone = balloon_commands_gone,
	};
	b->commands = (struct balloon_commands){.ops = &ops, .opaque = b};
	*state = b;
	return 0;
}

int control_bench_teardown(void **state)
{
	struct control_bench *b = *state;

	control_free(b->control);
	assert_int_equal(rmdir(b->dir), 0);
	event_base_free(b->base);
	free(b);
	return 0;
}

void control_bench_open(struct control_bench *b)
{
	assert_int_equal(control_open(&b->control, &b->cfg), 0);
}

struct control_bench *control_bench_opened(void **state)
{
	control_bench_open(*state);
	return *state;
}

int control_bench_client(struct control_bench *b)
{
	int fd = client_connect(b->path);

	assert_true(fd >= 0);
	control_bench_run(b);
	return fd;
}

void control_bench_run(struct control_bench *b)
{
	machine_fake_run(b->base);
}

void control_bench_wait(struct control_bench *b, unsigned int ms)
{
	machine_fake_run(b->base);
	machine_fake_pass(ms);
}

static void on_end(evutil_socket_t fd, short what, void *opaque)
{
	event_base_loopbreak(opaque);
}

void control_bench_serve(struct control_bench *b, int fd)
{
	struct event *end = event_new(b->base, fd, EV_READ, on_end, b->base);

	assert_non_null(end);
	event_add(end, NULL);
	event_base_dispatch(b->base);
	event_free(end);
}

int client_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

void client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next byte, however long that takes. Return: as recv(); -1 and EAGAIN none came */
static ssize_t receive_byte(struct event_base *base, int fd, char *byte)
{
	uint64_t begin_ms = clock_now_ms();

	for (;;) {
		ssize_t got = recv(fd, byte, 1, 0);

		if (got >= 0 || errno != EAGAIN)
			return got;
		machine_fake_run(base);
		got = recv(fd, byte, 1, 0);
		if (got >= 0 || errno != EAGAIN || clock_now_ms() - begin_ms >= WAIT_MS)
			return got;
		/* nothing will come unless it is from a timer */
		machine_fake_pass(1);
	}
}

const char *client_line(struct event_base *base, int fd)
{
	static char line[32768];
	size_t used = 0;

	for (;;) {
		if (receive_byte(base, fd, line + used) <= 0)
			return NULL;
		if (line[used] == '\n') {
			line[used] = '\0';
			return line;
		}
		assert_true(++used < sizeof(line));
	}
}

struct json_object *client_json(struct event_base *base, int fd)
{
	const char *line = client_line(base, fd);
	struct json_object *json;

	assert_non_null(line);
	json = json_tokener_parse(line);
	assert_non_null(json);
	return json;
}

struct json_object *client_json_until(struct event_base *base, int fd, const char *path,
				      uint64_t value)
{
	for (;;) {
		struct json_object *json = client_json(base, fd), *at = json_at(json, path);

		if (at && json_object_get_uint64(at) == value)
			return json;
		json_object_put(json);
	}
}

bool client_closed(struct event_base *base, int fd)
{
	char byte;
	ssize_t got = receive_byte(base, fd, &byte);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}

bool client_quiet(struct event_base *base, int fd)
{
	char byte;

	machine_fake_run(base);
	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

struct json_object *json_at(struct json_object *json, const char *path)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save)) {
		if (!json_object_object_get_ex(json, key, &json))
			return NULL;
	}
	return json;
}

const char *expect_error(struct event_base *base, int fd, const char *code)
{
	static char message[256];
	struct json_object *json = client_json(base, fd);

	assert_non_null(json_at(json, "error.code"));
	assert_string_equal(json_object_get_string(json_at(json, "error.code")), code);
	snprintf(message, sizeof(message), "%s",
		 json_object_get_string(json_at(json, "error.message")));
	assert_null(strchr(message, '\n'));
	assert_null(json_at(json, "result"));
	json_object_put(json);
	return message;
}

void expect_u64(struct event_base *base, int fd, const char *path, uint64_t value)
{
	struct json_object *json = client_json(base, fd), *at = json_at(json, path);

	assert_non_null(at);
	assert_int_equal(json_object_get_uint64(at), value);
	json_object_put(json);
}
