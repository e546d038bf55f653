// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics: every line of the text is of the format, every figure is in it with its value and unit,
 * families are whole; addresses beyond this machine are refused; HTTP is bounded.
 */
#include "backend/base/access.h"
#include "backend/metrics/metrics-collect.h"
#include "backend/metrics/metrics-text.h"
#include "backend/metrics/metrics.h"
#include "unit/rigs/control-bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
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

#define SAMPLES_MAX 256
#define PREFIX "xen_vballoon_"

struct sample {
	char family[96];
	char labels[256];
	double value;
};

static struct sample samples[SAMPLES_MAX];
static size_t nr_samples;

/* name="value" with escapes; Return: what follows it. */
static const char *parse_label(const char *at)
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");

	assert_true(len > 0);
	at += len;
	assert_memory_equal(at, "=\"", 2);
	for (at += 2; *at != '"'; at++) {
		assert_true(*at && *at != '\n');
		if (*at == '\\') {
			at++;
			assert_true(*at == '\\' || *at == '"' || *at == 'n');
		}
	}
	return at + 1;
}

static void parse_sample(const char *line, const char *family)
{
	struct sample *s = &samples[nr_samples++];
	const char *brace = strchr(line, '{'), *at;
	char *end;

	assert_true(nr_samples < SAMPLES_MAX);
	assert_non_null(brace);
	snprintf(s->family, sizeof(s->family), "%.*s", (int)(brace - line), line);
	assert_string_equal(s->family, family);
	for (at = parse_label(brace + 1); *at == ','; at = parse_label(at + 1))
		;
	assert_memory_equal(at, "} ", 2);
	snprintf(s->labels, sizeof(s->labels), "%.*s", (int)(at - brace - 1), brace + 1);
	s->value = strtod(at + 2, &end);
	assert_true(end > at + 2 && *end == '\0');
	for (size_t i = 0; i + 1 < nr_samples; i++)
		assert_false(strcmp(samples[i].family, s->family) == 0 &&
			     strcmp(samples[i].labels, s->labels) == 0);
}

/* As a scraper would: HELP, TYPE, samples of that family, and no family twice. */
static void parse_text(char *text)
{
	char family[96] = "", type[16] = "", seen[64][96];
	size_t nr_seen = 0, len = strlen(text);

	nr_samples = 0;
	assert_true(len && text[len - 1] == '\n');
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[96];

		if (sscanf(line, "# HELP %95s ", name) == 1) {
			for (size_t i = 0; i < nr_seen; i++)
				assert_string_not_equal(seen[i], name);
			assert_true(nr_seen < 64);
			strcpy(seen[nr_seen++], name);
			strcpy(family, name);
			type[0] = '\0';
		} else if (line[0] == '#') {
			assert_int_equal(sscanf(line, "# TYPE %95s %15s", name, type), 2);
			assert_string_equal(name, family);
			assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0);
			assert_int_equal(strcmp(type, "counter") == 0,
					 strcmp(family + strlen(family) - 6, "_total") == 0);
		} else {
			assert_true(type[0]);
			parse_sample(line, family);
		}
	}
}

/* The sample whose labels contain @label. */
static const struct sample *find(const char *family, const char *label)
{
	for (size_t i = 0; i < nr_samples; i++) {
		if (strcmp(samples[i].family + strlen(PREFIX), family) == 0 &&
		    strstr(samples[i].labels, label))
			return &samples[i];
	}
	return NULL;
}

static void value_is(const char *family, const char *label, double value)
{
	const struct sample *s = find(family, label);

	assert_non_null(s);
	assert_true(s->value == value);
}

