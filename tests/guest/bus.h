/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's driver stands on: registers, memory, time.
 *
 * Siblings: bus-fake.c (the fake hypervisor's guest, in this process) and bus-devmem.c (a real
 * Linux guest, from user space). Drivers in this directory know nothing else of where they run, and
 * know nothing of libxenvirtio's inside.
 */
#ifndef GUEST_BUS_H
#define GUEST_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BUS_PAGE_BYTES 4096u

struct bus;

/** struct bus_ops - returns are 0 or -errno; optional ones may be NULL */
struct bus_ops {
	/** read, write - one access of @size bytes at @offset of the device's window */
	int (*read)(struct bus *bus, uint32_t offset, uint32_t size, uint64_t *val);
	int (*write)(struct bus *bus, uint32_t offset, uint32_t size, uint64_t val);
	/** alloc_page - a zeroed page of guest RAM that stays where it is; NULL: none is left */
	void *(*alloc_page)(struct bus *bus, uint64_t *gpa);
	/** free_pages - all of them; the device must have been reset */
	void (*free_pages)(struct bus *bus);
	/** wait - let the device run for a moment */
	int (*wait)(struct bus *bus);
	/** make_hole - optional: the page's frame goes away behind the device's back */
	int (*make_hole)(struct bus *bus, uint64_t gpa);
	/** errors - optional: how many errors of all kinds the device has counted */
	uint64_t (*errors)(struct bus *bus);
};

/**
 * struct bus - siblings embed this as their first member
 * @base_gpa:    of the device's window
 * @outside_gpa: a page that is not RAM and not a device
 * @hole_gpa:    a page inside a RAM range that has no frame; 0: none is known
 * @last_gpa:    the last page of a RAM range; 0: not known
 * @unaligned:   register accesses may be unaligned
 */
struct bus {
	const struct bus_ops *ops;
	uint64_t base_gpa;
	uint64_t outside_gpa;
	uint64_t hole_gpa;
	uint64_t last_gpa;
	bool unaligned;
};

#ifdef __cplusplus
}
#endif

#endif /* GUEST_BUS_H */
