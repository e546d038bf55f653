// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extents of several orders in one question: each field of it hostile in turn; and what is populated only while the domain is as the device
 * believes, whatever fails.
 */
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "fake/hv-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RAM 0x40000u
#define RAM_END_INCL 0x40fffu
#define TOT_PAGES 5120u
#define EXTENT(gfn, order) ((gfn) | (uint64_t)(order) << BROKER_ORDER_SHIFT)

struct bench {
	struct fake *fake;
	struct log_capture log;
	struct broker broker;
	struct broker_request req;
	struct broker_answer answer;
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return fake_open(((struct bench *)opaque)->fake, hv);
}

static const struct program program = {.name = "test"};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(NULL);
	assert_non_null(b->fake);
	log_capture_open(&b->log, LOG_LEVEL_DEBUG);
	broker_init(&b->broker, &(struct broker_config){
					.log = &b->log.log, .domid = 7, .open_hv = open_hv, .program = &program, .opaque = b});
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	broker_fini(&b->broker);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_faults_total(b->fake), 0);
	fake_free(b->fake);
	free(b);
	return 0;
}

/* Return: -EPROTO, or what the answer says */
static int ask(struct bench *b)
{
	int fd, rc;

	memset(&b->answer, 0xa5, sizeof(b->answer));
	rc = broker_answer(&b->broker, &b->req, BROKER_HEADER_BYTES + b->req.nr * sizeof(b->req.frame[0]), &b->answer, &fd);
	assert_int_equal(fd, -1);
	return rc ? rc : b->answer.ret;
}

static int ask_for(struct bench *b, enum broker_op op, uint64_t tot_pages, const uint64_t *frame, uint32_t nr)
{
	b->req = (struct broker_request){.op = op, .nr = nr, .value = tot_pages};
	memcpy(b->req.frame, frame, nr * sizeof(*frame));
	return ask(b);
}

/* The answer is @done, what Xen said of the domain, and nothing else. */
static void expect(struct bench *b, uint64_t done, uint64_t tot_pages)
{
	struct broker_answer all = {.op = b->req.op, .ret = b->answer.ret};

	all.moved.done = done;
	if (tot_pages)
		all.moved.info = (struct broker_domain){.tot_pages = tot_pages, .max_pages = TOT_PAGES, .nr_vcpus = 1};
	assert_memory_equal(&b->answer, &all, sizeof(all));
}

static const uint64_t orders[] = {EXTENT(RAM + 512, 9), EXTENT(RAM, 3), EXTENT(RAM + 8, 3), EXTENT(RAM + 16, 1), EXTENT(RAM + 19, 0),
				  EXTENT(RAM + 21, 0)};
#define ORDERS 6u
#define FRAMES (512u + 8 + 8 + 2 + 1 + 1)

static void each_order_is_one_call(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask_for(b, BROKER_RELEASE_EXTENTS, 0, orders, ORDERS), 0);
	expect(b, ORDERS, TOT_PAGES);
	/* the ranges, once; the domain; four orders */
	assert_int_equal(fake_calls(b->fake), 6);
	assert_int_equal(fake_holes(b->fake), FRAMES);
	assert_int_equal(ask_for(b, BROKER_POPULATE_EXTENTS, TOT_PAGES - FRAMES, orders, ORDERS), 0);
	expect(b, ORDERS, TOT_PAGES - FRAMES);
	assert_int_equal(fake_calls(b->fake), 11);
	assert_int_equal(fake_holes(b->fake), 0);
}

/* Nothing but the domain is looked at. */
static void what_is_not_as_expected_is_not_populated(void **state)
{
	static const uint64_t others[] = {0, 1, TOT_PAGES, TOT_PAGES - FRAMES - 1, TOT_PAGES - FRAMES + 1, UINT64_MAX, UINT64_C(1) << 63};
	struct bench *b = *state;
	uint64_t before;

	assert_int_equal(ask_for(b, BROKER_RELEASE_EXTENTS, 0, orders, ORDERS), 0);
	before = fake_calls(b->fake);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(ask_for(b, BROKER_POPULATE_EXTENTS, others[i], orders, ORDERS), XENVIRTIO_E_AGAIN);
		expect(b, 0, TOT_PAGES - FRAMES);
		assert_int_equal(fake_calls(b->fake), before + 1 + i);
	}
	assert_int_equal(fake_holes(b->fake), FRAMES);
}

