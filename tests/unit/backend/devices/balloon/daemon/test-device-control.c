// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control socket and metrics of a whole daemon: what a client sets reaches guest and xenstore, what
 * it is told is so, and the socket lives exactly as long as the guest is served.
 */
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/process-bench.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void a_target_set_here_is_the_target(void **state)
{
	struct process_bench *b = *state;
	int fd = process_bench_client(b), other = client_connect(b->socket_path);
	struct json_object *json;

	client_send(fd, "{\"id\":1,\"cmd\":\"watch\"}\n");
	expect_u64(b->base, fd, "result.target_kib", BENCH_RAM_KIB);
	client_send(other, "{\"cmd\":\"set\",\"kib\":16387}\n");
	/* whole pages */
	expect_u64(b->base, other, "result.target_kib", 16384);
	assert_string_equal(process_bench_key(b, "target"), "16384");
	assert_int_equal(process_bench_num_pages(b), 1024);
	json_object_put(client_json_until(b->base, fd, "status.target_kib", 16384));

	/* one that says it is there has its frames released at once */
	assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_CONFIG + 4, 4, 1024), 0);
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

/* As in xenstore: waiting, then without, then whole. */
static void reset_is(struct process_bench *b, int fd, bool paused, int holes_kib)
{
	struct json_object *json;

	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_int_equal(json_object_get_boolean(json_at(json, "result.paused")), paused);
	assert_int_equal(json_object_get_int(json_at(json, "result.holes_kib")), holes_kib);
	json_object_put(json);
}

static void a_reset_without_memory_is_told(void **state)
{
	struct process_bench *b = *state;
	int fd = process_bench_client(b);

	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 100), 0);
	reset_is(b, fd, false, 0);
	fake_set_heap(b->fake, 0);
	assert_int_equal(driver_reset(&b->driver), 0);
	reset_is(b, fd, true, 0);
	fake_set_paused(b->fake, false);
	for (int i = 0; i < 10 && !process_bench_wait_key(b, "holes", "400");)
		i++;
	reset_is(b, fd, false, 400);
	fake_set_heap(b->fake, 100);
	for (int i = 0; i < 10 && !process_bench_wait_key(b, "holes", NULL);)
		i++;
	reset_is(b, fd, false, 0);
	close(fd);
}

/* The newest of them, until it is there. */
static void assert_features(struct process_bench *b, int fd, const char *names)
{
	struct json_object *json;

	client_send(fd, "{\"cmd\":\"status\"}\n");
	json = client_json(b->base, fd);
	assert_string_equal(json_object_to_json_string_ext(json_at(json, "result.features"),
							   JSON_C_TO_STRING_PLAIN),
			    names);
	json_object_put(json);
}

static void features_are_told_by_name(void **state)
{
	const uint64_t bits = F_VERSION_1 | 1 | UINT64_C(1) << 57;
	struct process_bench *b = *state;
	int fd;

	b->opts.bulk = (struct balloon_bits){.page_bitmap = 57, .page_chunks = 60};
	assert_true(process_bench_start(b));
	fd = client_connect(b->socket_path);
	assert_features(b, fd, "[]");
	assert_int_equal(process_bench_driver(b), 0);
	assert_features(b, fd, "[\"must-tell-host\",\"version-1\"]");
	/* by --bulk's numbers, not the usual ones, where it is chunks */
	assert_int_equal(driver_init(&b->driver, 5, bits | UINT64_C(1) << 4, 2), 0);
	assert_features(b, fd, "[\"must-tell-host\",\"page-poison\",\"version-1\",\"bitmap\"]");
	/* and not while there is no driver */
	assert_int_equal(driver_write(&b->driver, REG_STATUS, 0), 0);
	assert_features(b, fd, "[]");
	close(fd);
}

