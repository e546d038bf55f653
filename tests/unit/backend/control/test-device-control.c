// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control socket and metrics of a whole daemon: what a client sets reaches guest and xenstore, what
 * it is told is so, and the socket lives exactly as long as the guest is served.
 */
#include "unit/rigs/control-bench.h"
#include "fake/machine-fake.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define INFLATE 0
#define DEFLATE 1

static char socket_path[160];

static int start(struct process_bench *b)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	fake_store_put(b->store, BENCH_DOMAIN "/name", "a-guest");
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/7-0.sock", b->state_dir);
	fd = client_connect(socket_path);
	assert_true(fd >= 0);
	return fd;
}

static void a_target_set_here_is_the_target(void **state)
{
	struct process_bench *b = *state;
	int fd = start(b), other = client_connect(socket_path);
	struct json_object *json;

	client_send(fd, "{\"id\":1,\"cmd\":\"watch\"}\n");
	expect_u64(b->base, fd, "result.target_kib", BENCH_RAM_KIB);
	client_send(other, "{\"cmd\":\"set\",\"kib\":16387}\n");
	/* whole pages */
	expect_u64(b->base, other, "result.target_kib", 16384);
	assert_string_equal(process_bench_key(b, "target"), "16384");
	assert_int_equal(process_bench_num_pages(b), 1024);
	json_object_put(client_json_until(b->base, fd, "status.target_kib", 16384));

	machine_fake_set_look_ns(1000);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 300), 0);
	machine_fake_set_look_ns(0);
	json = client_json_until(b->base, fd, "status.ballooned_kib", 1200);
	assert_int_equal(json_object_get_int(json_at(json, "status.inflated_bytes")), 1200 * 1024);
	assert_true(json_object_get_int64(json_at(json, "status.inflate_ns")) > 0);
	assert_int_equal(json_object_get_int(json_at(json, "status.deflate_ns")), 0);
	/* decoding comes before, hypercalls are a part */
	assert_true(json_object_get_int(json_at(json, "status.inflate_messages")) > 0);
	assert_true(json_object_get_int64(json_at(json, "status.inflate_decode_ns")) > 0);
	assert_in_range(json_object_get_int64(json_at(json, "status.inflate_hypercall_ns")), 1,
			json_object_get_int64(json_at(json, "status.inflate_ns")));
	assert_int_equal(json_object_get_int(json_at(json, "status.deflate_messages")), 0);
	assert_int_equal(json_object_get_int(json_at(json, "status.deflate_hypercall_ns")), 0);
	assert_string_equal(json_object_get_string(json_at(json, "status.name")), "a-guest");
	assert_string_equal(json_object_get_string(json_at(json, "status.path")), "event-channel");
	json_object_put(json);
	/* the node's key is a later word, and counts */
	process_bench_put(b, "target", "18432");
	json_object_put(client_json_until(b->base, fd, "status.target_kib", 18432));
	close(fd);
	close(other);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	struct process_bench *b = *state;
	int fd = start(b);

	client_send(fd, "{\"cmd\":\"set\",\"kib\":20484}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_OUT_OF_RANGE), "at most 20 MiB"));
	client_send(fd, "{\"cmd\":\"set\",\"kib\":0}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_OUT_OF_RANGE), "at least 4 KiB"));
	client_send(fd, "{\"cmd\":\"set\",\"kib\":3}\n");
	expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":18446744073709551615}\n");
	expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
	assert_int_equal(process_bench_num_pages(b), 0);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":4}\n");
	expect_u64(b->base, fd, "result.target_kib", 4);
	assert_int_equal(process_bench_num_pages(b), BENCH_RAM_PAGES - 1);
	close(fd);
}

static void a_stall_is_told_and_its_end(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd = start(b);

	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 100), 0);
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES - 40);
	assert_int_equal(process_bench_send(b, DEFLATE, BENCH_FREE_GFN, 100), -ETIMEDOUT);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_string_equal(json_object_get_string(json_at(json, "result.stalled.why")), "max-mem");
	assert_int_equal(json_object_get_int(json_at(json, "result.stalled.need_kib")), 160);
	assert_int_equal(json_object_get_int(json_at(json, "result.stalls")), 1);
	json_object_put(json);
	assert_true(process_bench_wait_key(b, "stalled", "max-mem: need 160 KiB"));
	fake_set_max_pages(b->fake, BENCH_RAM_PAGES);
	assert_true(process_bench_wait_key(b, "stalled", NULL));
	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_null(json_at(json, "result.stalled"));
	assert_int_equal(json_object_get_int(json_at(json, "result.ballooned_kib")), 0);
	json_object_put(json);
	close(fd);
}

