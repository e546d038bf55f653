// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's answers, on the fake: each field of a question hostile in turn, what a device may have and what not, and the
 * seam of the device's side, which is what the contract says (tests/contract/contract-broker.c has all of it).
 */
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "fake/hv-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RAM 0x40000u
#define RAM_END_INCL 0x40fffu
#define STATIC_MAX_KIB 20480u
/* libxl's, and a page that mem-set.c adds */
#define SLACK_KIB 1028u

struct bench {
	struct fake *fake;
	struct log_capture log;
	struct broker broker;
	struct broker_request req;
	struct broker_answer answer;
	int open_result;
	int static_max_result;
	struct doors doors;
	int fd;		  /* came with the last answer */
	int names_result; /* of whatever is asked for by name */
	char named[256];  /* what was, in order */
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct bench *b = opaque;

	assert_int_equal(domid, 7);
	return b->open_result ? b->open_result : fake_open(b->fake, hv);
}

static int static_max(void *opaque, uint32_t domid, uint64_t *kib)
{
	const struct bench *b = opaque;

	*kib = STATIC_MAX_KIB;
	return b->static_max_result;
}

static int note_name(struct bench *b, const char *what, uint32_t devid)
{
	size_t at = strlen(b->named);

	snprintf(b->named + at, sizeof(b->named) - at, "%s %u ", what, devid);
	return b->names_result;
}

static int open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	int rc = note_name(opaque, "open", devid);

	*owner = 77;
	return rc ? rc : open_null();
}

static int remove_state(void *opaque, uint32_t devid, int fd)
{
	assert_true(fcntl(fd, F_GETFD) >= 0);
	return note_name(opaque, "remove", devid);
}

static int listen_control(void *opaque, uint32_t devid)
{
	int rc = note_name(opaque, "listen", devid);

	return rc ? rc : open_null();
}

static int unlisten_control(void *opaque, uint32_t devid)
{
	return note_name(opaque, "unlisten", devid);
}

static const struct program program = {.name = "test"};

static int setup(void **state)
{
	const struct fake_config config = {.heap_pages = 64};
	struct bench *b = calloc(1, sizeof(*b));
	struct broker_config cfg = {
		.domid = 7, .open_hv = open_hv, .static_max = static_max, .program = &program, .opaque = b};

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	log_capture_open(&b->log, LOG_LEVEL_DEBUG);
	cfg.log = &b->log.log;
	cfg.doors = &b->doors;
	b->fd = -1;
	b->doors = (struct doors){.open_state = open_state,
				  .remove_state = remove_state,
				  .listen_control = listen_control,
				  .unlisten_control = unlisten_control,
				  .opaque = b};
	broker_init(&b->broker, &cfg);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	broker_fini(&b->broker);
	if (b->fd >= 0)
		close(b->fd);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_faults_total(b->fake), 0);
	fake_free(b->fake);
	free(b);
	return 0;
}

static int ask_raw(struct bench *b, const void *bytes, size_t len)
{
	memset(&b->answer, 0xa5, sizeof(b->answer));
	if (b->fd >= 0)
		close(b->fd);
	return broker_answer(&b->broker, bytes, len, &b->answer, &b->fd);
}

/* Return: -EPROTO, or what the answer says */
static int ask(struct bench *b)
{
	int rc = ask_raw(b, &b->req, BROKER_HEADER_BYTES + b->req.nr * sizeof(b->req.frame[0]));

	if (rc)
		return rc;
	assert_int_equal(b->answer.op, b->req.op);
	return b->answer.ret;
}

static int ask_frames(struct bench *b, enum broker_op op, uint64_t first, uint32_t nr, uint32_t order)
{
	b->req = (struct broker_request){.op = op, .nr = nr, .order = order};
	for (uint32_t i = 0; i < nr; i++)
		b->req.frame[i] = first + ((uint64_t)i << order);
	return ask(b);
}

static int ask_simply(struct bench *b, enum broker_op op, uint64_t value)
{
	b->req = (struct broker_request){.op = op, .value = value};
	return ask(b);
}

static bool has_name(uint32_t op)
{
	return op >= BROKER_OPEN_STATE && op <= BROKER_MEMORY_FILE;
}

