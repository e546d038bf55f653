// SPDX-License-Identifier: GPL-2.0-or-later
/* See reservation-bench.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/reservation-bench.h"


int rb_open(struct reservation_bench *b)
{
	const struct xenvirtio_gfn_range ram = { { RAM_START }, { RAM_START + RAM_PAGES - 1 } };
	int ret;

	assert_int_equal(fake_open(b->fake, &b->hv), 0);
	ret = xenvirtio_gmem_new(&b->gmem, b->hv, 16);
	if (!ret)
		ret = frames_init(&b->frames, &ram, 1, b->word);
	if (!ret)
		ret = reservation_init(&b->r, b->hv, b->gmem, &b->frames, &b->journal);
	return ret;
}

void rb_close(struct reservation_bench *b)
{
	xenvirtio_gmem_free(b->gmem);
	b->gmem = NULL;
	xenvirtio_hv_close(b->hv);
	b->hv = NULL;
}

int rb_setup(void **state)
{
	struct fake_config config = {
		.ram = { { { RAM_START }, { RAM_START + RAM_PAGES - 1 } } },
		.nr_ram = 1,
		.heap_pages = 100,
	};
	struct reservation_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->fake = fake_new(&config);
	assert_non_null(b->fake);
	assert_int_equal(rb_open(b), 0);
	*state = b;
	return 0;
}

/* Each frame: ballooned in the bitmap if and only if the guest has a hole there. */
void rb_assert_exact(struct reservation_bench *b)
{
	struct xenvirtio_run run = { xenvirtio_gfn(RAM_START), RAM_PAGES }, piece;

	while (run.nr) {
		bool present = frames_next(&b->frames, &run, &piece) == FRAME_PRESENT;

		for (uint64_t i = 0; i < piece.nr; i++)
			assert_int_equal(
				fake_present(b->fake, xenvirtio_gfn(piece.start.v + i)), present);
	}
	assert_int_equal(b->frames.nr_set, RAM_PAGES - fake_tot_pages(b->fake));
}

int rb_teardown(void **state)
{
	struct reservation_bench *b = *state;

	rb_close(b);
	assert_int_equal(fake_faults_total(b->fake), 0);
	assert_int_equal(fake_live_pages(b->fake), 0);
	fake_free(b->fake);
	free(b);
	return 0;
}

bool rb_is_ballooned(const struct reservation_bench *b, uint64_t offset)
{
	struct xenvirtio_run run = { xenvirtio_gfn(RAM_START + offset), 1 }, piece;

	return frames_next(&b->frames, &run, &piece) == FRAME_BALLOONED;
}

struct xenvirtio_run rb_run_at(uint64_t offset, uint64_t nr)
{
	return (struct xenvirtio_run){ xenvirtio_gfn(RAM_START + offset), nr };
}

/* In one turn, however long. */
int rb_release(struct reservation_bench *b, uint64_t offset, uint64_t nr)
{
	struct xenvirtio_run run = rb_run_at(offset, nr);
	int ret = reservation_turn(&b->r, BUDGET_UNBOUNDED);

	if (!ret)
		ret = reservation_release(&b->r, &run);
	if (!ret)
		ret = reservation_release_flush(&b->r);
	if (!ret) {
		assert_int_equal(run.nr, 0);
		assert_true(reservation_release_idle(&b->r));
	}
	return ret;
}

static int populate_once(struct reservation_bench *b, struct xenvirtio_run run)
{
	struct xenvirtio_run piece;
	int ret = 0;

	b->r.dropped = false;
	while (run.nr && !ret) {
		if (frames_next(&b->frames, &run, &piece) == FRAME_BALLOONED)
			ret = reservation_populate(&b->r, &piece);
	}
	return ret ? ret : reservation_populate_flush(&b->r);
}

/* Populate what is ballooned of a run, as the device does. */
int rb_populate(struct reservation_bench *b, uint64_t offset, uint64_t nr)
{
	int ret = reservation_turn(&b->r, BUDGET_UNBOUNDED);

	reservation_populate_begin(&b->r);
	do
		ret = ret ? ret : populate_once(b, rb_run_at(offset, nr));
	while (!ret && b->r.dropped && !b->r.short_of_memory);
	return ret;
}
