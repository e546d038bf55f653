// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device's configuration by its backend, and what else the backend may ask of its own accord.
 */
#include "unit/rigs/vhost-bench.h"

#include "backend/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ACK (UINT64_C(1) << VHOST_PROTOCOL_REPLY_ACK)
#define UNTOLD UINT64_MAX

/* Time passes in which the backend may do as it likes. */
static void pass(unsigned int ms)
{
	while (ms--) {
		peer_clock_pass(1);
		peer_run(bench.p);
		vhost_frontend_run(bench.f);
	}
}

static uint8_t byte_at(uint32_t offset)
{
	uint8_t byte = 0;

	assert_int_equal(vhost_frontend_read_config(bench.f, offset, &byte, 1), 0);
	return byte;
}

/* Within its bounds, at once, and also while the backend is away. */
static void test_read(void **state)
{
	uint8_t bytes[64];

	assert_int_equal(vhost_frontend_read_config(bench.f, 0, bytes, 1), -ENOTCONN);
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(vhost_frontend_read_config(bench.f, 0, bytes, 60), 0);
	assert_memory_equal(bytes, bench.p->config, 60);
	assert_int_equal(byte_at(59), 59);
	assert_int_equal(vhost_frontend_read_config(bench.f, 0, bytes, 61), -ERANGE);
	assert_int_equal(vhost_frontend_read_config(bench.f, 59, bytes, 2), -ERANGE);
	assert_int_equal(vhost_frontend_read_config(bench.f, 60, bytes, 1), -ERANGE);
	assert_int_equal(vhost_frontend_read_config(bench.f, UINT32_MAX, bytes, 2), -ERANGE);
	assert_int_equal(vhost_frontend_read_config(bench.f, 0, bytes, 0), -ERANGE);
	peer_hang_up(bench.p);
	vhost_frontend_run(bench.f);
	assert_int_equal(byte_at(59), 59);
}

/* What is written is read again from the backend; that is no news to the driver. */
static void test_write(void **state)
{
	const uint8_t bytes[] = {0xa1, 0xa2};

	assert_int_equal(vhost_frontend_write_config(bench.f, 0, bytes, 1), -ENOTCONN);
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(vhost_frontend_write_config(bench.f, 59, bytes, 2), -ERANGE);
	assert_int_equal(vhost_frontend_write_config(bench.f, 8, bytes, 2), 0);
	assert_int_equal(vhost_frontend_write_config(bench.f, 8, bytes, 2), -EBUSY);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(peer_last(bench.p, VHOST_SET_CONFIG)->m.header.bytes, 14);
	assert_int_equal(peer_last(bench.p, VHOST_SET_CONFIG)->m.payload.config.offset, 8);
	assert_int_equal(peer_last(bench.p, VHOST_SET_CONFIG)->m.payload.config.flags, 0);
	assert_int_equal(byte_at(8), 0xa1);
	assert_int_equal(byte_at(9), 0xa2);
	assert_int_equal(byte_at(10), 10);
	assert_int_equal(bench.done[VHOST_CONFIG_WRITTEN], 1);
	assert_int_equal(bench.changed, 0);
	/* bounded, as a vcpu waits */
	peer_clock_attend(NULL);
	assert_int_equal(vhost_frontend_write_config(bench.f, 8, bytes, 2), 0);
	assert_true(vhost_frontend_deadline_ms(bench.f) == clock_now_ms() + VHOST_CONFIG_MS);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_LATE);
	assert_int_equal(vhost_frontend_write_config(bench.f, 8, bytes, 2), -ENOTCONN);
}

/* A refusal is no fault of the backend's; what is read is what it has. */
static void test_write_refused(void **state)
{
	const uint8_t byte = 0xa1;

	assert_int_equal(bench_connect(), VHOST_OK);
	bench.p->ill = PEER_VALUE;
	bench.p->ill_at = bench.p->nr_asked;
	bench.p->ill_value = 1;
	assert_int_equal(vhost_frontend_write_config(bench.f, 8, &byte, 1), 0);
	memset(bench.p->config, 0x33, sizeof(bench.p->config));
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.done[VHOST_CONFIG_WRITTEN], 1);
	assert_int_equal(byte_at(9), 0x33);
	assert_int_equal(bench.lost, 0);
}

