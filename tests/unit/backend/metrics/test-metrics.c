// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics: addresses beyond this machine are refused; HTTP serves the text and nothing else, and is
 * bounded.
 */
#include "backend/base/clock.h"
#include "fake/machine-fake.h"
#include "unit/rigs/metrics-bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void only_this_machine(void **state)
{
	static const char *const good[] = {"127.0.0.1:9100", "127.1.2.3:1", "[::1]:65535",
					   "unix:/run/x.sock"};
	static const char *const bad[] = {"",
					  "9100",
					  "localhost:9100",
					  "0.0.0.0:9100",
					  "10.0.0.1:9100",
					  "[::]:9100",
					  "[::1]",
					  "[fe80::1]:1",
					  "127.0.0.1",
					  "127.0.0.1:",
					  "127.0.0.1:0",
					  "127.0.0.1:-1",
					  "127.0.0.1:65536",
					  "127.0.0.1:9x",
					  "::1:9100",
					  "127.0.0.1:999999999999",
					  "unix:",
					  "unix:x.sock",
					  "[::ffff:10.0.0.1]:1"};
	struct metrics_address a = {.len = 0};
	const char *why;
	char longest[256];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(metrics_address_parse(good[i], &a, &why), 0);
	assert_int_equal(a.address.ss_family, AF_UNIX);
	a.len = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		assert_int_equal(metrics_address_parse(bad[i], &a, &why), -EINVAL);
		assert_non_null(why);
	}
	snprintf(longest, sizeof(longest), "unix:/%0107d", 0);
	assert_int_equal(metrics_address_parse(longest, &a, &why), -EINVAL);
	assert_int_equal(a.len, 0);
}

static void collect(void *opaque, figures_done *done, void *arg)
{
	done(arg, &((struct control_bench *)opaque)->figures.common, 1);
}

static int host_free(void *opaque, uint64_t *kib)
{
	*kib = 2048;
	return *(int *)opaque;
}

static struct metrics_config config_of(struct control_bench *b, const struct metrics_address *a)
{
	return (struct metrics_config){
		.base = b->base,
		.log = &b->capture.log,
		.address = a,
		.figures = &balloon_figures_type,
		.collect = collect,
		.opaque = b,
	};
}

static struct metrics *serve_unix(struct control_bench *b, unsigned int client_ms)
{
	static struct metrics_address a;
	struct metrics_config cfg = config_of(b, &a);
	struct metrics *m = NULL;

	cfg.client_ms = client_ms;
	metrics_bench_address(b, &a);
	assert_int_equal(metrics_open(&m, &cfg), 0);
	return m;
}

/* One figure of no device, where it can be had; the others come without it. */
static void the_hosts_memory_is_told_if_it_is_known(void **state)
{
	struct control_bench *b = *state;
	static struct metrics_address a;
	struct metrics_config cfg = config_of(b, &a);

	metrics_bench_address(b, &a);
	for (int rc = 0; rc >= -1; rc--) {
		struct metrics *m = NULL;
		char *text;

		cfg.host_free = host_free;
		cfg.host_opaque = &rc;
		assert_int_equal(metrics_open(&m, &cfg), 0);
		text = metrics_bench_ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
		scrape(strstr(text, "\r\n\r\n") + 4);
		assert_non_null(scraped_find("target_bytes", "domid"));
		if (rc)
			assert_null(scraped_find("host_free_bytes", ""));
		else
			scraped_is("host_free_bytes", "", 2097152);
		free(text);
		metrics_free(m);
	}
}

static void http_serves_them(void **state)
{
	struct control_bench *b = *state;
	struct metrics *m = serve_unix(b, 0);
	struct stat st;
	char *text, *body;

	assert_int_equal(stat(metrics_bench_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	text = metrics_bench_ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_memory_equal(text, "HTTP/1.", 7);
	assert_memory_equal(text + 8, " 200 ", 5);
	assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4"));
	body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	scrape(body + 4);
	scraped_is("target_bytes", "domid=\"7\"", 1073741824);
	free(text);
	text = metrics_bench_ask(b, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(text, " 200 "));
	free(text);
	metrics_free(m);
	assert_int_equal(stat(metrics_bench_path, &st), -1);
}

static void http_serves_nothing_else(void **state)
{
	static const char *const requests[][2] = {
		{"GET / HTTP/1.0\r\n\r\n", " 404 "},
		{"GET /metrics/../../etc/passwd HTTP/1.0\r\n\r\n", " 404 "},
		{"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", " 501 "},
		{"hello\r\n\r\n", " 400 "},
	};
	struct control_bench *b = *state;
	struct metrics *m = serve_unix(b, 0);
	static char header[16384];
	char *text;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		text = metrics_bench_ask(b, requests[i][0]);
		assert_non_null(strstr(text, requests[i][1]));
		assert_null(strstr(text, METRICS_PREFIX));
		free(text);
	}
	memset(header, 'x', sizeof(header) - 1);
	memcpy(header, "GET /metrics HTTP/1.0\r\nA: ", 26);
	text = metrics_bench_ask(b, header);
	assert_null(strstr(text, " 200 "));
	free(text);
	metrics_free(m);
}

/* Those that say nothing keep their places for a moment only. */
static void http_connections_are_bounded(void **state)
{
	struct control_bench *b = *state;
	struct metrics *m = serve_unix(b, 200);
	int fd[METRICS_CLIENTS_MAX];
	char *text;

	for (unsigned int i = 0; i < METRICS_CLIENTS_MAX; i++) {
		fd[i] = client_connect(metrics_bench_path);
		assert_true(fd[i] >= 0);
		control_bench_run(b);
	}
	control_bench_wait(b, 199);
	for (unsigned int i = 0; i < METRICS_CLIENTS_MAX; i++)
		assert_true(client_quiet(b->base, fd[i]));
	text = metrics_bench_ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(text, " 200 "));
	free(text);
	for (unsigned int i = 0; i < METRICS_CLIENTS_MAX; i++) {
		assert_true(client_closed(b->base, fd[i]));
		close(fd[i]);
	}
	/* freed while somebody is connected */
	fd[0] = client_connect(metrics_bench_path);
	control_bench_run(b);
	metrics_free(m);
	assert_true(client_closed(b->base, fd[0]));
	close(fd[0]);
}

