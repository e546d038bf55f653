// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line. "-5M" looks like an option to getopt; it is told as the size it was meant as.
 */
#include "tools/ctl-options.h"
#include "backend/size.h"
#include "backend/state-dir.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400u
#define DEFAULT_INTERVAL_S 2u

enum option_id {
	OPTION_WAIT = 256,
	OPTION_TIMEOUT,
	OPTION_WATCH,
	OPTION_INTERVAL,
	OPTION_COUNT,
	OPTION_DEVID,
	OPTION_JSON,
	OPTION_STATE_DIR,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct {
	const char *name;
	const char *arguments;
	int nr_arguments;
	const char *help;
} commands[CTL_COMMANDS] = {
	[CTL_LIST] = {"list", "", 0, "all guests that are served"},
	[CTL_STATUS] = {"status", " D", 1, "one guest's balloon"},
	[CTL_SET] = {"set", " D SIZE", 2, "the memory the guest shall have: 256M, 1G"},
	[CTL_AUTO] = {"auto", " D", 1, "let --auto choose again, after a set"},
	[CTL_STATS] = {"stats", " D", 1, "the guest's statistics, fresh"},
	[CTL_UNUSED] = {"unused", " D", 1, "how much memory the guest does not use"},
	[CTL_TOP] = {"top", "", 0, "all guests, again and again"},
};

#define FOR(command) (1u << (command))
#define FOR_ALL ((1u << CTL_COMMANDS) - 1)
#define FOR_ONE                                                                                     \
	(FOR(CTL_STATUS) | FOR(CTL_SET) | FOR(CTL_AUTO) | FOR(CTL_STATS) | FOR(CTL_UNUSED))

static const struct {
	enum option_id id;
	const char *name;
	const char *argument;
	unsigned int commands;
	const char *help;
} table[] = {
	{OPTION_WAIT, "wait", NULL, FOR(CTL_SET), "set: until the size is reached, with progress"},
	{OPTION_TIMEOUT, "timeout", "SECONDS", FOR(CTL_SET), "set --wait: give up after that time"},
	{OPTION_WATCH, "watch", NULL, FOR(CTL_STATS), "stats: again and again"},
	{OPTION_INTERVAL, "interval", "SECONDS", FOR(CTL_STATS) | FOR(CTL_TOP),
	 "stats --watch, top: so often (default: 2)"},
	{OPTION_COUNT, "count", "N", FOR(CTL_STATS) | FOR(CTL_TOP),
	 "stats --watch, top: end after so many times"},
	{OPTION_DEVID, "devid", "I", FOR_ONE, "which device of the guest (default: its first)"},
	{OPTION_JSON, "json", NULL, FOR_ALL, "for programs: one JSON value a line"},
	{OPTION_STATE_DIR, "state-dir", "DIR", FOR_ALL,
	 "where the daemons' sockets are (default: " DEFAULT_STATE_DIR ")"},
	{OPTION_VERSION, "version", NULL, FOR_ALL, "print the version and exit"},
	{OPTION_HELP, "help", NULL, FOR_ALL, "print this and exit"},
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

void ctl_options_help(FILE *out)
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
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", table[i].name,
			 table[i].argument ? "=" : "", table[i].argument ? table[i].argument : "");
		fprintf(out, "  %-22s %s\n", left, table[i].help);
	}
	fputs("\nSizes are read as xl reads them: a plain number is MiB. See xen-vballoonctl(8).\n",
	      out);
}

static int parse_u32(const char *text, uint32_t max, uint32_t *value)
{
	unsigned long long v;

	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	errno = 0;
	v = strtoull(text, NULL, 10);
	if (errno || v > max)
		return -ERANGE;
	*value = (uint32_t)v;
	return 0;
}

/* 0, or -1 with @why filled in. */
static int take_number(const char *name, const char *arg, uint32_t min, uint32_t max,
		       uint32_t *value, char *why, size_t why_size)
{
	if (!parse_u32(arg, max, value) && *value >= min)
		return 0;
	snprintf(why, why_size, "--%s %s: give a number, %u to %u", name, arg, min, max);
	return -1;
}

