// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The checks, see contract.h. Each has the seam's words for what it asserts above it, works on its
 * own handle, and gives everything back; the first thing that is not as it should be ends it.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"

#define MAX_ORDER XENVIRTIO_ORDER_MAX
#define BLOCK (1u << MAX_ORDER)
#define RANGES_MAX 8

struct run {
	const struct contract *c;
	struct xenvirtio_hv *hv;
	const struct xenvirtio_hv_ops *ops;
	FILE *out;
};

#define EXPECT(run, cond)                                                             \
	do {                                                                          \
		if (!(cond)) {                                                        \
			fprintf((run)->out, "# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			return false;                                                 \
		}                                                                     \
	} while (0)

#define EXPECT_EQ(run, is, wanted)                                                         \
	do {                                                                               \
		int64_t is_ = (int64_t)(is), wanted_ = (int64_t)(wanted);                  \
		if (is_ != wanted_) {                                                      \
			fprintf((run)->out, "# %s:%d: %s is %" PRId64 ", not %" PRId64 "\n", \
				__FILE__, __LINE__, #is, is_, wanted_);                    \
			return false;                                                      \
		}                                                                          \
	} while (0)

static uint64_t tot_pages(struct run *r)
{
	struct xenvirtio_domain_info info;

	return r->ops->domain_info(r->hv, &info) ? UINT64_MAX : info.tot_pages;
}

static struct xenvirtio_gfn scratch_frame(const struct run *r, uint64_t offset)
{
	return xenvirtio_gfn(r->c->scratch.v + offset);
}

/* @nr extents one after the other. Return: extents done, or what the seam said if not 0 */
static int64_t release(struct run *r, uint64_t offset, size_t nr, unsigned int order)
{
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
	size_t done = SIZE_MAX;
	int ret;

	for (size_t i = 0; i < nr; i++)
		start[i] = scratch_frame(r, offset + ((uint64_t)i << order));
	ret = r->ops->release_pages(r->hv, start, nr, order, &done);
	return ret ? -1000 + ret : (int64_t)done;
}

static int64_t populate(struct run *r, uint64_t offset, size_t nr, unsigned int order)
{
	struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX];
	size_t done = SIZE_MAX;
	int ret;

	for (size_t i = 0; i < nr; i++)
		start[i] = scratch_frame(r, offset + ((uint64_t)i << order));
	ret = r->ops->populate_pages(r->hv, start, nr, order, &done);
	return ret ? -1000 + ret : (int64_t)done;
}

/* domain_info: counts that can be */
static bool info_is_sane(struct run *r)
{
	struct xenvirtio_domain_info info;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT(r, info.tot_pages > CONTRACT_SCRATCH_FRAMES);
	EXPECT(r, info.tot_pages <= info.max_pages);
	EXPECT(r, info.nr_vcpus >= 1 && info.nr_vcpus <= XENVIRTIO_VCPUS_MAX);
	EXPECT(r, !info.dying && !info.shutdown);
	return true;
}

/* host_info: what is released is free, and what is populated is not */
static bool host_has_what_is_released(struct run *r)
{
	struct xenvirtio_host_info before, released, after;

	EXPECT_EQ(r, r->ops->host_info(r->hv, &before), 0);
	EXPECT(r, before.free_pages < before.total_pages);
	EXPECT_EQ(r, release(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, r->ops->host_info(r->hv, &released), 0);
	EXPECT_EQ(r, populate(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, r->ops->host_info(r->hv, &after), 0);
	/* a real host has other things to do with a frame or two meanwhile */
	EXPECT(r, released.free_pages >= before.free_pages + BLOCK / 2);
	EXPECT(r, after.free_pages + BLOCK / 2 <= released.free_pages);
	return true;
}

/* pause: counted, and undone by as many unpauses */
static bool pauses_are_counted(struct run *r)
{
	struct xenvirtio_domain_info before, info;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &before), 0);
	EXPECT_EQ(r, r->ops->pause(r->hv), 0);
	EXPECT_EQ(r, r->ops->pause(r->hv), 0);
	EXPECT_EQ(r, r->ops->unpause(r->hv), 0);
	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT(r, info.paused);
	EXPECT_EQ(r, r->ops->unpause(r->hv), 0);
	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT_EQ(r, info.paused, before.paused);
	if (!before.paused)
		EXPECT_EQ(r, r->ops->unpause(r->hv), -EINVAL);
	return true;
}

/* ram_ranges: ascending, not overlapping, the hole in none of them */
static bool ranges_are_ordered(struct run *r)
{
	struct xenvirtio_gfn_range range[RANGES_MAX];
	uint64_t last = r->c->scratch.v + CONTRACT_SCRATCH_FRAMES - 1;
	bool has_scratch = false;
	size_t nr = 0;

	EXPECT_EQ(r, r->ops->ram_ranges(r->hv, range, RANGES_MAX, &nr), 0);
	EXPECT(r, nr >= 1);
	for (size_t i = 0; i < nr; i++) {
		EXPECT(r, range[i].start.v <= range[i].end_incl.v);
		EXPECT(r, i == 0 || range[i].start.v > range[i - 1].end_incl.v);
		EXPECT(r, r->c->hole.v < range[i].start.v || r->c->hole.v > range[i].end_incl.v);
		has_scratch |= r->c->scratch.v >= range[i].start.v && last <= range[i].end_incl.v;
	}
	EXPECT(r, has_scratch);
	EXPECT_EQ(r, r->ops->ram_ranges(r->hv, range, 0, &nr), -ENOSPC);
	return true;
}

/* map: the same bytes through every mapping, in the order asked for, read-only or not */
static bool map_shows_ram(struct run *r)
{
	/* not consecutive, so that the order shows */
	const struct xenvirtio_gfn frame[3] = {
		scratch_frame(r, 5), scratch_frame(r, 2), scratch_frame(r, 9),
	};
	void *all = NULL, *one = NULL;

	EXPECT_EQ(r, r->ops->map(r->hv, frame, 3, true, &all), 0);
	EXPECT(r, all && ((uintptr_t)all & (XENVIRTIO_PAGE_SIZE - 1)) == 0);
	for (size_t i = 0; i < 3; i++)
		memset((char *)all + i * XENVIRTIO_PAGE_SIZE, 'a' + (int)i, XENVIRTIO_PAGE_SIZE);
	for (size_t i = 0; i < 3; i++) {
		EXPECT_EQ(r, r->ops->map(r->hv, &frame[i], 1, false, &one), 0);
		EXPECT_EQ(r, ((char *)one)[0], 'a' + (int)i);
		EXPECT_EQ(r, ((char *)one)[XENVIRTIO_PAGE_SIZE - 1], 'a' + (int)i);
		EXPECT_EQ(r, r->ops->unmap(r->hv, one, 1), 0);
	}
	EXPECT_EQ(r, r->ops->unmap(r->hv, all, 3), 0);
	return true;
}

/* map: a frame that is not RAM is the guest's fault, whatever its number */
static bool map_refuses_holes(struct run *r)
{
	const uint64_t hostile[] = {
		r->c->hole.v, UINT64_C(1) << 36, UINT64_C(1) << 40, (UINT64_C(1) << 52) - 1,
		UINT64_C(1) << 52, UINT64_C(1) << 63, UINT64_MAX,
	};
	void *va;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct xenvirtio_gfn gfn = xenvirtio_gfn(hostile[i]);

		EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &va), XENVIRTIO_E_GUEST);
		EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, false, &va), XENVIRTIO_E_GUEST);
	}
	EXPECT_EQ(r, r->ops->map(r->hv, &r->c->hole, 0, true, &va), -EINVAL);
	return true;
}

