// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: each option reaches its field, each wrong one gets a line that names it, and
 * --help and the manual page list the same options.
 */
#include "backend/devices/balloon/daemon/balloon-options.h"
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* x86: ISA lines but for those of what every guest has, and four lines for each of 32 PCI slots. Arm: SPIs. */
#if defined(__x86_64__) || defined(__i386__)
#define IRQ_BELOW "2"
#define IRQ_LAST "143"
#define IRQ_ABOVE "144"
#else
#define IRQ_BELOW "31"
#define IRQ_LAST "1019"
#define IRQ_ABOVE "1020"
#endif

static struct balloon_options opts;
static char why[256];

static enum command_line_result parse(const char *line)
{
	/* opts points into them */
	static struct line_words words;

	line_words_split(&words, "xen-vballoond", line);
	why[0] = '\0';
	balloon_options_default(&opts.common);
	return command_line_parse(&balloon_command_line, &opts, words.argc, words.argv, why,
				  sizeof(why));
}

static void the_domain_alone_is_enough(void **state)
{
	assert_int_equal(parse("--domid 3"), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 3);
	assert_false(opts.common.devid_given);
	assert_false(opts.common.base_given);
	assert_false(opts.target_given);
	assert_false(opts.mem_set_follow);
	assert_false(opts.automatic);
	assert_int_equal(opts.auto_low_percent, 20);
	assert_int_equal(opts.auto_high_percent, 40);
	assert_int_equal(opts.auto_floor_kib, 0);
	assert_int_equal(opts.auto_interval_ms, 250);
	assert_int_equal(balloon_options_sample_ms(&opts), 5000);
	assert_false(opts.overcommit);
	assert_true(opts.deflate_on_oom);
	assert_int_equal(opts.stats_interval_s, 5);
	assert_string_equal(opts.common.state_dir, "/run/xen-vballoon");
	assert_null(opts.common.record);
	assert_int_equal(opts.common.metrics.len, 0);
	assert_int_equal(opts.common.log_level, LOG_LEVEL_NOTICE);
	assert_false(opts.common.syslog);
}

static void without_a_domain_it_is_the_service(void **state)
{
	assert_int_equal(parse(""), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 0);
	assert_int_equal(parse("--mem-set follow --no-deflate-on-oom --state-dir /x "
			       "--metrics unix:/m"),
			 COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 0);
	assert_true(opts.mem_set_follow);
}

static void each_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("--domid=32751 --devid=2 --base=0x2000200 --irq=34 --target=256M "
			       "--mem-set=follow --no-deflate-on-oom --stats-interval=0 "
			       "--metrics=127.0.0.1:9101 --state-dir=/x --record=y --log-level=debug --syslog "
			       "--notify=eventfd-regs --sandbox=auto --sandbox-uid=4294934543 --no-sandbox"),
			 COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 32751);
	assert_true(opts.common.devid_given);
	assert_int_equal(opts.common.devid, 2);
	assert_true(opts.common.base_given);
	assert_int_equal(opts.common.base.v, 0x2000200);
	assert_false(opts.common.sandbox_required);
	assert_true(opts.common.no_sandbox);
	assert_int_equal(opts.common.sandbox_uid, 4294934543);
	assert_int_equal(opts.common.irq, 34);
	assert_true(opts.target_given);
	assert_int_equal(opts.target_kib, 262144);
	assert_true(opts.mem_set_follow);
	assert_false(opts.deflate_on_oom);
	assert_int_equal(opts.stats_interval_s, 0);
	assert_string_equal(opts.common.state_dir, "/x");
	assert_string_equal(opts.common.record, "y");
	assert_int_equal(opts.common.metrics.address.ss_family, AF_INET);
	assert_int_equal(opts.common.notify, XENVIRTIO_NOTIFY_EVENTFD_REGS);
	assert_int_equal(opts.common.log_level, LOG_LEVEL_DEBUG);
	assert_true(opts.common.syslog);
	assert_int_equal(parse("--auto --auto-band 5-90 --auto-floor 1G"), COMMAND_LINE_RUN);
	assert_true(opts.automatic);
	assert_int_equal(opts.auto_low_percent, 5);
	assert_int_equal(opts.auto_high_percent, 90);
	assert_int_equal(opts.auto_floor_kib, 1048576);
	assert_int_equal(balloon_options_sample_ms(&opts), 250);
	assert_int_equal(parse("--auto --auto-interval 60000"), COMMAND_LINE_RUN);
	assert_int_equal(opts.auto_interval_ms, 60000);
	assert_int_equal(balloon_options_sample_ms(&opts), 5000);
	assert_int_equal(parse("--auto --no-auto --domid=3"), COMMAND_LINE_RUN);
	assert_false(opts.automatic);
	assert_int_equal(balloon_options_sample_ms(&opts), 5000);
	/* as the service tells its processes, whether it chooses or not */
	assert_int_equal(parse("--auto --auto-interval=50 --auto-elsewhere --domid=3"),
			 COMMAND_LINE_RUN);
	assert_false(opts.automatic);
	assert_int_equal(balloon_options_sample_ms(&opts), 50);
	assert_int_equal(parse("--auto-interval=50 --auto-elsewhere --domid=3"), COMMAND_LINE_RUN);
	assert_false(opts.automatic);
	assert_int_equal(balloon_options_sample_ms(&opts), 5000);
	assert_string_equal(opts.common.reads, "/etc/xen-vballoon/guests");
	assert_int_equal(parse("--guests /a/b"), COMMAND_LINE_RUN);
	assert_string_equal(opts.common.reads, "/a/b");
	assert_int_equal(parse("--guests none"), COMMAND_LINE_RUN);
	assert_null(opts.common.reads);
	assert_int_equal(parse("--domid 1 --target 8 --force"), COMMAND_LINE_RUN);
	assert_true(opts.force);
	assert_int_equal(parse("--overcommit"), COMMAND_LINE_RUN);
	assert_false(opts.force);
	assert_true(opts.overcommit);
	assert_int_equal(parse("--domid 1 --mem-set follow --mem-set ignore"), COMMAND_LINE_RUN);
	assert_false(opts.mem_set_follow);
	assert_int_equal(parse("--domid 1 --base 2000000 --irq " IRQ_LAST), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.base.v, 0x2000000);
	assert_int_equal(parse("--domid 1 --"), COMMAND_LINE_RUN);
	/* the last word counts: the supervisor's to its processes */
	assert_int_equal(parse("--metrics=[::1]:9101 --metrics=none --domid=3"), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.metrics.len, 0);
}

