// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-vballoonctl, see ctl-options.h. "-5M" looks like an option; it is told as
 * the size it was meant as.
 */
#include "tools/ctl/ctl-options.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <stddef.h>
#include <string.h>

#define SECONDS_MAX 86400u
#define DEFAULT_INTERVAL_S 2u
#define NOT_A_SIZE "not a size: give a number above 0 and K, M or G, such as 256M"

static const struct {
	const char *name;
	const char *arguments;
	int nr_arguments;
	const char *help;
	int optional; /* of the arguments */
} commands[CTL_COMMANDS] = {
	[CTL_LIST] = {"list", "", 0, "all guests that are served"},
	[CTL_STATUS] = {"status", " D", 1, "one guest's balloon"},
	[CTL_SET] = {"set", " D SIZE", 2, "the memory the guest shall have: 256M, 1G"},
	[CTL_AUTO] = {"auto", " D", 1, "let --auto choose again, after a set"},
	[CTL_STATS] = {"stats", " D", 1, "the guest's statistics, fresh"},
	[CTL_UNUSED] = {"unused", " D", 1, "how much memory the guest does not use"},
	[CTL_TOP] = {"top", "", 0, "all guests, again and again"},
	[CTL_WAIT] = {"wait", " D", 1, "until the guest's balloon is served"},
	[CTL_FREE] = {"free", " SIZE", 1, "keep memory free for a guest to come; 0: no more"},
	[CTL_UPGRADE] = {"upgrade", " [D]", 1, "have guests served by the installed version", 1},
};

#define FOR(command) (1u << (command))
/* those that print what they find */
#define FOR_ALL ((1u << CTL_COMMANDS) - 1)
#define FOR_ONE (FOR(CTL_STATUS) | FOR(CTL_SET) | FOR(CTL_AUTO) | FOR(CTL_STATS) | FOR(CTL_UNUSED) | \
		 FOR(CTL_WAIT))

/* The options, and which rows of the table were given. */
struct parsing {
	struct ctl_options opts;
	unsigned int given;
};

static int take_timeout(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	return command_line_take_u32("timeout", arg, 1, SECONDS_MAX, &parsing->opts.timeout_s, why,
				     why_size);
}

static int take_interval(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	return command_line_take_u32("interval", arg, 1, SECONDS_MAX, &parsing->opts.interval_s,
				     why, why_size);
}

static int take_count(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	return command_line_take_u32("count", arg, 1, UINT32_MAX, &parsing->opts.count, why,
				     why_size);
}

static int take_devid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	parsing->opts.devid_given = true;
	return command_line_take_u32("devid", arg, 0, UINT16_MAX, &parsing->opts.devid, why,
				     why_size);
}

static int take_state_dir(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	return command_line_take_directory("state-dir", arg, &parsing->opts.state_dir, why,
					   why_size);
}

#define FLAG(field) .flag = offsetof(struct parsing, opts.field)

/* mark: the commands an option is for */
static const struct option_row table[] = {
	{"wait", NULL, "set, free: until the size is reached", FLAG(wait),
	 .mark = FOR(CTL_SET) | FOR(CTL_FREE)},
	{"force", NULL, "set, upgrade: also below 64M or an eighth; also the same", FLAG(force),
	 .mark = FOR(CTL_SET) | FOR(CTL_UPGRADE)},
	{"timeout", "SECONDS", "set --wait, wait, free --wait: give up after that time",
	 .take = take_timeout,
	 .mark = FOR(CTL_SET) | FOR(CTL_WAIT) | FOR(CTL_FREE)},
	{"watch", NULL, "stats: again and again", FLAG(watch), .mark = FOR(CTL_STATS)},
	{"interval", "SECONDS", "stats --watch, top: so often (default: 2)", .take = take_interval,
	 .mark = FOR(CTL_STATS) | FOR(CTL_TOP)},
	{"count", "N", "stats --watch, top: end after so many times", .take = take_count,
	 .mark = FOR(CTL_STATS) | FOR(CTL_TOP)},
	{"devid", "I", "which device of the guest (default: its first)", .take = take_devid,
	 .mark = FOR_ONE},
	{"json", NULL, "for programs: one JSON value a line", FLAG(json), .mark = FOR_ALL},
	{"state-dir", "DIR", "where the daemons' sockets are (default: " BALLOON_STATE_DIR ")",
	 .take = take_state_dir, .mark = FOR_ALL},
	COMMAND_LINE_COMMON_ROWS,
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= COMMAND_LINE_ROWS_MAX, "the parser has room");

