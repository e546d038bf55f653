// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xenvirtio-copy: each option reaches its field, each wrong line is named, and
 * --help and the manual page list the same.
 */
#include "tools/copy/copy-options.h"
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct copy_options opts;
static char why[256];

static enum command_line_result parse(const char *line)
{
	/* opts points into them */
	static struct line_words words;

	line_words_split(&words, "xenvirtio-copy", line);
	why[0] = '\0';
	return copy_options_parse(&opts, words.argc, words.argv, why, sizeof(why));
}

static void each_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("7 -"), COMMAND_LINE_RUN);
	assert_string_equal(opts.domain, "7");
	assert_string_equal(opts.file, "-");
	assert_false(opts.no_skip || opts.checksums || opts.verify || opts.json ||
		     opts.devid_given);
	assert_string_equal(opts.state_dir, "/run/xen-vballoon");
	assert_int_equal(parse("--no-skip g --json f --state-dir /x --devid=2"), COMMAND_LINE_RUN);
	assert_string_equal(opts.domain, "g");
	assert_string_equal(opts.file, "f");
	assert_true(opts.no_skip && opts.json && opts.devid_given);
	assert_int_equal(opts.devid, 2);
	assert_string_equal(opts.state_dir, "/x");
	assert_int_equal(parse("7 f --checksums"), COMMAND_LINE_RUN);
	assert_true(opts.checksums);
	assert_int_equal(parse("7 f --verify"), COMMAND_LINE_RUN);
	assert_true(opts.verify);
	assert_int_equal(parse("--help"), COMMAND_LINE_HELP);
	assert_int_equal(parse("7 --version"), COMMAND_LINE_VERSION);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"", "usage"},
		{"7", "usage"},
		{"7 f g", "usage"},
		{"7 f --bogus", "--bogus"},
		{"7 - --bogus", "--bogus"},
		{"7 - --json=1", "--json=1 takes no value"},
		{"7 f --devid x", "--devid x"},
		{"7 f --devid 65536", "65536"},
		{"7 f --devid", "--devid"},
		{"7 f --state-dir x", "absolute"},
		{"7 - --verify", "--verify"},
		{"7 f --verify --no-skip", "--verify"},
		{"7 f --verify --checksums", "--verify"},
		{"7 f --no-skip --checksums", "--checksums"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

static void help_and_manual_list_the_same(void **state)
{
	line_bench_documents(&copy_command_line, "man/xenvirtio-copy.8.scd", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_reaches_its_field),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(help_and_manual_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
