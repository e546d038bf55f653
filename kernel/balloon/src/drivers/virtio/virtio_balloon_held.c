// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are held, and those who take them back.
 */
#include "virtio_balloon_held.h"

#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

/* Movable, so that no pageblock changes its kind for pages that are back in a moment. */
#define HELD_GFP	((VBALLOON_GFP & ~__GFP_RECLAIM) | __GFP_NORETRY | \
			 __GFP_NOWARN | __GFP_NOMEMALLOC)

/* Left to the guest: a 32nd of its memory. */
#define FREE_SHARE	32

static bool push(struct vballoon_held *held, struct page *block)
{
	bool hold;

	spin_lock_irq(&held->lock);
	hold = held->hold;
	if (hold) {
		list_add(&block->lru, &held->blocks);
		held->pages += VBALLOON_HELD_PAGES;
	}
	spin_unlock_irq(&held->lock);
	return hold;
}

static struct page *pop(struct vballoon_held *held)
{
	struct page *block;

	spin_lock_irq(&held->lock);
	block = list_first_entry_or_null(&held->blocks, struct page, lru);
	if (block) {
		list_del(&block->lru);
		held->pages -= VBALLOON_HELD_PAGES;
	}
	spin_unlock_irq(&held->lock);
	return block;
}

void vballoon_held_begin(struct vballoon_held *held)
{
	spin_lock_irq(&held->lock);
	held->hold = true;
	spin_unlock_irq(&held->lock);
}

struct page *vballoon_held_take(struct vballoon_held *held)
{
	unsigned long keep = totalram_pages() / FREE_SHARE;
	struct page *block;

	if (global_zone_page_state(NR_FREE_PAGES) < keep + VBALLOON_HELD_PAGES)
		return NULL;
	block = alloc_pages(HELD_GFP, VBALLOON_HELD_ORDER);
	if (block && !push(held, block)) {
		__free_pages(block, VBALLOON_HELD_ORDER);
		block = NULL;
	}
	return block;
}

unsigned long vballoon_held_release(struct vballoon_held *held)
{
	unsigned long pages = 0;
	struct page *block;

	spin_lock_irq(&held->lock);
	held->hold = false;
	spin_unlock_irq(&held->lock);
	while ((block = pop(held))) {
		__free_pages(block, VBALLOON_HELD_ORDER);
		pages += VBALLOON_HELD_PAGES;
		cond_resched();
	}
	return pages;
}

static int notify_oom(struct notifier_block *nb, unsigned long dummy, void *freed)
{
	struct vballoon_held *held = container_of(nb, struct vballoon_held, oom_nb);

	*(unsigned long *)freed += vballoon_held_release(held);
	return NOTIFY_OK;
}

static unsigned long count_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vballoon_held *held = vballoon_shrinker_owner(shrinker);

	return READ_ONCE(held->pages);
}

static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long pages = vballoon_held_release(vballoon_shrinker_owner(shrinker));

	return pages ?: SHRINK_STOP;
}

int vballoon_held_init(struct vballoon_held *held)
{
	int err;

	spin_lock_init(&held->lock);
	INIT_LIST_HEAD(&held->blocks);
	err = vballoon_shrinker_register(&held->shrinker, held, count_objects, scan_objects);
	if (err)
		return err;
	held->oom_nb.notifier_call = notify_oom;
	register_oom_notifier(&held->oom_nb);
	return 0;
}

void vballoon_held_exit(struct vballoon_held *held)
{
	unregister_oom_notifier(&held->oom_nb);
	vballoon_shrinker_unregister(&held->shrinker);
	vballoon_held_release(held);
}
