// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Releasing and populating, exact to the frame.
 *
 * Xen reports whole extents. One of a higher order that was not released may be gone in part: each of its frames is asked for, and
 * those that are there are released one by one. A single frame that was not released is asked for together with those behind
 * it, so that a guest that names a thousand holes costs one question and not a thousand calls.
 *
 * Populating never looks at what it could not get: the bits still stand, and the caller comes again.
 */
#include <string.h>

#include "backend/devices/balloon/reservation-internal.h"

static bool buckets_empty(const struct reservation_bucket *b)
{
	size_t nr = 0;

	/* asked for all the time, and true most often */
	for (unsigned int order = 0; order <= XENVIRTIO_ORDER_MAX; order++)
		nr |= b[order].nr;
	return !nr;
}

static void buckets_clear(struct reservation_bucket *b)
{
	for (unsigned int order = 0; order <= XENVIRTIO_ORDER_MAX; order++)
		b[order].at = b[order].nr = 0;
}

bool reservation_release_idle(const struct reservation *r)
{
	return buckets_empty(r->release);
}

bool reservation_populate_idle(const struct reservation *r)
{
	return buckets_empty(r->populate);
}

void reservation_forget_release(struct reservation *r)
{
	buckets_clear(r->release);
}

void reservation_forget_populate(struct reservation *r)
{
	buckets_clear(r->populate);
	r->dropped = false;
}

/* Of @gone frames, which were released now and which were holes before? A figure to show: the domain's count will do. */
static int count_released(struct reservation *r, uint64_t gone)
{
	struct xenvirtio_domain_info info;
	int ret = r->hv->ops->domain_info(r->hv, &info);

	budget_charge(&r->budget, 1, BUDGET_CALL);
	if (ret)
		return ret;
	if (info.tot_pages < r->tot_pages)
		r->released_pages += r->tot_pages - info.tot_pages < gone ? r->tot_pages - info.tot_pages : gone;
	r->tot_pages = info.tot_pages;
	return 0;
}

/*
 * The extent was not released whole: what of it is there goes frame by frame. Bucket 0 has room for it. What was populate-on-demand in it is
 * gone by now, as Xen takes that first: the question populates nothing.
 */
static int split_extent(struct reservation *r, struct xenvirtio_gfn start, unsigned int order)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	bool present[XENVIRTIO_EXTENTS_MAX];
	size_t nr = extent_frames(order), here;
	uint64_t gone = 0;
	int ret = 0;

	r->suspect = UINT64_MAX;
	for (size_t at = 0; at < nr && !ret; at += here) {
		here = nr - at < reservation_ask_max(r) ? nr - at : reservation_ask_max(r);
		for (size_t i = 0; i < here; i++)
			gfn[i] = xenvirtio_gfn(start.v + at + i);
		ret = ask_frames(r, gfn, here, present);
		for (size_t i = 0; i < here && !ret; i++) {
			if (!present[i]) {
				gone++;
				continue;
			}
			/* The first that is there may be what stopped Xen; else it was a hole before it. */
			if (r->suspect == UINT64_MAX)
				r->suspect = gfn[i].v;
			bucket_put(&r->release[0], gfn[i]);
		}
	}
	r->bad_pages++;
	return ret ? ret : count_released(r, gone);
}

/*
 * The first of these single frames was not released. Holes are marked; those that are there stay to be released, but it. Those
 * behind it are not asked for while each costs a hypercall.
 */
static int sort_singles(struct reservation *r, size_t nr)
{
	struct reservation_bucket *b = &r->release[0];
	struct xenvirtio_gfn *start = &b->start[b->at];
	bool present[XENVIRTIO_EXTENTS_MAX];
	size_t kept = 0;
	int ret;

	nr = !r->pod_over ? 1 : nr < reservation_ask_max(r) ? nr : reservation_ask_max(r);
	ret = ask_frames(r, start, nr, present);
	if (ret)
		return ret;
	/* the block it was in is counted already */
	if (!present[0] || start[0].v != r->suspect)
		r->bad_pages++;
	for (size_t i = 1; i < nr; i++) {
		if (present[i])
			start[kept++] = start[i];
		else
			r->bad_pages++;
	}
	memmove(&start[kept], &start[nr], (bucket_left(b) - nr) * sizeof(*start));
	b->nr -= nr - kept;
	bucket_take(b, 0);
	return 0;
}