/* map: all or nothing: of a mapping that failed nothing is left that would keep a frame */
static bool map_is_all_or_nothing(struct run *r)
{
	const struct xenvirtio_gfn frame[3] = {
		scratch_frame(r, 0), r->c->hole, scratch_frame(r, 1),
	};
	uint64_t before = tot_pages(r);
	void *va;

	EXPECT_EQ(r, r->ops->map(r->hv, frame, 3, true, &va), XENVIRTIO_E_GUEST);
	EXPECT_EQ(r, release(r, 0, 2, 0), 2);
	EXPECT_EQ(r, tot_pages(r), before - 2);
	EXPECT_EQ(r, populate(r, 0, 2, 0), 2);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* map: a frame that was released is no longer RAM, one that was populated is */
static bool map_follows_the_p2m(struct run *r)
{
	struct xenvirtio_gfn gfn = scratch_frame(r, 7);
	void *va;

	EXPECT_EQ(r, release(r, 7, 1, 0), 1);
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &va), XENVIRTIO_E_GUEST);
	EXPECT_EQ(r, populate(r, 7, 1, 0), 1);
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &va), 0);
	memset(va, 0x5a, XENVIRTIO_PAGE_SIZE);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 1), 0);
	return true;
}

/* unmap: of what is not mapped, or of another length, is refused */
static bool unmap_knows_its_mappings(struct run *r)
{
	struct xenvirtio_gfn gfn[2] = { scratch_frame(r, 0), scratch_frame(r, 1) };
	void *va;

	EXPECT_EQ(r, r->ops->map(r->hv, gfn, 2, true, &va), 0);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 1), -EINVAL);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 2), 0);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 2), -EINVAL);
	return true;
}