/* A driver without a statistics queue owes nothing: the answer comes at once. */
static void no_statistics_are_told_as_none(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd = start(b);

	client_send(fd, "{\"cmd\":\"stats\",\"refresh\":true}\n");
	process_bench_run(b);
	assert_false(client_quiet(b->base, fd));
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.sequence")), 0);
	assert_null(json_at(json, "result.age_ms"));
	assert_int_equal(json_object_object_length(json_at(json, "result.stats")), 0);
	json_object_put(json);
	close(fd);
}

static void the_socket_ends_with_the_service(void **state)
{
	struct process_bench *b = *state;
	int fd = start(b);

	fake_set_dying(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	assert_true(process_bench_wait_end(b, NULL));
	assert_true(client_closed(b->base, fd));
	assert_int_equal(access(socket_path, F_OK), -1);
	close(fd);
}

/* The guest is gone, and the first to meet that is a client's request. */
static void an_end_met_in_a_request(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;
	int fd = start(b);

	fake_fail(b->fake, 1, -EIO, FAKE_FAIL_FROM, false);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	assert_true(process_bench_wait_end(b, &code));
	assert_int_equal(code, EXIT_CODE_HOST);
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	assert_true(client_closed(b->base, fd));
	close(fd);
}

static void a_successor_has_a_socket_again(void **state)
{
	struct process_bench *b = *state;
	int fd = start(b);

	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 10), 0);
	process_bench_stop(b);
	assert_true(client_closed(b->base, fd));
	close(fd);
	assert_true(process_bench_start(b));
	fd = client_connect(socket_path);
	assert_true(fd >= 0);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, fd, "result.ballooned_kib", 40);
	close(fd);
}

/* --- unused pages --- */

#define HINT_QUEUE 2
#define F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define REG_CMD_ID (REG_CONFIG + 8)

/* A driver that has free page hints: queues inflate, deflate, hints. */
static int start_hints(struct process_bench *b)
{
	signal(SIGPIPE, SIG_IGN);
	assert_true(process_bench_start(b));
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1 | F_FREE_PAGE_HINT, 3), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/7-0.sock", b->state_dir);
	return client_connect(socket_path);
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
	other = client_connect(socket_path);
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

	b->env.unused_ms = 50;
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
	signal(SIGPIPE, SIG_IGN);
	assert_true(process_bench_start(b));
	assert_int_equal(driver_init(&b->driver, 5, F_VERSION_1 | 1 | UINT64_C(1) << 58, 3), 0);
	snprintf(socket_path, sizeof(socket_path), "%s/7-0.sock", b->state_dir);
	fd = client_connect(socket_path);
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

/* The guest comes first: no socket is a warning. */
static void without_a_socket_the_guest_is_served(void **state)
{
	struct process_bench *b = *state;

	snprintf(socket_path, sizeof(socket_path), "%s/7-0.sock", b->state_dir);
	assert_int_equal(mkdir(b->state_dir, 0700), 0);
	assert_int_equal(mkdir(socket_path, 0700), 0);
	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "no control socket"));
	assert_int_equal(process_bench_driver(b), 0);
	process_bench_stop(b);
	assert_int_equal(rmdir(socket_path), 0);
}

static void metrics_are_served_when_asked_for(void **state)
{
	struct process_bench *b = *state;
	char path[160], text[200];
	const char *why, *line;
	bool found = false;
	int fd;

	snprintf(path, sizeof(path), "%s/metrics.sock", b->dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	assert_int_equal(metrics_address_parse(text, &b->opts.metrics, &why), 0);
	close(start(b));
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 300), 0);
	fd = client_connect(path);
	assert_true(fd >= 0);
	client_send(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	while (!found && (line = client_line(b->base, fd)))
		found = strcmp(line, "xen_vballoon_ballooned_bytes{domid=\"7\",devid=\"0\","
				     "name=\"a-guest\"} 1228800") == 0;
	assert_true(found);
	close(fd);
	process_bench_stop(b);
	assert_int_equal(access(path, F_OK), -1);
}

