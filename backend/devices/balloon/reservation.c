// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Releasing and populating, exact to the frame.
 *
 * Xen reports whole extents. One of a higher order that fails may be gone in part: the domain's page count, read
 * before each call and after a failed one, says how many frames at least. It may say too few (another process has some
 * of them mapped, the guest has hypercalls of its own): such a frame is found when the driver deflates it, for
 * what is said to be there is asked for then (reservation_settle()).
 *
 * After any error the journal is left as it is: the bitmap may be behind, the next start settles it.
 */
#include <errno.h>
#include <string.h>

#include "backend/base/clock.h"
#include "backend/devices/balloon/reservation.h"

static uint64_t extent_frames(unsigned int order)
{
	return UINT64_C(1) << order;
}

static void journal_begin(struct reservation *r, enum reservation_op op, unsigned int order,
			  const struct xenvirtio_gfn *start, size_t nr, uint64_t tot_pages)
{
	struct reservation_journal *j = r->journal;

	j->order = order;
	j->nr = (uint32_t)nr;
	j->tot_pages = tot_pages;
	for (size_t i = 0; i < nr; i++)
		j->start_gfn[i] = start[i].v;
	__atomic_store_n(&j->op, op, __ATOMIC_RELEASE);
}

static void journal_end(struct reservation *r)
{
	__atomic_store_n(&r->journal->op, RESERVATION_IDLE, __ATOMIC_RELEASE);
}

/* The first @frames frames of the extents, in order, are done. */
static void mark_done(struct reservation *r, const struct xenvirtio_gfn *start, size_t nr,
		      unsigned int order, uint64_t frames, bool ballooned)
{
	for (size_t i = 0; i < nr && frames; i++) {
		uint64_t here = frames < extent_frames(order) ? frames : extent_frames(order);

		frames_mark(r->frames, start[i], here, ballooned);
		frames -= here;
	}
}

static uint64_t bounded_difference(uint64_t from, uint64_t to, uint64_t max)
{
	uint64_t difference = from > to ? from - to : 0;

	return difference < max ? difference : max;
}

/*
 * A seam without that operation: one mapping a frame.
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
static int ask_by_map(struct reservation *r, const struct xenvirtio_gfn *gfn, size_t nr,
		      bool *present)
{
	for (size_t i = 0; i < nr; i++) {
		void *va;
		int ret = r->hv->ops->map(r->hv, &gfn[i], 1, false, &va);

		if (ret && ret != XENVIRTIO_E_GUEST)
			return ret;
		present[i] = !ret;
		ret = ret ? 0 : r->hv->ops->unmap(r->hv, va, 1);
		if (ret)
			return ret;
	}
	return 0;
}

static int ask_frames(struct reservation *r, const struct xenvirtio_gfn *gfn, size_t nr)
{
	bool present[XENVIRTIO_EXTENTS_MAX];
	int ret = XENVIRTIO_HV_HAS(r->hv, frames_present) ? r->hv->ops->frames_present(r->hv, gfn, nr, present)
					     : ask_by_map(r, gfn, nr, present);

	/* A host short of memory may still have it for one frame at a time. */
	if (ret == -ENOMEM)
		ret = ask_by_map(r, gfn, nr, present);
	for (size_t i = 0; !ret && i < nr; i++)
		frames_mark(r->frames, gfn[i], 1, !present[i]);
	return ret;
}

/* What was collected and never sent must not go out with a later, unrelated call. */
static int drop_on_error(struct reservation *r, int ret)
{
	if (ret) {
		for (unsigned int order = 0; order <= XENVIRTIO_ORDER_MAX; order++)
			r->bucket[order].nr = 0;
	}
	return ret;
}

int reservation_settle(struct reservation *r, struct xenvirtio_run run)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	int ret = 0;

	while (run.nr && !ret) {
		size_t nr = run.nr < XENVIRTIO_EXTENTS_MAX ? (size_t)run.nr : XENVIRTIO_EXTENTS_MAX;

		for (size_t i = 0; i < nr; i++)
			gfn[i] = xenvirtio_gfn(run.start.v + i);
		ret = ask_frames(r, gfn, nr);
		run.start.v += nr;
		run.nr -= nr;
	}
	return drop_on_error(r, ret);
}

