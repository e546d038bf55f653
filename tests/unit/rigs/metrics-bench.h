/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scraper: asks over HTTP, takes the text apart as its format has it, and finds samples in it.
 * One text at a time; the last one stays.
 */
#ifndef METRICS_BENCH_H
#define METRICS_BENCH_H

#include "backend/metrics/metrics.h"
#include "unit/rigs/control-bench.h"

#define METRICS_PREFIX "xen_vballoon_"

struct sample {
	char family[96];
	char labels[256];
	double value;
};

/** metrics_bench_path - of the socket of the last address */
extern char metrics_bench_path[128];
/** metrics_bench_address() - a socket in the bench's directory */
void metrics_bench_address(struct control_bench *b, struct metrics_address *a);
/** metrics_bench_ask() - sends @request there. Return: all of the answer; to be freed */
char *metrics_bench_ask(struct control_bench *b, const char *request);

/** scrape() - HELP, TYPE, samples of that family, and no family twice, or the test fails; eats @text */
void scrape(char *text);
/** scraped_samples() - how many there were */
size_t scraped_samples(void);
/** scraped_find() - the sample of a family, without its prefix, whose labels contain @label; NULL */
const struct sample *scraped_find(const char *family, const char *label);
/** scraped_is() - asserts that it is there and has that value */
void scraped_is(const char *family, const char *label, double value);

#endif /* METRICS_BENCH_H */