static void what_is_no_question_ends_the_device(void **state)
{
	static const uint64_t bad[][2] = {
		/* too large, or an order that is none */
		{EXTENT(RAM, 10), EXTENT(RAM, 0)}, {EXTENT(RAM, 64), EXTENT(RAM, 0)}, {EXTENT(RAM, 255), EXTENT(RAM, 0)},
		/* grows */
		{EXTENT(RAM, 0), EXTENT(RAM + 512, 9)}, {EXTENT(RAM, 8), EXTENT(RAM + 512, 9)},
		/* crooked */
		{EXTENT(RAM + 1, 1), EXTENT(RAM, 0)}, {EXTENT(RAM + 256, 9), EXTENT(RAM, 0)}, {EXTENT(RAM, 9), EXTENT(RAM + 4, 3)},
	};
	struct bench *b = *state;

	for (enum broker_op op = BROKER_RELEASE_EXTENTS; op <= BROKER_POPULATE_EXTENTS; op++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			assert_int_equal(ask_for(b, op, 0, bad[i], 2), -EPROTO);
		assert_int_equal(ask_for(b, op, 0, orders, 0), -EPROTO);
		b->req = (struct broker_request){.op = op, .nr = 1, .order = 1, .frame = {RAM}};
		assert_int_equal(ask(b), -EPROTO);
	}
	assert_int_equal(ask_for(b, BROKER_RELEASE_EXTENTS, 1, orders, ORDERS), -EPROTO);
	assert_int_equal(fake_calls(b->fake), 0);
}

/* One among many: nothing is done of all. */
static void ram_alone_is_moved(void **state)
{
	static const uint64_t foreign[] = {
		EXTENT(0, 9), EXTENT(RAM - 512, 9), EXTENT(RAM_END_INCL + 1, 9), EXTENT(RAM_END_INCL + 1, 0), EXTENT(RAM - 1, 0),
		EXTENT(BROKER_EXTENT_FRAME, 0), EXTENT(BROKER_EXTENT_FRAME & ~511u, 9), EXTENT(UINT64_C(1) << 52, 9), EXTENT(0x200400, 0),
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const uint64_t first[] = {foreign[i], EXTENT(RAM, 0)}, last[] = {EXTENT(RAM + 512, 9), foreign[i]};

		for (enum broker_op op = BROKER_RELEASE_EXTENTS; op <= BROKER_POPULATE_EXTENTS; op++) {
			uint64_t tot_pages = op == BROKER_RELEASE_EXTENTS ? 0 : TOT_PAGES;

			assert_int_equal(ask_for(b, op, tot_pages, first, 2), -EPERM);
			expect(b, 0, 0);
			assert_int_equal(ask_for(b, op, tot_pages, last, 2), -EPERM);
			expect(b, 0, 0);
		}
	}
	assert_int_equal(fake_tot_pages(b->fake), TOT_PAGES);
	/* the ranges, once */
	assert_int_equal(fake_calls(b->fake), 1);
	assert_int_equal(b->log.at_level[LOG_LEVEL_WARNING], 1);
}

/* At the first extent that cannot be: what follows is left, of other orders too. */
static void it_stops_where_xen_does(void **state)
{
	struct bench *b = *state;

	for (uint32_t hole = 0; hole < ORDERS; hole++) {
		uint64_t released = 0;

		fake_make_hole(b->fake, xenvirtio_gfn(orders[hole] & BROKER_EXTENT_FRAME), 1);
		assert_int_equal(ask_for(b, BROKER_RELEASE_EXTENTS, 0, orders, ORDERS), 0);
		expect(b, hole, TOT_PAGES - 1);
		for (uint32_t i = 0; i < hole; i++)
			released += UINT64_C(1) << (orders[i] >> BROKER_ORDER_SHIFT);
		assert_int_equal(fake_tot_pages(b->fake), TOT_PAGES - 1 - released);
		if (hole)
			assert_int_equal(ask_for(b, BROKER_POPULATE_EXTENTS, TOT_PAGES - 1 - released, orders, hole), 0);
		b->req = (struct broker_request){.op = BROKER_POPULATE, .nr = 1, .frame = {orders[hole] & BROKER_EXTENT_FRAME}};
		assert_int_equal(ask(b), 0);
		assert_int_equal(fake_tot_pages(b->fake), TOT_PAGES);
	}
}

