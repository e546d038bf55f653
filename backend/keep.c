// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that was started by hand, see backend/service/keeper.h.
 */
#include "config.h"

#include "backend/keep.h"
#include "backend/base/ready-fd.h"
#include "backend/base/upgrade-words.h"
#include "backend/service/keeper-start.h"
#include "backend/service/keeper.h"
#include "backend/service/upgrade-door.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/prctl.h>

/* What a keeper stands on. */
struct keeping {
	int ready_fd; /* of whoever waits; 0: nobody does, or he was told */
	struct log *log;
	struct launcher_exec exec;
	uint32_t domid, devid;
	struct keeper *k;
	struct event_base *base;
	const struct options *opts;
	struct upgrade_door *door; /* NULL: none yet, or it cannot be opened */
};

static int start_kept(void *opaque, unsigned int flags, struct process *p, int *ready)
{
	const struct keeping *keeping = opaque;

	return keeper_start(&keeping->exec, flags, p, ready);
}

/* Which of a guest's devices is its keeper's, who asks need not know. */
static int begin_upgrade(void *opaque, const struct upgrade_wish *wish, const struct upgrade_listener *listener)
{
	struct keeping *keeping = opaque;

	if (wish->domid && wish->domid != keeping->domid)
		return -EINVAL;
	return keeper_upgrade(keeping->k, keeping->domid, keeping->devid, wish->force, listener);
}

/* Its device is served also where it cannot be opened. */
static struct upgrade_door *open_door(struct keeping *keeping)
{
	const struct options *opts = keeping->opts;
	char name[32];
	const struct upgrade_door_config cfg = {
		.base = keeping->base,
		.log = keeping->log,
		.dir = opts->state_dir,
		.name = name,
		.group = opts->program->group,
		.begin = begin_upgrade,
		.opaque = keeping,
	};
	struct upgrade_door *door = NULL;
	int rc;

	if (opts->devid_given)
		snprintf(name, sizeof(name), "%" PRIu32 "-%" PRIu32 UPGRADE_SUFFIX, opts->domid, opts->devid);
	else
		snprintf(name, sizeof(name), "%" PRIu32 UPGRADE_SUFFIX, opts->domid);
	rc = upgrade_door_open(&door, &cfg);
	if (rc)
		log_msg(keeping->log, LOG_LEVEL_WARNING, rc, "no upgrades: cannot listen at %s/%s", opts->state_dir, name);
	return door;
}

/* Once its device is served: a child that cannot has said why, and that is enough. */
static void on_ready(void *opaque)
{
	struct keeping *keeping = opaque;
	int rc;

	keeping->door = open_door(keeping);
	rc = keeping->ready_fd ? ready_fd_tell(keeping->ready_fd) : 0;
	if (rc)
		log_msg(keeping->log, LOG_LEVEL_WARNING, rc, "--ready-fd %d: nobody is told", keeping->ready_fd);
	keeping->ready_fd = 0;
}

enum exit_code keep_device(const struct options *opts, struct log *log, int argc, char **argv, int *signal)
{
	struct keeping keeping = {.ready_fd = opts->ready_fd, .log = log, .domid = opts->domid, .devid = opts->devid, .opts = opts};
	struct launcher launcher;
	const struct keeper_env env = {
		.launcher = &launcher,
		.start = start_kept,
		.ready = on_ready,
		.no_upgrade = opts->metrics.len ? "it serves --metrics itself, at an address that another cannot have before it ends: end the "
						  "keeper and start it again: the guest waits meanwhile" :
						  NULL,
		.opaque = &keeping,
	};
	enum exit_code code = EXIT_CODE_HOST;
	struct event_base *base = event_base_new();

	keeping.base = base;
	prctl(PR_SET_NAME, LAUNCHER_KEEPER_NAME);
	if (!base || launcher_init(&launcher, &keeping.exec, argc, argv, opts->state_dir) || keeper_new(&keeping.k, base, log, &env)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		goto out;
	}
	if (!keeper_ended(keeping.k, &code, signal) && event_base_dispatch(base) < 0)
		log_msg(log, LOG_LEVEL_ERROR, 0, "the event loop failed");
	if (!keeper_ended(keeping.k, &code, signal))
		code = EXIT_CODE_HOST;
out:
	keeper_free(keeping.k);
	upgrade_door_close(keeping.door);
	launcher_fini(&keeping.exec);
	if (base)
		event_base_free(base);
	return code;
}
