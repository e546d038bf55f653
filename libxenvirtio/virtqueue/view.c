// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Views of chains: pinned pages, and what of each belongs to the chain. A queue knows its views, to revoke them when it ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <xenvirtio/view.h>

#include "memory/gmem-pin.h"
#include "virtqueue/queue-ring.h"

struct xenvirtio_view {
	LIST_ENTRY(xenvirtio_view) link;
	struct xenvirtio_gmem *gmem;
	size_t nr;
	struct iovec *iov;
	struct slot *pin[];
};

/* The part of a segment that is asked for. Return: its length; 0: none of it */
static uint64_t clip(const struct xenvirtio_seg *seg, uint64_t *offset, uint64_t *left, uint64_t *gpa)
{
	uint64_t len;

	if (*offset >= seg->len_bytes) {
		*offset -= seg->len_bytes;
		return 0;
	}
	*gpa = seg->gpa.v + *offset;
	len = seg->len_bytes - *offset;
	*offset = 0;
	if (len > *left)
		len = *left;
	*left -= len;
	return len;
}

static size_t count_pages(const struct xenvirtio_seg *seg, unsigned int nr, uint64_t offset, uint64_t len)
{
	uint64_t gpa, part;
	size_t pages = 0;

	for (unsigned int i = 0; i < nr && len; i++) {
		part = clip(&seg[i], &offset, &len, &gpa);
		if (part)
			pages += (gpa + part - 1) / XENVIRTIO_PAGE_SIZE - gpa / XENVIRTIO_PAGE_SIZE + 1;
	}
	return pages;
}

static int pin_part(struct xenvirtio_view *view, uint64_t gpa, uint64_t len)
{
	while (len) {
		uint64_t offset = gpa & (XENVIRTIO_PAGE_SIZE - 1);
		uint64_t part = XENVIRTIO_PAGE_SIZE - offset;
		void *va;
		int ret = gmem_pin(view->gmem, xenvirtio_gpa_to_gfn(xenvirtio_gpa(gpa)), &va, &view->pin[view->nr]);

		if (ret)
			return ret;
		if (part > len)
			part = len;
		view->iov[view->nr++] = (struct iovec){ (char *)va + offset, part };
		gpa += part;
		len -= part;
	}
	return 0;
}

static int pin_all(struct xenvirtio_view *view, const struct xenvirtio_seg *seg, unsigned int nr, uint64_t offset, uint64_t len)
{
	uint64_t gpa = 0, part;
	int ret = 0;

	for (unsigned int i = 0; i < nr && len && !ret; i++) {
		part = clip(&seg[i], &offset, &len, &gpa);
		ret = pin_part(view, gpa, part);
	}
	return ret;
}

int xenvirtio_view_new(struct xenvirtio_view **out, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain, bool writable,
		       uint64_t offset, uint64_t len)
{
	const struct xenvirtio_seg *seg = chain->seg + (writable ? chain->nr_readable : 0);
	unsigned int nr = writable ? chain->nr_writable : chain->nr_readable;
	uint64_t bytes = writable ? chain->writable_bytes : chain->readable_bytes;
	struct xenvirtio_view *view;
	size_t pages;
	int ret;

	if (!xenvirtio_chain_held(q, chain) || !len || offset > bytes || len > bytes - offset)
		return XENVIRTIO_E_GUEST;
	pages = count_pages(seg, nr, offset, len);
	view = calloc(1, sizeof(*view) + pages * sizeof(view->pin[0]));
	if (view)
		view->iov = calloc(pages, sizeof(*view->iov));
	if (!view || !view->iov) {
		free(view);
		return -ENOMEM;
	}
	view->gmem = q->gmem;
	LIST_INSERT_HEAD(&q->views, view, link);
	ret = pin_all(view, seg, nr, offset, len);
	if (ret) {
		xenvirtio_view_free(view);
		return ret;
	}
	*out = view;
	return 0;
}

const struct iovec *xenvirtio_view_iov(const struct xenvirtio_view *view, size_t *nr)
{
	*nr = view->nr;
	return view->iov;
}

bool xenvirtio_view_whole(const struct xenvirtio_view *view)
{
	for (size_t i = 0; i < view->nr; i++)
		if (!gmem_pinned(view->pin[i]))
			return false;
	return true;
}

void xenvirtio_view_free(struct xenvirtio_view *view)
{
	if (!view)
		return;
	LIST_REMOVE(view, link);
	for (size_t i = 0; i < view->nr; i++)
		gmem_unpin(view->gmem, view->pin[i]);
	free(view->iov);
	free(view);
}

int queue_revoke_views(struct xenvirtio_queue *q)
{
	struct xenvirtio_view *view;
	int ret, first = 0;

	LIST_FOREACH(view, &q->views, link) {
		for (size_t i = 0; i < view->nr; i++) {
			ret = gmem_revoke(view->gmem, view->pin[i]);
			if (ret && !first)
				first = ret;
		}
	}
	return first;
}
