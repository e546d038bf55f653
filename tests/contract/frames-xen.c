// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frame by frame, what a balloon's state file says beside what Xen says: a witness that uses no
 * code of the daemon.
 *
 *   frames-xen DOMID STATE-FILE            for each frame of the file's RAM ranges: mapped, and so
 * in the guest's page tables? frames-xen DOMID hold GFN NR SECONDS   keep a mapping of frames, as
 * QEMU's cache or a dump does
 *
 * Prints "frames N holes N ballooned N differ N journal N": of those that differ, as many as
 * "journal" are in the one call that a dead process may have left behind. Exit status: 0 no others
 * differ; 1 some do, the first are shown; 2 it could not look.
 *
 * Must not be used on a guest populated on demand: to map such a frame is to populate it.
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenforeignmemory.h>

#include "backend/devices/balloon/balloon-internal.h"

#define BATCH 1024
#define SHOWN 10
#define RANGES_MASK 0xffu /* flags are above */

/** the start of a state file; see backend/base/state-file.c */
struct file_start {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint32_t device_bytes;
};

struct count {
	uint64_t frames, holes, ballooned, differ, journal;
};

static bool in_journal(const struct reservation_journal *journal, uint64_t gfn)
{
	if (journal->op == RESERVATION_IDLE)
		return false;
	for (uint32_t i = 0; i < journal->nr; i++) {
		if (gfn - journal->start_gfn[i] < UINT64_C(1) << journal->order)
			return true;
	}
	return false;
}

static void compare(struct count *c, const struct balloon_persist *persist, uint64_t gfn, bool hole)
{
	bool set = persist->word[c->frames / 64] >> (c->frames % 64) & 1;

	c->frames++;
	c->holes += hole;
	c->ballooned += set;
	if (hole == set)
		return;
	c->differ++;
	if (in_journal(&persist->journal, gfn))
		c->journal++;
	else if (c->differ - c->journal <= SHOWN)
		printf("gfn %#" PRIx64 ": %s, and the file has it as %s\n", gfn,
		       hole ? "a hole" : "mapped", set ? "ballooned" : "the guest's");
}

static bool look_at_batch(xenforeignmemory_handle *fmem, uint32_t domid, uint64_t gfn, size_t nr,
			  const struct balloon_persist *persist, struct count *c)
{
	xen_pfn_t list[BATCH];
	int err[BATCH] = { 0 };
	void *at;

	for (size_t i = 0; i < nr; i++)
		list[i] = gfn + i;
	at = xenforeignmemory_map(fmem, domid, PROT_READ, nr, list, err);
	if (!at) {
		perror("xenforeignmemory_map");
		return false;
	}
	for (size_t i = 0; i < nr; i++)
		compare(c, persist, gfn + i, err[i] != 0);
	return !xenforeignmemory_unmap(fmem, at, nr);
}

static const struct balloon_persist *open_file(const char *path)
{
	const struct file_start *start;
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *at;

	if (fd < 0 || fstat(fd, &st) || (size_t)st.st_size < sizeof(*start))
		return NULL;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return NULL;
	start = (const struct file_start *)at;
	at += ((start->header_bytes + 7u) & ~7u) + ((start->device_bytes + 7u) & ~7u);
	return (const struct balloon_persist *)at;
}

static int look(xenforeignmemory_handle *fmem, uint32_t domid, const char *path)
{
	const struct balloon_persist *persist = open_file(path);
	struct count c = {0};

	if (!persist) {
		perror(path);
		return 2;
	}
	for (uint32_t i = 0; i < (persist->nr_ranges & RANGES_MASK); i++) {
		uint64_t gfn = persist->range[i].start.v, end = persist->range[i].end_incl.v + 1;

		while (gfn < end) {
			size_t nr = end - gfn < BATCH ? (size_t)(end - gfn) : BATCH;

			if (!look_at_batch(fmem, domid, gfn, nr, persist, &c))
				return 2;
			gfn += nr;
		}
	}
	printf("frames %" PRIu64 " holes %" PRIu64 " ballooned %" PRIu64 " differ %" PRIu64
	       " journal %" PRIu64 "\n",
	       c.frames, c.holes, c.ballooned, c.differ, c.journal);
	return c.frames && c.differ == c.journal ? 0 : 1;
}

static int hold(xenforeignmemory_handle *fmem, uint32_t domid, uint64_t gfn, size_t nr)
{
	xen_pfn_t list[BATCH];
	int err[BATCH];

	if (nr > BATCH)
		return 2;
	for (size_t i = 0; i < nr; i++)
		list[i] = gfn + i;
	if (!xenforeignmemory_map(fmem, domid, PROT_READ, nr, list, err)) {
		perror("xenforeignmemory_map");
		return 2;
	}
	while (getchar() != EOF)
		;
	return 0;
}

int main(int argc, char **argv)
{
	xenforeignmemory_handle *fmem = xenforeignmemory_open(NULL, 0);

	if (!fmem) {
		perror("xenforeignmemory_open");
		return 2;
	}
	if (argc == 3)
		return look(fmem, (uint32_t)atoi(argv[1]), argv[2]);
	if (argc == 5 && !strcmp(argv[2], "hold"))
		return hold(fmem, (uint32_t)atoi(argv[1]), strtoull(argv[3], NULL, 0),
			    strtoul(argv[4], NULL, 0));
	fprintf(stderr, "usage: frames-xen DOMID STATE-FILE | DOMID hold GFN NR\n");
	return 2;
}