/* By it one sees from afar that a process was replaced. */
static void the_time_it_serves_begins_with_the_process(void **state)
{
	struct process_bench *b = *state;
	int fd = process_bench_client(b);

	machine_fake_pass(5000);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, fd, "result.uptime_ms", 5000);
	close(fd);
	process_bench_stop(b);
	assert_true(process_bench_start(b));
	fd = client_connect(b->socket_path);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, fd, "result.uptime_ms", 0);
	close(fd);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	struct process_bench *b = *state;
	int fd = process_bench_client(b);

	client_send(fd, "{\"cmd\":\"set\",\"kib\":20484}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_OUT_OF_RANGE), "at most 20 MiB"));
	client_send(fd, "{\"cmd\":\"set\",\"kib\":0}\n");
	assert_non_null(strstr(expect_error(b->base, fd, CONTROL_OUT_OF_RANGE), "at least 4 KiB"));
	client_send(fd, "{\"cmd\":\"set\",\"kib\":3}\n");
	expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":18446744073709551615}\n");
	expect_error(b->base, fd, CONTROL_OUT_OF_RANGE);
	assert_int_equal(process_bench_num_pages(b), 0);
	client_send(fd, "{\"cmd\":\"force\",\"kib\":4}\n");
	expect_u64(b->base, fd, "result.target_kib", 4);
	assert_int_equal(process_bench_num_pages(b), BENCH_RAM_PAGES - 1);
	close(fd);
}

static void a_stall_is_told_and_its_end(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd = process_bench_client(b);

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
	int fd = process_bench_client(b);

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
	int fd = process_bench_client(b);

	fake_set_dying(b->fake);
	fake_store_event(b->store, "@releaseDomain");
	assert_true(process_bench_wait_end(b, NULL));
	assert_true(client_closed(b->base, fd));
	assert_int_equal(access(b->socket_path, F_OK), -1);
	close(fd);
}

/* The guest is gone, and the first to meet that is a client's request. */
static void an_end_met_in_a_request(void **state)
{
	struct process_bench *b = *state;
	enum exit_code code;
	int fd = process_bench_client(b);

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
	int fd = process_bench_client(b);

	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, 10), 0);
	process_bench_stop(b);
	assert_true(client_closed(b->base, fd));
	close(fd);
	assert_true(process_bench_start(b));
	fd = client_connect(b->socket_path);
	assert_true(fd >= 0);
	client_send(fd, "{\"cmd\":\"status\"}\n");
	expect_u64(b->base, fd, "result.ballooned_kib", 40);
	close(fd);
}

/* The guest comes first: no socket is a warning. */
static void without_a_socket_the_guest_is_served(void **state)
{
	struct process_bench *b = *state;

	assert_int_equal(mkdir(b->state_dir, 0700), 0);
	assert_int_equal(mkdir(b->socket_path, 0700), 0);
	assert_true(process_bench_start(b));
	assert_true(log_capture_has(&b->capture, "no control socket"));
	assert_int_equal(process_bench_driver(b), 0);
	process_bench_stop(b);
	assert_int_equal(rmdir(b->socket_path), 0);
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
	assert_int_equal(metrics_address_parse(text, &b->opts.common.metrics, &why), 0);
	close(process_bench_client(b));
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
	int fd = process_bench_client(b);

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
	int fd = process_bench_client(b);

	client_send(fd, "{\"cmd\":\"auto\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	close(fd);
	process_bench_stop(b);
	fd = process_bench_client(b);
	pinned_is(b, fd, false);
	client_send(fd, "{\"cmd\":\"set\",\"kib\":18432}\n");
	expect_u64(b->base, fd, "result.target_kib", 18432);
	close(fd);
	process_bench_stop(b);
	fd = process_bench_client(b);
	pinned_is(b, fd, true);
	close(fd);
}

static void the_dynamic_minimum_is_told(void **state)
{
	struct process_bench *b = *state;
	struct json_object *json;
	int fd = process_bench_client(b);

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
		TEST(a_target_set_here_is_the_target),
		TEST(features_are_told_by_name),
		TEST(the_time_it_serves_begins_with_the_process),
		TEST(sizes_that_cannot_be_are_refused),
		TEST(a_reset_without_memory_is_told),
		TEST(a_stall_is_told_and_its_end),
		TEST(no_statistics_are_told_as_none),
		TEST(the_socket_ends_with_the_service),
		TEST(an_end_met_in_a_request),
		TEST(a_successor_has_a_socket_again),
		TEST(without_a_socket_the_guest_is_served),
		TEST(metrics_are_served_when_asked_for),
		TEST(a_size_that_is_named_pins),
		TEST(a_pin_survives_a_restart),
		TEST(the_dynamic_minimum_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
