// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of the inflate and deflate queues, and bitmaps of an answer.
 *
 * Input: encoding, size of pieces, first frame of a bitmap (8 bytes), message. Whole or in pieces,
 * the same frames come out; they are below 2^52; memory is bounded by the bytes.
 */
#include <string.h>
#include <xenvirtio/balloon-bulk.h>

#include "fuzz.h"

static int init(struct xenvirtio_balloon_decoder *d, const uint8_t *data, size_t bytes)
{
	uint64_t start;

	memcpy(&start, data + 2, sizeof(start));
	if (data[0] % 5 == XENVIRTIO_BALLOON_RAW_BITMAP)
		return xenvirtio_balloon_decoder_init_bitmap(d, xenvirtio_gfn(start), bytes);
	return xenvirtio_balloon_decoder_init(d, data[0] % 5, bytes);
}

static void check_runs(const struct xenvirtio_runs *runs, size_t bytes)
{
	MUST(runs->nr <= bytes * XENVIRTIO_BALLOON_RUNS_PER_BYTE);
	for (size_t i = 0; i < runs->nr; i++) {
		MUST(runs->run[i].nr && runs->run[i].start.v >> 52 == 0);
		MUST(runs->run[i].nr <= (UINT64_C(1) << 52) - runs->run[i].start.v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xenvirtio_runs whole = { 0 }, cut = { 0 };
	struct xenvirtio_balloon_decoder d;
	size_t bytes, piece;
	int ret, ret_cut;

	if (size < 10)
		return 0;
	bytes = size - 10;
	piece = data[1] + 1u;
	ret = init(&d, data, bytes);
	MUST(!ret || (ret == XENVIRTIO_E_GUEST && d.why));
	if (ret)
		return 0;
	ret = xenvirtio_balloon_decoder_feed(&d, data + 10, bytes, &whole);
	MUST(!ret || (ret == XENVIRTIO_E_GUEST && d.why));
	MUST(ret || !xenvirtio_balloon_decoder_left(&d));
	MUST(ret || d.empty == !whole.nr);
	check_runs(&whole, bytes);

	ret_cut = init(&d, data, bytes);
	for (size_t at = 0; at < bytes && !ret_cut; at += piece)
		ret_cut = xenvirtio_balloon_decoder_feed(
			&d, data + 10 + at, bytes - at < piece ? bytes - at : piece, &cut);
	MUST(ret_cut == ret);
	check_runs(&cut, bytes);
	/* numbers that go down are one run only as far as they were seen together */
	xenvirtio_runs_coalesce(&whole);
	xenvirtio_runs_coalesce(&cut);
	MUST(cut.nr == whole.nr);
	MUST(!cut.nr || !memcmp(cut.run, whole.run, cut.nr * sizeof(*cut.run)));
	for (size_t i = 1; i < whole.nr; i++)
		MUST(whole.run[i].start.v > whole.run[i - 1].start.v + whole.run[i - 1].nr);
	xenvirtio_runs_fini(&whole);
	xenvirtio_runs_fini(&cut);
	return 0;
}
