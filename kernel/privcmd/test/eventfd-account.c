// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-account DOMID UNPAUSE CHANGES KICKS SEED: every kick arrives, and arrives once.
 *
 * The guest kicks a number of queues on every vcpu. This thread answers what is left to it, unbinds
 * and binds the ports and moves their interrupts between CPUs; one thread assigns and deassigns the
 * queues' ioeventfds in random order; two wait for kicks, of which one at a time can. Nothing is
 * closed and nobody is killed, so all is known: for each queue, what its eventfd has counted, what
 * waits have returned and what came to this thread are the kicks that the guest made.
 *
 * That goes on until there were so many changes and so many kicks. A guest that stops is a failure:
 * an event was lost.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "eventfd.h"
#include "long-run.h"
#include "tap.h"

#define QUEUES 4u
#define WAITERS 2u
#define REBIND_MS 100
/* Of one command of the guest. */
#define KICKS 500u

static struct server s;
static bool enough;
static int queue_fd[QUEUES];
static unsigned int changer_seed;
static uint64_t nr_changes, nr_moved, nr_bad;

struct waiter {
	pthread_t thread;
	unsigned int seed;
	int signal_fd;
	uint64_t nr_signals;
	uint64_t nr_waits;
	uint64_t returned[QUEUES];
};

static bool is_enough(void)
{
	return __atomic_load_n(&enough, __ATOMIC_RELAXED);
}

static void note_bad(const char *what, int err)
{
	__atomic_fetch_add(&nr_bad, 1, __ATOMIC_RELAXED);
	printf("# %s: unexpected %s\n", what, strerrorname_np(err));
}

/*
 * s.ports is another thread's: between its unbinding a port and binding it again the old one is in
 * there.
 */
static void *change(void *arg)
{
	int rc, err;

	while (!is_enough()) {
		uint32_t q = rand_r(&changer_seed) % QUEUES;
		struct privcmd_ioeventfd io = good_ioeventfd(&s, queue_fd[q], q);

		io.flags = rand_r(&changer_seed) % 2;
		rc = ioeventfd(s.privcmd, io);
		err = errno;
		if (!rc)
			__atomic_fetch_add(&nr_changes, 1, __ATOMIC_RELAXED);
		else if (err != (io.flags ? ENODEV : EEXIST) && err != EINVAL && err != ENOTCONN)
			note_bad("change", err);
		/* With one or another armed for a while. */
		if (rand_r(&changer_seed) % 4 == 0)
			usleep(rand_r(&changer_seed) % 4000);
	}
	return arg;
}

static void *wait_for_kicks(void *arg)
{
	struct waiter *w = arg;

	while (!is_enough()) {
		struct privcmd_ioeventfd_wait wait = good_wait(&s);
		int rc;

		wait.idle_us = 1 + rand_r(&w->seed) % 1000;
		if (rand_r(&w->seed) % 8 == 0)
			wait.signal_fd = w->signal_fd;
		rc = ioeventfd_wait(s.privcmd, wait);
		if (rc > (int)QUEUES || (rc < 0 && errno != EBUSY && errno != ENOENT))
			note_bad("wait", rc < 0 ? errno : 0);
		else if (rc > 0)
			w->returned[rc - 1]++;
		w->nr_waits += rc >= 0;
		if (wait.signal_fd >= 0 && (rc >= 0 || errno != ENOENT))
			w->nr_signals++;
		if (rc <= 0)
			usleep(rand_r(&w->seed) % 1000);
	}
	return NULL;
}

/* Each port's interrupt to one CPU or another; /dev/xen/evtchn names them after this program. */
static void move_interrupts(unsigned int *seed)
{
	FILE *interrupts = fopen("/proc/interrupts", "re");
	char line[512], path[64];
	unsigned int irq;
	FILE *file;

	must(interrupts);
	while (fgets(line, sizeof(line), interrupts)) {
		if (!strstr(line, "evtchn:eventfd-acc") || sscanf(line, " %u:", &irq) != 1)
			continue;
		snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", irq);
		file = fopen(path, "we");
		if (!file)
			continue;
		fprintf(file, "%u\n", rand_r(seed) % 2);
		/* EINVAL: there is no second CPU. */
		nr_moved += !fclose(file);
	}
	fclose(interrupts);
}

static uint64_t sum(const uint64_t *values)
{
	uint64_t total = 0;
	unsigned int q;

	for (q = 0; q < QUEUES; q++)
		total += values[q];
	return total;
}

