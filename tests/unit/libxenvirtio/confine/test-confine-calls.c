// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a sealed process cannot do is its death, tried in children, each with a control: the same before the seal is none.
 * The lists are what SECURITY.md shows. Sanitizers and valgrind make system calls of their own in the process they watch: there
 * nothing is sealed, and the tests say so.
 */
#include "config.h"

#include "confine/confine-calls.h"
#include "unit/rigs/security-page.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <xenvirtio/confine.h>

/* after a header that has the integer types */
#include <xen/privcmd-eventfd.h>

enum seal { OPEN, SEALED, SEALED_LENDING, SEALED_BUT_ONE };

static const char *const one_more[] = {"pread64", NULL};

static bool can_seal(void)
{
	return confine_calls_can() && !getenv("UNDER_VALGRIND");
}

static void need_seal(void)
{
	if (can_seal())
		return;
	print_message("# what watches this process makes system calls of its own: nothing is sealed\n");
	skip();
}

/* Return: what waitpid() says of a child that did @fn */
static int status_of(enum seal seal, long (*fn)(void))
{
	const struct rlimit no_core = {0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seal != OPEN && xenvirtio_confine_calls(seal == SEALED_LENDING, seal == SEALED_BUT_ONE ? one_more : NULL))
			_exit(100);
		_exit((int)fn() & 0x3f);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool is_killed(enum seal seal, long (*fn)(void))
{
	int status = status_of(seal, fn);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* --- one of each kind --- */

#define TRY(name, what)            \
	static long name(void)     \
	{                          \
		return (long)what; \
	}

static char *none[] = {NULL};
static const struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/xenvirtio-test/nowhere"};

TRY(try_open, open("/xenvirtio-test/nowhere", O_RDONLY | O_CLOEXEC))
TRY(try_openat2, syscall(SYS_openat2, AT_FDCWD, "/xenvirtio-test/nowhere", NULL, 0))
TRY(try_connect, connect(-1, (const struct sockaddr *)&nowhere, sizeof(nowhere)))
TRY(try_unix, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
TRY(try_inet, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
TRY(try_netlink, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))
TRY(try_socketpair, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL))
TRY(try_bind, bind(-1, (const struct sockaddr *)&nowhere, sizeof(nowhere)))
TRY(try_listen, listen(-1, 1))
TRY(try_sendmsg, syscall(SYS_sendmsg, -1, NULL, 0))
TRY(try_recvfrom, syscall(SYS_recvfrom, -1, NULL, 0, 0, NULL, NULL))
TRY(try_sendto_somebody, sendto(-1, "", 1, 0, (const struct sockaddr *)&nowhere, sizeof(nowhere)))
TRY(try_setsockopt, syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_RCVBUF, NULL, 0))
TRY(try_getsockopt_ip, syscall(SYS_getsockopt, -1, IPPROTO_IP, 0, NULL, NULL))
TRY(try_execve, execve("/xenvirtio-test/nowhere", none, none))
TRY(try_execveat, syscall(SYS_execveat, -1, "", none, none, 0))
TRY(try_ptrace, ptrace(PTRACE_PEEKDATA, getppid(), NULL, NULL))
TRY(try_read_others, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
TRY(try_write_others, syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0))
TRY(try_pidfd_open, syscall(SYS_pidfd_open, getpid(), 0))
TRY(try_mount, mount(NULL, "/xenvirtio-test/nowhere", NULL, 0, NULL))
TRY(try_userfaultfd, syscall(SYS_userfaultfd, -1))
TRY(try_io_uring, syscall(SYS_io_uring_setup, 0, NULL))
TRY(try_unshare, unshare(0))
TRY(try_setns, setns(-1, 0))
TRY(try_bpf, syscall(SYS_bpf, -1, NULL, 0))
TRY(try_perf, syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0))
TRY(try_keyctl, syscall(SYS_keyctl, -1, 0, 0, 0, 0))
TRY(try_mknod, syscall(SYS_mknodat, -1, "nowhere", 0, 0))
TRY(try_chmod, fchmod(-1, 0))
TRY(try_memfd, syscall(SYS_memfd_create, NULL, 0))
TRY(try_setuid, setuid(getuid()))
TRY(try_prctl, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
TRY(try_seccomp, syscall(SYS_seccomp, -1, 0, NULL))
TRY(try_mmap_exec, munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096))
TRY(try_mprotect_exec, mprotect(NULL, 0, PROT_READ | PROT_EXEC))
TRY(try_pkey_mprotect, syscall(SYS_pkey_mprotect, NULL, 0, PROT_EXEC, -1))
TRY(try_shm_exec, syscall(SYS_shmat, -1, NULL, 0))
TRY(try_tiocsti, ioctl(-1, TIOCSTI, ""))
TRY(try_privcmd_hypercall, ioctl(-1, _IOC(_IOC_NONE, 'P', 0, 48)))
TRY(try_evtchn_virq, ioctl(-1, _IOC(_IOC_NONE, 'E', 0, 4)))
TRY(try_fork, syscall(SYS_clone, 0, NULL, NULL, NULL, NULL) ? 0 : syscall(SYS_exit_group, 0))
TRY(try_kill_of_parent, kill(getppid(), 0))
TRY(try_tgkill_of_parent, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(try_dup_limit, syscall(SYS_fcntl, -1, F_SETOWN, 1))

static void *do_nothing(void *opaque)
{
	return NULL;
}

static long try_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL) || pthread_join(thread, NULL);
}

