// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-args, what raises interrupts: irqfd and virtio_irq.
 */
#include <fcntl.h>
#include <unistd.h>

#include "eventfd-args.h"
#include "eventfd.h"
#include "tap.h"

static uint8_t op[256];

void test_irqfd(const struct server *s, int fd, int fd2)
{
	struct privcmd_irqfd good = good_irqfd(s, fd, op, sizeof(op));
	int null = open("/dev/null", O_RDWR), second = privcmd_open();
	bool all = true;
	uint32_t n;

	expect(irqfd(s->privcmd, BUT(good, flags, 2)), EINVAL, "irqfd: unknown flag");
	expect(irqfd(s->privcmd, BUT(good, fd, -1)), EBADF, "irqfd: no fd");
	expect(irqfd(s->privcmd, BUT(good, fd, null)), EINVAL, "irqfd: no eventfd");
	expect(irqfd(s->privcmd, BUT(good, size, 0)), EINVAL, "irqfd: size 0");
	expect(irqfd(s->privcmd, BUT(good, size, 15)), EINVAL, "irqfd: size one too small");
	expect(irqfd(s->privcmd, BUT(good, size, 4097)), E2BIG, "irqfd: size over a page");
	expect(irqfd(s->privcmd, BUT(good, size, ~0u)), E2BIG, "irqfd: size 4 GiB");
	expect(irqfd(s->privcmd, BUT(good, dm_op, 0)), EFAULT, "irqfd: dm_op is NULL");

	for (n = 0; n < 64; n++) {
		if (n == 19)
			continue;
		memcpy(op, &n, sizeof(n));
		all &= irqfd(s->privcmd, good) < 0 && errno == EINVAL;
	}
	ok(all, "irqfd: every other operation: EINVAL");

	irq_op(op, sizeof(op), 31, 1);
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: a private interrupt");
	irq_op(op, sizeof(op), 1020, 1);
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: interrupt 1020");
	irq_op(op, sizeof(op), GUEST_SPI, 2);
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: level 2");
	irq_op(op, sizeof(op), GUEST_SPI, 1);
	op[4] = 1;
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: pad of the operation");
	irq_op(op, sizeof(op), GUEST_SPI, 1);
	op[13] = 1;
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: pad of the level");
	irq_op(op, sizeof(op), GUEST_SPI, 1);

	expect(irqfd(s->privcmd, BUT(good, size, 16)), 0, "irqfd: no larger than needed");
	expect(irqfd(s->privcmd, good), EBUSY, "irqfd: the same eventfd");
	expect(irqfd(second, good), EBUSY, "irqfd: the same eventfd on another file");
	expect(irqfd(s->privcmd, BUT(good, fd, fd2)), 0, "irqfd: another eventfd, same interrupt");
	expect(irqfd(s->privcmd, BUT(BUT(good, flags, 1), dom, 0x7fef)), ENODEV,
	       "irqfd: deassign of another guest");
	expect(irqfd(second, BUT(good, flags, 1)), ENODEV, "irqfd: deassign through another file");
	expect(irqfd(s->privcmd, BUT(good, flags, 1)), 0, "irqfd: deassign");
	expect(irqfd(s->privcmd, BUT(good, flags, 1)), ENODEV, "irqfd: deassign again");
	expect(irqfd(second, good), 0, "irqfd: now on the other file");
	close(second);
	expect(irqfd(s->privcmd, BUT(good, size, sizeof(op))), 0,
	       "irqfd: here again, as that one is closed");
	expect(irqfd(s->privcmd, BUT(good, flags, 1)), 0, "irqfd: deassign");
	expect(irqfd(s->privcmd, BUT(BUT(good, flags, 1), fd, fd2)), 0, "irqfd: deassign");
	close(null);
}

void test_virtio_irq(const struct server *s, int fd, int fd2, int kick)
{
	struct privcmd_virtio_irq good = good_virtio_irq(s, fd, fd2, op, sizeof(op));
	struct privcmd_virtio_irq arg = good;

	expect(virtio_irq(s->privcmd, &arg), ENOENT, "virtio_irq: no ioeventfd");
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, kick, 0)));
#define SPOIL(field, value) (arg = good, arg.field = (value), virtio_irq(s->privcmd, &arg))
	expect(SPOIL(flags, 4), EINVAL, "virtio_irq: unknown flag");
	expect(SPOIL(pad[1], 1), EINVAL, "virtio_irq: pad");
	expect(SPOIL(status, 4), EINVAL, "virtio_irq: unknown status");
	expect(SPOIL(addr, ~0ull - 0x62), EINVAL, "virtio_irq: addr wraps");
	expect(SPOIL(vring_fd, -1), EBADF, "virtio_irq: no vring_fd");
	expect(SPOIL(config_fd, -1), EBADF, "virtio_irq: no config_fd");
	expect(SPOIL(config_fd, fd), EBUSY, "virtio_irq: one eventfd for both");
	expect(SPOIL(size, 8), EINVAL, "virtio_irq: size");
	expect(SPOIL(dm_op, 0), EFAULT, "virtio_irq: dm_op is NULL");
	expect(SPOIL(dom, 0x7fef), ENOENT, "virtio_irq: no such guest");
	expect(SPOIL(ioreq, 4096), ENOENT, "virtio_irq: another page");
	expect(SPOIL(status, 2), 0, "virtio_irq: correct, after all that");
	arg = good;
	expect(virtio_irq(s->privcmd, &arg), EEXIST, "virtio_irq: the same again");
	expect(irqfd(s->privcmd, good_irqfd(s, fd, op, sizeof(op))), EBUSY,
	       "irqfd: an eventfd of a virtio_irq");
	expect(SPOIL(flags, 1), 0, "virtio_irq: deassign");
	ok(arg.status == 2, "virtio_irq: deassign returns the status");
	expect(SPOIL(flags, 1), ENODEV, "virtio_irq: deassign again");
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, kick, 0), flags, 1)));
}
