// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state file of a process that has no names: what others open for it is all it needs, and it is another user than the one
 * whose file it is.
 */
#include "backend/base/state-lock.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

static char dir[64];
static char path[STATE_PATH_MAX];
static const char *asked;
static struct log_capture c;
static pid_t owner;

static int setup(void **state)
{
	strcpy(dir, "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(state_lock_path(path, sizeof(path), dir, 7, 1), 0);
	log_capture_open(&c, LOG_LEVEL_DEBUG);
	asked = "nothing";
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static int open_state(void *opaque, uint32_t devid, pid_t *other)
{
	assert_int_equal(devid, 1);
	asked = "open";
	return state_lock(path, other);
}

static int remove_state(void *opaque, uint32_t devid, int fd)
{
	assert_int_equal(devid, 1);
	asked = "remove";
	return 0;
}

static struct state_file *open_by_doors(const char *where)
{
	static const struct doors doors = {.open_state = open_state, .remove_state = remove_state};
	const struct state_file_key key = {.program = &balloon_program, .domid = 7, .devid = 1, .memory_bytes = 64, .doors = &doors};
	struct state_file *sf = NULL;

	assert_int_equal(state_file_open(&sf, where, &key, &c.log, &owner), 0);
	return sf;
}

static void by_doors_no_name_is_touched(void **state)
{
	struct state_file *sf = open_by_doors("/not/there/for/us");

	assert_string_equal(asked, "open");
	state_file_remove(sf);
	assert_string_equal(asked, "remove");
	/* the door did nothing, and nobody else did */
	assert_int_equal(access(path, F_OK), 0);
}

static void what_a_door_refuses_is_told(void **state)
{
	int fd = state_lock(path, &owner);
	struct state_file *sf;
	const struct doors doors = {.open_state = open_state};
	const struct state_file_key key = {.program = &balloon_program, .domid = 7, .devid = 1, .memory_bytes = 64, .doors = &doors};

	assert_true(fd >= 0);
	assert_int_equal(state_file_open(&sf, dir, &key, &c.log, &owner), -EBUSY);
	close(fd);
}

static void life_is_shown_by_another_user(void **state)
{
	const struct utimbuf long_ago = {.actime = 1, .modtime = 1};
	struct state_file *sf = open_by_doors(dir);
	uint64_t before, after;
	int status;
	pid_t pid;

	if (geteuid()) {
		state_file_close(sf);
		print_message("# only root becomes another user\n");
		skip();
	}
	assert_int_equal(utime(path, &long_ago), 0);
	assert_int_equal(state_file_life(dir, 7, 1, &before), 0);
	pid = fork();
	if (pid == 0) {
		if (setuid(65534))
			_exit(1);
		state_file_show_life(sf);
		state_file_close(sf);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(state_file_life(dir, 7, 1, &after), 0);
	assert_true(after != before);
	/* and says no more than it did */
	assert_int_equal(state_lock_owner(state_file_fd(sf)), getpid());
	state_file_close(sf);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(by_doors_no_name_is_touched),
		TEST(what_a_door_refuses_is_told),
		TEST(life_is_shown_by_another_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