/* Whichever call of it fails: what was done before is told, and nothing is done after. */
static void what_fails_is_told(void **state)
{
	struct bench *b = *state;

	/* the ranges are known */
	assert_int_equal(ask_for(b, BROKER_RELEASE_EXTENTS, 0, orders, ORDERS), 0);
	for (uint64_t nth = 1; nth <= 5; nth++) {
		static const uint64_t done[] = {0, 0, 1, 3, 4}, frames[] = {0, 0, 512, 528, 530};
		uint64_t at = nth - 1, left = TOT_PAGES - FRAMES + frames[at];

		fake_fail(b->fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		assert_int_equal(ask_for(b, BROKER_POPULATE_EXTENTS, TOT_PAGES - FRAMES, orders, ORDERS), -EIO);
		expect(b, done[at], 0);
		fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
		assert_int_equal(fake_tot_pages(b->fake), left);
		if (done[at])
			assert_int_equal(ask_for(b, BROKER_RELEASE_EXTENTS, 0, orders, (uint32_t)done[at]), 0);
	}
	fake_set_gone(b->fake);
	assert_int_equal(ask_for(b, BROKER_POPULATE_EXTENTS, TOT_PAGES - FRAMES, orders, ORDERS), XENVIRTIO_E_GONE);
	expect(b, 0, 0);
}

static int exchange(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	return broker_answer(&((struct bench *)opaque)->broker, req, len, answer, fd);
}

/* A broker that counts more than it was asked for is none. */
static int count_much(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	int ret = exchange(opaque, req, len, answer, fd);

	answer->moved.done = req->nr + 1;
	return ret;
}

static int lose(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	return -EPIPE;
}

static void the_devices_side_tells_what_it_is_told(void **state)
{
	static broker_exchange *const exchanges[] = {exchange, count_much, lose};
	const struct xenvirtio_extent extent[] = {{{RAM + 512}, 9}, {{RAM + 19}, 0}}, far = {{BROKER_EXTENT_FRAME + 1}, 0};
	struct bench *b = *state;

	for (size_t i = 0; i < 3; i++) {
		static const int expected[] = {0, -EPROTO, -EPIPE};
		struct xenvirtio_domain_info info;
		struct xenvirtio_hv *hv, *inner;
		size_t done = 99;

		assert_int_equal(fake_open(b->fake, &inner), 0);
		assert_int_equal(broker_client_open(&hv, inner, exchanges[i], b, false), 0);
		assert_int_equal(hv->ops->move_extents(hv, true, 0, extent, 2, &info, &done), expected[i]);
		assert_int_equal(done, i ? 0 : 2);
		if (!i) {
			assert_int_equal(info.tot_pages, TOT_PAGES);
			assert_int_equal(info.max_pages, TOT_PAGES);
			assert_int_equal(hv->ops->move_extents(hv, false, TOT_PAGES, extent, 2, &info, &done), XENVIRTIO_E_AGAIN);
			assert_int_equal(info.tot_pages, TOT_PAGES - 513);
			/* not to be told apart from an order */
			assert_int_equal(hv->ops->move_extents(hv, true, 0, &far, 1, &info, &done), -EINVAL);
			assert_int_equal(hv->ops->move_extents(hv, false, TOT_PAGES - 513, extent, 2, &info, &done), 0);
			assert_int_equal(done, 2);
		}
		xenvirtio_hv_close(hv);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_order_is_one_call),
		TEST(what_is_not_as_expected_is_not_populated),
		TEST(what_is_no_question_ends_the_device),
		TEST(ram_alone_is_moved),
		TEST(it_stops_where_xen_does),
		TEST(what_fails_is_told),
		TEST(the_devices_side_tells_what_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
