// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vhost-user: its own options, and that --help and the manual page list the same. What every daemon's
 * options take is tried by test-balloon-options.c.
 */
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct vhost_user_options opts;
static char why[256];

static enum command_line_result parse(const char *line)
{
	/* opts points into them */
	static struct line_words words;

	line_words_split(&words, "xen-vhost-user", line);
	why[0] = '\0';
	vhost_user_options_default(&opts.common);
	return command_line_parse(&vhost_user_command_line, &opts, words.argc, words.argv, why, sizeof(why));
}

static void a_type_says_what_is_served_and_where_state_is(void **state)
{
	assert_int_equal(parse("--type fs"), COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 0);
	assert_string_equal(opts.common.program->name, "xen-vhost-user");
	assert_string_equal(opts.common.program->node_type, "virtio,device1a");
	assert_int_equal(opts.common.program->device_id, 26);
	assert_string_equal(opts.common.state_dir, "/run/xen-vhost-fs");
	assert_string_equal(opts.common.backend_socket, "/run/vhost-user/%d-%i.sock");
	assert_true(opts.common.program->lends);
	assert_null(opts.tag);
	assert_int_equal(parse("--type blk --domid 3"), COMMAND_LINE_RUN);
	assert_string_equal(opts.common.program->node_type, "virtio,device2");
	assert_int_equal(opts.common.program->device_id, 2);
	assert_string_equal(opts.common.state_dir, "/run/xen-vhost-blk");
}

/* Whichever is said first. */
static void a_state_directory_that_is_said_stays(void **state)
{
	assert_int_equal(parse("--state-dir /x --type blk"), COMMAND_LINE_RUN);
	assert_string_equal(opts.common.state_dir, "/x");
	assert_int_equal(parse("--type blk --state-dir /x"), COMMAND_LINE_RUN);
	assert_string_equal(opts.common.state_dir, "/x");
}

static void each_option_reaches_its_field(void **state)
{
	assert_int_equal(parse("--domid=32751 --devid=2 --type=fs --socket=/run/%d/%i --tag=files --notify=eventfd"),
			 COMMAND_LINE_RUN);
	assert_int_equal(opts.common.domid, 32751);
	assert_int_equal(opts.common.devid, 2);
	assert_string_equal(opts.common.backend_socket, "/run/%d/%i");
	assert_string_equal(opts.tag, "files");
	assert_int_equal(opts.common.notify, XENVIRTIO_NOTIFY_EVENTFD);
	assert_true(opts.common.backend_socket_given);
	assert_null(opts.common.backend_file);
	assert_int_equal(parse("--type fs --backend /x"), COMMAND_LINE_RUN);
	assert_string_equal(opts.common.backend_file, "/x");
	assert_int_equal(parse("--type net --domid 1 --mac 02:16:3E:00:a0:01 --mtu 1400"), COMMAND_LINE_RUN);
	assert_int_equal(opts.mac[0] << 8 | opts.mac[4], 0x02a0);
	assert_int_equal(opts.mtu, 1400);
	/* as the service has its device processes start */
	assert_int_equal(parse("--type fs --backend /x --domid 1 --backend none"), COMMAND_LINE_RUN);
	assert_int_equal(parse("--type fs --type fs"), COMMAND_LINE_RUN);
	assert_false(opts.common.backend_socket_given);
	assert_int_equal(parse("--type fs --domid 1 --socket /run/x"), COMMAND_LINE_RUN);
	assert_int_equal(parse("--type fs --socket /run/%i/%d"), COMMAND_LINE_RUN);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"", "--type"},
		{"--domid 1", "--type"},
		{"--type", "--type"},
		{"--type=", "--type"},
		{"--type gpu", "--type gpu"},
		{"--type net --tag x", "--tag"},
		{"--type fs --mtu 1500", "--mtu"},
		{"--type net --mtu 67", "--mtu 67"},
		{"--type net --mtu 65536", "--mtu 65536"},
		{"--type blk --domid 1 --mac 02:16:3e:00:00:01", "--mac"},
		{"--type net --mac 02:16:3e:00:00:01", "--mac without --domid"},
		{"--type net --domid 1 --mac 01:16:3e:00:00:01", "--mac 01"},
		{"--type net --domid 1 --mac 00:00:00:00:00:00", "--mac 00"},
		{"--type net --domid 1 --mac 02:16:3e:00:00", "--mac 02"},
		{"--type net --domid 1 --mac 02:16:3e:00:00:01:02", "--mac 02"},
		{"--type net --domid 1 --mac 02:16:3e:0:000:01", "--mac 02"},
		{"--type fs --type blk", "--type blk"},
		{"--type fs --socket x", "--socket x"},
		{"--type fs --socket /%s", "--socket /%s"},
		{"--type fs --socket /run/x", "--socket /run/x without --domid"},
		{"--type fs --socket /run/%d", "--socket /run/%d without --domid"},
		{"--type fs --socket /run/%i", "--socket /run/%i without --domid"},
		{"--type fs --socket /run/%d%i", "--socket /run/%d%i without --domid"},
		{"--type fs --backend x", "--backend x"},
		{"--type fs --backend=", "--backend"},
		{"--type fs --domid 1 --backend /x", "--backend /x with --domid"},
		{"--type fs --tag=", "--tag"},
		{"--type fs --tag 1234567890123456789012345678901234567", "--tag"},
		{"--type blk --tag x", "--tag"},
		{"--type fs --devid 0", "--devid without --domid"},
		{"--type fs --rate 5K", "--rate"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

/* What a row says of itself, to whoever asks for a device by number or name. */
static void each_type_is_found_by_its_name(void **state)
{
	size_t nr = 0;

	for (const struct vhost_user_kind *kind = vhost_user_kinds; kind->name; kind++, nr++) {
		char node[32];

		assert_ptr_equal(vhost_user_kind_find(kind->name), kind);
		snprintf(node, sizeof(node), "virtio,device%x", kind->program.device_id);
		assert_string_equal(kind->program.node_type, node);
		assert_true(kind->program.lends);
		assert_true(kind->features >> 32 & 1);
		assert_true(kind->queues && !(kind->queue_size & (kind->queue_size - 1)));
	}
	assert_int_equal(nr, 8);
	assert_null(vhost_user_kind_find("f"));
}

static void help_and_manual_list_the_same(void **state)
{
	line_bench_documents(&vhost_user_command_line, "man/xen-vhost-user.8.scd", 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_says_what_is_served_and_where_state_is),
		cmocka_unit_test(a_state_directory_that_is_said_stays),
		cmocka_unit_test(each_option_reaches_its_field),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(each_type_is_found_by_its_name),
		cmocka_unit_test(help_and_manual_list_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
