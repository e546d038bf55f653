// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vrngd: its own option, that it has all of those every daemon has
 * (test-balloon-options.c tries what each of them takes), and that --help and the manual page list the
 * same.
 */
#include "backend/devices/rng/daemon/rng-daemon.h"
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rng_options opts;
static char why[256];

static enum command_line_result parse(const char *line)
{
	/* opts points into them */
	static struct line_words words;

	line_words_split(&words, "xen-vrngd", line);
	why[0] = '\0';
	rng_options_default(&opts.common);
	return command_line_parse(&rng_command_line, &opts, words.argc, words.argv, why,
				  sizeof(why));
}

static void without_a_word_it_is_the_service(void **state)
{
	assert_int_equal(parse(""), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 0);
	assert_false(opts.common.devid_given);
	assert_false(opts.common.base_given);
	assert_int_equal(opts.rate_kib, 1024);
	assert_string_equal(opts.common.program->name, "xen-vrngd");
	assert_string_equal(opts.common.state_dir, "/run/xen-vrng");
	assert_int_equal(opts.common.metrics.len, 0);
	assert_null(opts.common.record);
	assert_int_equal(opts.common.log_level, LOG_LEVEL_NOTICE);
	assert_false(opts.common.syslog);
	assert_int_equal(parse("--rate 64K --state-dir /x"), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 0);
	assert_int_equal(opts.rate_kib, 64);
}

static void each_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("--domid=32751 --devid=2 --base=0x2000200 --irq=36 --rate=3M "
			       "--notify=event-channel --state-dir=/x --metrics=127.0.0.1:9102 "
			       "--record=y --sandbox=require --log-level=debug --syslog"),
			 COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 32751);
	assert_true(opts.common.devid_given);
	assert_int_equal(opts.common.devid, 2);
	assert_true(opts.common.base_given);
	assert_int_equal(opts.common.base.v, 0x2000200);
	assert_true(opts.common.sandbox_required);
	assert_false(opts.common.no_sandbox);
	assert_true(opts.common.irq_given);
	assert_int_equal(opts.common.irq, 36);
	assert_int_equal(opts.rate_kib, 3072);
	assert_int_equal(opts.common.notify, XENVIRTIO_NOTIFY_EVENT_CHANNEL);
	assert_string_equal(opts.common.state_dir, "/x");
	assert_int_equal(opts.common.metrics.address.ss_family, AF_INET);
	assert_string_equal(opts.common.record, "y");
	assert_int_equal(opts.common.log_level, LOG_LEVEL_DEBUG);
	assert_true(opts.common.syslog);
}

static void assert_rate(const char *arg, uint64_t kib)
{
	char line[64];

	snprintf(line, sizeof(line), "--domid 1 --rate=%s", arg);
	assert_int_equal(parse(line), COMMAND_LINE_RUN);
	assert_int_equal(opts.rate_kib, kib);
}

static void a_rate_is_a_size_or_none(void **state)
{
	assert_rate("1K", 1);
	assert_rate("1024B", 1);
	assert_rate("1", 1024);
	assert_rate("2G", 2097152);
	assert_rate("none", 0);
	/* the last word counts */
	assert_int_equal(parse("--rate none --rate 5K"), COMMAND_LINE_RUN);
	assert_int_equal(opts.rate_kib, 5);
	assert_int_equal(parse("--rate 5K --rate none"), COMMAND_LINE_RUN);
	assert_int_equal(opts.rate_kib, 0);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"--rate", "--rate"},
		{"--rate=", "--rate"},
		{"--rate 0", "--rate 0"},
		{"--rate 1023B", "1023B"},
		{"--rate -1M", "-1M"},
		{"--rate 12Q", "12Q"},
		{"--rate nothing", "nothing"},
		{"--rate 99999999999999999999", "--rate"},
		{"--devid 0", "--devid without --domid"},
		{"--base 0x2000000 --irq 36", "--base and --irq without --domid"},
		{"--record x", "--record without --domid"},
		{"--domid 1 --base 0x2000000", "--irq"},
		{"--domid 0", "--domid"},
		{"--domid 1 x", "x"},
		/* the balloon's */
		{"--domid 1 --target 64M", "--target"},
		{"--stats-interval 5", "--stats-interval"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

static void help_and_version_win(void **state)
{
	assert_int_equal(parse("--help"), COMMAND_LINE_HELP);
	assert_int_equal(parse("--domid 1 --version"), COMMAND_LINE_VERSION);
}

static void help_and_manual_list_the_same(void **state)
{
	line_bench_documents(&rng_command_line, "man/xen-vrngd.8.scd", 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_word_it_is_the_service),
		cmocka_unit_test(each_option_reaches_its_field),
		cmocka_unit_test(a_rate_is_a_size_or_none),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(help_and_version_win),
		cmocka_unit_test(help_and_manual_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
