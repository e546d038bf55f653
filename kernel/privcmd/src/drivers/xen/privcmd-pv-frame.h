/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A foreign frame at an address of the kernel's, in a PV domain.
 *
 * In an auto-translated domain a foreign frame takes the place of a page of ours,
 * which the kernel can reach like any other. A PV domain maps the machine frame
 * into a process and has no page for it, so the kernel makes a mapping of its
 * own: one page table entry of a page that is not populated.
 *
 * Xen counts the entry as a reference to the frame, of a guest that is dead as
 * well: who maps sees to it that there is an end.
 */
#ifndef _PRIVCMD_PV_FRAME_H
#define _PRIVCMD_PV_FRAME_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <xen/interface/xen.h>

#ifdef CONFIG_XEN_PV

/**
 * privcmd_pv_frame_map() - reach a frame
 * @mfn: the machine frame
 * @owner: the domain it belongs to, or DOMID_SELF
 *
 * Process context, may sleep.
 *
 * Return: its address; ERR_PTR: -ENOMEM; what Xen says,
 * -EPERM for one.
 */
void *privcmd_pv_frame_map(xen_pfn_t mfn, domid_t owner);
/* Nobody is to use it any more. May sleep. */
void privcmd_pv_frame_unmap(void *addr);

#else

static inline void *privcmd_pv_frame_map(xen_pfn_t mfn, domid_t owner)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void privcmd_pv_frame_unmap(void *addr)
{
}

#endif /* CONFIG_XEN_PV */

#endif /* _PRIVCMD_PV_FRAME_H */
