// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The decoder of bulk messages.
 *
 * Whatever the encoding and wherever a message is cut into pieces, the frames that were encoded come
 * out and no others; a message that is wrong in any way is refused, and what it made of the bytes
 * before that are frames below 2^52.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xenvirtio/balloon-bulk.h>

#include "kernel/balloon/src/drivers/virtio/virtio_balloon_encode.h"
#include "guest/bulk.h"

#define PFN_END (UINT64_C(1) << 52)
#define MSG_BYTES 65536u

static const enum xenvirtio_balloon_encoding decoding[BULK_ENCODINGS] = {
	[BULK_PFNS] = XENVIRTIO_BALLOON_PFNS,
	[BULK_BITMAP] = XENVIRTIO_BALLOON_RECORDS,
	[BULK_CHUNKS] = XENVIRTIO_BALLOON_CHUNKS,
	[BULK_BOTH] = XENVIRTIO_BALLOON_EITHER,
};

/* Feeds @msg in pieces of @cut bytes, each at the end of memory of its own. */
static int feed(struct xenvirtio_balloon_decoder *d, const unsigned char *msg, size_t bytes,
		size_t cut, struct xenvirtio_runs *runs)
{
	int ret = 0;

	for (size_t at = 0; at < bytes && !ret; at += cut) {
		size_t here = bytes - at < cut ? bytes - at : cut, before = runs->nr;
		unsigned char *piece = malloc(here);

		assert_non_null(piece);
		memcpy(piece, msg + at, here);
		assert_int_equal(xenvirtio_balloon_decoder_left(d), bytes - at);
		ret = xenvirtio_balloon_decoder_feed(d, piece, here, runs);
		assert_true(runs->nr - before <= XENVIRTIO_BALLOON_RUNS_PER_BYTE * (here + 7));
		free(piece);
	}
	for (size_t i = 0; i < runs->nr; i++) {
		assert_true(runs->run[i].nr > 0 && runs->run[i].start.v < PFN_END);
		assert_true(runs->run[i].nr <= PFN_END - runs->run[i].start.v);
	}
	if (ret)
		assert_non_null(d->why);
	else
		assert_int_equal(xenvirtio_balloon_decoder_left(d), 0);
	return ret;
}

static int decode(enum xenvirtio_balloon_encoding encoding, const unsigned char *msg, size_t bytes,
		  size_t cut, struct xenvirtio_runs *runs)
{
	struct xenvirtio_balloon_decoder d;
	int ret = xenvirtio_balloon_decoder_init(&d, encoding, bytes);

	xenvirtio_runs_clear(runs);
	if (ret) {
		assert_non_null(d.why);
		return ret;
	}
	ret = feed(&d, msg, bytes, cut, runs);
	if (!ret)
		assert_int_equal(d.empty, runs->nr == 0);
	return ret;
}

static void assert_runs(struct xenvirtio_runs *runs, const struct bulk_run *want, size_t nr)
{
	assert_int_equal(xenvirtio_runs_coalesce(runs), 0);
	assert_int_equal(runs->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(runs->run[i].start.v, want[i].pfn);
		assert_int_equal(runs->run[i].nr, want[i].nr);
	}
}

static const size_t cuts[] = { 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 4096, MSG_BYTES };
#define NR_CUTS (sizeof(cuts) / sizeof(cuts[0]))

static unsigned char msg[MSG_BYTES];

/* Ascending, with gaps; lengths of one page to some thousands. */
static size_t make_runs(struct bulk_run *run, size_t max, unsigned int seed)
{
	size_t nr = seed % max + 1;
	uint64_t pfn = seed;

	srand(seed);
	for (size_t i = 0; i < nr; i++) {
		run[i].pfn = pfn + (unsigned int)rand() % 3 * 37 + 1;
		run[i].nr = (unsigned int)rand() % 4 ? (unsigned int)rand() % 5 + 1 :
						       (unsigned int)rand() % 2000 + 1;
		pfn = run[i].pfn + run[i].nr;
	}
	return nr;
}

