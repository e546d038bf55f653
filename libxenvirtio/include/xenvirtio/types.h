/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers that must not be mixed up.
 *
 * A guest frame number, a guest-physical address and a little-endian field are all integers, and
 * adding one to another is a bug no test finds quickly. Each is a struct with one member here, so
 * that the compiler finds it. They are passed by value and cost nothing.
 */
#ifndef XENVIRTIO_TYPES_H
#define XENVIRTIO_TYPES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

static inline struct xenvirtio_gfn xenvirtio_gfn(uint64_t v)
{
	return (struct xenvirtio_gfn){ v };
}

static inline struct xenvirtio_gpa xenvirtio_gpa(uint64_t v)
{
	return (struct xenvirtio_gpa){ v };
}

static inline struct xenvirtio_gfn xenvirtio_gpa_to_gfn(struct xenvirtio_gpa gpa)
{
	return (struct xenvirtio_gfn){ gpa.v >> XENVIRTIO_PAGE_SHIFT };
}

static inline struct xenvirtio_gpa xenvirtio_gfn_to_gpa(struct xenvirtio_gfn gfn)
{
	return (struct xenvirtio_gpa){ gfn.v << XENVIRTIO_PAGE_SHIFT };
}

static inline uint16_t xenvirtio_le16_get(struct xenvirtio_le16 v)
{
	return le16toh(v.raw);
}

static inline uint32_t xenvirtio_le32_get(struct xenvirtio_le32 v)
{
	return le32toh(v.raw);
}

static inline uint64_t xenvirtio_le64_get(struct xenvirtio_le64 v)
{
	return le64toh(v.raw);
}

static inline struct xenvirtio_le16 xenvirtio_le16(uint16_t v)
{
	return (struct xenvirtio_le16){ htole16(v) };
}

static inline struct xenvirtio_le32 xenvirtio_le32(uint32_t v)
{
	return (struct xenvirtio_le32){ htole32(v) };
}

static inline struct xenvirtio_le64 xenvirtio_le64(uint64_t v)
{
	return (struct xenvirtio_le64){ htole64(v) };
}

#endif /* XENVIRTIO_TYPES_H */
