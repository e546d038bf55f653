/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Xen for reservation: raw hypercalls through privcmd, a guest of its own, and its frames mapped.
 * What cannot be done here ends the program, but for the calls that are the test's.
 */
#ifndef RESERVATION_H
#define RESERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#if defined(__x86_64__)
#define xen_mb() __sync_synchronize()
#endif
#include <xen/domctl.h>
#include <xen/hvm/dm_op.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/xen.h>

/* The kernel's interface (xen/privcmd.h of the kernel's uapi, which few machines have installed).
 */
struct privcmd_call {
	uint64_t op;
	uint64_t arg[5];
};

struct privcmd_mapbatch {
	unsigned int num;
	domid_t dom;
	uint64_t addr;
	const xen_pfn_t *arr;
	int *err;
};

struct privcmd_buf {
	void *ptr;
	size_t size;
};

struct privcmd_dm {
	domid_t dom;
	uint16_t num;
	const struct privcmd_buf *bufs;
};

#define PRIVCMD_CALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_call))
#define PRIVCMD_MAPBATCH _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mapbatch))
#define PRIVCMD_DM _IOC(_IOC_NONE, 'P', 5, sizeof(struct privcmd_dm))

#define PAGE_BYTES 4096u
#define PAGE_WORDS (PAGE_BYTES / 8)
#define STAMP_STRIDE 8 /* words: one stamp a cache line */
#define BLOCK_ORDER 9u
#define BLOCK_PAGES (1u << BLOCK_ORDER)

#define BASE_GFN 0x40000ul /* 1 GiB: RAM by every memory map there is */
#define TEST_BLOCKS 16u
#define TEST_PAGES (TEST_BLOCKS * BLOCK_PAGES)
#define BENCH_BLOCKS 32u
#define BENCH_PAGES (BENCH_BLOCKS * BLOCK_PAGES)
#define BATCH_EXTENTS 256u

extern int privcmd_fd;

/* One locked buffer for what Xen reads and writes; calls do not nest. */
struct call_buffer {
	union {
		struct xen_domctl domctl;
		struct xen_sysctl sysctl;
		struct xen_memory_reservation reservation;
		struct xen_add_to_physmap physmap;
		struct xen_add_to_physmap_batch physmap_batch;
		struct xen_remove_from_physmap physmap_remove;
	} u;
	xen_pfn_t extents[BENCH_PAGES];
	xen_ulong_t idx;
	xen_pfn_t gfn;
	int error;
};

extern struct call_buffer *call;

/** open_xen() - privcmd, and the buffer */
void open_xen(void);
/** die() - the test cannot go on */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

long hypercall(uint64_t op, uint64_t arg0, void *arg1);
/** domctl_clear() - Return: the arguments of the domctl to come */
void *domctl_clear(void);
/** domctl_must() - the domctl whose arguments are there */
void domctl_must(const char *what, uint32_t cmd, domid_t domid);
/** memory_extents() - on those in call->extents. Return: how many were done */
long memory_extents(unsigned int op, domid_t domid, unsigned int nr, unsigned int order);
long release_one(domid_t domid, unsigned long gfn, unsigned int order);
long populate_one(domid_t domid, unsigned long gfn, unsigned int order);
unsigned long tot_pages(domid_t domid);
unsigned long host_free_pages(void);

/** domain_new() - a guest without memory */
domid_t domain_new(unsigned long max_pages);
/** domain_start_and_pause() - Xen is more lenient with a guest that was never unpaused */
void domain_start_and_pause(domid_t domid);
void domain_free(domid_t domid);

/** map_frames() - errors[i] says which of them are not there; NULL: none of them could be mapped */
void *map_frames(domid_t domid, unsigned long gfn, unsigned int nr, int *errors);
void unmap_frames(void *at, unsigned int nr);

/** result() - one line of TAP, and its number */
__attribute__((format(printf, 2, 3))) void result(bool good, const char *format, ...);

/* Of the test area: frames that are there, and frames that are there with their own stamp. */
struct area_state {
	unsigned int present;
	unsigned int stamped;
	bool is_present[TEST_PAGES + BLOCK_PAGES];
};

/** look() - Return: what is there now; the same memory each time */
struct area_state *look(domid_t domid);
/** restore() - to a test area of whole blocks, every page stamped; no mapping of it may be left */
void restore(domid_t domid);

/** case_small_extents() - lists of them, whole ones and those that stop */
void case_small_extents(domid_t domid);

/** bench() - nanoseconds a page, with an ioreq server or without */
void bench(bool ioreq);

#endif /* RESERVATION_H */
