// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bitmap of ballooned frames. Ranges are laid end to end in it, so holes of the address space
 * cost nothing. Work goes by words: a 2 MiB block is eight of them.
 */
#include <errno.h>

#include "backend/devices/balloon/frames.h"

/* 2^40 bytes of RAM: far above what Xen gives a guest on Arm, and 32 MiB of bits. */
#define FRAMES_MAX (UINT64_C(1) << 28)

uint64_t frames_count(const struct xenvirtio_gfn_range *range, size_t nr)
{
	uint64_t total = 0;

	if (nr > FRAMES_RANGES_MAX)
		return 0;
	for (size_t i = 0; i < nr; i++) {
		uint64_t start = range[i].start.v, end_incl = range[i].end_incl.v;

		if (end_incl < start || end_incl - start >= FRAMES_MAX)
			return 0;
		if (i && start <= range[i - 1].end_incl.v)
			return 0;
		total += end_incl - start + 1;
	}
	return total > FRAMES_MAX ? 0 : total;
}

int frames_init(struct frames *f, const struct xenvirtio_gfn_range *range, size_t nr,
		uint64_t *word)
{
	uint64_t words;

	*f = (struct frames){ .nr_frames = frames_count(range, nr), .word = word };
	if (!f->nr_frames)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++)
		f->range[i] = range[i];
	f->nr_ranges = nr;
	words = frames_words(f->nr_frames);
	if (f->nr_frames % 64 && word[words - 1] >> (f->nr_frames % 64))
		return -EBADMSG;
	for (uint64_t i = 0; i < words; i++)
		f->nr_set += (uint64_t)__builtin_popcountll(word[i]);
	return 0;
}

/*
 * Bit index of a frame, and how many frames from it on are contiguous in the bitmap. Outside RAM:
 * false, and how many frames from it on are outside too.
 */
static inline bool find_index(const struct frames *f, uint64_t gfn, uint64_t *index, uint64_t *contiguous)
{
	uint64_t base = 0;

	for (size_t i = 0; i < f->nr_ranges; i++) {
		uint64_t start = f->range[i].start.v, end_incl = f->range[i].end_incl.v;

		if (gfn < start) {
			*contiguous = start - gfn;
			return false;
		}
		if (gfn <= end_incl) {
			*index = base + (gfn - start);
			*contiguous = end_incl - gfn + 1;
			return true;
		}
		base += end_incl - start + 1;
	}
	*contiguous = UINT64_MAX - gfn;
	return false;
}

/* How many bits from @index on, at most @max, are as @set says, which the first is. Out of line: most runs are shorter than a word. */
static __attribute__((noinline)) uint64_t count_equal(const struct frames *f, uint64_t index, uint64_t max, bool set)
{
	const uint64_t *word = &f->word[index / 64];
	uint64_t same = set ? UINT64_MAX : 0, bit = index % 64;
	/* a zero that is shifted in is a bit that does not differ */
	uint64_t differs = (*word ^ same) >> bit;
	uint64_t count = differs ? (uint64_t)__builtin_ctzll(differs) : 64 - bit;

	if (differs || count >= max)
		return count < max ? count : max;
	while (*++word == same) {
		count += 64;
		if (count >= max)
			return max;
	}
	count += (uint64_t)__builtin_ctzll(*word ^ same);
	return count < max ? count : max;
}

/* The same, of frames whose bits are in one word. A zero that is shifted in says nothing of those. */
static inline uint64_t count_in_word(uint64_t word, uint64_t max, bool set)
{
	uint64_t other = set ? ~word : word;
	uint64_t equal = other ? (uint64_t)__builtin_ctzll(other) : 64;

	return equal < max ? equal : max;
}

enum frame_state frames_look(const struct frames *f, struct xenvirtio_gfn gfn, uint64_t max, uint64_t *nr)
{
	enum frame_state state = FRAME_OUTSIDE;
	uint64_t index, count;

	if (find_index(f, gfn.v, &index, &count)) {
		uint64_t word = f->word[index / 64] >> (index % 64);
		bool set = word & 1;

		count = count < max ? count : max;
		count = count <= 64 - index % 64 ? count_in_word(word, count, set) : count_equal(f, index, count, set);
		state = set ? FRAME_BALLOONED : FRAME_PRESENT;
	}
	*nr = count < max ? count : max;
	return state;
}

enum frame_state frames_next(const struct frames *f, struct xenvirtio_run *run,
			     struct xenvirtio_run *piece)
{
	enum frame_state state;

	piece->start = run->start;
	state = frames_look(f, run->start, run->nr, &piece->nr);
	run->start.v += piece->nr;
	run->nr -= piece->nr;
	return state;
}

