// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-close DOMID UNPAUSE: a device model's files go away in every order, while its guest uses
 * them all.
 *
 * Five things are closed or unmapped, in each of the 120 orders: the page's mapping,
 * /dev/xen/privcmd, /dev/xen/evtchn, the eventfd of a queue, the eventfds of a virtio_irq.
 * Invariants: each access of the guest is answered once, by the kernel or by who adopts the server;
 * when all are closed nothing is armed any more.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

#define QUEUE_NOTIFY 0x50
#define INTERRUPT_STATUS 0x60
#define THINGS 5u

static const char name[THINGS] = {'m', 'p', 'e', 'k', 'i'};

struct armed {
	struct server *s;
	int kick, vring, config;
};

static void arm(struct armed *a)
{
	struct privcmd_virtio_irq irq;
	uint8_t op[256];

	a->kick = new_eventfd();
	a->vring = new_eventfd();
	a->config = new_eventfd();
	must(!ioeventfd(a->s->privcmd, good_ioeventfd(a->s, a->kick, 0)));
	irq = good_virtio_irq(a->s, a->vring, a->config, op, sizeof(op));
	must(!virtio_irq(a->s->privcmd, &irq));
}

static void close_thing(struct armed *a, unsigned int what)
{
	switch (what) {
	case 0:
		must(!munmap(a->s->slots, 4096));
		break;
	case 1:
		must(!close(a->s->privcmd));
		break;
	case 2:
		must(!close(a->s->evtchn));
		break;
	case 3:
		must(!close(a->kick));
		break;
	case 4:
		must(!close(a->vring));
		must(!close(a->config));
		break;
	}
}

/* The next order in the order of the dictionary; false after the last. */
static bool next_order(unsigned int *order)
{
	unsigned int i = THINGS - 1, j = THINGS - 1, k, swap;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (i == 0)
		return false;
	while (order[j] < order[i - 1])
		j--;
	swap = order[i - 1], order[i - 1] = order[j], order[j] = swap;
	for (k = THINGS - 1; i < k; i++, k--)
		swap = order[i], order[i] = order[k], order[k] = swap;
	return true;
}

/*
 * Close everything in that order under a guest that kicks and reads InterruptStatus; then be its
 * device model again.
 */
static bool close_all(struct server *s, const unsigned int *order)
{
	struct armed a = {.s = s};
	uint64_t one = 1, seen = 0, before;
	const uint32_t times = 200 / patience();
	struct server fresh;
	unsigned int i;

	arm(&a);
	guest_start(s, 0, WRITE32(QUEUE_NOTIFY, 0), times);
	if (s->nr_vcpus > 1)
		guest_start(s, 1, READ32(INTERRUPT_STATUS), times);
	while (read(a.kick, &seen, sizeof(seen)) < 0)
		server_poll(s, 1);
	must(write(a.vring, &one, sizeof(one)) == sizeof(one));
	for (i = 0; i < THINGS; i++)
		close_thing(&a, order[i]);

	/* What the guest has been asked and has said so far is part of the server. */
	fresh = *s;
	must((fresh.privcmd = privcmd_open()) >= 0);
	must((fresh.evtchn = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC)) >= 0);
	*s = fresh;
	server_attach(s);
	for (i = 0; i < s->nr_vcpus; i++)
		if (!guest_wait(s, i, NULL, 60000))
			return false;
	before = s->nr_strays;
	guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), 3);
	guest_run(s, 0, READ32(INTERRUPT_STATUS), 2);
	return s->nr_strays - before == 5;
}

int main(int argc, char **argv)
{
	unsigned int order[THINGS] = {0, 1, 2, 3, 4}, i, nr = 0, nr_good = 0;
	struct server s;

	if (argc != 3)
		return tap_usage(argc, argv, "DOMID UNPAUSE-COMMAND");
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	must(system(argv[2]) == 0);
	guest_run(&s, 0, READ32(0), 1);
	do {
		nr++;
		if (close_all(&s, order)) {
			nr_good++;
			continue;
		}
		printf("# not undone in order ");
		for (i = 0; i < THINGS; i++)
			putchar(name[order[i]]);
		printf("\n");
	} while (next_order(order));
	ok(nr == 120 && nr_good == nr,
	   "closed in %u orders: the guest goes on and nothing is armed", nr);
	server_destroy(&s);
	return tap_done();
}
