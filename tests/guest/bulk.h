/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of a balloon's driver in each encoding: runs of frames to bytes.
 *
 * Written from the text of the format and byte by byte: it shares nothing with the decoder it is for,
 * nor with the kernel's encoder.
 */
#ifndef GUEST_BULK_H
#define GUEST_BULK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bulk_encoding {
	BULK_PFNS,
	BULK_BITMAP,	/* header, records */
	BULK_CHUNKS,	/* chunks */
	BULK_BOTH,	/* header, and by turns records and chunks: chunks for an odd number of runs */
	BULK_ENCODINGS,
};

struct bulk_run {
	uint64_t pfn;
	uint64_t nr;
};

/** feature bits of an encoding, as the device offers them by convention */
uint64_t bulk_features(enum bulk_encoding encoding);
/** bulk_name() - for a test's message */
const char *bulk_name(enum bulk_encoding encoding);
/** bulk_encode() - one message of all runs. Return: its bytes; 0 there is no room for it */
size_t bulk_encode(enum bulk_encoding encoding, const struct bulk_run *run, size_t nr,
		   unsigned char *msg, size_t room);

/** bulk_put() - @value in @bytes bytes, little-endian. Return: behind it */
unsigned char *bulk_put(unsigned char *at, uint64_t value, unsigned int bytes);
/** bulk_head() - the head of a record; fields are cut to what they have room for */
uint64_t bulk_head(uint64_t pfn, unsigned int page_shift, unsigned int words);
/** bulk_put_header() - the header of a message. Return: behind it */
unsigned char *bulk_put_header(unsigned char *at, unsigned int cmd, unsigned int page_shift,
			       uint32_t data_len);

#ifdef __cplusplus
}
#endif

#endif /* GUEST_BULK_H */
