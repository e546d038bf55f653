// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The contract on real Xen: `contract-xen DOMID`, in dom0, on a paused domain that nobody needs.
 *
 * Frames of its RAM are taken and given back, and one page leaks, so the domain must be destroyed
 * afterwards. Prints TAP; exits with 1 when a check failed, 2 when it could not run.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "contract/contract.h"

/* inside no RAM range on either architecture, and where no toolstack puts anything */
#if defined(__aarch64__) || defined(__arm__)
#define HOLE_GFN 0x9000
#define WINDOW_GPA 0x0a000000
#else
#define HOLE_GFN 0xf8000
#define WINDOW_GPA 0xfea00000
#endif

static int open_xen(void *ctx, struct xenvirtio_hv **hv)
{
	return xenvirtio_hv_open_xen(hv, *(const uint32_t *)ctx, NULL);
}

/*
 * The top of the RAM in the first range that is large enough, aligned. A range may go on beyond (on x86 to the special pages
 * below 4 GiB), so it is not taken for longer than what the domain has.
 */
static bool find_scratch(struct xenvirtio_hv *hv, struct xenvirtio_gfn *scratch)
{
	const uint64_t block = UINT64_C(1) << XENVIRTIO_ORDER_MAX;
	struct xenvirtio_gfn_range range[8];
	struct xenvirtio_domain_info info;
	size_t nr;

	if (hv->ops->ram_ranges(hv, range, 8, &nr) || hv->ops->domain_info(hv, &info))
		return false;
	for (size_t i = 0; i < nr; i++) {
		uint64_t end = range[i].end_incl.v + 1;

		if (end > range[i].start.v + info.tot_pages)
			end = range[i].start.v + info.tot_pages;
		end &= ~(block - 1);

		/* a block from the end: the toolstack's own pages may be at the very top */
		if (end < range[i].start.v + CONTRACT_SCRATCH_FRAMES + 2 * block)
			continue;
		*scratch = xenvirtio_gfn(end - block - CONTRACT_SCRATCH_FRAMES);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct contract c = {
		.open = open_xen,
		.hole = { HOLE_GFN },
		.window = { { WINDOW_GPA }, { WINDOW_GPA + 0x1ff } },
	};
	struct xenvirtio_hv *hv;
	uint32_t domid;
	char *end;
	int ret;

	errno = 0;
	domid = argc == 2 ? (uint32_t)strtoul(argv[1], &end, 10) : 0;
	if (argc != 2 || errno || end == argv[1] || *end || !domid) {
		fprintf(stderr, "usage: contract-xen DOMID (of a paused domain; it is spoilt)\n");
		return 2;
	}
	c.ctx = &domid;
	ret = open_xen(&domid, &hv);
	if (ret) {
		fprintf(stderr, "cannot open domain %" PRIu32 ": %s\n", domid,
			ret < 0 ? strerror(-ret) : "it is gone");
		return 2;
	}
	if (!find_scratch(hv, &c.scratch)) {
		fprintf(stderr, "domain %" PRIu32 " has no RAM range of 12 MiB\n", domid);
		xenvirtio_hv_close(hv);
		return 2;
	}
	xenvirtio_hv_close(hv);
	return contract_run(&c, stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
