// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What room a state file has for its device's state: for all queues that its type may have, and no more than that is believed of the state.
 */
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/state-file.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BALLOON_BYTES 5000u

static char dir[64];
static char path[128];
static struct log_capture c;
static pid_t owner;

/* A type whose devices have more queues now. */
static struct program many_queues(void)
{
	struct program p = balloon_program;

	p.queues_max = 64;
	return p;
}

static struct state_file_key key(void)
{
	return (struct state_file_key){
		.program = &balloon_program,
		.domid = 7,
		.devid = 1,
		.identity = "/vm/0a1b",
		.base = xenvirtio_gpa(0x2000000),
		.irq = 33,
		.memory_bytes = BALLOON_BYTES,
	};
}

static int setup(void **state)
{
	char top[] = "/tmp/xenvirtio-test-XXXXXX";

	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/run", top);
	snprintf(path, sizeof(path), "%s/7-1.state", dir);
	log_capture_open(&c, LOG_LEVEL_DEBUG);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static struct state_file *open_key(const struct state_file_key *k)
{
	struct state_file *sf = NULL;

	assert_int_equal(state_file_open(&sf, dir, k, &c.log, &owner), 0);
	assert_non_null(sf);
	return sf;
}

static bool all_zero(const void *at, size_t bytes)
{
	const unsigned char *p = at;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* What a device process that a guest took over may leave: its successor would look, and write, behind what it has. */
static void a_device_state_is_not_longer_than_its_room(void **state)
{
	struct xenvirtio_device_state *device;
	struct state_file_key k = key();
	struct state_file *sf;

	sf = open_key(&k);
	device = state_file_device(sf);
	device->version = XENVIRTIO_DEVICE_STATE_VERSION;
	device->bytes = (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(0);
	state_file_close(sf);
	sf = open_key(&k);
	assert_true(state_file_adopted(sf));
	device = state_file_device(sf);
	device->bytes = (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(XENVIRTIO_QUEUES_MAX);
	state_file_close(sf);
	assert_int_equal(state_file_open(&sf, dir, &k, &c.log, &owner), -EBADMSG);
	assert_true(log_capture_has(&c, "it is damaged"));
	assert_int_equal(unlink(path), 0);
}

static void a_new_file_has_room_for_all_queues(void **state)
{
	const struct program many = many_queues();
	struct state_file_key k = key();
	struct state_file *sf;

	k.program = &many;
	sf = open_key(&k);
	assert_int_equal(state_file_queues(sf), 64);
	assert_true(all_zero(state_file_device(sf), sizeof(struct xenvirtio_device_state)));
	memset(state_file_device(sf), 0xff, sizeof(struct xenvirtio_device_state));
	assert_true(all_zero(state_file_memory(sf), BALLOON_BYTES));
	memset(state_file_memory(sf), 0xa5, BALLOON_BYTES);
	assert_true(all_zero(state_file_keep(sf), STATE_FILE_KEEP_BYTES));
	state_file_close(sf);
	sf = open_key(&k);
	assert_true(state_file_adopted(sf));
	assert_int_equal(state_file_queues(sf), 64);
	assert_int_equal(((unsigned char *)state_file_memory(sf))[BALLOON_BYTES - 1], 0xa5);
	state_file_close(sf);
	/* one that knows of fewer cannot have it, and it stays */
	k.program = &balloon_program;
	assert_int_equal(state_file_open(&sf, dir, &k, &c.log, &owner), -EBADMSG);
	k.program = &many;
	sf = open_key(&k);
	assert_true(state_file_adopted(sf));
	state_file_remove(sf);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_state_is_not_longer_than_its_room),
		TEST(a_new_file_has_room_for_all_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