static void every_encoding_in_every_piece(void **state)
{
	struct xenvirtio_runs runs = { 0 };
	struct bulk_run run[16];

	for (unsigned int seed = 0; seed < 100; seed++) {
		size_t nr = make_runs(run, 16, seed);

		for (int e = 0; e < BULK_ENCODINGS; e++) {
			size_t bytes = bulk_encode(e, run, nr, msg, sizeof(msg));

			assert_true(bytes > 0);
			for (size_t c = 0; c < NR_CUTS; c++) {
				assert_int_equal(decode(decoding[e], msg, bytes, cuts[c], &runs), 0);
				assert_runs(&runs, run, nr);
			}
		}
	}
	xenvirtio_runs_fini(&runs);
}

/* The messages of the guest driver in kernel/balloon, in parts as small as it makes them. */
static void the_kernels_messages_are_understood(void **state)
{
	static const struct {
		struct vballoon_format format;
		enum xenvirtio_balloon_encoding decoding;
	} forms[] = {
		{ { .bitmap = true }, XENVIRTIO_BALLOON_RECORDS },
		{ { .chunks = true }, XENVIRTIO_BALLOON_CHUNKS },
		{ { .bitmap = true, .chunks = true }, XENVIRTIO_BALLOON_EITHER },
	};
	static const size_t rooms[] = { 24, 40, 528, 4096, MSG_BYTES };
	struct xenvirtio_runs part = { 0 }, runs = { 0 };
	struct bulk_run run[16];
	__u64 range[64];

	for (unsigned int i = 0; i < 100 * 3 * 5; i++) {
		size_t nr = make_runs(run, 16, i / 15), nr_ranges = 0;
		struct vballoon_cursor cursor;

		for (size_t k = 0; k < nr; k++)
			nr_ranges = vballoon_range_add(range, nr_ranges, run[k].pfn, run[k].nr);
		vballoon_cursor_init(&cursor, range, nr_ranges);
		xenvirtio_runs_clear(&runs);
		while (cursor.left) {
			size_t bytes = vballoon_encode_message(&cursor, forms[i % 3].format, msg,
							       rooms[i / 3 % 5]);

			assert_int_equal(decode(forms[i % 3].decoding, msg, bytes, 13, &part), 0);
			assert_true(part.nr > 0);
			for (size_t k = 0; k < part.nr; k++)
				assert_int_equal(xenvirtio_runs_add(&runs, part.run[k].start,
								    part.run[k].nr), 0);
		}
		assert_runs(&runs, run, nr);
	}
	xenvirtio_runs_fini(&part);
	xenvirtio_runs_fini(&runs);
}

/* And its answers, in both forms: a bitmap may skip a gap that a part spans. */
static void the_kernels_answers_are_understood(void **state)
{
	struct xenvirtio_balloon_decoder d;
	struct xenvirtio_runs runs = { 0 };
	struct vballoon_cursor cursor;
	struct bulk_run run[16];
	__u64 range[64], start;

	for (unsigned int seed = 0; seed < 200; seed++) {
		size_t nr = make_runs(run, 16, seed), nr_ranges = 0, room = seed % 2 ? 16 : 4096;

		for (size_t k = 0; k < nr; k++)
			nr_ranges = vballoon_range_add(range, nr_ranges, run[k].pfn, run[k].nr);
		vballoon_cursor_init(&cursor, range, nr_ranges);
		xenvirtio_runs_clear(&runs);
		while (cursor.left) {
			size_t bytes = vballoon_encode_bitmap(&cursor, msg, room, &start);

			assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(
						 &d, xenvirtio_gfn(start), bytes), 0);
			assert_int_equal(feed(&d, msg, bytes, 5, &runs), 0);
		}
		assert_runs(&runs, run, nr);
	}
	xenvirtio_runs_fini(&runs);
}

