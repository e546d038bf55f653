/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 2 MiB of a guest's memory in our physmap: what privcmd-memory.c keeps them in.
 *
 * A guest's frame takes the place of an unpopulated page of ours, and is referenced
 * by that. Only hypercalls here: whose page tables have the page is the caller's
 * business, and so is that nobody uses one that is unmapped. Not locked.
 */
#ifndef _PRIVCMD_MEMORY_CHUNK_H
#define _PRIVCMD_MEMORY_CHUNK_H

#include <linux/types.h>
#include <xen/interface/xen.h>

#define PRIVCMD_MEMORY_CHUNK_FRAMES	512U

struct page;

struct privcmd_memory_chunk {
	/* NULL: not asked for, or the guest has no memory there */
	struct page *pages[PRIVCMD_MEMORY_CHUNK_FRAMES];
};

/**
 * privcmd_memory_chunk_map() - map what is not mapped of some frames
 * @chunk: where to
 * @dom: the guest
 * @gfn: the frame that belongs to the chunk's first page
 * @first: the page to begin with
 * @nr: how many pages; at least so many were charged to the budget
 * @nr_mapped: out; how many of them are mapped now and were not
 *
 * Return: 0, also if nothing is there; -ENOMEM we have no memory for it, and some
 * may be mapped.
 */
int privcmd_memory_chunk_map(struct privcmd_memory_chunk *chunk, domid_t dom, xen_pfn_t gfn,
			     unsigned int first, unsigned int nr, unsigned int *nr_mapped);
/* The reverse. Return: how many pages were mapped; those are to be given to the budget. */
unsigned int privcmd_memory_chunk_unmap(struct privcmd_memory_chunk *chunk, unsigned int first,
					unsigned int nr);
bool privcmd_memory_chunk_is_empty(const struct privcmd_memory_chunk *chunk);

/**
 * privcmd_memory_probe() - has the guest memory at a frame?
 * @dom: the guest
 * @gfn: the frame
 * @scratch: an unpopulated page, for the moment it takes to see
 *
 * Return: whether it has.
 */
bool privcmd_memory_probe(domid_t dom, xen_pfn_t gfn, struct page *scratch);
/* Return: 0; -ESRCH there is none; -EPERM it is none of ours to know. */
int privcmd_memory_find_guest(domid_t dom);

#endif /* _PRIVCMD_MEMORY_CHUNK_H */
