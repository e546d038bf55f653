// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of a guest's memory is mapped, and letting go of it: see privcmd-memory.h.
 *
 * A page is shown while the lock is held for reading, and taken from all page
 * tables before its frame is let go of, while it is held for writing: no entry
 * outlives the frame. vmf_insert_pfn() makes entries that nothing can pin.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <xen/page.h>

#include "privcmd-memory.h"
#include "privcmd-memory-budget.h"
#include "privcmd-memory-chunk.h"
#include "privcmd-memory-list.h"

/* What is looked for again beside a frame that was not there, in a chunk that is. */
#define RETRY_FRAMES	64U
/* How often room is made before a fault is given up. */
#define ROUNDS		64

struct privcmd_memory_object *privcmd_memory_new(domid_t dom, xen_pfn_t gfn,
						 unsigned long nr_frames)
{
	struct privcmd_memory_object *mem = kzalloc(sizeof(*mem), GFP_KERNEL_ACCOUNT);

	if (!mem)
		return ERR_PTR(-ENOMEM);
	/* There from the start: who touches a hole cannot be told that there is no memory. */
	mem->hole = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!mem->hole) {
		kfree(mem);
		return ERR_PTR(-ENOMEM);
	}

	INIT_LIST_HEAD(&mem->all);
	INIT_LIST_HEAD(&mem->owned);
	init_rwsem(&mem->lock);
	xa_init(&mem->chunks);
	atomic_long_set(&mem->nr_holes, 0);
	mem->dom = dom;
	mem->gfn = gfn;
	mem->nr_frames = nr_frames;

	return mem;
}

/* Pages @first to @last of what is mapped, which no page table has any more. */
static unsigned int drop(struct privcmd_memory_object *mem, unsigned long first,
			 unsigned long last)
{
	unsigned long index;
	unsigned int sum = 0;
	struct privcmd_memory_chunk *chunk;

	lockdep_assert_held_write(&mem->lock);
	xa_for_each_range(&mem->chunks, index, chunk, first / PRIVCMD_MEMORY_CHUNK_FRAMES,
			  last / PRIVCMD_MEMORY_CHUNK_FRAMES) {
		unsigned long start = index * PRIVCMD_MEMORY_CHUNK_FRAMES;
		unsigned int from = first > start ? first - start : 0;
		unsigned int to = min(last - start, PRIVCMD_MEMORY_CHUNK_FRAMES - 1UL);
		unsigned int nr = privcmd_memory_chunk_unmap(chunk, from, to - from + 1);

		WRITE_ONCE(mem->nr_mapped, mem->nr_mapped - nr);
		privcmd_memory_budget_give(nr);
		sum += nr;
		if (privcmd_memory_chunk_is_empty(chunk)) {
			xa_erase(&mem->chunks, index);
			kfree(chunk);
		}
		cond_resched();
	}

	return sum;
}

/* Pages of ours that are shown there go as well. */
static unsigned int zap_and_drop(struct privcmd_memory_object *mem, unsigned long first,
				 unsigned long last)
{
	unmap_mapping_range(mem->mapping, (loff_t)first << PAGE_SHIFT,
			    (loff_t)(last - first + 1) << PAGE_SHIFT, 1);

	return drop(mem, first, last);
}

void privcmd_memory_free(struct privcmd_memory_object *mem)
{
	down_write(&mem->lock);
	drop(mem, 0, mem->nr_frames - 1);
	up_write(&mem->lock);
	xa_destroy(&mem->chunks);
	__free_page(mem->hole);
	kfree(mem);
}

void privcmd_memory_forget(struct privcmd_memory_object *mem, xen_pfn_t gfn,
			   unsigned long nr_frames)
{
	xen_pfn_t first = max_t(xen_pfn_t, gfn, mem->gfn);
	xen_pfn_t end = min_t(xen_pfn_t, gfn + nr_frames, mem->gfn + mem->nr_frames);

	if (first >= end)
		return;
	down_write(&mem->lock);
	/* A file of which nothing was touched costs nothing. */
	if (mem->nr_mapped || atomic_long_read(&mem->nr_holes))
		zap_and_drop(mem, first - mem->gfn, end - 1 - mem->gfn);
	up_write(&mem->lock);
}

