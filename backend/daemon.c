// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A daemon of one device type: command line in, exit code out.
 */
#include "config.h"

#include "backend/daemon.h"
#include "backend/base/ready-fd.h"
#include "backend/confined.h"
#include "backend/keep.h"
#include "backend/process/device-process.h"
#include "backend/roles.h"
#include "backend/self-test.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int open_xen_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return xenvirtio_hv_open_xen(hv, domid, log->xtl);
}

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

/* Of whoever waits with --ready-fd. */
struct waiter {
	int fd; /* 0: nobody does */
	struct log *log;
};

static void tell_waiter(void *opaque)
{
	struct waiter *waiter = opaque;
	int rc = waiter->fd ? ready_fd_tell(waiter->fd) : 0;

	if (rc)
		log_msg(waiter->log, LOG_LEVEL_WARNING, rc, "--ready-fd %d: nobody is told",
			waiter->fd);
	waiter->fd = 0;
}

static enum exit_code serve(const struct device_type *type, const struct options *opts,
			    struct log *log, const struct device_process_env *world)
{
	struct waiter waiter = {.fd = opts->ready_fd, .log = log};
	struct device_process_env env = *world;
	enum exit_code code = EXIT_CODE_HOST;
	struct device_process *dp = NULL;
	struct event_base *base;

	env.ready = tell_waiter;
	env.ready_opaque = &waiter;
	base = event_base_new();
	if (!base || device_process_new(&dp, base, type, opts, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!device_process_ended(dp, &code) && event_base_dispatch(base) < 0)
		log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	if (!device_process_ended(dp, &code))
		code = EXIT_CODE_HOST;
out:
	device_process_free(dp);
	if (base)
		event_base_free(base);
	return code;
}

static enum exit_code serve_one(const struct device_type *type, const struct options *opts, struct log *log, int argc, char **argv,
				int *signal)
{
	const struct device_process_env env = {
		.open_hv = open_xen_hv,
		.open_store = open_xen_store,
		.unconfined = "anything: --no-sandbox",
	};

	if (!opts->no_sandbox && !opts->no_restart)
		return keep_device(opts, log, argc, argv, signal);
	if (!opts->no_sandbox)
		return confined_serve(type, opts, log, serve, signal);
	log_msg(log, LOG_LEVEL_WARNING, 0,
		"--no-sandbox: a fault in this process is one in dom0, with all that it may do");
	return serve(type, opts, log, &env);
}

/* What whoever started this process left open, a directory perhaps, is nothing for a device process to hold. */
static void close_inherited(const struct options *opts)
{
	unsigned int ready = opts->ready_fd ? (unsigned int)opts->ready_fd : STDERR_FILENO;

	if (ready > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, ready - 1, 0);
	close_range(ready + 1, ~0u, 0);
}

/* The service for all guests, or a part of it. */
static enum exit_code serve_guests(const struct device_type *type, const struct options *opts, struct log *log, int argc, char **argv)
{
	switch (opts->role) {
	case ROLE_WATCH:
		return watch_all(type, opts, log);
	case ROLE_METER:
		return meter_all(type, opts, log);
	default:
		return serve_all(type, opts, log, argc, argv);
	}
}

int daemon_main(const struct device_type *type, int argc, char **argv)
{
	struct options *opts = calloc(1, type->options_bytes);
	enum command_line_result line;
	enum exit_code code;
	struct log log;
	char why[256];
	int answer, end_signal = 0;
	bool confined;

	if (!opts) {
		fprintf(stderr, "%s: out of memory\n", type->program->name);
		return EXIT_CODE_HOST;
	}
	type->options_default(opts);
	line = command_line_parse(type->command_line, opts, argc, argv, why, sizeof(why));
	answer = command_line_answer(type->command_line, line, why);
	if (answer >= 0) {
		free(opts);
		return answer;
	}
	if (opts->ready_fd)
		ready_fd_hide(opts->ready_fd);
	if ((opts->domid && !opts->no_sandbox) || opts->self_test)
		close_inherited(opts);
	/* a peer that went away is an answer of write(), not a death */
	signal(SIGPIPE, SIG_IGN);
	/* whoever started it may have ignored it, and then nobody learns how a child ended */
	signal(SIGCHLD, SIG_DFL);
	if (log_open(&log, opts->program, opts->log_level, opts->syslog)) {
		fprintf(stderr, "%s: out of memory\n", type->program->name);
		free(opts);
		return EXIT_CODE_HOST;
	}
	/* the supervisor starts /proc/self/exe, which ps would show as "exe" */
	prctl(PR_SET_NAME, type->program->name);
	if (opts->self_test)
		code = self_test(opts, &log, stdout);
	else
		code = opts->domid ? serve_one(type, opts, &log, argc, argv, &end_signal) : serve_guests(type, opts, &log, argc, argv);
	log_close(&log);
	confined = opts->role == ROLE_WATCH || opts->role == ROLE_METER;
	free(opts);
	/* what libraries do at exit, a sanitizer's above all, looks for files that are not in its root */
	if (confined)
		_exit(code);
	/* as the device ended: whoever waits for this process learns of it */
	if (end_signal) {
		signal(end_signal, SIG_DFL);
		raise(end_signal);
	}
	return code;
}
