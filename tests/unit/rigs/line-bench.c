// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tests of command lines share, see line-bench.h.
 */
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz-"

void line_words_split(struct line_words *words, const char *program, const char *line)
{
	char *save = NULL, *word;

	assert_true(strlen(program) + 1 + strlen(line) < sizeof(words->text));
	snprintf(words->text, sizeof(words->text), "%s %s", program, line);
	words->argc = 0;
	for (word = strtok_r(words->text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(words->argc <= LINE_WORDS_MAX);
		words->argv[words->argc++] = word;
	}
	words->argv[words->argc] = NULL;
}

void line_bench_expect_wrong(enum command_line_result (*parse)(const char *line), const char *why,
			     const struct wrong_line *bad, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		print_message("# %s\n", bad[i].line);
		assert_int_equal(parse(bad[i].line), COMMAND_LINE_WRONG);
		assert_non_null(strstr(why, bad[i].word));
		assert_null(strchr(why, '\n'));
	}
}

/* Return: the text of a file of the source tree, to be freed */
static char *read_source(const char *name)
{
	const size_t size = 65536;
	const char *top = getenv("top_srcdir");
	char *text = malloc(size);
	char path[512];
	size_t len;
	FILE *f;

	assert_true(top && text);
	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(text, 1, size - 1, f);
	fclose(f);
	assert_true(len > 0 && len < size - 1);
	text[len] = '\0';
	return text;
}

/* Whether the line @at is in begins a paragraph, with @mark: an item of the page. */
static bool is_item(const char *text, const char *at, const char *mark)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at - text >= 2 && at[-2] == '\n' && strncmp(at, mark, strlen(mark)) == 0;
}

static bool has_item(const char *page, const char *word)
{
	char bold[40];

	snprintf(bold, sizeof(bold), "*%s*", word);
	for (const char *at = page; (at = strstr(at, bold)); at++) {
		if (is_item(page, at, word[0] == '-' ? "*--" : bold))
			return true;
	}
	return false;
}

static size_t count_options(const char *page)
{
	size_t nr = 0;

	for (const char *at = page; (at = strstr(at, "*--")); at++)
		nr += is_item(page, at, "*--");
	return nr;
}

void line_bench_documents(const struct command_line *line, const char *page, size_t nr)
{
	static char help[8192];
	char *manual = read_source(page);
	size_t listed = 0, options = 0;
	FILE *f = fmemopen(help, sizeof(help), "w");

	assert_non_null(f);
	line->help(f);
	fclose(f);
	for (const char *at = help; (at = strstr(at, "\n  ")); at += 3) {
		size_t len = strspn(at + 3, NAME_LETTERS);
		char word[32];

		/* a line that continues the one before */
		if (!len)
			continue;
		assert_true(len < sizeof(word));
		snprintf(word, sizeof(word), "%.*s", (int)len, at + 3);
		print_message("# %s\n", word);
		assert_true(has_item(manual, word));
		listed++;
		options += word[0] == '-';
	}
	assert_int_equal(options, line->nr_rows);
	assert_int_equal(count_options(manual), options);
	assert_int_equal(listed, nr);
	free(manual);
}
