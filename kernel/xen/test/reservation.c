// SPDX-License-Identifier: GPL-2.0-only
/*
 * reservation: what XENMEM_decrease_reservation and XENMEM_populate_physmap do to a guest's memory,
 * page by page.
 *
 * Makes a guest of its own without a running vcpu, releases and populates extents in it, and checks
 * after each call the count it returned, the guest's tot_pages, the host's free pages, which frames
 * are left and what is in them. The numbers are in the names of the results, so that the outputs of
 * two hypervisors can be compared as text. "--bench" prints nanoseconds a page instead; under
 * -icount that counts instructions.
 *
 * Speaks to Xen by raw hypercalls through privcmd: it needs Xen's public headers of the running
 * version to build and no library to run, so one static program serves any dom0. It knows nothing
 * about xenvirtio, and must not. Hypercalls and guest are in reservation-xen.c, lists of small
 * extents in reservation-lists.c, --bench in reservation-bench.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reservation.h"

static unsigned int nr_results;
static unsigned int nr_failed;

void result(bool good, const char *format, ...)
{
	va_list args;

	nr_results++;
	nr_failed += !good;
	va_start(args, format);
	printf("%sok %u - ", good ? "" : "not ", nr_results);
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static uint64_t stamp_of(unsigned long gfn, unsigned int word)
{
	return (gfn * 0x9e3779b97f4a7c15ull) ^ (word * 0xff51afd7ed558ccdull);
}

static void write_stamps(domid_t domid, unsigned long gfn, unsigned int nr)
{
	int errors[BLOCK_PAGES];
	uint64_t *at = map_frames(domid, gfn, nr, errors);
	unsigned int i, word;

	for (i = 0; i < nr; i++) {
		if (!at || errors[i])
			die("frame %#lx is not there: %d", gfn + i, errors[i]);
		for (word = 0; word < PAGE_WORDS; word += STAMP_STRIDE)
			at[i * PAGE_WORDS + word] = stamp_of(gfn + i, word);
	}
	unmap_frames(at, nr);
}

static bool page_is_stamped(const uint64_t *page, unsigned long gfn)
{
	unsigned int word;

	for (word = 0; word < PAGE_WORDS; word += STAMP_STRIDE) {
		if (page[word] != stamp_of(gfn, word))
			return false;
	}
	return true;
}

struct area_state *look(domid_t domid)
{
	static struct area_state state;
	int errors[BLOCK_PAGES];
	unsigned int block, i;

	memset(&state, 0, sizeof(state));
	for (block = 0; block < TEST_BLOCKS + 1; block++) {
		unsigned long gfn = BASE_GFN + block * BLOCK_PAGES;
		uint64_t *at = map_frames(domid, gfn, BLOCK_PAGES, errors);

		for (i = 0; i < BLOCK_PAGES; i++) {
			if (!at || errors[i])
				continue;
			state.is_present[block * BLOCK_PAGES + i] = true;
			state.present++;
			state.stamped += page_is_stamped(at + i * PAGE_WORDS, gfn + i);
		}
		unmap_frames(at, BLOCK_PAGES);
	}
	return &state;
}

void restore(domid_t domid)
{
	struct area_state *state = look(domid);
	unsigned int i, nr = 0;

	for (i = 0; i < TEST_PAGES + BLOCK_PAGES; i++) {
		if (state->is_present[i])
			call->extents[nr++] = BASE_GFN + i;
	}
	if (nr && memory_extents(XENMEM_decrease_reservation, domid, nr, 0) != nr)
		die("%u frames cannot be released", nr);
	for (i = 0; i < TEST_BLOCKS; i++) {
		unsigned long gfn = BASE_GFN + i * BLOCK_PAGES;

		if (populate_one(domid, gfn, BLOCK_ORDER) != 1)
			die("block %#lx cannot be populated", gfn);
		write_stamps(domid, gfn, BLOCK_PAGES);
	}
	if (tot_pages(domid) != TEST_PAGES)
		die("%lu pages after restoring %u", tot_pages(domid), TEST_PAGES);
}

/* A release and all that can be seen of it; gone is relative to the area's start. */
static void check_release(domid_t domid, const char *name, unsigned int nr, unsigned int order,
			  long want_done, unsigned long want_freed, unsigned int want_hole_start,
			  unsigned int want_holes)
{
	unsigned long tot_before = tot_pages(domid), free_before = host_free_pages(), freed, heap;
	struct area_state *before = look(domid);
	unsigned int present_before = before->present, i, holes = 0;
	struct area_state *after;
	long done;

	free_before = host_free_pages();
	done = memory_extents(XENMEM_decrease_reservation, domid, nr, order);
	heap = host_free_pages() - free_before;
	freed = tot_before - tot_pages(domid);
	after = look(domid);
	for (i = want_hole_start; i < want_hole_start + want_holes; i++)
		holes += !after->is_present[i];
	result(done == want_done && freed == want_freed && heap == want_freed &&
		       holes == want_holes && after->present == after->stamped &&
		       present_before - after->present <= want_holes,
	       "%s: %ld of %u extents of order %u done, tot_pages %+ld, host's free pages %+ld, "
	       "frames %+d, "
	       "%u of %u left untouched",
	       name, done, nr, order, -(long)freed, (long)heap,
	       (int)(after->present - present_before), after->stamped, after->present);
}

