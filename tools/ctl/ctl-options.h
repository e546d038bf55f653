/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xen-vballoonctl: tables of commands and options give the parser, --help, and
 * (through a test) what the manual page and the completion must list. Parsing prints nothing.
 */
#ifndef TOOLS_CTL_OPTIONS_H
#define TOOLS_CTL_OPTIONS_H

#include "backend/base/command-line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ctl_command {
	CTL_LIST,
	CTL_STATUS,
	CTL_SET,
	CTL_AUTO,
	CTL_STATS,
	CTL_UNUSED,
	CTL_TOP,
	CTL_WAIT,
	CTL_FREE,
	CTL_UPGRADE,
	CTL_COMMANDS,
};

struct ctl_options {
	enum ctl_command command;
	const char *domain; /* a number or a name, as it was given; NULL: upgrade: all */
	uint64_t kib;	    /* set, free */
	bool devid_given;
	uint32_t devid;
	bool force; /* set: below the floor; upgrade: also what is the same */
	bool wait;
	uint32_t timeout_s; /* 0: none */
	bool watch;
	uint32_t interval_s;
	uint32_t count; /* 0: without end */
	bool json;
	const char *state_dir;
};

/**
 * ctl_options_parse() - read a command line; options may stand anywhere in it
 * @opts: out; complete only for COMMAND_LINE_RUN; points into @argv
 * @why:  out; for COMMAND_LINE_WRONG one line that says what is wrong and what to do
 */
enum command_line_result ctl_options_parse(struct ctl_options *opts, int argc, char **argv,
					   char *why, size_t why_size);
/** ctl_command_line - for command_line_answer() */
extern const struct command_line ctl_command_line;

#endif /* TOOLS_CTL_OPTIONS_H */
