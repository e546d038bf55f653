// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xenvirtio-copy, read strictly.
 */
#include "tools/copy-options.h"
#include "backend/state-dir.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
	OPTION_NO_SKIP = 256,
	OPTION_CHECKSUMS,
	OPTION_VERIFY,
	OPTION_DEVID,
	OPTION_JSON,
	OPTION_STATE_DIR,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct {
	enum option_id id;
	const char *name;
	const char *argument;
	const char *help;
} table[] = {
	{OPTION_NO_SKIP, "no-skip", NULL, "copy unused pages too: needs no daemon"},
	{OPTION_CHECKSUMS, "checksums", NULL, "note checksums of what is left out, for --verify"},
	{OPTION_VERIFY, "verify", NULL,
	 "compare FILE with the paused guest, and append what differs"},
	{OPTION_DEVID, "devid", "I", "which device of the guest (default: its first)"},
	{OPTION_JSON, "json", NULL, "for programs: the result as one line of JSON"},
	{OPTION_STATE_DIR, "state-dir", "DIR",
	 "where the daemons' sockets are (default: " DEFAULT_STATE_DIR ")"},
	{OPTION_VERSION, "version", NULL, "print the version and exit"},
	{OPTION_HELP, "help", NULL, "print this and exit"},
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

void copy_options_help(FILE *out)
{
	fputs("usage: xenvirtio-copy D FILE|- [OPTION...]\n"
	      "Copy a running guest's memory, as the first round of a migration does, without its\n"
	      "unused pages. D is a guest's number or name; - is standard output.\n\n",
	      out);
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", table[i].name,
			 table[i].argument ? "=" : "", table[i].argument ? table[i].argument : "");
		fprintf(out, "  %-22s %s\n", left, table[i].help);
	}
	fputs("\nSee xenvirtio-copy(8).\n", out);
}

static int take_devid(struct copy_options *opts, const char *arg, char *why, size_t why_size)
{
	opts->devid_given = true;
	if (*arg && strlen(arg) <= 5 && !arg[strspn(arg, "0123456789")] &&
	    strtoul(arg, NULL, 10) <= UINT16_MAX) {
		opts->devid = (uint32_t)strtoul(arg, NULL, 10);
		return 0;
	}
	snprintf(why, why_size, "--devid %s: give a number, 0 to 65535", arg);
	return -1;
}

/* 0, or -1 with @why filled in. */
static int take_option(struct copy_options *opts, int id, const char *arg, char *why,
		       size_t why_size)
{
	switch (id) {
	case OPTION_NO_SKIP:
		opts->no_skip = true;
		return 0;
	case OPTION_CHECKSUMS:
		opts->checksums = true;
		return 0;
	case OPTION_VERIFY:
		opts->verify = true;
		return 0;
	case OPTION_DEVID:
		return take_devid(opts, arg, why, why_size);
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

static enum copy_options_result wrong(const char *text, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s; see --help", text);
	return COPY_OPTIONS_WRONG;
}

static enum copy_options_result check_whole(struct copy_options *opts, int nr, char **words,
					    char *why, size_t why_size)
{
	if (nr != 2)
		return wrong("usage: xenvirtio-copy D FILE|- [OPTION...]", why, why_size);
	opts->domain = words[0];
	opts->file = words[1];
	if (!*opts->domain || !*opts->file)
		return wrong("the guest or the file is empty", why, why_size);
	if (opts->verify && (opts->no_skip || opts->checksums))
		return wrong("--verify goes without --no-skip and --checksums", why, why_size);
	if (opts->no_skip && opts->checksums)
		return wrong("--checksums are of what --no-skip does not leave out", why, why_size);
	if (opts->verify && strcmp(opts->file, "-") == 0)
		return wrong("--verify needs a FILE that can be read", why, why_size);
	return COPY_OPTIONS_RUN;
}

enum copy_options_result copy_options_parse(struct copy_options *opts, int argc, char **argv,
					    char *why, size_t why_size)
{
	struct option longs[TABLE_ROWS + 1] = {0};

	for (size_t i = 0; i < TABLE_ROWS; i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].argument ? required_argument : no_argument;
		longs[i].val = table[i].id;
	}
	*opts = (struct copy_options){.state_dir = DEFAULT_STATE_DIR};
	optind = 0; /* glibc: start over, whatever was parsed before */
	opterr = 0;
	for (;;) {
		int id = getopt_long(argc, argv, ":", longs, NULL);

		switch (id) {
		case -1:
			return check_whole(opts, argc - optind, argv + optind, why, why_size);
		case OPTION_HELP:
			return COPY_OPTIONS_HELP;
		case OPTION_VERSION:
			return COPY_OPTIONS_VERSION;
		case ':':
			snprintf(why, why_size, "%s needs a value, see --help", argv[optind - 1]);
			return COPY_OPTIONS_WRONG;
		case '?':
			snprintf(why, why_size, "%s: unknown option, see --help",
				 argv[optind > 1 ? optind - 1 : 1]);
			return COPY_OPTIONS_WRONG;
		default:
			if (take_option(opts, id, optarg, why, why_size))
				return COPY_OPTIONS_WRONG;
		}
	}
}