static int check_journal(const struct reservation *r)
{
	const struct reservation_journal *j = r->journal;

	if (j->op == RESERVATION_IDLE)
		return 0;
	if (j->op > RESERVATION_POPULATE || j->order > XENVIRTIO_ORDER_MAX ||
	    j->nr > XENVIRTIO_EXTENTS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < j->nr; i++) {
		struct xenvirtio_run run = { xenvirtio_gfn(j->start_gfn[i]),
					     extent_frames(j->order) };

		if (run.start.v > UINT64_MAX - run.nr)
			return -EBADMSG;
		while (run.nr) {
			struct xenvirtio_run piece;

			if (frames_next(r->frames, &run, &piece) == FRAME_OUTSIDE)
				return -EBADMSG;
		}
	}
	return 0;
}

/* How far a dead process's call came, only the frames themselves tell: the domain's counters are
 * moved by others as well. */
static int settle_journal(struct reservation *r)
{
	struct reservation_journal *j = r->journal;

	if (j->op == RESERVATION_IDLE)
		return 0;
	for (uint32_t i = 0; i < j->nr; i++) {
		struct xenvirtio_run run = {xenvirtio_gfn(j->start_gfn[i]),
					    extent_frames(j->order)};
		int ret = reservation_settle(r, run);

		if (ret)
			return ret;
	}
	journal_end(r);
	return 0;
}

int reservation_init(struct reservation *r, struct xenvirtio_hv *hv, struct xenvirtio_gmem *gmem,
		     struct frames *frames, struct reservation_journal *journal)
{
	int ret;

	memset(r, 0, sizeof(*r));
	r->hv = hv;
	r->gmem = gmem;
	r->frames = frames;
	r->journal = journal;
	r->max_order = XENVIRTIO_ORDER_MAX;
	ret = check_journal(r);
	return ret ? ret : settle_journal(r);
}

/*
 * One release call. @frames_done counts from the start of the first extent and includes the part
 * of a failed one.
 */
static int release_once(struct reservation *r, const struct xenvirtio_gfn *start, size_t nr,
			unsigned int order, uint64_t *frames_done)
{
	struct xenvirtio_domain_info before, after;
	uint64_t whole, begin_ns;
	size_t done = 0;
	int ret, info_ret;

	ret = r->hv->ops->domain_info(r->hv, &before);
	if (ret)
		return ret;
	journal_begin(r, RESERVATION_RELEASE, order, start, nr, before.tot_pages);
	begin_ns = clock_now_ns();
	ret = r->hv->ops->release_pages(r->hv, start, nr, order, &done);
	r->hypercall_ns += clock_now_ns() - begin_ns;
	whole = (uint64_t)done << order;
	*frames_done = whole;
	if (done < nr && order) {
		info_ret = r->hv->ops->domain_info(r->hv, &after);
		if (info_ret)
			return info_ret;
		/* At least one frame of the failed extent is still there. */
		*frames_done += bounded_difference(before.tot_pages, after.tot_pages + whole,
						   extent_frames(order) - 1);
	}
	mark_done(r, start, nr, order, *frames_done, true);
	journal_end(r);
	return ret;
}

/* Put one extent into the bucket of its order; the caller has made room. */
static void put_extent(struct reservation *r, struct xenvirtio_gfn start, unsigned int order)
{
	struct reservation_bucket *b = &r->bucket[order];

	b->start[b->nr++] = start;
}

static int release_bucket(struct reservation *r, unsigned int order);

static int collect_release(struct reservation *r, struct xenvirtio_run run, unsigned int max_order)
{
	while (run.nr) {
		struct xenvirtio_gfn start;
		unsigned int order = xenvirtio_run_cut(&run, max_order, &start);
		int ret;

		put_extent(r, start, order);
		if (r->bucket[order].nr < XENVIRTIO_EXTENTS_MAX)
			continue;
		ret = release_bucket(r, order);
		if (ret)
			return ret;
	}
	return 0;
}