static void end_locked(struct privcmd_memory_object *mem)
{
	mem->ended = true;
	zap_and_drop(mem, 0, mem->nr_frames - 1);
}

void privcmd_memory_end(struct privcmd_memory_object *mem)
{
	down_write(&mem->lock);
	end_locked(mem);
	up_write(&mem->lock);
}

unsigned int privcmd_memory_evict(struct privcmd_memory_object *mem)
{
	unsigned int nr = 0;
	unsigned long index;

	down_write(&mem->lock);
	index = mem->evict_from;
	if (!xa_find(&mem->chunks, &index, ULONG_MAX, XA_PRESENT)) {
		index = 0;
		if (!xa_find(&mem->chunks, &index, ULONG_MAX, XA_PRESENT))
			goto out;
	}
	mem->evict_from = index + 1;
	index *= PRIVCMD_MEMORY_CHUNK_FRAMES;
	nr = zap_and_drop(mem, index,
			  min(index + PRIVCMD_MEMORY_CHUNK_FRAMES, mem->nr_frames) - 1);
out:
	up_write(&mem->lock);

	return nr;
}

/* The first page of the chunk's whose frame the guest still has; behind its end: none. */
static unsigned int find_alive(struct privcmd_memory_object *mem, unsigned long index,
			       const struct privcmd_memory_chunk *chunk, struct page *scratch)
{
	xen_pfn_t gfn = mem->gfn + index * PRIVCMD_MEMORY_CHUNK_FRAMES;
	unsigned int i;

	for (i = 0; i < PRIVCMD_MEMORY_CHUNK_FRAMES; i++)
		if (chunk->pages[i] && privcmd_memory_probe(mem->dom, gfn + i, scratch))
			break;

	return i;
}

/*
 * Nothing says that a guest is dead, and while we have one of its frames Xen keeps
 * it. A dead one has no frames where it had them, so all are let go of, and it is
 * gone the next time. One that is alive may have given away what is let go of.
 */
void privcmd_memory_look(struct privcmd_memory_object *mem, struct page *scratch)
{
	struct privcmd_memory_chunk *chunk;
	unsigned long index;

	down_write(&mem->lock);
	if (mem->ended)
		goto out;
	xa_for_each(&mem->chunks, index, chunk) {
		unsigned int alive = find_alive(mem, index, chunk, scratch);
		unsigned long first = index * PRIVCMD_MEMORY_CHUNK_FRAMES;

		if (alive)
			zap_and_drop(mem, first, min(first + alive, mem->nr_frames) - 1);
		if (alive < PRIVCMD_MEMORY_CHUNK_FRAMES)
			goto out;
		cond_resched();
	}
	if (privcmd_memory_find_guest(mem->dom) == -ESRCH)
		end_locked(mem);
out:
	up_write(&mem->lock);
}

static vm_fault_t show(struct vm_fault *vmf, unsigned long frame, struct page *page)
{
	struct vm_area_struct *vma = vmf->vma;

	return vmf_insert_pfn(vma, vma->vm_start + ((frame - vma->vm_pgoff) << PAGE_SHIFT),
			      page_to_pfn(page));
}

