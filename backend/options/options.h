/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command lines of all daemons have in common: the options every device's daemon has, as
 * rows for the table of the program, and what they say. A device's own options are in a structure
 * of its own that begins with this one, so that one table has both.
 *
 * One table gives the parser, --help, and (through a test) what the manual page must list. Parsing
 * has no side effect and prints nothing.
 */
#ifndef BACKEND_OPTIONS_H
#define BACKEND_OPTIONS_H

#include "backend/base/command-line.h"
#include "backend/base/log.h"
#include "backend/base/metrics-address.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <xenvirtio/notify-path.h>
#include <xenvirtio/types.h>

/** which part of the service for all guests a process is, backend/roles.h */
enum role {
	ROLE_ALL, /* the launcher, which starts the others */
	ROLE_LAUNCH, /* the launcher, which the watcher comes to */
	ROLE_WATCH,
	ROLE_METER,
};

struct options {
	const struct program *program;
	uint32_t domid; /* 0: the service for all guests */
	bool devid_given;
	uint32_t devid;
	bool base_given; /* base and irq come from here, not from xenstore */
	struct xenvirtio_gpa base;
	uint32_t irq;
	bool irq_given;
	enum xenvirtio_notify_path notify;
	const char *state_dir;		/* points into argv, or is static */
	struct metrics_address metrics; /* len 0: none */
	const char *record;		/* NULL: do not record */
	bool sandbox_required;		/* all of a device process's confinement, or no start */
	bool no_sandbox;		/* none of it */
	bool no_restart;		/* somebody else starts another when it dies */
	enum role role;
	int role_fd; /* of a part that the launcher has started: its connection to it; 0: it makes one */
	bool take_over;			/* from the process that serves the device */
	bool self_test;			/* serve nobody: try what it is worth on this host */
	uid_t sandbox_uid;		/* with the domain's number added: whom a device process becomes */
	enum log_level log_level;
	bool syslog;
	int ready_fd; /* 0: nobody waits */
	const char *backend_socket; /* pattern, backend-socket.h; NULL: there is no backend */
	bool backend_socket_given;
	const char *backend_file; /* how the service starts backends; "none": it does not; NULL: as the program has it */
	const char *reads; /* a file of the type's own that its process reads when it knows its guest; NULL: none */
};

/*
 * Rows for the program's table, in the order of its --help. @type: the program's node type,
 * @state_dir: its directory, as literals.
 */
#define OPTIONS_ROWS_DEVICE(type)                                                                  \
	{"domid", "D", "the guest to serve, as xl list shows it (default: all, as a service)",     \
	 .take = options_take_domid},                                                              \
	{"devid", "I", "its device (default: the first of type " type ")",                         \
	 .take = options_take_devid},                                                              \
	{"base", "HEX", "address of the device, instead of looking in xenstore",                   \
	 .take = options_take_base},                                                               \
	{                                                                                          \
		"irq", "N", "interrupt of the device; goes with --base", .take = options_take_irq  \
	}
#define OPTIONS_ROWS_SERVING(state_dir)                                                            \
	{"notify", "PATH",                                                                         \
	 "how the guest's notifications travel: auto (default), eventfd-regs,\n"                   \
	 "                               eventfd, upstream or event-channel",                      \
	 .take = options_take_notify},                                                             \
	{"state-dir", "DIR",                                                                       \
	 "what must survive a crash, and control sockets (default: " state_dir ")",                \
	 .take = options_take_state_dir},                                                          \
	{"metrics", "ADDRESS", "Prometheus metrics: unix:PATH, 127.0.0.1:PORT or none (default)",  \
	 .take = options_take_metrics},                                                            \
	{"ready-fd", "FD|none", "a newline there when it serves, as s6 has it (default: none)",     \
	 .take = options_take_ready_fd},                                                           \
	{"record", "FILE", "append every call to the hypervisor to FILE",                          \
	 .take = options_take_record},                                                             \
	{"sandbox", "MODE",                                                                        \
	 "auto (default): what this host cannot confine is said; require: it does\n"              \
	 "                               not start then",                                          \
	 .take = options_take_sandbox},                                                            \
	{"sandbox-uid", "BASE",                                                                    \
	 "device processes are the user BASE + D (default: 1879048192)",                          \
	 .take = options_take_sandbox_uid},                                                        \
	{"no-sandbox", NULL, "device processes with all rights, to look for faults",               \
	 .flag = offsetof(struct options, no_sandbox)},                                            \
	{"no-restart", NULL, "end when the device process dies: somebody else starts another",         \
	 .flag = offsetof(struct options, no_restart)},                                            \
	{"role", "ROLE",                                                                           \
	 "all (default), or a part of the service in a unit of its own: launch or\n"              \
	 "                               watch",                                                   \
	 .take = options_take_role},                                                               \
	{"take-over", NULL, "of upgrades alone: be ready, and then have the one that serves let go",    \
	 .flag = offsetof(struct options, take_over)},                                             \
	{"self-test-sandbox", NULL, "try what device processes are kept from here, say it, and exit",   \
	 .flag = offsetof(struct options, self_test)},                                            \
	{"log-level", "LEVEL", "error, warning, notice, info or debug (default: notice)",          \
	 .take = options_take_log_level},                                                          \
	{                                                                                          \
		"syslog", NULL, "log to syslog instead of stderr",                                 \
			.flag = offsetof(struct options, syslog)                                   \
	}

/* What the rows do, struct option_row.take. */
int options_take_domid(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_devid(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_base(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_irq(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_notify(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_state_dir(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_metrics(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_ready_fd(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_record(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_sandbox(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_sandbox_uid(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_role(void *opaque, const char *arg, char *why, size_t why_size);
int options_take_log_level(void *opaque, const char *arg, char *why, size_t why_size);

/** options_default() - before a line is parsed; @program is kept */
void options_default(struct options *opts, const struct program *program);
/**
 * options_check() - what these options say together, for struct command_line.finish
 * @of_one: an option of the device's own that is for one guest and was given; NULL
 *
 * Return: 0, or -1 with @why filled in
 */
int options_check(const struct options *opts, const char *of_one, char *why, size_t why_size);

#endif /* BACKEND_OPTIONS_H */
