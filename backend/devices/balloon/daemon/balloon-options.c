// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vballoond, see balloon-options.h.
 */
#include "backend/devices/balloon/daemon/balloon-options.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_STATS_INTERVAL_S 5
#define DEFAULT_BAND "20-40"
#define DEFAULT_AUTO_INTERVAL_MS 250
/** asking a guest takes a few milliseconds of its time and of ours */
#define AUTO_INTERVAL_MIN_MS 50u
#define AUTO_INTERVAL_MAX_MS 60000u
/** percent; below, reclaim in the guest is busier than this is useful; above, nothing is left to
 * take */
#define BAND_LOW_MIN 5u
#define BAND_HIGH_MAX 90u
/** a band narrower than this is left again by the next step of the guest itself */
#define BAND_WIDTH_MIN 5u
#define STATS_INTERVAL_MAX_S 86400u

#define DEVICES "backend/virtio"

static const char *const store_keys[] = {
	"actual",
	"ballooned",
	"holes",
	"owed",
	"paused",
	"pinned",
	"refused",
	"stalled",
	"target",
	"stats/swap-in",
	"stats/swap-out",
	"stats/major-faults",
	"stats/minor-faults",
	"stats/free-memory",
	"stats/total-memory",
	"stats/available-memory",
	"stats/disk-caches",
	"stats/hugetlb-allocations",
	"stats/hugetlb-failures",
	"stats/oom-kill",
	"stats/alloc-stall",
	"stats/async-scan",
	"stats/direct-scan",
	"stats/async-reclaim",
	"stats/direct-reclaim",
	NULL,
};
/* the reserve: what the host owes to the balloons of guests that live */
static const char *const store_reads[] = {
	DEVICES,
	DEVICES "/*",
	DEVICES "/*/*/type",
	DEVICES "/*/*/owed",
	DEVICES "/*/*/ballooned",
	"/local/domain/*/memory/static-max",
	NULL,
};

const struct program balloon_program = {
	.name = "xen-vballoond",
	.node_type = "virtio,device5",
	.device_id = 5,
	.group = BALLOON_GROUP,
	.state_dir = BALLOON_STATE_DIR,
	.state_untyped = true,
	.state_says = "which pages Xen holds back from the guest",
	.ram_says = "a balloon is for a guest of at most 1 TiB of address space, in at most 8 "
		    "ranges: give it a lower "
		    "maxmem, or no such device",
	.control_tool = "xen-vballoonctl",
	.store_keys = store_keys,
	.store_reads = store_reads,
	.store_target_perms = true,
	.log_kind = {"stalled deflate", "bad target"},
};

/* "20-40". Return: 0; -EINVAL */
static int parse_band(const char *text, unsigned int *low, unsigned int *high)
{
	const char *dash = strchr(text, '-');
	uint64_t from, to;
	char digits[4];

	if (!dash || dash - text >= (int)sizeof(digits))
		return -EINVAL;
	snprintf(digits, sizeof(digits), "%.*s", (int)(dash - text), text);
	if (command_line_number(digits, 10, 100, &from) ||
	    command_line_number(dash + 1, 10, 100, &to) || from < BAND_LOW_MIN ||
	    to > BAND_HIGH_MAX || to < from + BAND_WIDTH_MIN)
		return -EINVAL;
	*low = (unsigned int)from;
	*high = (unsigned int)to;
	return 0;
}

static int take_target(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	if (size_parse(arg, &opts->target_kib)) {
		snprintf(why, why_size,
			 "--target %s: not a size: give a number and K, M or G, such as "
			 "256M",
			 arg);
		return -1;
	}
	opts->target_given = true;
	return 0;
}

static int take_mem_set(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	opts->mem_set_follow = strcmp(arg, "follow") == 0;
	if (opts->mem_set_follow || strcmp(arg, "ignore") == 0)
		return 0;
	snprintf(why, why_size, "--mem-set %s: give follow or ignore", arg);
	return -1;
}

static int take_auto_band(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	if (!parse_band(arg, &opts->auto_low_percent, &opts->auto_high_percent))
		return 0;
	snprintf(why, why_size,
		 "--auto-band %s: give two percentages, %u to %u and at least %u apart, "
		 "such as " DEFAULT_BAND,
		 arg, BAND_LOW_MIN, BAND_HIGH_MAX, BAND_WIDTH_MIN);
	return -1;
}

static int take_auto_floor(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	if (!size_parse(arg, &opts->auto_floor_kib) && opts->auto_floor_kib)
		return 0;
	snprintf(why, why_size,
		 "--auto-floor %s: not a size: give a number above 0 and K, M or G, such as "
		 "128M",
		 arg);
	return -1;
}

static int take_guests(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	opts->common.reads = strcmp(arg, "none") == 0 ? NULL : arg;
	return 0;
}

static int take_no_deflate_on_oom(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	opts->deflate_on_oom = false;
	return 0;
}

static int take_bulk(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	if (!bulk_bits_parse(arg, &opts->bulk))
		return 0;
	snprintf(why, why_size,
		 "--bulk %s: give none, or some of bitmap, chunks, host-request, each with "
		 "=BIT (50 to 63) where the driver has another than by default",
		 arg);
	return -1;
}