/* --- the reserve --- */

static void refused_is(struct process_bench *b, const char *value)
{
	const char *there = process_bench_key(b, "refused");

	if (!value) {
		assert_null(there);
		return;
	}
	assert_non_null(there);
	assert_string_equal(there, value);
}

/* 300 pages in the balloon, of which somebody else has got @used. */
static int start_with_debt(struct process_bench *b, uint64_t used)
{
	int fd = start(b);

	client_send(fd, "{\"cmd\":\"set\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 300), 0);
	fake_set_heap(b->fake, 300 - used);
	return fd;
}

static void what_was_used_is_not_asked_for_again(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 1);
	struct json_object *json;

	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_RESERVE), "has 1196 KiB free"));
	assert_string_equal(process_bench_key(b, "target"), "18432");
	assert_int_equal(process_bench_num_pages(b), 512);
	refused_is(b, "16384 KiB: free 1196 KiB, owed 1200 KiB");
	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_int(json_at(json, "result.refused.target_kib")), 16384);
	assert_int_equal(json_object_get_int(json_at(json, "result.refusals")), 1);
	json_object_put(json);
	/* what leaves it more than it has now is no question of the host's memory */
	client_send(fd, "{\"cmd\":\"set\",\"kib\":19280}\n");
	expect_u64(b->base, fd, "result.target_kib", 19280);
	refused_is(b, NULL);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":19276}\n");
	expect_error(b->base, fd, CONTROL_RESERVE);
	/* the host has it again */
	fake_set_heap(b->fake, 300);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	refused_is(b, NULL);
	close(fd);
}

/* Whichever way it comes, the guest is not asked, and who looks sees it. */
static void a_key_is_refused_as_well(void **state)
{
	struct process_bench *b = *state;

	b->opts.mem_set_follow = true;
	close(start_with_debt(b, 1));
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	assert_string_equal(process_bench_key(b, "target"), "18432");
	refused_is(b, "16384 KiB: free 1196 KiB, owed 1200 KiB");
	assert_true(log_capture_has(&b->capture, "key target asks for 16 MiB: refused"));
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "12288");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 512);
	refused_is(b, "12288 KiB: free 1196 KiB, owed 1200 KiB");
	process_bench_put(b, "target", "20480");
	process_bench_run(b);
	assert_int_equal(process_bench_num_pages(b), 0);
	refused_is(b, NULL);
}

static void others_balloons_are_reserved_too(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 0);

	fake_store_put(b->store, "/local/domain/0/backend/virtio/9/0/ballooned", "4");
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_error(b->base, fd, CONTROL_RESERVE);
	refused_is(b, "16384 KiB: free 1200 KiB, owed 1204 KiB");
	fake_store_del(b->store, "/local/domain/0/backend/virtio/9");
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	close(fd);
}

static void overcommit_asks_nevertheless(void **state)
{
	struct process_bench *b = *state;
	int fd;

	b->opts.overcommit = true;
	fd = start_with_debt(b, 300);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_int_equal(process_bench_num_pages(b), 1024);
	close(fd);
}

/* A host that does not tell is not a host that has none. */
static void what_cannot_be_counted_is_not_refused(void **state)
{
	struct process_bench *b = *state;
	int fd = start_with_debt(b, 300);

	fake_fail(b->fake, 1, -EACCES, FAKE_FAIL_ONCE, false);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	assert_true(log_capture_has(&b->capture, "cannot be told"));
	close(fd);
}

/* What was taken is in force over a restart, whatever the host has by then; what is new is not. */
static void a_restart_asks_nobody_again(void **state)
{
	struct process_bench *b = *state;

	close(start_with_debt(b, 300));
	process_bench_stop(b);
	assert_true(process_bench_start(b));
	assert_string_equal(process_bench_key(b, "target"), "18432");
	refused_is(b, NULL);
	process_bench_stop(b);
	process_bench_put(b, "target", "16384");
	assert_true(process_bench_start(b));
	assert_string_equal(process_bench_key(b, "target"), "18432");
	refused_is(b, "16384 KiB: free 0 KiB, owed 1200 KiB");
	assert_int_equal(process_bench_num_pages(b), 512);
	process_bench_stop(b);
	b->opts.target_given = true;
	b->opts.target_kib = 16384;
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_num_pages(b), 512);
	assert_true(log_capture_has(&b->capture, "--target asks for 16 MiB: refused"));
}

