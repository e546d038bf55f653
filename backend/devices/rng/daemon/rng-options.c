// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vrngd.
 */
#include "backend/base/size.h"
#include "backend/devices/rng/daemon/rng-daemon.h"

#include <string.h>

#define STATE_DIR "/run/xen-vrng"
#define DEFAULT_RATE_KIB 1024u
/** 1T: more than any machine makes, and far from what a product of it with a period overflows */
#define RATE_MAX_KIB (UINT64_C(1) << 30)

static const char *const store_keys[] = {"given", NULL};

const struct program rng_program = {
	.name = "xen-vrngd",
	.node_type = "virtio,device4",
	.device_id = 4,
	.group = "xen-vrng",
	.state_dir = STATE_DIR,
	.rival_dir = "/run/xen-vhost-rng",
	.store_keys = store_keys,
	.state_says = "what the guest has set its device to",
};

static int take_rate(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct rng_options *opts = opaque;

	opts->rate_kib = 0;
	if (strcmp(arg, "none") == 0 || (!size_parse(arg, &opts->rate_kib) && opts->rate_kib && opts->rate_kib <= RATE_MAX_KIB))
		return 0;
	snprintf(why, why_size,
		 "--rate %s: not a size: give a number above 0 and K, M or G, such as 64K, up to "
		 "1T, or none",
		 arg);
	return -1;
}

static const struct option_row table[] = {
	OPTIONS_ROWS_DEVICE("virtio,device4"),
	{"rate", "SIZE|none", "random bytes a device gives in a second at most (default: 1M)",
	 .take = take_rate},
	OPTIONS_ROWS_SERVING(STATE_DIR),
	COMMAND_LINE_COMMON_ROWS,
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= COMMAND_LINE_ROWS_MAX, "the parser has room");

static void print_help(FILE *out)
{
	fputs("usage: xen-vrngd [OPTION...]\n"
	      "       xen-vrngd --domid D [OPTION...]\n"
	      "Serve the virtio entropy devices of all Xen guests, each in a process of its own; "
	      "or\n"
	      "that of one guest, until it is gone. In the foreground.\n\n",
	      out);
	command_line_help_rows(table, TABLE_ROWS, 28, out);
	fputs("\nSizes are read as xl reads them: a plain number is MiB. See xen-vrngd(8).\n", out);
}

static int check_whole(void *opaque, int nr_words, char **words, char *why, size_t why_size)
{
	const struct rng_options *opts = opaque;

	return options_check(&opts->common, NULL, why, why_size);
}

const struct command_line rng_command_line = {
	.program = "xen-vrngd",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.finish = check_whole,
};

void rng_options_default(struct options *common)
{
	struct rng_options *opts = (struct rng_options *)common;

	*opts = (struct rng_options){.rate_kib = DEFAULT_RATE_KIB};
	options_default(&opts->common, &rng_program);
}
