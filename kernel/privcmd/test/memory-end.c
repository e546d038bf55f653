// SPDX-License-Identifier: GPL-2.0-only
/*
 * `memory`: mappings that outlive the file they come from, and their guest.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

/* The front-end is gone, its backend has the mapping and the descriptor. */
static void test_maker_closed(struct world *w)
{
	int maker = privcmd_open(), fd;
	char *va;

	must(maker >= 0);
	fd = memory_new(maker, w->dom, 0, RAM_PAGES);
	va = memory_map(fd, RAM_PAGES);
	guest_run(&w->server, 0, WRITE_PAGE(TEST_PAGE, 0x1234), 1);
	ok(word_at(va + TEST_PAGE * PAGE) == 0x1234, "its maker is there");
	close(maker);
	ok(word_at(va + TEST_PAGE * PAGE) == 0,
	   "its maker is closed: what was mapped is not the guest's any more");
	ok(word_at(va + 1024 * PAGE) == 0, "nor what was not");
	set_word_at(va + TEST_PAGE * PAGE, 0x4321);
	ok(guest_run(&w->server, 0, READ_PAGE(TEST_PAGE), 1) == 0x1234,
	   "the guest does not see what is written there");
	ok(!memory_info(w->server.privcmd).nr_frames, "nothing is held");
	munmap(va, RAM_PAGES * PAGE);
	va = memory_map(fd, RAM_PAGES);
	ok(word_at(va + TEST_PAGE * PAGE) == 0x4321, "a new mapping has the kernel's page as well");
	munmap(va, RAM_PAGES * PAGE);
	close(fd);
}

void test_memory_end(struct world *w)
{
	int privcmd = w->server.privcmd, fd;
	int64_t end;
	char *va;

	test_maker_closed(w);

	fd = memory_new(privcmd, w->dom, 0, RAM_PAGES);
	va = memory_map(fd, RAM_PAGES);
	set_word_at(va + TEST_PAGE * PAGE, 0x7777);
	must(word_at(va + (RAM_PAGES - 1) * PAGE) + 1);
	ok(memory_info(privcmd).nr_frames == 2 * CHUNK_PAGES,
	   "4 MiB are mapped of a guest that dies");
	/* The server's page would keep the guest, too. */
	munmap(w->server.slots, PAGE);
	close(w->server.evtchn);
	must(system(w->destroy) == 0);
	/* A dead guest is asked for every other second. */
	end = now_ms() + 10000 * patience();
	while (guest_exists(privcmd, w->dom) && now_ms() < end)
		usleep(50000);
	ok(!guest_exists(privcmd, w->dom),
	   "and nothing keeps it, though a process has the mapping");
	ok(word_at(va + TEST_PAGE * PAGE) == 0, "which reads zeros");
	ok(word_at(va) == 0, "wherever it is touched");
	expect(memory_ioctl(privcmd, good_memory(w->dom)), ESRCH, "no more files of it");
	munmap(va, RAM_PAGES * PAGE);
	close(fd);
}