/* The backend says so: the word comes at once, the new configuration after it, and it is told once. */
static void test_change(void **state)
{
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_true(bench_change(false) == UNTOLD);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	/* nothing is another */
	assert_int_equal(bench.changed, 0);
	peer_clock_pass(VHOST_CHANGE_MS);
	bench.p->config[5] = 0x55;
	assert_true(bench_change(true) == 0);
	assert_int_equal(byte_at(5), 5);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.changed, 1);
	assert_int_equal(byte_at(5), 0x55);
	assert_int_equal(peer_count(bench.p, VHOST_GET_CONFIG), 3);
}

/* It waits for the word with the thread that has to answer us: it has it, in the middle of a start. */
static void test_change_in_the_start(void **state)
{
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(vhost_frontend_start(bench.f, &bench.start), 0);
	bench.p->config[5] = 0x55;
	assert_true(bench_change(true) == 0);
	assert_int_equal(bench.done[VHOST_STARTED], 0);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.done[VHOST_STARTED], 1);
	assert_int_equal(bench.changed, 1);
}

/* And with the driver's own write: what the backend changed is news all the same. */
static void test_change_with_a_write(void **state)
{
	const uint8_t byte = 0xa1;

	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(vhost_frontend_write_config(bench.f, 8, &byte, 1), 0);
	bench.p->config[5] = 0x55;
	assert_true(bench_change(true) == 0);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.changed, 1);
	assert_int_equal(byte_at(8), 0xa1);
	assert_int_equal(byte_at(5), 0x55);
}

/* The first change is told at once, others in VHOST_CHANGE_MS after it together, and the last one of all is not lost. */
static void test_changes_have_a_rate(void **state)
{
	assert_int_equal(bench_connect(), VHOST_OK);
	for (unsigned int ms = 0; ms < 10 * VHOST_CHANGE_MS - 10; ms += 2) {
		bench.p->config[5] = (uint8_t)(ms + 1);
		assert_true(bench_change(true) == 0);
		assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
		assert_int_equal(bench.changed, 1 + ms / VHOST_CHANGE_MS);
		pass(2);
	}
	/* there is one more to come, at a time that is known */
	assert_true(byte_at(5) != bench.p->config[5]);
	assert_true(vhost_frontend_deadline_ms(bench.f) > clock_now_ms());
	peer_clock_pass((unsigned int)(vhost_frontend_deadline_ms(bench.f) - clock_now_ms()));
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.changed, 11);
	assert_int_equal(byte_at(5), bench.p->config[5]);
	assert_true(vhost_frontend_deadline_ms(bench.f) == 0);
	pass(3 * VHOST_CHANGE_MS);
	assert_int_equal(bench.changed, 11);
	assert_int_equal(peer_count(bench.p, VHOST_GET_CONFIG), 12);
}

static bool is_readable(void)
{
	return clock_wait(vhost_frontend_fd(bench.f), 0) > 0;
}

/* Who asks without end is not listened to for a while, in which nobody is woken; what it asked then is answered after it. */
static void test_requests_have_a_rate(void **state)
{
	struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};
	unsigned int turns = 0;

	assert_int_equal(bench_connect(), VHOST_OK);
	bench.p->config[5] = 0x55;
	for (unsigned int i = 0; i < 100; i++)
		peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	m.header.flags |= VHOST_FLAG_NEED_REPLY;
	peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	for (; is_readable(); turns++) {
		vhost_frontend_run(bench.f);
		peer_run(bench.p);
	}
	assert_in_range(turns, 8, 10);
	assert_false(peer_hear(bench.p, &m));
	assert_int_equal(bench.changed, 1);
	/* a backend that waits for the word before it answers gets it, and nobody waits longer than that takes */
	peer_clock_attend(NULL);
	assert_int_equal(vhost_frontend_start(bench.f, &bench.start), 0);
	peer_run(bench.p);
	peer_clock_attend(bench.p);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.done[VHOST_STARTED], 1);
	assert_true(vhost_frontend_deadline_ms(bench.f) > clock_now_ms());
	pass(VHOST_CHANGE_MS + 10);
	assert_true(peer_hear(bench.p, &m));
	assert_true(m.payload.u64 == 0);
	assert_int_equal(bench.lost, 0);
}