/* A question of the op that is one. */
static void honest(struct bench *b, enum broker_op op)
{
	bool frames = op <= BROKER_PRESENT || op >= BROKER_RELEASE_EXTENTS;

	b->req = (struct broker_request){.op = op, .nr = frames ? 2 : 0, .frame = {RAM, RAM + 1}};
}

static void what_is_no_question_ends_the_device(void **state)
{
	struct bench *b = *state;

	for (uint32_t op = 1; op < BROKER_OPS; op++) {
		honest(b, op);
		for (size_t len = 0; len <= sizeof(b->req); len++) {
			if (len != BROKER_HEADER_BYTES + b->req.nr * 8)
				assert_int_equal(ask_raw(b, &b->req, len), -EPROTO);
		}
		b->req.zero = 1;
		assert_int_equal(ask(b), -EPROTO);
		honest(b, op);
		b->req.zero2 = UINT64_C(1) << 63;
		assert_int_equal(ask(b), -EPROTO);
		honest(b, op);
		if (op != BROKER_SET_MAX_MEM && op != BROKER_POPULATE_EXTENTS && !has_name(op)) {
			b->req.value = 1;
			assert_int_equal(ask(b), -EPROTO);
			honest(b, op);
		}
		b->req.order = op == BROKER_RELEASE || op == BROKER_POPULATE ? XENVIRTIO_ORDER_MAX + 1 : 1;
		assert_int_equal(ask(b), -EPROTO);
		b->req.order = 64;
		assert_int_equal(ask(b), -EPROTO);
		b->req.order = UINT32_MAX;
		assert_int_equal(ask(b), -EPROTO);
		honest(b, op);
		b->req.nr = b->req.nr ? 0 : 1;
		assert_int_equal(ask(b), -EPROTO);
	}
	assert_int_equal(fake_calls(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
}

static void an_operation_that_is_none_ends_the_device(void **state)
{
	static const uint32_t ops[] = {0, BROKER_OPS, BROKER_OPS + 1, INT32_MAX, UINT32_MAX};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		assert_int_equal(ask_simply(b, ops[i], 0), -EPROTO);
}

static void counts_of_frames_have_an_end(void **state)
{
	static const uint32_t counts[] = {XENVIRTIO_EXTENTS_MAX + 1, INT32_MAX, UINT32_MAX, 0x20000001};
	struct bench *b = *state;

	assert_int_equal(ask_frames(b, BROKER_PRESENT, RAM, XENVIRTIO_EXTENTS_MAX, 0), 0);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		honest(b, BROKER_RELEASE);
		b->req.nr = counts[i];
		/* a length that says the same after it has overflown */
		assert_int_equal(ask_raw(b, &b->req, BROKER_HEADER_BYTES), -EPROTO);
		assert_int_equal(ask_raw(b, &b->req, BROKER_HEADER_BYTES + 8), -EPROTO);
		assert_int_equal(ask_raw(b, &b->req, sizeof(b->req)), -EPROTO);
	}
}

static void what_has_a_name_is_given_and_kept(void **state)
{
	struct bench *b = *state;
	int kept;

	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 3), 0);
	assert_true(fcntl(b->fd, F_GETFD) == FD_CLOEXEC);
	kept = b->broker.kept;
	assert_true(kept >= 0 && kept != b->fd);
	assert_int_equal(ask_simply(b, BROKER_LISTEN_CONTROL, 3), 0);
	assert_true(fcntl(b->fd, F_GETFD) >= 0);
	assert_int_equal(ask_simply(b, BROKER_UNLISTEN_CONTROL, 3), 0);
	assert_int_equal(b->fd, -1);
	assert_int_equal(ask_simply(b, BROKER_LISTEN_CONTROL, 3), 0);
	assert_int_equal(ask_simply(b, BROKER_REMOVE_STATE, 3), 0);
	assert_string_equal(b->named, "open 3 listen 3 unlisten 3 listen 3 remove 3 ");
	/* until it ends */
	assert_true(fcntl(kept, F_GETFD) >= 0);
	broker_fini(&b->broker);
	assert_int_equal(fcntl(kept, F_GETFD), -1);
}

