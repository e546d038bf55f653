/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest memory, by copy, through a bounded cache of foreign mappings.
 *
 * Device code never holds a pointer into guest memory: it copies in, checks, and copies out, so a
 * guest that changes memory under our hands changes nothing we have looked at. Mappings are kept
 * page by page, least recently used first out; on an auto-translated dom0 each one costs a frame of
 * dom0, and each one keeps the guest's frame allocated, hence the bound and xenvirtio_gmem_forget().
 *
 * Addresses are hostile. Whatever is not RAM of the guest gives XENVIRTIO_E_GUEST.
 * Threads: one thread per object.
 */
#ifndef XENVIRTIO_GMEM_H
#define XENVIRTIO_GMEM_H

#include <xenvirtio/hv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xenvirtio_gmem;

/**
 * xenvirtio_gmem_new() - a cache of mappings of one guest
 * @gmem:      out; freed with xenvirtio_gmem_free(), before @hv is closed
 * @hv:        the guest; borrowed
 * @max_pages: mappings kept at most, at least 1; 64 serves a device with small queues
 *
 * Return: 0; -EINVAL no page, or @hv is of another version of the seam; XENVIRTIO_E_GONE; -errno
 */
int xenvirtio_gmem_new(struct xenvirtio_gmem **gmem, struct xenvirtio_hv *hv, size_t max_pages);
/** xenvirtio_gmem_free() - unmap everything; NULL is fine */
void xenvirtio_gmem_free(struct xenvirtio_gmem *gmem);

/**
 * xenvirtio_gmem_read() - copy out of guest memory
 * @gpa: any alignment; hostile
 * @buf: @len bytes; undefined content on failure
 *
 * Return: 0; XENVIRTIO_E_GUEST some byte is not RAM; XENVIRTIO_E_GONE; -errno
 */
int xenvirtio_gmem_read(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, void *buf,
			size_t len);
/** xenvirtio_gmem_write() - copy into guest memory; may have been done in part on failure */
int xenvirtio_gmem_write(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, const void *buf,
			 size_t len);

/**
 * xenvirtio_gmem_load16() - one 16-bit little-endian load that cannot tear
 * @gpa: 2-byte aligned, else XENVIRTIO_E_GUEST
 * @val: out; host order
 *
 * Order: acquire: what is read afterwards is at least as new
 */
int xenvirtio_gmem_load16(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, uint16_t *val);
/** xenvirtio_gmem_store16() - one 16-bit store, release: what was written before is seen first */
int xenvirtio_gmem_store16(struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa, uint16_t val);

/** xenvirtio_gmem_is_ram() - whether the @len bytes (at least 1) at @gpa are inside RAM ranges */
bool xenvirtio_gmem_is_ram(const struct xenvirtio_gmem *gmem, struct xenvirtio_gpa gpa,
			   uint64_t len);

/**
 * xenvirtio_gmem_forget() - let go of mappings of frames about to be released
 * @start: first frame
 * @nr:    frames; any number
 *
 * Return: 0; -errno an unmap failed and the frame may stay allocated
 */
int xenvirtio_gmem_forget(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn start, uint64_t nr);
/** xenvirtio_gmem_flush() - let go of all mappings; on IOREQ_TYPE_INVALIDATE and domain death */
int xenvirtio_gmem_flush(struct xenvirtio_gmem *gmem);
/**
 * xenvirtio_gmem_flushes() - how often that was done, since the object is new
 *
 * While it stays the same, the guest has given no frame back past its device: Xen has its ioreq servers asked to forget their
 * mappings before the vcpu that did so goes on. On x86 that is so of the guest's own decrease_reservation, on Arm of whatever
 * takes a frame out of its address space.
 */
uint64_t xenvirtio_gmem_flushes(const struct xenvirtio_gmem *gmem);
/** xenvirtio_gmem_mapped() - pages mapped at this moment */
size_t xenvirtio_gmem_mapped(const struct xenvirtio_gmem *gmem);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_GMEM_H */
