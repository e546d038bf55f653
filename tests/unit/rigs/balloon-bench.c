// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See balloon-bench.h. The machine has the fake's two default ranges, so that frames beyond a hole
 * in the address space take part.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"
#include "unit/rigs/forced-path.h"

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
	for (unsigned int turn = 0; !ret && turn < b->turns_max && bench_status(b).work_pending; turn++)
		ret = balloon_retry(b->balloon);
	return ret;
}

static int open_process(struct bench *b, bool adopt)
{
	struct balloon_config config = {
		.deflate_on_oom = true,
		.bits = { .page_bitmap = 56, .page_chunks = 57, .host_req_vq = 58 },
	};
	int ret;

	ret = fake_open(b->fake, &b->hv);
	if (!ret && b->opened)
		b->opened(b->hv);
	if (!ret)
		ret = xenvirtio_gmem_new(&b->gmem, b->hv, 16);
	config.hv = b->hv;
	config.gmem = b->gmem;
	if (!ret)
		ret = balloon_new(&b->balloon, &config, b->persist, b->persist_bytes, &b->state);
	if (!ret)
		ret = xenvirtio_server_new(&b->server, b->hv, b->gmem);
	if (!ret)
		xenvirtio_server_set_notify(b->server, forced_path(XENVIRTIO_NOTIFY_AUTO), NULL,
					    NULL);
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

void bench_free(struct bench *b)
{
	fake_free(b->fake);
	free(b->persist);
	free(b);
}

int bench_setup_ram(void **state, const struct fake_config *config)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(config);
	assert_non_null(b->fake);
	b->persist_bytes = balloon_persist_bytes(config->ram, config->nr_ram);
	b->persist = calloc(1, b->persist_bytes);
	assert_non_null(b->persist);
	b->server_id = XENVIRTIO_IOREQ_NEW;
	b->turns_max = BENCH_TURNS_MAX;
	assert_int_equal(bench_start(b), 0);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, config->ram[0], xenvirtio_gfn(BENCH_HOLE_GFN), serve,
		      NULL, b);
	b->driver.bus = &b->bus.bus;
	*state = b;
	return 0;
}

int bench_setup(void **state)
{
	const struct fake_config config = {
		.ram = { { { 0x40000 }, { 0x40fff } }, { { 0x200000 }, { 0x2003ff } } },
		.nr_ram = 2,
	};

	return bench_setup_ram(state, &config);
}

int bench_setup_encoding(void **state)
{
	enum bulk_encoding encoding = (enum bulk_encoding)(uintptr_t)*state;
	struct bench *b;
	int ret = bench_setup(state);

	b = *state;
	b->encoding = encoding;
	return ret;
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
	bench_free(b);
	return 0;
}

struct balloon_status bench_status(struct bench *b)
{
	struct balloon_status status;

	balloon_get_status(b->balloon, &status);
	return status;
}

uint64_t bench_errors(struct bench *b, enum xenvirtio_guest_error kind)
{
	return bench_status(b).guest_errors[kind];
}

void bench_assert_exact(struct bench *b)
{
	const struct frames *f = &b->balloon->frames;
	bool hole, hole_set = false;

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
				else
					hole_set = !present;
			}
		}
	}
	/* It was a hole before anybody named it: in the balloon once it was in doubt, RAM once it was deflated. */
	hole = !fake_present(b->fake, xenvirtio_gfn(BENCH_HOLE_GFN));
	assert_true(hole || !hole_set);
	assert_int_equal(f->nr_set - hole_set, f->nr_frames - hole - fake_tot_pages(b->fake));
	assert_int_equal(bench_status(b).ballooned_pages, f->nr_set);
}

unsigned int bench_queue(const struct bench *b, enum balloon_vq vq)
{
	const uint64_t need[BALLOON_VQS] = {
		[BALLOON_VQ_INFLATE] = F_MUST_TELL_HOST,
		[BALLOON_VQ_DEFLATE] = F_MUST_TELL_HOST,
		[BALLOON_VQ_STATS] = F_STATS_VQ,
		[BALLOON_VQ_FREE_PAGE] = F_FREE_PAGE_HINT,
		[BALLOON_VQ_HOST_REQ] = F_HOST_REQ_VQ,
	};
	unsigned int index = 0;

	for (unsigned int below = 0; below < vq; below++)
		index += (b->driver.features & need[below]) != 0;
	return index;
}

