// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs of frames and the extents they are cut into.
 *
 * A run is never empty and never wraps; both are ensured in xenvirtio_runs_add(), the only place
 * where runs are made, so nothing below checks again.
 */
#include <errno.h>
#include <stdlib.h>
#include <xenvirtio/extent.h>

void xenvirtio_runs_fini(struct xenvirtio_runs *runs)
{
	free(runs->run);
	*runs = (struct xenvirtio_runs){ 0 };
}

void xenvirtio_runs_clear(struct xenvirtio_runs *runs)
{
	runs->nr = 0;
}

/* Out of line: most often there is room. */
static __attribute__((noinline)) int make_room(struct xenvirtio_runs *runs)
{
	struct xenvirtio_run *run;
	size_t room;

	room = runs->room ? runs->room * 2 : 64;
	run = reallocarray(runs->run, room, sizeof(*run));
	if (!run)
		return -ENOMEM;
	runs->run = run;
	runs->room = room;
	return 0;
}

int xenvirtio_runs_add(struct xenvirtio_runs *runs, struct xenvirtio_gfn start, uint64_t nr)
{
	struct xenvirtio_run *last = runs->nr ? &runs->run[runs->nr - 1] : NULL;
	uint64_t end;
	int ret;

	if (!nr)
		return 0;
	if (__builtin_add_overflow(start.v, nr, &end))
		return -EOVERFLOW;
	/* Drivers give pages mostly one after the other, upwards or downwards: no sorting for what is in order already. */
	if (last && last->start.v + last->nr == start.v) {
		last->nr += nr;
		return 0;
	}
	if (last && end == last->start.v) {
		last->start = start;
		last->nr += nr;
		return 0;
	}
	ret = runs->nr < runs->room ? 0 : make_room(runs);
	if (ret)
		return ret;
	runs->run[runs->nr++] = (struct xenvirtio_run){ .start = start, .nr = nr };
	return 0;
}

static int compare_start(const void *a, const void *b)
{
	const struct xenvirtio_run *x = a, *y = b;

	return (x->start.v > y->start.v) - (x->start.v < y->start.v);
}

static bool is_sorted(const struct xenvirtio_runs *runs)
{
	for (size_t i = 1; i < runs->nr; i++)
		if (runs->run[i].start.v < runs->run[i - 1].start.v)
			return false;
	return true;
}

uint64_t xenvirtio_runs_coalesce(struct xenvirtio_runs *runs)
{
	uint64_t repeated = 0;
	size_t out = 0;

	if (!runs->nr)
		return 0;
	/* Drivers that sort are not to pay for those that do not. */
	if (!is_sorted(runs))
		qsort(runs->run, runs->nr, sizeof(*runs->run), compare_start);
	for (size_t in = 1; in < runs->nr; in++) {
		struct xenvirtio_run *last = &runs->run[out];
		const struct xenvirtio_run *next = &runs->run[in];
		uint64_t last_end = last->start.v + last->nr;
		uint64_t next_end = next->start.v + next->nr;

		if (next->start.v > last_end) {
			runs->run[++out] = *next;
			continue;
		}
		repeated += (next_end < last_end ? next_end : last_end) - next->start.v;
		if (next_end > last_end)
			last->nr = next_end - last->start.v;
	}
	runs->nr = out + 1;
	return repeated;
}

uint64_t xenvirtio_runs_total(const struct xenvirtio_runs *runs)
{
	uint64_t total = 0;

	for (size_t i = 0; i < runs->nr; i++)
		total += runs->run[i].nr;
	return total;
}

unsigned int xenvirtio_run_cut(struct xenvirtio_run *run, unsigned int max_order,
			       struct xenvirtio_gfn *start)
{
	unsigned int order = 63 - (unsigned int)__builtin_clzll(run->nr);

	if (run->start.v) {
		unsigned int aligned = (unsigned int)__builtin_ctzll(run->start.v);

		if (aligned < order)
			order = aligned;
	}
	if (order > max_order)
		order = max_order;
	*start = run->start;
	run->start.v += UINT64_C(1) << order;
	run->nr -= UINT64_C(1) << order;
	return order;
}
