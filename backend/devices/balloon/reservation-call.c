// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One call that releases or populates: which extents of those that were collected are in it, what it costs, and what is so when it is over.
 *
 * Where the seam is a way to another process, a call has extents of several orders, and looks at the domain as well.
 */
#include "backend/base/clock.h"
#include "backend/devices/balloon/reservation-internal.h"

/*
 * Frames a call: what it will really cost is known when it is over. Each one that cost no more than was paid for doubles what the
 * next may have, up to this; a dearer one ends that. A call by way of the broker costs as much as moving a hundred frames. At the
 * price of a slow host, where cheap ones may suddenly end, this is what the event loop's others may have to wait: 10 ms.
 */
#define CALL_FRAMES_MAX 8192u

/*
 * A call is over. A host that moves large extents at once is asked for more of them a turn; one that took longer than
 * was paid for has less of the turn left. Time that stands still, as in tests, says nothing.
 */
static void settle_price(struct reservation *r, enum reservation_op op, unsigned int order, uint64_t frames, int64_t paid, uint64_t ns)
{
	int64_t units = (int64_t)(ns / BUDGET_UNIT_NS);

	paid += BUDGET_CALL;
	r->hypercall_ns += ns;
	if (units > paid)
		budget_charge(&r->budget, 1, units - paid);
	if (units > paid)
		r->call_frames[op - RESERVATION_RELEASE] = RESERVATION_CALL_FRAMES;
	if (!order || !ns || frames < 64)
		return;
	if (units <= paid && frames == r->call_frames[op - RESERVATION_RELEASE] && frames < CALL_FRAMES_MAX)
		r->call_frames[op - RESERVATION_RELEASE] *= 2;
	units = units * RESERVATION_PRICE_UNIT / (int64_t)frames;
	/* a call that is larger says as much as several */
	for (uint64_t heard = 0; heard < frames; heard += RESERVATION_CALL_FRAMES)
		r->price[op - RESERVATION_RELEASE] = (3 * r->price[op - RESERVATION_RELEASE] + units) / 4 + 1;
	if (r->price[op - RESERVATION_RELEASE] > RESERVATION_PRICE_MAX)
		r->price[op - RESERVATION_RELEASE] = RESERVATION_PRICE_MAX;
}

static size_t call_extents(const struct reservation *r, enum reservation_op op, const struct reservation_bucket *b, unsigned int order)
{
	size_t max = r->call_frames[op - RESERVATION_RELEASE] >> order;

	return bucket_left(b) < max ? bucket_left(b) : max;
}

bool looks_with_calls(const struct reservation *r)
{
	/* with populate-on-demand the domain's count is not all there is to look at */
	return r->pod_over && XENVIRTIO_HV_HAS(r->hv, move_extents);
}

static struct reservation_bucket *buckets_of(struct reservation *r, enum reservation_op op)
{
	return op == RESERVATION_RELEASE ? r->release : r->populate;
}

static void call_add(struct reservation_call *c, const struct reservation_bucket *b, unsigned int order, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		c->extent[c->nr++] = (struct xenvirtio_extent){b->start[b->at + i], order};
	c->frames += (uint64_t)nr << order;
}

/*
 * So many extents of @order as a call may have; then, where one may have any, of smaller ones as many as the journal has room for, frame
 * by frame.
 */
static void fill_call(struct reservation *r, enum reservation_op op, unsigned int order)
{
	const struct reservation_bucket *b = &buckets_of(r, op)[order];
	struct reservation_call *c = &r->call;
	bool more;

	c->nr = 0;
	c->frames = 0;
	call_add(c, b, order, call_extents(r, op, b, order));
	more = looks_with_calls(r) && c->nr == bucket_left(b);
	budget_charge(&r->budget, looks_with_calls(r) ? 2 : 1, BUDGET_CALL);
	while (more && order-- && c->frames < XENVIRTIO_EXTENTS_MAX) {
		size_t room = (size_t)(XENVIRTIO_EXTENTS_MAX - c->frames) >> order, left = bucket_left(--b);

		call_add(c, b, order, left < room ? left : room);
		budget_charge(&r->budget, left ? 1 : 0, BUDGET_CALL);
		more = left <= room;
	}
}

/* What any seam has: of one order. */
static int call_plainly(struct reservation *r, enum reservation_op op, size_t *done)
{
	const struct xenvirtio_hv_ops *ops = r->hv->ops;
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
	const struct reservation_call *c = &r->call;

	for (size_t i = 0; i < c->nr; i++)
		start[i] = c->extent[i].start;
	return (op == RESERVATION_RELEASE ? ops->release_pages : ops->populate_pages)(r->hv, start, c->nr, c->extent[0].order, done);
}

/* With a look, or one more. Return: likewise; XENVIRTIO_E_AGAIN somebody else has moved frames, so none are populated */
static int call_and_look(struct reservation *r, enum reservation_op op, size_t *done)
{
	const struct reservation_call *c = &r->call;
	bool release = op == RESERVATION_RELEASE;
	struct xenvirtio_domain_info info;
	int ret = r->hv->ops->move_extents(r->hv, release, release ? 0 : r->tot_pages, c->extent, c->nr, &info, done);

	/* what is populated by this very call was collected without doubt, or asked for */
	if (!ret && !release)
		note_domain(r, &info);
	else if (!ret || ret == XENVIRTIO_E_AGAIN)
		note_look(r, &info);
	return ret;
}

/* The first @done extents of the call are moved, in so much time. */
static void take_call(struct reservation *r, enum reservation_op op, size_t done, uint64_t ns)
{
	const struct reservation_call *c = &r->call;
	unsigned int first = c->extent[0].order, last = c->extent[c->nr - 1].order;
	uint64_t frames = 0;
	int64_t paid = 0;

	frames_mark_extents(r->frames, c->extent, done, op == RESERVATION_RELEASE);
	for (size_t i = 0, nr; i < done; i += nr) {
		unsigned int order = c->extent[i].order;

		for (nr = 1; i + nr < done && c->extent[i + nr].order == order;)
			nr++;
		frames += nr << order;
		paid += call_cost(r, op, order, nr << order);
		bucket_take(&buckets_of(r, op)[order], nr);
	}
	*(op == RESERVATION_RELEASE ? &r->released_pages : &r->populated_pages) += frames;
	if (op == RESERVATION_POPULATE)
		r->tot_pages += frames;
	else
		r->tot_pages -= frames < r->tot_pages ? frames : r->tot_pages;
	/* what several orders cost says nothing of the price of one */
	settle_price(r, op, first == last ? first : 0, frames, paid, ns);
}

int send_call(struct reservation *r, enum reservation_op op, unsigned int order, size_t *done)
{
	uint64_t begin_ns;
	int ret;

	fill_call(r, op, order);
	journal_begin(r, op, r->call.extent, r->call.nr);
	begin_ns = clock_now_ns();
	ret = (looks_with_calls(r) ? call_and_look : call_plainly)(r, op, done);
	take_call(r, op, *done, clock_now_ns() - begin_ns);
	return ret;
}
