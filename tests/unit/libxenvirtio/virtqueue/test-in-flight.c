// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that answers in any order dies, at any instruction: no request is lost and none is answered twice. With a record of the
 * chains in flight, which is a guest's word like all state: what cannot be is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"
#include "unit/rigs/step-record.h"
#include "virtqueue/in-flight.h"

#define REQUESTS 5

static struct rig rig;
static struct in_flight record[RIG_QUEUES];
static uint16_t head[REQUESTS];

static int setup(void **state)
{
	memset(record, 0, sizeof(record));
	rig.in_flight = NULL;
	if (rig_init(&rig, NULL))
		return -1;
	rig.in_flight = record;
	return rig_start(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static struct driver_queue *queue(void)
{
	return &rig.driver.queue[1];
}

static void restart(void)
{
	rig_crash(&rig);
	assert_int_equal(rig_start(&rig), 0);
}

static void add(unsigned int i)
{
	struct driver_buf buf = { .len = 4 };

	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(queue(), &buf, 1, false, &head[i]), 0);
}

static void ask(void)
{
	rig_driver(&rig, 0);
	for (unsigned int i = 0; i < REQUESTS; i++)
		add(i);
}

/* The device has taken them all. */
static void begin(void)
{
	ask();
	assert_int_equal(driver_kick(queue()), 0);
	assert_int_equal(rig.nr_kept, REQUESTS);
}

/* Which request that is. */
static unsigned int request_of(uint16_t h)
{
	for (unsigned int i = 0; i < REQUESTS; i++)
		if (head[i] == h)
			return i;
	fail();
	return 0;
}

/* How often each was answered, from here on. */
static void collect(unsigned int answered[REQUESTS])
{
	uint16_t used;
	uint32_t len;

	while (driver_collect(queue(), &used, &len) == 0)
		answered[request_of(used)]++;
}

/* What the device has is what was not answered, in the order in which it was asked; then it answers. */
static void finish(unsigned int answered[REQUESTS])
{
	const unsigned int order[REQUESTS] = {0, 1, 2, 3, 4};
	unsigned int waiting = 0;

	collect(answered);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		assert_in_range(answered[i], 0, 1);
		if (answered[i])
			continue;
		assert_in_range(waiting, 0, rig.nr_kept - 1);
		assert_int_equal(rig.kept[waiting++].head, head[i]);
	}
	assert_int_equal(rig.nr_kept, waiting);
	assert_int_equal(rig_return_kept(&rig, order, waiting), 0);
	collect(answered);
	for (unsigned int i = 0; i < REQUESTS; i++)
		assert_int_equal(answered[i], 1);
	assert_int_equal(rig.state.queue[1].used_idx, rig.state.queue[1].last_avail_idx);
	assert_int_equal(rig_count_errors(&rig), 0);
}

/* Without the record a successor would take the oldest two for the ones that were answered. */
static void what_was_answered_out_of_order_is_not_asked_again(void **state)
{
	const unsigned int order[] = {3, 1};
	unsigned int answered[REQUESTS] = {0};

	begin();
	assert_int_equal(rig_return_kept(&rig, order, 2), 0);
	restart();
	assert_int_equal(rig.nr_kept, 3);
	/* and again, before anything was done */
	restart();
	finish(answered);
}

static void push_two(void *opaque)
{
	const unsigned int order[] = {3, 1};

	if (rig_return_kept(&rig, order, 2))
		_exit(2);
}

static void take_all(void *opaque)
{
	if (driver_kick(queue()))
		_exit(2);
}

/* Everything that the work can leave is gone on from; what the driver had done is the same in all of them. */
static void die_everywhere(void (*work)(void *opaque), size_t records_min)
{
	const struct step_region regions[] = {
		{&rig.state, sizeof(rig.state)},
		{record, sizeof(record)},
		{queue()->desc, XENVIRTIO_PAGE_SIZE},
	};
	struct driver driver = rig.driver;
	struct step_record r;

	step_record(&r, regions, 3, work, NULL);
	print_message("# %lu instructions, after which %zu different things are left\n", r.steps, r.nr);
	assert_true(r.nr >= records_min);
	for (size_t i = 0; i < r.nr; i++) {
		unsigned int answered[REQUESTS] = {0};

		rig_crash(&rig);
		rig.driver = driver;
		step_record_put(&r, i);
		assert_int_equal(rig_start(&rig), 0);
		finish(answered);
	}
	step_record_free(&r);
}

static void wherever_it_dies_while_it_answers(void **state)
{
	begin();
	/* next_used, pushing, the element, two indices, the bit, pushing: twice, less what was so before */
	die_everywhere(push_two, 12);
}

static void wherever_it_dies_while_it_takes(void **state)
{
	ask();
	die_everywhere(take_all, 2 * REQUESTS);
}

/* Those of before come first. */
static void new_requests_come_after_the_old(void **state)
{
	const unsigned int order[] = {0, 2};
	struct driver_buf buf = { .len = 4 };
	uint16_t newer, used;
	uint32_t len;

	begin();
	assert_int_equal(rig_return_kept(&rig, order, 2), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(driver_collect(queue(), &used, &len), 0);
	assert_non_null(rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf.gpa));
	assert_int_equal(driver_add(queue(), &buf, 1, false, &newer), 0);
	restart();
	assert_int_equal(rig.nr_kept, 4);
	assert_int_equal(rig.kept[0].head, head[1]);
	assert_int_equal(rig.kept[1].head, head[3]);
	assert_int_equal(rig.kept[2].head, head[4]);
	assert_int_equal(rig.kept[3].head, newer);
}

