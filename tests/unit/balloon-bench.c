// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See balloon-bench.h. The machine has the fake's two default ranges, so that frames beyond a hole
 * in the address space take part.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balloon-bench.h"

static int serve(void *opaque)
{
	return bench_run(opaque);
}

int bench_run(struct bench *b)
{
	int ret;

	if (!b->server)
		return 0;
	ret = xenvirtio_server_process(b->server);
	for (int turn = 0; !ret && turn < 100 && bench_status(b).work_pending; turn++)
		ret = balloon_retry(b->balloon);
	return ret;
}

static int open_process(struct bench *b, bool adopt)
{
	struct balloon_config config = { .deflate_on_oom = true };
	int ret;

	ret = fake_open(b->fake, &b->hv);
	if (!ret)
		ret = xenvirtio_gmem_new(&b->gmem, b->hv, 16);
	config.hv = b->hv;
	config.gmem = b->gmem;
	if (!ret)
		ret = balloon_new(&b->balloon, &config, b->persist, b->persist_bytes, &b->state);
	if (!ret)
		ret = xenvirtio_server_new(&b->server, b->hv, b->gmem);
	if (!ret)
		ret = xenvirtio_server_add(b->server, balloon_device(b->balloon),
					   xenvirtio_gpa(BENCH_BASE), BENCH_IRQ);
	if (!ret)
		ret = xenvirtio_server_open(b->server, &b->server_id);
	return !ret && adopt ? xenvirtio_server_resume(b->server) : ret;
}

int bench_start(struct bench *b)
{
	return open_process(b, b->server_id != XENVIRTIO_IOREQ_NEW);
}

void bench_kill(struct bench *b)
{
	xenvirtio_server_free(b->server);
	balloon_free(b->balloon);
	xenvirtio_gmem_free(b->gmem);
	xenvirtio_hv_close(b->hv);
	b->server = NULL;
	b->balloon = NULL;
	b->gmem = NULL;
	b->hv = NULL;
}

int bench_setup(void **state)
{
	const struct xenvirtio_gfn_range ram[] = { { { 0x40000 }, { 0x40fff } },
						   { { 0x200000 }, { 0x2003ff } } };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(NULL);
	assert_non_null(b->fake);
	b->persist_bytes = balloon_persist_bytes(ram, 2);
	b->persist = calloc(1, b->persist_bytes);
	assert_non_null(b->persist);
	b->server_id = XENVIRTIO_IOREQ_NEW;
	assert_int_equal(bench_start(b), 0);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, ram[0], xenvirtio_gfn(BENCH_HOLE_GFN), serve,
		      NULL, b);
	b->driver.bus = &b->bus.bus;
	*state = b;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *b = *state;

	if (b->server)
		assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	assert_int_equal(fake_faults_total(b->fake), 0);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_open_fds(b->fake), 0);
	fake_free(b->fake);
	free(b->persist);
	free(b);
	return 0;
}

struct balloon_status bench_status(struct bench *b)
{
	struct balloon_status status;

	balloon_get_status(b->balloon, &status);
	return status;
}

void bench_assert_exact(struct bench *b)
{
	const struct frames *f = &b->balloon->frames;

	for (size_t i = 0; i < f->nr_ranges; i++) {
		struct xenvirtio_run run = {
			f->range[i].start, f->range[i].end_incl.v - f->range[i].start.v + 1
		};
		struct xenvirtio_run piece;

		while (run.nr) {
			bool present = frames_next(f, &run, &piece) == FRAME_PRESENT;

			for (uint64_t k = 0; k < piece.nr; k++) {
				struct xenvirtio_gfn gfn = xenvirtio_gfn(piece.start.v + k);

				if (gfn.v != BENCH_HOLE_GFN)
					assert_int_equal(fake_present(b->fake, gfn), present);
			}
		}
	}
	assert_int_equal(f->nr_set, BENCH_RAM_PAGES - 1 - fake_tot_pages(b->fake));
	assert_int_equal(bench_status(b).ballooned_pages, f->nr_set);
}

int bench_driver(struct bench *b, uint64_t features)
{
	return driver_init(&b->driver, 5, F_VERSION_1 | features, features & F_STATS_VQ ? 3 : 2);
}

int bench_post(struct bench *b, unsigned int index, const uint32_t *pfn, size_t nr)
{
	struct driver_queue *q = &b->driver.queue[index];
	struct driver_buf buf = { .len = (uint32_t)(nr * sizeof(*pfn)) };
	uint16_t head;
	void *page;
	int ret;

	page = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);
	if (!page || buf.len > BUS_PAGE_BYTES)
		return -ENOSPC;
	memcpy(page, pfn, buf.len);
	ret = driver_add(q, &buf, 1, false, &head);
	return ret ? ret : driver_kick(q);
}

int bench_send(struct bench *b, unsigned int index, const uint32_t *pfn, size_t nr)
{
	int ret = bench_post(b, index, pfn, nr);
	uint16_t head;
	uint32_t len;

	if (!ret)
		ret = driver_wait(&b->driver.queue[index], &head, &len);
	if (!ret)
		b->bus.next_gfn--;
	return ret;
}

int bench_send_run(struct bench *b, unsigned int index, uint64_t gfn, size_t nr)
{
	while (nr) {
		size_t here = nr < 256 ? nr : 256;
		uint32_t pfn[256];
		int ret;

		for (size_t i = 0; i < here; i++)
			pfn[i] = (uint32_t)(gfn + i);
		ret = bench_send(b, index, pfn, here);
		if (ret)
			return ret;
		gfn += here;
		nr -= here;
	}
	return 0;
}
