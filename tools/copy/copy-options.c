// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xenvirtio-copy, read strictly.
 */
#include "tools/copy/copy-options.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <stddef.h>
#include <string.h>

static int take_devid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct copy_options *opts = opaque;

	opts->devid_given = true;
	return command_line_take_u32("devid", arg, 0, UINT16_MAX, &opts->devid, why, why_size);
}

static int take_state_dir(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct copy_options *opts = opaque;

	return command_line_take_directory("state-dir", arg, &opts->state_dir, why, why_size);
}

#define FLAG(field) .flag = offsetof(struct copy_options, field)

static const struct option_row table[] = {
	{"no-skip", NULL, "copy unused pages too: needs no daemon", FLAG(no_skip)},
	{"checksums", NULL, "note checksums of what is left out, for --verify", FLAG(checksums)},
	{"verify", NULL, "compare FILE with the paused guest, and append what differs",
	 FLAG(verify)},
	{"devid", "I", "which device of the guest (default: its first)", .take = take_devid},
	{"json", NULL, "for programs: the result as one line of JSON", FLAG(json)},
	{"state-dir", "DIR", "where the daemons' sockets are (default: " BALLOON_STATE_DIR ")",
	 .take = take_state_dir},
	COMMAND_LINE_COMMON_ROWS,
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= COMMAND_LINE_ROWS_MAX, "the parser has room");

static void print_help(FILE *out)
{
	fputs("usage: xenvirtio-copy D FILE|- [OPTION...]\n"
	      "Copy a running guest's memory, as the first round of a migration does, without its\n"
	      "unused pages. D is a guest's number or name; - is standard output.\n\n",
	      out);
	command_line_help_rows(table, TABLE_ROWS, 22, out);
	fputs("\nSee xenvirtio-copy(8).\n", out);
}

static int wrong(const char *text, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s; see --help", text);
	return -1;
}

static int check_whole(void *opaque, int nr, char **words, char *why, size_t why_size)
{
	struct copy_options *opts = opaque;

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
	return 0;
}

const struct command_line copy_command_line = {
	.program = "xenvirtio-copy",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.words = true,
	.finish = check_whole,
};

enum command_line_result copy_options_parse(struct copy_options *opts, int argc, char **argv,
					    char *why, size_t why_size)
{
	*opts = (struct copy_options){.state_dir = BALLOON_STATE_DIR};
	return command_line_parse(&copy_command_line, opts, argc, argv, why, why_size);
}
