// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domain and host: what is told of them, pausing, where RAM is.
 */
#include "config.h"

#include <errno.h>

#include "contract/contract-internal.h"

#define RANGES_MAX 8

/* domain_info: counts that can be */
bool info_is_sane(struct run *r)
{
	struct xenvirtio_domain_info info;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT(r, info.tot_pages > CONTRACT_SCRATCH_FRAMES);
	EXPECT(r, info.tot_pages <= info.max_pages);
	EXPECT(r, info.nr_vcpus >= 1 && info.nr_vcpus <= XENVIRTIO_VCPUS_MAX);
	EXPECT(r, !info.dying && !info.shutdown);
	return true;
}

/* host_info: what is released is free, and what is populated is not */
bool host_has_what_is_released(struct run *r)
{
	struct xenvirtio_host_info before, released, after;

	EXPECT_EQ(r, r->ops->host_info(r->hv, &before), 0);
	EXPECT(r, before.free_pages < before.total_pages);
	EXPECT_EQ(r, contract_release(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, r->ops->host_info(r->hv, &released), 0);
	EXPECT_EQ(r, contract_populate(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, r->ops->host_info(r->hv, &after), 0);
	/* a real host has other things to do with a frame or two meanwhile */
	EXPECT(r, released.free_pages >= before.free_pages + BLOCK / 2);
	EXPECT(r, after.free_pages + BLOCK / 2 <= released.free_pages);
	return true;
}

/* pause: counted, and undone by as many unpauses */
bool pauses_are_counted(struct run *r)
{
	struct xenvirtio_domain_info before, info;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &before), 0);
	EXPECT_EQ(r, r->ops->pause(r->hv), 0);
	EXPECT_EQ(r, r->ops->pause(r->hv), 0);
	EXPECT_EQ(r, r->ops->unpause(r->hv), 0);
	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT(r, info.paused);
	EXPECT_EQ(r, r->ops->unpause(r->hv), 0);
	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT_EQ(r, info.paused, before.paused);
	if (!before.paused)
		EXPECT_EQ(r, r->ops->unpause(r->hv), -EINVAL);
	return true;
}

/* ram_ranges: ascending, not overlapping, the hole in none of them */
bool ranges_are_ordered(struct run *r)
{
	struct xenvirtio_gfn_range range[RANGES_MAX];
	uint64_t last = r->c->scratch.v + CONTRACT_SCRATCH_FRAMES - 1;
	bool has_scratch = false;
	size_t nr = 0;

	EXPECT_EQ(r, r->ops->ram_ranges(r->hv, range, RANGES_MAX, &nr), 0);
	EXPECT(r, nr >= 1);
	for (size_t i = 0; i < nr; i++) {
		EXPECT(r, range[i].start.v <= range[i].end_incl.v);
		EXPECT(r, i == 0 || range[i].start.v > range[i - 1].end_incl.v);
		EXPECT(r, r->c->hole.v < range[i].start.v || r->c->hole.v > range[i].end_incl.v);
		has_scratch |= r->c->scratch.v >= range[i].start.v && last <= range[i].end_incl.v;
	}
	EXPECT(r, has_scratch);
	EXPECT_EQ(r, r->ops->ram_ranges(r->hv, range, 0, &nr), -ENOSPC);
	return true;
}
