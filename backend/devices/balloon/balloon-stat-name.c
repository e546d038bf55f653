// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Statistics by name: what xenstore, the control socket and the control tool call them. A file of
 * its own, for the tool has no balloon.
 */
#include "backend/devices/balloon/balloon.h"

static const char *const names[BALLOON_STATS] = {
	[BALLOON_STAT_SWAP_IN] = "swap-in",
	[BALLOON_STAT_SWAP_OUT] = "swap-out",
	[BALLOON_STAT_MAJOR_FAULTS] = "major-faults",
	[BALLOON_STAT_MINOR_FAULTS] = "minor-faults",
	[BALLOON_STAT_FREE_MEMORY] = "free-memory",
	[BALLOON_STAT_TOTAL_MEMORY] = "total-memory",
	[BALLOON_STAT_AVAILABLE_MEMORY] = "available-memory",
	[BALLOON_STAT_DISK_CACHES] = "disk-caches",
	[BALLOON_STAT_HUGETLB_ALLOCATIONS] = "hugetlb-allocations",
	[BALLOON_STAT_HUGETLB_FAILURES] = "hugetlb-failures",
	[BALLOON_STAT_OOM_KILL] = "oom-kill",
	[BALLOON_STAT_ALLOC_STALL] = "alloc-stall",
	[BALLOON_STAT_ASYNC_SCAN] = "async-scan",
	[BALLOON_STAT_DIRECT_SCAN] = "direct-scan",
	[BALLOON_STAT_ASYNC_RECLAIM] = "async-reclaim",
	[BALLOON_STAT_DIRECT_RECLAIM] = "direct-reclaim",
};

const char *balloon_stat_name(unsigned int tag)
{
	return tag < BALLOON_STATS ? names[tag] : NULL;
}
