// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-path DOMID UNPAUSE: what a running guest and its device model see.
 *
 * DOMID is a guest with guest.img that has not been unpaused; UNPAUSE is the command that does it.
 * Invariants: a claimed access costs the device model no event; every access is answered once, by
 * the kernel or by us, whatever goes away meanwhile; an interrupt arrives if and only if the
 * eventfd is armed.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

#define QUEUE_NOTIFY 0x50
#define INTERRUPT_STATUS 0x60
#define INTERRUPT_ACK 0x64
#define PATIENCE 200000u

static uint8_t op[256];

static void signal_fd(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* Accesses that came to us while vcpu @v did it. */
static uint64_t strays(struct server *s, uint32_t v, uint32_t command, uint32_t times)
{
	uint64_t before = s->nr_strays;

	guest_run(s, v, command, times);
	return s->nr_strays - before;
}

static bool interrupted(struct server *s)
{
	return guest_run(s, 0, TAKE_INTERRUPT, PATIENCE * patience()) == GUEST_IRQ;
}

static bool quiet(struct server *s)
{
	return guest_run(s, 0, TAKE_INTERRUPT, 1000) == NO_INTERRUPT;
}

static void test_kicks(struct server *s, int q0, int q1)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, q0, 0);
	/* As many as show it, in a time that a slow kernel can afford. */
	const uint32_t kicks = 10000 / patience();
	struct privcmd_eventfd_info info;
	uint64_t events;

	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 10) == 10, "without ioeventfd kicks come to us");

	must(!ioeventfd(s->privcmd, good));
	must(!ioeventfd(s->privcmd, BUT(BUT(good, vq, 1), event_fd, q1)));
	events = s->nr_events;
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), kicks) == 0, "with it none of %u does", kicks);
	ok(taken(q0) == kicks, "the eventfd has counted each");
	/* A second vcpu may ask for its first command as late as this. */
	ok(s->nr_events - events <= 3 + s->nr_vcpus - 1,
	   "events for the command, its count and the report only");
	must(!ioctl(s->privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &info));
	ok(info.notified == kicks, "so has the kernel");

	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 1), 5) == 0 && taken(q1) == 5 && taken(q0) == 0,
	   "each queue has its eventfd");
	ok(strays(s, 0, WRITE32_DATA(QUEUE_NOTIFY, 1), 5) == 0 && taken(q1) == 5,
	   "the upper 16 bits may be anything (NOTIFICATION_DATA)");
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 2), 5) == 5, "a queue without one comes to us");
	ok(strays(s, 0, WRITE16(QUEUE_NOTIFY, 0), 5) == 5, "so does a write of another size");
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY + 4, 0), 5) == 5, "and another register");
	ok(strays(s, 0, READ32(QUEUE_NOTIFY), 5) == 5, "and a read");
	ok(taken(q0) == 0 && taken(q1) == 0, "none of these has signalled");

	if (s->nr_vcpus > 1) {
		guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 0), 2 * kicks);
		guest_start(s, 1, WRITE32(QUEUE_NOTIFY, 0), 2 * kicks);
		events = s->nr_strays;
		must(guest_wait(s, 0, NULL, 120000) && guest_wait(s, 1, NULL, 120000));
		ok(taken(q0) == 4 * kicks && s->nr_strays == events, "two vcpus at once");
	}

	/* Two vcpus, one of which has an access that is ours: neither disturbs the other. */
	if (s->nr_vcpus > 1) {
		events = s->nr_strays;
		guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 0), kicks / 2);
		guest_start(s, 1, WRITE32(QUEUE_NOTIFY, 7), kicks / 20);
		must(guest_wait(s, 0, NULL, 120000) && guest_wait(s, 1, NULL, 120000));
		ok(taken(q0) == kicks / 2 && s->nr_strays - events == kicks / 20,
		   "claimed and unclaimed accesses at once");
	}

	must(!ioeventfd(s->privcmd, BUT(good, flags, 1)));
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 5) == 5 && !taken(q0),
	   "deassigned: they are ours");
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 1), 5) == 0 && taken(q1) == 5,
	   "the other queue is not");
	must(!ioeventfd(s->privcmd, BUT(BUT(BUT(good, vq, 1), event_fd, q1), flags, 1)));
}

