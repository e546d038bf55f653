// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Statistics. Input: how many tags are known, the message. Only known tags are taken, and something
 * is taken from nothing but whole records.
 */
#include <xenvirtio/balloon.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t value[32] = { 0 };
	unsigned int nr;
	uint32_t mask;
	int ret;

	if (!size)
		return 0;
	nr = data[0] % 33;
	ret = xenvirtio_balloon_decode_stats(data + 1, size - 1, value, nr, &mask);
	MUST(ret == (size > 1 && (size - 1) % 10 == 0 ? 0 : XENVIRTIO_E_GUEST));
	MUST(!ret || !mask);
	MUST(nr == 32 || !(mask >> nr));
	return 0;
}
