// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-stress DOMID UNPAUSE CHANGES KICKS SEED: everything at once, in random order, until there
 * were so many assigns and deassigns that succeeded, and so many kicks of the guest.
 *
 * The guest kicks on every vcpu the whole time and is answered by this thread; workers assign,
 * deassign, signal, wait, close, map and unmap on files of their own and in processes that are
 * killed, each with a thread beside it that only waits, on whatever is there; ports are unbound
 * under them. Any errno that the documentation does not give for the operation is a failure; so is
 * a guest that stops, or a kernel log that is not clean (the caller looks). Whether each kick
 * arrives is eventfd-account's business. Meant for a KASAN and lockdep kernel.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventfd.h"
#include "long-run.h"
#include "tap.h"

#define WORKERS 3
#define KICKS 1000u

/* The last two are not steps of a worker. */
enum step {
	STEP_WAIT = 15,
	STEP_DEATH,
	STEP_REBIND,
	NR_STEPS,
};

static struct server s;
static unsigned int nr_bad;
static bool enough;
static uint64_t nr_done[NR_STEPS];
static uint64_t nr_changes, changes_wanted;
/* Of those that only wait: that have begun to, and that were given a kick. */
static uint64_t nr_waits, nr_handed;

struct worker {
	unsigned int seed;
	int file;
	int fd[4];
	uint32_t word[4];
	void *page;
	uint8_t op[256];
	/* Waits, and reads the three above while they change. */
	pthread_t waiter;
	bool over;
};

/* The errnos an operation may meet when others do the opposite meanwhile. */
static void check(int rc, const char *what, const int *allowed)
{
	int err = errno;

	if (rc >= 0)
		return;
	for (; *allowed; allowed++)
		if (err == *allowed)
			return;
	__atomic_fetch_add(&nr_bad, 1, __ATOMIC_RELAXED);
	printf("# %s: unexpected %s\n", what, strerrorname_np(err));
}

#define CHECK(rc, what, ...) check(rc, what, (const int[]){__VA_ARGS__, 0})

/* An assign or a deassign: those that did something are counted. */
static void check_change(int rc, const char *what, const int *allowed)
{
	check(rc, what, allowed);
	if (rc >= 0)
		__atomic_fetch_add(&nr_changes, 1, __ATOMIC_RELAXED);
}

#define CHANGE(rc, what, ...) check_change(rc, what, (const int[]){__VA_ARGS__, 0})

static int fresh_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	must(fd >= 0);
	return fd;
}

/* What is waited on goes away at any moment; its numbers may name something else by then. */
static void *wait_always(void *arg)
{
	struct worker *w = arg;
	unsigned int seed = w->seed, turn;
	int rc;

	for (turn = 0; !__atomic_load_n(&w->over, __ATOMIC_RELAXED); turn++) {
		struct privcmd_ioeventfd_wait wait = good_wait(&s);

		wait.ioreq = (uintptr_t)__atomic_load_n(&w->page, __ATOMIC_RELAXED);
		wait.idle_us = 1 + rand_r(&seed) % 1000;
		if (turn % 4 == 0)
			wait.signal_fd = __atomic_load_n(&w->fd[turn / 4 % 4], __ATOMIC_RELAXED);
		rc = ioeventfd_wait(__atomic_load_n(&w->file, __ATOMIC_RELAXED), wait);
		CHECK(rc, "wait meanwhile", EBUSY, ENOENT, EBADF, ENOTTY, EINVAL);
		if (rc >= 0)
			__atomic_fetch_add(&nr_waits, 1, __ATOMIC_RELAXED);
		if (rc > 0)
			__atomic_fetch_add(&nr_handed, 1, __ATOMIC_RELAXED);
		else
			usleep(rand_r(&seed) % 2000);
	}
	return NULL;
}

static void worker_init(struct worker *w)
{
	unsigned int i;

	must((w->file = privcmd_open()) >= 0);
	for (i = 0; i < 4; i++)
		w->fd[i] = fresh_eventfd();
	w->page = map_ioreq_page(w->file, s.dom, s.id);
	must(!pthread_create(&w->waiter, NULL, wait_always, w));
}

