// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The name of a backend's socket, and who is taken for a backend: what listens there gets a guest's memory.
 */
#include "backend/base/access.h"
#include "backend/base/backend-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[BACKEND_SOCKET_PATH_MAX];

static int setup(void **state)
{
	strcpy(dir, "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	return 0;
}

static int teardown(void **state)
{
	remove(path);
	return rmdir(dir);
}

static int listen_there(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void a_pattern_is_made_a_name(void **state)
{
	char name[BACKEND_SOCKET_PATH_MAX];

	assert_int_equal(backend_socket_path(name, "/run/vhost-user/%d-%i.sock", 7, 65535), 0);
	assert_string_equal(name, "/run/vhost-user/7-65535.sock");
	assert_int_equal(backend_socket_path(name, "/100%%/x", 7, 1), 0);
	assert_string_equal(name, "/100%/x");
}

static void what_cannot_be_one_is_refused(void **state)
{
	static const char *const bad[] = {"", "x", "run/%d", "/%", "/%s", "/%1d", "/%dd%"};
	char name[BACKEND_SOCKET_PATH_MAX], longest[BACKEND_SOCKET_PATH_MAX + 1];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(backend_socket_path(name, bad[i], 1, 1), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[BACKEND_SOCKET_PATH_MAX] = '\0';
	assert_int_equal(backend_socket_path(name, longest, 1, 1), -EINVAL);
	longest[BACKEND_SOCKET_PATH_MAX - 1] = '\0';
	assert_int_equal(backend_socket_path(name, longest, 1, 1), 0);
	assert_string_equal(name, longest);
	/* too long by its numbers alone */
	strcpy(longest + BACKEND_SOCKET_PATH_MAX - 4, "%d");
	assert_int_equal(backend_socket_path(name, longest, 100, 1), 0);
	assert_int_equal(backend_socket_path(name, longest, 1000, 1), -EINVAL);
}

static void who_listens_is_connected_to(void **state)
{
	int listener = listen_there(), fd = backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP);

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	close(listener);
}

/* A name that leads nowhere, or to something else: each says what it is. */
static void a_name_of_nothing_is_told_from_one_of_something_else(void **state)
{
	int fd = listen_there();

	close(fd);
	assert_int_equal(backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP), -ECONNREFUSED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP), -ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP), -ENOTSOCK);
	assert_int_equal(rmdir(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP), -ENOTSOCK);
}

static void one_of_another_kind_is_told(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP), -EPROTOTYPE);
	close(fd);
}

static void nobody_waits_for_one_that_is_full(void **state)
{
	int listener = listen_there(), fds[8], nr = 0;

	do {
		fds[nr] = backend_socket_connect(path, geteuid(), ACCESS_NO_GROUP);
	} while (fds[nr] >= 0 && ++nr < 8);
	assert_in_range(nr, 1, 7);
	assert_int_equal(fds[nr], -EAGAIN);
	while (nr)
		close(fds[--nr]);
	close(listener);
}

/* Only root can be another: the socket is nobody's, and so is who listens. */
static void somebody_elses_is_refused(void **state)
{
	int listener, fd;

	if (geteuid()) {
		print_message("# only root can listen as somebody else\n");
		skip();
	}
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(seteuid(65534), 0);
	listener = listen_there();
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(backend_socket_connect(path, 0, ACCESS_NO_GROUP), -EPERM);
	/* whose user the daemon is may */
	fd = backend_socket_connect(path, 65534, ACCESS_NO_GROUP);
	assert_true(fd >= 0);
	close(fd);
	close(listener);
}

static void each_error_that_users_cause_has_advice(void **state)
{
	static const int errors[] = {-ENOENT, -ECONNREFUSED, -ENOTSOCK, -EPROTOTYPE, -EACCES, -EPERM, -EAGAIN};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		assert_string_not_equal(backend_socket_advice(errors[i]), "");
	assert_string_equal(backend_socket_advice(-EIO), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_is_made_a_name),
		cmocka_unit_test(what_cannot_be_one_is_refused),
		TEST(who_listens_is_connected_to),
		TEST(a_name_of_nothing_is_told_from_one_of_something_else),
		TEST(one_of_another_kind_is_told),
		TEST(nobody_waits_for_one_that_is_full),
		TEST(somebody_elses_is_refused),
		cmocka_unit_test(each_error_that_users_cause_has_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
