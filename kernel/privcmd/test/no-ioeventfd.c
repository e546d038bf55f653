// SPDX-License-Identifier: GPL-2.0-only
/*
 * no-ioeventfd DOMID: a dom0 in which ioeventfds cannot work says so, and the rest works.
 *
 * For a dom0 whose xen-evtchn is a stock one without hooks; DOMID is a paused guest. A device model
 * must find out by asking, and by the one errno that means "take another path".
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

int main(int argc, char **argv)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct privcmd_eventfd_info info = {0};
	uint8_t op[256] = {0};
	struct privcmd_virtio_irq virq;
	struct privcmd_irqfd irq;
	uint64_t one = 1;
	struct server s;

	if (argc != 2)
		return tap_usage(argc, argv, "DOMID");
	server_open(&s, atoi(argv[1]), 0, 0xffff);
	must(fd >= 0);

	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &info), 0, "info");
	ok(info.features == (PRIVCMD_EVENTFD_IRQFD | PRIVCMD_EVENTFD_OWNED) && !info.vcpus_max,
	   "info: no ioeventfd, no virtio_irq");
	expect(ioeventfd(s.privcmd, good_ioeventfd(&s, fd, 0)), EOPNOTSUPP, "ioeventfd");
	expect(ioeventfd(s.privcmd, BUT(good_ioeventfd(&s, fd, 0), flags, 1)), ENODEV,
	       "ioeventfd: deassign");
	virq = good_virtio_irq(&s, fd, fd, op, sizeof(op));
	expect(virtio_irq(s.privcmd, &virq), ENOENT, "virtio_irq");

	irq = (struct privcmd_irqfd){
		.dm_op = (uintptr_t)op, .size = sizeof(op), .fd = fd, .dom = s.dom};
	expect(irqfd(s.privcmd, irq), 0, "irqfd");
	expect(write(fd, &one, sizeof(one)), 0, "irqfd: signal");
	ok(read(fd, &one, sizeof(one)) < 0 && errno == EAGAIN, "irqfd: consumed");
	irq.flags = PRIVCMD_IRQFD_FLAG_DEASSIGN;
	expect(irqfd(s.privcmd, irq), 0, "irqfd: deassign");

	server_destroy(&s);
	return tap_done();
}
