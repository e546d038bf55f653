/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every sibling behind the seam refuses before it does anything, and what is refused as a
 * sibling.
 *
 * These are faults of the caller, not of the guest: -EINVAL. Hostile frame numbers pass, the
 * hypervisor answers those. Pure functions, so that real Xen and the fake refuse the same.
 */
#ifndef HV_CHECK_H
#define HV_CHECK_H

#include <errno.h>
#include <xenvirtio/hv.h>

/** a table of operations that has at least those that are not optional, and they mean what we think */
static inline int check_seam(const struct xenvirtio_hv *hv)
{
	return hv->ops->version != XENVIRTIO_HV_VERSION ||
			       hv->ops->size < offsetof(struct xenvirtio_hv_ops, irq_held) ?
		       -EINVAL :
		       0;
}

static inline int check_extents(const struct xenvirtio_gfn *start, size_t nr, unsigned int order)
{
	if (nr < 1 || nr > XENVIRTIO_EXTENTS_MAX || order > XENVIRTIO_ORDER_MAX)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		if (start[i].v & ((UINT64_C(1) << order) - 1))
			return -EINVAL;
	}
	return 0;
}

static inline int check_ranges(const struct xenvirtio_gpa_range *range, size_t nr)
{
	if (nr < 1 || nr > XENVIRTIO_RANGES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		if (range[i].start.v > range[i].end_incl.v)
			return -EINVAL;
	}
	return 0;
}

/** a mapping is one mmap: its length in bytes must be a size_t */
static inline int check_map(size_t nr)
{
	return nr < 1 || nr > SIZE_MAX >> XENVIRTIO_PAGE_SHIFT ? -EINVAL : 0;
}

#endif /* HV_CHECK_H */
