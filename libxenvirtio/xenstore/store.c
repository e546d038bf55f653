// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all siblings behind the xenstore operations share: closing, and the answer of a build that
 * has no Xen.
 */
#include "config.h"

#include <errno.h>
#include <xenvirtio/store.h>

void xenvirtio_store_close(struct xenvirtio_store *store)
{
	if (store)
		store->ops->close(store);
}

#ifndef WITH_XEN
int xenvirtio_store_open_xen(struct xenvirtio_store **store)
{
	return -ENOSYS;
}
#endif
