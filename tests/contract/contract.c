// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The run of the checks, see contract.h, and what they share.
 */
#include "config.h"

#include "contract/contract-internal.h"

uint64_t contract_tot_pages(struct run *r)
{
	struct xenvirtio_domain_info info;

	return r->ops->domain_info(r->hv, &info) ? UINT64_MAX : info.tot_pages;
}

struct xenvirtio_gfn contract_frame(const struct run *r, uint64_t offset)
{
	return xenvirtio_gfn(r->c->scratch.v + offset);
}

int64_t contract_release(struct run *r, uint64_t offset, size_t nr, unsigned int order)
{
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
	size_t done = SIZE_MAX;
	int ret;

	for (size_t i = 0; i < nr; i++)
		start[i] = contract_frame(r, offset + ((uint64_t)i << order));
	ret = r->ops->release_pages(r->hv, start, nr, order, &done);
	return ret ? -1000 + ret : (int64_t)done;
}

int64_t contract_populate(struct run *r, uint64_t offset, size_t nr, unsigned int order)
{
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
	size_t done = SIZE_MAX;
	int ret;

	for (size_t i = 0; i < nr; i++)
		start[i] = contract_frame(r, offset + ((uint64_t)i << order));
	ret = r->ops->populate_pages(r->hv, start, nr, order, &done);
	return ret ? -1000 + ret : (int64_t)done;
}

static const struct {
	const char *name;
	bool (*check)(struct run *r);
} checks[] = {
	{ "info_is_sane", info_is_sane },
	{ "ranges_are_ordered", ranges_are_ordered },
	{ "map_shows_ram", map_shows_ram },
	{ "map_refuses_holes", map_refuses_holes },
	{ "map_is_all_or_nothing", map_is_all_or_nothing },
	{ "map_follows_the_p2m", map_follows_the_p2m },
	{ "frames_present_is_the_p2m", frames_present_is_the_p2m },
	{ "unmap_knows_its_mappings", unmap_knows_its_mappings },
	{ "round_trip_at_order_0", round_trip_at_order_0 },
	{ "round_trip_at_order_3", round_trip_at_order_3 },
	{ "round_trip_at_order_9", round_trip_at_order_9 },
	{ "round_trip_across_orders", round_trip_across_orders },
	{ "release_stops_at_a_hole", release_stops_at_a_hole },
	{ "release_of_an_extent_with_a_hole", release_of_an_extent_with_a_hole },
	{ "release_outside_ram", release_outside_ram },
	{ "release_of_a_mapped_frame", release_of_a_mapped_frame },
	{ "extents_of_all_orders_move", extents_of_all_orders_move },
	{ "populate_stops_at_max_mem", populate_stops_at_max_mem },
	{ "extents_are_checked", extents_are_checked },
	{ "host_has_what_is_released", host_has_what_is_released },
	{ "pauses_are_counted", pauses_are_counted },
	{ "ioreq_serves", ioreq_serves },
	{ "ioreq_ranges_are_checked", ioreq_ranges_are_checked },
	{ "ioreq_finds_conflicts", ioreq_finds_conflicts },
	{ "ioreq_adopts_what_close_leaves", ioreq_adopts_what_close_leaves },
	{ "close_unmaps", close_unmaps },
	{ "revoke_leaves_private_memory", revoke_leaves_private_memory },
	/* last: the page it leaks does not come back */
	{ "populate_of_a_populated_frame_leaks", populate_of_a_populated_frame_leaks },
};

unsigned int contract_run(const struct contract *c, FILE *out)
{
	const size_t nr = sizeof(checks) / sizeof(checks[0]);
	unsigned int failed = 0;

	fprintf(out, "1..%zu\n", nr);
	for (size_t i = 0; i < nr; i++) {
		struct run r = { .c = c, .out = out };
		int ret = c->open(c->ctx, &r.hv);
		bool ok = false;

		if (ret) {
			fprintf(out, "# cannot open: %d\n", ret);
		} else {
			r.ops = r.hv->ops;
			ok = checks[i].check(&r);
			/* a check that failed may have left its server */
			if (!ok && r.ops->ioreq_fd(r.hv) >= 0)
				r.ops->ioreq_close(r.hv);
			xenvirtio_hv_close(r.hv);
		}
		fprintf(out, "%sok %zu - %s\n", ok ? "" : "not ", i + 1, checks[i].name);
		fflush(out);
		failed += !ok;
	}
	return failed;
}
