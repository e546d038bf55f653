// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-dominfo DOMID: what Xen itself says about one domain's memory, exact to the page.
 *
 * Prints "key value" lines: tot_pages max_pages paused dying shutdown, cpu_ns (processor time it has had), and the host's free_pages. This
 * is the independent witness of the nested cases: it asks the hypervisor, never the daemon, the guest
 * or xenstore. "DOMID ioreq-servers" prints how many ioreq servers the domain has instead: all there may
 * be less those that can still be created, which are destroyed again. "DOMID set-max-kib KIB" sets the domain's max_mem first, behind everybody's back: xl
 * refuses a value below memory/target.
 * Exit status: 0; 1 no such domain or no Xen; 2 usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>
#include <xendevicemodel.h>

/* Xen's MAX_NR_IOREQ_SERVERS */
#define SERVERS_MAX 8

static bool parse_number(const char *text, uint64_t limit, uint64_t *value)
{
	char *end;

	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *value < limit;
}

static int count_servers(domid_t domid)
{
	xendevicemodel_handle *dm = xendevicemodel_open(NULL, 0);
	ioservid_t id[SERVERS_MAX];
	int nr = 0;

	if (!dm)
		return -1;
	while (nr < SERVERS_MAX && !xendevicemodel_create_ioreq_server(dm, domid, 0, &id[nr]))
		nr++;
	/* None could be: all are taken only if that is why */
	if (!nr && errno != ENOSPC) {
		xendevicemodel_close(dm);
		return -1;
	}
	for (int i = 0; i < nr; i++)
		xendevicemodel_destroy_ioreq_server(dm, domid, id[i]);
	xendevicemodel_close(dm);
	return SERVERS_MAX - nr;
}

int main(int argc, char **argv)
{
	xc_domaininfo_t info;
	xc_physinfo_t host = { 0 };
	xc_interface *xch;
	uint64_t domid, max_kib = 0;
	bool set_max = argc == 4 && !strcmp(argv[2], "set-max-kib");
	bool servers = argc == 3 && !strcmp(argv[2], "ioreq-servers");

	if (!(argc == 2 || set_max || servers) || !parse_number(argv[1], DOMID_FIRST_RESERVED, &domid) ||
	    (set_max && !parse_number(argv[3], UINT32_MAX, &max_kib))) {
		fprintf(stderr, "usage: xen-dominfo DOMID [ioreq-servers | set-max-kib KIB]\n");
		return 2;
	}
	if (servers) {
		int nr = count_servers((domid_t)domid);

		if (nr < 0) {
			fprintf(stderr, "xen-dominfo: domain %" PRIu64 ": %s\n", domid, strerror(errno));
			return 1;
		}
		printf("%d\n", nr);
		return 0;
	}
	xch = xc_interface_open(NULL, NULL, 0);
	if (!xch) {
		fprintf(stderr, "xen-dominfo: cannot open Xen's control interface\n");
		return 1;
	}
	if ((set_max && xc_domain_setmaxmem(xch, domid, max_kib) < 0) ||
	    xc_domain_getinfo_single(xch, domid, &info) < 0 || xc_physinfo(xch, &host) < 0) {
		fprintf(stderr, "xen-dominfo: domain %" PRIu64 ": %s\n", domid, strerror(errno));
		xc_interface_close(xch);
		return 1;
	}
	printf("tot_pages %" PRIu64 "\n", (uint64_t)info.tot_pages);
	printf("max_pages %" PRIu64 "\n", (uint64_t)info.max_pages);
	printf("paused %d\n", !!(info.flags & XEN_DOMINF_paused));
	printf("dying %d\n", !!(info.flags & XEN_DOMINF_dying));
	printf("shutdown %d\n", !!(info.flags & XEN_DOMINF_shutdown));
	printf("cpu_ns %" PRIu64 "\n", (uint64_t)info.cpu_time);
	printf("free_pages %" PRIu64 "\n", (uint64_t)host.free_pages);
	xc_interface_close(xch);
	return 0;
}