static void each_bit_of_a_bitmap_is_its_frame(void **state)
{
	struct xenvirtio_runs runs = { 0 };

	for (unsigned int words = 1; words <= 63; words++) {
		for (unsigned int bit = 0; bit < words * 64; bit += bit % 64 == 0 ? 63 : 1) {
			unsigned char *at = bulk_put_header(msg, 0, 12, 8 + 8 * words);

			at = bulk_put(at, bulk_head(1000, 12, words), 8);
			memset(at, 0, 8 * words);
			at[bit / 8] = (unsigned char)(1u << bit % 8);
			assert_int_equal(decode(XENVIRTIO_BALLOON_RECORDS, msg, 16 + 8 * words, 4096,
						&runs), 0);
			assert_int_equal(runs.nr, 1);
			assert_int_equal(runs.run[0].start.v, 1000 + bit);
			assert_int_equal(runs.run[0].nr, 1);
		}
	}
	xenvirtio_runs_fini(&runs);
}

/* Every second frame: what the bound of runs is for. A full word is one run. */
static void dense_bitmaps(void **state)
{
	struct xenvirtio_runs runs = { 0 };
	unsigned char *at = bulk_put_header(msg, 0, 12, 8 * 64);

	at = bulk_put(at, bulk_head(0, 12, 63), 8);
	memset(at, 0x55, 8 * 63);
	assert_int_equal(decode(XENVIRTIO_BALLOON_RECORDS, msg, 8 * 65, 8, &runs), 0);
	assert_int_equal(runs.nr, 63 * 32);
	memset(at, 0xaa, 8 * 63);
	assert_int_equal(decode(XENVIRTIO_BALLOON_RECORDS, msg, 8 * 65, 4096, &runs), 0);
	assert_int_equal(runs.nr, 63 * 32);
	memset(at, 0xff, 8 * 63);
	assert_int_equal(decode(XENVIRTIO_BALLOON_RECORDS, msg, 8 * 65, 4096, &runs), 0);
	assert_int_equal(runs.nr, 1);
	assert_int_equal(runs.run[0].nr, 63 * 64);
	xenvirtio_runs_fini(&runs);
}

#define HEADER(cmd, shift, len) ((uint64_t)(cmd) | (uint64_t)(shift) << 16 | (uint64_t)(len) << 32)
#define HEAD(pfn, shift, words) \
	((uint64_t)(pfn) | (uint64_t)(shift) << 52 | (uint64_t)(words) << 58)

