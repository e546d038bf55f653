// SPDX-License-Identifier: GPL-2.0-only
/*
 * What files of guests' memory cost: see privcmd-memory-budget.h.
 */
#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>

#include <xen/privcmd-memory.h>

#include "privcmd-memory-budget.h"
#include "privcmd-memory-chunk.h"

/* Fewer, and processes would take them from each other for ever. */
#define FRAMES_MIN	(8UL * PRIVCMD_MEMORY_CHUNK_FRAMES)
#define FRAMES_PER_MIB	(SZ_1M >> PAGE_SHIFT)

static ulong memory_max_mib;
module_param(memory_max_mib, ulong, 0644);
MODULE_PARM_DESC(memory_max_mib,
		 "Maximum of guests' memory that is mapped for files of it at a time, MiB (0: what costs a quarter of this domain's)");

static atomic_long_t nr_taken = ATOMIC_LONG_INIT(0);
static atomic_long_t nr_own = ATOMIC_LONG_INIT(0);
static atomic64_t nr_evicted = ATOMIC64_INIT(0);
/* Pages were seen that are memory of our own. */
static bool pages_are_own;

static unsigned long frames_max(void)
{
	unsigned long mib = READ_ONCE(memory_max_mib);

	if (mib)
		return max(FRAMES_MIN, min(mib, LONG_MAX / FRAMES_PER_MIB) * FRAMES_PER_MIB);
	if (READ_ONCE(pages_are_own))
		return max(FRAMES_MIN, totalram_pages() / 4);

	/* struct page is a 64th of a page. */
	return max(FRAMES_MIN, totalram_pages() * (PAGE_SIZE / sizeof(struct page) / 4));
}

bool privcmd_memory_budget_take(unsigned int nr)
{
	if (atomic_long_add_return(nr, &nr_taken) <= (long)frames_max())
		return true;
	atomic_long_sub(nr, &nr_taken);

	return false;
}

void privcmd_memory_budget_give(unsigned int nr)
{
	atomic_long_sub(nr, &nr_taken);
}

void privcmd_memory_budget_note(struct page *page, int nr)
{
	if (is_zone_device_page(page))
		return;
	WRITE_ONCE(pages_are_own, true);
	atomic_long_add(nr, &nr_own);
}

void privcmd_memory_budget_evicted(unsigned int nr)
{
	atomic64_add(nr, &nr_evicted);
}

void privcmd_memory_budget_info(struct privcmd_memory_info *info)
{
	info->nr_frames = atomic_long_read(&nr_taken);
	info->nr_frames_max = frames_max();
	info->nr_own_frames = atomic_long_read(&nr_own);
	info->nr_evicted = atomic64_read(&nr_evicted);
}
