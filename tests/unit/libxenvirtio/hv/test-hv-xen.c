// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Real Xen's side of the seam, on stand-ins for Xen's libraries that are defined here and so come
 * before the real ones: the order of calls, what is left behind when the n-th of them fails, and
 * how errno is translated. What Xen itself does is for tests/contract on real Xen.
 *
 * Built only with Xen's headers.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "hv/xen/hv-xen.h"

#include <xenctrl.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

#define DOMID 5
#define VCPUS 3
#define SERVERS 8
#define FIRST_PORT 40
#define WINDOW 0x2000000

static const struct xenvirtio_gpa_range window = { { WINDOW }, { WINDOW + 0x1ff } };

/* --- the stand-ins: one domain, its servers, and what this process holds --- */

struct server {
	bool used;
	bool enabled;
	bool claimed;
	struct ioreq_page page;
};

static struct {
	struct server server[SERVERS];
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
	int extents_done;
} xen;

static char handle_bytes[4];

static void reset_xen(void)
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
			xen.server[*id] = (struct server){ .used = true };
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

static void raise_event(uint32_t vcpu)
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

/* --- the tests --- */

static struct xenvirtio_hv *open_handle(void)
{
	struct xenvirtio_hv *hv = NULL;

	assert_int_equal(xenvirtio_hv_open_xen(&hv, DOMID, NULL), 0);
	return hv;
}

static void assert_all_closed(void)
{
	assert_int_equal(xen.dmods + xen.fmems + xen.xchs + xen.evtchns, 0);
	assert_int_equal(xen.resources + xen.mappings, 0);
}

static size_t nr_servers(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < SERVERS; i++)
		nr += xen.server[i].used;
	return nr;
}

/* Whatever fails while the handle is opened, nothing stays open, and errno says what it was. */
static void open_leaves_nothing(void **state)
{
	unsigned int calls;

	reset_xen();
	xenvirtio_hv_close(open_handle());
	assert_all_closed();
	calls = xen.calls;
	assert_true(calls >= 5);
	for (unsigned int n = 1; n <= calls; n++) {
		struct xenvirtio_hv *hv = NULL;

		reset_xen();
		xen.fail_nth = n;
		xen.fail_errno = EACCES;
		assert_int_equal(xenvirtio_hv_open_xen(&hv, DOMID, NULL), -EACCES);
		assert_null(hv);
		assert_all_closed();
	}
	reset_xen();
	xen.fail_nth = 1;
	xen.fail_errno = ENOENT;
	assert_int_equal(xenvirtio_hv_open_xen(&(struct xenvirtio_hv *){ NULL }, DOMID, NULL),
			 -ENOENT);
	assert_int_equal(xenvirtio_hv_open_xen(&(struct xenvirtio_hv *){ NULL }, 0x7ff0, NULL),
			 -EINVAL);
}

/* The page is mapped before the server is enabled, and ports are bound after. */
static void server_is_made_in_order(void **state)
{
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	reset_xen();
	hv = open_handle();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	assert_string_equal(xen.trace, "vcpus evtchn create claim page enable bind bind bind ");
	assert_int_equal(id, 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_string_equal(xen.trace, "disable destroy ");
	assert_int_equal(nr_servers(), 0);
	assert_int_equal(xen.evtchns + xen.resources, 0);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* Whichever call fails on the way, no server, page or port is left, and the next try works. */
static void failed_open_leaves_no_server(void **state)
{
	static const struct {
		int err;
		int ret;
	} cases[] = {
		{ EPERM, -EACCES }, { ESRCH, XENVIRTIO_E_GONE }, { EOPNOTSUPP, -ENOSYS },
		{ ENOMEM, -ENOMEM },
	};
	unsigned int calls;
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	reset_xen();
	hv = open_handle();
	xen.calls = 0;
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	calls = xen.calls;
	xenvirtio_hv_close(hv);

	for (unsigned int n = 1; n <= calls; n++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			reset_xen();
			hv = open_handle();
			xen.calls = 0;
			xen.fail_nth = n;
			xen.fail_errno = cases[i].err;
			id = XENVIRTIO_IOREQ_NEW;
			assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), cases[i].ret);
			assert_int_equal(id, XENVIRTIO_IOREQ_NEW);
			assert_int_equal(nr_servers(), 0);
			assert_int_equal(xen.evtchns + xen.resources, 0);
			assert_int_equal(hv->ops->ioreq_fd(hv), -EINVAL);
			assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
			assert_int_equal(nr_servers(), 1);
			xenvirtio_hv_close(hv);
			assert_all_closed();
		}
	}
}

