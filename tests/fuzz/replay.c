// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Goes through a target's corpus, as TAP: one input a file. An input that violates something
 * ends the process, which a test driver sees as the end of a plan that was not kept.
 */
#include "inputs.h"
#include "fuzz.h"

int main(int argc, char **argv)
{
	struct corpus corpus;
	int failed = 0;

	if (!corpus_open(&corpus, argc, argv, "replay-"))
		return 99;
	printf("1..%d\n", corpus.nr);
	for (int i = 0; i < corpus.nr; i++) {
		bool ok;

		fflush(stdout);
		ok = corpus_replay(&corpus, i);
		failed |= !ok;
		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, corpus_name(&corpus, i));
	}
	corpus_close(&corpus);
	return failed;
}
