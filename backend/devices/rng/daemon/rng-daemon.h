/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The entropy device as a device of a daemon: its one struct device_type, its options, its figures.
 */
#ifndef BACKEND_RNG_DAEMON_H
#define BACKEND_RNG_DAEMON_H

#include "backend/device/device-type.h"

struct rng_options {
	struct options common; /* first: rows and processes cast */
	uint64_t rate_kib;     /* the device gives at most so much a second; 0: no limit */
};

struct rng_figures {
	struct figures common; /* first */
	uint64_t requests;     /* since the process started */
	uint64_t given_bytes;  /* by all processes in turn */
	uint64_t waits;	       /* since the process started: for the rate's sake */
};

/** rng_type - the table */
extern const struct device_type rng_type;

/* For the table. */
extern const struct program rng_program;
extern const struct command_line rng_command_line;
void rng_options_default(struct options *opts);
extern const struct figures_type rng_figures_type;

#endif /* BACKEND_RNG_DAEMON_H */
