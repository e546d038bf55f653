/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Obeying `xl mem-set`: --mem-set=follow.
 *
 * xl writes memory/target and lowers the domain's max_mem to it. The guest's own Xen balloon
 * driver would act on that key too, so while following
 *  - the guest's permission to read memory/target is taken away (what it was is kept in memory that
 *    survives the process, and given back when following ends, by us or by our successor);
 *  - max_mem is held at static-max and a page more, or no page could come back on deflate.
 *
 * memory/target is what the domain has without its video RAM, which static-max counts.
 *
 * The same size may be named again. The key does not show that, and a watch may fire for nothing;
 * but xl sets max_mem each time, never to what we hold it at: so one that was lowered tells.
 */
#ifndef BACKEND_MEM_SET_H
#define BACKEND_MEM_SET_H

#include "backend/devices/balloon/sizing/target.h"

#include <xenvirtio/hv.h>

/** bytes of permissions kept, with the NUL; a node with more is left alone */
#define MEM_SET_PERMS_MAX 128

/** the watch's token */
#define MEM_SET_TOKEN "mem-set"

struct mem_set {
	struct log *log;
	struct store_link *link;
	struct xenvirtio_hv *hv;
	struct target *target;
	uint32_t domid;
	char path[64];	   /* of memory/target */
	char *saved_perms; /* MEM_SET_PERMS_MAX bytes, empty: nothing was taken */
	uint64_t videoram_kib;
	bool following;
	bool lowered;	   /* somebody has set max_mem since memory/target was looked at */
	bool max_mem_told; /* a failure was logged */
};

/** mem_set_init() - @saved_perms: MEM_SET_PERMS_MAX bytes that survive the process; borrowed */
void mem_set_init(struct mem_set *m, struct log *log, struct store_link *link,
		  struct xenvirtio_hv *hv, struct target *target, uint32_t domid,
		  char *saved_perms);

/**
 * mem_set_start() - begin to follow
 *
 * Return: 0, also while xenstore is away (mem_set_again() does the rest); -errno no watch
 */
int mem_set_start(struct mem_set *m);
/** mem_set_stop() - the guest may read memory/target again; also what a dead predecessor took */
void mem_set_stop(struct mem_set *m);
/** mem_set_again() - xenstore is back: take the permission again if it forgot */
void mem_set_again(struct mem_set *m);
/** mem_set_read() - look at memory/target: on its watch. Returns whether somebody has named it */
bool mem_set_read(struct mem_set *m);
/** mem_set_pass() - what stands there now is older than the size in force */
void mem_set_pass(struct mem_set *m);
/**
 * mem_set_key_kib() - what memory/target gives the domain, as static-max counts, following or not
 *
 * Return: 0 if it cannot be told
 */
uint64_t mem_set_key_kib(struct mem_set *m);
/** mem_set_hold_max_mem() - raise max_mem to static-max if somebody lowered it. Only following */
void mem_set_hold_max_mem(struct mem_set *m);

/**
 * mem_set_strip_perms() - permissions without those of one domain
 * @perms: as xenstore-chmod takes them: the owner first, then who may what: "n0,r3"
 * @out:   MEM_SET_PERMS_MAX bytes
 *
 * Return: 0; XENVIRTIO_E_EMPTY @domid has none; -EINVAL it is the owner, or not permissions;
 *         -EMSGSIZE
 */
int mem_set_strip_perms(const char *perms, uint32_t domid, char *out);

#endif /* BACKEND_MEM_SET_H */