static void names_are_of_one_device(void **state)
{
	struct bench *b = *state;

	/* nothing without the lock */
	for (uint32_t op = BROKER_REMOVE_STATE; op <= BROKER_UNLISTEN_CONTROL; op++)
		assert_int_equal(ask_simply(b, op, 3), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, UINT16_MAX + 1), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, UINT64_MAX), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, UINT64_C(1) << 32 | 3), -EPERM);
	/* the number was settled by the first question */
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 4), -EPERM);
	assert_string_equal(b->named, "");
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 3), 0);
	for (uint32_t op = BROKER_OPEN_STATE; op <= BROKER_UNLISTEN_CONTROL; op++)
		assert_int_equal(ask_simply(b, op, 4), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 3), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_UNLISTEN_CONTROL, 3), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_LISTEN_CONTROL, 3), 0);
	assert_int_equal(ask_simply(b, BROKER_LISTEN_CONTROL, 3), -EPERM);
	assert_int_equal(b->fd, -1);
	assert_string_equal(b->named, "open 3 listen 3 ");
}

static void another_owner_is_named(void **state)
{
	struct bench *b = *state;

	b->names_result = -EBUSY;
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 3), -EBUSY);
	assert_int_equal(b->answer.owner, 77);
	assert_int_equal(b->fd, -1);
	b->names_result = -EACCES;
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 3), -EACCES);
	assert_int_equal(b->answer.owner, 0);
	/* a failure is no lock */
	b->names_result = 0;
	assert_int_equal(ask_simply(b, BROKER_LISTEN_CONTROL, 3), -EPERM);
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 3), 0);
	b->names_result = -EADDRINUSE;
	assert_int_equal(ask_simply(b, BROKER_LISTEN_CONTROL, 3), -EADDRINUSE);
	assert_int_equal(b->fd, -1);
	assert_int_equal(ask_simply(b, BROKER_UNLISTEN_CONTROL, 3), -EPERM);
}

static int exchange(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer, int *fd)
{
	struct bench *b = opaque;

	return broker_answer(&b->broker, req, len, answer, fd);
}

static void the_devices_side_asks_by_number(void **state)
{
	struct bench *b = *state;
	const struct broker_seat seat = {.exchange = exchange, .opaque = b};
	struct doors doors;
	pid_t owner = -1;
	int fd;

	broker_client_doors(&doors, &seat);
	b->names_result = -EBUSY;
	assert_int_equal(doors.open_state(doors.opaque, 5, &owner), -EBUSY);
	assert_int_equal(owner, 77);
	b->names_result = 0;
	fd = doors.open_state(doors.opaque, 5, &owner);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(doors.open_state(doors.opaque, 5, &owner), -EPERM);
	fd = doors.listen_control(doors.opaque, 5);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(doors.unlisten_control(doors.opaque, 5), 0);
	assert_int_equal(doors.unlisten_control(doors.opaque, 5), -EPERM);
	assert_int_equal(doors.remove_state(doors.opaque, 5, -1), 0);
	assert_string_equal(b->named, "open 5 open 5 listen 5 unlisten 5 remove 5 ");
}

static void ram_alone_is_released_and_populated(void **state)
{
	static const struct {
		uint64_t gfn;
		uint32_t order;
	} foreign[] = {
		{0, 0}, {RAM - 1, 0}, {RAM_END_INCL + 1, 0}, {RAM - 512, 9}, {RAM_END_INCL + 1, 9},
		{UINT64_MAX, 0}, {UINT64_MAX - 511, 9}, {UINT64_C(1) << 63, 9}, {0x200400, 0},
	};
	struct bench *b = *state;
	uint64_t before = fake_tot_pages(b->fake);

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		for (uint32_t op = BROKER_RELEASE; op <= BROKER_POPULATE; op++) {
			assert_int_equal(ask_frames(b, op, foreign[i].gfn, 1, foreign[i].order), -EPERM);
			assert_int_equal(b->answer.done, 0);
		}
	}
	/* one among many: nothing is done of all */
	ask_frames(b, BROKER_RELEASE, RAM, 0, 0);
	b->req = (struct broker_request){.op = BROKER_RELEASE, .nr = 3, .frame = {RAM, RAM + 1, RAM - 1}};
	assert_int_equal(ask(b), -EPERM);
	assert_int_equal(fake_tot_pages(b->fake), before);
	assert_int_equal(b->log.at_level[LOG_LEVEL_WARNING], 1);
}

