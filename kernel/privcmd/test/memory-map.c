// SPDX-License-Identifier: GPL-2.0-only
/*
 * `memory`: what a mapping shows, and what happens to mappings: moved, split, forked, shared.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

static char *const moved_to = (char *)0x100000000000ul;

static void test_contents(struct world *w, char *va)
{
	struct server *s = &w->server;

	guest_run(s, 0, WRITE_PAGE(TEST_PAGE, 0x1234), 1);
	ok(word_at(va + TEST_PAGE * PAGE) == 0x1234, "what the guest writes is read");
	set_word_at(va + TEST_PAGE * PAGE, 0x5678);
	ok(guest_run(s, 0, READ_PAGE(TEST_PAGE), 1) == 0x5678, "what is written the guest reads");
	guest_run(s, 0, WRITE_PAGE(TEST_PAGE, 0x9abc), 1);
	ok(word_at(va + TEST_PAGE * PAGE) == 0x9abc, "and again, as nothing is a copy");
	ok(memory_info(s->privcmd).nr_frames == CHUNK_PAGES,
	   "2 MiB are mapped by the first access");
	guest_run(s, 0, WRITE_PAGE(TEST_PAGE + CHUNK_PAGES - 1, 0x4321), 1);
	ok(word_at(va + (TEST_PAGE + CHUNK_PAGES - 1) * PAGE) == 0x4321,
	   "the last of them as well");
	guest_run(s, 0, WRITE_PAGE(TEST_PAGE + CHUNK_PAGES, 0x8765), 1);
	ok(word_at(va + (TEST_PAGE + CHUNK_PAGES) * PAGE) == 0x8765, "and what comes behind");
	ok(memory_info(s->privcmd).nr_frames == 2 * CHUNK_PAGES, "which are 2 MiB more");
}

static void test_holes(struct world *w)
{
	int fd = memory_new(w->server.privcmd, w->dom, HOLE_PAGE, HOLE_PAGES);
	uint64_t before = memory_info(w->server.privcmd).nr_frames;
	char *va = memory_map(fd, HOLE_PAGES);
	unsigned long i, bad = 0;

	for (i = 0; i < HOLE_PAGES; i++)
		bad += word_at(va + i * PAGE) != 0;
	ok(!bad, "a hole reads zeros");
	set_word_at(va, 1);
	ok(word_at(va) == 1, "and takes what is written");
	ok(memory_info(w->server.privcmd).nr_frames == before, "it costs no frames");
	munmap(va, HOLE_PAGES * PAGE);
	close(fd);
}

/* Copying is what read() and write() do; pinning is what is refused. */
static void test_pinning(char *page)
{
	struct iovec local = {page, 8}, remote = {page, 8};
	uint64_t word = 0;
	int pipes[2], rc;

	must(!pipe(pipes));
	set_word_at(page, 0x600d);
	must(write(pipes[1], page, 8) == 8 && read(pipes[0], &word, 8) == 8);
	ok((uint32_t)word == 0x600d, "write() from it");
	must(write(pipes[1], "readable", 8) == 8);
	ok(read(pipes[0], page, 8) == 8 && !memcmp(page, "readable", 8), "read() into it");
	expect(vmsplice(pipes[1], &local, 1, 0), EFAULT, "it cannot be pinned");
	local.iov_base = &word;
	if (process_vm_readv(getpid(), &local, 1, &local, 1, 0) < 0) {
		puts("# this kernel reads no process by way of another");
	} else {
		rc = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		expect(rc, EFAULT, "nor read by way of the process");
	}
	ok(madvise(page, PAGE, MADV_DONTNEED) < 0, "nor dropped");
	close(pipes[0]);
	close(pipes[1]);
}

