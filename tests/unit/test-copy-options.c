// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xenvirtio-copy: each option reaches its field, each wrong line is named, and
 * --help, the manual page and the completion list the same.
 */
#include "tools/copy-options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct copy_options opts;
static char why[256];

static enum copy_options_result parse(const char *line)
{
	static char words[512];
	char *argv[17] = {(char[]){"xenvirtio-copy"}};
	char *save = NULL;
	int argc = 1;

	why[0] = '\0';
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word && argc < 16;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	return copy_options_parse(&opts, argc, argv, why, sizeof(why));
}

static void each_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("7 -"), COPY_OPTIONS_RUN);
	assert_string_equal(opts.domain, "7");
	assert_string_equal(opts.file, "-");
	assert_false(opts.no_skip || opts.checksums || opts.verify || opts.json ||
		     opts.devid_given);
	assert_string_equal(opts.state_dir, "/run/xen-vballoon");
	assert_int_equal(parse("--no-skip g --json f --state-dir /x --devid=2"), COPY_OPTIONS_RUN);
	assert_string_equal(opts.domain, "g");
	assert_string_equal(opts.file, "f");
	assert_true(opts.no_skip && opts.json && opts.devid_given);
	assert_int_equal(opts.devid, 2);
	assert_string_equal(opts.state_dir, "/x");
	assert_int_equal(parse("7 f --checksums"), COPY_OPTIONS_RUN);
	assert_true(opts.checksums);
	assert_int_equal(parse("7 f --verify"), COPY_OPTIONS_RUN);
	assert_true(opts.verify);
	assert_int_equal(parse("--help"), COPY_OPTIONS_HELP);
	assert_int_equal(parse("7 --version"), COPY_OPTIONS_VERSION);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
		{"", "usage"},
		{"7", "usage"},
		{"7 f g", "usage"},
		{"7 f --bogus", "--bogus"},
		{"7 f --devid x", "--devid x"},
		{"7 f --devid 65536", "65536"},
		{"7 f --devid", "--devid"},
		{"7 f --state-dir x", "absolute"},
		{"7 - --verify", "--verify"},
		{"7 f --verify --no-skip", "--verify"},
		{"7 f --verify --checksums", "--verify"},
		{"7 f --no-skip --checksums", "--checksums"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].line), COPY_OPTIONS_WRONG);
		assert_non_null(strstr(why, bad[i].word));
		assert_null(strchr(why, '\n'));
	}
}

static void read_file(const char *name, char *text, size_t size)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	size_t len;
	FILE *f;

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(text, 1, size - 1, f);
	fclose(f);
	assert_true(len > 0 && len < size - 1);
	text[len] = '\0';
}

static void help_manual_and_completion_list_the_same(void **state)
{
	static char help[8192], page[32768], completion[8192];
	size_t nr = 0, in_page = 0;
	FILE *f = fmemopen(help, sizeof(help), "w");

	assert_non_null(f);
	copy_options_help(f);
	fclose(f);
	read_file("man/xenvirtio-copy.8.scd", page, sizeof(page));
	read_file("tools/completion/xenvirtio-copy", completion, sizeof(completion));
	for (char *at = help; (at = strstr(at, "\n  --")); nr++) {
		char word[32], bold[40];

		at += 3;
		snprintf(word, sizeof(word), "%.*s", (int)strspn(at, "abcdefghijklmnopqrstuvwxyz-"),
			 at);
		snprintf(bold, sizeof(bold), "\n*%s*", word);
		assert_non_null(strstr(page, bold));
		assert_non_null(strstr(completion, word));
	}
	assert_int_equal(nr, 8);
	for (char *at = page; (at = strstr(at, "\n*--")); at++)
		in_page++;
	assert_int_equal(in_page, nr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_reaches_its_field),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(help_manual_and_completion_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
