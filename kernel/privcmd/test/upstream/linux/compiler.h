/* SPDX-License-Identifier: GPL-2.0-only */
/* Included by the kernel's own copy of <xen/privcmd.h>, which needs nothing from here that programs have. */