static void test_moved(struct world *w, int fd)
{
	char *va = memory_map(fd, RAM_PAGES), *moved;

	set_word_at(va + TEST_PAGE * PAGE, 0x1111);
	ok(mremap(va, RAM_PAGES * PAGE, (RAM_PAGES + 1) * PAGE, MREMAP_MAYMOVE) == MAP_FAILED,
	   "it does not grow");
	moved = mremap(va, RAM_PAGES * PAGE, RAM_PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       moved_to);
	must(moved == moved_to);
	ok(word_at(moved + TEST_PAGE * PAGE) == 0x1111, "moved: what was mapped");
	guest_run(&w->server, 0, WRITE_PAGE(1024, 0x2222), 1);
	ok(word_at(moved + 1024 * PAGE) == 0x2222, "moved: what was not");
	munmap(moved, RAM_PAGES * PAGE);
}

/* A mapping of three parts: whatever is touched first, each shows its own pages. */
static void test_split(struct world *w, int fd)
{
	char *va = memory_map(fd, RAM_PAGES);
	bool right;

	must(!munmap(va + (TEST_PAGE + 1) * PAGE, PAGE));
	must(!mprotect(va + (TEST_PAGE + 3) * PAGE, PAGE, PROT_READ));
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE, 0x3330), 1);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE + 2, 0x3332), 1);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE + 3, 0x3333), 1);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE + 4, 0x3334), 1);
	right = word_at(va + (TEST_PAGE + 4) * PAGE) == 0x3334;
	right &= word_at(va + TEST_PAGE * PAGE) == 0x3330;
	right &= word_at(va + (TEST_PAGE + 3) * PAGE) == 0x3333;
	right &= word_at(va + (TEST_PAGE + 2) * PAGE) == 0x3332;
	ok(right, "split: each part shows its pages");
	must(!forget_pages(w->server.privcmd, w->dom, TEST_PAGE, 5));
	right = word_at(va + TEST_PAGE * PAGE) == 0x3330;
	right &= word_at(va + (TEST_PAGE + 4) * PAGE) == 0x3334;
	ok(right, "split: and again after they were forgotten");
	munmap(va, RAM_PAGES * PAGE);
}

void test_memory_map(struct world *w)
{
	int fd = memory_new(w->server.privcmd, w->dom, 0, RAM_PAGES);
	char *va = memory_map(fd, RAM_PAGES);

	test_contents(w, va);
	test_holes(w);
	test_pinning(va + TEST_PAGE * PAGE);
	close(fd);
	ok(word_at(va + TEST_PAGE * PAGE) != 0, "the mapping outlives the descriptor");
	munmap(va, RAM_PAGES * PAGE);
	ok(!memory_info(w->server.privcmd).nr_files, "and the file ends with it");

	fd = memory_new(w->server.privcmd, w->dom, 0, RAM_PAGES);
	test_moved(w, fd);
	test_split(w, fd);
	close(fd);
}

/* How a child ends that does this with a mapping of its parent's, or, with none, of its own. */
static int child_status(int fd, char *va, uint32_t value)
{
	pid_t child = fork();
	int status;

	must(child >= 0);
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		if (!va)
			va = memory_map(fd, RAM_PAGES);
		set_word_at(va + TEST_PAGE * PAGE, value);
		_exit(word_at(va + TEST_PAGE * PAGE) == value ? 0 : 1);
	}
	must(waitpid(child, &status, 0) == child);
	return status;
}

void test_memory_processes(struct world *w)
{
	int fd = memory_new(w->server.privcmd, w->dom, 0, RAM_PAGES), status;
	char *va = memory_map(fd, RAM_PAGES);

	set_word_at(va + TEST_PAGE * PAGE, 1);
	status = child_status(fd, va, 2);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "fork: a child has no mapping");
	ok(word_at(va + TEST_PAGE * PAGE) == 1, "fork: its parent has");
	ok(child_status(fd, NULL, 3) == 0, "another process maps the file");
	ok(word_at(va + TEST_PAGE * PAGE) == 3, "and both see the same");
	ok(guest_run(&w->server, 0, READ_PAGE(TEST_PAGE), 1) == 3, "as does the guest");
	munmap(va, RAM_PAGES * PAGE);
	close(fd);
}
