// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LD_PRELOAD=choose-domid.so XV_DOMID=N xl create ...: the domain gets that number.
 *
 * Xen hands out numbers in turn and xl has no way to ask for one, so without this a case that needs a number used before
 * would have to wait until 32752 domains have come and gone. Xen refuses a number that is in use (EEXIST). libxl refuses
 * one used in the last minute: remove /run/xen/domid-history first.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#include <xenctrl.h>

int xc_domain_create(xc_interface *xch, uint32_t *domid, struct xen_domctl_createdomain *config)
{
	int (*next)(xc_interface *xch, uint32_t *domid, struct xen_domctl_createdomain *config);
	const char *wanted = getenv("XV_DOMID");

	next = (int (*)(xc_interface *, uint32_t *, struct xen_domctl_createdomain *))dlsym(RTLD_NEXT, "xc_domain_create");
	if (!next)
		return -1;
	if (wanted)
		*domid = (uint32_t)atoi(wanted);
	return next(xch, domid, config);
}
