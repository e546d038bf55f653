// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests' frames in our physmap, by the batch: see privcmd-memory-chunk.h.
 *
 * Xen adds many frames with one call, and says of each what came of it. It has no
 * such call for taking them out, and none of both for what is larger than 4 KiB.
 */
#define pr_fmt(fmt) "xen:" KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/hypervisor.h>
#include <xen/balloon.h>
#include <xen/interface/memory.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "privcmd-memory-budget.h"
#include "privcmd-memory-chunk.h"

/* Of Xen's public/memory.h; what it takes is a domid_t. */
#define XENMEM_MAXIMUM_GPFN	14

/* What a hypercall needs at a time, and the pages it is about. */
struct batch {
	unsigned int nr;
	struct page *pages[PRIVCMD_MEMORY_CHUNK_FRAMES];
	xen_ulong_t idxs[PRIVCMD_MEMORY_CHUNK_FRAMES];
	xen_pfn_t gpfns[PRIVCMD_MEMORY_CHUNK_FRAMES];
	int errs[PRIVCMD_MEMORY_CHUNK_FRAMES];
	u16 at[PRIVCMD_MEMORY_CHUNK_FRAMES];
};

static int add_foreign(domid_t dom, unsigned int nr, xen_ulong_t *idxs, xen_pfn_t *gpfns,
		       int *errs)
{
	struct xen_add_to_physmap_range add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = nr,
		.foreign_domid = dom,
	};

	set_xen_guest_handle(add.idxs, idxs);
	set_xen_guest_handle(add.gpfns, gpfns);
	set_xen_guest_handle(add.errs, errs);

	return HYPERVISOR_memory_op(XENMEM_add_to_physmap_range, &add);
}

static int remove_foreign(struct page *page)
{
	struct xen_remove_from_physmap remove = {
		.domid = DOMID_SELF,
		.gpfn = page_to_xen_pfn(page),
	};

	return HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &remove);
}

static void fill_batch(struct batch *batch, const struct privcmd_memory_chunk *chunk,
		       xen_pfn_t gfn, unsigned int first, unsigned int nr)
{
	unsigned int i;

	batch->nr = 0;
	for (i = first; i < first + nr; i++) {
		if (chunk->pages[i])
			continue;
		batch->at[batch->nr] = i;
		batch->idxs[batch->nr] = gfn + i;
		/* What Xen does not get to is not mapped. */
		batch->errs[batch->nr] = -EINVAL;
		batch->nr++;
	}
}

/* Pages that Xen mapped to the chunk, the others back. */
static int sort_batch(struct batch *batch, struct privcmd_memory_chunk *chunk,
		      unsigned int *nr_mapped)
{
	unsigned int i, nr_left = 0;
	int rc = 0;

	for (i = 0; i < batch->nr; i++) {
		if (!batch->errs[i]) {
			chunk->pages[batch->at[i]] = batch->pages[i];
			privcmd_memory_budget_note(batch->pages[i], 1);
			(*nr_mapped)++;
			continue;
		}
		if (batch->errs[i] == -ENOMEM)
			rc = -ENOMEM;
		batch->pages[nr_left++] = batch->pages[i];
	}
	if (nr_left)
		xen_free_unpopulated_pages(nr_left, batch->pages);

	return rc;
}

int privcmd_memory_chunk_map(struct privcmd_memory_chunk *chunk, domid_t dom, xen_pfn_t gfn,
			     unsigned int first, unsigned int nr, unsigned int *nr_mapped)
{
	struct batch *batch = kvmalloc(sizeof(*batch), GFP_KERNEL);
	unsigned int i;
	int rc = -ENOMEM;

	*nr_mapped = 0;
	if (!batch)
		return -ENOMEM;

	fill_batch(batch, chunk, gfn, first, nr);
	if (!batch->nr) {
		rc = 0;
		goto out;
	}
	if (xen_alloc_unpopulated_pages(batch->nr, batch->pages))
		goto out;
	for (i = 0; i < batch->nr; i++)
		batch->gpfns[i] = page_to_xen_pfn(batch->pages[i]);

	/* A guest that is gone has no memory anywhere: each frame's error says as much. */
	if (add_foreign(dom, batch->nr, batch->idxs, batch->gpfns, batch->errs) == -ENOMEM)
		batch->errs[0] = batch->errs[0] ? -ENOMEM : 0;
	rc = sort_batch(batch, chunk, nr_mapped);
out:
	kvfree(batch);

	return rc;
}

unsigned int privcmd_memory_chunk_unmap(struct privcmd_memory_chunk *chunk, unsigned int first,
					unsigned int nr)
{
	unsigned int i, nr_unmapped = 0, nr_free = 0;

	for (i = first; i < first + nr; i++) {
		struct page *page = chunk->pages[i];
		int rc;

		if (!page)
			continue;
		nr_unmapped++;
		privcmd_memory_budget_note(page, -1);
		chunk->pages[i] = NULL;
		rc = remove_foreign(page);
		if (rc) {
			pr_crit("unable to unmap a guest's frame: leaking a page. rc=%d\n", rc);
			continue;
		}
		/* Freed in one go, out of the part of the array that was gone through. */
		chunk->pages[first + nr_free++] = page;
	}
	if (nr_free)
		xen_free_unpopulated_pages(nr_free, &chunk->pages[first]);
	memset(&chunk->pages[first], 0, nr_free * sizeof(chunk->pages[0]));

	return nr_unmapped;
}

bool privcmd_memory_chunk_is_empty(const struct privcmd_memory_chunk *chunk)
{
	return !memchr_inv(chunk->pages, 0, sizeof(chunk->pages));
}

bool privcmd_memory_probe(domid_t dom, xen_pfn_t gfn, struct page *scratch)
{
	xen_ulong_t idx = gfn;
	xen_pfn_t gpfn = page_to_xen_pfn(scratch);
	int err = -EINVAL;

	if (add_foreign(dom, 1, &idx, &gpfn, &err) || err)
		return false;
	remove_foreign(scratch);

	return true;
}

int privcmd_memory_find_guest(domid_t dom)
{
	int rc = HYPERVISOR_memory_op(XENMEM_MAXIMUM_GPFN, &dom);

	return rc < 0 ? rc : 0;
}
