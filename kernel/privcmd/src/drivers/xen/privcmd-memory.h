/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A range of one guest's memory that processes have mapped.
 *
 * The object has the frames, not the VMAs: any number of them, split or moved, may
 * show the same pages, and all lose them at once. A frame is mapped when it is
 * touched, 2 MiB at a time. What is no memory of the guest's is a page of ours, so
 * that no guest can have a process killed by what it does not have.
 *
 * Lock order: mmap_lock, then the list's lock (privcmd-memory-list.c), then the
 * object's, then the address space's. A fault that needs another object to let go
 * of something does not hold its own.
 */
#ifndef _PRIVCMD_MEMORY_H
#define _PRIVCMD_MEMORY_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>
#include <xen/interface/xen.h>

struct address_space;
struct privcmd_memories;
struct vm_fault;

struct privcmd_memory_object {
	/* In the list of all, and in that of the file it was made on. */
	struct list_head all;
	struct list_head owned;
	struct privcmd_memories *owner;

	domid_t dom;
	xen_pfn_t gfn;
	unsigned long nr_frames;
	struct address_space *mapping;
	struct page *hole;

	/* Written: what is mapped, and this. Read: that it stays so, while it is shown. */
	struct rw_semaphore lock;
	struct xarray chunks;
	bool ended;
	unsigned long evict_from;
	/* Written under the lock; looked at without it, to choose and to tell. */
	unsigned long nr_mapped;
	atomic_long_t nr_holes;
};

/* With no file, in no list. Return: an ERR_PTR if there is no memory. */
struct privcmd_memory_object *privcmd_memory_new(domid_t dom, xen_pfn_t gfn,
						 unsigned long nr_frames);
/* Nobody has it mapped. */
void privcmd_memory_free(struct privcmd_memory_object *mem);

/* For vm_operations_struct::fault; vmf->pgoff is a frame of the object's. */
vm_fault_t privcmd_memory_fault(struct privcmd_memory_object *mem, struct vm_fault *vmf);

/* No process has the frames any more, nor have we. Frames outside of the object are nothing. */
void privcmd_memory_forget(struct privcmd_memory_object *mem, xen_pfn_t gfn,
			   unsigned long nr_frames);
/* The same for all frames, and from now on there are none. */
void privcmd_memory_end(struct privcmd_memory_object *mem);
/* Let go of about 2 MiB. Return: how many frames. */
unsigned int privcmd_memory_evict(struct privcmd_memory_object *mem);
/* End it if its guest is gone. The page is for privcmd_memory_probe(). */
void privcmd_memory_look(struct privcmd_memory_object *mem, struct page *scratch);

#endif /* _PRIVCMD_MEMORY_H */
