// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Guest memory by copy: a bounded, least-recently-used cache of one-page foreign mappings.
 *
 * A slot is free, mapped (in the hash and on the used list), or stuck: its unmap failed. A stuck
 * slot is never found by a look-up again, because the frame behind it may no longer be the guest's;
 * it waits at the old end of the used list and its unmap is tried again when a slot is needed, at
 * flush and at free. A pinned slot (gmem-pin.h) is not given to another frame; dropped, it is revoked: found by nobody, private
 * memory in its place, and free once the last pin is gone.
 *
 * No pointer into guest memory leaves this file but those of pinned pages, which are for system calls; no other is kept
 * across two accesses.
 * Lock: none, one thread per object. Knows the hv seam and nothing above it.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <xenvirtio/gmem.h>

#include "hv/hv-check.h"
#include "memory/gmem-pin.h"

#define RAM_RANGES_MAX 32u
#define BUCKETS_MAX 65536u

struct slot {
	TAILQ_ENTRY(slot) use;
	LIST_ENTRY(slot) hash;
	struct xenvirtio_gfn gfn;
	void *va;
	bool stuck;
	bool revoked;
	unsigned int pins;
};

TAILQ_HEAD(slot_list, slot);
LIST_HEAD(bucket, slot);

struct xenvirtio_gmem {
	struct xenvirtio_hv *hv;
	struct xenvirtio_gfn_range ram[RAM_RANGES_MAX];
	size_t nr_ram;
	struct slot *slots;
	struct slot_list used; /* most recently used first */
	struct slot_list unused;
	size_t nr_used;
	size_t nr_stuck;
	size_t nr_slots;
	size_t nr_pinned; /* slots with a pin */
	uint64_t flushes;
	uint64_t filter; /* a bit for each frame in use, by the last six bits of its number; some are of frames that were */
	struct bucket *buckets;
	size_t nr_buckets; /* power of two */
};

static struct bucket *find_bucket(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn gfn)
{
	/* Fibonacci hashing: frames in use often differ in a few bits only */
	uint64_t hash = gfn.v * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	return &gmem->buckets[hash & (gmem->nr_buckets - 1)];
}

static struct slot *find_slot(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn gfn)
{
	struct slot *slot;

	LIST_FOREACH(slot, find_bucket(gmem, gfn), hash)
		if (slot->gfn.v == gfn.v)
			return slot;
	return NULL;
}

static void set_stuck(struct xenvirtio_gmem *gmem, struct slot *slot, bool stuck)
{
	gmem->nr_stuck += stuck - slot->stuck;
	slot->stuck = stuck;
}

static uint64_t filter_bits(struct xenvirtio_gfn gfn, uint64_t nr)
{
	uint64_t bits = nr < 64 ? (UINT64_C(1) << nr) - 1 : UINT64_MAX;
	unsigned int by = gfn.v % 64;

	return bits << by | (by ? bits >> (64 - by) : 0);
}

static int revoke_slot(struct xenvirtio_gmem *gmem, struct slot *slot)
{
	int ret = slot->revoked ? 0 : gmem->hv->ops->revoke(gmem->hv, slot->va, 1);

	if (ret)
		return ret;
	slot->revoked = true;
	set_stuck(gmem, slot, false);
	return 0;
}

static int drop_slot(struct xenvirtio_gmem *gmem, struct slot *slot)
{
	int ret;

	if (!slot->stuck && !slot->revoked)
		LIST_REMOVE(slot, hash);
	set_stuck(gmem, slot, true);
	if (slot->pins)
		return revoke_slot(gmem, slot);
	TAILQ_REMOVE(&gmem->used, slot, use);
	ret = gmem->hv->ops->unmap(gmem->hv, slot->va, 1);
	if (ret) {
		TAILQ_INSERT_TAIL(&gmem->used, slot, use);
		return ret;
	}
	if (!--gmem->nr_used)
		gmem->filter = 0;
	set_stuck(gmem, slot, false);
	slot->revoked = false;
	slot->va = NULL;
	TAILQ_INSERT_HEAD(&gmem->unused, slot, use);
	return 0;
}

/* There is one: half of them are never pinned. */
static struct slot *find_victim(struct xenvirtio_gmem *gmem)
{
	struct slot *slot;

	TAILQ_FOREACH_REVERSE(slot, &gmem->used, slot_list, use)
		if (!slot->pins)
			break;
	return slot;
}

static int map_slot(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn gfn, struct slot **out)
{
	struct slot *slot;
	int ret;

	if (TAILQ_EMPTY(&gmem->unused)) {
		ret = drop_slot(gmem, find_victim(gmem));
		if (ret)
			return ret;
	}
	slot = TAILQ_FIRST(&gmem->unused);
	ret = gmem->hv->ops->map(gmem->hv, &gfn, 1, true, &slot->va);
	if (ret)
		return ret;
	slot->gfn = gfn;
	TAILQ_REMOVE(&gmem->unused, slot, use);
	TAILQ_INSERT_HEAD(&gmem->used, slot, use);
	LIST_INSERT_HEAD(find_bucket(gmem, gfn), slot, hash);
	gmem->nr_used++;
	gmem->filter |= filter_bits(gfn, 1);
	*out = slot;
	return 0;
}

