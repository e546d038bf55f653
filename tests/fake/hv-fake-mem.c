// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake's memory: frames of the host, the guest's p2m, mappings of frames.
 *
 * A frame is free, or owned by the guest. Leaving the p2m frees it, unless somebody has it mapped:
 * then it stays owned, and counted in tot_pages, until the last unmap. A freed frame loses its
 * content. All tests' "no page was released while mapped" and "nothing leaked" are counted here.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "hv/hv-check.h"
#include "hv-fake-internal.h"

uint32_t *fake_find_entry(const struct fake *f, uint64_t gfn)
{
	for (size_t i = 0; i < f->config.nr_ram; i++) {
		const struct xenvirtio_gfn_range *r = &f->config.ram[i];

		if (gfn >= r->start.v && gfn <= r->end_incl.v)
			return &f->p2m[i][gfn - r->start.v];
	}
	return NULL;
}

static inline bool is_there(uint32_t entry)
{
	return entry == FAKE_POD || (entry && !(entry & FAKE_AWAY));
}

static bool find_frame(const struct fake *f, uint64_t gfn, uint32_t *frame)
{
	const uint32_t *entry = fake_find_entry(f, gfn);

	if (!entry || !is_there(*entry) || *entry == FAKE_POD)
		return false;
	*frame = *entry - 1;
	return true;
}

uint32_t fake_take_frame(struct fake *f)
{
	uint32_t frame = f->free_frame[--f->nr_free];

	f->frame[frame].owned = true;
	f->heap_free--;
	f->tot_pages++;
	return frame;
}

static void free_frame(struct fake *f, uint32_t frame)
{
	fake_view_clear(f, frame);
	f->frame[frame] = (struct fake_frame){ 0 };
	f->free_frame[f->nr_free++] = frame;
	f->heap_free++;
	f->tot_pages--;
}

void fake_drop_frame(struct fake *f, uint32_t frame)
{
	if (f->frame[frame].maps)
		f->frame[frame].doomed = true;
	else
		free_frame(f, frame);
}

int fake_mem_init(struct fake *f)
{
	uint64_t guest = 0;

	for (size_t i = 0; i < f->config.nr_ram; i++) {
		uint64_t nr = f->config.ram[i].end_incl.v - f->config.ram[i].start.v + 1;

		f->p2m[i] = calloc(nr, sizeof(*f->p2m[i]));
		if (!f->p2m[i])
			return -ENOMEM;
		guest += nr;
	}
	f->nr_frames = guest + f->config.heap_pages;
	f->frame = calloc(f->nr_frames, sizeof(*f->frame));
	f->free_frame = calloc(f->nr_frames, sizeof(*f->free_frame));
	if (!f->frame || !f->free_frame)
		return -ENOMEM;
	fake_mem_fill(f);
	return fake_view_init(f);
}

void fake_mem_fill(struct fake *f)
{
	uint32_t next = 0;

	for (size_t i = 0; i < f->nr_frames; i++) {
		if (f->frame[i].dirty)
			fake_view_clear(f, (uint32_t)i);
	}
	memset(f->frame, 0, f->nr_frames * sizeof(*f->frame));
	/* the guest has the lowest, so that its frames start in one run */
	for (size_t i = 0; i < f->config.nr_ram; i++) {
		uint64_t nr = f->config.ram[i].end_incl.v - f->config.ram[i].start.v + 1;

		for (uint64_t k = 0; k < nr; k++) {
			f->frame[next].owned = true;
			f->p2m[i][k] = ++next;
		}
	}
	f->nr_free = f->nr_frames - next;
	for (size_t i = 0; i < f->nr_free; i++)
		f->free_frame[i] = (uint32_t)(f->nr_frames - 1 - i);
	f->heap_free = f->nr_free;
	f->heap_order = XENVIRTIO_ORDER_MAX;
	f->tot_pages = next;
	f->max_pages = f->config.max_pages ? f->config.max_pages : f->tot_pages;
}

static void drop_frames(struct fake *f, const struct fake_mapping *m)
{
	for (size_t i = 0; i < m->nr; i++) {
		struct fake_frame *frame = &f->frame[m->frame[i]];

		frame->maps--;
		if (!frame->maps && frame->doomed)
			free_frame(f, m->frame[i]);
	}
}

