// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings of guest memory.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "contract/contract-internal.h"

/* map: the same bytes through every mapping, in the order asked for, read-only or not */
bool map_shows_ram(struct run *r)
{
	/* not consecutive, so that the order shows */
	const struct xenvirtio_gfn frame[3] = {
		contract_frame(r, 5), contract_frame(r, 2), contract_frame(r, 9),
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
bool map_refuses_holes(struct run *r)
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
bool map_is_all_or_nothing(struct run *r)
{
	const struct xenvirtio_gfn frame[3] = {
		contract_frame(r, 0), r->c->hole, contract_frame(r, 1),
	};
	uint64_t before = contract_tot_pages(r);
	void *va;

	EXPECT_EQ(r, r->ops->map(r->hv, frame, 3, true, &va), XENVIRTIO_E_GUEST);
	EXPECT_EQ(r, contract_release(r, 0, 2, 0), 2);
	EXPECT_EQ(r, contract_tot_pages(r), before - 2);
	EXPECT_EQ(r, contract_populate(r, 0, 2, 0), 2);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}

/* map: a frame that was released is no longer RAM, one that was populated is */
bool map_follows_the_p2m(struct run *r)
{
	struct xenvirtio_gfn gfn = contract_frame(r, 7);
	void *va;

	EXPECT_EQ(r, contract_release(r, 7, 1, 0), 1);
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &va), XENVIRTIO_E_GUEST);
	EXPECT_EQ(r, contract_populate(r, 7, 1, 0), 1);
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, &va), 0);
	memset(va, 0x5a, XENVIRTIO_PAGE_SIZE);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 1), 0);
	return true;
}

/* unmap: of what is not mapped, or of another length, is refused */
bool unmap_knows_its_mappings(struct run *r)
{
	struct xenvirtio_gfn gfn[2] = { contract_frame(r, 0), contract_frame(r, 1) };
	void *va;

	EXPECT_EQ(r, r->ops->map(r->hv, gfn, 2, true, &va), 0);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 1), -EINVAL);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 2), 0);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 2), -EINVAL);
	return true;
}

/* close: unmaps what is left, so that a frame is free when it is released */
bool close_unmaps(struct run *r)
{
	struct xenvirtio_gfn gfn = contract_frame(r, 30);
	uint64_t before = contract_tot_pages(r);
	struct xenvirtio_hv *other;
	void *va;
	int ret;

	EXPECT_EQ(r, r->c->open(r->c->ctx, &other), 0);
	ret = other->ops->map(other, &gfn, 1, true, &va);
	xenvirtio_hv_close(other);
	EXPECT_EQ(r, ret, 0);
	EXPECT_EQ(r, contract_release(r, 30, 1, 0), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before - 1);
	EXPECT_EQ(r, contract_populate(r, 30, 1, 0), 1);
	return true;
}

/* revoke: another's memory is there at once, the guest's frame is nobody's of ours, and unmap goes on as before */
bool revoke_leaves_private_memory(struct run *r)
{
	const struct xenvirtio_gfn gfn = contract_frame(r, 29);
	uint64_t before = contract_tot_pages(r);
	uint8_t *va;

	EXPECT(r, XENVIRTIO_HV_HAS(r->hv, revoke));
	EXPECT_EQ(r, r->ops->map(r->hv, &gfn, 1, true, (void **)&va), 0);
	memset(va, 0x5a, XENVIRTIO_PAGE_SIZE);
	EXPECT_EQ(r, r->ops->revoke(r->hv, va + XENVIRTIO_PAGE_SIZE, 1), -EINVAL);
	EXPECT_EQ(r, r->ops->revoke(r->hv, va, 1), 0);
	for (size_t i = 0; i < XENVIRTIO_PAGE_SIZE; i++)
		EXPECT_EQ(r, va[i], 0);
	va[7] = 1;
	EXPECT_EQ(r, contract_release(r, 29, 1, 0), 1);
	EXPECT_EQ(r, contract_tot_pages(r), before - 1);
	EXPECT_EQ(r, contract_populate(r, 29, 1, 0), 1);
	EXPECT_EQ(r, va[7], 1);
	EXPECT_EQ(r, r->ops->revoke(r->hv, va, 1), 0);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 1), 0);
	EXPECT_EQ(r, r->ops->unmap(r->hv, va, 1), -EINVAL);
	return true;
}

/* frames_present: what maps and what does not, frame by frame, in one question; and nothing stays mapped of it */
bool frames_present_is_the_p2m(struct run *r)
{
	const struct xenvirtio_gfn frame[] = {
		contract_frame(r, 4),
		contract_frame(r, 7),
		r->c->hole,
		xenvirtio_gfn(UINT64_C(1) << 36),
		xenvirtio_gfn((UINT64_C(1) << 40) - 1),
		xenvirtio_gfn(UINT64_C(1) << 52),
		xenvirtio_gfn(UINT64_MAX),
		contract_frame(r, 5),
	};
	const size_t nr = sizeof(frame) / sizeof(frame[0]);
	bool present[sizeof(frame) / sizeof(frame[0])];
	uint64_t before = contract_tot_pages(r);

	EXPECT(r, XENVIRTIO_HV_HAS(r->hv, frames_present));
	EXPECT_EQ(r, contract_release(r, 7, 1, 0), 1);
	EXPECT_EQ(r, r->ops->frames_present(r->hv, frame, nr, present), 0);
	for (size_t i = 0; i < nr; i++)
		EXPECT_EQ(r, present[i], i == 0 || i == nr - 1);
	EXPECT_EQ(r, contract_release(r, 4, 2, 0), 2);
	EXPECT_EQ(r, contract_tot_pages(r), before - 3);
	EXPECT_EQ(r, r->ops->frames_present(r->hv, frame, nr, present), 0);
	for (size_t i = 0; i < nr; i++)
		EXPECT_EQ(r, present[i], false);
	EXPECT_EQ(r, contract_populate(r, 4, 2, 0), 2);
	EXPECT_EQ(r, contract_populate(r, 7, 1, 0), 1);
	EXPECT_EQ(r, r->ops->frames_present(r->hv, frame, 2, present), 0);
	EXPECT(r, present[0] && present[1]);
	EXPECT_EQ(r, r->ops->frames_present(r->hv, frame, 0, present), -EINVAL);
	EXPECT_EQ(r, contract_tot_pages(r), before);
	return true;
}
