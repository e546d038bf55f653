// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Backends that do wrong, in each way at each message of a whole life: every one is told of by its kind, in bounded time, and
 * leaves no descriptor behind.
 */
#include "unit/rigs/vhost-bench.h"

#include "backend/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A whole life, up to its end or the first fault; the queues are handed over twice. */
static enum vhost_fault live(void)
{
	const uint8_t byte = 0x77;
	enum vhost_fault fault = bench_connect();

	if (!fault)
		fault = bench_start();
	if (!fault) {
		assert_int_equal(vhost_frontend_write_config(bench.f, 1, &byte, 1), 0);
		fault = vhost_frontend_wait(bench.f);
	}
	if (!fault)
		fault = bench_stop();
	if (!fault)
		fault = bench_start();
	/* what comes last is found when somebody looks */
	peer_run(bench.p);
	vhost_frontend_run(bench.f);
	return fault ? fault : bench.lost ? bench.why : VHOST_OK;
}

/* Of a well life with REPLY_ACK and without. */
struct record {
	uint64_t protocol;
	size_t nr;
	struct peer_request asked[PEER_REQUESTS];
};

static struct record records[2] = {{.protocol = UINT64_MAX}, {.protocol = ~(UINT64_C(1) << VHOST_PROTOCOL_REPLY_ACK)}};

static bool has_answer(const struct vhost_header *h)
{
	switch (h->request) {
	case VHOST_GET_FEATURES:
	case VHOST_GET_PROTOCOL_FEATURES:
	case VHOST_GET_QUEUE_NUM:
	case VHOST_GET_MAX_MEM_SLOTS:
	case VHOST_GET_CONFIG:
	case VHOST_GET_INFLIGHT_FD:
	case VHOST_GET_VRING_BASE:
		return true;
	default:
		return h->flags & VHOST_FLAG_NEED_REPLY;
	}
}

static void learn(struct record *r)
{
	bench_setup(NULL);
	bench.p->protocol = r->protocol;
	assert_int_equal(live(), VHOST_OK);
	r->nr = bench.p->nr_asked;
	memcpy(r->asked, bench.p->asked, sizeof(r->asked));
	assert_int_equal(bench_teardown(NULL), 0);
	assert_true(r->nr > 40 && r->nr < 100);
}

static int learn_all(void **state)
{
	learn(&records[0]);
	learn(&records[1]);
	return 0;
}

/* A life with one wrong answer. Return: how it ended */
static enum vhost_fault live_ill(const struct record *r, size_t at, enum peer_ill ill, uint64_t value)
{
	uint64_t begun_ms = clock_now_ms();
	enum vhost_fault fault;

	bench_setup(NULL);
	bench.p->protocol = r->protocol;
	bench.p->ill = ill;
	bench.p->ill_at = at;
	bench.p->ill_value = value;
	fault = live();
	assert_int_equal(bench.lost, fault != VHOST_OK);
	if (fault) {
		assert_int_equal(bench.why, fault);
		assert_false(vhost_frontend_is_connected(bench.f));
		assert_false(vhost_frontend_is_served(bench.f));
		assert_true(vhost_frontend_deadline_ms(bench.f) == 0);
	}
	assert_true(clock_now_ms() - begun_ms <= 5000);
	/* all descriptors are back */
	assert_int_equal(bench_teardown(NULL), 0);
	return fault;
}

/* @expected: where an answer is due; an answer where none is, is wrong in any case */
static void try_everywhere(enum peer_ill ill, uint64_t value, enum vhost_fault expected)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct record *r = &records[i];

		for (size_t at = 0; at < r->nr; at++) {
			enum vhost_fault fault = live_ill(r, at, ill, value);

			if (has_answer(&r->asked[at].m.header))
				assert_string_equal(vhost_fault_text(fault), vhost_fault_text(expected));
			else if (ill != PEER_SILENT)
				assert_int_not_equal(fault, VHOST_OK);
			else
				assert_int_equal(fault, VHOST_OK);
		}
	}
}

static void test_silent(void **state)
{
	try_everywhere(PEER_SILENT, 0, VHOST_LATE);
}

static void test_ends(void **state)
{
	try_everywhere(PEER_CLOSES, 0, VHOST_CLOSED);
}

