// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts, by the plain system calls that somebody would make who has taken the process over.
 */
#include "config.h"

#include "backend/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/** above what xenvirtio_confine_limits() leaves */
#define MANY_FILES 300
#define MUCH_MEMORY ((size_t)300 << 20)

#define FILE_SYSTEM "xenvirtio-there-is-no-such"

/* Of a call that is done when it does not fail. */
static int came(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* The same of one that gives a descriptor. */
static int came_open(long fd)
{
	int ret = came(fd);

	if (!ret)
		close((int)fd);
	return ret;
}

/* A call that fails in any case: of @err where it would have been allowed. */
static int came_as_far(long ret, int err)
{
	return ret < 0 && errno != err ? -errno : 0;
}

static int open_file(const struct attempt_target *t)
{
	return came_open(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
}

static int make_file(const struct attempt_target *t)
{
	int fd = open("/xenvirtio-attempt", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		unlink("/xenvirtio-attempt");
	return came_open(fd);
}

static int read_memory_of_other(const struct attempt_target *t)
{
	char byte;
	const struct iovec here = {&byte, 1}, there = {NULL, 1};

	/* nothing is at its address 0 */
	return came_as_far(process_vm_readv(t->process, &here, 1, &there, 1, 0), EFAULT);
}

static int run_program(const struct attempt_target *t)
{
	char name[] = "true", *const words[] = {name, NULL}, *const none[] = {NULL};

	return came(execve("/bin/true", words, none));
}

static int make_process(const struct attempt_target *t)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return came(pid);
}

static int trace_other(const struct attempt_target *t)
{
	int ret = came(ptrace(PTRACE_SEIZE, t->process, NULL, NULL));

	if (!ret)
		ptrace(PTRACE_DETACH, t->process, NULL, NULL);
	return ret;
}

static int signal_other(const struct attempt_target *t)
{
	return came(kill(t->process, 0));
}

static int signal_by_pidfd(const struct attempt_target *t)
{
	long fd = syscall(SYS_pidfd_open, t->process, 0);
	int ret = came(fd);

	if (!ret)
		ret = came(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	if (fd >= 0)
		close((int)fd);
	return ret;
}

static int connect_to(int family, const void *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = came(fd);

	if (!ret)
		ret = came(connect(fd, address, len));
	if (fd >= 0)
		close(fd);
	return ret;
}

static int connect_tcp(const struct attempt_target *t)
{
	const struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(t->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return connect_to(AF_INET, &in, sizeof(in));
}

static int connect_abstract(const struct attempt_target *t)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strnlen(t->abstract, sizeof(un.sun_path) - 1);

	memcpy(un.sun_path + 1, t->abstract, len);
	return connect_to(AF_UNIX, &un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
}

static int connect_unix(const struct attempt_target *t)
{
	static const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};

	return connect_to(AF_UNIX, &un, sizeof(un));
}

static int mount_something(const struct attempt_target *t)
{
	return came_as_far(mount("none", "/", FILE_SYSTEM, 0, NULL), ENODEV);
}

static int unmount_root(const struct attempt_target *t)
{
	/* who may do it is told that it is in use, or no mount */
	return umount2("/", MNT_EXPIRE) && errno == EPERM ? -EPERM : 0;
}

static int change_root(const struct attempt_target *t)
{
	return came(chroot("/"));
}

static int make_user_namespace(const struct attempt_target *t)
{
	return came(unshare(CLONE_NEWUSER));
}

static int make_network_namespace(const struct attempt_target *t)
{
	return came(unshare(CLONE_NEWNET));
}

static int join_namespace(const struct attempt_target *t)
{
	long fd = syscall(SYS_pidfd_open, getpid(), 0);
	int ret = came(fd);

	if (!ret)
		ret = came(setns((int)fd, CLONE_NEWUTS));
	if (fd >= 0)
		close((int)fd);
	return ret;
}

static int become_root(const struct attempt_target *t)
{
	return came(setresuid(0, 0, 0));
}

static int join_group(const struct attempt_target *t)
{
	const gid_t group = 0;

	return came(syscall(SYS_setgroups, 1, &group));
}

static int take_faults(const struct attempt_target *t)
{
	/* UFFD_USER_MODE_ONLY, which takes no right */
	return came_open(syscall(SYS_userfaultfd, O_CLOEXEC | 1));
}

static int make_ring(const struct attempt_target *t)
{
	char params[120] = {0};

	return came_open(syscall(SYS_io_uring_setup, 1, params));
}

static int make_bpf_map(const struct attempt_target *t)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	return came_open(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int count_events(const struct attempt_target *t)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK};

	return came_open(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0));
}

static int keep_key(const struct attempt_target *t)
{
	return came(syscall(SYS_add_key, "user", "xenvirtio-attempt", "", 1, -2 /* of the process */));
}

static int make_memory_file(const struct attempt_target *t)
{
	return came_open(syscall(SYS_memfd_create, "xenvirtio-attempt", 1));
}

static int map_executable(const struct attempt_target *t)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret = at == MAP_FAILED ? -errno : 0;

	if (!ret)
		munmap(at, 4096);
	return ret;
}

