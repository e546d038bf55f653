/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the features that no specification fixes are offered, and by which bits.
 *
 * Both sides must mean the same by a bit, and nothing tells a driver that they do: hence numbers by
 * convention, which can be changed on both sides.
 */
#ifndef BACKEND_BULK_BITS_H
#define BACKEND_BULK_BITS_H

/** numbers of feature bits, 50 to 63 and different; 0: not offered */
struct balloon_bits {
	unsigned int page_bitmap;
	unsigned int page_chunks;
	unsigned int host_req_vq;
};

/** bulk_bits_default() - all of them, by the numbers of the convention */
struct balloon_bits bulk_bits_default(void);
/**
 * bulk_bits_parse() - "none", or a list: "bitmap,chunks=60,host-request"
 * @bits: out; complete only on success. What is not in the list is not offered
 *
 * Return: 0; -EINVAL
 */
int bulk_bits_parse(const char *text, struct balloon_bits *bits);

#endif /* BACKEND_BULK_BITS_H */