static char *write_text(const struct figures *f, size_t nr)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	metrics_text_write(out, f, nr);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void each_figure_is_told(void **state)
{
	struct figures f = {
		.domid = 7,
		.devid = 1,
		.name = "a\"b\\c\nd",
		.path = "event-channel",
		.driver_ok = true,
		.static_max_kib = 1048576,
		.target_kib = 524288,
		.actual_kib = 12,
		.ballooned_kib = 16,
		.stall = BALLOON_STALL_HOST,
		.stall_kib = 160,
		.pinned = true,
		.refusals = 2,
		.stalls = 3,
		.inflated_bytes = 40960,
		.deflated_bytes = 8192,
		.inflate_ns = 1500000000,
		.deflate_ns = 20000000,
		.guest_errors[XENVIRTIO_GUEST_BAD_PAGE] = 9,
		.stats_sequence = 2,
		.stats_age_ms = 2500,
		.stats_valid = (1u << BALLOON_STATS) - 1,
	};
	char *text;

	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++)
		f.stats[tag] = 1000 + tag;
	text = write_text(&f, 1);
	parse_text(text);
	free(text);
	value_is("info", "path=\"event-channel\"", 1);
	value_is("info", "name=\"a\\\"b\\\\c\\nd\"", 1);
	value_is("driver_ready", "domid=\"7\",devid=\"1\"", 1);
	value_is("static_max_bytes", "", 1073741824);
	value_is("target_bytes", "", 536870912);
	value_is("actual_bytes", "", 12288);
	value_is("ballooned_bytes", "", 16384);
	value_is("inflated_bytes_total", "", 40960);
	value_is("deflated_bytes_total", "", 8192);
	value_is("inflate_seconds_total", "", 1.5);
	value_is("deflate_seconds_total", "", 0.02);
	value_is("stalls_total", "", 3);
	value_is("pinned", "", 1);
	value_is("refusals_total", "", 2);
	value_is("stalled_bytes", "why=\"host\"", 163840);
	value_is("stalled_bytes", "why=\"max-mem\"", 0);
	value_is("guest_errors_total", "kind=\"bad-page\"", 9);
	value_is("guest_errors_total", "kind=\"bad-ring\"", 0);
	value_is("guest_age_seconds", "", 2.5);
	value_is("guest_swap_in_bytes_total", "", 1000);
	value_is("guest_free_memory_bytes", "", 1004);
	value_is("guest_direct_reclaim_total", "", 1015);
	/* info, the plain ones, stalls, errors, statistics and their age: none forgotten */
	assert_int_equal(nr_samples, 1 + 12 + 2 + XENVIRTIO_GUEST_ERRORS + BALLOON_STATS + 1);
}

static void what_is_not_told_has_no_sample(void **state)
{
	struct figures f[2] = {
		{.domid = 1, .path = "event-channel", .stats_valid = 1},
		{.domid = 2,
		 .path = "event-channel",
		 .stats_sequence = 1,
		 .stats_valid = 1u << BALLOON_STAT_FREE_MEMORY,
		 .stats[BALLOON_STAT_FREE_MEMORY] = UINT64_MAX},
	};
	char *text = write_text(f, 2);

	parse_text(text);
	free(text);
	assert_null(find("guest_swap_in_bytes_total", ""));
	assert_null(find("guest_free_memory_bytes", "domid=\"1\""));
	assert_non_null(find("guest_free_memory_bytes", "domid=\"2\""));
	assert_null(find("guest_age_seconds", "domid=\"1\""));
	/* two guests share each family */
	assert_non_null(find("target_bytes", "domid=\"1\""));
	assert_non_null(find("target_bytes", "domid=\"2\""));
	assert_null(strstr(find("info", "domid=\"1\"")->labels, "name="));
}

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

/* --- HTTP --- */

static void collect(void *opaque, void (*done)(void *arg, const struct figures *f, size_t nr),
		    void *arg)
{
	done(arg, &((struct control_bench *)opaque)->figures, 1);
}

static char http_path[128];

static struct metrics *serve_unix(struct control_bench *b, unsigned int client_ms)
{
	static struct metrics_address a;
	struct metrics_config cfg = {
		.base = b->base,
		.log = &b->capture.log,
		.address = &a,
		.collect = collect,
		.opaque = b,
		.client_ms = client_ms,
	};
	struct metrics *m = NULL;
	const char *why;
	char text[160];

	snprintf(http_path, sizeof(http_path), "%s/metrics.sock", b->dir);
	snprintf(text, sizeof(text), "unix:%s", http_path);
	assert_int_equal(metrics_address_parse(text, &a, &why), 0);
	assert_int_equal(metrics_open(&m, &cfg), 0);
	return m;
}