static void case_orders(domid_t domid)
{
	unsigned int order;
	char name[80];

	for (order = 0; order <= BLOCK_ORDER; order++) {
		unsigned int first = 3 * BLOCK_PAGES, last = 5 * BLOCK_PAGES - (1u << order);
		long done;

		restore(domid);
		snprintf(name, sizeof(name), "order %u, start of a block", order);
		call->extents[0] = BASE_GFN + first;
		check_release(domid, name, 1, order, 1, 1u << order, first, 1u << order);
		snprintf(name, sizeof(name), "order %u, end of a block", order);
		call->extents[0] = BASE_GFN + last;
		check_release(domid, name, 1, order, 1, 1u << order, last, 1u << order);
		call->extents[0] = BASE_GFN + first;
		call->extents[1] = BASE_GFN + last;
		done = memory_extents(XENMEM_populate_physmap, domid, 2, order);
		result(done == 2 && tot_pages(domid) == TEST_PAGES &&
			       look(domid)->present == TEST_PAGES,
		       "order %u, populated again: %ld extents, tot_pages %lu", order, done,
		       tot_pages(domid));
	}
}

static void case_holes(domid_t domid)
{
	static const unsigned int holes[] = {0, 1, 255, 511};
	const unsigned int at = 7 * BLOCK_PAGES;
	unsigned int i;
	char name[80];

	for (i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		restore(domid);
		if (release_one(domid, BASE_GFN + at + holes[i], 0) != 1)
			die("no hole at %u", holes[i]);
		snprintf(name, sizeof(name), "hole at %u of a block", holes[i]);
		call->extents[0] = BASE_GFN + at;
		check_release(domid, name, 1, BLOCK_ORDER, 0, holes[i], at, holes[i]);
		call->extents[0] = BASE_GFN + at;
		snprintf(name, sizeof(name), "hole at %u of a block, again", holes[i]);
		check_release(domid, name, 1, BLOCK_ORDER, 0, 0, at, holes[i]);
	}
}

/* A frame somebody else holds stays the guest's until it is let go, and nobody gets it meanwhile.
 */
