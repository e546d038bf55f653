// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A broker in front of a xenstored: what is no question, whose node is written to, watches and the loss of the connection. Whole
 * device processes have this between them and xenstored in all tests on process-bench.
 */
#include "backend/broker/store-broker.h"
#include "backend/broker/store-client.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "fake/store-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TREE "/local/domain/0/backend/virtio/7"

struct rig {
	struct fake_store *fake;
	struct store_broker broker;
	struct log_capture logged;
	struct broker_store_request req;
	struct broker_store_answer answer;
};

static int open_fake(void *opaque, struct xenvirtio_store **store)
{
	return fake_store_open(opaque, store);
}

static int send_it(struct rig *r)
{
	return store_broker_answer(&r->broker, &r->req, sizeof(r->req), &r->answer);
}

static int ask(struct rig *r, enum broker_store_op op, const char *path, const char *text)
{
	memset(&r->req, 0, sizeof(r->req));
	r->req.op = op;
	strcpy(r->req.path, path);
	strcpy(r->req.text, text);
	assert_int_equal(send_it(r), 0);
	assert_int_equal(r->answer.op, op);
	return r->answer.ret;
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->fake = fake_store_new();
	log_capture_open(&r->logged, LOG_LEVEL_DEBUG);
	store_broker_init(&r->broker, &(struct store_broker_config){.log = &r->logged.log,
								    .program = &balloon_program,
								    .domid = 7,
								    .open = open_fake,
								    .opaque = r->fake});
	fake_store_put(r->fake, TREE "/0/type", "virtio,device5");
	fake_store_put(r->fake, TREE "/1/type", "virtio,device5");
	fake_store_put(r->fake, TREE "/2/type", "virtio,device4");
	fake_store_put(r->fake, "/local/domain/7/name", "a-guest");
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	store_broker_fini(&r->broker);
	assert_int_equal(fake_store_handles(r->fake), 0);
	fake_store_free(r->fake);
	free(r);
	return 0;
}

static void values_come_back(void **state)
{
	struct rig *r = *state;

	assert_int_equal(ask(r, BROKER_STORE_READ, "/local/domain/7/name", ""), -EPIPE);
	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	assert_int_equal(ask(r, BROKER_STORE_READ, "/local/domain/7/name", ""), 0);
	assert_int_equal(r->answer.len, sizeof("a-guest"));
	assert_string_equal(r->answer.text, "a-guest");
	assert_int_equal(ask(r, BROKER_STORE_READ, "/local/domain/7/nothing", ""), -ENOENT);
	assert_int_equal(r->answer.len, 0);
	assert_int_equal(ask(r, BROKER_STORE_LIST, TREE, ""), 0);
	assert_int_equal(r->answer.len, sizeof("0\0001\0002\0"));
}

/* A device that is taken over writes to the guest's other devices no more than to other guests. */
static void the_first_node_is_the_device(void **state)
{
	struct rig *r = *state;

	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/2/target", "1"), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/3/target", "1"), -ENOENT);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/1/target", "1"), 0);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/0/target", "1"), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_REMOVE, TREE "/0/target", ""), -EPERM);
	/* a new connection is the same device's */
	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/0/target", "1"), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_REMOVE, TREE "/1/target", ""), 0);
	assert_null(fake_store_get(r->fake, TREE "/1/target"));
	assert_null(fake_store_get(r->fake, TREE "/0/target"));
}