int release_again(struct reservation *r, struct xenvirtio_run run)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	bool present;
	int ret = xenvirtio_gmem_forget(r->gmem, run.start, run.nr);

	while (!ret && run.nr) {
		size_t nr = run.nr < XENVIRTIO_EXTENTS_MAX ? (size_t)run.nr : XENVIRTIO_EXTENTS_MAX, done;

		for (size_t i = 0; i < nr; i++)
			gfn[i] = xenvirtio_gfn(run.start.v + i);
		ret = r->hv->ops->release_pages(r->hv, gfn, nr, 0, &done);
		frames_mark(r->frames, run.start, done, true);
		/* what is not released is a hole, or stays */
		if (!ret && done < nr)
			ret = ask_frames(r, &gfn[done++], 1, &present);
		run.start.v += done;
		run.nr -= done;
	}
	return ret;
}

/* One release call. */
static int send_release(struct reservation *r, unsigned int order)
{
	const struct reservation_call *c = &r->call;
	size_t done;
	int ret = send_call(r, RESERVATION_RELEASE, order, &done);

	if (ret)
		return ret;
	if (done < c->nr && c->extent[done].order) {
		bucket_take(&r->release[c->extent[done].order], 1);
		ret = split_extent(r, c->extent[done].start, c->extent[done].order);
	} else if (done < c->nr) {
		/* singles are the last of a call */
		ret = sort_singles(r, c->nr - done);
	}
	if (!ret)
		journal_end(r);
	return ret;
}

/* Until it is empty, or the turn is over. */
static int drain_release(struct reservation *r, unsigned int order)
{
	int ret = 0;

	while (!ret && bucket_left(&r->release[order]) && !budget_overrun(&r->budget)) {
		if (order && r->release[0].nr + extent_frames(order) > XENVIRTIO_EXTENTS_MAX) {
			ret = drain_release(r, 0);
			if (ret || bucket_left(&r->release[0]))
				return ret;
		}
		ret = send_release(r, order);
	}
	return ret;
}

int reservation_release_begin(struct reservation *r)
{
	return looks_with_calls(r) ? 0 : reservation_look(r);
}

int reservation_release(struct reservation *r, struct xenvirtio_run *run)
{
	/* A sum to compare with later is that of an empty balloon, or one that was asked for. */
	int ret = r->base_known && r->frames->nr_set ? 0 : reservation_look(r);

	/* A frame we have mapped stays allocated however often Xen is told to free it. */
	if (!ret)
		ret = xenvirtio_gmem_forget(r->gmem, run->start, run->nr);
	while (!ret && run->nr && !budget_spent(&r->budget)) {
		unsigned int order = front_order(run, XENVIRTIO_ORDER_MAX);

		if (r->release[order].nr == XENVIRTIO_EXTENTS_MAX) {
			ret = drain_release(r, order);
			if (ret || bucket_left(&r->release[order]))
				break;
		}
		bucket_put(&r->release[order], run->start);
		budget_charge(&r->budget, 1, call_cost(r, RESERVATION_RELEASE, order, extent_frames(order)));
		take_extent(run, order);
	}
	return drop_on_error(r, ret);
}

int reservation_release_flush(struct reservation *r)
{
	int ret = 0;

	/* Large ones first: what is left of a failed one goes into the bucket of order 0. */
	for (unsigned int order = XENVIRTIO_ORDER_MAX + 1; order-- && !ret;)
		ret = r->release[order].nr ? drain_release(r, order) : 0;
	return drop_on_error(r, ret);
}

void reservation_populate_begin(struct reservation *r)
{
	reservation_forget_populate(r);
	r->max_order = XENVIRTIO_ORDER_MAX;
	r->short_of_memory = false;
}

