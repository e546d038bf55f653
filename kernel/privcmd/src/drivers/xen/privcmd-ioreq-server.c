// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asking Xen for an ioreq server: see privcmd-ioreq-server.h.
 *
 * The operation is that of Xen's public/hvm/dm_op.h, stable since Xen 4.9. With
 * no_gfns it has no side effects.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>

#include <asm/xen/hypercall.h>
#include <asm/xen/hypervisor.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/xen.h>

#include "privcmd-ioreq-server.h"

#define DMOP_GET_IOREQ_SERVER_INFO	2
#define DMOP_NO_GFNS			1

struct get_ioreq_server_info {
	u32 op;
	u32 pad;
	u16 id;
	u16 flags;
	u32 bufioreq_port;
	u64 ioreq_gfn;
	u64 bufioreq_gfn;
};

bool privcmd_ioreq_server_is_gone(domid_t dom, u32 id)
{
	struct get_ioreq_server_info info = {
		.op = DMOP_GET_IOREQ_SERVER_INFO,
		.id = id,
		.flags = DMOP_NO_GFNS,
	};
	struct xen_dm_op_buf buf = { .size = sizeof(info) };
	int rc;

	BUILD_BUG_ON(sizeof(info) != 32);

	set_xen_guest_handle(buf.h, (void *)&info);
	rc = HYPERVISOR_dm_op(dom, 1, &buf);

	/* Anything else, a refusal for one, says nothing about it. */
	return rc == -ENOENT || rc == -ESRCH;
}