/* Messages as words, @bytes of them. @nr: frames of a good one; 0: refused; EMPTY: good, names none */
#define EMPTY UINT64_MAX
static const struct {
	const char *name;
	enum xenvirtio_balloon_encoding encoding;
	size_t bytes;
	uint64_t word[4];
	uint64_t nr;
} cases[] = {
	{ "a run of one page", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 8), HEAD(7, 12, 0) }, 1 },
	{ "the longest run", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 8), HEAD(7, 30, 0) }, 1 << 18 },
	{ "page_shift 0", XENVIRTIO_BALLOON_RECORDS, 16, { HEADER(0, 12, 8), HEAD(7, 0, 0) }, 0 },
	{ "page_shift 11", XENVIRTIO_BALLOON_RECORDS, 16, { HEADER(0, 12, 8), HEAD(7, 11, 0) }, 0 },
	{ "page_shift 31", XENVIRTIO_BALLOON_RECORDS, 16, { HEADER(0, 12, 8), HEAD(7, 31, 0) }, 0 },
	{ "page_shift 63", XENVIRTIO_BALLOON_RECORDS, 16, { HEADER(0, 12, 8), HEAD(7, 63, 0) }, 0 },
	{ "page_shift 11 with a bitmap", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 16), HEAD(7, 11, 1), 1 }, 0 },
	{ "page_shift 13 with a bitmap", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 16), HEAD(7, 13, 1), 1 }, 0 },
	{ "page_shift 21 in the header", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 21, 8), HEAD(7, 12, 0) }, 0 },
	{ "page_shift 0 in the header", XENVIRTIO_BALLOON_EITHER, 24,
	  { HEADER(1, 0, 16), 4096, 4096 }, 0 },
	{ "bmap_len one past the end", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 16), HEAD(7, 12, 2), 1 }, 0 },
	{ "bmap_len 63 and nothing", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 8), HEAD(7, 12, 63) }, 0 },
	{ "the last frame number", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 8), HEAD(PFN_END - 1, 12, 0) }, 1 },
	{ "start_pfn near 2^52, run", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 8), HEAD(PFN_END - 1, 13, 0) }, 0 },
	{ "start_pfn near 2^52, bitmap that fits", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 16), HEAD(PFN_END - 64, 12, 1), UINT64_C(1) << 63 }, 1 },
	{ "start_pfn near 2^52, bitmap", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 16), HEAD(PFN_END - 63, 12, 1), UINT64_C(1) << 63 }, 0 },
	{ "a bitmap without a bit", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 16), HEAD(7, 12, 1), 0 }, EMPTY },
	{ "header alone", XENVIRTIO_BALLOON_RECORDS, 8, { HEADER(0, 12, 0) }, EMPTY },
	{ "header alone, chunks", XENVIRTIO_BALLOON_EITHER, 8, { HEADER(1, 12, 0) }, EMPTY },
	{ "nothing", XENVIRTIO_BALLOON_RECORDS, 0, { 0 }, 0 },
	{ "nothing, either", XENVIRTIO_BALLOON_EITHER, 0, { 0 }, 0 },
	{ "nothing, chunks", XENVIRTIO_BALLOON_CHUNKS, 0, { 0 }, EMPTY },
	{ "half a header", XENVIRTIO_BALLOON_RECORDS, 4, { HEADER(0, 12, 0) }, 0 },
	{ "data_len too small", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(0, 12, 8), HEAD(7, 12, 0), HEAD(9, 12, 0) }, 0 },
	{ "data_len too large", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 16), HEAD(7, 12, 0) }, 0 },
	{ "data_len 2^32 - 1", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, UINT32_MAX), HEAD(7, 12, 0) }, 0 },
	{ "data_len 0 before a record", XENVIRTIO_BALLOON_RECORDS, 16,
	  { HEADER(0, 12, 0), HEAD(7, 12, 0) }, 0 },
	{ "trailing bytes", XENVIRTIO_BALLOON_RECORDS, 20,
	  { HEADER(0, 12, 12), HEAD(7, 12, 0), 0 }, 0 },
	{ "trailing bytes behind data_len", XENVIRTIO_BALLOON_RECORDS, 20,
	  { HEADER(0, 12, 8), HEAD(7, 12, 0), 0 }, 0 },
	{ "cmd 2", XENVIRTIO_BALLOON_EITHER, 16, { HEADER(2, 12, 8), HEAD(7, 12, 0) }, 0 },
	{ "cmd 1 not negotiated", XENVIRTIO_BALLOON_RECORDS, 24,
	  { HEADER(1, 12, 16), 4096, 4096 }, 0 },
	{ "cmd 1", XENVIRTIO_BALLOON_EITHER, 24, { HEADER(1, 12, 16), 4096, 8192 }, 2 },
	{ "cmd 0 of either", XENVIRTIO_BALLOON_EITHER, 16, { HEADER(0, 12, 8), HEAD(7, 14, 0) }, 4 },
	{ "cmd 1 and half a chunk", XENVIRTIO_BALLOON_EITHER, 16, { HEADER(1, 12, 8), 4096 }, 0 },
	{ "a chunk", XENVIRTIO_BALLOON_CHUNKS, 16, { 4096, 8192 }, 2 },
	{ "chunk of size 0", XENVIRTIO_BALLOON_CHUNKS, 16, { 4096, 0 }, 0 },
	{ "chunk of 2^52 bytes", XENVIRTIO_BALLOON_CHUNKS, 16,
	  { 4096, UINT64_C(1) << 52 }, UINT64_C(1) << 40 },
	{ "chunk of all pages there are", XENVIRTIO_BALLOON_CHUNKS, 16,
	  { 0, (PFN_END - 1) << 12 }, PFN_END - 1 },
	{ "chunk up to the last page", XENVIRTIO_BALLOON_CHUNKS, 16,
	  { 4096, (PFN_END - 1) << 12 }, PFN_END - 1 },
	{ "chunk one past the last page", XENVIRTIO_BALLOON_CHUNKS, 16,
	  { 8192, (PFN_END - 1) << 12 }, 0 },
	{ "chunk with an unaligned base", XENVIRTIO_BALLOON_CHUNKS, 16, { 4097, 4096 }, 0 },
	{ "chunk with an unaligned size", XENVIRTIO_BALLOON_CHUNKS, 16, { 4096, 4095 }, 0 },
	{ "half a chunk", XENVIRTIO_BALLOON_CHUNKS, 8, { 4096 }, 0 },
	{ "a chunk and a half", XENVIRTIO_BALLOON_CHUNKS, 24, { 4096, 4096, 8192 }, 0 },
	{ "a good chunk and one of size 0", XENVIRTIO_BALLOON_CHUNKS, 32,
	  { 4096, 4096, 8192, 0 }, 0 },
	{ "three bytes of page numbers", XENVIRTIO_BALLOON_PFNS, 3, { 0 }, 0 },
	{ "page numbers", XENVIRTIO_BALLOON_PFNS, 8, { UINT64_C(0xffffffff00000007) }, 2 },
};