/* RAM that ends in the middle of a block, as an x86 guest's does below the VGA hole. */
static void an_extent_across_the_end_of_ram_is_refused(void **state)
{
	const struct fake_config config = {.ram = {{{RAM}, {RAM + 0x29f}}}, .nr_ram = 1};
	struct bench *b = *state;
	uint64_t before;

	fake_free(b->fake);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	before = fake_tot_pages(b->fake);
	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM + 0x200, 1, 9), -EPERM);
	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM + 0x280, 1, 6), -EPERM);
	assert_int_equal(fake_tot_pages(b->fake), before);
	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM + 0x280, 1, 5), 0);
	assert_int_equal(b->answer.done, 1);
	assert_int_equal(fake_tot_pages(b->fake), before - 32);
}

static void a_crooked_extent_ends_the_device(void **state)
{
	struct bench *b = *state;

	for (uint32_t order = 1; order <= XENVIRTIO_ORDER_MAX; order++) {
		b->req = (struct broker_request){.op = BROKER_RELEASE, .nr = 1, .order = order, .frame = {RAM + 1}};
		assert_int_equal(ask(b), -EPROTO);
		b->req.frame[0] = RAM + (1u << (order - 1));
		assert_int_equal(ask(b), -EPROTO);
	}
}

static void extents_are_moved_and_counted(void **state)
{
	struct bench *b = *state;
	uint64_t before = fake_tot_pages(b->fake);

	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM, XENVIRTIO_EXTENTS_MAX, 0), 0);
	assert_int_equal(b->answer.done, XENVIRTIO_EXTENTS_MAX);
	assert_int_equal(fake_tot_pages(b->fake), before - XENVIRTIO_EXTENTS_MAX);
	/* a hole in the middle: as far as Xen came */
	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM - 2 + 512, 2, 0), 0);
	assert_int_equal(b->answer.done, 0);
	assert_int_equal(ask_frames(b, BROKER_PRESENT, RAM + 500, 100, 0), 0);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(b->answer.present[i / 64] >> (i % 64) & 1, i >= 12);
	assert_int_equal(ask_frames(b, BROKER_POPULATE, RAM, 1, 9), 0);
	assert_int_equal(b->answer.done, 1);
	assert_int_equal(fake_tot_pages(b->fake), before);
}

static void max_mem_ends_at_static_max(void **state)
{
	static const uint64_t above[] = {STATIC_MAX_KIB + SLACK_KIB + 1, UINT64_MAX, UINT64_MAX - SLACK_KIB, UINT64_C(1) << 63};
	struct bench *b = *state;
	uint64_t before = fake_max_pages(b->fake);

	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		assert_int_equal(ask_simply(b, BROKER_SET_MAX_MEM, above[i]), -EPERM);
	assert_int_equal(fake_max_pages(b->fake), before);
	assert_int_equal(ask_simply(b, BROKER_SET_MAX_MEM, STATIC_MAX_KIB + SLACK_KIB), 0);
	assert_int_equal(fake_max_pages(b->fake), (STATIC_MAX_KIB + SLACK_KIB) / 4);
	b->static_max_result = -EPIPE;
	assert_int_equal(ask_simply(b, BROKER_SET_MAX_MEM, 4), -EPIPE);
	assert_int_equal(fake_max_pages(b->fake), (STATIC_MAX_KIB + SLACK_KIB) / 4);
}

static bool is_paused(struct bench *b)
{
	assert_int_equal(ask_simply(b, BROKER_DOMAIN_INFO, 0), 0);
	return b->answer.domain.info.flags & BROKER_PAUSED;
}

static void keep(struct bench *b)
{
	assert_int_equal(ask_simply(b, BROKER_OPEN_STATE, 0), 0);
}

/* Somebody else, by the hypercall that the broker has too. */
static void other_pauses(struct bench *b, bool pause)
{
	struct xenvirtio_hv *other;

	assert_int_equal(fake_open(b->fake, &other), 0);
	assert_int_equal(pause ? other->ops->pause(other) : other->ops->unpause(other), 0);
	xenvirtio_hv_close(other);
}

