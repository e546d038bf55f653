// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: every request gets its answer, in order, and watchers hear of changes.
 */
#include "unit/rigs/control-bench.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void each_command_is_answered(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b);
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
	struct control_bench *b = control_bench_opened(state);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = control_bench_client(b);

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
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b);
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
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b), other = control_bench_client(b);

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

/* printf | socat: requests, then end of file. */
static void who_ends_its_side_gets_its_answers(void **state)
{
	struct control_bench *b = control_bench_opened(state);
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

static void a_watcher_hears_of_changes(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b), silent = control_bench_client(b);
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
	struct control_bench *b = control_bench_opened(state);
	int one = control_bench_client(b), two = control_bench_client(b);

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
	fd = control_bench_client(b);
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

/* The daemon ends inside a request: the client that made it and all others are closed. */
static void an_end_inside_a_request_is_survived(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	int fd = control_bench_client(b), other = control_bench_client(b);

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

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_command_is_answered),
		TEST(what_is_no_request_is_answered),
		TEST(an_error_has_its_id),
		TEST(garbage_ends_the_connection),
		TEST(who_ends_its_side_gets_its_answers),
		TEST(a_watcher_hears_of_changes),
		TEST(of_two_sets_the_last_wins),
		TEST(fresh_statistics_are_waited_for),
		TEST(an_end_inside_a_request_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
