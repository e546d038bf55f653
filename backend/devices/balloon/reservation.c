// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is so: the journal, the domain's counters, and frames that are asked for one by one.
 *
 * The counters only say whether there is doubt. Others move them (another process has some of the
 * frames mapped, the guest has hypercalls of its own), so how far something came only the frames themselves tell.
 *
 * After any error the journal is left as it is: the bitmap may be behind, the next start settles it.
 */
#include <errno.h>
#include <string.h>

#include "backend/devices/balloon/reservation-internal.h"

/* A hypercall each. */
#define ASK_SINGLY_MAX 64u

/* All of one order: as they are. Else frame by frame, which any daemon finds its way in. */
void journal_begin(struct reservation *r, enum reservation_op op, const struct xenvirtio_extent *extent, size_t nr)
{
	struct reservation_journal *j = r->journal;
	unsigned int order = extent[0].order == extent[nr - 1].order ? extent[0].order : 0;
	uint64_t *gfn = j->start_gfn;

	for (size_t i = 0; i < nr; i++) {
		if (extent[i].order == order)
			*gfn++ = extent[i].start.v;
		else
			for (uint64_t k = 0; k < extent_frames(extent[i].order); k++)
				*gfn++ = extent[i].start.v + k;
	}
	j->order = order;
	j->nr = (uint32_t)(gfn - j->start_gfn);
	j->tot_pages = r->tot_pages;
	__atomic_store_n(&j->op, op, __ATOMIC_RELEASE);
}

void journal_end(struct reservation *r)
{
	__atomic_store_n(&r->journal->op, RESERVATION_IDLE, __ATOMIC_RELEASE);
}

/*
 * A seam without that operation: one mapping a frame.
 * Return: 0; XENVIRTIO_E_GONE; -errno
 */
