/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames behind a mapping of /dev/xen/privcmd.
 *
 * In an auto-translated domain a mapping needs frames of our own physmap that
 * hold nothing. They belong to this object, which is counted: the VMA holds one
 * reference, and code that uses a frame through the kernel's mapping another. The
 * last one out gives the frames back, so that none is given to somebody else
 * while it is in use, however early user space unmaps it.
 *
 * In a PV domain the object only remembers which machine frames of a resource
 * were mapped to the VMA; what is no resource has no object there.
 *
 * vma->vm_private_data is &frames->pages[0], which xen_remap_vma_range() reads.
 */
#ifndef _PRIVCMD_FRAMES_H
#define _PRIVCMD_FRAMES_H

#include <linux/kref.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

struct page;
struct privcmd_mmap_resource;
struct vm_area_struct;

struct privcmd_frames {
	struct kref ref;
	/* Of ours or, in a PV domain, machine frames */
	unsigned int nr_pages;
	/* What XENMEM_acquire_resource put there; changed under mmap_lock */
	bool is_resource;
	domid_t dom;
	u32 type;
	u32 id;
	u32 idx;
	/* In a PV domain: whose the machine frames are */
	domid_t owner;
	union {
		DECLARE_FLEX_ARRAY(struct page *, pages);
		DECLARE_FLEX_ARRAY(xen_pfn_t, mfns);
	};
};

/* Allocate: what vm_private_data is to be, or an ERR_PTR. May sleep. */
struct page **privcmd_frames_new(unsigned int nr_pages);
/* The same for a PV domain. */
struct page **privcmd_frames_new_pv(const xen_pfn_t *mfns, unsigned int nr, domid_t owner);
/* The object of a mapping's vm_private_data. */
struct privcmd_frames *privcmd_frames_of(struct page **pages);
/* The object of a mapping of ours, or NULL if it has none. */
struct privcmd_frames *privcmd_frames_of_vma(const struct vm_area_struct *vma);
void privcmd_frames_get(struct privcmd_frames *frames);
/* May sleep: the last one unmaps by hypercalls. */
void privcmd_frames_put(struct privcmd_frames *frames);
/* Remember that the mapping succeeded and of what. */
void privcmd_frames_set_resource(struct privcmd_frames *frames,
				 const struct privcmd_mmap_resource *res);
/*
 * Are there frames for so many pages at an address of the mapping's? Always in a PV
 * domain, which needs none. mmap_lock is held.
 */
bool privcmd_frames_suffice(const struct vm_area_struct *vma, unsigned long va,
			    unsigned long nr_pages);
/**
 * privcmd_frames_find() - the frames at an address of current's
 * @va: in a mapping of /dev/xen/privcmd
 * @page_idx: out; the page of the frames that is at @va
 *
 * Return: with a reference to be put; ERR_PTR: -EFAULT nothing is mapped there,
 * -EINVAL no foreign frames are.
 */
struct privcmd_frames *privcmd_frames_find(unsigned long va, unsigned int *page_idx);
/**
 * privcmd_frames_reach() - have an address of the kernel's for one of the pages
 * @frames: with a reference of the caller's, which must outlive the address
 * @va: where current has mapped it
 * @page_idx: the page there
 *
 * Return: the address, to be given to privcmd_frames_leave(); ERR_PTR: -EFAULT it is
 * not mapped there any more, -EOPNOTSUPP there can be none, or what Xen says.
 */
void *privcmd_frames_reach(struct privcmd_frames *frames, unsigned long va,
			   unsigned int page_idx);
void privcmd_frames_leave(void *addr);

#endif /* _PRIVCMD_FRAMES_H */
