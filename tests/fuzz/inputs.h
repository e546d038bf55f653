/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inputs that are kept, a file each, for programs that go through them. */
#ifndef FUZZ_INPUTS_H
#define FUZZ_INPUTS_H

#include <stdbool.h>

struct dirent;

struct corpus {
	char dir[512];
	int nr;
	struct dirent **entry;
};

/**
 * corpus_open() - the directory that is the first argument, or corpus/ of the target's name, which
 *                 follows @prefix in the program's own
 *
 * Return: false, and why as TAP: there is none
 */
bool corpus_open(struct corpus *corpus, int argc, char **argv, const char *prefix);
void corpus_close(struct corpus *corpus);
/** corpus_replay() - one of them; false: it cannot be read */
bool corpus_replay(const struct corpus *corpus, int index);
const char *corpus_name(const struct corpus *corpus, int index);

#endif /* FUZZ_INPUTS_H */