static void mark_word(struct frames *f, uint64_t word, uint64_t mask, bool ballooned)
{
	uint64_t old = f->word[word];
	uint64_t changed = mask & (ballooned ? ~old : old);
	uint64_t nr = (uint64_t)__builtin_popcountll(changed);

	f->word[word] = old ^ changed;
	f->nr_set = ballooned ? f->nr_set + nr : f->nr_set - nr;
}

/* The same of one frame. */
static void mark_bit(struct frames *f, uint64_t index, bool ballooned)
{
	uint64_t *word = &f->word[index / 64], bit = UINT64_C(1) << index % 64;

	if (!(*word & bit) == !ballooned)
		return;
	*word ^= bit;
	f->nr_set += ballooned ? 1 : UINT64_MAX;
}

/* Bits of the word at @index that belong to @nr frames from there on; @here: out; how many they are. */
static uint64_t mask_word(uint64_t index, uint64_t nr, uint64_t *here)
{
	uint64_t bit = index % 64;

	*here = 64 - bit < nr ? 64 - bit : nr;
	return *here == 64 ? UINT64_MAX : ((UINT64_C(1) << *here) - 1) << bit;
}

/* Words all of whose frames change, of which none or all are as they are to be, are most of what is marked. */
static void mark_words(struct frames *f, uint64_t word, uint64_t nr, bool ballooned)
{
	uint64_t from = ballooned ? 0 : UINT64_MAX, changed = 0;

	for (; nr--; word++) {
		if (f->word[word] == from) {
			f->word[word] = ~from;
			changed += 64;
		} else {
			mark_word(f, word, UINT64_MAX, ballooned);
		}
	}
	f->nr_set = ballooned ? f->nr_set + changed : f->nr_set - changed;
}

void frames_mark(struct frames *f, struct xenvirtio_gfn start, uint64_t nr, bool ballooned)
{
	uint64_t index, contiguous, here, mask;

	if (!find_index(f, start.v, &index, &contiguous) || nr > contiguous)
		return;
	if (index % 64) {
		mask = mask_word(index, nr, &here);
		mark_word(f, index / 64, mask, ballooned);
		index += here;
		nr -= here;
	}
	mark_words(f, index / 64, nr / 64, ballooned);
	index += nr / 64 * 64;
	nr %= 64;
	if (nr)
		mark_word(f, index / 64, (UINT64_C(1) << nr) - 1, ballooned);
}

void frames_mark_extents(struct frames *f, const struct xenvirtio_extent *extent, size_t nr, bool ballooned)
{
	uint64_t index, contiguous;

	for (size_t i = 0; i < nr; i++) {
		uint64_t frames = UINT64_C(1) << extent[i].order;

		if (!find_index(f, extent[i].start.v, &index, &contiguous))
			continue;
		if (!extent[i].order)
			mark_bit(f, index, ballooned);
		else if (frames < 64 - index % 64 && frames <= contiguous)
			mark_word(f, index / 64, ((UINT64_C(1) << frames) - 1) << index % 64, ballooned);
		else
			frames_mark(f, extent[i].start, frames, ballooned);
	}
}

bool frames_in_ram(const struct frames *f, struct xenvirtio_run run, uint64_t *nr)
{
	uint64_t index;
	bool ram = find_index(f, run.start.v, &index, nr);

	*nr = *nr < run.nr ? *nr : run.nr;
	return ram;
}

uint64_t frames_count_ballooned(const struct frames *f, struct xenvirtio_run run)
{
	uint64_t count = 0;

	while (run.nr) {
		uint64_t index, nr;
		bool ram = find_index(f, run.start.v, &index, &nr);

		nr = nr < run.nr ? nr : run.nr;
		run.start.v += nr;
		run.nr -= nr;
		while (ram && nr) {
			uint64_t here, mask = mask_word(index, nr, &here);

			count += (uint64_t)__builtin_popcountll(f->word[index / 64] & mask);
			index += here;
			nr -= here;
		}
	}
	return count;
}

uint64_t frames_mark_present(struct frames *f, const struct frames *other, struct xenvirtio_run run)
{
	uint64_t index, contiguous, nr = run.nr, others = 0;

	if (!find_index(f, run.start.v, &index, &contiguous) || nr > contiguous)
		return nr;
	while (nr) {
		uint64_t here, mask = mask_word(index, nr, &here);
		uint64_t ballooned = other->word[index / 64] & mask;

		mark_word(f, index / 64, mask & ~ballooned, true);
		others += (uint64_t)__builtin_popcountll(ballooned);
		index += here;
		nr -= here;
	}
	return others;
}
