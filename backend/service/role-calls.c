// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system calls of the service's parts that have no rights, by libseccomp. The lists are the one source: SECURITY.md has
 * them row by row, and test-role-world compares. The device's list is another (libxenvirtio/confine/confine-calls.c).
 */
#include "config.h"

#include "backend/service/role-world.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANY 0, 0, 0
#define IS(arg, value) (arg) + 1, ~0u, (unsigned int)(value)
#define HAS(arg, bits) (arg) + 1, (bits), (bits)
#define HAS_NOT(arg, bits) (arg) + 1, (bits), 0
/* in the place of a value: the process's own number */
#define OWN_PID ~0u

/* gcc has the one, clang the other: sanitizers make calls of their own */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WATCHED)
#define WATCHED true
#endif
#ifndef WATCHED
#define WATCHED false
#endif

static const bool watched = WATCHED;

static const struct role_call all[] = {
	{"read", NULL, ANY, 0, "", "libevent's signal pipe; who asks for an upgrade"},
	{"write", NULL, ANY, 0, "", "the log, libevent's signal pipe"},
	{"readv", NULL, ANY, 0, "", "libevent: what came on a socket"},
	{"writev", NULL, ANY, 0, "", "libevent: what is sent; what libc says before abort()"},
	{"sendmsg", NULL, ANY, 0, "", "the launcher is asked"},
	{"recvmsg", NULL, ANY, 0, "", "its answer"},
	{"sendto", NULL, ANY, 0, "", "syslog; who asked for an upgrade is answered"},
	{"socket", NULL, IS(0, AF_UNIX), 0, "`AF_UNIX`", "control sockets of devices"},
	{"connect", NULL, ANY, 0, "", "the same, of those there are in its root"},
	{"getsockopt", NULL, IS(1, SOL_SOCKET), 0, "`SOL_SOCKET`", "whether that came about; who a client is"},
	{"accept4", NULL, ANY, 0, "", "clients"},
	{"shutdown", NULL, ANY, 0, "", "a client is cut"},
	{"close", NULL, ANY, 0, "", "all of these"},
	/* F_SETOWN and F_SETSIG, which are above, have the kernel signal whomever: as root by number that takes no capability */
	{"fcntl", NULL, HAS_NOT(1, ~7u), 0, "up to `F_SETLKW`", "libevent, opendir()"},
	{"ioctl", NULL, IS(1, FIONREAD), 0, "`FIONREAD`", "libevent: how much there is to read"},
	{"openat", NULL, ANY, 0, "", "the state directory is listed"},
	{"getdents64", NULL, ANY, 0, "", "the same"},
	{"newfstatat", NULL, ANY, 0, "", "the same; a device's sign of life"},
	{"fstat", NULL, ANY, 0, "", "the same"},
	{"lseek", NULL, ANY, 0, "", "the same; metrics are a stream in memory"},
	{"poll", "ppoll", ANY, 0, "", "whether there is something to read"},
	{"epoll_ctl", NULL, ANY, 0, "", "libevent"},
	{"epoll_wait", "epoll_pwait", ANY, 0, "", "libevent"},
	{"mmap", NULL, HAS_NOT(2, PROT_EXEC), 0, "not `PROT_EXEC`", "malloc(), a thread's stack"},
	{"munmap", NULL, ANY, 0, "", "the same"},
	{"madvise", NULL, ANY, 0, "", "the same"},
	{"mprotect", NULL, HAS_NOT(2, PROT_EXEC), 0, "not `PROT_EXEC`", "the same"},
	{"brk", NULL, ANY, 0, "", "malloc()"},
	{"mremap", NULL, ANY, 0, "", "realloc()"},
	{"futex", NULL, ANY, 0, "", "libxenstore's and libc's locks"},
	{"clock_gettime", NULL, ANY, 0, "", "clocks, where the vDSO has none, as in a PV dom0"},
	{"gettimeofday", NULL, ANY, 0, "", "the same, of libevent"},
	{"getrandom", NULL, ANY, 0, "", "json-c's hashes"},
	{"rt_sigaction", NULL, ANY, 0, "", "libevent, libxenstore"},
	{"rt_sigprocmask", NULL, ANY, 0, "", "threads, abort()"},
	{"rt_sigreturn", NULL, ANY, 0, "", "a signal has been handled"},
	{"getpid", NULL, ANY, 0, "", "abort(), syslog"},
	{"gettid", NULL, ANY, 0, "", "abort()"},
	{"tgkill", NULL, IS(0, OWN_PID), 0, "itself", "the same"},
	{"exit_group", NULL, ANY, 0, "", "its end"},
};

