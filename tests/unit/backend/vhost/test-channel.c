// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages over one connection: whole or not at all, whatever the other side sends, and no descriptor lost.
 */
#include "backend/vhost/channel.h"
#include "unit/rigs/vhost-peer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct vhost_channel c;
static int other;
static unsigned int open_before;

static int setup(void **state)
{
	int ends[2];

	open_before = open_descriptors();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	vhost_channel_init(&c, ends[0]);
	other = ends[1];
	return 0;
}

static int teardown(void **state)
{
	vhost_channel_close(&c);
	vhost_channel_close(&c);
	if (other >= 0)
		close(other);
	assert_int_equal(open_descriptors(), open_before);
	return 0;
}

static struct vhost_message message(uint32_t request, uint32_t bytes, uint64_t value)
{
	struct vhost_message m = {.header = {.request = request, .flags = VHOST_FLAG_VERSION, .bytes = bytes}};

	m.payload.u64 = value;
	return m;
}

/* The other side's end of its file. */
static void end(void)
{
	close(other);
	other = -1;
}

static void expect(enum vhost_fault fault, bool is_whole)
{
	bool whole;

	assert_string_equal(vhost_fault_text(vhost_channel_receive(&c, &whole)), vhost_fault_text(fault));
	assert_int_equal(whole, is_whole);
}

/* A message is the one that was sent, and the next one is left where it is. */
static void test_one_after_the_other(void **state)
{
	struct vhost_message a = message(1, 8, 0x1122334455667788), b = message(2, 0, 0), d = message(3, VHOST_PAYLOAD_MAX, 5);

	d.payload.config.data[VHOST_CONFIG_MAX - 1] = 0xee;
	expect(VHOST_OK, false);
	peer_say(other, &a, 20, NULL, 0);
	peer_say(other, &b, 12, NULL, 0);
	peer_say(other, &d, 12 + VHOST_PAYLOAD_MAX, NULL, 0);
	expect(VHOST_OK, true);
	assert_int_equal(c.in.header.request, 1);
	assert_true(c.in.payload.u64 == a.payload.u64);
	/* it stays until it is done with */
	expect(VHOST_OK, true);
	vhost_channel_next(&c);
	expect(VHOST_OK, true);
	assert_int_equal(c.in.header.request, 2);
	assert_true(c.in.payload.u64 == 0);
	vhost_channel_next(&c);
	expect(VHOST_OK, true);
	assert_memory_equal(&c.in.payload, &d.payload, VHOST_PAYLOAD_MAX);
	vhost_channel_next(&c);
	expect(VHOST_OK, false);
	end();
	expect(VHOST_CLOSED, false);
}

/* Bytes come as they like. */
static void test_byte_by_byte(void **state)
{
	struct vhost_message a = message(1, 8, 0x1122334455667788);
	uint8_t bytes[20];

	memcpy(bytes, &a.header, 12);
	memcpy(bytes + 12, &a.payload, 8);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		expect(VHOST_OK, false);
		assert_int_equal(write(other, bytes + i, 1), 1);
	}
	expect(VHOST_OK, true);
	assert_true(c.in.payload.u64 == a.payload.u64);
}

/* An end between any two bytes is no message; before the first one it is an end. */
static void test_cut_anywhere(void **state)
{
	struct vhost_message a = message(1, 8, 1);
	/* not its own, which would keep it open */
	int fd = STDIN_FILENO;

	for (size_t len = 0; len < 20; len++) {
		peer_say(other, &a, len, &fd, len ? 1 : 0);
		expect(VHOST_OK, false);
		end();
		expect(len ? VHOST_CUT : VHOST_CLOSED, false);
		teardown(state);
		setup(state);
	}
}

/* No header is believed that says what no message has. */
static void test_wrong_headers(void **state)
{
	struct vhost_message a = message(1, VHOST_PAYLOAD_MAX + 1, 0);

	peer_say(other, &a, 12, NULL, 0);
	expect(VHOST_TOO_LONG, false);
	/* and it is not forgotten */
	expect(VHOST_TOO_LONG, false);
	vhost_channel_next(&c);
	a.header.bytes = UINT32_MAX;
	peer_say(other, &a, 12, NULL, 0);
	expect(VHOST_TOO_LONG, false);
	vhost_channel_next(&c);
	for (uint32_t version = 0; version < 4; version++) {
		a = message(1, 0, 0);
		a.header.flags = version;
		peer_say(other, &a, 12, NULL, 0);
		expect(version == 1 ? VHOST_OK : VHOST_VERSION, version == 1);
		vhost_channel_next(&c);
	}
}

/* Descriptors belong to their message; what is not taken is closed. */
static void test_descriptors(void **state)
{
	struct vhost_message a = message(1, 8, 1);
	int fds[] = {other, other}, fd;

	peer_say(other, &a, 20, fds, 1);
	peer_say(other, &a, 20, fds, 2);
	peer_say(other, &a, 20, fds, 1);
	peer_say(other, &a, 20, NULL, 0);
	expect(VHOST_OK, true);
	assert_int_equal(c.nr_fds, 1);
	fd = vhost_channel_take_fd(&c);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(vhost_channel_take_fd(&c), -1);
	vhost_channel_next(&c);
	close(fd);
	expect(VHOST_OK, true);
	assert_int_equal(c.nr_fds, 2);
	assert_int_equal(vhost_channel_take_fd(&c), -1);
	vhost_channel_next(&c);
	expect(VHOST_OK, true);
	assert_int_equal(c.nr_fds, 1);
	vhost_channel_next(&c);
	expect(VHOST_OK, true);
	assert_int_equal(c.nr_fds, 0);
	vhost_channel_next(&c);
	assert_int_equal(open_descriptors(), open_before + 2);
}

