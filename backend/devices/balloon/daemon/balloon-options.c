// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vballoond, see options.h.
 */
#include "backend/devices/balloon/daemon/balloon-options.h"
#include "backend/base/size.h"
#include "backend/base/state-dir.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/placement.h>
#include <xenvirtio/server.h>

#define DEFAULT_STATS_INTERVAL_S 5
#define DEFAULT_BAND "20-40"
/** percent; below, reclaim in the guest is busier than this is useful; above, nothing is left to
 * take */
#define BAND_LOW_MIN 5u
#define BAND_HIGH_MAX 90u
/** a band narrower than this is left again by the next step of the guest itself */
#define BAND_WIDTH_MIN 5u
/** DOMID_FIRST_RESERVED, xen/xen.h */
#define DOMID_MAX 0x7fefu
#define STATS_INTERVAL_MAX_S 86400u
#if defined(__x86_64__) || defined(__i386__)
/** ISA lines, then pins of PCI slots; placement.h knows which of them are for devices */
#define IRQ_MIN 1u
#define IRQ_MAX (XENVIRTIO_X86_LINES_MAX - 1)
#define IRQ_KIND "a line, 3 to 15 of ISA or 16 + 4 * slot + pin of PCI"
static bool irq_usable(uint32_t irq)
{
	uint32_t gsi;

	return !xenvirtio_placement_x86_gsi(irq, &gsi);
}
#else
/** Arm's SPIs */
#define IRQ_MIN 32u
#define IRQ_MAX 1019u
#define IRQ_KIND "the number of an SPI"
static bool irq_usable(uint32_t irq)
{
	return true;
}
#endif

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

static int take_domid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, DOMID_MAX, &v) || v == 0) {
		snprintf(why, why_size,
			 "--domid %s: not a guest: give its number, 1 to %u, as xl list "
			 "shows it",
			 arg, DOMID_MAX);
		return -1;
	}
	opts->domid = (uint32_t)v;
	return 0;
}

static int take_devid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, UINT16_MAX, &v)) {
		snprintf(why, why_size,
			 "--devid %s: not a device: give its number, 0 for the first of "
			 "virtio=[...]",
			 arg);
		return -1;
	}
	opts->devid = (uint32_t)v;
	opts->devid_given = true;
	return 0;
}

static int take_base(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 16, UINT64_MAX - XENVIRTIO_MMIO_BYTES, &v) || !v || v % 4) {
		snprintf(why, why_size,
			 "--base %s: not an address: give hexadecimal, a multiple of 4 "
			 "above 0, such as 0x2000000",
			 arg);
		return -1;
	}
	opts->base = xenvirtio_gpa(v);
	opts->base_given = true;
	return 0;
}

static int take_irq(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, IRQ_MAX, &v) || v < IRQ_MIN || !irq_usable((uint32_t)v)) {
		snprintf(why, why_size,
			 "--irq %s: not an interrupt for a device: give " IRQ_KIND ", %u to %u",
			 arg, IRQ_MIN, IRQ_MAX);
		return -1;
	}
	opts->irq = (uint32_t)v;
	opts->irq_given = true;
	return 0;
}

static int take_target(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

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
	struct options *opts = opaque;

	opts->mem_set_follow = strcmp(arg, "follow") == 0;
	if (opts->mem_set_follow || strcmp(arg, "ignore") == 0)
		return 0;
	snprintf(why, why_size, "--mem-set %s: give follow or ignore", arg);
	return -1;
}

static int take_auto_band(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

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
	struct options *opts = opaque;

	if (!size_parse(arg, &opts->auto_floor_kib) && opts->auto_floor_kib)
		return 0;
	snprintf(why, why_size,
		 "--auto-floor %s: not a size: give a number above 0 and K, M or G, such as "
		 "128M",
		 arg);
	return -1;
}

static int take_no_deflate_on_oom(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	opts->deflate_on_oom = false;
	return 0;
}

