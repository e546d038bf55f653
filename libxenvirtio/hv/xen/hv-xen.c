// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Real Xen behind the seam: the handle, its operations, interrupt lines.
 *
 * Nothing is asked of the domain when a handle is opened: it may not exist yet. What is found out
 * then is whether this process may talk to Xen at all, by the device nodes themselves, because the
 * Xen libraries do not keep errno over their own clean-up.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xentoolcore.h>

#include "hv/xen/hv-xen.h"

int xen_error(int err)
{
	switch (err) {
	case ESRCH:
		return XENVIRTIO_E_GONE;
	case EPERM:
	case EACCES:
		return -EACCES;
	case ENOSYS:
	case EOPNOTSUPP:
		return -ENOSYS;
	case 0:
		return -EIO;
	default:
		return -err;
	}
}

#if defined(__x86_64__) || defined(__i386__)
/*
 * Below 16 an ISA line. Above, a line of a PCI device that need not exist: irq is
 * 16 + device * 4 + pin, which the guest sees as GSI 16 + ((device * 4 + device / 8 + pin) & 31).
 */
static int set_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	struct xen_hv *x = to_xen(hv);
	int rc;

	if (irq < 16)
		rc = xendevicemodel_set_isa_irq_level(x->dmod, x->domid, (uint8_t)irq, level);
	else if (irq < 16 + 32 * 4)
		rc = xendevicemodel_set_pci_intx_level(x->dmod, x->domid, 0, 0,
						       (uint8_t)((irq - 16) / 4),
						       (uint8_t)((irq - 16) % 4), level);
	else
		return -EINVAL;
	return rc ? xen_error(errno) : 0;
}

static bool irq_held(struct xenvirtio_hv *hv)
{
	return true;
}
#else
static int set_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	struct xen_hv *x = to_xen(hv);

	return xendevicemodel_set_irq_level(x->dmod, x->domid, irq, level) ? xen_error(errno) : 0;
}

static bool irq_held(struct xenvirtio_hv *hv)
{
	return false;
}
#endif

static void close_handle(struct xenvirtio_hv *hv)
{
	struct xen_hv *x = to_xen(hv);

	xen_memory_close(x);
	xen_eventfd_close(x);
	xen_ioreq_detach(x);
	xen_unmap_all(x);
	xen_mem_close(x->mem);
	if (x->evtchn)
		xenevtchn_close(x->evtchn);
	if (x->fmem)
		xenforeignmemory_close(x->fmem);
	if (x->dmod)
		xendevicemodel_close(x->dmod);
	free(x);
}

static const struct xenvirtio_hv_ops xen_ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(struct xenvirtio_hv_ops),
	.name = "xen",
	.close = close_handle,
	.domain_info = xen_domain_info,
	.ram_ranges = xen_ram_ranges,
	.map = xen_map,
	.unmap = xen_unmap,
	.revoke = xen_revoke,
	.ioreq_open = xen_ioreq_open,
	.ioreq_close = xen_ioreq_close,
	.ioreq_fd = xen_ioreq_fd,
	.ioreq_next = xen_ioreq_next,
	.ioreq_complete = xen_ioreq_complete,
	.set_irq = set_irq,
	.release_pages = xen_release_pages,
	.populate_pages = xen_populate_pages,
	.set_max_mem = xen_set_max_mem,
	.irq_held = irq_held,
	.eventfd_features = xen_eventfd_features,
	.ioeventfd_add = xen_ioeventfd_add,
	.ioeventfd_del = xen_ioeventfd_del,
	.irqfd_add = xen_irqfd_add,
	.irqfd_del = xen_irqfd_del,
	.registers_add = xen_registers_add,
	.registers_del = xen_registers_del,
	.field_add = xen_field_add,
	.field_del = xen_field_del,
	.host_info = xen_host_info,
	.pause = xen_pause,
	.unpause = xen_unpause,
	.kick_wait = xen_kick_wait,
	.frames_present = xen_frames_present,
	.pod_info = xen_pod_info,
	.memory_file = xen_memory_file,
	.memory_forget = xen_memory_forget,
};

/*
 * Of a confined handle: what needs a plain hypercall is refused, as its descriptors could not make one. What is optional is
 * not there, so that whoever looks finds that out without a call.
 */
