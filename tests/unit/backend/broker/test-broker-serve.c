// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker at work beside real device processes: xenstore over the sockets, and a domain that is no more. The clock is the
 * test's: ten seconds are as long as the broker waits for.
 */
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "backend/broker/store-client.h"
#include "backend/base/exit-code.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "fake/hv-fake.h"
#include "fake/store-fake.h"
#include "unit/rigs/log-capture.h"
#include "unit/rigs/need-pidfd.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NODE "/local/domain/0/backend/virtio/7/0"

static struct fake *fake;
static struct fake_store *store;
static struct log_capture logged;
static int code, end_signal;

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return fake_open(fake, hv);
}

static int open_store(void *opaque, struct xenvirtio_store **out)
{
	return fake_store_open(store, out);
}

static int setup(void **state)
{
	fake = fake_new(NULL);
	store = fake_store_new();
	log_capture_open(&logged, LOG_LEVEL_DEBUG);
	fake_store_put(store, NODE "/type", "virtio,device5");
	fake_store_put(store, NODE "/state", "1");
	code = end_signal = -1;
	return fake && store ? 0 : -1;
}

static int teardown(void **state)
{
	assert_int_equal(fake_store_handles(store), 0);
	fake_free(fake);
	fake_store_free(store);
	return 0;
}

static void run(int (*device)(const struct broker_ends *ends))
{
	const struct broker_config cfg = {
		.log = &logged.log,
		.domid = 7,
		.open_hv = open_hv,
		.program = &balloon_program,
		.open_store = open_store,
	};
	struct broker_ends ends;
	pid_t pid = broker_start(&cfg, &ends, &code, &end_signal);

	if (pid == 0)
		_exit(device(&ends));
	assert_true(pid > 0);
}

static struct xenvirtio_store *open_client(const struct broker_ends *ends)
{
	struct xenvirtio_store *s;

	if (store_client_open(&s, store_exchange_socket, (void *)(uintptr_t)&ends->store, ends->events))
		_exit(99);
	return s;
}

/* The next event, however long it takes. */
static int wait_event(struct xenvirtio_store *s, char token[32])
{
	char path[XENVIRTIO_STORE_TEXT_MAX];
	struct pollfd p = {.fd = s->ops->fd(s), .events = POLLIN};
	int rc;

	do {
		if (poll(&p, 1, -1) != 1)
			return -errno;
		rc = s->ops->next_event(s, path, sizeof(path), token, 32);
	} while (rc == XENVIRTIO_E_EMPTY);
	return rc;
}

static int read_write_and_watch(const struct broker_ends *ends)
{
	struct xenvirtio_store *s = open_client(ends);
	char value[64], token[32];

	if (s->ops->read(s, NODE "/type", value, sizeof(value)) || strcmp(value, "virtio,device5") != 0)
		return 1;
	if (s->ops->write(s, NODE "/state", "4"))
		return 2;
	if (s->ops->write(s, NODE "/online", "0") != -EPERM)
		return 3;
	if (s->ops->watch(s, NODE "/state", "of-state") || wait_event(s, token) || strcmp(token, "of-state") != 0)
		return 4;
	/* by oneself, and it fires */
	if (s->ops->write(s, NODE "/state", "5") || wait_event(s, token) || strcmp(token, "of-state") != 0)
		return 5;
	if (s->ops->list(s, "backend/virtio/7", value, sizeof(value)) || strcmp(value, "0") != 0)
		return 6;
	return EXIT_CODE_BUSY;
}

static void xenstore_is_there(void **state)
{
	need_pidfd();
	run(read_write_and_watch);
	assert_int_equal(code, EXIT_CODE_BUSY);
	assert_string_equal(fake_store_get(store, NODE "/state"), "5");
}

/* More events than anybody keeps, none of them taken before the last: questions are answered, and one of them is left. */
static int let_events_wait(const struct broker_ends *ends)
{
	struct xenvirtio_store *s = open_client(ends);
	char path[XENVIRTIO_STORE_TEXT_MAX], token[32];
	unsigned int nr = 0;

	if (s->ops->watch(s, NODE, "t"))
		return 1;
	for (int i = 0; i < 2000; i++) {
		if (s->ops->write(s, NODE "/state", i & 1 ? "4" : "5"))
			return 2;
	}
	/* those that were on their way before the socket was full, and what came since as one */
	while (!s->ops->next_event(s, path, sizeof(path), token, sizeof(token)))
		nr++;
	return nr >= 1 && nr <= 2001 ? EXIT_CODE_BUSY : 3;
}

static void events_wait_and_questions_do_not(void **state)
{
	need_pidfd();
	run(let_events_wait);
	assert_int_equal(code, EXIT_CODE_BUSY);
}