static void free_mapping(struct fake *f, struct fake_mapping *m)
{
	fake_view_unmap(f, m);
	if (!m->revoked)
		drop_frames(f, m);
	free(m);
}

/* Frees the mappings of one handle, or all of them. */
static void free_mappings(struct fake *f, const struct fake_handle *owner)
{
	struct fake_mapping **link = &f->mappings;

	while (*link) {
		struct fake_mapping *m = *link;

		if (owner && m->owner != owner) {
			link = &m->next;
			continue;
		}
		*link = m->next;
		free_mapping(f, m);
	}
}

void fake_mem_fini(struct fake *f)
{
	free_mappings(f, NULL);
	fake_view_fini(f);
	for (size_t i = 0; i < FAKE_RAM_MAX; i++)
		free(f->p2m[i]);
	free(f->frame);
	free(f->free_frame);
}

void fake_mem_close_handle(struct fake_handle *h)
{
	free_mappings(h->f, h);
}

int fake_op_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max,
		       size_t *nr)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	if (max < f->config.nr_ram)
		return -ENOSPC;
	memcpy(range, f->config.ram, f->config.nr_ram * sizeof(*range));
	*nr = f->config.nr_ram;
	return 0;
}

int fake_op_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
		bool writable, void **va)
{
	struct fake_handle *h = to_handle(hv);
	struct fake *f = h->f;
	struct fake_mapping *m;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	ret = check_map(nr);
	if (ret)
		return ret;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	if (nr > f->nr_frames)
		return XENVIRTIO_E_GUEST;
	m = calloc(1, sizeof(*m) + nr * sizeof(m->frame[0]));
	if (!m)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		fake_pod_touch(f, fake_find_entry(f, gfn[i].v));
		if (!find_frame(f, gfn[i].v, &m->frame[i])) {
			free(m);
			return XENVIRTIO_E_GUEST;
		}
	}
	m->nr = nr;
	ret = fake_view_map(f, m, writable);
	if (ret) {
		free(m);
		return ret;
	}
	for (size_t i = 0; i < nr; i++)
		f->frame[m->frame[i]].maps++;
	m->owner = h;
	m->next = f->mappings;
	f->mappings = m;
	*va = m->va;
	return 0;
}

int fake_op_frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
			   bool *present)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (!ret && (!nr || nr > XENVIRTIO_EXTENTS_MAX))
		ret = -EINVAL;
	if (!ret && f->gone)
		ret = XENVIRTIO_E_GONE;
	/* no mapping: it populates nothing */
	for (size_t i = 0; !ret && i < nr; i++)
		present[i] = fake_present(f, gfn[i]);
	return ret;
}

int fake_op_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, true);

	if (ret)
		return ret;
	for (struct fake_mapping **link = &f->mappings; *link; link = &(*link)->next) {
		struct fake_mapping *m = *link;

		if (m->va != va || m->nr != nr || m->owner != to_handle(hv))
			continue;
		*link = m->next;
		free_mapping(f, m);
		return 0;
	}
	f->faults.bad_unmap++;
	return -EINVAL;
}

int fake_op_revoke(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, true);

	if (ret)
		return ret;
	for (struct fake_mapping *m = f->mappings; m; m = m->next) {
		if (m->va != va || m->nr != nr || m->owner != to_handle(hv))
			continue;
		ret = fake_view_revoke(m);
		if (!ret && !m->revoked)
			drop_frames(f, m);
		m->revoked |= !ret;
		return ret;
	}
	f->faults.bad_unmap++;
	return -EINVAL;
}

/* What others have mapped is their business, and no fault of who releases it. */
static bool maps_frame(const struct fake_handle *h, uint32_t frame)
{
	for (const struct fake_mapping *m = h->f->mappings; m; m = m->next) {
		for (size_t i = 0; m->owner == h && !m->revoked && i < m->nr; i++)
			if (m->frame[i] == frame)
				return true;
	}
	return false;
}

/* @h: who releases it; NULL: the test */
static bool release_frame(struct fake *f, const struct fake_handle *h, uint64_t gfn)
{
	uint32_t *entry = fake_find_entry(f, gfn);
	uint32_t frame;

	if (!entry || !is_there(*entry) || *entry == FAKE_POD)
		return false;
	frame = *entry - 1;
	*entry = f->direct ? *entry | FAKE_AWAY : 0;
	if (f->frame[frame].maps && (!h || maps_frame(h, frame)))
		f->faults.released_mapped++;
	if (!f->direct)
		fake_drop_frame(f, frame);
	return true;
}