/* With the payload's bytes they count as well, and as many as there may be is for both together. */
static void test_descriptors_in_the_middle(void **state)
{
	struct vhost_message a = message(1, 8, 1);
	struct vhost_message rest = message(0, 0, 0);
	int fds[] = {other, other};

	peer_say(other, &a, 12, fds, 1);
	peer_say(other, &rest, 8, fds, 1);
	expect(VHOST_OK, true);
	assert_int_equal(c.nr_fds, 2);
	vhost_channel_next(&c);
	peer_say(other, &a, 12, fds, 2);
	peer_say(other, &rest, 8, fds, 1);
	expect(VHOST_CONTROL, false);
	assert_int_equal(open_descriptors(), open_before + 4);
}

/* Too many are refused by us, and from some number on by the kernel, which has no room for them: none stays. */
static void test_too_many_descriptors(void **state)
{
	struct vhost_message a = message(1, 8, 1);
	int fds[64];

	for (unsigned int i = 0; i < 64; i++)
		fds[i] = other;
	for (unsigned int nr = VHOST_CHANNEL_FDS + 1; nr <= 64; nr++) {
		peer_say(other, &a, 20, fds, nr);
		expect(VHOST_CONTROL, false);
		assert_int_equal(open_descriptors(), open_before + 2 + VHOST_CHANNEL_FDS);
		vhost_channel_next(&c);
		assert_int_equal(open_descriptors(), open_before + 2);
		teardown(state);
		setup(state);
		for (unsigned int i = 0; i < 64; i++)
			fds[i] = other;
	}
}

/* What is sent arrives whole, with its descriptors. */
static void test_sent(void **state)
{
	struct vhost_message a = message(5, VHOST_TABLE_BYTES(8), 8);
	struct vhost_channel there;
	int fds[VHOST_FDS_MAX + 1] = {0};
	bool whole;

	vhost_channel_init(&there, other);
	other = -1;
	a.payload.table.region[7].mmap_offset = 77;
	assert_int_equal(vhost_channel_send(&c, &a, fds, 2), VHOST_OK);
	assert_int_equal(vhost_channel_receive(&there, &whole), VHOST_OK);
	assert_true(whole);
	assert_int_equal(there.nr_fds, 2);
	assert_memory_equal(&there.in.payload, &a.payload, a.header.bytes);
	/* no more than there may be */
	assert_int_equal(vhost_channel_send(&c, &a, fds, VHOST_FDS_MAX + 1), VHOST_SYSTEM);
	a.header.bytes = VHOST_PAYLOAD_MAX + 1;
	assert_int_equal(vhost_channel_send(&c, &a, fds, 0), VHOST_SYSTEM);
	vhost_channel_close(&there);
	/* and no signal */
	a.header.bytes = 8;
	assert_int_equal(vhost_channel_send(&c, &a, fds, 1), VHOST_CLOSED);
}

/* One that does not read does not stop us. */
static void test_full(void **state)
{
	struct vhost_message a = message(5, VHOST_PAYLOAD_MAX, 0);
	unsigned int sent = 0;
	enum vhost_fault fault;

	while (!(fault = vhost_channel_send(&c, &a, NULL, 0)))
		sent++;
	assert_int_equal(fault, VHOST_FULL);
	/* more than ever go out without an answer */
	assert_true(sent > 20);
	assert_int_equal(vhost_channel_send(&c, &a, NULL, 0), VHOST_FULL);
}

/* The other side ended before it had read all: the kernel says reset rather than end. */
static void test_reset(void **state)
{
	struct vhost_message a = message(5, 8, 0);

	assert_int_equal(vhost_channel_send(&c, &a, NULL, 0), VHOST_OK);
	end();
	expect(VHOST_CLOSED, false);
}

static void test_closed(void **state)
{
	struct vhost_message a = message(5, 8, 0);

	vhost_channel_close(&c);
	expect(VHOST_NOT_CONNECTED, false);
	assert_int_equal(vhost_channel_send(&c, &a, NULL, 0), VHOST_NOT_CONNECTED);
	/* what is no socket */
	vhost_channel_init(&c, open("/dev/null", O_RDWR | O_CLOEXEC));
	expect(VHOST_SYSTEM, false);
	assert_true(c.err < 0);
}

/* Each fault has a sentence of its own, also those nobody knows. */
static void test_texts(void **state)
{
	for (unsigned int i = 0; i < VHOST_FAULTS; i++) {
		assert_non_null(vhost_fault_text(i));
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(vhost_fault_text(i), vhost_fault_text(j));
	}
	assert_non_null(vhost_fault_text(VHOST_FAULTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(test_byte_by_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
