// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parts of an answer on the host request queue. Input: whether chunks, the part. One that is taken is
 * as long as it says, and its payload decodes or is refused.
 */
#include <xenvirtio/balloon-bulk.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xenvirtio_balloon_answer answer;
	struct xenvirtio_balloon_decoder d;
	struct xenvirtio_runs runs = { 0 };
	int ret;

	if (size < 1 + XENVIRTIO_BALLOON_ANSWER_BYTES)
		return 0;
	ret = xenvirtio_balloon_decode_answer(data + 1, size - 1, data[0] & 1, &answer, &d);
	MUST(!ret || (ret == XENVIRTIO_E_GUEST && d.why));
	if (ret)
		return 0;
	MUST(answer.payload_bytes == size - 1 - XENVIRTIO_BALLOON_ANSWER_BYTES);
	MUST(xenvirtio_balloon_decoder_left(&d) == answer.payload_bytes);
	ret = xenvirtio_balloon_decoder_feed(&d, data + 1 + XENVIRTIO_BALLOON_ANSWER_BYTES,
					     answer.payload_bytes, &runs);
	MUST(!ret || (ret == XENVIRTIO_E_GUEST && d.why));
	for (size_t i = 0; i < runs.nr; i++)
		MUST(runs.run[i].nr && (runs.run[i].start.v + runs.run[i].nr - 1) >> 52 == 0);
	xenvirtio_runs_fini(&runs);
	return 0;
}
