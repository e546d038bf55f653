// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Notification by eventfds: ioctls of /dev/xen/privcmd.
 *
 * The interface is kernel/privcmd/include/uapi/xen/privcmd-eventfd.h: Linux 6.7's two ioctls, which
 * Debian's kernels leave out, and the extensions of the modules in kernel/, which are asked for first. The
 * file is our own and is restricted to the guest at once: everything assigned belongs to it, and
 * with those modules closing it undoes all, whatever order other things are closed in.
 *
 * Upstream's handler passes through slots that it does not answer (READY, INPROCESS, READY again),
 * while we may look at them already: @shared makes hv-xen-event.c wait for it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hv/xen/hv-xen.h"

/* after a header that has the integer types; the second from kernel/privcmd/include/uapi */
#include <xen/hvm/dm_op.h>
#include <xen/privcmd-eventfd.h>

/* as <xen/privcmd.h>, which is no header for programs; there since Linux 4.13 */
#define IOCTL_PRIVCMD_RESTRICT _IOC(_IOC_NONE, 'P', 6, sizeof(domid_t))

/* QueueNotify and its neighbours are registers of 4 bytes */
#define REGISTER_BYTES 4u

_Static_assert(sizeof(struct privcmd_irqfd) == 24, "Linux's struct privcmd_irqfd");
_Static_assert(sizeof(struct privcmd_ioeventfd) == 48, "Linux's struct privcmd_ioeventfd");
_Static_assert(sizeof(evtchn_port_t) == sizeof(uint32_t), "ports are passed as an array of u32");

#if defined(__x86_64__) || defined(__i386__)
/* Upstream's ioeventfd follows a bad pointer in a PV domain, which no errno tells. */
static bool upstream_is_safe(void)
{
	char type[8] = "";
	FILE *file = fopen("/sys/hypervisor/guest_type", "re");

	if (!file)
		return false;
	if (!fgets(type, sizeof(type), file))
		type[0] = '\0';
	fclose(file);
	return strncmp(type, "PVH", 3) == 0 || strncmp(type, "HVM", 3) == 0;
}
#else
static bool upstream_is_safe(void)
{
	return true;
}
#endif

static int call(struct xen_hv *x, unsigned long request, void *arg)
{
	if (x->eventfd.file < 0)
		return -ENOSYS;
	return ioctl(x->eventfd.file, request, arg) ? xen_error(errno) : 0;
}

/*
 * Upstream checks flags before anything else; a kernel without the code knows no such ioctl, or
 * answers all of them with EOPNOTSUPP.
 */
static bool has_upstream(struct xen_hv *x)
{
	struct privcmd_ioeventfd nonsense = { .flags = UINT32_MAX, .dom = x->domid };

	return upstream_is_safe() && call(x, IOCTL_PRIVCMD_IOEVENTFD, &nonsense) == -EINVAL;
}

static uint32_t ask_kernel(struct xen_hv *x)
{
	static const struct {
		uint32_t kernels, ours;
	} names[] = {
		{ PRIVCMD_EVENTFD_IOEVENTFD, XENVIRTIO_EVENTFD_IOEVENTFD },
		{ PRIVCMD_EVENTFD_IRQFD, XENVIRTIO_EVENTFD_IRQFD },
		{ PRIVCMD_EVENTFD_QUIET | PRIVCMD_EVENTFD_OWNED, XENVIRTIO_EVENTFD_QUIET },
		{ PRIVCMD_EVENTFD_VIRTIO_IRQ, XENVIRTIO_EVENTFD_REGISTERS },
		{ PRIVCMD_EVENTFD_WAIT, XENVIRTIO_EVENTFD_WAIT },
		{ PRIVCMD_EVENTFD_VIRTIO_FIELD, XENVIRTIO_EVENTFD_FIELDS },
	};
	struct privcmd_eventfd_info info = { 0 };
	uint32_t features = 0;

	if (call(x, IOCTL_PRIVCMD_EVENTFD_INFO, &info))
		return has_upstream(x) ? XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD : 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((info.features & names[i].kernels) == names[i].kernels)
			features |= names[i].ours;
	return features;
}

int xen_eventfd_features(struct xenvirtio_hv *hv, uint32_t *features)
{
	struct xen_hv *x = to_xen(hv);
	domid_t domid = x->domid;
	int file, ret;

	if (x->eventfd.file < 0) {
		file = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
		if (file < 0)
			return xen_error(errno);
		if (ioctl(file, IOCTL_PRIVCMD_RESTRICT, &domid)) {
			ret = xen_error(errno);
			close(file);
			return ret;
		}
		x->eventfd.file = file;
		x->eventfd.features = ask_kernel(x);
	}
	*features = x->eventfd.features;
	return 0;
}

void xen_eventfd_close(struct xen_hv *x)
{
	if (x->eventfd.file >= 0)
		close(x->eventfd.file);
	x->eventfd = (struct xen_eventfd){ .file = -1 };
}

static int change_ioeventfd(struct xen_hv *x, struct xenvirtio_gpa base, uint32_t queue, int fd,
			    uint32_t flags)
{
	struct privcmd_ioeventfd arg = {
		.ioreq = (uintptr_t)x->ioreq.page,
		.ports = (uintptr_t)x->ioreq.port,
		.addr = base.v,
		.addr_len = REGISTER_BYTES,
		.event_fd = (uint32_t)fd,
		.vcpus = x->ioreq.nr_vcpus,
		.vq = queue,
		.flags = flags,
		.dom = x->domid,
	};

	return x->ioreq.page ? call(x, IOCTL_PRIVCMD_IOEVENTFD, &arg) : -EINVAL;
}