static int take_bulk(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

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
	struct options *opts = opaque;
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

static int take_notify(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	if (!xenvirtio_notify_path_parse(arg, &opts->notify))
		return 0;
	snprintf(why, why_size,
		 "--notify %s: give auto, eventfd-regs, eventfd, upstream or event-channel", arg);
	return -1;
}

static int take_state_dir(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	return command_line_take_directory("state-dir", arg, &opts->state_dir, why, why_size);
}

static int take_metrics(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	const char *wrong;

	opts->metrics.len = 0;
	if (strcmp(arg, "none") == 0)
		return 0;
	if (metrics_address_parse(arg, &opts->metrics, &wrong)) {
		snprintf(why, why_size, "--metrics %s: %s", arg, wrong);
		return -1;
	}
	return 0;
}

static int take_record(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	if (!arg[0]) {
		snprintf(why, why_size, "--record: give the name of a file");
		return -1;
	}
	opts->record = arg;
	return 0;
}

static int take_log_level(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	if (log_level_parse(arg, &opts->log_level)) {
		snprintf(why, why_size,
			 "--log-level %s: give error, warning, notice, info or debug", arg);
		return -1;
	}
	return 0;
}

static int take_no_auto(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	opts->automatic = false;
	return 0;
}

#define FLAG(field) .flag = offsetof(struct options, field)

static const struct option_row table[] = {
	{"domid", "D", "the guest to serve, as xl list shows it (default: all, as a service)",
	 .take = take_domid},
	{"devid", "I", "its device (default: the first of type virtio,device5)",
	 .take = take_devid},
	{"base", "HEX", "address of the device, instead of looking in xenstore", .take = take_base},
	{"irq", "N", "interrupt of the device; goes with --base", .take = take_irq},
	{"target", "SIZE", "memory the guest shall have: 256M, 1G, 262144K", .take = take_target},
	{"mem-set", "follow|ignore", "obey xl mem-set (default: ignore)", .take = take_mem_set},
	{"auto", NULL, "choose the memory of guests by what they have available", FLAG(automatic)},
	{"no-auto", NULL, "do not (default)", .take = take_no_auto},
	{"auto-band", "LOW-HIGH",
	 "percent of its memory a guest shall have available (default: " DEFAULT_BAND ")",
	 .take = take_auto_band},
	{"auto-floor", "SIZE", "least of a guest without memory/dynamic-min (default: a quarter)",
	 .take = take_auto_floor},
	{"overcommit", NULL, "take lower targets also when the host could not give it back",
	 FLAG(overcommit)},
	{"no-deflate-on-oom", NULL, "do not let a guest short of memory take it back",
	 .take = take_no_deflate_on_oom},
	{"bulk", "LIST|none", "bulk messages to offer: bitmap, chunks, host-request (default: all)",
	 .take = take_bulk},
	{"stats-interval", "SECONDS", "ask for statistics so often (default: 5; 0: never)",
	 .take = take_stats_interval},
	{"notify", "PATH",
	 "how the guest's notifications travel: auto (default), eventfd-regs,\n"
	 "                               eventfd, upstream or event-channel",
	 .take = take_notify},
	{"state-dir", "DIR",
	 "what must survive a crash, and control sockets (default: " DEFAULT_STATE_DIR ")",
	 .take = take_state_dir},
	{"metrics", "ADDRESS", "Prometheus metrics: unix:PATH, 127.0.0.1:PORT or none (default)",
	 .take = take_metrics},
	{"record", "FILE", "append every call to the hypervisor to FILE", .take = take_record},
	{"log-level", "LEVEL", "error, warning, notice, info or debug (default: notice)",
	 .take = take_log_level},
	{"syslog", NULL, "log to syslog instead of stderr", FLAG(syslog)},
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
	const struct options *opts = opaque;
	const char *of_one = opts->devid_given			   ? "--devid"
			     : opts->base_given || opts->irq_given ? "--base and --irq"
			     : opts->target_given		   ? "--target"
			     : opts->record			   ? "--record"
								   : NULL;

	if (!opts->domid && of_one) {
		snprintf(why, why_size,
			 "%s without --domid: it is for one guest: say which, as xl list shows it",
			 of_one);
		return -1;
	}
	if (opts->base_given != opts->irq_given) {
		snprintf(why, why_size,
			 "--base and --irq go together: give both, or neither to look in xenstore");
		return -1;
	}
	if (opts->automatic && !opts->stats_interval_s) {
		snprintf(why, why_size,
			 "--auto decides by statistics: give another --stats-interval than 0");
		return -1;
	}
	return 0;
}

const struct command_line options_command_line = {
	.program = "xen-vballoond",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.finish = check_whole,
};

enum command_line_result options_parse(struct options *opts, int argc, char **argv, char *why,
				       size_t why_size)
{
	unsigned int band_low = 0, band_high = 0;

	parse_band(DEFAULT_BAND, &band_low, &band_high);
	*opts = (struct options){
		.auto_low_percent = band_low,
		.auto_high_percent = band_high,
		.deflate_on_oom = true,
		.bulk = bulk_bits_default(),
		.stats_interval_s = DEFAULT_STATS_INTERVAL_S,
		.state_dir = DEFAULT_STATE_DIR,
		.log_level = LOG_LEVEL_NOTICE,
	};
	return command_line_parse(&options_command_line, opts, argc, argv, why, why_size);
}
