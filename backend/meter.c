// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service's metrics, in a process that has nothing but their listener, the control sockets of devices, and one question to the
 * launcher.
 */
#include "config.h"

#include "backend/base/access.h"
#include "backend/metrics/metrics-collect.h"
#include "backend/metrics/metrics.h"
#include "backend/roles.h"
#include "backend/service/launch-client.h"
#include "backend/service/role-start.h"
#include "backend/service/role-world.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

struct meter {
	int sock;
	struct launch_client launcher;
};

static int ask_or_end(void *opaque, const struct launch_request *req, struct launch_answer *answer, int *fd)
{
	struct meter *m = opaque;

	if (launch_exchange_socket(&m->sock, req, answer, fd))
		_exit(EXIT_CODE_HOST);
	return 0;
}

static int read_host_free(void *opaque, uint64_t *kib)
{
	struct meter *m = opaque;

	return launch_client_host_free(&m->launcher, kib);
}

static void on_launcher_gone(evutil_socket_t sock, short what, void *opaque)
{
	_exit(EXIT_CODE_HOST);
}

static int leave_rights(const struct options *opts, struct log *log, struct role_world *world)
{
	static const char *dirs[1];

	dirs[0] = opts->state_dir;
	*world = (struct role_world){
		.name = "process of the metrics",
		.dirs = dirs,
		.nr_dirs = 1,
		.group = access_group(opts->program->group),
		.required = opts->sandbox_required,
		.log = log,
	};
	/* the number of no guest's; without a group it is let in to control sockets as root alone */
	world->uid = world->group == ACCESS_NO_GROUP ? 0 : opts->sandbox_uid;
	return role_world_enter(world);
}

/* Return: 0; -errno, told */
static int start(struct meter *m, const struct device_type *type, const struct options *opts, struct log *log, struct event_base *base)
{
	static struct metrics *metrics;
	struct doors doors = {.metrics = launch_client_listener(&m->launcher, LAUNCH_LISTENER_METRICS)};
	struct event *lost = event_new(base, m->sock, EV_READ, on_launcher_gone, m);
	struct metrics_collect *collect = NULL;
	struct metrics_config cfg = {
		.base = base,
		.log = log,
		.address = &opts->metrics,
		.group = opts->program->group,
		.doors = &doors,
		.figures = type->figures_type,
		.collect = metrics_collect_run,
		.host_free = read_host_free,
		.host_opaque = m,
	};
	int rc = doors.metrics < 0 ? doors.metrics : lost ? event_add(lost, NULL) : -ENOMEM;

	if (!rc)
		rc = metrics_collect_new(&collect, base, type->figures_type, opts->state_dir, 0);
	cfg.opaque = collect;
	if (!rc)
		rc = metrics_open(&metrics, &cfg);
	if (rc)
		log_msg(log, LOG_LEVEL_WARNING, rc, "no metrics are served: --metrics");
	return rc;
}

enum exit_code meter_all(const struct device_type *type, const struct options *opts, struct log *log)
{
	struct meter m = {.sock = opts->role_fd};
	struct role_world world = {0};
	struct event_base *base;

	prctl(PR_SET_NAME, METER_NAME);
	if (launch_client_open(&m.launcher, ask_or_end, &m, opts->state_dir))
		return EXIT_CODE_HOST;
	if (!opts->no_sandbox && leave_rights(opts, log, &world))
		return EXIT_CODE_NO_XEN;
	if (!opts->no_sandbox && xenvirtio_confine_limits(false))
		log_msg(log, LOG_LEVEL_WARNING, 0, "the process of the metrics: it is not limited");
	base = event_base_new();
	if (!base || start(&m, type, opts, log, base))
		return EXIT_CODE_HOST;
	if (!opts->no_sandbox && role_world_seal(&world, false))
		return EXIT_CODE_NO_XEN;
	role_hear();
	/* it ends with its launcher, and by a signal */
	event_base_dispatch(base);
	return EXIT_CODE_HOST;
}
