/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reservation on the fake hypervisor, without a device in front of it. */
#ifndef RESERVATION_BENCH_H
#define RESERVATION_BENCH_H

#include "backend/devices/balloon/reservation.h"
#include "fake/hv-fake.h"

#define RAM_START 0x40000u
#define RAM_PAGES 4096u

struct reservation_bench {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct frames frames;
	struct reservation r;
	struct reservation_journal journal;
	uint64_t word[RAM_PAGES / 64];
};

/** rb_setup/teardown - for cmocka; teardown asserts that nothing was leaked or done wrong */
int rb_setup(void **state);
int rb_teardown(void **state);
/** rb_open/close - the process: what is in the bench survives it. Return: as reservation_init() */
int rb_open(struct reservation_bench *b);
void rb_close(struct reservation_bench *b);

/** rb_assert_exact - each frame: ballooned in the bitmap if and only if the guest has a hole there; and the domain's count agrees */
void rb_assert_exact(struct reservation_bench *b);
bool rb_is_ballooned(const struct reservation_bench *b, uint64_t offset);
struct xenvirtio_run rb_run_at(uint64_t offset, uint64_t nr);

/** rb_release - in one turn, however long */
int rb_release(struct reservation_bench *b, uint64_t offset, uint64_t nr);
/** rb_populate - what is ballooned of a run, as the device does */
int rb_populate(struct reservation_bench *b, uint64_t offset, uint64_t nr);

#endif /* RESERVATION_BENCH_H */
