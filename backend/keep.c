// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that was started by hand, see backend/service/keeper.h.
 */
#include "config.h"

#include "backend/keep.h"
#include "backend/base/ready-fd.h"
#include "backend/service/keeper-start.h"
#include "backend/service/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/prctl.h>

/** as ps and top show it; a process has 15 characters */
#define KEEPER_NAME "xenvirtio-keep"

/* What a keeper stands on. */
struct keeping {
	int ready_fd; /* of whoever waits; 0: nobody does, or he was told */
	struct log *log;
	struct launcher_exec exec;
};

static int start_kept(void *opaque, struct process *p, int *ready)
{
	const struct keeping *keeping = opaque;

	return keeper_start(&keeping->exec, p, ready);
}

static void tell_waiter(void *opaque)
{
	struct keeping *keeping = opaque;
	int rc = keeping->ready_fd ? ready_fd_tell(keeping->ready_fd) : 0;

	if (rc)
		log_msg(keeping->log, LOG_LEVEL_WARNING, rc, "--ready-fd %d: nobody is told", keeping->ready_fd);
	keeping->ready_fd = 0;
}

enum exit_code keep_device(const struct options *opts, struct log *log, int argc, char **argv, int *signal)
{
	struct keeping keeping = {.ready_fd = opts->ready_fd, .log = log};
	struct launcher launcher;
	const struct keeper_env env = {
		.launcher = &launcher,
		.start = start_kept,
		.ready = tell_waiter,
		.opaque = &keeping,
	};
	enum exit_code code = EXIT_CODE_HOST;
	struct event_base *base = event_base_new();
	struct keeper *k = NULL;

	prctl(PR_SET_NAME, KEEPER_NAME);
	if (!base || launcher_init(&launcher, &keeping.exec, argc, argv, opts->state_dir) || keeper_new(&k, base, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!keeper_ended(k, &code, signal) && event_base_dispatch(base) < 0)
		log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	if (!keeper_ended(k, &code, signal))
		code = EXIT_CODE_HOST;
out:
	keeper_free(k);
	launcher_fini(&keeping.exec);
	if (base)
		event_base_free(base);
	return code;
}