/* One write, two watches: the second event waits for nothing that may come two seconds later. */
static void all_that_fired_is_passed_on(void **state)
{
	const struct store_broker_config cfg = {
		.log = &logged.log, .program = &balloon_program, .domid = 7, .open = open_store};
	static struct broker_store_answer answer;
	struct broker_store_request req = {.op = BROKER_STORE_OPEN};
	struct broker_store_event event;
	struct store_broker s;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	store_broker_init(&s, &cfg);
	assert_int_equal(store_broker_answer(&s, &req, sizeof(req), &answer), 0);
	for (char token = 't'; token <= 'u'; token++) {
		req = (struct broker_store_request){.op = BROKER_STORE_WATCH, .path = NODE "/state", .text = {token}};
		assert_int_equal(store_broker_answer(&s, &req, sizeof(req), &answer), 0);
		assert_int_equal(answer.ret, 0);
	}
	assert_int_equal(broker_pass_events(&s, pair[0]), 0);
	for (char token = 't'; token <= 'u'; token++) {
		assert_int_equal(recv(pair[1], &event, sizeof(event), MSG_DONTWAIT), sizeof(event));
		assert_int_equal(event.token[0], token);
	}
	assert_int_equal(recv(pair[1], &event, sizeof(event), MSG_DONTWAIT), -1);
	/* nobody hears it any more */
	close(pair[1]);
	fake_store_put(store, NODE "/state", "5");
	assert_true(broker_pass_events(&s, pair[0]) < 0);
	close(pair[0]);
	store_broker_fini(&s);
}

/* The next connection hears nothing of the last one's watches. */
static int open_again(const struct broker_ends *ends)
{
	struct xenvirtio_store *s = open_client(ends);
	char token[32];

	for (int i = 0; i < 400; i++) {
		if (s->ops->watch(s, NODE, "old") || s->ops->unwatch(s, NODE, "old"))
			return 1;
	}
	s = open_client(ends);
	if (s->ops->watch(s, NODE "/type", "new") || wait_event(s, token))
		return 2;
	return strcmp(token, "new") == 0 ? EXIT_CODE_BUSY : 3;
}

static void another_connection_has_no_old_events(void **state)
{
	need_pidfd();
	run(open_again);
	assert_int_equal(code, EXIT_CODE_BUSY);
}

static int lose_it(const struct broker_ends *ends)
{
	struct xenvirtio_store *s = open_client(ends);
	char token[32];

	return wait_event(s, token) == -EPIPE ? EXIT_CODE_BUSY : 1;
}

static void a_lost_connection_is_heard_of(void **state)
{
	need_pidfd();
	/* open and "domid", then the first look for an event */
	fake_store_fail(store, 2, -EPIPE);
	run(lose_it);
	assert_int_equal(code, EXIT_CODE_BUSY);
}

static int say_nonsense(const struct broker_ends *ends)
{
	if (send(ends->store, "x", 1, 0) != 1)
		return 1;
	pause();
	return 2;
}

static void nonsense_ends_the_device(void **state)
{
	need_pidfd();
	run(say_nonsense);
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_true(log_capture_has(&logged, "is no question"));
}

static int close_all_and_wait(const struct broker_ends *ends)
{
	struct broker_answer answer;
	struct broker_request req;
	int fd;

	memset(&req, 0, BROKER_HEADER_BYTES);
	req.op = BROKER_DOMAIN_INFO;
	if (broker_exchange_socket((void *)(uintptr_t)&ends->memory, &req, BROKER_HEADER_BYTES, &answer, &fd))
		return 1;
	if (answer.ret != XENVIRTIO_E_GONE)
		return 2;
	close(ends->memory);
	close(ends->store);
	close(ends->events);
	pause();
	return 3;
}

/* Its handles are restricted to a number, and the next domain of that number is not its guest. */
static int hear_that_it_dies(const struct broker_ends *ends)
{
	struct xenvirtio_hv *inner, *hv;
	struct xenvirtio_domain_info info;
	const struct broker_seat seat = {.exchange = broker_exchange_socket, .opaque = (void *)(uintptr_t)&ends->memory};

	if (fake_open(fake, &inner) || broker_client_open(&hv, inner, seat.exchange, seat.opaque, false))
		return 1;
	if (hv->ops->domain_info(hv, &info) || !info.dying)
		return 2;
	pause();
	return 3;
}

/* Somebody's mapping keeps it a zombie, the device's own perhaps. */
static void nor_one_that_is_dying(void **state)
{
	need_pidfd();
	fake_set_dying(fake);
	run(hear_that_it_dies);
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_true(log_capture_has(&logged, "is no more"));
}

static void a_device_does_not_outlive_its_domain(void **state)
{
	need_pidfd();
	fake_set_gone(fake);
	run(close_all_and_wait);
	assert_int_equal(code, EXIT_CODE_HOST);
	assert_true(log_capture_has(&logged, "is no more"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(xenstore_is_there),
		TEST(events_wait_and_questions_do_not),
		cmocka_unit_test_setup_teardown(all_that_fired_is_passed_on, setup, teardown),
		TEST(another_connection_has_no_old_events),
		TEST(a_lost_connection_is_heard_of),
		TEST(nonsense_ends_the_device),
		TEST(a_device_does_not_outlive_its_domain),
		TEST(nor_one_that_is_dying),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
