// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kill -9 at hypercalls by chance, before them and after them, under a guest that inflates, deflates and resets, has hypercalls of its
 * own for the same frames, and another process that has some of them mapped.
 *
 * Each successor is served frame by frame: once it has verified, what the bitmap has is what the guest has, but for frames that
 * the guest gave away itself and never named. What a driver was told is so. Chance is a number in here: every run is the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/balloon-bench.h"

#define KILLS 1000u
#define FRAMES 2048u
#define SPARE 8192u
enum { INFLATE, DEFLATE };

static struct xenvirtio_hv_ops lethal;
static const struct xenvirtio_hv_ops *real;
static jmp_buf died;
static unsigned int calls_to_live; /* 0: for ever */
static bool after;
static uint64_t chance = 1;
static struct xenvirtio_hv *guest, *other;
static void *mapped;
static bool given_away[FRAMES]; /* by the guest itself, since it named them last */

static uint32_t draw(uint32_t below)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(chance >> 33) % below;
}

static bool is_last_call(void)
{
	return calls_to_live && !--calls_to_live;
}

/* The process is no more: before the hypervisor has heard of the call, or after it has done it. */
#define LETHAL(name, params, args) \
	static int die_in_##name params \
	{ \
		bool last = is_last_call(); \
		int ret; \
\
		if (last && !after) \
			longjmp(died, 1); \
		ret = real->name args; \
		if (last) \
			longjmp(died, 1); \
		return ret; \
	}

LETHAL(domain_info, (struct xenvirtio_hv * hv, struct xenvirtio_domain_info *info), (hv, info))
LETHAL(release_pages,
       (struct xenvirtio_hv * hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order, size_t *done),
       (hv, gfn, nr, order, done))
LETHAL(populate_pages,
       (struct xenvirtio_hv * hv, const struct xenvirtio_gfn *gfn, size_t nr, unsigned int order, size_t *done),
       (hv, gfn, nr, order, done))
LETHAL(frames_present, (struct xenvirtio_hv * hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present),
       (hv, gfn, nr, present))
LETHAL(pause, (struct xenvirtio_hv * hv), (hv))
LETHAL(unpause, (struct xenvirtio_hv * hv), (hv))
LETHAL(set_irq, (struct xenvirtio_hv * hv, uint32_t irq, bool level), (hv, irq, level))
LETHAL(ioreq_complete, (struct xenvirtio_hv * hv, const struct xenvirtio_ioreq *req), (hv, req))

static int serve(void *opaque)
{
	return bench_run(opaque);
}

static void start(struct bench *b)
{
	assert_int_equal(bench_start(b), 0);
	real = b->hv->ops;
	lethal = *real;
	lethal.domain_info = die_in_domain_info;
	lethal.release_pages = die_in_release_pages;
	lethal.populate_pages = die_in_populate_pages;
	lethal.frames_present = die_in_frames_present;
	lethal.pause = die_in_pause;
	lethal.unpause = die_in_unpause;
	lethal.set_irq = die_in_set_irq;
	lethal.ioreq_complete = die_in_ioreq_complete;
	b->hv->ops = &lethal;
}

/*
 * A host and a domain with room to spare: a guest that exchanges frames between two looks at it hides that from us, and loses as
 * many as it is given a second time.
 */
static int setup(void **state)
{
	const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40000 + 4095 } };
	const struct fake_config config = { .ram = { ram }, .nr_ram = 1, .heap_pages = SPARE, .max_pages = 4096 + SPARE };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	b->persist_bytes = balloon_persist_bytes(&ram, 1);
	b->persist = calloc(1, b->persist_bytes);
	b->server_id = XENVIRTIO_IOREQ_NEW;
	b->turns_max = BENCH_TURNS_MAX;
	b->encoding = BULK_CHUNKS;
	start(b);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, ram, xenvirtio_gfn(BENCH_HOLE_GFN), serve, NULL, b);
	b->driver.bus = &b->bus.bus;
	/* blocks of 2 MiB */
	assert_int_equal(BENCH_FREE_GFN % 512, 0);
	*state = b;
	return bench_driver(b, F_MUST_TELL_HOST);
}

/* --- who else moves frames --- */

static struct xenvirtio_run draw_run(void)
{
	uint64_t nr = draw(4) ? 1 + draw(40) : 512u << draw(2), at = draw(FRAMES);

	if (nr >= 512)
		at -= at % 512;
	return (struct xenvirtio_run){ xenvirtio_gfn(BENCH_FREE_GFN + at), at + nr > FRAMES ? FRAMES - at : nr };
}

static void guest_moves(struct bench *b)
{
	struct xenvirtio_run run = draw_run();
	bool away = draw(2);

	for (uint64_t i = 0; i < run.nr && i < 64; i++) {
		struct xenvirtio_gfn gfn = { run.start.v + i };
		size_t done;

		if (away && fake_present(b->fake, gfn)) {
			given_away[gfn.v - BENCH_FREE_GFN] = true;
			assert_int_equal(guest->ops->release_pages(guest, &gfn, 1, 0, &done), 0);
		} else if (!away && !fake_present(b->fake, gfn)) {
			assert_int_equal(guest->ops->populate_pages(guest, &gfn, 1, 0, &done), 0);
		}
	}
}

