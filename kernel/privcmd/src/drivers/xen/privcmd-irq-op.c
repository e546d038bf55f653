// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which dm_ops raise an interrupt, and what of them is valid.
 *
 * The checks are those Xen makes at once when it gets the operation; making them
 * here turns a mistake into an error of the assigning ioctl instead of an
 * interrupt lost later. Xen remains the judge: nothing is trusted to it less.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/hypervisor.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/xen.h>

#include "privcmd-irq-op.h"

#define DMOP_SET_PCI_INTX_LEVEL	8
#define DMOP_SET_ISA_IRQ_LEVEL	9
#define DMOP_INJECT_MSI		14
#define DMOP_SET_IRQ_LEVEL	19

/* Shared peripheral interrupts of the GIC: the only ones Xen lets us set. */
#define GIC_SPI_FIRST		32
#define GIC_SPI_LAST		1019

static bool is_level(u8 level)
{
	return level <= 1;
}

/* Bytes of the union that the operation has; 0: not an interrupt operation here. */
static size_t op_payload_size(const struct privcmd_irq_op *op)
{
	if (IS_ENABLED(CONFIG_X86)) {
		switch (op->dm.op) {
		case DMOP_SET_PCI_INTX_LEVEL:
			return sizeof(op->dm.u.pci_intx);
		case DMOP_SET_ISA_IRQ_LEVEL:
			return sizeof(op->dm.u.isa);
		case DMOP_INJECT_MSI:
			return sizeof(op->dm.u.msi);
		}
	} else if (op->dm.op == DMOP_SET_IRQ_LEVEL) {
		return sizeof(op->dm.u.irq);
	}

	return 0;
}

static bool op_is_valid(const struct privcmd_irq_op *op)
{
	if (op->dm.pad)
		return false;

	switch (op->dm.op) {
	case DMOP_SET_PCI_INTX_LEVEL:
		return !op->dm.u.pci_intx.domain && !op->dm.u.pci_intx.bus &&
		       op->dm.u.pci_intx.device < 32 && op->dm.u.pci_intx.intx < 4 &&
		       is_level(op->dm.u.pci_intx.level);
	case DMOP_SET_ISA_IRQ_LEVEL:
		return op->dm.u.isa.irq < 16 && is_level(op->dm.u.isa.level);
	case DMOP_INJECT_MSI:
		return !op->dm.u.msi.pad;
	case DMOP_SET_IRQ_LEVEL:
		return op->dm.u.irq.irq >= GIC_SPI_FIRST &&
		       op->dm.u.irq.irq <= GIC_SPI_LAST &&
		       is_level(op->dm.u.irq.level) && !op->dm.u.irq.pad[0] &&
		       !op->dm.u.irq.pad[1] && !op->dm.u.irq.pad[2];
	}

	return false;
}

int privcmd_irq_op_init(struct privcmd_irq_op *op, domid_t dom, u64 uaddr, u32 size)
{
	size_t header = offsetof(typeof(op->dm), u);
	size_t payload;

	BUILD_BUG_ON(offsetof(typeof(op->dm), u) != 8);
	BUILD_BUG_ON(sizeof(op->dm.u.pci_intx) != 6);
	BUILD_BUG_ON(sizeof(op->dm.u.isa) != 2);
	BUILD_BUG_ON(sizeof(op->dm.u.msi) != 16);
	BUILD_BUG_ON(sizeof(op->dm.u.irq) != 8);

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < header)
		return -EINVAL;

	memset(op, 0, sizeof(*op));
	op->dom = dom;
	if (copy_from_user(&op->dm, u64_to_user_ptr(uaddr),
			   min_t(size_t, size, sizeof(op->dm))))
		return -EFAULT;

	payload = op_payload_size(op);
	if (!payload || size < header + payload || !op_is_valid(op))
		return -EINVAL;

	op->size = header + payload;

	return 0;
}

bool privcmd_irq_op_has_line(const struct privcmd_irq_op *op)
{
	return op->dm.op != DMOP_INJECT_MSI;
}

static int issue(const struct privcmd_irq_op *op)
{
	struct xen_dm_op_buf buf = { .size = op->size };

	set_xen_guest_handle(buf.h, (void *)&op->dm);

	return HYPERVISOR_dm_op(op->dom, 1, &buf);
}

int privcmd_irq_op_raise(const struct privcmd_irq_op *op)
{
	return issue(op);
}

int privcmd_irq_op_lower(const struct privcmd_irq_op *op)
{
	struct privcmd_irq_op low = *op;

	switch (op->dm.op) {
	case DMOP_SET_PCI_INTX_LEVEL:
		low.dm.u.pci_intx.level = 0;
		break;
	case DMOP_SET_ISA_IRQ_LEVEL:
		low.dm.u.isa.level = 0;
		break;
	case DMOP_SET_IRQ_LEVEL:
		low.dm.u.irq.level = 0;
		break;
	default:
		return -EINVAL;
	}

	return issue(&low);
}
