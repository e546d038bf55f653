// SPDX-License-Identifier: GPL-2.0-only
/*
 * no-ioeventfd [DOMID]: a dom0 in which ioeventfds cannot work says so, and the rest works.
 *
 * Without DOMID for a PV dom0, where a foreign page cannot be reached; with a paused guest for one whose xen-evtchn is a
 * stock one without hooks. A device model must find out by asking, and by the one errno that means "take another path".
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

int main(int argc, char **argv)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct privcmd_eventfd_info info = { 0 };
	struct server s = { .dom = 1, .nr_vcpus = 1 };
	uint8_t op[256] = { 0 };
	struct privcmd_irqfd irq;
	struct privcmd_virtio_irq virq;
	uint64_t one = 1;

	if (argc > 1)
		server_open(&s, atoi(argv[1]), 0, 0xffff);
	else
		must((s.privcmd = privcmd_open()) >= 0);
	must(fd >= 0);

	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &info), 0, "info");
	ok(info.features == (PRIVCMD_EVENTFD_IRQFD | PRIVCMD_EVENTFD_OWNED) && !info.vcpus_max,
	   "info: no ioeventfd, no virtio_irq");
	expect(ioeventfd(s.privcmd, good_ioeventfd(&s, fd, 0)), EOPNOTSUPP, "ioeventfd");
	expect(ioeventfd(s.privcmd, BUT(good_ioeventfd(&s, fd, 0), flags, 1)), ENODEV,
	       "ioeventfd: deassign");
	virq = good_virtio_irq(&s, fd, fd, op, sizeof(op));
#if defined(__x86_64__)
	memset(op, 0, sizeof(op));
	op[0] = 9; /* set_isa_irq_level */
	op[8] = 5;
	op[9] = 1;
#endif
	expect(virtio_irq(s.privcmd, &virq), ENOENT, "virtio_irq");

	irq = (struct privcmd_irqfd){
		.dm_op = (uintptr_t)op, .size = sizeof(op), .fd = fd, .dom = s.dom
	};
	expect(irqfd(s.privcmd, irq), 0, "irqfd");
	expect(write(fd, &one, sizeof(one)), 0, "irqfd: signal");
	ok(read(fd, &one, sizeof(one)) < 0 && errno == EAGAIN, "irqfd: consumed");
	irq.flags = PRIVCMD_IRQFD_FLAG_DEASSIGN;
	expect(irqfd(s.privcmd, irq), 0, "irqfd: deassign");

	irq.flags = 0;
#if defined(__x86_64__)
	op[8] = 16;
	expect(irqfd(s.privcmd, irq), EINVAL, "irqfd: ISA interrupt 16");
	irq_op(op, sizeof(op), GUEST_SPI, 1);
	expect(irqfd(s.privcmd, irq), EINVAL, "irqfd: Arm's operation");
	memset(op, 0, sizeof(op));
	op[0] = 8; /* set_pci_intx_level: domain, bus, device, intx, level */
	op[11] = 32;
	expect(irqfd(s.privcmd, irq), EINVAL, "irqfd: PCI device 32");
	op[11] = 31;
	op[13] = 1;
	expect(irqfd(s.privcmd, irq), 0, "irqfd: set_pci_intx_level");
	close(fd);
	must((fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
	irq.fd = fd;
	memset(op, 0, sizeof(op));
	op[0] = 14; /* inject_msi */
	expect(irqfd(s.privcmd, irq), 0, "irqfd: inject_msi, with the last one's eventfd closed");
#endif
	if (argc > 1)
		server_destroy(&s);
	return tap_done();
}