/* All that comes until the other side closes; to be freed. */
static char *read_all(struct control_bench *b, int fd)
{
	size_t used = 0, size = 65536;
	char *text = malloc(size);

	assert_non_null(text);
	for (int waited = 0; waited < 60000;) {
		ssize_t got = recv(fd, text + used, size - used - 1, 0);

		if (got == 0)
			break;
		if (got < 0) {
			assert_int_equal(errno, EAGAIN);
			control_bench_wait(b, 1);
			waited++;
			continue;
		}
		used += (size_t)got;
		assert_true(used < size - 1);
	}
	text[used] = '\0';
	return text;
}

static char *ask(struct control_bench *b, const char *request)
{
	int fd = client_connect(http_path);
	char *text;

	assert_true(fd >= 0);
	client_send(fd, request);
	text = read_all(b, fd);
	close(fd);
	return text;
}

static void http_serves_them(void **state)
{
	struct control_bench *b = *state;
	struct metrics *m = serve_unix(b, 0);
	struct stat st;
	char *text, *body;

	assert_int_equal(stat(http_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	text = ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_memory_equal(text, "HTTP/1.", 7);
	assert_memory_equal(text + 8, " 200 ", 5);
	assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4"));
	body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	parse_text(body + 4);
	value_is("target_bytes", "domid=\"7\"", 1073741824);
	free(text);
	text = ask(b, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(text, " 200 "));
	free(text);
	metrics_free(m);
	assert_int_equal(stat(http_path, &st), -1);
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
		text = ask(b, requests[i][0]);
		assert_non_null(strstr(text, requests[i][1]));
		assert_null(strstr(text, PREFIX));
		free(text);
	}
	memset(header, 'x', sizeof(header) - 1);
	memcpy(header, "GET /metrics HTTP/1.0\r\nA: ", 26);
	text = ask(b, header);
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
		fd[i] = client_connect(http_path);
		assert_true(fd[i] >= 0);
		control_bench_run(b);
	}
	control_bench_wait(b, 199);
	for (unsigned int i = 0; i < METRICS_CLIENTS_MAX; i++)
		assert_true(client_quiet(b->base, fd[i]));
	text = ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(text, " 200 "));
	free(text);
	for (unsigned int i = 0; i < METRICS_CLIENTS_MAX; i++) {
		assert_true(client_closed(b->base, fd[i]));
		close(fd[i]);
	}
	/* freed while somebody is connected */
	fd[0] = client_connect(http_path);
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
	struct metrics_config cfg = {
		.base = b->base,
		.log = &b->capture.log,
		.address = &a,
		.collect = collect,
		.opaque = b,
	};
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

/* --- all guests --- */

struct collected {
	unsigned int calls;
	size_t nr;
	struct figures figures[8];
};

static void take(void *arg, const struct figures *f, size_t nr)
{
	struct collected *c = arg;

	c->calls++;
	c->nr = nr;
	assert_true(nr <= 8);
	if (nr)
		memcpy(c->figures, f, nr * sizeof(*f));
}

#define COLLECT_MS 1500

static struct control *open_guest(struct control_bench *b, uint32_t domid)
{
	struct control *c;

	b->cfg.domid = domid;
	assert_int_equal(control_open(&c, &b->cfg), 0);
	return c;
}

static int listen_as(struct control_bench *b, uint32_t domid, char *path, size_t size)
{
	int fd;

	snprintf(path, size, "%s/%u-0.sock", b->dir, domid);
	fd = access_listen(path, ACCESS_NO_GROUP, 4);
	assert_true(fd >= 0);
	return fd;
}

