// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-reuse DOMID UNPAUSE DESTROY CREATE: a guest with the number of one that is gone.
 *
 * A device model is killed, its guest destroyed, another guest made with the same number.
 * Invariants: nothing that the dead one had assigned acts on the new guest, though its eventfds
 * live on here, and its file as well; and the dead guest is not kept for long by what is armed on a
 * file that somebody else has.
 *
 * DOMID is a guest that has not been unpaused; CREATE makes another with that number, also paused.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

#define QUEUE_NOTIFY 0x50

enum end {
	END_ARMED,	/* killed with everything assigned */
	END_DEASSIGNED, /* killed after it has deassigned all */
	END_HELD,	/* killed, but its child has the file, too */
};

static const char *const end_name[] = {"killed while armed", "killed after deassigning",
				       "killed, its file held by another"};
static const char *unpause, *destroy, *create;
static uint16_t dom;
static int kick, call, vring, config;

/*
 * The device model: says through @done that everything is assigned, and the pid of who holds its
 * file.
 */
static void be_device_model(enum end end, int done)
{
	struct privcmd_virtio_irq virq;
	struct privcmd_irqfd irq;
	struct server s;
	uint8_t op[256];
	pid_t held = 0;

	server_open(&s, dom, DEVICE_BYTES, 0xffff);
	irq = good_irqfd(&s, call, op, sizeof(op));
	virq = good_virtio_irq(&s, vring, config, op, sizeof(op));
	must(!ioeventfd(s.privcmd, good_ioeventfd(&s, kick, 0)));
	must(!irqfd(s.privcmd, irq) && !virtio_irq(s.privcmd, &virq));
	must(system(unpause) == 0);
	guest_run(&s, 0, WRITE32(QUEUE_NOTIFY, 0), 100);
	must(taken(kick) == 100);
	switch (end) {
	case END_ARMED:
		break;
	case END_DEASSIGNED:
		virq.flags = 1;
		must(!virtio_irq(s.privcmd, &virq) && !irqfd(s.privcmd, BUT(irq, flags, 1)));
		must(!ioeventfd(s.privcmd, BUT(good_ioeventfd(&s, kick, 0), flags, 1)));
		break;
	case END_HELD:
		must((held = fork()) >= 0);
		if (!held) {
			/* Its mapping is not what keeps the domain. */
			munmap(s.slots, 4096);
			close(s.evtchn);
			pause();
			_exit(0);
		}
		break;
	}
	must(write(done, &held, sizeof(held)) == sizeof(held));
	for (;;)
		server_poll(&s, 1000);
}

/* Returns the pid of who still has its file, or 0. */
static pid_t one_life(enum end end)
{
	int done[2];
	pid_t pid, held;

	must(!pipe(done));
	must((pid = fork()) >= 0);
	if (!pid)
		be_device_model(end, done[1]);
	close(done[1]);
	must(read(done[0], &held, sizeof(held)) == sizeof(held));
	close(done[0]);
	must(!kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
	return held;
}

static void test_successor(enum end end)
{
	const char *was = end_name[end];
	bool served;
	struct privcmd_irqfd irq;
	uint64_t one = 1;
	struct server s;
	uint8_t op[256];

	server_open(&s, dom, DEVICE_BYTES, 0xffff);
	must(system(unpause) == 0);
	must(taken(kick) == 0 && taken(call) == 0 && taken(vring) == 0 && taken(config) == 0);

	guest_run(&s, 0, WRITE32(QUEUE_NOTIFY, 0), 10);
	ok(s.nr_strays == 10 && !taken(kick), "%s: the new guest's kicks are not its", was);
	guest_run(&s, 0, READ32(0x60), 2);
	ok(s.nr_strays == 12, "%s: nor are its registers", was);
	must(write(call, &one, 8) == 8 && write(vring, &one, 8) == 8 &&
	     write(config, &one, 8) == 8);
	ok(guest_run(&s, 0, TAKE_INTERRUPT, 2000) == NO_INTERRUPT,
	   "%s: its eventfds do not interrupt the new guest", was);
	ok(taken(call) == 1 && taken(vring) == 1 && taken(config) == 1,
	   "%s: nobody else reads them", was);

	/* The same eventfds again, for the new one. */
	irq = good_irqfd(&s, call, op, sizeof(op));
	must(!ioeventfd(s.privcmd, good_ioeventfd(&s, kick, 0)) && !irqfd(s.privcmd, irq));
	guest_run(&s, 0, WRITE32(QUEUE_NOTIFY, 0), 10);
	must(write(call, &one, 8) == 8);
	served = s.nr_strays == 12 && taken(kick) == 10;
	served &= guest_run(&s, 0, TAKE_INTERRUPT, 200000 * patience()) == GUEST_IRQ;
	ok(served, "%s: they serve the new guest when assigned", was);
	server_destroy(&s);
}

/* While somebody has the dead one's file, with all that is assigned on it. */
static void test_held(void)
{
	uint64_t one = 1;
	struct server s;

	server_open(&s, dom, DEVICE_BYTES, 0xffff);
	must(system(unpause) == 0);
	guest_run(&s, 0, WRITE32(QUEUE_NOTIFY, 0), 10);
	ok(s.nr_strays == 10 && !taken(kick), "its file held: the new guest's kicks are not its");
	must(write(call, &one, 8) == 8 && write(vring, &one, 8) == 8 &&
	     write(config, &one, 8) == 8);
	ok(guest_run(&s, 0, TAKE_INTERRUPT, 2000) == NO_INTERRUPT,
	   "its file held: its eventfds do not interrupt the new guest");
	ok(!taken(call) && !taken(vring) && !taken(config),
	   "its file held: which still reads them");
	server_destroy(&s);
}

/* Return: whether it was possible before the time is up. */
static bool create_in(unsigned int seconds)
{
	for (; system(create) != 0; seconds--) {
		if (!seconds)
			return false;
		sleep(1);
	}
	return true;
}

int main(int argc, char **argv)
{
	enum end end;
	pid_t held;

	if (argc != 5)
		return tap_usage(argc, argv, "DOMID UNPAUSE DESTROY CREATE");
	/* For those who hold what is left when their parent is dead. */
	signal(SIGCHLD, SIG_DFL);
	dom = atoi(argv[1]);
	unpause = argv[2];
	destroy = argv[3];
	create = argv[4];
	kick = new_eventfd();
	call = new_eventfd();
	vring = new_eventfd();
	config = new_eventfd();
	for (end = END_ARMED; end <= END_HELD; end++) {
		held = one_life(end);
		must(system(destroy) == 0);
		if (held) {
			must(ok(create_in(10 * patience()), "%s: the dead guest is let go",
				end_name[end]));
			test_held();
			must(!kill(held, SIGKILL));
			/* Nobody's child here: it is gone when its file is. */
			usleep(200000);
			must(system(destroy) == 0);
		}
		must(system(create) == 0);
		test_successor(end);
		if (end < END_HELD)
			must(system(destroy) == 0 && system(create) == 0);
	}
	return tap_done();
}
