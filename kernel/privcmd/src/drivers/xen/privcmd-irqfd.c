// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: an eventfd (privcmd-signal.c) that issues a dm_op (privcmd-irq-op.c).
 *
 * An irqfd is named by its file, its guest and its eventfd. It does not know
 * why the guest is interrupted: virtio's InterruptStatus is elsewhere.
 */
#define pr_fmt(fmt) "xen:" KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include <xen/privcmd.h>
#include <xen/privcmd-eventfd.h>

#include "privcmd-irq-op.h"
#include "privcmd-irqfd.h"
#include "privcmd-signal.h"

struct irqfd {
	struct privcmd_signal sig;
	struct privcmd_irq_op op;
	bool failed;
	bool gone; /* the guest: its number may be another's by now */
};

static void irqfd_inject(struct privcmd_signal *sig)
{
	struct irqfd *irqfd = container_of(sig, struct irqfd, sig);
	int rc;

	if (READ_ONCE(irqfd->gone))
		return;

	rc = privcmd_irq_op_raise(&irqfd->op);

	/* A guest that went away is no news; anything else is, once. */
	if (rc && rc != -ESRCH && !irqfd->failed) {
		irqfd->failed = true;
		pr_warn_ratelimited("irqfd: d%u was not interrupted: %d\n", irqfd->op.dom, rc);
	}
}

static void irqfd_free(struct privcmd_signal *sig)
{
	kfree(container_of(sig, struct irqfd, sig));
}

static int irqfd_assign(struct privcmd_irqfds *irqfds, const struct privcmd_irqfd *args)
{
	struct irqfd *irqfd;
	int rc;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;

	irqfd->sig.fn = irqfd_inject;
	irqfd->sig.free = irqfd_free;

	rc = privcmd_irq_op_init(&irqfd->op, args->dom, args->dm_op, args->size);
	if (!rc)
		rc = privcmd_signal_attach(&irqfds->signals, &irqfd->sig, args->fd);
	if (rc)
		kfree(irqfd);

	return rc;
}

struct irqfd_name {
	const struct eventfd_ctx *eventfd;
	domid_t dom;
};

static bool match_name(const struct privcmd_signal *sig, const void *arg)
{
	const struct irqfd *irqfd = container_of(sig, struct irqfd, sig);
	const struct irqfd_name *name = arg;

	return sig->eventfd == name->eventfd && irqfd->op.dom == name->dom;
}

static int irqfd_deassign(struct privcmd_irqfds *irqfds, const struct privcmd_irqfd *args)
{
	struct irqfd_name name = { .dom = args->dom };
	struct eventfd_ctx *eventfd;
	unsigned int nr;

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);

	name.eventfd = eventfd;
	nr = privcmd_signal_detach(&irqfds->signals, match_name, &name);
	eventfd_ctx_put(eventfd);

	return nr ? 0 : -ENODEV;
}

long privcmd_irqfd_ioctl(struct privcmd_irqfds *irqfds, const struct privcmd_irqfd *args)
{
	if (args->flags & ~PRIVCMD_IRQFD_FLAG_DEASSIGN)
		return -EINVAL;

	if (args->flags & PRIVCMD_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(irqfds, args);

	return irqfd_assign(irqfds, args);
}

static void note_gone(struct privcmd_signal *sig, const void *dom)
{
	struct irqfd *irqfd = container_of(sig, struct irqfd, sig);

	if (irqfd->op.dom == *(const domid_t *)dom)
		WRITE_ONCE(irqfd->gone, true);
}

void privcmd_irqfds_guest_gone(struct privcmd_irqfds *irqfds, domid_t dom)
{
	privcmd_signals_for_each(&irqfds->signals, note_gone, &dom);
}

void privcmd_irqfds_init(struct privcmd_irqfds *irqfds)
{
	privcmd_signals_init(&irqfds->signals, PRIVCMD_IRQFDS_MAX);
}

void privcmd_irqfds_release(struct privcmd_irqfds *irqfds)
{
	privcmd_signals_end(&irqfds->signals);
}

int privcmd_irqfd_init(void)
{
	return privcmd_signal_init();
}

void privcmd_irqfd_exit(void)
{
	privcmd_signal_exit();
}
