// SPDX-License-Identifier: GPL-2.0-or-later
/* See lethal.h. Mapping and unmapping are no last calls: Xen does them for a process that dies. */
#include "lethal.h"

jmp_buf lethal_died;

static struct xenvirtio_hv_ops lethal;
static const struct xenvirtio_hv_ops *real;
static unsigned int calls_to_live; /* 0: for ever */
static bool afterwards;

void lethal_arm(unsigned int call, bool after)
{
	calls_to_live = call;
	afterwards = after;
}

static bool is_last(void)
{
	return calls_to_live && !--calls_to_live;
}

#define LETHAL(name, params, args) \
	static int die_in_##name params \
	{ \
		bool last = is_last(); \
		int ret; \
\
		if (last && !afterwards) \
			longjmp(lethal_died, 1); \
		ret = real->name args; \
		if (last) \
			longjmp(lethal_died, 1); \
		return ret; \
	}

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