/* What is mapped, and of its neighbours what the VMA has. Return: 0 it is not mapped. */
static vm_fault_t show_mapped(struct privcmd_memory_object *mem, struct vm_fault *vmf)
{
	unsigned long index = vmf->pgoff / PRIVCMD_MEMORY_CHUNK_FRAMES;
	unsigned long start = index * PRIVCMD_MEMORY_CHUNK_FRAMES;
	struct privcmd_memory_chunk *chunk = xa_load(&mem->chunks, index);
	unsigned long frame, end;
	vm_fault_t ret;

	if (!chunk || !chunk->pages[vmf->pgoff - start])
		return 0;

	ret = show(vmf, vmf->pgoff, chunk->pages[vmf->pgoff - start]);
	if (ret & VM_FAULT_ERROR)
		return ret;

	frame = max(start, vmf->vma->vm_pgoff);
	end = min(start + PRIVCMD_MEMORY_CHUNK_FRAMES,
		  vmf->vma->vm_pgoff + vma_pages(vmf->vma));
	for (; frame < end; frame++)
		if (frame != vmf->pgoff && chunk->pages[frame - start] &&
		    (show(vmf, frame, chunk->pages[frame - start]) & VM_FAULT_ERROR))
			break;

	return ret;
}

/*
 * Ask Xen for a chunk, or again for a part of one. A whole one was charged; what is
 * not used of that is given back.
 */
static int fill(struct privcmd_memory_object *mem, unsigned long frame)
{
	unsigned long index = frame / PRIVCMD_MEMORY_CHUNK_FRAMES;
	unsigned long start = index * PRIVCMD_MEMORY_CHUNK_FRAMES;
	unsigned int first = 0, nr = PRIVCMD_MEMORY_CHUNK_FRAMES, nr_mapped = 0;
	struct privcmd_memory_chunk *chunk = xa_load(&mem->chunks, index);
	int rc = 0;

	if (mem->ended)
		goto out;
	if (chunk) {
		/* Another fault was first. */
		if (chunk->pages[frame - start])
			goto out;
		nr = RETRY_FRAMES;
		first = round_down((unsigned int)(frame - start), RETRY_FRAMES);
	} else {
		rc = -ENOMEM;
		chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
		if (!chunk)
			goto out;
		if (xa_err(xa_store(&mem->chunks, index, chunk, GFP_KERNEL_ACCOUNT))) {
			kfree(chunk);
			goto out;
		}
	}

	nr = min_t(unsigned long, nr, mem->nr_frames - start - first);
	rc = privcmd_memory_chunk_map(chunk, mem->dom, mem->gfn + start, first, nr, &nr_mapped);
	WRITE_ONCE(mem->nr_mapped, mem->nr_mapped + nr_mapped);
	if (privcmd_memory_chunk_is_empty(chunk)) {
		xa_erase(&mem->chunks, index);
		kfree(chunk);
	}
out:
	privcmd_memory_budget_give(PRIVCMD_MEMORY_CHUNK_FRAMES - nr_mapped);

	return rc;
}

vm_fault_t privcmd_memory_fault(struct privcmd_memory_object *mem, struct vm_fault *vmf)
{
	unsigned int round;
	vm_fault_t ret;
	int rc = 0;

	if (vmf->pgoff >= mem->nr_frames)
		return VM_FAULT_SIGBUS;

	down_read(&mem->lock);
	ret = show_mapped(mem, vmf);
	up_read(&mem->lock);
	if (ret)
		return ret;

	for (round = 0; round < ROUNDS; round++) {
		if (!privcmd_memory_budget_take(PRIVCMD_MEMORY_CHUNK_FRAMES)) {
			/* Nothing to let go of: others are about to use it. They are soon done. */
			if (!privcmd_memories_evict())
				cond_resched();
			continue;
		}

		down_write(&mem->lock);
		rc = fill(mem, vmf->pgoff);
		downgrade_write(&mem->lock);
		ret = show_mapped(mem, vmf);
		if (!ret && !rc) {
			ret = show(vmf, vmf->pgoff, mem->hole);
			atomic_long_inc(&mem->nr_holes);
		}
		up_read(&mem->lock);
		if (ret)
			return ret;

		if (!privcmd_memories_evict())
			return VM_FAULT_SIGBUS;
	}

	/* It comes again, after a signal if there is one. */
	return rc ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}
