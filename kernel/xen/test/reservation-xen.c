// SPDX-License-Identifier: GPL-2.0-only
/*
 * See reservation.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "reservation.h"

int privcmd_fd;
struct call_buffer *call;

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("Bail out! ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	exit(1);
}

void open_xen(void)
{
	privcmd_fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (privcmd_fd < 0)
		die("/dev/xen/privcmd: %s", strerror(errno));
	call = mmap(NULL, sizeof(*call), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	if (call == MAP_FAILED)
		die("no locked memory: %s", strerror(errno));
}

long hypercall(uint64_t op, uint64_t arg0, void *arg1)
{
	struct privcmd_call request = {.op = op, .arg = {arg0, (uintptr_t)arg1}};
	int rc = ioctl(privcmd_fd, PRIVCMD_CALL, &request);

	return rc < 0 ? -errno : rc;
}

static long domctl_call(uint32_t cmd, domid_t domid)
{
	struct privcmd_call request = {.op = __HYPERVISOR_domctl,
				       .arg = {(uintptr_t)&call->u.domctl}};
	int rc;

	call->u.domctl.cmd = cmd;
	call->u.domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	call->u.domctl.domain = domid;
	rc = ioctl(privcmd_fd, PRIVCMD_CALL, &request);
	return rc < 0 ? -errno : rc;
}

void domctl_must(const char *what, uint32_t cmd, domid_t domid)
{
	long rc = domctl_call(cmd, domid);

	if (rc)
		die("%s: %s", what, strerror(-rc));
}

void *domctl_clear(void)
{
	memset(&call->u.domctl, 0, sizeof(call->u.domctl));
	return &call->u.domctl.u;
}

long memory_extents(unsigned int op, domid_t domid, unsigned int nr, unsigned int order)
{
	struct xen_memory_reservation *r = &call->u.reservation;

	memset(r, 0, sizeof(*r));
	set_xen_guest_handle(r->extent_start, call->extents);
	r->nr_extents = nr;
	r->extent_order = order;
	r->domid = domid;
	return hypercall(__HYPERVISOR_memory_op, op, r);
}

long release_one(domid_t domid, unsigned long gfn, unsigned int order)
{
	call->extents[0] = gfn;
	return memory_extents(XENMEM_decrease_reservation, domid, 1, order);
}

long populate_one(domid_t domid, unsigned long gfn, unsigned int order)
{
	call->extents[0] = gfn;
	return memory_extents(XENMEM_populate_physmap, domid, 1, order);
}

unsigned long tot_pages(domid_t domid)
{
	domctl_clear();
	domctl_must("getdomaininfo", XEN_DOMCTL_getdomaininfo, domid);
	return call->u.domctl.u.getdomaininfo.tot_pages;
}

unsigned long host_free_pages(void)
{
	struct privcmd_call request = {.op = __HYPERVISOR_sysctl,
				       .arg = {(uintptr_t)&call->u.sysctl}};

	memset(&call->u.sysctl, 0, sizeof(call->u.sysctl));
	call->u.sysctl.cmd = XEN_SYSCTL_physinfo;
	call->u.sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	if (ioctl(privcmd_fd, PRIVCMD_CALL, &request))
		die("physinfo: %s", strerror(errno));
	return call->u.sysctl.u.physinfo.free_pages;
}

domid_t domain_new(unsigned long max_pages)
{
	struct xen_domctl_createdomain *create = domctl_clear();
	domid_t domid;

	create->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	create->max_vcpus = 1;
	create->max_evtchn_port = 1023;
	create->max_grant_frames = 4;
	create->max_maptrack_frames = 4;
	create->grant_opts = XEN_DOMCTL_GRANT_version(1);
	memset(create->handle, 0xb1, sizeof(create->handle));
#if defined(__x86_64__)
	create->arch.emulation_flags = XEN_X86_EMU_LAPIC;
#endif
	domctl_must("createdomain", XEN_DOMCTL_createdomain, 0);
	domid = call->u.domctl.domain;

	((struct xen_domctl_max_vcpus *)domctl_clear())->max = 1;
	domctl_must("max_vcpus", XEN_DOMCTL_max_vcpus, domid);
	((struct xen_domctl_max_mem *)domctl_clear())->max_memkb = max_pages * (PAGE_BYTES / 1024);
	domctl_must("max_mem", XEN_DOMCTL_max_mem, domid);
	((struct xen_domctl_paging_mempool *)domctl_clear())->size = 4ul << 20;
	domctl_must("paging_mempool", XEN_DOMCTL_set_paging_mempool_size, domid);
	return domid;
}

/*
 * Xen treats memory of a guest that was never unpaused more leniently. The only vcpu has no
 * context, so it stays down.
 */
void domain_start_and_pause(domid_t domid)
{
	domctl_clear();
	domctl_must("unpause", XEN_DOMCTL_unpausedomain, domid);
	domctl_clear();
	domctl_must("pause", XEN_DOMCTL_pausedomain, domid);
}

void domain_free(domid_t domid)
{
	long rc;

	do {
		domctl_clear();
		rc = domctl_call(XEN_DOMCTL_destroydomain, domid);
	} while (rc == -EAGAIN || rc == -EINTR);
	if (rc)
		die("destroydomain: %s", strerror(-rc));
}

void *map_frames(domid_t domid, unsigned long gfn, unsigned int nr, int *errors)
{
	struct privcmd_mapbatch request = {.num = nr, .dom = domid, .err = errors};
	xen_pfn_t list[BLOCK_PAGES];
	unsigned int i;
	void *at;

	if (nr > BLOCK_PAGES)
		die("map_frames: %u frames", nr);
	for (i = 0; i < nr; i++)
		list[i] = gfn + i;
	at = mmap(NULL, (size_t)nr * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, privcmd_fd, 0);
	if (at == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	request.addr = (uintptr_t)at;
	request.arr = list;
	memset(errors, 0, nr * sizeof(*errors));
	if (ioctl(privcmd_fd, PRIVCMD_MAPBATCH, &request) && errno != ENOENT) {
		munmap(at, (size_t)nr * PAGE_BYTES);
		for (i = 0; i < nr; i++)
			errors[i] = -errno;
		return NULL;
	}
	return at;
}

void unmap_frames(void *at, unsigned int nr)
{
	if (at)
		munmap(at, (size_t)nr * PAGE_BYTES);
}
