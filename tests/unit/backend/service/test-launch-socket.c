// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The launcher's socket in the state directory: who is let in.
 */
#include "config.h"

#include "backend/service/launch-socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The door is for a watcher: of this user, and not a child that has rights of its own, and fewer. */
static void the_door_is_closed_to_the_metrics(void **state)
{
	char dir[] = "/tmp/xenvirtio-door-XXXXXX";
	int door, mine, theirs;

	assert_non_null(mkdtemp(dir));
	door = launch_socket_listen(dir);
	assert_true(door >= 0);
	mine = launch_socket_connect(dir);
	assert_true(mine >= 0);
	assert_int_equal(launch_socket_accept(door, getpid()), -EACCES);
	close(mine);
	mine = launch_socket_connect(dir);
	theirs = launch_socket_accept(door, getppid());
	assert_true(mine >= 0 && theirs >= 0);
	close(theirs);
	close(mine);
	mine = launch_socket_connect(dir);
	theirs = launch_socket_accept(door, 0);
	assert_true(mine >= 0 && theirs >= 0);
	close(theirs);
	close(mine);
	close(door);
	launch_socket_unlisten(dir);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_door_is_closed_to_the_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
