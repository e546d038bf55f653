// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: an eventfd (privcmd-signal.c) that issues a dm_op (privcmd-irq-op.c).
 *
 * An irqfd is named by its owner, its guest and its eventfd. It does not know
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
	const void *owner;
	bool failed;
};

static void irqfd_inject(struct privcmd_signal *sig)
{
	struct irqfd *irqfd = container_of(sig, struct irqfd, sig);
	int rc = privcmd_irq_op_raise(&irqfd->op);

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

static int irqfd_assign(const void *owner, const struct privcmd_irqfd *args)
{
	struct irqfd *irqfd;
	int rc;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;

	irqfd->owner = owner;
	irqfd->sig.fn = irqfd_inject;
	irqfd->sig.free = irqfd_free;

	rc = privcmd_irq_op_init(&irqfd->op, args->dom, args->dm_op, args->size);
	if (!rc)
		rc = privcmd_signal_attach(&irqfd->sig, args->fd);
	if (rc)
		kfree(irqfd);

	return rc;
}

struct irqfd_name {
	const void *owner;
	const struct eventfd_ctx *eventfd;
	domid_t dom;
};

static bool match_name(const struct privcmd_signal *sig, const void *arg)
{
	const struct irqfd *irqfd = container_of(sig, struct irqfd, sig);
	const struct irqfd_name *name = arg;

	return sig->fn == irqfd_inject && sig->eventfd == name->eventfd &&
	       irqfd->owner == name->owner && irqfd->op.dom == name->dom;
}

static int irqfd_deassign(const void *owner, const struct privcmd_irqfd *args)
{
	struct irqfd_name name = { .owner = owner, .dom = args->dom };
	struct eventfd_ctx *eventfd;
	unsigned int nr;

	eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);

	name.eventfd = eventfd;
	nr = privcmd_signal_detach(match_name, &name);
	eventfd_ctx_put(eventfd);

	return nr ? 0 : -ENODEV;
}

long privcmd_irqfd_ioctl(const void *owner, const struct privcmd_irqfd *args)
{
	if (args->flags & ~PRIVCMD_IRQFD_FLAG_DEASSIGN)
		return -EINVAL;

	if (args->flags & PRIVCMD_IRQFD_FLAG_DEASSIGN)
		return irqfd_deassign(owner, args);

	return irqfd_assign(owner, args);
}

static bool match_owner(const struct privcmd_signal *sig, const void *owner)
{
	return sig->fn == irqfd_inject &&
	       container_of(sig, struct irqfd, sig)->owner == owner;
}

void privcmd_irqfd_release(const void *owner)
{
	privcmd_signal_detach(match_owner, owner);
}

int privcmd_irqfd_init(void)
{
	return privcmd_signal_init();
}

void privcmd_irqfd_exit(void)
{
	privcmd_signal_exit();
}