static int ask_by_map(struct reservation *r, const struct xenvirtio_gfn *gfn, size_t nr,
		      bool *present)
{
	budget_charge(&r->budget, nr, 2 * BUDGET_CALL);
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

/* A question by mapping populates: of what the guest never touched, if no memory is kept for it, Xen crashes the guest. */
static bool may_map(const struct reservation *r)
{
	return !r->pod_left;
}

size_t reservation_ask_max(const struct reservation *r)
{
	if (r->pod_left)
		return ASK_SINGLY_MAX;
	return XENVIRTIO_HV_HAS(r->hv, frames_present) ? XENVIRTIO_EXTENTS_MAX : 16;
}

int ask_frames(struct reservation *r, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	int ret;

	budget_charge(&r->budget, 1, BUDGET_CALL);
	budget_charge(&r->budget, nr, r->pod_left ? BUDGET_CALL : BUDGET_FRAME);
	ret = XENVIRTIO_HV_HAS(r->hv, frames_present) ? r->hv->ops->frames_present(r->hv, gfn, nr, present)
						      : ask_by_map(r, gfn, nr, present);
	/* A host short of memory may still have it for one frame at a time. */
	if (ret == -ENOMEM && may_map(r))
		ret = ask_by_map(r, gfn, nr, present);
	for (size_t i = 0; !ret && i < nr; i++)
		frames_mark(r->frames, gfn[i], 1, !present[i]);
	return ret;
}

int reservation_settle(struct reservation *r, struct xenvirtio_run run)
{
	struct xenvirtio_gfn gfn[XENVIRTIO_EXTENTS_MAX];
	bool present[XENVIRTIO_EXTENTS_MAX];
	uint64_t before = r->frames->nr_set;
	int ret = 0;

	while (run.nr && !ret) {
		size_t max = reservation_ask_max(r), nr = run.nr < max ? (size_t)run.nr : max;

		for (size_t i = 0; i < nr; i++)
			gfn[i] = xenvirtio_gfn(run.start.v + i);
		ret = ask_frames(r, gfn, nr, present);
		run.start.v += nr;
		run.nr -= nr;
	}
	r->found = r->found || r->frames->nr_set < before;
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

/*
 * Of a guest with populate-on-demand a frame it never touched leaves its page tables, and what the domain owns stays as it is.
 * That is so at its start only: a guest that has none has none later.
 */
static int look_at_pod(struct reservation *r)
{
	struct xenvirtio_pod_info pod = { 0 };
	int ret = 0;

	if (r->pod_over)
		return 0;
	if (XENVIRTIO_HV_HAS(r->hv, pod_info)) {
		budget_charge(&r->budget, 1, BUDGET_CALL);
		ret = r->hv->ops->pod_info(r->hv, &pod);
	}
	r->pod_pages = pod.entries - pod.cache_pages;
	r->pod_over = !ret && !pod.entries && !pod.cache_pages;
	r->pod_left = !ret && !r->pod_over;
	return ret;
}

/* How far a dead process's call came, only the frames themselves tell. */
static int settle_journal(struct reservation *r)
{
	struct reservation_journal *j = r->journal;
	int ret = 0;

	if (j->op == RESERVATION_IDLE)
		return 0;
	if (j->op == RESERVATION_RELEASE)
		ret = look_at_pod(r);
	for (uint32_t i = 0; i < j->nr && !ret; i++) {
		struct xenvirtio_run run = {xenvirtio_gfn(j->start_gfn[i]),
					    extent_frames(j->order)};

		if (j->op == RESERVATION_RELEASE && !r->pod_over)
			ret = release_again(r, run);
		else
			ret = reservation_settle(r, run);
	}
	if (!ret)
		journal_end(r);
	return ret;
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
	r->price[0] = r->price[1] = RESERVATION_PRICE_MAX;
	r->call_frames[0] = r->call_frames[1] = RESERVATION_CALL_FRAMES;
	r->suspect = UINT64_MAX;
	ret = check_journal(r);
	return ret ? ret : settle_journal(r);
}

/* Of what Xen can count; a frame has 4 KiB. */
#define SUM_MAX (UINT64_C(1) << 52)

int reservation_keep(struct reservation *r, uint64_t *saved)
{
	if (*saved > SUM_MAX)
		return -EBADMSG;
	r->saved = saved;
	r->base_known = *saved;
	r->base = *saved - r->base_known;
	r->floor = r->base;
	return 0;
}

static int forget_collected(struct reservation *r)
{
	int ret = 0;

	for (unsigned int order = 0; order <= XENVIRTIO_ORDER_MAX; order++) {
		const struct reservation_bucket *b = &r->release[order];

		for (size_t i = b->at; i < b->nr && !ret; i++)
			ret = xenvirtio_gmem_forget(r->gmem, b->start[i], extent_frames(order));
	}
	return ret;
}

int reservation_turn(struct reservation *r, int64_t units)
{
	budget_begin(&r->budget, units);
	r->looked = false;
	r->carried = !reservation_populate_idle(r);
	/* What waits was collected in another turn: a frame may have been mapped since. */
	return reservation_release_idle(r) ? 0 : drop_on_error(r, forget_collected(r));
}

/*
 * With nothing in the balloon there is nothing to doubt, whatever the guest owns. A sum that falls again to what it was then takes
 * with it what made it higher, somebody's mapping; one that falls below is frames the guest gave away, which it may take again.
 */
static void follow_sum(struct reservation *r)
{
	uint64_t sum = reservation_sum(r);

	if (!r->frames->nr_set) {
		if (sum > r->floor)
			r->floor = sum;
		reservation_believe(r, r->floor);
	} else if (r->base_known && sum < r->base) {
		reservation_believe(r, sum > r->floor ? sum : r->floor);
	}
}

static bool is_doubtful(const struct reservation *r)
{
	return !r->base_known || reservation_sum(r) > r->base;
}

void note_domain(struct reservation *r, const struct xenvirtio_domain_info *info)
{
	r->looked = true;
	r->moves += r->tot_pages != info->tot_pages;
	r->tot_pages = info->tot_pages;
	r->max_pages = info->max_pages;
	r->paused = info->paused;
	follow_sum(r);
	r->doubt = is_doubtful(r);
}

void note_look(struct reservation *r, const struct xenvirtio_domain_info *info)
{
	note_domain(r, info);
	if (r->doubt)
		drop_populate(r);
}

bool can_expect(const struct reservation *r)
{
	return looks_with_calls(r) && !is_doubtful(r);
}

int reservation_expect(struct reservation *r)
{
	if (r->looked)
		return 0;
	if (!can_expect(r))
		return reservation_look(r);
	r->doubt = false;
	return 0;
}

int reservation_look(struct reservation *r)
{
	struct xenvirtio_domain_info info;
	int ret;

	if (r->looked)
		return 0;
	budget_charge(&r->budget, 1, BUDGET_CALL);
	ret = r->hv->ops->domain_info(r->hv, &info);
	if (!ret)
		ret = look_at_pod(r);
	if (ret)
		return drop_on_error(r, ret);
	note_look(r, &info);
	return 0;
}

void reservation_believe(struct reservation *r, uint64_t sum)
{
	if (!r->base_known || sum < r->floor)
		r->floor = sum;
	r->base = sum;
	r->base_known = true;
	if (r->saved && *r->saved != sum + 1)
		__atomic_store_n(r->saved, sum + 1, __ATOMIC_RELEASE);
	r->doubt = reservation_sum(r) > sum;
}
