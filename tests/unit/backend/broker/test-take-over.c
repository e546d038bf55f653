// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A state that another process has: it is told to let go if this version can go on with it, and never otherwise.
 */
#include "backend/base/access.h"
#include "backend/base/state-fit.h"
#include "backend/broker/names.h"
#include "backend/broker/take-over.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "fake/machine-fake.h"
#include "unit/rigs/log-capture.h"
#include "unit/rigs/need-pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char path[STATE_PATH_MAX];
static struct log_capture capture;
static pid_t child, owner;
static struct names names = {.dir = dir, .group = "", .gid = ACCESS_NO_GROUP, .domid = 7, .take_over = true, .log = &capture.log};
static struct doors doors;

static int setup(void **state)
{
	strcpy(dir, "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(state_lock_path(path, sizeof(path), dir, 7, 1), 0);
	log_capture_open(&capture, LOG_LEVEL_DEBUG);
	names_doors(&doors, &names);
	child = 0;
	return 0;
}

static int teardown(void **state)
{
	machine_fake_attend(NULL, NULL);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	unlink(path);
	return rmdir(dir);
}

static void let_go(int signal)
{
	_exit(3);
}

static void take_it_along(int signal)
{
	unlink(path);
	_exit(0);
}

static const char *known_as; /* by which name it is; NULL: ours */

/* A process that has the state, and does @what when it is told. */
static void serve(void (*what)(int signal))
{
	const struct state_file_key key = {.program = &balloon_program, .domid = 7, .devid = 1, .memory_bytes = 64};
	struct state_file *sf;
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		signal(TAKE_OVER_SIGNAL, what);
		if (known_as)
			prctl(PR_SET_NAME, known_as);
		if (state_file_open(&sf, dir, &key, &capture.log, &owner) || write(ready[1], "", 1) != 1)
			_exit(1);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

/* Whoever waits for the child does so until it has ended. */
static void attend(void *opaque)
{
	siginfo_t info;

	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
}

/* Whether the kernel has the file by its numbers: not on every file system. */
static void need_the_lock_to_be_told(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	pid_t holder = state_lock_holder(fd);

	close(fd);
	if (holder != child) {
		print_message("# /proc/locks does not have this file\n");
		skip();
	}
}

static void put_version(uint32_t version)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &version, sizeof(version), offsetof(struct state_header, version)), sizeof(version));
	close(fd);
}

static void still_has_it(void)
{
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
	assert_int_equal(state_file_owner(dir, 7, 1, &owner), -EBUSY);
}

/* The number of one that took the lock, and is no more, may be anybody's. */
static void who_is_no_process_of_ours_is_left_alone(void **state)
{
	need_pidfd();
	known_as = "somebody";
	serve(let_go);
	known_as = NULL;
	need_the_lock_to_be_told();
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -ENOTSUP);
	assert_true(log_capture_has(&capture, "is no process of this program"));
	still_has_it();
}

static void who_has_it_lets_go(void **state)
{
	int status, fd;

	need_pidfd();
	serve(let_go);
	need_the_lock_to_be_told();
	machine_fake_attend(attend, NULL);
	fd = doors.open_state(doors.opaque, 1, &owner);
	assert_true(fd >= 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 3);
	child = 0;
	assert_int_equal(state_lock_holder(fd), getpid());
	close(fd);
}

/* Versions: of what it cannot go on with this one takes nothing, and asks for nothing. */
static void what_is_of_no_use_is_left_alone(void **state)
{
	need_pidfd();
	serve(let_go);
	put_version(STATE_VERSION + 1);
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -EBADMSG);
	assert_true(log_capture_has(&capture, "another version of this program wrote it"));
	still_has_it();
	put_version(STATE_VERSION_WITHOUT_KEEP - 1);
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -EBADMSG);
	still_has_it();
	/* which its own process need not have written: it may be a guest's by now */
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -EBADMSG);
	still_has_it();
}

static void who_does_not_let_go_keeps_it(void **state)
{
	need_pidfd();
	serve(SIG_IGN);
	need_the_lock_to_be_told();
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -EBUSY);
	assert_int_equal(owner, child);
	still_has_it();
}

/* It died before it could be told: its state is there. */
static void what_nobody_has_is_taken(void **state)
{
	int fd;

	need_pidfd();
	serve(let_go);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
	fd = doors.open_state(doors.opaque, 1, &owner);
	assert_true(fd >= 0);
	close(fd);
}

/* The device was closed: nothing is made anew, and no file is left. */
static void what_is_gone_is_not_made_anew(void **state)
{
	need_pidfd();
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -ESTALE);
	assert_int_equal(access(path, F_OK), -1);
	serve(take_it_along);
	need_the_lock_to_be_told();
	machine_fake_attend(attend, NULL);
	assert_int_equal(doors.open_state(doors.opaque, 1, &owner), -ESTALE);
	assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(who_is_no_process_of_ours_is_left_alone),
		TEST(who_has_it_lets_go),
		TEST(what_is_of_no_use_is_left_alone),
		TEST(who_does_not_let_go_keeps_it),
		TEST(what_nobody_has_is_taken),
		TEST(what_is_gone_is_not_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
