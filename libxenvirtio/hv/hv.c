// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all siblings behind the seam share: closing, and the answer of a build that has no Xen.
 */
#include "config.h"

#include <errno.h>
#include <xenvirtio/hv.h>

void xenvirtio_hv_close(struct xenvirtio_hv *hv)
{
	if (hv)
		hv->ops->close(hv);
}

#ifndef WITH_XEN
int xenvirtio_hv_open_xen(struct xenvirtio_hv **hv, uint32_t domid,
			  struct xentoollog_logger *logger)
{
	return -ENOSYS;
}

int xenvirtio_hv_open_xen_confined(struct xenvirtio_hv **hv, uint32_t domid,
				   struct xentoollog_logger *logger)
{
	return -ENOSYS;
}
#endif
