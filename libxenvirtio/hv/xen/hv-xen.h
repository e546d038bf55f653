/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The map of the files behind which real Xen stands.
 *
 *   hv-xen.c        the handle, the ops table, interrupt lines
 *   hv-xen-ioreq.c  the ioreq server: make, adopt, destroy
 *   hv-xen-event.c  its event channels: next request, answer
 *   hv-xen-eventfd.c  ioeventfds, irqfds, registers answered by the kernel
 *   hv-xen-map.c    foreign mappings
 *   hv-xen-memory.c  files of the guest's memory
 *   hv-xen-mem.c    domain information, release and populate: all of libxenctrl and libxencall
 *
 * Only these include Xen headers, and only hv-xen-mem.c the one without a stable ABI. Functions
 * return what the seam returns (error.h).
 */
#ifndef HV_XEN_H
#define HV_XEN_H

/* the parts of Xen's interface that are for device models and toolstacks */
#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xenvirtio/hv.h>

#include "hv/ioreq-page.h"

struct xen_mem;

struct xen_mapping {
	struct xen_mapping *next;
	void *va;
	size_t nr;
};

/** struct xen_ioreq - one ioreq server; zero, with @evtchn NULL, when there is none */
struct xen_ioreq {
	ioservid_t id;
	xenevtchn_handle *evtchn;
	xenforeignmemory_resource_handle *resource;
	struct ioreq_page *page;
	unsigned int nr_vcpus;
	evtchn_port_t port[XENVIRTIO_VCPUS_MAX];
	bool holding;
	bool answered; /* a request since the last port was taken or missed */
	uint32_t held_vcpu;
};

/**
 * struct xen_eventfd - the kernel's part in notification
 * @file:     /dev/xen/privcmd, to which all that is assigned belongs; -1 until first asked
 * @features: what the kernel said, XENVIRTIO_EVENTFD_*
 * @shared:   ioeventfds there are of a kernel that looks at requests which are ours, too
 */
struct xen_eventfd {
	int file;
	uint32_t features;
	unsigned int shared;
};

/**
 * struct xen_memory - the kernel's files of the guest's memory
 * @file:  /dev/xen/privcmd, with which all end that were made on it; -1 until first asked, and where there are none
 * @asked: the kernel has said whether there are any
 */
struct xen_memory {
	int file;
	bool asked;
};

struct xen_hv {
	struct xenvirtio_hv hv;
	domid_t domid;
	struct xentoollog_logger *logger;
	xendevicemodel_handle *dmod;
	xenforeignmemory_handle *fmem;
	struct xen_mem *mem;
	struct xen_mapping *mappings;
	xenevtchn_handle *evtchn; /* restricted, for one ioreq server after the other; NULL: each opens its own */
	struct xen_ioreq ioreq;
	struct xen_eventfd eventfd;
	struct xen_memory memory;
};

static inline struct xen_hv *to_xen(struct xenvirtio_hv *hv)
{
	return (struct xen_hv *)hv;
}

/** xen_error() - what the seam returns for an errno of a Xen library */
int xen_error(int err);

/* hv-xen-mem.c */
int xen_mem_open(struct xen_mem **mem, domid_t domid, struct xentoollog_logger *logger);
void xen_mem_close(struct xen_mem *mem);
int xen_domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info);
int xen_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max,
		   size_t *nr);
int xen_release_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
		      unsigned int order, size_t *done);
int xen_populate_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
		       unsigned int order, size_t *done);
int xen_set_max_mem(struct xenvirtio_hv *hv, uint64_t max_kib);
int xen_host_info(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info);
int xen_pod_info(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info);
/**
 * xen_frames_typed() - frames_present, by what Xen has noted of each frame: no mapping, nothing is populated
 * Return: 0; -ENOSYS the domain has no populate-on-demand: a mapping tells, and is cheaper; XENVIRTIO_E_GONE; -errno
 */
int xen_frames_typed(struct xenvirtio_hv *hv, const xen_pfn_t *frame, size_t nr, bool *present);
int xen_pause(struct xenvirtio_hv *hv);
int xen_unpause(struct xenvirtio_hv *hv);

/* hv-xen-map.c */
int xen_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool writable,
	    void **va);
int xen_frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
		       bool *present);
int xen_unmap(struct xenvirtio_hv *hv, void *va, size_t nr);
int xen_revoke(struct xenvirtio_hv *hv, void *va, size_t nr);
void xen_unmap_all(struct xen_hv *x);

/* hv-xen-memory.c */
int xen_memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd,
		    uint64_t *offset);
int xen_memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr);
/** xen_memory_ask() - whether the kernel has such files is known from now on. Return: 0; -errno it is not */
int xen_memory_ask(struct xen_hv *x);
/** xen_memory_forget_extents() - what was released or populated; after xen_memory_ask() */
void xen_memory_forget_extents(struct xen_hv *x, const struct xenvirtio_gfn *start, size_t nr,
			       unsigned int order);
void xen_memory_close(struct xen_hv *x);

/* hv-xen-eventfd.c */
void xen_eventfd_close(struct xen_hv *x);
int xen_eventfd_features(struct xenvirtio_hv *hv, uint32_t *features);
int xen_ioeventfd_add(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue, int fd);
int xen_ioeventfd_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue, int fd);
int xen_irqfd_add(struct xenvirtio_hv *hv, uint32_t irq, int fd);
int xen_irqfd_del(struct xenvirtio_hv *hv, uint32_t irq, int fd);
int xen_field_add(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field);
int xen_field_del(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field);
int xen_registers_add(struct xenvirtio_hv *hv, const struct xenvirtio_irq_registers *regs);
int xen_registers_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t *status);
int xen_kick_wait(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us, int fd,
		  uint32_t *queue);

/* hv-xen-ioreq.c */
int xen_ioreq_open(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range, size_t nr,
		   uint16_t *id);
int xen_ioreq_close(struct xenvirtio_hv *hv);
/** xen_ioreq_detach() - let go of our end; the server stays in Xen */
void xen_ioreq_detach(struct xen_hv *x);

/* hv-xen-event.c */
/** xen_event_keep() - open now what xen_event_open() uses from then on */
int xen_event_keep(struct xen_hv *x);
int xen_event_open(struct xen_hv *x);
/** xen_event_bind() - a port for each vcpu; the server is enabled and its page mapped */
int xen_event_bind(struct xen_hv *x, bool adopting);
/** xen_event_drain() - answer whoever waits, all-ones, before the server is destroyed */
void xen_event_drain(struct xen_hv *x);
void xen_event_close(struct xen_hv *x);
int xen_ioreq_fd(struct xenvirtio_hv *hv);
int xen_ioreq_next(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req);
int xen_ioreq_complete(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req);

#endif /* HV_XEN_H */
