// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-unload DOMID UNPAUSE ALONE LOAD: the modules cannot go while they are used, and can when
 * they are not.
 *
 * ALONE is a command that ends everybody else who uses the modules (xenstored, xenconsoled, xenfs);
 * LOAD loads both again. Invariants: each single thing that could lead into a module keeps it; when
 * all are gone it goes, also if the last was closed a moment ago; the guest, whose device model
 * lives on, is served by what is loaded next.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

#define QUEUE_NOTIFY 0x50
#define ROUNDS 10u

static const char *load;
static uint8_t op[256];

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

static void reopen(struct server *s)
{
	must((s->privcmd = privcmd_open()) >= 0);
	must((s->evtchn = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC)) >= 0);
	server_attach(s);
}

static void test_refused(struct server *s, int kick, int vring, int config)
{
	struct privcmd_virtio_irq virq = good_virtio_irq(s, vring, config, op, sizeof(op));
	struct privcmd_ioeventfd io = good_ioeventfd(s, kick, 0);
	struct privcmd_irqfd irq;

	must(!ioeventfd(s->privcmd, io) && !virtio_irq(s->privcmd, &virq));
	expect(unload("xen_privcmd"), EAGAIN, "unload xen_privcmd, everything armed");
	expect(unload("xen_evtchn"), EAGAIN, "unload xen_evtchn, everything armed");
	must(!close(s->evtchn));
	expect(unload("xen_evtchn"), EAGAIN, "with its last file closed: the ioeventfd uses it");
	must(!ioeventfd(s->privcmd, BUT(io, flags, 1)));
	expect(unload("xen_evtchn"), EAGAIN, "and the virtio_irq");
	virq.flags = 1;
	must(!virtio_irq(s->privcmd, &virq));
	expect(unload("xen_evtchn"), 0, "all deassigned: xen_evtchn goes");
	expect(ioeventfd(s->privcmd, io), EOPNOTSUPP, "an ioeventfd without it");

	irq = good_irqfd(s, vring, op, sizeof(op));
	must(!irqfd(s->privcmd, irq));
	expect(unload("xen_privcmd"), EAGAIN, "unload xen_privcmd with an irqfd");
	must(!close(s->privcmd));
	expect(unload("xen_privcmd"), EAGAIN, "with its file closed, the page mapped");
	must(!munmap(s->slots, 4096));
	expect(unload("xen_privcmd"), 0, "unmapped: xen_privcmd goes");
	must(system(load) == 0);
	reopen(s);
}

/* Every time the work of ending an irqfd may still be under way when the module goes. */
static void test_at_once(struct server *s)
{
	unsigned int i, nr_good = 0;

	for (i = 0; i < ROUNDS; i++) {
		int fd = new_eventfd();
		struct privcmd_irqfd irq = good_irqfd(s, fd, op, sizeof(op));
		struct privcmd_ioeventfd io = good_ioeventfd(s, fd, 0);

		must(!irqfd(s->privcmd, irq) && !ioeventfd(s->privcmd, io));
		guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 0), 50);
		if (i % 2) {
			close(fd);
			munmap(s->slots, 4096);
			close(s->evtchn);
			close(s->privcmd);
		} else {
			munmap(s->slots, 4096);
			close(s->privcmd);
			close(s->evtchn);
			close(fd);
		}
		nr_good += !unload("xen_privcmd") && !unload("xen_evtchn");
		must(system(load) == 0);
		reopen(s);
		must(guest_wait(s, 0, NULL, 60000));
	}
	ok(nr_good == ROUNDS, "%u times: closed and unloaded at once, under a guest that kicks",
	   ROUNDS);
}

int main(int argc, char **argv)
{
	int kick = new_eventfd(), vring = new_eventfd(), config = new_eventfd();
	uint64_t count = 0, strays;
	struct server s;

	if (argc != 5)
		return tap_usage(argc, argv, "DOMID UNPAUSE ALONE LOAD");
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	load = argv[4];
	must(system(argv[2]) == 0);
	guest_run(&s, 0, READ32(0), 1);
	must(system(argv[3]) == 0);

	test_refused(&s, kick, vring, config);
	strays = s.nr_strays;
	guest_run(&s, 0, WRITE32(QUEUE_NOTIFY, 0), 10);
	ok(s.nr_strays - strays == 10, "loaded again: the guest goes on");
	must(!ioeventfd(s.privcmd, good_ioeventfd(&s, kick, 0)));
	guest_run(&s, 0, WRITE32(QUEUE_NOTIFY, 0), 10);
	must(read(kick, &count, sizeof(count)) == sizeof(count));
	/* Binding raised the port, so that the first kicks may be ours still. */
	ok(s.nr_strays - strays + count == 20, "and has its ioeventfd again");
	must(!ioeventfd(s.privcmd, BUT(good_ioeventfd(&s, kick, 0), flags, 1)));
	test_at_once(&s);

	server_destroy(&s);
	return tap_done();
}
