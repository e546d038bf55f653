// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts on Xen: real ones, with arguments that would do it. Written from the interfaces of kernel and hypervisor, with no library.
 */
#include "config.h"

/* domctl.h is for tools */
#define __XEN_TOOLS__ 1

#include "drill/drill.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/privcmd.h>

/** of RAM, in any of our guests, and not of their kernels on the first pages */
#if defined(__x86_64__)
#define FRAME 0x4000
#else
#define FRAME 0x44000
#endif
#define IRQFD _IOW('P', 8, struct irqfd)

struct irqfd {
	uint64_t dm_op;
	uint32_t size, fd, flags;
	uint16_t dom;
	uint8_t pad[2];
};

#define FIELD _IOW('P', 0x83, struct field)

struct field {
	uint64_t ioreq, addr, word;
	int32_t event_fd;
	uint32_t flags;
	uint16_t dom;
	uint8_t pad[6];
};

static bool is_privcmd(int fd)
{
	privcmd_dm_op_t nothing = {.dom = 0};

	return ioctl(fd, IOCTL_PRIVCMD_DM_OP, &nothing) == 0 || errno == EPERM;
}

static bool is_evtchn(int fd)
{
	struct ioctl_evtchn_notify notify = {.port = UINT32_MAX};

	return ioctl(fd, IOCTL_EVTCHN_NOTIFY, &notify) < 0 && errno == ENOTCONN;
}

/* @err, @second: what is refused, as the kernel says it */
static int ask(bool (*is)(int fd), unsigned long request, void *arg, int err, int second)
{
	int ret = -ENODEV;

	for (int fd = 0; fd < DRILL_DESCRIPTORS; fd++) {
		if (!is(fd))
			continue;
		if (ioctl(fd, request, arg) >= 0 || (errno != err && errno != second))
			return 0;
		ret = -errno;
	}
	return ret;
}

int drill_hypercall(const struct drill *d, unsigned int arg)
{
	privcmd_hypercall_t call = {.op = arg, .arg = {UINT32_MAX, 0, 0, 0, 0}};

	return ask(is_privcmd, IOCTL_PRIVCMD_HYPERCALL, &call, EPERM, EPERM);
}

/* XENMEM_decrease_reservation, XENMEM_populate_physmap */
static int move_memory(const struct drill *d, unsigned int op)
{
	xen_pfn_t frame = FRAME;
	struct xen_memory_reservation r = {.nr_extents = 1, .domid = (domid_t)d->other};
	privcmd_hypercall_t call = {.op = __HYPERVISOR_memory_op, .arg = {op, (uintptr_t)&r}};

	set_xen_guest_handle(r.extent_start, &frame);
	return ask(is_privcmd, IOCTL_PRIVCMD_HYPERCALL, &call, EPERM, EPERM);
}

static int control_domain(const struct drill *d, unsigned int cmd)
{
	struct xen_domctl op = {.cmd = cmd, .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = (domid_t)d->other};
	privcmd_hypercall_t call = {.op = __HYPERVISOR_domctl, .arg = {(uintptr_t)&op}};

	return ask(is_privcmd, IOCTL_PRIVCMD_HYPERCALL, &call, EPERM, EPERM);
}

/* @domid: DOMID_SELF stands for the other one */
static int map_frame(const struct drill *d, unsigned int domid)
{
	xen_pfn_t frame = FRAME;
	int err = 0, ret = -ENODEV;

	for (int fd = 0; fd < DRILL_DESCRIPTORS; fd++) {
		privcmd_mmapbatch_v2_t batch = {
			.num = 1, .dom = domid == DOMID_SELF ? (domid_t)d->other : (domid_t)domid, .arr = &frame, .err = &err};
		void *va = is_privcmd(fd) ? mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

		if (va == MAP_FAILED)
			continue;
		batch.addr = (uintptr_t)va;
		ret = ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0 && errno == EPERM ? -EPERM : 0;
		munmap(va, 4096);
		if (!ret)
			break;
	}
	return ret;
}

