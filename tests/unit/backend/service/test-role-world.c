// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the service's parts without rights have left, tried in children: a root of some directories, to read and to connect in; no
 * capability; the system calls that SECURITY.md lists, of which any other is death, with a control each. Namespaces take root, and
 * sanitizers and valgrind make system calls of their own: where that is so the tests say it.
 */
#include "config.h"

#include "backend/base/access.h"
#include "backend/service/role-world.h"
#include "unit/rigs/log-capture.h"
#include "unit/rigs/security-page.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SOMEBODY 1879048192u
#define NEED(n, cond)             \
	do {                      \
		if (!(cond))      \
			return n; \
	} while (0)

static char dir[] = "/tmp/xenvirtio-role-XXXXXX";
static const char *dirs[] = {dir, "/xenvirtio-test/nowhere"};

/* Return: what waitpid() says of a child that did @fn */
static int status_of(int (*fn)(void))
{
	const struct rlimit no_core = {0};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		_exit(fn() & 0x7f);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* --- the world --- */

static struct role_world world(struct log_capture *capture, uid_t uid)
{
	log_capture_open(capture, LOG_LEVEL_DEBUG);
	return (struct role_world){
		.name = "part",
		.dirs = dirs,
		.nr_dirs = sizeof(dirs) / sizeof(dirs[0]),
		.uid = uid,
		.group = ACCESS_NO_GROUP,
		.required = true,
		.log = &capture->log,
	};
}

static int make_namespaces(void)
{
	return unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void need_namespaces(void)
{
	if (!getenv("UNDER_VALGRIND") && !geteuid() && !status_of(make_namespaces))
		return;
	print_message("# no namespaces to be had here\n");
	skip();
}

static bool has_nothing(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets))
		return false;
	return !(sets[0].permitted | sets[1].permitted | sets[0].inheritable | sets[1].inheritable) && prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0 &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static int live_there(uid_t uid)
{
	static struct log_capture capture;
	const struct role_world w = world(&capture, uid);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[64];
	int fd;

	NEED(1, role_world_enter(&w) == 0);
	NEED(2, capture.lines == 0);
	NEED(3, access("/proc", F_OK) && errno == ENOENT);
	NEED(4, access("/etc", F_OK) && errno == ENOENT);
	NEED(5, access(dirs[1], F_OK) && errno == ENOENT);
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	NEED(6, fd >= 0 || uid);
	NEED(7, open(path, O_WRONLY | O_CLOEXEC) < 0 && (errno == EROFS || uid));
	NEED(8, unlink(path) && errno == EROFS);
	NEED(9, mkdir("/x", 0700) && errno == EROFS);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	NEED(10, !connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	NEED(11, has_nothing());
	NEED(12, getuid() == uid && geteuid() == uid && getgroups(0, NULL) == 0);
	NEED(13, mount("none", dir, "tmpfs", 0, NULL) && errno == EPERM);
	NEED(14, umount(dir) && errno == EPERM);
	NEED(15, unshare(CLONE_NEWUSER) && errno == EPERM);
	NEED(16, uid == 0 || (setuid(0) && errno == EPERM));
	return 0;
}

static int live_as_root(void)
{
	return live_there(0);
}

static int live_as_somebody(void)
{
	return live_there(SOMEBODY);
}

static int make_place(int *listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[64];
	int fd;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chmod(address.sun_path, 0666), 0);
	return listen(*listener, 8);
}

static void drop_place(int listener)
{
	char path[64];

	close(listener);
	snprintf(path, sizeof(path), "%s/file", dir);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/socket", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

static void it_sees_some_directories_and_writes_nowhere(void **state)
{
	int listener;

	need_namespaces();
	assert_int_equal(make_place(&listener), 0);
	assert_int_equal(status_of(live_as_root), 0);
	assert_int_equal(status_of(live_as_somebody), 0);
	/* here nothing has changed */
	assert_int_equal(access("/proc/self", F_OK), 0);
	drop_place(listener);
}

static int miss_something(void)
{
	static const char *relative[] = {"somewhere"};
	static struct log_capture capture;
	struct role_world w = world(&capture, 0);

	w.dirs = relative;
	w.nr_dirs = 1;
	NEED(1, role_world_enter(&w) == -EACCES);
	NEED(2, log_capture_has(&capture, "--sandbox=require"));
	w.required = false;
	NEED(3, role_world_enter(&w) == 0);
	NEED(4, log_capture_has(&capture, "it sees all files"));
	/* and the rest is given away */
	NEED(5, has_nothing());
	return 0;
}

static void what_is_missing_is_said_and_may_be_required(void **state)
{
	need_namespaces();
	assert_int_equal(status_of(miss_something), 0);
}

/* --- system calls --- */

enum seal { OPEN, WATCH, METER };
static enum seal seal;
static long (*attempt)(void);

static int attempt_sealed(void)
{
	static struct log_capture capture;
	const struct role_world w = world(&capture, 0);

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (seal != OPEN && role_world_seal(&w, seal == WATCH))
		return 100;
	attempt();
	return 0;
}

static bool is_killed(enum seal how, long (*fn)(void))
{
	int status;

	seal = how;
	attempt = fn;
	status = status_of(attempt_sealed);
	assert_int_not_equal(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 100);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void need_seal(void)
{
	static struct log_capture capture;
	struct role_world w = world(&capture, 0);
	pid_t pid = fork();
	int status;

	w.required = false;
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		role_world_seal(&w, true);
		_exit(capture.lines ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!status && !getenv("UNDER_VALGRIND"))
		return;
	print_message("# what watches this process makes system calls of its own: nothing is sealed\n");
	skip();
}

#define TRY(name, what)            \
	static long name(void)     \
	{                          \
		return (long)what; \
	}

static char *none[] = {NULL};
static const struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/xenvirtio-test/nowhere"};

TRY(try_inet, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
TRY(try_netlink, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))
TRY(try_bind, bind(-1, (const struct sockaddr *)&nowhere, sizeof(nowhere)))
TRY(try_listen, listen(-1, 1))
TRY(try_execve, execve("/xenvirtio-test/nowhere", none, none))
TRY(try_kill, kill(getppid(), 0))
TRY(try_tgkill, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(try_pidfd_open, syscall(SYS_pidfd_open, getpid(), 0))
TRY(try_pidfd_signal, syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0))
TRY(try_pidfd_getfd, syscall(SYS_pidfd_getfd, -1, 0, 0))
TRY(try_ptrace, ptrace(PTRACE_PEEKDATA, getppid(), NULL, NULL))
TRY(try_read_others, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
TRY(try_mount, mount(NULL, "/xenvirtio-test/nowhere", NULL, 0, NULL))
TRY(try_unshare, unshare(0))
TRY(try_setns, setns(-1, 0))
TRY(try_chroot, chroot("/xenvirtio-test/nowhere"))
TRY(try_setuid, setuid(getuid()))
TRY(try_unlink, unlinkat(-1, "nowhere", 0))
TRY(try_mkdir, mkdirat(-1, "nowhere", 0700))
TRY(try_rename, renameat(-1, "nowhere", -1, "nowhere"))
TRY(try_chmod, fchmod(-1, 0))
TRY(try_privcmd, ioctl(-1, _IOC(_IOC_NONE, 'P', 0, 48)))
TRY(try_io_uring, syscall(SYS_io_uring_setup, 0, NULL))
TRY(try_userfaultfd, syscall(SYS_userfaultfd, -1))
TRY(try_bpf, syscall(SYS_bpf, -1, NULL, 0))
TRY(try_memfd, syscall(SYS_memfd_create, NULL, 0))
TRY(try_mmap_exec, munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096))
TRY(try_mprotect_exec, mprotect(NULL, 0, PROT_READ | PROT_EXEC))

static void what_is_on_no_list_is_death(void **state)
{
	static long (*const tries[])(void) = {
		try_inet, try_netlink, try_bind, try_listen, try_execve, try_kill, try_tgkill, try_pidfd_open, try_pidfd_signal, try_pidfd_getfd,
		try_ptrace, try_read_others, try_mount, try_unshare, try_setns, try_chroot, try_setuid, try_unlink, try_mkdir, try_rename, try_chmod,
		try_privcmd, try_io_uring, try_userfaultfd, try_bpf, try_memfd, try_mmap_exec, try_mprotect_exec,
	};

	need_seal();
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		if (!is_killed(WATCH, tries[i]) || !is_killed(METER, tries[i]) || is_killed(OPEN, tries[i]))
			print_message("# number %zu\n", i);
		assert_true(is_killed(WATCH, tries[i]));
		assert_true(is_killed(METER, tries[i]));
		assert_false(is_killed(OPEN, tries[i]));
	}
}

static void *do_nothing(void *arg)
{
	return arg;
}

static long start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL) || pthread_join(thread, NULL);
}

