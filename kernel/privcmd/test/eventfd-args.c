// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-args DOMID OTHER: every bad argument gets its errno and changes nothing.
 *
 * DOMID and OTHER are guests that have not been unpaused yet; nothing runs in them. Invariant
 * behind all cases: what was refused leaves no trace, so a correct call after it works, and works
 * once.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd-args.h"
#include "eventfd.h"
#include "tap.h"

#define IOCTL_RESTRICT _IOC(_IOC_NONE, 'P', 6, sizeof(uint16_t))

struct hypercall_arg {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall_arg))

static uint8_t op[256];

static void test_ioeventfd_values(const struct server *s, int fd)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0);
	int null = open("/dev/null", O_RDWR);

	expect(ioeventfd(s->privcmd, BUT(good, flags, 2)), EINVAL, "unknown flag");
	expect(ioeventfd(s->privcmd, BUT(good, event_fd, -1)), EBADF, "no event_fd");
	expect(ioeventfd(s->privcmd, BUT(good, event_fd, null)), EINVAL, "event_fd is no eventfd");
	expect(ioeventfd(s->privcmd, BUT(good, addr_len, 0)), EINVAL, "addr_len 0");
	expect(ioeventfd(s->privcmd, BUT(good, addr_len, 3)), EINVAL, "addr_len 3");
	expect(ioeventfd(s->privcmd, BUT(good, addr, ~0ull)), EINVAL, "addr wraps");
	expect(ioeventfd(s->privcmd, BUT(good, addr, ~0ull - 0x4f)), EINVAL, "addr + 0x50 wraps");
	expect(ioeventfd(s->privcmd, BUT(good, addr, ~0ull - 0x51)), EINVAL,
	       "end of the register wraps");
	expect(ioeventfd(s->privcmd, BUT(good, vq, 65536)), EINVAL, "vq 65536");
	expect(ioeventfd(s->privcmd, BUT(good, vcpus, 0)), EINVAL, "vcpus 0");
	expect(ioeventfd(s->privcmd, BUT(good, vcpus, 129)), EINVAL, "vcpus 129");
	expect(ioeventfd(s->privcmd, BUT(good, vcpus, 4097)), EINVAL, "vcpus 4097");
	expect(ioeventfd(s->privcmd, BUT(good, ports, 0)), EFAULT, "ports is NULL");
	expect(ioeventfd(s->privcmd, BUT(good, dom, 0x7fef)), EPERM, "no such guest");
	expect(ioctl(s->privcmd, IOCTL_PRIVCMD_IOEVENTFD, NULL), EFAULT, "no argument");
	close(null);
}

static void test_ioeventfd_pages(const struct server *s, const struct server *other, int fd)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0);
	char *anon = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *empty = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->privcmd, 0);
	char *foreign = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->privcmd, 0);
	char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s->privcmd, 0);
	uint64_t gfn = GUEST_RAM_GFN;

	must(anon != MAP_FAILED && empty != MAP_FAILED && foreign != MAP_FAILED &&
	     two != MAP_FAILED);
	must(!map_gfns(s->privcmd, s->dom, foreign, 1, &gfn));

	expect(ioeventfd(s->privcmd, BUT(good, ioreq, 0)), EFAULT, "page 0");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, 0xffff000000000000ull)), EFAULT,
	       "page in the kernel");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)anon)), EINVAL,
	       "page of anonymous memory");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)&two & ~4095ull)), EINVAL,
	       "page of the stack");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)empty)), EINVAL,
	       "VMA of privcmd with nothing in it");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)foreign)), EINVAL,
	       "page of the guest's memory");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)s->slots + 32)), EINVAL,
	       "not the start of a page");
	expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)other->slots)), EPERM,
	       "page of another guest's server");

	/*
	 * Frame 0 is the buffered page, if there is one: not on Arm, where Xen refuses servers with
	 * it.
	 */
	if (!map_resource(s->privcmd, s->dom, s->id, 0, 2, two))
		expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)two)), EINVAL,
		       "the buffered page");
	else
		expect(ioeventfd(s->privcmd, BUT(good, ioreq, (uintptr_t)two)), EINVAL,
		       "where the buffered page would be, which Xen has not mapped");

	munmap(two, 8192);
	munmap(foreign, 4096);
	munmap(empty, 4096);
	munmap(anon, 4096);
}

