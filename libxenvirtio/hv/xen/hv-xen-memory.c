// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files of the guest's memory: ioctls of /dev/xen/privcmd.
 *
 * The interface is kernel/privcmd/include/uapi/xen/privcmd-memory.h, which only the modules in
 * kernel/privcmd have, and they only in a domain that is not PV. The file is our own and is restricted to the guest at once; what is
 * made on it ends with it, so it is not the one that ioeventfds belong to, which goes with the ioreq
 * server.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hv/xen/hv-xen.h"

/* after a header that has the integer types; from kernel/privcmd/include/uapi */
#include <xen/privcmd-memory.h>

/* as <xen/privcmd.h>, which is no header for programs; there since Linux 4.13 */
#define IOCTL_PRIVCMD_RESTRICT _IOC(_IOC_NONE, 'P', 6, sizeof(domid_t))

_Static_assert(PRIVCMD_MEMORY_RANGES_MAX >= XENVIRTIO_EXTENTS_MAX, "a call's extents are forgotten at once");

int xen_memory_ask(struct xen_hv *x)
{
	struct privcmd_memory_info info = { 0 };
	domid_t domid = x->domid;
	int file;

	if (x->memory.asked)
		return 0;
	file = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return xen_error(errno);
	if (ioctl(file, IOCTL_PRIVCMD_RESTRICT, &domid) ||
	    ioctl(file, IOCTL_PRIVCMD_MEMORY_INFO, &info) ||
	    !(info.features & PRIVCMD_MEMORY_FILES)) {
		close(file);
		file = -1;
	}
	x->memory = (struct xen_memory){ .file = file, .asked = true };
	return 0;
}

void xen_memory_close(struct xen_hv *x)
{
	if (x->memory.file >= 0)
		close(x->memory.file);
	x->memory = (struct xen_memory){ .file = -1 };
}

int xen_memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd,
		    uint64_t *offset)
{
	struct xen_hv *x = to_xen(hv);
	struct privcmd_memory arg = {
		.gfn = range->start.v,
		.nr_frames = range->end_incl.v - range->start.v + 1,
		.dom = x->domid,
	};
	int ret = xen_memory_ask(x);

	if (ret)
		return ret;
	if (x->memory.file < 0)
		return -ENOSYS;
	ret = ioctl(x->memory.file, IOCTL_PRIVCMD_MEMORY, &arg);
	if (ret < 0)
		return errno == ESRCH ? XENVIRTIO_E_GONE : xen_error(errno);
	*fd = ret;
	*offset = 0;
	return 0;
}

static int forget(struct xen_hv *x, const struct privcmd_memory_range *range, size_t nr)
{
	struct privcmd_memory_forget arg = {
		.ranges = (uintptr_t)range,
		.nr_ranges = (uint32_t)nr,
		.dom = x->domid,
	};

	return ioctl(x->memory.file, IOCTL_PRIVCMD_MEMORY_FORGET, &arg) ? xen_error(errno) : 0;
}

int xen_memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr)
{
	struct privcmd_memory_range list[64];
	struct xen_hv *x = to_xen(hv);
	int ret = xen_memory_ask(x);
	size_t in_list = 0;

	for (size_t i = 0; i < nr && !ret && x->memory.file >= 0; i++) {
		list[in_list++] = (struct privcmd_memory_range){
			.gfn = range[i].start.v,
			.nr_frames = range[i].end_incl.v - range[i].start.v + 1,
		};
		if (in_list == sizeof(list) / sizeof(list[0]) || i + 1 == nr) {
			ret = forget(x, list, in_list);
			in_list = 0;
		}
	}
	return ret;
}

/*
 * Only for want of a few pages of memory could the kernel refuse this, and it does not let such small
 * requests down; then the frames would stay allocated until they are forgotten once more.
 */
void xen_memory_forget_extents(struct xen_hv *x, const struct xenvirtio_gfn *start, size_t nr,
			       unsigned int order)
{
	struct privcmd_memory_range list[XENVIRTIO_EXTENTS_MAX];

	if (x->memory.file < 0)
		return;
	for (size_t i = 0; i < nr; i++)
		list[i] = (struct privcmd_memory_range){ start[i].v, UINT64_C(1) << order };
	forget(x, list, nr);
}