static const struct role_call watch[] = {
	{"clone", NULL, HAS(0, CLONE_THREAD), 0, "`CLONE_THREAD`", "libxenstore's thread, at each connection to xenstored"},
	{"clone3", NULL, ANY, ENOSYS, "", "the same, which goes by clone then"},
	{"set_robust_list", NULL, ANY, 0, "", "the same"},
	{"rseq", NULL, ANY, 0, "", "the same"},
	{"exit", NULL, ANY, 0, "", "its end"},
	{"pipe2", NULL, ANY, 0, "", "libxenstore, whose thread says there what has happened"},
	{"access", "faccessat", ANY, 0, "", "libxenstore looks for xenstored's socket"},
};

static const struct role_call meter[] = {
	{"setsockopt", NULL, ANY, 0, "", "libevent's server, of a connection"},
};

const struct role_call *role_calls_all(size_t *nr)
{
	*nr = sizeof(all) / sizeof(all[0]);
	return all;
}

const struct role_call *role_calls_watch(size_t *nr)
{
	*nr = sizeof(watch) / sizeof(watch[0]);
	return watch;
}

const struct role_call *role_calls_meter(size_t *nr)
{
	*nr = sizeof(meter) / sizeof(meter[0]);
	return meter;
}

static int add_call(scmp_filter_ctx filter, const struct role_call *call)
{
	uint32_t action = call->err ? SCMP_ACT_ERRNO((uint16_t)call->err) : SCMP_ACT_ALLOW;
	int nr = seccomp_syscall_resolve_name(call->name);
	struct scmp_arg_cmp cmp;

	/* negative: some other architecture has it */
	if (nr < 0 && call->other)
		nr = seccomp_syscall_resolve_name(call->other);
	if (nr < 0)
		return -ENOSYS;
	if (!call->arg)
		return seccomp_rule_add_array(filter, action, nr, 0, NULL);
	cmp = SCMP_CMP64(call->arg - 1, SCMP_CMP_MASKED_EQ, (uint64_t)call->mask, call->value == OWN_PID ? (uint64_t)getpid() : call->value);
	return seccomp_rule_add_array(filter, action, nr, 1, &cmp);
}

static int add_calls(scmp_filter_ctx filter, const struct role_call *call, size_t nr)
{
	int rc = 0;

	for (size_t i = 0; i < nr && !rc; i++)
		rc = add_call(filter, &call[i]);
	return rc;
}

static int load(bool of_watch)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!filter)
		return -ENOMEM;
	rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* raw: what the kernel said; tsync: of all threads */
	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!rc)
		rc = add_calls(filter, all, sizeof(all) / sizeof(all[0]));
	if (!rc)
		rc = of_watch ? add_calls(filter, watch, sizeof(watch) / sizeof(watch[0])) :
				add_calls(filter, meter, sizeof(meter) / sizeof(meter[0]));
	if (!rc)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == -ENOSYS || rc == -EINVAL ? -EOPNOTSUPP : rc;
}

int role_world_seal(const struct role_world *world, bool of_watch)
{
	int rc = watched ? -EOPNOTSUPP : load(of_watch);

	if (!rc)
		return 0;
	log_msg(world->log, LOG_LEVEL_WARNING, rc, "the %s: its system calls are not filtered%s", world->name,
		world->required ? ": --sandbox=require" : "");
	return world->required ? -EACCES : 0;
}
