// SPDX-License-Identifier: GPL-2.0-or-later
/* See lethal.h. Mapping and unmapping are no last calls: Xen does them for a process that dies. */
#include "lethal.h"

jmp_buf lethal_died;

static struct xenvirtio_hv_ops lethal;
static const struct xenvirtio_hv_ops *real;
static struct xenvirtio_store_ops lethal_store;
static const struct xenvirtio_store_ops *real_store;
static unsigned int calls_to_live; /* 0: for ever */
static bool afterwards;

void lethal_arm(unsigned int call, bool after)
{
	calls_to_live = call;
	afterwards = after;
}

unsigned int lethal_left(void)
{
	return calls_to_live;
}

static bool is_last(void)
{
	return calls_to_live && !--calls_to_live;
}

#define LETHAL_IN(where, name, params, args) \
	static int die_in_##name params \
	{ \
		bool last = is_last(); \
		int ret; \
\
		if (last && !afterwards) \
			longjmp(lethal_died, 1); \
		ret = where->name args; \
		if (last) \
			longjmp(lethal_died, 1); \
		return ret; \
	}

#define LETHAL(name, params, args) LETHAL_IN(real, name, params, args)
#define LETHAL_STORE(name, params, args) LETHAL_IN(real_store, name, params, args)

LETHAL(domain_info, (struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info), (hv, info))
LETHAL(release_pages,
       (struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr, unsigned int order,
	size_t *done),
       (hv, start, nr, order, done))
LETHAL(populate_pages,
       (struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr, unsigned int order,
	size_t *done),
       (hv, start, nr, order, done))
LETHAL(frames_present,
       (struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present),
       (hv, gfn, nr, present))
LETHAL(pod_info, (struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info), (hv, info))
LETHAL(pause, (struct xenvirtio_hv *hv), (hv))
LETHAL(unpause, (struct xenvirtio_hv *hv), (hv))
LETHAL(set_irq, (struct xenvirtio_hv *hv, uint32_t irq, bool level), (hv, irq, level))
LETHAL(ioreq_next, (struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req), (hv, req))
LETHAL(ioreq_complete, (struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req), (hv, req))

void lethal_wrap(struct xenvirtio_hv *hv)
{
	real = hv->ops;
	lethal = *real;
	lethal.domain_info = die_in_domain_info;
	lethal.release_pages = die_in_release_pages;
	lethal.populate_pages = die_in_populate_pages;
	lethal.frames_present = die_in_frames_present;
	lethal.pod_info = die_in_pod_info;
	lethal.pause = die_in_pause;
	lethal.unpause = die_in_unpause;
	lethal.set_irq = die_in_set_irq;
	lethal.ioreq_next = die_in_ioreq_next;
	lethal.ioreq_complete = die_in_ioreq_complete;
	hv->ops = &lethal;
}

LETHAL_STORE(read, (struct xenvirtio_store *store, const char *path, char *value, size_t size), (store, path, value, size))
LETHAL_STORE(write, (struct xenvirtio_store *store, const char *path, const char *value), (store, path, value))
LETHAL_STORE(remove, (struct xenvirtio_store *store, const char *path), (store, path))
LETHAL_STORE(list, (struct xenvirtio_store *store, const char *path, char *names, size_t size), (store, path, names, size))
LETHAL_STORE(set_perms, (struct xenvirtio_store *store, const char *path, const char *perms), (store, path, perms))
LETHAL_STORE(watch, (struct xenvirtio_store *store, const char *path, const char *token), (store, path, token))

void lethal_wrap_store(struct xenvirtio_store *store)
{
	if (store->ops == &lethal_store)
		return;
	real_store = store->ops;
	lethal_store = *real_store;
	lethal_store.read = die_in_read;
	lethal_store.write = die_in_write;
	lethal_store.remove = die_in_remove;
	lethal_store.list = die_in_list;
	lethal_store.set_perms = die_in_set_perms;
	lethal_store.watch = die_in_watch;
	store->ops = &lethal_store;
}