static int take_stats_interval(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, STATS_INTERVAL_MAX_S, &v)) {
		snprintf(why, why_size,
			 "--stats-interval %s: give seconds, 1 to %u, or 0 for no "
			 "statistics",
			 arg, STATS_INTERVAL_MAX_S);
		return -1;
	}
	opts->stats_interval_s = (uint32_t)v;
	return 0;
}

static int take_auto(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	opts->automatic = true;
	opts->steered = true;
	return 0;
}

static int take_no_auto(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	opts->automatic = false;
	opts->steered = false;
	return 0;
}

/* What --auto said before is for the service. */
static int take_auto_elsewhere(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;

	opts->automatic = false;
	return 0;
}

static int take_auto_interval(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct balloon_options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, AUTO_INTERVAL_MAX_MS, &v) || v < AUTO_INTERVAL_MIN_MS) {
		snprintf(why, why_size, "--auto-interval %s: give milliseconds, %u to %u", arg,
			 AUTO_INTERVAL_MIN_MS, AUTO_INTERVAL_MAX_MS);
		return -1;
	}
	opts->auto_interval_ms = (uint32_t)v;
	return 0;
}

#define FLAG(field) .flag = offsetof(struct balloon_options, field)

static const struct option_row table[] = {
	OPTIONS_ROWS_DEVICE("virtio,device5"),
	{"target", "SIZE", "memory the guest shall have: 256M, 1G, 262144K", .take = take_target},
	{"force", NULL, "take a --target below the floor, 64M or an eighth", FLAG(force)},
	{"mem-set", "follow|ignore", "obey xl mem-set (default: ignore)", .take = take_mem_set},
	{"auto", NULL, "choose the memory of guests by what they have available", .take = take_auto},
	{"no-auto", NULL, "do not (default)", .take = take_no_auto},
	{"auto-elsewhere", NULL, "--auto before it is the service's (it says so to its processes)",
	 .take = take_auto_elsewhere},
	{"auto-interval", "MS", "look at guests so often with --auto (default: 250)",
	 .take = take_auto_interval},
	{"auto-band", "LOW-HIGH",
	 "percent of its memory a guest shall have available (default: " DEFAULT_BAND ")",
	 .take = take_auto_band},
	{"auto-floor", "SIZE", "least of a guest without memory/dynamic-min (default: a quarter)",
	 .take = take_auto_floor},
	{"guests", "FILE|none", "least and most memory of guests (default: " BALLOON_GUESTS_FILE ")",
	 .take = take_guests},
	{"overcommit", NULL, "take lower targets also when the host could not give it back",
	 FLAG(overcommit)},
	{"no-deflate-on-oom", NULL, "do not let a guest short of memory take it back",
	 .take = take_no_deflate_on_oom},
	{"bulk", "LIST|none", "bulk messages to offer: bitmap, chunks, host-request (default: all)",
	 .take = take_bulk},
	{"stats-interval", "SECONDS", "ask for statistics so often (default: 5; 0: never)",
	 .take = take_stats_interval},
	OPTIONS_ROWS_SERVING(BALLOON_STATE_DIR),
	COMMAND_LINE_COMMON_ROWS,
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= COMMAND_LINE_ROWS_MAX, "the parser has room");

static void print_help(FILE *out)
{
	fputs("usage: xen-vballoond [OPTION...]\n"
	      "       xen-vballoond --domid D [OPTION...]\n"
	      "Serve the virtio memory balloons of all Xen guests, each in a process of its own; "
	      "or "
	      "that of\none guest, until it is gone. In the foreground.\n\n",
	      out);
	command_line_help_rows(table, TABLE_ROWS, 28, out);
	fputs("\nSizes are read as xl reads them: a plain number is MiB. See xen-vballoond(8).\n",
	      out);
}

static int check_whole(void *opaque, int nr_words, char **words, char *why, size_t why_size)
{
	const struct balloon_options *opts = opaque;

	if (options_check(&opts->common, opts->target_given ? "--target" : NULL, why, why_size))
		return -1;
	if (opts->automatic && !opts->stats_interval_s) {
		snprintf(why, why_size,
			 "--auto decides by statistics: give another --stats-interval than 0");
		return -1;
	}
	return 0;
}

const struct command_line balloon_command_line = {
	.program = "xen-vballoond",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.finish = check_whole,
};

unsigned int balloon_options_sample_ms(const struct balloon_options *opts)
{
	unsigned int ms = opts->stats_interval_s * 1000;

	return opts->steered && opts->auto_interval_ms < ms ? opts->auto_interval_ms : ms;
}

void balloon_options_default(struct options *common)
{
	struct balloon_options *opts = (struct balloon_options *)common;
	unsigned int band_low = 0, band_high = 0;

	parse_band(DEFAULT_BAND, &band_low, &band_high);
	*opts = (struct balloon_options){
		.auto_low_percent = band_low,
		.auto_high_percent = band_high,
		.auto_interval_ms = DEFAULT_AUTO_INTERVAL_MS,
		.deflate_on_oom = true,
		.bulk = bulk_bits_default(),
		.stats_interval_s = DEFAULT_STATS_INTERVAL_S,
	};
	options_default(&opts->common, &balloon_program);
	opts->common.reads = BALLOON_GUESTS_FILE;
}
