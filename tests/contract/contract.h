/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every sibling behind the seam must do, as checks that run on any of them.
 *
 * On the fake in `make check`, and on real Xen in a nested dom0 (contract-xen): where they
 * disagree, the fake is wrong, and with it every test that stands on it. A check leaves the domain
 * as it found it. The domain should be paused: frames of its RAM are taken away and given back.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdio.h>
#include <xenvirtio/hv.h>

/** frames a contract needs: three extents of the largest order */
#define CONTRACT_SCRATCH_FRAMES (3u << XENVIRTIO_ORDER_MAX)

/**
 * struct contract - a domain to check on
 * @open:    another handle on the same domain
 * @scratch: CONTRACT_SCRATCH_FRAMES of RAM, aligned to the largest order, all there, not mapped
 * @hole:    a frame inside no RAM range, and no MMIO that is passed through
 * @outside: what a release outside of RAM returns
 * @window:  512 bytes of guest-physical addresses that nobody claims
 */
struct contract {
	int (*open)(void *ctx, struct xenvirtio_hv **hv);
	void *ctx;
	struct xenvirtio_gfn scratch;
	struct xenvirtio_gfn hole;
	int outside;
	struct xenvirtio_gpa_range window;
};

/** contract_run() - all checks, as TAP on @out. Return: how many failed */
unsigned int contract_run(const struct contract *c, FILE *out);

#endif /* CONTRACT_H */