/*
 * The pointer is good until the next call of anything in this file. What is mapped was RAM when it
 * was mapped, and RAM ranges do not change.
 */
static int get_page(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn gfn, void **va)
{
	struct slot *slot = find_slot(gmem, gfn);
	int ret;

	if (!slot) {
		if (!xenvirtio_gmem_is_ram(gmem, xenvirtio_gfn_to_gpa(gfn), 1))
			return XENVIRTIO_E_GUEST;
		ret = map_slot(gmem, gfn, &slot);
		if (ret)
			return ret;
	} else if (slot != TAILQ_FIRST(&gmem->used)) {
		TAILQ_REMOVE(&gmem->used, slot, use);
		TAILQ_INSERT_HEAD(&gmem->used, slot, use);
	}
	*va = slot->va;
	return 0;
}

int xenvirtio_gmem_new(struct xenvirtio_gmem **out, struct xenvirtio_hv *hv, size_t max_pages)
{
	struct xenvirtio_gmem *gmem;
	size_t i;
	int ret;

	if (!max_pages || check_seam(hv))
		return -EINVAL;
	gmem = calloc(1, sizeof(*gmem));
	if (!gmem)
		return -ENOMEM;
	gmem->hv = hv;
	gmem->nr_slots = max_pages;
	gmem->nr_buckets = 1;
	while (gmem->nr_buckets < max_pages && gmem->nr_buckets < BUCKETS_MAX)
		gmem->nr_buckets *= 2;
	gmem->buckets = calloc(gmem->nr_buckets, sizeof(*gmem->buckets));
	gmem->slots = calloc(max_pages, sizeof(*gmem->slots));
	TAILQ_INIT(&gmem->used);
	TAILQ_INIT(&gmem->unused);
	if (!gmem->buckets || !gmem->slots) {
		ret = -ENOMEM;
		goto fail;
	}
	for (i = 0; i < gmem->nr_buckets; i++)
		LIST_INIT(&gmem->buckets[i]);
	for (i = 0; i < max_pages; i++)
		TAILQ_INSERT_TAIL(&gmem->unused, &gmem->slots[i], use);
	ret = hv->ops->ram_ranges(hv, gmem->ram, RAM_RANGES_MAX, &gmem->nr_ram);
	if (ret)
		goto fail;
	*out = gmem;
	return 0;
fail:
	xenvirtio_gmem_free(gmem);
	return ret;
}

void xenvirtio_gmem_free(struct xenvirtio_gmem *gmem)
{
	if (!gmem)
		return;
	/* Twice: what a passing failure left stuck goes now; after that it is the handle's. */
	if (xenvirtio_gmem_flush(gmem))
		xenvirtio_gmem_flush(gmem);
	free(gmem->slots);
	free(gmem->buckets);
	free(gmem);
}

bool xenvirtio_gmem_is_ram(const struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa,
			   uint64_t len)
{
	uint64_t first, last, end_incl;
	size_t i;

	if (!len || __builtin_add_overflow(gpa.v, len - 1, &end_incl))
		return false;
	first = xenvirtio_gpa_to_gfn(gpa).v;
	last = xenvirtio_gpa_to_gfn(xenvirtio_gpa(end_incl)).v;
	/* Ranges ascend, so bytes that cross from one into the next are found in one pass. */
	for (i = 0; i < gmem->nr_ram; i++) {
		if (first < gmem->ram[i].start.v || first > gmem->ram[i].end_incl.v)
			continue;
		if (last <= gmem->ram[i].end_incl.v)
			return true;
		first = gmem->ram[i].end_incl.v + 1;
	}
	return false;
}

static int copy_bytes(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, void *out,
		      const void *in, size_t len)
{
	if (!len)
		return 0;
	/* All or nothing; a part of one page is just that. */
	if (len > XENVIRTIO_PAGE_SIZE - (gpa.v & (XENVIRTIO_PAGE_SIZE - 1)) &&
	    !xenvirtio_gmem_is_ram(gmem, gpa, len))
		return XENVIRTIO_E_GUEST;
	while (len) {
		size_t offset = gpa.v & (XENVIRTIO_PAGE_SIZE - 1);
		size_t part = XENVIRTIO_PAGE_SIZE - offset;
		void *va;
		int ret = get_page(gmem, xenvirtio_gpa_to_gfn(gpa), &va);

		if (ret)
			return ret;
		if (part > len)
			part = len;
		if (out) {
			memcpy(out, (char *)va + offset, part);
			out = (char *)out + part;
		} else {
			memcpy((char *)va + offset, in, part);
			in = (const char *)in + part;
		}
		gpa.v += part;
		len -= part;
	}
	/* The copy is what gets checked: the compiler must not go back to the guest's bytes. */
	__asm__ volatile("" ::: "memory");
	return 0;
}