static void worker_fini(struct worker *w)
{
	unsigned int i;

	__atomic_store_n(&w->over, true, __ATOMIC_RELAXED);
	must(!pthread_join(w->waiter, NULL));
	munmap(w->page, 4096);
	for (i = 0; i < 4; i++)
		close(w->fd[i]);
	close(w->file);
}

static void one_step(struct worker *w)
{
	unsigned int what = rand_r(&w->seed) % (STEP_WAIT + 1), n = rand_r(&w->seed) % 4;
	struct privcmd_ioeventfd io = good_ioeventfd(&s, w->fd[n], n);
	struct privcmd_irqfd irq = good_irqfd(&s, w->fd[n], w->op, sizeof(w->op));
	struct privcmd_virtio_irq virq =
		good_virtio_irq(&s, w->fd[n], w->fd[(n + 1) % 4], w->op, sizeof(w->op));
	struct privcmd_virtio_field field =
		good_field(&s, &w->word[n], n % 2 ? PRIVCMD_VIRTIO_FIELD_FLAG_WRITE : 0);
	struct privcmd_ioeventfd_wait wait = good_wait(&s);
	struct privcmd_eventfd_info info;
	uint64_t one = 1;

	io.ioreq = (uintptr_t)w->page;
	virq.ioreq = io.ioreq;
	field.ioreq = io.ioreq;
	wait.ioreq = io.ioreq;
	switch (what) {
	case 0 ... 3:
		CHANGE(ioeventfd(w->file, io), "ioeventfd", EBUSY, EEXIST, EINVAL, ENOTCONN);
		break;
	case 4:
		io.flags = 1;
		CHANGE(ioeventfd(w->file, io), "ioeventfd deassign", ENODEV);
		break;
	case 5:
		CHANGE(irqfd(w->file, irq), "irqfd", EBUSY);
		break;
	case 6:
		irq.flags = 1;
		CHANGE(irqfd(w->file, irq), "irqfd deassign", ENODEV);
		break;
	case 7:
		CHANGE(virtio_irq(w->file, &virq), "virtio_irq", EBUSY, EEXIST, ENOENT);
		break;
	case 8:
		virq.flags = 1;
		CHANGE(virtio_irq(w->file, &virq), "virtio_irq deassign", ENODEV);
		break;
	case 9:
		CHECK(write(w->fd[n], &one, sizeof(one)), "signal", EAGAIN);
		break;
	case 10:
		close(w->fd[n]);
		w->fd[n] = fresh_eventfd();
		break;
	case 11:
		munmap(w->page, 4096);
		if (rand_r(&w->seed) % 2) {
			close(w->file);
			must((w->file = privcmd_open()) >= 0);
		}
		w->page = map_ioreq_page(w->file, s.dom, s.id);
		break;
	case 12:
		CHECK(ioctl(w->file, IOCTL_PRIVCMD_EVENTFD_INFO, &info), "info", EINTR);
		break;
	case 13:
		if (field.flags)
			field.event_fd = w->fd[n];
		CHANGE(virtio_field(w->file, field), "virtio_field", EEXIST, ENOENT);
		break;
	case 14:
		field.flags |= PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN;
		CHANGE(virtio_field(w->file, field), "virtio_field deassign", ENODEV);
		break;
	case STEP_WAIT:
		CHECK(ioeventfd_wait(w->file, BUT(wait, signal_fd, w->fd[n])), "wait", EBUSY,
		      ENOENT);
		break;
	}
	__atomic_fetch_add(&nr_done[what], 1, __ATOMIC_RELAXED);
}

