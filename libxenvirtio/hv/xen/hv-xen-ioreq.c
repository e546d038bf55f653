// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ioreq server in Xen: made or adopted, detached from, destroyed.
 *
 * Order matters. The page is mapped before the server is enabled, because Xen fills in the vcpus'
 * ports on enabling, and only into a page that exists. Ports are bound after. A new server is
 * enabled only when everything else is done, so a failure leaves no vcpu waiting for us.
 *
 * Xen keeps servers when their process dies. One that claims our range would share the guest's
 * accesses with us, so it is looked for first; it is either a backend that runs or a leftover.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "hv/hv-check.h"
#include "hv/xen/hv-xen.h"

/* not self-contained: after headers that have the integer types */
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

/* Xen's limit; ids are numbered from 0 */
#define SERVERS_MAX 8

_Static_assert(sizeof(struct ioreq_slot) == sizeof(struct ioreq), "a slot is Xen's struct ioreq");
_Static_assert(offsetof(struct ioreq_slot, addr) == offsetof(struct ioreq, addr), "addr");
_Static_assert(offsetof(struct ioreq_slot, data) == offsetof(struct ioreq, data), "data");
_Static_assert(offsetof(struct ioreq_slot, count) == offsetof(struct ioreq, count), "count");
_Static_assert(offsetof(struct ioreq_slot, size) == offsetof(struct ioreq, size), "size");
_Static_assert(offsetof(struct ioreq_slot, event_port) == offsetof(struct ioreq, vp_eport),
	       "vp_eport");
_Static_assert(offsetof(struct ioreq_slot, flags) == offsetof(struct ioreq, _pad0) + 2, "state");
_Static_assert(offsetof(struct ioreq_slot, type) == offsetof(struct ioreq, type), "type");
_Static_assert((int)IOREQ_STATE_NONE == STATE_IOREQ_NONE, "NONE");
_Static_assert((int)IOREQ_STATE_READY == STATE_IOREQ_READY, "READY");
_Static_assert((int)IOREQ_STATE_INPROCESS == STATE_IOREQ_INPROCESS, "INPROCESS");
_Static_assert((int)IOREQ_STATE_RESP_READY == STATE_IORESP_READY, "RESP_READY");
_Static_assert(XENVIRTIO_IOREQ_PIO == IOREQ_TYPE_PIO, "PIO");
_Static_assert(XENVIRTIO_IOREQ_COPY == IOREQ_TYPE_COPY, "COPY");
_Static_assert(XENVIRTIO_IOREQ_PCI_CONFIG == IOREQ_TYPE_PCI_CONFIG, "PCI_CONFIG");
_Static_assert(XENVIRTIO_IOREQ_TIMEOFFSET == IOREQ_TYPE_TIMEOFFSET, "TIMEOFFSET");
_Static_assert(XENVIRTIO_IOREQ_INVALIDATE == IOREQ_TYPE_INVALIDATE, "INVALIDATE");

static int claim_range(struct xen_hv *x, ioservid_t id, const struct xenvirtio_gpa_range *range)
{
	return xendevicemodel_map_io_range_to_ioreq_server(x->dmod, x->domid, id, 1,
							   range->start.v, range->end_incl.v) ?
		       xen_error(errno) : 0;
}

/*
 * Xen has no question for the ranges of a server; claiming one that is there already fails.
 * Return: 0 not claimed; -EEXIST claimed; XENVIRTIO_E_GONE; -errno
 */
static int probe_range(struct xen_hv *x, ioservid_t id, const struct xenvirtio_gpa_range *range)
{
	int ret = claim_range(x, id, range);

	if (ret)
		return ret;
	return xendevicemodel_unmap_io_range_from_ioreq_server(
		       x->dmod, x->domid, id, 1, range->start.v, range->end_incl.v) ?
		       xen_error(errno) : 0;
}

/* A server of another domain's (-EACCES) cannot be asked: whoever made it knows what it is for. */
static int refuse_conflicts(struct xen_hv *x, const struct xenvirtio_gpa_range *range, size_t nr)
{
	for (ioservid_t id = 0; id < SERVERS_MAX; id++) {
		if (xendevicemodel_get_ioreq_server_info(x->dmod, x->domid, id, NULL, NULL, NULL))
			continue;
		for (size_t i = 0; i < nr; i++) {
			int ret = probe_range(x, id, &range[i]);

			/* -ENOENT: it went away between the two questions */
			if (ret && ret != -ENOENT)
				return ret;
		}
	}
	return 0;
}

/*
 * Disabled first, so that nobody new comes while those who wait are answered. Xen takes a dying
 * domain's servers away before it says that the domain is gone: then nobody waits.
 */