/* release and populate: exact to the page, at every order */
static bool round_trip(struct run *r, size_t nr, unsigned int order)
{
	uint64_t before = tot_pages(r);

	EXPECT_EQ(r, release(r, 0, nr, order), nr);
	EXPECT_EQ(r, tot_pages(r), before - ((uint64_t)nr << order));
	EXPECT_EQ(r, populate(r, 0, nr, order), nr);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

static bool round_trip_at_order_0(struct run *r)
{
	return round_trip(r, XENVIRTIO_EXTENTS_MAX, 0);
}

static bool round_trip_at_order_3(struct run *r)
{
	return round_trip(r, 20, 3);
}

static bool round_trip_at_order_9(struct run *r)
{
	return round_trip(r, 3, 9);
}

/* frames released in one order come back in another */
static bool round_trip_across_orders(struct run *r)
{
	uint64_t before = tot_pages(r);

	EXPECT_EQ(r, release(r, 0, BLOCK, 0), BLOCK);
	EXPECT_EQ(r, populate(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, tot_pages(r), before);
	EXPECT_EQ(r, release(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, populate(r, 0, BLOCK, 0), BLOCK);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* release: a hole is not released, and nothing changes */
static bool release_stops_at_a_hole(struct run *r)
{
	uint64_t before = tot_pages(r);

	EXPECT_EQ(r, release(r, 3, 1, 0), 1);
	EXPECT_EQ(r, release(r, 3, 1, 0), 0);
	/* frames 1 and 2 go, 3 is the hole, 4 and 5 stay */
	EXPECT_EQ(r, release(r, 1, 5, 0), 2);
	EXPECT_EQ(r, tot_pages(r), before - 3);
	EXPECT_EQ(r, populate(r, 1, 3, 0), 3);
	EXPECT_EQ(r, tot_pages(r), before);
	EXPECT_EQ(r, release(r, 4, 2, 0), 2);
	EXPECT_EQ(r, populate(r, 4, 2, 0), 2);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* release: an extent with a hole is gone in part, from its start to the hole, and not counted */
static bool release_of_an_extent_with_a_hole(struct run *r)
{
	const uint64_t hole = BLOCK + 100;
	uint64_t before = tot_pages(r);

	EXPECT_EQ(r, release(r, hole, 1, 0), 1);
	/* the first extent goes whole, the second up to the hole, the third not at all */
	EXPECT_EQ(r, release(r, 0, 3, MAX_ORDER), 1);
	EXPECT_EQ(r, tot_pages(r), before - BLOCK - 101);
	EXPECT_EQ(r, populate(r, 0, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, populate(r, BLOCK, 101, 0), 101);
	EXPECT_EQ(r, tot_pages(r), before);
	/* the rest of the second and all of the third were there: they can be released now */
	EXPECT_EQ(r, release(r, BLOCK, 2, MAX_ORDER), 2);
	EXPECT_EQ(r, populate(r, BLOCK, 2, MAX_ORDER), 2);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* release: frames outside RAM are holes */
static bool release_outside_ram(struct run *r)
{
	uint64_t before = tot_pages(r);
	size_t done = 7;

	EXPECT_EQ(r, r->ops->release_pages(r->hv, &r->c->hole, 1, 0, &done), 0);
	EXPECT_EQ(r, done, 0);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* release: a frame that is mapped stays allocated until the last mapping is gone */
static bool release_of_a_mapped_frame(struct run *r)
{
	struct xenvirtio_gfn gfn = scratch_frame(r, 11);
	uint64_t before = tot_pages(r);
	void *first, *second;

	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &first), 0);
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, false, &second), 0);
	EXPECT_EQ(r, release(r, 11, 1, 0), 1);
	EXPECT_EQ(r, tot_pages(r), before);
	EXPECT_EQ(r, r->ops->unmap(r->hv, first, 1), 0);
	EXPECT_EQ(r, tot_pages(r), before);
	EXPECT_EQ(r, r->ops->unmap(r->hv, second, 1), 0);
	EXPECT_EQ(r, tot_pages(r), before - 1);
	EXPECT_EQ(r, populate(r, 11, 1, 0), 1);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* populate: stops where max_pages forbids more, whole extents only */
static bool populate_stops_at_max_mem(struct run *r)
{
	const uint64_t kib = XENVIRTIO_PAGE_SIZE / 1024;
	struct xenvirtio_domain_info info;
	uint64_t before, max_pages;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	before = info.tot_pages;
	max_pages = info.max_pages;
	EXPECT_EQ(r, release(r, 0, 3, MAX_ORDER), 3);
	/* nothing fits */
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, (before - 3 * BLOCK) * kib), 0);
	EXPECT_EQ(r, populate(r, 0, 1, 0), 0);
	/* one extent and a half fit: one is done, and of the next nothing */
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, (before - BLOCK - BLOCK / 2) * kib), 0);
	EXPECT_EQ(r, populate(r, 0, 3, MAX_ORDER), 1);
	EXPECT_EQ(r, tot_pages(r), before - 2 * BLOCK);
	/* single frames fill it up to the limit */
	EXPECT_EQ(r, populate(r, BLOCK, BLOCK, 0), BLOCK / 2);
	EXPECT_EQ(r, tot_pages(r), before - BLOCK - BLOCK / 2);
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, max_pages * kib), 0);
	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT_EQ(r, info.max_pages, max_pages);
	EXPECT_EQ(r, populate(r, BLOCK + BLOCK / 2, BLOCK / 2, 0), BLOCK / 2);
	EXPECT_EQ(r, populate(r, 2 * BLOCK, 1, MAX_ORDER), 1);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* release and populate: what the caller must not ask for changes nothing */
