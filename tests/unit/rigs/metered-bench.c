// SPDX-License-Identifier: GPL-2.0-or-later
/* See metered-bench.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/machine-fake.h"
#include "unit/rigs/metered-bench.h"

static struct xenvirtio_hv_ops metered;
static const struct xenvirtio_hv_ops *real;
struct meter meter;

static int meter_release(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order,
			 size_t *done)
{
	int ret = 0;

	meter.calls++;
	*done = 0;
	if (!meter.refusing)
		ret = real->release_pages(hv, gfn, nr, order, done);
	meter.frames += *done << order;
	machine_fake_set_ns(clock_now_ns() + (*done << order) * meter.frame_ns);
	return ret;
}

static int meter_populate(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order,
			  size_t *done)
{
	int ret = real->populate_pages(hv, gfn, nr, order, done);

	meter.calls++;
	meter.frames += *done << order;
	return ret;
}

static int meter_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	meter.calls++;
	meter.frames += nr;
	return real->frames_present(hv, gfn, nr, present);
}

static int meter_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool writable, void **va)
{
	meter.calls++;
	return real->map(hv, gfn, nr, writable, va);
}

static int meter_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	meter.calls++;
	return real->unmap(hv, va, nr);
}

static int meter_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	meter.calls++;
	return real->domain_info(hv, info);
}

static int meter_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	meter.calls++;
	return real->set_irq(hv, irq, level);
}

void meter_end_call(const struct bench *b)
{
	/* looks at the bitmap are no calls; the longest step that may be begun when it is spent takes less than this */
	assert_true(b->balloon->reservation.budget.left > -2 * BUDGET_OVERRUN);
	assert_true(b->balloon->unused.budget.left > -2 * BUDGET_OVERRUN);
	meter.most_frames = meter.frames > meter.most_frames ? meter.frames : meter.most_frames;
	meter.most_calls = meter.calls > meter.most_calls ? meter.calls : meter.most_calls;
	meter.frames = 0;
	meter.calls = 0;
	meter.turns++;
}

static int serve(void *opaque)
{
	struct bench *b = opaque;
	int ret = xenvirtio_server_process(b->server);

	meter_end_call(b);
	return ret;
}

void meter_start(struct bench *b)
{
	assert_int_equal(bench_start(b), 0);
	real = b->hv->ops;
	metered = *real;
	metered.release_pages = meter_release;
	metered.populate_pages = meter_populate;
	metered.frames_present = meter_present;
	metered.map = meter_map;
	metered.unmap = meter_unmap;
	metered.domain_info = meter_info;
	metered.set_irq = meter_irq;
	b->hv->ops = &metered;
}

int meter_setup(void **state)
{
	const struct xenvirtio_gfn_range ram = { { START }, { START + PAGES - 1 } };
	const struct fake_config config = { .ram = { ram }, .nr_ram = 1 };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	b->persist_bytes = balloon_persist_bytes(&ram, 1);
	b->persist = calloc(1, b->persist_bytes);
	b->server_id = XENVIRTIO_IOREQ_NEW;
	b->encoding = BULK_CHUNKS;
	meter = (struct meter){ 0 };
	meter_start(b);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, ram, xenvirtio_gfn(START + PAGES - 1), serve, NULL, b);
	b->driver.bus = &b->bus.bus;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST | F_STATS_VQ | F_FREE_PAGE_HINT | F_HOST_REQ_VQ | F_INDIRECT), 0);
	meter = (struct meter){ 0 };
	*state = b;
	return 0;
}

int meter_teardown(void **state)
{
	struct bench *b = *state;
	struct xenvirtio_run run = { xenvirtio_gfn(START), PAGES - 1 }, piece;

	while (run.nr) {
		bool present = frames_next(&b->balloon->frames, &run, &piece) == FRAME_PRESENT;

		for (uint64_t i = 0; i < piece.nr; i++)
			assert_int_equal(fake_present(b->fake, xenvirtio_gfn(piece.start.v + i)), present);
	}
	print_message("# at most %llu frames and %llu calls at a time, in %llu turns\n",
		      (unsigned long long)meter.most_frames, (unsigned long long)meter.most_calls,
		      (unsigned long long)meter.turns);
	assert_in_range(meter.most_frames, 0, FRAMES_MAX);
	assert_in_range(meter.most_calls, 1, CALLS_MAX);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
	assert_int_equal(fake_faults(b->fake)->leaked, 0);
	assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	assert_int_equal(fake_live_pages(b->fake), 0);
	bench_free(b);
	return 0;
}

void meter_go_on(struct bench *b, unsigned int most)
{
	unsigned int nr = 0;

	for (; bench_status(b).work_pending; nr++) {
		assert_int_equal(balloon_retry(b->balloon), 0);
		meter_end_call(b);
		assert_in_range(nr, 0, most);
	}
}

void meter_post_chunk(struct bench *b, unsigned int index, uint64_t gfn, uint64_t nr)
{
	unsigned char msg[16];

	bulk_put(bulk_put(msg, gfn << 12, 8), nr << 12, 8);
	assert_int_equal(bench_post_bytes(b, index, msg, sizeof(msg)), 0);
}

void meter_expect_used(struct bench *b, unsigned int index)
{
	uint16_t head;
	uint32_t len;

	assert_int_equal(driver_collect(&b->driver.queue[index], &head, &len), 0);
}

void meter_inflate_every_second(struct bench *b)
{
	struct bulk_run *run = calloc(NR / 2, sizeof(*run));
	uint64_t next = b->bus.next_gfn;
	size_t nr = 0;

	assert_non_null(run);
	for (uint64_t gfn = FREE; gfn + 1 < FREE + NR; gfn += 2)
		run[nr++] = (struct bulk_run){ gfn, 1 };
	for (size_t at = 0; at < nr; at += 8192) {
		unsigned char *msg = malloc(8192 * 16);
		size_t here = nr - at < 8192 ? nr - at : 8192;

		assert_non_null(msg);
		assert_int_equal(bench_post_bytes(b, INFLATE, msg, bulk_encode(BULK_CHUNKS, run + at, here, msg, 8192 * 16)),
				 0);
		free(msg);
		meter_go_on(b, 200);
		meter_expect_used(b, INFLATE);
		b->bus.next_gfn = next;
	}
	free(run);
}
