// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Progress. A guest may give back what it gave a moment ago, and a target may be no change at all:
 * every division has its guard, and distances are taken between sorted ends.
 */
#include "tools/ctl/ctl-progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BAR_MAX 60u

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

void progress_begin(struct progress *p, uint64_t ms, uint64_t from_kib, uint64_t to_kib)
{
	*p = (struct progress){
		.from_kib = from_kib,
		.to_kib = to_kib,
		.now_kib = from_kib,
		.moved_ms = ms,
		.nr = 1,
	};
	p->sample[0].ms = ms;
	p->sample[0].kib = from_kib;
}

void progress_update(struct progress *p, uint64_t ms, uint64_t kib)
{
	if (distance(kib, p->to_kib) < distance(p->now_kib, p->to_kib))
		p->moved_ms = ms;
	p->now_kib = kib;
	p->newest = (p->newest + 1) % PROGRESS_SAMPLES;
	p->sample[p->newest].ms = ms;
	p->sample[p->newest].kib = kib;
	if (p->nr < PROGRESS_SAMPLES)
		p->nr++;
}

bool progress_reached(const struct progress *p)
{
	return p->now_kib == p->to_kib;
}

/* What is done of the way; never more than all of it. */
static uint64_t done_kib(const struct progress *p)
{
	uint64_t all = distance(p->from_kib, p->to_kib), left = distance(p->now_kib, p->to_kib);

	return left < all ? all - left : 0;
}

unsigned int progress_percent(const struct progress *p)
{
	uint64_t all = distance(p->from_kib, p->to_kib), done = done_kib(p);

	if (progress_reached(p))
		return 100;
	if (!all)
		return 0;
	/* sizes near 2^64 have no hundredfold */
	return (unsigned int)(done > UINT64_MAX / 100 ? done / (all / 100 + 1) : done * 100 / all);
}

uint64_t progress_rate_kib_s(const struct progress *p, uint64_t ms)
{
	unsigned int oldest = p->newest;
	uint64_t before, now = distance(p->now_kib, p->to_kib), took;

	for (unsigned int i = 1; i < p->nr; i++) {
		unsigned int at = (p->newest + PROGRESS_SAMPLES - i) % PROGRESS_SAMPLES;

		if (ms - p->sample[at].ms > PROGRESS_WINDOW_MS)
			break;
		oldest = at;
	}
	took = ms - p->sample[oldest].ms;
	before = distance(p->sample[oldest].kib, p->to_kib);
	if (!took || before <= now)
		return 0;
	return before - now > UINT64_MAX / 1000 ? (before - now) / took * 1000
						: (before - now) * 1000 / took;
}

bool progress_left_s(const struct progress *p, uint64_t ms, uint64_t *left_s)
{
	uint64_t rate = progress_rate_kib_s(p, ms), left = distance(p->now_kib, p->to_kib);

	if (!rate)
		return false;
	*left_s = left / rate + (left % rate != 0);
	return true;
}

uint64_t progress_still_ms(const struct progress *p, uint64_t ms)
{
	return ms - p->moved_ms;
}

static size_t draw_bar(const struct progress *p, unsigned int width, char *text)
{
	unsigned int full = progress_percent(p) * width / 100;

	text[0] = '[';
	memset(text + 1, '#', full);
	memset(text + 1 + full, '-', width - full);
	text[width + 1] = ']';
	text[width + 2] = ' ';
	return width + 3;
}

const char *progress_text(const struct progress *p, uint64_t ms, unsigned int bar, char *text)
{
	size_t used = bar ? draw_bar(p, bar < BAR_MAX ? bar : BAR_MAX, text) : 0;
	uint64_t rate = progress_rate_kib_s(p, ms), left_s;

	used += (size_t)snprintf(text + used, PROGRESS_TEXT_MAX - used,
				 "%3u%%  %" PRIu64 " of %" PRIu64 " MiB", progress_percent(p),
				 done_kib(p) / 1024, distance(p->from_kib, p->to_kib) / 1024);
	if (progress_reached(p))
		return text;
	used += (size_t)snprintf(text + used, PROGRESS_TEXT_MAX - used,
				 "  %" PRIu64 ".%" PRIu64 " MiB/s", rate / 1024,
				 rate % 1024 * 10 / 1024);
	if (progress_left_s(p, ms, &left_s))
		snprintf(text + used, PROGRESS_TEXT_MAX - used, "  %" PRIu64 ":%02u left",
			 left_s / 60, (unsigned int)(left_s % 60));
	return text;
}