/* It does not hear the end of who asked either, and is none the worse; the next backend is heard. */
static void test_who_asked_without_end_may_go(void **state)
{
	struct vhost_message m = {.header = {.request = 1, .flags = VHOST_FLAG_VERSION}};

	assert_int_equal(bench_connect(), VHOST_OK);
	for (unsigned int i = 0; i < 100; i++)
		peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	while (is_readable())
		vhost_frontend_run(bench.f);
	close(bench.p->requests_fd);
	bench.p->requests_fd = -1;
	assert_false(is_readable());
	pass(2 * VHOST_CHANGE_MS);
	assert_false(is_readable());
	assert_true(vhost_frontend_is_connected(bench.f));
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_true(bench_change(true) == 0);
}

/* It goes with the very word after which it is not listened to, whose answer nobody takes: nothing is left to wait for. */
static void test_who_goes_with_its_last_word(void **state)
{
	struct vhost_message m = {.header = {.request = 1, .flags = VHOST_FLAG_VERSION}};

	assert_int_equal(bench_connect(), VHOST_OK);
	for (unsigned int i = 0; i < 63; i++)
		peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	m.header.flags |= VHOST_FLAG_NEED_REPLY;
	peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	close(bench.p->requests_fd);
	bench.p->requests_fd = -1;
	while (is_readable())
		vhost_frontend_run(bench.f);
	pass(2 * VHOST_CHANGE_MS);
	assert_true(vhost_frontend_is_connected(bench.f));
	assert_int_equal(vhost_frontend_deadline_ms(bench.f), 0);
	bench_peer();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_true(bench_change(true) == 0);
}

/* A flood of words is a few a turn, and one look at the configuration for all of a turn's. */
static void test_flood(void **state)
{
	struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};

	assert_int_equal(bench_connect(), VHOST_OK);
	for (unsigned int i = 0; i < 80; i++)
		peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	vhost_frontend_run(bench.f);
	peer_run(bench.p);
	assert_int_equal(peer_count(bench.p, VHOST_GET_CONFIG), 2);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_true(peer_count(bench.p, VHOST_GET_CONFIG) <= 12);
}

/* Nor does one who waits read for ever: a vcpu stands still meanwhile. */
static void test_changes_without_end(void **state)
{
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(bench_start(), VHOST_OK);
	bench.p->changes = true;
	bench.p->config[5] = 0x55;
	assert_true(bench_change(true) == 0);
	assert_int_equal(bench_stop(), VHOST_OK);
	assert_int_equal(bench.done[VHOST_STOPPED], 1);
	assert_true(peer_count(bench.p, VHOST_GET_CONFIG) <= 4);
	/* it is read on by and by, and then told */
	bench.p->changes = false;
	while (vhost_frontend_deadline_ms(bench.f))
		pass(1);
	assert_true(bench.changed > 0);
}

/* Without REPLY_ACK nobody is owed a word. */
static void test_change_without_ack(void **state)
{
	bench.p->protocol &= ~ACK;
	assert_int_equal(bench_connect(), VHOST_OK);
	bench.p->config[5] = 0x55;
	assert_true(bench_change(true) == UNTOLD);
	assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
	assert_int_equal(bench.changed, 1);
}

/* All else is refused, and its descriptors are closed; the backend lives. */
static void test_other_requests(void **state)
{
	unsigned int open;
	struct vhost_message m;

	assert_int_equal(bench_connect(), VHOST_OK);
	open = open_descriptors();
	for (uint32_t request = 0; request < 12; request++) {
		for (unsigned int fds = 0; fds < 3; fds++) {
			bool change = request == VHOST_BACKEND_CONFIG_CHANGE && !fds;

			peer_clock_pass(VHOST_CHANGE_MS);
			m = (struct vhost_message){.header = {.request = request, .flags = 9, .bytes = change ? 0 : 40}};
			peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES + m.header.bytes, &bench.p->fd, fds ? 1 : 0);
			vhost_frontend_run(bench.f);
			assert_true(peer_hear(bench.p, &m));
			assert_int_equal(m.header.request, request);
			assert_int_equal(m.header.flags, VHOST_FLAG_VERSION | VHOST_FLAG_REPLY);
			assert_int_equal(m.header.bytes, 8);
			assert_true(m.payload.u64 == !change);
			/* and without a question there is no answer */
			m.header = (struct vhost_header){.request = request ^ 64, .flags = 1};
			peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
			vhost_frontend_run(bench.f);
			assert_false(peer_hear(bench.p, &m));
			assert_int_equal(vhost_frontend_wait(bench.f), VHOST_OK);
			assert_int_equal(open_descriptors(), open);
		}
	}
	assert_int_equal(bench.lost, 0);
}