static void each_case_is_judged(void **state)
{
	struct xenvirtio_runs runs = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char *at = msg;

		for (size_t k = 0; k < 4; k++)
			at = bulk_put(at, cases[i].word[k], 8);
		for (size_t c = 0; c < NR_CUTS; c++) {
			int ret = decode(cases[i].encoding, msg, cases[i].bytes, cuts[c], &runs);
			uint64_t want = cases[i].nr == EMPTY ? 0 : cases[i].nr;

			if (ret != (cases[i].nr ? 0 : XENVIRTIO_E_GUEST))
				fail_msg("%s: %d", cases[i].name, ret);
			if (!ret && xenvirtio_runs_total(&runs) != want)
				fail_msg("%s: wrong frames", cases[i].name);
		}
	}
	xenvirtio_runs_fini(&runs);
}

static void more_than_the_message_is_the_callers_error(void **state)
{
	struct xenvirtio_balloon_decoder d;
	struct xenvirtio_runs runs = { 0 };

	assert_int_equal(xenvirtio_balloon_decoder_init(&d, XENVIRTIO_BALLOON_PFNS, 8), 0);
	assert_int_equal(xenvirtio_balloon_decoder_feed(&d, msg, 9, &runs), -EINVAL);
	assert_int_equal(xenvirtio_balloon_decoder_feed(&d, msg, 3, &runs), 0);
	assert_int_equal(xenvirtio_balloon_decoder_feed(&d, msg, 6, &runs), -EINVAL);
	assert_int_equal(xenvirtio_balloon_decoder_feed(&d, msg, 5, &runs), 0);
	assert_int_equal(xenvirtio_balloon_decoder_feed(&d, msg, 1, &runs), -EINVAL);
	xenvirtio_runs_fini(&runs);
}

static void bitmaps_of_an_answer(void **state)
{
	struct xenvirtio_balloon_decoder d;
	const struct xenvirtio_gfn zero = { 0 }, last = { PFN_END - 64 }, past = { PFN_END - 63 };

	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, zero, 0), 0);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, zero, 7), XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, last, 8), 0);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, past, 8), XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, zero, PFN_END / 8), 0);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, zero, PFN_END / 8 + 8),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, zero, UINT64_MAX - 7),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_balloon_decoder_init_bitmap(&d, xenvirtio_gfn(UINT64_MAX), 0),
			 XENVIRTIO_E_GUEST);
}

struct answer_header {
	uint16_t cmd, shift, flags, reserved;
	uint64_t req_id, start, len;
};

static int decode_answer(const struct answer_header *h, uint64_t bytes, bool chunks,
			 struct xenvirtio_balloon_answer *answer)
{
	struct xenvirtio_balloon_decoder d;
	unsigned char *at = msg;
	int ret;

