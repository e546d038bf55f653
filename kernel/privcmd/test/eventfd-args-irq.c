// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-args, what raises interrupts: irqfd and virtio_irq.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "eventfd-args.h"
#include "eventfd.h"
#include "tap.h"

static uint8_t op[256];

#if defined(__aarch64__)
static const unsigned char irq_ops[] = {19};

static void test_values(const struct server *s, struct privcmd_irqfd good)
{
	irq_op(op, sizeof(op), 31, 1);
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: a private interrupt");
	irq_op(op, sizeof(op), 1020, 1);
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: interrupt 1020");
	irq_op(op, sizeof(op), GUEST_IRQ, 2);
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: level 2");
	irq_op(op, sizeof(op), GUEST_IRQ, 1);
	op[13] = 1;
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: pad of the level");
}
#else
/* set_pci_intx_level, set_isa_irq_level, inject_msi */
static const unsigned char irq_ops[] = {8, 9, 14};

#define BYTES(...) ((const uint8_t[6]) { __VA_ARGS__ })

static void set_op(uint32_t nr, const uint8_t bytes[6])
{
	memset(op, 0, sizeof(op));
	memcpy(op, &nr, sizeof(nr));
	memcpy(op + 8, bytes, 6);
}

static void test_values(const struct server *s, struct privcmd_irqfd good)
{
	/* domain (2 bytes), bus, device, intx, level */
	set_op(8, BYTES(1, 0, 0, 3, 0, 1));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: PCI domain 1");
	set_op(8, BYTES(0, 0, 1, 3, 0, 1));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: PCI bus 1");
	set_op(8, BYTES(0, 0, 0, 32, 0, 1));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: PCI device 32");
	set_op(8, BYTES(0, 0, 0, 3, 4, 1));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: PCI line 4");
	set_op(8, BYTES(0, 0, 0, 3, 3, 2));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: level 2 of a PCI line");
	set_op(8, BYTES(0, 0, 0, 31, 3, 1));
	expect(irqfd(s->privcmd, good), 0, "irqfd: a PCI line");
	expect(irqfd(s->privcmd, BUT(good, flags, 1)), 0, "irqfd: deassign it");
	set_op(9, BYTES(16, 1));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: ISA interrupt 16");
	set_op(9, BYTES(5, 2));
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: level 2 of an ISA interrupt");
	set_op(9, BYTES(5, 1));
	expect(irqfd(s->privcmd, good), 0, "irqfd: an ISA interrupt");
	expect(irqfd(s->privcmd, BUT(good, flags, 1)), 0, "irqfd: deassign it");
	irq_op(op, sizeof(op), GUEST_IRQ, 1);
	op[13] = 1;
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: pad of the message");
}
#endif

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
	expect(irqfd(s->privcmd, BUT(good, size, IRQ_OP_BYTES - 1)), EINVAL,
	       "irqfd: size one too small");
	expect(irqfd(s->privcmd, BUT(good, size, 4097)), E2BIG, "irqfd: size over a page");
	expect(irqfd(s->privcmd, BUT(good, size, ~0u)), E2BIG, "irqfd: size 4 GiB");
	expect(irqfd(s->privcmd, BUT(good, dm_op, 0)), EFAULT, "irqfd: dm_op is NULL");

	for (n = 0; n < 64; n++) {
		if (memchr(irq_ops, n, sizeof(irq_ops)))
			continue;
		memcpy(op, &n, sizeof(n));
		all &= irqfd(s->privcmd, good) < 0 && errno == EINVAL;
	}
	ok(all, "irqfd: every other operation: EINVAL");

	test_values(s, good);
	irq_op(op, sizeof(op), GUEST_IRQ, 1);
	op[4] = 1;
	expect(irqfd(s->privcmd, good), EINVAL, "irqfd: pad of the operation");
	irq_op(op, sizeof(op), GUEST_IRQ, 1);

	expect(irqfd(s->privcmd, BUT(good, size, IRQ_OP_BYTES)), 0, "irqfd: no larger than needed");
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

#define LIMIT 4096u

/* More eventfds than one file may make interrupts. */
void test_irqfd_limit(const struct server *s)
{
	static int fds[LIMIT + 1];
	struct privcmd_irqfd good = good_irqfd(s, -1, op, sizeof(op));
	struct rlimit files = {2 * LIMIT, 2 * LIMIT};
	int file = privcmd_open();
	bool all = true;
	uint32_t i;

	must(!setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i <= LIMIT; i++)
		must((fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
	for (i = 0; i < LIMIT; i++)
		all &= !irqfd(file, BUT(good, fd, fds[i]));
	ok(all, "irqfd: 4096 of them");
	expect(irqfd(file, BUT(good, fd, fds[LIMIT])), ENOSPC, "irqfd: one more");
	expect(irqfd(s->privcmd, BUT(good, fd, fds[LIMIT])), 0,
	       "irqfd: which another file may have");
	expect(irqfd(s->privcmd, BUT(BUT(good, fd, fds[LIMIT]), flags, 1)), 0, "irqfd: deassign");
	expect(irqfd(file, BUT(BUT(good, fd, fds[9]), flags, 1)), 0, "irqfd: one fewer");
	expect(irqfd(file, BUT(good, fd, fds[LIMIT])), 0, "irqfd: one more after that");
	close(file);
	expect(irqfd(s->privcmd, BUT(good, fd, fds[0])), 0, "irqfd: all are gone with the file");
	for (i = 0; i <= LIMIT; i++)
		close(fds[i]);
}

/* Each has registers for the handler to look through; their eventfds may be closed. */
static void test_virtio_irq_limit(const struct server *s, struct privcmd_virtio_irq good)
{
	struct privcmd_virtio_irq arg;
	int rc = 0;
	uint32_t i;

	for (i = 0; i <= 64 && !rc; i++) {
		int vring = new_eventfd(), config = new_eventfd();

		arg = good;
		arg.addr += 0x1000 * i;
		arg.vring_fd = vring;
		arg.config_fd = config;
		rc = virtio_irq(s->privcmd, &arg);
		close(vring);
		close(config);
	}
	ok(i == 65, "virtio_irq: 64 of them");
	expect(rc, ENOSPC, "virtio_irq: one more");
	while (--i > 0) {
		arg = good;
		arg.addr += 0x1000 * (i - 1);
		arg.flags = 1;
		must(!virtio_irq(s->privcmd, &arg));
	}
}

/*
 * The argument is where the kernel cannot answer: what was done is not an error, and an error has
 * done nothing.
 */
static void test_read_only(const struct server *s, struct privcmd_virtio_irq good)
{
	struct privcmd_virtio_irq *arg =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(arg != MAP_FAILED);
	*arg = good;
	arg->status = 2;
	must(!mprotect(arg, 4096, PROT_READ));
	expect(virtio_irq(s->privcmd, arg), 0, "virtio_irq: from memory that is read-only");
	must(!mprotect(arg, 4096, PROT_READ | PROT_WRITE));
	arg->flags = 1;
	arg->status = 0;
	must(!mprotect(arg, 4096, PROT_READ));
	expect(virtio_irq(s->privcmd, arg), EFAULT, "virtio_irq: deassign from read-only memory");
	must(!mprotect(arg, 4096, PROT_READ | PROT_WRITE));
	expect(virtio_irq(s->privcmd, arg), 0, "virtio_irq: which has not been done");
	ok(arg->status == 2, "virtio_irq: its status is not lost");
	munmap(arg, 4096);
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
	test_read_only(s, good);
	test_virtio_irq_limit(s, good);
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, kick, 0), flags, 1)));
}
