// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extents of several orders in one call, as a broker has them done: each part is a call of the handle's operations, so that whoever stands
 * before those counts it, lets it fail, or dies in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv-fake-internal.h"
#include "hv/hv-check.h"

bool fake_one_way(void)
{
	return getenv("FAKE_ONE_WAY");
}

static int check_mixed(const struct xenvirtio_extent *extent, size_t nr)
{
	if (nr < 1 || nr > XENVIRTIO_EXTENTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		if (check_extents(&extent[i].start, 1, extent[i].order) || (i && extent[i].order > extent[i - 1].order))
			return -EINVAL;
	}
	return 0;
}

/* All of one order, from number @at on. */
static int move_order(struct xenvirtio_hv *hv, bool release, const struct xenvirtio_extent *extent, size_t nr, size_t *moved,
		      size_t *done)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];

	for (*moved = 0; *moved < nr && extent[*moved].order == extent[0].order; ++*moved)
		gfn[*moved] = extent[*moved].start;
	return (release ? hv->ops->release_pages : hv->ops->populate_pages)(hv, gfn, *moved, extent[0].order, done);
}

int fake_op_move_extents(struct xenvirtio_hv *hv, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent, size_t nr,
			 struct xenvirtio_domain_info *info, size_t *done)
{
	size_t moved = 0, here = 0;
	int ret = release && tot_pages ? -EINVAL : check_mixed(extent, nr);

	*done = 0;
	if (!ret)
		ret = hv->ops->domain_info(hv, info);
	if (!ret && !release && info->tot_pages != tot_pages)
		ret = XENVIRTIO_E_AGAIN;
	for (size_t at = 0; !ret && at < nr && here == moved; at += moved) {
		here = 0;
		ret = move_order(hv, release, extent + at, nr - at, &moved, &here);
		*done += here;
	}
	return ret;
}
