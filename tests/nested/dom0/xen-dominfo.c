// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-dominfo DOMID: what Xen itself says about one domain's memory, exact to the page.
 *
 * Prints "key value" lines: tot_pages max_pages paused dying shutdown, and the host's free_pages. This is the
 * independent witness of the nested cases: it asks the hypervisor, never the daemon, the guest or xenstore.
 * Exit status: 0; 1 no such domain or no Xen; 2 usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenctrl.h>

int main(int argc, char **argv)
{
	xc_domaininfo_t info;
	xc_physinfo_t host = { 0 };
	xc_interface *xch;
	char *end;
	unsigned long domid;
	int rc;

	if (argc != 2 || !*argv[1]) {
		fprintf(stderr, "usage: xen-dominfo DOMID\n");
		return 2;
	}
	domid = strtoul(argv[1], &end, 10);
	if (*end || domid >= DOMID_FIRST_RESERVED) {
		fprintf(stderr, "xen-dominfo: %s is no domain id\n", argv[1]);
		return 2;
	}
	xch = xc_interface_open(NULL, NULL, 0);
	if (!xch) {
		fprintf(stderr, "xen-dominfo: cannot open Xen's control interface\n");
		return 1;
	}
	rc = xc_domain_getinfo_single(xch, domid, &info);
	if (rc < 0 || xc_physinfo(xch, &host) < 0) {
		fprintf(stderr, "xen-dominfo: no domain %lu\n", domid);
		xc_interface_close(xch);
		return 1;
	}
	printf("tot_pages %" PRIu64 "\n", (uint64_t)info.tot_pages);
	printf("max_pages %" PRIu64 "\n", (uint64_t)info.max_pages);
	printf("paused %d\n", !!(info.flags & XEN_DOMINF_paused));
	printf("dying %d\n", !!(info.flags & XEN_DOMINF_dying));
	printf("shutdown %d\n", !!(info.flags & XEN_DOMINF_shutdown));
	printf("free_pages %" PRIu64 "\n", (uint64_t)host.free_pages);
	xc_interface_close(xch);
	return 0;
}
