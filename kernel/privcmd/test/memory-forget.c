// SPDX-License-Identifier: GPL-2.0-only
/*
 * `memory`: frames that are released and put back while they are mapped, and what there may be of
 * all.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

/*
 * Another process with the same page, which says what it sees for each byte it gets; the parent's
 * ends of its pipes.
 */
static pid_t start_watcher(int fd, int *ask, int *answer)
{
	int to[2], from[2];
	pid_t child;

	must(!pipe(to) && !pipe(from));
	child = fork();
	must(child >= 0);
	if (!child) {
		char *va = memory_map(fd, RAM_PAGES);
		char byte;

		close(to[1]);
		while (read(to[0], &byte, 1) == 1) {
			uint32_t word = word_at(va + TEST_PAGE * PAGE);

			must(write(from[1], &word, sizeof(word)) == sizeof(word));
		}
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	*ask = to[1];
	*answer = from[0];
	return child;
}

static uint32_t ask_watcher(int ask, int answer)
{
	uint32_t word;

	must(write(ask, "", 1) == 1 && read(answer, &word, sizeof(word)) == sizeof(word));
	return word;
}

static void test_released(struct world *w, int fd, char *va)
{
	char *page = va + TEST_PAGE * PAGE;
	int privcmd = w->server.privcmd, ask, answer, status;
	pid_t watcher = start_watcher(fd, &ask, &answer);
	long before = guest_frames(privcmd, w->dom);

	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE, 0x7777), 1);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE + 3, 0x6666), 1);
	ok(word_at(page) == 0x7777 && ask_watcher(ask, answer) == 0x7777,
	   "two processes have the page");
	expect(forget_pages(privcmd, w->dom, TEST_PAGE, 1), 0,
	       "forgotten, though it is the guest's still");
	ok(word_at(page) == 0x7777 && ask_watcher(ask, answer) == 0x7777,
	   "it comes back as it was");

	must(release_pages(privcmd, w->dom, TEST_PAGE, 3) == 3);
	ok(guest_frames(privcmd, w->dom) == before, "released while it is mapped: nothing is free");
	expect(forget_pages(privcmd, w->dom, TEST_PAGE, 3), 0, "forgotten");
	ok(guest_frames(privcmd, w->dom) == before - 3, "Xen's count falls by as many");
	ok(word_at(page) == 0, "the old page is not seen");
	ok(ask_watcher(ask, answer) == 0, "nor by the other process");
	ok(word_at(page + 3 * PAGE) == 0x6666, "its neighbour is there");

	must(populate_pages(privcmd, w->dom, TEST_PAGE, 3) == 3);
	ok(guest_frames(privcmd, w->dom) == before, "put back");
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE, 0x8888), 1);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE + 1, 0x9999), 1);
	ok(word_at(page + PAGE) == 0x9999, "what nobody touched meanwhile is the guest's");
	ok(word_at(page) == 0, "what somebody did is not, until it is forgotten");
	expect(forget_pages(privcmd, w->dom, TEST_PAGE, 1), 0, "which it is now");
	ok(word_at(page) == 0x8888 && ask_watcher(ask, answer) == 0x8888,
	   "and is the guest's, for both");

	close(ask);
	close(answer);
	must(waitpid(watcher, &status, 0) == watcher && !status);
}

/* All of a chunk, and more than one file that has it. */
static void test_released_chunk(struct world *w, char *va)
{
	int privcmd = w->server.privcmd;
	int fd = memory_new(privcmd, w->dom, TEST_PAGE, 2 * CHUNK_PAGES);
	char *second = memory_map(fd, 2 * CHUNK_PAGES);
	long before = guest_frames(privcmd, w->dom);

	set_word_at(va + TEST_PAGE * PAGE, 0xaaaa);
	ok(word_at(second) == 0xaaaa, "two files have the page");
	must(release_pages(privcmd, w->dom, TEST_PAGE, CHUNK_PAGES) == (long)CHUNK_PAGES);
	must(!forget_pages(privcmd, w->dom, TEST_PAGE, CHUNK_PAGES));
	ok(guest_frames(privcmd, w->dom) == before - (long)CHUNK_PAGES, "2 MiB go back to Xen");
	must(populate_pages(privcmd, w->dom, TEST_PAGE, CHUNK_PAGES) == (long)CHUNK_PAGES);
	ok(word_at(second) != 0xaaaa && word_at(va + TEST_PAGE * PAGE) != 0xaaaa,
	   "and others come");
	set_word_at(va + TEST_PAGE * PAGE, 0xbbbb);
	ok(word_at(second) == 0xbbbb, "the same ones for both files");
	munmap(second, 2 * CHUNK_PAGES * PAGE);
	close(fd);
}

