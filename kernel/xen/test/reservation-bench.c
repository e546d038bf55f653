// SPDX-License-Identifier: GPL-2.0-only
/*
 * What releasing and populating cost a page, by order and by how the memory was made. The clock is
 * the dom0's: under -icount it counts instructions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "reservation.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* All of the bench area through calls of at most BATCH_EXTENTS extents; stride 1 is in order. */
static double bench_call(unsigned int op, domid_t domid, unsigned int order, unsigned int stride)
{
	unsigned int nr = BENCH_PAGES >> order, i, n, done = 0;
	uint64_t start, ns = 0;

	while (done < nr) {
		n = nr - done < BATCH_EXTENTS ? nr - done : BATCH_EXTENTS;
		for (i = 0; i < n; i++)
			call->extents[i] = BASE_GFN + ((uint64_t)(done + i) * stride % nr << order);
		start = now_ns();
		if (memory_extents(op, domid, n, order) != n)
			die("bench: operation %u stopped at order %u", op, order);
		ns += now_ns() - start;
		done += n;
	}
	return (double)ns / BENCH_PAGES;
}

/* Single pages, every other one, out of superpages. */
static void bench_others(domid_t domid)
{
	unsigned int i, n, done;
	uint64_t start, ns = 0;

	for (done = 0; done < BENCH_PAGES / 2; done += n) {
		n = BATCH_EXTENTS;
		for (i = 0; i < n; i++)
			call->extents[i] = BASE_GFN + 2 * (done + i);
		start = now_ns();
		if (memory_extents(XENMEM_decrease_reservation, domid, n, 0) != n)
			die("bench: every other page");
		ns += now_ns() - start;
	}
	printf("bench order 0 release-of-others %.0f\n", (double)ns / (BENCH_PAGES / 2));
	for (i = 0; i < BENCH_PAGES / 2; i++)
		call->extents[i] = BASE_GFN + 2 * i + 1;
	memory_extents(XENMEM_decrease_reservation, domid, BENCH_PAGES / 2, 0);
	bench_call(XENMEM_populate_physmap, domid, BLOCK_ORDER, 1);
}

void bench(bool ioreq)
{
	static const struct {
		const char *name;
		unsigned int order, stride;
	} made[] = {
		{"blocks", 9, 1},
		{"pages in order", 0, 1},
		{"pages at random", 0, 10007},
	};
	domid_t domid = domain_new(BENCH_PAGES);
	unsigned int order, i;

	if (ioreq) {
		struct xen_dm_op op = {.op = XEN_DMOP_create_ioreq_server};
		struct privcmd_buf buf = {&op, sizeof(op)};
		struct privcmd_dm request = {.dom = domid, .num = 1, .bufs = &buf};

		if (ioctl(privcmd_fd, PRIVCMD_DM, &request))
			die("create_ioreq_server: %s", strerror(errno));
	}
	bench_call(XENMEM_populate_physmap, domid, BLOCK_ORDER, 1);
	domain_start_and_pause(domid);
	printf("# ns a page of virtual time, %u pages, %s ioreq server\n", BENCH_PAGES,
	       ioreq ? "with an" : "without an");
	for (order = 0; order <= BLOCK_ORDER; order += 3) {
		double released = bench_call(XENMEM_decrease_reservation, domid, order, 1);
		double populated = bench_call(XENMEM_populate_physmap, domid, order, 1);

		printf("bench order %u release-of-blocks %.0f populate %.0f\n", order, released,
		       populated);
		bench_call(XENMEM_decrease_reservation, domid, 0, 1);
		bench_call(XENMEM_populate_physmap, domid, BLOCK_ORDER, 1);
	}
	bench_others(domid);
	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		double populated, released;

		bench_call(XENMEM_decrease_reservation, domid, 0, 1);
		populated =
			bench_call(XENMEM_populate_physmap, domid, made[i].order, made[i].stride);
		released = bench_call(XENMEM_decrease_reservation, domid, BLOCK_ORDER, 1);
		printf("bench order 9 release-of \"%s\" %.0f (populated in %.0f)\n", made[i].name,
		       released, populated);
		bench_call(XENMEM_populate_physmap, domid, BLOCK_ORDER, 1);
	}
	domain_free(domid);
}
