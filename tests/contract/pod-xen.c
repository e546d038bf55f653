// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether Xen tells of a guest populated on demand which frames are there, without populating them.
 *
 *   pod-xen DOMID    of a domain that was made and has not run yet
 *
 * Asks the seam for frames that nobody touched, gives some of them away as the guest itself could, and asks again. Xen's count of
 * its entries says whether the question populated any; at the end a mapping does, to show that it would be seen. TAP on stdout.
 * Must not know how the seam asks.
 */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenvirtio/hv.h>

/* In the middle of its RAM: nothing that a toolstack or a firmware has touched. */
#define FIRST UINT64_C(0x8000)
#define NR 64u
#define AWAY 20u /* of these, the first that is given away */
#define AWAY_NR 4u

static struct xenvirtio_hv *hv;
static unsigned int checks, failed;

static void check(bool good, const char *text)
{
	checks++;
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", checks, text);
}

static uint64_t entries(void)
{
	struct xenvirtio_pod_info info = { 0 };
	int ret = hv->ops->pod_info(hv, &info);

	printf("# entries %" PRIu64 " cache %" PRIu64 " (%d)\n", info.entries, info.cache_pages, ret);
	return info.entries;
}

/* Return: how many are there; -1: not those that should be, or it could not be asked */
static int ask(uint64_t away, unsigned int nr_away)
{
	struct xenvirtio_gfn gfn[NR];
	bool present[NR];
	int there = 0, ret;

	for (unsigned int i = 0; i < NR; i++)
		gfn[i] = xenvirtio_gfn(FIRST + i);
	ret = hv->ops->frames_present(hv, gfn, NR, present);
	if (ret) {
		printf("# frames_present: %d\n", ret);
		return -1;
	}
	for (unsigned int i = 0; i < NR; i++) {
		if (present[i] == (i >= away && i < away + nr_away))
			return -1;
		there += present[i];
	}
	return there;
}

static void look(void)
{
	struct xenvirtio_gfn gfn[AWAY_NR], others[NR];
	uint64_t before = entries();
	size_t done = 0;
	void *va;

	for (unsigned int i = 0; i < AWAY_NR; i++)
		gfn[i] = xenvirtio_gfn(FIRST + AWAY + i);
	check(before > NR, "the domain has entries");
	check(ask(0, 0) == (int)NR, "a frame that nobody touched is there");
	check(entries() == before, "and is not populated by the question");
	check(!hv->ops->release_pages(hv, gfn, AWAY_NR, 0, &done) && done == AWAY_NR, "some are given away");
	before = entries();
	check(ask(AWAY, AWAY_NR) == (int)(NR - AWAY_NR), "they are holes, and no others are");
	check(entries() == before, "nor does that populate");
	check(!hv->ops->populate_pages(hv, gfn, 1, 0, &done) && done == 1, "one of them comes back");
	check(ask(AWAY + 1, AWAY_NR - 1) == (int)(NR - AWAY_NR + 1), "and is there");
	before = entries();
	for (unsigned int i = 0; i < NR; i++)
		others[i] = xenvirtio_gfn(FIRST + NR + i);
	/* many, and looked at while they are mapped: for each that it populates Xen takes back one that nobody holds and that is all zeros */
	check(!hv->ops->map(hv, others, NR, false, &va), "others are mapped");
	check(entries() < before, "which does populate");
	check(!hv->ops->unmap(hv, va, NR), "and are let go");
}

int main(int argc, char **argv)
{
	int ret;

	if (argc != 2)
		return 2;
	ret = xenvirtio_hv_open_xen(&hv, (uint32_t)strtoul(argv[1], NULL, 10), NULL);
	if (ret) {
		printf("Bail out! no connection to Xen: %d\n", ret);
		return 2;
	}
	look();
	xenvirtio_hv_close(hv);
	printf("1..%u\n", checks);
	return failed != 0;
}
