/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory the guest has without its virtio balloon, as Xen counts it.
 *
 *   static-max
 *   |<------------------- room ------------------->|<-- held -->|
 *   |<-------- what it has -------->|<-- balloon ->|
 *
 * What is held is kept from the guest by others: by its own Xen balloon driver, which goes by
 * memory/target, or because the domain was built with less. Memory that is populated on demand (x86
 * with memory= below maxmem=) counts as the guest's: it has it as soon as it touches it.
 *
 * QEMU, hvmloader and Xen put some pages of their own into a domain, and libxl counts video RAM into
 * static-max: differences of up to WITHHELD_SLACK_PAGES mean nothing.
 *
 * Pure. Sizes in 4 KiB pages.
 */
#ifndef BACKEND_WITHHELD_H
#define BACKEND_WITHHELD_H

#include <stdint.h>

/** 4 MiB */
#define WITHHELD_SLACK_PAGES 1024u

/** struct withheld_count - of one moment */
struct withheld_count {
	uint64_t static_max;
	uint64_t tot;	    /* what Xen says that the domain owns */
	uint64_t pod;	    /* frames it will get by touching them */
	uint64_t pod_cache; /* what is kept for those, a part of tot */
	uint64_t ballooned; /* by us: exact */
	uint64_t by_key;    /* memory/target, as static-max counts; 0: not known */
};

/** withheld_pages() - what is kept from the guest, though not by us */
uint64_t withheld_pages(const struct withheld_count *c);

/** withheld_balloon() - the size of the balloon that leaves it @wanted; 0 if it cannot have that much */
uint64_t withheld_balloon(uint64_t static_max, uint64_t held, uint64_t wanted);

#endif /* BACKEND_WITHHELD_H */
