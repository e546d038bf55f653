/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ioeventfd and irqfd of /dev/xen/privcmd, for programs and for the kernel.
 *
 * The first part is Linux 6.7's interface, byte for byte, for those whose
 * <xen/privcmd.h> is older or cannot be included outside the kernel. The second
 * part is what came after it: ask with IOCTL_PRIVCMD_EVENTFD_INFO, which older
 * kernels answer with ENOTTY, before using any of it.
 *
 * Include this after <xen/privcmd.h>, if both are.
 */
#ifndef _XEN_PRIVCMD_EVENTFD_H
#define _XEN_PRIVCMD_EVENTFD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#ifndef IOCTL_PRIVCMD_IRQFD

/* For privcmd_irqfd::flags */
#define PRIVCMD_IRQFD_FLAG_DEASSIGN	(1 << 0)

struct privcmd_irqfd {
	__u64 dm_op;
	__u32 size;
	__u32 fd;
	__u32 flags;
	__u16 dom;
	__u8 pad[2];
};

/* For privcmd_ioeventfd::flags */
#define PRIVCMD_IOEVENTFD_FLAG_DEASSIGN	(1 << 0)

struct privcmd_ioeventfd {
	__u64 ioreq;
	__u64 ports;
	__u64 addr;
	__u32 addr_len;
	__u32 event_fd;
	__u32 vcpus;
	__u32 vq;
	__u32 flags;
	__u16 dom;
	__u8 pad[2];
};

#define IOCTL_PRIVCMD_IRQFD		_IOW('P', 8, struct privcmd_irqfd)
#define IOCTL_PRIVCMD_IOEVENTFD		_IOW('P', 9, struct privcmd_ioeventfd)

#endif /* !IOCTL_PRIVCMD_IRQFD */

/* For privcmd_eventfd_info::features */
#define PRIVCMD_EVENTFD_IRQFD		(1 << 0) /* IOCTL_PRIVCMD_IRQFD works */
#define PRIVCMD_EVENTFD_IOEVENTFD	(1 << 1) /* IOCTL_PRIVCMD_IOEVENTFD works */
#define PRIVCMD_EVENTFD_QUIET		(1 << 2) /* a claimed request wakes only the eventfd */
#define PRIVCMD_EVENTFD_OWNED		(1 << 3) /* closing the file undoes everything */
#define PRIVCMD_EVENTFD_VIRTIO_IRQ	(1 << 4) /* IOCTL_PRIVCMD_VIRTIO_IRQ works */
#define PRIVCMD_EVENTFD_WAIT		(1 << 5) /* IOCTL_PRIVCMD_IOEVENTFD_WAIT works */
#define PRIVCMD_EVENTFD_VIRTIO_FIELD	(1 << 6) /* IOCTL_PRIVCMD_VIRTIO_FIELD works */

/**
 * struct privcmd_eventfd_info - what works here and now, and what it did
 * @features: PRIVCMD_EVENTFD_*; zero bits may become one when modules change
 * @vcpus_max: largest privcmd_ioeventfd::vcpus
 * @notified: requests that ioeventfds of this file have claimed
 * @answered: accesses that virtio_irqs and virtio_fields of this file have answered
 */
struct privcmd_eventfd_info {
	__u32 features;
	__u32 vcpus_max;
	__u64 notified;
	__u64 answered;
};

#define IOCTL_PRIVCMD_EVENTFD_INFO	_IOR('P', 0x80, struct privcmd_eventfd_info)

/* For privcmd_virtio_irq::flags */
#define PRIVCMD_VIRTIO_IRQ_FLAG_DEASSIGN	(1 << 0)
#define PRIVCMD_VIRTIO_IRQ_FLAG_LEVEL		(1 << 1)

/* Bits of privcmd_virtio_irq::status, as virtio-mmio has them in InterruptStatus */
#define PRIVCMD_VIRTIO_IRQ_VRING	(1 << 0)
#define PRIVCMD_VIRTIO_IRQ_CONFIG	(1 << 1)

/**
 * struct privcmd_virtio_irq - have the kernel keep a device's InterruptStatus
 * @ioreq: the mapping of an ioreq page that has an ioeventfd of this file
 * @addr: the device's base: reads of 4 bytes at +0x60 are answered, writes of
 *	4 bytes at +0x64 acknowledge
 * @dm_op: the operation that raises the interrupt, as in privcmd_irqfd
 * @size: bytes at @dm_op
 * @vring_fd: eventfd; a write sets VRING and raises the interrupt
 * @config_fd: eventfd; a write sets CONFIG and raises the interrupt
 * @status: assign: the register's value at first; a bit that is set raises no
 *	interrupt. Deassign: out, its last value, which is user space's again
 * @flags: LEVEL: a level-triggered line, lowered when the last bit is acknowledged
 * @dom: the guest
 * @pad: zero
 *
 * Deassign needs @ioreq, @addr and @dom; it takes the eventfds back as well. Only
 * deassign writes to the structure.
 */