/* Those that answer, in order; not one that was killed, hangs, or is something else. */
static void all_guests_are_collected(void **state)
{
	struct control_bench *b = *state;
	struct collected one = {0}, two = {0}, three = {0};
	struct metrics_collect *collect;
	char dead[96], hung[96], other[96];
	struct control *guest[2];
	int hung_fd, other_fd, client;

	assert_int_equal(metrics_collect_new(&collect, b->base, b->dir, COLLECT_MS), 0);
	metrics_collect_run(collect, take, &one);
	control_bench_run(b);
	assert_int_equal(one.calls, 1);
	assert_int_equal(one.nr, 0);

	b->figures.stats_sequence = 1;
	b->figures.stats_valid = 1u << BALLOON_STAT_FREE_MEMORY;
	b->figures.stats[BALLOON_STAT_FREE_MEMORY] = 4711;
	guest[0] = open_guest(b, 12);
	guest[1] = open_guest(b, 7);
	close(listen_as(b, 3, dead, sizeof(dead)));
	memset(&one, 0, sizeof(one));
	metrics_collect_run(collect, take, &one);
	metrics_collect_run(collect, take, &two);
	control_bench_run(b);
	assert_int_equal(one.calls, 1);
	assert_int_equal(one.nr, 2);
	/* asked meanwhile: the same answer, at the same time */
	assert_int_equal(two.calls, 1);
	assert_int_equal(two.nr, 2);
	assert_int_equal(one.figures[1].stats[BALLOON_STAT_FREE_MEMORY], 4711);
	assert_int_equal(one.figures[1].static_max_kib, 1048576);

	hung_fd = listen_as(b, 4, hung, sizeof(hung));
	other_fd = listen_as(b, 5, other, sizeof(other));
	metrics_collect_run(collect, take, &three);
	control_bench_run(b);
	client = accept(other_fd, NULL, NULL);
	assert_true(client >= 0);
	client_send(client, "{\"result\":{\"domid\":5}}\nhello\n");
	control_bench_wait(b, COLLECT_MS - 1);
	assert_int_equal(three.calls, 0);
	control_bench_wait(b, 1);
	assert_int_equal(three.calls, 1);
	assert_int_equal(three.nr, 2);
	assert_int_equal(control_clients(guest[0]), 0);

	/* freed in the middle: nobody is called */
	memset(&three, 0, sizeof(three));
	metrics_collect_run(collect, take, &three);
	metrics_collect_free(collect);
	control_bench_wait(b, COLLECT_MS + 100);
	assert_int_equal(three.calls, 0);
	close(client);
	close(hung_fd);
	close(other_fd);
	unlink(dead);
	unlink(hung);
	unlink(other);
	control_free(guest[0]);
	control_free(guest[1]);
}

/* The scraper goes away while guests are asked, or the service ends. */
static void who_asks_may_go(void **state)
{
	static struct metrics_address a;
	struct control_bench *b = *state;
	struct metrics_collect *collect;
	struct metrics_config cfg = {
		.base = b->base,
		.log = &b->capture.log,
		.address = &a,
		.collect = metrics_collect_run,
	};
	struct metrics *m = NULL;
	const char *why;
	char text[160], hung[96], *answer;
	int hung_fd, fd;

	snprintf(http_path, sizeof(http_path), "%s/metrics.sock", b->dir);
	snprintf(text, sizeof(text), "unix:%s", http_path);
	assert_int_equal(metrics_address_parse(text, &a, &why), 0);
	assert_int_equal(metrics_collect_new(&collect, b->base, b->dir, 150), 0);
	cfg.opaque = collect;
	assert_int_equal(metrics_open(&m, &cfg), 0);
	hung_fd = listen_as(b, 4, hung, sizeof(hung));
	fd = client_connect(http_path);
	client_send(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	control_bench_wait(b, 20);
	close(fd);
	control_bench_wait(b, 300);
	/* the next one is answered */
	answer = ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(answer, " 200 "));
	free(answer);
	fd = client_connect(http_path);
	client_send(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	control_bench_wait(b, 20);
	metrics_free(m);
	metrics_collect_free(collect);
	assert_true(client_closed(b->base, fd));
	close(fd);
	close(hung_fd);
	unlink(hung);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_figure_is_told),
		cmocka_unit_test(what_is_not_told_has_no_sample),
		cmocka_unit_test(only_this_machine),
		TEST(http_serves_them),
		TEST(http_serves_nothing_else),
		TEST(http_connections_are_bounded),
		TEST(a_port_is_served_and_may_be_taken),
		TEST(all_guests_are_collected),
		TEST(who_asks_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
