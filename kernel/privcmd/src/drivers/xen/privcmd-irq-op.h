/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dm_op that raises an interrupt, checked and copied so that it can be issued
 * from atomic context.
 *
 * Only operations that do nothing but set a line or send an MSI get in: what is
 * kept here is replayed whenever somebody signals an eventfd, long after the
 * caller's rights were checked.
 */
#ifndef _PRIVCMD_IRQ_OP_H
#define _PRIVCMD_IRQ_OP_H

#include <linux/types.h>
#include <xen/interface/xen.h>

/* The layouts are Xen's public/hvm/dm_op.h. */
struct privcmd_irq_op {
	domid_t dom;
	u32 size;
	struct {
		u32 op;
		u32 pad;
		union {
			struct {
				u16 domain;
				u8 bus;
				u8 device;
				u8 intx;
				u8 level;
			} pci_intx;
			struct {
				u8 irq;
				u8 level;
			} isa;
			struct {
				u32 data;
				u32 pad;
				u64 addr;
			} msi;
			struct {
				u32 irq;
				u8 level;
				u8 pad[3];
			} irq;
		} u;
	} dm;
};

/**
 * privcmd_irq_op_init() - take an operation from user space
 * @op: out
 * @dom: the guest
 * @uaddr: a struct xen_dm_op, or as much of one as the operation needs
 * @size: bytes there; more than needed is fine
 *
 * Return: 0; -EFAULT; -E2BIG; -EINVAL too small, not an interrupt operation of
 * this architecture, or out of its range.
 */
int privcmd_irq_op_init(struct privcmd_irq_op *op, domid_t dom, u64 uaddr, u32 size);

/* Has the operation a line that privcmd_irq_op_lower() can lower? */
bool privcmd_irq_op_has_line(const struct privcmd_irq_op *op);

/* Issue it as it was given. Any context. Return: 0 or Xen's -errno. */
int privcmd_irq_op_raise(const struct privcmd_irq_op *op);

/* Issue it with level 0. Any context; only if it has a line. */
int privcmd_irq_op_lower(const struct privcmd_irq_op *op);

#endif /* _PRIVCMD_IRQ_OP_H */