/* A process in the middle of all that, which is killed. */
static void one_death(struct worker *w)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		struct worker own = {.seed = rand_r(&w->seed)};

		worker_init(&own);
		for (;;)
			one_step(&own);
	}
	usleep(rand_r(&w->seed) % 20000);
	must(!kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
	__atomic_fetch_add(&nr_done[STEP_DEATH], 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	worker_init(w);
	while (!__atomic_load_n(&enough, __ATOMIC_RELAXED)) {
		one_step(w);
		if (rand_r(&w->seed) % 200 == 0)
			one_death(w);
		/* There were enough of these, not of kicks: leave the processors to them. */
		if (__atomic_load_n(&nr_changes, __ATOMIC_RELAXED) >= changes_wanted)
			usleep(rand_r(&w->seed) % 10000);
	}
	worker_fini(w);
	return NULL;
}

/* The workers have been started: kick and answer until there was enough. Returns the kicks. */
static uint64_t go_on(unsigned int seed, uint64_t kicks_wanted)
{
	struct long_run run = long_run_begin();
	uint64_t kicks = 0, turns = 0, polls = 0;
	bool kicking[VCPUS_MAX];
	uint32_t v;

	for (v = 0; v < s.nr_vcpus; v++) {
		kicking[v] = true;
		guest_start(&s, v, WRITE32(0x50, v), KICKS);
	}
	while (__atomic_load_n(&nr_changes, __ATOMIC_RELAXED) < changes_wanted ||
	       kicks < kicks_wanted) {
		server_poll(&s, 20);
		if (polls++ % 16 == 0) {
			server_rebind(&s, rand_r(&seed) % s.nr_vcpus);
			nr_done[STEP_REBIND]++;
		}
		for (v = 0; v < s.nr_vcpus; v++) {
			if (!s.scripts[v].reported)
				continue;
			run.reported_ms = now_ms();
			kicks += kicking[v] ? KICKS : 0;
			turns++;
			kicking[v] = turns % 3;
			guest_start(&s, v, kicking[v] ? WRITE32(0x50, turns % 4) : READ32(0x60),
				    KICKS);
		}
		long_run_check(&run, &s, kicks, __atomic_load_n(&nr_changes, __ATOMIC_RELAXED));
	}
	return kicks;
}

int main(int argc, char **argv)
{
	struct worker worker[WORKERS] = {0};
	pthread_t thread[WORKERS];
	struct server own;
	uint64_t kicks;
	unsigned int seed, i;
	uint32_t v;

	if (argc != 6)
		return tap_usage(argc, argv, "DOMID UNPAUSE-COMMAND CHANGES KICKS SEED");
	changes_wanted = atoi(argv[3]);
	seed = atoi(argv[5]);
	server_open(&s, atoi(argv[1]), DEVICE_BYTES, 0xffff);
	must(system(argv[2]) == 0);
	guest_run(&s, 0, READ32(0), 1);

	for (i = 0; i < WORKERS; i++) {
		worker[i].seed = seed * WORKERS + i;
		must(!pthread_create(&thread[i], NULL, work, &worker[i]));
	}
	kicks = go_on(seed, atoi(argv[4]));
	__atomic_store_n(&enough, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++)
		must(!pthread_join(thread[i], NULL));
	for (v = 0; v < s.nr_vcpus; v++)
		must(guest_wait(&s, v, NULL, 120000));

	printf("# %llu kicks, %llu accesses were ours, %llu changes; "
	       "%llu waits, %llu given a kick; steps",
	       (unsigned long long)kicks, (unsigned long long)s.nr_strays,
	       (unsigned long long)nr_changes, (unsigned long long)nr_waits,
	       (unsigned long long)nr_handed);
	for (i = 0; i < NR_STEPS; i++)
		printf(" %llu", (unsigned long long)nr_done[i]);
	printf("\n");
	ok(nr_bad == 0, "every errno is one of those documented");
	ok(nr_done[STEP_DEATH] > 0 && nr_done[STEP_REBIND] > 0,
	   "processes were killed and ports unbound meanwhile");
	ok(nr_waits > 0, "and tasks waited");

	own = s;
	guest_run(&s, 0, WRITE32(0x50, 0), 100);
	ok(s.nr_strays - own.nr_strays == 100, "all is undone: kicks are ours");
	server_destroy(&s);
	return tap_done();
}
