// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole daemon is killed -9 at a call to Xen or to xenstored: whoever comes next knows what it knew, and page tables, bitmap and
 * xenstore agree, frame by frame. Others that move frames at the same time are in test-balloon-killed.c, which has no xenstore.
 * Chance is a number in here: every run is the same.
 */
#include "backend/devices/balloon/balloon-internal.h"
#include "backend/process/process-internal.h"
#include "fake/machine-fake.h"
#include "unit/rigs/mortal-bench.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DEATHS 300u
#define FRAMES 1024u
/* of those, entries of populate-on-demand at first, and what memory is kept for them */
#define POD_ENTRIES 512u
#define POD_CACHE 128u
#define DEATHS_A_DOMAIN 10u

static uint64_t chance = 7;
static unsigned int acts;

static uint32_t draw(uint32_t below)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(chance >> 33) % below;
}

/* --- frames --- */

/* Or what it said. */
static void start_next(struct process_bench *b)
{
	if (!process_bench_start(b))
		fail_msg("%s", b->capture.all);
}

static void act(struct process_bench *b)
{
	uint64_t gfn = BENCH_FREE_GFN + draw(FRAMES), nr = 1 + draw(200);
	char text[16];

	if (gfn + nr > BENCH_FREE_GFN + FRAMES)
		nr = BENCH_FREE_GFN + FRAMES - gfn;
	switch (draw(8)) {
	case 0:
		driver_reset(&b->driver);
		b->bus.next_gfn = 0x40000;
		process_bench_driver(b);
		break;
	case 1:
		snprintf(text, sizeof(text), "%u", 16384 + 4 * draw(1024));
		process_bench_put(b, "target", text);
		process_bench_run(b);
		break;
	case 2:
		machine_fake_pass(500);
		break;
	case 3:
	case 4:
	case 5:
		process_bench_send(b, INFLATE, gfn, nr);
		break;
	default:
		process_bench_send(b, DEFLATE, gfn, nr);
	}
	acts++;
}

static void live(struct process_bench *b)
{
	assert_true(process_bench_start(b));
	b->bus.next_gfn = 0x40000;
	process_bench_driver(b);
	for (;;)
		act(b);
}

static const struct balloon *balloon_of(const struct process_bench *b)
{
	return ((const struct balloon_daemon *)b->process->device)->balloon;
}

static void expect_exact(struct process_bench *b)
{
	const struct frames *f = &balloon_of(b)->frames;
	char ballooned[24];
	uint64_t nr;

	for (uint64_t gfn = BENCH_FREE_GFN; gfn < BENCH_FREE_GFN + FRAMES; gfn++)
		assert_int_equal(frames_look(f, xenvirtio_gfn(gfn), 1, &nr) == FRAME_BALLOONED,
				 !fake_present(b->fake, xenvirtio_gfn(gfn)));
	assert_int_equal(f->nr_set, fake_holes(b->fake));
	snprintf(ballooned, sizeof(ballooned), "%" PRIu64, f->nr_set * 4);
	process_bench_key_is(b, "ballooned", ballooned);
	/* nobody touches an entry here */
	assert_int_equal(fake_pod_populated(b->fake), 0);
}

static void succeed(struct process_bench *b)
{
	start_next(b);
	/* what the dead one's guest waits for, and what that begins */
	for (int i = 0; i < 4; i++) {
		while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
			process_bench_run(b);
		process_bench_run(b);
	}
	machine_fake_pass(1000);
	expect_exact(b);
}

static bool has_entries(const struct process_bench *b)
{
	struct xenvirtio_hv *hv = b->process->hv;
	struct xenvirtio_pod_info info;

	assert_int_equal(hv->ops->pod_info(hv, &info), 0);
	return info.entries;
}

static void page_tables_bitmap_and_xenstore_agree(void **state)
{
	uint64_t in_play = 0;

	for (unsigned int deaths = 0; deaths < DEATHS; deaths += DEATHS_A_DOMAIN) {
		struct process_bench *b = mortal_bench_new();

		fake_set_pod(b->fake, xenvirtio_gfn(BENCH_FREE_GFN), POD_ENTRIES, POD_CACHE);
		for (unsigned int i = 0; i < DEATHS_A_DOMAIN; i++) {
			assert_true(mortal_bench_live(b, live, 1 + draw(1500), draw(2)));
			succeed(b);
			in_play += has_entries(b);
			/* in use, so all is left to the next */
			process_bench_driver(b);
			process_bench_stop(b);
		}
		assert_int_equal(fake_faults(b->fake)->leaked, 0);
		assert_int_equal(fake_faults(b->fake)->released_mapped, 0);
		assert_int_equal(fake_faults(b->fake)->pod_empty, 0);
		process_bench_free(b);
	}
	print_message("# %u deaths in %u acts, %" PRIu64 " with populate-on-demand\n", DEATHS, acts, in_play);
	assert_true(acts > 2 * DEATHS);
	assert_in_range(in_play, DEATHS / 10, DEATHS - 1);
}

/* --- the first size of a domain --- */

static void start_new(struct process_bench *b)
{
	process_bench_start(b);
}

static void save(const struct process_bench *b)
{
	char path[160];
	FILE *file;

	assert_int_equal(mkdir(b->state_dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/7-7-7-0.size", b->state_dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fprintf(file, "12288\n") > 0);
	assert_int_equal(fclose(file), 0);
}

/* Whoever is killed before it has found the size that the guest had is followed by one that finds it. */
static void a_first_size_is_found_by_whoever_comes_next(void **state)
{
	bool died = true;
	unsigned int call = 0;

	while (died) {
		call++;
		for (int after = 0; after < 2; after++) {
			struct process_bench *b = mortal_bench_new();

			save(b);
			died = mortal_bench_live(b, start_new, call, after);
			if (died)
				start_next(b);
			process_bench_key_is(b, "target", "12288");
			process_bench_key_is(b, "pinned", "1");
			assert_int_equal(process_bench_num_pages(b), (BENCH_RAM_KIB - 12288) / 4);
			process_bench_put(b, "state", "5");
			process_bench_ends_clean(b);
			process_bench_free(b);
		}
	}
	print_message("# %u calls\n", call - 1);
	assert_in_range(call, 40, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_tables_bitmap_and_xenstore_agree),
		cmocka_unit_test(a_first_size_is_found_by_whoever_comes_next),
	};

	if (getenv("UNDER_VALGRIND")) {
		puts("1..0 # SKIP what a killed process had allocated is a leak to valgrind");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
