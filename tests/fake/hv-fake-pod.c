// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake's populate-on-demand: frames the guest has not touched yet, and the memory that is kept for them (the cache, which is
 * the guest's and has no place in its p2m).
 *
 * As Xen's p2m-pod.c: whoever touches such a frame, or maps it, has it populated from the cache, and where there is nothing left Xen
 * crashes the domain. A release takes such entries of the whole extent first, puts what it takes of the rest into a cache that is too small for
 * the entries that are left, and frees what the cache has too much. A sweep makes entries of frames with nothing in them.
 */
#include "config.h"

#include "hv-fake-internal.h"

static bool is_pod(const uint32_t *entry)
{
	return entry && *entry == FAKE_POD;
}

bool fake_pod_touch(struct fake *f, uint32_t *entry)
{
	if (!is_pod(entry))
		return true;
	f->pod_populated++;
	if (!f->pod_cache) {
		f->faults.pod_empty++;
		return false;
	}
	f->pod_cache--;
	f->pod_entries--;
	/* it was the guest's before */
	f->tot_pages--;
	f->heap_free++;
	*entry = fake_take_frame(f) + 1;
	return true;
}

void fake_pod_forget(struct fake *f, uint32_t *entry)
{
	if (!is_pod(entry))
		return;
	f->pod_entries--;
	*entry = 0;
}

static void trim_cache(struct fake *f)
{
	while (f->pod_cache > f->pod_entries) {
		f->pod_cache--;
		f->tot_pages--;
		f->heap_free++;
	}
}

/* Kept in mind as a number: the frame itself goes back, and another comes when it is wanted. */
static bool to_cache(struct fake *f, uint32_t *entry, uint32_t left)
{
	if (!entry || !*entry || is_pod(entry) || f->frame[*entry - 1].maps)
		return false;
	fake_drop_frame(f, *entry - 1);
	*entry = left;
	f->heap_free--;
	f->tot_pages++;
	f->pod_cache++;
	return true;
}

uint64_t fake_pod_sweep(struct fake *f, struct xenvirtio_gfn gfn, uint64_t nr)
{
	uint64_t done = 0;

	for (uint64_t k = 0; k < nr && f->pod_entries; k++)
		done += to_cache(f, fake_find_entry(f, gfn.v + k), FAKE_POD);
	f->pod_entries += done;
	return done;
}

uint64_t fake_pod_release(struct fake *f, uint64_t start, uint64_t nr)
{
	uint64_t done = 0;

	if (!f->pod_entries)
		return 0;
	for (uint64_t k = 0; k < nr; k++) {
		uint32_t *entry = fake_find_entry(f, start + k);

		if (is_pod(entry)) {
			fake_pod_forget(f, entry);
			done++;
		}
	}
	for (uint64_t k = 0; k < nr && f->pod_entries > f->pod_cache; k++)
		done += to_cache(f, fake_find_entry(f, start + k), 0);
	trim_cache(f);
	return done;
}

int fake_op_pod_info(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	*info = (struct xenvirtio_pod_info){ .entries = f->pod_entries, .cache_pages = f->pod_cache };
	return 0;
}

void fake_set_pod(struct fake *f, struct xenvirtio_gfn gfn, uint64_t nr, uint64_t cache)
{
	for (uint64_t k = 0; k < nr; k++) {
		uint32_t *entry = fake_find_entry(f, gfn.v + k);

		if (!entry || !*entry || is_pod(entry))
			continue;
		fake_drop_frame(f, *entry - 1);
		*entry = FAKE_POD;
		f->pod_entries++;
		if (f->pod_cache < cache) {
			f->pod_cache++;
			f->heap_free--;
			f->tot_pages++;
		}
	}
}

uint64_t fake_pod_populated(const struct fake *f)
{
	return f->pod_populated;
}
