// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See bus-devmem.h.
 *
 * Memory is one huge page where there is one, since those never move, else locked pages with
 * compaction of locked pages turned off. A page that is in the balloon must not be touched: pages
 * are zeroed when handed out, and scenarios deflate or reset before that.
 */
#include "bus-devmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BYTES (2u << 20)
#define ARENA_PAGES (ARENA_BYTES / BUS_PAGE_BYTES)
/* Above all RAM and devices Xen gives a guest on Arm or x86, holes in its RAM ranges included. */
#define OUTSIDE_GPA (UINT64_C(1) << 40)
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_PFN ((UINT64_C(1) << 55) - 1)

struct bus_devmem {
	struct bus bus;
	int fd;
	uint8_t *page;		/* of /dev/mem, where the window is */
	uint8_t *window;
	uint8_t *arena;
	uint64_t gpa[ARENA_PAGES];
	unsigned int next;
};

static struct bus_devmem *to_devmem(struct bus *bus)
{
	return (struct bus_devmem *)bus;
}

/*
 * One load or store instruction of exactly this size and without write-back: for any other, an Arm
 * hypervisor is not told what the access was, and kills the guest instead of asking the device.
 */
#ifdef __aarch64__
#define LOAD(type, insn, reg, addr, out) \
	do { \
		type val_; \
		__asm__ volatile(insn " %" reg "0, [%1]" : "=r"(val_) : "r"(addr) : "memory"); \
		*(out) = val_; \
	} while (0)
#define STORE(type, insn, reg, addr, in) \
	__asm__ volatile(insn " %" reg "0, [%1]" : : "r"((type)(in)), "r"(addr) : "memory")
#else
#define LOAD(type, insn, reg, addr, out) (*(out) = *(volatile type *)(addr))
#define STORE(type, insn, reg, addr, in) (*(volatile type *)(addr) = (type)(in))
#endif

static int read_register(struct bus *bus, uint32_t offset, uint32_t size, uint64_t *val)
{
	void *addr = to_devmem(bus)->window + offset;

	switch (size) {
	case 1:
		LOAD(uint8_t, "ldrb", "w", addr, val);
		return 0;
	case 2:
		LOAD(uint16_t, "ldrh", "w", addr, val);
		return 0;
	case 4:
		LOAD(uint32_t, "ldr", "w", addr, val);
		return 0;
	case 8:
		LOAD(uint64_t, "ldr", "x", addr, val);
		return 0;
	}
	return -EINVAL;
}

static int write_register(struct bus *bus, uint32_t offset, uint32_t size, uint64_t val)
{
	void *addr = to_devmem(bus)->window + offset;

	/* what the device will read must be there before it is told */
	__sync_synchronize();
	switch (size) {
	case 1:
		STORE(uint8_t, "strb", "w", addr, val);
		return 0;
	case 2:
		STORE(uint16_t, "strh", "w", addr, val);
		return 0;
	case 4:
		STORE(uint32_t, "str", "w", addr, val);
		return 0;
	case 8:
		STORE(uint64_t, "str", "x", addr, val);
		return 0;
	}
	return -EINVAL;
}

static void *alloc_page(struct bus *bus, uint64_t *gpa)
{
	struct bus_devmem *self = to_devmem(bus);
	uint8_t *page;

	if (self->next == ARENA_PAGES)
		return NULL;
	page = self->arena + (size_t)self->next * BUS_PAGE_BYTES;
	memset(page, 0, BUS_PAGE_BYTES);
	*gpa = self->gpa[self->next++];
	return page;
}

static void free_pages(struct bus *bus)
{
	to_devmem(bus)->next = 0;
}

static int wait_device(struct bus *bus)
{
	usleep(1000);
	return 0;
}

static const struct bus_ops devmem_ops = {
	.read = read_register,
	.write = write_register,
	.alloc_page = alloc_page,
	.free_pages = free_pages,
	.wait = wait_device,
};

static void write_sysctl(const char *path, const char *value)
{
	FILE *f = fopen(path, "w");

	/* Best effort: where it fails, so does what depends on it, and that is reported. */
	if (!f)
		return;
	fputs(value, f);
	fclose(f);
}

static int map_arena(struct bus_devmem *self)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED;

	write_sysctl("/proc/sys/vm/nr_hugepages", "1");
	self->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
	if (self->arena == MAP_FAILED) {
		write_sysctl("/proc/sys/vm/compact_unevictable_allowed", "0");
		self->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
	}
	if (self->arena == MAP_FAILED) {
		self->arena = NULL;
		return -errno;
	}
	memset(self->arena, 0, ARENA_BYTES);
	return mlock(self->arena, ARENA_BYTES) ? -errno : 0;
}

static int read_frames(struct bus_devmem *self)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;

	for (unsigned int i = 0; !ret && i < ARENA_PAGES; i++) {
		uint64_t entry = 0;
		uintptr_t va = (uintptr_t)self->arena + (uintptr_t)i * BUS_PAGE_BYTES;

		if (pread(fd, &entry, sizeof(entry), (off_t)(va / BUS_PAGE_BYTES * 8)) != 8)
			ret = -EIO;
		else if (!(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_PFN))
			ret = -EPERM; /* the kernel hides frame numbers from who is not root */
		else
			self->gpa[i] = (entry & PAGEMAP_PFN) * BUS_PAGE_BYTES;
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static int map_window(struct bus_devmem *self, uint64_t base_gpa)
{
	uint64_t start = base_gpa & ~(uint64_t)(BUS_PAGE_BYTES - 1);

	self->fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	if (self->fd < 0)
		return -errno;
	self->page = mmap(NULL, BUS_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
			  (off_t)start);
	if (self->page == MAP_FAILED) {
		self->page = NULL;
		return -errno;
	}
	self->window = self->page + (base_gpa - start);
	return 0;
}

int bus_devmem_open(struct bus_devmem **bus, uint64_t base_gpa, const char **why)
{
	struct bus_devmem *self = calloc(1, sizeof(*self));
	int ret;

	*why = "memory";
	if (!self)
		return -ENOMEM;
	self->fd = -1;
	self->bus.ops = &devmem_ops;
	self->bus.base_gpa = base_gpa;
	self->bus.outside_gpa = OUTSIDE_GPA;
	*why = "/dev/mem (unload the device's driver, or boot with iomem=relaxed)";
	ret = map_window(self, base_gpa);
	if (!ret) {
		*why = "locked memory";
		ret = map_arena(self);
	}
	if (!ret) {
		*why = "/proc/self/pagemap (root only)";
		ret = read_frames(self);
	}
	if (ret)
		bus_devmem_close(self);
	else
		*bus = self;
	return ret;
}

void bus_devmem_close(struct bus_devmem *self)
{
	if (self->page)
		munmap(self->page, BUS_PAGE_BYTES);
	if (self->fd >= 0)
		close(self->fd);
	if (self->arena)
		munmap(self->arena, ARENA_BYTES);
	free(self);
}

struct bus *bus_devmem_bus(struct bus_devmem *self)
{
	return &self->bus;
}