int xenvirtio_gmem_read(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, void *buf,
			size_t len)
{
	return copy_bytes(gmem, gpa, buf, NULL, len);
}

int xenvirtio_gmem_write(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, const void *buf,
			 size_t len)
{
	return copy_bytes(gmem, gpa, NULL, buf, len);
}

static int get_u16(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, uint16_t **va)
{
	void *page;
	int ret;

	if (gpa.v & 1)
		return XENVIRTIO_E_GUEST;
	ret = get_page(gmem, xenvirtio_gpa_to_gfn(gpa), &page);
	if (ret)
		return ret;
	*va = (uint16_t *)((char *)page + (gpa.v & (XENVIRTIO_PAGE_SIZE - 1)));
	return 0;
}

int xenvirtio_gmem_load16(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, uint16_t *val)
{
	uint16_t *va;
	int ret = get_u16(gmem, gpa, &va);

	if (ret)
		return ret;
	*val = le16toh(__atomic_load_n(va, __ATOMIC_ACQUIRE));
	return 0;
}

int xenvirtio_gmem_store16(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, uint16_t val)
{
	uint16_t *va;
	int ret = get_u16(gmem, gpa, &va);

	if (ret)
		return ret;
	__atomic_store_n(va, htole16(val), __ATOMIC_RELEASE);
	return 0;
}

/* Not in use, whatever their slot would be in: nearly all frames of a guest that gives single ones back. */
static bool surely_unused(const struct xenvirtio_gmem *gmem, struct xenvirtio_gfn start, uint64_t nr)
{
	return !(gmem->filter & filter_bits(start, nr));
}

int xenvirtio_gmem_forget(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn start, uint64_t nr)
{
	struct slot *slot, *next, *end;
	uint64_t i;
	int ret, first = 0;

	if (surely_unused(gmem, start, nr))
		return 0;

	/* Whichever is shorter: a look-up per frame, or a look at each page that is mapped. */
	if (nr < gmem->nr_used && !gmem->nr_stuck) {
		for (i = 0; i < nr; i++) {
			slot = find_slot(gmem, xenvirtio_gfn(start.v + i));
			ret = slot ? drop_slot(gmem, slot) : 0;
			if (ret && !first)
				first = ret;
		}
		return first;
	}
	/* A slot that gets stuck moves behind the last one, which must not be visited twice. */
	end = TAILQ_LAST(&gmem->used, slot_list);
	for (slot = TAILQ_FIRST(&gmem->used); slot; slot = next) {
		next = slot == end ? NULL : TAILQ_NEXT(slot, use);
		/* Unsigned: a frame below start is far above nr, whatever start + nr would be. */
		if (slot->gfn.v - start.v >= nr)
			continue;
		ret = drop_slot(gmem, slot);
		if (ret && !first)
			first = ret;
	}
	return first;
}

int xenvirtio_gmem_flush(struct xenvirtio_gmem *gmem)
{
	gmem->flushes++;
	return xenvirtio_gmem_forget(gmem, xenvirtio_gfn(0), UINT64_MAX);
}

uint64_t xenvirtio_gmem_flushes(const struct xenvirtio_gmem *gmem)
{
	return gmem->flushes;
}

size_t xenvirtio_gmem_mapped(const struct xenvirtio_gmem *gmem)
{
	return gmem->nr_used;
}

int gmem_pin(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn gfn, void **va, struct slot **pin)
{
	struct slot *slot;
	int ret;

	if (!XENVIRTIO_HV_HAS(gmem->hv, revoke))
		return -EOPNOTSUPP;
	ret = get_page(gmem, gfn, va);
	if (ret)
		return ret;
	slot = find_slot(gmem, gfn);
	if (!slot->pins && gmem->nr_pinned >= gmem->nr_slots / 2)
		return -EAGAIN;
	gmem->nr_pinned += !slot->pins++;
	*pin = slot;
	return 0;
}

bool gmem_pinned(const struct slot *pin)
{
	return !pin->revoked && !pin->stuck;
}

int gmem_revoke(struct xenvirtio_gmem *gmem, struct slot *pin)
{
	return drop_slot(gmem, pin);
}

void gmem_unpin(struct xenvirtio_gmem *gmem, struct slot *pin)
{
	gmem->nr_pinned -= !--pin->pins;
	/* what fails now is tried again, as any that is stuck */
	if (!pin->pins && !gmem_pinned(pin))
		drop_slot(gmem, pin);
}