static void case_held(domid_t domid)
{
	static const struct {
		unsigned int first, nr;
	} held[] = {{0, 1}, {1, 1}, {255, 1}, {511, 1}, {100, 200}, {0, 512}};
	const unsigned int at = 6 * BLOCK_PAGES;
	int errors[BLOCK_PAGES];
	unsigned int i, n;
	char name[80];

	for (i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		unsigned long gfn = BASE_GFN + at + held[i].first, tot;
		unsigned int intact = 0;
		uint64_t *map;
		long done;

		restore(domid);
		map = map_frames(domid, gfn, held[i].nr, errors);
		if (!map)
			die("frame %#lx cannot be mapped: %d", gfn, errors[0]);
		snprintf(name, sizeof(name), "%u frames mapped from %u", held[i].nr, held[i].first);
		call->extents[0] = BASE_GFN + at;
		check_release(domid, name, 1, BLOCK_ORDER, 1, BLOCK_PAGES - held[i].nr, at,
			      BLOCK_PAGES);
		done = populate_one(domid, BASE_GFN + at, BLOCK_ORDER);
		tot = tot_pages(domid);
		write_stamps(domid, BASE_GFN + at, BLOCK_PAGES);
		for (n = 0; n < held[i].nr; n++)
			map[n * PAGE_WORDS] ^= ~0ull;
		n = look(domid)->stamped;
		for (unsigned int j = 0; j < held[i].nr; j++) {
			map[j * PAGE_WORDS] ^= ~0ull;
			intact += page_is_stamped(map + j * PAGE_WORDS, gfn + j);
		}
		result(done == 1 && tot == TEST_PAGES + held[i].nr && intact == held[i].nr &&
			       n == TEST_PAGES,
		       "%s: not given out again (tot_pages %lu, %u held ones intact, %u of the "
		       "new)",
		       name, tot, intact, n);
		unmap_frames(map, held[i].nr);
		result(tot_pages(domid) == TEST_PAGES, "%s: freed when unmapped (tot_pages %lu)",
		       name, tot_pages(domid));
	}
}

static void case_unaligned(domid_t domid)
{
	static const struct {
		unsigned int offset, order;
	} extents[] = {{1, 9},	 {255, 9}, {511, 9}, {256, 9}, {3, 5},
		       {509, 2}, {130, 8}, {0, 10},  {77, 10}};
	unsigned int i;
	char name[80];

	for (i = 0; i < sizeof(extents) / sizeof(extents[0]); i++) {
		unsigned int at = 9 * BLOCK_PAGES + extents[i].offset, nr = 1u << extents[i].order;

		restore(domid);
		snprintf(name, sizeof(name), "order %u at %u of a block", extents[i].order,
			 extents[i].offset);
		call->extents[0] = BASE_GFN + at;
		check_release(domid, name, 1, extents[i].order, 1, nr, at, nr);
		call->extents[0] = BASE_GFN + at;
		snprintf(name, sizeof(name), "order %u at %u of a block, again", extents[i].order,
			 extents[i].offset);
		check_release(domid, name, 1, extents[i].order, 0, 0, at, nr);
	}
	restore(domid);
	if (release_one(domid, BASE_GFN + 10 * BLOCK_PAGES + 4, 0) != 1)
		die("no hole");
	call->extents[0] = BASE_GFN + 9 * BLOCK_PAGES;
	check_release(domid, "order 10, hole in its second block", 1, 10, 0, BLOCK_PAGES + 4,
		      9 * BLOCK_PAGES, BLOCK_PAGES + 4);
}

static void case_ends(domid_t domid)
{
	static const unsigned long outside[] = {BASE_GFN + TEST_PAGES,
						0,
						0x3fffful,
						(1ul << 28) - 512,
						1ul << 40,
						1ul << 52,
						~0ul,
						~511ul};
	unsigned int i;
	char name[80];

	restore(domid);
	call->extents[0] = BASE_GFN + TEST_PAGES - 256;
	check_release(domid, "across the end of RAM", 1, BLOCK_ORDER, 0, 256, TEST_PAGES - 256,
		      256);
	restore(domid);
	call->extents[0] = BASE_GFN - 256;
	check_release(domid, "across the start of RAM", 1, BLOCK_ORDER, 0, 0, 0, 0);
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		snprintf(name, sizeof(name), "outside of RAM, %#lx", outside[i]);
		call->extents[0] = outside[i];
		check_release(domid, name, 1, BLOCK_ORDER, 0, 0, 0, 0);
	}
	call->extents[0] = BASE_GFN;
	check_release(domid, "an order nobody may use", 1, 30, 0, 0, 0, 0);
}