int fake_op_release_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			  unsigned int order, size_t *done)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	*done = 0;
	if (!ret)
		ret = check_extents(start, nr, order);
	if (ret)
		return ret;
	if (f->gone || f->dying)
		return XENVIRTIO_E_GONE;
	if (f->config.invalidate)
		f->invalidate_pending = true;
	for (; *done < nr; ++*done) {
		uint64_t size = UINT64_C(1) << order, gone = fake_pod_release(f, start[*done].v, size);

		for (uint64_t k = 0; k < size; k++) {
			const uint32_t *entry = fake_find_entry(f, start[*done].v + k);

			/* so many of its holes were none before */
			if (gone && entry && !is_there(*entry))
				gone--;
			else if (!release_frame(f, to_handle(hv), start[*done].v + k))
				return 0;
		}
	}
	return 0;
}

static bool populate_extent(struct fake *f, uint64_t start, unsigned int order)
{
	uint64_t nr = UINT64_C(1) << order;

	for (uint64_t k = 0; k < nr; k++) {
		if (!fake_find_entry(f, start + k)) {
			f->faults.populated_outside++;
			return false;
		}
	}
	if (!f->direct && (order > f->heap_order || f->heap_free < nr || f->nr_free < nr ||
			   f->tot_pages > f->max_pages || f->max_pages - f->tot_pages < nr))
		return false;
	for (uint64_t k = 0; k < nr; k++) {
		uint32_t *entry = fake_find_entry(f, start + k);

		/* as in Xen: the old frame stays the guest's, and nobody can name it any more */
		fake_pod_forget(f, entry);
		if (f->direct) {
			*entry &= ~FAKE_AWAY;
			continue;
		}
		if (*entry)
			f->faults.leaked++;
		*entry = fake_take_frame(f) + 1;
	}
	return true;
}

int fake_op_populate_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			   unsigned int order, size_t *done)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	*done = 0;
	if (!ret)
		ret = check_extents(start, nr, order);
	if (ret)
		return ret;
	if (f->gone || f->dying)
		return XENVIRTIO_E_GONE;
	while (*done < nr && populate_extent(f, start[*done].v, order))
		++*done;
	return 0;
}

uint64_t fake_tot_pages(const struct fake *f)
{
	return f->tot_pages;
}

uint64_t fake_max_pages(const struct fake *f)
{
	return f->max_pages;
}

uint64_t fake_heap_free(const struct fake *f)
{
	return f->heap_free;
}

bool fake_present(const struct fake *f, struct xenvirtio_gfn gfn)
{
	const uint32_t *entry = fake_find_entry(f, gfn.v);

	return entry && is_there(*entry);
}

unsigned int fake_frame_maps(const struct fake *f, struct xenvirtio_gfn gfn)
{
	uint32_t frame;

	return find_frame(f, gfn.v, &frame) ? f->frame[frame].maps : 0;
}

uint64_t fake_holes(const struct fake *f)
{
	uint64_t holes = 0;

	for (size_t i = 0; i < f->config.nr_ram; i++) {
		uint64_t nr = f->config.ram[i].end_incl.v - f->config.ram[i].start.v + 1;

		for (uint64_t k = 0; k < nr; k++)
			holes += !is_there(f->p2m[i][k]);
	}
	return holes;
}

/*
 * A fuzzer looks at all of them many times an input. What is read here is the fake's own, and as
 * long as it was made: AddressSanitizer's word on each entry would be most of the time.
 */
__attribute__((no_sanitize("address")))
static uint64_t holes_of(const uint32_t *entry, size_t nr)
{
	uint64_t word = 0;

	for (size_t i = 0; i < nr; i++)
		word |= (uint64_t)!is_there(entry[i]) << i;
	return word;
}

