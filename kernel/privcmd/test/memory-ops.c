// SPDX-License-Identifier: GPL-2.0-only
/*
 * See memory.h. Hypercalls go through privcmd, their arguments in memory that is locked and was
 * touched.
 */
#define __XEN_TOOLS__ 1
#include <stdint.h>
#include <sys/mman.h>

#include <xen/memory.h>
#include <xen/xen.h>

#include "memory.h"
#include "tap.h"

struct hypercall_arg {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall_arg))

/* Room for what an operation takes. */
static _Alignas(4096) struct {
	uint16_t dom;
	xen_memory_reservation_t reservation;
	xen_pfn_t gfns[CHUNK_PAGES];
} room;

static long memory_op(int privcmd, unsigned int cmd, void *arg)
{
	struct hypercall_arg call = {__HYPERVISOR_memory_op, {cmd, (uintptr_t)arg}};

	must(!mlock(&room, sizeof(room)));
	return ioctl(privcmd, IOCTL_HYPERCALL, &call);
}

int memory_new(int privcmd, uint16_t dom, unsigned long first, unsigned long nr)
{
	struct privcmd_memory memory = {
		.gfn = GUEST_RAM_GFN + first, .nr_frames = nr, .dom = dom
	};
	int fd = memory_ioctl(privcmd, memory);

	must(fd >= 0);
	return fd;
}

char *memory_map(int fd, unsigned long nr)
{
	char *va = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(va != MAP_FAILED);
	return va;
}

int forget_pages(int privcmd, uint16_t dom, unsigned long first, unsigned long nr)
{
	struct privcmd_memory_range range = {GUEST_RAM_GFN + first, nr};
	struct privcmd_memory_forget forget = {
		.ranges = (uintptr_t)&range, .nr_ranges = 1, .dom = dom};

	return ioctl(privcmd, IOCTL_PRIVCMD_MEMORY_FORGET, &forget);
}

struct privcmd_memory_info memory_info(int privcmd)
{
	struct privcmd_memory_info info;

	must(!ioctl(privcmd, IOCTL_PRIVCMD_MEMORY_INFO, &info));
	return info;
}

long guest_frames(int privcmd, uint16_t dom)
{
	room.dom = dom;
	return memory_op(privcmd, XENMEM_current_reservation, &room.dom);
}

bool guest_exists(int privcmd, uint16_t dom)
{
	room.dom = dom;
	if (memory_op(privcmd, XENMEM_maximum_gpfn, &room.dom) >= 0)
		return true;
	must(errno == ESRCH);
	return false;
}

static long move_pages_of(int privcmd, unsigned int cmd, uint16_t dom, unsigned long first,
			  unsigned long nr)
{
	unsigned long i;

	must(nr <= CHUNK_PAGES);
	memset(&room.reservation, 0, sizeof(room.reservation));
	for (i = 0; i < nr; i++)
		room.gfns[i] = GUEST_RAM_GFN + first + i;
	set_xen_guest_handle(room.reservation.extent_start, room.gfns);
	room.reservation.nr_extents = nr;
	room.reservation.domid = dom;
	return memory_op(privcmd, cmd, &room.reservation);
}

long release_pages(int privcmd, uint16_t dom, unsigned long first, unsigned long nr)
{
	return move_pages_of(privcmd, XENMEM_decrease_reservation, dom, first, nr);
}

long populate_pages(int privcmd, uint16_t dom, unsigned long first, unsigned long nr)
{
	return move_pages_of(privcmd, XENMEM_populate_physmap, dom, first, nr);
}