static bool extents_are_checked(struct run *r)
{
	static struct xenvirtio_gfn start[XENVIRTIO_EXTENTS_MAX + 1];
	struct xenvirtio_gfn crooked = scratch_frame(r, 1);
	uint64_t before = tot_pages(r);
	size_t done;

	for (size_t i = 0; i < XENVIRTIO_EXTENTS_MAX + 1; i++)
		start[i] = scratch_frame(r, i);
	done = 7;
	EXPECT_EQ(r, r->ops->release_pages(r->hv, start, 0, 0, &done), -EINVAL);
	EXPECT_EQ(r, done, 0);
	done = 7;
	EXPECT_EQ(r, r->ops->release_pages(r->hv, start, XENVIRTIO_EXTENTS_MAX + 1, 0, &done),
		  -EINVAL);
	EXPECT_EQ(r, done, 0);
	EXPECT_EQ(r, r->ops->release_pages(r->hv, start, 1, MAX_ORDER + 1, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->release_pages(r->hv, &crooked, 1, 1, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->populate_pages(r->hv, start, 0, 0, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->populate_pages(r->hv, start, 1, MAX_ORDER + 1, &done), -EINVAL);
	EXPECT_EQ(r, r->ops->populate_pages(r->hv, &crooked, 1, 1, &done), -EINVAL);
	EXPECT_EQ(r, tot_pages(r), before);
	return true;
}

/* populate: a frame that is there is replaced and the old one leaks: one page more, for ever */
static bool populate_of_a_populated_frame_leaks(struct run *r)
{
	uint64_t before = tot_pages(r);
	struct xenvirtio_domain_info info;

	EXPECT_EQ(r, r->ops->domain_info(r->hv, &info), 0);
	EXPECT_EQ(r, r->ops->set_max_mem(r->hv, (info.max_pages + 1) * 4), 0);
	EXPECT_EQ(r, populate(r, 20, 1, 0), 1);
	EXPECT_EQ(r, tot_pages(r), before + 1);
	EXPECT_EQ(r, release(r, 20, 1, 0), 1);
	EXPECT_EQ(r, tot_pages(r), before);
	/* the frame is a hole now although tot_pages is what it was */
	EXPECT_EQ(r, release(r, 20, 1, 0), 0);
	EXPECT_EQ(r, populate(r, 20, 1, 0), 1);
	return true;
}

/* ioreq: without a server its calls are refused; with one, nobody waits, and the fd is quiet */
static bool ioreq_serves(struct run *r)
{
	struct xenvirtio_ioreq req = { 0 };
	uint16_t id = XENVIRTIO_IOREQ_NEW, again = XENVIRTIO_IOREQ_NEW;
	struct pollfd pfd = { .events = POLLIN };
	int ret;

	EXPECT_EQ(r, r->ops->ioreq_fd(r->hv), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_next(r->hv, &req), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_complete(r->hv, &req), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	EXPECT(r, id < 8);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &again), -EBUSY);
	pfd.fd = r->ops->ioreq_fd(r->hv);
	EXPECT(r, pfd.fd >= 0);
	/* the ports are pending once after they are bound; a domain has few vcpus in these tests */
	for (int i = 0; i < 16; i++) {
		ret = r->ops->ioreq_next(r->hv, &req);
		EXPECT_EQ(r, ret, XENVIRTIO_E_EMPTY);
	}
	EXPECT_EQ(r, poll(&pfd, 1, 0), 0);
	EXPECT_EQ(r, r->ops->ioreq_complete(r->hv, &req), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	EXPECT_EQ(r, r->ops->ioreq_fd(r->hv), -EINVAL);
	return true;
}

/* ioreq_open: ranges that cannot be are refused, and nothing is left behind */
static bool ioreq_ranges_are_checked(struct run *r)
{
	struct xenvirtio_gpa_range twice[2] = { r->c->window, r->c->window };
	struct xenvirtio_gpa_range backward = { r->c->window.end_incl, r->c->window.start };
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 0, &id), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &backward, 1, &id), -EINVAL);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, twice, 2, &id), -EEXIST);
	EXPECT_EQ(r, id, XENVIRTIO_IOREQ_NEW);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	return true;
}

