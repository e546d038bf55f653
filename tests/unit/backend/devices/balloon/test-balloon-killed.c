// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kill -9 at hypercalls by chance, before them and after them, under a guest that inflates, deflates and resets, has hypercalls of its
 * own for the same frames, and another process that has some of them mapped. Each domain begins with populate-on-demand, with less
 * memory kept than it has entries; entries are touched, mapped by the other, released by both, and made again by Xen's sweep,
 * until the balloon has taken the last of them, or the next domain comes.
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

#include "fake/lethal.h"
#include "unit/rigs/balloon-bench.h"

#define KILLS 1000u
#define KILLS_A_DOMAIN 10u
#define FRAMES 2048u
/* entries and memory for them: some of what is named below is there at first */
#define POD_ENTRIES 1536u
#define POD_CACHE 512u
#define SPARE 8192u
enum { INFLATE, DEFLATE };

static uint64_t chance = 1;
static struct xenvirtio_hv *guest, *other;
static void *mapped;
static uint64_t populated; /* entries, by all but the balloon */
static struct {
	uint64_t deaths;   /* with entries left, and of these, in a call that moves frames */
	uint64_t in_a_move;
	uint64_t released; /* entries, by the balloon */
	uint64_t given_away; /* by the guest */
	uint64_t touched;
	uint64_t mapped;
	uint64_t swept;
	uint64_t domains_over; /* that had none left */
} pod;
static bool given_away[FRAMES]; /* by the guest itself, since it named them last */

static uint32_t draw(uint32_t below)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(chance >> 33) % below;
}

static int serve(void *opaque)
{
	return bench_run(opaque);
}

static void start(struct bench *b)
{
	assert_int_equal(bench_start(b), 0);
	lethal_wrap(b->hv);
}

static const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40000 + 4095 } };

/* A domain that has just been built. */
static void begin_domain(struct bench *b)
{
	fake_set_pod(b->fake, xenvirtio_gfn(BENCH_FREE_GFN + FRAMES - POD_ENTRIES), POD_ENTRIES, POD_CACHE);
	memset(b->persist, 0, b->persist_bytes);
	memset(&b->state, 0, sizeof(b->state));
	memset(&b->driver, 0, sizeof(b->driver));
	memset(given_away, 0, sizeof(given_away));
	populated = 0;
	b->server_id = XENVIRTIO_IOREQ_NEW;
	start(b);
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, ram, xenvirtio_gfn(BENCH_HOLE_GFN), serve, NULL, b);
	b->driver.bus = &b->bus.bus;
	assert_int_equal(bench_driver(b, F_MUST_TELL_HOST), 0);
	assert_int_equal(fake_open(b->fake, &guest), 0);
	assert_int_equal(fake_open(b->fake, &other), 0);
}

/* What no domain may have seen. */
static void end_domain(struct bench *b)
{
	assert_int_equal(xenvirtio_server_close(b->server), 0);
	bench_kill(b);
	other->ops->close(other);
	guest->ops->close(guest);
	assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
	assert_int_equal(fake_faults(b->fake)->pod_empty, 0);
	assert_int_equal(fake_live_pages(b->fake), 0);
}

/*
 * A host and a domain with room to spare: a guest that exchanges frames between two looks at it hides that from us, and loses as
 * many as it is given a second time.
 */
static int setup(void **state)
{
	const struct fake_config config = { .ram = { ram }, .nr_ram = 1, .heap_pages = SPARE, .max_pages = 4096 + SPARE };
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	b->persist_bytes = balloon_persist_bytes(&ram, 1);
	b->persist = calloc(1, b->persist_bytes);
	assert_non_null(b->persist);
	b->turns_max = BENCH_TURNS_MAX;
	b->encoding = BULK_CHUNKS;
	/* blocks of 2 MiB */
	assert_int_equal(BENCH_FREE_GFN % 512, 0);
	begin_domain(b);
	*state = b;
	return 0;
}

/* --- who else moves frames --- */

static struct xenvirtio_run draw_run(void)
{
	uint64_t nr = draw(4) ? 1 + draw(40) : 512u << draw(2), at = draw(FRAMES);

	if (nr >= 512)
		at -= at % 512;
	return (struct xenvirtio_run){ xenvirtio_gfn(BENCH_FREE_GFN + at), at + nr > FRAMES ? FRAMES - at : nr };
}

static struct xenvirtio_pod_info pod_info(void)
{
	struct xenvirtio_pod_info info;

	assert_int_equal(guest->ops->pod_info(guest, &info), 0);
	return info;
}

/* An entry for which no memory is left is touched by none who is in his senses: Xen would crash the domain. */
static bool may_touch(void)
{
	struct xenvirtio_pod_info info = pod_info();

	return info.cache_pages || !info.entries;
}

static uint64_t count_populated(struct bench *b)
{
	uint64_t more = fake_pod_populated(b->fake) - populated;

	populated += more;
	return more;
}