/*
 * Have the guest kick, and answer, until there was enough of all; each queue's kicks are in
 * @kicked.
 */
static void go_on(unsigned int seed, uint64_t changes_wanted, uint64_t kicks_wanted,
		  uint64_t *kicked)
{
	struct long_run run = long_run_begin();
	int64_t rebound = now_ms();
	uint32_t queue[VCPUS_MAX], running = 0, v;
	bool over = false;

	for (v = 0; v < s.nr_vcpus; v++, running++)
		guest_start(&s, v, WRITE32(0x50, queue[v] = v % QUEUES), KICKS);
	while (running) {
		server_poll(&s, 20);
		if (now_ms() - rebound > REBIND_MS) {
			if (rand_r(&seed) % 2)
				server_rebind(&s, rand_r(&seed) % s.nr_vcpus);
			move_interrupts(&seed);
			rebound = now_ms();
		}
		for (v = 0; v < s.nr_vcpus; v++) {
			if (!s.scripts[v].reported)
				continue;
			run.reported_ms = now_ms();
			kicked[queue[v]] += KICKS;
			s.scripts[v].reported = false;
			over |= sum(kicked) >= kicks_wanted &&
				__atomic_load_n(&nr_changes, __ATOMIC_RELAXED) >= changes_wanted;
			if (over)
				running--;
			else
				guest_start(&s, v, WRITE32(0x50, queue[v] = rand_r(&seed) % QUEUES),
					    KICKS);
		}
		long_run_check(&run, &s, sum(kicked),
			       __atomic_load_n(&nr_changes, __ATOMIC_RELAXED));
	}
}

int main(int argc, char **argv)
{
	uint64_t kicked[QUEUES] = {0}, returned[QUEUES] = {0}, counted[QUEUES];
	struct waiter waiter[WAITERS] = {0};
	uint64_t waits = 0;
	unsigned int i, q;
	pthread_t changer;

	if (argc != 6)
		return tap_usage(argc, argv, "DOMID UNPAUSE-COMMAND CHANGES KICKS SEED");
	changer_seed = atoi(argv[5]);
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	must(system(argv[2]) == 0);
	guest_run(&s, 0, READ32(0), 1);

	for (q = 0; q < QUEUES; q++)
		must((queue_fd[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
	must(!pthread_create(&changer, NULL, change, NULL));
	for (i = 0; i < WAITERS; i++) {
		waiter[i].seed = changer_seed * WAITERS + i;
		must((waiter[i].signal_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
		must(!pthread_create(&waiter[i].thread, NULL, wait_for_kicks, &waiter[i]));
	}
	go_on(changer_seed, atoi(argv[3]), atoi(argv[4]), kicked);
	__atomic_store_n(&enough, true, __ATOMIC_RELAXED);
	must(!pthread_join(changer, NULL));
	for (i = 0; i < WAITERS; i++) {
		must(!pthread_join(waiter[i].thread, NULL));
		waits += waiter[i].nr_waits;
		for (q = 0; q < QUEUES; q++)
			returned[q] += waiter[i].returned[q];
	}
	for (q = 0; q < QUEUES; q++)
		counted[q] = taken(queue_fd[q]);

	printf("# %llu kicks: %llu counted by eventfds, %llu returned by %llu waits, %llu ours; "
	       "%llu changes, %llu interrupts moved\n",
	       (unsigned long long)sum(kicked), (unsigned long long)sum(counted),
	       (unsigned long long)sum(returned), (unsigned long long)waits,
	       (unsigned long long)sum(s.nr_stray_kicks), (unsigned long long)nr_changes,
	       (unsigned long long)nr_moved);
	for (q = 0; q < QUEUES; q++)
		if (!ok(counted[q] + returned[q] + s.nr_stray_kicks[q] == kicked[q],
			"queue %u: each of its kicks arrived, once", q))
			printf("# got %llu + %llu + %llu, kicked %llu\n",
			       (unsigned long long)counted[q], (unsigned long long)returned[q],
			       (unsigned long long)s.nr_stray_kicks[q],
			       (unsigned long long)kicked[q]);
	ok(sum(counted) && sum(returned) && sum(s.nr_stray_kicks), "in each of the three ways");
	for (i = 0; i < WAITERS; i++)
		ok(taken(waiter[i].signal_fd) == waiter[i].nr_signals,
		   "waiter %u: what it asked to be signalled was, each time", i);
	ok(nr_bad == 0, "every errno is one of those documented");
	server_destroy(&s);
	return tap_done();
}
