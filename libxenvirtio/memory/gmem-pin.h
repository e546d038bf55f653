/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages of the cache that stay where they are while somebody uses their bytes in place: views of chains (xenvirtio/view.h).
 *
 * A pinned page is not evicted. When its frame is to be let go of, xenvirtio_gmem_forget(), or gmem_revoke(), there is private
 * memory in its place at once, until the last pin is gone.
 */
#ifndef GMEM_PIN_H
#define GMEM_PIN_H

#include <xenvirtio/gmem.h>

struct slot;

/**
 * gmem_pin() - a page of the guest's, in place
 * @va:  out; of the page's first byte; good until gmem_unpin()
 * @pin: out
 *
 * At most half of the cache: rings have room always.
 * Return: 0; XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -EAGAIN too many are pinned; -EOPNOTSUPP the seam cannot revoke; -errno
 */
int gmem_pin(struct xenvirtio_gmem *gmem, struct xenvirtio_gfn gfn, void **va, struct slot **pin);
/** gmem_pinned() - it is the guest's page still */
bool gmem_pinned(const struct slot *pin);
/** gmem_revoke() - it is not, from now on. Return: 0; -errno it may be */
int gmem_revoke(struct xenvirtio_gmem *gmem, struct slot *pin);
void gmem_unpin(struct xenvirtio_gmem *gmem, struct slot *pin);

#endif /* GMEM_PIN_H */