static void what_is_refused_is_not_asked(void **state)
{
	struct rig *r = *state;
	uint64_t calls;

	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	calls = fake_store_calls(r->fake);
	assert_int_equal(ask(r, BROKER_STORE_READ, "/local/domain/8/name", ""), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/0/frontend", "x"), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_SET_PERMS, "/local/domain/7/memory/target", "b7"), -EPERM);
	assert_int_equal(fake_store_calls(r->fake), calls);
	assert_int_equal(r->logged.lines, 1);
}

static void watches_are_few(void **state)
{
	struct rig *r = *state;
	char token[16];

	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	for (unsigned int i = 0; i < BROKER_STORE_WATCHES_MAX; i++) {
		snprintf(token, sizeof(token), "%u", i);
		assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/name", token), 0);
	}
	assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/name", "more"), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_UNWATCH, "/local/domain/7/name", "no-such"), -ENOENT);
	assert_int_equal(ask(r, BROKER_STORE_UNWATCH, "/local/domain/7/name", "3"), 0);
	assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/name", "more"), 0);
	/* with the connection they go */
	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	assert_int_equal(fake_store_watches(r->fake), 0);
	assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/name", "t"), 0);
}

static void an_event_has_its_token(void **state)
{
	struct rig *r = *state;
	struct broker_store_event event;

	assert_int_equal(store_broker_event(&r->broker, &event), XENVIRTIO_E_EMPTY);
	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/name", "t"), 0);
	store_broker_take_events(&r->broker);
	assert_int_equal(store_broker_event(&r->broker, &event), 0);
	assert_string_equal(event.path, "/local/domain/7/name");
	assert_string_equal(event.token, "t");
	assert_int_equal(store_broker_event(&r->broker, &event), XENVIRTIO_E_EMPTY);
}

/* Whoever makes events faster than they are taken fills nobody's memory: all say the same. */
static void many_events_are_one(void **state)
{
	struct rig *r = *state;
	struct broker_store_event event;

	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/data", "t"), 0);
	assert_int_equal(ask(r, BROKER_STORE_WATCH, "/local/domain/7/name", "u"), 0);
	for (int i = 0; i < 1000; i++) {
		fake_store_put(r->fake, "/local/domain/7/data/x", "1");
		store_broker_take_events(&r->broker);
	}
	assert_int_equal(store_broker_event(&r->broker, &event), 0);
	assert_string_equal(event.token, "t");
	assert_string_equal(event.path, "/local/domain/7/data");
	assert_int_equal(store_broker_event(&r->broker, &event), 0);
	assert_string_equal(event.token, "u");
	assert_int_equal(store_broker_event(&r->broker, &event), XENVIRTIO_E_EMPTY);
}

/* The number that its state file has is whose keys it writes. */
static void the_state_files_number_is_the_nodes(void **state)
{
	struct rig *r = *state;

	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	store_broker_bind(&r->broker, 1);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/0/target", "1"), -EPERM);
	assert_int_equal(ask(r, BROKER_STORE_WRITE, TREE "/1/target", "1"), 0);
}

static void a_lost_connection_is_told_once(void **state)
{
	struct rig *r = *state;
	struct broker_store_event event;

	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	fake_store_stop(r->fake);
	store_broker_take_events(&r->broker);
	assert_int_equal(store_broker_event(&r->broker, &event), 0);
	assert_int_equal(event.lost, 1);
	assert_int_equal(store_broker_event(&r->broker, &event), XENVIRTIO_E_EMPTY);
	assert_int_equal(store_broker_fd(&r->broker), -1);
	assert_int_equal(ask(r, BROKER_STORE_READ, "/local/domain/7/name", ""), -EPIPE);
	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), -ENOENT);
	fake_store_start(r->fake);
	assert_int_equal(ask(r, BROKER_STORE_OPEN, "", ""), 0);
	/* by an answer it is told as well, and then by no event */
	fake_store_stop(r->fake);
	assert_int_equal(ask(r, BROKER_STORE_READ, "/local/domain/7/name", ""), -EPIPE);
	assert_int_equal(store_broker_event(&r->broker, &event), XENVIRTIO_E_EMPTY);
}

static void what_is_no_question_is_told(void **state)
{
	struct rig *r = *state;
	const struct broker_store_request good = {.op = BROKER_STORE_WATCH, .path = "/local/domain/7/name", .text = "t"};

	r->req = good;
	assert_int_equal(send_it(r), 0);
	assert_int_equal(store_broker_answer(&r->broker, &good, sizeof(good) - 1, &r->answer), -EPROTO);
	r->req.op = 0;
	assert_int_equal(send_it(r), -EPROTO);
	r->req.op = BROKER_STORE_OPS;
	assert_int_equal(send_it(r), -EPROTO);
	r->req = good;
	r->req.zero = 1;
	assert_int_equal(send_it(r), -EPROTO);
	r->req = good;
	r->req.path[sizeof(r->req.path) - 1] = 'x';
	assert_int_equal(send_it(r), -EPROTO);
	r->req = good;
	memset(r->req.text, 'x', BROKER_STORE_TOKEN_MAX);
	assert_int_equal(send_it(r), -EPROTO);
	r->req = good;
	r->req.op = BROKER_STORE_READ;
	assert_int_equal(send_it(r), -EPROTO);
	r->req = good;
	strcpy(r->req.path, "/local/domain/7/\x1b[2J");
	assert_int_equal(send_it(r), -EPROTO);
	r->req = good;
	r->req.op = BROKER_STORE_OPEN;
	r->req.text[0] = '\0';
	assert_int_equal(send_it(r), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_node_is_the_device, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_refused_is_not_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(watches_are_few, setup, teardown),
		cmocka_unit_test_setup_teardown(an_event_has_its_token, setup, teardown),
		cmocka_unit_test_setup_teardown(many_events_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lost_connection_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_state_files_number_is_the_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_question_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
