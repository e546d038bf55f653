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

struct privcmd_frames *privcmd_frames_of(struct page **pages)
{
	return container_of(pages, struct privcmd_frames, pages[0]);
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

static void release_frames(struct kref *ref)
{
	struct privcmd_frames *frames = container_of(ref, struct privcmd_frames, ref);
	int rc;

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

struct privcmd_frames *privcmd_frames_find(unsigned long va, unsigned int *page_idx)
{
	struct privcmd_frames *frames = ERR_PTR(-EINVAL);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	if (!xen_feature(XENFEAT_auto_translated_physmap))
		return ERR_PTR(-EOPNOTSUPP);

	mmap_read_lock(mm);

	vma = vma_lookup(mm, va);
	if (!vma) {
		frames = ERR_PTR(-EFAULT);
	} else if (vma->vm_ops == &privcmd_vm_ops && vma->vm_private_data) {
		unsigned long idx = (va - vma->vm_start) >> PAGE_SHIFT;
		struct privcmd_frames *found = privcmd_frames_of(vma->vm_private_data);

		if (idx < found->nr_pages) {
			privcmd_frames_get(found);
			frames = found;
			*page_idx = idx;
		}
	}

	mmap_read_unlock(mm);

	return frames;
}