static int map_resource(const struct drill *d, unsigned int arg)
{
	privcmd_mmap_resource_t resource = {.dom = (domid_t)d->other, .num = 1};

	return ask(is_privcmd, IOCTL_PRIVCMD_MMAP_RESOURCE, &resource, EPERM, EPERM);
}

static int ask_model(const struct drill *d, unsigned int arg)
{
	privcmd_dm_op_t op = {.dom = (domid_t)d->other};

	return ask(is_privcmd, IOCTL_PRIVCMD_DM_OP, &op, EPERM, EPERM);
}

/* A domain is compared before what is to be done. */
static int raise_interrupt(const struct drill *d, unsigned int arg)
{
	struct irqfd irqfd = {.dom = (uint16_t)d->other, .size = 8, .dm_op = (uintptr_t)&irqfd};

	/* a kernel without has no such question */
	return ask(is_privcmd, IRQFD, &irqfd, EPERM, ENOTTY);
}

/* So is this one's: a word of ours that another guest writes. */
static int share_word(const struct drill *d, unsigned int arg)
{
	uint32_t word = 0;
	struct field field = {.dom = (uint16_t)d->other, .word = (uintptr_t)&word, .event_fd = -1};

	return ask(is_privcmd, FIELD, &field, EPERM, ENOTTY);
}

static int restrict_again(const struct drill *d, unsigned int arg)
{
	domid_t other = (domid_t)d->other;

	return ask(is_privcmd, IOCTL_PRIVCMD_RESTRICT, &other, EINVAL, EINVAL);
}

static int bind_virq(const struct drill *d, unsigned int arg)
{
	struct ioctl_evtchn_bind_virq bind = {.virq = VIRQ_CONSOLE};

	return ask(is_evtchn, IOCTL_EVTCHN_BIND_VIRQ, &bind, EACCES, EACCES);
}

static int bind_port(const struct drill *d, unsigned int arg)
{
	struct ioctl_evtchn_bind_interdomain bind = {.remote_domain = d->other, .remote_port = arg};

	return ask(is_evtchn, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind, EACCES, EACCES);
}

static int offer_port(const struct drill *d, unsigned int arg)
{
	struct ioctl_evtchn_bind_unbound_port bind = {.remote_domain = d->other};

	return ask(is_evtchn, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &bind, EACCES, EACCES);
}

static int restrict_ports_again(const struct drill *d, unsigned int arg)
{
	struct ioctl_evtchn_restrict_domid again = {.domid = (domid_t)d->other};

	return ask(is_evtchn, IOCTL_EVTCHN_RESTRICT_DOMID, &again, EACCES, EACCES);
}

static int notify_port(const struct drill *d, unsigned int arg)
{
	struct ioctl_evtchn_notify notify = {.port = arg};

	return ask(is_evtchn, IOCTL_EVTCHN_NOTIFY, &notify, ENOTCONN, ENOTCONN);
}

const struct drill_attempt drill_xen[] = {
	{"map-other", map_frame, DOMID_SELF, false},
	{"map-dom0", map_frame, 0, false},
	{"map-xen", map_frame, DOMID_XEN, false},
	{"map-resource-other", map_resource, 0, false},
	{"release-other", move_memory, XENMEM_decrease_reservation, false},
	{"populate-other", move_memory, XENMEM_populate_physmap, false},
	{"pause-other", control_domain, XEN_DOMCTL_pausedomain, false},
	{"destroy-other", control_domain, XEN_DOMCTL_destroydomain, false},
	{"dm-op-other", ask_model, 0, false},
	{"irqfd-other", raise_interrupt, 0, false},
	{"field-other", share_word, 0, false},
	{"privcmd-restrict-to-other", restrict_again, 0, false},
	{"evtchn-virq", bind_virq, 0, false},
	{"evtchn-bind-other", bind_port, 1, false},
	{"evtchn-offer-other", offer_port, 0, false},
	{"evtchn-restrict-to-other", restrict_ports_again, 0, false},
	{"evtchn-notify-not-bound", notify_port, 1, false},
	{0},
};
