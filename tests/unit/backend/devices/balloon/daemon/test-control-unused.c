// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unused pages over the control socket: one client at a time asks and holds the answer, and its
 * frames come in as many answers as it takes.
 */
#include "unit/rigs/control-bench.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

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
	balloon_commands_unused(&b->commands, NULL);
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "id")), 1);
	assert_int_equal(json_object_get_int(json_at(json, "result.unused_kib")), 4096);
	assert_string_equal(json_object_get_string(json_at(json, "result.via")), "free-page-hint");
	json_object_put(json);
	/* what stood behind it goes on */
	expect_u64(b->base, fd, "id", 2);
	assert_int_equal(b->releases, 1);
	/* nobody waits: no line */
	balloon_commands_unused(&b->commands, NULL);
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
	balloon_commands_unused(&b->commands, &error);
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
	balloon_commands_unused(&b->commands, NULL);
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
	balloon_commands_unused(&b->commands, NULL);
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
	balloon_commands_unused(&b->commands, NULL);
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
		TEST(unused_is_answered_when_the_guest_has),
		TEST(why_there_is_no_answer_is_told),
		TEST(one_client_at_a_time_asks),
		TEST(frames_come_in_bounded_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
