// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The empty world, tried in children by what can be done in it. It takes root; where this machine's kernel or its keeper allows no
 * namespaces the tests of them say so.
 */
#include "config.h"

#include "backend/base/access.h"
#include "backend/broker/broker.h"
#include "backend/broker/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <xenvirtio/confine.h>

#define SOMEBODY 1879048199u

#define NEED(n, cond)             \
	do {                      \
		if (!(cond))      \
			return n; \
	} while (0)

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

static int make_namespace(void)
{
	return unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) != 0;
}

static void need_namespaces(void)
{
	/* it checks arguments that the kernel does not look at, and has no process left when there may be no more */
	if (getenv("UNDER_VALGRIND")) {
		print_message("# not under valgrind\n");
		skip();
	}
	if (in_child(make_namespace)) {
		print_message("# no namespaces to be had here\n");
		skip();
	}
}

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t nr = 0;

	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		nr += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (dir)
		closedir(dir);
	return dir ? nr : SIZE_MAX;
}

static int empty_root(void)
{
	struct stat before, after;

	NEED(1, stat("/", &before) == 0);
	NEED(2, xenvirtio_confine_root("/tmp") == 0);
	NEED(3, stat("/", &after) == 0 && before.st_dev != after.st_dev);
	NEED(4, count_entries("/") == 0);
	NEED(5, mkdir("/x", 0700) && errno == EROFS);
	NEED(6, open("/x", O_CREAT | O_RDWR | O_CLOEXEC, 0600) < 0 && errno == EROFS);
	NEED(7, open("/proc/self/status", O_RDONLY | O_CLOEXEC) < 0 && errno == ENOENT);
	NEED(8, chdir("..") == 0 && count_entries(".") == 0);
	/* with all rights it could be changed; they go next */
	NEED(9, xenvirtio_confine_user(SOMEBODY) == 0 && xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, 0) == 0);
	NEED(10, mount("none", "/", "tmpfs", 0, NULL) && errno == EPERM);
	NEED(11, mount(NULL, "/", NULL, MS_REMOUNT, NULL) && errno == EPERM);
	NEED(12, chroot("/") && errno == EPERM);
	/* in which it would have all rights again, to mount and to make networks */
	NEED(13, unshare(CLONE_NEWUSER) && errno == EPERM);
	return 0;
}

static void the_root_is_empty_and_stays_so(void **state)
{
	size_t before = count_entries("/");

	need_namespaces();
	assert_int_equal(in_child(empty_root), 0);
	/* here nothing has changed */
	assert_int_equal(count_entries("/"), before);
}

static int no_network(void)
{
	const char *missing = NULL;
	struct ifaddrs *list = NULL;

	NEED(1, xenvirtio_confine_namespaces(&missing) == 0 && !missing);
	NEED(2, getifaddrs(&list) == 0);
	/* the loopback there is, and it is down, has no address */
	for (struct ifaddrs *at = list; at; at = at->ifa_next)
		NEED(3, strcmp(at->ifa_name, "lo") == 0 && (!at->ifa_addr || at->ifa_addr->sa_family == AF_PACKET));
	freeifaddrs(list);
	return 0;
}

static void there_is_no_network(void **state)
{
	need_namespaces();
	assert_int_equal(in_child(no_network), 0);
}

static int be_somebody(void)
{
	gid_t group[4];

	NEED(1, xenvirtio_confine_bounds() == 0);
	NEED(2, xenvirtio_confine_user(SOMEBODY) == 0);
	NEED(3, xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, 0) == 0);
	NEED(4, getuid() == SOMEBODY && geteuid() == SOMEBODY && getgid() == SOMEBODY && getegid() == SOMEBODY);
	NEED(5, getgroups(4, group) == 0);
	NEED(6, setuid(0) && errno == EPERM);
	NEED(7, setgid(0) && errno == EPERM);
	NEED(8, prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0);
	/* another time it may not, and nothing changes */
	NEED(9, xenvirtio_confine_user(SOMEBODY + 1) == -EPERM && getuid() == SOMEBODY);
	return 0;
}

static void another_user_is_that_for_good(void **state)
{
	assert_int_equal(in_child(be_somebody), 0);
}

static int keep_one(void)
{
	char line[128];
	FILE *file;
	bool found = false;

	NEED(1, xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, UINT64_C(1) << CAP_KILL) == 0);
	file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof(line), file))
		found |= strcmp(line, "CapPrm:\t0000000000000020\n") == 0;
	NEED(2, found);
	fclose(file);
	return 0;
}

static void one_capability_can_stay(void **state)
{
	assert_int_equal(in_child(keep_one), 0);
}

static int be_limited(void)
{
	char path[] = "/tmp/xenvirtio-test-XXXXXX";
	int fd = mkstemp(path);
	struct rlimit files;

	unlink(path);
	NEED(1, xenvirtio_confine_limits(false) == 0);
	NEED(2, getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max <= 256 && files.rlim_cur <= 256);
	/* an answer, not a signal */
	NEED(3, ftruncate(fd, (off_t)1 << 31) && errno == EFBIG);
	NEED(4, mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	NEED(5, xenvirtio_confine_user(SOMEBODY) == 0 && xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, 0) == 0);
	NEED(6, fork() < 0 && errno == EAGAIN);
	return 0;
}

