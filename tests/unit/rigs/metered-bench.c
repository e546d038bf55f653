// SPDX-License-Identifier: GPL-2.0-or-later
/* See metered-bench.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/machine-fake.h"
#include "unit/rigs/far-frames.h"
#include "unit/rigs/metered-bench.h"

static struct xenvirtio_hv_ops metered;
static const struct xenvirtio_hv_ops *real;
static struct far_frames far;
static struct bench *open_bench;
struct meter meter;
struct meter_order meter_order = { .pages = NEAR_PAGES };

static bool is_near(uint64_t gfn)
{
	return !far_has(&far, gfn);
}

/* So many from the first on are all here, or all there. */
static size_t same_side(const struct xenvirtio_gfn *gfn, size_t nr)
{
	size_t same = 1;

	while (same < nr && is_near(gfn[same].v) == is_near(gfn[0].v))
		same++;
	return same;
}

typedef int (*near_op)(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order, size_t *done);

/* As Xen does: up to the first extent of which not all is done. */
static int move(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order, size_t *done,
		near_op near, bool (*far_op)(struct far_frames *far, uint64_t gfn, unsigned int order))
{
	for (size_t at = 0, here; at < nr; at += here) {
		size_t here_done = 0;
		int ret = 0;

		here = same_side(gfn + at, nr - at);
		if (is_near(gfn[at].v))
			ret = near(hv, gfn + at, here, order, &here_done);
		else
			while (here_done < here && far_op(&far, gfn[at + here_done].v, order))
				here_done++;
		*done += here_done;
		if (ret || here_done < here)
			return ret;
	}
	return 0;
}

static int meter_release(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order,
			 size_t *done)
{
	int ret = 0;

	meter.calls++;
	*done = 0;
	if (!meter.refusing)
		ret = move(hv, gfn, nr, order, done, real->release_pages, far_release);
	meter.frames += *done << order;
	machine_fake_set_ns(clock_now_ns() + (*done << order) * meter.frame_ns);
	return ret;
}

static int meter_populate(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order,
			  size_t *done)
{
	int ret;

	*done = 0;
	ret = move(hv, gfn, nr, order, done, real->populate_pages, far_populate);
	meter.calls++;
	meter.frames += *done << order;
	return ret;
}

static int meter_frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	int ret = 0;

	meter.calls++;
	meter.frames += nr;
	for (size_t at = 0, here; at < nr && !ret; at += here) {
		here = same_side(gfn + at, nr - at);
		if (is_near(gfn[at].v))
			ret = real->frames_present(hv, gfn + at, here, present + at);
		else
			for (size_t i = at; i < at + here; i++)
				present[i] = far_present(&far, gfn[i].v);
	}
	return ret;
}

static int meter_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool writable, void **va)
{
	meter.calls++;
	return real->map(hv, gfn, nr, writable, va);
}

static int meter_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max, size_t *nr)
{
	int ret = real->ram_ranges(hv, range, max, nr);

	if (!ret)
		range[0].end_incl.v += far.nr;
	return ret;
}

static int meter_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	meter.calls++;
	return real->unmap(hv, va, nr);
}

static int meter_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	int ret = real->domain_info(hv, info);

	meter.calls++;
	info->tot_pages += far.nr - far.nr_holes;
	info->max_pages += far.nr;
	return ret;
}

static int meter_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	meter.calls++;
	return real->set_irq(hv, irq, level);
}

void meter_begin_call(void)
{
	meter.frames = 0;
	meter.calls = 0;
	meter.begin_ns = meter_order.cpu_ns ? meter_order.cpu_ns() : 0;
}

static void keep_most(uint64_t *most, uint64_t now)
{
	*most = now > *most ? now : *most;
}

void meter_end_call(const struct bench *b)
{
	uint64_t ns = meter_order.cpu_ns ? meter_order.cpu_ns() - meter.begin_ns : 0;

	keep_most(&meter.most_ns, ns);
	meter.all_ns += ns;
	/* looks at the bitmap are no calls; the longest step that may be begun when it is spent takes less than this */
	assert_true(b->balloon->reservation.budget.left > -2 * BUDGET_OVERRUN);
	assert_true(b->balloon->unused.budget.left > -2 * BUDGET_OVERRUN);
	keep_most(&meter.most_frames, meter.frames);
	keep_most(&meter.most_calls, meter.calls);
	keep_most(&meter.most_sum_ns, ns + (meter.frames * BUDGET_FRAME + meter.calls * BUDGET_CALL) * BUDGET_UNIT_NS);
	meter.turns++;
	if (meter_order.cpu_ns_max && meter.all_ns >= meter_order.cpu_ns_max)
		longjmp(meter_order.ended, 1);
}