/* --- who chooses --- */

static void pinned_is(struct process_bench *b, int fd, bool pinned)
{
	struct json_object *json;

	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_boolean(json_at(json, "result.pinned")), pinned);
	json_object_put(json);
	assert_int_equal(process_bench_key(b, "pinned") != NULL, pinned);
}

static void a_size_that_is_named_pins(void **state)
{
	struct process_bench *b = *state;
	int fd = start(b);

	pinned_is(b, fd, false);
	client_send(fd, "{\"cmd\":\"auto\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	/* the watch shows what was written here: nobody's word */
	process_bench_run(b);
	pinned_is(b, fd, false);
	process_bench_put(b, "target", "16384");
	process_bench_run(b);
	pinned_is(b, fd, true);
	client_send(fd, "{\"cmd\":\"auto\",\"kib\":18432}\n");
	expect_error(b->base, fd, CONTROL_PINNED);
	assert_int_equal(process_bench_num_pages(b), 1024);
	client_send(fd, "{\"cmd\":\"auto\"}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	pinned_is(b, fd, false);
	/* the size in force, and meant */
	client_send(fd, "{\"cmd\":\"set\",\"kib\":16384}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	pinned_is(b, fd, true);
	client_send(fd, "{\"cmd\":\"auto\"}\n");
	expect_u64(b->base, fd, "result.target_kib", 16384);
	client_send(fd, "{\"cmd\":\"auto\",\"kib\":20484}\n");
	expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
	close(fd);
}

static void a_pin_survives_a_restart(void **state)
{
	struct process_bench *b = *state;
	int fd = start(b);

	client_send(fd, "{\"cmd\":\"auto\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	close(fd);
	process_bench_stop(b);
	fd = start(b);
	pinned_is(b, fd, false);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	close(fd);
	process_bench_stop(b);
	fd = start(b);
	pinned_is(b, fd, true);
	close(fd);
}

static void the_dynamic_minimum_is_told(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd = start(b);

	client_send(fd, "{\"cmd\":\"watch\"}\n");
	expect_u64(b->base, fd, "result.target_kib", BENCH_RAM_KIB);
	fake_store_put(b->store, BENCH_DOMAIN "/memory/dynamic-min", "8192");
	json_object_put(client_json_until(b->base, fd, "status.dynamic_min_kib", 8192));
	fake_store_put(b->store, BENCH_DOMAIN "/memory/dynamic-min", "much");
	json = client_json(b->base, fd);
	assert_null(json_at(json, "status.dynamic_min_kib"));
	json_object_put(json);
	close(fd);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_target_set_here_is_the_target),	 TEST(sizes_that_cannot_be_are_refused),
		TEST(a_stall_is_told_and_its_end),	 TEST(no_statistics_are_told_as_none),
		TEST(the_socket_ends_with_the_service),	 TEST(an_end_met_in_a_request),
		TEST(a_successor_has_a_socket_again),	 TEST(without_a_socket_the_guest_is_served),
		TEST(metrics_are_served_when_asked_for),
		TEST(unused_pages_are_told_and_held),
		TEST(a_client_that_ends_lets_go),
		TEST(a_guest_that_never_answers_costs_only_its_answer),
		TEST(a_driver_that_goes_has_not_answered),
		TEST(a_wrong_req_id_costs_only_its_answer),
		TEST(what_was_used_is_not_asked_for_again), TEST(a_key_is_refused_as_well),
		TEST(others_balloons_are_reserved_too),	 TEST(overcommit_asks_nevertheless),
		TEST(what_cannot_be_counted_is_not_refused), TEST(a_restart_asks_nobody_again),
		TEST(a_size_that_is_named_pins),	 TEST(a_pin_survives_a_restart),
		TEST(the_dynamic_minimum_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
