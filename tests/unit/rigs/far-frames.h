/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM of a large guest, behind what the fake hypervisor has of it: frames that are there or not, and have no bytes. A bit each, so that a
 * guest of 1 TiB is one of 32 MiB. It must not know who asks for them.
 */
#ifndef FAR_FRAMES_H
#define FAR_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

struct far_frames {
	uint64_t first_gfn;
	uint64_t nr; /* a multiple of 64, as is first_gfn */
	uint64_t nr_holes;
	uint64_t *hole;
	unsigned int order_max; /* of extents that can be populated */
};

/** far_init() - all of them are there. Return: false: no memory */
bool far_init(struct far_frames *far, uint64_t first_gfn, uint64_t nr);
void far_fini(struct far_frames *far);

static inline bool far_has(const struct far_frames *far, uint64_t gfn)
{
	return gfn >= far->first_gfn && gfn - far->first_gfn < far->nr;
}

bool far_present(const struct far_frames *far, uint64_t gfn);
/** far_release(), far_populate() - an extent, as Xen does. Return: whether all of it */
bool far_release(struct far_frames *far, uint64_t gfn, unsigned int order);
bool far_populate(struct far_frames *far, uint64_t gfn, unsigned int order);

#endif /* FAR_FRAMES_H */