/* ioreq_open: a range that another server claims, even in part, and a server that is in use */
static bool check_conflicts(struct run *r, struct xenvirtio_hv *other, uint16_t id)
{
	struct xenvirtio_gpa_range part = {
		xenvirtio_gpa(r->c->window.start.v + 0x1fc), xenvirtio_gpa(r->c->window.end_incl.v),
	};
	uint16_t second = XENVIRTIO_IOREQ_NEW;

	EXPECT_EQ(r, other->ops->ioreq_open(other, &r->c->window, 1, &second), -EEXIST);
	EXPECT_EQ(r, other->ops->ioreq_open(other, &part, 1, &second), -EEXIST);
	second = id;
	EXPECT_EQ(r, other->ops->ioreq_open(other, &r->c->window, 1, &second), -EBUSY);
	return true;
}

static bool ioreq_finds_conflicts(struct run *r)
{
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *other;
	bool ok;

	EXPECT_EQ(r, r->c->open(r->c->ctx, &other), 0);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	ok = check_conflicts(r, other, id);
	xenvirtio_hv_close(other);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	return ok;
}

/* close leaves the server; it can be adopted by its id and range, and by no other */
static bool adopt_leftover(struct run *r, uint16_t id)
{
	struct xenvirtio_gpa_range other_range = {
		xenvirtio_gpa(r->c->window.start.v + 0x1000),
		xenvirtio_gpa(r->c->window.end_incl.v + 0x1000),
	};
	uint16_t wrong = 8;

	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &wrong), -ENOENT);
	wrong = id == 7 ? 6 : 7;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &wrong), -ENOENT);
	wrong = XENVIRTIO_IOREQ_NEW;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &wrong), -EEXIST);
	wrong = id;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &other_range, 1, &wrong), -ENOENT);
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	return true;
}

