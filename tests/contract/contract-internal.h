/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks share. Each has the seam's words for what it asserts above it, works on its own
 * handle, and gives everything back; the first thing that is not as it should be ends it.
 */
#ifndef CONTRACT_INTERNAL_H
#define CONTRACT_INTERNAL_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "contract/contract.h"

#define MAX_ORDER XENVIRTIO_ORDER_MAX
#define BLOCK (1u << MAX_ORDER)

struct run {
	const struct contract *c;
	struct xenvirtio_hv *hv;
	const struct xenvirtio_hv_ops *ops;
	FILE *out;
};

#define EXPECT(run, cond)                                                             \
	do {                                                                          \
		if (!(cond)) {                                                        \
			fprintf((run)->out, "# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			return false;                                                 \
		}                                                                     \
	} while (0)

#define EXPECT_EQ(run, is, wanted)                                                         \
	do {                                                                               \
		int64_t is_ = (int64_t)(is), wanted_ = (int64_t)(wanted);                  \
		if (is_ != wanted_) {                                                      \
			fprintf((run)->out, "# %s:%d: %s is %" PRId64 ", not %" PRId64 "\n", \
				__FILE__, __LINE__, #is, is_, wanted_);                    \
			return false;                                                      \
		}                                                                          \
	} while (0)

/** contract_tot_pages() - of the domain; UINT64_MAX: not told */
uint64_t contract_tot_pages(struct run *r);
/** contract_frame() - a frame of scratch */
struct xenvirtio_gfn contract_frame(const struct run *r, uint64_t offset);
/**
 * contract_release/populate() - @nr extents one after the other
 *
 * Return: extents done, or what the seam said if not 0, less 1000
 */
int64_t contract_release(struct run *r, uint64_t offset, size_t nr, unsigned int order);
int64_t contract_populate(struct run *r, uint64_t offset, size_t nr, unsigned int order);

/* The checks, by file. */
bool info_is_sane(struct run *r);
bool host_has_what_is_released(struct run *r);
bool pauses_are_counted(struct run *r);
bool ranges_are_ordered(struct run *r);

bool map_shows_ram(struct run *r);
bool map_refuses_holes(struct run *r);
bool map_is_all_or_nothing(struct run *r);
bool map_follows_the_p2m(struct run *r);
bool frames_present_is_the_p2m(struct run *r);
bool extents_of_all_orders_move(struct run *r);
bool unmap_knows_its_mappings(struct run *r);
bool close_unmaps(struct run *r);
bool revoke_leaves_private_memory(struct run *r);

bool round_trip_at_order_0(struct run *r);
bool round_trip_at_order_3(struct run *r);
bool round_trip_at_order_9(struct run *r);
bool round_trip_across_orders(struct run *r);
bool release_stops_at_a_hole(struct run *r);
bool release_of_an_extent_with_a_hole(struct run *r);
bool release_outside_ram(struct run *r);
bool release_of_a_mapped_frame(struct run *r);
bool populate_stops_at_max_mem(struct run *r);
bool extents_are_checked(struct run *r);
bool populate_of_a_populated_frame_leaks(struct run *r);

bool ioreq_serves(struct run *r);
bool ioreq_ranges_are_checked(struct run *r);
bool ioreq_finds_conflicts(struct run *r);
bool ioreq_adopts_what_close_leaves(struct run *r);

#endif /* CONTRACT_INTERNAL_H */
