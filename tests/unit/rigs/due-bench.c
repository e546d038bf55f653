// SPDX-License-Identifier: GPL-2.0-or-later
/* See due-bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fake/lethal.h"
#include "unit/rigs/due-bench.h"

#define FIRST 0x40000u

/* what the driver took out of its balloon, and was told that it has */
static bool in_use[8 * LARGE_DUE];

int due_setup_large(void **state)
{
	const struct fake_config config = { .ram = { { { FIRST }, { FIRST + 8 * LARGE_DUE - 1 } } }, .nr_ram = 1, .invalidate = true };

	return bench_setup_ram(state, &config);
}

void due_tell(struct bench *b, uint32_t pages)
{
	assert_int_equal(b->bus.bus.ops->write(&b->bus.bus, REG_CONFIG + 4, 4, pages), 0);
}

int due_send(struct bench *b, unsigned int index, uint64_t gfn, uint32_t nr, uint32_t actual)
{
	uint64_t next_gfn = b->bus.next_gfn;
	uint32_t pfn[1024], len;
	uint16_t head;
	int ret;

	for (uint32_t i = 0; i < nr; i++)
		pfn[i] = (uint32_t)(gfn + nr - 1 - i);
	if (index == INFLATE)
		memset(&in_use[gfn - FIRST], false, nr);
	/* nothing is allocated here: the process may die in it */
	ret = bench_post_bytes(b, index, pfn, nr * sizeof(*pfn));
	if (!ret)
		ret = driver_wait(&b->driver.queue[index], &head, &len);
	b->bus.next_gfn = next_gfn;
	if (ret)
		return ret;
	if (index == DEFLATE)
		memset(&in_use[gfn - FIRST], true, nr);
	due_assert_in_use(b);
	due_tell(b, actual);
	return 0;
}

void due_assert_in_use(struct bench *b)
{
	for (uint64_t i = 0; i < 8 * LARGE_DUE; i++)
		if (in_use[i])
			assert_true(fake_present(b->fake, xenvirtio_gfn(FIRST + i)));
}

void due_begin(struct bench *b, uint32_t target)
{
	memset(in_use, false, sizeof(in_use));
	assert_int_equal(balloon_set_target(b->balloon, target), 0);
	assert_int_equal(bench_driver(b, DUE_FEATURES), 0);
}

void due_expect(struct bench *b, uint64_t ballooned, uint64_t due)
{
	assert_int_equal(bench_status(b).ballooned_pages, ballooned);
	assert_int_equal(bench_status(b).due_pages, due);
	due_assert_in_use(b);
	bench_assert_exact(b);
}

void due_settle(struct bench *b)
{
	balloon_settle(b->balloon);
	balloon_settle(b->balloon);
}

static void expect_exact_end(struct bench *b)
{
	assert_int_equal(bench_start(b), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_run(b), 0);
		while (fake_mmio_finish(b->fake, 0, NULL) == XENVIRTIO_E_AGAIN)
			assert_int_equal(bench_run(b), 0);
	}
	due_assert_in_use(b);
	due_settle(b);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(bench_status(b).due_pages, 0);
	due_assert_in_use(b);
	bench_assert_exact(b);
}

unsigned int due_die_everywhere(int (*setup)(void **state), void (*live)(struct bench *b))
{
	volatile unsigned int deaths = 0;
	volatile bool dead = true;

	for (volatile unsigned int call = 1; dead; call++)
		for (volatile int after = 0; after < 2; after++) {
			void *state = NULL;
			struct bench *b;

			assert_int_equal(setup(&state), 0);
			b = state;
			lethal_wrap(b->hv);
			lethal_arm(call, after);
			dead = setjmp(lethal_died);
			if (!dead)
				live(state);
			b = state;
			lethal_arm(0, false);
			bench_kill(b);
			expect_exact_end(b);
			deaths += dead;
			assert_int_equal(bench_teardown(&state), 0);
		}
	print_message("# %u deaths\n", deaths);
	return deaths;
}
