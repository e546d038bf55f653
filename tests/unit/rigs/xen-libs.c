// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See xen-libs.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/rigs/xen-libs.h"

#include <xentoolcore.h>

#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

struct xen_libs xen;

static char handle_bytes[4];

void reset_xen(void)
{
	memset(&xen, 0, sizeof(xen));
	xen.event_fd = -1;
}

static void trace_call(const char *name)
{
	assert_true(strlen(xen.trace) + strlen(name) + 2 < sizeof(xen.trace));
	strcat(xen.trace, name);
	strcat(xen.trace, " ");
}

/* Return: whether this call must fail; errno is set then. */
static bool fails(const char *name)
{
	trace_call(name);
	if (++xen.calls != xen.fail_nth)
		return false;
	errno = xen.fail_errno;
	return true;
}

static int fail_with(int err)
{
	errno = err;
	return -1;
}

/* The probe of the device nodes, which a machine without Xen does not have. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	if (strncmp(path, "/dev/xen/", 9) == 0) {
		if (fails("probe"))
			return -1;
		path = "/dev/null";
	}
	return __real_open(path, flags);
}

int __wrap_open64(const char *path, int flags, ...)
{
	return __wrap_open(path, flags);
}

xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger, unsigned int flags)
{
	if (fails("dmod"))
		return NULL;
	xen.dmods++;
	return (void *)&handle_bytes[0];
}

int xendevicemodel_close(xendevicemodel_handle *dmod)
{
	xen.dmods--;
	return 0;
}

int xendevicemodel_nr_vcpus(xendevicemodel_handle *dmod, domid_t domid, unsigned int *vcpus)
{
	if (fails("vcpus"))
		return -1;
	*vcpus = VCPUS;
	return 0;
}

int xendevicemodel_create_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, int buffered,
				       ioservid_t *id)
{
	if (fails("create"))
		return -1;
	assert_int_equal(buffered, HVM_IOREQSRV_BUFIOREQ_OFF);
	for (*id = 0; *id < SERVERS; ++*id) {
		if (!xen.server[*id].used) {
			xen.server[*id] = (struct xen_server){ .used = true };
			return 0;
		}
	}
	return fail_with(ENOSPC);
}

int xendevicemodel_get_ioreq_server_info(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id,
					 xen_pfn_t *ioreq_gfn, xen_pfn_t *bufioreq_gfn,
					 evtchn_port_t *port)
{
	/* a frame number would make Xen put the page where the guest can reach it */
	assert_true(!ioreq_gfn && !bufioreq_gfn && !port);
	return xen.server[id].used ? 0 : fail_with(ENOENT);
}

int xendevicemodel_map_io_range_to_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						ioservid_t id, int is_mmio, uint64_t start,
						uint64_t end)
{
	if (fails("claim"))
		return -1;
	assert_int_equal(is_mmio, 1);
	if (start > WINDOW + 0x1ff || end < WINDOW)
		return 0;
	if (xen.server[id].claimed)
		return fail_with(EEXIST);
	xen.server[id].claimed = true;
	return 0;
}

int xendevicemodel_unmap_io_range_from_ioreq_server(xendevicemodel_handle *dmod, domid_t domid,
						    ioservid_t id, int is_mmio, uint64_t start,
						    uint64_t end)
{
	trace_call("unclaim");
	if (start <= WINDOW + 0x1ff && end >= WINDOW)
		xen.server[id].claimed = false;
	return 0;
}

int xendevicemodel_set_ioreq_server_state(xendevicemodel_handle *dmod, domid_t domid,
					  ioservid_t id, int enabled)
{
	if (enabled && fails("enable"))
		return -1;
	if (!enabled)
		trace_call("disable");
	if (!xen.server[id].used)
		return fail_with(ENOENT);
	xen.server[id].enabled = enabled;
	/* as Xen: the ports are written into the page that is there now */
	for (uint32_t i = 0; enabled && xen.resources && i < VCPUS; i++)
		xen.server[id].page.slot[i].event_port = FIRST_PORT + i;
	return 0;
}

int xendevicemodel_destroy_ioreq_server(xendevicemodel_handle *dmod, domid_t domid, ioservid_t id)
{
	trace_call("destroy");
	if (!xen.server[id].used)
		return fail_with(ENOENT);
	xen.server[id].used = false;
	return 0;
}

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger, unsigned int flags)
{
	if (fails("fmem"))
		return NULL;
	xen.fmems++;
	return (void *)&handle_bytes[1];
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
	xen.fmems--;
	return 0;
}

xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *fmem, domid_t domid, unsigned int type,
			      unsigned int id, unsigned long frame, unsigned long nr_frames,
			      void **paddr, int prot, int flags)
{
	if (fails("page"))
		return NULL;
	assert_int_equal(type, XENMEM_resource_ioreq_server);
	/* frame 0 is the buffered page; Arm has none */
	assert_int_equal(frame, 1);
	assert_int_equal(nr_frames, 1);
	xen.resources++;
	*paddr = &xen.server[id].page;
	return (void *)&handle_bytes[2];
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *fmem,
				    xenforeignmemory_resource_handle *resource)
{
	xen.resources--;
	return 0;
}

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t domid, int prot, size_t pages,
			   const xen_pfn_t *frame, int *err)
{
	void *va;

	if (fails("map"))
		return NULL;
	va = aligned_alloc(XENVIRTIO_PAGE_SIZE, pages * XENVIRTIO_PAGE_SIZE);
	assert_non_null(va);
	memset(err, 0, pages * sizeof(*err));
	/* the last page is the one in trouble; the kernel gives negative numbers */
	err[pages - 1] = -xen.page_err;
	xen.mappings++;
	return va;
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *va, size_t pages)
{
	if (fails("unmap"))
		return -1;
	xen.mappings--;
	free(va);
	return 0;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	if (fails("evtchn"))
		return NULL;
	xen.evtchns++;
	xen.event_fd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	assert_true(xen.event_fd >= 0);
	return (void *)&handle_bytes[3];
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	assert_true(port >= 100 && port < 100 + VCPUS && xen.bound[port - 100]);
	xen.bound[port - 100] = false;
	return 0;
}

