// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The contract on the fake: what contract-xen checks on real Xen.
 *
 * Exits with 1 when a check failed or the fake itself counted what must not be: the checks provoke
 * one leak and one release of a mapped frame, and nothing else.
 */
#include "config.h"

#include <stdlib.h>

#include "contract/contract.h"
#include "fake/hv-fake.h"

static int open_fake(void *ctx, struct xenvirtio_hv **hv)
{
	return fake_open(ctx, hv);
}

int main(void)
{
	const struct fake_config config = { .nr_vcpus = 2, .heap_pages = 64 };
	struct fake *f = fake_new(&config);
	const struct contract c = {
		.open = open_fake,
		.ctx = f,
		.scratch = { 0x40200 },
		.hole = { 0x9000 },
		.window = { { 0x0a000000 }, { 0x0a0001ff } },
	};
	const struct fake_faults *x;
	unsigned int failed;

	if (!f)
		return EXIT_FAILURE;
	failed = contract_run(&c, stdout);
	x = fake_faults(f);
	/* unmap_knows_its_mappings and revoke_leaves_private_memory ask for two each that are wrong */
	if (x->leaked != 1 || x->released_mapped != 1 || x->bad_unmap != 4 ||
	    fake_faults_total(f) != 6 || fake_open_handles(f) || fake_open_fds(f) ||
	    fake_live_mappings(f) || fake_servers(f)) {
		printf("# the fake counted faults, or something is left open\n");
		failed++;
	}
	fake_free(f);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
