/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What upstream's <xen/privcmd.h> wants from here, which is one type: so that a program can include that header alone.
 */
#ifndef UPSTREAM_XEN_INTERFACE_XEN_H
#define UPSTREAM_XEN_INTERFACE_XEN_H

#include <linux/types.h>

typedef __u16 domid_t;
typedef unsigned long xen_pfn_t;
#ifndef __user
#define __user
#endif

#endif /* UPSTREAM_XEN_INTERFACE_XEN_H */