int xentoolcore_restrict_all(domid_t domid)
{
	if (fails("restrict-all"))
		return -1;
	assert_int_equal(domid, DOMID);
	return 0;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	xen.evtchns--;
	xen.queued = 0;
	memset(xen.bound, 0, sizeof(xen.bound));
	close(xen.event_fd);
	xen.event_fd = -1;
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	return xen.event_fd;
}

void raise_event(uint32_t vcpu)
{
	uint64_t one = 1;

	assert_true(xen.queued < sizeof(xen.queue) / sizeof(xen.queue[0]));
	/* the local number of a port is not Xen's */
	xen.queue[xen.queued++] = 100 + vcpu;
	assert_int_equal(write(xen.event_fd, &one, sizeof(one)), sizeof(one));
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
						     evtchn_port_t remote)
{
	uint32_t vcpu = remote - FIRST_PORT;

	if (fails("bind"))
		return -1;
	/* the page was mapped before the server was enabled, or there is no number in it */
	assert_true(remote >= FIRST_PORT && vcpu < VCPUS);
	if (xen.bound_by_other || xen.bound[vcpu])
		return fail_with(EINVAL);
	xen.bound[vcpu] = true;
	raise_event(vcpu);
	return (xenevtchn_port_or_error_t)(100 + vcpu);
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	uint64_t one;
	evtchn_port_t port = xen.queue[0];

	if (read(xen.event_fd, &one, sizeof(one)) != sizeof(one))
		return -1;
	xen.queued--;
	for (size_t i = 0; i < xen.queued; i++)
		xen.queue[i] = xen.queue[i + 1];
	trace_call("pending");
	return (xenevtchn_port_or_error_t)port;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	return fails("notify") ? -1 : 0;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	return fails("unmask") ? -1 : 0;
}

#if defined(__x86_64__) || defined(__i386__)
int xendevicemodel_set_isa_irq_level(xendevicemodel_handle *dmod, domid_t domid, uint8_t irq,
				     unsigned int level)
{
	char line[32];

	snprintf(line, sizeof(line), "isa:%u:%u", irq, level);
	trace_call(line);
	return 0;
}

int xendevicemodel_set_pci_intx_level(xendevicemodel_handle *dmod, domid_t domid, uint16_t segment,
				      uint8_t bus, uint8_t device, uint8_t intx, unsigned int level)
{
	char line[32];

	snprintf(line, sizeof(line), "pci:%u:%u:%u", device, intx, level);
	trace_call(line);
	return segment || bus ? fail_with(EINVAL) : 0;
}
#endif

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild,
				unsigned int flags)
{
	if (fails("xch"))
		return NULL;
	xen.xchs++;
	return (void *)&handle_bytes[0];
}

int xc_interface_close(xc_interface *xch)
{
	xen.xchs--;
	return 0;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
			  xc_domaininfo_t *info)
{
	if (fails("info"))
		return -1;
	memset(info, 0, sizeof(*info));
	/* gone: the answer is the next domain's */
	info->domain = xen.domain_gone ? first + 1 : first;
	info->flags = (uint32_t)xen.domain_flags;
	info->tot_pages = 1000;
	info->max_pages = 2000;
	info->max_vcpu_id = VCPUS - 1;
	return 1;
}

int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
	if (fails("physinfo"))
		return -1;
	memset(info, 0, sizeof(*info));
	info->total_pages = 5000;
	info->free_pages = xen.free_pages;
	info->outstanding_pages = 100;
	return 0;
}

int xc_domain_get_pod_target(xc_interface *xch, uint32_t domid, uint64_t *tot_pages, uint64_t *cache_pages,
			     uint64_t *entries)
{
	if (fails("get_pod_target"))
		return -1;
	*tot_pages = 1000;
	*cache_pages = 20;
	*entries = 30;
	return 0;
}

int xc_domain_pause(xc_interface *xch, uint32_t domid)
{
	return fails("pause") ? -1 : 0;
}

int xc_domain_unpause(xc_interface *xch, uint32_t domid)
{
	return fails("unpause") ? -1 : 0;
}

int xc_domain_decrease_reservation(xc_interface *xch, uint32_t domid, unsigned long nr,
				   unsigned int order, xen_pfn_t *start)
{
	return fails("decrease") ? -1 : xen.extents_done;
}

int xc_domain_populate_physmap(xc_interface *xch, uint32_t domid, unsigned long nr,
			       unsigned int order, unsigned int flags, xen_pfn_t *start)
{
	/* Xen may write into the list */
	start[0] = 0;
	return fails("populate") ? -1 : xen.extents_done;
}
