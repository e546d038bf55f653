// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The domain's size: what Xen says of it, where its RAM is, releasing and populating frames.
 *
 * The only file that includes xenctrl.h: libxenctrl has no stable ABI, and plain hypercalls are
 * what a restricted process may not make, so all of them are behind struct xen_mem. One that no
 * library has a function for, of Xen's stable interface, goes by libxencall.
 *
 * Xen's memory operations return how many extents are done, and nothing else: a domain that is
 * gone, or one we may not touch, also looks like "none". So a short count is followed by asking
 * for the domain.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <xencall.h>
#include <xenctrl.h>

#include <xen/hvm/hvm_op.h>

#include "base/probes.h"
#include "hv/hv-check.h"
#include "hv/xen/hv-xen.h"

struct xen_mem {
	xc_interface *xch;
	xencall_handle *call;
	struct xen_hvm_get_mem_type *mem_type; /* memory that Xen can reach; NULL: not asked yet */
	bool no_pod;			       /* and never will have */
	domid_t domid;
	/* Xen may write into the list it is given */
	xen_pfn_t start[XENVIRTIO_EXTENTS_MAX];
};

struct gfn_bounds {
	uint64_t start;
	uint64_t end_incl;
};

#if defined(__aarch64__) || defined(__arm__)
static const struct gfn_bounds banks[] = {
	{ GUEST_RAM0_BASE >> XENVIRTIO_PAGE_SHIFT,
	  ((GUEST_RAM0_BASE + GUEST_RAM0_SIZE) >> XENVIRTIO_PAGE_SHIFT) - 1 },
	{ GUEST_RAM1_BASE >> XENVIRTIO_PAGE_SHIFT,
	  ((GUEST_RAM1_BASE + GUEST_RAM1_SIZE) >> XENVIRTIO_PAGE_SHIFT) - 1 },
};
#else
/*
 * An HVM guest's RAM around the VGA hole at 640 KiB and the MMIO hole below 4 GiB, of which
 * 0xf0000000 is the latest start; where it starts earlier, the frames between are holes. The
 * special pages of the toolstack are at the end of that hole.
 */
static const struct gfn_bounds banks[] = {
	{ 0x0, 0x9f },
	{ 0x100, 0xeffff },
	{ 0x100000, (UINT64_C(1) << (64 - XENVIRTIO_PAGE_SHIFT)) - 1 },
};
#endif

int xen_mem_open(struct xen_mem **mem, domid_t domid, struct xentoollog_logger *logger)
{
	struct xen_mem *m = calloc(1, sizeof(*m));
	xc_domaininfo_t info;
	int ret = 0;

	if (!m)
		return -ENOMEM;
	m->domid = domid;
	m->xch = xc_interface_open(logger, logger, 0);
	if (m->xch)
		m->call = xencall_open(logger, 0);
	if (!m->call)
		ret = xen_error(errno);
	else if (xc_domain_getinfolist(m->xch, domid, 1, &info) < 0)
		ret = xen_error(errno);
	/* the domain need not exist yet; what counts here is to be allowed to ask */
	if (ret < 0) {
		xen_mem_close(m);
		return ret;
	}
	*mem = m;
	return 0;
}

void xen_mem_close(struct xen_mem *mem)
{
	if (!mem)
		return;
	if (mem->mem_type)
		xencall_free_buffer(mem->call, mem->mem_type);
	if (mem->call)
		xencall_close(mem->call);
	if (mem->xch)
		xc_interface_close(mem->xch);
	free(mem);
}

static int ask_domain(struct xen_mem *mem, struct xenvirtio_domain_info *info)
{
	xc_domaininfo_t dom;
	/* gives the first domain whose id is not lower */
	int nr = xc_domain_getinfolist(mem->xch, mem->domid, 1, &dom);

	if (nr < 0)
		return xen_error(errno);
	if (nr == 0 || dom.domain != mem->domid)
		return XENVIRTIO_E_GONE;
	*info = (struct xenvirtio_domain_info){
		.tot_pages = dom.tot_pages,
		.max_pages = dom.max_pages,
		/* without vcpus the id is -1 */
		.nr_vcpus = dom.max_vcpu_id + 1,
		.dying = dom.flags & XEN_DOMINF_dying,
		.shutdown = dom.flags & XEN_DOMINF_shutdown,
		.paused = dom.flags & XEN_DOMINF_paused,
		.shutdown_code = dom.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask,
	};
	return 0;
}

int xen_domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	return ask_domain(to_xen(hv)->mem, info);
}

int xen_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max,
		   size_t *nr)
{
	struct xen_mem *mem = to_xen(hv)->mem;
	xen_pfn_t max_gfn;

	/* cut at the highest frame the guest ever had: the domain's memory has been built by now */
	if (xc_domain_maximum_gpfn(mem->xch, mem->domid, &max_gfn) < 0)
		return xen_error(errno);
	*nr = 0;
	for (size_t i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
		uint64_t end_incl = banks[i].end_incl < max_gfn ? banks[i].end_incl : max_gfn;

		if (banks[i].start > max_gfn)
			break;
		if (*nr == max)
			return -ENOSPC;
		range[(*nr)++] = (struct xenvirtio_gfn_range){
			.start = xenvirtio_gfn(banks[i].start),
			.end_incl = xenvirtio_gfn(end_incl),
		};
	}
	return 0;
}

