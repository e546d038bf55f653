// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control tool's command line: each command and option reaches its field, each wrong one gets
 * a line that names it, and --help, the manual page and the completion list the same.
 */
#include "tools/ctl-options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 16

static struct ctl_options opts;
static char why[256];

/* Splits @line at blanks and parses it. */
static enum ctl_options_result parse(const char *line)
{
	static char words[512];
	char *argv[ARGS_MAX + 1] = {(char[]){"xen-vballoonctl"}};
	char *save = NULL;
	int argc = 1;

	why[0] = '\0';
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word && argc < ARGS_MAX;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	return ctl_options_parse(&opts, argc, argv, why, sizeof(why));
}

static void each_command_and_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("list"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_LIST);
	assert_false(opts.json);
	assert_string_equal(opts.state_dir, "/run/xen-vballoon");
	assert_int_equal(parse("status 7 --devid 2 --json --state-dir=/x"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_STATUS);
	assert_string_equal(opts.domain, "7");
	assert_true(opts.devid_given);
	assert_int_equal(opts.devid, 2);
	assert_true(opts.json);
	assert_string_equal(opts.state_dir, "/x");
	assert_int_equal(parse("auto 7 --devid 2"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_AUTO);
	assert_int_equal(opts.devid, 2);
	/* options before, between and after */
	assert_int_equal(parse("--wait set g --timeout 5 256M"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_SET);
	assert_string_equal(opts.domain, "g");
	assert_int_equal(opts.kib, 262144);
	assert_true(opts.wait);
	assert_int_equal(opts.timeout_s, 5);
	assert_int_equal(parse("stats g --watch --interval 3 --count 4"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_STATS);
	assert_true(opts.watch);
	assert_int_equal(opts.interval_s, 3);
	assert_int_equal(opts.count, 4);
	assert_int_equal(parse("unused g --devid 1 --json"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_UNUSED);
	assert_string_equal(opts.domain, "g");
	assert_int_equal(opts.devid, 1);
	assert_int_equal(parse("top"), CTL_OPTIONS_RUN);
	assert_int_equal(opts.command, CTL_TOP);
	assert_int_equal(opts.interval_s, 2);
	assert_int_equal(opts.count, 0);
	/* a name may begin with a dash */
	assert_int_equal(parse("status -- -odd"), CTL_OPTIONS_RUN);
	assert_string_equal(opts.domain, "-odd");
}

static void a_wrong_line_is_named(void **state)
{
	static const struct {
		const char *line, *word;
	} bad[] = {
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
		{"unused g --watch", "--watch"},
		{"list --wait", "--wait"},
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

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].line), CTL_OPTIONS_WRONG);
		assert_non_null(strstr(why, bad[i].word));
		assert_null(strchr(why, '\n'));
	}
}

static void help_and_version_win(void **state)
{
	assert_int_equal(parse("--help"), CTL_OPTIONS_HELP);
	assert_int_equal(parse("fly --help"), CTL_OPTIONS_HELP);
	assert_int_equal(parse("--version set"), CTL_OPTIONS_VERSION);
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

/* Every word after two blanks at the beginning of a line of --help, one by one. */
static void help_manual_and_completion_list_the_same(void **state)
{
	static char help[8192], page[32768], completion[8192];
	size_t nr = 0, in_page = 0;
	FILE *f = fmemopen(help, sizeof(help), "w");

	assert_non_null(f);
	ctl_options_help(f);
	fclose(f);
	read_file("man/xen-vballoonctl.8.scd", page, sizeof(page));
	read_file("tools/completion/xen-vballoonctl", completion, sizeof(completion));
	for (char *at = help; (at = strstr(at, "\n  ")); nr++) {
		char word[32], bold[40];

		at += 3;
		snprintf(word, sizeof(word), "%.*s", (int)strspn(at, "abcdefghijklmnopqrstuvwxyz-"),
			 at);
		assert_true(strlen(word) > 2);
		/* at the beginning of a line of the page, in bold */
		snprintf(bold, sizeof(bold), "\n*%s*", word);
		assert_non_null(strstr(page, bold));
		assert_non_null(strstr(completion, word));
	}
	assert_int_equal(nr, 7 + 10);
	/* and the page has no option more */
	for (char *at = page; (at = strstr(at, "\n*--")); at++)
		in_page++;
	assert_int_equal(in_page, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_and_option_reaches_its_field),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(help_and_version_win),
		cmocka_unit_test(help_manual_and_completion_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
