// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts on the descriptors of Xen that a process has, whichever they are: each is asked, and what is none of Xen's does not know
 * the question. The numbers are the kernel's ABI, written out, since Xen's headers are not seen here.
 */
#include "config.h"

#include "backend/attempts.h"

#include <errno.h>
#include <sys/ioctl.h>

/* Linux's <xen/privcmd.h> and <xen/evtchn.h> */
#define PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, 48)
#define PRIVCMD_DM_OP _IOC(_IOC_NONE, 'P', 5, 16)
#define EVTCHN_BIND_VIRQ _IOC(_IOC_NONE, 'E', 0, 4)
#define EVTCHN_NOTIFY _IOC(_IOC_NONE, 'E', 4, 4)

#define DESCRIPTORS 256
#define VERSION_CALL 17
#define NO_VIRQ 0xffffu

struct hypercall {
	uint64_t op, arg[5];
};

struct dm_op {
	uint16_t domid, nr;
	uint64_t bufs;
};

/* @err: of what is restricted. What is none of @is does not know the question: an epoll descriptor, EINVAL. */
static int ask_all(bool (*is)(int fd), unsigned long request, void *arg, int err)
{
	int ret = -ENODEV;

	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (!is(fd))
			continue;
		if (ioctl(fd, request, arg) >= 0 || errno != err)
			return 0;
		ret = -err;
	}
	return ret;
}

/* Of no buffers, for dom0: what is allowed to, does nothing. */
static bool is_privcmd(int fd)
{
	struct dm_op op = {0};

	return ioctl(fd, PRIVCMD_DM_OP, &op) >= 0 || errno == EPERM;
}

static bool is_evtchn(int fd)
{
	uint32_t port = UINT32_MAX;

	return ioctl(fd, EVTCHN_NOTIFY, &port) < 0 && errno == ENOTCONN;
}

static int make_hypercall(const struct attempt_target *t)
{
	struct hypercall call = {.op = VERSION_CALL};

	return ask_all(is_privcmd, PRIVCMD_HYPERCALL, &call, EPERM);
}

static int ask_dom0s_model(const struct attempt_target *t)
{
	struct dm_op op = {0};

	return ask_all(is_privcmd, PRIVCMD_DM_OP, &op, EPERM);
}

static int bind_interrupt(const struct attempt_target *t)
{
	uint32_t virq = NO_VIRQ;

	return ask_all(is_evtchn, EVTCHN_BIND_VIRQ, &virq, EACCES);
}

static const struct attempt list[] = {
	{"hypercall", "make a hypercall", "privcmd, restricted to a domain", make_hypercall},
	{"dm-op", "ask something of dom0's device model", "privcmd, restricted to a domain", ask_dom0s_model},
	{"virq", "bind a virtual interrupt", "evtchn, restricted to a domain", bind_interrupt},
};

const struct attempt *attempts_xen_list(size_t *nr)
{
	*nr = sizeof(list) / sizeof(list[0]);
	return list;
}