static void a_port_is_served_and_may_be_taken(void **state)
{
	struct control_bench *b = *state;
	struct sockaddr_in *sin;
	struct metrics_address a = {.len = sizeof(*sin)};
	struct metrics_config cfg = config_of(b, &a);
	int taken = socket(AF_INET, SOCK_STREAM, 0);
	struct metrics *m = NULL;

	sin = (struct sockaddr_in *)&a.address;
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(taken >= 0);
	assert_int_equal(bind(taken, (struct sockaddr *)sin, sizeof(*sin)), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)sin, &a.len), 0);
	assert_int_equal(metrics_open(&m, &cfg), -EADDRINUSE);
	close(taken);
	assert_int_equal(metrics_open(&m, &cfg), 0);
	metrics_free(m);
}

struct ending {
	int fd, looks;
};

static void end_at_last(void *opaque)
{
	struct ending *e = opaque;

	if (!--e->looks)
		close(e->fd);
}

/* A broker that was killed is followed at once, and its device may have the port a moment longer: figures are served all the same. */
static void who_is_ending_is_waited_for(void **state)
{
	struct sockaddr_in *sin;
	struct metrics_address a = {.len = sizeof(*sin)};
	struct ending e = {.fd = socket(AF_INET, SOCK_STREAM, 0), .looks = 20};
	uint64_t began_ms = clock_now_ms();
	int fd;

	sin = (struct sockaddr_in *)&a.address;
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(e.fd >= 0);
	assert_int_equal(bind(e.fd, (struct sockaddr *)sin, sizeof(*sin)), 0);
	assert_int_equal(listen(e.fd, 1), 0);
	assert_int_equal(getsockname(e.fd, (struct sockaddr *)sin, &a.len), 0);
	/* one that does not end is not waited for for long */
	assert_int_equal(metrics_listen_in_time(&a, NULL), -EADDRINUSE);
	assert_true(clock_now_ms() - began_ms <= 200);
	machine_fake_attend(end_at_last, &e);
	fd = metrics_listen_in_time(&a, NULL);
	machine_fake_attend(NULL, NULL);
	assert_true(fd >= 0);
	close(fd);
}

/* A process that opens nothing by name has its listener from elsewhere, and leaves the name to whoever made it. */
static void a_door_gives_the_listener(void **state)
{
	struct control_bench *b = *state;
	static struct metrics_address a;
	struct metrics_config cfg = config_of(b, &a);
	struct doors doors = {.metrics = -EACCES};
	struct metrics *m = NULL;
	char *text;

	metrics_bench_address(b, &a);
	cfg.doors = &doors;
	assert_int_equal(metrics_open(&m, &cfg), -EACCES);
	assert_int_equal(access(metrics_bench_path, F_OK), -1);
	doors.metrics = metrics_listen(&a, cfg.group);
	assert_true(doors.metrics >= 0);
	assert_int_equal(metrics_open(&m, &cfg), 0);
	text = metrics_bench_ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(text, " 200 "));
	free(text);
	metrics_free(m);
	assert_int_equal(access(metrics_bench_path, F_OK), 0);
	metrics_unlisten(&a);
	assert_int_equal(access(metrics_bench_path, F_OK), -1);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_this_machine),
		TEST(http_serves_them),
		TEST(the_hosts_memory_is_told_if_it_is_known),
		TEST(http_serves_nothing_else),
		TEST(http_connections_are_bounded),
		TEST(a_port_is_served_and_may_be_taken),
		TEST(who_is_ending_is_waited_for),
		TEST(a_door_gives_the_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