static int release_bucket(struct reservation *r, unsigned int order)
{
	struct reservation_bucket *b = &r->bucket[order];
	size_t nr = b->nr, at = 0;

	b->nr = 0;
	while (at < nr) {
		uint64_t frames_done, failed_offset;
		struct xenvirtio_run rest;
		int ret = release_once(r, &b->start[at], nr - at, order, &frames_done);

		if (ret)
			return ret;
		at += frames_done >> order;
		if (at == nr)
			break;
		/* This frame cannot be released: leave it with the guest, go on behind it. */
		failed_offset = frames_done & (extent_frames(order) - 1);
		r->bad_pages++;
		rest.start = xenvirtio_gfn(b->start[at].v + failed_offset + 1);
		rest.nr = extent_frames(order) - failed_offset - 1;
		ret = collect_release(r, rest, 0);
		if (ret)
			return ret;
		at++;
	}
	return 0;
}

int reservation_release(struct reservation *r, struct xenvirtio_run run)
{
	/* A frame we have mapped stays allocated however often Xen is told to free it. */
	int ret = xenvirtio_gmem_forget(r->gmem, run.start, run.nr);

	if (!ret)
		ret = collect_release(r, run, XENVIRTIO_ORDER_MAX);
	return drop_on_error(r, ret);
}

int reservation_release_flush(struct reservation *r)
{
	int ret = 0;

	/* Large ones first: what is left of a failed one goes into the bucket of order 0. */
	for (unsigned int order = XENVIRTIO_ORDER_MAX + 1; order-- && !ret;)
		ret = release_bucket(r, order);
	return drop_on_error(r, ret);
}

void reservation_populate_begin(struct reservation *r)
{
	r->max_order = XENVIRTIO_ORDER_MAX;
	r->short_of_memory = false;
}

static int populate_once(struct reservation *r, const struct xenvirtio_gfn *start, size_t nr,
			 unsigned int order, size_t *done)
{
	struct xenvirtio_domain_info before;
	uint64_t begin_ns;
	int ret = r->hv->ops->domain_info(r->hv, &before);

	*done = 0;
	if (ret)
		return ret;
	journal_begin(r, RESERVATION_POPULATE, order, start, nr, before.tot_pages);
	begin_ns = clock_now_ns();
	ret = r->hv->ops->populate_pages(r->hv, start, nr, order, done);
	r->hypercall_ns += clock_now_ns() - begin_ns;
	mark_done(r, start, nr, order, (uint64_t)*done << order, false);
	journal_end(r);
	return ret;
}

static int collect_populate(struct reservation *r, struct xenvirtio_run run);

static int populate_bucket(struct reservation *r, unsigned int order)
{
	struct reservation_bucket *b = &r->bucket[order];
	size_t nr = b->nr, done;
	int ret;

	b->nr = 0;
	if (!nr || r->short_of_memory)
		return 0;
	ret = populate_once(r, b->start, nr, order, &done);
	if (ret || done == nr)
		return ret;
	if (!order) {
		r->short_of_memory = true;
		return 0;
	}
	/* No extent of this order to be had: the rest in smaller ones, down to single frames. */
	if (r->max_order > order - 1)
		r->max_order = order - 1;
	for (size_t i = done; i < nr; i++) {
		ret = collect_populate(
			r, (struct xenvirtio_run){ b->start[i], extent_frames(order) });
		if (ret)
			return ret;
	}
	return 0;
}

static int collect_populate(struct reservation *r, struct xenvirtio_run run)
{
	while (run.nr && !r->short_of_memory) {
		struct xenvirtio_gfn start;
		unsigned int order = xenvirtio_run_cut(&run, r->max_order, &start);
		int ret;

		put_extent(r, start, order);
		if (r->bucket[order].nr < XENVIRTIO_EXTENTS_MAX)
			continue;
		ret = populate_bucket(r, order);
		if (ret)
			return ret;
	}
	return 0;
}

int reservation_populate(struct reservation *r, struct xenvirtio_run run)
{
	return drop_on_error(r, collect_populate(r, run));
}

int reservation_populate_flush(struct reservation *r)
{
	int ret = 0;

	for (unsigned int order = XENVIRTIO_ORDER_MAX + 1; order-- && !ret;)
		ret = populate_bucket(r, order);
	return drop_on_error(r, ret);
}
