/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xen-vballoond: one table gives the parser, --help, and (through a test) what
 * xen-vballoond(8) must list. Parsing has no side effect and prints nothing.
 */
#ifndef BACKEND_OPTIONS_H
#define BACKEND_OPTIONS_H

#include "backend/devices/balloon/bulk-bits.h"
#include "backend/base/command-line.h"
#include "backend/base/log.h"
#include "backend/base/metrics-address.h"

#include <stddef.h>
#include <stdint.h>
#include <xenvirtio/notify-path.h>
#include <xenvirtio/types.h>

struct options {
	uint32_t domid; /* 0: the service for all guests */
	bool devid_given;
	uint32_t devid;
	bool base_given; /* base and irq come from here, not from xenstore */
	struct xenvirtio_gpa base;
	uint32_t irq;
	bool irq_given;
	bool target_given;
	uint64_t target_kib;
	bool mem_set_follow;
	bool automatic; /* choose targets */
	unsigned int auto_low_percent, auto_high_percent;
	uint64_t auto_floor_kib; /* 0: a quarter of static-max */
	bool overcommit;	 /* a lower target is taken whatever the host has free */
	bool deflate_on_oom;
	struct balloon_bits bulk;
	uint32_t stats_interval_s; /* 0: never ask for statistics */
	enum xenvirtio_notify_path notify;
	const char *state_dir;		/* points into argv, or is static */
	struct metrics_address metrics; /* len 0: none */
	const char *record;		/* NULL: do not record */
	enum log_level log_level;
	bool syslog;
};

/**
 * options_parse() - read a command line
 * @opts: out; complete only for COMMAND_LINE_RUN
 * @why:  out; for COMMAND_LINE_WRONG one line that says what is wrong and what to do
 */
enum command_line_result options_parse(struct options *opts, int argc, char **argv, char *why,
				       size_t why_size);
/** options_command_line - for command_line_answer() */
extern const struct command_line options_command_line;

#endif /* BACKEND_OPTIONS_H */
