// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unused pages over a whole daemon's control socket: what its guest's driver names is told and held,
 * and whoever ends in the middle, guest and client go on.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HINT_QUEUE 2
#define F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define REG_CMD_ID (REG_CONFIG + 8)

/* A driver that has free page hints: queues inflate, deflate, hints. */
static int start_hints(struct process_bench *b)
{
	assert_true(process_bench_start(b));
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1 | F_FREE_PAGE_HINT, 3), 0);
	return client_connect(b->socket_path);
}

static void put_command(struct process_bench *b, uint32_t cmd_id)
{
	struct driver_buf buf = {.len = 4};
	uint16_t head;
	uint32_t len, *at = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);

	assert_non_null(at);
	*at = cmd_id;
	assert_int_equal(driver_add(&b->driver.queue[HINT_QUEUE], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&b->driver.queue[HINT_QUEUE]), 0);
	assert_int_equal(driver_wait(&b->driver.queue[HINT_QUEUE], &head, &len), 0);
}

static void put_pages(struct process_bench *b, uint64_t gfn, uint32_t nr)
{
	struct driver_buf buf = {.gpa = gfn << 12, .len = nr << 12, .writable = true};
	uint16_t head;
	uint32_t len;

	assert_int_equal(driver_add(&b->driver.queue[HINT_QUEUE], &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(&b->driver.queue[HINT_QUEUE]), 0);
	assert_int_equal(driver_wait(&b->driver.queue[HINT_QUEUE], &head, &len), 0);
}

static uint32_t cmd_id(struct process_bench *b)
{
	uint32_t id = 0;

	driver_read(&b->driver, REG_CMD_ID, &id);
	return id;
}

static void unused_pages_are_told_and_held(void **state)
{
	struct process_bench *b = *state;
	int fd = start_hints(b);
	struct json_object *json;
	uint32_t id;

	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN + 1000, 100), 0);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	assert_true(client_quiet(b->base, fd));
	id = cmd_id(b);
	assert_true(id > 1);
	put_command(b, id);
	put_pages(b, BENCH_FREE_GFN, 512);
	put_command(b, 0);
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.unused_kib")), 2048);
	assert_int_equal(json_object_get_int(json_at(json, "result.ballooned_kib")), 400);
	assert_int_equal(json_object_get_int(json_at(json, "result.ram_kib")), BENCH_RAM_KIB);
	assert_string_equal(json_object_get_string(json_at(json, "result.via")), "free-page-hint");
	json_object_put(json);
	client_send(fd, "{\"cmd\":\"frames\"}\n");
	json = client_json(b->base, fd);
	assert_true(json_object_get_boolean(json_at(json, "result.held")));
	assert_null(json_at(json, "result.next"));
	assert_string_equal(json_object_to_json_string_ext(json_at(json, "result.unused"), 0),
			    "[[263168,512]]");
	assert_string_equal(json_object_to_json_string_ext(json_at(json, "result.ballooned"), 0),
			    "[[264168,100]]");
	json_object_put(json);
	/* the driver keeps its pages until it is told */
	assert_int_equal(cmd_id(b), id);
	client_send(fd, "{\"cmd\":\"release\"}\n");
	json_object_put(client_json(b->base, fd));
	process_bench_run(b);
	assert_int_equal(cmd_id(b), 1);
	client_send(fd, "{\"cmd\":\"frames\"}\n");
	json = client_json(b->base, fd);
	assert_false(json_object_get_boolean(json_at(json, "result.held")));
	assert_int_equal(json_object_array_length(json_at(json, "result.unused")), 0);
	json_object_put(json);
	close(fd);
}

static void a_client_that_ends_lets_go(void **state)
{
	struct process_bench *b = *state;
	int fd = start_hints(b), other;
	uint32_t id;

	client_send(fd, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	id = cmd_id(b);
	assert_true(id > 1);
	/* gone before the answer: the guest gets its pages back all the same */
	close(fd);
	process_bench_run(b);
	assert_int_equal(cmd_id(b), id);
	put_command(b, id);
	put_pages(b, BENCH_FREE_GFN, 512);
	put_command(b, 0);
	process_bench_run(b);
	assert_int_equal(cmd_id(b), 1);
	/* the next one asks anew */
	other = client_connect(b->socket_path);
	client_send(other, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	assert_true(cmd_id(b) > 1 && cmd_id(b) != id);
	process_bench_stop(b);
	assert_true(client_closed(b->base, other));
	close(other);
}

static void a_guest_that_never_answers_costs_only_its_answer(void **state)
{
	struct process_bench *b = *state;
	int fd;

	b->opts.unused_ms = 50;
	fd = start_hints(b);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	machine_fake_pass(49);
	assert_true(client_quiet(b->base, fd));
	machine_fake_pass(1);
	expect_error(b->base, fd, CONTROL_NO_ANSWER);
	assert_int_equal(cmd_id(b), 1);
	/* what it says now, it says to nobody; the balloon goes on */
	put_command(b, 0);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 100), 0);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	put_command(b, cmd_id(b));
	put_command(b, 0);
	expect_u64(b->base, fd, "result.unused_kib", 0);
	close(fd);
}

/* Its driver goes in the middle: told, and at once. */
static void a_driver_that_goes_has_not_answered(void **state)
{
	struct process_bench *b = *state;
	int fd = start_hints(b);

	client_send(fd, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	assert_int_equal(driver_reset(&b->driver), 0);
	expect_error(b->base, fd, CONTROL_BAD_ANSWER);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	expect_error(b->base, fd, CONTROL_NO_DRIVER);
	close(fd);
}

static void a_wrong_req_id_costs_only_its_answer(void **state)
{
	struct process_bench *b = *state;
	struct driver_buf request = {.len = 16, .writable = true}, part = {.len = 32};
	struct driver_queue *q = &b->driver.queue[2];
	unsigned char *at, *answer;
	uint16_t head;
	int fd;

	b->opts.bulk.host_req_vq = 58;
	assert_true(process_bench_start(b));
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1 | UINT64_C(1) << 58, 3), 0);
	fd = client_connect(b->socket_path);
	at = b->bus.bus.ops->alloc_page(&b->bus.bus, &request.gpa);
	assert_int_equal(driver_add(q, &request, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	client_send(fd, "{\"cmd\":\"unused\"}\n");
	process_bench_run(b);
	assert_int_equal(at[0], 1);
	answer = b->bus.bus.ops->alloc_page(&b->bus.bus, &part.gpa);
	memset(answer, 0, 32);
	answer[0] = 1;
	answer[2] = 12;
	answer[4] = 2;
	memcpy(answer + 8, at + 8, 8);
	answer[8] ^= 1;
	assert_int_equal(driver_add(q, &part, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	expect_error(b->base, fd, CONTROL_BAD_ANSWER);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, fd, "result.guest_errors.bad-message", 1);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 100), 0);
	close(fd);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(unused_pages_are_told_and_held),
		TEST(a_client_that_ends_lets_go),
		TEST(a_guest_that_never_answers_costs_only_its_answer),
		TEST(a_driver_that_goes_has_not_answered),
		TEST(a_wrong_req_id_costs_only_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
