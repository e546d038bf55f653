// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages released and populated, exact to the page.
 */
#include "config.h"

#include <errno.h>

#include "contract/contract-internal.h"

/* release and populate: exact to the page, at every order */
static bool round_trip(struct run *r, size_t nr, unsigned int order)
{
	uint64_t before = contract_tot_pages(r);

	EXPECT_EQ(r, contract_release(r, 0, nr, order), nr);
	EXPECT_EQ(r, contract_tot_pages(r), before - ((uint64_t)nr << order));
	EXPECT_EQ(r, contract_populate(r, 0, nr, order), nr);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

bool round_trip_at_order_0(struct run *r)
{
	return round_trip(r, XENVIRTIO_EXTENTS_MAX, 0);
}

bool round_trip_at_order_3(struct run *r)
{
	return round_trip(r, 20, 3);
}

bool round_trip_at_order_9(struct run *r)
{
	return round_trip(r, 3, 9);
}

/* frames released in one order come back in another */
bool round_trip_across_orders(struct run *r)
{
	uint64_t before = contract_tot_pages(r);

	EXPECT_EQ(r, contract_release(r, 0, BLOCK, 0), BLOCK);
	EXPECT_EQ(r, contract_populate(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	EXPECT_EQ(r, contract_release(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, contract_populate(r, 0, BLOCK, 0), BLOCK);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

static int64_t move_extents(struct run *r, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent, size_t nr,
			    struct xenvirtio_domain_info *info)
{
	size_t done = 99;
	int ret = r->ops->move_extents(r->hv, release, tot_pages, extent, nr, info, &done);

	return ret == XENVIRTIO_E_AGAIN && !done ? -1 : ret ? -1000 + ret : (int64_t)done;
}

/* move_extents: what a call for each order does, with a look before it; and populating only where that finds what is expected */
bool extents_of_all_orders_move(struct run *r)
{
	const struct xenvirtio_extent extent[] = {{contract_frame(r, 0), 9}, {contract_frame(r, 520), 3}, {contract_frame(r, 518), 1},
						  {contract_frame(r, 513), 0}, {contract_frame(r, 517), 0}};
	const struct xenvirtio_extent grows[] = {extent[1], extent[0]}, crooked = {contract_frame(r, 513), 1};
	uint64_t before = contract_tot_pages(r);
	struct xenvirtio_domain_info info;

	/* optional */
	if (!XENVIRTIO_HV_HAS(r->hv, move_extents))
		return true;
	EXPECT_EQ(r, move_extents(r, true, 0, extent, 5, &info), 5);
	EXPECT_EQ(r, info.tot_pages, before);
	EXPECT_EQ(r, contract_tot_pages(r), before - 524);
	/* as far as the first hole */
	EXPECT_EQ(r, move_extents(r, true, 0, extent + 1, 4, &info), 0);
	EXPECT_EQ(r, info.tot_pages, before - 524);
	EXPECT_EQ(r, move_extents(r, false, before - 523, extent, 5, &info), -1);
	EXPECT_EQ(r, info.tot_pages, before - 524);
	EXPECT_EQ(r, contract_tot_pages(r), before - 524);
	EXPECT_EQ(r, move_extents(r, false, before - 524, extent, 5, &info), 5);
	EXPECT_EQ(r, info.tot_pages, before - 524);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	EXPECT_EQ(r, move_extents(r, true, 0, grows, 2, &info), -1000 - EINVAL);
	EXPECT_EQ(r, move_extents(r, true, 0, &crooked, 1, &info), -1000 - EINVAL);
	EXPECT_EQ(r, move_extents(r, true, 0, extent, 0, &info), -1000 - EINVAL);
	EXPECT_EQ(r, move_extents(r, true, before, extent, 1, &info), -1000 - EINVAL);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* release: a hole is not released, and nothing changes */
bool release_stops_at_a_hole(struct run *r)
{
	uint64_t before = contract_tot_pages(r);

	EXPECT_EQ(r, contract_release(r, 3, 1, 0), 1);
	EXPECT_EQ(r, contract_release(r, 3, 1, 0), 0);
	/* frames 1 and 2 go, 3 is the hole, 4 and 5 stay */
	EXPECT_EQ(r, contract_release(r, 1, 5, 0), 2);
	EXPECT_EQ(r, contract_tot_pages(r), before - 3);
	EXPECT_EQ(r, contract_populate(r, 1, 3, 0), 3);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	EXPECT_EQ(r, contract_release(r, 4, 2, 0), 2);
	EXPECT_EQ(r, contract_populate(r, 4, 2, 0), 2);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* release: an extent with a hole is gone in part, from its start to the hole, and not counted */
bool release_of_an_extent_with_a_hole(struct run *r)
{
	const uint64_t hole = BLOCK + 100;
	uint64_t before = contract_tot_pages(r);

	EXPECT_EQ(r, contract_release(r, hole, 1, 0), 1);
	/* the first extent goes whole, the second up to the hole, the third not at all */
	EXPECT_EQ(r, contract_release(r, 0, 3, MAX_ORDER), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before - BLOCK - 101);
	EXPECT_EQ(r, contract_populate(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, contract_populate(r, BLOCK, 101, 0), 101);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	/* the rest of the second and all of the third were there: they can be released now */
	EXPECT_EQ(r, contract_release(r, BLOCK, 2, MAX_ORDER), 2);
	EXPECT_EQ(r, contract_populate(r, BLOCK, 2, MAX_ORDER), 2);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* release: frames outside RAM are holes */
bool release_outside_ram(struct run *r)
{
	uint64_t before = contract_tot_pages(r);
	size_t done = 7;

	EXPECT_EQ(r, r->ops->release_pages(r->hv, &r->c->hole, 1, 0, &done), r->c->outside);
	EXPECT_EQ(r, done, 0);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* release: a frame that is mapped stays allocated until the last mapping is gone */
bool release_of_a_mapped_frame(struct run *r)
{
	struct xenvirtio_gfn gfn = contract_frame(r, 11);
	uint64_t before = contract_tot_pages(r);
	void *first, *second;

	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &first), 0);
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, false, &second), 0);
	EXPECT_EQ(r, contract_release(r, 11, 1, 0), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	EXPECT_EQ(r, r->ops->unmap(r->hv, first, 1), 0);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	EXPECT_EQ(r, r->ops->unmap(r->hv, second, 1), 0);
	EXPECT_EQ(r, contract_tot_pages(r), before - 1);
	EXPECT_EQ(r, contract_populate(r, 11, 1, 0), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* populate: stops where max_pages forbids more, whole extents only */
bool populate_stops_at_max_mem(struct run *r)
{
	const uint64_t kib = XENVIRTIO_PAGE_SIZE / 1024;
	struct xenvirtio_domain_info info;
	uint64_t before, max_pages;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	before = info.tot_pages;
	max_pages = info.max_pages;
	EXPECT_EQ(r, contract_release(r, 0, 3, MAX_ORDER), 3);
	/* nothing fits */
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, (before - 3 * BLOCK) * kib), 0);
	EXPECT_EQ(r, contract_populate(r, 0, 1, 0), 0);
	/* one extent and a half fit: one is done, and of the next nothing */
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, (before - BLOCK - BLOCK / 2) * kib), 0);
	EXPECT_EQ(r, contract_populate(r, 0, 3, MAX_ORDER), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before - 2 * BLOCK);
	/* single frames fill it up to the limit */
	EXPECT_EQ(r, contract_populate(r, BLOCK, BLOCK, 0), BLOCK / 2);
	EXPECT_EQ(r, contract_tot_pages(r), before - BLOCK - BLOCK / 2);
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, max_pages * kib), 0);
	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT_EQ(r, info.max_pages, max_pages);
	EXPECT_EQ(r, contract_populate(r, BLOCK + BLOCK / 2, BLOCK / 2, 0), BLOCK / 2);
	EXPECT_EQ(r, contract_populate(r, 2 * BLOCK, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* release and populate: what the caller must not ask for changes nothing */
bool extents_are_checked(struct run *r)
{
	static struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX + 1];
	struct xenvirtio_gfn crooked = contract_frame(r, 1);
	uint64_t before = contract_tot_pages(r);
	size_t done;

	for (size_t i = 0; i < XENVIRTIO_EXTENTS_MAX + 1; i++)
		start[i] = contract_frame(r, i);
	done = 7;
	EXPECT_EQ(r, r->ops->release_pages(r->hv, start, 0, 0, &done), -EINVAL);
	EXPECT_EQ(r, done, 0);
	done = 7;
	EXPECT_EQ(r, r->ops->release_pages(r->hv, start, XENVIRTIO_EXTENTS_MAX + 1, 0, &done),
		  -EINVAL);
	EXPECT_EQ(r, done, 0);
	EXPECT_EQ(r, r->ops->release_pages(r->hv, start, 1, MAX_ORDER + 1, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->release_pages(r->hv, &crooked, 1, 1, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->populate_pages(r->hv, start, 0, 0, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->populate_pages(r->hv, start, 1, MAX_ORDER + 1, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->populate_pages(r->hv, &crooked, 1, 1, &done), -EINVAL);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* populate: a frame that is there is replaced and the old one leaks: one page more, for ever */
bool populate_of_a_populated_frame_leaks(struct run *r)
{
	uint64_t before = contract_tot_pages(r);
	struct xenvirtio_domain_info info;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, (info.max_pages + 1) * 4), 0);
	EXPECT_EQ(r, contract_populate(r, 20, 1, 0), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before + 1);
	EXPECT_EQ(r, contract_release(r, 20, 1, 0), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	/* the frame is a hole now although tot_pages is what it was */
	EXPECT_EQ(r, contract_release(r, 20, 1, 0), 0);
	EXPECT_EQ(r, contract_populate(r, 20, 1, 0), 1);
	return true;
}