#ifdef __x86_64__
/* the same machine's other ABIs: getpid, as it is called there */
static long try_i386(void)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory", "cc", "r8", "r9", "r10", "r11");
	return ret != 0;
}

TRY(try_x32, syscall(0x40000000 + SYS_getpid))
#endif

static const struct {
	const char *name;
	long (*fn)(void);
} kinds[] = {
#define KIND(name) {#name, name}
	KIND(try_open), KIND(try_connect), KIND(try_unix), KIND(try_sendmsg), KIND(try_recvfrom), KIND(try_thread),
	KIND(try_openat2), KIND(try_inet), KIND(try_netlink), KIND(try_socketpair), KIND(try_bind), KIND(try_listen),
	KIND(try_sendto_somebody), KIND(try_setsockopt), KIND(try_getsockopt_ip),
	KIND(try_execve), KIND(try_execveat), KIND(try_ptrace), KIND(try_read_others), KIND(try_write_others),
	KIND(try_pidfd_open), KIND(try_mount), KIND(try_userfaultfd), KIND(try_io_uring), KIND(try_unshare),
	KIND(try_setns), KIND(try_bpf), KIND(try_perf), KIND(try_keyctl), KIND(try_mknod), KIND(try_chmod),
	KIND(try_memfd), KIND(try_setuid), KIND(try_prctl), KIND(try_seccomp), KIND(try_mmap_exec),
	KIND(try_mprotect_exec), KIND(try_pkey_mprotect), KIND(try_shm_exec), KIND(try_tiocsti),
	KIND(try_privcmd_hypercall), KIND(try_evtchn_virq), KIND(try_fork), KIND(try_kill_of_parent),
	KIND(try_tgkill_of_parent), KIND(try_dup_limit),
#ifdef __x86_64__
	KIND(try_i386), KIND(try_x32),
#endif
};