/* Not waited for, which is on no list either. */
static long start_process(void)
{
	if (syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) == 0)
		_exit(0);
	return 0;
}

static long start_namespace(void)
{
	if (syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) == 0)
		_exit(0);
	return 0;
}

static void a_thread_is_no_process(void **state)
{
	need_seal();
	assert_true(is_killed(WATCH, start_process));
	assert_true(is_killed(WATCH, start_namespace));
	assert_false(is_killed(OPEN, start_process));
	assert_false(is_killed(OPEN, start_namespace));
}

/* The kernel sends it when something comes, and asks for the number alone of who wanted it so. */
static long signal_parent(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	fcntl(ends[0], F_SETOWN, getppid());
	fcntl(ends[0], F_SETSIG, SIGURG);
	fcntl(ends[0], F_SETFL, O_ASYNC);
	return write(ends[1], "", 1);
}

TRY(try_owner, fcntl(-1, F_SETOWN, getppid()))
TRY(try_owner_ex, fcntl(-1, F_SETOWN_EX, NULL))
TRY(try_signal, fcntl(-1, F_SETSIG, SIGKILL))
TRY(try_flags, fcntl(0, F_SETFL, fcntl(0, F_GETFL)))
TRY(try_cloexec, fcntl(0, F_SETFD, fcntl(0, F_GETFD)))

