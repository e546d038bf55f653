// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * seccomp by libseccomp. The list is the one source: SECURITY.md has it row by row, and test-confine-calls compares.
 *
 * ioctls are told by number, not by descriptor. The numbers of Xen's devices are written out, since Xen's headers are not seen
 * here: those of our modules test-confine-calls holds against theirs, the others are the kernel's ABI.
 */
#include "config.h"

#include "confine/confine-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/* Linux's <xen/privcmd.h> and <xen/evtchn.h>, and kernel/privcmd's privcmd-eventfd.h */
#define PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, 32)
#define PRIVCMD_DM_OP _IOC(_IOC_NONE, 'P', 5, 16)
#define PRIVCMD_IRQFD _IOC(_IOC_WRITE, 'P', 8, 24)
#define PRIVCMD_IOEVENTFD _IOC(_IOC_WRITE, 'P', 9, 48)
#define PRIVCMD_VIRTIO_IRQ _IOC(_IOC_READ | _IOC_WRITE, 'P', 0x81, 48)
#define PRIVCMD_IOEVENTFD_WAIT _IOC(_IOC_WRITE, 'P', 0x82, 32)
#define PRIVCMD_VIRTIO_FIELD _IOC(_IOC_WRITE, 'P', 0x83, 40)
#define EVTCHN_UNBIND _IOC(_IOC_NONE, 'E', 3, 4)
#define EVTCHN_NOTIFY _IOC(_IOC_NONE, 'E', 4, 4)

#define MASK32 UINT64_C(0xffffffff)
/* in the place of a value: the process's own number */
#define OWN_PID UINT64_MAX

#define CHECKS(...) ((const struct confine_check[]){__VA_ARGS__, {0, 0, 0}})
#define IS(arg, value) {arg, MASK32, value}
#define IS_NULL(arg) {arg, UINT64_MAX, 0}
#define HAS_NOT(arg, bits) {arg, bits, 0}

static const struct confine_call serving[] = {
	{"read", NULL, NULL, 0, "", "event channels, eventfds, libevent's signal pipe"},
	{"write", NULL, NULL, 0, "", "event channels, interrupts by eventfd, the log, --record, --ready-fd"},
	{"pwrite64", NULL, NULL, 0, "", "the sign of life to the supervisor"},
	{"readv", NULL, NULL, 0, "", "libevent: what clients of the sockets ask"},
	{"writev", NULL, NULL, 0, "", "libevent: what they are answered; what libc says before abort()"},
	{"sendto", NULL, CHECKS(IS_NULL(4)), 0, "to no address", "the broker is asked; a client too many is told so; syslog"},
	{"recvmsg", NULL, NULL, 0, "", "the broker's answer, and what happens in xenstore"},
	{"accept4", NULL, NULL, 0, "", "clients of the control socket and of the metrics"},
	{"getsockopt", NULL, CHECKS(IS(1, SOL_SOCKET)), 0, "`SOL_SOCKET`", "who that client is"},
	{"shutdown", NULL, NULL, 0, "", "a client of the metrics is cut"},
	{"close", NULL, NULL, 0, "", "clients, eventfds"},
	{"ioctl", NULL,
	 CHECKS(IS(1, PRIVCMD_MMAPBATCH_V2), IS(1, PRIVCMD_DM_OP), IS(1, EVTCHN_NOTIFY), IS(1, EVTCHN_UNBIND),
		IS(1, PRIVCMD_IRQFD), IS(1, PRIVCMD_IOEVENTFD), IS(1, PRIVCMD_VIRTIO_IRQ), IS(1, PRIVCMD_IOEVENTFD_WAIT), IS(1, PRIVCMD_VIRTIO_FIELD),
		IS(1, FIONREAD)),
	 0,
	 "`PRIVCMD_MMAPBATCH_V2`, `PRIVCMD_DM_OP`, `PRIVCMD_IRQFD`, `PRIVCMD_IOEVENTFD`, `PRIVCMD_VIRTIO_IRQ`, "
	 "`PRIVCMD_IOEVENTFD_WAIT`, `PRIVCMD_VIRTIO_FIELD`, `EVTCHN_NOTIFY`, `EVTCHN_UNBIND`, `FIONREAD`",
	 "the guest's memory, interrupts, kicks, by descriptors that are restricted to it; libevent: how much there is to read"},
	{"poll", "ppoll", NULL, 0, "", "whether an event channel has fired; whether --ready-fd has a reader"},
	{"epoll_ctl", NULL, NULL, 0, "", "libevent"},
	{"epoll_wait", "epoll_pwait", NULL, 0, "", "libevent"},
	{"eventfd2", NULL, NULL, 0, "", "a queue's kicks and interrupts, when the driver is ready"},
	{"sched_yield", NULL, NULL, 0, "", "upstream's ioeventfd handler is let through a slot"},
	{"mmap", NULL, CHECKS(HAS_NOT(2, PROT_EXEC)), 0, "not `PROT_EXEC`", "the guest's memory, malloc()"},
	{"munmap", NULL, NULL, 0, "", "the same"},
	{"brk", NULL, NULL, 0, "", "malloc()"},
	{"clock_gettime", NULL, NULL, 0, "", "clocks, where the vDSO has none, as in a PV dom0"},
	{"gettimeofday", NULL, NULL, 0, "", "the same, of libevent"},
	{"getrandom", NULL, NULL, 0, "", "the entropy device; json-c's hashes"},
	{"rt_sigaction", NULL, NULL, 0, "", "libevent lets go of the signals that end the process"},
	{"rt_sigprocmask", NULL, NULL, 0, "", "abort()"},
	{"rt_sigreturn", NULL, NULL, 0, "", "such a signal has been handled"},
	{"getpid", NULL, NULL, 0, "", "abort(), raise(), syslog"},
	{"gettid", NULL, NULL, 0, "", "abort(), raise()"},
	{"tgkill", NULL, CHECKS(IS(0, OWN_PID)), 0, "itself", "the same: an end that can be told from SIGSYS"},
	{"exit_group", NULL, NULL, 0, "", "its end"},
	{"mremap", NULL, NULL, ENOMEM, "", "realloc(), which takes another way then"},
	{"socket", NULL, CHECKS(IS(1, SOCK_DGRAM | SOCK_CLOEXEC)), EACCES, ", `SOCK_DGRAM`", "syslog() that was cut off: the line is lost"},
	{"clock_nanosleep", NULL, NULL, EPERM, "", "libxenforeignmemory, of a frame that is paged out: it asks again at once"},
};

