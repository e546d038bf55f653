// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What room a state file has for its device's state: for all queues that its type may have, and no more than that is believed of the state.
 */
#include "backend/devices/balloon/figures/balloon-names.h"
#include "unit/rigs/state-bench.h"

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

/* What a device process that a guest took over may leave: its successor would look, and write, behind what it has. */
static void a_device_state_is_not_longer_than_its_room(void **state)
{
	struct xenvirtio_device_state *device;
	struct state_file_key k = state_bench_key();
	struct state_file *sf;

	sf = state_bench_open(&k);
	device = state_file_device(sf);
	device->version = XENVIRTIO_DEVICE_STATE_VERSION;
	device->bytes = (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(0);
	state_file_close(sf);
	sf = state_bench_open(&k);
	assert_true(state_file_adopted(sf));
	device = state_file_device(sf);
	device->bytes = (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(XENVIRTIO_QUEUES_MAX);
	state_file_close(sf);
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -EBADMSG);
	assert_true(log_capture_has(&bench.capture, "it is damaged"));
	assert_int_equal(unlink(bench.path), 0);
}

static void a_new_file_has_room_for_all_queues(void **state)
{
	const struct program many = state_bench_many_queues();
	struct state_file_key k = state_bench_key();
	struct state_file *sf;

	k.program = &many;
	sf = state_bench_open(&k);
	assert_int_equal(state_file_queues(sf), 64);
	assert_true(state_bench_is_zero(state_file_device(sf), sizeof(struct xenvirtio_device_state)));
	memset(state_file_device(sf), 0xff, sizeof(struct xenvirtio_device_state));
	assert_true(state_bench_is_zero(state_file_memory(sf), STATE_BENCH_BYTES));
	memset(state_file_memory(sf), 0xa5, STATE_BENCH_BYTES);
	assert_true(state_bench_is_zero(state_file_keep(sf), STATE_FILE_KEEP_BYTES));
	state_file_close(sf);
	sf = state_bench_open(&k);
	assert_true(state_file_adopted(sf));
	assert_int_equal(state_file_queues(sf), 64);
	assert_int_equal(((unsigned char *)state_file_memory(sf))[STATE_BENCH_BYTES - 1], 0xa5);
	state_file_close(sf);
	/* one that knows of fewer cannot have it, and it stays */
	k.program = &balloon_program;
	assert_int_equal(state_file_open(&sf, bench.dir, &k, &bench.capture.log, &bench.owner), -EBADMSG);
	k.program = &many;
	sf = state_bench_open(&k);
	assert_true(state_file_adopted(sf));
	state_file_remove(sf);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, state_bench_setup, state_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_state_is_not_longer_than_its_room),
		TEST(a_new_file_has_room_for_all_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
