// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the frames behind a mapping: see privcmd-frames.h.
 *
 * Nothing here knows what the frames are used for. The only rule on contexts is
 * that the last put sleeps, so references are put in process context only.
 */
#define pr_fmt(fmt) "xen:" KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <xen/balloon.h>
#include <xen/features.h>
#include <xen/page.h>
#include <xen/privcmd.h>
#include <xen/xen.h>
#include <xen/xen-ops.h>

#include "privcmd.h"
#include "privcmd-frames.h"
#include "privcmd-pv-frame.h"

struct privcmd_frames *privcmd_frames_of(struct page **pages)
{
	return container_of(pages, struct privcmd_frames, pages[0]);
}

struct privcmd_frames *privcmd_frames_of_vma(const struct vm_area_struct *vma)
{
	if (!vma->vm_private_data || vma->vm_private_data == PRIV_VMA_LOCKED)
		return NULL;

	return privcmd_frames_of(vma->vm_private_data);
}

struct page **privcmd_frames_new(unsigned int nr_pages)
{
	struct privcmd_frames *frames;
	int rc;

	frames = kvzalloc(struct_size(frames, pages, nr_pages), GFP_KERNEL);
	if (!frames)
		return ERR_PTR(-ENOMEM);

	rc = xen_alloc_unpopulated_pages(nr_pages, frames->pages);
	if (rc) {
		pr_warn("Could not alloc %u pfns rc:%d\n", nr_pages, rc);
		kvfree(frames);
		return ERR_PTR(-ENOMEM);
	}

	kref_init(&frames->ref);
	frames->nr_pages = nr_pages;

	return frames->pages;
}

struct page **privcmd_frames_new_pv(const xen_pfn_t *mfns, unsigned int nr, domid_t owner)
{
	struct privcmd_frames *frames;

	frames = kvzalloc(struct_size(frames, mfns, nr), GFP_KERNEL);
	if (!frames)
		return ERR_PTR(-ENOMEM);

	kref_init(&frames->ref);
	frames->nr_pages = nr;
	frames->owner = owner;
	memcpy(frames->mfns, mfns, array_size(nr, sizeof(mfns[0])));

	return frames->pages;
}

static void release_frames(struct kref *ref)
{
	struct privcmd_frames *frames = container_of(ref, struct privcmd_frames, ref);
	int rc;

	/* A PV domain's are mapped by page tables, which are gone by themselves. */
	if (!xen_feature(XENFEAT_auto_translated_physmap)) {
		kvfree(frames);
		return;
	}

	/* No VMA is left to name; auto-translated domains do not look at it. */
	rc = xen_unmap_domain_gfn_range(NULL, frames->nr_pages * XEN_PFN_PER_PAGE,
					frames->pages);
	if (rc == 0)
		xen_free_unpopulated_pages(frames->nr_pages, frames->pages);
	else
		pr_crit("unable to unmap MFN range: leaking %u pages. rc=%d\n",
			frames->nr_pages, rc);
	kvfree(frames);
}

void privcmd_frames_get(struct privcmd_frames *frames)
{
	kref_get(&frames->ref);
}

void privcmd_frames_put(struct privcmd_frames *frames)
{
	kref_put(&frames->ref, release_frames);
}

void privcmd_frames_set_resource(struct privcmd_frames *frames,
				 const struct privcmd_mmap_resource *res)
{
	frames->dom = res->dom;
	frames->type = res->type;
	frames->id = res->id;
	frames->idx = res->idx;
	frames->is_resource = true;
}

bool privcmd_frames_suffice(const struct vm_area_struct *vma, unsigned long va,
			    unsigned long nr_pages)
{
	unsigned long idx = (va - vma->vm_start) >> PAGE_SHIFT;
	const struct privcmd_frames *frames;

	if (!xen_feature(XENFEAT_auto_translated_physmap))
		return true;

	frames = privcmd_frames_of_vma(vma);

	return frames && idx < frames->nr_pages && nr_pages <= frames->nr_pages - idx;
}

/* mmap_lock is held. Return: without a reference. */
static struct privcmd_frames *frames_at(unsigned long va, unsigned int *page_idx)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, va);
	struct privcmd_frames *frames;
	unsigned long idx;

	if (!vma)
		return ERR_PTR(-EFAULT);
	if (vma->vm_ops != &privcmd_vm_ops)
		return ERR_PTR(-EINVAL);

	frames = privcmd_frames_of_vma(vma);
	idx = (va - vma->vm_start) >> PAGE_SHIFT;
	if (!frames || idx >= frames->nr_pages)
		return ERR_PTR(-EINVAL);
	*page_idx = idx;

	return frames;
}

struct privcmd_frames *privcmd_frames_find(unsigned long va, unsigned int *page_idx)
{
	struct privcmd_frames *frames;

	mmap_read_lock(current->mm);
	frames = frames_at(va, page_idx);
	if (!IS_ERR(frames))
		privcmd_frames_get(frames);
	mmap_read_unlock(current->mm);

	return frames;
}

/* While it is mapped there, Xen keeps the frame what it was when it was mapped. */
static void *reach_pv(struct privcmd_frames *frames, unsigned long va, unsigned int page_idx)
{
	void *addr = ERR_PTR(-EFAULT);
	unsigned int idx;

	mmap_read_lock(current->mm);
	if (frames_at(va, &idx) == frames && idx == page_idx)
		addr = privcmd_pv_frame_map(frames->mfns[idx], frames->owner);
	mmap_read_unlock(current->mm);

	return addr;
}

void *privcmd_frames_reach(struct privcmd_frames *frames, unsigned long va,
			   unsigned int page_idx)
{
	if (!xen_feature(XENFEAT_auto_translated_physmap))
		return reach_pv(frames, va, page_idx);

	return page_address(frames->pages[page_idx]) ?: ERR_PTR(-EOPNOTSUPP);
}

void privcmd_frames_leave(void *addr)
{
	if (!xen_feature(XENFEAT_auto_translated_physmap))
		privcmd_pv_frame_unmap(addr);
}