static volatile sig_atomic_t was_signalled;

static void note_signal(int signal)
{
	was_signalled = 1;
}

static void nobody_is_signalled_by_a_descriptor(void **state)
{
	static long (*const tries[])(void) = {try_owner, try_owner_ex, try_signal};

	need_seal();
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		assert_true(is_killed(WATCH, tries[i]));
		assert_true(is_killed(METER, tries[i]));
		assert_false(is_killed(OPEN, tries[i]));
	}
	assert_false(is_killed(WATCH, try_flags));
	assert_false(is_killed(METER, try_cloexec));
	signal(SIGURG, note_signal);
	seal = OPEN;
	attempt = signal_parent;
	was_signalled = 0;
	status_of(attempt_sealed);
	/* so it goes where nothing is sealed */
	assert_true(was_signalled);
	signal(SIGURG, SIG_DFL);
}

TRY(try_unix, connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&nowhere, sizeof(nowhere)))

static void what_they_need_is_left(void **state)
{
	need_seal();
	assert_false(is_killed(WATCH, try_unix));
	assert_false(is_killed(METER, try_unix));
	/* that of xenstore */
	assert_false(is_killed(WATCH, start_thread));
	assert_true(is_killed(METER, start_thread));
}

/* --- SECURITY.md --- */

static void page_has(const char *page, const char *title, const struct role_call *call, size_t nr)
{
	const char *table = security_page_table(page, title, nr);

	for (size_t i = 0; i < nr; i++)
		security_page_has(table, call[i].name, call[i].other, call[i].err, call[i].args, call[i].why);
}

static void security_md_shows_them(void **state)
{
	const struct role_call *call;
	char *page = security_page_read();
	size_t nr;

	call = role_calls_all(&nr);
	page_has(page, "\n| the watcher and the metrics call |", call, nr);
	call = role_calls_watch(&nr);
	page_has(page, "\n| the watcher calls as well |", call, nr);
	call = role_calls_meter(&nr);
	page_has(page, "\n| the metrics call as well |", call, nr);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_sees_some_directories_and_writes_nowhere),
		cmocka_unit_test(what_is_missing_is_said_and_may_be_required),
		cmocka_unit_test(what_is_on_no_list_is_death),
		cmocka_unit_test(what_they_need_is_left),
		cmocka_unit_test(a_thread_is_no_process),
		cmocka_unit_test(nobody_is_signalled_by_a_descriptor),
		cmocka_unit_test(security_md_shows_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