struct privcmd_virtio_irq {
	__u64 ioreq;
	__u64 addr;
	__u64 dm_op;
	__u32 size;
	__u32 vring_fd;
	__u32 config_fd;
	__u32 status;
	__u32 flags;
	__u16 dom;
	__u8 pad[2];
};

#define IOCTL_PRIVCMD_VIRTIO_IRQ	_IOWR('P', 0x81, struct privcmd_virtio_irq)

/**
 * struct privcmd_ioeventfd_wait - stay on the CPU until the next kick
 * @ioreq: the mapping of an ioreq page that has an ioeventfd of this file
 * @addr: the device's base
 * @idle_us: give up after at least this time without any request that was
 *	claimed, at most twice of it, and after 20 times of it in any case; 1 to 1000
 * @signal_fd: eventfd that is signalled first, as write() does, or -1
 * @dom: the guest
 * @pad: zero
 *
 * For a device model that has just served a request and expects another. A kick
 * of one of the device's ioeventfds ends the wait and is the caller's: its
 * eventfd is not signalled. Everything else that is there to be done ends it,
 * too: a kick of another device or a request that is not claimed, which are
 * announced as ever; a signal; another task that is to run on this CPU. While it
 * waits the CPU halts as an idle one does, but counts as the caller's.
 *
 * Return: the queue + 1; 0 no kick: see what else there is, and sleep; -1:
 * EINVAL, EPERM, EBADF, ENOENT there is no ioeventfd: nothing was signalled;
 * EBUSY another task is waiting.
 */
struct privcmd_ioeventfd_wait {
	__u64 ioreq;
	__u64 addr;
	__u32 idle_us;
	__s32 signal_fd;
	__u16 dom;
	__u8 pad[6];
};

#define IOCTL_PRIVCMD_IOEVENTFD_WAIT	_IOW('P', 0x82, struct privcmd_ioeventfd_wait)

/* For privcmd_virtio_field::flags */
#define PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN	(1 << 0)
#define PRIVCMD_VIRTIO_FIELD_FLAG_WRITE		(1 << 1)

/* So many a file */
#define PRIVCMD_VIRTIO_FIELDS_MAX	64

/**
 * struct privcmd_virtio_field - have the kernel answer accesses of one field
 * @ioreq: the mapping of an ioreq page that has an ioeventfd of this file
 * @addr: guest-physical address of the field, 4 aligned bytes
 * @word: address of an aligned __u32 in writable memory of the caller's, the
 *	field's value. Its page is pinned until the field is deassigned, and
 *	counts as the caller's locked memory (VmLck), once for each field; in a
 *	file that is mapped shared it goes on having what the guest wrote
 * @event_fd: with WRITE: eventfd that is signalled after a write was kept; -1 none
 * @flags: WRITE: writes of 4 bytes are kept in @word. Else reads of 4 bytes give
 *	what is in @word then. Accesses of the other direction or of another size
 *	are user space's, as ever
 * @dom: the guest
 * @pad: zero
 *
 * A field may be assigned once for reading and once for writing, to one word or
 * two. Deassign needs @ioreq, @addr, @dom and WRITE as it was; on return nothing
 * touches @word any more.
 *
 * Return: 0; -1: EINVAL; EPERM; EFAULT @word cannot be pinned; EBADF; EEXIST the
 * field is assigned; ENOENT there is no ioeventfd; ENOSPC there are
 * PRIVCMD_VIRTIO_FIELDS_MAX; ENOMEM the caller has as much memory locked as its
 * RLIMIT_MEMLOCK allows, and no CAP_IPC_LOCK; EOPNOTSUPP the page of @word
 * cannot be used; ENODEV deassign: there is none.
 */
struct privcmd_virtio_field {
	__u64 ioreq;
	__u64 addr;
	__u64 word;
	__s32 event_fd;
	__u32 flags;
	__u16 dom;
	__u8 pad[6];
};

#define IOCTL_PRIVCMD_VIRTIO_FIELD	_IOW('P', 0x83, struct privcmd_virtio_field)

#endif /* _XEN_PRIVCMD_EVENTFD_H */
