// SPDX-License-Identifier: GPL-2.0-or-later
/* See far-frames.h. */
#include "unit/rigs/far-frames.h"

#include <stdlib.h>

bool far_init(struct far_frames *far, uint64_t first_gfn, uint64_t nr)
{
	*far = (struct far_frames){ .first_gfn = first_gfn, .nr = nr, .order_max = 9 };
	far->hole = calloc(nr / 64 + 1, sizeof(*far->hole));
	return far->hole != NULL;
}

void far_fini(struct far_frames *far)
{
	free(far->hole);
	*far = (struct far_frames){ 0 };
}

/* The word that @gfn is in, and of it the bits of an extent of that order, which is aligned, as far as they are in it. */
static uint64_t *find_word(const struct far_frames *far, uint64_t gfn, unsigned int order, uint64_t *bits)
{
	uint64_t idx = gfn - far->first_gfn;

	*bits = order >= 6 ? UINT64_MAX : ((UINT64_C(1) << (1u << order)) - 1) << idx % 64;
	return &far->hole[idx / 64];
}

bool far_present(const struct far_frames *far, uint64_t gfn)
{
	uint64_t bits;

	return !(*find_word(far, gfn, 0, &bits) & bits);
}

static void set_holes(struct far_frames *far, uint64_t *word, uint64_t bits)
{
	far->nr_holes += (uint64_t)__builtin_popcountll(bits & ~*word);
	*word |= bits;
}

/* Up to the first hole: Xen goes on frame by frame, and has released those before it. */
bool far_release(struct far_frames *far, uint64_t gfn, unsigned int order)
{
	uint64_t end = gfn + (UINT64_C(1) << order);

	for (; gfn < end; gfn += order >= 6 ? 64 : UINT64_C(1) << order) {
		uint64_t bits, there, *word = find_word(far, gfn, order, &bits);

		there = *word & bits;
		if (there)
			bits &= (there & -there) - 1;
		set_holes(far, word, bits);
		if (there)
			return false;
	}
	return true;
}

bool far_populate(struct far_frames *far, uint64_t gfn, unsigned int order)
{
	uint64_t end = gfn + (UINT64_C(1) << order);

	if (order > far->order_max)
		return false;
	for (; gfn < end; gfn += order >= 6 ? 64 : UINT64_C(1) << order) {
		uint64_t bits, *word = find_word(far, gfn, order, &bits);

		far->nr_holes -= (uint64_t)__builtin_popcountll(bits & *word);
		*word &= ~bits;
	}
	return true;
}