	at = bulk_put(at, h->cmd, 2);
	at = bulk_put(at, h->shift, 2);
	at = bulk_put(at, h->flags, 2);
	at = bulk_put(at, h->reserved, 2);
	at = bulk_put(at, h->req_id, 8);
	at = bulk_put(at, h->start, 8);
	bulk_put(at, h->len, 8);
	ret = xenvirtio_balloon_decode_answer(msg, bytes, chunks, answer, &d);
	if (!ret)
		assert_int_equal(xenvirtio_balloon_decoder_left(&d), h->len);
	else
		assert_non_null(d.why);
	return ret;
}

static void headers_of_answers(void **state)
{
	const struct answer_header good = { 1, 12, 2, 0xffff, UINT64_MAX, 0, 16 };
	struct xenvirtio_balloon_answer answer;
	struct answer_header h = good;

	assert_int_equal(decode_answer(&h, 48, false, &answer), 0);
	assert_true(answer.done && answer.req_id == UINT64_MAX && answer.payload_bytes == 16);
	h.flags = 1;
	assert_int_equal(decode_answer(&h, 48, true, &answer), 0);
	assert_false(answer.done);
	for (uint16_t flags = 0; flags < 6; flags++) {
		h.flags = flags;
		assert_int_equal(decode_answer(&h, 48, true, &answer),
				 flags == 1 || flags == 2 ? 0 : XENVIRTIO_E_GUEST);
	}
	h = good;
	h.cmd = 0;
	assert_int_equal(decode_answer(&h, 48, false, &answer), XENVIRTIO_E_GUEST);
	h = good;
	h.shift = 21;
	assert_int_equal(decode_answer(&h, 48, false, &answer), XENVIRTIO_E_GUEST);
	h = good;
	assert_int_equal(decode_answer(&h, 47, false, &answer), XENVIRTIO_E_GUEST);
	assert_int_equal(decode_answer(&h, 49, false, &answer), XENVIRTIO_E_GUEST);
	h.len = 0;
	assert_int_equal(decode_answer(&h, 32, false, &answer), 0);
	assert_int_equal(decode_answer(&h, 32, true, &answer), 0);
	assert_int_equal(decode_answer(&h, 31, true, &answer), XENVIRTIO_E_GUEST);
	h.len = UINT64_MAX;
	assert_int_equal(decode_answer(&h, 31, true, &answer), XENVIRTIO_E_GUEST);
	h.len = 8;
	assert_int_equal(decode_answer(&h, 40, false, &answer), 0);
	assert_int_equal(decode_answer(&h, 40, true, &answer), XENVIRTIO_E_GUEST);
	h.start = PFN_END - 63;
	assert_int_equal(decode_answer(&h, 40, false, &answer), XENVIRTIO_E_GUEST);
	h = good;
	h.start = 1;
	assert_int_equal(decode_answer(&h, 48, false, &answer), 0);
	assert_int_equal(decode_answer(&h, 48, true, &answer), XENVIRTIO_E_GUEST);
}

static void a_request_is_as_the_driver_reads_it(void **state)
{
	const unsigned char want[] = { 1, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1 };
	unsigned char request[XENVIRTIO_BALLOON_REQUEST_BYTES];

	xenvirtio_balloon_encode_request(UINT64_C(0x0102030405060708), request);
	assert_memory_equal(request, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_encoding_in_every_piece),
		cmocka_unit_test(the_kernels_messages_are_understood),
		cmocka_unit_test(the_kernels_answers_are_understood),
		cmocka_unit_test(each_bit_of_a_bitmap_is_its_frame),
		cmocka_unit_test(dense_bitmaps),
		cmocka_unit_test(each_case_is_judged),
		cmocka_unit_test(more_than_the_message_is_the_callers_error),
		cmocka_unit_test(bitmaps_of_an_answer),
		cmocka_unit_test(headers_of_answers),
		cmocka_unit_test(a_request_is_as_the_driver_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