static void guest_moves(struct bench *b)
{
	struct xenvirtio_run run = draw_run();
	bool away = draw(2);
	uint64_t entries = pod_info().entries;

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
	pod.given_away += entries - pod_info().entries;
}

static void guest_touches(struct bench *b)
{
	struct xenvirtio_run run = draw_run();

	for (uint64_t i = 0; i < run.nr && i < 32 && may_touch(); i++)
		if (fake_present(b->fake, xenvirtio_gfn(run.start.v + i)))
			assert_non_null(fake_guest_page(b->fake, xenvirtio_gfn(run.start.v + i)));
	pod.touched += count_populated(b);
}

/*
 * Xen looks for frames with nothing in them when it needs some for entries. What the guest took back past its driver is left out: it is
 * in the bitmap until it is asked for, and the question would populate it.
 */
static void xen_sweeps(struct bench *b)
{
	struct xenvirtio_run run = draw_run(), piece;

	run.nr = run.nr < 24 ? run.nr : 24;
	while (run.nr)
		if (frames_next(&b->balloon->frames, &run, &piece) == FRAME_PRESENT)
			pod.swept += fake_pod_sweep(b->fake, piece.start, piece.nr);
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
	if (fake_present(b->fake, gfn) && may_touch())
		assert_int_equal(other->ops->map(other, &gfn, 1, false, &mapped), 0);
	pod.mapped += count_populated(b);
}

/* --- what the driver does --- */

static void send(struct bench *b, unsigned int index)
{
	static unsigned char msg[64];
	struct bulk_run runs[4];
	size_t nr = 1 + draw(4);
	uint64_t next_gfn = b->bus.next_gfn;
	bool asked = !pod_info().entries;
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
	/* It was acknowledged: it is there. What was never in the balloon is not asked for while the question may populate it. */
	for (size_t i = 0; i < nr; i++)
		for (uint64_t k = 0; k < runs[i].nr; k++)
			assert_true(fake_present(b->fake, xenvirtio_gfn(runs[i].pfn + k)) ||
				    (!asked && given_away[runs[i].pfn + k - BENCH_FREE_GFN]));
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
	/* none but those that were touched, or mapped by others */
	assert_int_equal(count_populated(b), 0);
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
	lethal_arm(0, false);
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

static unsigned int acts;
static uint64_t balloon_entries; /* before the balloon's act */

static void count_released(void)
{
	uint64_t entries = pod_info().entries;

	pod.released += balloon_entries - entries;
}

/* The balloon's own part of what is in play; the process may have died in it. */
static void act_and_count(struct bench *b)
{
	balloon_entries = pod_info().entries;
	act(b);
	count_released();
}

static void run_domain(struct bench *b, unsigned int deaths)
{
	static unsigned int left;

	left = deaths;
	if (setjmp(lethal_died)) {
		bool moving = b->balloon->reservation.journal->op != RESERVATION_IDLE;

		count_released();
		pod.deaths += balloon_entries != 0;
		pod.in_a_move += balloon_entries && moving;
		succeed(b);
		if (!--left)
			return;
	}
	lethal_arm(1 + draw(60), draw(2));
	for (;;) {
		act_and_count(b);
		guest_moves(b);
		guest_touches(b);
		xen_sweeps(b);
		others_map(b);
		acts++;
	}
}

static void a_thousand_deaths(void **state)
{
	struct bench *b = *state;

	for (unsigned int kills = 0; kills < KILLS; kills += KILLS_A_DOMAIN) {
		if (kills) {
			fake_reset(b->fake);
			begin_domain(b);
		}
		run_domain(b, KILLS_A_DOMAIN);
		pod.domains_over += !pod_info().entries;
		end_domain(b);
	}
	print_message("# %u deaths in %u acts\n", KILLS, acts);
	print_message("# populate-on-demand: in %llu of the deaths, %llu of them while frames moved; entries: %llu released by the balloon, %llu given away, "
		      "%llu touched, %llu mapped, %llu swept; %llu domains came to the end of it\n",
		      (unsigned long long)pod.deaths, (unsigned long long)pod.in_a_move, (unsigned long long)pod.released,
		      (unsigned long long)pod.given_away, (unsigned long long)pod.touched, (unsigned long long)pod.mapped,
		      (unsigned long long)pod.swept, (unsigned long long)pod.domains_over);
	/* in play, or this proves nothing of it */
	assert_true(pod.deaths >= KILLS / 4);
	assert_true(pod.in_a_move >= KILLS / 20);
	assert_true(pod.released >= 10 * KILLS);
	assert_true(pod.given_away >= KILLS);
	assert_true(pod.touched >= KILLS);
	assert_true(pod.mapped >= KILLS / 20);
	assert_true(pod.swept >= KILLS);
	assert_in_range(pod.domains_over, KILLS / KILLS_A_DOMAIN / 10, KILLS / KILLS_A_DOMAIN);
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_deaths, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
