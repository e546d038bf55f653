/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xen-vballoond: the options of every daemon (options.h), and the balloon's.
 */
#ifndef BACKEND_BALLOON_OPTIONS_H
#define BACKEND_BALLOON_OPTIONS_H

#include "backend/devices/balloon/bulk-bits.h"
#include "backend/options/options.h"

struct balloon_options {
	struct options common; /* first: rows and processes cast */
	bool target_given;
	uint64_t target_kib;
	bool force; /* it may be below the floor */
	bool mem_set_follow;
	bool automatic; /* choose targets */
	bool steered;	/* somebody does: this process, or the service that started it */
	uint32_t auto_interval_ms;
	unsigned int auto_low_percent, auto_high_percent;
	const char *guests; /* the file of their limits; NULL: none */
	uint64_t auto_floor_kib; /* 0: a quarter of static-max */
	bool overcommit;	 /* a lower target is taken whatever the host has free */
	bool deflate_on_oom;
	struct balloon_bits bulk;
	uint32_t stats_interval_s; /* 0: never ask for statistics */
	/* not on the command line, for tests: how long a guest may take to say what is unused */
	unsigned int unused_ms; /* 0: 8 s */
};

/** balloon_command_line - for command_line_parse() into a struct balloon_options */
extern const struct command_line balloon_command_line;
/** balloon_options_sample_ms() - how often a guest is asked for statistics; 0: never */
unsigned int balloon_options_sample_ms(const struct balloon_options *opts);
/** balloon_options_default() - @opts is the first part of a struct balloon_options */
void balloon_options_default(struct options *opts);

#endif /* BACKEND_BALLOON_OPTIONS_H */