/* A vcpu that waits is answered before its server is taken away. */
static void closing_answers_who_came(void **state)
{
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	reset_xen();
	hv = open_handle();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	xen.server[0].page.slot[1].flags = IOREQ_STATE_READY | IOREQ_FLAGS_READ;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_string_equal(xen.trace, "disable notify destroy ");
	assert_int_equal(xen.server[0].page.slot[1].flags & IOREQ_FLAGS_STATE,
			 IOREQ_STATE_RESP_READY);
	assert_true(xen.server[0].page.slot[1].data == UINT64_MAX);
	xenvirtio_hv_close(hv);
}

/* Xen takes a dying domain's servers away before it says that the domain is gone: closing is done. */
static void closing_finds_the_server_gone(void **state)
{
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	reset_xen();
	hv = open_handle();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	xen.server[0].used = false;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_close(hv), 0);
	assert_string_equal(xen.trace, "disable ");
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* A server that claims the range already is found, and its other ranges are as they were. */
static void conflicts_are_found(void **state)
{
	struct xenvirtio_gpa_range other = { { WINDOW + 0x1000 }, { WINDOW + 0x11ff } };
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;

	reset_xen();
	xen.server[3].used = true;
	xen.server[3].claimed = true;
	hv = open_handle();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), -EEXIST);
	assert_int_equal(nr_servers(), 1);
	assert_true(xen.server[3].claimed);
	assert_int_equal(xen.evtchns, 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &other, 1, &id), 0);
	assert_non_null(strstr(xen.trace, "claim unclaim create"));
	assert_int_equal(id, 0);
	xenvirtio_hv_close(hv);
}

/* Adopting: whatever fails, the server stays for the next; a living owner is told from a dead. */
static void adopting_never_destroys(void **state)
{
	struct xenvirtio_hv *hv;
	unsigned int calls = 0;

	for (unsigned int n = 0; n <= calls; n++) {
		uint16_t id = 2;
		int ret;

		reset_xen();
		xen.server[2].used = true;
		xen.server[2].claimed = true;
		hv = open_handle();
		xen.calls = 0;
		xen.fail_nth = n;
		xen.fail_errno = ENOMEM;
		ret = hv->ops->ioreq_open(hv, &window, 1, &id);
		assert_int_equal(ret, n ? -ENOMEM : 0);
		if (!n)
			calls = xen.calls;
		assert_int_equal(nr_servers(), 1);
		assert_true(xen.server[2].claimed);
		xenvirtio_hv_close(hv);
		assert_all_closed();
		assert_true(xen.server[2].used);
	}
	assert_true(calls > 5);

	reset_xen();
	xen.server[2].used = true;
	xen.server[2].claimed = true;
	xen.bound_by_other = true;
	hv = open_handle();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 2 }), -EBUSY);
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 1 }), -ENOENT);
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 8 }), -ENOENT);
	/* the same id, but another's: its range is not ours */
	xen.server[2].claimed = false;
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 2 }), -ENOENT);
	assert_false(xen.server[2].claimed);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* An answer that the dead owner did not live to announce is announced on adoption. */
static void adopting_announces_old_answers(void **state)
{
	struct xenvirtio_hv *hv;

	reset_xen();
	xen.server[2].used = true;
	xen.server[2].claimed = true;
	xen.server[2].page.slot[1].flags = IOREQ_STATE_RESP_READY;
	hv = open_handle();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &(uint16_t){ 2 }), 0);
	assert_non_null(strstr(xen.trace, "bind bind notify bind "));
	xenvirtio_hv_close(hv);
}

/* A request is answered in the order state, notify, unmask; an event without one only unmasked. */
static void requests_are_answered_in_order(void **state)
{
	struct xenvirtio_ioreq req, next;
	struct xenvirtio_hv *hv;
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct ioreq_slot *slot;

	reset_xen();
	hv = open_handle();
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_next(hv, &req), XENVIRTIO_E_EMPTY);
	assert_string_equal(xen.trace, "pending unmask pending unmask pending unmask ");

	slot = &xen.server[0].page.slot[2];
	slot->addr = WINDOW;
	slot->size = 4;
	slot->flags = IOREQ_STATE_READY | IOREQ_FLAGS_READ;
	raise_event(2);
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->ioreq_next(hv, &req), 0);
	assert_int_equal(req.vcpu, 2);
	assert_int_equal(ioreq_slot_state(slot), IOREQ_STATE_INPROCESS);
	assert_int_equal(hv->ops->ioreq_next(hv, &next), -EBUSY);
	assert_string_equal(xen.trace, "pending ");
	req.data = 0x74726976;
	next = req;
	next.vcpu = 1;
	assert_int_equal(hv->ops->ioreq_complete(hv, &next), -EINVAL);
	assert_int_equal(hv->ops->ioreq_complete(hv, &req), 0);
	assert_string_equal(xen.trace, "pending notify unmask ");
	assert_true(slot->data == 0x74726976);
	assert_int_equal(ioreq_slot_state(slot), IOREQ_STATE_RESP_READY);
	assert_int_equal(hv->ops->ioreq_complete(hv, &req), -EINVAL);
	xenvirtio_hv_close(hv);
}