static int serve(void *opaque)
{
	struct bench *b = opaque;
	int ret;

	meter_begin_call();
	ret = xenvirtio_server_process(b->server);
	meter_end_call(b);
	return ret;
}

static void opened(struct xenvirtio_hv *hv)
{
	real = hv->ops;
	metered = *real;
	metered.ram_ranges = meter_ranges;
	metered.release_pages = meter_release;
	metered.populate_pages = meter_populate;
	metered.frames_present = meter_frames_present;
	metered.map = meter_map;
	metered.unmap = meter_unmap;
	metered.domain_info = meter_info;
	metered.set_irq = meter_irq;
	hv->ops = &metered;
}

void meter_start(struct bench *b)
{
	assert_int_equal(bench_start(b), 0);
}

int meter_setup(void **state)
{
	const struct xenvirtio_gfn_range near = { { START }, { START + NEAR_PAGES - 1 } },
					 ram = { { START }, { START + meter_order.pages - 1 } };
	const struct fake_config config = { .ram = { near }, .nr_ram = 1 };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	assert_true(far_init(&far, START + NEAR_PAGES, meter_order.pages - NEAR_PAGES));
	b->persist_bytes = balloon_persist_bytes(&ram, 1);
	b->persist = calloc(1, b->persist_bytes);
	assert_non_null(b->persist);
	b->server_id = XENVIRTIO_IOREQ_NEW;
	b->encoding = BULK_CHUNKS;
	b->opened = opened;
	open_bench = b;
	meter = (struct meter){ 0 };
	meter_start(b);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, near, xenvirtio_gfn(far.nr ? 0 : START + NEAR_PAGES - 1), serve, NULL, b);
	b->driver.bus = &b->bus.bus;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST | F_STATS_VQ | F_FREE_PAGE_HINT | F_HOST_REQ_VQ | F_INDIRECT), 0);
	meter = (struct meter){ 0 };
	*state = b;
	return 0;
}

void meter_free(void)
{
	bench_kill(open_bench);
	bench_free(open_bench);
	far_fini(&far);
}

bool meter_present(const struct bench *b, uint64_t gfn)
{
	return is_near(gfn) ? fake_present(b->fake, xenvirtio_gfn(gfn)) : far_present(&far, gfn);
}

void meter_make_hole(struct bench *b, uint64_t gfn, uint64_t nr)
{
	for (; nr; gfn++, nr--) {
		if (is_near(gfn))
			fake_make_hole(b->fake, xenvirtio_gfn(gfn), 1);
		else
			far_release(&far, gfn, 0);
	}
}

void meter_take_back(struct bench *b, uint64_t gfn)
{
	struct xenvirtio_gfn start = { gfn };
	struct xenvirtio_hv *guest;
	size_t done;

	if (!is_near(gfn)) {
		far_populate(&far, gfn, 0);
		return;
	}
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(guest->ops->populate_pages(guest, &start, 1, 0, &done), 0);
	guest->ops->close(guest);
}

void meter_set_heap_order(struct bench *b, unsigned int order)
{
	fake_set_heap_order(b->fake, order);
	far.order_max = order;
}

int meter_teardown(void **state)
{
	struct bench *b = *state;
	struct xenvirtio_run run = { xenvirtio_gfn(START), meter_order.pages - 1 }, piece;

	while (run.nr) {
		bool present = frames_next(&b->balloon->frames, &run, &piece) == FRAME_PRESENT;

		for (uint64_t i = 0; i < piece.nr; i++)
			if (meter_present(b, piece.start.v + i) != present)
				fail_msg("frame %llx", (unsigned long long)(piece.start.v + i));
	}
	if (!meter_order.cpu_ns)
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
	far_fini(&far);
	return 0;
}

void meter_go_on(struct bench *b, unsigned int most)
{
	uint64_t nr = 0;

	for (; bench_status(b).work_pending; nr++) {
		METER(b, balloon_retry(b->balloon));
		assert_in_range(nr, 0, most * meter_scale());
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

/* Every second frame of a word's. */
#define EVERY_SECOND UINT64_C(0x5555555555555555)

static void inflate_far(struct bench *b)
{
	struct frames *f = &b->balloon->frames;
	uint64_t *word = f->word + NEAR_PAGES / 64;

	for (uint64_t i = 0; i < far.nr / 64; i++)
		word[i] = far.hole[i] = EVERY_SECOND;
	f->nr_set += far.nr / 2;
	far.nr_holes = far.nr / 2;
}

void meter_inflate_every_second(struct bench *b)
{
	struct bulk_run *run = calloc(NEAR_PAGES / 2, sizeof(*run));
	uint64_t next = b->bus.next_gfn;
	size_t nr = 0;

	assert_non_null(run);
	for (uint64_t gfn = FREE; gfn + 1 < START + NEAR_PAGES - 1; gfn += 2)
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
	inflate_far(b);
}
