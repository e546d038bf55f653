/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus of the fake hypervisor's guest: its vcpu 0, its first RAM range.
 *
 * Whoever serves the requests is set on the fake (fake_set_serve()); a call of it that fails comes
 * out of the access.
 */
#ifndef BUS_FAKE_H
#define BUS_FAKE_H

#include <xenvirtio/hv.h>

#include "bus.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fake;

struct bus_fake {
	struct bus bus;
	struct fake *fake;
	struct xenvirtio_gfn_range ram;
	uint64_t next_gfn;
	uint64_t holes_made;
	int (*serve)(void *opaque);
	uint64_t (*count_errors)(void *opaque);
	void *opaque;
};

/**
 * bus_fake_init() - no reverse: it holds nothing
 * @ram:          where it takes pages from, whole
 * @hole:         a frame inside @ram that is made a hole now
 * @serve:        serves pending requests; also set on the fake
 * @counter:      counts all errors, for bus_ops.errors; NULL: not known
 */
void bus_fake_init(struct bus_fake *bf, struct fake *fake, uint64_t base_gpa,
		   struct xenvirtio_gfn_range ram, struct xenvirtio_gfn hole,
		   int (*serve)(void *opaque), uint64_t (*counter)(void *opaque),
		   void *opaque);

#ifdef __cplusplus
}
#endif

#endif /* BUS_FAKE_H */
