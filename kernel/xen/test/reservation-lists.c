// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of small extents from anywhere in the guest, as a fragmented one returns its memory.
 *
 * Invariant: whatever is in the list, the extents before the first that cannot be released are
 * gone, of that one the pages before the first that is not there, and nothing else; the count
 * says so.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "reservation.h"

static bool want_gone[TEST_PAGES];

static unsigned int pick(uint64_t *seed, unsigned int limit)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((*seed >> 33) % limit);
}

/* Different extents of the area, aligned, in no order, as the calls' list. */
static void scatter(unsigned int nr, unsigned int order, uint64_t seed)
{
	static bool taken[TEST_PAGES];
	unsigned int i, at;

	memset(taken, 0, sizeof(taken));
	for (i = 0; i < nr; i++) {
		do
			at = pick(&seed, TEST_PAGES >> order);
		while (taken[at]);
		taken[at] = true;
		call->extents[i] = BASE_GFN + (at << order);
	}
}

/* Note as gone the first extents, and of the next one some pages. Returns how many they are. */
static unsigned int expect(unsigned int done, unsigned int part, unsigned int order)
{
	unsigned int i, pages = (done << order) + part;

	for (i = 0; i < pages; i++)
		want_gone[call->extents[i >> order] - BASE_GFN + i % (1u << order)] = true;
	return pages;
}

/* The list, of which so much is to be done; @held of the pages are not freed: dom0 has them. */
static void check_list(domid_t domid, const char *name, unsigned int nr, unsigned int order,
		       unsigned int want_done, unsigned int want_part, unsigned int held)
{
	unsigned long tot = tot_pages(domid), heap = host_free_pages(), freed;
	unsigned int pages = expect(want_done, want_part, order), i, wrong = 0;
	struct area_state *state;
	long done;

	done = memory_extents(XENMEM_decrease_reservation, domid, nr, order);
	heap = host_free_pages() - heap;
	freed = tot - tot_pages(domid);
	state = look(domid);
	for (i = 0; i < TEST_PAGES; i++)
		wrong += state->is_present[i] == want_gone[i];
	result(done == want_done && freed == pages - held && heap == freed && !wrong &&
		       state->present == state->stamped,
	       "%s: %ld of %u extents of order %u done, tot_pages %+ld, host's free pages %+ld, "
	       "%u frames other than they should be, %u of %u left untouched",
	       name, done, nr, order, -(long)freed, (long)heap, wrong, state->stamped,
	       state->present);
}

static void begin(domid_t domid)
{
	restore(domid);
	memset(want_gone, 0, sizeof(want_gone));
}

static void whole_lists(domid_t domid)
{
	static const unsigned int nr[] = {2, 63, 64, 65, 129, 1000};
	unsigned int i, order;

	begin(domid);
	for (i = 0; i < 256; i++)
		call->extents[i] = BASE_GFN + 3 * BLOCK_PAGES + 2 * i + 1;
	check_list(domid, "every other page of a block", 256, 0, 256, 0, 0);
	for (i = 0; i < 256; i++)
		call->extents[i] = BASE_GFN + 4 * BLOCK_PAGES - 2 - 2 * i;
	check_list(domid, "the others, from the end", 256, 0, 256, 0, 0);
	for (i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		begin(domid);
		scatter(nr[i], 0, nr[i]);
		check_list(domid, "scattered pages", nr[i], 0, nr[i], 0, 0);
	}
	for (order = 1; order < 8; order++) {
		begin(domid);
		scatter(40, order, order);
		check_list(domid, "scattered extents", 40, order, 40, 0, 0);
	}
	/* Not aligned, so that some have pages of two blocks. */
	begin(domid);
	for (i = 0; i < 10; i++)
		call->extents[i] = BASE_GFN + (i + 1) * BLOCK_PAGES - 3;
	check_list(domid, "extents across blocks", 10, 3, 10, 0, 0);
}