static void test_irqfd(struct server *s, int q0)
{
	int fd = new_eventfd(), file;
	struct privcmd_irqfd good = good_irqfd(s, fd, op, sizeof(op));

	ok(quiet(s), "no interrupt yet");
	must(!irqfd(s->privcmd, good));
	signal_fd(fd);
	ok(interrupted(s), "irqfd interrupts");
	ok(!taken(fd), "and consumes the write");
	ok(quiet(s), "once");
	must(!irqfd(s->privcmd, BUT(good, flags, 1)));
	signal_fd(fd);
	ok(quiet(s), "deassigned it does not");
	must(!irqfd(s->privcmd, good));
	ok(interrupted(s) && !taken(fd), "what was written before counts at assign");

	file = privcmd_open();
	must(!irqfd(s->privcmd, BUT(good, flags, 1)) && !irqfd(file, good));
	close(file);
	signal_fd(fd);
	ok(quiet(s) && taken(fd) == 1, "closing the file ends it");

	/* A guest that interrupts itself: the eventfd of a queue is the irqfd's. */
	must(!irqfd(s->privcmd, BUT(good, fd, q0)));
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, q0, 0)));
	guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), 1);
	ok(interrupted(s) && !taken(q0), "a kick may raise an interrupt at once");
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, q0, 0), flags, 1)));
	must(!irqfd(s->privcmd, BUT(BUT(good, fd, q0), flags, 1)));

	/* Hang up in both orders. */
	must(!irqfd(s->privcmd, good));
	close(fd);
	ok(quiet(s), "closing the eventfd ends it");
	fd = new_eventfd();
	file = privcmd_open();
	must(!irqfd(file, BUT(good, fd, fd)));
	close(fd);
	close(file);
	ok(quiet(s), "closing both does");
}

static void test_virtio_irq(struct server *s, int q0)
{
	int vring = new_eventfd(), config = new_eventfd();
	struct privcmd_virtio_irq arg = good_virtio_irq(s, vring, config, op, sizeof(op));
	struct privcmd_eventfd_info before, after;
	uint64_t had = s->nr_strays;

	must(!ioeventfd(s->privcmd, good_ioeventfd(s, q0, 0)));
	must(!ioctl(s->privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &before));
	arg.status = 2;
	must(!virtio_irq(s->privcmd, &arg));
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 1) == 2, "InterruptStatus as it was given");
	ok(quiet(s), "which raises nothing");
	guest_run(s, 0, WRITE32(INTERRUPT_ACK, 2), 1);
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 1) == 0, "acknowledged");

	signal_fd(vring);
	ok(interrupted(s), "vring_fd interrupts");
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 3) == 1, "and sets VRING");
	signal_fd(config);
	ok(interrupted(s), "config_fd interrupts");
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 1) == 3, "and sets CONFIG as well");
	guest_run(s, 0, WRITE32(INTERRUPT_ACK, 1), 1);
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 1) == 2, "acknowledging one leaves the other");
	signal_fd(config);
	ok(interrupted(s), "a bit that is set interrupts again");
	guest_run(s, 0, WRITE32(INTERRUPT_ACK, 0xffff), 1);
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 1) == 0, "acknowledging all");
	ok(s->nr_strays == had, "none of this came to us");
	must(!ioctl(s->privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &after));
	ok(after.answered - before.answered == 11, "the kernel has answered 11 accesses");
	had = strays(s, 0, WRITE16(INTERRUPT_ACK, 1), 2);
	had += strays(s, 0, WRITE32(INTERRUPT_STATUS, 1), 2);
	had += strays(s, 0, READ32(INTERRUPT_ACK), 2);
	ok(had == 6, "other accesses to these registers come to us");

	/* The ioeventfd that made the group goes first. */
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, q0, 0), flags, 1)));
	ok(guest_run(s, 0, READ32(INTERRUPT_STATUS), 1) == 0 && strays(s, 0, READ32(0x60), 1) == 0,
	   "it outlives the ioeventfd");
	signal_fd(vring);
	ok(interrupted(s), "vring_fd still interrupts");
	arg.flags = PRIVCMD_VIRTIO_IRQ_FLAG_DEASSIGN;
	must(!virtio_irq(s->privcmd, &arg));
	ok(arg.status == 1, "deassign returns what it held");
	ok(strays(s, 0, READ32(INTERRUPT_STATUS), 4) == 4, "and the register is ours again");
	signal_fd(vring);
	ok(quiet(s) && taken(vring) == 1, "so are the eventfds");
	close(vring);
	close(config);
}