static void others_unmap(void)
{
	if (mapped)
		assert_int_equal(other->ops->unmap(other, mapped, 1), 0);
	mapped = NULL;
}

static void others_map(struct bench *b)
{
	struct xenvirtio_gfn gfn = draw_run().start;

	others_unmap();
	if (fake_present(b->fake, gfn))
		assert_int_equal(other->ops->map(other, &gfn, 1, false, &mapped), 0);
}

/* --- what the driver does --- */

static void send(struct bench *b, unsigned int index)
{
	static unsigned char msg[64];
	struct bulk_run runs[4];
	size_t nr = 1 + draw(4);
	uint64_t next_gfn = b->bus.next_gfn;
	uint16_t head;
	uint32_t len;

	for (size_t i = 0; i < nr; i++) {
		struct xenvirtio_run run = draw_run();

		runs[i] = (struct bulk_run){ run.start.v, run.nr };
		for (uint64_t k = 0; index == INFLATE && k < run.nr; k++)
			given_away[run.start.v + k - BENCH_FREE_GFN] = false;
	}
	if (bench_post_bytes(b, index, msg, bulk_encode(BULK_CHUNKS, runs, nr, msg, sizeof(msg))) ||
	    driver_wait(&b->driver.queue[index], &head, &len))
		return;
	b->bus.next_gfn = next_gfn;
	if (index == INFLATE)
		return;
	/* it was acknowledged: it is there */
	for (size_t i = 0; i < nr; i++)
		for (uint64_t k = 0; k < runs[i].nr; k++)
			assert_true(fake_present(b->fake, xenvirtio_gfn(runs[i].pfn + k)));
}

static void act(struct bench *b)
{
	switch (draw(8)) {
	case 0:
		driver_reset(&b->driver);
		break;
	case 1:
		balloon_verify(b->balloon);
		bench_run(b);
		break;
	case 2:
	case 3:
	case 4:
		send(b, INFLATE);
		break;
	default:
		send(b, DEFLATE);
	}
	if (!(driver_status(&b->driver) & STATUS_DRIVER_OK)) {
		b->bus.next_gfn = 0x40000;
		bench_driver(b, F_MUST_TELL_HOST);
	}
}

static void expect_exact(struct bench *b)
{
	uint64_t set = 0;

	for (uint64_t i = 0; i < FRAMES; i++) {
		struct xenvirtio_run run = { xenvirtio_gfn(BENCH_FREE_GFN + i), 1 }, piece;
		bool ballooned = frames_next(&b->balloon->frames, &run, &piece) == FRAME_BALLOONED;
		bool hole = !fake_present(b->fake, xenvirtio_gfn(BENCH_FREE_GFN + i));

		set += ballooned;
		if (ballooned != hole && !(hole && given_away[i]))
			fail_msg("frame %llu is %s, says the bitmap", (unsigned long long)i,
				 ballooned ? "in the balloon" : "there");
	}
	assert_int_equal(bench_status(b).ballooned_pages, set);
}

static bool is_paused(struct bench *b)
{
	struct xenvirtio_domain_info info;

	assert_int_equal(b->hv->ops->domain_info(b->hv, &info), 0);
	return info.paused;
}

/* The successor, to the end of all that the dead one had begun. */
static void succeed(struct bench *b)
{
	calls_to_live = 0;
	bench_kill(b);
	/* with a frame that is still somebody's the host would be one short */
	others_unmap();
	start(b);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_run(b), 0);
		while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
			assert_int_equal(bench_run(b), 0);
	}
	/* a guest that exchanged frames hid that from all but a sweep */
	while (!b->balloon->verify.sweeps || b->balloon->verify.active || b->balloon->reservation.doubt || !b->balloon->reservation.base_known) {
		assert_int_equal(balloon_verify(b->balloon), 0);
		assert_int_equal(bench_run(b), 0);
	}
	expect_exact(b);
	assert_false(is_paused(b));
	/* the driver starts over: its queues are not what the dead one left */
	b->bus.next_gfn = 0x40000;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	memset(given_away, 0, sizeof(given_away));
	for (uint64_t i = 0; i < FRAMES; i++)
		given_away[i] = !fake_present(b->fake, xenvirtio_gfn(BENCH_FREE_GFN + i));
	assert_int_equal(bench_status(b).ballooned_pages, 0);
}

static void a_thousand_deaths(void **state)
{
	struct bench *b = *state;
	volatile unsigned int kills = 0, acts = 0;

	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(fake_open(b->fake, &other), 0);
	while (kills < KILLS) {
		calls_to_live = 1 + draw(60);
		after = draw(2);
		if (setjmp(died)) {
			kills++;
			succeed(b);
			continue;
		}
		for (;;) {
			act(b);
			guest_moves(b);
			others_map(b);
			acts++;
		}
	}
	print_message("# %u deaths in %u acts\n", kills, acts);
	calls_to_live = 0;
	others_unmap();
	other->ops->close(other);
	guest->ops->close(guest);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
}

static int teardown(void **state)
{
	struct bench *b = *state;

	assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	assert_int_equal(fake_live_pages(b->fake), 0);
	bench_free(b);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_deaths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
