// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-load DOMID UNPAUSE: a guest that accesses its registers without end.
 *
 * Invariants: beyond its part of a CPU (irq_percent; with other guests, irq_percent_all) what a
 * guest asks for comes to the device model, as if there were no ioeventfd; no access is lost or
 * answered twice on the way; to look for who answers counts as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "eventfd.h"
#include "tap.h"

#define QUEUE_NOTIFY 0x50
#define OF_A_PAGE "/sys/module/xen_privcmd/parameters/irq_percent"
#define OF_ALL "/sys/module/xen_privcmd/parameters/irq_percent_all"

static void set_percent(const char *of, unsigned int percent)
{
	int fd = open(of, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && dprintf(fd, "%u\n", percent) > 0);
	close(fd);
}

static unsigned int get_percent(const char *of)
{
	FILE *file = fopen(of, "re");
	unsigned int percent = 0;

	must(file && fscanf(file, "%u", &percent) == 1);
	fclose(file);

	return percent;
}

static double clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* With the other maximum out of the way. */
static void test_accounts(struct server *s, int q0, uint32_t kicks, const char *of)
{
	uint64_t strays;

	printf("# %s\n", of);
	set_percent(OF_A_PAGE, 0);
	set_percent(OF_ALL, 0);
	set_percent(of, 1);
	strays = s->nr_strays;
	guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), kicks);
	strays = s->nr_strays - strays;
	ok(strays > 0, "beyond a hundredth of the CPU kicks come to us: %llu of %u",
	   (unsigned long long)strays, kicks);
	ok(strays < kicks, "up to there they do not");
	ok(strays + taken(q0) == kicks, "each of them arrived, once");
	set_percent(of, 0);
	strays = s->nr_strays;
	guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), kicks);
	ok(s->nr_strays == strays && taken(q0) == kicks, "without a maximum none comes to us");
}

/*
 * What of the time goes into kicks that the kernel answers, guest and hypervisor included, with a
 * maximum that one guest on one CPU reaches: with the default it has the CPU to itself too seldom.
 */
static void test_share(struct server *s, int q0, unsigned int percent, uint32_t kicks)
{
	double start = clock_ms(), each, all;
	uint64_t answered;

	set_percent(OF_A_PAGE, 0);
	guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), kicks);
	each = (clock_ms() - start) / kicks;
	must(taken(q0) == kicks);
	set_percent(OF_A_PAGE, percent);
	start = clock_ms();
	guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), kicks);
	all = clock_ms() - start;
	answered = taken(q0);
	printf("# a kick takes %.1f us; with a maximum of %u %% the kernel answers %llu of %u\n",
	       1000 * each, percent, (unsigned long long)answered, kicks);
	printf("# which is %.0f %% of the time\n", 100 * answered * each / all);
	/*
	 * Where all takes longer than usual, time is that of a busy machine, and shares of it mean
	 * nothing.
	 */
	if (patience() > 1)
		printf("# not compared: this machine's time counts no instructions\n");
	else
		ok(answered * each < all / 2,
		   "a guest that kicks without end has answers for less than half of the time");
}

/* As the kernel files who watches: include/linux/hashtable.h, watch_key() in privcmd-ioreq.c. */
static unsigned int bucket(uint64_t addr, uint32_t vq)
{
	uint64_t key = (addr + QUEUE_NOTIFY) ^ (uint64_t)vq << 32;

	return key * 0x61c8864680b583ebull >> 58;
}

/* As many as there may be beside one, all where queue @vq would be looked for. */
static void fill_bucket(struct server *s, int fd, uint32_t vq)
{
	struct privcmd_ioeventfd io = good_ioeventfd(s, fd, 0);
	unsigned int wanted = bucket(io.addr, vq), nr = 1;
	uint64_t addr;
	uint32_t other;

	for (addr = io.addr; nr < 4096; addr += 0x1000) {
		for (other = 1; other < 1024 && nr < 4096; other++) {
			if (bucket(addr, other) != wanted || (addr == DEVICE_BASE && other == vq))
				continue;
			io.addr = addr;
			io.vq = other;
			must(!ioeventfd(s->privcmd, io));
			nr++;
		}
	}
}

/*
 * A kick now and then is no load; but kicks of queues that nobody has in between have used up the
 * time for it.
 */
static void test_misses(struct server *s, int q0)
{
	uint64_t strays = s->nr_stray_kicks[0];
	uint32_t kicks = 50, i, vq = 1;
	int others = new_eventfd();

	while (bucket(DEVICE_BASE, vq) == bucket(DEVICE_BASE, 0))
		vq++;
	fill_bucket(s, others, vq);
	set_percent(OF_A_PAGE, 1);
	for (i = 0; i < kicks; i++) {
		guest_run(s, 0, WRITE32(QUEUE_NOTIFY, vq), 10);
		guest_run(s, 0, WRITE32(QUEUE_NOTIFY, 0), 1);
	}
	strays = s->nr_stray_kicks[0] - strays;
	printf("# behind looks that found nobody %llu of %u kicks are ours\n",
	       (unsigned long long)strays, kicks);
	/* A window of a busy machine may be over between the two. */
	if (patience() > 1)
		printf("# not compared: this machine's time counts no instructions\n");
	else
		ok(strays > kicks / 2, "the look for who watches counts as well");
	ok(strays + taken(q0) == kicks && !taken(others), "each of them arrived, once");
	close(others);
}

int main(int argc, char **argv)
{
	uint32_t kicks = 20000 / patience();
	unsigned int percent, percent_all;
	struct server s;
	int q0;

	if (argc != 3)
		return tap_usage(argc, argv, "DOMID UNPAUSE");
	percent = get_percent(OF_A_PAGE);
	percent_all = get_percent(OF_ALL);
	ok(percent == 16, "the maximum is 16 %% at first");
	ok(percent_all == 18, "of all pages together 18 %%");
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	must(system(argv[2]) == 0);
	q0 = new_eventfd();
	must(!ioeventfd(s.privcmd, good_ioeventfd(&s, q0, 0)));
	test_accounts(&s, q0, kicks, OF_A_PAGE);
	test_accounts(&s, q0, kicks, OF_ALL);
	test_share(&s, q0, 2, kicks);
	test_misses(&s, q0);
	set_percent(OF_A_PAGE, percent);
	set_percent(OF_ALL, percent_all);
	close(q0);
	server_destroy(&s);
	return tap_done();
}