/* @rc: what libxenctrl returned. */
static int count_extents(struct xen_mem *mem, int rc, size_t nr, size_t *done)
{
	struct xenvirtio_domain_info info;
	int ret;

	if (rc < 0)
		return xen_error(errno);
	*done = (size_t)rc;
	if (*done >= nr)
		return 0;
	ret = ask_domain(mem, &info);
	if (ret)
		return ret;
	return info.dying ? XENVIRTIO_E_GONE : 0;
}

int xen_release_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
		      unsigned int order, size_t *done)
{
	struct xen_mem *mem = to_xen(hv)->mem;
	int ret = check_extents(start, nr, order);

	*done = 0;
	if (!ret)
		ret = xen_memory_ask(to_xen(hv));
	if (ret)
		return ret;
	for (size_t i = 0; i < nr; i++)
		mem->start[i] = start[i].v;
	ret = count_extents(mem,
			    xc_domain_decrease_reservation(mem->xch, mem->domid, nr, order,
							   mem->start),
			    nr, done);
	PROBE_RELEASE(mem->domid, start[0].v, nr, order, *done);
	/*
	 * Afterwards: before, another access would bring the frames back, and keep them. All of them,
	 * since the one that was not released whole may be so in part.
	 */
	xen_memory_forget_extents(to_xen(hv), start, nr, order);
	return ret;
}

int xen_populate_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
		       unsigned int order, size_t *done)
{
	struct xen_mem *mem = to_xen(hv)->mem;
	int ret = check_extents(start, nr, order);

	*done = 0;
	if (!ret)
		ret = xen_memory_ask(to_xen(hv));
	if (ret)
		return ret;
	for (size_t i = 0; i < nr; i++)
		mem->start[i] = start[i].v;
	ret = count_extents(mem,
			    xc_domain_populate_physmap(mem->xch, mem->domid, nr, order, 0,
						       mem->start),
			    nr, done);
	PROBE_POPULATE(mem->domid, start[0].v, nr, order, *done);
	/* who looked there meanwhile has been shown a page that is nobody's */
	if (*done)
		xen_memory_forget_extents(to_xen(hv), start, *done, order);
	return ret;
}

int xen_set_max_mem(struct xenvirtio_hv *hv, uint64_t max_kib)
{
	struct xen_mem *mem = to_xen(hv)->mem;

	return xc_domain_setmaxmem(mem->xch, mem->domid, max_kib) ? xen_error(errno) : 0;
}

int xen_host_info(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info)
{
	xc_physinfo_t host = {0};

	if (xc_physinfo(to_xen(hv)->mem->xch, &host))
		return xen_error(errno);
	*info = (struct xenvirtio_host_info){
		.total_pages = host.total_pages,
		.free_pages = host.free_pages > host.outstanding_pages ?
				      host.free_pages - host.outstanding_pages :
				      0,
	};
	return 0;
}

static int pause_result(int rc)
{
	if (!rc)
		return 0;
	return errno == ESRCH ? XENVIRTIO_E_GONE : xen_error(errno);
}

/* Of a domain that cannot have any (PV, Arm) Xen says that the question cannot be. */
int xen_pod_info(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info)
{
	struct xen_mem *mem = to_xen(hv)->mem;
	uint64_t tot_pages;

	*info = (struct xenvirtio_pod_info){ 0 };
	if (!xc_domain_get_pod_target(mem->xch, mem->domid, &tot_pages, &info->cache_pages, &info->entries))
		return 0;
	*info = (struct xenvirtio_pod_info){ 0 };
	if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
		return 0;
	return errno == ESRCH ? XENVIRTIO_E_GONE : xen_error(errno);
}

static int ask_type(struct xen_mem *mem, uint64_t gfn, bool *present)
{
	struct xen_hvm_get_mem_type *a = mem->mem_type;

	*a = (struct xen_hvm_get_mem_type){ .domid = mem->domid, .pfn = gfn };
	if (xencall2(mem->call, __HYPERVISOR_hvm_op, HVMOP_get_mem_type, (uintptr_t)a))
		return xen_error(errno);
	/* what Xen has no entry for is a device model's to emulate */
	*present = a->mem_type != HVMMEM_mmio_dm;
	return 0;
}

/* A domain without entries gets none later: Xen makes new ones only of what it puts in the place of others. */
int xen_frames_typed(struct xenvirtio_hv *hv, const xen_pfn_t *frame, size_t nr, bool *present)
{
	struct xen_mem *mem = to_xen(hv)->mem;
	struct xenvirtio_pod_info pod = { 0 };
	int ret = mem->no_pod ? 0 : xen_pod_info(hv, &pod);

	if (ret)
		return ret;
	mem->no_pod = !pod.entries && !pod.cache_pages;
	if (mem->no_pod)
		return -ENOSYS;
	if (!mem->mem_type)
		mem->mem_type = xencall_alloc_buffer(mem->call, sizeof(*mem->mem_type));
	if (!mem->mem_type)
		return -ENOMEM;
	for (size_t i = 0; i < nr && !ret; i++)
		ret = ask_type(mem, frame[i], &present[i]);
	/* the interface is as old as populate-on-demand: that it is not there is no reason to map */
	return ret == -ENOSYS ? -EOPNOTSUPP : ret;
}

int xen_pause(struct xenvirtio_hv *hv)
{
	struct xen_mem *mem = to_xen(hv)->mem;

	return pause_result(xc_domain_pause(mem->xch, mem->domid));
}

int xen_unpause(struct xenvirtio_hv *hv)
{
	struct xen_mem *mem = to_xen(hv)->mem;

	return pause_result(xc_domain_unpause(mem->xch, mem->domid));
}
