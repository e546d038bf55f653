// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The event channels of an ioreq server, one a vcpu, and the requests they announce.
 *
 * Reading a port from the driver masks it. It is unmasked after the request is answered, never
 * before: until then the kernel must not hand it to anyone. Binding makes a port pending, so what
 * was announced while nobody was bound is looked at again.
 *
 * A wake-up is to cost few system calls: one to read the port, one to notify, one to unmask. After a request that was answered the slots
 * say whether there is another one; one that comes later makes the descriptor readable.
 *
 * A confined handle has its descriptor from the beginning: its process may not be able to open another later.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/probes.h"
#include "hv/xen/hv-xen.h"

/* Far more than an interrupt handler on another CPU takes to pass through a slot. */
#define SETTLE_ROUNDS 1000

static int open_evtchn(struct xen_hv *x, xenevtchn_handle **evtchn)
{
	int flags, ret;

	*evtchn = xenevtchn_open(x->logger, 0);
	if (!*evtchn)
		return xen_error(errno);
	flags = fcntl(xenevtchn_fd(*evtchn), F_GETFL);
	if (flags >= 0 && !fcntl(xenevtchn_fd(*evtchn), F_SETFL, flags | O_NONBLOCK))
		return 0;
	ret = -errno;
	xenevtchn_close(*evtchn);
	*evtchn = NULL;
	return ret;
}

int xen_event_keep(struct xen_hv *x)
{
	return open_evtchn(x, &x->evtchn);
}

int xen_event_open(struct xen_hv *x)
{
	x->ioreq.evtchn = x->evtchn;
	return x->evtchn ? 0 : open_evtchn(x, &x->ioreq.evtchn);
}

int xen_event_bind(struct xen_hv *x, bool adopting)
{
	struct xen_ioreq *io = &x->ioreq;

	for (uint32_t vcpu = 0; vcpu < io->nr_vcpus; vcpu++) {
		struct ioreq_slot *slot = &io->page->slot[vcpu];
		xenevtchn_port_or_error_t port =
			xenevtchn_bind_interdomain(io->evtchn, x->domid, slot->event_port);

		if (port < 0) {
			/* Xen's end is bound already: the server's owner lives */
			if (adopting && errno == EINVAL)
				return -EBUSY;
			return xen_error(errno);
		}
		io->port[vcpu] = (evtchn_port_t)port;
		/* an answer its former owner did not live to announce */
		if (adopting && ioreq_slot_state(slot) == IOREQ_STATE_RESP_READY &&
		    xenevtchn_notify(io->evtchn, io->port[vcpu]))
			return xen_error(errno);
	}
	return 0;
}

void xen_event_drain(struct xen_hv *x)
{
	struct xen_ioreq *io = &x->ioreq;

	for (uint32_t vcpu = 0; vcpu < io->nr_vcpus; vcpu++) {
		struct ioreq_slot *slot = &io->page->slot[vcpu];
		struct xenvirtio_ioreq req;

		if (!io->port[vcpu] || ioreq_slot_claim(slot, vcpu, &req))
			continue;
		req.data = UINT64_MAX;
		ioreq_slot_complete(slot, &req);
		/* nothing more can be done for a vcpu whose channel fails */
		xenevtchn_notify(io->evtchn, io->port[vcpu]);
	}
}

void xen_event_close(struct xen_hv *x)
{
	if (x->ioreq.evtchn && x->ioreq.evtchn != x->evtchn)
		xenevtchn_close(x->ioreq.evtchn);
	/* Xen's ends are free for whoever adopts the server; what was announced is of a port that is no vcpu's */
	for (uint32_t vcpu = 0; x->ioreq.evtchn && x->ioreq.evtchn == x->evtchn && vcpu < x->ioreq.nr_vcpus; vcpu++) {
		if (x->ioreq.port[vcpu])
			xenevtchn_unbind(x->evtchn, x->ioreq.port[vcpu]);
	}
	x->ioreq.evtchn = NULL;
}

int xen_ioreq_fd(struct xenvirtio_hv *hv)
{
	struct xen_hv *x = to_xen(hv);

	return x->ioreq.evtchn ? xenevtchn_fd(x->ioreq.evtchn) : -EINVAL;
}

/* Return: 0; XENVIRTIO_E_EMPTY; -EIO, events are lost: the driver's ring has overflown */
static int take_port(struct xen_ioreq *io, evtchn_port_t *port)
{
	xenevtchn_port_or_error_t pending = xenevtchn_pending(io->evtchn);

	if (pending < 0)
		return errno == EAGAIN || errno == EINTR ? XENVIRTIO_E_EMPTY : -EIO;
	*port = (evtchn_port_t)pending;
	return 0;
}

static bool find_vcpu(const struct xen_ioreq *io, evtchn_port_t port, uint32_t *vcpu)
{
	for (*vcpu = 0; *vcpu < io->nr_vcpus; ++*vcpu) {
		if (io->port[*vcpu] == port)
			return true;
	}
	return false;
}

/*
 * Upstream's ioeventfd handler takes any write to INPROCESS and those that are not for it back to
 * READY, after it has woken us. A slot that stays INPROCESS is a dead owner's.
 */
static void settle_slot(const struct ioreq_slot *slot)
{
	for (int i = 0; i < SETTLE_ROUNDS; i++) {
		if (ioreq_slot_state(slot) != IOREQ_STATE_INPROCESS)
			return;
		sched_yield();
	}
}

static bool any_request(const struct xen_ioreq *io)
{
	for (uint32_t vcpu = 0; vcpu < io->nr_vcpus; vcpu++)
		if (ioreq_slot_state(&io->page->slot[vcpu]) == IOREQ_STATE_READY)
			return true;
	return false;
}

int xen_ioreq_next(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req)
{
	struct xen_hv *x = to_xen(hv);
	struct xen_ioreq *io = &x->ioreq;

	if (!io->evtchn)
		return -EINVAL;
	if (io->holding)
		return -EBUSY;
	if (io->answered && !any_request(io)) {
		io->answered = false;
		return XENVIRTIO_E_EMPTY;
	}
	/* events without a request are few, one for each port just bound; what is left comes later */
	for (uint32_t i = 0; i <= io->nr_vcpus; i++) {
		evtchn_port_t port;
		uint32_t vcpu;
		bool known;
		int ret = take_port(io, &port);

		if (ret)
			return ret;
		known = find_vcpu(io, port, &vcpu);
		if (known && x->eventfd.shared)
			settle_slot(&io->page->slot[vcpu]);
		if (known && !ioreq_slot_claim(&io->page->slot[vcpu], vcpu, req)) {
			io->holding = true;
			io->held_vcpu = vcpu;
			return 0;
		}
		if (xenevtchn_unmask(io->evtchn, port))
			return -EIO;
	}
	return XENVIRTIO_E_EMPTY;
}

int xen_ioreq_complete(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req)
{
	struct xen_hv *x = to_xen(hv);
	struct xen_ioreq *io = &x->ioreq;
	evtchn_port_t port;
	int ret;

	if (!io->holding || req->vcpu != io->held_vcpu)
		return -EINVAL;
	PROBE_IOREQ(x->domid, req->addr, req->size, !req->read, req->data, req->type);
	io->holding = false;
	io->answered = true;
	port = io->port[req->vcpu];
	ret = ioreq_slot_complete(&io->page->slot[req->vcpu], req);
	if (ret)
		return ret;
	if (xenevtchn_notify(io->evtchn, port) || xenevtchn_unmask(io->evtchn, port))
		return -EIO;
	return 0;
}