static void what_is_used_up_has_an_end(void **state)
{
	pid_t pid;
	int status;

	need_namespaces();
	/* in a pid namespace, so that what it leaves is gone with it */
	pid = fork();
	if (pid == 0) {
		pid_t first;

		if (xenvirtio_confine_pids_begin())
			_exit(1);
		first = fork();
		if (first == 0)
			_exit(be_limited());
		_exit(waitpid(first, &status, 0) == first && WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int say_number(void)
{
	return (int)getpid();
}

static int number_children(void)
{
	NEED(101, xenvirtio_confine_pids_begin() == 0);
	NEED(102, in_child(say_number) == 1);
	NEED(103, xenvirtio_confine_pids_end() == 0);
	NEED(104, getpid() != 1 && in_child(say_number) != 1);
	return 0;
}

static void the_device_alone_has_numbers_of_its_own(void **state)
{
	need_namespaces();
	assert_int_equal(in_child(number_children), 0);
}

/* --- a device as it is: the first process of a namespace, of another user --- */

static int told[2];

static int no_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return -EACCES;
}

static int keep_kill(void *opaque)
{
	return xenvirtio_confine_pids_end() ? -EPERM : xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, UINT64_C(1) << CAP_KILL);
}

static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
}

/* The broker's side; comes back when the device has ended. Return: its code, or 128 and its signal */
static int run(int (*device)(int sock))
{
	struct broker_ends ends;
	struct log log;
	const struct broker_config cfg = {.log = &log, .domid = 7, .open_hv = no_hv, .started = keep_kill};
	int code = -1, end = -1;
	pid_t pid;

	log_open_emit(&log, LOG_LEVEL_ERROR, say_nothing);
	if (xenvirtio_confine_pids_begin())
		return 98;
	pid = broker_start(&cfg, &ends, &code, &end);
	if (pid == 0) {
		if (xenvirtio_confine_user(SOMEBODY) || xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, 0))
			_exit(97);
		broker_device_tie(ends.memory);
		_exit(device(ends.memory));
	}
	return end ? 128 + end : code;
}

static int wait_for_the_end(int sock)
{
	close(told[0]);
	if (write(told[1], "", 1) != 1)
		return 96;
	for (;;)
		pause();
}

static int end_broker(void)
{
	char byte;
	pid_t pid;

	NEED(1, pipe(told) == 0);
	pid = fork();
	if (pid == 0)
		_exit(run(wait_for_the_end));
	close(told[1]);
	NEED(2, read(told[0], &byte, 1) == 1);
	kill(pid, SIGKILL);
	NEED(3, waitpid(pid, NULL, 0) == pid);
	/* the device has the other end of it: this comes back when that has died */
	NEED(4, read(told[0], &byte, 1) == 0);
	return 0;
}

static void it_dies_with_its_broker_all_the_same(void **state)
{
	need_namespaces();
	assert_int_equal(in_child(end_broker), 0);
}

static void on_term(int signal)
{
	_exit(42);
}

static int be_ended(int sock)
{
	sigset_t pending;

	if (write(told[1], "", 1) != 1)
		return 96;
	do {
		sched_yield();
		sigpending(&pending);
	} while (!sigismember(&pending, SIGTERM));
	/* it has come, and there was no handler */
	signal(SIGTERM, on_term);
	broker_device_hear();
	for (;;)
		pause();
}

/* What comes before there is a handler waits for it: a first process would drop it. */
static int end_device(void)
{
	char byte;
	pid_t pid;
	int status;

	NEED(1, pipe(told) == 0);
	pid = fork();
	if (pid == 0)
		_exit(run(be_ended));
	NEED(2, read(told[0], &byte, 1) == 1);
	kill(pid, SIGTERM);
	NEED(3, waitpid(pid, &status, 0) == pid);
	NEED(4, WIFEXITED(status) && WEXITSTATUS(status) == 42);
	return 0;
}

static void a_signal_reaches_another_user(void **state)
{
	need_namespaces();
	assert_int_equal(in_child(end_device), 0);
}

static int ask_nobody(int sock)
{
	struct broker_request req;
	struct broker_answer answer;
	int pair[2], fd;

	memset(&req, 0, BROKER_HEADER_BYTES);
	req.op = BROKER_DOMAIN_INFO;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 96;
	close(pair[0]);
	broker_exchange_or_die(&pair[1], &req, BROKER_HEADER_BYTES, &answer, &fd);
	return 95;
}

static int ask_in_vain(void)
{
	NEED(1, run(ask_nobody) == 128 + SIGKILL);
	return 0;
}

/* It cannot kill itself. */
static void without_a_broker_it_ends_all_the_same(void **state)
{
	need_namespaces();
	assert_int_equal(in_child(ask_in_vain), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_empty_and_stays_so),
		cmocka_unit_test(there_is_no_network),
		cmocka_unit_test(another_user_is_that_for_good),
		cmocka_unit_test(one_capability_can_stay),
		cmocka_unit_test(what_is_used_up_has_an_end),
		cmocka_unit_test(the_device_alone_has_numbers_of_its_own),
		cmocka_unit_test(it_dies_with_its_broker_all_the_same),
		cmocka_unit_test(a_signal_reaches_another_user),
		cmocka_unit_test(without_a_broker_it_ends_all_the_same),
	};

	if (geteuid()) {
		printf("1..0 # SKIP only root makes a world\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