static void lists_that_stop(domid_t domid)
{
	static const unsigned int stops[] = {0, 1, 62, 63, 64, 65, 100};
	static const unsigned long bad[] = {~0ul, 0, 1ul << 40, (1ul << 52) + BASE_GFN + 5};
	unsigned int i, order;
	char name[80];

	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		begin(domid);
		scatter(130, 0, 7 + i);
		want_gone[call->extents[stops[i]] - BASE_GFN] = true;
		call->extents[130] = call->extents[0];
		call->extents[0] = call->extents[stops[i]];
		if (memory_extents(XENMEM_decrease_reservation, domid, 1, 0) != 1)
			die("no hole");
		call->extents[0] = stops[i] ? call->extents[130] : call->extents[0];
		snprintf(name, sizeof(name), "number %u is a hole", stops[i]);
		check_list(domid, name, 130, 0, stops[i], 0, 0);
	}
	for (i = 1; i < sizeof(stops) / sizeof(stops[0]); i++) {
		begin(domid);
		scatter(130, 0, 17 + i);
		call->extents[stops[i]] = call->extents[stops[i] / 2];
		snprintf(name, sizeof(name), "number %u is number %u", stops[i], stops[i] / 2);
		check_list(domid, name, 130, 0, stops[i], 0, 0);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(domid);
		scatter(130, 0, 27 + i);
		call->extents[40] = bad[i];
		snprintf(name, sizeof(name), "number 40 is %#lx", bad[i]);
		check_list(domid, name, 130, 0, 40, 0, 0);
	}
	/* The last page of number 21 is the first of number 3: all but it goes. */
	for (order = 1; order < 7; order++) {
		begin(domid);
		for (i = 0; i < 40; i++)
			call->extents[i] = BASE_GFN + 9 * BLOCK_PAGES + ((unsigned long)i << order);
		call->extents[3] = BASE_GFN + 5 * BLOCK_PAGES;
		call->extents[21] = BASE_GFN + 5 * BLOCK_PAGES - (1u << order) + 1;
		check_list(domid, "number 21 ends in number 3", 40, order, 21, (1u << order) - 1,
			   0);
	}
}

/* Frames that dom0 has mapped leave the guest with the others, and are freed when it lets go. */
static void held_pages(domid_t domid)
{
	int errors[3];
	uint64_t *map;

	begin(domid);
	for (unsigned int i = 0; i < 130; i++)
		call->extents[i] = BASE_GFN + 3 * i;
	call->extents[60] = BASE_GFN + 15 * BLOCK_PAGES + 100;
	call->extents[63] = BASE_GFN + 15 * BLOCK_PAGES + 101;
	call->extents[64] = BASE_GFN + 15 * BLOCK_PAGES + 102;
	map = map_frames(domid, BASE_GFN + 15 * BLOCK_PAGES + 100, 3, errors);
	if (!map)
		die("frames cannot be mapped: %d", errors[0]);
	check_list(domid, "three of them mapped", 130, 0, 130, 0, 3);
	unmap_frames(map, 3);
	result(tot_pages(domid) == TEST_PAGES - 130, "freed when unmapped (tot_pages %lu)",
	       tot_pages(domid));
}

/* A list whose end cannot be read: what can be is done. */
static void unreadable_list(domid_t domid)
{
	struct xen_memory_reservation *r = &call->u.reservation;
	const unsigned int nr = 40;
	unsigned long tot;
	xen_pfn_t *list;
	unsigned char *pages;
	long done;

	begin(domid);
	scatter(nr, 0, 57);
	pages = mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (pages == MAP_FAILED || munmap(pages + PAGE_BYTES, PAGE_BYTES) ||
	    mlock(pages, PAGE_BYTES))
		die("no memory for a list");
	list = (xen_pfn_t *)(pages + PAGE_BYTES) - nr;
	memcpy(list, call->extents, nr * sizeof(*list));
	tot = tot_pages(domid);
	memset(r, 0, sizeof(*r));
	set_xen_guest_handle(r->extent_start, list);
	r->nr_extents = nr + 60;
	r->domid = domid;
	done = hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, r);
	result(done == nr && tot - tot_pages(domid) == nr,
	       "list of which %u can be read: %ld done, tot_pages %+ld", nr, done,
	       (long)(tot_pages(domid) - tot));
	munmap(pages, PAGE_BYTES);
}

void case_small_extents(domid_t domid)
{
	whole_lists(domid);
	lists_that_stop(domid);
	held_pages(domid);
	unreadable_list(domid);
}