static void print_help(FILE *out)
{
	fputs("usage: xen-vballoonctl COMMAND [OPTION...]\n"
	      "See and steer the memory balloons of Xen guests. D is a guest's number or name.\n\n",
	      out);
	for (size_t i = 0; i < CTL_COMMANDS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "%s%s", commands[i].name, commands[i].arguments);
		fprintf(out, "  %-22s %s\n", left, commands[i].help);
	}
	fputs("\n", out);
	command_line_help_rows(table, TABLE_ROWS, 22, out);
	fputs("\nSizes are read as xl reads them: a plain number is MiB. See xen-vballoonctl(8).\n",
	      out);
}

static void seen(void *opaque, const struct option_row *row)
{
	struct parsing *parsing = opaque;

	parsing->given |= 1u << (row - table);
}

static int take_command(struct ctl_options *opts, int nr, char **words, char *why, size_t why_size)
{
	if (!nr) {
		snprintf(why, why_size,
			 "a command is missing: list, status, set, auto, stats, unused, top, "
			 "wait, free or upgrade; see --help");
		return -1;
	}
	for (opts->command = CTL_LIST; opts->command < CTL_COMMANDS; opts->command++) {
		if (strcmp(commands[opts->command].name, words[0]) == 0)
			break;
	}
	if (opts->command == CTL_COMMANDS) {
		snprintf(why, why_size,
			 "%s: no such command: give list, status, set, auto, stats, unused, top, "
			 "wait, free or upgrade; see --help",
			 words[0]);
		return -1;
	}
	if (nr - 1 > commands[opts->command].nr_arguments ||
	    nr - 1 < commands[opts->command].nr_arguments - commands[opts->command].optional) {
		snprintf(why, why_size, "usage: xen-vballoonctl %s%s [OPTION...]; see --help",
			 words[0], commands[opts->command].arguments);
		return -1;
	}
	if (opts->command == CTL_FREE && size_parse(words[1], &opts->kib)) {
		snprintf(why, why_size, "%s: " NOT_A_SIZE, words[1]);
		return -1;
	}
	if (nr > 1 && opts->command != CTL_FREE)
		opts->domain = words[1];
	if (opts->command == CTL_SET && (size_parse(words[2], &opts->kib) || !opts->kib)) {
		snprintf(why, why_size, "%s: " NOT_A_SIZE, words[2]);
		return -1;
	}
	return 0;
}

static int check_whole(const struct ctl_options *opts, unsigned int given, char *why,
		       size_t why_size)
{
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		if (given & 1u << i && !(table[i].mark & FOR(opts->command))) {
			snprintf(why, why_size, "--%s: %s takes no such option; see --help",
				 table[i].name, commands[opts->command].name);
			return -1;
		}
	}
	if (opts->timeout_s && !opts->wait && opts->command != CTL_WAIT) {
		snprintf(why, why_size, "--timeout goes with --wait");
		return -1;
	}
	return 0;
}

static int finish(void *opaque, int nr_words, char **words, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	return take_command(&parsing->opts, nr_words, words, why, why_size) ||
			       check_whole(&parsing->opts, parsing->given, why, why_size)
		       ? -1
		       : 0;
}

const struct command_line ctl_command_line = {
	.program = "xen-vballoonctl",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.words = true,
	.negative = NOT_A_SIZE,
	.seen = seen,
	.finish = finish,
};

enum command_line_result ctl_options_parse(struct ctl_options *opts, int argc, char **argv,
					   char *why, size_t why_size)
{
	struct parsing parsing = {
		.opts = {.interval_s = DEFAULT_INTERVAL_S, .state_dir = BALLOON_STATE_DIR},
	};
	enum command_line_result result =
		command_line_parse(&ctl_command_line, &parsing, argc, argv, why, why_size);

	*opts = parsing.opts;
	return result;
}
