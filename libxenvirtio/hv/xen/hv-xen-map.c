// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Foreign mappings of the guest's frames, all or nothing.
 *
 * Each is remembered, so that closing the handle unmaps what is left: a mapping that outlives the
 * daemon's interest keeps a dead domain a zombie. Frame numbers are hostile; Xen says page by page
 * which are not RAM.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hv/hv-check.h"
#include "hv/xen/hv-xen.h"

/* Most mappings are one page: no allocation for the arrays of few. */
#define FEW 16

/*
 * Addresses have 52 bits at the most. A PV dom0 puts the number into a page table entry as it is, which cuts off what
 * is above and maps another frame of the guest.
 */
#define GFN_END (UINT64_C(1) << (52 - XENVIRTIO_PAGE_SHIFT))

/* What a failed page means. Trouble of the host comes before the guest's faults. */
static int judge_pages(const int *err, size_t nr)
{
	int ret = 0;

	for (size_t i = 0; i < nr; i++) {
		switch (abs(err[i])) {
		case 0:
			break;
		case ESRCH:
			return XENVIRTIO_E_GONE;
		case ENOMEM:
			return -ENOMEM;
		default:
			ret = XENVIRTIO_E_GUEST;
		}
	}
	return ret;
}

static int map_frames(struct xen_hv *x, const struct xenvirtio_gfn *gfn, size_t nr, int prot,
		      xen_pfn_t *frame, int *err, void **va)
{
	int ret;

	for (size_t i = 0; i < nr; i++) {
		if (gfn[i].v >= GFN_END)
			return XENVIRTIO_E_GUEST;
		frame[i] = gfn[i].v;
	}
	*va = xenforeignmemory_map(x->fmem, x->domid, prot, nr, frame, err);
	if (!*va)
		return xen_error(errno);
	ret = judge_pages(err, nr);
	if (ret)
		xenforeignmemory_unmap(x->fmem, *va, nr);
	return ret;
}

int xen_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool writable,
	    void **va)
{
	struct xen_hv *x = to_xen(hv);
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	xen_pfn_t few_frame[FEW], *frame = few_frame;
	int few_err[FEW], *err = few_err;
	struct xen_mapping *m;
	int ret = check_map(nr);

	if (ret)
		return ret;
	m = malloc(sizeof(*m));
	if (nr > FEW) {
		frame = calloc(nr, sizeof(*frame));
		err = calloc(nr, sizeof(*err));
	}
	if (m && frame && err)
		ret = map_frames(x, gfn, nr, prot, frame, err, va);
	else
		ret = -ENOMEM;
	if (nr > FEW) {
		free(frame);
		free(err);
	}
	if (ret) {
		free(m);
		return ret;
	}
	*m = (struct xen_mapping){ .next = x->mappings, .va = *va, .nr = nr };
	x->mappings = m;
	return 0;
}

/*
 * What Xen says of one frame. EPERM: it is there, and nobody may map it; EINVAL, ENOENT: there is none. What else can go
 * wrong says nothing of the frame: taken as a hole, the memory that is there would be populated over.
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
static int judge_presence(int err, bool *present)
{
	switch (abs(err)) {
	case 0:
	case EPERM:
		*present = true;
		return 0;
	case EINVAL:
	case ENOENT:
		*present = false;
		return 0;
	case ESRCH:
		return XENVIRTIO_E_GONE;
	default:
		return -abs(err);
	}
}

/*
 * A mapping asks Xen frame by frame; it lives for the question only. It would populate what a guest with populate-on-demand never
 * touched: of such a guest Xen is asked otherwise, by who may.
 */
int xen_frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
		       bool *present)
{
	struct xen_hv *x = to_xen(hv);
	xen_pfn_t frame[XENVIRTIO_EXTENTS_MAX];
	int err[XENVIRTIO_EXTENTS_MAX];
	size_t at[XENVIRTIO_EXTENTS_MAX], asked = 0;
	bool typed[XENVIRTIO_EXTENTS_MAX];
	void *va;
	int ret = nr && nr <= XENVIRTIO_EXTENTS_MAX ? 0 : -EINVAL;

	for (size_t i = 0; !ret && i < nr; i++) {
		present[i] = false;
		if (gfn[i].v >= GFN_END)
			continue;
		at[asked] = i;
		frame[asked++] = gfn[i].v;
	}
	if (ret || !asked)
		return ret;
	ret = x->mem ? xen_frames_typed(hv, frame, asked, typed) : -ENOSYS;
	for (size_t i = 0; !ret && i < asked; i++)
		present[at[i]] = typed[i];
	if (ret != -ENOSYS)
		return ret;
	ret = 0;
	va = xenforeignmemory_map(x->fmem, x->domid, PROT_READ, asked, frame, err);
	if (!va)
		return xen_error(errno);
	xenforeignmemory_unmap(x->fmem, va, asked);
	for (size_t i = 0; i < asked && !ret; i++)
		ret = judge_presence(err[i], &present[at[i]]);
	return ret;
}

int xen_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct xen_hv *x = to_xen(hv);

	for (struct xen_mapping **link = &x->mappings; *link; link = &(*link)->next) {
		struct xen_mapping *m = *link;

		if (m->va != va || m->nr != nr)
			continue;
		if (xenforeignmemory_unmap(x->fmem, va, nr))
			return xen_error(errno);
		*link = m->next;
		free(m);
		return 0;
	}
	return -EINVAL;
}

/* One call, so that at no time there is nothing at that place, where another thread's memory could come to be. */
int xen_revoke(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	const struct xen_mapping *m = to_xen(hv)->mappings;

	while (m && (m->va != va || m->nr != nr))
		m = m->next;
	if (!m)
		return -EINVAL;
	if (mmap(va, nr << XENVIRTIO_PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

void xen_unmap_all(struct xen_hv *x)
{
	while (x->mappings) {
		struct xen_mapping *m = x->mappings;

		x->mappings = m->next;
		xenforeignmemory_unmap(x->fmem, m->va, m->nr);
		free(m);
	}
}
