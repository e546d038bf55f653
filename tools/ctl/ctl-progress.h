/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a balloon is on its way from one size to another: share, rate, remaining time, and for
 * how long nothing has moved. Pure: times are the caller's, in milliseconds that never go back.
 */
#ifndef TOOLS_CTL_PROGRESS_H
#define TOOLS_CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** the rate is that of the last so many milliseconds */
#define PROGRESS_WINDOW_MS 4000u
#define PROGRESS_SAMPLES 32u
/** what progress_text() fills at most */
#define PROGRESS_TEXT_MAX 160u

struct progress {
	uint64_t from_kib;
	uint64_t to_kib;
	uint64_t now_kib;
	uint64_t moved_ms; /* when it last came nearer */
	struct {
		uint64_t ms;
		uint64_t kib;
	} sample[PROGRESS_SAMPLES]; /* a ring */
	unsigned int nr;
	unsigned int newest;
};

void progress_begin(struct progress *p, uint64_t ms, uint64_t from_kib, uint64_t to_kib);
/** progress_update() - it is @kib now */
void progress_update(struct progress *p, uint64_t ms, uint64_t kib);

bool progress_reached(const struct progress *p);
/** progress_percent() - 100 only when it is reached; 0 where it went the other way */
unsigned int progress_percent(const struct progress *p);
/** progress_rate_kib_s() - towards the end; 0 when it stands or goes the other way */
uint64_t progress_rate_kib_s(const struct progress *p, uint64_t ms);
/** progress_left_s() - Return: whether that can be told; @left_s: out, rounded up */
bool progress_left_s(const struct progress *p, uint64_t ms, uint64_t *left_s);
/** progress_still_ms() - since when nothing came nearer */
uint64_t progress_still_ms(const struct progress *p, uint64_t ms);

/** progress_text() - "[####----]  50%  128 of 256 MiB  64 MiB/s  0:02 left"; @bar: width, 0: none
 */
const char *progress_text(const struct progress *p, uint64_t ms, unsigned int bar, char *text);

#endif /* TOOLS_CTL_PROGRESS_H */