/*
 * All that a file has of the guest's is released, and nobody says so: it is let go of, and the file
 * goes on.
 */
static void test_released_silently(struct world *w)
{
	int privcmd = w->server.privcmd;
	uint64_t others = memory_info(privcmd).nr_frames;
	int fd = memory_new(privcmd, w->dom, TEST_PAGE, CHUNK_PAGES);
	char *va = memory_map(fd, CHUNK_PAGES);
	long before = guest_frames(privcmd, w->dom);
	int64_t end = now_ms() + 10000 * patience();

	must(word_at(va) + 1);
	ok(memory_info(privcmd).nr_frames == others + CHUNK_PAGES, "2 MiB of a file's own");
	must(release_pages(privcmd, w->dom, TEST_PAGE, CHUNK_PAGES) == (long)CHUNK_PAGES);
	while (memory_info(privcmd).nr_frames > others && now_ms() < end)
		usleep(50000);
	ok(guest_frames(privcmd, w->dom) == before - (long)CHUNK_PAGES,
	   "released, and let go of though nobody said so");
	must(populate_pages(privcmd, w->dom, TEST_PAGE, CHUNK_PAGES) == (long)CHUNK_PAGES);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE + 1, 0x5151), 1);
	ok(word_at(va + PAGE) == 0x5151, "the guest lives, and what it gets back is seen");
	munmap(va, CHUNK_PAGES * PAGE);
	close(fd);
}

void test_memory_forget(struct world *w)
{
	int fd = memory_new(w->server.privcmd, w->dom, 0, RAM_PAGES);
	char *va = memory_map(fd, RAM_PAGES);

	test_released(w, fd, va);
	test_released_chunk(w, va);
	munmap(va, RAM_PAGES * PAGE);
	close(fd);
	test_released_silently(w);
}

static void set_maximum(const char *mib)
{
	int fd = open("/sys/module/xen_privcmd/parameters/memory_max_mib", O_WRONLY);

	must(fd >= 0 && write(fd, mib, strlen(mib)) == (ssize_t)strlen(mib));
	close(fd);
}

/* Two guests of 12 MiB in 16 MiB. */
void test_memory_budget(struct world *w)
{
	int privcmd = w->server.privcmd;
	int fd = memory_new(privcmd, w->dom, 0, RAM_PAGES),
	    other = memory_new(privcmd, w->other, 0, RAM_PAGES);
	char *va = memory_map(fd, RAM_PAGES), *other_va = memory_map(other, RAM_PAGES);
	unsigned long i, round, bad = 0, most = 0;
	struct privcmd_memory_info info;

	set_maximum("1");
	ok(memory_info(privcmd).nr_frames_max == 8 * CHUNK_PAGES, "the smallest maximum is 16 MiB");
	for (round = 0; round < 2; round++) {
		for (i = TEST_PAGE; i < RAM_PAGES; i += 128) {
			set_word_at(va + i * PAGE, i + 1);
			set_word_at(other_va + i * PAGE, i + 2);
		}
		for (i = 0; i < RAM_PAGES; i += CHUNK_PAGES) {
			word_at(va + i * PAGE);
			word_at(other_va + i * PAGE);
			info = memory_info(privcmd);
			most = info.nr_frames > most ? info.nr_frames : most;
		}
		for (i = TEST_PAGE; i < RAM_PAGES; i += 128)
			bad += word_at(va + i * PAGE) != i + 1 ||
			       word_at(other_va + i * PAGE) != i + 2;
	}
	ok(!bad, "all contents are right when some must go for others");
	ok(most == 8 * CHUNK_PAGES, "no more is mapped than may be");
	ok(memory_info(privcmd).nr_evicted > 0, "what was let go is counted");
	set_maximum("0");
	munmap(va, RAM_PAGES * PAGE);
	munmap(other_va, RAM_PAGES * PAGE);
	close(fd);
	close(other);
}
