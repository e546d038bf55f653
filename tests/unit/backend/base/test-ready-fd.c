// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who waits for a process to be ready reads one newline and then the end of the file, and never holds
 * the process up.
 */
#include "config.h"

#include "backend/base/ready-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void one_newline_and_the_end(void **state)
{
	char text[8];
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(ready_fd_check(fd[1]), 0);
	assert_int_equal(ready_fd_tell(fd[1]), 0);
	assert_int_equal(read(fd[0], text, sizeof(text)), 1);
	assert_int_equal(text[0], '\n');
	assert_int_equal(read(fd[0], text, sizeof(text)), 0);
	assert_int_equal(ready_fd_check(fd[1]), -EBADF);
	close(fd[0]);
}

static void what_cannot_be_written_to_is_told_apart(void **state)
{
	int fd[2], here = open("/", O_PATH);

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(ready_fd_check(fd[0]), -EINVAL);
	assert_int_equal(ready_fd_check(here), -EINVAL);
	close(fd[0]);
	close(fd[1]);
	close(here);
	assert_int_equal(ready_fd_check(fd[0]), -EBADF);
}

/* A reader that sleeps behind a full pipe, and one that is gone: neither costs a guest anything. */
static void nobody_is_waited_for(void **state)
{
	static char much[65536];
	int fd[2];

	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	while (write(fd[1], much, sizeof(much)) > 0)
		;
	assert_int_equal(fcntl(fd[1], F_SETFL, 0), 0);
	assert_int_equal(ready_fd_tell(fd[1]), -EAGAIN);
	assert_int_equal(ready_fd_check(fd[1]), -EBADF);
	close(fd[0]);

	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	assert_int_equal(ready_fd_tell(fd[1]), -EPIPE);
	assert_int_equal(ready_fd_check(fd[1]), -EBADF);
}

static void no_other_program_has_it(void **state)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fcntl(fd[1], F_GETFD), 0);
	ready_fd_hide(fd[1]);
	assert_int_equal(fcntl(fd[1], F_GETFD), FD_CLOEXEC);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_newline_and_the_end),
		cmocka_unit_test(what_cannot_be_written_to_is_told_apart),
		cmocka_unit_test(nobody_is_waited_for),
		cmocka_unit_test(no_other_program_has_it),
	};

	/* as the daemon's main() */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