static void expect_lost(enum vhost_fault fault, const struct vhost_message *m, size_t len, unsigned int nr_fds, bool cut)
{
	int fds[8];

	bench_peer();
	bench.lost = 0;
	assert_int_equal(bench_connect(), VHOST_OK);
	for (unsigned int i = 0; i < 8; i++)
		fds[i] = bench.p->fd;
	peer_say(bench.p->requests_fd, m, len, fds, nr_fds);
	if (cut) {
		close(bench.p->requests_fd);
		bench.p->requests_fd = -1;
	}
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, fault != VHOST_OK);
	if (fault)
		assert_string_equal(vhost_fault_text(bench.why), vhost_fault_text(fault));
}

/* What is no request at all ends the backend, in whichever byte; the end of the socket for them does not. */
static void test_wrong_requests(void **state)
{
	struct vhost_message m = {.header = {.request = 2, .flags = 5}};

	expect_lost(VHOST_NO_REQUEST, &m, 12, 0, false);
	m.header.flags = 2;
	expect_lost(VHOST_VERSION, &m, 12, 0, false);
	m.header.flags = 1;
	m.header.bytes = VHOST_PAYLOAD_MAX + 1;
	expect_lost(VHOST_TOO_LONG, &m, 12, 0, false);
	m.header.bytes = 8;
	expect_lost(VHOST_CONTROL, &m, 20, 8, false);
	for (size_t len = 0; len < 20; len++)
		expect_lost(len ? VHOST_CUT : VHOST_OK, &m, len, 0, true);
}

/* One that asks and asks, and does not listen. */
static void test_answers_unread(void **state)
{
	struct vhost_message m = {.header = {.request = 1, .flags = 9}};
	unsigned int turns = 0;

	assert_int_equal(bench_connect(), VHOST_OK);
	for (; !bench.lost; turns++) {
		assert_true(turns < 5000);
		peer_clock_pass(VHOST_CHANGE_MS);
		peer_say(bench.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
		vhost_frontend_run(bench.f);
	}
	assert_int_equal(bench.why, VHOST_FULL);
}

/* A device whose configuration is somebody else's. */
static void test_not_the_backends(void **state)
{
	uint8_t byte = 0;

	bench.device.config_bytes = 0;
	bench_device();
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_null(peer_last(bench.p, VHOST_GET_CONFIG));
	assert_int_equal(vhost_frontend_read_config(bench.f, 0, &byte, 1), -ERANGE);
	assert_int_equal(vhost_frontend_write_config(bench.f, 0, &byte, 1), -ERANGE);
	assert_true(bench_change(true) == 1);
	bench.device.config_bytes = VHOST_CONFIG_MAX + 1;
	assert_int_equal(vhost_frontend_new(&(struct vhost_frontend *){0}, &bench.device), -EINVAL);
}

/* Both ways to say that there is none, and a backend that does not have the word for it. */
static void test_no_config(void **state)
{
	bench.p->has_no_config = true;
	assert_int_equal(bench_connect(), VHOST_NO_CONFIG);
	bench_peer();
	bench.p->protocol &= ~(UINT64_C(1) << VHOST_PROTOCOL_CONFIG);
	assert_int_equal(bench_connect(), VHOST_NO_CONFIG);
	assert_int_equal(bench.done[VHOST_CONNECTED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_write, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_write_refused, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_change, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_change_in_the_start, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_change_with_a_write, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_changes_have_a_rate, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_requests_have_a_rate, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_who_asked_without_end_may_go, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_who_goes_with_its_last_word, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_flood, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_changes_without_end, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_change_without_ack, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_other_requests, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_requests, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_answers_unread, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_not_the_backends, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_no_config, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