static void what_is_on_no_list_is_death(void **state)
{
	unsigned int wrong = 0;

	need_seal();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bool before = is_killed(OPEN, kinds[i].fn), sealed = is_killed(SEALED, kinds[i].fn);

		if (!before && sealed)
			continue;
		print_message("# %s: killed %d, sealed %d\n", kinds[i].name, before, sealed);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* --- what is left --- */

#define NEED(n, cond)             \
	do {                      \
		if (!(cond))      \
			return n; \
	} while (0)

static long live(void)
{
	char *big = malloc(1 << 20);
	uint64_t count = 1;
	uint64_t now[2];
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	time_t epoch = 0;
	struct tm tm;

	NEED(1, big && fd >= 0);
	/* a block of its own, which grows */
	memset(big, 7, 1 << 20);
	big = realloc(big, 64 << 20);
	NEED(2, big && big[(1 << 20) - 1] == 7);
	free(big);
	NEED(3, write(fd, &count, sizeof(count)) == sizeof(count) && read(fd, &count, sizeof(count)) == sizeof(count));
	NEED(4, getrandom(&count, sizeof(count), 0) == sizeof(count));
	NEED(5, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, now) == 0);
	/* what libc reads a file for, the first time */
	NEED(6, localtime_r(&epoch, &tm) && gmtime_r(&epoch, &tm));
	NEED(7, ioctl(fd, FIONREAD, &count) < 0 && errno == ENOTTY);
	NEED(8, syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, now, NULL) < 0 && errno == EPERM);
	/* nobody was connected to before: neither this line nor this process is more than lost */
	syslog(LOG_DEBUG, "xenvirtio-test");
	NEED(11, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 && errno == EACCES);
	NEED(10, fprintf(stderr, "# sealed\n") > 0);
	close(fd);
	return 0;
}

static void what_serving_takes_is_left(void **state)
{
	need_seal();
	assert_int_equal(status_of(SEALED, live), 0);
}

TRY(try_socketpair_inet, syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, NULL))

