/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xenvirtio-copy: one table gives the parser, --help, and (through a test) what
 * the manual page and the completion must list. Parsing prints nothing.
 */
#ifndef TOOLS_COPY_OPTIONS_H
#define TOOLS_COPY_OPTIONS_H

#include "backend/base/command-line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copy_options {
	const char *domain; /* a number or a name, as it was given */
	const char *file;   /* "-": standard output */
	bool no_skip;
	bool checksums;
	bool verify;
	bool json;
	bool devid_given;
	uint32_t devid;
	const char *state_dir;
};

/**
 * copy_options_parse() - read a command line; options may stand anywhere in it
 * @opts: out; complete only for COMMAND_LINE_RUN; points into @argv
 * @why:  out; for COMMAND_LINE_WRONG one line that says what is wrong and what to do
 */
enum command_line_result copy_options_parse(struct copy_options *opts, int argc, char **argv,
					    char *why, size_t why_size);
/** copy_command_line - for command_line_answer() */
extern const struct command_line copy_command_line;

#endif /* TOOLS_COPY_OPTIONS_H */
