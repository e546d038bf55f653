/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All objects of guests' memory, and those that were made on one open file.
 *
 * What is asked of "the memory of a guest" is about every object there is of it,
 * whoever has it: only the list knows them. It also looks after guests that are
 * gone, every other second while there is an object at all.
 */
#ifndef _PRIVCMD_MEMORY_LIST_H
#define _PRIVCMD_MEMORY_LIST_H

#include <linux/list.h>
#include <linux/types.h>
#include <xen/interface/xen.h>

struct privcmd_memory_info;
struct privcmd_memory_object;
struct privcmd_memory_range;

/* How many objects a file may have */
#define PRIVCMD_MEMORIES_MAX	256

struct privcmd_memories {
	struct list_head list;
	unsigned int nr;
};

#ifdef CONFIG_XEN_AUTO_XLATE

void privcmd_memories_init(struct privcmd_memories *owner);
/* The file is closed: all that were made on it end. */
void privcmd_memories_release(struct privcmd_memories *owner);

/* Return: 0; -ENOSPC the owner has too many; -ENOMEM. */
int privcmd_memories_add(struct privcmd_memories *owner, struct privcmd_memory_object *mem);
/* Nobody else will find it. */
void privcmd_memories_del(struct privcmd_memory_object *mem);

/* The ranges have been checked. */
void privcmd_memories_forget(domid_t dom, const struct privcmd_memory_range *ranges,
			     unsigned int nr);
/* The guest is about to go: what there is of it ends. */
void privcmd_memories_end(domid_t dom);
/* Have the object that has most let go of something. Return: false if there is nothing. */
bool privcmd_memories_evict(void);
void privcmd_memories_info(struct privcmd_memory_info *info);

/* The module is to go, and no object is left. */
void privcmd_memories_exit(void);

#else

static inline void privcmd_memories_init(struct privcmd_memories *owner)
{
}

static inline void privcmd_memories_release(struct privcmd_memories *owner)
{
}

static inline void privcmd_memories_exit(void)
{
}

#endif /* CONFIG_XEN_AUTO_XLATE */

#endif /* _PRIVCMD_MEMORY_LIST_H */
