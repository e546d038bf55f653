/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers that must not be mixed up, and ranges of them; numbers that Xen gives a name.
 *
 * A guest frame number, a guest-physical address and a little-endian field are all integers, and
 * adding one to another is a bug no test finds quickly. Each is a struct with one member here, so
 * that the compiler finds it. They are passed by value and cost nothing.
 *
 * ISO C alone: with -std=c99 <endian.h> shows nothing.
 */
#ifndef XENVIRTIO_TYPES_H
#define XENVIRTIO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XENVIRTIO_PAGE_SHIFT 12
#define XENVIRTIO_PAGE_SIZE (UINT64_C(1) << XENVIRTIO_PAGE_SHIFT)

/** a guest frame number: 4 KiB units of the guest-physical address space */
struct xenvirtio_gfn {
	uint64_t v;
};

/** a guest-physical address, in bytes */
struct xenvirtio_gpa {
	uint64_t v;
};

/** an inclusive range of guest-physical addresses, in bytes */
struct xenvirtio_gpa_range {
	struct xenvirtio_gpa start;
	struct xenvirtio_gpa end_incl;
};

/** an inclusive range of guest frames */
struct xenvirtio_gfn_range {
	struct xenvirtio_gfn start;
	struct xenvirtio_gfn end_incl;
};

/** the largest extent order to ask for: Xen can be preempted only between extents */
#define XENVIRTIO_ORDER_MAX 9u
/** extents one call of the seam takes */
#define XENVIRTIO_EXTENTS_MAX 512u
/** 2^order frames; the first one's number is a multiple of that */
struct xenvirtio_extent {
	struct xenvirtio_gfn start;
	unsigned int order;
};

/** why a domain has shut down: SHUTDOWN_* of Xen's public/sched.h */
#define XENVIRTIO_SHUTDOWN_POWEROFF 0u
#define XENVIRTIO_SHUTDOWN_REBOOT 1u
#define XENVIRTIO_SHUTDOWN_SUSPEND 2u
#define XENVIRTIO_SHUTDOWN_CRASH 3u
/** its kernel starts another: its devices are made anew, its memory stays */
#define XENVIRTIO_SHUTDOWN_SOFT_RESET 5u

/** little-endian fields, as they stand in guest memory and in configuration spaces */
struct xenvirtio_le16 {
	uint16_t raw;
};
struct xenvirtio_le32 {
	uint32_t raw;
};
struct xenvirtio_le64 {
	uint64_t raw;
};

/** xenvirtio_gfn() - a number as a guest frame number */
static inline struct xenvirtio_gfn xenvirtio_gfn(uint64_t v)
{
	struct xenvirtio_gfn r = { v };

	return r;
}

/** xenvirtio_gpa() - a number as a guest-physical address */
static inline struct xenvirtio_gpa xenvirtio_gpa(uint64_t v)
{
	struct xenvirtio_gpa r = { v };

	return r;
}

/** xenvirtio_gpa_to_gfn() - the frame that an address is in */
static inline struct xenvirtio_gfn xenvirtio_gpa_to_gfn(struct xenvirtio_gpa gpa)
{
	struct xenvirtio_gfn r = { gpa.v >> XENVIRTIO_PAGE_SHIFT };

	return r;
}

/** xenvirtio_gfn_to_gpa() - the address of a frame's first byte */
static inline struct xenvirtio_gpa xenvirtio_gfn_to_gpa(struct xenvirtio_gfn gfn)
{
	struct xenvirtio_gpa r = { gfn.v << XENVIRTIO_PAGE_SHIFT };

	return r;
}

/* Private: host order to little-endian, and back. gcc and clang say which the host's is. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define XENVIRTIO_SWAP_LE(bits, v) __builtin_bswap##bits(v)
#else
#define XENVIRTIO_SWAP_LE(bits, v) (v)
#endif

/** xenvirtio_le16_get() - the value of a field, in host order */
static inline uint16_t xenvirtio_le16_get(struct xenvirtio_le16 v)
{
	return XENVIRTIO_SWAP_LE(16, v.raw);
}

/** xenvirtio_le32_get() - the value of a field, in host order */
static inline uint32_t xenvirtio_le32_get(struct xenvirtio_le32 v)
{
	return XENVIRTIO_SWAP_LE(32, v.raw);
}

/** xenvirtio_le64_get() - the value of a field, in host order */
static inline uint64_t xenvirtio_le64_get(struct xenvirtio_le64 v)
{
	return XENVIRTIO_SWAP_LE(64, v.raw);
}

/** xenvirtio_le16() - a value in host order as a field */
static inline struct xenvirtio_le16 xenvirtio_le16(uint16_t v)
{
	struct xenvirtio_le16 r = { XENVIRTIO_SWAP_LE(16, v) };

	return r;
}

/** xenvirtio_le32() - a value in host order as a field */
static inline struct xenvirtio_le32 xenvirtio_le32(uint32_t v)
{
	struct xenvirtio_le32 r = { XENVIRTIO_SWAP_LE(32, v) };

	return r;
}

/** xenvirtio_le64() - a value in host order as a field */
static inline struct xenvirtio_le64 xenvirtio_le64(uint64_t v)
{
	struct xenvirtio_le64 r = { XENVIRTIO_SWAP_LE(64, v) };

	return r;
}

#undef XENVIRTIO_SWAP_LE

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_TYPES_H */
