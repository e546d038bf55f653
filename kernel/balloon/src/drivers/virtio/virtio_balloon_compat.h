/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What 6.1, 6.12 and 7.3 spell differently, for the files that they share.
 */
#ifndef VIRTIO_BALLOON_COMPAT_H
#define VIRTIO_BALLOON_COMPAT_H

#include <linux/gfp.h>
#include <linux/mmzone.h>
#include <linux/shrinker.h>

/* Where it is not called MEMORY_BALLOON the list takes its pages out of the managed ones itself. */
#ifdef CONFIG_BALLOON
#include <linux/balloon.h>
#define VBALLOON_LIST_ADJUSTS_MANAGED	true
#else
#include <linux/balloon_compaction.h>
#define VBALLOON_LIST_ADJUSTS_MANAGED	false
#endif

/* Movable only where compaction can move what is in a balloon. */
#if IS_ENABLED(CONFIG_BALLOON_COMPACTION) || IS_ENABLED(CONFIG_BALLOON_MIGRATION)
#define VBALLOON_GFP	GFP_HIGHUSER_MOVABLE
#else
#define VBALLOON_GFP	GFP_HIGHUSER
#endif

/* Single pages into an array of NULL, in bulk; fewer where memory is short, one if there is any. */
static inline unsigned int vballoon_alloc_pages(gfp_t gfp, unsigned int nr, struct page **page)
{
#ifdef alloc_pages_bulk
	return alloc_pages_bulk(gfp, nr, page);
#else
	return alloc_pages_bulk_array(gfp, nr, page);
#endif
}

/* 6.1: MAX_ORDER is the first order that cannot be allocated. */
#ifndef MAX_PAGE_ORDER
#define MAX_PAGE_ORDER	(MAX_ORDER - 1)
#endif

/* A shrinker and what it is for: allocated by the kernel, or (6.1) a part of what it is for. */
struct vballoon_shrinker {
#ifdef SHRINKER_ALLOCATED
	struct shrinker *shrinker;
#else
	struct shrinker shrinker;
	void *owner;
#endif
};

typedef unsigned long (*vballoon_shrink_fn)(struct shrinker *shrinker, struct shrink_control *sc);

/* Returns 0 or a negative error. */
static inline int vballoon_shrinker_register(struct vballoon_shrinker *s, void *owner,
					     vballoon_shrink_fn count, vballoon_shrink_fn scan)
{
#ifdef SHRINKER_ALLOCATED
	s->shrinker = shrinker_alloc(0, "virtio-balloon-held");
	if (!s->shrinker)
		return -ENOMEM;
	s->shrinker->count_objects = count;
	s->shrinker->scan_objects = scan;
	s->shrinker->private_data = owner;
	shrinker_register(s->shrinker);
	return 0;
#else
	s->owner = owner;
	s->shrinker.count_objects = count;
	s->shrinker.scan_objects = scan;
	s->shrinker.seeks = DEFAULT_SEEKS;
	return register_shrinker(&s->shrinker, "virtio-balloon-held");
#endif
}

static inline void vballoon_shrinker_unregister(struct vballoon_shrinker *s)
{
#ifdef SHRINKER_ALLOCATED
	shrinker_free(s->shrinker);
#else
	unregister_shrinker(&s->shrinker);
#endif
}

static inline void *vballoon_shrinker_owner(struct shrinker *shrinker)
{
#ifdef SHRINKER_ALLOCATED
	return shrinker->private_data;
#else
	return container_of(shrinker, struct vballoon_shrinker, shrinker)->owner;
#endif
}

#endif /* VIRTIO_BALLOON_COMPAT_H */