/*
 * A field is a word of ours: reads give what is there, writes change it, and neither comes to us.
 */
static void test_virtio_field(struct server *s, int q0)
{
	/* so that another process sees what the kernel does */
	uint32_t *word =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const uint32_t reads = 0, writes = PRIVCMD_VIRTIO_FIELD_FLAG_WRITE;
	const uint32_t deassign = PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN;
	struct privcmd_eventfd_info before, after;
	int told = new_eventfd();
	uint64_t had;

	must(word != MAP_FAILED);
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, q0, 0)));
	must(!ioctl(s->privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &before));
	must(!virtio_field(s->privcmd, good_field(s, &word[0], reads)));
	must(!virtio_field(s->privcmd, BUT(good_field(s, &word[1], writes), event_fd, told)));
	had = s->nr_strays;
	word[0] = 0x12345678;
	ok(guest_run(s, 0, READ32(FIELD_OFFSET), 1) == 0x12345678,
	   "a field reads what is in its word");
	word[0] = 7;
	ok(guest_run(s, 0, READ32(FIELD_OFFSET), 3) == 7, "also when that has changed");
	guest_run(s, 0, WRITE32(FIELD_OFFSET, 0xbeef), 5);
	ok(word[1] == 0xbeef && word[0] == 7, "a write is kept in the word for writes");
	ok(taken(told) == 5, "and told of");
	ok(s->nr_strays == had, "none of this came to us");
	must(!ioctl(s->privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &after));
	ok(after.answered - before.answered == 9, "the kernel has answered 9 accesses");
	had = strays(s, 0, WRITE16(FIELD_OFFSET, 1), 2);
	had += strays(s, 0, READ32(FIELD_OFFSET + 4), 2);
	had += strays(s, 0, WRITE32(FIELD_OFFSET + 4, 1), 2);
	ok(had == 6, "another size and another field come to us");

	must(!virtio_field(s->privcmd, BUT(good_field(s, word, reads), flags, deassign)));
	ok(strays(s, 0, READ32(FIELD_OFFSET), 2) == 2, "reads are ours again");
	guest_run(s, 0, WRITE32(FIELD_OFFSET, 3), 1);
	ok(word[1] == 3 && taken(told) == 1, "writes are not");
	must(!virtio_field(s->privcmd, BUT(good_field(s, word, 0), flags, deassign | writes)));
	ok(strays(s, 0, WRITE32(FIELD_OFFSET, 9), 2) == 2 && word[1] == 3 && !taken(told),
	   "until they are deassigned");

	/* The word goes away under it: the page stays until nobody uses it. */
	must(!virtio_field(s->privcmd, good_field(s, word, writes)));
	munmap(word, 4096);
	ok(strays(s, 0, WRITE32(FIELD_OFFSET, 9), 10) == 0,
	   "a word that was unmapped is written to still");
	must(!virtio_field(s->privcmd, BUT(good_field(s, word, 0), flags, deassign | writes)));
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, q0, 0), flags, 1)));
	close(told);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static uint64_t longest_wait_us;

/*
 * Wait and serve until vcpu 0 has reported. Return: kicks of queue @vq that waits returned. What
 * comes to us is in nr_strays.
 */