static long tell_a_backend(void)
{
	char byte = 'x';
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int ends[2];

	NEED(1, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	NEED(2, sendmsg(ends[0], &msg, MSG_NOSIGNAL) == 1);
	return 0;
}

/* The rest is as for others. */
static void a_backend_takes_two_more(void **state)
{
	need_seal();
	assert_int_equal(status_of(SEALED_LENDING, tell_a_backend), 0);
	assert_int_equal(status_of(SEALED_LENDING, live), 0);
	assert_true(is_killed(SEALED, tell_a_backend));
	assert_false(is_killed(OPEN, try_socketpair_inet));
	assert_true(is_killed(SEALED_LENDING, try_socketpair_inet));
	assert_true(is_killed(SEALED_LENDING, try_open));
	assert_true(is_killed(SEALED_LENDING, try_sendto_somebody));
}

TRY(try_pread, syscall(SYS_pread64, -1, NULL, 0, 0) != -1)

static long misspelt(void)
{
	const char *const names[] = {"pread64", "pread46", NULL};

	/* nothing was sealed by it */
	return xenvirtio_confine_calls(false, names) == -EINVAL && getppid() > 0 ? 0 : 1;
}

/* A device that is not one of ours may take what ours do not. */
static void a_call_that_is_named_is_left_and_no_other(void **state)
{
	assert_int_equal(status_of(OPEN, misspelt), 0);
	need_seal();
	assert_true(is_killed(SEALED, try_pread));
	assert_int_equal(status_of(SEALED_BUT_ONE, try_pread), 0);
	assert_int_equal(status_of(SEALED_BUT_ONE, live), 0);
	assert_true(is_killed(SEALED_BUT_ONE, try_open));
}

TRY(call_abort, (abort(), 0))
TRY(call_raise, raise(SIGKILL))

static void an_end_is_told_from_a_breach(void **state)
{
	int status;

	need_seal();
	status = status_of(SEALED, call_abort);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = status_of(SEALED, call_raise);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int go[2];

static void *wait_and_do(void *fn)
{
	char byte;

	if (read(go[0], &byte, 1) == 1)
		((long (*)(void))(uintptr_t)fn)();
	return NULL;
}

/* A library may have made one before the seal. */
static long breach_by_thread(void)
{
	pthread_t thread;

	NEED(1, pipe(go) == 0);
	NEED(2, pthread_create(&thread, NULL, wait_and_do, (void *)(uintptr_t)try_prctl) == 0);
	NEED(3, xenvirtio_confine_calls(false, NULL) == 0);
	NEED(4, write(go[1], "", 1) == 1);
	pthread_join(thread, NULL);
	return 5;
}

static void every_thread_is_sealed(void **state)
{
	need_seal();
	assert_true(is_killed(OPEN, breach_by_thread));
}

static long watched(void)
{
	return xenvirtio_confine_calls(false, NULL) == -EOPNOTSUPP ? 0 : 1;
}

static void under_sanitizers_it_says_that_it_does_not(void **state)
{
	if (confine_calls_can()) {
		print_message("# this build has no sanitizers\n");
		skip();
	}
	assert_int_equal(status_of(OPEN, watched), 0);
}

/* --- the lists --- */

static void thirty_calls_are_enough(void **state)
{
	size_t nr, allowed = 0;
	const struct confine_call *call = confine_calls_list(&nr);

	for (size_t i = 0; i < nr; i++)
		allowed += !call[i].err;
	assert_in_range(allowed, 20, 30);
}

static bool has_ioctl(unsigned long number)
{
	size_t nr;
	const struct confine_call *call = confine_calls_list(&nr);

	for (size_t i = 0; i < nr; i++) {
		if (strcmp(call[i].name, "ioctl") != 0)
			continue;
		for (const struct confine_check *c = call[i].check; c->mask; c++) {
			if (c->arg == 1 && c->value == number)
				return true;
		}
	}
	return false;
}

static void ioctls_are_those_of_our_modules(void **state)
{
	assert_true(has_ioctl(IOCTL_PRIVCMD_IRQFD));
	assert_true(has_ioctl(IOCTL_PRIVCMD_IOEVENTFD));
	assert_true(has_ioctl(IOCTL_PRIVCMD_VIRTIO_IRQ));
	assert_true(has_ioctl(IOCTL_PRIVCMD_IOEVENTFD_WAIT));
	assert_true(has_ioctl(IOCTL_PRIVCMD_VIRTIO_FIELD));
	/* the kernel's <xen/evtchn.h>: at each request, and when the ports are let go at the end, IOCTL_EVTCHN_UNBIND */
	assert_true(has_ioctl(_IOC(_IOC_NONE, 'E', 4, 4)));
	assert_true(has_ioctl(_IOC(_IOC_NONE, 'E', 3, 4)));
	/* which is asked before */
	assert_false(has_ioctl(IOCTL_PRIVCMD_EVENTFD_INFO));
}

/* The table below @title is this list: each row, and no other. */
static void page_has(const char *page, const char *title, const struct confine_call *call, size_t nr)
{
	const char *table = security_page_table(page, title, nr);

	for (size_t i = 0; i < nr; i++)
		security_page_has(table, call[i].name, call[i].other, call[i].err, call[i].args, call[i].why);
}

static void security_md_shows_them(void **state)
{
	size_t nr, nr_lending;
	const struct confine_call *call = confine_calls_list(&nr), *lending = confine_calls_lending(&nr_lending);
	char *page = security_page_read();

	page_has(page, "\n| a device that serves calls |", call, nr);
	page_has(page, "\n| a device with a vhost-user backend calls as well |", lending, nr_lending);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_on_no_list_is_death),
		cmocka_unit_test(what_serving_takes_is_left),
		cmocka_unit_test(a_backend_takes_two_more),
		cmocka_unit_test(a_call_that_is_named_is_left_and_no_other),
		cmocka_unit_test(an_end_is_told_from_a_breach),
		cmocka_unit_test(every_thread_is_sealed),
		cmocka_unit_test(under_sanitizers_it_says_that_it_does_not),
		cmocka_unit_test(thirty_calls_are_enough),
		cmocka_unit_test(ioctls_are_those_of_our_modules),
		cmocka_unit_test(security_md_shows_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