/* Frames in a block that are not in a row, or only some of them. */
static void case_scattered(domid_t domid)
{
	const unsigned int at = 4 * BLOCK_PAGES;
	unsigned int i;

	restore(domid);
	call->extents[0] = BASE_GFN + at;
	check_release(domid, "whole block", 1, BLOCK_ORDER, 1, BLOCK_PAGES, at, BLOCK_PAGES);
	for (i = 0; i < BLOCK_PAGES; i++)
		call->extents[i] = BASE_GFN + at + (i * 37u) % BLOCK_PAGES;
	result(memory_extents(XENMEM_populate_physmap, domid, BLOCK_PAGES, 0) == BLOCK_PAGES,
	       "populated in pages, out of order");
	write_stamps(domid, BASE_GFN + at, BLOCK_PAGES);
	call->extents[0] = BASE_GFN + at;
	check_release(domid, "block of scattered frames", 1, BLOCK_ORDER, 1, BLOCK_PAGES, at,
		      BLOCK_PAGES);
	for (i = 0; i < BLOCK_PAGES; i++)
		call->extents[i] = BASE_GFN + at + i;
	memory_extents(XENMEM_populate_physmap, domid, BLOCK_PAGES, 0);
	write_stamps(domid, BASE_GFN + at, BLOCK_PAGES);
	call->extents[0] = BASE_GFN + at;
	check_release(domid, "block of pages in order", 1, BLOCK_ORDER, 1, BLOCK_PAGES, at,
		      BLOCK_PAGES);
	populate_one(domid, BASE_GFN + at + 256, 8);
	for (i = 0; i < 256; i++)
		call->extents[i] = BASE_GFN + at + 255 - i;
	memory_extents(XENMEM_populate_physmap, domid, 256, 0);
	write_stamps(domid, BASE_GFN + at, BLOCK_PAGES);
	call->extents[0] = BASE_GFN + at;
	check_release(domid, "block half of pages", 1, BLOCK_ORDER, 1, BLOCK_PAGES, at,
		      BLOCK_PAGES);
	populate_one(domid, BASE_GFN + at, BLOCK_ORDER);
	release_one(domid, BASE_GFN + at + 200, 0);
	populate_one(domid, BASE_GFN + at + 200, 0);
	write_stamps(domid, BASE_GFN + at, BLOCK_PAGES);
	call->extents[0] = BASE_GFN + at;
	check_release(domid, "block with one frame from elsewhere", 1, BLOCK_ORDER, 1, BLOCK_PAGES,
		      at, BLOCK_PAGES);
}

static void case_lists(domid_t domid)
{
	restore(domid);
	if (release_one(domid, BASE_GFN + 4 * BLOCK_PAGES + 77, 0) != 1)
		die("no hole");
	call->extents[0] = BASE_GFN + 2 * BLOCK_PAGES;
	call->extents[1] = BASE_GFN + 3 * BLOCK_PAGES;
	call->extents[2] = BASE_GFN + 4 * BLOCK_PAGES;
	call->extents[3] = BASE_GFN + 5 * BLOCK_PAGES;
	check_release(domid, "list whose third extent has a hole", 4, BLOCK_ORDER, 2,
		      2 * BLOCK_PAGES + 77, 2 * BLOCK_PAGES, 2 * BLOCK_PAGES + 77);
	restore(domid);
	call->extents[0] = BASE_GFN + 2 * BLOCK_PAGES;
	call->extents[1] = BASE_GFN + 2 * BLOCK_PAGES;
	check_release(domid, "list naming a block twice", 2, BLOCK_ORDER, 1, BLOCK_PAGES,
		      2 * BLOCK_PAGES, BLOCK_PAGES);
	restore(domid);
	call->extents[0] = BASE_GFN + 2 * BLOCK_PAGES;
	call->extents[1] = BASE_GFN + 2 * BLOCK_PAGES + 256;
	check_release(domid, "list of blocks that overlap", 2, BLOCK_ORDER, 1, BLOCK_PAGES,
		      2 * BLOCK_PAGES, BLOCK_PAGES);
}