int bench_driver(struct bench *b, uint64_t features)
{
	features |= F_VERSION_1 | bulk_features(b->encoding);
	b->driver.features = features | F_MUST_TELL_HOST;
	return driver_init(&b->driver, 5, features, bench_queue(b, BALLOON_VQS));
}

int bench_post_bytes(struct bench *b, unsigned int index, const void *msg, size_t bytes)
{
	struct driver_queue *q = &b->driver.queue[index];
	struct driver_buf buf[DRIVER_QUEUE_SIZE_MAX];
	unsigned int nr = 0;
	uint16_t head;
	int ret;

	do {
		size_t here = bytes < BUS_PAGE_BYTES ? bytes : BUS_PAGE_BYTES;
		void *page;

		if (nr == DRIVER_QUEUE_SIZE_MAX)
			return -ENOSPC;
		page = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf[nr].gpa);
		if (!page)
			return -ENOSPC;
		memcpy(page, msg, here);
		buf[nr].writable = false;
		buf[nr++].len = (uint32_t)here;
		msg = (const unsigned char *)msg + here;
		bytes -= here;
	} while (bytes);
	ret = driver_add(q, buf, nr, false, &head);
	return ret ? ret : driver_kick(q);
}

/* Neighbours become runs, in the order they come; a page that is named twice is in two runs. */
static size_t find_runs(const uint32_t *pfn, size_t nr, struct bulk_run *run)
{
	size_t runs = 0;

	for (size_t i = 0; i < nr; i++) {
		if (runs && run[runs - 1].pfn + run[runs - 1].nr == pfn[i])
			run[runs - 1].nr++;
		else
			run[runs++] = (struct bulk_run){ pfn[i], 1 };
	}
	return runs;
}

static int post_runs(struct bench *b, unsigned int index, const struct bulk_run *run, size_t nr)
{
	unsigned char *msg = malloc(DRIVER_QUEUE_SIZE_MAX * BUS_PAGE_BYTES);
	size_t bytes;
	int ret = -ENOSPC;

	assert_non_null(msg);
	bytes = bulk_encode(b->encoding, run, nr, msg, DRIVER_QUEUE_SIZE_MAX * BUS_PAGE_BYTES);
	if (bytes)
		ret = bench_post_bytes(b, index, msg, bytes);
	free(msg);
	return ret;
}

int bench_post(struct bench *b, unsigned int index, const uint32_t *pfn, size_t nr)
{
	struct bulk_run run[1024];

	return nr > 1024 ? -ENOSPC : post_runs(b, index, run, find_runs(pfn, nr, run));
}

/* Wait for the message, and have its pages again from @next_gfn on. */
static int finish(struct bench *b, unsigned int index, uint64_t next_gfn)
{
	uint16_t head;
	uint32_t len;
	int ret = driver_wait(&b->driver.queue[index], &head, &len);

	if (!ret)
		b->bus.next_gfn = next_gfn;
	return ret;
}

int bench_send_runs(struct bench *b, unsigned int index, const struct bulk_run *run, size_t nr)
{
	uint64_t next_gfn = b->bus.next_gfn;
	int ret = post_runs(b, index, run, nr);

	return ret ? ret : finish(b, index, next_gfn);
}

int bench_send(struct bench *b, unsigned int index, const uint32_t *pfn, size_t nr)
{
	uint64_t next_gfn = b->bus.next_gfn;
	int ret = bench_post(b, index, pfn, nr);

	return ret ? ret : finish(b, index, next_gfn);
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

int bench_run_encodings(const struct CMUnitTest *tests, size_t nr)
{
	struct CMUnitTest *all = calloc(nr * BULK_ENCODINGS, sizeof(*all));
	char (*name)[128] = calloc(nr * BULK_ENCODINGS, sizeof(*name));
	int ret = 1;

	for (size_t i = 0; all && name && i < nr * BULK_ENCODINGS; i++) {
		enum bulk_encoding encoding = i / nr;

		all[i] = tests[i % nr];
		snprintf(name[i], sizeof(name[i]), "%s, %s", all[i].name, bulk_name(encoding));
		all[i].name = name[i];
		all[i].initial_state = (void *)(uintptr_t)encoding;
	}
	if (all && name)
		ret = _cmocka_run_group_tests("encodings", all, nr * BULK_ENCODINGS, NULL, NULL);
	free(all);
	free(name);
	return ret;
}