/* There are no extents of this order to be had: the rest in smaller ones, when the caller comes again. */
static void give_up_order(struct reservation *r, unsigned int order)
{
	struct reservation_bucket *b = &r->populate[order];

	/* they were paid for, and not moved */
	budget_charge(&r->budget, 1, -call_cost(r, RESERVATION_POPULATE, order, bucket_left(b) << order));
	bucket_take(b, bucket_left(b));
	if (!order) {
		reservation_forget_populate(r);
		r->short_of_memory = true;
		return;
	}
	r->dropped = true;
	if (r->max_order > order - 1)
		r->max_order = order - 1;
}

static int send_populate(struct reservation *r, unsigned int order)
{
	const struct reservation_call *c = &r->call;
	size_t done;
	int ret = send_call(r, RESERVATION_POPULATE, order, &done);

	if (ret && ret != XENVIRTIO_E_AGAIN)
		return ret;
	journal_end(r);
	if (!ret && done < c->nr)
		give_up_order(r, c->extent[done].order);
	return 0;
}

static int drain_populate(struct reservation *r, unsigned int order)
{
	int ret = 0;

	while (!ret && bucket_left(&r->populate[order]) && !budget_overrun(&r->budget))
		ret = r->looked || can_expect(r) ? send_populate(r, order) : reservation_look(r);
	return ret;
}

/* Takes off the front of @run what the turn has room for; frames that were asked for are paid already. */
static int collect_populate(struct reservation *r, struct xenvirtio_run *run, bool whatever_the_budget)
{
	int ret = 0;

	while (!ret && run->nr && !r->short_of_memory &&
	       (whatever_the_budget || !budget_spent(&r->budget))) {
		unsigned int order = front_order(run, r->max_order);

		if (r->populate[order].nr == XENVIRTIO_EXTENTS_MAX) {
			ret = drain_populate(r, order);
			if (ret || bucket_left(&r->populate[order]))
				break;
			/* smaller ones, perhaps */
			continue;
		}
		bucket_put(&r->populate[order], run->start);
		budget_charge(&r->budget, 1, call_cost(r, RESERVATION_POPULATE, order, extent_frames(order)));
		take_extent(run, order);
	}
	return ret;
}

void drop_populate(struct reservation *r)
{
	r->dropped = r->dropped || !buckets_empty(r->populate);
	buckets_clear(r->populate);
}

/* What was collected in an earlier turn may have been taken back since: where there is doubt it is asked for once more. */
static int look_at_carried(struct reservation *r)
{
	int ret = reservation_expect(r);

	if (!ret && r->carried && (r->doubt || r->found))
		drop_populate(r);
	r->carried = false;
	r->found = false;
	return ret;
}

/* Populating what is there would leave the guest a frame that nobody can name any more. */
static int populate_asked(struct reservation *r, struct xenvirtio_run *run)
{
	struct xenvirtio_run front = { run->start, run->nr < reservation_ask_max(r) ? run->nr : reservation_ask_max(r) }, piece;
	int ret = reservation_settle(r, front);

	run->start.v += front.nr;
	run->nr -= front.nr;
	while (!ret && front.nr) {
		if (frames_next(r->frames, &front, &piece) != FRAME_BALLOONED)
			continue;
		ret = collect_populate(r, &piece, true);
		/* no room in a bucket, and none to be had in this turn */
		r->dropped = r->dropped || piece.nr;
	}
	return ret;
}

int reservation_populate(struct reservation *r, struct xenvirtio_run *run)
{
	int ret = (r->looked || can_expect(r)) && !r->carried && !r->found ? 0 : look_at_carried(r);

	while (!ret && r->doubt && run->nr && !r->short_of_memory && !budget_spent(&r->budget))
		ret = populate_asked(r, run);
	if (!ret && !r->doubt)
		ret = collect_populate(r, run, false);
	if (r->short_of_memory)
		run->nr = 0;
	return drop_on_error(r, ret);
}

int reservation_populate_flush(struct reservation *r)
{
	int ret = r->carried ? look_at_carried(r) : 0;

	for (unsigned int order = XENVIRTIO_ORDER_MAX + 1; order-- && !ret;)
		ret = r->populate[order].nr ? drain_populate(r, order) : 0;
	return drop_on_error(r, ret);
}
