// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The launcher with real processes: this very program, which the launcher starts as it would start
 * xen-vballoond, and the locks by which a process is found that is nobody's child. Then the two
 * small doors of the service, its lock and the service manager's socket.
 */
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/service/launcher.h"
#include "backend/service/service-lock.h"
#include "backend/service/service-notify.h"
#include "backend/base/state-file.h"
#include "unit/rigs/log-capture.h"
#include "unit/rigs/need-pidfd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD "--be-a-child"
#define CHILD_MARK "XENVIRTIO_TEST_LAUNCHER_CHILD"

struct bench {
	int alive; /* nobody else has the other end: helpers see its end of file when the test has ended */
	char dir[64];
	struct launcher launcher;
	struct launcher_exec exec;
};

/* --- the child's side --- */

static int count_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = -3; /* ".", ".." and the directory */

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

/* What happened to be wrong, as an exit code. */
static int be_a_child(int argc, char **argv)
{
	sigset_t mask;

	/* what an upgrade says */
	if (argc == 6 && strcmp(argv[5], "--take-over") == 0)
		return 104;
	if (argc != 5 || strcmp(argv[1], CHILD) != 0 || strcmp(argv[3], "--domid=7") != 0 ||
	    strcmp(argv[4], "--devid=2") != 0)
		return 100;
	if (count_open_files() != 3)
		return 101;
	if (sigprocmask(SIG_BLOCK, NULL, &mask) || sigismember(&mask, SIGUSR2))
		return 102;
	if (signal(SIGUSR1, SIG_DFL) != SIG_DFL || signal(SIGHUP, SIG_DFL) != SIG_DFL)
		return 103;
	if (strcmp(argv[2], "wait") == 0)
		pause();
	return atoi(argv[2]);
}