int xen_ioeventfd_add(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue, int fd)
{
	struct xen_hv *x = to_xen(hv);
	int ret = change_ioeventfd(x, base, queue, fd, 0);

	if (!ret && !(x->eventfd.features & XENVIRTIO_EVENTFD_QUIET))
		x->eventfd.shared++;
	return ret;
}

int xen_ioeventfd_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue, int fd)
{
	struct xen_hv *x = to_xen(hv);
	int ret = change_ioeventfd(x, base, queue, fd, PRIVCMD_IOEVENTFD_FLAG_DEASSIGN);

	if (!ret && x->eventfd.shared)
		x->eventfd.shared--;
	return ret;
}

/* The dm_op with which hv-xen.c's set_irq raises the line. Return: 0; -EINVAL */
static int encode_raise(struct xen_dm_op *op, uint32_t irq)
{
	memset(op, 0, sizeof(*op));
#if defined(__x86_64__) || defined(__i386__)
	if (irq < 16) {
		op->op = XEN_DMOP_set_isa_irq_level;
		op->u.set_isa_irq_level.isa_irq = (uint8_t)irq;
		op->u.set_isa_irq_level.level = 1;
	} else if (irq < 16 + 32 * 4) {
		op->op = XEN_DMOP_set_pci_intx_level;
		op->u.set_pci_intx_level.device = (uint8_t)((irq - 16) / 4);
		op->u.set_pci_intx_level.intx = (uint8_t)((irq - 16) % 4);
		op->u.set_pci_intx_level.level = 1;
	} else {
		return -EINVAL;
	}
#else
	op->op = XEN_DMOP_set_irq_level;
	op->u.set_irq_level.irq = irq;
	op->u.set_irq_level.level = 1;
#endif
	return 0;
}

static int change_irqfd(struct xen_hv *x, uint32_t irq, int fd, uint32_t flags)
{
	struct xen_dm_op op;
	struct privcmd_irqfd arg = {
		.dm_op = (uintptr_t)&op,
		.size = sizeof(op),
		.fd = (uint32_t)fd,
		.flags = flags,
		.dom = x->domid,
	};
	int ret = encode_raise(&op, irq);

	return ret ? ret : call(x, IOCTL_PRIVCMD_IRQFD, &arg);
}

int xen_irqfd_add(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	return change_irqfd(to_xen(hv), irq, fd, 0);
}

int xen_irqfd_del(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	return change_irqfd(to_xen(hv), irq, fd, PRIVCMD_IRQFD_FLAG_DEASSIGN);
}

int xen_registers_add(struct xenvirtio_hv *hv, const struct xenvirtio_irq_registers *regs)
{
	struct xen_hv *x = to_xen(hv);
	struct xen_dm_op op;
	struct privcmd_virtio_irq arg = {
		.ioreq = (uintptr_t)x->ioreq.page,
		.addr = regs->base.v,
		.dm_op = (uintptr_t)&op,
		.size = sizeof(op),
		.vring_fd = (uint32_t)regs->used_fd,
		.config_fd = (uint32_t)regs->config_fd,
		.status = regs->status,
		.flags = regs->held ? PRIVCMD_VIRTIO_IRQ_FLAG_LEVEL : 0,
		.dom = x->domid,
	};
	int ret = encode_raise(&op, regs->irq);

	return ret ? ret : call(x, IOCTL_PRIVCMD_VIRTIO_IRQ, &arg);
}

int xen_registers_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t *status)
{
	struct xen_hv *x = to_xen(hv);
	struct privcmd_virtio_irq arg = {
		.ioreq = (uintptr_t)x->ioreq.page,
		.addr = base.v,
		.flags = PRIVCMD_VIRTIO_IRQ_FLAG_DEASSIGN,
		.dom = x->domid,
	};
	int ret = call(x, IOCTL_PRIVCMD_VIRTIO_IRQ, &arg);

	if (!ret)
		*status = arg.status;
	return ret;
}

static int change_field(struct xen_hv *x, const struct xenvirtio_field_register *field, uint32_t flags)
{
	struct privcmd_virtio_field arg = {
		.ioreq = (uintptr_t)x->ioreq.page,
		.addr = field->addr.v,
		.word = (uintptr_t)field->word,
		.event_fd = field->written ? field->fd : -1,
		.flags = flags | (field->written ? PRIVCMD_VIRTIO_FIELD_FLAG_WRITE : 0),
		.dom = x->domid,
	};

	return call(x, IOCTL_PRIVCMD_VIRTIO_FIELD, &arg);
}

int xen_field_add(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	return change_field(to_xen(hv), field, 0);
}

int xen_field_del(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	return change_field(to_xen(hv), field, PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN);
}

int xen_kick_wait(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us, int fd,
		  uint32_t *queue)
{
	struct xen_hv *x = to_xen(hv);
	struct privcmd_ioeventfd_wait arg = {
		.ioreq = (uintptr_t)x->ioreq.page,
		.addr = base.v,
		.idle_us = idle_us,
		.signal_fd = fd,
		.dom = x->domid,
	};
	int rc;

	if (x->eventfd.file < 0)
		return -ENOSYS;
	rc = ioctl(x->eventfd.file, IOCTL_PRIVCMD_IOEVENTFD_WAIT, &arg);
	if (rc < 0)
		return xen_error(errno);
	if (rc == 0)
		return XENVIRTIO_E_EMPTY;
	*queue = (uint32_t)rc - 1;
	return 0;
}
