// SPDX-License-Identifier: GPL-2.0-only
/*
 * InterruptStatus and InterruptACK, answered in the handler (privcmd-ioreq.c).
 *
 * Bits are set by writes to two eventfds (privcmd-signal.c), before the interrupt
 * is raised (privcmd-irq-op.c), so a guest that takes it finds them; they are
 * cleared by the guest's acknowledgment only. An interrupt is raised also when
 * the bit is set already: a driver may acknowledge after it has looked at its
 * queues, and an edge it has taken does not come again.
 *
 * lock keeps the line of a level-triggered device equal to "status is not zero".
 * It is taken in hard interrupt context.
 */
#define pr_fmt(fmt) "xen:" KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <xen/privcmd.h>
#include <xen/privcmd-eventfd.h>

#include "privcmd-ioreq.h"
#include "privcmd-irq-op.h"
#include "privcmd-signal.h"
#include "privcmd-virtio-irq.h"

/* virtio 1.2, 4.2.2 MMIO Device Register Layout */
#define VIRTIO_MMIO_INTERRUPT_STATUS	0x60
#define VIRTIO_MMIO_INTERRUPT_ACK	0x64
#define VIRTIO_MMIO_REGISTER_BYTES	4

#define STATUS_BITS	(PRIVCMD_VIRTIO_IRQ_VRING | PRIVCMD_VIRTIO_IRQ_CONFIG)

/* vring_fd and config_fd */
#define NR_LINES	2

struct virtio_irq {
	struct list_head list;
	struct privcmd_signals lines;
	struct privcmd_ioreq_group *group;
	struct privcmd_ioreq_watch read_status;
	struct privcmd_ioreq_watch write_ack;
	struct privcmd_irq_op op;
	u64 addr;
	bool level;
	spinlock_t lock; /* status, failed, and the order of interrupts */
	u32 status;
	bool failed;
};

/* An eventfd that sets one bit. */
struct virtio_irq_line {
	struct privcmd_signal sig;
	struct virtio_irq *irq;
	u32 bit;
};

static void note_error(struct virtio_irq *irq, int rc)
{
	if (rc && rc != -ESRCH && !irq->failed) {
		irq->failed = true;
		pr_warn_ratelimited("virtio irq: d%u was not interrupted: %d\n", irq->op.dom, rc);
	}
}

static void line_signal(struct privcmd_signal *sig)
{
	struct virtio_irq_line *line = container_of(sig, struct virtio_irq_line, sig);
	struct virtio_irq *irq = line->irq;
	unsigned long flags;

	spin_lock_irqsave(&irq->lock, flags);
	WRITE_ONCE(irq->status, irq->status | line->bit);
	if (!privcmd_ioreq_is_gone(irq->group))
		note_error(irq, privcmd_irq_op_raise(&irq->op));
	spin_unlock_irqrestore(&irq->lock, flags);
}

static void line_free(struct privcmd_signal *sig)
{
	kfree(container_of(sig, struct virtio_irq_line, sig));
}

static u64 status_read(struct privcmd_ioreq_watch *watch, u64 data)
{
	return READ_ONCE(container_of(watch, struct virtio_irq, read_status)->status);
}

static u64 ack_written(struct privcmd_ioreq_watch *watch, u64 data)
{
	struct virtio_irq *irq = container_of(watch, struct virtio_irq, write_ack);
	unsigned long flags;

	spin_lock_irqsave(&irq->lock, flags);
	WRITE_ONCE(irq->status, irq->status & ~(u32)data);
	if (irq->level && !irq->status)
		note_error(irq, privcmd_irq_op_lower(&irq->op));
	spin_unlock_irqrestore(&irq->lock, flags);

	return 0;
}

static int watches_init(struct virtio_irq *irq)
{
	struct privcmd_ioreq_watch *status = &irq->read_status, *ack = &irq->write_ack;
	u64 end;

	if (check_add_overflow(irq->addr, (u64)VIRTIO_MMIO_INTERRUPT_STATUS, &status->addr) ||
	    check_add_overflow(irq->addr, (u64)VIRTIO_MMIO_INTERRUPT_ACK, &ack->addr) ||
	    check_add_overflow(ack->addr, (u64)VIRTIO_MMIO_REGISTER_BYTES, &end))
		return -EINVAL;

	status->size = VIRTIO_MMIO_REGISTER_BYTES;
	status->match = PRIVCMD_IOREQ_ANY;
	status->read = true;
	status->fn = status_read;

	ack->size = VIRTIO_MMIO_REGISTER_BYTES;
	ack->match = PRIVCMD_IOREQ_ANY;
	ack->read = false;
	ack->fn = ack_written;

	return 0;
}

static int watches_add(struct virtio_irq *irq)
{
	int rc;

	rc = privcmd_ioreq_watch_add(irq->group, &irq->read_status);
	if (rc)
		return rc;

	rc = privcmd_ioreq_watch_add(irq->group, &irq->write_ack);
	if (rc) {
		privcmd_ioreq_watch_del(&irq->read_status);
		privcmd_ioreq_watches_sync();
	}

	return rc;
}