static uint64_t wait_through(struct server *s, uint32_t vq)
{
	uint64_t handed = 0;

	longest_wait_us = 0;
	while (!s->scripts[0].reported) {
		uint64_t start = now_us();
		int rc = ioeventfd_wait(s->privcmd, good_wait(s));

		must(rc == 0 || rc == (int)vq + 1);
		if (now_us() - start > longest_wait_us)
			longest_wait_us = now_us() - start;
		handed += rc != 0;
		if (rc == 0)
			server_poll(s, 1);
	}
	return handed;
}

/* Another vcpu kicks, on whatever CPU its event arrives. */
static void test_wait_two(struct server *s, int q0)
{
	uint64_t handed, had;

	had = s->nr_strays;
	guest_start(s, 1, WRITE32(QUEUE_NOTIFY, 0), 2000);
	guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 0), 2000);
	handed = wait_through(s, 0);
	must(guest_wait(s, 1, NULL, 120000));
	ok(handed + taken(q0) + s->nr_strays - had == 4000,
	   "of two vcpus: each returned, counted or ours, once");
}

static void test_wait(struct server *s, int q0, int q1)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, q0, 0);
	struct privcmd_ioeventfd other = BUT(BUT(good, vq, 5), event_fd, q1);
	int vring = new_eventfd(), config = new_eventfd();
	struct privcmd_virtio_irq virq;
	uint64_t handed, had = s->nr_strays;
	pid_t pid;

	must(!ioeventfd(s->privcmd, good) && !ioeventfd(s->privcmd, other));
	guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 0), 2000);
	handed = wait_through(s, 0);
	ok(handed + taken(q0) + s->nr_strays - had == 2000,
	   "a kick ends the wait, is counted or ours, once");
	ok(handed > 0, "waits have returned kicks");
	had = s->nr_strays;
	guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 5), 200);
	handed = wait_through(s, 5);
	ok(handed + taken(q1) + s->nr_strays - had == 200 && !taken(q0),
	   "of the queue that was kicked");
	if (s->nr_vcpus > 1)
		test_wait_two(s, q0);

	/* Requests that are no kicks prolong a wait of 1 ms, but not for ever: 20 times. */
	virq = good_virtio_irq(s, vring, config, op, sizeof(op));
	must(!virtio_irq(s->privcmd, &virq));
	guest_start(s, 0, READ32(INTERRUPT_STATUS), 5000);
	ok(wait_through(s, 0) == 0, "without kicks a wait returns none");
	ok(longest_wait_us > 2500 && longest_wait_us < 1000000, "and ends: %llu us",
	   (unsigned long long)longest_wait_us);
	virq.flags = PRIVCMD_VIRTIO_IRQ_FLAG_DEASSIGN;
	must(!virtio_irq(s->privcmd, &virq));
	close(vring);
	close(config);

	/* One that is killed while it waits leaves nothing that is taken for a waiting one. */
	pid = fork();
	must(pid >= 0);
	if (pid == 0)
		for (;;)
			ioeventfd_wait(s->privcmd, BUT(good_wait(s), idle_us, 1000));
	usleep(20000);
	must(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid);
	ok(ioeventfd_wait(s->privcmd, good_wait(s)) == 0, "after the death of one that waited");
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 50) == 0 && taken(q0) == 50,
	   "with nobody waiting every kick is counted");
	must(!ioeventfd(s->privcmd, BUT(good, flags, 1)));
	must(!ioeventfd(s->privcmd, BUT(other, flags, 1)));
}