/* A server whose ports another process has bound: its page is ours to map, its events not. */
static void test_foreign_process(const struct server *s, int fd)
{
	struct server b, *shared;
	struct privcmd_ioeventfd arg;
	pid_t child;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	must(shared != MAP_FAILED);
	child = fork();
	must(child >= 0);
	if (!child) {
		server_open(&b, s->dom, 0, 0xffff);
		*shared = b;
		__atomic_store_n(&shared->nr_events, 1, __ATOMIC_RELEASE);
		pause();
		_exit(0);
	}
	while (!__atomic_load_n(&shared->nr_events, __ATOMIC_ACQUIRE)) {
		int status;

		must(waitpid(child, &status, WNOHANG) == 0);
		usleep(1000);
	}
	b = *shared;
	b.slots = map_ioreq_page(s->privcmd, s->dom, b.id);
	arg = good_ioeventfd(&b, fd, 0);
	expect(ioeventfd(s->privcmd, arg), ENOTCONN, "ports that another process has bound");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	expect(ioeventfd(s->privcmd, arg), ENOTCONN, "ports of a process that died");

	b.privcmd = privcmd_open();
	b.evtchn = open("/dev/xen/evtchn", O_RDWR);
	server_destroy(&b);
	munmap(shared, sizeof(*shared));
}

static void test_ioeventfd_ports(const struct server *s, const struct server *other, int fd)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0);
	uint32_t ports[VCPUS_MAX], i;
	bool all = true;
	int port;

	memcpy(ports, s->ports, sizeof(ports));

	/* xenstore, console, timers, IPIs: everything this kernel keeps for itself. */
	for (i = 0; i < 64; i++) {
		if (i == s->ports[0] || (s->nr_vcpus > 1 && i == s->ports[1]) ||
		    i == other->ports[0])
			continue;
		ports[0] = i;
		all &= ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)) < 0 &&
		       errno == ENOTCONN;
	}
	ok(all, "ports of the kernel: ENOTCONN");

	ports[0] = 100000;
	expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), ENOTCONN,
	       "port that cannot exist");
	ports[0] = ~0u;
	expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), ENOTCONN, "port -1");

	port = offer_port(s->evtchn, s->dom);
	must(port > 0);
	ports[0] = port;
	expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), ENOTCONN,
	       "port that leads nowhere yet");
	unbind_port(s->evtchn, port);

	ports[0] = other->ports[0];
	expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), EPERM,
	       "port of another guest");

	if (s->nr_vcpus > 1) {
		ports[0] = s->ports[1];
		ports[1] = s->ports[0];
		expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), EINVAL,
		       "ports in the wrong order");
		ports[1] = s->ports[0];
		ports[0] = ports[1];
		expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), EINVAL,
		       "one port for two vcpus");
	}
}

static void test_ioeventfd_twice(const struct server *s, int fd, int fd2)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0);
	uint32_t ports[VCPUS_MAX] = {1, 2};
	int second = privcmd_open();

	expect(ioeventfd(s->privcmd, good), 0, "correct, after all that");
	expect(ioeventfd(s->privcmd, good), EEXIST, "the same again");
	expect(ioeventfd(s->privcmd, BUT(good, event_fd, fd2)), EEXIST,
	       "the same queue with another eventfd");
	expect(ioeventfd(s->privcmd, BUT(good, ports, (uintptr_t)ports)), EINVAL,
	       "another queue with other ports");
	if (s->nr_vcpus > 1)
		expect(ioeventfd(s->privcmd, BUT(BUT(good, vcpus, 1), vq, 1)), EINVAL,
		       "another queue with fewer vcpus");
	expect(ioeventfd(second, BUT(good, vq, 1)), EBUSY, "the same ports on another file");
	expect(ioeventfd(s->privcmd, BUT(good, vq, 1)), 0, "another queue, same eventfd");
	expect(ioeventfd(s->privcmd, BUT(good, addr, DEVICE_BASE + 0x1000)), 0, "another device");

	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), vq, 2)), ENODEV,
	       "deassign a queue that has none");
	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), addr, DEVICE_BASE + 0x2000)), ENODEV,
	       "deassign at an address that has none");
	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), event_fd, fd2)), ENODEV,
	       "deassign another eventfd");
	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), dom, 0x7fef)), ENODEV,
	       "deassign of another guest");
	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), ioreq, 4096)), ENODEV,
	       "deassign of another page");
	expect(ioeventfd(second, BUT(good, flags, 1)), ENODEV, "deassign through another file");
	expect(ioeventfd(s->privcmd, BUT(good, flags, 3)), EINVAL, "deassign with unknown flag");

	expect(ioeventfd(s->privcmd, BUT(good, flags, 1)), 0, "deassign");
	expect(ioeventfd(s->privcmd, BUT(good, flags, 1)), ENODEV, "deassign again");
	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), vq, 1)), 0, "deassign the second");
	expect(ioeventfd(s->privcmd, BUT(BUT(good, flags, 1), addr, DEVICE_BASE + 0x1000)), 0,
	       "deassign the third");

	expect(ioeventfd(second, good), 0, "now on the other file");
	close(second);
	expect(ioeventfd(s->privcmd, good), 0, "here again, as that one is closed");
	expect(ioeventfd(s->privcmd, BUT(good, flags, 1)), 0, "deassign");
}