static void watches_del(struct virtio_irq *irq)
{
	privcmd_ioreq_watch_del(&irq->read_status);
	privcmd_ioreq_watch_del(&irq->write_ack);
	privcmd_ioreq_watches_sync();
}

static int line_attach(struct virtio_irq *irq, u32 bit, unsigned int fd)
{
	struct virtio_irq_line *line;
	int rc;

	line = kzalloc(sizeof(*line), GFP_KERNEL_ACCOUNT);
	if (!line)
		return -ENOMEM;

	line->sig.fn = line_signal;
	line->sig.free = line_free;
	line->irq = irq;
	line->bit = bit;

	rc = privcmd_signal_attach(&irq->lines, &line->sig, fd);
	if (rc)
		line_free(&line->sig);

	return rc;
}

static int virtio_irq_assign(struct privcmd_virtio_irqs *irqs, struct privcmd_ioreqs *ioreqs,
			     const struct privcmd_virtio_irq *args)
{
	struct virtio_irq *irq;
	int rc;

	if (args->status & ~STATUS_BITS)
		return -EINVAL;
	if (irqs->nr >= PRIVCMD_VIRTIO_IRQS_MAX)
		return -ENOSPC;

	irq = kzalloc(sizeof(*irq), GFP_KERNEL_ACCOUNT);
	if (!irq)
		return -ENOMEM;

	privcmd_signals_init(&irq->lines, NR_LINES);
	spin_lock_init(&irq->lock);
	irq->addr = args->addr;
	irq->level = args->flags & PRIVCMD_VIRTIO_IRQ_FLAG_LEVEL;
	irq->status = args->status;

	rc = watches_init(irq);
	if (rc)
		goto err_free;

	rc = privcmd_irq_op_init(&irq->op, args->dom, args->dm_op, args->size);
	if (rc)
		goto err_free;

	rc = -EINVAL;
	if (irq->level && !privcmd_irq_op_has_line(&irq->op))
		goto err_free;

	rc = -ENOENT;
	irq->group = privcmd_ioreq_find(ioreqs, args->ioreq, args->dom);
	if (!irq->group)
		goto err_free;

	rc = watches_add(irq);
	if (rc)
		goto err_put;

	rc = line_attach(irq, PRIVCMD_VIRTIO_IRQ_VRING, args->vring_fd);
	if (!rc)
		rc = line_attach(irq, PRIVCMD_VIRTIO_IRQ_CONFIG, args->config_fd);
	if (rc)
		goto err_detach;

	list_add_tail(&irq->list, &irqs->list);
	irqs->nr++;

	return 0;

err_detach:
	watches_del(irq);
	privcmd_signals_end(&irq->lines);
err_put:
	privcmd_ioreq_put(irq->group);
err_free:
	kfree(irq);

	return rc;
}

/* Return: the last value of the register, which nothing changes any more. */
static u32 virtio_irq_end(struct privcmd_virtio_irqs *irqs, struct virtio_irq *irq)
{
	u32 status;

	list_del(&irq->list);
	irqs->nr--;
	watches_del(irq);
	privcmd_signals_end(&irq->lines);
	privcmd_ioreq_put(irq->group);
	status = irq->status;
	kfree(irq);

	return status;
}

static int virtio_irq_deassign(struct privcmd_virtio_irqs *irqs, struct privcmd_virtio_irq *args)
{
	struct virtio_irq *irq;

	list_for_each_entry(irq, &irqs->list, list) {
		if (irq->addr == args->addr &&
		    privcmd_ioreq_is(irq->group, args->ioreq, args->dom)) {
			args->status = virtio_irq_end(irqs, irq);
			return 0;
		}
	}

	return -ENODEV;
}

long privcmd_virtio_irq_ioctl(struct privcmd_virtio_irqs *irqs, struct privcmd_ioreqs *ioreqs,
			      struct privcmd_virtio_irq *args)
{
	long rc;

	if (args->flags & ~(PRIVCMD_VIRTIO_IRQ_FLAG_DEASSIGN | PRIVCMD_VIRTIO_IRQ_FLAG_LEVEL) ||
	    args->pad[0] || args->pad[1])
		return -EINVAL;

	mutex_lock(&ioreqs->lock);
	if (args->flags & PRIVCMD_VIRTIO_IRQ_FLAG_DEASSIGN)
		rc = virtio_irq_deassign(irqs, args);
	else
		rc = virtio_irq_assign(irqs, ioreqs, args);
	mutex_unlock(&ioreqs->lock);

	return rc;
}

void privcmd_virtio_irqs_init(struct privcmd_virtio_irqs *irqs)
{
	INIT_LIST_HEAD(&irqs->list);
	irqs->nr = 0;
}

void privcmd_virtio_irqs_release(struct privcmd_virtio_irqs *irqs,
				 struct privcmd_ioreqs *ioreqs)
{
	struct virtio_irq *irq, *next;

	mutex_lock(&ioreqs->lock);
	list_for_each_entry_safe(irq, next, &irqs->list, list)
		virtio_irq_end(irqs, irq);
	mutex_unlock(&ioreqs->lock);
}
