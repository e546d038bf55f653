// SPDX-License-Identifier: GPL-2.0-only
/*
 * upstream-abi DOMID UNPAUSE: a device model written for upstream's ioctls, with upstream's header,
 * runs unchanged.
 *
 * It does what such programs do and no more: map the page, bind the ports, assign an ioeventfd and
 * an irqfd, let the guest kick and be interrupted, deassign with the arguments of the assign. All
 * ioctls succeed on upstream's own implementation too; there the cases that count kicks fail,
 * because kernel and user space both take some.
 */
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include UPSTREAM_PRIVCMD_H

#include "tap.h"
#include "xen.h"

int main(int argc, char **argv)
{
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK);
	struct privcmd_ioeventfd ioeventfd;
	struct privcmd_irqfd irqfd;
	uint64_t count = 0, one = 1;
	uint8_t op[256];
	struct server s;

	if (argc != 3)
		return tap_usage(argc, argv, "DOMID UNPAUSE-COMMAND");
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	must(system(argv[2]) == 0);
	must(kick >= 0 && call >= 0);

	ioeventfd = (struct privcmd_ioeventfd){
		.ioreq = (uintptr_t)s.slots,
		.ports = (uintptr_t)s.ports,
		.addr = DEVICE_BASE,
		.addr_len = 4,
		.event_fd = kick,
		.vcpus = s.nr_vcpus,
		.vq = 0,
		.dom = s.dom,
	};
	irqfd = (struct privcmd_irqfd){
		.dm_op = (uintptr_t)op,
		.size = irq_op(op, sizeof(op), GUEST_IRQ, 1),
		.fd = call,
		.dom = s.dom,
	};

	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_IOEVENTFD, &ioeventfd), 0, "assign an ioeventfd");
	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_IRQFD, &irqfd), 0, "assign an irqfd");
	guest_run(&s, 0, WRITE32(0x50, 0), 1000);
	ok(read(kick, &count, sizeof(count)) == sizeof(count) && count == 1000, "1000 kicks");
	ok(s.nr_strays == 0, "none of them an ioreq of ours");
	must(write(call, &one, sizeof(one)) == sizeof(one));
	ok(guest_run(&s, 0, TAKE_INTERRUPT, 200000 * patience()) == GUEST_IRQ, "an interrupt");

	ioeventfd.flags = PRIVCMD_IOEVENTFD_FLAG_DEASSIGN;
	irqfd.flags = PRIVCMD_IRQFD_FLAG_DEASSIGN;
	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_IOEVENTFD, &ioeventfd), 0, "deassign the ioeventfd");
	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_IRQFD, &irqfd), 0, "deassign the irqfd");
	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_IOEVENTFD, &ioeventfd), ENODEV, "deassign it again");
	guest_run(&s, 0, WRITE32(0x50, 0), 10);
	ok(s.nr_strays == 10, "kicks are ours again");

	server_destroy(&s);
	return tap_done();
}