void fake_read_holes(const struct fake *f, uint64_t *word)
{
	size_t at = 0, part;

	for (size_t i = 0; i < f->config.nr_ram; i++) {
		uint64_t nr = f->config.ram[i].end_incl.v - f->config.ram[i].start.v + 1;

		for (uint64_t k = 0; k < nr; k += part, at += part) {
			part = 64 - at % 64 < nr - k ? 64 - at % 64 : nr - k;
			if (at % 64 == 0)
				word[at / 64] = 0;
			word[at / 64] |= holes_of(&f->p2m[i][k], part) << (at % 64);
		}
	}
}

size_t fake_live_mappings(const struct fake *f)
{
	size_t nr = 0;

	for (const struct fake_mapping *m = f->mappings; m; m = m->next)
		nr++;
	return nr;
}

size_t fake_live_pages(const struct fake *f)
{
	size_t nr = 0;

	for (const struct fake_mapping *m = f->mappings; m; m = m->next)
		nr += m->nr;
	return nr;
}

void fake_set_max_pages(struct fake *f, uint64_t max_pages)
{
	f->max_pages = max_pages;
}

void fake_set_heap(struct fake *f, uint64_t pages)
{
	uint64_t most = f->nr_free + f->config.others_pages;

	f->heap_free = pages < most ? pages : most;
}

void fake_set_heap_order(struct fake *f, unsigned int order)
{
	f->heap_order = order;
}

void fake_set_direct(struct fake *f)
{
	f->direct = true;
}

void fake_make_hole(struct fake *f, struct xenvirtio_gfn gfn, uint64_t nr)
{
	for (uint64_t k = 0; k < nr; k++)
		release_frame(f, NULL, gfn.v + k);
}

void *fake_guest_page(struct fake *f, struct xenvirtio_gfn gfn)
{
	uint32_t frame;

	fake_pod_touch(f, fake_find_entry(f, gfn.v));
	if (!find_frame(f, gfn.v, &frame)) {
		f->faults.holes_touched++;
		return NULL;
	}
	return fake_view_write(f, frame);
}

void *fake_guest_ptr(struct fake *f, struct xenvirtio_gpa gpa, size_t len)
{
	uint64_t first = gpa.v >> XENVIRTIO_PAGE_SHIFT;
	uint64_t last = (gpa.v + (len ? len - 1 : 0)) >> XENVIRTIO_PAGE_SHIFT;
	uint8_t *base = fake_guest_page(f, xenvirtio_gfn(first));

	if (!base)
		return NULL;
	for (uint64_t gfn = first + 1; gfn <= last; gfn++) {
		uint8_t *page = fake_guest_page(f, xenvirtio_gfn(gfn));

		if (page != base + ((gfn - first) << XENVIRTIO_PAGE_SHIFT))
			return NULL;
	}
	return base + (gpa.v & (XENVIRTIO_PAGE_SIZE - 1));
}

static size_t in_page(uint64_t gpa, size_t len)
{
	size_t part = XENVIRTIO_PAGE_SIZE - (gpa & (XENVIRTIO_PAGE_SIZE - 1));

	return part < len ? part : len;
}

int fake_guest_read(struct fake *f, struct xenvirtio_gpa gpa, void *buf, size_t len)
{
	uint64_t at = gpa.v;

	for (size_t part; len; at += part, buf = (uint8_t *)buf + part, len -= part) {
		uint32_t frame;

		fake_pod_touch(f, fake_find_entry(f, at >> XENVIRTIO_PAGE_SHIFT));
		if (!find_frame(f, at >> XENVIRTIO_PAGE_SHIFT, &frame)) {
			f->faults.holes_touched++;
			return XENVIRTIO_E_GUEST;
		}
		part = in_page(at, len);
		memcpy(buf, (const uint8_t *)fake_view_read(f, frame) + at % XENVIRTIO_PAGE_SIZE,
		       part);
	}
	return 0;
}

int fake_guest_write(struct fake *f, struct xenvirtio_gpa gpa, const void *buf, size_t len)
{
	uint64_t at = gpa.v;

	for (size_t part; len; at += part, buf = (const uint8_t *)buf + part, len -= part) {
		uint8_t *page = fake_guest_page(f, xenvirtio_gfn(at >> XENVIRTIO_PAGE_SHIFT));

		if (!page)
			return XENVIRTIO_E_GUEST;
		part = in_page(at, len);
		memcpy(page + at % XENVIRTIO_PAGE_SIZE, buf, part);
	}
	return 0;
}