static int take_option(struct ctl_options *opts, int id, const char *arg, char *why,
		       size_t why_size)
{
	switch (id) {
	case OPTION_WAIT:
		opts->wait = true;
		return 0;
	case OPTION_TIMEOUT:
		return take_number("timeout", arg, 1, SECONDS_MAX, &opts->timeout_s, why, why_size);
	case OPTION_WATCH:
		opts->watch = true;
		return 0;
	case OPTION_INTERVAL:
		return take_number("interval", arg, 1, SECONDS_MAX, &opts->interval_s, why,
				   why_size);
	case OPTION_COUNT:
		return take_number("count", arg, 1, UINT32_MAX, &opts->count, why, why_size);
	case OPTION_DEVID:
		opts->devid_given = true;
		return take_number("devid", arg, 0, UINT16_MAX, &opts->devid, why, why_size);
	case OPTION_STATE_DIR:
		if (arg[0] != '/') {
			snprintf(why, why_size, "--state-dir %s: give an absolute path", arg);
			return -1;
		}
		opts->state_dir = arg;
		return 0;
	default: /* OPTION_JSON, the only one left */
		opts->json = true;
		return 0;
	}
}

static int wrong_size(const char *text, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: not a size: give a number above 0 and K, M or G, such as 256M",
		 text);
	return -1;
}

static int take_command(struct ctl_options *opts, int nr, char **words, char *why, size_t why_size)
{
	if (!nr) {
		snprintf(why, why_size,
			 "a command is missing: list, status, set, auto, stats, unused or top; "
			 "see --help");
		return -1;
	}
	for (opts->command = CTL_LIST; opts->command < CTL_COMMANDS; opts->command++) {
		if (strcmp(commands[opts->command].name, words[0]) == 0)
			break;
	}
	if (opts->command == CTL_COMMANDS) {
		snprintf(why, why_size,
			 "%s: no such command: give list, status, set, auto, stats, unused or top; "
			 "see --help",
			 words[0]);
		return -1;
	}
	if (nr - 1 != commands[opts->command].nr_arguments) {
		snprintf(why, why_size, "usage: xen-vballoonctl %s%s [OPTION...]; see --help",
			 words[0], commands[opts->command].arguments);
		return -1;
	}
	if (nr > 1)
		opts->domain = words[1];
	if (opts->command == CTL_SET && (size_parse(words[2], &opts->kib) || !opts->kib))
		return wrong_size(words[2], why, why_size);
	return 0;
}

static int check_whole(const struct ctl_options *opts, const bool *given, char *why,
		       size_t why_size)
{
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		if (given[i] && !(table[i].commands & FOR(opts->command))) {
			snprintf(why, why_size, "--%s: %s takes no such option; see --help",
				 table[i].name, commands[opts->command].name);
			return -1;
		}
	}
	if (opts->timeout_s && !opts->wait) {
		snprintf(why, why_size, "--timeout goes with --wait");
		return -1;
	}
	return 0;
}

static void unknown_option(const char *word, char *why, size_t why_size)
{
	/* the word getopt stopped at, or the one behind it */
	if (optopt >= OPTION_WAIT)
		snprintf(why, why_size, "%s takes no value, see --help", word);
	else if (optopt >= '0' && optopt <= '9')
		wrong_size(word, why, why_size);
	else if (optopt)
		snprintf(why, why_size, "-%c: unknown option, see --help", optopt);
	else
		snprintf(why, why_size, "%s: unknown option, see --help", word);
}

enum ctl_options_result ctl_options_parse(struct ctl_options *opts, int argc, char **argv,
					  char *why, size_t why_size)
{
	struct option longs[TABLE_ROWS + 1] = {0};
	bool given[TABLE_ROWS] = {0};

	for (size_t i = 0; i < TABLE_ROWS; i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].argument ? required_argument : no_argument;
		longs[i].val = table[i].id;
	}
	*opts = (struct ctl_options){
		.interval_s = DEFAULT_INTERVAL_S,
		.state_dir = DEFAULT_STATE_DIR,
	};
	optind = 0; /* glibc: start over, whatever was parsed before */
	opterr = 0;
	for (;;) {
		/* a short option leaves optind at its own word */
		int before = optind ? optind : 1;
		int id = getopt_long(argc, argv, ":", longs, NULL);

		switch (id) {
		case -1:
			if (take_command(opts, argc - optind, argv + optind, why, why_size) ||
			    check_whole(opts, given, why, why_size))
				return CTL_OPTIONS_WRONG;
			return CTL_OPTIONS_RUN;
		case OPTION_HELP:
			return CTL_OPTIONS_HELP;
		case OPTION_VERSION:
			return CTL_OPTIONS_VERSION;
		case ':':
			snprintf(why, why_size, "%s needs a value, see --help", argv[optind - 1]);
			return CTL_OPTIONS_WRONG;
		case '?':
			while (before + 1 < argc && argv[before][0] != '-')
				before++;
			unknown_option(argv[before], why, why_size);
			return CTL_OPTIONS_WRONG;
		default:
			given[id - OPTION_WAIT] = true;
			if (take_option(opts, id, optarg, why, why_size))
				return CTL_OPTIONS_WRONG;
		}
	}
}
