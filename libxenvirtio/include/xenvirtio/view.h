/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a chain where the guest has them, as iovecs for system calls: preadv(2), writev(2), io_uring. Without a copy of ours.
 *
 * For the kernel's use, not for the program's: a guest changes what is there at any time, so whatever is to be looked at is copied
 * with xenvirtio_chain_read() first, and what a system call wrote is not read back. Pages are those of the cache of struct
 * xenvirtio_gmem, which keeps them mapped from one chain to the next.
 *
 * A view is revocable: when the guest gives a page of it away (xenvirtio_gmem_forget()), when the queue is stopped and when the device
 * is reset, the library puts private memory in its place, at once. A system call that is under way then reads zeros, or writes where
 * nobody looks, and does the guest no harm, which may use its memory for something else by then; xenvirtio_view_whole() says so
 * afterwards. A page that chains of two queues share goes for both.
 *
 * These are foreign mappings: O_DIRECT, and all else that pins pages, fails with EFAULT.
 */
#ifndef XENVIRTIO_VIEW_H
#define XENVIRTIO_VIEW_H

#include <sys/uio.h>
#include <xenvirtio/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct xenvirtio_view;

/**
 * xenvirtio_view_new() - of the bytes of a chain
 * @view:     out; freed with xenvirtio_view_free(), before the device and its guest memory are
 * @chain:    popped from @q, and not pushed
 * @writable: of its device-writable part; else of its device-readable part, which is not to be written to
 * @offset, @len: bytes of that part, at least one
 *
 * Views take at most half of the pages that the guest's memory may have mapped (xenvirtio_gmem_new()).
 * Return: 0; XENVIRTIO_E_GUEST as xenvirtio_chain_read(); XENVIRTIO_E_GONE; -EAGAIN there are as many as there may be: free one, or
 *         copy; -EOPNOTSUPP the seam cannot revoke; -ENOMEM; -errno
 */
int xenvirtio_view_new(struct xenvirtio_view **view, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain, bool writable,
		       uint64_t offset, uint64_t len);

/**
 * xenvirtio_view_iov() - where they are
 * @nr: out; how many, each inside one page; may be more than IOV_MAX
 *
 * Return: them, until the view is freed
 */
const struct iovec *xenvirtio_view_iov(const struct xenvirtio_view *view, size_t *nr);

/**
 * xenvirtio_view_whole() - whether all of it is the guest's still
 *
 * To be asked when the system call is done and before the chain is pushed. Without, its bytes are not what they should be: if the chain is
 * still the device's (xenvirtio_chain_held()), answer it with an error.
 */
bool xenvirtio_view_whole(const struct xenvirtio_view *view);

/** xenvirtio_view_free() - once no system call uses it any more; NULL is fine */
void xenvirtio_view_free(struct xenvirtio_view *view);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_VIEW_H */