/* After a port went away the group is not whole: a new queue must not be half-armed. */
static void test_unbound(struct server *s, int fd)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0);
	struct privcmd_ioeventfd again;

	expect(ioeventfd(s->privcmd, good), 0, "assign");
	must(!unbind_port(s->evtchn, s->ports[0]));
	expect(ioeventfd(s->privcmd, BUT(good, vq, 1)), ENOTCONN, "a queue after unbinding a port");
	expect(ioeventfd(s->privcmd, BUT(good, flags, 1)), 0, "deassign after unbinding");

	s->ports[0] = bind_port(s->evtchn, s->dom, s->slots[0].vp_eport);
	must((int)s->ports[0] > 0);
	again = good_ioeventfd(s, fd, 0);
	expect(ioeventfd(s->privcmd, again), 0, "assign with the port bound again");
	expect(ioeventfd(s->privcmd, BUT(again, flags, 1)), 0, "deassign");
}

static uint64_t count_of(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* Each register may have one, but not all of them. */
static void test_ioeventfd_limit(const struct server *s, int fd)
{
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0);
	int file = privcmd_open();
	bool all = true;
	uint32_t i;

	for (i = 0; i < 4096; i++)
		all &= !ioeventfd(file, BUT(good, vq, i));
	ok(all, "4096 queues");
	expect(ioeventfd(file, BUT(good, vq, i)), ENOSPC, "one more");
	expect(ioeventfd(file, BUT(BUT(good, vq, 7), flags, 1)), 0, "deassign one");
	expect(ioeventfd(file, BUT(good, vq, i)), 0, "one more after that");
	close(file);
	expect(ioeventfd(s->privcmd, good), 0, "all are gone with the file");
	expect(ioeventfd(s->privcmd, BUT(good, flags, 1)), 0, "deassign");
}

static void test_wait(const struct server *s, int fd, int kick)
{
	struct privcmd_ioeventfd_wait good = good_wait(s);
	int closed = dup(fd);

	close(closed);
	expect(ioeventfd_wait(s->privcmd, good), ENOENT, "wait: no ioeventfd");
	must(!ioeventfd(s->privcmd, good_ioeventfd(s, kick, 0)));
	good.signal_fd = fd;
	expect(ioeventfd_wait(s->privcmd, BUT(good, idle_us, 0)), EINVAL, "wait: no time");
	expect(ioeventfd_wait(s->privcmd, BUT(good, idle_us, 1001)), EINVAL, "wait: long time");
	expect(ioeventfd_wait(s->privcmd, BUT(good, pad[5], 1)), EINVAL, "wait: pad");
	expect(ioeventfd_wait(s->privcmd, BUT(good, addr, ~0ull - 0x4f)), EINVAL,
	       "wait: addr wraps");
	expect(ioeventfd_wait(s->privcmd, BUT(good, signal_fd, -2)), EINVAL, "wait: signal_fd -2");
	expect(ioeventfd_wait(s->privcmd, BUT(good, signal_fd, closed)), EBADF,
	       "wait: signal_fd is closed");
	expect(ioeventfd_wait(s->privcmd, BUT(good, signal_fd, s->evtchn)), EINVAL,
	       "wait: signal_fd is no eventfd");
	expect(ioeventfd_wait(s->privcmd, BUT(good, dom, 0x7fef)), ENOENT, "wait: no such guest");
	expect(ioeventfd_wait(s->privcmd, BUT(good, ioreq, 4096)), ENOENT, "wait: another page");
	ok(count_of(fd) == 0, "wait: an error signals nothing");
	ok(ioeventfd_wait(s->privcmd, good) == 0, "wait: gives up");
	ok(count_of(fd) == 1, "wait: has signalled");
	must(!ioeventfd(s->privcmd, BUT(good_ioeventfd(s, kick, 0), flags, 1)));
}