static int make_executable(const struct attempt_target *t)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret = at == MAP_FAILED ? -errno : came(mprotect(at, 4096, PROT_READ | PROT_EXEC));

	if (at != MAP_FAILED)
		munmap(at, 4096);
	return ret;
}

static int use_memory_up(const struct attempt_target *t)
{
	void *at = mmap(NULL, MUCH_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	munmap(at, MUCH_MEMORY);
	return 0;
}

static int use_descriptors_up(const struct attempt_target *t)
{
	int fd[MANY_FILES], nr = 0, ret = 0;

	while (nr < MANY_FILES && !ret) {
		fd[nr] = eventfd(0, EFD_CLOEXEC);
		ret = came(fd[nr]);
		nr += !ret;
	}
	while (nr--)
		close(fd[nr]);
	return ret;
}

#ifdef __x86_64__
static int call_in_32_bits(const struct attempt_target *t)
{
	long ret = 20; /* getpid() there */

	__asm__ volatile("int $0x80" : "+a"(ret) : : "memory", "cc", "r8", "r9", "r10", "r11");
	return ret < 0 ? (int)ret : 0;
}
#endif

static const struct attempt list[] = {
	{"open", "open a file by its name", "the empty root", open_file},
	{"create", "make a file", "the empty root", make_file},
	{"execve", "execute a program", "the empty root", run_program},
	{"clone", "make a process", "its limits", make_process},
	{"kill", "signal its broker", "the namespace of process numbers", signal_other},
	{"pidfd", "signal its broker by a pidfd", "the namespace of process numbers", signal_by_pidfd},
	{"ptrace", "trace its broker", "the namespace of process numbers", trace_other},
	{"process-vm-readv", "read its broker's memory", "the namespace of process numbers", read_memory_of_other},
	{"connect-unix", "connect to a socket in the file system", "the empty root", connect_unix},
	{"connect-abstract", "connect to an abstract socket", "no network; Landlock", connect_abstract},
	{"connect-tcp", "connect to a port of this machine", "no network; Landlock", connect_tcp},
	{"mount", "mount a file system", "no capability", mount_something},
	{"umount", "unmount one", "no capability", unmount_root},
	{"chroot", "change its root", "no capability", change_root},
	{"unshare-user", "make a user namespace", "the root, which is below that of its mounts", make_user_namespace},
	{"unshare-net", "make a network namespace", "no capability", make_network_namespace},
	{"setns", "join a namespace", "no capability", join_namespace},
	{"setuid", "become root", "no capability", become_root},
	{"setgroups", "join root's group", "no capability", join_group},
	{"bpf", "load something of BPF", "no capability", make_bpf_map},
	{"perf-event-open", "watch the processor", "no capability", count_events},
	{"memory", "have 300 MiB", "its limits", use_memory_up},
	{"descriptors", "open 300 descriptors", "its limits", use_descriptors_up},
	{"userfaultfd", "handle its own page faults", NULL, take_faults},
	{"io-uring", "make a ring of io_uring", NULL, make_ring},
	{"keyctl", "keep a key in the kernel", NULL, keep_key},
	{"memfd", "make a file of memory", NULL, make_memory_file},
	{"mmap-exec", "map memory to execute", NULL, map_executable},
	{"mprotect-exec", "make memory executable", NULL, make_executable},
#ifdef __x86_64__
	{"int-80", "make a system call of 32 bits", NULL, call_in_32_bits},
#endif
};

const struct attempt *attempts_list(size_t *nr)
{
	*nr = sizeof(list) / sizeof(list[0]);
	return list;
}
