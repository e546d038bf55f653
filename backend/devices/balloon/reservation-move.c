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

#include "backend/base/clock.h"
#include "backend/devices/balloon/reservation-internal.h"

static void bucket_put(struct reservation_bucket *b, struct xenvirtio_gfn start)
{
	b->start[b->nr++] = start;
}

static void bucket_take(struct reservation_bucket *b, size_t nr)
{
	b->at += nr;
	if (b->at == b->nr)
		b->at = b->nr = 0;
}

static size_t bucket_left(const struct reservation_bucket *b)
{
	return b->nr - b->at;
}

static bool buckets_empty(const struct reservation_bucket *b)
{
	for (unsigned int order = 0; order <= XENVIRTIO_ORDER_MAX; order++)
		if (bucket_left(&b[order]))
			return false;
	return true;
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

/*
 * Frames a call: what it will really cost is known when it is over. Each one that cost no more than was paid for doubles what the
 * next may have, up to this; a dearer one ends that. A call by way of the broker costs as much as moving a hundred frames. At the
 * price of a slow host, where cheap ones may suddenly end, this is what the event loop's others may have to wait: 10 ms.
 */
#define CALL_FRAMES_MAX 8192u

enum { RELEASING, POPULATING };

/* What so many frames cost, in extents of an order. */
static int64_t cost(const struct reservation *r, int op, unsigned int order, uint64_t frames)
{
	return order ? (int64_t)frames * r->price[op] / RESERVATION_PRICE_UNIT : (int64_t)frames * BUDGET_FRAME;
}

/*
 * A call is over. A host that moves large extents at once is asked for more of them a turn; one that took longer than
 * was paid for has less of the turn left. Time that stands still, as in tests, says nothing.
 */
static void settle_price(struct reservation *r, int op, unsigned int order, uint64_t frames, uint64_t ns)
{
	int64_t units = (int64_t)(ns / BUDGET_UNIT_NS), paid = cost(r, op, order, frames) + BUDGET_CALL;

	r->hypercall_ns += ns;
	if (units > paid)
		budget_charge(&r->budget, 1, units - paid);
	if (units > paid)
		r->call_frames[op] = RESERVATION_CALL_FRAMES;
	if (!order || !ns || frames < 64)
		return;
	if (units <= paid && frames == r->call_frames[op] && frames < CALL_FRAMES_MAX)
		r->call_frames[op] *= 2;
	units = units * RESERVATION_PRICE_UNIT / (int64_t)frames;
	/* a call that is larger says as much as several */
	for (uint64_t heard = 0; heard < frames; heard += RESERVATION_CALL_FRAMES)
		r->price[op] = (3 * r->price[op] + units) / 4 + 1;
	if (r->price[op] > RESERVATION_PRICE_MAX)
		r->price[op] = RESERVATION_PRICE_MAX;
}

static size_t call_extents(const struct reservation *r, int op, const struct reservation_bucket *b, unsigned int order)
{
	size_t max = r->call_frames[op] >> order;

	return bucket_left(b) < max ? bucket_left(b) : max;
}

static void mark_extents(struct reservation *r, const struct xenvirtio_gfn *start, size_t nr,
			 unsigned int order, bool ballooned)
{
	for (size_t i = 0; i < nr; i++)
		frames_mark(r->frames, start[i], extent_frames(order), ballooned);
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
	struct reservation_bucket *b = &r->release[order];
	const struct xenvirtio_gfn *start = &b->start[b->at];
	size_t nr = call_extents(r, RELEASING, b, order), done = 0;
	uint64_t begin_ns, frames;
	int ret;

	budget_charge(&r->budget, 1, BUDGET_CALL);
	journal_begin(r, RESERVATION_RELEASE, order, start, nr);
	begin_ns = clock_now_ns();
	ret = r->hv->ops->release_pages(r->hv, start, nr, order, &done);
	frames = (uint64_t)done << order;
	settle_price(r, RELEASING, order, frames, clock_now_ns() - begin_ns);
	mark_extents(r, start, done, order, true);
	r->released_pages += frames;
	r->tot_pages -= frames < r->tot_pages ? frames : r->tot_pages;
	if (ret)
		return ret;
	bucket_take(b, done);
	if (done < nr && order) {
		struct xenvirtio_gfn failed = b->start[b->at];

		bucket_take(b, 1);
		ret = split_extent(r, failed, order);
	} else if (done < nr) {
		ret = sort_singles(r, nr - done);
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
	return reservation_look(r);
}

int reservation_release(struct reservation *r, struct xenvirtio_run *run)
{
	/* A sum to compare with later is that of an empty balloon, or one that was asked for. */
	int ret = r->base_known && r->frames->nr_set ? 0 : reservation_look(r);

	/* A frame we have mapped stays allocated however often Xen is told to free it. */
	if (!ret)
		ret = xenvirtio_gmem_forget(r->gmem, run->start, run->nr);
	while (!ret && run->nr && !budget_spent(&r->budget)) {
		struct xenvirtio_run rest = *run;
		struct xenvirtio_gfn start;
		unsigned int order = xenvirtio_run_cut(&rest, XENVIRTIO_ORDER_MAX, &start);

		if (r->release[order].nr == XENVIRTIO_EXTENTS_MAX) {
			ret = drain_release(r, order);
			if (ret || bucket_left(&r->release[order]))
				break;
		}
		bucket_put(&r->release[order], start);
		budget_charge(&r->budget, 1, cost(r, RELEASING, order, extent_frames(order)));
		*run = rest;
	}
	return drop_on_error(r, ret);
}

int reservation_release_flush(struct reservation *r)
{
	int ret = 0;

	/* Large ones first: what is left of a failed one goes into the bucket of order 0. */
	for (unsigned int order = XENVIRTIO_ORDER_MAX + 1; order-- && !ret;)
		ret = drain_release(r, order);
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
	budget_charge(&r->budget, 1, -cost(r, POPULATING, order, bucket_left(b) << order));
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
	struct reservation_bucket *b = &r->populate[order];
	const struct xenvirtio_gfn *start = &b->start[b->at];
	size_t nr = call_extents(r, POPULATING, b, order), done = 0;
	uint64_t begin_ns, frames;
	int ret;

	budget_charge(&r->budget, 1, BUDGET_CALL);
	journal_begin(r, RESERVATION_POPULATE, order, start, nr);
	begin_ns = clock_now_ns();
	ret = r->hv->ops->populate_pages(r->hv, start, nr, order, &done);
	frames = (uint64_t)done << order;
	settle_price(r, POPULATING, order, frames, clock_now_ns() - begin_ns);
	mark_extents(r, start, done, order, false);
	r->populated_pages += frames;
	r->tot_pages += frames;
	if (ret)
		return ret;
	journal_end(r);
	bucket_take(b, done);
	if (done < nr)
		give_up_order(r, order);
	return 0;
}

static int drain_populate(struct reservation *r, unsigned int order)
{
	int ret = 0;

	while (!ret && bucket_left(&r->populate[order]) && !budget_overrun(&r->budget))
		ret = send_populate(r, order);
	return ret;
}

/* Takes off the front of @run what the turn has room for; frames that were asked for are paid already. */
static int collect_populate(struct reservation *r, struct xenvirtio_run *run, bool whatever_the_budget)
{
	int ret = 0;

	while (!ret && run->nr && !r->short_of_memory &&
	       (whatever_the_budget || !budget_spent(&r->budget))) {
		struct xenvirtio_run rest = *run;
		struct xenvirtio_gfn start;
		unsigned int order = xenvirtio_run_cut(&rest, r->max_order, &start);

		if (r->populate[order].nr == XENVIRTIO_EXTENTS_MAX) {
			ret = drain_populate(r, order);
			if (ret || bucket_left(&r->populate[order]))
				break;
			/* smaller ones, perhaps */
			continue;
		}
		bucket_put(&r->populate[order], start);
		budget_charge(&r->budget, 1, cost(r, POPULATING, order, extent_frames(order)));
		*run = rest;
	}
	return ret;
}

/* What was collected in an earlier turn may have been taken back since: where there is doubt it is asked for once more. */
static int look_at_carried(struct reservation *r)
{
	int ret = r->looked ? 0 : reservation_look(r);

	if (!ret && r->carried && (r->doubt || r->found)) {
		buckets_clear(r->populate);
		r->dropped = true;
	}
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
	int ret = r->looked && !r->carried && !r->found ? 0 : look_at_carried(r);

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
		ret = drain_populate(r, order);
	return drop_on_error(r, ret);
}