/* A mapping of which one page failed is undone; what failed decides what the answer is. */
static void mapping_is_all_or_nothing(void **state)
{
	static const struct {
		int err;
		int ret;
	} cases[] = {
		{ EINVAL, XENVIRTIO_E_GUEST }, { EPERM, XENVIRTIO_E_GUEST },
		{ ESRCH, XENVIRTIO_E_GONE }, { ENOMEM, -ENOMEM },
	};
	struct xenvirtio_gfn gfn[20] = { { 1 } };
	struct xenvirtio_hv *hv;
	void *va;

	reset_xen();
	hv = open_handle();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		xen.page_err = cases[i].err;
		assert_int_equal(hv->ops->map(hv, gfn, 1, true, &va), cases[i].ret);
		assert_int_equal(hv->ops->map(hv, gfn, 20, true, &va), cases[i].ret);
		assert_int_equal(xen.mappings, 0);
	}
	xen.page_err = 0;
	gfn[19].v = UINT64_MAX;
	assert_int_equal(hv->ops->map(hv, gfn, 20, true, &va), XENVIRTIO_E_GUEST);
	/* what a PV dom0's page tables cut off would be another frame of the guest */
	gfn[19].v = UINT64_C(1) << 40;
	assert_int_equal(hv->ops->map(hv, gfn + 19, 1, true, &va), XENVIRTIO_E_GUEST);
	gfn[19].v--;
	assert_int_equal(hv->ops->map(hv, gfn + 19, 1, true, &va), 0);
	assert_int_equal(hv->ops->unmap(hv, va, 1), 0);
	assert_int_equal(hv->ops->map(hv, gfn, 19, true, &va), 0);
	assert_int_equal(hv->ops->unmap(hv, va, 20), -EINVAL);
	/* an unmap that fails keeps the mapping on the books, for close */
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EIO;
	assert_int_equal(hv->ops->unmap(hv, va, 19), -EIO);
	assert_int_equal(xen.mappings, 1);
	xenvirtio_hv_close(hv);
	assert_all_closed();
}

/* A short count means a hole or no room, unless the domain is dying or gone. */
static void short_counts_are_looked_into(void **state)
{
	const struct xenvirtio_gfn start[4] = { { 0 }, { 1 }, { 2 }, { 3 } };
	struct xenvirtio_hv *hv;
	size_t done;

	reset_xen();
	hv = open_handle();
	xen.extents_done = 4;
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->release_pages(hv, start, 4, 0, &done), 0);
	assert_int_equal(done, 4);
	assert_string_equal(xen.trace, "decrease ");
	xen.extents_done = 3;
	assert_int_equal(hv->ops->populate_pages(hv, start, 4, 0, &done), 0);
	assert_int_equal(done, 3);
	assert_int_equal(start[0].v, 0);
	xen.domain_flags = XEN_DOMINF_dying;
	assert_int_equal(hv->ops->populate_pages(hv, start, 4, 0, &done), XENVIRTIO_E_GONE);
	assert_int_equal(done, 3);
	xen.domain_gone = true;
	xen.extents_done = 0;
	assert_int_equal(hv->ops->release_pages(hv, start, 4, 0, &done), XENVIRTIO_E_GONE);
	assert_int_equal(done, 0);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EPERM;
	assert_int_equal(hv->ops->release_pages(hv, start, 4, 0, &done), -EACCES);
	assert_int_equal(done, 0);
	xenvirtio_hv_close(hv);
}

/* The next domain's answer is not ours. */
static void another_domain_is_not_ours(void **state)
{
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv;

	reset_xen();
	hv = open_handle();
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_int_equal(info.tot_pages, 1000);
	assert_int_equal(info.nr_vcpus, VCPUS);
	assert_false(info.dying || info.shutdown);
	xen.domain_flags = XEN_DOMINF_shutdown;
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_true(info.shutdown && !info.dying && !info.paused);
	xen.domain_flags = XEN_DOMINF_paused;
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_true(info.paused && !info.shutdown);
	xen.domain_gone = true;
	assert_int_equal(hv->ops->domain_info(hv, &info), XENVIRTIO_E_GONE);
	xenvirtio_hv_close(hv);
}