static bool ioreq_adopts_what_close_leaves(struct run *r)
{
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *first;
	int ret;

	EXPECT_EQ(r, r->c->open(r->c->ctx, &first), 0);
	ret = first->ops->ioreq_open(first, &r->c->window, 1, &id);
	xenvirtio_hv_close(first);
	EXPECT_EQ(r, ret, 0);
	if (!adopt_leftover(r, id))
		return false;
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	/* destroyed: there is nothing to adopt, and the range is free */
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), -ENOENT);
	id = XENVIRTIO_IOREQ_NEW;
	EXPECT_EQ(r, r->ops->ioreq_open(r->hv, &r->c->window, 1, &id), 0);
	EXPECT_EQ(r, r->ops->ioreq_close(r->hv), 0);
	return true;
}

/* close: unmaps what is left, so that a frame is free when it is released */
static bool close_unmaps(struct run *r)
{
	struct xenvirtio_gfn gfn = scratch_frame(r, 30);
	uint64_t before = tot_pages(r);
	struct xenvirtio_hv *other;
	void *va;
	int ret;

	EXPECT_EQ(r, r->c->open(r->c->ctx, &other), 0);
	ret = other->ops->map(other, &gfn, 1, true, &va);
	xenvirtio_hv_close(other);
	EXPECT_EQ(r, ret, 0);
	EXPECT_EQ(r, release(r, 30, 1, 0), 1);
	EXPECT_EQ(r, tot_pages(r), before - 1);
	EXPECT_EQ(r, populate(r, 30, 1, 0), 1);
	return true;
}

static const struct {
	const char *name;
	bool (*check)(struct run *r);
} checks[] = {
	{ "info_is_sane", info_is_sane },
	{ "ranges_are_ordered", ranges_are_ordered },
	{ "map_shows_ram", map_shows_ram },
	{ "map_refuses_holes", map_refuses_holes },
	{ "map_is_all_or_nothing", map_is_all_or_nothing },
	{ "map_follows_the_p2m", map_follows_the_p2m },
	{ "unmap_knows_its_mappings", unmap_knows_its_mappings },
	{ "round_trip_at_order_0", round_trip_at_order_0 },
	{ "round_trip_at_order_3", round_trip_at_order_3 },
	{ "round_trip_at_order_9", round_trip_at_order_9 },
	{ "round_trip_across_orders", round_trip_across_orders },
	{ "release_stops_at_a_hole", release_stops_at_a_hole },
	{ "release_of_an_extent_with_a_hole", release_of_an_extent_with_a_hole },
	{ "release_outside_ram", release_outside_ram },
	{ "release_of_a_mapped_frame", release_of_a_mapped_frame },
	{ "populate_stops_at_max_mem", populate_stops_at_max_mem },
	{ "extents_are_checked", extents_are_checked },
	{ "host_has_what_is_released", host_has_what_is_released },
	{ "pauses_are_counted", pauses_are_counted },
	{ "ioreq_serves", ioreq_serves },
	{ "ioreq_ranges_are_checked", ioreq_ranges_are_checked },
	{ "ioreq_finds_conflicts", ioreq_finds_conflicts },
	{ "ioreq_adopts_what_close_leaves", ioreq_adopts_what_close_leaves },
	{ "close_unmaps", close_unmaps },
	/* last: the page it leaks does not come back */
	{ "populate_of_a_populated_frame_leaks", populate_of_a_populated_frame_leaks },
};

unsigned int contract_run(const struct contract *c, FILE *out)
{
	const size_t nr = sizeof(checks) / sizeof(checks[0]);
	unsigned int failed = 0;

	fprintf(out, "1..%zu\n", nr);
	for (size_t i = 0; i < nr; i++) {
		struct run r = { .c = c, .out = out };
		int ret = c->open(c->ctx, &r.hv);
		bool ok = false;

		if (ret) {
			fprintf(out, "# cannot open: %d\n", ret);
		} else {
			r.ops = r.hv->ops;
			ok = checks[i].check(&r);
			/* a check that failed may have left its server */
			if (!ok && r.ops->ioreq_fd(r.hv) >= 0)
				r.ops->ioreq_close(r.hv);
			xenvirtio_hv_close(r.hv);
		}
		fprintf(out, "%sok %zu - %s\n", ok ? "" : "not ", i + 1, checks[i].name);
		fflush(out);
		failed += !ok;
	}
	return failed;
}