/* What a guest writes there decides of one push, and only of one that was under way. */
static void the_guests_copy_of_the_used_index_is_not_trusted(void **state)
{
	static const uint16_t lie[] = {1, 2, 100, 0x8000, 0xffff};
	const unsigned int order[] = {4};

	for (size_t i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		begin();
		assert_int_equal(rig_return_kept(&rig, order, 1), 0);
		rig_crash(&rig);
		*queue()->used_idx += lie[i];
		assert_int_equal(rig_start(&rig), 0);
		assert_int_equal(rig.nr_kept, 4);
		assert_int_equal(rig.state.queue[1].used_idx, 1);
		rig_crash(&rig);
		in_flight_push(&record[1], head[2], 2);
		*queue()->used_idx = 1 + lie[i];
		assert_int_equal(rig_start(&rig), 0);
		assert_int_equal(rig.nr_kept, lie[i] == 1 ? 3 : 4);
		assert_int_equal(rig.state.queue[1].used_idx, lie[i] == 1 ? 2 : 1);
	}
}

/* Of the process before, which pushed in order: as without a record. From then on there is one. */
static void a_process_that_kept_no_record_is_gone_on_from(void **state)
{
	const unsigned int order[] = {1};
	unsigned int answered[REQUESTS] = {0};

	assert_int_equal(rig_stop(&rig), 0);
	memset(&rig.state, 0, sizeof(rig.state));
	rig.in_flight = NULL;
	assert_int_equal(rig_start(&rig), 0);
	begin();
	rig_crash(&rig);
	rig.in_flight = record;
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(rig.nr_kept, REQUESTS);
	assert_int_equal(rig_return_kept(&rig, order, 1), 0);
	restart();
	finish(answered);
}

static void expect_refused(void (*spoil)(void))
{
	const struct in_flight good[RIG_QUEUES] = {record[0], record[1]};

	rig_crash(&rig);
	spoil();
	assert_int_equal(rig_start(&rig), -EBADMSG);
	memcpy(record, good, sizeof(record));
	assert_int_equal(rig_start(&rig), 0);
}

static void spoil_version(void)
{
	record[1].version = IN_FLIGHT_VERSION + 1;
}

static void version_of_before(void)
{
	record[1].version = 1;
}

static void one_too_many(void)
{
	record[1].heads[1] |= 1;
}

static void one_too_few(void)
{
	record[1].heads[0] &= ~(UINT64_C(1) << head[2]);
}

static void beyond_the_queue(void)
{
	record[1].heads[0] &= ~(UINT64_C(1) << head[2]);
	record[1].heads[RIG_QUEUE_SIZE / 64 + 1] |= UINT64_C(1) << 63;
}

static void pushing_what_is_not_taken(void)
{
	record[1].pushing = 61;
	record[1].next_used = 1;
}

static void pushing_another_time(void)
{
	record[1].pushing = head[1] + 1;
	record[1].next_used = 3;
}

static void pushing_beyond(void)
{
	record[1].pushing = 0xffff;
	record[1].next_used = 1;
}

static void a_record_that_cannot_be_is_refused(void **state)
{
	unsigned int answered[REQUESTS] = {0};

	begin();
	expect_refused(spoil_version);
	expect_refused(version_of_before);
	expect_refused(one_too_many);
	expect_refused(one_too_few);
	expect_refused(beyond_the_queue);
	expect_refused(pushing_what_is_not_taken);
	expect_refused(pushing_another_time);
	expect_refused(pushing_beyond);
	finish(answered);
}

/* A reset, a stopped queue: what was in flight is the driver's again. */
static void what_ended_is_not_asked_again(void **state)
{
	begin();
	assert_int_equal(driver_reset(&rig.driver), 0);
	rig.nr_kept = 0;
	rig_driver(&rig, 0);
	restart();
	assert_int_equal(rig.nr_kept, 0);
	assert_int_equal(rig_target.request(&rig.driver), 0);
}

static void a_record_has_its_place(void **state)
{
	static const struct xenvirtio_device_ops ops;
	struct xenvirtio_device_config cfg = {.nr_queues = 2, .queue_size_max = 64, .ops = &ops};
	struct xenvirtio_device *dev;

	assert_int_equal(xenvirtio_in_flight_bytes(2), sizeof(record));
	cfg.in_flight = (char *)record + 4;
	assert_int_equal(xenvirtio_device_new(&dev, &cfg, rig.gmem, NULL), -EINVAL);
	cfg.in_flight = record;
	cfg.foreign_queues = true;
	assert_int_equal(xenvirtio_device_new(&dev, &cfg, rig.gmem, NULL), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_answered_out_of_order_is_not_asked_again),
		TEST(wherever_it_dies_while_it_answers),
		TEST(wherever_it_dies_while_it_takes),
		TEST(new_requests_come_after_the_old),
		TEST(the_guests_copy_of_the_used_index_is_not_trusted),
		TEST(a_process_that_kept_no_record_is_gone_on_from),
		TEST(a_record_that_cannot_be_is_refused),
		TEST(what_ended_is_not_asked_again),
		TEST(a_record_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