static void assert_bulk(const char *list, unsigned int bitmap, unsigned int chunks,
			unsigned int host_req)
{
	char line[128];

	snprintf(line, sizeof(line), "--domid 1 %s%s", *list ? "--bulk=" : "", list);
	assert_int_equal(parse(line), COMMAND_LINE_RUN);
	assert_int_equal(opts.bulk.page_bitmap, bitmap);
	assert_int_equal(opts.bulk.page_chunks, chunks);
	assert_int_equal(opts.bulk.host_req_vq, host_req);
}

static void bulk_features_are_a_list(void **state)
{
	assert_bulk("", 56, 57, 58);
	assert_bulk("none", 0, 0, 0);
	assert_bulk("chunks", 0, 57, 0);
	assert_bulk("host-request,bitmap", 56, 0, 58);
	assert_bulk("bitmap=50,chunks=63,host-request", 50, 63, 58);
	assert_bulk("chunks=56,bitmap=57", 57, 56, 0);
}

static void a_wrong_word_for_the_policy_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"--auto --stats-interval 0", "--stats-interval"},
		{"--auto-band 20", "--auto-band 20"},
		{"--auto-band 40-20", "40-20"},
		{"--auto-band 20-24", "20-24"},
		{"--auto-band 4-40", "4-40"},
		{"--auto-band 20-91", "20-91"},
		{"--auto-band 20-4x", "20-4x"},
		{"--auto-band -20-40", "-20-40"},
		{"--auto-band 0000020-40", "0000020-40"},
		{"--auto-floor 0", "--auto-floor 0"},
		{"--auto-interval 49", "--auto-interval 49"},
		{"--auto-interval 60001", "60001"},
		{"--auto-interval 1s", "1s"},
		{"--auto-floor much", "much"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

static void a_wrong_line_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"--target 64M", "--target without --domid"},
		{"--devid 0", "--devid without --domid"},
		{"--base 0x2000000 --irq 33", "--base and --irq without --domid"},
		{"--irq 33", "--base and --irq without --domid"},
		{"--record x", "--record without --domid"},
		{"--bogus", "--bogus"},
		{"--domid", "--domid"},
		{"-d 3", "-d"},
		{"--domid 3 x", "x"},
		{"--domid twelve", "twelve"},
		{"--domid 0", "--domid"},
		{"--domid -1", "-1"},
		{"--domid 32752", "32752"},
		{"--domid 0x3", "0x3"},
		{"--domid 4294967299", "4294967299"},
		{"--domid 99999999999999999999999", "--domid"},
		{"--domid 1 --domid 2", "one guest"},
		{"--domid=1 --syslog --domid=1", "one guest"},
		{"--domid 1 --devid 0 --devid 1", "one device"},
		{"-x", "-x"},
		{"--domid 1 --devid x", "--devid"},
		{"--domid 1 --devid 65536", "--devid"},
		{"--domid 1 --base 0x2000000", "--irq"},
		{"--domid 1 --irq 33", "--base"},
		{"--domid 1 --base 0 --irq 33", "--base"},
		{"--domid 1 --base 2000002 --irq 33", "--base"},
		{"--domid 1 --base 0xfffffffffffffff0 --irq 33", "--base"},
		{"--domid 1 --base 0x --irq 33", "--base"},
		{"--domid 1 --base 2000000 --irq " IRQ_BELOW, "--irq"},
		{"--domid 1 --base 2000000 --irq " IRQ_ABOVE, "--irq"},
		{"--domid 1 --metrics 0.0.0.0:9101", "loopback"},
		{"--domid 1 --metrics :9101", "--metrics"},
		{"--domid 1 --metrics unix:x", "absolute"},
		{"--domid 1 --target 12Q", "12Q"},
		{"--domid 1 --target -5M", "-5M"},
		{"--domid 1 --target 99999999999999999999", "--target"},
		{"--domid 1 --mem-set=banana", "banana"},
		{"--domid 1 --bulk=", "--bulk"},
		{"--domid 1 --bulk=all", "all"},
		{"--domid 1 --bulk=bitmap,", "--bulk"},
		{"--domid 1 --bulk=,bitmap", "--bulk"},
		{"--domid 1 --bulk=bitmap,none", "--bulk"},
		{"--domid 1 --bulk=bitmap,bitmap", "--bulk"},
		{"--domid 1 --bulk=bitmap=49", "49"},
		{"--domid 1 --bulk=bitmap=64", "64"},
		{"--domid 1 --bulk=bitmap=", "--bulk"},
		{"--domid 1 --bulk=bitmap=056", "--bulk"},
		{"--domid 1 --bulk=bitmap=5x", "--bulk"},
		{"--domid 1 --bulk=bitmap=57,chunks", "--bulk"},
		{"--domid 1 --bulk=bitmaps", "--bulk"},
		{"--domid 1 --stats-interval -1", "--stats-interval"},
		{"--domid 1 --stats-interval 86401", "--stats-interval"},
		{"--domid 1 --notify ioeventfd", "ioeventfd"},
		{"--domid 1 --notify x", "--notify"},
		{"--domid 1 --state-dir run", "--state-dir"},
		{"--domid 1 --record=", "--record"},
		{"--domid 1 --log-level 3", "--log-level"},
		{"--domid 1 --sandbox none", "--sandbox"},
		{"--domid 1 --sandbox-uid 0", "--sandbox-uid"},
		{"--domid 1 --sandbox-uid nobody", "--sandbox-uid"},
		{"--domid 1 --sandbox-uid 4294934544", "--sandbox-uid"},
		{"--domid 1 --sandbox=require --no-sandbox", "--no-sandbox"},
		{"--domid 1 --syslog=yes", "--syslog"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

/* The device processes of a service get its words, and one more: theirs is not what waits. */
static void a_descriptor_to_tell_is_open_or_none(void **state)
{
	static const struct wrong_line bad[] = {
		{"--ready-fd=", "--ready-fd"},
		{"--ready-fd 2", "3 or more"},
		{"--ready-fd -1", "-1"},
		{"--ready-fd x", "--ready-fd x"},
		{"--ready-fd 2147483648", "2147483648"},
		/* no process has so many */
		{"--ready-fd 2147483647", "is not open"},
		{"--ready-fd none --ready-fd 2147483647", "is not open"},
	};
	char line[64];
	int fd[2];

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
	assert_int_equal(parse("--domid 1"), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.ready_fd, 0);
	assert_int_equal(parse("--ready-fd 2147483647 --ready-fd=none --domid 1"), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.ready_fd, 0);
	assert_int_equal(pipe(fd), 0);
	snprintf(line, sizeof(line), "--ready-fd %d", fd[1]);
	assert_int_equal(parse(line), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.ready_fd, fd[1]);
	snprintf(line, sizeof(line), "--ready-fd %d", fd[0]);
	assert_int_equal(parse(line), COMMAND_LINE_WRONG);
	assert_non_null(strstr(why, "for reading only"));
	close(fd[0]);
	close(fd[1]);
}

static void help_and_version_win(void **state)
{
	assert_int_equal(parse("-h"), COMMAND_LINE_HELP);
	assert_int_equal(parse("-V"), COMMAND_LINE_VERSION);
	assert_int_equal(parse("--help"), COMMAND_LINE_HELP);
	assert_int_equal(parse("--domid 1 --version"), COMMAND_LINE_VERSION);
}

static void help_and_manual_list_the_same(void **state)
{
	line_bench_documents(&balloon_command_line, "man/xen-vballoond.8.scd", 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_domain_alone_is_enough),
		cmocka_unit_test(without_a_domain_it_is_the_service),
		cmocka_unit_test(each_option_reaches_its_field),
		cmocka_unit_test(bulk_features_are_a_list),
		cmocka_unit_test(a_wrong_word_for_the_policy_is_named),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(a_descriptor_to_tell_is_open_or_none),
		cmocka_unit_test(help_and_version_win),
		cmocka_unit_test(help_and_manual_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
