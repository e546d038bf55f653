/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Xen says of an ioreq server.
 */
#ifndef _PRIVCMD_IOREQ_SERVER_H
#define _PRIVCMD_IOREQ_SERVER_H

#include <linux/types.h>
#include <xen/interface/xen.h>

/*
 * Does Xen say that there is none of that number? It has none of a domain whose
 * memory is gone, however long the domain itself is kept. A hypercall; process context.
 */
bool privcmd_ioreq_server_is_gone(domid_t dom, u32 id);

#endif /* _PRIVCMD_IOREQ_SERVER_H */