static void the_toolstacks_pause_is_not_undone(void **state)
{
	struct bench *b = *state;

	keep(b);
	other_pauses(b, true);
	assert_int_equal(ask_simply(b, BROKER_UNPAUSE, 0), -EINVAL);
	assert_int_equal(ask_simply(b, BROKER_PAUSE, 0), 0);
	assert_int_equal(ask_simply(b, BROKER_UNPAUSE, 0), 0);
	assert_int_equal(ask_simply(b, BROKER_UNPAUSE, 0), -EINVAL);
	assert_true(is_paused(b));
	other_pauses(b, false);
	assert_false(is_paused(b));
}

static void a_pause_that_was_found_is_ended_once(void **state)
{
	struct bench *b = *state;

	other_pauses(b, true);
	keep(b);
	assert_int_equal(ask_simply(b, BROKER_UNPAUSE, 0), 0);
	assert_false(is_paused(b));
	other_pauses(b, true);
	assert_int_equal(ask_simply(b, BROKER_UNPAUSE, 0), -EINVAL);
	assert_true(is_paused(b));
	other_pauses(b, false);
}

static void pauses_have_an_end(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < BROKER_PAUSES_MAX; i++)
		assert_int_equal(ask_simply(b, BROKER_PAUSE, 0), 0);
	assert_int_equal(ask_simply(b, BROKER_PAUSE, 0), -EPERM);
	for (unsigned int i = 0; i < BROKER_PAUSES_MAX; i++)
		assert_int_equal(ask_simply(b, BROKER_UNPAUSE, 0), 0);
	assert_false(is_paused(b));
}

static void refusals_do_not_fill_the_log(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(ask_frames(b, BROKER_RELEASE, 1, 1, 0), -EPERM);
	assert_int_equal(b->log.lines, 3);
}

/* An answer tells nothing of the one before it, nor of the stack. */
static void an_answer_is_all_of_itself(void **state)
{
	static const struct broker_answer none;
	struct bench *b = *state;

	assert_int_equal(ask_simply(b, BROKER_RAM_RANGES, 0), 0);
	assert_int_equal(b->answer.ranges.nr, 2);
	assert_int_equal(b->answer.ranges.start[0], RAM);
	assert_int_equal(b->answer.ranges.end_incl[0], RAM_END_INCL);
	for (unsigned int i = 2; i < BROKER_RANGES_MAX; i++)
		assert_int_equal(b->answer.ranges.start[i] | b->answer.ranges.end_incl[i], 0);
	fake_set_gone(b->fake);
	for (uint32_t op = 1; op < BROKER_OPS; op++) {
		honest(b, op);
		if (op == BROKER_RAM_RANGES)
			continue;
		if (ask(b))
			assert_memory_equal(&b->answer.ranges, &none.ranges, sizeof(none.ranges));
	}
}

/* A broker that never learns where RAM is moves none. */
static void without_ranges_nothing_moves(void **state)
{
	struct bench *b = *state;

	fake_fail(b->fake, 1, -EIO, FAKE_FAIL_FROM, false);
	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM, 1, 0), -EIO);
	assert_int_equal(fake_calls(b->fake), 1);
	fake_fail(b->fake, 0, 0, FAKE_FAIL_ONCE, false);
	assert_int_equal(ask_frames(b, BROKER_PRESENT, RAM, 1, 0), 0);
	b->open_result = -EACCES;
	broker_fini(&b->broker);
	assert_int_equal(ask_frames(b, BROKER_RELEASE, RAM, 1, 0), -EACCES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_no_question_ends_the_device),
		TEST(an_operation_that_is_none_ends_the_device),
		TEST(counts_of_frames_have_an_end),
		TEST(what_has_a_name_is_given_and_kept),
		TEST(names_are_of_one_device),
		TEST(another_owner_is_named),
		TEST(the_devices_side_asks_by_number),
		TEST(ram_alone_is_released_and_populated),
		TEST(an_extent_across_the_end_of_ram_is_refused),
		TEST(a_crooked_extent_ends_the_device),
		TEST(extents_are_moved_and_counted),
		TEST(max_mem_ends_at_static_max),
		TEST(the_toolstacks_pause_is_not_undone),
		TEST(a_pause_that_was_found_is_ended_once),
		TEST(pauses_have_an_end),
		TEST(refusals_do_not_fill_the_log),
		TEST(an_answer_is_all_of_itself),
		TEST(without_ranges_nothing_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
