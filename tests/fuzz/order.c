// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an input comes to does not depend on those before it, though the target keeps its machine:
 * the corpus in order, backwards, and each input on a new machine with true mappings end alike.
 * Control: what is compared differs from input to input.
 */
#include <stdbool.h>
#include <string.h>

#include "inputs.h"
#include "fuzz.h"
#include "machine.h"

#define INPUTS_MAX 4096

static uint64_t outcome[INPUTS_MAX];

static uint64_t run(const struct corpus *corpus, int index)
{
	MUST(corpus_replay(corpus, index));
	return fuzz_machine_digest();
}

static void result(int number, int wrong, const char *text)
{
	if (wrong)
		printf("# %d inputs\n", wrong);
	printf("%sok %d - %s\n", wrong ? "not " : "", number, text);
}

int main(int argc, char **argv)
{
	struct corpus corpus;
	int backwards = 0, anew = 0, kinds = 0, step = 1;

	if (!corpus_open(&corpus, argc, argv, "order-") || corpus.nr > INPUTS_MAX)
		return 99;
	/* valgrind looks at each byte of each digest */
	if (getenv("UNDER_VALGRIND"))
		step = 1 + corpus.nr / 16;
	printf("1..3\n");
	fflush(stdout);
	fuzz_machine_want_digest();
	for (int i = 0; i < corpus.nr; i += step)
		outcome[i] = run(&corpus, i);
	for (int i = (corpus.nr - 1) / step * step; i >= 0; i -= step)
		backwards += run(&corpus, i) != outcome[i];
	result(1, backwards, "the same backwards");
	for (int i = 0; i < corpus.nr; i += step) {
		fuzz_machine_renew(false);
		anew += run(&corpus, i) != outcome[i];
		kinds += i >= step && outcome[i] != outcome[i - step];
	}
	result(2, anew, "the same on new machines with true mappings");
	result(3, kinds < corpus.nr / step / 2, "and not all come to the same");
	corpus_close(&corpus);
	return backwards || anew || kinds < corpus.nr / step / 2;
}