/* Free is what nobody has claimed either, and never less than nothing. */
static void claims_are_not_free(void **state)
{
	struct xenvirtio_host_info host;
	struct xenvirtio_hv *hv;

	reset_xen();
	hv = open_handle();
	xen.free_pages = 1000;
	assert_int_equal(hv->ops->host_info(hv, &host), 0);
	assert_int_equal(host.total_pages, 5000);
	assert_int_equal(host.free_pages, 900);
	xen.free_pages = 99;
	xen.domain_gone = true;
	assert_int_equal(hv->ops->host_info(hv, &host), 0);
	assert_int_equal(host.free_pages, 0);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EPERM;
	assert_int_equal(hv->ops->host_info(hv, &host), -EACCES);
	xenvirtio_hv_close(hv);
}

/* A domain that is not there is a condition, everything else an error. */
static void pausing_a_domain_that_is_gone(void **state)
{
	struct xenvirtio_hv *hv;

	reset_xen();
	hv = open_handle();
	assert_int_equal(hv->ops->pause(hv), 0);
	assert_int_equal(hv->ops->unpause(hv), 0);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = ESRCH;
	assert_int_equal(hv->ops->pause(hv), XENVIRTIO_E_GONE);
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EINVAL;
	assert_int_equal(hv->ops->unpause(hv), -EINVAL);
	xenvirtio_hv_close(hv);
}

#if defined(__x86_64__) || defined(__i386__)
/* Lines below 16 are ISA's, the others a device's pin. */
static void interrupt_lines(void **state)
{
	struct xenvirtio_hv *hv;

	reset_xen();
	hv = open_handle();
	xen.trace[0] = '\0';
	assert_int_equal(hv->ops->set_irq(hv, 7, true), 0);
	assert_int_equal(hv->ops->set_irq(hv, 15, false), 0);
	assert_int_equal(hv->ops->set_irq(hv, 16, true), 0);
	assert_int_equal(hv->ops->set_irq(hv, 16 + 31 * 4 + 3, true), 0);
	assert_int_equal(hv->ops->set_irq(hv, 16 + 32 * 4, true), -EINVAL);
	assert_string_equal(xen.trace, "isa:7:1 isa:15:0 pci:0:0:1 pci:31:3:1 ");
	xenvirtio_hv_close(hv);
}
#endif

/* The bits of Xen's struct ioreq, which no assertion at build time can see, are where we say. */
static void flags_are_xens(void **state)
{
	union {
		struct ioreq xen;
		struct ioreq_slot ours;
	} u = { .xen = { .state = STATE_IOREQ_READY } };

	assert_int_equal(u.ours.flags, IOREQ_STATE_READY);
	u.xen.dir = IOREQ_READ;
	assert_int_equal(u.ours.flags, IOREQ_STATE_READY | IOREQ_FLAGS_READ);
	u.xen.dir = IOREQ_WRITE;
	u.xen.data_is_ptr = 1;
	assert_int_equal(u.ours.flags, IOREQ_STATE_READY | IOREQ_FLAGS_DATA_IS_PTR);
	u.xen.state = STATE_IORESP_READY;
	assert_int_equal(u.ours.flags & IOREQ_FLAGS_STATE, IOREQ_STATE_RESP_READY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_leaves_nothing),
		cmocka_unit_test(server_is_made_in_order),
		cmocka_unit_test(failed_open_leaves_no_server),
		cmocka_unit_test(closing_answers_who_came),
		cmocka_unit_test(closing_finds_the_server_gone),
		cmocka_unit_test(conflicts_are_found),
		cmocka_unit_test(adopting_never_destroys),
		cmocka_unit_test(adopting_announces_old_answers),
		cmocka_unit_test(requests_are_answered_in_order),
		cmocka_unit_test(mapping_is_all_or_nothing),
		cmocka_unit_test(short_counts_are_looked_into),
		cmocka_unit_test(another_domain_is_not_ours),
		cmocka_unit_test(claims_are_not_free),
		cmocka_unit_test(pausing_a_domain_that_is_gone),
#if defined(__x86_64__) || defined(__i386__)
		cmocka_unit_test(interrupt_lines),
#endif
		cmocka_unit_test(flags_are_xens),
	};

	return cmocka_run_group_tests_name("hv-xen", tests, NULL, NULL);
}