static const struct confine_call lending[] = {
	{"sendmsg", NULL, NULL, 0, "", "a backend is told things, and given files of the guest's memory and eventfds"},
	{"socketpair", NULL, CHECKS(IS(0, AF_UNIX)), 0, "`AF_UNIX`", "what a backend has to say by itself"},
};

/* once, with calls that are in no list: libc's time zone, and its random numbers' state */
static void warm_up(void)
{
	unsigned char byte;

	tzset();
	(void)!getrandom(&byte, sizeof(byte), GRND_NONBLOCK);
}

const struct confine_call *confine_calls_list(size_t *nr)
{
	*nr = sizeof(serving) / sizeof(serving[0]);
	return serving;
}

const struct confine_call *confine_calls_lending(size_t *nr)
{
	*nr = sizeof(lending) / sizeof(lending[0]);
	return lending;
}

static int number_of(const struct confine_call *call)
{
	int nr = seccomp_syscall_resolve_name(call->name);

	/* negative: some other architecture has it */
	return nr < 0 && call->other ? seccomp_syscall_resolve_name(call->other) : nr;
}

static int add_call(scmp_filter_ctx filter, const struct confine_call *call)
{
	uint32_t action = call->err ? SCMP_ACT_ERRNO((uint16_t)call->err) : SCMP_ACT_ALLOW;
	int nr = number_of(call), ret = nr < 0 ? -ENOSYS : 0;

	if (!ret && !call->check)
		return seccomp_rule_add_array(filter, action, nr, 0, NULL);
	for (const struct confine_check *c = call->check; !ret && c->mask; c++) {
		uint64_t value = c->value == OWN_PID ? (uint64_t)getpid() : c->value;
		const struct scmp_arg_cmp cmp = SCMP_CMP64(c->arg, SCMP_CMP_MASKED_EQ, c->mask, value);

		ret = seccomp_rule_add_array(filter, action, nr, 1, &cmp);
	}
	return ret;
}

static int load(bool lends, const char *const *more)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret;

	if (!filter)
		return -ENOMEM;
	/* raw: what the kernel said; tsync: of all threads; optimize: a tree, since it is asked at every call */
	ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < sizeof(serving) / sizeof(serving[0]) && !ret; i++)
		ret = add_call(filter, &serving[i]);
	for (size_t i = 0; lends && i < sizeof(lending) / sizeof(lending[0]) && !ret; i++)
		ret = add_call(filter, &lending[i]);
	for (; more && *more && !ret; more++) {
		int nr = seccomp_syscall_resolve_name(*more);

		if (nr >= 0)
			ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, nr, 0, NULL);
	}
	if (!ret)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

/* gcc has the one, clang the other */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WATCHED)
#define WATCHED
#endif

bool confine_calls_can(void)
{
#ifdef WATCHED
	return false;
#else
	return true;
#endif
}

static int check_names(const char *const *more)
{
	for (; more && *more; more++) {
		if (seccomp_syscall_resolve_name(*more) == __NR_SCMP_ERROR)
			return -EINVAL;
	}
	return 0;
}

int xenvirtio_confine_calls(bool lends, const char *const *more)
{
	int ret = check_names(more);

	if (ret)
		return ret;
	if (!confine_calls_can())
		return -EOPNOTSUPP;
	warm_up();
	ret = load(lends, more);
	/* of a kernel without filters, and of one that does not know the request */
	return ret == -ENOSYS || ret == -EINVAL ? -EOPNOTSUPP : ret;
}
