// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control tool's command line: each command and option reaches its field, each wrong one gets
 * a line that names it, and --help and the manual page list the same.
 */
#include "tools/ctl/ctl-options.h"
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ctl_options opts;
static char why[256];

static enum command_line_result parse(const char *line)
{
	/* opts points into them */
	static struct line_words words;

	line_words_split(&words, "xen-vballoonctl", line);
	why[0] = '\0';
	return ctl_options_parse(&opts, words.argc, words.argv, why, sizeof(why));
}

static void each_command_and_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("list"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_LIST);
	assert_false(opts.json);
	assert_string_equal(opts.state_dir, "/run/xen-vballoon");
	assert_int_equal(parse("status 7 --devid 2 --json --state-dir=/x"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_STATUS);
	assert_string_equal(opts.domain, "7");
	assert_true(opts.devid_given);
	assert_int_equal(opts.devid, 2);
	assert_true(opts.json);
	assert_string_equal(opts.state_dir, "/x");
	assert_int_equal(parse("auto 7 --devid 2"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_AUTO);
	assert_int_equal(opts.devid, 2);
	/* options before, between and after */
	assert_int_equal(parse("--wait set g --timeout 5 256M"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_SET);
	assert_string_equal(opts.domain, "g");
	assert_int_equal(opts.kib, 262144);
	assert_true(opts.wait);
	assert_false(opts.force);
	assert_int_equal(opts.timeout_s, 5);
	assert_int_equal(parse("set g 8 --force"), COMMAND_LINE_RUN);
	assert_true(opts.force);
	assert_int_equal(parse("stats g --watch --interval 3 --count 4"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_STATS);
	assert_true(opts.watch);
	assert_int_equal(opts.interval_s, 3);
	assert_int_equal(opts.count, 4);
	assert_int_equal(parse("unused g --devid 1 --json"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_UNUSED);
	assert_string_equal(opts.domain, "g");
	assert_int_equal(opts.devid, 1);
	assert_int_equal(parse("top"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_TOP);
	assert_int_equal(opts.interval_s, 2);
	assert_int_equal(opts.count, 0);
	assert_int_equal(parse("free 2G --wait --timeout 5"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_FREE);
	assert_int_equal(opts.kib, 2097152);
	assert_true(opts.wait);
	assert_int_equal(parse("free 0"), COMMAND_LINE_RUN);
	assert_int_equal(opts.kib, 0);
	assert_int_equal(parse("upgrade"), COMMAND_LINE_RUN);
	assert_int_equal(opts.command, CTL_UPGRADE);
	assert_null(opts.domain);
	assert_int_equal(parse("upgrade g --force"), COMMAND_LINE_RUN);
	assert_string_equal(opts.domain, "g");
	assert_true(opts.force);
	/* a name may begin with a dash */
	assert_int_equal(parse("status -- -odd"), COMMAND_LINE_RUN);
	assert_string_equal(opts.domain, "-odd");
}

static void a_wrong_line_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"", "command"},
		{"fly", "fly"},
		{"list 7", "list"},
		{"status", "status D"},
		{"status 7 8", "status D"},
		{"set 7", "set D SIZE"},
		{"set 7 256M x", "set D SIZE"},
		{"set 7 0", "0: not a size"},
		{"set 7 0K", "0K: not a size"},
		{"set 7 -5M", "-5M: not a size"},
		{"set 7 -5", "-5: not a size"},
		{"set 7 12Q", "12Q: not a size"},
		{"set 7 1.5G", "1.5G"},
		{"set 7 99999999999999999999", "99999999999999999999"},
		{"set 7 256M --timeout 5", "--wait"},
		{"set 7 256M --wait --timeout 0", "--timeout 0"},
		{"set 7 256M --wait --timeout x", "--timeout x"},
		{"set 7 256M --watch", "--watch"},
		{"unused", "unused D"},
		{"upgrade 7 8", "upgrade [D]"},
		{"upgrade --wait", "--wait"},
		{"free", "free SIZE"},
		{"free much", "much: not a size"},
		{"free 2G --devid 1", "--devid"},
		{"free 2G --timeout 5", "--wait"},
		{"unused g --watch", "--watch"},
		{"list --wait", "--wait"},
		{"auto g --force", "--force"},
		{"list --devid 1", "--devid"},
		{"status 7 --count 3", "--count"},
		{"status 7 --devid 65536", "65536"},
		{"top --interval 0", "--interval"},
		{"top --interval", "--interval"},
		{"top --json=1", "--json"},
		{"top --state-dir x", "absolute"},
		{"top --bogus", "--bogus"},
		{"top -x", "-x"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

static void help_and_version_win(void **state)
{
	assert_int_equal(parse("--help"), COMMAND_LINE_HELP);
	assert_int_equal(parse("fly --help"), COMMAND_LINE_HELP);
	assert_int_equal(parse("--version set"), COMMAND_LINE_VERSION);
}

static void help_and_manual_list_the_same(void **state)
{
	line_bench_documents(&ctl_command_line, "man/xen-vballoonctl.8.scd", 10 + 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_and_option_reaches_its_field),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(help_and_version_win),
		cmocka_unit_test(help_and_manual_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
