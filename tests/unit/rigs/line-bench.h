/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of command lines: a line becomes an argv, a wrong line must be named, and --help
 * and the manual page must list the same (the completion: test-completion.sh).
 */
#ifndef LINE_BENCH_H
#define LINE_BENCH_H

#include "backend/base/command-line.h"

#define LINE_WORDS_MAX 32

struct line_words {
	char text[512];
	char *argv[LINE_WORDS_MAX + 2];
	int argc;
};

/** line_words_split() - at blanks, behind the program's name; what is parsed points into @words */
void line_words_split(struct line_words *words, const char *program, const char *line);

struct wrong_line {
	const char *line;
	const char *word; /* what is said of it names this */
};

/**
 * line_bench_expect_wrong() - each of them is refused, by one line that names what is wrong
 * @parse: the program's parser
 * @why:   where it says so
 */
void line_bench_expect_wrong(enum command_line_result (*parse)(const char *line), const char *why,
			     const struct wrong_line *bad, size_t nr);

/**
 * line_bench_documents() - each option and command that --help lists stands in bold at the
 * beginning of a line of the manual page (or behind another one); the page has no option more
 * @page: below top_srcdir
 * @nr: how many there are
 */
void line_bench_documents(const struct command_line *line, const char *page, size_t nr);

#endif /* LINE_BENCH_H */