static void test_going_away(struct server *s, int q0)
{
	uint64_t came;
	int file = privcmd_open();
	void *second;

	/* The page is unmapped while armed; the kernel's reference keeps its frame. */
	must(!ioeventfd(file, good_ioeventfd(s, q0, 0)));
	second = map_ioreq_page(s->privcmd, s->dom, s->id);
	must(!munmap(s->slots, 4096));
	s->slots = second;
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 1000) == 0 && taken(q0) == 1000,
	   "armed, with its mapping gone");
	close(file);
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 10) == 10 && !taken(q0),
	   "the file closed: kicks are ours");

	/* The eventfd goes: its count is nobody's, the guest must not notice. */
	file = new_eventfd();
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, file, 0)));
	close(file);
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 1000) == 0, "the eventfd closed: still claimed");
	close(s->privcmd);
	must((s->privcmd = privcmd_open()) >= 0);
	/* Our own mapping of the page keeps that file open. */
	second = map_ioreq_page(s->privcmd, s->dom, s->id);
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 10) == 0, "a mapping keeps its file open");
	must(!munmap(s->slots, 4096));
	s->slots = second;
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 10) == 10, "until it is unmapped");

	if (s->nr_vcpus < 2)
		return;
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, q0, 0)));
	must(!unbind_port(s->evtchn, s->ports[1]));
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 100) == 0 && taken(q0) == 100,
	   "a port unbound: the other vcpu is served");
	must((int)(s->ports[1] = bind_port(s->evtchn, s->dom, s->slots[1].vp_eport)) > 0);
	ok(strays(s, 1, WRITE32(QUEUE_NOTIFY, 0), 10) == 10,
	   "bound again: not armed until we say so");
	close(s->evtchn);
	must((s->evtchn = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC)) >= 0);
	must(!munmap(s->slots, 4096) && !close(s->privcmd));
	must((s->privcmd = privcmd_open()) >= 0);
	server_attach(s);
	came = strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 10);
	came += strays(s, 1, WRITE32(QUEUE_NOTIFY, 0), 10);
	ok(came == 20, "everything closed and opened again");
}

/*
 * A device model dies while its guest kicks; another adopts the server. No kick is lost or doubled.
 */
static void test_killed(struct server *s, int round)
{
	const uint32_t kicks = 5000 / patience();
	int q0 = new_eventfd();
	/* Shared: what has come to it before it is killed counts as well. */
	struct server *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint16_t dom = s->dom, id = s->id;
	uint64_t seen;
	pid_t pid;

	must(child != MAP_FAILED);

	munmap(s->slots, 4096);
	close(s->evtchn);
	close(s->privcmd);

	pid = fork();
	must(pid >= 0);
	if (!pid) {
		server_open(child, dom, 0, id);
		must(!ioeventfd(child->privcmd, good_ioeventfd(child, q0, 0)));
		guest_start(child, 0, WRITE32(QUEUE_NOTIFY, 0), kicks);
		for (;;)
			server_poll(child, 1000);
	}
	/* Somewhere in the middle, a different place each time. */
	while (!(seen = taken(q0)))
		must(waitpid(pid, NULL, WNOHANG) == 0);
	must(!kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
	seen += taken(q0);

	/* Xen raises the ports anew when they are bound, so what was pending is served. */
	server_open(s, dom, 0, id);
	seen += child->nr_strays;
	munmap(child, sizeof(*child));
	if (seen < kicks)
		must(guest_wait(s, 0, NULL, 60000));
	ok(seen + s->nr_strays == kicks, "killed after %llu of %u kicks: the rest are ours (%d)",
	   (unsigned long long)seen, kicks, round);
	close(q0);
	ok(strays(s, 0, WRITE32(QUEUE_NOTIFY, 0), 10) == 10, "the guest goes on");
}

int main(int argc, char **argv)
{
	struct server s;
	int q0, q1, round;

	if (argc != 3)
		return tap_usage(argc, argv, "DOMID UNPAUSE-COMMAND");
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	must(system(argv[2]) == 0);
	q0 = new_eventfd();
	q1 = new_eventfd();

	ok(guest_run(&s, 0, READ32(0), 1) == ~0u, "the guest runs");
	test_kicks(&s, q0, q1);
	test_irqfd(&s, q0);
	test_virtio_irq(&s, q0);
	test_virtio_field(&s, q0);
	test_wait(&s, q0, q1);
	test_going_away(&s, q0);
	for (round = 0; round < 3; round++)
		test_killed(&s, round);

	server_destroy(&s);
	return tap_done();
}