/* Another guest's frame in the middle of a block: not ours to release. */
static void case_foreign(domid_t domid)
{
	struct xen_add_to_physmap_batch *batch = &call->u.physmap_batch;
	const unsigned int at = 8 * BLOCK_PAGES;
	domid_t other = domain_new(64);
	unsigned long freed;
	long done;

	restore(domid);
	if (populate_one(other, BASE_GFN, 0) != 1 || release_one(domid, BASE_GFN + at + 99, 0) != 1)
		die("no page for the foreign mapping");
	((struct xen_domctl_set_target *)domctl_clear())->target = other;
	domctl_must("set_target", XEN_DOMCTL_set_target, domid);
	call->idx = BASE_GFN;
	call->gfn = BASE_GFN + at + 99;
	call->error = 0;
	memset(batch, 0, sizeof(*batch));
	batch->domid = domid;
	batch->space = XENMAPSPACE_gmfn_foreign;
	batch->size = 1;
	batch->u.foreign_domid = other;
	set_xen_guest_handle(batch->idxs, &call->idx);
	set_xen_guest_handle(batch->gpfns, &call->gfn);
	set_xen_guest_handle(batch->errs, &call->error);
	done = hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, batch);
	if (done || call->error) {
		result(true, "foreign frame # SKIP this Xen maps none into such a guest: %ld, %d",
		       done, call->error);
	} else {
		freed = tot_pages(domid);
		done = release_one(domid, BASE_GFN + at, BLOCK_ORDER);
		freed -= tot_pages(domid);
		result(done == 0 && freed == 99 && tot_pages(other) == 1 &&
			       !release_one(domid, BASE_GFN + at + 99, 0),
		       "foreign frame at 99 of a block: %ld done, tot_pages %+ld, the owner's %lu",
		       done, -(long)freed, tot_pages(other));
		call->u.physmap_remove = (struct xen_remove_from_physmap){
			.domid = domid, .gpfn = BASE_GFN + at + 99};
		done = hypercall(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap,
				 &call->u.physmap_remove);
		if (done)
			die("the foreign frame cannot be removed: %s", strerror(-done));
	}
	domain_free(other);
}

/*
 * A page of the hypervisor's own in the middle of a block. What becomes of it is for comparing
 * versions, not judged, and what was there before it is lost until the guest ends: the last case.
 */
static void case_shared_info(domid_t domid)
{
	const unsigned int at = 11 * BLOCK_PAGES;
	unsigned long freed;
	long done;

	restore(domid);
	memset(&call->u.physmap, 0, sizeof(call->u.physmap));
	call->u.physmap.domid = domid;
	call->u.physmap.space = XENMAPSPACE_shared_info;
	call->u.physmap.gpfn = BASE_GFN + at + 300;
	done = hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &call->u.physmap);
	if (done)
		die("shared info cannot be mapped: %s", strerror(-done));
	freed = tot_pages(domid);
	done = release_one(domid, BASE_GFN + at, BLOCK_ORDER);
	freed -= tot_pages(domid);
	result(freed >= 300,
	       "shared info at 300 of a block: %ld done, tot_pages %+ld, %u frames left", done,
	       -(long)freed, look(domid)->present);
}

int main(int argc, char **argv)
{
	static void (*const cases[])(domid_t) = {case_orders,	 case_holes,   case_held,
						 case_unaligned, case_ends,    case_scattered,
						 case_lists,	 case_small_extents, case_foreign, case_shared_info};
	unsigned int i;
	domid_t domid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--bench"))) {
		fprintf(stderr, "usage: reservation [--bench]\n");
		return 2;
	}
	open_xen();
	if (argc == 2) {
		bench(false);
		bench(true);
		return 0;
	}
	domid = domain_new(TEST_PAGES + 2 * BLOCK_PAGES);
	for (i = 0; i < TEST_BLOCKS; i++) {
		if (populate_one(domid, BASE_GFN + i * BLOCK_PAGES, BLOCK_ORDER) != 1)
			die("no memory for the guest");
	}
	domain_start_and_pause(domid);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cases[i](domid);
	domain_free(domid);
	printf("1..%u\n", nr_results);
	return nr_failed != 0;
}