static int no_domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	return -EACCES;
}

static int no_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max,
			 size_t *nr)
{
	return -EACCES;
}

static int no_pages(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
		    unsigned int order, size_t *done)
{
	*done = 0;
	return -EACCES;
}

static int no_max_mem(struct xenvirtio_hv *hv, uint64_t max_kib)
{
	return -EACCES;
}

static const struct xenvirtio_hv_ops confined_ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(struct xenvirtio_hv_ops),
	.name = "xen-confined",
	.close = close_handle,
	.domain_info = no_domain_info,
	.ram_ranges = no_ram_ranges,
	.map = xen_map,
	.unmap = xen_unmap,
	.revoke = xen_revoke,
	.ioreq_open = xen_ioreq_open,
	.ioreq_close = xen_ioreq_close,
	.ioreq_fd = xen_ioreq_fd,
	.ioreq_next = xen_ioreq_next,
	.ioreq_complete = xen_ioreq_complete,
	.set_irq = set_irq,
	.release_pages = no_pages,
	.populate_pages = no_pages,
	.set_max_mem = no_max_mem,
	.irq_held = irq_held,
	.eventfd_features = xen_eventfd_features,
	.ioeventfd_add = xen_ioeventfd_add,
	.ioeventfd_del = xen_ioeventfd_del,
	.irqfd_add = xen_irqfd_add,
	.irqfd_del = xen_irqfd_del,
	.registers_add = xen_registers_add,
	.registers_del = xen_registers_del,
	.field_add = xen_field_add,
	.field_del = xen_field_del,
	.kick_wait = xen_kick_wait,
	.frames_present = xen_frames_present,
};

static int probe_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ENXIO || errno == ENODEV ? -ENOENT : xen_error(errno);
	close(fd);
	return 0;
}

/* What both kinds of handles have. */
static int open_handle(struct xen_hv **out, uint32_t domid, struct xentoollog_logger *logger,
		       const struct xenvirtio_hv_ops *ops)
{
	struct xen_hv *x;
	int ret;

	if (domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	ret = probe_device("/dev/xen/privcmd");
	if (!ret)
		ret = probe_device("/dev/xen/evtchn");
	if (ret)
		return ret;

	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->hv.ops = ops;
	x->domid = (domid_t)domid;
	x->eventfd.file = -1;
	x->memory.file = -1;
	x->logger = logger;
	x->dmod = xendevicemodel_open(logger, 0);
	if (x->dmod)
		x->fmem = xenforeignmemory_open(logger, 0);
	if (!x->dmod || !x->fmem) {
		ret = xen_error(errno);
		close_handle(&x->hv);
		return ret;
	}
	*out = x;
	return 0;
}

int xenvirtio_hv_open_xen(struct xenvirtio_hv **hv, uint32_t domid,
			  struct xentoollog_logger *logger)
{
	struct xen_hv *x;
	int ret = open_handle(&x, domid, logger, &xen_ops);

	if (ret)
		return ret;
	ret = xen_mem_open(&x->mem, x->domid, logger);
	if (ret) {
		close_handle(&x->hv);
		return ret;
	}
	*hv = &x->hv;
	return 0;
}

/*
 * Not the two restrict calls of the libraries: xendevicemodel has a second descriptor for plain hypercalls, from times when
 * the kernel had no other way, and only restrict_all puts /dev/null in its place.
 */
int xenvirtio_hv_open_xen_confined(struct xenvirtio_hv **hv, uint32_t domid,
				   struct xentoollog_logger *logger)
{
	struct xen_hv *x;
	uint32_t features;
	int ret = open_handle(&x, domid, logger, &confined_ops);

	if (ret)
		return ret;
	ret = xen_event_keep(x);
	if (ret) {
		close_handle(&x->hv);
		return ret;
	}
	if (xentoolcore_restrict_all(x->domid)) {
		ret = errno == ENOTTY || errno == EOPNOTSUPP ? -ENOSYS : xen_error(errno);
		close_handle(&x->hv);
		return ret;
	}
	/* now, since a process that is confined in other ways too may not open it later; what it cannot is known then */
	xen_eventfd_features(&x->hv, &features);
	*hv = &x->hv;
	return 0;
}