/* --- the supervisor's side --- */

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->alive = -1;
	snprintf(b->dir, sizeof(b->dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char path[128];

	launcher_fini(&b->exec);
	if (b->alive >= 0)
		close(b->alive);
	snprintf(path, sizeof(path), "%s/7-2.state", b->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/service.lock", b->dir);
	unlink(path);
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

static void init(struct bench *b, const char *order)
{
	/* the launcher keeps the words, so they must last */
	static char program[] = "a program", child[] = CHILD;
	char *argv[] = {program, child, (char *)order, NULL};

	assert_int_equal(launcher_init(&b->launcher, &b->exec, 3, argv, b->dir), 0);
}

static void wait_for_end(const struct process *p)
{
	struct pollfd poller = {.fd = p->fd, .events = POLLIN};

	assert_int_equal(poll(&poller, 1, -1), 1);
}

/*
 * valgrind knows process descriptors in part, if at all, and to start /proc/self/exe is to start
 * valgrind.
 */
static struct process_end run_child(struct bench *b, int signal)
{
	struct process_end end;
	struct process p;

	assert_int_equal(b->launcher.start(b->launcher.opaque, 7, 2, 0, &p), 0);
	if (signal)
		b->launcher.signal(b->launcher.opaque, &p, signal);
	wait_for_end(&p);
	b->launcher.reap(b->launcher.opaque, &p, &end);
	assert_int_equal(p.fd, -1);
	/* nothing is left of it */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return end;
}

static void a_child_is_this_program_and_inherits_nothing(void **state)
{
	struct bench *b = *state;
	struct process_end end;
	sigset_t usr2, before;
	int leak;

	need_pidfd();
	init(b, "42");
	/* what a library forgot to mark, and what the supervisor does with signals */
	leak = open("/dev/null", O_RDONLY);
	assert_true(leak >= 0);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, &before);
	signal(SIGHUP, SIG_IGN);
	end = run_child(b, 0);
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(leak);
	assert_true(end.known);
	assert_false(end.signalled);
	assert_int_equal(end.value, 42);
}

/* One that takes over says so, and is what is installed or nobody: what serves is not replaced by itself. */
static void one_that_takes_over_is_the_installed_one(void **state)
{
	struct bench *b = *state;
	struct process_end end;
	struct process p, self = {.pid = getpid()};

	need_pidfd();
	init(b, "42");
	assert_int_equal(b->launcher.start(b->launcher.opaque, 7, 2, LAUNCHER_TAKE_OVER, &p), 0);
	wait_for_end(&p);
	b->launcher.reap(b->launcher.opaque, &p, &end);
	assert_int_equal(end.value, 104);
	self.fd = pidfd_open(self.pid, 0);
	assert_true(self.fd >= 0);
	assert_int_equal(b->launcher.runs(b->launcher.opaque, &self), LAUNCHER_RUNS_INSTALLED);
	snprintf(b->exec.path, sizeof(b->exec.path), "%s/none", b->dir);
	assert_int_equal(b->launcher.runs(b->launcher.opaque, &self), LAUNCHER_RUNS_OTHER);
	close(self.fd);
	assert_int_equal(b->launcher.start(b->launcher.opaque, 7, 2, LAUNCHER_TAKE_OVER, &p), -ENOENT);
	/* without it a guest that waits has at least what runs */
	assert_int_equal(run_child(b, 0).value, 42);
}

static void a_death_by_signal_is_told_apart(void **state)
{
	struct bench *b = *state;
	struct process_end end;

	need_pidfd();
	init(b, "wait");
	end = run_child(b, SIGKILL);
	assert_true(end.known);
	assert_true(end.signalled);
	assert_int_equal(end.value, SIGKILL);
}

static const char *known_as; /* by which name it is; NULL: ours */

/* A process with the device's lock that is the child of nobody here, until the test ends; its number. */
static pid_t hold_the_lock(struct bench *b, bool half)
{
	int ready[2], alive[2];
	pid_t pid = 0, middle;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(alive), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (!middle) {
		const struct state_file_key key = {.program = &balloon_program, .domid = 7, .devid = 2, .memory_bytes = 64};
		static struct log_capture capture;
		struct state_file *sf;
		pid_t owner;

		if (fork())
			_exit(0);
		/* whatever becomes of the test, nobody waits for this one's output, or for its end */
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		close(alive[1]);
		log_capture_open(&capture, LOG_LEVEL_ERROR);
		if (known_as)
			prctl(PR_SET_NAME, known_as);
		if (state_file_open(&sf, b->dir, &key, &capture.log, &owner))
			_exit(1);
		/* as between taking the lock and writing the file */
		if (half && truncate(state_file_path(sf), 0))
			_exit(1);
		pid = getpid();
		if (write(ready[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		while (read(alive[0], &pid, sizeof(pid)) < 0)
			;
		_exit(0);
	}
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	close(ready[1]);
	close(alive[0]);
	b->alive = alive[1];
	assert_int_equal(read(ready[0], &pid, sizeof(pid)), sizeof(pid));
	close(ready[0]);
	return pid;
}

static void a_process_that_serves_is_found_by_its_lock(void **state)
{
	struct bench *b = *state;
	struct process_end end;
	struct process p;
	pid_t pid;

	need_pidfd();
	init(b, "wait");
	assert_int_equal(b->launcher.attach(b->launcher.opaque, 7, 2, &p), XENVIRTIO_E_EMPTY);
	pid = hold_the_lock(b, false);
	assert_int_equal(b->launcher.attach(b->launcher.opaque, 7, 2, &p), 0);
	assert_int_equal(p.pid, pid);
	/* another device's is another lock */
	assert_int_equal(b->launcher.attach(b->launcher.opaque, 7, 3, &(struct process){0}),
			 XENVIRTIO_E_EMPTY);
	b->launcher.signal(b->launcher.opaque, &p, SIGKILL);
	wait_for_end(&p);
	b->launcher.reap(b->launcher.opaque, &p, &end);
	assert_false(end.known);
	/* its file stays, without an owner */
	assert_int_equal(b->launcher.attach(b->launcher.opaque, 7, 2, &p), XENVIRTIO_E_EMPTY);
}

/* Whatever is attached is ended with the service: the number of one that is no more, or that a file names, may be anybody's. */
static void a_process_by_another_name_is_not_attached(void **state)
{
	struct bench *b = *state;
	struct process p;
	pid_t pid;

	need_pidfd();
	init(b, "wait");
	known_as = "somebody";
	pid = hold_the_lock(b, false);
	known_as = NULL;
	assert_int_equal(b->launcher.attach(b->launcher.opaque, 7, 2, &p), XENVIRTIO_E_AGAIN);
	kill(pid, SIGKILL);
}

static void one_that_has_only_the_lock_yet_is_no_other(void **state)
{
	struct bench *b = *state;
	struct process p;
	pid_t pid;
	int rc;

	need_pidfd();
	init(b, "wait");
	pid = hold_the_lock(b, true);
	rc = b->launcher.attach(b->launcher.opaque, 7, 2, &p);
	/* the kernel knows it already, if it has the file by its numbers */
	if (!rc) {
		assert_int_equal(p.pid, pid);
		b->launcher.detach(b->launcher.opaque, &p);
	} else {
		assert_int_equal(rc, XENVIRTIO_E_AGAIN);
	}
	kill(pid, SIGKILL);
}

static void the_service_has_one_lock(void **state)
{
	struct bench *b = *state;
	int fd, second;
	pid_t owner;

	assert_int_equal(service_lock_take(b->dir, "nobody", &fd, &owner), 0);
	assert_int_equal(service_lock_take(b->dir, "nobody", &second, &owner), -EBUSY);
	assert_int_equal(owner, getpid());
	assert_int_equal(second, -1);
	service_lock_drop(fd);
	assert_int_equal(service_lock_take(b->dir, "nobody", &fd, &owner), 0);
	service_lock_drop(fd);
	service_lock_drop(-1);
	assert_int_equal(service_lock_take("/nonexistent/x", "nobody", &fd, &owner), -ENOENT);
}

static void the_service_manager_is_told(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < 2; i++) {
		struct sockaddr_un at = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		char name[100], text[32] = "";
		socklen_t bytes;

		snprintf(name, sizeof(name), "%s%s/notify", i ? "@" : "", b->dir);
		strcpy(at.sun_path, name);
		bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
		if (name[0] == '@')
			at.sun_path[0] = '\0';
		assert_int_equal(bind(fd, (struct sockaddr *)&at, bytes), 0);
		setenv("NOTIFY_SOCKET", name, 1);
		assert_int_equal(service_notify("READY=1"), 0);
		assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 7);
		assert_string_equal(text, "READY=1");
		close(fd);
		unlink(name);
		assert_true(service_notify("READY=1") < 0);
	}
	setenv("NOTIFY_SOCKET", "vsock:1", 1);
	assert_int_equal(service_notify("READY=1"), -EAFNOSUPPORT);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(service_notify("READY=1"), XENVIRTIO_E_EMPTY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_is_this_program_and_inherits_nothing),
		TEST(one_that_takes_over_is_the_installed_one),
		TEST(a_death_by_signal_is_told_apart),
		TEST(a_process_that_serves_is_found_by_its_lock),
		TEST(a_process_by_another_name_is_not_attached),
		TEST(one_that_has_only_the_lock_yet_is_no_other),
		TEST(the_service_has_one_lock),
		TEST(the_service_manager_is_told),
	};

	/* Whatever the words are: a child that ran the tests would start children without end. */
	if (getenv(CHILD_MARK))
		return be_a_child(argc, argv);
	setenv(CHILD_MARK, "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