static void test_ends_in_the_answer(void **state)
{
	static const uint64_t bytes[] = {1, 4, 11, 12, 13, 19, 200};

	for (unsigned int i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		try_everywhere(PEER_CUTS, bytes[i], VHOST_CUT);
}

static void test_wrong_headers(void **state)
{
	try_everywhere(PEER_SHORT, 0, VHOST_LENGTH);
	try_everywhere(PEER_LONG, 0, VHOST_LENGTH);
	try_everywhere(PEER_HUGE, 0, VHOST_TOO_LONG);
	try_everywhere(PEER_OTHER_REQUEST, 0, VHOST_OTHER_REQUEST);
	try_everywhere(PEER_NO_REPLY_FLAG, 0, VHOST_NO_REPLY_FLAG);
	try_everywhere(PEER_VERSION, 0, VHOST_VERSION);
}

static void test_descriptors(void **state)
{
	try_everywhere(PEER_FDS, 4, VHOST_CONTROL);
	try_everywhere(PEER_FDS, 40, VHOST_CONTROL);
	try_everywhere(PEER_FD, 0, VHOST_FDS_MANY);
}

/* Where there is one to be, it is missed; elsewhere none can be. */
static void test_no_descriptor(void **state)
{
	const struct record *r = &records[0];

	for (size_t at = 0; at < r->nr; at++)
		if (r->asked[at].m.header.request == VHOST_GET_INFLIGHT_FD)
			assert_int_equal(live_ill(r, at, PEER_NO_FD, 0), VHOST_FDS_MISSING);
}

/* A second answer is taken for the next request's, and is not; or was not asked for by any. */
static void test_twice(void **state)
{
	for (unsigned int i = 0; i < 2; i++)
		for (size_t at = 0; at < records[i].nr; at++)
			assert_int_not_equal(live_ill(&records[i], at, PEER_TWICE, 0), VHOST_OK);
	assert_int_equal(live_ill(&records[0], records[0].nr - 1, PEER_TWICE, 0), VHOST_UNASKED);
}

/* A no is a no, but for a field of the configuration. */
static void test_refused(void **state)
{
	const struct record *r = &records[0];

	for (size_t at = 0; at < r->nr; at++) {
		const struct vhost_header *h = &r->asked[at].m.header;

		if (h->flags & VHOST_FLAG_NEED_REPLY)
			assert_int_equal(live_ill(r, at, PEER_VALUE, 1),
					 h->request == VHOST_SET_CONFIG ? VHOST_OK : VHOST_REFUSED);
	}
}

/* Values that cannot be, each of a kind. */
static void test_values(void **state)
{
	const struct record *r = &records[0];

	for (size_t at = 0; at < r->nr; at++) {
		switch (r->asked[at].m.header.request) {
		case VHOST_GET_FEATURES:
			assert_int_equal(live_ill(r, at, PEER_VALUE, ~(UINT64_C(1) << 32)), VHOST_LEGACY);
			break;
		case VHOST_GET_QUEUE_NUM:
			assert_int_equal(live_ill(r, at, PEER_VALUE, 0), VHOST_VALUE);
			assert_int_equal(live_ill(r, at, PEER_VALUE, 1), VHOST_QUEUES);
			assert_int_equal(live_ill(r, at, PEER_VALUE, UINT64_MAX), VHOST_OK);
			break;
		case VHOST_GET_MAX_MEM_SLOTS:
			assert_int_equal(live_ill(r, at, PEER_VALUE, 1), VHOST_REGIONS);
			assert_int_equal(live_ill(r, at, PEER_VALUE, UINT64_MAX), VHOST_OK);
			break;
		case VHOST_GET_PROTOCOL_FEATURES:
			/* then there is nobody to tell the configuration */
			assert_int_equal(live_ill(r, at, PEER_VALUE, 0), VHOST_NO_CONFIG);
			break;
		case VHOST_GET_VRING_BASE:
			/* of a queue there is not; an index that is none */
			assert_int_equal(live_ill(r, at, PEER_VALUE, 99), VHOST_VALUE);
			assert_int_equal(live_ill(r, at, PEER_VALUE,
						  r->asked[at].m.payload.state.index | UINT64_C(0x10000) << 32),
					 VHOST_VALUE);
			break;
		case VHOST_GET_CONFIG:
			/* of another offset; of another size */
			assert_int_equal(live_ill(r, at, PEER_VALUE, 1 | UINT64_C(60) << 32), VHOST_VALUE);
			assert_int_equal(live_ill(r, at, PEER_VALUE, UINT64_C(256) << 32), VHOST_VALUE);
			break;
		case VHOST_GET_INFLIGHT_FD:
			assert_int_equal(live_ill(r, at, PEER_VALUE, 0), VHOST_VALUE);
			assert_int_equal(live_ill(r, at, PEER_VALUE, 1), VHOST_OK);
			break;
		default:
			break;
		}
	}
}

/* An answer at the last moment is one; a moment later it is none. Nobody waits longer than to the limit. */
static void test_late(void **state)
{
	bench.device.limits.connect_ms = 700;
	bench_device();
	bench.p->ill = PEER_LATE;
	bench.p->ill_at = 7;
	bench.p->ill_value = 699;
	assert_int_equal(bench_connect(), VHOST_OK);
	for (unsigned int late = 700; late < 702; late++) {
		uint64_t begun_ms = clock_now_ms();

		bench_peer();
		bench.p->ill = PEER_LATE;
		bench.p->ill_at = 7;
		bench.p->ill_value = late;
		assert_int_equal(bench_connect(), late == 700 ? VHOST_OK : VHOST_LATE);
		assert_true(clock_now_ms() == begun_ms + 700);
	}
}

/* The limit is of the operation as a whole: one answer in time after the other is not in time. */
static void test_trickle(void **state)
{
	uint64_t end_ms;

	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(vhost_frontend_start(bench.f, &bench.start), 0);
	end_ms = vhost_frontend_deadline_ms(bench.f);
	while (!bench.lost) {
		assert_true(clock_now_ms() <= end_ms);
		peer_clock_pass(500);
		peer_run(bench.p);
		vhost_frontend_run(bench.f);
		assert_int_equal(bench.done[VHOST_STARTED], 0);
	}
	assert_int_equal(bench.why, VHOST_LATE);
	assert_true(clock_now_ms() >= end_ms);
}

/* A vcpu waits for the end of a reset: not for the start's whole limit. */
static void test_stop_is_bounded(void **state)
{
	uint64_t begun_ms;

	bench.device.limits.start_ms = 60000;
	bench.device.limits.stop_ms = 300;
	bench_device();
	assert_int_equal(bench_connect(), VHOST_OK);
	peer_clock_attend(NULL);
	assert_int_equal(vhost_frontend_start(bench.f, &bench.start), 0);
	begun_ms = clock_now_ms();
	assert_int_equal(bench_stop(), VHOST_LATE);
	assert_true(clock_now_ms() == begun_ms + 300);
	assert_false(vhost_frontend_is_served(bench.f));
}

/* Words without a question, when nothing is under way. */
static void test_unasked(void **state)
{
	struct vhost_message m = {.header = {.request = VHOST_GET_FEATURES, .bytes = 8}};

	m.header.flags = VHOST_FLAG_VERSION | VHOST_FLAG_REPLY;
	for (size_t len = 1; len <= 20; len++) {
		bench_peer();
		assert_int_equal(bench_connect(), VHOST_OK);
		peer_say(bench.p->fd, &m, len, &bench.p->fd, 1);
		vhost_frontend_run(bench.f);
		assert_int_equal(bench.why, VHOST_UNASKED);
		assert_int_equal(bench.lost, len);
	}
}

/* It may end when nothing is under way, too. */
static void test_ends_in_peace(void **state)
{
	assert_int_equal(bench_connect(), VHOST_OK);
	assert_int_equal(bench_start(), VHOST_OK);
	peer_hang_up(bench.p);
	vhost_frontend_run(bench.f);
	vhost_frontend_run(bench.f);
	assert_int_equal(bench.lost, 1);
	assert_int_equal(bench.why, VHOST_CLOSED);
}

/* A byte at a time is no fault. */
static void test_bytewise(void **state)
{
	for (size_t at = 0; at < records[0].nr; at++)
		if (has_answer(&records[0].asked[at].m.header))
			assert_int_equal(live_ill(&records[0], at, PEER_BYTEWISE, 0), VHOST_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_ends_in_the_answer),
		cmocka_unit_test(test_wrong_headers),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_no_descriptor),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bytewise),
		cmocka_unit_test_setup_teardown(test_late, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_trickle, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_stop_is_bounded, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_unasked, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(test_ends_in_peace, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests(tests, learn_all, NULL);
}
