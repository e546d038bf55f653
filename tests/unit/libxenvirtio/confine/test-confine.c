// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a process has given away is gone: tried in children, by the calls themselves. Where this machine's kernel has no Landlock
 * the tests of it say so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <xenvirtio/confine.h>

static char dir[64], inside[96], outside[96];

static int setup(void **state)
{
	int fd;

	strcpy(dir, "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(inside, sizeof(inside), "%s/in", dir);
	snprintf(outside, sizeof(outside), "%s/out", dir);
	assert_int_equal(mkdir(inside, 0700), 0);
	fd = open(outside, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	unlink(outside);
	rmdir(inside);
	return rmdir(dir);
}

/* Return: the number of the line that failed; 0 */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn() & 0xff);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define NEED(n, cond)             \
	do {                      \
		if (!(cond))      \
			return n; \
	} while (0)

static bool has_line(const char *text)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found |= strcmp(line, text) == 0;
	if (file)
		fclose(file);
	return found;
}

static int give_privileges_away(void)
{
	NEED(1, xenvirtio_confine_privileges(getegid(), 0) == 0);
	NEED(2, has_line("CapEff:\t0000000000000000\n"));
	NEED(3, has_line("CapPrm:\t0000000000000000\n"));
	NEED(4, has_line("CapInh:\t0000000000000000\n"));
	NEED(5, has_line("CapAmb:\t0000000000000000\n"));
	NEED(6, has_line("NoNewPrivs:\t1\n"));
	NEED(7, prctl(PR_GET_DUMPABLE) == 0);
	/* of somebody who had the right to: nothing to come by exec either */
	NEED(8, geteuid() || has_line("CapBnd:\t0000000000000000\n"));
	/* a second time is no fault */
	NEED(9, xenvirtio_confine_privileges(getegid(), 0) == 0);
	return 0;
}

static void privileges_are_gone(void **state)
{
	assert_int_equal(in_child(give_privileges_away), 0);
}

static bool has_landlock(int version)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= version;
}

static int confine(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return xenvirtio_confine_files();
}

static int use_what_is_open(void)
{
	int fd = open(outside, O_RDWR | O_CLOEXEC);

	NEED(1, confine() == 0);
	NEED(2, write(fd, "x", 1) == 1 && ftruncate(fd, 5) == 0);
	return 0;
}

static int open_what_is_gone(void)
{
	static const char *const paths[] = {"/", "/etc/passwd", "/dev/zero", "/proc/self/status", "/dev/mem",
					    "/etc/group", "/dev/null"};
	char file[160];

	NEED(1, confine() == 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		NEED(2, open(paths[i], O_RDONLY | O_CLOEXEC) < 0 && (errno == EACCES || errno == ENOENT));
	NEED(3, open(outside, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	NEED(4, open(outside, O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES);
	NEED(5, open(inside, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	NEED(6, unlink(outside) && errno == EACCES);
	snprintf(file, sizeof(file), "%s/../new", inside);
	NEED(7, open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600) < 0 && errno == EACCES);
	snprintf(file, sizeof(file), "%s/link", inside);
	NEED(8, symlink("/etc/passwd", file) && errno == EACCES);
	NEED(9, link(outside, file) && (errno == EACCES || errno == EXDEV));
	NEED(10, mknod(file, S_IFCHR | 0600, 0) && (errno == EACCES || errno == EPERM));
	NEED(11, execl("/bin/true", "true", NULL) && errno == EACCES);
	return 0;
}

static int reach_others(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(9)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0xenvirtio-test-nobody"};
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	NEED(1, confine() == 0);
	NEED(2, connect(tcp, (struct sockaddr *)&in, sizeof(in)) && errno == EACCES);
	NEED(3, bind(tcp, (struct sockaddr *)&in, sizeof(in)) && errno == EACCES);
	NEED(4, !has_landlock(6) || (kill(getppid(), 0) && errno == EPERM));
	/* nobody is there; outside it could not even be asked */
	NEED(5, connect(sock, (struct sockaddr *)&un, sizeof(un)) && (errno == ECONNREFUSED || errno == EPERM));
	NEED(6, kill(getpid(), 0) == 0);
	return 0;
}

static void skip_without_landlock(int version)
{
	if (!has_landlock(version)) {
		print_message("# this kernel's Landlock is not of version %d\n", version);
		skip();
	}
}

static void what_is_open_stays_so(void **state)
{
	skip_without_landlock(1);
	assert_int_equal(in_child(use_what_is_open), 0);
}

static void nothing_is_opened_any_more(void **state)
{
	skip_without_landlock(3);
	assert_int_equal(in_child(open_what_is_gone), 0);
}

static void nobody_else_is_reached(void **state)
{
	skip_without_landlock(4);
	assert_int_equal(in_child(reach_others), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(privileges_are_gone),
		TEST(what_is_open_stays_so),
		TEST(nothing_is_opened_any_more),
		TEST(nobody_else_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
