// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory-stress DOMID OTHER CHANGES SEED: a guest's memory looked at by three threads while all
 * that can be done to it is done, in random order.
 *
 * Both guests stand still. Files, their makers, mappings and processes come and go, frames are
 * forgotten, released and put back, and what may be mapped is now and then less than what is looked
 * at. Invariants: pages that stay the guest's show what was written there at first, whatever
 * happens to others; at the end Xen's count is what it was, and nothing is held.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

/* Pages below this are released and put back, those above stay. */
#define STABLE_PAGE 1536u
#define STAMP(page) (0x5a000000u + (page))
#define READERS 3

static struct watcher {
	pthread_t thread;
	char *va;
	unsigned int seed;
	unsigned long nr_looks;
	unsigned long nr_wrong;
} watchers[READERS];

static int privcmd;
static uint16_t dom, other;
static bool stop;

static void *watch(void *arg)
{
	struct watcher *w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		unsigned int page = rand_r(&w->seed) % RAM_PAGES;
		uint32_t word = word_at(w->va + page * PAGE);

		w->nr_looks++;
		w->nr_wrong += page >= STABLE_PAGE && word != STAMP(page);
	}
	return NULL;
}

static void set_maximum(const char *mib)
{
	int fd = open("/sys/module/xen_privcmd/parameters/memory_max_mib", O_WRONLY);

	must(fd >= 0 && write(fd, mib, strlen(mib)) == (ssize_t)strlen(mib));
	close(fd);
}

static void release_and_put_back(void)
{
	unsigned int first = rand() % (STABLE_PAGE - 64), nr = 1 + rand() % 64;

	/* The image and what the vcpu needs are at the start. */
	first += first < 64 ? 64 : 0;
	nr = first + nr > STABLE_PAGE ? STABLE_PAGE - first : nr;
	must(release_pages(privcmd, dom, first, nr) == (long)nr);
	must(!forget_pages(privcmd, dom, first, nr));
	must(populate_pages(privcmd, dom, first, nr) == (long)nr);
}

/* A front-end, its file and a backend's mapping, gone in one of the orders there are. */
static void come_and_go(uint16_t whose)
{
	static const char orders[][4] = {"mfv", "mvf", "fmv", "fvm", "vmf", "vfm"};
	int maker = privcmd_open(), fd = memory_new(maker, whose, 0, RAM_PAGES);
	char *va = memory_map(fd, RAM_PAGES);
	const char *end;

	for (end = orders[rand() % 6]; *end; end++) {
		if (va)
			word_at(va + rand() % RAM_PAGES * PAGE);
		if (*end == 'm') {
			close(maker);
		} else if (*end == 'f') {
			close(fd);
		} else {
			munmap(va, RAM_PAGES * PAGE);
			va = NULL;
		}
	}
}

static void kill_a_backend(void)
{
	int fd = memory_new(privcmd, dom, 0, RAM_PAGES), status;
	pid_t child = fork();

	must(child >= 0);
	if (!child) {
		char *va = memory_map(fd, RAM_PAGES);
		unsigned int seed = getpid();

		for (;;)
			word_at(va + rand_r(&seed) % RAM_PAGES * PAGE);
	}
	usleep(rand() % 3000);
	must(!kill(child, SIGKILL));
	must(waitpid(child, &status, 0) == child);
	close(fd);
}

static void change(void)
{
	unsigned int first = rand() % RAM_PAGES;

	switch (rand() % 8) {
	case 0:
	case 1:
		must(!forget_pages(privcmd, dom, first, 1 + rand() % (RAM_PAGES - first)));
		break;
	case 2:
	case 3:
		release_and_put_back();
		break;
	case 4:
		come_and_go(rand() % 2 ? dom : other);
		break;
	case 5:
		kill_a_backend();
		break;
	case 6:
		set_maximum(rand() % 2 ? "1" : "0");
		break;
	default:
		usleep(rand() % 1000);
		break;
	}
}

int main(int argc, char **argv)
{
	unsigned long nr_looks = 0, nr_wrong = 0;
	struct privcmd_memory_info info;
	long before, changes, i;
	int64_t shown = now_ms();
	int fd = -1;

	if (argc != 5)
		return tap_usage(argc, argv, "DOMID OTHER CHANGES SEED");
	dom = atoi(argv[1]);
	other = atoi(argv[2]);
	changes = atol(argv[3]);
	srand(atoi(argv[4]));
	must((privcmd = privcmd_open()) >= 0);
	before = guest_frames(privcmd, dom);

	/* Two of them look through one file. */
	for (i = 0; i < READERS; i++) {
		if (i < 2)
			fd = memory_new(privcmd, dom, 0, RAM_PAGES);
		watchers[i].va = memory_map(fd, RAM_PAGES);
		watchers[i].seed = i;
	}
	for (i = STABLE_PAGE; i < (long)RAM_PAGES; i++)
		set_word_at(watchers[0].va + i * PAGE, STAMP(i));
	for (i = 0; i < READERS; i++)
		must(!pthread_create(&watchers[i].thread, NULL, watch, &watchers[i]));

	for (i = 0; i < changes; i++) {
		change();
		if (now_ms() - shown > 10000) {
			printf("# so far %ld changes\n", i + 1);
			fflush(stdout);
			shown = now_ms();
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	set_maximum("0");
	for (i = 0; i < READERS; i++) {
		must(!pthread_join(watchers[i].thread, NULL));
		nr_looks += watchers[i].nr_looks;
		nr_wrong += watchers[i].nr_wrong;
	}
	printf("# %lu looks, %ld changes, %llu frames let go for others\n", nr_looks, changes,
	       (unsigned long long)memory_info(privcmd).nr_evicted);
	ok(!nr_wrong, "what stays the guest's is always seen");
	ok(nr_looks > 1000, "and was looked at");

	must(!forget_pages(privcmd, dom, 0, RAM_PAGES));
	ok(guest_frames(privcmd, dom) == before, "Xen's count is what it was");
	close(privcmd);
	must((privcmd = privcmd_open()) >= 0);
	info = memory_info(privcmd);
	ok(!info.nr_frames, "with the file it was made on all ends");
	return tap_done();
}