static void test_restricted(const struct server *s, const struct server *other, int fd)
{
	int file = privcmd_open();
	uint16_t dom = s->dom;
	uint32_t ports[VCPUS_MAX], word = 0;
	struct privcmd_ioeventfd good = good_ioeventfd(s, fd, 0),
				 theirs = good_ioeventfd(other, fd, 0);
	struct privcmd_virtio_irq virq = good_virtio_irq(other, fd, fd, op, sizeof(op));
	struct hypercall_arg call = {.op = 17};
	struct privcmd_eventfd_info info;
	void *theirs_va = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	must(theirs_va != MAP_FAILED);

	must(!ioctl(file, IOCTL_RESTRICT, &dom));
	expect(ioctl(file, IOCTL_RESTRICT, &other->dom), EINVAL,
	       "restricted: to another guest after all");
	expect(ioctl(file, IOCTL_HYPERCALL, &call), EPERM, "restricted: a hypercall");
	expect(ioeventfd(file, theirs), EPERM, "restricted: ioeventfd of another guest");
	expect(ioeventfd(file, BUT(theirs, dom, dom)), EPERM,
	       "restricted: another guest's page and ports");
	expect(ioeventfd(file, BUT(good, ioreq, theirs.ioreq)), EPERM,
	       "restricted: another guest's page");
	memcpy(ports, s->ports, sizeof(ports));
	ports[0] = other->ports[0];
	expect(ioeventfd(file, BUT(good, ports, (uintptr_t)ports)), EPERM,
	       "restricted: another guest's port");
	expect(ioeventfd(file, BUT(theirs, flags, 1)), EPERM,
	       "restricted: deassign of another guest");
	expect(irqfd(file, good_irqfd(other, fd, op, sizeof(op))), EPERM,
	       "restricted: irqfd of another guest");
	expect(irqfd(file, BUT(good_irqfd(other, fd, op, sizeof(op)), flags, 1)), EPERM,
	       "restricted: deassign of another guest's irqfd");
	expect(virtio_irq(file, &virq), EPERM, "restricted: virtio_irq of another guest");
	virq.flags = 1;
	expect(virtio_irq(file, &virq), EPERM,
	       "restricted: deassign of another guest's virtio_irq");
	expect(virtio_field(file, good_field(other, &word, 0)), EPERM,
	       "restricted: virtio_field of another guest");
	expect(map_resource(file, other->dom, other->id, 1, 1, theirs_va), EPERM,
	       "restricted: mapping another guest's page");
	expect(dm_op(file, other->dom, op, sizeof(op)), EPERM,
	       "restricted: a dm_op on another guest");
	munmap(theirs_va, 4096);
	expect(ioeventfd_wait(file, good_wait(other)), EPERM, "restricted: wait for another guest");
	expect(ioctl(file, IOCTL_PRIVCMD_EVENTFD_INFO, &info), 0, "restricted: info");
	expect(ioeventfd(file, good), 0, "restricted: its own guest");
	expect(irqfd(file, good_irqfd(s, fd, op, sizeof(op))), 0, "restricted: its own irqfd");
	close(file);
}

static void test_modules(void)
{
	static const char *const name[] = {"xen_evtchn", "xen_privcmd"};
	unsigned int i;
	bool refused;

	for (i = 0; i < 2; i++) {
		refused = syscall(SYS_delete_module, name[i], O_NONBLOCK) < 0;
		refused &= errno == EWOULDBLOCK || errno == EBUSY;
		ok(refused, "unloading %s in use is refused", name[i]);
	}
}

int main(int argc, char **argv)
{
	struct privcmd_eventfd_info info = {0};
	struct server s, other;
	int fd[3], i;

	if (argc != 3)
		return tap_usage(argc, argv, "DOMID OTHER-DOMID");
	server_open(&s, atoi(argv[1]), 0, 0xffff);
	server_open(&other, atoi(argv[2]), 0, 0xffff);
	for (i = 0; i < 3; i++)
		must((fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);

	expect(ioctl(s.privcmd, IOCTL_PRIVCMD_EVENTFD_INFO, &info), 0, "info");
	ok(info.features == 0x7f && info.vcpus_max == 128, "info: everything works here");

	test_ioeventfd_values(&s, fd[0]);
	test_ioeventfd_pages(&s, &other, fd[0]);
	test_ioeventfd_ports(&s, &other, fd[0]);
	test_foreign_process(&s, fd[0]);
	test_ioeventfd_twice(&s, fd[0], fd[1]);
	test_unbound(&s, fd[0]);
	test_irqfd(&s, fd[0], fd[1]);
	test_virtio_irq(&s, fd[0], fd[1], fd[2]);
	test_virtio_field(&s, fd[0], fd[2]);
	test_wait(&s, fd[0], fd[1]);
	test_restricted(&s, &other, fd[0]);
	test_irqfd_limit(&s);
	test_ioeventfd_limit(&s, fd[0]);
	test_mapping(&s);
	test_mapping_tail(&s);
	test_modules();

	server_destroy(&other);
	server_destroy(&s);
	return tap_done();
}
