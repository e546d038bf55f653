/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stand-ins for Xen's libraries: one domain, its ioreq servers, and what this process holds. They
 * come before the real libraries in a program that has them among its sources, note each call, and
 * fail the n-th. The device nodes' open() is wrapped, by the linker.
 *
 * Needs Xen's headers.
 */
#ifndef XEN_LIBS_H
#define XEN_LIBS_H

#include "hv/ioreq-page.h"
#include "hv/xen/hv-xen.h"

#include <xencall.h>
#include <xenctrl.h>

#define DOMID 5
#define VCPUS 3
#define SERVERS 8
#define FIRST_PORT 40
#define WINDOW 0x2000000

struct xen_server {
	bool used;
	bool enabled;
	bool claimed;
	struct ioreq_page page;
};

struct xen_libs {
	struct xen_server server[SERVERS];
	bool bound[VCPUS];
	bool bound_by_other;
	size_t dmods, fmems, xchs, evtchns, resources, mappings;
	int event_fd;
	evtchn_port_t queue[64];
	size_t queued;
	char trace[1024];
	unsigned int calls, fail_nth;
	int fail_errno;
	int page_err;
	int domain_flags;
	uint64_t free_pages;
	bool domain_gone;
	bool no_pod;
	uint16_t mem_type;
	size_t calls_open, call_buffers;
	char asked[64];	/* frames whose type was asked for */
	int extents_done;
};

/** xen - what there is; a test reads and sets it */
extern struct xen_libs xen;

/** reset_xen() - nothing is there yet; every test begins with it */
void reset_xen(void);
/** raise_event() - on the port of a vcpu */
void raise_event(uint32_t vcpu);

#endif /* XEN_LIBS_H */
