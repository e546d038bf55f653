// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding objects of guests' memory: see privcmd-memory-list.h.
 *
 * One lock for both lists: written to add and to remove, read for everything else,
 * however long it takes.
 */
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>

#include <xen/privcmd-memory.h>
#include <xen/xen.h>

#include "privcmd-memory.h"
#include "privcmd-memory-budget.h"
#include "privcmd-memory-list.h"

/* How long a dead guest is kept at most */
#define LOOK_INTERVAL	(2 * HZ)

static LIST_HEAD(all);
static DECLARE_RWSEM(all_lock);
static unsigned int nr_all;
static struct page *scratch;

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, look);

static void look(struct work_struct *work)
{
	struct privcmd_memory_object *mem;

	down_read(&all_lock);
	list_for_each_entry(mem, &all, all)
		privcmd_memory_look(mem, scratch);
	if (!list_empty(&all))
		schedule_delayed_work(&look_work, LOOK_INTERVAL);
	up_read(&all_lock);
}

void privcmd_memories_init(struct privcmd_memories *owner)
{
	INIT_LIST_HEAD(&owner->list);
	owner->nr = 0;
}

void privcmd_memories_release(struct privcmd_memories *owner)
{
	struct privcmd_memory_object *mem, *next;

	/* Nobody adds to it any more. */
	down_read(&all_lock);
	list_for_each_entry(mem, &owner->list, owned)
		privcmd_memory_end(mem);
	up_read(&all_lock);

	down_write(&all_lock);
	list_for_each_entry_safe(mem, next, &owner->list, owned) {
		list_del_init(&mem->owned);
		mem->owner = NULL;
	}
	up_write(&all_lock);
}

int privcmd_memories_add(struct privcmd_memories *owner, struct privcmd_memory_object *mem)
{
	int rc = 0;

	down_write(&all_lock);
	if (owner->nr >= PRIVCMD_MEMORIES_MAX) {
		rc = -ENOSPC;
		goto out;
	}
	if (!scratch && xen_alloc_unpopulated_pages(1, &scratch)) {
		scratch = NULL;
		rc = -ENOMEM;
		goto out;
	}

	mem->owner = owner;
	list_add_tail(&mem->owned, &owner->list);
	owner->nr++;
	list_add_tail(&mem->all, &all);
	nr_all++;
	schedule_delayed_work(&look_work, LOOK_INTERVAL);
out:
	up_write(&all_lock);

	return rc;
}

void privcmd_memories_del(struct privcmd_memory_object *mem)
{
	down_write(&all_lock);
	/* It is in no list if adding it failed. */
	if (!list_empty(&mem->all))
		nr_all--;
	list_del_init(&mem->all);
	if (mem->owner) {
		list_del(&mem->owned);
		mem->owner->nr--;
	}
	up_write(&all_lock);
}

void privcmd_memories_forget(domid_t dom, const struct privcmd_memory_range *ranges,
			     unsigned int nr)
{
	struct privcmd_memory_object *mem;
	unsigned int i;

	down_read(&all_lock);
	list_for_each_entry(mem, &all, all)
		for (i = 0; mem->dom == dom && i < nr; i++)
			privcmd_memory_forget(mem, ranges[i].gfn, ranges[i].nr_frames);
	up_read(&all_lock);
}

void privcmd_memories_end(domid_t dom)
{
	struct privcmd_memory_object *mem;

	down_read(&all_lock);
	list_for_each_entry(mem, &all, all)
		if (mem->dom == dom)
			privcmd_memory_end(mem);
	up_read(&all_lock);
}

bool privcmd_memories_evict(void)
{
	struct privcmd_memory_object *mem, *most = NULL;
	unsigned int nr = 0;

	down_read(&all_lock);
	list_for_each_entry(mem, &all, all)
		if (READ_ONCE(mem->nr_mapped) > (most ? READ_ONCE(most->nr_mapped) : 0))
			most = mem;
	if (most)
		nr = privcmd_memory_evict(most);
	up_read(&all_lock);
	privcmd_memory_budget_evicted(nr);

	return nr;
}

void privcmd_memories_info(struct privcmd_memory_info *info)
{
	info->nr_files = READ_ONCE(nr_all);
	privcmd_memory_budget_info(info);
}

void privcmd_memories_exit(void)
{
	cancel_delayed_work_sync(&look_work);
	if (scratch)
		xen_free_unpopulated_pages(1, &scratch);
}
