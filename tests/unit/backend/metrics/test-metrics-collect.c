// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics of all guests: those that answer are collected in a bounded time, whoever else is there.
 */
#include "backend/base/access.h"
#include "backend/metrics/metrics-collect.h"
#include "unit/rigs/metrics-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct collected {
	unsigned int calls;
	size_t nr;
	struct balloon_figures figures[8];
};

static void take(void *arg, const struct figures *f, size_t nr)
{
	struct collected *c = arg;

	c->calls++;
	c->nr = nr;
	assert_true(nr <= 8);
	if (nr)
		memcpy(c->figures, f, nr * sizeof(c->figures[0]));
}

#define COLLECT_MS 1500

static struct control *open_guest(struct control_bench *b, uint32_t domid)
{
	static struct control_bench as[16];
	struct control *c;

	as[domid] = *b;
	as[domid].figures.common.domid = domid;
	b->cfg.domid = domid;
	b->cfg.opaque = &as[domid];
	as[domid].commands.opaque = &as[domid];
	b->cfg.commands_opaque = &as[domid].commands;
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
	struct control *guest[2], *liar;
	int hung_fd, other_fd, client;

	assert_int_equal(metrics_collect_new(&collect, b->base, &balloon_figures_type, b->dir, COLLECT_MS), 0);
	metrics_collect_run(collect, take, &one);
	control_bench_run(b);
	assert_int_equal(one.calls, 1);
	assert_int_equal(one.nr, 0);

	b->figures.stats_sequence = 1;
	b->figures.stats_valid = 1u << BALLOON_STAT_FREE_MEMORY;
	b->figures.stats[BALLOON_STAT_FREE_MEMORY] = 4711;
	guest[0] = open_guest(b, 12);
	guest[1] = open_guest(b, 7);
	/* one that a guest has taken over, and says that it is another's */
	b->cfg.domid = 9;
	assert_int_equal(control_open(&liar, &b->cfg), 0);
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
	control_free(liar);
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
		.figures = &balloon_figures_type,
		.collect = metrics_collect_run,
	};
	struct metrics *m = NULL;
	char hung[96], *answer;
	int hung_fd, fd;

	metrics_bench_address(b, &a);
	assert_int_equal(metrics_collect_new(&collect, b->base, &balloon_figures_type, b->dir, 150), 0);
	cfg.opaque = collect;
	assert_int_equal(metrics_open(&m, &cfg), 0);
	hung_fd = listen_as(b, 4, hung, sizeof(hung));
	fd = client_connect(metrics_bench_path);
	client_send(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	control_bench_wait(b, 20);
	close(fd);
	control_bench_wait(b, 300);
	/* the next one is answered */
	answer = metrics_bench_ask(b, "GET /metrics HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(answer, " 200 "));
	free(answer);
	fd = client_connect(metrics_bench_path);
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
		TEST(all_guests_are_collected),
		TEST(who_asks_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