static int destroy_server(struct xen_hv *x)
{
	/* What the caller did not take away: from here on all slots are ours alone. */
	xen_eventfd_close(x);
	if (xendevicemodel_set_ioreq_server_state(x->dmod, x->domid, x->ioreq.id, 0))
		return errno == ENOENT ? 0 : xen_error(errno);
	if (x->ioreq.page)
		xen_event_drain(x);
	return xendevicemodel_destroy_ioreq_server(x->dmod, x->domid, x->ioreq.id) ?
		       xen_error(errno) : 0;
}

static int make_server(struct xen_hv *x, const struct xenvirtio_gpa_range *range, size_t nr)
{
	int ret = refuse_conflicts(x, range, nr);

	if (ret)
		return ret;
	if (xendevicemodel_create_ioreq_server(x->dmod, x->domid, HVM_IOREQSRV_BUFIOREQ_OFF,
					       &x->ioreq.id))
		return xen_error(errno);
	for (size_t i = 0; i < nr; i++) {
		ret = claim_range(x, x->ioreq.id, &range[i]);
		if (ret) {
			destroy_server(x);
			return ret;
		}
	}
	return 0;
}

/* Ids are used again: that a server exists does not make it the one the dead process left. */
static int find_server(struct xen_hv *x, const struct xenvirtio_gpa_range *range, size_t nr,
		       uint16_t id)
{
	int ret;

	if (id >= SERVERS_MAX)
		return -ENOENT;
	if (xendevicemodel_get_ioreq_server_info(x->dmod, x->domid, id, NULL, NULL, NULL)) {
		ret = xen_error(errno);
		return ret == -EACCES ? -ENOENT : ret;
	}
	for (size_t i = 0; i < nr; i++) {
		ret = probe_range(x, id, &range[i]);
		if (ret != -EEXIST)
			return ret ? ret : -ENOENT;
	}
	x->ioreq.id = id;
	return 0;
}

static int map_page(struct xen_hv *x)
{
	void *va = NULL;

	x->ioreq.resource = xenforeignmemory_map_resource(
		x->fmem, x->domid, XENMEM_resource_ioreq_server, x->ioreq.id,
		XENMEM_resource_ioreq_server_frame_ioreq(0), 1, &va, PROT_READ | PROT_WRITE, 0);
	if (!x->ioreq.resource)
		return xen_error(errno);
	x->ioreq.page = va;
	return 0;
}

static int attach_server(struct xen_hv *x, bool adopting)
{
	int ret = map_page(x);

	if (ret)
		return ret;
	if (xendevicemodel_set_ioreq_server_state(x->dmod, x->domid, x->ioreq.id, 1))
		return xen_error(errno);
	return xen_event_bind(x, adopting);
}

static int count_vcpus(struct xen_hv *x)
{
	if (xendevicemodel_nr_vcpus(x->dmod, x->domid, &x->ioreq.nr_vcpus))
		return xen_error(errno);
	if (x->ioreq.nr_vcpus > XENVIRTIO_VCPUS_MAX)
		return -E2BIG;
	return x->ioreq.nr_vcpus ? 0 : -ENODEV;
}

int xen_ioreq_open(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range, size_t nr,
		   uint16_t *id)
{
	struct xen_hv *x = to_xen(hv);
	bool adopting = *id != XENVIRTIO_IOREQ_NEW;
	int ret = check_ranges(range, nr);

	if (ret)
		return ret;
	if (x->ioreq.evtchn)
		return -EBUSY;
	ret = count_vcpus(x);
	if (ret)
		return ret;
	ret = xen_event_open(x);
	if (ret)
		return ret;
	ret = adopting ? find_server(x, range, nr, *id) : make_server(x, range, nr);
	if (ret) {
		xen_ioreq_detach(x);
		return ret;
	}
	ret = attach_server(x, adopting);
	if (ret) {
		if (!adopting)
			destroy_server(x);
		xen_ioreq_detach(x);
		return ret;
	}
	*id = x->ioreq.id;
	return 0;
}

void xen_ioreq_detach(struct xen_hv *x)
{
	xen_event_close(x);
	if (x->ioreq.resource)
		xenforeignmemory_unmap_resource(x->fmem, x->ioreq.resource);
	x->ioreq = (struct xen_ioreq){ 0 };
}

int xen_ioreq_close(struct xenvirtio_hv *hv)
{
	struct xen_hv *x = to_xen(hv);
	int ret;

	if (!x->ioreq.evtchn)
		return -EINVAL;
	ret = destroy_server(x);
	xen_ioreq_detach(x);
	return ret;
}
