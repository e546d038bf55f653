/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xen-vballoonctl: tables of commands and options give the parser, --help, and
 * (through a test) what the manual page and the completion must list. Parsing prints nothing.
 */
#ifndef TOOLS_CTL_OPTIONS_H
#define TOOLS_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ctl_command {
	CTL_LIST,
	CTL_STATUS,
	CTL_SET,
	CTL_AUTO,
	CTL_STATS,
	CTL_UNUSED,
	CTL_TOP,
	CTL_COMMANDS,
};

struct ctl_options {
	enum ctl_command command;
	const char *domain; /* a number or a name, as it was given */
	uint64_t kib;	    /* set */
	bool devid_given;
	uint32_t devid;
	bool wait;
	uint32_t timeout_s; /* 0: none */
	bool watch;
	uint32_t interval_s;
	uint32_t count; /* 0: without end */
	bool json;
	const char *state_dir;
};

enum ctl_options_result {
	CTL_OPTIONS_RUN,
	CTL_OPTIONS_HELP,
	CTL_OPTIONS_VERSION,
	CTL_OPTIONS_WRONG,
};

/**
 * ctl_options_parse() - read a command line; options may stand anywhere in it
 * @opts: out; complete only for CTL_OPTIONS_RUN; points into @argv
 * @why:  out; for CTL_OPTIONS_WRONG one line that says what is wrong and what to do
 */
enum ctl_options_result ctl_options_parse(struct ctl_options *opts, int argc, char **argv,
					  char *why, size_t why_size);
/** ctl_options_help() - what --help prints */
void ctl_options_help(FILE *out);

#endif /* TOOLS_CTL_OPTIONS_H */
