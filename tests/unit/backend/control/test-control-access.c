// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose the control socket is: the right of its file, and who is let in whatever that says.
 */
#include "unit/rigs/control-bench.h"

#include "backend/base/access.h"
#include "fake/machine-fake.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The socket is for its group only, and a dead daemon's is replaced, a live one's is not. */
static void the_socket_is_private(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	struct control *second;
	struct stat st;
	FILE *f;

	assert_int_equal(stat(b->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(control_open(&second, &b->cfg), -EADDRINUSE);
	control_stop(b->control);
	assert_int_equal(stat(b->path, &st), -1);
	control_free(b->control);

	/* left by one that was killed: bound, and nobody listens */
	close(access_listen(b->path, ACCESS_NO_GROUP, 1));
	assert_int_equal(stat(b->path, &st), 0);
	control_bench_open(b);
	close(control_bench_client(b));
	control_free(b->control);
	b->control = NULL;

	f = fopen(b->path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(control_open(&second, &b->cfg), -EEXIST);
	assert_int_equal(unlink(b->path), 0);
	b->cfg.dir =
		"/tmp/a-directory-whose-name-is-so-long-that-no-socket-of-this-system-could-be-"
		"bound-in-it-whatever-the-socket-is-called";
	assert_int_equal(control_open(&second, &b->cfg), -ENAMETOOLONG);
}

static unsigned int listened, unlistened;

static int listen_by_door(void *opaque, uint32_t devid)
{
	listened++;
	return access_listen(opaque, ACCESS_NO_GROUP, 4);
}

static int unlisten_by_door(void *opaque, uint32_t devid)
{
	unlistened++;
	return 0;
}

/* By doors, this process touches no name. */
static void a_door_gives_the_listener(void **state)
{
	struct control_bench *b = *state;
	const struct doors doors = {.listen_control = listen_by_door,
				    .unlisten_control = unlisten_by_door,
				    .opaque = b->path,
				    .uid = geteuid(),
				    .group = ACCESS_NO_GROUP};

	listened = unlistened = 0;
	b->cfg.doors = &doors;
	control_bench_open(b);
	assert_int_equal(listened, 1);
	close(control_bench_client(b));
	control_stop(b->control);
	assert_int_equal(unlistened, 1);
	assert_int_equal(unlink(b->path), 0);
}

/* Of the group there is, and only of that. */
static void the_socket_is_the_groups(void **state)
{
	gid_t group = geteuid() ? getegid() : 4711;
	struct control_bench *b = *state;
	struct stat st;

	machine_fake_set_group(group);
	control_bench_open(b);
	assert_int_equal(stat(b->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(st.st_gid, group);
	close(control_bench_client(b));
	machine_fake_set_group(ACCESS_NO_GROUP);
}

static void only_those_allowed_get_in(void **state)
{
	const gid_t others[] = {4, 27}, with[] = {4, 997};

	assert_true(access_allowed(0, 5, NULL, 0, 0, ACCESS_NO_GROUP));
	assert_true(access_allowed(1000, 5, NULL, 0, 1000, ACCESS_NO_GROUP));
	assert_false(access_allowed(1000, 5, others, 2, 0, ACCESS_NO_GROUP));
	assert_false(access_allowed(1000, ACCESS_NO_GROUP, others, 2, 0, ACCESS_NO_GROUP));
	assert_false(access_allowed(1000, 0, others, 2, 0, 997));
	assert_true(access_allowed(1000, 997, others, 2, 0, 997));
	assert_true(access_allowed(1000, 5, with, 2, 0, 997));
}

/* Even if somebody opens the socket's permissions: asked from another process, as another user. */
static void others_are_refused(void **state)
{
	struct control_bench *b = control_bench_opened(state);
	int ended[2], status = 0;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(b->dir, 0755), 0);
	assert_int_equal(chmod(b->path, 0666), 0);
	assert_int_equal(pipe(ended), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char line[256] = "";
		int fd;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		fd = client_connect(b->path);
		if (fd < 0 || fcntl(fd, F_SETFL, 0) || recv(fd, line, sizeof(line) - 1, 0) <= 0)
			_exit(3);
		_exit(strstr(line, "\"not-permitted\"") ? 0 : 4);
	}
	close(ended[1]);
	control_bench_serve(b, ended[0]);
	close(ended[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* setgid() alone keeps the groups of root, none of which is ours */
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	control_bench_run(b);
	assert_int_equal(control_clients(b->control), 0);
	assert_true(log_capture_has(&b->capture, "refused"));
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, control_bench_setup, control_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_socket_is_private),
		TEST(a_door_gives_the_listener),
		TEST(the_socket_is_the_groups),
		cmocka_unit_test(only_those_allowed_get_in),
		TEST(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
